//! What a decision says about itself when it is asked to explain.

use std::borrow::Cow;

use super::{decide::Decider, lookup::Owners, trace::Tried};
use crate::{
    contact::{Link, Owner},
    fields::FieldChange,
    plan::Rule,
    user::Addresses,
};

impl Decider<'_> {
    pub(super) fn note_link(&mut self, link: Option<&Link>) {
        self.trace.note(Tried::IdentityLink, link.is_some(), || match link {
            None => "not linked to any contact".to_owned(),
            Some(link) if link.active => format!("linked to contact {}", link.contact),
            Some(link) => {
                format!("was linked to contact {}, which was made inactive with the account", link.contact)
            }
        });
    }

    pub(super) fn note_owners(&mut self, owners: &Owners, addresses: &Addresses) {
        let client = self.policy().client;
        let whose = |owner: Option<&Owner>| match owner {
            None => Cow::Borrowed("no contact has it"),
            Some(owner) if owner.client != client => Cow::Borrowed("a contact of another client has it"),
            Some(owner) if owner.additional => {
                Cow::Owned(format!("an additional address of contact {}", owner.contact))
            }
            Some(owner) => Cow::Owned(format!("contact {} has it", owner.contact)),
        };
        if let Some(primary) = &addresses.primary {
            let owner = owners.primary.as_ref();
            self.trace
                .note(Tried::PrimaryAddress, owner.is_some(), || format!("{primary}: {}", whose(owner)));
        }
        if let Some(sign_in) = &addresses.sign_in {
            let owner =
                owners.direct.iter().find(|(_, rule)| *rule == Rule::SignInAddress).map(|(owner, _)| owner);
            self.trace.note(Tried::SignInAddress, owner.is_some(), || format!("{sign_in}: {}", whose(owner)));
        }
        if !addresses.aliases.is_empty() {
            self.trace.note(Tried::AliasAddresses, !owners.alias.is_empty(), || {
                let found = owners.alias.iter().map(|(owner, _)| whose(Some(owner)).into_owned());
                let found: Vec<String> = found.collect();
                let count = addresses.aliases.len();
                if found.is_empty() {
                    format!("no contact has any of {count} aliases")
                } else {
                    format!("of {count} aliases: {}", found.join("; "))
                }
            });
        }
    }

    pub(super) fn note_fields(&mut self, changes: &[FieldChange]) {
        self.trace.note(Tried::Fields, false, || {
            let change = |change: &FieldChange| {
                let (field, old, new) = change.describe();
                format!("{field}: {old} → {new}")
            };
            let changes: Vec<String> = changes.iter().map(change).collect();
            if changes.is_empty() { "no field is to be written".to_owned() } else { changes.join("; ") }
        });
    }
}
