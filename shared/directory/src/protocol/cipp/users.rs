//! `GET /api/ListGraphRequest?Endpoint=users`: one page of Graph's users, passed on by CIPP with the
//! tenant it says it asked.

use domain::{
    domain_name::DomainName,
    user::{DirectoryUser, UserKind},
};
use serde_json::value::RawValue;

use super::{
    passed_on::{Page, is_of_graph},
    row::Row,
};
use crate::{
    error::Code,
    port::{BadRow, BadRowCause, TenantProof},
    protocol::{
        page::text,
        users::{SELECT, UserRows, decode_row},
    },
};

/// The members to ask for.
pub(crate) const SELECTED: &str = SELECT;

/// One page.
#[derive(Debug)]
pub struct CippUsers {
    /// The people on it.
    pub rows: UserRows,
    /// Where it goes on: a link of Graph, checked.
    pub next: Option<String>,
}

/// The page in `body`, which must be one of the tenant that `proof` is of.
///
/// # Errors
/// When it is a failure, nothing, incomplete, or of another tenant.
pub fn users(body: &[u8], proof: &TenantProof) -> Result<CippUsers, Code> {
    let text = text(body);
    let mut page = Page::read(&text, proof)?;
    let mut rows = UserRows::default();
    for (position, raw) in (0..).zip(page.rows()) {
        let Some(row) = Row::read(raw) else {
            rows.bad_rows.push(BadRow { position, object: None, cause: BadRowCause::NotAnObject });
            continue;
        };
        page.hear(&row)?;
        match user(&row) {
            Ok(user) => rows.users.push(user),
            Err((object, cause)) => rows.bad_rows.push(BadRow { position, object, cause }),
        }
    }
    let failed = rows.users.is_empty() && rows.bad_rows.iter().all(|row| row.object.is_none());
    if failed && !rows.bad_rows.is_empty() {
        return Err(Code::CippReadFailed);
    }
    page.is_proven()?;
    if are_strangers(&rows.users, &proof.verified_domains) {
        return Err(Code::TenantMismatch);
    }
    let next = page.next(checked)?;
    Ok(CippUsers { rows, next })
}

/// Whether everybody on a page signs in with domains that are not the tenant's. A sign-in name has one
/// of the tenant's verified domains (learn.microsoft.com/graph/api/resources/user), so that such a page
/// is another tenant's, whatever CIPP says about it. Guests' names are of the tenant that invited them.
fn are_strangers(users: &[DirectoryUser], domains: &[DomainName]) -> bool {
    let mut of_members = users
        .iter()
        .filter(|user| user.kind == UserKind::Member)
        .filter_map(|user| user.user_principal_name.as_deref()?.rsplit_once('@'))
        .map(|(_, domain)| domain.parse::<DomainName>().is_ok_and(|domain| domains.contains(&domain)))
        .peekable();
    of_members.peek().is_some() && !of_members.any(|known| known)
}

fn user(row: &Row) -> Result<DirectoryUser, (Option<domain::ids::EntraObjectId>, BadRowCause)> {
    let row: Box<RawValue> = row.json().map_err(|_| (None, BadRowCause::NotAnObject))?;
    decode_row(&row)
}

/// That a link is one of Graph's list of users.
pub(crate) fn checked(link: &str) -> Result<(), Code> {
    is_of_graph(link, &["/v1.0/users", "/beta/users"])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TENANT: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    const OTHER: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
    const ID: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";

    fn proof() -> TenantProof {
        TenantProof {
            entra_tenant: TENANT.parse().unwrap(),
            display_name: None,
            verified_domains: vec!["b.example".parse().unwrap(), "b.onmicrosoft.com".parse().unwrap()],
            default_domain: None,
        }
    }

    fn read(body: &Value) -> Result<CippUsers, Code> {
        users(body.to_string().as_bytes(), &proof())
    }

    fn page(rows: Value) -> Value {
        json!({ "Results": rows, "Metadata": { "TenantFilter": TENANT } })
    }

    #[test]
    fn rows_in_powershells_spelling_are_graphs_rows() {
        let read = read(&page(json!({ "ID": ID, "UserPrincipalName": "mira@b.example", "AccountEnabled": "True",
            "businessPhones": "+47 1", "mobilePhone": 4_712_345_678_u64, "proxyAddresses": "SMTP:mira@b.example",
            "assignedLicenses": { "skuId": "x" }, "Tenant": TENANT, "CippStatus": "Good", "Extra": [1] })))
        .unwrap();
        let user = &read.rows.users[0];
        assert_eq!((user.account_enabled, user.license_count), (Some(true), Some(1)));
        assert!(user.primary_smtp.is_some());
        assert_eq!(user.user_principal_name.as_deref(), Some("mira@b.example"));
        for (told, enabled) in [
            (json!(0), Some(false)),
            (json!("1"), Some(true)),
            (json!(false), Some(false)),
            (json!(null), None),
        ] {
            let read = self::read(&page(json!([{ "id": ID, "accountEnabled": told }]))).unwrap();
            assert_eq!(read.rows.users[0].account_enabled, enabled, "{told}");
        }
        let read = self::read(&page(json!([{ "id": ID, "accountEnabled": "perhaps" }]))).unwrap();
        assert_eq!(read.rows.bad_rows[0].cause, BadRowCause::MemberType);
    }

    #[test]
    fn failures_and_nothing_are_never_nobody() {
        assert_eq!(read(&page(json!([]))).unwrap().rows.users.len(), 0);
        for (body, code) in [
            (json!(null), Code::CippAnswerIncomplete),
            (json!([null]), Code::CippAnswerIncomplete),
            (page(json!(null)), Code::CippAnswerIncomplete),
            (
                json!({ "Results": [], "Metadata": { "Queued": true, "TenantFilter": TENANT } }),
                Code::CippAnswerIncomplete,
            ),
            (json!("Graph Error: x"), Code::CippReadFailed),
            (json!({ "Results": "Error" }), Code::CippReadFailed),
            (page(json!([{ "Message": "This function has been deprecated" }])), Code::CippReadFailed),
            (
                page(json!([{ "Tenant": TENANT, "CippStatus": "Could not connect to tenant." }])),
                Code::CippReadFailed,
            ),
            (page(json!([{ "id": ID, "CippStatus": "Failed" }])), Code::CippReadFailed),
            (page(json!(["x", 7])), Code::CippReadFailed),
            (json!(7), Code::CippAnswerUnreadable),
        ] {
            assert_eq!(read(&body).unwrap_err(), code, "{body}");
        }
    }

    #[test]
    fn pages_of_another_tenant_are_refused() {
        let row = |tenant: &str, name: &str| json!({ "id": ID, "userPrincipalName": name, "Tenant": tenant });
        let with =
            |filter: Value, rows: Value| json!({ "Results": rows, "Metadata": { "TenantFilter": filter } });
        for body in [
            with(json!(TENANT), json!([row(TENANT, "m@b.example")])),
            with(json!("B.example"), json!([row("b.onmicrosoft.com", "m@b.example")])),
            with(json!(null), json!([row(TENANT, "m@b.example")])),
            with(json!(TENANT), json!([{ "id": ID, "userPrincipalName": "m@b.example" }])),
            with(
                json!(TENANT),
                json!([{ "id": ID, "userType": "Guest", "userPrincipalName": "o_p.no#EXT#@p.no" }]),
            ),
            with(json!(TENANT), json!([row(TENANT, "m@msp.example"), row(TENANT, "n@b.example")])),
        ] {
            assert!(read(&body).is_ok(), "{body}");
        }
        for (body, code) in [
            (with(json!(OTHER), json!([row(TENANT, "m@b.example")])), Code::TenantMismatch),
            (with(json!("msp.example"), json!([])), Code::TenantMismatch),
            (with(json!(TENANT), json!([row(OTHER, "m@b.example")])), Code::TenantMismatch),
            (
                with(json!(TENANT), json!([row(TENANT, "m@b.example"), row("x", "n@b.example")])),
                Code::TenantMismatch,
            ),
            (with(json!(TENANT), json!([row(TENANT, "m@msp.example")])), Code::TenantMismatch),
            (json!([{ "id": ID, "userPrincipalName": "m@b.example" }]), Code::TenantUnproven),
            (json!({ "Results": [] }), Code::TenantUnproven),
            (json!([]), Code::TenantUnproven),
        ] {
            assert_eq!(read(&body).unwrap_err(), code, "{body}");
        }
    }

    #[test]
    fn links_lead_to_graphs_users_only() {
        for (link, fits) in [
            ("https://graph.microsoft.com/v1.0/users?$skiptoken=x", true),
            ("https://graph.microsoft.us/beta/users?$skiptoken=x", true),
            ("http://graph.microsoft.com/v1.0/users", false),
            ("https://graph.microsoft.com.evil.example/v1.0/users", false),
            ("https://u@graph.microsoft.com/v1.0/users", false),
            ("https://graph.microsoft.com:444/v1.0/users", false),
            ("https://graph.microsoft.com/v1.0/users/../me", false),
            ("https://graph.microsoft.com/v1.0/me", false),
            ("/v1.0/users", false),
        ] {
            let body = json!({ "Results": [], "Metadata": { "TenantFilter": TENANT, "nextLink": link } });
            let next = read(&body).map(|page| page.next.is_some());
            assert_eq!(next, if fits { Ok(true) } else { Err(Code::ForeignNextLink) }, "{link}");
        }
    }
}
