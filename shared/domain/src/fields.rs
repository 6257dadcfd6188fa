//! Which contact fields the directory may write, and what a write is.
//!
//! A field has three values: the local one (what the contact shows), the source (what the directory
//! says now), and the base (what the directory said at the last sync). [`Overwrite`] decides from the
//! three; blanks are apart, because clearing needs two gates besides.

mod blank;
mod change;
mod config;
mod hidden;
mod provenance;
mod rules;
mod story;
mod value;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub(crate) use self::config::Deciding;
pub use self::{
    blank::Blank,
    change::{Change, FieldChange},
    config::InvalidRule,
    hidden::{HIDDEN, Hidden},
    provenance::{Origin, Provenance, provenance},
    rules::{Clear, FieldRule, FieldRules, Overwrite, Patience},
    story::{FieldStory, StoryOf, Verdict},
};

/// A field of a contact that a directory can fill.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Field {
    /// Company name.
    Company,
    /// Department.
    Department,
    /// The address.
    Email,
    /// Full name, from the display name.
    FullName,
    /// Office location.
    Office,
    /// The phone list, from the business phones and the mobile phone.
    Phones,
    /// Role, from the job title.
    Role,
    /// Sign-in name shown on the contact. It is recorded on the link in any case.
    UserPrincipalName,
}

/// A text that names no field.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "no field has this name: a field is `fullName`, `email`, `phones`, `role`, `department`, `office`, `company` \
     or `userPrincipalName`"
)]
pub struct UnknownField;

impl Field {
    /// Every field, in the order in which changes are listed and people read them.
    pub const ALL: [Self; 8] = [
        Self::FullName,
        Self::Email,
        Self::Phones,
        Self::Role,
        Self::Department,
        Self::Office,
        Self::Company,
        Self::UserPrincipalName,
    ];

    /// The field's name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Department => "department",
            Self::Email => "e-mail",
            Self::FullName => "full name",
            Self::Office => "office",
            Self::Phones => "phones",
            Self::Role => "role",
            Self::UserPrincipalName => "sign-in name",
        }
    }

    /// The field's name in stored and exchanged documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Department => "department",
            Self::Email => "email",
            Self::FullName => "fullName",
            Self::Office => "office",
            Self::Phones => "phones",
            Self::Role => "role",
            Self::UserPrincipalName => "userPrincipalName",
        }
    }

    /// Whether a blank in the directory may ever erase it: a contact needs a name and an address.
    pub fn is_clearable(self) -> bool {
        !matches!(self, Self::Email | Self::FullName)
    }
}

impl FromStr for Field {
    type Err = UnknownField;

    /// Reads [`Field::name`], [`Field::label`], or any key that the PSA's overwrite rules know the field by.
    fn from_str(text: &str) -> Result<Self, UnknownField> {
        let is_named =
            |field: &Self| [field.name(), field.label()].contains(&text) || field.keys().contains(&text);
        Self::ALL.into_iter().find(is_named).ok_or(UnknownField)
    }
}
