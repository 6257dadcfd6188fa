//! A table's whole content, to be compared, and items as DynamoDB JSON.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use aws_smithy_types::base64;
use serde_json::{Map, Value, json};

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Items by partition and sort key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dump {
    pub(crate) items: BTreeMap<(String, String), Item>,
}

impl Dump {
    pub(crate) fn add(&mut self, item: Item) {
        let key = (string(&item, "pk").to_owned(), string(&item, "sk").to_owned());
        self.items.insert(key, item);
    }

    /// The one item whose sort key begins with `sort_key`.
    pub(crate) fn one(&self, sort_key: &str) -> Item {
        let mut found = self.items.iter().filter(|((_, sk), _)| sk.starts_with(sort_key));
        let (_, item) = found.next().unwrap_or_else(|| panic!("no item {sort_key}"));
        assert!(found.next().is_none(), "several items {sort_key}");
        item.clone()
    }

    /// The dump without items that have one of `texts` in their keys.
    pub(crate) fn without(mut self, texts: &[String]) -> Self {
        self.items.retain(|(pk, sk), _| !texts.iter().any(|text| pk.contains(text) || sk.contains(text)));
        self
    }

    /// Fails, naming an item that differs, unless `other` is the same.
    #[track_caller]
    pub(crate) fn assert_same(&self, other: &Self, what: &str) {
        let mut keys = self.items.keys().chain(other.items.keys());
        if let Some(key) = keys.find(|key| self.items.get(*key) != other.items.get(*key)) {
            let [ours, theirs] = [self, other].map(|dump| dump.items.get(key).map(to_json));
            panic!("{what}: {key:?} differs\n{ours:#?}\n{theirs:#?}");
        }
    }
}

/// The text under `name`.
#[track_caller]
pub(crate) fn string<'a>(item: &'a Item, name: &str) -> &'a str {
    item[name].as_s().unwrap_or_else(|_| panic!("{name} is not a text"))
}

/// DynamoDB JSON of an item.
pub(crate) fn to_json(item: &Item) -> Value {
    Value::Object(item.iter().map(|(name, value)| (name.clone(), value_to_json(value))).collect())
}

/// The item that DynamoDB JSON describes.
pub(crate) fn from_json(json: &Value) -> Item {
    let members = json.as_object().expect("an object of attributes");
    members.iter().map(|(name, value)| (name.clone(), value_from_json(value))).collect()
}

fn value_to_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::B(bytes) => json!({ "B": base64::encode(bytes) }),
        AttributeValue::Bool(value) => json!({ "BOOL": value }),
        AttributeValue::L(values) => json!({ "L": values.iter().map(value_to_json).collect::<Vec<_>>() }),
        AttributeValue::M(members) => json!({ "M": to_json(members) }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Null(value) => json!({ "NULL": value }),
        AttributeValue::S(text) => json!({ "S": text }),
        other => panic!("no repository writes {other:?}"),
    }
}

fn value_from_json(json: &Value) -> AttributeValue {
    let typed: Vec<(&String, &Value)> = json.as_object().map(Map::iter).expect("a typed value").collect();
    match typed[..] {
        [(kind, value)] => match (kind.as_str(), value) {
            ("B", Value::String(text)) => AttributeValue::B(Blob::new(base64::decode(text).unwrap())),
            ("BOOL", Value::Bool(value)) => AttributeValue::Bool(*value),
            ("L", Value::Array(values)) => AttributeValue::L(values.iter().map(value_from_json).collect()),
            ("M", members) => AttributeValue::M(from_json(members)),
            ("N", Value::String(number)) => AttributeValue::N(number.clone()),
            ("NULL", Value::Bool(value)) => AttributeValue::Null(*value),
            ("S", Value::String(text)) => AttributeValue::S(text.clone()),
            _ => panic!("not a typed value: {json}"),
        },
        _ => panic!("not a typed value: {json}"),
    }
}
