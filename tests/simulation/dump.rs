//! A table's whole content as text, to be compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::email::EmailAddress;
use serde_json::{Value, json};

/// Stands for the address the fake listens at.
const LISTENS_AT: &str = "http://fake/";

/// Items as canonical JSON, by partition and sort key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Dump {
    items: BTreeMap<(String, String), Value>,
}

impl Dump {
    pub(crate) fn add(&mut self, item: HashMap<String, AttributeValue>) {
        let value = object(&item);
        let key = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        self.items.insert((key("pk"), key("sk")), value);
    }

    /// One line for each item, without the address the fake happens to listen at.
    pub(crate) fn text(&self, base: &str) -> String {
        let lines = self.items.values().map(|item| format!("{item}\n"));
        let text = lines.collect::<String>().replace(base, LISTENS_AT);
        // A cursor begins with hashes over the addresses it has come by.
        let mut parts = text.split(LISTENS_AT).peekable();
        let mut same = String::with_capacity(text.len());
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                same.push_str(part);
                break;
            }
            same.push_str(part.rsplit_once('"').map_or(part, |(before, _)| before));
            same.push_str(LISTENS_AT);
        }
        same
    }

    /// Keys of items that are different in `other`, or only in one of both.
    pub(crate) fn changed_since<'a>(&'a self, other: &'a Self) -> Vec<&'a (String, String)> {
        let keys: BTreeSet<_> = self.items.keys().chain(other.items.keys()).collect();
        keys.into_iter().filter(|key| self.items.get(key) != other.items.get(key)).collect()
    }

    /// Addresses that contacts were about to give up when they were written last.
    pub(crate) fn given_up(&self) -> BTreeSet<EmailAddress> {
        let contacts = self.items.iter().filter(|((pk, _), _)| pk.contains("#CONTACT#"));
        let given_up = contacts.filter_map(|(_, item)| item["givenUp"].as_array());
        given_up.flatten().filter_map(|address| address.as_str()?.parse().ok()).collect()
    }
}

fn object(item: &HashMap<String, AttributeValue>) -> Value {
    Value::Object(item.iter().map(|(name, value)| (name.clone(), canonical(value))).collect())
}

fn canonical(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::B(bytes) => blob(bytes),
        AttributeValue::Bool(flag) => json!(flag),
        AttributeValue::L(values) => values.iter().map(canonical).collect(),
        AttributeValue::M(item) => object(item),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::S(text) => json!(text),
        other => json!(format!("{other:?}")),
    }
}

fn blob(bytes: &Blob) -> Value {
    let hex = bytes.as_ref().iter().fold(String::new(), |mut hex, byte| {
        use std::fmt::Write;
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    json!({ "B": hex })
}
