//! A user as read from a directory, cleaned, and the addresses that follow from it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{domain_name::DomainName, email::EmailAddress, ids::EntraObjectId, text::clean};

/// Most phone numbers, and most alias addresses, taken from one user.
const VALUES_PER_USER_MAX: usize = 50;

/// A user's raw fields, as Graph and CIPP name them. Absent is not the same as blank or false:
/// everything that was not in the answer stays `None`
/// (learn.microsoft.com/graph/api/resources/user).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawUser {
    /// `userPrincipalName`: the sign-in name; contains `#EXT#` for guests.
    pub user_principal_name: Option<String>,
    /// `mail`: primary SMTP address for mailboxes; free text otherwise.
    pub mail: Option<String>,
    /// `proxyAddresses`: `SMTP:` primary, `smtp:` alias, other prefixes are not e-mail.
    pub proxy_addresses: Option<Vec<String>>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `givenName`.
    pub given_name: Option<String>,
    /// `surname`.
    pub surname: Option<String>,
    /// `accountEnabled`: false = sign-in blocked.
    pub account_enabled: Option<bool>,
    /// `userType`: `Member`, `Guest` or null on very old accounts.
    pub user_type: Option<String>,
    /// `externalUserState`: `PendingAcceptance`, `Accepted` or null.
    pub external_user_state: Option<String>,
    /// `jobTitle`.
    pub job_title: Option<String>,
    /// `department`.
    pub department: Option<String>,
    /// `companyName`.
    pub company_name: Option<String>,
    /// `officeLocation`.
    pub office_location: Option<String>,
    /// `businessPhones`.
    pub business_phones: Option<Vec<String>>,
    /// `mobilePhone`.
    pub mobile_phone: Option<String>,
    /// Number of assigned licences, when they were read.
    #[serde(skip_deserializing)]
    pub license_count: Option<u32>,
}

/// Whether the account belongs to the tenant or was invited into it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum UserKind {
    /// The tenant's own account.
    Member,
    /// Invited from elsewhere: `userType` Guest, `#EXT#` in the sign-in name, or an invitation
    /// state, since none of the three alone is reliable.
    Guest,
}

/// How a user left a directory.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// For good: the same person would come back under another id.
    Deleted,
    /// Into the directory's bin, from which an administrator can restore it for 30 days.
    SoftDeleted,
}

/// A cleaned directory user.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryUser {
    /// Microsoft's id of the user.
    pub object: EntraObjectId,
    /// Sign-in name, as written.
    pub user_principal_name: Option<String>,
    /// The `mail` property, as written.
    pub mail: Option<String>,
    /// The `SMTP:` entry of the proxy addresses.
    pub primary_smtp: Option<EmailAddress>,
    /// The `smtp:` entries, sorted.
    pub aliases: BTreeSet<EmailAddress>,
    /// Display name.
    pub display_name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Surname.
    pub surname: Option<String>,
    /// `None` when the directory did not say.
    pub account_enabled: Option<bool>,
    /// Own account or invited.
    pub kind: UserKind,
    /// Invited, and the invitation is not accepted yet.
    pub pending_invitation: bool,
    /// Job title.
    pub job_title: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Company name.
    pub company_name: Option<String>,
    /// Office.
    pub office_location: Option<String>,
    /// Business phones in the directory's order, without repetitions.
    pub business_phones: Vec<String>,
    /// Mobile phone.
    pub mobile_phone: Option<String>,
    /// Number of licences, when known.
    pub license_count: Option<u32>,
}

impl DirectoryUser {
    /// Cleans what was read.
    pub fn new(object: EntraObjectId, raw: RawUser) -> Self {
        let user_principal_name = text(raw.user_principal_name);
        let invited = user_principal_name.as_deref().is_some_and(is_external_sign_in_name)
            || raw.external_user_state.as_deref().is_some_and(|state| !state.trim().is_empty())
            || raw.user_type.as_deref().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("guest"));
        let pending_invitation = raw
            .external_user_state
            .as_deref()
            .is_some_and(|state| state.trim().eq_ignore_ascii_case("PendingAcceptance"));
        let (primary_smtp, aliases) = smtp_addresses(raw.proxy_addresses.unwrap_or_default());
        Self {
            object,
            user_principal_name,
            mail: text(raw.mail),
            primary_smtp,
            aliases,
            display_name: text(raw.display_name),
            given_name: text(raw.given_name),
            surname: text(raw.surname),
            account_enabled: raw.account_enabled,
            kind: if invited { UserKind::Guest } else { UserKind::Member },
            pending_invitation,
            job_title: text(raw.job_title),
            department: text(raw.department),
            company_name: text(raw.company_name),
            office_location: text(raw.office_location),
            business_phones: phones(raw.business_phones.unwrap_or_default()),
            mobile_phone: text(raw.mobile_phone),
            license_count: raw.license_count,
        }
    }

    /// The address to store, and the others that may find an existing contact.
    pub fn addresses(&self, verified: &BTreeSet<DomainName>) -> Addresses {
        let mail: Option<EmailAddress> = self.mail.as_deref().and_then(|mail| mail.parse().ok());
        let sign_in: Option<EmailAddress> = self
            .user_principal_name
            .as_deref()
            .filter(|name| !is_external_sign_in_name(name))
            .and_then(|name| name.parse().ok())
            .filter(|address: &EmailAddress| is_own_domain(address.domain(), verified));
        let primary = mail.or_else(|| self.primary_smtp.clone()).or_else(|| sign_in.clone());
        let sign_in = sign_in.filter(|address| Some(address) != primary.as_ref());
        let aliases = self
            .aliases
            .iter()
            .chain(&self.primary_smtp)
            .filter(|alias| Some(*alias) != primary.as_ref() && Some(*alias) != sign_in.as_ref())
            .cloned()
            .collect();
        Addresses { primary, sign_in, aliases }
    }

    /// The name a contact is created with: display name, else given and family name, else what
    /// stands before the `@` of `address`.
    pub fn contact_name(&self, address: &EmailAddress) -> String {
        let composed = || {
            let parts: Vec<&str> =
                [&self.given_name, &self.surname].into_iter().flatten().map(String::as_str).collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        };
        self.display_name.clone().or_else(composed).unwrap_or_else(|| address.local_part().to_owned())
    }

    /// How an operator recognises the person: name, else sign-in name, else the id.
    pub fn label(&self) -> String {
        self.display_name
            .clone()
            .or_else(|| self.user_principal_name.clone())
            .or_else(|| self.mail.clone())
            .unwrap_or_else(|| self.object.to_string())
    }
}

/// Addresses of one user, in the order in which they may find a contact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Addresses {
    /// The one to store: `mail` when it is an address, else the `SMTP:` entry, else the sign-in
    /// name when its domain is one the tenant owns.
    pub primary: Option<EmailAddress>,
    /// The sign-in name, when it is an address of the tenant and not the primary one.
    pub sign_in: Option<EmailAddress>,
    /// Every other SMTP address, sorted.
    pub aliases: Vec<EmailAddress>,
}

impl Addresses {
    /// Every address, the primary one first.
    pub fn all(&self) -> impl Iterator<Item = &EmailAddress> {
        self.primary.iter().chain(&self.sign_in).chain(&self.aliases)
    }
}

fn text(value: Option<String>) -> Option<String> {
    value.as_deref().and_then(clean)
}

fn is_external_sign_in_name(name: &str) -> bool {
    name.to_ascii_lowercase().contains("#ext#")
}

fn is_own_domain(domain: &str, verified: &BTreeSet<DomainName>) -> bool {
    domain
        .parse::<DomainName>()
        .is_ok_and(|domain| !domain.is_microsoft_assigned() && verified.contains(&domain))
}

fn phones(numbers: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for number in numbers.iter().filter_map(|number| clean(number)).take(VALUES_PER_USER_MAX) {
        if !kept.contains(&number) {
            kept.push(number);
        }
    }
    kept
}

fn smtp_addresses(entries: Vec<String>) -> (Option<EmailAddress>, BTreeSet<EmailAddress>) {
    let mut primary = None;
    let mut aliases = BTreeSet::new();
    for entry in entries.iter().take(VALUES_PER_USER_MAX) {
        let Some((prefix, address)) = entry.trim().split_once(':') else { continue };
        let Ok(address) = address.parse::<EmailAddress>() else { continue };
        match prefix {
            "SMTP" if primary.is_none() => primary = Some(address),
            _ if prefix.eq_ignore_ascii_case("smtp") => {
                aliases.insert(address);
            }
            _ => {}
        }
    }
    (primary, aliases)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(raw: serde_json::Value) -> DirectoryUser {
        DirectoryUser::new(EntraObjectId::new(Uuid::nil()), serde_json::from_value(raw).unwrap())
    }

    fn verified() -> BTreeSet<DomainName> {
        ["acme.example", "acme.onmicrosoft.com"].iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn which_address_is_stored() {
        for (case, raw, primary) in [
            (
                "mail",
                serde_json::json!({"mail": "Mira@Acme.example", "userPrincipalName": "m@acme.example"}),
                Some("mira@acme.example"),
            ),
            (
                "mail is no address",
                serde_json::json!({"mail": "mira", "proxyAddresses": ["smtp:b@acme.example", "SMTP: A@acme.example"]}),
                Some("a@acme.example"),
            ),
            ("only X500", serde_json::json!({"proxyAddresses": ["X500:/o=x", "SIP:a@acme.example"]}), None),
            (
                "sign-in name of the tenant",
                serde_json::json!({"userPrincipalName": "M@acme.example"}),
                Some("m@acme.example"),
            ),
            (
                "sign-in name at onmicrosoft",
                serde_json::json!({"userPrincipalName": "m@acme.onmicrosoft.com"}),
                None,
            ),
            ("sign-in name elsewhere", serde_json::json!({"userPrincipalName": "m@other.example"}), None),
            (
                "guest's sign-in name",
                serde_json::json!({"userPrincipalName": "m_x.no#EXT#@acme.example"}),
                None,
            ),
            ("nothing", serde_json::json!({}), None),
        ] {
            let found = user(raw).addresses(&verified()).primary;
            assert_eq!(found.as_ref().map(EmailAddress::as_str), primary, "{case}");
        }
    }

    #[test]
    fn a_guest_shows_in_any_of_three_places() {
        for (raw, kind) in [
            (serde_json::json!({"userType": "Member"}), UserKind::Member),
            (serde_json::json!({"userType": null}), UserKind::Member),
            (serde_json::json!({"userType": "guest"}), UserKind::Guest),
            (
                serde_json::json!({"userType": "Member", "userPrincipalName": "o_p.no#EXT#@a.example"}),
                UserKind::Guest,
            ),
            (serde_json::json!({"userType": "Member", "externalUserState": "Accepted"}), UserKind::Guest),
        ] {
            assert_eq!(user(raw.clone()).kind, kind, "{raw}");
        }
    }

    #[test]
    fn removals_are_stored_under_these_names() {
        for (removal, name) in [(Removal::Deleted, "deleted"), (Removal::SoftDeleted, "soft_deleted")] {
            assert_eq!(serde_json::to_value(removal).unwrap(), name);
            assert_eq!(serde_json::from_value::<Removal>(name.into()).unwrap(), removal);
        }
    }

    #[test]
    fn the_name_falls_back_to_what_is_known() {
        let address = "jo.doe@acme.example".parse().unwrap();
        for (raw, name) in [
            (serde_json::json!({"displayName": " Jo  Doe "}), "Jo Doe"),
            (serde_json::json!({"displayName": " ", "givenName": "Jo", "surname": "D"}), "Jo D"),
            (serde_json::json!({"surname": "D"}), "D"),
            (serde_json::json!({}), "jo.doe"),
        ] {
            assert_eq!(user(raw.clone()).contact_name(&address), name, "{raw}");
        }
    }

    #[test]
    fn aliases_do_not_repeat_the_primary_address() {
        let user = user(serde_json::json!({
            "mail": "a@acme.example",
            "userPrincipalName": "upn@acme.example",
            "proxyAddresses": ["SMTP:A@acme.example", "smtp:b@acme.example", "smtp:UPN@acme.example"]
        }));
        let all: Vec<String> = user.addresses(&verified()).all().map(ToString::to_string).collect();
        assert_eq!(all, ["a@acme.example", "upn@acme.example", "b@acme.example"]);
    }
}
