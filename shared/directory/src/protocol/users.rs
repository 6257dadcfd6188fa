//! `GET /v1.0/users` and `GET /v1.0/users/{id or sign-in name}`
//! (learn.microsoft.com/graph/api/user-list, …/user-get).

use domain::{
    ids::EntraObjectId,
    user::{DirectoryUser, RawUser},
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};
use url::{Url, form_urlencoded};

use super::{
    GraphBase,
    page::{Decoded, ROW_BYTES_MAX, Shape, Unreadable, collection, text},
};
use crate::port::{BadRow, BadRowCause, UserKey};

/// Most rows a page may be asked to hold.
pub const PAGE_SIZE_MAX: u16 = 999;

/// Everything a contact or a filter can need; most of it is absent unless named.
pub(super) const SELECT: &str = "id,userPrincipalName,mail,proxyAddresses,displayName,givenName,surname,accountEnabled,\
userType,jobTitle,department,companyName,officeLocation,businessPhones,mobilePhone,assignedLicenses,\
externalUserState,onPremisesSyncEnabled,createdDateTime";

/// The users of the tenant that the token is for.
#[derive(Clone, Copy, Debug)]
pub struct Users;

/// One page of users.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserRows {
    /// The rows that could be read, in order.
    pub users: Vec<DirectoryUser>,
    /// The others.
    pub bad_rows: Vec<BadRow>,
}

impl Shape for Users {
    type Content = UserRows;

    const PAGED: bool = true;

    fn first(&self, base: &GraphBase, page_size: u16) -> Url {
        let size = page_size.clamp(1, PAGE_SIZE_MAX).to_string();
        base.endpoint("users", &[("$select", SELECT), ("$top", &size)])
    }

    fn decode(&self, body: &[u8]) -> Result<Decoded<UserRows>, Unreadable> {
        let text = text(body);
        let page = collection(&text)?;
        let mut content = UserRows::default();
        for (position, row) in (0..).zip(page.rows()) {
            match decode_row(row) {
                Ok(user) => content.users.push(user),
                Err((object, cause)) => content.bad_rows.push(BadRow { position, object, cause }),
            }
        }
        Ok(Decoded { content, next: page.next, delta: None })
    }
}

/// One user of the tenant that the token is for.
#[derive(Clone, Debug)]
pub struct OneUser {
    /// Below `users/`.
    segment: String,
    object: Option<EntraObjectId>,
}

impl OneUser {
    /// The user known by `key`; `None` when nobody can be, since every sign-in name has an `@`.
    pub fn of(key: &UserKey) -> Option<Self> {
        match key {
            UserKey::Object(object) => Some(Self { segment: object.to_string(), object: Some(*object) }),
            UserKey::SignInName(name) => {
                let name = name.trim();
                name.contains('@').then(|| Self { segment: path_segment(name), object: None })
            }
        }
    }
}

impl Shape for OneUser {
    /// Or why the record is of no use, although it is the one that was asked for.
    type Content = Result<DirectoryUser, BadRowCause>;

    const PAGED: bool = false;

    fn first(&self, base: &GraphBase, _page_size: u16) -> Url {
        base.endpoint(&format!("users/{}", self.segment), &[("$select", SELECT)])
    }

    fn decode(&self, body: &[u8]) -> Result<Decoded<Self::Content>, Unreadable> {
        let text = text(body);
        let row: &RawValue = serde_json::from_str(&text).map_err(|_| Unreadable)?;
        let (object, content) = match decode_row(row) {
            Ok(user) => (user.object, Ok(user)),
            Err((Some(object), cause)) => (object, Err(cause)),
            Err((None, _)) => return Err(Unreadable),
        };
        if self.object.is_some_and(|asked| asked != object) {
            return Err(Unreadable);
        }
        Ok(Decoded { content, next: None, delta: None })
    }
}

/// `name` so that it is one segment of a path, whatever it holds: guests have a `#` in theirs.
fn path_segment(name: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    // Forms write a blank as `+`, which means itself in a path.
    encoded.replace('+', "%20").replace("%40", "@")
}

/// The members that [`RawUser`] does not hold.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identified {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    assigned_licenses: Licenses,
}

/// Only how many there are matters, and only when it was told.
#[derive(Deserialize)]
#[serde(untagged)]
enum Licenses {
    Listed(Vec<IgnoredAny>),
    Untold(()),
    Malformed(IgnoredAny),
}

impl Default for Licenses {
    fn default() -> Self {
        Self::Untold(())
    }
}

pub(super) fn decode_row(row: &RawValue) -> Result<DirectoryUser, (Option<EntraObjectId>, BadRowCause)> {
    if !row.get().trim_start().starts_with('{') {
        return Err((None, BadRowCause::NotAnObject));
    }
    if row.get().len() > ROW_BYTES_MAX {
        return Err((None, BadRowCause::TooLarge));
    }
    let identified: Identified =
        serde_json::from_str(row.get()).map_err(|_| (None, BadRowCause::MemberType))?;
    let object: EntraObjectId = match identified.id {
        Value::Null => return Err((None, BadRowCause::NoId)),
        Value::String(id) => id.parse().map_err(|_| (None, BadRowCause::IdNotGuid))?,
        _ => return Err((None, BadRowCause::MemberType)),
    };
    let malformed = || (Some(object), BadRowCause::MemberType);
    let mut raw: RawUser = serde_json::from_str(row.get()).map_err(|_| malformed())?;
    raw.license_count = match identified.assigned_licenses {
        Licenses::Listed(licenses) => Some(u32::try_from(licenses.len()).map_err(|_| malformed())?),
        Licenses::Untold(()) => None,
        Licenses::Malformed(_) => return Err(malformed()),
    };
    Ok(DirectoryUser::new(object, raw))
}

#[cfg(test)]
mod tests {
    use domain::user::UserKind;
    use serde_json::json;

    use super::*;

    const ID: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";

    fn decode(rows: Value) -> UserRows {
        Users.decode(json!({ "value": rows }).to_string().as_bytes()).unwrap().content
    }

    fn one(row: Value) -> DirectoryUser {
        let page = decode(json!([row]));
        assert_eq!(page.bad_rows, []);
        page.users.into_iter().next().unwrap()
    }

    #[test]
    fn the_first_address_is_the_documented_one() {
        let base = GraphBase::new("https://graph.microsoft.com".parse().unwrap()).unwrap();
        let url = Users.first(&base, 999).to_string();
        assert!(url.starts_with("https://graph.microsoft.com/v1.0/users?$select=id,userPrincipalName,mail,"));
        assert!(url.ends_with("externalUserState,onPremisesSyncEnabled,createdDateTime&$top=999"));
        assert!(Users.first(&base, 5000).to_string().ends_with("$top=999"));
    }

    #[test]
    fn one_user_has_one_address() {
        let base = GraphBase::new("https://graph.microsoft.com".parse().unwrap()).unwrap();
        let path = |name: &str| {
            let shape = OneUser::of(&UserKey::SignInName(name.to_owned()))?;
            Some(shape.first(&base, 1).path().trim_start_matches("/v1.0/users/").to_owned())
        };
        for (name, expected) in [
            ("Mira@contoso.example", Some("Mira@contoso.example")),
            (" mira@contoso.example ", Some("mira@contoso.example")),
            ("o'hara@contoso.example", Some("o%27hara@contoso.example")),
            ("ola_p.no#EXT#@c.onmicrosoft.com", Some("ola_p.no%23EXT%23@c.onmicrosoft.com")),
            ("mira@bücher.example", Some("mira@b%C3%BCcher.example")),
            ("a/../b?x=1&y@c.example", Some("a%2F..%2Fb%3Fx%3D1%26y@c.example")),
            ("50%@c.example", Some("50%25@c.example")),
            ("a+b c@c.example", Some("a%2Bb%20c@c.example")),
            ("", None),
            ("..", None),
            ("delta", None),
        ] {
            assert_eq!(path(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn one_user_is_the_one_asked_for_or_unreadable() {
        let key = UserKey::Object(ID.parse().unwrap());
        let decode = |body: Value| OneUser::of(&key).unwrap().decode(body.to_string().as_bytes());
        let user =
            decode(json!({ "@odata.context": "x", "id": ID, "mail": "mira@contoso.example" })).unwrap();
        assert_eq!(user.content.unwrap().mail.as_deref(), Some("mira@contoso.example"));
        let record = decode(json!({ "id": ID, "mail": 7 })).unwrap();
        assert_eq!(record.content, Err(BadRowCause::MemberType), "hers, and of no use");
        for body in [
            json!({ "id": "1b0c31c4-66a3-4bd0-8c4e-1f8b8b6a0a01" }),
            json!({ "mail": "mira@contoso.example" }),
            json!({ "value": [{ "id": ID }] }),
            json!([]),
        ] {
            assert_eq!(decode(body.clone()), Err(Unreadable), "{body}");
        }
    }

    #[test]
    fn absent_is_neither_false_nor_empty() {
        let user = one(json!({ "id": ID }));
        assert_eq!((user.account_enabled, user.license_count, user.mail), (None, None, None));
        let user = one(json!({ "id": ID, "accountEnabled": null, "assignedLicenses": null, "userType": null,
            "proxyAddresses": null, "businessPhones": null, "mail": null }));
        assert_eq!((user.account_enabled, user.license_count, user.kind), (None, None, UserKind::Member));
        let user =
            one(json!({ "id": ID, "accountEnabled": false, "assignedLicenses": [{ "skuId": "x" }, {}] }));
        assert_eq!((user.account_enabled, user.license_count), (Some(false), Some(2)));
    }

    #[test]
    fn addresses_in_all_their_spellings() {
        let user = one(json!({ "id": ID, "userPrincipalName": "O'Hara@Bücher.example",
            "proxyAddresses": ["SMTP: Mira@contoso.example", "smtp:alias@contoso.example", "X500:/o=Exchange"] }));
        assert_eq!(user.user_principal_name.as_deref(), Some("O'Hara@Bücher.example"));
        assert!(user.primary_smtp.is_some());
        assert_eq!(user.aliases.len(), 1);
        assert_eq!(one(json!({ "id": ID, "proxyAddresses": ["X500:/o=Exchange"] })).primary_smtp, None);
        assert_eq!(one(json!({ "id": ID, "proxyAddresses": [] })).primary_smtp, None);
        let guest = json!({ "id": ID, "userPrincipalName": "ola_partner.no#EXT#@c.onmicrosoft.com", "userType": "Member" });
        assert_eq!(one(guest).kind, UserKind::Guest);
    }

    #[test]
    fn long_names_emoji_and_right_to_left_text_are_read() {
        let long = "å".repeat(256);
        assert_eq!(one(json!({ "id": ID, "displayName": long })).display_name, Some("å".repeat(256)));
        let user = one(json!({ "id": ID, "displayName": "👩‍🔧 Mira", "givenName": "\u{202e}מירה" }));
        assert_eq!(user.display_name.as_deref(), Some("👩‍🔧 Mira"));
        assert_eq!(user.given_name.as_deref(), Some("מירה"));
    }

    #[test]
    fn one_bad_row_spoils_nothing_but_itself() {
        let page = decode(json!([
            { "id": ID }, { "displayName": "x" }, { "id": "id-value" }, { "id": 7 }, null, "x",
            { "id": ID, "mail": 7 }, { "id": ID, "proxyAddresses": "x" }, { "id": ID, "assignedLicenses": 3 },
            { "id": ID, "businessPhones": [1] }, { "id": "1b0c31c4-66a3-4bd0-8c4e-1f8b8b6a0a01" }
        ]));
        assert_eq!(page.users.len(), 2);
        let object = ID.parse().ok();
        let expected = [
            (1, None, BadRowCause::NoId),
            (2, None, BadRowCause::IdNotGuid),
            (3, None, BadRowCause::MemberType),
            (4, None, BadRowCause::NotAnObject),
            (5, None, BadRowCause::NotAnObject),
            (6, object, BadRowCause::MemberType),
            (7, object, BadRowCause::MemberType),
            (8, object, BadRowCause::MemberType),
            (9, object, BadRowCause::MemberType),
        ];
        let expected = expected.map(|(position, object, cause)| BadRow { position, object, cause });
        assert_eq!(page.bad_rows, expected);
    }

    #[test]
    fn broken_text_spoils_one_value_only() {
        let mut body = format!(r#"{{"value":[{{"id":"{ID}","displayName":"a"#).into_bytes();
        body.push(0xff);
        body.extend_from_slice(
            format!(r#""}},{{"id":"{ID}","displayName":"\ud800"}},{{"id":"{ID}"}}]}}"#).as_bytes(),
        );
        let page = Users.decode(&body).unwrap().content;
        assert_eq!(page.users.len(), 2);
        assert_eq!(page.users[0].display_name.as_deref(), Some("a\u{fffd}"));
        assert_eq!(page.bad_rows.len(), 1);
    }

    #[test]
    fn an_envelope_without_rows_is_no_page() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"value":null}"#,
            r#"{"value":[{}"#,
            "<html>",
            r#"{"value":[],"@odata.nextLink":1}"#,
        ] {
            assert_eq!(Users.decode(body.as_bytes()), Err(Unreadable), "{body}");
        }
    }
}
