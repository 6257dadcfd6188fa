//! `GET /v1.0/users/delta` (learn.microsoft.com/graph/api/user-delta): what has changed since a
//! link that the service gave out earlier.

use std::collections::HashMap;

use domain::{
    ids::EntraObjectId,
    user::{DirectoryUser, Removal},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::{
    GraphBase,
    page::{Decoded, Refusals, Shape, Unreadable, collection, text},
    users::{SELECT, decode_row},
};
use crate::{
    error::Code,
    port::{BadRow, BadRowCause, Removed},
};

/// The changes of the tenant that the token is for. Its own beginning is the present: earlier
/// changes are read from a link.
#[derive(Clone, Copy, Debug)]
pub struct Changes;

/// One page of changes; nobody is in it twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangeRows {
    /// Users who were added, changed or restored.
    pub users: Vec<DirectoryUser>,
    /// Users who were removed.
    pub removed: Vec<Removed>,
    /// Rows that could not be read.
    pub bad_rows: Vec<BadRow>,
}

impl Shape for Changes {
    type Content = ChangeRows;

    /// The service chooses the size of its pages.
    const PAGED: bool = false;

    const REFUSALS: Refusals = Refusals { expired: Code::ChangesExpired, ..Refusals::USUAL };

    /// The same properties as the listing's: the links remember them, and changes of others are not
    /// reported.
    fn first(&self, base: &GraphBase, _page_size: u16) -> Url {
        base.endpoint("users/delta", &[("$deltatoken", "latest"), ("$select", SELECT)])
    }

    /// A page says where to go on, or where later changes are: one that says neither was cut off,
    /// and one that says both would be read as complete too early.
    fn decode(&self, body: &[u8]) -> Result<Decoded<ChangeRows>, Unreadable> {
        let text = text(body);
        let page = collection(&text)?;
        if page.next.is_some() == page.delta.is_some() {
            return Err(Unreadable);
        }
        Ok(Decoded { content: fold(page.rows()), next: page.next, delta: page.delta })
    }
}

/// What one row says.
enum Row {
    Bad(BadRow),
    Removed(Removed),
    User(Box<DirectoryUser>),
}

impl Row {
    const fn object(&self) -> Option<EntraObjectId> {
        match self {
            Self::Bad(row) => row.object,
            Self::Removed(removed) => Some(removed.object),
            Self::User(user) => Some(user.object),
        }
    }
}

#[derive(Deserialize)]
struct Annotated<'a> {
    #[serde(borrow, default, rename = "@removed")]
    removed: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Reason {
    reason: String,
}

/// What a page says of each person: what its last row about them says.
fn fold(rows: &[&RawValue]) -> ChangeRows {
    let mut kept: Vec<Option<Row>> = Vec::with_capacity(rows.len());
    let mut places: HashMap<EntraObjectId, usize> = HashMap::new();
    for (position, row) in (0..).zip(rows) {
        let row = read(position, row);
        let earlier = row.object().and_then(|object| places.insert(object, kept.len()));
        if let Some(earlier) = earlier {
            kept[earlier] = None;
        }
        kept.push(Some(row));
    }
    let mut page = ChangeRows::default();
    for row in kept.into_iter().flatten() {
        match row {
            Row::Bad(row) => page.bad_rows.push(row),
            Row::Removed(removed) => page.removed.push(removed),
            Row::User(user) => page.users.push(*user),
        }
    }
    page
}

fn read(position: u32, row: &RawValue) -> Row {
    let bad = |object, cause| Row::Bad(BadRow { position, object, cause });
    let user = match decode_row(row) {
        Ok(user) => user,
        Err((object, cause)) => return bad(object, cause),
    };
    let annotation = match serde_json::from_str::<Annotated<'_>>(row.get()) {
        Ok(Annotated { removed: None }) => return Row::User(Box::new(user)),
        Ok(Annotated { removed }) => removed.and_then(removal),
        Err(_) => None,
    };
    match annotation {
        Some(removal) => Row::Removed(Removed { object: user.object, removal }),
        None => bad(Some(user.object), BadRowCause::UnknownRemoval),
    }
}

/// The two ways that are documented; another one is not taken for either.
fn removal(annotation: &RawValue) -> Option<Removal> {
    let Reason { reason } = serde_json::from_str(annotation.get()).ok()?;
    match reason.as_str() {
        "changed" => Some(Removal::SoftDeleted),
        "deleted" => Some(Removal::Deleted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const A: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
    const B: &str = "c0ffee00-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    const LINK: &str = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x";

    fn decode(rows: Value) -> ChangeRows {
        let body = json!({ "value": rows, "@odata.deltaLink": LINK });
        Changes.decode(body.to_string().as_bytes()).unwrap().content
    }

    fn removed(id: &str, reason: &str) -> Value {
        json!({ "id": id, "@removed": { "reason": reason } })
    }

    /// `name` = user with that name, `-` = deleted, `~` = soft-deleted, `!` = a bad row; in order of
    /// kind.
    fn told(page: &ChangeRows) -> Vec<(String, String)> {
        let users =
            page.users.iter().map(|user| (user.object, user.display_name.clone().unwrap_or_default()));
        let removed = page.removed.iter().map(|removed| {
            let sign = if removed.removal == Removal::Deleted { "-" } else { "~" };
            (removed.object, sign.to_owned())
        });
        let bad = page.bad_rows.iter().filter_map(|row| Some((row.object?, "!".to_owned())));
        users.chain(removed).chain(bad).map(|(object, what)| (object.to_string(), what)).collect()
    }

    #[test]
    fn it_begins_now_with_the_properties_of_the_listing() {
        let base = GraphBase::new("https://graph.microsoft.com".parse().unwrap()).unwrap();
        let url = Changes.first(&base, 999).to_string();
        let select =
            format!("https://graph.microsoft.com/v1.0/users/delta?$deltatoken=latest&$select={SELECT}");
        assert_eq!(url, select);
    }

    #[test]
    fn the_last_row_about_a_person_counts() {
        let named = |id: &str, name: &str| json!({ "id": id, "displayName": name });
        let bad = |id: &str| json!({ "id": id, "mail": 7 });
        for (case, rows, expected) in [
            ("nothing", json!([]), vec![]),
            ("a user", json!([named(A, "x")]), vec![(A, "x")]),
            ("both reasons", json!([removed(A, "deleted"), removed(B, "changed")]), vec![(A, "-"), (B, "~")]),
            ("removed, then restored", json!([removed(A, "changed"), named(A, "x")]), vec![(A, "x")]),
            ("changed, then removed", json!([named(A, "x"), removed(A, "changed")]), vec![(A, "~")]),
            (
                "soft-deleted, then for good",
                json!([removed(A, "changed"), removed(A, "deleted")]),
                vec![(A, "-")],
            ),
            (
                "three times",
                json!([named(A, "x"), named(B, "b"), named(A, "y"), named(A, "z")]),
                vec![(B, "b"), (A, "z")],
            ),
            ("the last one is bad", json!([named(A, "x"), bad(A)]), vec![(A, "!")]),
            ("the bad one is not the last", json!([bad(A), removed(A, "deleted")]), vec![(A, "-")]),
            ("capital letters", json!([named(&A.to_uppercase(), "x"), named(A, "y")]), vec![(A, "y")]),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|(id, what)| (id.to_owned(), what.to_owned())).collect();
            assert_eq!(told(&decode(rows)), expected, "{case}");
        }
    }

    #[test]
    fn only_the_documented_reasons_remove_anybody() {
        for annotation in [
            json!({ "reason": "moved" }),
            json!({ "reason": "Deleted" }),
            json!({ "reason": null }),
            json!({}),
            json!("deleted"),
            json!(true),
        ] {
            let page = decode(json!([{ "id": A, "@removed": annotation }]));
            let expected = BadRow { position: 0, object: A.parse().ok(), cause: BadRowCause::UnknownRemoval };
            assert_eq!((page.users.len(), page.removed.len()), (0, 0), "{annotation}");
            assert_eq!(page.bad_rows, [expected], "{annotation}");
        }
        let twice = format!(
            r#"{{"@odata.deltaLink":"{LINK}","value":[{{"id":"{A}","@removed":null,"@removed":null}}]}}"#
        );
        let page = Changes.decode(twice.as_bytes()).unwrap().content;
        assert_eq!((page.users.len(), page.bad_rows.len()), (0, 1), "said twice");
        assert_eq!(decode(json!([{ "id": A, "@removed": null }])).users.len(), 1, "null is nothing");
        for row in [json!({ "@removed": { "reason": "deleted" } }), json!(null), json!({ "id": "x" })] {
            let page = decode(json!([row]));
            assert_eq!((page.users.len(), page.removed.len(), page.bad_rows.len()), (0, 0, 1), "{row}");
        }
    }

    #[test]
    fn a_page_has_exactly_one_link() {
        let (next, delta) = (json!(LINK), json!(LINK));
        for (body, expected) in [
            (json!({ "value": [], "@odata.nextLink": next }), Ok((true, false))),
            (json!({ "value": [], "@odata.deltaLink": delta }), Ok((false, true))),
            (json!({ "value": [] }), Err(Unreadable)),
            (json!({ "value": [], "@odata.nextLink": null, "@odata.deltaLink": null }), Err(Unreadable)),
            (json!({ "value": [], "@odata.nextLink": next, "@odata.deltaLink": delta }), Err(Unreadable)),
            (json!({ "value": [], "@odata.deltaLink": 7 }), Err(Unreadable)),
            (json!({ "@odata.deltaLink": delta }), Err(Unreadable)),
        ] {
            let decoded = Changes.decode(body.to_string().as_bytes());
            let links = decoded.map(|page| (page.next.is_some(), page.delta.is_some()));
            assert_eq!(links, expected, "{body}");
        }
    }
}
