//! What an operator has decided about one tenant's sync.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    contact::InactiveReason,
    domain_name::DomainName,
    fields::{Deciding, FieldRules, Patience},
    ids::{ClientId, EntraTenantId, WorkspaceId},
    plan::Limit,
    planner::{Held, InForce},
    scope::{GroupMembership, Scope},
};

/// When people who are leaving become inactive.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VanishRules {
    /// In how many reads in a row a person has to be leaving.
    pub confirmations: u8,
    /// How many hours have to lie between the first of those reads and the last.
    pub grace_hours: u32,
    /// This many may become inactive in one run whatever the share.
    pub allowed: u32,
    /// Beyond [`Self::allowed`], at most this share of the active links, in percent; more waits
    /// for an operator.
    pub allowed_percent: u8,
    /// Whose sign-in is blocked. The PSA's `markInactiveWhenDisabled`, when off, overrules it.
    pub disabled: Timing,
    /// Who is not among the people who are synced any more.
    pub out_of_scope: Timing,
}

/// When somebody who is leaving becomes inactive.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// Once as many reads and hours as are asked for have confirmed it.
    AfterGrace,
    /// In the run that sees it first.
    AtOnce,
    /// Not at all.
    Never,
}

impl Default for VanishRules {
    fn default() -> Self {
        Self {
            confirmations: 2,
            grace_hours: 12,
            allowed: 5,
            allowed_percent: 10,
            disabled: Timing::AtOnce,
            out_of_scope: Timing::Never,
        }
    }
}

impl VanishRules {
    /// Most people who may become inactive at once when `active` are linked. In a small tenant, too,
    /// no more than half of them go at once unnoticed, one excepted.
    pub fn limit(&self, active: usize) -> usize {
        let share = active * usize::from(self.allowed_percent) / 100;
        let allowed = usize::try_from(self.allowed).unwrap_or(usize::MAX).min((active / 2).max(1));
        share.max(allowed)
    }

    /// Whether a person who is leaving for the `times`th read in a row, for the first time at
    /// `since`, has been so for long enough.
    pub fn is_confirmed(&self, times: u8, since: Timestamp, now: Timestamp) -> bool {
        let waited = now.duration_since(since).as_secs() >= i64::from(self.grace_hours) * 3600;
        times >= self.confirmations.max(1) && (waited || self.grace_hours == 0)
    }
}

/// How much one run may do to one tenant before it waits for an operator.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StopLimits {
    /// New contacts, in a tenant that has people linked already.
    pub creations: Share,
    /// Contacts that go from an account that is gone to another one.
    pub link_moves: Share,
    /// A complete read with less than this share of the people of the last one is taken for a wrong
    /// answer, in percent; 0 turns the guard off for all but an empty read.
    pub short_read_percent: u8,
}

/// How much one run may do to all of its tenants together before it waits for an operator: a surge that
/// no tenant's own limit shows, such as a wrong rule for everybody.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunLimits {
    /// Contacts that become inactive.
    pub inactivations: Share,
    /// New contacts, in tenants that have people linked already.
    pub creations: Share,
    /// Contacts that go from an account that is gone to another one.
    pub link_moves: Share,
}

impl RunLimits {
    /// The one of this limit.
    pub fn of(&self, limit: Limit) -> Share {
        match limit.of_run() {
            Limit::RunCreations => self.creations,
            Limit::RunInactivations => self.inactivations,
            _ => self.link_moves,
        }
    }
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            inactivations: Share { count: 50, percent: 5 },
            creations: Share { count: 500, percent: 10 },
            link_moves: Share { count: 25, percent: 5 },
        }
    }
}

/// A number, or a share of the active links: whichever is more.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// This many whatever the share.
    pub count: u32,
    /// This share of the active links, in percent.
    pub percent: u8,
}

impl Default for StopLimits {
    fn default() -> Self {
        Self {
            creations: Share { count: 50, percent: 25 },
            link_moves: Share { count: 5, percent: 10 },
            short_read_percent: 50,
        }
    }
}

impl Share {
    /// The limit when `active` people are linked.
    pub fn of(self, active: usize) -> usize {
        let share = active * usize::from(self.percent) / 100;
        share.max(usize::try_from(self.count).unwrap_or(usize::MAX))
    }
}

/// Smallest read that a later one can be short of.
const SMALLEST_NORMAL_READ: u64 = 10;

impl StopLimits {
    /// Whether a complete read of `read` people is taken for a wrong answer when the last accepted
    /// one had `expected`.
    pub fn is_short(&self, read: u64, expected: Option<u64>) -> bool {
        let expected = expected.unwrap_or_default();
        let is_short = expected >= SMALLEST_NORMAL_READ
            && read * 100 < expected * u64::from(self.short_read_percent.min(100));
        read == 0 || is_short
    }
}

/// Everything the planner is told about the tenant, besides its people.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantPolicy {
    /// The MSP.
    pub workspace: WorkspaceId,
    /// The directory.
    pub tenant: EntraTenantId,
    /// The mapped client: the only one whose contacts may be touched.
    pub client: ClientId,
    /// The tenant's domains, from its proof.
    pub verified_domains: BTreeSet<DomainName>,
    /// Who is taken.
    pub scope: Scope,
    /// Members of the groups that the scope names.
    pub groups: GroupMembership,
    /// What is overwritten.
    pub fields: FieldRules,
    /// What happens to people who are leaving.
    pub vanish: VanishRules,
    /// What waits for an operator.
    pub limits: StopLimits,
    /// When the run began.
    pub now: Timestamp,
    /// People the last accepted complete read of the tenant had.
    pub expected_people: Option<u64>,
    /// Active links at the start of a read that does not look at everybody; a complete read counts
    /// them itself.
    pub active_links: Option<u64>,
    /// The limits over all tenants of the run.
    pub run_limits: RunLimits,
    /// Lines of the last sync that wait for an operator.
    pub held: Held,
}

impl TenantPolicy {
    /// The stop limits that this sync keeps to.
    pub fn in_force(&self) -> InForce {
        InForce::new(&self.limits, &self.vanish, self.run_limits)
    }

    /// Whether a limit lets nothing through while what has crossed it before waits for an operator.
    pub(crate) fn is_shut(&self, limit: Limit, allowed: usize) -> bool {
        self.held.shuts(limit, self.in_force().of(limit), u64::try_from(allowed).unwrap_or(u64::MAX))
    }

    /// What a field that is blank in the directory waits for before it is cleared, where it waits.
    pub fn patience(&self) -> Patience {
        Patience { vanish: self.vanish, now: self.now }
    }

    /// When people whose sign-in is blocked become inactive.
    pub fn disabled(&self) -> Timing {
        if self.fields.mark_inactive_when_disabled { self.vanish.disabled } else { Timing::Never }
    }

    /// When somebody who is leaving for `reason` becomes inactive.
    pub fn timing(&self, reason: InactiveReason) -> Timing {
        match reason {
            // The same for all of them: a complete read does not know in which way somebody has gone, and has
            // to come to the same end as a read of changes.
            InactiveReason::DeletedUpstream
            | InactiveReason::PermanentlyDeletedUpstream
            | InactiveReason::SoftDeletedUpstream => Timing::AfterGrace,
            InactiveReason::DisabledUpstream => self.disabled(),
            InactiveReason::OutOfScope => self.vanish.out_of_scope,
        }
    }

    /// The part of the policy that decides what is written for a person who has not changed.
    pub fn fingerprint_salt(&self) -> Vec<u8> {
        Self::salt_of(&self.fields, self.client)
    }

    /// The same, from its parts.
    pub fn salt_of(fields: &FieldRules, client: ClientId) -> Vec<u8> {
        serde_json::to_vec(&(1, Deciding(fields), client)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// What the salt was before there was the rule, for everybody who has not turned it on.
    const BEFORE: &str = r#"[1,{"displayName":false,"email":false,"phone":false,"role":false,"department":false,"office":false,"company":false,"upn":false,"markInactiveWhenDisabled":true,"allowClearing":false},"00000000-0000-0000-0000-000000000001"]"#;

    #[test]
    fn nobody_is_looked_at_again_because_of_a_rule_that_is_off() {
        let client = ClientId::new(Uuid::from_u128(1));
        let salt = |fields: &FieldRules| String::from_utf8(TenantPolicy::salt_of(fields, client)).unwrap();
        assert_eq!(salt(&FieldRules::default()), BEFORE);
        let on = FieldRules { mark_active_when_enabled: true, ..FieldRules::default() };
        assert_ne!(salt(&on), BEFORE, "turned on, everybody is looked at once");
    }
}
