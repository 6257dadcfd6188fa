//! Any JSON, of the names that the readers look for.

use proptest::prelude::*;
use serde_json::{Map, Value};

const NAMES: [&str; 40] = [
    "@odata.deltaLink",
    "@odata.nextLink",
    "@removed",
    "CippStatus",
    "Metadata",
    "Queued",
    "Results",
    "Tenant",
    "TenantFilter",
    "access_token",
    "accountEnabled",
    "assignedLicenses",
    "aud",
    "clientPrincipal",
    "code",
    "customer",
    "customerId",
    "defaultDomainName",
    "displayName",
    "error",
    "error_codes",
    "exp",
    "expires_in",
    "id",
    "innerError",
    "iss",
    "keys",
    "kid",
    "mail",
    "mappings",
    "n",
    "nextLink",
    "permissions",
    "proxyAddresses",
    "reason",
    "scope",
    "tid",
    "tenantId",
    "value",
    "verifiedDomains",
];

const TEXTS: [&str; 6] = [
    "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
    "https://graph.microsoft.com/v1.0/users?$skiptoken=x",
    "active",
    "changed",
    "Good",
    "mira@contoso.example",
];

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(&TEXTS[..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let member = (prop::sample::select(&NAMES[..]), inner.clone());
        let object = prop::collection::vec(member, 0..6).prop_map(|members| {
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
        });
        prop_oneof![prop::collection::vec(inner, 0..6).prop_map(Value::from), object]
    })
}

/// Any bytes, half of them beginning like JSON.
pub(crate) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let json = (prop::sample::select(&["{", "[", "{\"value\":[", "\"", "1", "\u{feff}{"][..]), bytes.clone())
        .prop_map(|(start, rest)| [start.as_bytes(), &rest].concat());
    prop_oneof![bytes, json]
}
