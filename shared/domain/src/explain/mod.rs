//! Why a person is treated as they are: what was looked at, who else it could have been, what is
//! planned, and which one change would alter that.
//!
//! Everything is recomputed with the planner itself, from the same answers of the store, so an
//! explanation cannot say anything else than the plan. A change is proposed only after it has been
//! tried: the person is planned again as if it had been made, and what then happens is told.
//!
//! It looks at one person alone. Two things a whole read knows are beyond it: another person of the same
//! read with the same address, and how much of a stop limit others have used up.

mod advice;
mod change;
mod proposals;
mod rivals;
mod summary;
mod text;

use serde::Serialize;

use crate::{
    contact::{Contact, InactiveReason},
    email::EmailAddress,
    facts::SourceFacts,
    fields::{Field, FieldStory, StoryOf},
    ids::{ContactId, EntraObjectId},
    plan::{Leaver, Line, PlanPage},
    planner::{Known, KnownPerson, Needs, Planner, Step, Tried, shown},
    policy::{TenantPolicy, Timing},
    user::DirectoryUser,
};

pub use change::Change;
pub use proposals::Proposal;
pub use rivals::Rival;
pub use summary::Outcome;

/// The whole answer about one person.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What becomes of the person, as a stable code.
    pub outcome: Outcome,
    /// The directory's id of the person.
    pub object: EntraObjectId,
    /// How an operator recognises the person.
    pub label: String,
    /// The person's address.
    pub address: Option<EmailAddress>,
    /// What becomes of the person, and why, in a sentence or two.
    pub summary: String,
    /// What was looked at, in its order.
    pub steps: Vec<Step>,
    /// Contacts the person was not linked to although something speaks for them.
    pub rivals: Vec<Rival>,
    /// What the next complete read plans about the person.
    #[serde(skip)]
    pub lines: Vec<Line>,
    /// What becomes of each field of the contact; empty when nobody looks at fields.
    pub fields: Vec<FieldStory>,
    /// What would alter the result, the most likely first.
    pub proposals: Vec<Proposal>,
}

/// Whom an explanation is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Somebody the directory has.
    Present(&'a DirectoryUser),
    /// Somebody the directory has no more, and in which way they have gone as far as it has told.
    Gone(Leaver),
}

/// What has to be looked up before `subject` can be explained, given what is `known`. Ask again with the
/// answers until it is empty.
pub fn needs(policy: &TenantPolicy, subject: Subject<'_>, known: &Known) -> Needs {
    let case = Case { policy, subject, known };
    let mut needs = case.plan_needs();
    if !needs.is_empty() {
        return needs;
    }
    case.add_evidence(&mut needs);
    if !needs.is_empty() {
        return needs;
    }
    for change in proposals::candidates(&case) {
        if let Some((policy, user, known)) = change.made(&case) {
            let subject = user.as_ref().map_or(subject, Subject::Present);
            let other = Case { policy: &policy, subject, known: &known }.plan_needs();
            needs.join(other);
        }
    }
    needs
}

/// Explains `subject`. Ask [`needs`] first.
pub fn explain(policy: &TenantPolicy, subject: Subject<'_>, known: &Known) -> Explanation {
    let case = Case { policy, subject, known };
    let lines = case.lines();
    let steps = case.steps();
    let (outcome, summary) = summary::of(&case, &lines, &steps);
    let fields = case.fields(&lines, &steps);
    Explanation {
        outcome,
        object: case.object(),
        label: case.label(),
        address: case.address(),
        rivals: rivals::of(&case, outcome, &lines),
        proposals: proposals::of(&case, &summary),
        summary,
        fields,
        steps,
        lines,
    }
}

/// One person under one policy.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) policy: &'a TenantPolicy,
    pub(crate) subject: Subject<'a>,
    pub(crate) known: &'a Known,
}

impl<'a> Case<'a> {
    fn planner(&self) -> Planner {
        Planner::of_changes(self.policy.clone(), Vec::new(), &[])
    }

    fn begin(&self, planner: &mut Planner) -> Vec<PlanPage> {
        match self.subject {
            Subject::Present(user) => planner.plan(std::slice::from_ref(user), &[], self.known),
            Subject::Gone(leaver) => planner.plan_removed(&[leaver]),
        }
    }

    fn plan_needs(&self) -> Needs {
        let mut planner = self.planner();
        if let Subject::Present(user) = self.subject {
            let needs = planner.needs(std::slice::from_ref(user), self.known);
            if !needs.is_empty() {
                return needs;
            }
        }
        self.begin(&mut planner);
        planner.closing_needs(self.known)
    }

    /// What decides nothing, but makes the answer whole: every owner of an address, and the contact.
    fn add_evidence(&self, needs: &mut Needs) {
        let known = self.known;
        if let Subject::Present(user) = self.subject {
            let addresses = user.addresses(&self.policy.verified_domains);
            needs.addresses.extend(addresses.all().filter(|one| !known.owners.contains_key(one)).cloned());
        }
        let owners: Vec<_> = self.owned().into_iter().map(|(_, _, owner)| owner).collect();
        let ours = owners.iter().filter(|owner| owner.client == self.policy.client);
        let mut contacts: Vec<ContactId> = ours.map(|owner| owner.contact).collect();
        let mut clients: Vec<_> = owners.iter().map(|owner| owner.client).collect();
        let person = self.person();
        contacts.extend(person.hint);
        if let Some(link) = &person.link {
            clients.push(link.client);
            if link.client == self.policy.client {
                contacts.push(link.contact);
                needs.facts.extend([self.object()].into_iter().filter(|one| !known.facts.contains_key(one)));
            }
        }
        needs.contacts.extend(contacts.into_iter().filter(|one| !known.contacts.contains_key(one)));
        let others = clients.into_iter().filter(|client| *client != self.policy.client);
        needs.clients.extend(others.filter(|client| !known.clients.contains_key(client)));
    }

    /// What the next complete read plans about the person.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut planner = self.planner();
        let mut pages = self.begin(&mut planner);
        pages.extend(planner.close(self.known));
        pages.into_iter().flat_map(|page| page.lines).collect()
    }

    fn steps(&self) -> Vec<Step> {
        match self.subject {
            Subject::Present(user) => self.planner().explain(user, self.known).0,
            Subject::Gone(leaver) => {
                let step = |tried, decided, found: String| Step { tried, found, decided };
                let link = match self.linked() {
                    Some(contact) => format!("Yes, to {}.", shown(contact)),
                    None => "Yes, to a contact that is no longer at this client.".to_owned(),
                };
                vec![
                    step(Tried::Directory, true, not_there(self.how_gone(leaver)).to_owned()),
                    step(Tried::IdentityLink, false, link),
                ]
            }
        }
    }

    pub(crate) fn object(&self) -> EntraObjectId {
        match self.subject {
            Subject::Present(user) => user.object,
            Subject::Gone(leaver) => leaver.object,
        }
    }

    pub(crate) fn user(&self) -> Option<&'a DirectoryUser> {
        match self.subject {
            Subject::Present(user) => Some(user),
            Subject::Gone(_) => None,
        }
    }

    pub(crate) fn person(&self) -> KnownPerson {
        self.known.people.get(&self.object()).cloned().unwrap_or_default()
    }

    pub(crate) fn contact(&self, contact: ContactId) -> Option<&'a Contact> {
        let known = self.known.contacts.get(&contact)?.as_ref();
        known.filter(|contact| contact.client == self.policy.client)
    }

    /// The contact as people recognise it.
    pub(crate) fn named(&self, contact: ContactId) -> String {
        self.contact(contact).map_or_else(|| "the contact".to_owned(), shown)
    }

    /// The contact the person is linked to.
    pub(crate) fn linked(&self) -> Option<&'a Contact> {
        self.contact(self.person().link?.contact)
    }

    fn base(&self) -> Option<&'a SourceFacts> {
        self.known.facts.get(&self.object())?.as_ref()
    }

    pub(crate) fn facts(&self) -> Option<SourceFacts> {
        let user = self.user()?;
        let primary = user.addresses(&self.policy.verified_domains).primary?;
        Some(SourceFacts::new(user, primary))
    }

    fn label(&self) -> String {
        match self.subject {
            Subject::Present(user) => user.label(),
            Subject::Gone(leaver) => self
                .linked()
                .map_or_else(|| leaver.object.to_string(), |contact| contact.values.full_name.clone()),
        }
    }

    fn address(&self) -> Option<EmailAddress> {
        match self.subject {
            Subject::Present(user) => user.addresses(&self.policy.verified_domains).primary,
            Subject::Gone(_) => self.linked()?.values.email.clone(),
        }
    }

    /// Which of the person's addresses have an owner, in the order in which they count.
    pub(crate) fn owned(&self) -> Vec<(EmailAddress, Tried, crate::contact::Owner)> {
        let Some(user) = self.user() else { return Vec::new() };
        let addresses = user.addresses(&self.policy.verified_domains);
        let primary = addresses.primary.iter().map(|address| (address, Tried::PrimaryAddress));
        let sign_in = addresses.sign_in.iter().map(|address| (address, Tried::SignInAddress));
        let aliases = addresses.aliases.iter().map(|address| (address, Tried::AliasAddresses));
        let owned = primary.chain(sign_in).chain(aliases).filter_map(|(address, tried)| {
            let owner = self.known.owners.get(address).copied().flatten()?;
            Some((address.clone(), tried, owner))
        });
        owned.collect()
    }

    /// The first of the person's addresses that a contact of another client has.
    pub(crate) fn elsewhere(&self) -> Option<(EmailAddress, crate::contact::Owner)> {
        let owned = self.owned().into_iter();
        owned
            .map(|(address, _, owner)| (address, owner))
            .find(|(_, owner)| owner.client != self.policy.client)
    }

    /// Fields are looked at for people who are taken and have, or get, a contact that is there.
    fn fields(&self, lines: &[Line], steps: &[Step]) -> Vec<FieldStory> {
        let Some(facts) = self.facts() else { return Vec::new() };
        let main = summary::main_line(lines).map(|line| &line.action);
        let decided = steps.iter().find(|step| step.decided).map(|step| step.tried);
        let is_unchanged = main.is_none() && decided == Some(Tried::Changed);
        let planned = main.map(summary::proposal);
        let contact = match planned {
            Some(action) if !action.changes().is_empty() || summary::is_about_fields(action) => {
                action.contact().and_then(|contact| self.contact(contact)).or_else(|| self.linked())
            }
            None if is_unchanged || summary::is_waiting(steps) => self.linked(),
            _ => None,
        };
        let Some(contact) = contact else { return Vec::new() };
        let changes = planned.map(crate::plan::Action::changes).unwrap_or_default();
        let base = self.base();
        // Where nobody is linked yet nothing was synced before, whatever is stored.
        let base = base.filter(|_| self.person().link.is_some());
        let is_looked_at = !is_unchanged && decided != Some(Tried::Changed);
        let story = StoryOf { contact, base, facts: &facts, planned: changes, is_looked_at };
        let fields = Field::ALL.into_iter().map(|field| story.told(&self.policy.fields, field));
        fields.filter(|told| told.local.is_some() || told.source.is_some() || told.base.is_some()).collect()
    }

    /// In which way somebody has gone: what was told last, else what the contact remembers.
    fn how_gone(&self, leaver: Leaver) -> InactiveReason {
        let stamp = self.linked().and_then(|contact| contact.entra.as_ref());
        let remembered = stamp.and_then(|stamp| stamp.inactive_reason).filter(|reason| reason.is_gone());
        match leaver.reason {
            InactiveReason::DeletedUpstream => remembered.unwrap_or(leaver.reason),
            told => told,
        }
    }

    /// What the directory says about somebody who is leaving, and when that counts.
    pub(crate) fn leaving(&self, steps: &[Step]) -> Option<(InactiveReason, Timing)> {
        let decided = steps.iter().find(|step| step.decided)?.tried;
        let reason = match decided {
            Tried::Directory => match self.subject {
                Subject::Gone(leaver) => self.how_gone(leaver),
                Subject::Present(_) => InactiveReason::DeletedUpstream,
            },
            Tried::AccountEnabled => InactiveReason::DisabledUpstream,
            Tried::Scope => InactiveReason::OutOfScope,
            _ => return None,
        };
        Some((reason, self.policy.timing(reason)))
    }
}

/// Of somebody the directory has no more.
fn not_there(reason: InactiveReason) -> &'static str {
    match reason {
        InactiveReason::PermanentlyDeletedUpstream => {
            "No, Microsoft has no such user now: the account was deleted for good."
        }
        InactiveReason::SoftDeletedUpstream => {
            "No, Microsoft has no such user now: the account was deleted, and can be restored for 30 days after \
             that."
        }
        _ => "No, Microsoft has no such user now.",
    }
}
