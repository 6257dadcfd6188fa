//! What an operator is told about a tenant that failed.

use assembly::tenant_failure;
use directory::{ErrorClass, ReadError};
use domain::{run::TenantFailure, scope::InvalidScope};

/// The failure of a tenant that this run does not try to read again.
pub(crate) fn unread(error: &ReadError) -> TenantFailure {
    let failure = tenant_failure(error);
    match error.class() {
        // Of these the operator is told that they are repeated by themselves: here they were, in vain.
        ErrorClass::ExpiredPage | ErrorClass::Throttled { .. } | ErrorClass::Transient => {
            let message = format!(
                "{} It was tried several times, then this run gave up on the tenant. What was applied before \
                 is complete and stays; nobody was marked inactive because of it.",
                first_sentence(&failure.message)
            );
            let remedy = match failure.remedy.strip_prefix("Nothing, unless it persists: ") {
                Some(advice) => format!("Run the sync again later. If it fails again, {advice}"),
                None => "Run the sync again later.".to_owned(),
            };
            TenantFailure { message, remedy, ..failure }
        }
        _ => failure,
    }
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

pub(crate) fn state_unreadable() -> TenantFailure {
    TenantFailure {
        code: "tenant_state_unreadable".to_owned(),
        message: "What is stored about this tenant's syncs has a form that this version does not know: a newer \
                  version or something else has written it. The tenant was not read, and its contacts stay as they \
                  are."
            .to_owned(),
        remedy: "Install the version that was there before, or correct the item in the table; the next sync looks \
                 again. If nobody has changed either, report it to the product's support."
            .to_owned(),
        diagnostics: None,
    }
}

pub(crate) fn gave_up(attempts: u32) -> TenantFailure {
    TenantFailure {
        code: "gave_up".to_owned(),
        message: format!(
            "The tenant was taken up {attempts} times in this run without coming further. What was applied \
             before is complete and stays; nobody was marked inactive because of it."
        ),
        remedy: "Run the sync again. If it stops here again, look at the worker's log for this run."
            .to_owned(),
        diagnostics: None,
    }
}

pub(crate) fn mapping_changed() -> TenantFailure {
    TenantFailure {
        code: "mapping_changed".to_owned(),
        message:
            "The tenant was mapped to another client, or to none, while the run was going on, so no more \
             of it was applied. What was applied before stays at the client it was mapped to."
                .to_owned(),
        remedy: "Run the sync again: it follows the present mapping.".to_owned(),
        diagnostics: None,
    }
}

pub(crate) fn never_synced() -> TenantFailure {
    TenantFailure {
        code: "never_synced".to_owned(),
        message: "The tenant has never been synced as a whole, so it is not known how much is too much for \
                  it. Nothing was changed."
            .to_owned(),
        remedy: "Sync the tenant or its client first; a preview of one person is possible before.".to_owned(),
        diagnostics: None,
    }
}

pub(crate) fn unknown_person() -> TenantFailure {
    TenantFailure {
        code: "unknown_person".to_owned(),
        message:
            "Microsoft has no such user in this tenant, and nobody with that id is linked. Contacts stay \
                  as they are."
                .to_owned(),
        remedy: "Look for the person's object id in the Entra admin center.".to_owned(),
        diagnostics: None,
    }
}

pub(crate) fn damaged_plan() -> TenantFailure {
    TenantFailure {
        code: "plan_changed".to_owned(),
        message:
            "The stored plan of this tenant does not fit together any more, so no more of it was applied. \
             What was applied before stays."
                .to_owned(),
        remedy: "Run the sync again: it makes a new plan.".to_owned(),
        diagnostics: None,
    }
}

pub(crate) fn plan_expired() -> TenantFailure {
    TenantFailure {
        code: "plan_expired".to_owned(),
        message:
            "The stored plan is not kept any more, or not whole, so nothing more of it was applied or taken \
                  back. What was applied before stays."
                .to_owned(),
        remedy: "Make a new preview and apply that.".to_owned(),
        diagnostics: None,
    }
}

pub(crate) fn invalid_scope(invalid: &InvalidScope) -> TenantFailure {
    let first = invalid.faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
    TenantFailure {
        code: "invalid_scope_rules".to_owned(),
        message: format!(
            "A rule of who is synced cannot be used: {first} Nothing was read and nothing changed."
        ),
        remedy: "Correct the scope in the settings and run the sync again.".to_owned(),
        diagnostics: None,
    }
}
