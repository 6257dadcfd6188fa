//! Where items live. Every partition key begins with the workspace, but for the platform's own items.

use std::fmt::Display;

use domain::{
    email::EmailAddress,
    ids::{
        ClientId, ContactId, EntraObjectId, EntraTenantId, ManagedTenantId, ReviewItemId, RunId, WorkspaceId,
    },
};

use crate::reviews::ReviewStatus;

/// Partition and sort key of one item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

fn key(workspace: WorkspaceId, partition: impl Display, sort: impl Display) -> Key {
    Key { pk: format!("{workspace}#{partition}"), sk: sort.to_string() }
}

pub(crate) fn connection(workspace: WorkspaceId) -> Key {
    key(workspace, "CONNECTION", "ACTIVE")
}

pub(crate) fn past_connection(workspace: WorkspaceId, since: impl Display, id: impl Display) -> Key {
    key(workspace, "CONNECTION", format_args!("PAST#{since}#{id}"))
}

pub(crate) fn pending_login(workspace: WorkspaceId, state: &str) -> Key {
    key(workspace, "LOGIN", state)
}

pub(crate) fn settings(workspace: WorkspaceId) -> Key {
    key(workspace, "SETTINGS", "SYNC")
}

pub(crate) fn consent(workspace: WorkspaceId, name: &str) -> Key {
    key(workspace, "CONSENT", name)
}

pub(crate) fn client_settings(workspace: WorkspaceId, client: ClientId) -> Key {
    key(workspace, "SETTINGS", format_args!("CLIENT#{client}"))
}

pub(crate) fn discovery(workspace: WorkspaceId) -> Key {
    key(workspace, "SETTINGS", "DISCOVERY")
}

pub(crate) fn tenant(workspace: WorkspaceId, tenant: ManagedTenantId) -> Key {
    key(workspace, "TENANT", tenant)
}

pub(crate) fn mapping(workspace: WorkspaceId, tenant: ManagedTenantId) -> Key {
    key(workspace, "MAPPING", tenant)
}

pub(crate) fn tenant_state(workspace: WorkspaceId, tenant: ManagedTenantId) -> Key {
    key(workspace, "STATE", tenant)
}

pub(crate) fn client(workspace: WorkspaceId, client: ClientId) -> Key {
    key(workspace, "CLIENT", client)
}

pub(crate) fn contact(workspace: WorkspaceId, client: ClientId, contact: ContactId) -> Key {
    key(workspace, format_args!("CONTACT#{client}"), contact)
}

/// One item for each address in use: the claim that makes an address unique in the workspace.
pub(crate) fn claim(workspace: WorkspaceId, address: &EmailAddress) -> Key {
    key(workspace, format_args!("EMAIL#{address}"), "OWNER")
}

pub(crate) fn people(workspace: WorkspaceId, tenant: EntraTenantId) -> String {
    format!("{workspace}#PEOPLE#{tenant}")
}

pub(crate) fn link(workspace: WorkspaceId, tenant: EntraTenantId, object: EntraObjectId) -> Key {
    Key { pk: people(workspace, tenant), sk: format!("LINK#{object}") }
}

/// The contact on which the PSA has a person's object id.
pub(crate) fn hint(workspace: WorkspaceId, tenant: EntraTenantId, object: EntraObjectId) -> Key {
    Key { pk: people(workspace, tenant), sk: format!("HINT#{object}") }
}

pub(crate) fn review(workspace: WorkspaceId, tenant: EntraTenantId, object: EntraObjectId) -> Key {
    Key { pk: people(workspace, tenant), sk: format!("REVIEW#{object}") }
}

/// Where a question is found by its id alone.
pub(crate) fn review_by_id(workspace: WorkspaceId, id: ReviewItemId) -> Key {
    key(workspace, format_args!("QUESTION#{id}"), "OF")
}

/// The part of the index that holds the questions in one state.
pub(crate) fn reviews(workspace: WorkspaceId, status: ReviewStatus) -> String {
    match status {
        ReviewStatus::Dismissed => format!("{workspace}#REVIEW#DISMISSED"),
        ReviewStatus::Open => format!("{workspace}#REVIEW"),
        ReviewStatus::Resolved => format!("{workspace}#REVIEW#RESOLVED"),
    }
}

/// Feature flags are the platform's: they belong to no workspace.
pub(crate) const FLAGS: &str = "PLATFORM#FLAG";

pub(crate) fn flag(key: &str) -> Key {
    Key { pk: FLAGS.to_owned(), sk: key.to_owned() }
}

/// When sign-ins were last renewed stands in one place, so that those that are due are found.
pub(crate) const RENEWALS: &str = "PLATFORM#RENEWAL";

pub(crate) fn renewal(workspace: WorkspaceId) -> Key {
    Key { pk: RENEWALS.to_owned(), sk: workspace.to_string() }
}

/// Schedules stand in one place, so that those that are due are found.
pub(crate) const SCHEDULES: &str = "PLATFORM#SCHEDULE";

pub(crate) fn schedule(workspace: WorkspaceId) -> Key {
    Key { pk: SCHEDULES.to_owned(), sk: workspace.to_string() }
}

pub(crate) fn run(workspace: WorkspaceId, run: RunId) -> Key {
    key(workspace, "RUN", run)
}

pub(crate) fn run_targets(workspace: WorkspaceId, run: RunId, part: usize) -> Key {
    key(workspace, format_args!("RUN#{run}"), format_args!("TARGETS#{part:04}"))
}

pub(crate) fn tenant_run(workspace: WorkspaceId, run: RunId, tenant: ManagedTenantId) -> Key {
    key(workspace, format_args!("RUN#{run}"), format_args!("TENANT#{tenant}"))
}

/// Whose links a run changes.
pub(crate) fn link_order(workspace: WorkspaceId, run: RunId) -> Key {
    key(workspace, format_args!("RUN#{run}"), "LINKS")
}

/// What all tenants of a run have used up of a limit.
pub(crate) fn spent(workspace: WorkspaceId, run: RunId, limit: &str) -> Key {
    key(workspace, format_args!("RUN#{run}"), format_args!("SPENT#{limit}"))
}

/// What was used up at one place of it.
pub(crate) fn spent_at(
    workspace: WorkspaceId,
    run: RunId,
    limit: &str,
    tenant: ManagedTenantId,
    pages: u32,
) -> Key {
    key(workspace, format_args!("RUN#{run}"), format_args!("SPENT#{limit}#{tenant}#{pages:08}"))
}

pub(crate) fn plan_page(workspace: WorkspaceId, run: RunId, tenant: ManagedTenantId, number: u32) -> Key {
    key(workspace, format_args!("PLAN#{run}#{tenant}"), format_args!("PAGE#{number:08}"))
}

pub(crate) fn stale_lines(workspace: WorkspaceId, run: RunId, tenant: ManagedTenantId, number: u32) -> Key {
    key(workspace, format_args!("PLAN#{run}#{tenant}"), format_args!("STALE#{number:08}"))
}
