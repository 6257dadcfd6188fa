//! One person, one decision.
//!
//! Order: what the person is linked to, then the object id the PSA has on a contact, then whose
//! address the person has; a name alone never links anybody.

use std::{borrow::Cow, collections::BTreeSet};

use super::{
    Known, Planner, Reading, Step,
    trace::{Trace, Tried},
};
use crate::{
    contact::{Contact, InactiveReason, Link, Owner},
    email::EmailAddress,
    facts::SourceFacts,
    fields::FieldChange,
    ids::{ContactId, EntraObjectId, Identity},
    inventory::ReviewState,
    plan::{Action, Candidate, Conflict, ContactState, LinkState, Rule},
    policy::{TenantPolicy, Timing},
    scope::Exclusion,
    text::comparison_key,
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
    Unchanged,
}

impl Decision {
    pub(super) fn fail(code: &str) -> Self {
        Self::Line(Rule::BadRecord, Action::Fail { code: code.to_owned() })
    }

    fn exclude(reason: Exclusion) -> Self {
        let (rule, action) = excluded(reason, None);
        Self::Line(rule, action)
    }
}

/// What the adapter has to look up first.
pub(super) enum Missing {
    Contacts(Vec<ContactId>),
    Facts(EntraObjectId),
    /// Both, of one link.
    Linked(ContactId, EntraObjectId),
    Owners(Vec<EmailAddress>),
    People(Vec<EntraObjectId>),
}

type Decided = Result<Decision, Missing>;

/// Decides about people with what is known, and remembers why if it is asked to.
pub(super) struct Decider<'a> {
    planner: &'a Planner,
    known: &'a Known,
    trace: Trace,
}

impl<'a> Decider<'a> {
    pub(super) fn new(planner: &'a Planner, known: &'a Known) -> Self {
        Self { planner, known, trace: Trace::default() }
    }

    pub(super) fn tracing(self) -> Self {
        Self { trace: Trace::on(), ..self }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.trace.into_steps()
    }

    pub(super) fn decide(&mut self, user: &DirectoryUser) -> Decided {
        let link = self.link(user.object)?;
        self.note_link(link.as_ref());
        if let Some(link) = link.as_ref().filter(|link| link.client != self.policy().client) {
            return Ok(self.linked_at_other_client(user.object, link));
        }
        if user.account_enabled == Some(false) {
            return Ok(self.decide_disabled(link.as_ref()));
        }
        self.trace.note(Tried::AccountEnabled, false, || "sign-in is allowed".to_owned());
        let addresses = user.addresses(&self.policy().verified_domains);
        if let Some((reason, detail)) = self.exclusion(user, &addresses) {
            return Ok(self.decide_excluded(link.as_ref(), reason, detail));
        }
        self.trace.note(Tried::Scope, false, || "among the people who are synced".to_owned());
        // The scope lets nobody pass who has no address.
        let Some(primary) = addresses.primary.clone() else {
            return Ok(Decision::exclude(Exclusion::MissingIdentity));
        };
        let facts = SourceFacts::new(user, primary);
        match link {
            Some(link) if link.active => self.decide_linked(&link, facts),
            Some(link) => self.decide_returned(&link, facts),
            None if self.is_dismissed(user.object) => {
                self.trace
                    .note(Tried::OperatorDecision, true, || "an operator dismissed the person".to_owned());
                Ok(Decision::exclude(Exclusion::DismissedByOperator))
            }
            None => self.decide_unlinked(user, &addresses, facts),
        }
    }

    /// The contact as the planned lines make it; `None` when there is none.
    pub(super) fn contact(&self, contact: ContactId) -> Result<Option<Contact>, Missing> {
        let (planner, policy) = (self.planner, self.policy());
        // Whatever the adapter looked up: nothing of another client is ever written.
        let is_ours = |contact: &Contact| contact.client == policy.client;
        let stored = match self.known.contacts.get(&contact) {
            Some(stored) => stored.clone().filter(is_ours),
            None if planner.overlay.creates(contact) => None,
            None => return Err(Missing::Contacts(vec![contact])),
        };
        Ok(planner.overlay.lay_over(policy, contact, stored))
    }

    /// The person's link.
    pub(super) fn link(&self, object: EntraObjectId) -> Result<Option<Link>, Missing> {
        match &self.planner.reading {
            Reading::Complete { inventory } => Ok(inventory.link(object)),
            Reading::Changes { .. } => match self.known.people.get(&object) {
                Some(person) => Ok(person.link.clone()),
                None => Err(Missing::People(vec![object])),
            },
        }
    }

    pub(super) fn has_open_question(&self, object: EntraObjectId) -> bool {
        matches!(self.review(object), Some(ReviewState::Open { .. }))
    }

    /// Never asked about somebody whose link was not.
    fn review(&self, object: EntraObjectId) -> Option<&'a ReviewState> {
        match &self.planner.reading {
            Reading::Complete { inventory } => inventory.reviews.get(&object),
            Reading::Changes { .. } => self.known.people.get(&object)?.review.as_ref(),
        }
    }

    fn hint(&self, object: EntraObjectId) -> Option<ContactId> {
        match &self.planner.reading {
            Reading::Complete { inventory } => inventory.hints.get(&object).copied(),
            Reading::Changes { .. } => self.known.people.get(&object)?.hint,
        }
    }

    /// The contact of a link, and what was last seen of its person: asked for in one go.
    fn linked(&self, link: &Link) -> Result<(Option<Contact>, Option<&'a SourceFacts>), Missing> {
        let object = link.identity.object;
        match (self.contact(link.contact), self.base(object)) {
            (Ok(contact), Ok(base)) => Ok((contact, base)),
            (Err(_), Err(_)) => Err(Missing::Linked(link.contact, object)),
            (Err(missing), _) | (_, Err(missing)) => Err(missing),
        }
    }

    /// What was last seen of a linked person.
    fn base(&self, object: EntraObjectId) -> Result<Option<&'a SourceFacts>, Missing> {
        self.known.facts.get(&object).map(Option::as_ref).ok_or(Missing::Facts(object))
    }

    fn policy(&self) -> &'a TenantPolicy {
        &self.planner.policy
    }

    fn exclusion(&self, user: &DirectoryUser, addresses: &Addresses) -> Option<(Exclusion, Option<String>)> {
        let policy = self.policy();
        let excluded = policy.scope.exclusion(user, addresses, &policy.groups)?;
        Some((excluded.reason, excluded.detail))
    }

    fn note_link(&mut self, link: Option<&Link>) {
        self.trace.note(Tried::IdentityLink, link.is_some(), || match link {
            None => "not linked to any contact".to_owned(),
            Some(link) if link.active => format!("linked to contact {}", link.contact),
            Some(link) => {
                format!("was linked to contact {}, which was made inactive with the account", link.contact)
            }
        });
    }

    fn decide_disabled(&mut self, link: Option<&Link>) -> Decision {
        let reason = InactiveReason::DisabledUpstream;
        let timing = self.policy().timing(reason);
        self.trace.note(Tried::AccountEnabled, true, || {
            let then = match (link, timing) {
                (None, _) => "no contact is linked, so the person is left out",
                (Some(link), _) if !link.active => "the contact has been dealt with already",
                (Some(_), Timing::AtOnce) => "the contact becomes inactive at the end of the read",
                (Some(_), Timing::AfterGrace) => "the contact becomes inactive once that is confirmed",
                (Some(_), Timing::Never) => "the rule that would make the contact inactive is off",
            };
            format!("sign-in is blocked; {then}")
        });
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
        self.trace.note(Tried::Scope, true, || match &detail {
            Some(detail) => format!("left out: {} ({detail})", reason.explanation()),
            None => format!("left out: {}", reason.explanation()),
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
        let same = facts.fingerprint(&self.planner.salt) == link.fingerprint;
        self.trace.note(Tried::Changed, same, || {
            let what = if same { "nothing" } else { "the directory, or a rule," };
            format!("{what} has changed since the last read")
        });
        if same && link.missing == 0 && !link.keep {
            return Ok(Decision::Unchanged);
        }
        if same {
            return Ok(Decision::Line(Rule::IdentityLink, Action::Refresh { facts }));
        }
        let (contact, base) = self.linked(link)?;
        let Some(contact) = contact else { return Ok(Decision::fail("contact_missing")) };
        if self.planner.is_anothers(&contact, object) {
            return Ok(self.ask(object, Conflict::AddressShared, vec![candidate(&contact)]));
        }
        if contact.protected {
            return Ok(self.protected());
        }
        let changes = match self.changes(&contact, base, &facts, object)? {
            Ok(changes) => changes,
            Err(conflict) => return Ok(conflict),
        };
        let action = if changes.is_empty() {
            Action::Refresh { facts }
        } else {
            Action::Update { contact: contact.id, expect: contact.version, changes, facts }
        };
        Ok(Decision::Line(Rule::IdentityLink, action))
    }

    fn decide_returned(&mut self, link: &Link, facts: SourceFacts) -> Decided {
        let object = link.identity.object;
        let (contact, base) = self.linked(link)?;
        let Some(contact) = contact else { return Ok(Decision::fail("contact_missing")) };
        if self.planner.is_anothers(&contact, object) {
            return Ok(self.ask(object, Conflict::AddressShared, vec![candidate(&contact)]));
        }
        if contact.protected {
            return Ok(self.protected());
        }
        let changes = match self.changes(&contact, base, &facts, object)? {
            Ok(changes) => changes,
            Err(conflict) => return Ok(conflict),
        };
        let activate = contact.inactive && is_inactive_by_sync(&contact);
        let before = Some(Box::new(state(&contact, LinkState::Inactive)));
        let (contact, expect) = (contact.id, contact.version);
        let action = Action::Reactivate { contact, expect, before, activate, changes, facts };
        Ok(Decision::Line(Rule::IdentityLink, action))
    }

    fn decide_unlinked(
        &mut self,
        user: &DirectoryUser,
        addresses: &Addresses,
        facts: SourceFacts,
    ) -> Decided {
        if let Some(contact) = self.hinted(user.object)? {
            return self.tie(Rule::StoredObjectId, &contact, facts, user.object, None);
        }
        let owners = Owners::find(self, addresses)?;
        self.note_owners(&owners, addresses);
        if let Some(elsewhere) = owners.primary_elsewhere(self.planner) {
            return Ok(self.ask(user.object, Conflict::AddressAtOtherClient, vec![elsewhere_of(elsewhere)]));
        }
        let mut direct = self.contacts_of(&owners.direct)?;
        match direct.len() {
            0 => self.decide_by_alias(user, &owners, facts),
            1 => {
                let (contact, owner, rule) = direct.remove(0);
                self.decide_by_address(user.object, &contact, owner, rule, facts)
            }
            _ => {
                let candidates = direct.iter().map(|(contact, ..)| candidate(contact)).collect();
                Ok(self.ask(user.object, Conflict::MultipleEmailMatches, candidates))
            }
        }
    }

    /// One contact of this client has the person's address or sign-in name.
    fn decide_by_address(
        &mut self,
        object: EntraObjectId,
        contact: &Contact,
        owner: Owner,
        rule: Rule,
        facts: SourceFacts,
    ) -> Decided {
        if owner.additional {
            return Ok(self.ask(object, Conflict::AdditionalAddress, vec![candidate(contact)]));
        }
        if !self.planner.is_anothers(contact, object) {
            return self.tie(rule, contact, facts, object, None);
        }
        let Some(gone) = self.gone_account(contact)? else {
            return Ok(self.ask(object, Conflict::AddressShared, vec![candidate(contact)]));
        };
        if self.is_dismissed(object) || !same_name(&contact.values.full_name, &facts.full_name) {
            return Ok(self.ask(object, Conflict::MailboxReused, vec![candidate(contact)]));
        }
        self.tie(rule, contact, facts, object, Some(gone))
    }

    /// The account of this tenant that the contact belonged to, when it is known to be gone.
    fn gone_account(&self, contact: &Contact) -> Result<Option<EntraObjectId>, Missing> {
        let Some(stamp) = &contact.entra else { return Ok(None) };
        if stamp.identity.tenant != self.policy().tenant {
            return Ok(None);
        }
        let object = stamp.identity.object;
        let link = self.link(object)?;
        let is_gone = link.is_some_and(|link| !link.active) && !self.planner.overlay.is_revived(contact.id);
        Ok(is_gone.then_some(object))
    }

    fn decide_by_alias(&mut self, user: &DirectoryUser, owners: &Owners, facts: SourceFacts) -> Decided {
        let mut hits = self.contacts_of(&owners.alias)?;
        // An alias on somebody else's contact says nothing: shared addresses are common.
        hits.retain(|(contact, owner, _)| {
            !owner.additional && !self.planner.is_anothers(contact, user.object)
        });
        match hits.as_slice() {
            [] => Ok(self.create(user.object, facts)),
            [(contact, _, rule)] if same_name(&contact.values.full_name, &facts.full_name) => {
                self.tie(*rule, contact, facts, user.object, None)
            }
            [(contact, ..)] => Ok(self.ask(user.object, Conflict::AliasOnly, vec![candidate(contact)])),
            several => {
                let candidates = several.iter().map(|(contact, ..)| candidate(contact)).collect();
                Ok(self.ask(user.object, Conflict::MultipleEmailMatches, candidates))
            }
        }
    }

    fn create(&self, object: EntraObjectId, facts: SourceFacts) -> Decision {
        let identity = Identity { tenant: self.policy().tenant, object };
        let contact = ContactId::derived(self.policy().workspace, identity, &facts.email);
        Decision::Line(Rule::NoMatch, Action::Create { contact, facts })
    }

    /// Ties the person to `contact`, in the place of an account that is gone, if there is one.
    fn tie(
        &mut self,
        rule: Rule,
        contact: &Contact,
        facts: SourceFacts,
        object: EntraObjectId,
        supersedes: Option<EntraObjectId>,
    ) -> Decided {
        if contact.protected {
            return Ok(self.protected());
        }
        let base = match supersedes {
            Some(gone) => self.base(gone)?,
            None => None,
        };
        let changes = match self.changes(contact, base, &facts, object)? {
            Ok(changes) => changes,
            Err(conflict) => return Ok(conflict),
        };
        let activate = supersedes.is_some() && contact.inactive && is_inactive_by_sync(contact);
        let before = Some(Box::new(state(contact, LinkState::Cut)));
        let (contact, expect) = (contact.id, contact.version);
        let action = Action::Link { contact, expect, before, supersedes, activate, changes, facts };
        Ok(Decision::Line(rule, action))
    }

    fn protected(&mut self) -> Decision {
        let reason = Exclusion::ProtectedContact;
        self.trace.note(Tried::Scope, true, || format!("left out: {}", reason.explanation()));
        Decision::exclude(reason)
    }

    /// What the rules write, unless a new address is somebody else's: then a human is asked, and
    /// once they have dismissed the question the other fields are written.
    fn changes(
        &mut self,
        contact: &Contact,
        base: Option<&SourceFacts>,
        facts: &SourceFacts,
        object: EntraObjectId,
    ) -> Result<Result<Vec<FieldChange>, Decision>, Missing> {
        let mut changes = self.policy().fields.changes(contact, base, facts);
        self.note_fields(&changes);
        let is_email = |change: &FieldChange| matches!(change, FieldChange::Email { .. });
        if !changes.iter().any(is_email) {
            return Ok(Ok(changes));
        }
        let owner = self.owner(&facts.email)?.filter(|owner| owner.contact != contact.id);
        let Some(owner) = owner else { return Ok(Ok(changes)) };
        if self.is_dismissed(object) {
            changes.retain(|change| !is_email(change));
            return Ok(Ok(changes));
        }
        let conflict = if owner.client == self.policy().client {
            self.conflict_in_client(owner)?
        } else {
            Conflict::AddressAtOtherClient
        };
        Ok(Err(self.ask(object, conflict, vec![candidate(contact), elsewhere_of(owner)])))
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

    fn ask(&mut self, object: EntraObjectId, conflict: Conflict, candidates: Vec<Candidate>) -> Decision {
        let is_dismissed = self.is_dismissed(object);
        self.trace.note(Tried::OperatorDecision, true, || {
            let then = if is_dismissed { "an operator dismissed the question" } else { "a human is asked" };
            format!("{}: {then}", conflict.explanation())
        });
        if is_dismissed {
            return Decision::exclude(Exclusion::DismissedByOperator);
        }
        let ids = candidates.iter().map(|candidate| candidate.contact).collect();
        let question = ReviewState::Open { conflict, candidates: ids };
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

    fn is_dismissed(&self, object: EntraObjectId) -> bool {
        self.review(object) == Some(&ReviewState::Dismissed)
    }

    fn owner(&self, address: &EmailAddress) -> Result<Option<Owner>, Missing> {
        match (self.planner.overlay.owner(address), self.known.owners.get(address)) {
            (Some(owner), _) => Ok(Some(owner)),
            (None, Some(owner)) => Ok(*owner),
            (None, None) => Err(Missing::Owners(vec![address.clone()])),
        }
    }

    /// The contact on which the PSA has the person's object id, unless it belongs to another account.
    fn hinted(&mut self, object: EntraObjectId) -> Result<Option<Contact>, Missing> {
        let Some(hint) = self.hint(object) else { return Ok(None) };
        let contact = self.contact(hint)?.filter(|contact| !self.planner.is_anothers(contact, object));
        self.trace.note(Tried::StoredObjectId, contact.is_some(), || match &contact {
            Some(contact) => format!("the PSA has the object id on {}", named(contact)),
            None => {
                "the PSA has the object id on a contact that is gone or belongs to another account".to_owned()
            }
        });
        Ok(contact)
    }

    /// The contacts behind `owners` in this client, each once. An owner whose contact is not there
    /// is the claim of a creation under way; applying settles whose it is.
    fn contacts_of(&self, owners: &[(Owner, Rule)]) -> Result<Vec<(Contact, Owner, Rule)>, Missing> {
        let mut found: Vec<(Contact, Owner, Rule)> = Vec::new();
        let mut missing = Vec::new();
        for (owner, rule) in owners.iter().filter(|(owner, _)| owner.client == self.policy().client) {
            match self.contact(owner.contact) {
                Ok(Some(contact)) if found.iter().all(|(other, ..)| other.id != contact.id) => {
                    found.push((contact, *owner, *rule));
                }
                Ok(_) => {}
                Err(Missing::Contacts(contacts)) => missing.extend(contacts),
                Err(other) => return Err(other),
            }
        }
        if missing.is_empty() { Ok(found) } else { Err(Missing::Contacts(missing)) }
    }

    fn note_owners(&mut self, owners: &Owners, addresses: &Addresses) {
        let client = self.policy().client;
        let whose = |owner: Option<&Owner>| match owner {
            None => Cow::Borrowed("no contact has it"),
            Some(owner) if owner.client != client => Cow::Borrowed("a contact of another client has it"),
            Some(owner) if owner.additional => {
                Cow::Owned(format!("an additional address of contact {}", owner.contact))
            }
            Some(owner) => Cow::Owned(format!("contact {} has it", owner.contact)),
        };
        if let Some(primary) = &addresses.primary {
            let owner = owners.primary.as_ref();
            self.trace
                .note(Tried::PrimaryAddress, owner.is_some(), || format!("{primary}: {}", whose(owner)));
        }
        if let Some(sign_in) = &addresses.sign_in {
            let owner =
                owners.direct.iter().find(|(_, rule)| *rule == Rule::SignInAddress).map(|(owner, _)| owner);
            self.trace.note(Tried::SignInAddress, owner.is_some(), || format!("{sign_in}: {}", whose(owner)));
        }
        if !addresses.aliases.is_empty() {
            self.trace.note(Tried::AliasAddresses, !owners.alias.is_empty(), || {
                let found = owners.alias.iter().map(|(owner, _)| whose(Some(owner)).into_owned());
                let found: Vec<String> = found.collect();
                let count = addresses.aliases.len();
                if found.is_empty() {
                    format!("no contact has any of {count} aliases")
                } else {
                    format!("of {count} aliases: {}", found.join("; "))
                }
            });
        }
    }

    fn note_fields(&mut self, changes: &[FieldChange]) {
        self.trace.note(Tried::Fields, false, || {
            let change = |change: &FieldChange| {
                let (field, old, new) = change.describe();
                format!("{field}: {old} → {new}")
            };
            let changes: Vec<String> = changes.iter().map(change).collect();
            if changes.is_empty() { "no field is to be written".to_owned() } else { changes.join("; ") }
        });
    }
}

/// Who owns the addresses of one person.
struct Owners {
    primary: Option<Owner>,
    /// Of the primary address and the sign-in name.
    direct: Vec<(Owner, Rule)>,
    alias: Vec<(Owner, Rule)>,
}

impl Owners {
    fn find(decider: &Decider, addresses: &Addresses) -> Result<Self, Missing> {
        let unknown = |address: &&EmailAddress| decider.owner(address).is_err();
        let missing: BTreeSet<EmailAddress> = addresses.all().filter(unknown).cloned().collect();
        if !missing.is_empty() {
            return Err(Missing::Owners(missing.into_iter().collect()));
        }
        let owner = |address: &EmailAddress| decider.owner(address).ok().flatten();
        let primary = addresses.primary.as_ref().and_then(owner);
        let sign_in = addresses.sign_in.as_ref().and_then(owner);
        let direct = primary.map(|owner| (owner, Rule::PrimaryAddress)).into_iter();
        let direct = direct.chain(sign_in.map(|owner| (owner, Rule::SignInAddress))).collect();
        let alias = addresses.aliases.iter().filter_map(owner).map(|owner| (owner, Rule::AliasAddress));
        Ok(Self { primary, direct, alias: alias.collect() })
    }

    fn primary_elsewhere(&self, planner: &Planner) -> Option<Owner> {
        self.primary.filter(|owner| owner.client != planner.policy.client)
    }
}

fn excluded(reason: Exclusion, detail: Option<String>) -> (Rule, Action) {
    let rule = if reason == Exclusion::AccountDisabled { Rule::Disabled } else { Rule::Scope };
    (rule, Action::Exclude { reason, detail })
}

fn state(contact: &Contact, link: LinkState) -> ContactState {
    ContactState { inactive: contact.inactive, entra: contact.entra.clone(), link }
}

fn is_inactive_by_sync(contact: &Contact) -> bool {
    contact.entra.as_ref().is_some_and(|stamp| stamp.inactive_reason.is_some())
}

fn candidate(contact: &Contact) -> Candidate {
    Candidate {
        contact: contact.id,
        client: contact.client,
        full_name: Some(contact.values.full_name.clone()),
        email: contact.values.email.clone(),
        inactive: contact.inactive,
    }
}

/// A candidate of whom nothing is told but that it exists.
fn elsewhere_of(owner: Owner) -> Candidate {
    Candidate { contact: owner.contact, client: owner.client, full_name: None, email: None, inactive: false }
}

fn named(contact: &Contact) -> String {
    format!("contact {} ({})", contact.id, contact.values.full_name)
}

/// Whether two names have the same words, in any order; a name without a letter is nobody's.
fn same_name(one: &str, other: &str) -> bool {
    let words = |name: &str| {
        let mut words: Vec<String> = comparison_key(name).split(' ').map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let words_of_one = words(one);
    words_of_one == words(other) && words_of_one.iter().any(|word| !word.is_empty())
}
