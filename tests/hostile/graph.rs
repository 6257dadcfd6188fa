//! Microsoft Graph's pages and errors.

use directory::{
    Code, TenantProof,
    protocol::{
        Answer, AnswerBody, GraphBase, Input, Step,
        changes::Changes,
        groups::{GroupMembers, SecurityGroups},
        listing::{Place, Reading},
        organization::{Organization, proof},
        page::{Decoded, Shape, Unreadable},
        public_tenant::PublicInformation,
        relationships::{Relationships, listed},
        retry::{Retry, RetryPolicy},
        users::{UserRows, Users},
    },
};
use domain::{text::TEXT_CHARACTERS_MAX, user::DirectoryUser};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tests::spoil::{Spoiled, spoiled, whole};

use crate::trees::{any_bytes, any_json};

const MIRA: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
const OLA: &str = "1b0c31c4-66a3-4bd0-8c4e-1f8b8b6a0a01";
const TENANT: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
const BASE: &str = "https://graph.microsoft.com";

fn user(id: &str) -> Value {
    json!({ "id": id, "userPrincipalName": "mira@contoso.example", "mail": "mira@contoso.example",
        "proxyAddresses": ["SMTP:mira@contoso.example", "smtp:m@contoso.example"], "displayName": "Mira",
        "givenName": "Mira", "surname": null, "accountEnabled": true, "userType": "Member", "jobTitle": "Lead",
        "department": "Sales", "companyName": "Contoso", "officeLocation": "1", "businessPhones": ["+47 1"],
        "mobilePhone": "+47 2", "assignedLicenses": [{ "skuId": "x", "disabledPlans": [] }],
        "externalUserState": null, "onPremisesSyncEnabled": null, "createdDateTime": "2024-01-01T00:00:00Z" })
}

fn page(rows: &Value) -> Value {
    json!({ "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": rows,
        "@odata.nextLink": "https://graph.microsoft.com/v1.0/users?$skiptoken=x" })
}

fn organization() -> Value {
    json!({ "value": [{ "id": TENANT, "displayName": "Contoso",
        "verifiedDomains": [{ "name": "contoso.example", "isDefault": true, "type": "Managed" }] }] })
}

fn relationships() -> Value {
    json!({ "value": [{ "id": "r-1", "displayName": "Contoso", "status": "active",
        "customer": { "tenantId": TENANT, "displayName": "Contoso" }, "autoExtendDuration": "P180D",
        "accessDetails": { "unifiedRoles": [{ "roleDefinitionId": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b" }] },
        "endDateTime": "2028-01-06T10:12:00Z", "lastModifiedDateTime": "2026-01-06T10:12:00.1234567Z" }] })
}

/// What is kept of anybody is short, whatever came.
fn is_bounded(user: &DirectoryUser) -> bool {
    let texts =
        [&user.user_principal_name, &user.mail, &user.display_name, &user.job_title, &user.mobile_phone];
    let short = |text: &str| text.chars().count() <= TEXT_CHARACTERS_MAX;
    texts.into_iter().flatten().chain(&user.business_phones).all(|text| short(text))
        && user.aliases.len() <= 50
        && user.business_phones.len() <= 50
}

fn everything(body: &[u8]) {
    let tenant = TENANT.parse().unwrap();
    for rows in [
        Users.decode(body).map(|page| page.content),
        Changes
            .decode(body)
            .map(|page| UserRows { users: page.content.users, bad_rows: page.content.bad_rows }),
    ]
    .into_iter()
    .flatten()
    {
        assert!(rows.users.iter().all(is_bounded));
        assert!(rows.users.len() + rows.bad_rows.len() <= body.len(), "no more people than bytes");
    }
    let _ = SecurityGroups.decode(body);
    let _ = GroupMembers(OLA.parse().unwrap()).decode(body);
    if let Ok(found) = Organization.decode(body)
        && let Ok(TenantProof { entra_tenant, .. }) = proof(found.content, tenant)
    {
        assert_eq!(entra_tenant, tenant);
    }
    if let Ok(found) = Relationships.decode(body) {
        let rows = found.content.len();
        if let Ok(listed) = listed(found.content, None, Timestamp::UNIX_EPOCH) {
            assert!(listed.tenants.len() + listed.bad_rows.len() <= rows, "each row counts once");
        }
    }
    if let Ok(found) = PublicInformation(tenant).decode(body) {
        assert_eq!(found.content.entra_tenant, tenant);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_and_any_json_have_a_result(bytes in any_bytes(), body in any_json(), rows in prop::collection::vec(any_json(), 0..4)) {
        for body in [bytes, body.to_string().into(), json!({ "value": rows }).to_string().into()] {
            everything(&body);
            for status in STATUSES {
                let _ = judged(status, &body, true);
            }
        }
    }
}

#[test]
fn a_spoiled_page_has_a_result() {
    let group = json!({ "value": [{ "id": OLA, "displayName": "Staff", "securityEnabled": true }] });
    let public =
        json!({ "tenantId": TENANT, "displayName": "Contoso", "defaultDomainName": "contoso.example" });
    for sample in [page(&json!([user(MIRA)])), organization(), relationships(), group, public] {
        for Spoiled { bytes, .. } in spoiled(&sample) {
            everything(&bytes);
        }
    }
}

type Decode = fn(&[u8]) -> Result<Decoded<UserRows>, Unreadable>;

/// Whatever stands in one row, the page is read and the other row is as it was.
#[test]
fn one_bad_record_is_one_bad_row_and_never_the_page() {
    let pages: [(Value, Decode); 2] = [
        (page(&json!([user(MIRA), user(OLA)])), |body| Users.decode(body)),
        (
            json!({ "value": [user(MIRA), user(OLA)], "@odata.deltaLink": format!("{BASE}/v1.0/users/delta?x") }),
            |body| {
                let Decoded { content, next, delta } = Changes.decode(body)?;
                let content = UserRows { users: content.users, bad_rows: content.bad_rows };
                Ok(Decoded { content, next, delta })
            },
        ),
    ];
    for (sample, decode) in pages {
        let whole = decode(sample.to_string().as_bytes()).unwrap();
        let other = whole.content.users.last().unwrap();
        for Spoiled { how, bytes, .. } in spoiled(&sample).filter(|spoiled| spoiled.is_below("/value/0")) {
            let page = decode(&bytes).unwrap_or_else(|_| panic!("{how}: the page is lost"));
            assert_eq!(page.content.users.len() + page.content.bad_rows.len(), 2, "{how}");
            assert_eq!(page.content.users.last(), Some(other), "{how}");
            assert_eq!((page.next, page.delta), (whole.next.clone(), whole.delta.clone()), "{how}");
        }
    }
}

/// A list that is cut off must not be read as a shorter one.
#[test]
fn a_page_that_is_cut_anywhere_is_no_page() {
    for sample in [page(&json!([user(MIRA), user(OLA)])), organization(), relationships()] {
        for Spoiled { how, bytes, .. } in whole(&sample.to_string()) {
            if how.starts_with("cut") {
                assert!(Users.decode(&bytes).is_err() && Organization.decode(&bytes).is_err(), "{how}");
                assert!(Relationships.decode(&bytes).is_err() && Changes.decode(&bytes).is_err(), "{how}");
            }
        }
    }
}

#[test]
fn a_row_of_megabytes_is_one_bad_row() {
    let mut large = user(MIRA);
    large["extension"] = "x".repeat(2 * 1024 * 1024).into();
    let page = Users.decode(page(&json!([large, user(OLA)])).to_string().as_bytes()).unwrap().content;
    assert_eq!((page.users.len(), page.bad_rows[0].cause), (1, directory::BadRowCause::TooLarge));
}

/// Two bytes of a body for each of them, and far more than that in memory.
#[test]
fn a_page_of_more_rows_than_any_list_has_is_not_read() {
    let body = format!(r#"{{"value":[{}0]}}"#, "0,".repeat(100_000));
    assert_eq!(Users.decode(body.as_bytes()), Err(Unreadable));
    assert_eq!(GroupMembers(OLA.parse().unwrap()).decode(body.as_bytes()), Err(Unreadable));
    let body = format!(r#"{{"value":[{}0]}}"#, "0,".repeat(99_999));
    assert_eq!(Users.decode(body.as_bytes()).unwrap().content.bad_rows.len(), 100_000);
}

#[test]
fn a_link_longer_than_any_address_is_not_kept() {
    let long = |length: usize| format!("{BASE}/v1.0/users?$skiptoken={}", "x".repeat(length));
    for (length, expected) in [(1_000, None), (32 * 1024, Some(Code::AnswerTooLarge))] {
        let body = json!({ "value": [], "@odata.nextLink": long(length) }).to_string();
        assert_eq!(judged(200, body.as_bytes(), false), expected);
    }
}

const STATUSES: [u16; 12] = [200, 204, 302, 400, 401, 403, 404, 410, 429, 500, 503, 504];

/// The code that a listing of users ends with after an answer; `None` when it gives a page or goes on.
fn judged(status: u16, body: &[u8], resumed: bool) -> Option<Code> {
    let base = GraphBase::new(BASE.parse().unwrap()).unwrap();
    let policy = RetryPolicy { attempts_max: 1, wait_max: SignedDuration::from_secs(1) };
    let mut reading = Reading::new(base, Users, Place::Customer, 999, Retry::new(policy, 1));
    if resumed {
        let cursor = format!("{BASE}/v1.0/users?$skiptoken=1");
        reading.follow(&cursor.into()).unwrap();
    }
    let body = AnswerBody::Whole(body.to_vec());
    let answer = Answer { status, headers: HeaderMap::new(), body };
    match reading.step(Input::Answered(answer), Timestamp::UNIX_EPOCH) {
        Step::Fail(error) => {
            let kept = serde_json::to_string(error.diagnostics()).unwrap();
            assert!(kept.len() < 500, "what is stored of a failure is short: {} bytes", kept.len());
            Some(error.code())
        }
        _ => None,
    }
}

#[test]
fn a_spoiled_error_is_judged_by_its_status() {
    let sample = json!({ "error": { "code": "Authorization_RequestDenied", "message": "x",
        "innerError": { "code": "syncStateNotFound", "request-id": "r", "date": "2026-01-01" } } });
    for Spoiled { how, bytes, .. } in spoiled(&sample) {
        for (status, codes) in [
            (403, &[Code::RoleMissing][..]),
            (404, &[Code::ResourceUnknown, Code::PageExpired]),
            (400, &[Code::RequestRejected, Code::PageExpired]),
            (410, &[Code::PageExpired]),
            (429, &[Code::Throttled]),
            (503, &[Code::GraphUnavailable]),
        ] {
            let code = judged(status, &bytes, true).unwrap();
            assert!(codes.contains(&code), "{how}: {status} is {code}");
        }
    }
}

#[test]
fn an_error_with_a_byte_order_mark_keeps_its_code() {
    let body = "\u{feff}{\"error\":{\"code\":\"Directory_ExpiredPageToken\"}}";
    assert_eq!(judged(400, body.as_bytes(), true), Some(Code::PageExpired));
}
