//! `GET /v1.0/groups` and `GET /v1.0/groups/{id}/transitiveMembers/microsoft.graph.user`
//! (learn.microsoft.com/graph/api/group-list, …/group-list-transitivemembers).

use std::collections::BTreeMap;

use domain::{
    ids::{EntraObjectId, GroupId},
    text::clean,
};
use serde_json::Value;
use url::Url;

use super::{
    GraphBase,
    page::{self, Decoded, Refusals, Shape, Unreadable, collection, text},
    users::PAGE_SIZE_MAX,
};
use crate::{error::Code, port::Group};

/// The security groups of the tenant that the token is for.
#[derive(Clone, Copy, Debug)]
pub struct SecurityGroups;

/// The users in a group and in the groups within it.
#[derive(Clone, Copy, Debug)]
pub struct GroupMembers(pub GroupId);

impl Shape for SecurityGroups {
    type Content = Vec<Group>;

    const PAGED: bool = true;

    const REFUSALS: Refusals = Refusals { denied: Code::GroupsNotReadable, ..Refusals::USUAL };

    fn first(&self, base: &GraphBase, page_size: u16) -> Url {
        let size = page_size.clamp(1, PAGE_SIZE_MAX).to_string();
        base.endpoint("groups", &[("$select", "id,displayName,securityEnabled"), ("$top", &size)])
    }

    /// A row that cannot be read spoils the page, since a list without it would not be whole.
    fn decode(&self, body: &[u8]) -> Result<Decoded<Vec<Group>>, Unreadable> {
        let text = text(body);
        let page = collection(&text)?;
        let mut content = Vec::with_capacity(page.rows().len());
        for row in page.rows() {
            content.extend(decode_group(row.get())?);
        }
        Ok(Decoded { content, next: page.next, delta: None })
    }
}

impl Shape for GroupMembers {
    type Content = Vec<EntraObjectId>;

    const PAGED: bool = true;

    /// A cast of members is an advanced query: it also needs `$count`.
    const EVENTUAL: bool = true;

    const REFUSALS: Refusals =
        Refusals { denied: Code::GroupsNotReadable, missing: Code::GroupGone, ..Refusals::USUAL };

    fn first(&self, base: &GraphBase, page_size: u16) -> Url {
        let size = page_size.clamp(1, PAGE_SIZE_MAX).to_string();
        let path = format!("groups/{}/transitiveMembers/microsoft.graph.user", self.0);
        base.endpoint(&path, &[("$count", "true"), ("$select", "id"), ("$top", &size)])
    }

    /// A member that cannot be read spoils the page: without it somebody would seem to be no member.
    fn decode(&self, body: &[u8]) -> Result<Decoded<Vec<EntraObjectId>>, Unreadable> {
        let text = text(body);
        let page = collection(&text)?;
        let id = |row: &str| -> Option<EntraObjectId> { page::row(row)?.get("id")?.as_str()?.parse().ok() };
        let members: Option<Vec<EntraObjectId>> = page.rows().iter().map(|row| id(row.get())).collect();
        Ok(Decoded { content: members.ok_or(Unreadable)?, next: page.next, delta: None })
    }
}

/// The groups of all pages in order, each once.
pub fn sorted(rows: Vec<Group>) -> Vec<Group> {
    let distinct: BTreeMap<GroupId, Group> = rows.into_iter().map(|row| (row.group, row)).collect();
    let mut groups: Vec<Group> = distinct.into_values().collect();
    groups.sort_by(|a, b| (&a.display_name, a.group).cmp(&(&b.display_name, b.group)));
    groups
}

/// `None` for a group that is for mail only. One that does not say is kept.
fn decode_group(row: &str) -> Result<Option<Group>, Unreadable> {
    let row = page::row(row).ok_or(Unreadable)?;
    let id = row.get("id").and_then(Value::as_str).ok_or(Unreadable)?;
    let group = id.parse().map_err(|_| Unreadable)?;
    if row.get("securityEnabled") == Some(&Value::Bool(false)) {
        return Ok(None);
    }
    let display_name = row.get("displayName").and_then(Value::as_str).and_then(clean);
    Ok(Some(Group { group, display_name }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const A: &str = "02bd9fd6-8f93-4758-87c3-1fb73740a315";
    const B: &str = "12bd9fd6-8f93-4758-87c3-1fb73740a315";
    const C: &str = "22bd9fd6-8f93-4758-87c3-1fb73740a315";

    fn groups(rows: Value) -> Result<Vec<Group>, Unreadable> {
        let body = json!({ "value": rows }).to_string();
        SecurityGroups.decode(body.as_bytes()).map(|page| page.content)
    }

    #[test]
    fn the_first_addresses_are_the_documented_ones() {
        let base = GraphBase::new("https://graph.microsoft.com".parse().unwrap()).unwrap();
        assert_eq!(
            SecurityGroups.first(&base, 999).as_str(),
            "https://graph.microsoft.com/v1.0/groups?$select=id,displayName,securityEnabled&$top=999"
        );
        assert_eq!(
            GroupMembers(A.parse().unwrap()).first(&base, 5_000).as_str(),
            format!(
                "https://graph.microsoft.com/v1.0/groups/{A}/transitiveMembers/microsoft.graph.user\
                 ?$count=true&$select=id&$top=999"
            )
        );
    }

    #[test]
    fn which_groups_are_listed_and_in_which_order() {
        let rows = json!([
            { "id": C, "displayName": "Staff", "securityEnabled": true },
            { "id": B, "displayName": "Staff", "securityEnabled": null },
            { "id": "32bd9fd6-8f93-4758-87c3-1fb73740a315", "displayName": "News", "securityEnabled": false },
            { "id": A, "displayName": "  All  of us " },
            { "id": C, "displayName": "Staff", "securityEnabled": true },
        ]);
        let listed = sorted(groups(rows).unwrap());
        let listed: Vec<_> =
            listed.iter().map(|group| (group.display_name.as_deref(), group.group.to_string())).collect();
        let expected = [(Some("All of us"), A), (Some("Staff"), B), (Some("Staff"), C)];
        assert_eq!(listed, expected.map(|(name, id)| (name, id.to_owned())));
        let nameless = groups(json!([{ "id": A, "displayName": null }])).unwrap();
        assert_eq!(nameless[0].display_name, None);
    }

    #[test]
    fn a_row_that_cannot_be_read_spoils_the_list() {
        for row in [json!({ "displayName": "x" }), json!({ "id": 7 }), json!({ "id": "group" }), json!(null)]
        {
            assert_eq!(groups(json!([{ "id": A }, row])), Err(Unreadable), "{row}");
            let body = json!({ "value": [{ "id": B }, row] }).to_string();
            assert_eq!(GroupMembers(A.parse().unwrap()).decode(body.as_bytes()), Err(Unreadable), "{row}");
        }
    }

    #[test]
    fn members_are_read_in_order() {
        let body = json!({ "@odata.count": 2, "value": [{ "id": C }, { "id": B }], "@odata.nextLink": "x" });
        let page = GroupMembers(A.parse().unwrap()).decode(body.to_string().as_bytes()).unwrap();
        assert_eq!(page.content, [C.parse().unwrap(), B.parse().unwrap()]);
        assert_eq!(page.next.as_deref(), Some("x"));
    }
}
