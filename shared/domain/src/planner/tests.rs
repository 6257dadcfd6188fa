//! The planner as a whole: stories with a small store beside it, then sentences about any store.

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
mod properties;
mod restart;
mod scenes;
mod sizes;
mod staff;
mod vanished;
mod world;

use serde_json::json;
use world::{NOTHING, World, contact_id, object, person, shown, sum, tenant, user};

use super::*;
use crate::{
    contact::{EntraStamp, PhoneKind},
    fields::Field,
    ids::{ClientId, EntraTenantId, Identity, WorkspaceId},
    inventory::ReviewState,
    plan::Conflict,
    scope::ScopeRules,
};
