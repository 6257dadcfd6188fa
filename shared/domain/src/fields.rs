//! Which contact fields the directory may overwrite.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    contact::{Contact, Phone},
    email::EmailAddress,
    facts::SourceFacts,
};

/// Overwrite rules. Off = the local value is authoritative; all are off until an operator turns
/// them on. A blank in the directory never erases anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "one switch per field, as operators see them")]
pub struct FieldRules {
    /// Full name from the display name.
    pub display_name: bool,
    /// Address from the directory's address.
    pub email: bool,
    /// Phone list from business and mobile phones.
    pub phone: bool,
    /// Role from the job title.
    pub role: bool,
    /// Sign-in name shown on the contact. It is recorded on the link in any case.
    pub upn: bool,
    /// Make contacts inactive when their account is disabled; on unless turned off.
    pub mark_inactive_when_disabled: bool,
}

impl Default for FieldRules {
    fn default() -> Self {
        Self {
            display_name: false,
            email: false,
            phone: false,
            role: false,
            upn: false,
            mark_inactive_when_disabled: true,
        }
    }
}

impl FieldRules {
    /// Reads the PSA's `field_sync_config`: every key has aliases, and `true`, `"true"`, `1` and
    /// `"1"` are on. Anything that is not an object means the defaults.
    pub fn from_psa(config: &Value) -> Self {
        let rule = |aliases: &[&str], default: bool| {
            let given: Vec<&Value> = aliases
                .iter()
                .filter_map(|alias| config.get(alias))
                .filter(|value| !value.is_null())
                .collect();
            if given.is_empty() { default } else { given.iter().any(|value| is_on(value)) }
        };
        Self {
            display_name: rule(&["displayName", "display_name", "fullName", "full_name"], false),
            email: rule(&["email", "mail"], false),
            phone: rule(&["phone", "phoneNumber", "phone_number", "mobilePhone", "mobile_phone"], false),
            role: rule(&["role", "jobTitle", "job_title"], false),
            upn: rule(&["upn", "userPrincipalName", "user_principal_name"], false),
            mark_inactive_when_disabled: rule(
                &["markInactiveWhenDisabled", "mark_inactive_when_disabled"],
                true,
            ),
        }
    }

    /// What these rules would write into `contact`, in a fixed order.
    pub fn changes(&self, contact: &Contact, _base: Option<&SourceFacts>, facts: &SourceFacts) -> Vec<FieldChange> {
        let mut changes = Vec::new();
        let values = &contact.values;
        // A name made from the address, for want of any other, is a blank too.
        let is_named = facts.full_name != facts.email.local_part();
        if self.display_name && is_named && values.full_name != facts.full_name {
            let (old, new) = (values.full_name.clone(), facts.full_name.clone());
            changes.push(FieldChange::FullName { old, new });
        }
        if self.email && values.email.as_ref() != Some(&facts.email) {
            changes.push(FieldChange::Email { old: values.email.clone(), new: facts.email.clone() });
        }
        if self.phone && !facts.phones.is_empty() && !same_phones(&values.phones, &facts.phones) {
            changes.push(FieldChange::Phones { old: values.phones.clone(), new: facts.phones.clone() });
        }
        if let (true, Some(role)) = (self.role, &facts.role)
            && values.role.as_ref() != Some(role)
        {
            changes.push(FieldChange::Role { old: values.role.clone(), new: role.clone() });
        }
        let stamped = contact.entra.as_ref().and_then(|stamp| stamp.user_principal_name.as_ref());
        if let (true, Some(name)) = (self.upn, &facts.user_principal_name)
            && stamped != Some(name)
        {
            changes.push(FieldChange::UserPrincipalName { old: stamped.cloned(), new: name.clone() });
        }
        changes
    }
}

/// One field: what it held, what it is to hold.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "field", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FieldChange {
    /// The address.
    Email {
        /// Before.
        old: Option<EmailAddress>,
        /// After.
        new: EmailAddress,
    },
    /// The full name.
    FullName {
        /// Before.
        old: String,
        /// After.
        new: String,
    },
    /// The phone list.
    Phones {
        /// Before.
        old: Vec<Phone>,
        /// After.
        new: Vec<Phone>,
    },
    /// The role.
    Role {
        /// Before.
        old: Option<String>,
        /// After.
        new: String,
    },
    /// The sign-in name.
    UserPrincipalName {
        /// Before.
        old: Option<String>,
        /// After.
        new: String,
    },
}

impl FieldChange {
    /// Makes the change on `contact`.
    pub fn apply(&self, contact: &mut Contact) {
        match self {
            Self::Email { new, .. } => contact.values.email = Some(new.clone()),
            Self::FullName { new, .. } => contact.values.full_name.clone_from(new),
            Self::Phones { new, .. } => contact.values.phones.clone_from(new),
            Self::Role { new, .. } => contact.values.role = Some(new.clone()),
            Self::UserPrincipalName { new, .. } => {
                if let Some(stamp) = &mut contact.entra {
                    stamp.user_principal_name = Some(new.clone());
                }
            }
        }
    }

    /// The change back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self.clone() {
            Self::FullName { old, new } => Self::FullName { old: new, new: old },
            Self::Phones { old, new } => Self::Phones { old: new, new: old },
            other => other,
        }
    }

    /// Whether the contact still shows what the change wrote.
    pub fn is_in_place(&self, contact: &Contact) -> bool {
        let mut again = contact.clone();
        self.apply(&mut again);
        again == *contact
    }

    /// The field's name and what the contact shows, as text for people.
    pub fn shown(&self, contact: &Contact) -> (&'static str, String) {
        (self.describe().0, contact.values.full_name.clone())
    }

    /// The field's name, its old and its new value as text for people.
    pub fn describe(&self) -> (&'static str, String, String) {
        let or_blank = |text: &Option<String>| text.clone().unwrap_or_default();
        match self {
            Self::Email { old, new } => {
                ("e-mail", old.as_ref().map(ToString::to_string).unwrap_or_default(), new.to_string())
            }
            Self::FullName { old, new } => ("full name", old.clone(), new.clone()),
            Self::Phones { old, new } => ("phones", describe_phones(old), describe_phones(new)),
            Self::Role { old, new } => ("role", or_blank(old), new.clone()),
            Self::UserPrincipalName { old, new } => ("sign-in name", or_blank(old), new.clone()),
        }
    }
}

fn describe_phones(phones: &[Phone]) -> String {
    phones.iter().map(|phone| phone.number.as_str()).collect::<Vec<_>>().join(", ")
}

fn same_phones(ours: &[Phone], theirs: &[Phone]) -> bool {
    let key = |phone: &Phone| (phone.number.clone(), phone.kind.clone());
    ours.iter().map(key).eq(theirs.iter().map(key))
}

fn is_on(value: &Value) -> bool {
    match value {
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() == Some(1.0),
        Value::String(text) => text == "true" || text == "1",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_psas_keys_aliases_and_truthy_forms() {
        for (config, expected) in [
            (json!({}), FieldRules::default()),
            (json!(null), FieldRules::default()),
            (json!([1]), FieldRules::default()),
            (json!({"display_name": "true"}), FieldRules { display_name: true, ..FieldRules::default() }),
            (
                json!({"full_name": 1, "mail": "1"}),
                FieldRules { display_name: true, email: true, ..FieldRules::default() },
            ),
            (
                json!({"phone": false, "mobilePhone": true}),
                FieldRules { phone: true, ..FieldRules::default() },
            ),
            (json!({"role": "yes", "upn": 2}), FieldRules::default()),
            (json!({"markInactiveWhenDisabled": null}), FieldRules::default()),
            (
                json!({"mark_inactive_when_disabled": false}),
                FieldRules { mark_inactive_when_disabled: false, ..FieldRules::default() },
            ),
        ] {
            assert_eq!(FieldRules::from_psa(&config), expected, "{config}");
        }
    }
}
