//! Rules on attributes such as the department.

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::{
    Excluded, Exclusion,
    invalid::{FaultCode, Faults},
    patterns::{pattern, together},
    rules::{Attribute, AttributeOperator, AttributeRule, Effect},
};
use crate::{
    text::{TEXT_CHARACTERS_MAX, clean},
    user::DirectoryUser,
};

#[derive(Clone)]
pub(super) struct Attributes {
    exclude: Vec<Compiled>,
    include: Vec<Compiled>,
}

impl Attributes {
    pub(super) fn compile(rules: &[AttributeRule], faults: &mut Faults) -> Self {
        let (mut exclude, mut include) = (Vec::new(), Vec::new());
        for (place, rule) in rules.iter().enumerate() {
            let list = if rule.effect == Effect::Exclude { &mut exclude } else { &mut include };
            list.extend(Compiled::new(rule, &format!("attributes[{place}].value"), faults));
        }
        let all = exclude.iter().chain(&include);
        let patterns: Vec<String> = all.filter_map(Compiled::pattern).map(str::to_owned).collect();
        // Each is matched with an attribute of its own; here only their size is of interest.
        let _ = together(&patterns, "attributes", faults);
        Self { exclude, include }
    }

    pub(super) fn exclusion(&self, user: &DirectoryUser) -> Option<Excluded> {
        if let Some(rule) = self.exclude.iter().find(|rule| rule.fits(user)) {
            return Some(Excluded::by(Exclusion::Attribute, &*rule.written));
        }
        let is_included = self.include.is_empty() || self.include.iter().any(|rule| rule.fits(user));
        (!is_included).then(|| Excluded::by(Exclusion::Attribute, "attributes"))
    }
}

#[derive(Clone)]
struct Compiled {
    written: String,
    attribute: Attribute,
    test: Test,
}

/// Texts are [`folded`].
#[derive(Clone)]
enum Test {
    Contains(String),
    Equals(String),
    Matches(Regex),
    StartsWith(String),
}

impl Compiled {
    /// `None` after a fault was noted.
    fn new(rule: &AttributeRule, field: &str, faults: &mut Faults) -> Option<Self> {
        let mut text = || value(&rule.value, field, faults);
        let test = match rule.operator {
            AttributeOperator::Contains => Test::Contains(text()?),
            AttributeOperator::Equals => Test::Equals(text()?),
            AttributeOperator::Matches => Test::Matches(pattern(&rule.value, field, faults)?),
            AttributeOperator::StartsWith => Test::StartsWith(text()?),
        };
        Some(Self { written: rule.to_string(), attribute: rule.attribute, test })
    }

    fn pattern(&self) -> Option<&str> {
        match &self.test {
            Test::Matches(pattern) => Some(pattern.as_str()),
            _ => None,
        }
    }

    fn fits(&self, user: &DirectoryUser) -> bool {
        let Some(text) = self.attribute.of(user) else { return false };
        match &self.test {
            Test::Contains(value) => folded(text).contains(value),
            Test::Equals(value) => folded(text) == *value,
            Test::Matches(pattern) => pattern.is_match(text),
            Test::StartsWith(value) => folded(text).starts_with(value),
        }
    }
}

impl Attribute {
    /// What the directory says there of `user`.
    pub(crate) fn of(self, user: &DirectoryUser) -> Option<&str> {
        let text = match self {
            Self::CompanyName => &user.company_name,
            Self::Department => &user.department,
            Self::DisplayName => &user.display_name,
            Self::GivenName => &user.given_name,
            Self::JobTitle => &user.job_title,
            Self::Mail => &user.mail,
            Self::OfficeLocation => &user.office_location,
            Self::Surname => &user.surname,
            Self::UserPrincipalName => &user.user_principal_name,
        };
        text.as_deref()
    }
}

/// A rule's value as it is compared: cleaned as the directory's texts are, then folded.
fn value(written: &str, field: &str, faults: &mut Faults) -> Option<String> {
    if written.chars().count() > TEXT_CHARACTERS_MAX {
        let message = format!("A value may have at most {TEXT_CHARACTERS_MAX} characters.");
        faults.add(FaultCode::TooLong, field, message);
        return None;
    }
    let cleaned = clean(written);
    if cleaned.is_none() {
        faults.add(FaultCode::Blank, field, "A rule on an attribute has to have a value.");
    }
    cleaned.map(|text| folded(&text))
}

fn folded(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}
