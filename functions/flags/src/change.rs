//! What a flag can be made to say.

use domain::{
    flags::{Feature, Filters},
    ids::FlagId,
};
use serde_json::{Map, Value};
use store::FeatureFlag;

/// Longest key, in bytes.
const KEY_MAX: usize = 200;

/// Longest name or tag, in characters.
const TEXT_MAX: usize = 400;

/// Most tags.
const TAGS_MAX: usize = 50;

/// Largest filters, in bytes of JSON: a stored item may have 400 KB. It is about 7,500 workspaces.
const FILTERS_MAX: usize = 300_000;

/// A change of some members of a flag; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlagChange {
    /// What it is asked for by.
    pub key: Option<String>,
    /// What it is called.
    pub name: Option<String>,
    /// Whether its filters count.
    pub active: Option<bool>,
    /// Whom it is on for.
    pub filters: Option<Filters>,
    /// For finding it.
    pub tags: Option<Vec<String>>,
}

/// A member that makes no sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{member}: {expected}")]
pub struct InvalidFlag {
    /// Its name.
    pub member: &'static str,
    /// A stable code.
    pub code: &'static str,
    /// What would do.
    pub expected: &'static str,
}

impl FlagChange {
    /// What the flag of a feature says when it is made.
    pub fn for_feature(feature: Feature) -> Self {
        Self {
            name: Some(feature.title().to_owned()),
            tags: Some(Feature::TAGS.map(str::to_owned).into()),
            ..Self::default()
        }
    }

    /// The members of a request; others are left alone.
    ///
    /// # Errors
    /// The first member that makes no sense.
    pub fn read(body: &Map<String, Value>) -> Result<Self, InvalidFlag> {
        let change = Self {
            key: member(body, "key", KEY, |value| value.as_str().map(str::to_owned))?,
            name: member(body, "name", "a text of at most 400 characters", short)?,
            active: member(body, "active", "`true` or `false`", Value::as_bool)?,
            filters: member(body, "filters", FILTERS, |value| value.clone().try_into().ok())?,
            tags: member(body, "tags", "a list of at most 50 texts", tags)?,
        };
        if let Some(key) = &change.key {
            check_key(key)?;
        }
        if let Some(filters) = &change.filters {
            check_size(filters)?;
        }
        Ok(change)
    }

    pub(crate) fn onto(self, before: FeatureFlag) -> FeatureFlag {
        FeatureFlag {
            key: self.key.unwrap_or(before.key),
            name: self.name.unwrap_or(before.name),
            active: self.active.unwrap_or(before.active),
            filters: self.filters.unwrap_or(before.filters),
            tags: self.tags.unwrap_or(before.tags),
            ..before
        }
    }
}

const KEY: &str = "a text of at most 200 letters, digits, `-`, `_` and `.`, which is no UUID";
const FILTERS: &str = "an object whose `groups` are a list of objects";

/// Whether a flag may have this key. An id would be taken for that of another flag.
pub(crate) fn check_key(key: &str) -> Result<(), InvalidFlag> {
    let is_plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let fits = !key.is_empty() && key.len() <= KEY_MAX;
    if fits && is_plain && key.parse::<FlagId>().is_err() {
        return Ok(());
    }
    Err(InvalidFlag { member: "key", code: "invalid_key", expected: KEY })
}

/// Whether filters can be kept.
pub(crate) fn check_size(filters: &Filters) -> Result<(), InvalidFlag> {
    let size = serde_json::to_vec(filters).map_or(usize::MAX, |json| json.len());
    if size <= FILTERS_MAX {
        return Ok(());
    }
    let expected = "at most 300,000 bytes; let a group without properties take everybody in instead";
    Err(InvalidFlag { member: "filters", code: "filters_too_large", expected })
}

fn member<T>(
    body: &Map<String, Value>,
    name: &'static str,
    expected: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, InvalidFlag> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(InvalidFlag { member: name, code: code(name), expected }),
        },
    }
}

fn code(member: &str) -> &'static str {
    match member {
        "key" => "invalid_key",
        "name" => "invalid_name",
        "active" => "invalid_active",
        "filters" => "invalid_filters",
        _ => "invalid_tags",
    }
}

fn short(value: &Value) -> Option<String> {
    value.as_str().filter(|text| text.chars().count() <= TEXT_MAX).map(str::to_owned)
}

fn tags(value: &Value) -> Option<Vec<String>> {
    value.as_array().filter(|tags| tags.len() <= TAGS_MAX)?.iter().map(short).collect()
}
