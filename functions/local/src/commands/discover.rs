//! `discover`.

use ::discovery::{discover, views::DiscoveryView};

use super::{Context, mention_fake};
use crate::{
    Ending, House,
    output::{self, Failure, Talk},
};

pub(crate) async fn run(context: &Context) -> Result<Ending, Failure> {
    mention_fake(&context.house);
    let view = once(&context.house).await?;
    output::result(context.output, &view, || table(&view))?;
    Ok(Ending::Done)
}

pub(crate) async fn once(house: &House) -> Result<DiscoveryView, Failure> {
    let report = discover(&house.discovery, house.workspace, "entra-sync discover").await;
    let report = report.map_err(|failure| {
        Failure::new(
            "microsoft_unavailable",
            format!("Microsoft did not answer ({}). Nothing was changed.", failure.cause()),
            "Try again in a minute.",
        )
    })?;
    if let Some(failure) = report.failure {
        return Err(Failure::new(
            "discovery_failed",
            format!("{} ({})", failure.message, failure.code),
            failure.remedy,
        ));
    }
    let tenants = house.store.managed_tenants(house.workspace).await?;
    Ok(DiscoveryView::new(report, tenants))
}

fn table(view: &DiscoveryView) -> String {
    let row = |tenant: &::discovery::views::TenantView| {
        let access = match &tenant.access_failure {
            Some(failure) => format!("{} ({})", tenant.access, failure.code),
            None => tenant.access.to_owned(),
        };
        vec![
            tenant.display_name.clone().unwrap_or_default(),
            tenant.primary_domain.clone().unwrap_or_default(),
            access,
            tenant.managed_tenant_id.to_string(),
        ]
    };
    let rows = view.discovered_tenants.iter().map(row).collect();
    Talk::say(format!(
        "{} tenants: {} new, {} gone, {} renamed, {} with lost access",
        view.discovered_tenant_count,
        view.new.len(),
        view.gone.len(),
        view.renamed.len(),
        view.lost_access.len()
    ));
    if let Some(unreadable) = &view.unreadable_rows {
        let (rows, message) = (view.unreadable_row_count, &unreadable.message);
        Talk::say(format!("{rows} unreadable rows: {message} {} [{}]", unreadable.remedy, unreadable.code));
    }
    output::table(&["tenant", "domain", "access", "id"], rows, 4)
}
