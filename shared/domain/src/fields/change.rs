//! One write of one field, and its inverse.

use serde::{Deserialize, Serialize};

use super::{
    Field,
    value::{FieldValue, sign_in_name},
};
use crate::{
    contact::{Contact, Phone},
    email::EmailAddress,
};

/// What a field held and what it is to hold; an absent or empty new value clears it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change<T> {
    /// Before.
    pub old: T,
    /// After.
    pub new: T,
    /// Whether the value written over is a human's: not blank, and not what the directory said at
    /// the last sync.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_edit: bool,
}

/// A change of one field.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "field", rename_all = "camelCase")]
pub enum FieldChange {
    /// The company name.
    Company(Change<Option<String>>),
    /// The department.
    Department(Change<Option<String>>),
    /// The address.
    Email(Change<Option<EmailAddress>>),
    /// The full name.
    FullName(Change<String>),
    /// The office.
    Office(Change<Option<String>>),
    /// The phone list.
    Phones(Change<Vec<Phone>>),
    /// The role.
    Role(Change<Option<String>>),
    /// The sign-in name.
    UserPrincipalName(Change<Option<String>>),
}

impl<T> Change<T> {
    /// A change from `old` to `new` that writes over nobody's edit.
    pub fn new(old: T, new: T) -> Self {
        Self { old, new, over_edit: false }
    }
}

impl FieldChange {
    /// The field it changes.
    pub fn field(&self) -> Field {
        match self {
            Self::Company(_) => Field::Company,
            Self::Department(_) => Field::Department,
            Self::Email(_) => Field::Email,
            Self::FullName(_) => Field::FullName,
            Self::Office(_) => Field::Office,
            Self::Phones(_) => Field::Phones,
            Self::Role(_) => Field::Role,
            Self::UserPrincipalName(_) => Field::UserPrincipalName,
        }
    }

    /// Whether the value written over is a human's edit.
    pub fn over_edit(&self) -> bool {
        match self {
            Self::Company(change)
            | Self::Department(change)
            | Self::Office(change)
            | Self::Role(change)
            | Self::UserPrincipalName(change) => change.over_edit,
            Self::Email(change) => change.over_edit,
            Self::FullName(change) => change.over_edit,
            Self::Phones(change) => change.over_edit,
        }
    }

    /// Whether the field is blank after it.
    pub fn clears(&self) -> bool {
        match self {
            Self::Company(change)
            | Self::Department(change)
            | Self::Office(change)
            | Self::Role(change)
            | Self::UserPrincipalName(change) => change.new.is_blank(),
            Self::Email(change) => change.new.is_blank(),
            Self::FullName(change) => change.new.is_blank(),
            Self::Phones(change) => change.new.is_blank(),
        }
    }

    /// The field's name and what the contact shows, as text for people.
    pub fn shown(&self, contact: &Contact) -> (&'static str, String) {
        let (mut now, values) = (self.clone(), &contact.values);
        match &mut now {
            Self::Company(change) => change.new.clone_from(&values.company),
            Self::Department(change) => change.new.clone_from(&values.department),
            Self::Email(change) => change.new.clone_from(&values.email),
            Self::FullName(change) => change.new.clone_from(&values.full_name),
            Self::Office(change) => change.new.clone_from(&values.office),
            Self::Phones(change) => change.new.clone_from(&values.phones),
            Self::Role(change) => change.new.clone_from(&values.role),
            Self::UserPrincipalName(change) => change.new = sign_in_name(contact),
        }
        let (field, _, shown) = now.describe();
        (field, shown)
    }

    /// The field's name, its old and its new value as text for people.
    pub fn describe(&self) -> (&'static str, String, String) {
        let (old, new) = match self {
            Self::Company(change)
            | Self::Department(change)
            | Self::Office(change)
            | Self::Role(change)
            | Self::UserPrincipalName(change) => texts(change),
            Self::Email(change) => texts(change),
            Self::FullName(change) => texts(change),
            Self::Phones(change) => texts(change),
        };
        (self.field().label(), old, new)
    }

    /// Makes the change on `contact`. A contact that no directory is tied to has no place for a
    /// sign-in name and stays as it is.
    pub fn apply(&self, contact: &mut Contact) {
        let values = &mut contact.values;
        match self {
            Self::Company(change) => values.company.clone_from(&change.new),
            Self::Department(change) => values.department.clone_from(&change.new),
            Self::Email(change) => values.email.clone_from(&change.new),
            Self::FullName(change) => values.full_name.clone_from(&change.new),
            Self::Office(change) => values.office.clone_from(&change.new),
            Self::Phones(change) => values.phones.clone_from(&change.new),
            Self::Role(change) => values.role.clone_from(&change.new),
            Self::UserPrincipalName(change) => {
                if let Some(stamp) = &mut contact.entra {
                    stamp.user_principal_name.clone_from(&change.new);
                }
            }
        }
    }

    /// The change back. It may restore a blank to a field that no rule clears.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self {
            Self::Company(change) => Self::Company(inverse(change)),
            Self::Department(change) => Self::Department(inverse(change)),
            Self::Email(change) => Self::Email(inverse(change)),
            Self::FullName(change) => Self::FullName(inverse(change)),
            Self::Office(change) => Self::Office(inverse(change)),
            Self::Phones(change) => Self::Phones(inverse(change)),
            Self::Role(change) => Self::Role(inverse(change)),
            Self::UserPrincipalName(change) => Self::UserPrincipalName(inverse(change)),
        }
    }

    /// Whether the contact still shows the new value exactly, so that nobody has touched the field
    /// since; a phone's default mark counts, too.
    pub fn is_in_place(&self, contact: &Contact) -> bool {
        let values = &contact.values;
        match self {
            Self::Company(change) => values.company == change.new,
            Self::Department(change) => values.department == change.new,
            Self::Email(change) => values.email == change.new,
            Self::FullName(change) => values.full_name == change.new,
            Self::Office(change) => values.office == change.new,
            Self::Phones(change) => values.phones == change.new,
            Self::Role(change) => values.role == change.new,
            Self::UserPrincipalName(change) => sign_in_name(contact) == change.new,
        }
    }
}

/// What is written over on the way back is the sync's own value, never an edit.
fn inverse<T: FieldValue>(change: &Change<T>) -> Change<T> {
    Change::new(change.new.clone(), change.old.clone())
}

fn texts<T: FieldValue>(change: &Change<T>) -> (String, String) {
    (change.old.text(), change.new.text())
}
