//! The rules as tables, then as laws.

mod faults;
mod kinds;
mod lists;
mod overrides;
mod properties;
mod psa;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    domain_name::DomainName,
    ids::{EntraObjectId, GroupId},
    user::DirectoryUser,
};

/// Rules as they are sent and stored.
fn rules(json: Value) -> ScopeRules {
    serde_json::from_value(json).unwrap()
}

/// A user as the directory answers it.
fn user(raw: Value) -> DirectoryUser {
    DirectoryUser::new(object(1), serde_json::from_value(raw).unwrap())
}

/// Somebody with an address and a name.
fn person(name: &str, address: &str) -> DirectoryUser {
    user(json!({
        "displayName": name, "userPrincipalName": address, "mail": address, "givenName": "G", "surname": "S",
    }))
}

fn object(number: u128) -> EntraObjectId {
    EntraObjectId::new(Uuid::from_u128(number))
}

fn group(number: u128) -> GroupId {
    GroupId::new(Uuid::from_u128(number))
}

fn verified() -> BTreeSet<DomainName> {
    ["acme.example", "acme.onmicrosoft.com"].iter().map(|name| name.parse().unwrap()).collect()
}

fn exclusion(rules: &ScopeRules, user: &DirectoryUser, groups: &GroupMembership) -> Option<Excluded> {
    rules.compile().unwrap().exclusion(user, &user.addresses(&verified()), groups)
}

/// `taken`, or the wire name of the reason and the rule.
fn outcome(rules: &ScopeRules, user: &DirectoryUser, groups: &GroupMembership) -> String {
    let Some(excluded) = exclusion(rules, user, groups) else { return "taken".to_owned() };
    let reason = serde_json::to_value(excluded.reason).unwrap();
    let reason = reason.as_str().unwrap();
    excluded.detail.map_or_else(|| reason.to_owned(), |detail| format!("{reason}: {detail}"))
}

/// The outcome when no group counts.
fn alone(rules: &ScopeRules, user: &DirectoryUser) -> String {
    outcome(rules, user, &GroupMembership::default())
}
