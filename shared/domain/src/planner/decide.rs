//! One person, one decision.
//!
//! Order: what the person is linked to, then whose address the person has; a name alone never
//! links anybody.

use std::collections::BTreeSet;

use super::{Known, Planner};
use crate::{
    contact::{Contact, InactiveReason, Owner},
    email::EmailAddress,
    facts::SourceFacts,
    fields::FieldChange,
    ids::{ContactId, EntraObjectId, Identity},
    inventory::{LinkEntry, ReviewState},
    plan::{Action, Candidate, Conflict, Rule},
    scope::Exclusion,
    text::comparison_key,
    user::{Addresses, DirectoryUser},
};

#[expect(clippy::large_enum_variant, reason = "held one at a time, and mostly a line")]
pub(super) enum Decision {
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
        let rule = if reason == Exclusion::AccountDisabled { Rule::Disabled } else { Rule::Scope };
        Self::Line(rule, Action::Exclude { reason })
    }
}

/// What the adapter has to look up first.
pub(super) enum Missing {
    Owners(Vec<EmailAddress>),
    Contacts(Vec<ContactId>),
}

type Decided = Result<Decision, Missing>;

impl Planner {
    pub(super) fn decide(&self, user: &DirectoryUser, known: &Known) -> Decided {
        let link = self.inventory.link(user.object);
        if let Some(link) = link
            && self.inventory.client(link) != Some(self.policy.client)
        {
            return Ok(self.linked_at_other_client(user.object, link));
        }
        if user.account_enabled == Some(false) {
            return self.decide_disabled(user.object, link, known);
        }
        let addresses = user.addresses(&self.policy.verified_domains);
        if let Some(exclusion) = self.policy.scope.exclusion(user, &addresses) {
            return Ok(Decision::exclude(exclusion));
        }
        // The scope lets nobody pass who has no address.
        let Some(primary) = addresses.primary.clone() else {
            return Ok(Decision::exclude(Exclusion::MissingIdentity));
        };
        let facts = SourceFacts::new(user, primary);
        match link {
            Some(link) if link.active => self.decide_linked(link, facts, known),
            Some(link) => self.decide_returned(link, facts, known),
            None if self.is_dismissed(user.object) => Ok(Decision::exclude(Exclusion::DismissedByOperator)),
            None => self.decide_unlinked(user, &addresses, facts, known),
        }
    }

    /// `None` when the contact is gone or belongs to another account by now: then only a human
    /// can say what is right, and nothing is written.
    pub(super) fn decide_vanished(&self, link: &LinkEntry, known: &Known) -> Option<Decision> {
        let contact = self.contact(link.contact, known).ok().flatten()?;
        let reason = InactiveReason::DeletedUpstream;
        let action = Action::MarkInactive { contact: contact.id, expect: contact.version, reason };
        (!self.is_anothers(&contact, link.object)).then_some(Decision::Line(Rule::Vanished, action))
    }

    /// The contact as the planned lines make it; `None` when there is none.
    pub(super) fn contact(&self, contact: ContactId, known: &Known) -> Result<Option<Contact>, Missing> {
        // Whatever the adapter looked up: nothing of another client is ever written.
        let is_ours = |contact: &Contact| contact.client == self.policy.client;
        let stored = match known.contacts.get(&contact) {
            Some(stored) => stored.clone().filter(is_ours),
            None if self.overlay.creates(contact) => None,
            None => return Err(Missing::Contacts(vec![contact])),
        };
        Ok(self.overlay.lay_over(&self.policy, contact, stored))
    }

    fn decide_disabled(&self, object: EntraObjectId, link: Option<&LinkEntry>, known: &Known) -> Decided {
        let Some(link) = link else { return Ok(Decision::exclude(Exclusion::AccountDisabled)) };
        if !link.active || !self.policy.fields.mark_inactive_when_disabled {
            return Ok(Decision::Unchanged);
        }
        Ok(match self.contact(link.contact, known)? {
            None => Decision::fail("contact_missing"),
            // Only the account a contact belongs to now may make it inactive.
            Some(contact) if self.is_anothers(&contact, object) => Decision::Unchanged,
            Some(contact) => {
                let reason = InactiveReason::DisabledUpstream;
                let action = Action::MarkInactive { contact: contact.id, expect: contact.version, reason };
                Decision::Line(Rule::Disabled, action)
            }
        })
    }

    fn decide_linked(&self, link: &LinkEntry, facts: SourceFacts, known: &Known) -> Decided {
        let same = facts.fingerprint(&self.salt) == link.fingerprint;
        if same && link.missing == 0 {
            return Ok(Decision::Unchanged);
        }
        if same {
            return Ok(Decision::Line(Rule::IdentityLink, Action::Refresh { facts }));
        }
        let Some(contact) = self.contact(link.contact, known)? else {
            return Ok(Decision::fail("contact_missing"));
        };
        if self.is_anothers(&contact, link.object) {
            return Ok(self.ask(link.object, Conflict::AddressShared, vec![candidate(&contact)]));
        }
        let changes = match self.changes(&contact, &facts, link.object, known)? {
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

    fn decide_returned(&self, link: &LinkEntry, facts: SourceFacts, known: &Known) -> Decided {
        let Some(contact) = self.contact(link.contact, known)? else {
            return Ok(Decision::fail("contact_missing"));
        };
        if self.is_anothers(&contact, link.object) {
            return Ok(self.ask(link.object, Conflict::AddressShared, vec![candidate(&contact)]));
        }
        let changes = match self.changes(&contact, &facts, link.object, known)? {
            Ok(changes) => changes,
            Err(conflict) => return Ok(conflict),
        };
        let ours = contact.entra.as_ref().is_some_and(|stamp| stamp.inactive_reason.is_some());
        let activate = contact.inactive && ours;
        let action =
            Action::Reactivate { contact: contact.id, expect: contact.version, activate, changes, facts };
        Ok(Decision::Line(Rule::IdentityLink, action))
    }

    fn decide_unlinked(
        &self,
        user: &DirectoryUser,
        addresses: &Addresses,
        facts: SourceFacts,
        known: &Known,
    ) -> Decided {
        let owners = Owners::find(self, addresses, known)?;
        if let Some(elsewhere) = owners.primary_elsewhere(self) {
            let other = Candidate {
                contact: elsewhere.contact,
                client: elsewhere.client,
                full_name: None,
                email: None,
                inactive: false,
            };
            return Ok(self.ask(user.object, Conflict::AddressAtOtherClient, vec![other]));
        }
        let mut direct = self.contacts_of(&owners.direct, known)?;
        match direct.len() {
            0 => self.decide_by_alias(user, &owners, facts, known),
            1 => {
                let (contact, owner, rule) = direct.remove(0);
                let conflict = if owner.additional {
                    Some(Conflict::AdditionalAddress)
                } else if self.is_anothers(&contact, user.object) {
                    Some(Conflict::AddressShared)
                } else {
                    None
                };
                match conflict {
                    Some(conflict) => Ok(self.ask(user.object, conflict, vec![candidate(&contact)])),
                    None => self.link(rule, &contact, facts, user.object, known),
                }
            }
            _ => {
                let candidates = direct.iter().map(|(contact, ..)| candidate(contact)).collect();
                Ok(self.ask(user.object, Conflict::MultipleEmailMatches, candidates))
            }
        }
    }

    fn decide_by_alias(
        &self,
        user: &DirectoryUser,
        owners: &Owners,
        facts: SourceFacts,
        known: &Known,
    ) -> Decided {
        let mut hits = self.contacts_of(&owners.alias, known)?;
        // An alias on somebody else's contact says nothing: shared addresses are common.
        hits.retain(|(contact, owner, _)| !owner.additional && !self.is_anothers(contact, user.object));
        match hits.as_slice() {
            [] => Ok(self.create(user.object, facts)),
            [(contact, _, rule)] if same_name(&contact.values.full_name, &facts.full_name) => {
                self.link(*rule, contact, facts, user.object, known)
            }
            [(contact, ..)] => Ok(self.ask(user.object, Conflict::AliasOnly, vec![candidate(contact)])),
            several => {
                let candidates = several.iter().map(|(contact, ..)| candidate(contact)).collect();
                Ok(self.ask(user.object, Conflict::MultipleEmailMatches, candidates))
            }
        }
    }

    fn create(&self, object: EntraObjectId, facts: SourceFacts) -> Decision {
        let identity = Identity { tenant: self.policy.tenant, object };
        let contact = ContactId::derived(self.policy.workspace, identity, &facts.email);
        Decision::Line(Rule::NoMatch, Action::Create { contact, facts })
    }

    fn link(
        &self,
        rule: Rule,
        contact: &Contact,
        facts: SourceFacts,
        object: EntraObjectId,
        known: &Known,
    ) -> Decided {
        let changes = match self.changes(contact, &facts, object, known)? {
            Ok(changes) => changes,
            Err(conflict) => return Ok(conflict),
        };
        let action = Action::Link { contact: contact.id, expect: contact.version, changes, facts };
        Ok(Decision::Line(rule, action))
    }

    /// What the rules write, unless a new address is somebody else's: then a human is asked, and
    /// once they have dismissed the question the other fields are written.
    fn changes(
        &self,
        contact: &Contact,
        facts: &SourceFacts,
        object: EntraObjectId,
        known: &Known,
    ) -> Result<Result<Vec<FieldChange>, Decision>, Missing> {
        let mut changes = self.policy.fields.changes(contact, None, facts);
        let is_email = |change: &FieldChange| matches!(change, FieldChange::Email { .. });
        if !changes.iter().any(is_email) {
            return Ok(Ok(changes));
        }
        let owner = self.owner(&facts.email, known)?.filter(|owner| owner.contact != contact.id);
        let Some(owner) = owner else { return Ok(Ok(changes)) };
        if self.is_dismissed(object) {
            changes.retain(|change| !is_email(change));
            return Ok(Ok(changes));
        }
        let conflict = if owner.client == self.policy.client {
            Conflict::MultipleEmailMatches
        } else {
            Conflict::AddressAtOtherClient
        };
        let other = Candidate {
            contact: owner.contact,
            client: owner.client,
            full_name: None,
            email: None,
            inactive: false,
        };
        Ok(Err(self.ask(object, conflict, vec![candidate(contact), other])))
    }

    fn linked_at_other_client(&self, object: EntraObjectId, link: &LinkEntry) -> Decision {
        let client = self.inventory.client(link).unwrap_or(self.policy.client);
        let candidate =
            Candidate { contact: link.contact, client, full_name: None, email: None, inactive: false };
        self.ask(object, Conflict::LinkedAtOtherClient, vec![candidate])
    }

    fn ask(&self, object: EntraObjectId, conflict: Conflict, candidates: Vec<Candidate>) -> Decision {
        if self.is_dismissed(object) {
            return Decision::exclude(Exclusion::DismissedByOperator);
        }
        let ids = candidates.iter().map(|candidate| candidate.contact).collect();
        let question = ReviewState::Open { conflict, candidates: ids };
        if self.inventory.reviews.get(&object) == Some(&question) {
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
        self.inventory.reviews.get(&object) == Some(&ReviewState::Dismissed)
    }

    fn is_anothers(&self, contact: &Contact, object: EntraObjectId) -> bool {
        contact.belongs_to_another(self.policy.tenant, object)
    }

    fn owner(&self, address: &EmailAddress, known: &Known) -> Result<Option<Owner>, Missing> {
        match (self.overlay.owner(address), known.owners.get(address)) {
            (Some(owner), _) => Ok(Some(owner)),
            (None, Some(owner)) => Ok(*owner),
            (None, None) => Err(Missing::Owners(vec![address.clone()])),
        }
    }

    /// The contacts behind `owners` in this client, each once. An owner whose contact is not there
    /// is the claim of a creation under way; applying settles whose it is.
    fn contacts_of(
        &self,
        owners: &[(Owner, Rule)],
        known: &Known,
    ) -> Result<Vec<(Contact, Owner, Rule)>, Missing> {
        let mut found: Vec<(Contact, Owner, Rule)> = Vec::new();
        let mut missing = Vec::new();
        for (owner, rule) in owners.iter().filter(|(owner, _)| owner.client == self.policy.client) {
            match self.contact(owner.contact, known) {
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
}

/// Who owns the addresses of one person.
struct Owners {
    primary: Option<Owner>,
    /// Of the primary address and the sign-in name.
    direct: Vec<(Owner, Rule)>,
    alias: Vec<(Owner, Rule)>,
}

impl Owners {
    fn find(planner: &Planner, addresses: &Addresses, known: &Known) -> Result<Self, Missing> {
        let unknown = |address: &&EmailAddress| planner.owner(address, known).is_err();
        let missing: BTreeSet<EmailAddress> = addresses.all().filter(unknown).cloned().collect();
        if !missing.is_empty() {
            return Err(Missing::Owners(missing.into_iter().collect()));
        }
        let owner = |address: &EmailAddress| planner.owner(address, known).ok().flatten();
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

fn candidate(contact: &Contact) -> Candidate {
    Candidate {
        contact: contact.id,
        client: contact.client,
        full_name: Some(contact.values.full_name.clone()),
        email: contact.values.email.clone(),
        inactive: contact.inactive,
    }
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
