//! `map`.

use ::mapping::{
    Editor, Expectation,
    change::{skip, unmap},
    confirm::{Confirmation, DecisionItem, confirm, confirm_auto_matches},
    preview::{CandidateEntry, Preview, TenantEntry, preview},
};

use super::{Context, mention_fake};
use crate::{
    Ending, House,
    arguments::MapArguments,
    output::{self, Failure, Talk},
};

pub(crate) async fn run(context: &Context, options: &MapArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    let editor = editor(house);
    let mut refused = 0;
    if options.auto {
        refused += report(&confirm_auto_matches(&house.mapping, &editor).await?);
    }
    if !options.confirm.is_empty() {
        let items: Vec<DecisionItem> = options
            .confirm
            .iter()
            .map(|(tenant, client)| DecisionItem {
                managed_tenant_id: *tenant,
                client_id: Some(*client),
                mapping_state: None,
                confidence_score: None,
                expected_mapping_id: Expectation::default(),
                client_portal_entra_provisioning_mode: None,
                client_portal_entitlement_group_id: None,
                client_portal_default_role_name: None,
                client_portal_workflow_target: None,
            })
            .collect();
        let confirmation = confirm(&house.mapping, &editor, &items).await.map_err(|error| failure(&error))?;
        refused += report(&confirmation);
    }
    for tenant in &options.skip {
        skip(&house.mapping, &editor, *tenant, Expectation::default())
            .await
            .map_err(|error| failure(&error))?;
    }
    for tenant in &options.unmap {
        unmap(&house.mapping, &editor, *tenant, Expectation::default())
            .await
            .map_err(|error| failure(&error))?;
    }
    let view = preview(&house.store, house.workspace).await?;
    output::result(context.output, &view, || table(&view))?;
    Ok(if refused > 0 { Ending::Failed } else { Ending::Done })
}

/// The person at this machine may do everything.
pub(crate) fn editor(house: &House) -> Editor {
    Editor { workspace: house.workspace, user: None, may_create_clients: true }
}

fn report(confirmation: &Confirmation) -> usize {
    Talk::say(format!("{} mappings hold.", confirmation.confirmed_mappings));
    let refused: Vec<_> = confirmation.results.iter().filter(|item| item.code.is_some()).collect();
    for item in &refused {
        Talk::say(format!(
            "{}: {} [{}]",
            item.managed_tenant_id,
            item.message,
            item.code.unwrap_or_default()
        ));
    }
    refused.len()
}

pub(crate) fn table(view: &Preview) -> String {
    let mut rows = Vec::new();
    for matched in &view.auto_matched {
        rows.push(row(&matched.tenant, "automatic", Some(&matched.suggestion)));
    }
    for choice in &view.fuzzy_candidates {
        rows.push(row(&choice.tenant, "to choose", choice.candidates.first()));
    }
    for tenant in &view.unmatched {
        rows.push(row(tenant, "none", None));
    }
    let header = [
        "tenant",
        "domain",
        "match",
        "suggested client",
        "score",
        "why",
        "decision",
        "tenant id",
        "client id",
    ];
    output::table(&header, rows, header.len())
}

fn row(tenant: &TenantEntry, kind: &str, suggestion: Option<&CandidateEntry>) -> Vec<String> {
    let reason = |candidate: &CandidateEntry| candidate.reason.as_str().replace('_', " ");
    vec![
        tenant.display_name.clone().unwrap_or_default(),
        tenant.primary_domain.as_ref().map(ToString::to_string).unwrap_or_default(),
        kind.to_owned(),
        suggestion.map(|candidate| candidate.client_name.clone()).unwrap_or_default(),
        suggestion.map(|candidate| format!("{:.2}", candidate.confidence_score.value())).unwrap_or_default(),
        suggestion.map(reason).unwrap_or_default(),
        tenant.mapping_state.map(|state| state.to_string()).unwrap_or_default(),
        tenant.managed_tenant_id.to_string(),
        suggestion.map(|candidate| candidate.client_id.to_string()).unwrap_or_default(),
    ]
}

pub(crate) fn failure(error: &::mapping::MappingError) -> Failure {
    Failure::of("mapping_refused", error, "Correct the request; `entra-sync map` shows tenants and clients.")
}
