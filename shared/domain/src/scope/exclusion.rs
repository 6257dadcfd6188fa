//! Why somebody is left out.

use serde::{Deserialize, Serialize};

/// Why a user is left out. The wire names are the PSA's where it has one.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// Sign-in is blocked and no contact is linked.
    AccountDisabled,
    /// A rule on an attribute, or no rule that includes.
    Attribute,
    /// An operator has decided that this person is not to be synced.
    DismissedByOperator,
    /// The domain of the address.
    Domain,
    /// Membership in a group, or in none that is included.
    Group,
    /// An invited account.
    Guest,
    /// An operator has ended the person's link.
    LinkEnded,
    /// No usable e-mail address.
    MissingIdentity,
    /// One of the operator's patterns.
    #[serde(rename = "tenant_custom_pattern")]
    Pattern,
    /// Invited, and the invitation has not been accepted.
    PendingInvitation,
    /// The contact is protected from the sync.
    ProtectedContact,
    /// An operator rejected the person's creation or link, which waited at a stop limit.
    RejectedByOperator,
    /// Looks like an account no person uses.
    ServiceAccount,
    /// Only licensed people are taken, and the directory did not say whether this one is.
    UnknownLicence,
    /// A group counts whose members were not read.
    UnknownMembership,
    /// Only licensed people are taken, and this one has no licence.
    Unlicensed,
}

impl Exclusion {
    /// One sentence for the operator.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::AccountDisabled => "sign-in is blocked in the directory and no contact is linked",
            Self::Attribute => "a rule on an attribute leaves this person out, or none takes them in",
            Self::DismissedByOperator => "an operator decided not to sync this person",
            Self::Domain => "the domain of the address is left out, or is none of those taken in",
            Self::Group => "a member of a group that is left out, or of none that is taken in",
            Self::Guest => "an invited (guest) account; its home is another company's directory",
            Self::LinkEnded => {
                "an operator ended the link of this person to a contact; `links rematch` matches them anew"
            }
            Self::MissingIdentity => {
                "no usable e-mail address in the directory; a sign-in name at onmicrosoft.com does not count \
                 as one"
            }
            Self::Pattern => "one of your patterns matches the address or the name",
            Self::PendingInvitation => "an invited account whose invitation has not been accepted",
            Self::ProtectedContact => "the PSA protects this contact, so the sync does not touch it",
            Self::RejectedByOperator => {
                "an operator rejected this person's creation or link, which waited at a stop limit; \
                 `runs reconsider RUN` takes that back"
            }
            Self::ServiceAccount => "the address or the name looks like a service account's",
            Self::UnknownLicence => {
                "only licensed people are taken, and the directory has not said whether this one is"
            }
            Self::UnknownMembership => "left out until the members of a group that a rule names can be read",
            Self::Unlicensed => "only licensed people are taken, and this one has no licence",
        }
    }
}

impl Excluded {
    /// Which rule leaves the person out, as a clause for the operator.
    pub fn clause(&self) -> String {
        let Some(detail) = self.detail.as_deref() else { return self.reason.explanation().to_owned() };
        match (self.reason, detail) {
            (Exclusion::Attribute, "attributes") => {
                "none of the attribute rules that take people in fits this person".to_owned()
            }
            (Exclusion::Attribute, rule) => {
                format!("the rule {} leaves the person out", rule.replace('`', "\""))
            }
            (Exclusion::Domain, "includeDomains") => {
                "the domain of the address is none of those that are taken in".to_owned()
            }
            (Exclusion::Domain, rule) => format!("the rules leave out the domain {rule}"),
            (Exclusion::Group, "includeGroups") => {
                "a member of none of the groups that are taken in".to_owned()
            }
            (Exclusion::Group, group) => format!("a member of the group {group}, which the rules leave out"),
            (Exclusion::Pattern, pattern) => {
                format!("the pattern `{pattern}` matches the address or the name")
            }
            (Exclusion::ServiceAccount, "service account") => self.reason.explanation().to_owned(),
            (Exclusion::ServiceAccount, family) => format!("{} ({family})", self.reason.explanation()),
            (Exclusion::UnknownMembership, group) => {
                format!("the members of the group {group}, which a rule names, could not be read")
            }
            (reason, detail) => format!("{} ({detail})", reason.explanation()),
        }
    }
}

/// Somebody who is left out, and by which rule.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Excluded {
    /// The kind of rule.
    pub reason: Exclusion,
    /// The very rule: the pattern, domain or group as it is written in the settings, an attribute
    /// rule in words, the family of a service account; the name of the list when none of its
    /// inclusions fits. `None` where the reason says it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Excluded {
    pub(super) fn by(reason: Exclusion, detail: impl Into<String>) -> Self {
        Self { reason, detail: Some(detail.into()) }
    }
}

impl From<Exclusion> for Excluded {
    fn from(reason: Exclusion) -> Self {
        Self { reason, detail: None }
    }
}
