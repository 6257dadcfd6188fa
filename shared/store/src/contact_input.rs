//! A contact as the PSA or a human writes it, and what is stored of that.

use std::collections::BTreeSet;

use domain::{
    contact::{Contact, ContactValues, EntraStamp},
    email::EmailAddress,
    fields::Field,
    ids::{ClientId, ContactId, Identity},
};
use serde::{Deserialize, Serialize};

/// A contact as the PSA or a human writes it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactInput {
    /// The PSA's id.
    pub id: ContactId,
    /// The client it belongs to.
    pub client: ClientId,
    /// What it shows.
    #[serde(flatten)]
    pub values: ContactValues,
    /// Further addresses.
    #[serde(default)]
    pub additional_emails: Vec<EmailAddress>,
    /// Not in use.
    #[serde(default)]
    pub inactive: bool,
    /// Whether the sync may write no field of it; `None` leaves what is stored.
    #[serde(default)]
    pub protected: Option<bool>,
    /// Fields of it that the sync may not write; `None` leaves what is stored.
    #[serde(default)]
    pub protected_fields: Option<BTreeSet<Field>>,
    /// Fields the writer says nothing about: what is stored stays, whatever [`Self::values`] hold.
    #[serde(default)]
    pub unsaid: BTreeSet<Field>,
    /// The account that the writer says the contact belongs to.
    #[serde(default)]
    pub account: SaidAccount,
}

/// What a writer says about the account a contact belongs to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SaidAccount {
    /// None.
    Nobodys,
    /// This one: the sync links the two before it looks at addresses.
    Of(Identity),
    /// Nothing: what is stored stays.
    #[default]
    Unsaid,
}

impl SaidAccount {
    /// What is stored once this is said of `contact`, of which `before` was said. The sync's own mark,
    /// exported and sent back, says nothing new.
    pub(crate) fn after(self, before: Option<Identity>, contact: &Contact) -> Option<Identity> {
        match self {
            Self::Nobodys => None,
            Self::Of(identity) if contact.entra.as_ref().is_some_and(|stamp| stamp.identity == identity) => {
                before
            }
            Self::Of(identity) => Some(identity),
            Self::Unsaid => before,
        }
    }
}

impl ContactInput {
    /// What is stored once the input is written over `before`.
    pub(crate) fn after(&self, before: Option<&Contact>) -> Contact {
        Contact {
            id: self.id,
            client: self.client,
            version: before.map_or(1, |before| before.version + 1),
            values: self.values_after(before),
            additional_emails: self.additional_emails.clone(),
            inactive: self.inactive,
            protected: self.protected.unwrap_or(before.is_some_and(|before| before.protected)),
            protected_fields: self
                .protected_fields
                .clone()
                .or_else(|| before.map(|before| before.protected_fields.clone()))
                .unwrap_or_default(),
            entra: before.and_then(|before| stamp_after_edit(before, self.inactive)),
            line: None,
        }
    }

    /// What the input shows, and what is stored where it says nothing.
    fn values_after(&self, before: Option<&Contact>) -> ContactValues {
        let mut after = self.values.clone();
        let Some(before) = before.map(|before| before.values.clone()) else { return after };
        for field in &self.unsaid {
            match field {
                Field::Company => after.company.clone_from(&before.company),
                Field::Department => after.department.clone_from(&before.department),
                Field::Email => after.email.clone_from(&before.email),
                Field::FullName => after.full_name.clone_from(&before.full_name),
                Field::Office => after.office.clone_from(&before.office),
                Field::Phones => after.phones.clone_from(&before.phones),
                Field::Role => after.role.clone_from(&before.role),
                // The sync's mark, which no input holds.
                Field::UserPrincipalName => {}
            }
        }
        after
    }
}

/// The sync's marks after somebody else's edit. Whoever changes whether a contact is in use takes
/// that decision over: the sync no longer reactivates it.
fn stamp_after_edit(before: &Contact, inactive: bool) -> Option<EntraStamp> {
    let mut stamp = before.entra.clone()?;
    if before.inactive != inactive {
        stamp.inactive_reason = None;
    }
    Some(stamp)
}
