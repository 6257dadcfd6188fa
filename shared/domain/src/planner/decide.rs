//! One person, one decision.
//!
//! Order: what the person is linked to, then the object id the PSA has on a contact, then whose
//! address the person has; a name alone never links anybody.

use super::{
    Known, Planner, Step,
    lookup::Missing,
    notes::MISSING,
    trace::{Trace, Tried},
};
use crate::{
    contact::{Contact, InactiveReason, Link, Owner},
    email::EmailAddress,
    facts::SourceFacts,
    fields::FieldChange,
    ids::EntraObjectId,
    inventory::ReviewState,
    plan::{Action, Candidate, Conflict, ContactState, LinkState, Rule},
    policy::{TenantPolicy, Timing},
    scope::{Excluded, Exclusion},
    user::{Addresses, DirectoryUser},
};

pub(super) enum Decision {
    /// The person may have to become inactive: decided at the end of the read.
    Leaving {
        reason: InactiveReason,
        /// What is said about the person now.
        line: Option<(Rule, Action)>,
    },
    Line(Rule, Action),
    /// The same question is already in the queue.
    StillAmbiguous,
    /// A field is blank in the directory, which is noted already and not confirmed yet: nothing is written, and
    /// the person is looked at again.
    StillBlank,
    Unchanged,
}

impl Decision {
    pub(super) fn fail(code: &str) -> Self {
        Self::Line(Rule::BadRecord, Action::Fail { code: code.to_owned() })
    }

    pub(super) fn exclude(reason: Exclusion) -> Self {
        let (rule, action) = excluded(reason, None);
        Self::Line(rule, action)
    }
}

pub(super) type Decided = Result<Decision, Missing>;

/// Decides about people with what is known, and remembers why if it is asked to.
pub(super) struct Decider<'a> {
    pub(super) planner: &'a Planner,
    pub(super) known: &'a Known,
    pub(super) trace: Trace,
    /// Whom the decision is about.
    user: Option<&'a DirectoryUser>,
}

impl<'a> Decider<'a> {
    pub(super) fn new(planner: &'a Planner, known: &'a Known) -> Self {
        Self { planner, known, trace: Trace::default(), user: None }
    }

    pub(super) fn tracing(self) -> Self {
        Self { trace: Trace::on(), ..self }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.trace.into_steps()
    }

    pub(super) fn decide(&mut self, user: &'a DirectoryUser) -> Decided {
        self.user = Some(user);
        let link = self.link(user.object)?;
        self.note_link(link.as_ref());
        if let Some(link) = link.as_ref().filter(|link| link.client != self.policy().client) {
            return Ok(self.linked_at_other_client(user.object, link));
        }
        if user.account_enabled == Some(false) {
            return Ok(self.decide_disabled(link.as_ref()));
        }
        self.trace.note(Tried::AccountEnabled, false, || match user.account_enabled {
            Some(_) => "Yes.".to_owned(),
            None => "The directory did not say; that counts as yes.".to_owned(),
        });
        let addresses = user.addresses(&self.policy().verified_domains);
        if let Some((reason, detail)) = self.exclusion(user, &addresses) {
            return Ok(self.decide_excluded(link.as_ref(), reason, detail));
        }
        self.trace.note(Tried::Scope, false, || "Yes, no rule leaves the person out.".to_owned());
        // The scope lets nobody pass who has no address.
        let Some(primary) = addresses.primary.clone() else {
            return Ok(Decision::exclude(Exclusion::MissingIdentity));
        };
        let facts = SourceFacts::new(user, primary);
        match link {
            Some(link) if link.active => self.decide_linked(&link, facts),
            Some(link) => self.decide_returned(&link, facts),
            None if self.is_parted(user.object) => {
                self.trace.note(Tried::OperatorDecision, true, || {
                    "No longer asked: an operator ended this person's link.".to_owned()
                });
                Ok(Decision::exclude(Exclusion::LinkEnded))
            }
            None => {
                if let Some(turned_down) = self.turned_down(user.object) {
                    self.note_turned_down(turned_down);
                    return Ok(Decision::exclude(turned_down));
                }
                let decided = self.decide_unlinked(user, &addresses, facts)?;
                Ok(self.unless_taken_back(user.object, decided))
            }
        }
    }

    pub(super) fn policy(&self) -> &'a TenantPolicy {
        &self.planner.policy
    }

    fn exclusion(&self, user: &DirectoryUser, addresses: &Addresses) -> Option<(Exclusion, Option<String>)> {
        let policy = self.policy();
        let excluded = policy.scope.exclusion(user, addresses, &policy.groups)?;
        Some((excluded.reason, excluded.detail))
    }

    fn decide_disabled(&mut self, link: Option<&Link>) -> Decision {
        let reason = InactiveReason::DisabledUpstream;
        let timing = self.policy().timing(reason);
        self.note_disabled(link, timing);
        match link {
            None => Decision::exclude(Exclusion::AccountDisabled),
            Some(link) if link.active && timing != Timing::Never => Decision::Leaving { reason, line: None },
            Some(_) => Decision::Unchanged,
        }
    }

    fn decide_excluded(
        &mut self,
        link: Option<&Link>,
        reason: Exclusion,
        detail: Option<String>,
    ) -> Decision {
        self.trace.note(Tried::Scope, true, || {
            format!("No: {}.", Excluded { reason, detail: detail.clone() }.clause())
        });
        let line = excluded(reason, detail);
        let leaver = InactiveReason::OutOfScope;
        if link.is_some_and(|link| link.active) && self.policy().timing(leaver) != Timing::Never {
            return Decision::Leaving { reason: leaver, line: Some(line) };
        }
        Decision::Line(line.0, line.1)
    }

    fn decide_linked(&mut self, link: &Link, facts: SourceFacts) -> Decided {
        let object = link.identity.object;
        let is_noted = |facts: &SourceFacts| facts.fingerprint(&self.planner.salt) == link.fingerprint;
        let (same, stays) = (is_noted(&facts), link.missing == 0 && !link.keep);
        self.trace.note(Tried::Changed, same, || {
            let (answer, is_noted) = match (same, stays) {
                (true, true) => ("No", ""),
                (true, false) => ("No", " But the person was leaving and is back; that is noted."),
                (false, _) => ("Yes: the directory, or a rule about fields", ""),
            };
            format!("{answer}.{is_noted}")
        });
        if same && stays {
            return Ok(Decision::Unchanged);
        }
        if same {
            return Ok(Decision::Line(Rule::IdentityLink, Action::Refresh { facts }));
        }
        let (contact, base) = self.linked(link)?;
        let Some(contact) = contact else { return Ok(self.contact_missing()) };
        if self.planner.is_anothers(&contact, object) {
            return Ok(self.ask(object, Conflict::AddressShared, vec![candidate(&contact)]));
        }
        if contact.protected {
            return Ok(self.protected(&contact));
        }
        let (changes, facts) = match self.changes(&contact, base, &facts, object)? {
            Ok(written) => written,
            Err(conflict) => return Ok(conflict),
        };
        self.trace.decide(Tried::IdentityLink);
        let action = if contact.inactive && self.policy().fields.mark_active_when_enabled {
            let before = Some(Box::new(state(&contact, LinkState::Active)));
            let (contact, expect) = (contact.id, contact.version);
            Action::Reactivate { contact, expect, before, activate: true, changes, facts }
        } else if changes.is_empty() {
            if stays && base == Some(&facts) && is_noted(&facts) {
                return Ok(Decision::StillBlank);
            }
            Action::Refresh { facts }
        } else {
            Action::Update { contact: contact.id, expect: contact.version, changes, facts }
        };
        Ok(Decision::Line(Rule::IdentityLink, action))
    }

    fn decide_returned(&mut self, link: &Link, facts: SourceFacts) -> Decided {
        let object = link.identity.object;
        let (contact, base) = self.linked(link)?;
        let Some(contact) = contact else { return Ok(self.contact_missing()) };
        if self.planner.is_anothers(&contact, object) {
            return Ok(self.ask(object, Conflict::AddressShared, vec![candidate(&contact)]));
        }
        if contact.protected {
            return Ok(self.protected(&contact));
        }
        let (changes, facts) = match self.changes(&contact, base, &facts, object)? {
            Ok(written) => written,
            Err(conflict) => return Ok(conflict),
        };
        self.trace.decide(Tried::IdentityLink);
        let activate = self.becomes_active(&contact);
        let before = Some(Box::new(state(&contact, LinkState::Inactive)));
        let (contact, expect) = (contact.id, contact.version);
        let action = Action::Reactivate { contact, expect, before, activate, changes, facts };
        Ok(Decision::Line(Rule::IdentityLink, action))
    }

    pub(super) fn protected(&mut self, contact: &Contact) -> Decision {
        self.trace.note(Tried::Contact, true, || {
            format!("No: the PSA protects {}, so the sync does not touch it.", shown(contact))
        });
        Decision::exclude(Exclusion::ProtectedContact)
    }

    fn contact_missing(&mut self) -> Decision {
        self.trace.note(Tried::Contact, true, || format!("No: {MISSING}."));
        Decision::fail("contact_missing")
    }

    /// What the rules write, and what is remembered of the directory; unless a new address is somebody else's:
    /// then a human is asked, and once they have dismissed the question the other fields are written.
    pub(super) fn changes(
        &mut self,
        contact: &Contact,
        base: Option<&SourceFacts>,
        facts: &SourceFacts,
        object: EntraObjectId,
    ) -> Result<Result<(Vec<FieldChange>, SourceFacts), Decision>, Missing> {
        let policy = self.policy();
        let mut changes = policy.fields.changes(contact, base, facts);
        let is_email = |change: &FieldChange| matches!(change, FieldChange::Email { .. });
        let owner = if changes.iter().any(is_email) { self.owner(&facts.email)? } else { None };
        let owner = owner.filter(|owner| owner.contact != contact.id);
        if let Some(owner) = owner {
            if self.turned_down(object).is_none() && !self.is_settled(object, &facts.email) {
                let conflict = if owner.client == self.policy().client {
                    self.conflict_in_client(owner)?
                } else {
                    Conflict::AddressAtOtherClient
                };
                return Ok(Err(self.ask(object, conflict, vec![candidate(contact), elsewhere_of(owner)])));
            }
            changes.retain(|change| !is_email(change));
        }
        let remembered = policy.fields.hold_back(&mut changes, base, facts, policy.patience());
        self.note_fields(&changes);
        Ok(Ok((changes, remembered)))
    }

    fn conflict_in_client(&self, owner: Owner) -> Result<Conflict, Missing> {
        let tenant = self.policy().tenant;
        let theirs = self.contact(owner.contact)?;
        let of_colleague =
            |contact: &Contact| contact.entra.as_ref().is_some_and(|stamp| stamp.identity.tenant == tenant);
        Ok(match theirs {
            Some(contact) if of_colleague(&contact) => Conflict::OwnedByColleague,
            _ => Conflict::MultipleEmailMatches,
        })
    }

    fn linked_at_other_client(&mut self, object: EntraObjectId, link: &Link) -> Decision {
        let candidate = Candidate {
            contact: link.contact,
            client: link.client,
            full_name: None,
            email: None,
            inactive: false,
        };
        self.ask(object, Conflict::LinkedAtOtherClient, vec![candidate])
    }

    pub(super) fn ask(
        &mut self,
        object: EntraObjectId,
        conflict: Conflict,
        candidates: Vec<Candidate>,
    ) -> Decision {
        let turned_down = self.turned_down(object);
        self.trace.note(Tried::OperatorDecision, true, || {
            let then = match turned_down {
                Some(Exclusion::RejectedByOperator) => {
                    "An operator rejected this person at a stop limit, so the person is left out."
                }
                Some(_) => "An operator dismissed that question, so the person is left out.",
                None => "Only a human can say which is right.",
            };
            format!("No: {}. {then}", conflict.explanation())
        });
        if let Some(turned_down) = turned_down {
            return Decision::exclude(turned_down);
        }
        let ids = candidates.iter().map(|candidate| candidate.contact).collect();
        let client = self.policy().client;
        let seen = self.user.map(|user| self.planner.about(user).fingerprint(client));
        let taken_back = self.was_taken_back(object);
        let question = ReviewState::Open { conflict, candidates: ids, seen, taken_back };
        if self.review(object) == Some(&question) {
            return Decision::StillAmbiguous;
        }
        let rule = match conflict {
            Conflict::LinkedAtOtherClient => Rule::IdentityLink,
            Conflict::AliasOnly => Rule::AliasAddress,
            _ => Rule::PrimaryAddress,
        };
        Decision::Line(rule, Action::Review { conflict, candidates })
    }

    /// Whether, and how, an operator has decided that the person is not to be asked about.
    pub(super) fn turned_down(&self, object: EntraObjectId) -> Option<Exclusion> {
        match self.review(object)? {
            ReviewState::Dismissed => Some(Exclusion::DismissedByOperator),
            ReviewState::Rejected => Some(Exclusion::RejectedByOperator),
            ReviewState::Open { .. } | ReviewState::Settled { .. } => None,
        }
    }

    /// Whether the contact becomes active with its person: this sync had made it inactive, or the operator
    /// has said that what the directory says counts more than that a human made it inactive.
    pub(super) fn becomes_active(&self, contact: &Contact) -> bool {
        contact.inactive && (is_inactive_by_sync(contact) || self.policy().fields.mark_active_when_enabled)
    }
}

impl Decider<'_> {
    /// Whom an operator has decided about before, only an operator decides about again: an answer that was
    /// taken back leaves contacts behind that would answer the question by themselves.
    fn unless_taken_back(&mut self, object: EntraObjectId, decided: Decision) -> Decision {
        let writes = matches!(&decided, Decision::Line(_, action) if action.contact_written().is_some());
        if !writes || !self.was_taken_back(object) {
            return decided;
        }
        self.trace.overrule(Tried::OperatorDecision, || {
            "No: an operator's answer about this person was taken back, so only an operator can decide."
                .to_owned()
        });
        Decision::StillAmbiguous
    }

    fn was_taken_back(&self, object: EntraObjectId) -> bool {
        matches!(self.review(object), Some(ReviewState::Open { taken_back: true, .. }))
    }

    /// Whether an operator has said who the person with this address is: then nobody is asked whose the
    /// address is, and it stays where it is.
    fn is_settled(&self, object: EntraObjectId, address: &EmailAddress) -> bool {
        matches!(self.review(object), Some(ReviewState::Settled { address: Some(settled) }) if settled == address)
    }
}

fn excluded(reason: Exclusion, detail: Option<String>) -> (Rule, Action) {
    let rule = if reason == Exclusion::AccountDisabled { Rule::Disabled } else { Rule::Scope };
    (rule, Action::Exclude { reason, detail })
}

/// A contact as people recognise it.
pub(crate) fn shown(contact: &Contact) -> String {
    let name = &contact.values.full_name;
    let inactive = if contact.inactive { ", inactive" } else { "" };
    match &contact.values.email {
        Some(email) if name.trim().is_empty() => format!("{email}{inactive}"),
        Some(email) => format!("{name} ({email}{inactive})"),
        None => format!("{name} (without an address{inactive})"),
    }
}

pub(super) fn state(contact: &Contact, link: LinkState) -> ContactState {
    ContactState { inactive: contact.inactive, entra: contact.entra.clone(), link }
}

pub(super) fn is_inactive_by_sync(contact: &Contact) -> bool {
    contact.entra.as_ref().is_some_and(|stamp| stamp.inactive_reason.is_some())
}

pub(super) fn candidate(contact: &Contact) -> Candidate {
    Candidate {
        contact: contact.id,
        client: contact.client,
        full_name: Some(contact.values.full_name.clone()),
        email: contact.values.email.clone(),
        inactive: contact.inactive,
    }
}

/// A candidate of whom nothing is told but that it exists.
pub(super) fn elsewhere_of(owner: Owner) -> Candidate {
    Candidate { contact: owner.contact, client: owner.client, full_name: None, email: None, inactive: false }
}
