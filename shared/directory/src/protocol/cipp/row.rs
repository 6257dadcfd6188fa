//! Rows in the form Graph gives them: names in their letter case, texts, lists and switches as such.

use std::collections::BTreeMap;

use domain::text::clean;
use serde_json::{Map, Value, value::RawValue};

use crate::protocol::page::ROW_BYTES_MAX;

/// Names that other readers look for, in their letter case.
const NAMES: [&str; 29] = [
    "id",
    "@odata.type",
    "userPrincipalName",
    "mail",
    "proxyAddresses",
    "displayName",
    "givenName",
    "surname",
    "accountEnabled",
    "userType",
    "jobTitle",
    "department",
    "companyName",
    "officeLocation",
    "businessPhones",
    "mobilePhone",
    "assignedLicenses",
    "externalUserState",
    "onPremisesSyncEnabled",
    "createdDateTime",
    "verifiedDomains",
    "tenant",
    "cippStatus",
    "customerId",
    "tenantId",
    "domains",
    "excluded",
    "hasAutoExtend",
    "relationshipEnd",
];

/// Lists: one of one is sent as its only element, an empty one as null.
const LISTS: [&str; 4] = ["proxyAddresses", "businessPhones", "assignedLicenses", "verifiedDomains"];

/// Switches: they are sent as text or number, too.
const SWITCHES: [&str; 4] = ["accountEnabled", "onPremisesSyncEnabled", "excluded", "hasAutoExtend"];

/// One row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row(pub(super) Map<String, Value>);

impl Row {
    /// The row; `None` when it is no object, larger than any row is, or a member that is looked for
    /// cannot be read. What stands in the others does not matter, whatever it is.
    pub(super) fn read(raw: &RawValue) -> Option<Self> {
        if raw.get().len() > ROW_BYTES_MAX {
            return None;
        }
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
        let mut row = Map::new();
        for (name, value) in members {
            let known = NAMES.iter().find(|known| known.eq_ignore_ascii_case(&name));
            match known {
                // A name in its own letter case wins over another spelling of it.
                Some(known) if *known != name && row.contains_key(*known) => {}
                Some(known) => {
                    let value = serde_json::from_str(value.get()).ok()?;
                    row.insert((*known).to_owned(), in_form(known, value));
                }
                None => {}
            }
        }
        Some(Self(row))
    }

    /// A text that is not blank.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    /// A text for people.
    pub(super) fn shown(&self, name: &str) -> Option<String> {
        self.text(name).and_then(clean)
    }

    /// A switch; `None` when it is not told.
    pub(super) fn switch(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    /// The row as JSON.
    pub(super) fn json(&self) -> Result<Box<RawValue>, serde_json::Error> {
        serde_json::value::to_raw_value(&self.0)
    }
}

fn in_form(name: &str, value: Value) -> Value {
    if LISTS.contains(&name) {
        return match value {
            Value::String(text) if text.trim().is_empty() => Value::Array(Vec::new()),
            Value::String(_) | Value::Object(_) => Value::Array(vec![value]),
            // What cannot be understood stays, so that the row is refused and not emptied.
            other => other,
        };
    }
    if SWITCHES.contains(&name) {
        return match &value {
            Value::String(text) => switch(text).map_or(value.clone(), Value::Bool),
            Value::Number(number) if number.as_u64() == Some(0) => Value::Bool(false),
            Value::Number(number) if number.as_u64() == Some(1) => Value::Bool(true),
            _ => value,
        };
    }
    match value {
        Value::Number(number) if name != "id" => Value::String(number.to_string()),
        other => other,
    }
}

fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
