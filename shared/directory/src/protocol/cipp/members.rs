//! `GET /api/ListGraphRequest?Endpoint=groups/{id}/transitiveMembers`: who is in a group, and in the groups
//! within it.
//!
//! A cast to users is an advanced query, for which CIPP does not send what Graph wants. So rows of every type
//! come, and each has to say which it is (learn.microsoft.com/graph/api/group-list-transitivemembers).

use domain::ids::{EntraObjectId, GroupId};

use super::{
    passed_on::{Page, is_of_graph},
    row::Row,
};
use crate::{error::Code, port::TenantProof, protocol::page::text};

/// How the type of a user is called.
const USER: &str = "#microsoft.graph.user";

/// How the types of everything that can be in a group begin.
const TYPES: &str = "#microsoft.graph.";

/// One page.
#[derive(Debug, PartialEq)]
pub struct CippMembers {
    /// The users on it.
    pub members: Vec<EntraObjectId>,
    /// Where it goes on: a link of Graph, checked.
    pub next: Option<String>,
}

/// The page of members of `group` in `body`, which must be one of the tenant that `proof` is of. A row that
/// cannot be read spoils it: without that row somebody would seem to be no member.
///
/// # Errors
/// When it is a failure, nothing, incomplete, of another tenant, or has such a row.
pub fn members(body: &[u8], group: GroupId, proof: &TenantProof) -> Result<CippMembers, Code> {
    let text = text(body);
    let mut page = Page::read(&text, proof)?;
    let mut members = Vec::new();
    for raw in page.rows() {
        let row = Row::read(raw).ok_or(Code::CippAnswerUnreadable)?;
        page.hear(&row)?;
        members.extend(member(&row)?);
    }
    page.is_proven()?;
    let next = page.next(|link| checked(link, group))?;
    Ok(CippMembers { members, next })
}

/// What is asked for.
pub(crate) fn endpoint(group: GroupId) -> String {
    format!("groups/{group}/transitiveMembers")
}

/// That a link goes on with the members of `group`.
pub(crate) fn checked(link: &str, group: GroupId) -> Result<(), Code> {
    let path = endpoint(group);
    is_of_graph(link, &[&format!("/v1.0/{path}"), &format!("/beta/{path}")])
}

/// `None` for what is in a group and no user.
fn member(row: &Row) -> Result<Option<EntraObjectId>, Code> {
    let kind = row.text("@odata.type").filter(|kind| kind.starts_with(TYPES));
    match kind.ok_or(Code::CippAnswerUnreadable)? {
        USER => {
            let id = row.text("id").and_then(|id| id.parse().ok());
            id.map(Some).ok_or(Code::CippAnswerUnreadable)
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TENANT: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    const OTHER: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    const GROUP: &str = "02bd9fd6-8f93-4758-87c3-1fb73740a315";
    const MIRA: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";

    fn read(body: &Value) -> Result<CippMembers, Code> {
        let proof = TenantProof {
            entra_tenant: TENANT.parse().unwrap(),
            display_name: None,
            verified_domains: vec!["b.example".parse().unwrap()],
            default_domain: None,
        };
        members(body.to_string().as_bytes(), GROUP.parse().unwrap(), &proof)
    }

    fn row(kind: &str, id: &Value) -> Value {
        json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id })
    }

    fn wrapped(rows: &Value) -> Value {
        json!({ "Results": rows, "Metadata": { "TenantFilter": TENANT } })
    }

    #[test]
    fn users_are_members_and_what_else_is_in_a_group_is_none() {
        let all = [row("user", &json!(MIRA)), row("group", &json!(GROUP)), row("device", &json!(7))];
        let page = read(&wrapped(&json!(all))).unwrap();
        assert_eq!((page.members, page.next), (vec![MIRA.parse().unwrap()], None));
        assert_eq!(read(&wrapped(&all[0])).unwrap().members.len(), 1, "a list of one");
        assert_eq!(read(&wrapped(&json!([]))).unwrap().members, [], "an empty group");
    }

    #[test]
    fn whatever_could_leave_a_member_out_is_an_error() {
        let good = row("user", &json!(MIRA));
        let with = |name: &str, value: &str| {
            let mut row = good.clone();
            row[name] = json!(value);
            row
        };
        for (body, code) in [
            (wrapped(&json!([good, { "id": MIRA }])), Code::CippAnswerUnreadable),
            (wrapped(&json!([good, with("@odata.type", "user")])), Code::CippAnswerUnreadable),
            (wrapped(&json!([good, row("user", &json!(7))])), Code::CippAnswerUnreadable),
            (wrapped(&json!([good, row("user", &json!("mira"))])), Code::CippAnswerUnreadable),
            (wrapped(&json!([good, 7])), Code::CippAnswerUnreadable),
            (
                wrapped(&json!([good, with("CippStatus", "Could not connect to tenant.")])),
                Code::CippReadFailed,
            ),
            (wrapped(&json!([with("Tenant", OTHER)])), Code::TenantMismatch),
            (wrapped(&json!("Graph Error: x")), Code::CippReadFailed),
            (wrapped(&json!(null)), Code::CippAnswerIncomplete),
            (wrapped(&json!([null])), Code::CippAnswerIncomplete),
            (json!({ "Results": [], "Metadata": { "Queued": true } }), Code::CippAnswerIncomplete),
            (json!({ "Results": [], "Metadata": { "TenantFilter": OTHER } }), Code::TenantMismatch),
            (json!([good]), Code::TenantUnproven),
            (json!([]), Code::TenantUnproven),
        ] {
            assert_eq!(read(&body), Err(code), "{body}");
        }
        assert!(read(&json!([with("Tenant", "b.example")])).is_ok(), "each row says whose it is");
    }

    #[test]
    fn a_listing_goes_on_with_the_same_group_only() {
        let graph = "https://graph.microsoft.com/v1.0/groups";
        for (link, expected) in [
            (format!("{graph}/{GROUP}/transitiveMembers?$skiptoken=x"), Ok(())),
            (format!("{graph}/{OTHER}/transitiveMembers?$skiptoken=x"), Err(Code::ForeignNextLink)),
            (format!("{graph}/{GROUP}/members?$skiptoken=x"), Err(Code::ForeignNextLink)),
            ("https://graph.microsoft.com/v1.0/users?$skiptoken=x".to_owned(), Err(Code::ForeignNextLink)),
            (
                format!("https://evil.example/v1.0/groups/{GROUP}/transitiveMembers"),
                Err(Code::ForeignNextLink),
            ),
            (
                format!("{graph}/{GROUP}/transitiveMembers?x={}", "x".repeat(40_000)),
                Err(Code::AnswerTooLarge),
            ),
        ] {
            let mut body = wrapped(&json!([row("user", &json!(MIRA))]));
            body["Metadata"]["nextLink"] = json!(link);
            assert_eq!(read(&body).map(|page| page.next.is_some()), expected.map(|()| true), "{link:.80}");
        }
    }
}
