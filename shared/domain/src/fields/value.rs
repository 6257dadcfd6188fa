//! What the kinds of field values have in common.

use crate::{
    contact::{Contact, Phone},
    email::EmailAddress,
};

/// A field's value on any of its three sides.
pub(super) trait FieldValue: Clone {
    /// Whether nothing is shown.
    fn is_blank(&self) -> bool;

    /// Whether both show the same.
    fn is_same(&self, other: &Self) -> bool;

    /// As text for people.
    fn text(&self) -> String;
}

impl FieldValue for String {
    fn is_blank(&self) -> bool {
        self.trim().is_empty()
    }

    fn is_same(&self, other: &Self) -> bool {
        self == other || (self.is_blank() && other.is_blank())
    }

    fn text(&self) -> String {
        self.clone()
    }
}

impl FieldValue for Option<String> {
    fn is_blank(&self) -> bool {
        self.as_ref().is_none_or(FieldValue::is_blank)
    }

    fn is_same(&self, other: &Self) -> bool {
        self == other || (self.is_blank() && other.is_blank())
    }

    fn text(&self) -> String {
        self.clone().unwrap_or_default()
    }
}

impl FieldValue for Option<EmailAddress> {
    fn is_blank(&self) -> bool {
        self.is_none()
    }

    fn is_same(&self, other: &Self) -> bool {
        self == other
    }

    fn text(&self) -> String {
        self.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

impl FieldValue for Vec<Phone> {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }

    /// The same numbers of the same kinds in the same order. Which of them is the default follows
    /// when the list is written, and is no reason to write it.
    fn is_same(&self, other: &Self) -> bool {
        let key = |phone: &Phone| (phone.number.clone(), phone.kind.clone());
        self.iter().map(key).eq(other.iter().map(key))
    }

    fn text(&self) -> String {
        self.iter().map(|phone| phone.number.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The sign-in name that the contact shows.
pub(super) fn sign_in_name(contact: &Contact) -> Option<String> {
    contact.entra.as_ref().and_then(|stamp| stamp.user_principal_name.clone())
}
