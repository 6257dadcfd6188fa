//! What an operator is told about a tenant that failed.

use domain::run::TenantFailure;

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
