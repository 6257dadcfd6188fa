//! What the sync takes from a directory user.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    contact::{ContactValues, Fingerprint, Phone, PhoneKind},
    email::EmailAddress,
    fields::{Blank, Field},
    user::DirectoryUser,
};

/// The part of a user that can end up in a contact. A change outside it is no change.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceFacts {
    /// Full name, never blank.
    pub full_name: String,
    /// The address to store.
    pub email: EmailAddress,
    /// Business phones, then the mobile one; the first business phone is the default, the mobile
    /// one only when there is no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Phone>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Office location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// Company name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Sign-in name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// Fields that are blank in the directory, and whose former values stand above until that is confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blanks: Vec<Blank>,
}

impl SourceFacts {
    /// The facts of `user`, whose stored address is `email`.
    pub fn new(user: &DirectoryUser, email: EmailAddress) -> Self {
        Self {
            full_name: user.contact_name(&email),
            phones: phones(user),
            role: user.job_title.clone(),
            department: user.department.clone(),
            office: user.office_location.clone(),
            company: user.company_name.clone(),
            user_principal_name: user.user_principal_name.clone(),
            email,
            blanks: Vec::new(),
        }
    }

    /// What is noted of a field that is blank in the directory and whose contact keeps its value for now.
    pub fn blank(&self, field: Field) -> Option<Blank> {
        self.blanks.iter().find(|blank| blank.field == field).copied()
    }

    /// The same as a clause for the operator; nothing when there are none.
    pub fn told_blanks(&self) -> Option<String> {
        if self.blanks.is_empty() {
            return None;
        }
        let told = self.blanks.iter().map(|blank| {
            let times = if blank.times == 1 { "once".to_owned() } else { format!("{} times", blank.times) };
            format!("{} (seen {times})", blank.field.label())
        });
        let told = told.collect::<Vec<_>>().join(", ");
        Some(format!("blank in the directory, and kept until that is confirmed: {told}"))
    }

    /// Takes over what `before` says of a field; a name and an address are always the directory's.
    pub fn keep(&mut self, field: Field, before: &Self) {
        match field {
            Field::Company => self.company.clone_from(&before.company),
            Field::Department => self.department.clone_from(&before.department),
            Field::Email | Field::FullName => {}
            Field::Office => self.office.clone_from(&before.office),
            Field::Phones => self.phones.clone_from(&before.phones),
            Field::Role => self.role.clone_from(&before.role),
            Field::UserPrincipalName => self.user_principal_name.clone_from(&before.user_principal_name),
        }
    }

    /// The facts as a run that began at `at` notes them.
    pub fn noted(&self, at: Timestamp) -> Cow<'_, Self> {
        if self.blanks.is_empty() {
            return Cow::Borrowed(self);
        }
        let blanks = self.blanks.iter().map(|blank| blank.noted(at)).collect();
        Cow::Owned(Self { blanks, ..self.clone() })
    }

    /// What a contact created from these facts shows.
    pub fn values(&self) -> ContactValues {
        ContactValues {
            full_name: self.full_name.clone(),
            email: Some(self.email.clone()),
            phones: self.phones.clone(),
            role: self.role.clone(),
            department: self.department.clone(),
            office: self.office.clone(),
            company: self.company.clone(),
        }
    }

    /// Whether the full name is made from the address, for want of any other: a blank in disguise.
    pub fn is_name_made_up(&self) -> bool {
        self.full_name == self.email.local_part()
    }

    /// Equal for equal facts under equal rules. `rules` is whatever else decides what is written:
    /// when it changes, everybody is looked at again.
    pub fn fingerprint(&self, rules: &[u8]) -> Fingerprint {
        fingerprint_of(&[rules, &serde_json::to_vec(self).unwrap_or_default()])
    }
}

/// A short hash over several texts.
pub fn fingerprint_of(parts: &[&[u8]]) -> Fingerprint {
    let mut hash = Sha256::new();
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            hash.update([0x1f]);
        }
        hash.update(part);
    }
    let digest = hash.finalize();
    Fingerprint(u64::from_be_bytes(std::array::from_fn(|index| digest[index])))
}

fn phones(user: &DirectoryUser) -> Vec<Phone> {
    let business = user.business_phones.iter().enumerate().map(|(position, number)| Phone {
        number: number.clone(),
        kind: PhoneKind::Work,
        is_default: position == 0,
    });
    let mobile = user.mobile_phone.iter().map(|number| Phone {
        number: number.clone(),
        kind: PhoneKind::Mobile,
        is_default: user.business_phones.is_empty(),
    });
    business.chain(mobile).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::ids::EntraObjectId;

    #[test]
    fn a_created_contact_shows_everything_the_directory_says() {
        let raw = json!({
            "displayName": "Mira Sund", "jobTitle": "Dentist", "department": " Care ",
            "officeLocation": "Oslo", "companyName": "Borealis", "userPrincipalName": "m@acme.example",
            "businessPhones": ["+47 1"], "mobilePhone": "+47 2",
        });
        let user = DirectoryUser::new(EntraObjectId::new(Uuid::nil()), serde_json::from_value(raw).unwrap());
        let facts = SourceFacts::new(&user, "mira@acme.example".parse().unwrap());
        assert_eq!(facts.user_principal_name.as_deref(), Some("m@acme.example"));
        let shown = json!({
            "fullName": "Mira Sund", "email": "mira@acme.example", "role": "Dentist", "department": "Care",
            "office": "Oslo", "company": "Borealis",
            "phones": [
                {"number": "+47 1", "kind": "work", "isDefault": true},
                {"number": "+47 2", "kind": "mobile", "isDefault": false},
            ],
        });
        assert_eq!(serde_json::to_value(facts.values()).unwrap(), shown);
    }

    #[test]
    fn a_change_of_any_fact_changes_the_fingerprint() {
        let facts = |more: serde_json::Value| -> SourceFacts {
            let mut facts = json!({"fullName": "Mira", "email": "mira@acme.example"});
            facts.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
            serde_json::from_value(facts).unwrap()
        };
        let before = facts(json!({})).fingerprint(b"rules");
        for more in [
            json!({"department": "Care"}),
            json!({"office": "Oslo"}),
            json!({"company": "Borealis"}),
            json!({"role": "Dentist"}),
        ] {
            assert_ne!(facts(more.clone()).fingerprint(b"rules"), before, "{more}");
        }
    }
}
