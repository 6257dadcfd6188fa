//! `explain`.

use ::sync::{Explained, ExplainedView, NotExplained, PersonKey};
use domain::{
    domain_name::DomainName,
    ids::{EntraObjectId, ManagedTenantId},
};
use edge::ApiError;

use super::{Context, mention_fake};
use crate::{
    Ending, House,
    arguments::ExplainArguments,
    output::{self, Failure},
};

pub(crate) async fn run(context: &Context, options: &ExplainArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    let view = ExplainedView::from(&explained(house, options.tenant, &options.person).await?);
    output::result(context.output, &view, || view.text.clone())?;
    Ok(Ending::Done)
}

/// Who is meant, and of which tenant.
pub(crate) async fn person_of(
    house: &House,
    tenant: Option<ManagedTenantId>,
    person: &str,
) -> Result<(ManagedTenantId, EntraObjectId), Failure> {
    if let (Some(tenant), PersonKey::Object(object)) = (tenant, PersonKey::from(person)) {
        return Ok((tenant, object));
    }
    let explained = explained(house, tenant, person).await?;
    Ok((explained.tenant.id, explained.explanation.object))
}

async fn explained(
    house: &House,
    tenant: Option<ManagedTenantId>,
    person: &str,
) -> Result<Explained, Failure> {
    let tenant = match tenant {
        Some(tenant) => tenant,
        None => tenant_of(house, person).await?,
    };
    let who = PersonKey::from(person);
    Box::pin(house.explain.person(house.workspace, tenant, &who)).await.map_err(not_explained)
}

/// The tenant that has the domain of the address; else the only one that is mapped.
async fn tenant_of(house: &House, person: &str) -> Result<ManagedTenantId, Failure> {
    let domain: Option<DomainName> =
        person.trim().rsplit_once('@').and_then(|(_, domain)| domain.parse().ok());
    let mut tenants = house.store.managed_tenants(house.workspace).await?.into_iter();
    if let Some(domain) = domain
        && let Some(tenant) = tenants.find(|tenant| tenant.verified_domains.contains(&domain))
    {
        return Ok(tenant.id);
    }
    let mappings = house.store.mappings(house.workspace).await?;
    let mut mapped = mappings.iter().filter(|record| record.current.decision.client().is_some());
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => Ok(only.managed_tenant),
        _ => Err(Failure::new(
            "tenant_missing",
            "It is not clear which tenant the person belongs to.",
            "Say so with --tenant; `entra-sync map` lists the tenants.",
        )),
    }
}

/// The words of the API are right here, too.
fn not_explained(error: NotExplained) -> Failure {
    let ApiError { code, message, remedy, .. } = error.into();
    Failure::new(code, message, remedy)
}
