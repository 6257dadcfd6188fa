//! From what was read and what is known to a plan.
//!
//! The planner asks for what it needs ([`Planner::needs`]) until nothing is missing, then decides.
//! It remembers the lines it has planned and lays them over what the store says, so that two users
//! of one address on different pages meet each other in a preview as they do in a run.

mod decide;
mod overlay;
mod pages;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    contact::{Contact, InactiveReason, Owner},
    email::EmailAddress,
    ids::{ContactId, EntraObjectId},
    inventory::{Inventory, LinkEntry, ReviewState},
    plan::{Action, Line, Person, PlanPage, Rule, fold},
    policy::TenantPolicy,
    run::Counters,
    user::DirectoryUser,
};
use decide::{Decision, Missing};
use overlay::Overlay;
use pages::Pages;

/// What the adapter has looked up so far. `None` = looked up and not there.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Owners of addresses.
    pub owners: BTreeMap<EmailAddress, Option<Owner>>,
    /// Contacts of the mapped client.
    pub contacts: BTreeMap<ContactId, Option<Contact>>,
}

/// What has to be looked up before the page can be planned.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// Addresses whose owners are asked for.
    pub addresses: BTreeSet<EmailAddress>,
    /// Contacts of the mapped client.
    pub contacts: BTreeSet<ContactId>,
}

impl Needs {
    /// Whether everything is known.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.contacts.is_empty()
    }

    fn add(&mut self, missing: Missing) {
        match missing {
            Missing::Owners(addresses) => self.addresses.extend(addresses),
            Missing::Contacts(contacts) => self.contacts.extend(contacts),
        }
    }
}

/// A row of a directory page that is no usable user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnusableRow {
    /// Its id, if that much could be read.
    pub object: Option<EntraObjectId>,
    /// Where it stood on its page.
    pub position: usize,
    /// Stable code.
    pub code: String,
}

/// Plans one tenant's read, page by page.
#[derive(Debug)]
pub struct Planner {
    policy: TenantPolicy,
    salt: Vec<u8>,
    inventory: Inventory,
    overlay: Overlay,
    seen: BTreeSet<u64>,
    anonymous_rows: u64,
    anybody_read: bool,
    /// Active links of this client at the start of the read: what the stop limit is a share of.
    active_links: usize,
    /// How many people have a line because they have vanished.
    vanished: usize,
}

impl Planner {
    /// A planner at the start of a complete read, or, with [`Self::replay`] of the pages planned
    /// before, anywhere in it. `inventory` is what the store holds now.
    pub fn new(policy: TenantPolicy, inventory: Inventory) -> Self {
        let salt = policy.fingerprint_salt();
        let is_ours = |link: &&LinkEntry| link.active && inventory.client(link) == Some(policy.client);
        let active_links = inventory.links().iter().filter(is_ours).count();
        Self {
            policy,
            salt,
            inventory,
            overlay: Overlay::default(),
            seen: BTreeSet::new(),
            anonymous_rows: 0,
            anybody_read: false,
            active_links,
            vanished: 0,
        }
    }

    /// What has to be looked up before `users` can be planned, given what is `known`. Ask again
    /// with the answers until it is empty; three rounds are enough.
    pub fn needs(&self, users: &[DirectoryUser], known: &Known) -> Needs {
        let mut needs = Needs::default();
        for user in users.iter().filter(|user| !self.seen.contains(&fold(user.object))) {
            if let Err(missing) = self.decide(user, known) {
                needs.add(missing);
            }
        }
        needs
    }

    /// Plans one page of the directory. A user who was on an earlier page of this read is left
    /// alone: a listing is not a snapshot, and the next read sees the newer state.
    pub fn plan(&mut self, users: &[DirectoryUser], rows: &[UnusableRow], known: &Known) -> Vec<PlanPage> {
        let mut pages = Pages::default();
        self.anybody_read |= !users.is_empty();
        for user in users {
            if self.seen.insert(fold(user.object)) {
                let person = self.person(user);
                let decision = self.decide(user, known).unwrap_or_else(|_| Decision::fail("not_gathered"));
                self.note_seen(&mut pages, person, decision);
            }
        }
        for row in rows {
            self.note_unusable(&mut pages, row);
        }
        pages.finish()
    }

    /// What has to be looked up before [`Self::plan_vanished`].
    pub fn vanished_needs(&self, known: &Known) -> Needs {
        let missing = |link: &&LinkEntry| !known.contacts.contains_key(&link.contact);
        let contacts = self.confirmed_vanished().filter(missing).map(|link| link.contact).collect();
        Needs { addresses: BTreeSet::new(), contacts }
    }

    /// Plans what happens to linked people who were on no page. Only for a read that came to its
    /// end; a row without an id could be anybody, so one such row means that nobody has vanished.
    pub fn plan_vanished(&mut self, known: &Known) -> Vec<PlanPage> {
        let mut pages = Pages::default();
        if self.anonymous_rows > 0 {
            return pages.finish();
        }
        let unseen: Vec<LinkEntry> = self.unseen().copied().collect();
        // A directory without anybody is a wrong answer until somebody has looked.
        let too_many =
            !self.anybody_read || self.vanished + unseen.len() > self.policy.vanish.limit(self.active_links);
        for link in unseen {
            let decision = if too_many {
                let reason = InactiveReason::DeletedUpstream;
                Decision::Line(Rule::Vanished, Action::Hold { contact: link.contact, reason })
            } else if self.is_confirmed(&link) {
                match self.decide_vanished(&link, known) {
                    Some(decision) => decision,
                    None => continue,
                }
            } else {
                Decision::Line(Rule::Vanished, Action::NoteMissing { times: link.missing + 1 })
            };
            let contact = self.contact(link.contact, known).ok().flatten();
            let person = Person {
                object: link.object,
                label: contact
                    .as_ref()
                    .map_or_else(|| link.object.to_string(), |contact| contact.values.full_name.clone()),
                address: contact.and_then(|contact| contact.values.email),
            };
            self.note(&mut pages, person, decision);
        }
        pages.finish()
    }

    /// Takes in a page that was planned before a restart, as if it had just been planned.
    pub fn replay(&mut self, page: &PlanPage) {
        self.anybody_read |= !page.seen.is_empty();
        self.seen.extend(&page.seen);
        for line in &page.lines {
            self.anonymous_rows += u64::from(is_anonymous(line));
            self.overlay.add(&self.policy, line);
            // The limit is a share of the links at the start of the read. The inventory may or may
            // not show what the line has done to the link since.
            let is_active = self.inventory.link(line.object).is_some_and(|link| link.active);
            match line.action {
                Action::Create { .. } | Action::Link { .. } | Action::Reactivate { .. } if is_active => {
                    self.active_links = self.active_links.saturating_sub(1);
                }
                Action::MarkInactive { .. } if !is_active => self.active_links += 1,
                _ => {}
            }
            if line.rule == Rule::Vanished {
                self.seen.insert(fold(line.object));
                self.vanished += 1;
            }
        }
    }

    /// Says that every line planned so far has been applied: the store knows it now.
    pub fn settle(&mut self) {
        self.overlay.clear();
    }

    /// Notes the decision and, when that leaves the link as it is, that the person is back: only
    /// complete reads in a row count.
    fn note_seen(&mut self, pages: &mut Pages, person: Person, decision: Decision) {
        let was_missing = |link: &LinkEntry| {
            link.active && link.missing > 0 && self.inventory.client(link) == Some(self.policy.client)
        };
        let is_back = !writes_link(&decision) && self.inventory.link(person.object).is_some_and(was_missing);
        self.note(pages, person.clone(), decision);
        if is_back {
            let (workspace, tenant) = (self.policy.workspace, self.policy.tenant);
            let action = Action::NoteMissing { times: 0 };
            let line = Line::new(workspace, tenant, person, Rule::IdentityLink, action);
            pages.add(Some(line), None, &Counters::default());
        }
    }

    fn note(&mut self, pages: &mut Pages, person: Person, decision: Decision) {
        let mut counters = Counters::default();
        let vanished = matches!(decision, Decision::Line(Rule::Vanished, _));
        let object = person.object;
        if !vanished {
            counters.read = 1;
        }
        let line = match decision {
            Decision::Unchanged => {
                counters.unchanged = 1;
                None
            }
            Decision::StillAmbiguous => {
                counters.ambiguous = 1;
                None
            }
            Decision::Line(rule, action) => {
                count(&mut counters, &action, vanished);
                let is_open = matches!(self.inventory.reviews.get(&object), Some(ReviewState::Open { .. }));
                let line = Line::new(self.policy.workspace, self.policy.tenant, person, rule, action);
                Some(line.answering_review(is_open))
            }
        };
        if let Some(line) = &line {
            self.overlay.add(&self.policy, line);
        }
        pages.add(line, (!vanished).then(|| fold(object)), &counters);
    }

    fn note_unusable(&mut self, pages: &mut Pages, row: &UnusableRow) {
        match row.object {
            Some(object) if !self.seen.insert(fold(object)) => return,
            Some(_) => {}
            None => self.anonymous_rows += 1,
        }
        let object = row.object.unwrap_or(NOBODY);
        let label = format!("row {} of its page", row.position + 1);
        let person = Person { object, label, address: None };
        self.note_seen(
            pages,
            person,
            Decision::Line(Rule::BadRecord, Action::Fail { code: row.code.clone() }),
        );
    }

    fn person(&self, user: &DirectoryUser) -> Person {
        let address = user.addresses(&self.policy.verified_domains).primary;
        Person { object: user.object, label: user.label(), address }
    }

    fn unseen(&self) -> impl Iterator<Item = &LinkEntry> {
        let ours = |link: &&LinkEntry| self.inventory.client(link) == Some(self.policy.client);
        self.inventory
            .links()
            .iter()
            .filter(|link| link.active && !self.seen.contains(&fold(link.object)))
            .filter(ours)
    }

    fn confirmed_vanished(&self) -> impl Iterator<Item = &LinkEntry> {
        self.unseen().filter(|link| self.is_confirmed(link))
    }

    fn is_confirmed(&self, link: &LinkEntry) -> bool {
        link.missing.saturating_add(1) >= self.policy.vanish.confirmations.max(1)
    }
}

/// Stands for a row whose id could not be read.
const NOBODY: EntraObjectId = EntraObjectId::new(uuid::Uuid::nil());

fn writes_link(decision: &Decision) -> bool {
    match decision {
        Decision::Line(_, Action::Refresh { .. }) => true,
        Decision::Line(_, action) => action.contact_written().is_some(),
        Decision::StillAmbiguous | Decision::Unchanged => false,
    }
}

fn is_anonymous(line: &Line) -> bool {
    line.rule == Rule::BadRecord && line.object == NOBODY
}

fn count(counters: &mut Counters, action: &Action, vanished: bool) {
    let counter = match action {
        Action::Create { .. } => &mut counters.created,
        Action::Exclude { .. } => &mut counters.excluded,
        Action::Fail { .. } => &mut counters.failed,
        Action::Hold { .. } => &mut counters.held,
        Action::Link { .. } => &mut counters.linked,
        Action::MarkInactive { .. } => &mut counters.inactivated,
        Action::NoteMissing { .. } => &mut counters.missing,
        Action::Reactivate { .. } => &mut counters.reactivated,
        Action::Refresh { .. } => &mut counters.unchanged,
        Action::Review { .. } => &mut counters.ambiguous,
        Action::Update { .. } => &mut counters.updated,
    };
    *counter = 1;
    if vanished && matches!(action, Action::MarkInactive { .. }) {
        counters.vanished = 1;
    }
}

#[cfg(test)]
mod tests;
