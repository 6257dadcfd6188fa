//! The operator's choice of people, as it is written and stored.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::GroupId;

/// The operator's choice of people. The defaults take every member with an address who does not
/// look like a service account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "one switch per kind of account, as operators see them")]
pub struct ScopeRules {
    /// Take invited accounts too.
    pub include_guests: bool,
    /// Of the invited accounts, take those too whose invitation has not been accepted. On unless
    /// turned off; it says nothing while [`Self::include_guests`] is off.
    pub include_pending_guests: bool,
    /// Take accounts that look like service accounts too.
    pub include_service_accounts: bool,
    /// Take only people who have a licence.
    pub licensed_only: bool,
    /// When not empty, take only people whose primary address is in one of these domains:
    /// `example.com`, or `*.example.com` for every domain below it.
    pub include_domains: Vec<String>,
    /// Leave out people whose primary address is in one of these domains.
    pub exclude_domains: Vec<String>,
    /// When not empty, take only members of at least one of these groups.
    pub include_groups: Vec<GroupId>,
    /// Leave out members of these groups.
    pub exclude_groups: Vec<GroupId>,
    /// Rules on attributes: whoever one with [`Effect::Exclude`] fits is left out, and when there
    /// are any with [`Effect::Include`], at least one has to fit.
    pub attributes: Vec<AttributeRule>,
    /// Leave out people of whom one of these regular expressions matches the sign-in name, the
    /// part of it before the `@`, the `mail` property or the display name, anywhere, whatever the
    /// case.
    pub exclude_patterns: Vec<String>,
}

impl Default for ScopeRules {
    fn default() -> Self {
        Self {
            include_guests: false,
            include_pending_guests: true,
            include_service_accounts: false,
            licensed_only: false,
            include_domains: Vec::new(),
            exclude_domains: Vec::new(),
            include_groups: Vec::new(),
            exclude_groups: Vec::new(),
            attributes: Vec::new(),
            exclude_patterns: Vec::new(),
        }
    }
}

impl ScopeRules {
    /// These rules with every part replaced that `overrides` has.
    #[must_use]
    pub fn overridden_by(&self, overrides: &ScopeOverrides) -> Self {
        fn part<T: Clone>(own: &T, other: Option<&T>) -> T {
            other.unwrap_or(own).clone()
        }
        let o = overrides;
        Self {
            include_guests: o.include_guests.unwrap_or(self.include_guests),
            include_pending_guests: o.include_pending_guests.unwrap_or(self.include_pending_guests),
            include_service_accounts: o.include_service_accounts.unwrap_or(self.include_service_accounts),
            licensed_only: o.licensed_only.unwrap_or(self.licensed_only),
            include_domains: part(&self.include_domains, o.include_domains.as_ref()),
            exclude_domains: part(&self.exclude_domains, o.exclude_domains.as_ref()),
            include_groups: part(&self.include_groups, o.include_groups.as_ref()),
            exclude_groups: part(&self.exclude_groups, o.exclude_groups.as_ref()),
            attributes: part(&self.attributes, o.attributes.as_ref()),
            exclude_patterns: part(&self.exclude_patterns, o.exclude_patterns.as_ref()),
        }
    }
}

/// What holds for one client instead of the workspace's rules. A list replaces the workspace's list
/// as a whole; what is absent stays as the workspace has it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScopeOverrides {
    /// For [`ScopeRules::include_guests`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_guests: Option<bool>,
    /// For [`ScopeRules::include_pending_guests`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_pending_guests: Option<bool>,
    /// For [`ScopeRules::include_service_accounts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_service_accounts: Option<bool>,
    /// For [`ScopeRules::licensed_only`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licensed_only: Option<bool>,
    /// For [`ScopeRules::include_domains`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_domains: Option<Vec<String>>,
    /// For [`ScopeRules::exclude_domains`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_domains: Option<Vec<String>>,
    /// For [`ScopeRules::include_groups`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_groups: Option<Vec<GroupId>>,
    /// For [`ScopeRules::exclude_groups`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_groups: Option<Vec<GroupId>>,
    /// For [`ScopeRules::attributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<AttributeRule>>,
    /// For [`ScopeRules::exclude_patterns`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_patterns: Option<Vec<String>>,
}

/// A rule on one attribute. An attribute the directory leaves blank fits no rule.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeRule {
    /// What is looked at.
    pub attribute: Attribute,
    /// How it is compared, whatever the case.
    pub operator: AttributeOperator,
    /// What it is compared with; a regular expression for [`AttributeOperator::Matches`].
    pub value: String,
    /// What follows when it fits.
    pub effect: Effect,
}

impl fmt::Display for AttributeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} `{}`", self.attribute.name(), self.operator.name(), self.value)
    }
}

/// An attribute of a directory user that a rule can look at.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Attribute {
    /// `companyName`.
    CompanyName,
    /// `department`.
    Department,
    /// `displayName`.
    DisplayName,
    /// `givenName`.
    GivenName,
    /// `jobTitle`.
    JobTitle,
    /// `mail`.
    Mail,
    /// `officeLocation`.
    OfficeLocation,
    /// `surname`.
    Surname,
    /// `userPrincipalName`.
    UserPrincipalName,
}

impl Attribute {
    fn name(self) -> &'static str {
        match self {
            Self::CompanyName => "companyName",
            Self::Department => "department",
            Self::DisplayName => "displayName",
            Self::GivenName => "givenName",
            Self::JobTitle => "jobTitle",
            Self::Mail => "mail",
            Self::OfficeLocation => "officeLocation",
            Self::Surname => "surname",
            Self::UserPrincipalName => "userPrincipalName",
        }
    }
}

/// How an attribute is compared with the value of a rule.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeOperator {
    /// The value stands somewhere in it.
    Contains,
    /// It is the value.
    Equals,
    /// The value as a regular expression matches somewhere in it.
    Matches,
    /// It begins with the value.
    StartsWith,
}

impl AttributeOperator {
    fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::Equals => "equals",
            Self::Matches => "matches",
            Self::StartsWith => "startsWith",
        }
    }
}

/// What follows when a rule fits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// The person is left out.
    Exclude,
    /// The person is among those taken.
    Include,
}
