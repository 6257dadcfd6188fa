//! `/api/integrations/entra/sync/explain`: why one person is treated as they are.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use domain::ids::ManagedTenantId;
use edge::{ApiError, QueryOf, Reader, Reply};
use serde::Deserialize;

use super::parse;
use crate::{Explain, ExplainedView, PersonKey};

/// Longest sign-in name there is (learn.microsoft.com/graph/api/resources/user).
const NAME_CHARACTERS_MAX: usize = 320;

/// The route that reads from Microsoft; apart from the others, which do without.
pub fn explaining(explain: Arc<Explain>) -> Router {
    Router::new().route("/api/integrations/entra/sync/explain", get(person)).with_state(explain)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonQuery {
    managed_tenant_id: Option<String>,
    person: Option<String>,
}

async fn person(
    State(explain): State<Arc<Explain>>,
    Reader(caller): Reader,
    QueryOf(query): QueryOf<PersonQuery>,
) -> Result<Reply<ExplainedView>, ApiError> {
    let tenant: Option<ManagedTenantId> = parse(query.managed_tenant_id.as_deref(), "managedTenantId")?;
    let person = query.person.as_deref().map(str::trim);
    let person = person.filter(|text| (1..=NAME_CHARACTERS_MAX).contains(&text.chars().count()));
    let (Some(tenant), Some(person)) = (tenant, person) else {
        return Err(ApiError::bad_request(
            "person_missing",
            "An explanation needs a `managedTenantId` and a `person`.",
            "Send the tenant's id, and the person's object id, sign-in name or address.",
        ));
    };
    let explained = Box::pin(explain.person(caller.workspace, tenant, &PersonKey::from(person))).await?;
    Ok(Reply::ok(ExplainedView::from(&explained)))
}
