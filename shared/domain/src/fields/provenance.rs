//! Where the value that a contact shows is from.

use serde::Serialize;

use super::{
    Field,
    value::{FieldValue, sign_in_name},
};
use crate::{contact::Contact, facts::SourceFacts};

/// Where a value is from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// Somebody else's: it is not what the directory said at the last sync.
    Edited,
    /// Nobody has synced the person, so nothing is known.
    NeverSynced,
    /// What the directory said at the last sync.
    Synced,
}

/// A field's value and where it is from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// What the contact shows, as text for people; `None` when it shows nothing.
    pub value: Option<String>,
    /// What the directory said at the last sync.
    pub synced: Option<String>,
    /// Where the value is from.
    pub origin: Origin,
}

/// Where the value of `field` on `contact` is from. `base` is what the directory said at the last
/// sync of the person.
pub fn provenance(field: Field, contact: &Contact, base: Option<&SourceFacts>) -> Provenance {
    let values = &contact.values;
    match field {
        Field::Company => of(&values.company, base.map(|base| base.company.clone())),
        Field::Department => of(&values.department, base.map(|base| base.department.clone())),
        Field::Email => of(&values.email, base.map(|base| Some(base.email.clone()))),
        Field::FullName => of(&values.full_name, base.map(|base| base.full_name.clone())),
        Field::Office => of(&values.office, base.map(|base| base.office.clone())),
        Field::Phones => of(&values.phones, base.map(|base| base.phones.clone())),
        Field::Role => of(&values.role, base.map(|base| base.role.clone())),
        Field::UserPrincipalName => {
            of(&sign_in_name(contact), base.map(|base| base.user_principal_name.clone()))
        }
    }
}

fn of<T: FieldValue>(local: &T, base: Option<T>) -> Provenance {
    let shown = |value: &T| (!value.is_blank()).then(|| value.text());
    let origin = match &base {
        None => Origin::NeverSynced,
        Some(base) if base.is_same(local) => Origin::Synced,
        Some(_) => Origin::Edited,
    };
    Provenance { value: shown(local), synced: base.as_ref().and_then(shown), origin }
}
