//! What an operator is told about a tenant that failed.

use directory::{Diagnostics, ReadError};
use domain::run::TenantFailure;

/// The failure of a tenant whose directory could not be read.
pub fn tenant_failure(error: &ReadError) -> TenantFailure {
    TenantFailure {
        code: error.code().name().to_owned(),
        message: error.code().what_happened().to_owned(),
        remedy: error.code().remedy().to_owned(),
        diagnostics: diagnostics(error.diagnostics()),
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

fn diagnostics(diagnostics: &Diagnostics) -> Option<String> {
    let ids = [
        ("status", diagnostics.status.map(|status| status.to_string())),
        ("error", diagnostics.error.clone()),
        ("trace", diagnostics.trace_id.clone()),
        ("correlation", diagnostics.correlation_id.clone()),
        ("request", diagnostics.request_id.clone()),
    ];
    let mut known: Vec<String> =
        ids.into_iter().filter_map(|(name, id)| id.map(|id| format!("{name} {id}"))).collect();
    known.extend(diagnostics.aadsts.iter().map(|number| format!("AADSTS{number}")));
    (!known.is_empty()).then(|| known.join(", "))
}
