//! People who are not linked: the object id the PSA has on a contact, then whose address the person has.

use super::{
    decide::{Decided, Decider, Decision, candidate, elsewhere_of, shown, state},
    lookup::{Missing, Owners},
    trace::Tried,
};
use crate::{
    contact::{Contact, Owner},
    facts::SourceFacts,
    ids::{ContactId, EntraObjectId, Identity},
    plan::{Action, Conflict, LinkState, Rule},
    text::comparison_key,
    user::{Addresses, DirectoryUser},
};

impl Decider<'_> {
    pub(super) fn decide_unlinked(
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
            0 => match owners.sign_in_elsewhere(self.planner) {
                // The tenant owns the domain, so the contact there is hardly anybody else.
                Some(owner) => {
                    Ok(self.ask(user.object, Conflict::AddressAtOtherClient, vec![elsewhere_of(owner)]))
                }
                None => self.decide_by_alias(user, &owners, facts),
            },
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
    pub(super) fn decide_by_address(
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
        if self.turned_down(object).is_some() || !same_name(&contact.values.full_name, &facts.full_name) {
            return Ok(self.ask(object, Conflict::MailboxReused, vec![candidate(contact)]));
        }
        self.tie(rule, contact, facts, object, Some(gone))
    }

    /// The account of this tenant that the contact belonged to, when it is known to be gone.
    pub(super) fn gone_account(&self, contact: &Contact) -> Result<Option<EntraObjectId>, Missing> {
        let Some(stamp) = &contact.entra else { return Ok(None) };
        if stamp.identity.tenant != self.policy().tenant {
            return Ok(None);
        }
        let object = stamp.identity.object;
        let link = self.link(object)?;
        let is_gone = link.is_some_and(|link| !link.active) && !self.planner.overlay.is_revived(contact.id);
        Ok(is_gone.then_some(object))
    }

    pub(super) fn decide_by_alias(
        &mut self,
        user: &DirectoryUser,
        owners: &Owners,
        facts: SourceFacts,
    ) -> Decided {
        let mut hits = self.contacts_of(&owners.alias)?;
        let is_namesake = |contact: &Contact| same_name(&contact.values.full_name, &facts.full_name);
        // An alias on somebody else's contact says nothing: shared addresses are common.
        hits.retain(|(contact, owner, _)| {
            (!owner.additional || is_namesake(contact)) && !self.planner.is_anothers(contact, user.object)
        });
        match hits.as_slice() {
            [] => Ok(self.create(user.object, facts)),
            // Most likely the same person, whose contact would be there twice.
            [(contact, owner, _)] if owner.additional => {
                Ok(self.ask(user.object, Conflict::AdditionalAddress, vec![candidate(contact)]))
            }
            [(contact, _, rule)] if is_namesake(contact) => {
                self.tie(*rule, contact, facts, user.object, None)
            }
            [(contact, ..)] => Ok(self.ask(user.object, Conflict::AliasOnly, vec![candidate(contact)])),
            several => {
                let candidates = several.iter().map(|(contact, ..)| candidate(contact)).collect();
                Ok(self.ask(user.object, Conflict::MultipleEmailMatches, candidates))
            }
        }
    }

    pub(super) fn create(&mut self, object: EntraObjectId, facts: SourceFacts) -> Decision {
        self.trace.note(Tried::NoMatch, true, || "No, so a new one is made.".to_owned());
        let (policy, cut_at) = (self.policy(), self.cut_at(object));
        let identity = Identity { tenant: policy.tenant, object };
        let contact = ContactId::derived(policy.workspace, identity, &facts.email, cut_at);
        Decision::Line(Rule::NoMatch, Action::Create { contact, facts })
    }

    /// Ties the person to `contact`, in the place of an account that is gone, if there is one.
    pub(super) fn tie(
        &mut self,
        rule: Rule,
        contact: &Contact,
        facts: SourceFacts,
        object: EntraObjectId,
        supersedes: Option<EntraObjectId>,
    ) -> Decided {
        if contact.protected {
            return Ok(self.protected(contact));
        }
        let base = match supersedes {
            Some(gone) => self.base(gone)?,
            None => None,
        };
        let (changes, facts) = match self.changes(contact, base, &facts, object)? {
            Ok(written) => written,
            Err(conflict) => return Ok(conflict),
        };
        self.trace.decide(match rule {
            Rule::AliasAddress => Tried::AliasAddresses,
            Rule::SignInAddress => Tried::SignInAddress,
            Rule::StoredObjectId => Tried::StoredObjectId,
            _ => Tried::PrimaryAddress,
        });
        let overruled = contact.inactive && self.policy().fields.mark_active_when_enabled;
        let activate = overruled || supersedes.is_some() && self.becomes_active(contact);
        let before = Some(Box::new(state(contact, LinkState::Cut)));
        let (contact, expect) = (contact.id, contact.version);
        let action = Action::Link { contact, expect, before, supersedes, activate, changes, facts };
        Ok(Decision::Line(rule, action))
    }

    /// The contact on which the PSA has the person's object id, unless it belongs to another account.
    pub(super) fn hinted(&mut self, object: EntraObjectId) -> Result<Option<Contact>, Missing> {
        let Some(hint) = self.hint(object) else { return Ok(None) };
        let contact = self.contact(hint)?.filter(|contact| !self.planner.is_anothers(contact, object));
        self.trace.note(Tried::StoredObjectId, false, || match &contact {
            Some(contact) => format!("Yes, {}.", shown(contact)),
            None => "Yes, but that contact is gone or belongs to another account.".to_owned(),
        });
        Ok(contact)
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
