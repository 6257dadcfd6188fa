//! The rules as the PSA writes them, and as we write them.
//!
//! The PSA's `field_sync_config` has a truth value for each of six keys, each key with aliases. Ours
//! has more keys, and a value may also name an [`Overwrite`] or be an object with one and a `clear`.
//! Reading what is stored is lenient; saving is strict.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::{Clear, Field, FieldRule, FieldRules, Overwrite};

const MARK_INACTIVE: [&str; 2] = ["markInactiveWhenDisabled", "mark_inactive_when_disabled"];
const MARK_ACTIVE: [&str; 2] = ["markActiveWhenEnabled", "mark_active_when_enabled"];
const ALLOW_CLEARING: [&str; 2] = ["allowClearing", "allow_clearing"];

/// A `clear` that waits until the blank is confirmed.
const AFTER_GRACE: &str = "after_grace";

const EXPECTED_RULE: &str = "has to be true, false, a policy (always, never, only_if_empty, unless_edited, \
                             when_source_changes) or an object with `overwrite` and `clear`";

/// A part of a configuration that cannot be saved.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct InvalidRule {
    /// Where it stands, such as `role.overwrite`; empty for the whole.
    pub path: String,
    /// A stable code.
    pub code: &'static str,
    /// One sentence for the operator.
    pub message: String,
}

impl Field {
    /// The keys of the field in a configuration; the first one is written.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Company => &["company", "companyName", "company_name"],
            Self::Department => &["department"],
            Self::Email => &["email", "mail"],
            Self::FullName => &["displayName", "display_name", "fullName", "full_name"],
            Self::Office => &["office", "officeLocation", "office_location"],
            Self::Phones => &["phone", "phoneNumber", "phone_number", "mobilePhone", "mobile_phone"],
            Self::Role => &["role", "jobTitle", "job_title"],
            Self::UserPrincipalName => &["upn", "userPrincipalName", "user_principal_name"],
        }
    }
}

impl Field {
    /// The key under which the field's rule is written in a configuration.
    pub fn key(self) -> &'static str {
        self.keys()[0]
    }
}

impl FieldRules {
    /// Reads a stored configuration. `true`, `"true"`, `1` and `"1"` mean [`Overwrite::Always`], and
    /// one of several aliases suffices. What cannot be read is off; anything that is not an object
    /// means the defaults.
    pub fn from_psa(config: &Value) -> Self {
        Self::default().overridden_by(config)
    }

    /// These rules with what `config` says instead: only the keys that are there count. Read as
    /// leniently as [`Self::from_psa`].
    #[must_use]
    pub fn overridden_by(&self, config: &Value) -> Self {
        let mut rules = *self;
        let Value::Object(config) = config else { return rules };
        for field in Field::ALL {
            let read: Vec<FieldRule> =
                given(config, field.keys()).map(|(_, value)| lenient_rule(value)).collect();
            let on = read.iter().find(|rule| rule.overwrite != Overwrite::Never);
            if let Some(rule) = on.or(read.first()) {
                *rules.rule_mut(field) = *rule;
            }
        }
        for (keys, switch) in rules.switches() {
            let mut read = given(config, keys).map(|(_, value)| is_on(value)).peekable();
            if read.peek().is_some() {
                *switch = read.any(|on| on);
            }
        }
        rules
    }

    /// Reads a configuration that is to be saved.
    ///
    /// # Errors
    /// Every part of it that is unknown, malformed or ambiguous.
    pub fn parse(config: &Value) -> Result<Self, Vec<InvalidRule>> {
        let Value::Object(entries) = config else {
            return Err(vec![invalid(
                "",
                "not_an_object",
                format!("The rules are no object. Send a JSON object with the keys {}.", keys()),
            )]);
        };
        let mut errors: Vec<InvalidRule> =
            entries.keys().filter(|key| !is_known(key)).map(|key| unknown(key)).collect();
        for field in Field::ALL {
            let read: Vec<_> = given(entries, field.keys())
                .filter_map(|(key, value)| {
                    strict_rule(field, key, value).map_err(|found| errors.extend(found)).ok()
                })
                .filter(|rule| rule.overwrite != Overwrite::Never)
                .collect();
            if read.windows(2).any(|pair| pair[0] != pair[1]) {
                let message = format!(
                    "`{}` is given under several names with different values; keep one of them.",
                    field.keys()[0]
                );
                errors.push(invalid(field.keys()[0], "ambiguous_rule", message));
            }
        }
        for keys in [MARK_INACTIVE, MARK_ACTIVE, ALLOW_CLEARING] {
            let bad = given(entries, &keys).filter(|(_, value)| truth(value).is_none());
            errors.extend(
                bad.map(|(key, _)| invalid(key, "invalid_value", said_of(key, "has to be true or false"))),
            );
        }
        if errors.is_empty() { Ok(Self::from_psa(config)) } else { Err(errors) }
    }

    fn switches(&mut self) -> [(&'static [&'static str], &mut bool); 3] {
        [
            (&MARK_INACTIVE, &mut self.mark_inactive_when_disabled),
            (&MARK_ACTIVE, &mut self.mark_active_when_enabled),
            (&ALLOW_CLEARING, &mut self.allow_clearing),
        ]
    }

    fn write<S: Serializer>(&self, serializer: S, with_what_is_new: bool) -> Result<S::Ok, S::Error> {
        let entries = Field::ALL.len() + 2 + usize::from(with_what_is_new);
        let mut map = serializer.serialize_map(Some(entries))?;
        for field in Field::ALL {
            map.serialize_entry(field.keys()[0], &self.rule(field))?;
        }
        map.serialize_entry(MARK_INACTIVE[0], &self.mark_inactive_when_disabled)?;
        map.serialize_entry(ALLOW_CLEARING[0], &self.allow_clearing)?;
        if with_what_is_new {
            map.serialize_entry(MARK_ACTIVE[0], &self.mark_active_when_enabled)?;
        }
        map.end()
    }
}

/// Rules as they stand for whether a person has to be looked at again. What is off and was not known once is
/// left out: otherwise everybody would be written anew because of a new version.
pub(crate) struct Deciding<'a>(pub(crate) &'a FieldRules);

impl Serialize for Deciding<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer, self.0.mark_active_when_enabled)
    }
}

impl Serialize for FieldRules {
    /// In the PSA's first spelling: plain truth values wherever they say it all.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(serializer, true)
    }
}

impl Serialize for FieldRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.overwrite, self.clear) {
            (Overwrite::Always, Clear::Never) => serializer.serialize_bool(true),
            (Overwrite::Never, Clear::Never) => serializer.serialize_bool(false),
            (overwrite, Clear::Never) => overwrite.serialize(serializer),
            (overwrite, clear) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("overwrite", &overwrite)?;
                match clear {
                    Clear::AfterGrace => map.serialize_entry("clear", AFTER_GRACE)?,
                    Clear::Never | Clear::AtOnce => map.serialize_entry("clear", &true)?,
                }
                map.end()
            }
        }
    }
}

/// The aliases that are there, with their values; null counts as absent.
fn given<'a>(
    config: &'a Map<String, Value>,
    keys: &'a [&'static str],
) -> impl Iterator<Item = (&'static str, &'a Value)> {
    keys.iter().filter_map(|key| Some((*key, config.get(*key)?))).filter(|(_, value)| !value.is_null())
}

fn is_known(key: &str) -> bool {
    Field::ALL.iter().any(|field| field.keys().contains(&key))
        || MARK_INACTIVE.contains(&key)
        || MARK_ACTIVE.contains(&key)
        || ALLOW_CLEARING.contains(&key)
}

fn lenient_rule(value: &Value) -> FieldRule {
    match value {
        Value::Object(parts) => FieldRule {
            overwrite: parts.get("overwrite").and_then(overwrite).unwrap_or_default(),
            clear: parts.get("clear").and_then(clear).unwrap_or_default(),
        },
        value => overwrite(value).unwrap_or_default().into(),
    }
}

fn strict_rule(field: Field, key: &str, value: &Value) -> Result<FieldRule, Vec<InvalidRule>> {
    let Value::Object(parts) = value else {
        let wrong = || vec![invalid(key, "invalid_value", said_of(key, EXPECTED_RULE))];
        return overwrite(value).map(FieldRule::from).ok_or_else(wrong);
    };
    let at = |part: &str| format!("{key}.{part}");
    let mut errors: Vec<InvalidRule> = parts
        .keys()
        .filter(|part| !["overwrite", "clear"].contains(&part.as_str()))
        .map(|part| unknown(&at(part)))
        .collect();
    if parts.get("overwrite").and_then(overwrite).is_none() {
        let path = at("overwrite");
        let message = said_of(&path, "has to be true, false or a policy");
        errors.push(invalid(&path, "invalid_value", message));
    }
    let clear = parts.get("clear").filter(|clear| !clear.is_null()).map_or(Some(Clear::Never), clear);
    let path = at("clear");
    match clear {
        None => {
            let message = said_of(&path, "has to be true, false or `after_grace`");
            errors.push(invalid(&path, "invalid_value", message));
        }
        Some(Clear::Never) => {}
        Some(_) if field.is_clearable() => {}
        Some(_) => {
            let message = format!("A contact needs its {}; it is never cleared.", field.label());
            errors.push(invalid(&path, "not_clearable", message));
        }
    }
    if errors.is_empty() { Ok(lenient_rule(value)) } else { Err(errors) }
}

fn overwrite(value: &Value) -> Option<Overwrite> {
    match truth(value) {
        Some(true) => Some(Overwrite::Always),
        Some(false) => Some(Overwrite::Never),
        None => value.as_str().and_then(|_| Overwrite::deserialize(value).ok()),
    }
}

fn clear(value: &Value) -> Option<Clear> {
    match truth(value) {
        Some(true) => Some(Clear::AtOnce),
        Some(false) => Some(Clear::Never),
        None => (value.as_str() == Some(AFTER_GRACE)).then_some(Clear::AfterGrace),
    }
}

/// The PSA's forms of yes and, for those who write carefully, of no.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn is_on(value: &Value) -> bool {
    truth(value) == Some(true)
}

/// Every key as it is written.
fn keys() -> String {
    let fields = Field::ALL.into_iter().map(Field::key);
    let keys: Vec<String> = fields
        .chain([MARK_INACTIVE[0], MARK_ACTIVE[0], ALLOW_CLEARING[0]])
        .map(|key| format!("`{key}`"))
        .collect();
    keys.join(", ")
}

fn said_of(path: &str, sentence: &str) -> String {
    format!("`{path}` {sentence}.")
}

fn unknown(path: &str) -> InvalidRule {
    let message = match path.split_once('.') {
        Some(_) => format!("There is no rule `{path}`; a rule may have `overwrite` and `clear`."),
        None => format!("There is no rule `{path}`; the rules are {}.", keys()),
    };
    invalid(path, "unknown_key", message)
}

fn invalid(path: &str, code: &'static str, message: impl Into<String>) -> InvalidRule {
    InvalidRule { path: path.to_owned(), code, message: message.into() }
}
