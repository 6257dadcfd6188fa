//! The planner as a whole: stories with a small store beside it, then sentences about any store.

mod blanks;
mod cases;
mod comings_and_goings;
mod differential;
mod explained;
mod feed;
mod ledger;
mod lessons;
mod lifecycle_table;
mod limits;
mod linked;
mod matching_table;
mod newcomers;
mod occasions;
mod overruling;
mod properties;
mod restart;
mod scenes;
mod sizes;
mod staff;
mod unreadable;
mod vanished;
mod world;

use serde_json::json;
use world::{NOTHING, World, contact_id, object, person, shown, sum, tenant, user};

use super::*;
use crate::{
    contact::{EntraStamp, InactiveReason, PhoneKind},
    fields::Field,
    ids::{ClientId, EntraTenantId, Identity, WorkspaceId},
    inventory::ReviewState,
    plan::Conflict,
    scope::ScopeRules,
};

/// A listing does not know in which way somebody has gone, so two contacts may differ in that, and in the lines
/// that said so or took it back.
fn forget_way(contact: &mut Contact) {
    contact.line = None;
    let reason = contact.entra.as_mut().and_then(|stamp| stamp.inactive_reason.as_mut());
    if let Some(reason) = reason.filter(|reason| reason.is_gone()) {
        *reason = InactiveReason::DeletedUpstream;
    }
}

/// All contacts, without in which way people have gone.
fn without_ways(world: &World) -> BTreeMap<ContactId, Contact> {
    let mut contacts = world.contacts.clone();
    contacts.values_mut().for_each(forget_way);
    contacts
}
