//! The table of parsers: what each reads, where, and how it is fed.

use directory::{
    Code, TenantProof, UserKey,
    protocol::{
        Answer, AnswerBody, GraphBase, Input, Step,
        changes::Changes,
        cipp::{
            bearer::BearerClaims,
            call::{self, CippCall},
            me::Me,
            members, organization, tenants, users,
        },
        groups::{GroupMembers, SecurityGroups},
        id_token::IdTokenClaims,
        listing::{Place, Reading},
        organization::Organization,
        page::Shape,
        public_tenant::PublicInformation,
        relationships::Relationships,
        retry::{Retry, RetryPolicy, retry_after},
        signing_keys::{SigningKeys, keys_url},
        token::{Authority, TokenExchange, TokenFailure, TokenStep},
        users::{OneUser, Users},
    },
};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use secrets::Document;
use serde_json::{Value, json};
use url::Url;

const TENANT: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
const OBJECT: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
const GRAPH: &str = "https://graph.microsoft.com";

/// The code with which something was refused; `None` when it was taken, or is to be asked for again.
pub(crate) type Refused = Option<&'static str>;

pub(crate) struct Parser {
    pub(crate) name: &'static str,
    /// The files in which it reads.
    pub(crate) reads_in: &'static [&'static str],
    /// Good ones.
    pub(crate) samples: fn() -> Vec<Value>,
    /// The beginnings of the addresses in Microsoft's documentation whose samples it reads, too.
    pub(crate) documented: &'static [&'static str],
    pub(crate) feed: fn(&[u8]) -> Refused,
}

pub(crate) const PARSERS: [Parser; 22] = [
    Parser {
        name: "token endpoint: tokens",
        reads_in: &["directory/src/protocol/token/answer.rs"],
        samples: || {
            vec![json!({ "token_type": "Bearer", "access_token": "a", "expires_in": 4371, "scope": "openid",
                "ext_expires_in": 4371, "refresh_token": "r", "id_token": "i" })]
        },
        documented: &[],
        feed: |body| token_answer(200, body),
    },
    Parser {
        name: "token endpoint: refusals",
        reads_in: &["directory/src/protocol/token/answer.rs"],
        samples: || {
            vec![json!({ "error": "invalid_grant", "error_codes": [50076], "suberror": "basic_action",
                "error_description": "AADSTS50076: x", "trace_id": "t", "correlation_id": "c" })]
        },
        documented: &[],
        feed: |body| token_answer(400, body),
    },
    Parser {
        name: "Graph: users",
        reads_in: &["directory/src/protocol/users.rs", "directory/src/protocol/page.rs"],
        samples: || vec![page(&user(), "nextLink")],
        documented: &["users"],
        feed: |body| graph(Users, 200, body),
    },
    Parser {
        name: "Graph: one user",
        reads_in: &["directory/src/protocol/users.rs"],
        samples: || vec![user()],
        documented: &[],
        feed: |body| graph(OneUser::of(&UserKey::Object(OBJECT.parse().unwrap())).unwrap(), 200, body),
    },
    Parser {
        name: "Graph: changes",
        reads_in: &["directory/src/protocol/changes.rs"],
        samples: || {
            let removed = json!({ "id": OBJECT, "@removed": { "reason": "changed" } });
            vec![page(&user(), "deltaLink"), page(&removed, "deltaLink")]
        },
        documented: &["users/delta"],
        feed: |body| graph(Changes, 200, body),
    },
    Parser {
        name: "Graph: organization",
        reads_in: &["directory/src/protocol/organization.rs"],
        samples: || vec![organizations("value")],
        documented: &["organization"],
        feed: |body| graph(Organization, 200, body),
    },
    Parser {
        name: "Graph: security groups",
        reads_in: &["directory/src/protocol/groups.rs"],
        samples: || {
            vec![page(&json!({ "id": OBJECT, "displayName": "Staff", "securityEnabled": true }), "nextLink")]
        },
        documented: &["groups"],
        feed: |body| graph(SecurityGroups, 200, body),
    },
    Parser {
        name: "Graph: members of a group",
        reads_in: &["directory/src/protocol/groups.rs"],
        samples: || vec![page(&json!({ "id": OBJECT }), "nextLink")],
        documented: &["groups"],
        feed: |body| graph(GroupMembers(OBJECT.parse().unwrap()), 200, body),
    },
    Parser {
        name: "Graph: relationships with customers",
        reads_in: &["directory/src/protocol/relationships.rs"],
        samples: || {
            vec![page(
                &json!({ "id": "r-1", "displayName": "x", "status": "active", "autoExtendDuration": "P180D",
                "customer": { "tenantId": TENANT, "displayName": "x" }, "endDateTime": "2028-01-06T10:12:00Z",
                "accessDetails": { "unifiedRoles": [{ "roleDefinitionId": OBJECT }] } }),
                "nextLink",
            )]
        },
        documented: &["tenantRelationships/delegatedAdminRelationships"],
        feed: |body| graph(Relationships, 200, body),
    },
    Parser {
        name: "Graph: what anybody may know of a tenant",
        reads_in: &["directory/src/protocol/public_tenant.rs"],
        samples: || vec![json!({ "tenantId": TENANT, "displayName": "x", "defaultDomainName": "x.example" })],
        documented: &["tenantRelationships/findTenantInformation"],
        feed: |body| graph(PublicInformation(TENANT.parse().unwrap()), 200, body),
    },
    Parser {
        name: "Graph: errors",
        reads_in: &["directory/src/protocol/graph_errors.rs"],
        samples: || {
            vec![json!({ "error": { "code": "Authorization_RequestDenied", "message": "x",
                "innerError": { "code": "syncStateNotFound", "request-id": "r" } } })]
        },
        documented: &[],
        feed: |body| {
            let codes = [400, 401, 403, 404, 410, 429, 503].map(|status| graph(Users, status, body));
            codes.into_iter().flatten().last()
        },
    },
    Parser {
        name: "CIPP: answers of any status",
        reads_in: &["directory/src/protocol/cipp/call.rs"],
        samples: || vec![json!("Graph Error: x - Endpoint: y"), json!({ "Results": "Error" })],
        documented: &[],
        feed: |body| {
            let statuses = [200, 302, 400, 401, 403, 404, 429, 500, 502];
            statuses.map(|status| cipp_call(status, body)).into_iter().flatten().last()
        },
    },
    Parser {
        name: "CIPP: who asks",
        reads_in: &["directory/src/protocol/cipp/me.rs"],
        samples: || vec![json!({ "clientPrincipal": { "appId": "x" }, "permissions": ["CIPP.Core.Read"] })],
        documented: &[],
        feed: |body| Me::read(body).err().map(Code::name),
    },
    Parser {
        name: "CIPP: customers",
        reads_in: &[
            "directory/src/protocol/cipp/tenants.rs",
            "directory/src/protocol/cipp/envelope.rs",
            "directory/src/protocol/cipp/row.rs",
        ],
        samples: || {
            let row = json!({ "customerId": TENANT, "displayName": "x", "Excluded": false,
                "relationshipEnd": "2028-01-06T10:12:00Z", "hasAutoExtend": true });
            vec![json!([row]), json!({ "Results": row, "Metadata": { "Queued": false } }), json!([null])]
        },
        documented: &[],
        feed: |body| tenants::tenants(body, None, Timestamp::UNIX_EPOCH).err().map(Code::name),
    },
    Parser {
        name: "CIPP: organization",
        reads_in: &["directory/src/protocol/cipp/organization.rs"],
        samples: || vec![organizations("Results")],
        documented: &["organization"],
        feed: |body| organization::proof(body, TENANT.parse().unwrap(), None).err().map(Code::name),
    },
    Parser {
        name: "CIPP: users",
        reads_in: &["directory/src/protocol/cipp/users.rs"],
        samples: || {
            vec![json!({ "Results": [user()], "Metadata": { "TenantFilter": TENANT,
                "nextLink": "https://graph.microsoft.com/v1.0/users?$skiptoken=x" } })]
        },
        documented: &["users"],
        feed: |body| users::users(body, &known()).err().map(Code::name),
    },
    Parser {
        name: "CIPP: members of a group",
        reads_in: &["directory/src/protocol/cipp/members.rs"],
        samples: || {
            let row = json!({ "@odata.type": "#microsoft.graph.user", "id": OBJECT, "Tenant": TENANT });
            let link = format!("{GRAPH}/v1.0/groups/{OBJECT}/transitiveMembers?$skiptoken=x");
            vec![
                json!({ "Results": [row], "Metadata": { "TenantFilter": TENANT, "nextLink": link } }),
                json!([row]),
            ]
        },
        documented: &["groups"],
        feed: |body| {
            let read = members::members(body, OBJECT.parse().unwrap(), &known());
            read.err().map(Code::name)
        },
    },
    Parser {
        name: "id_token",
        reads_in: &["directory/src/protocol/id_token.rs"],
        samples: || {
            vec![
                json!({ "aud": "a", "iss": "i", "nbf": 1, "exp": 2, "nonce": "n", "tid": TENANT, "oid": OBJECT }),
            ]
        },
        documented: &[],
        feed: |claims| IdTokenClaims::decode(&token(claims)).err().map(|_| "invalid_id_token"),
    },
    Parser {
        name: "keys of id_tokens",
        reads_in: &["directory/src/protocol/signing_keys.rs"],
        samples: || {
            let keys = fake_microsoft::published_keys("https://login.example", "{tenantid}");
            vec![keys, json!({ "jwks_uri": "https://login.example/organizations/discovery/v2.0/keys" })]
        },
        documented: &[],
        feed: |body| {
            let login: Url = "https://login.example".parse().unwrap();
            if let Some(keys) = keys_url(body, &login) {
                assert_eq!(keys.origin(), login.origin());
            }
            let Some(read) = SigningKeys::decode(body) else { return Some(Code::AnswerUnreadable.name()) };
            // Whatever became of the keys, they have not signed this.
            let claims = json!({ "aud": "a", "iss": "i", "exp": 2, "tid": TENANT, "ver": "2.0" });
            assert!(read.claims(&token(claims.to_string().as_bytes()), "t").is_err());
            None
        },
    },
    Parser {
        name: "token that was pasted",
        reads_in: &["directory/src/protocol/cipp/bearer.rs"],
        samples: || vec![json!({ "exp": 1_772_438_400, "tid": TENANT })],
        documented: &[],
        feed: |claims| {
            let _ = BearerClaims::read(&token(claims));
            None
        },
    },
    Parser {
        name: "Retry-After",
        reads_in: &["directory/src/protocol/retry.rs"],
        samples: || vec![json!(7), json!(2.128), json!("Mon, 02 Mar 2026 08:00:30 GMT")],
        documented: &[],
        feed: |text| {
            for text in
                [text, text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text)]
            {
                let Ok(value) = HeaderValue::from_bytes(text) else { continue };
                let headers = HeaderMap::from_iter([(reqwest::header::RETRY_AFTER, value)]);
                for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                    let wait = retry_after(&headers, now).unwrap_or_default();
                    assert!(
                        (SignedDuration::ZERO..=SignedDuration::from_hours(24)).contains(&wait),
                        "{wait:?}"
                    );
                }
            }
            None
        },
    },
    Parser {
        name: "secret documents",
        reads_in: &["secrets/src/document.rs"],
        samples: || vec![json!({ "entra_direct_refresh_token": "x", "other": null })],
        documented: &[],
        feed: |text| Document::from_json(std::str::from_utf8(text).ok()?).err().map(|_| "secret_malformed"),
    },
];

/// Those that only show over HTTP or to their own crate: (file, where it is fed, the test that feeds it).
pub(crate) const ELSEWHERE: [(&str, &str, &str); 16] = [
    (
        "functions/authorizer/src/claims.rs",
        "tests/hostile/psa.rs",
        "a_spoiled_token_is_the_same_callers_or_nobodys",
    ),
    ("functions/authorizer/src/keys.rs", "tests/hostile/psa.rs", "a_spoiled_key_set_verifies_nothing"),
    ("functions/authorizer/src/verifier.rs", "tests/hostile/psa.rs", "no_bytes_are_a_token"),
    ("functions/connect/src/callback/query.rs", "tests/hostile/callbacks.rs", "any_query_ends_in_a_code"),
    (
        "functions/connect/src/consent.rs",
        "functions/connect/src/consent.rs",
        "whatever_a_query_says_nobody_with_a_code_is_kept_from_the_sign_in",
    ),
    (
        "functions/connect/src/identity.rs",
        "functions/connect/src/identity.rs",
        "a_damaged_token_is_at_home_nowhere",
    ),
    ("functions/flags/src/change.rs", REQUESTS, SPOILED_BODY),
    ("functions/flags/src/routes.rs", REQUESTS, SPOILED_BODY),
    ("functions/people/src/document.rs", REQUESTS, "a_spoiled_document_is_counted_row_by_row"),
    (
        "functions/people/src/phones.rs",
        REQUESTS,
        "a_spoiled_list_of_phone_numbers_in_a_cell_is_a_failed_row_and_no_other",
    ),
    ("shared/edge/src/caller.rs", "tests/hostile/psa.rs", "a_spoiled_context_is_the_same_callers_or_nobodys"),
    ("shared/edge/src/extract.rs", REQUESTS, SPOILED_BODY),
    ("shared/edge/src/paging.rs", REQUESTS, "a_cursor_of_any_position_leads_somewhere_or_is_refused"),
    (
        "shared/runtime/src/lambda.rs",
        "shared/runtime/src/lambda.rs",
        "whatever_is_no_work_is_named_so_and_nothing_is_done",
    ),
    ("shared/secrets/src/vault/mod.rs", "tests/hostile/vault.rs", SPOILED_VAULT),
    ("shared/secrets/src/vault/wire.rs", "tests/hostile/vault.rs", SPOILED_VAULT),
];

const REQUESTS: &str = "tests/hostile/requests.rs";
const SPOILED_BODY: &str = "a_spoiled_body_is_taken_or_refused_with_a_code_and_changes_nothing_then";
const SPOILED_VAULT: &str = "a_spoiled_answer_of_vault_has_a_result_that_tells_no_secret";

fn user() -> Value {
    json!({ "id": OBJECT, "userPrincipalName": "mira@contoso.example", "mail": "mira@contoso.example",
        "proxyAddresses": ["SMTP:mira@contoso.example"], "accountEnabled": true, "userType": "Member",
        "businessPhones": ["+47 1"], "assignedLicenses": [{ "skuId": "x" }], "displayName": "Mira",
        "createdDateTime": "2024-01-01T00:00:00Z", "Tenant": TENANT, "CippStatus": "Good" })
}

fn page(row: &Value, link: &str) -> Value {
    json!({ "value": [row], (format!("@odata.{link}")): format!("{GRAPH}/v1.0/users?$skiptoken=x") })
}

fn organizations(wrapper: &str) -> Value {
    json!({ wrapper: [{ "id": TENANT, "displayName": "Contoso", "Tenant": TENANT,
        "verifiedDomains": [{ "name": "contoso.example", "isDefault": true }] }],
        "Metadata": { "TenantFilter": TENANT } })
}

fn known() -> TenantProof {
    TenantProof {
        entra_tenant: TENANT.parse().unwrap(),
        display_name: None,
        verified_domains: vec!["contoso.example".parse().unwrap()],
        default_domain: None,
    }
}

fn token(claims: &[u8]) -> SecretString {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    format!("e30.{}.sig", BASE64_URL_SAFE_NO_PAD.encode(claims)).into()
}

fn answer(status: u16, body: &[u8]) -> Input {
    Input::Answered(Answer { status, headers: HeaderMap::new(), body: AnswerBody::Whole(body.to_vec()) })
}

fn once() -> Retry {
    Retry::new(RetryPolicy { attempts_max: 1, wait_max: SignedDuration::from_secs(1) }, 1)
}

fn token_answer(status: u16, body: &[u8]) -> Refused {
    let tenant = TENANT.parse().unwrap();
    let authorities = [Authority::Organizations, Authority::Partner(tenant), Authority::Customer(tenant)];
    let codes = authorities.map(|authority| {
        match TokenExchange::new(authority, once()).step(answer(status, body), Timestamp::UNIX_EPOCH) {
            TokenStep::Fail(TokenFailure::Decided(error) | TokenFailure::Undecided(error)) => {
                Some(error.code().name())
            }
            TokenStep::Grant(_) | TokenStep::Send | TokenStep::Wait(_) => None,
        }
    });
    codes.into_iter().flatten().last()
}

fn graph(shape: impl Shape, status: u16, body: &[u8]) -> Refused {
    let base = GraphBase::new(GRAPH.parse().unwrap()).unwrap();
    let mut reading = Reading::new(base, shape, Place::Customer, 999, once());
    match reading.step(answer(status, body), Timestamp::UNIX_EPOCH) {
        Step::Fail(error) => Some(error.code().name()),
        Step::Page(_) | Step::Request(_) | Step::Wait(_) => None,
    }
}

fn cipp_call(status: u16, body: &[u8]) -> Refused {
    let mut call = CippCall::new(call::Place::Customer { resumed: true }, once());
    match call.step(answer(status, body), Timestamp::UNIX_EPOCH) {
        Step::Fail(error) => Some(error.code().name()),
        Step::Page(_) | Step::Request(_) | Step::Wait(_) => None,
    }
}
