//! From what was read and what is known to a plan.
//!
//! The planner asks for what it needs ([`Planner::needs`]) until nothing is missing, then decides.
//! It remembers the lines it has planned and lays them over what the store says, so that two users
//! of one address on different pages meet each other in a preview as they do in a run.
//!
//! Who becomes inactive is decided last, when the read has come to its end ([`Planner::close`]): only
//! then is it known how many they are, and a read that stops half-way has made nobody inactive.

mod close;
mod decide;
mod lookup;
mod notes;
mod open;
mod overlay;
mod pages;
mod trace;
mod unlinked;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    contact::{Contact, InactiveReason, Link, Owner},
    email::EmailAddress,
    facts::SourceFacts,
    ids::{ClientId, ContactId, EntraObjectId},
    inventory::{Inventory, ReviewState},
    plan::{About, Action, Leaver, Limit, Line, LinkState, Person, PlanPage, Rule, fold},
    policy::TenantPolicy,
    run::Counters,
    user::DirectoryUser,
};
pub(crate) use decide::shown;
use decide::{Decider, Decision};
use lookup::Missing;
pub(crate) use notes::{MISSING, capitalised, client_name};
use open::Open;
pub use open::{Held, InForce, RunHeld};
use overlay::Overlay;
use pages::Pages;
pub use trace::{Step, Tried};

/// What the adapter has looked up so far. `None` = looked up and not there.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Owners of addresses.
    pub owners: BTreeMap<EmailAddress, Option<Owner>>,
    /// Contacts of the mapped client.
    pub contacts: BTreeMap<ContactId, Option<Contact>>,
    /// What was last seen of linked people.
    pub facts: BTreeMap<EntraObjectId, Option<SourceFacts>>,
    /// What is stored about people, when it was not all read at the start.
    pub people: BTreeMap<EntraObjectId, KnownPerson>,
    /// Names of clients, which decide nothing: an explanation names them.
    pub clients: BTreeMap<ClientId, Option<String>>,
    /// What is stored and cannot be read. Above it stands as if it were not there, and nothing is decided
    /// about whoever it concerns.
    pub unreadable: Unreadable,
}

/// What is stored and cannot be read: it concerns few people, and must not stop the others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unreadable {
    /// Addresses whose owners are not known.
    pub addresses: BTreeSet<EmailAddress>,
    /// Contacts.
    pub contacts: BTreeSet<ContactId>,
    /// People with their links or questions.
    pub people: BTreeSet<EntraObjectId>,
}

impl Unreadable {
    /// Adds what `other` names.
    pub fn join(&mut self, other: Self) {
        self.addresses.extend(other.addresses);
        self.contacts.extend(other.contacts);
        self.people.extend(other.people);
    }
}

/// What is stored about one person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownPerson {
    /// The link.
    pub link: Option<Link>,
    /// The review item.
    pub review: Option<ReviewState>,
    /// The contact on which the PSA has the person's object id.
    pub hint: Option<ContactId>,
    /// When the person's last link ended: by an undo, or because an operator said so.
    pub cut_at: Option<Timestamp>,
    /// An operator has ended the person's link, and no sync makes another one.
    pub parted: bool,
}

/// What has to be looked up before the page can be planned.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// Addresses whose owners are asked for.
    pub addresses: BTreeSet<EmailAddress>,
    /// Contacts of the mapped client.
    pub contacts: BTreeSet<ContactId>,
    /// People of whom is asked what was last seen.
    pub facts: BTreeSet<EntraObjectId>,
    /// People of whom is asked what is stored.
    pub people: BTreeSet<EntraObjectId>,
    /// Clients whose names an explanation needs; a plan needs none.
    pub clients: BTreeSet<ClientId>,
}

impl Needs {
    /// Whether everything is known.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
            && self.contacts.is_empty()
            && self.facts.is_empty()
            && self.people.is_empty()
            && self.clients.is_empty()
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.addresses.extend(other.addresses);
        self.contacts.extend(other.contacts);
        self.facts.extend(other.facts);
        self.people.extend(other.people);
        self.clients.extend(other.clients);
    }

    fn add(&mut self, missing: Missing) {
        match missing {
            Missing::Owners(addresses) => self.addresses.extend(addresses),
            Missing::Contacts(contacts) => self.contacts.extend(contacts),
            Missing::Facts(object) => self.facts.extend([object]),
            Missing::Linked(contact, object) => {
                self.contacts.extend([contact]);
                self.facts.extend([object]);
            }
            Missing::People(people) => self.people.extend(people),
            Missing::Unreadable => {}
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

/// How much of the directory is read.
#[derive(Debug)]
enum Reading {
    /// Everybody; who is not there has left.
    Complete {
        /// Everything stored about the tenant's people.
        inventory: Inventory,
    },
    /// Only who has changed.
    Changes {
        /// Who was leaving at the end of the last read.
        pending: Vec<Leaver>,
    },
}

/// Plans one tenant's read, page by page.
#[derive(Debug)]
pub struct Planner {
    policy: TenantPolicy,
    salt: Vec<u8>,
    reading: Reading,
    overlay: Overlay,
    seen: BTreeSet<u64>,
    /// People read or told who may have to become inactive, by [`fold`].
    leaving: BTreeMap<u64, Leaver>,
    anonymous_rows: u64,
    /// Active links of this client at the start of the read: what the stop limits are shares of.
    active_links: usize,
    /// Lines so far that count against each limit.
    spent: BTreeMap<Limit, usize>,
    /// Whether a page says already why nobody becomes inactive.
    is_guard_told: bool,
    /// Who is still leaving after what was planned so far of the end of the read.
    still_leaving: Vec<Leaver>,
    /// About whom the last word is not said.
    open: Open,
    /// Limits over all tenants of the run that let nothing more through.
    full: BTreeSet<Limit>,
    /// Lines so far that made a contact active whose link was in force already.
    only_activated: u64,
    /// In which way people have gone, as far as the directory had told before this read.
    told_before: BTreeMap<u64, InactiveReason>,
}

/// What a page would use up of the limits over all tenants of a run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Wants {
    /// New contacts.
    pub creations: u64,
    /// Contacts that go from an account that is gone to another one.
    pub link_moves: u64,
}

impl Planner {
    /// A planner at the start of a complete read, or, with [`Self::replay`] of the pages planned
    /// before, anywhere in it. `inventory` is what the store holds now.
    pub fn new(policy: TenantPolicy, inventory: Inventory) -> Self {
        let active_links = inventory.active(policy.client);
        Self::over(policy, Reading::Complete { inventory }, active_links)
    }

    /// A planner at the start of a read of changes. `pending` were leaving at the end of the read
    /// before ([`Self::still_leaving`]), `open` were open ([`Self::still_open`]).
    pub fn of_changes(policy: TenantPolicy, pending: Vec<Leaver>, open: &[EntraObjectId]) -> Self {
        let active_links = policy.active_links.and_then(|links| usize::try_from(links).ok());
        let planner = Self::over(policy, Reading::Changes { pending }, active_links.unwrap_or_default());
        Self { open: Open::of(open), ..planner }
    }

    fn over(policy: TenantPolicy, reading: Reading, active_links: usize) -> Self {
        let salt = policy.fingerprint_salt();
        Self {
            policy,
            salt,
            reading,
            overlay: Overlay::default(),
            seen: BTreeSet::new(),
            leaving: BTreeMap::new(),
            anonymous_rows: 0,
            active_links,
            spent: BTreeMap::new(),
            is_guard_told: false,
            still_leaving: Vec::new(),
            open: Open::default(),
            full: BTreeSet::new(),
            only_activated: 0,
            told_before: BTreeMap::new(),
        }
    }

    /// The same planner; it knows who was leaving at the end of the read before. That decides nothing about
    /// who leaves: a complete read only sees that somebody is not there, and this says why.
    #[must_use]
    pub fn told_before(mut self, leaving: &[Leaver]) -> Self {
        let gone = leaving.iter().filter(|leaver| leaver.reason.is_gone());
        self.told_before = gone.map(|leaver| (fold(leaver.object), leaver.reason)).collect();
        self
    }

    /// What has to be looked up before `users` can be planned, given what is `known`. Ask again
    /// with the answers until it is empty; four rounds are enough.
    pub fn needs(&self, users: &[DirectoryUser], known: &Known) -> Needs {
        let mut needs = Needs::default();
        for user in users.iter().filter(|user| !self.is_done(user.object)) {
            if let Err(missing) = Decider::new(self, known).decide(user) {
                needs.add(missing);
            }
        }
        needs
    }

    /// Plans one page of the directory. A user who was on an earlier page of a complete read is left
    /// alone: a listing is not a snapshot, and the next read sees the newer state. In a read of
    /// changes the last one wins.
    pub fn plan(&mut self, users: &[DirectoryUser], rows: &[UnusableRow], known: &Known) -> Vec<PlanPage> {
        let mut pages = Pages::default();
        for user in users {
            if self.is_done(user.object) {
                continue;
            }
            let folded = fold(user.object);
            self.seen.insert(folded);
            self.leaving.remove(&folded);
            let person = self.person(user);
            let decided = Decider::new(self, known).decide(user);
            let decision = decided.unwrap_or_else(|missing| Decision::fail(missing.code()));
            self.note_seen(&mut pages, (person, Some(user)), decision, known);
        }
        for row in rows {
            self.note_unusable(&mut pages, row, known);
        }
        pages.finish()
    }

    /// Takes in that the directory has told of people that they are gone, and in which way. Call after
    /// [`Self::plan`] of the same page; a person is in one of the two only.
    pub fn plan_removed(&mut self, removed: &[Leaver]) -> Vec<PlanPage> {
        let mut pages = Pages::default();
        for leaver in removed.iter().filter(|leaver| leaver.reason.is_gone()) {
            let folded = fold(leaver.object);
            self.seen.remove(&folded);
            self.leaving.insert(folded, *leaver);
            self.open.gone(leaver.object);
            pages.add_leaver(*leaver);
        }
        pages.finish()
    }

    /// Everything that is looked at to decide about one person, step by step, and what comes of it,
    /// without planning anything. Ask [`Self::needs`] for the person first; what else is known only makes
    /// the sentences better. [`crate::explain`] says the rest.
    pub fn explain(&self, user: &DirectoryUser, known: &Known) -> (Vec<Step>, Option<(Rule, Action)>) {
        let mut decider = Decider::new(self, known).tracing();
        let decision = decider.decide(user);
        let line = match decision {
            Ok(Decision::Line(rule, action)) => Some((rule, self.limited(action))),
            Ok(Decision::Leaving { line, .. }) => line,
            Err(missing @ Missing::Unreadable) => {
                Some((Rule::BadRecord, Action::Fail { code: missing.code().to_owned() }))
            }
            _ => None,
        };
        (decider.into_steps(), line)
    }

    /// Takes in a page that was planned before a restart, as if it had just been planned.
    pub fn replay(&mut self, page: &PlanPage) {
        self.take_in(page, Overlay::add);
    }

    /// The same of a page that has been applied: as [`Self::replay`] and [`Self::settle`], without holding
    /// every line of a large tenant in between.
    pub fn replay_applied(&mut self, page: &PlanPage) {
        self.take_in(page, Overlay::add_applied);
    }

    fn take_in(&mut self, page: &PlanPage, add: impl Fn(&mut Overlay, &TenantPolicy, &Line)) {
        self.open.replay(page);
        for seen in &page.seen {
            self.leaving.remove(seen);
            self.seen.insert(*seen);
        }
        for leaver in &page.leavers {
            if leaver.reason.is_gone() {
                self.seen.remove(&fold(leaver.object));
                self.open.gone(leaver.object);
            }
            self.leaving.insert(fold(leaver.object), *leaver);
        }
        self.is_guard_told |= page.guard.is_some();
        for line in &page.lines {
            self.anonymous_rows += u64::from(is_anonymous(line));
            add(&mut self.overlay, &self.policy, line);
            self.recount(line);
            self.spend(&line.action);
            self.note_closed(line);
        }
    }

    /// Says that every line planned so far has been applied: the store knows it now.
    pub fn settle(&mut self) {
        self.overlay.clear();
    }

    /// People about whom the last word is not said: they were asked about, could not be used, or wait for
    /// an operator because of a stop limit. The next read of changes looks at them again.
    pub fn still_open(&self) -> Vec<EntraObjectId> {
        self.open.people().collect()
    }

    /// Whether something was decided about somebody in this read.
    pub fn has_seen(&self, object: EntraObjectId) -> bool {
        self.seen.contains(&fold(object))
    }

    /// Whether rows could not be told apart, so that the next read has to be a complete one.
    pub fn had_anonymous_rows(&self) -> bool {
        self.anonymous_rows > 0
    }

    /// Lines that wait for an operator because of a stop limit.
    pub fn held(&self) -> Held {
        self.open.held.under(self.policy.in_force())
    }

    /// Active links of the client once everything planned has been applied, for the limits of a later
    /// read of changes; complete only at the end of a read.
    pub fn active_links_after(&self, counters: &Counters) -> u64 {
        let before = u64::try_from(self.active_links).unwrap_or(u64::MAX);
        let gained = counters.created + counters.linked + counters.reactivated;
        (before + gained).saturating_sub(counters.inactivated + self.only_activated)
    }

    /// The limits are shares of the links at the start of the read. The inventory may or may not
    /// show what a line of it has done to the link since.
    fn recount(&mut self, line: &Line) {
        let Reading::Complete { inventory } = &self.reading else { return };
        let is_active = inventory.link(line.object).is_some_and(|link| link.active);
        match line.action {
            _ if only_activates(&line.action) => {}
            Action::Create { .. } | Action::Link { .. } | Action::Reactivate { .. } if is_active => {
                self.active_links = self.active_links.saturating_sub(1);
            }
            Action::MarkInactive { .. } if !is_active => self.active_links += 1,
            _ => {}
        }
    }

    fn spend(&mut self, action: &Action) {
        self.only_activated += u64::from(only_activates(action));
        if let Some(limit) = limit_of(action) {
            *self.spent.entry(limit).or_default() += 1;
        }
    }

    /// The action, or that it waits for an operator because it crosses a stop limit.
    fn limited(&self, action: Action) -> Action {
        let Some(limit) = limit_of(&action) else { return action };
        let allowed = match limit {
            // The first people of a tenant are no surge, unless they were one when there were others.
            Limit::Creations if self.active_links == 0 && !self.policy.is_shut(limit, 0) => return action,
            Limit::Creations => self.policy.limits.creations.of(self.active_links),
            Limit::LinkMoves => self.policy.limits.link_moves.of(self.active_links),
            // Known only at the end of the read.
            _ => return action,
        };
        // While an earlier surge waits for an operator, no further part of it slips through.
        let allowed = if self.policy.is_shut(limit, allowed) { 0 } else { allowed };
        let limit = match self.spent.get(&limit).copied().unwrap_or_default() < allowed {
            true if self.full.contains(&limit.of_run()) => limit.of_run(),
            true => return action,
            false => limit,
        };
        Action::Stage { proposal: Box::new(action), limit }
    }

    /// What [`Self::plan`] of these users would use up of the limits over all tenants of the run, at most.
    /// Ask [`Self::needs`] first.
    pub fn wants(&self, users: &[DirectoryUser], known: &Known) -> Wants {
        let mut wants = Wants::default();
        for user in users.iter().filter(|user| !self.is_done(user.object)) {
            let Ok(Decision::Line(_, action)) = Decider::new(self, known).decide(user) else { continue };
            match limit_of(&action) {
                // The first people of a tenant are no surge.
                Some(Limit::Creations) if self.active_links > 0 => wants.creations += 1,
                Some(Limit::LinkMoves) => wants.link_moves += 1,
                _ => {}
            }
        }
        wants
    }

    /// Lets nothing more through of what `limit` counts: all tenants of the run together have used it up.
    pub fn is_full(&mut self, limit: Limit, is_full: bool) {
        if is_full {
            self.full.insert(limit.of_run());
        } else {
            self.full.remove(&limit.of_run());
        }
    }

    /// Notes the decision and, when that leaves the link as it is, that the person is back: only
    /// reads in a row count.
    fn note_seen(&mut self, pages: &mut Pages, about: AboutWhom<'_>, decision: Decision, known: &Known) {
        let (person, user) = about;
        let is_leaving = matches!(decision, Decision::Leaving { .. });
        let link = Decider::new(self, known).link(person.object).ok().flatten();
        let was_leaving =
            |link: &Link| link.active && (link.missing > 0 || link.keep) && link.client == self.policy.client;
        let is_back = !is_leaving && !writes_link(&decision) && link.as_ref().is_some_and(was_leaving);
        self.note(pages, (person.clone(), user), decision, known);
        if is_back {
            let (workspace, tenant) = (self.policy.workspace, self.policy.tenant);
            let action = Action::NoteMissing { times: 0, since: None, reason: None };
            let line = Line::new(workspace, tenant, person, Rule::IdentityLink, action);
            pages.add(Some(line), None, &Counters::default());
        }
    }

    fn note(&mut self, pages: &mut Pages, about: AboutWhom<'_>, decision: Decision, known: &Known) {
        let (person, user) = about;
        let mut counters = Counters { read: 1, ..Counters::default() };
        let object = person.object;
        let stays_open = matches!(decision, Decision::StillAmbiguous | Decision::StillBlank);
        let line = match decision {
            Decision::StillBlank | Decision::Unchanged => {
                counters.unchanged = 1;
                None
            }
            Decision::StillAmbiguous => {
                counters.ambiguous = 1;
                None
            }
            Decision::Leaving { reason, line } => {
                let leaver = Leaver { object, reason };
                self.leaving.insert(fold(object), leaver);
                pages.add_leaver(leaver);
                counters.leaving = u64::from(line.is_none());
                line
            }
            Decision::Line(rule, action) => Some((rule, self.limited(action))),
        };
        let line = line.map(|(rule, action)| {
            count(&mut counters, &action);
            self.spend(&action);
            let decider = Decider::new(self, known);
            let (is_open, was_answered) = (decider.has_open_question(object), decider.was_answered(object));
            let line = Line::new(self.policy.workspace, self.policy.tenant, person, rule, action);
            let line = line.answering_review(is_open);
            match user {
                Some(user) => line.asking(|| self.about(user), was_answered),
                None => line,
            }
        });
        if let Some(line) = &line {
            self.overlay.add(&self.policy, line);
        }
        self.open.decided(object, line.as_ref(), stays_open);
        pages.add(line, Some(fold(object)), &counters);
        if stays_open {
            pages.add_asked(object);
        }
    }

    fn note_unusable(&mut self, pages: &mut Pages, row: &UnusableRow, known: &Known) {
        match row.object {
            Some(object) if self.is_done(object) => return,
            Some(object) => {
                self.seen.insert(fold(object));
                self.leaving.remove(&fold(object));
            }
            None => self.anonymous_rows += 1,
        }
        let object = row.object.unwrap_or(NOBODY);
        let label = format!("row {} of its page", row.position + 1);
        let person = Person { object, label, address: None };
        let decision = Decision::Line(Rule::BadRecord, Action::Fail { code: row.code.clone() });
        self.note_seen(pages, (person, None), decision, known);
    }

    /// Whether the person has been planned in this read and is not to be planned again.
    fn is_done(&self, object: EntraObjectId) -> bool {
        matches!(self.reading, Reading::Complete { .. }) && self.seen.contains(&fold(object))
    }

    fn person(&self, user: &DirectoryUser) -> Person {
        let address = user.addresses(&self.policy.verified_domains).primary;
        Person { object: user.object, label: user.label(), address }
    }

    /// What a question about `user` says of them.
    fn about(&self, user: &DirectoryUser) -> About {
        About::new(user, user.addresses(&self.policy.verified_domains))
    }
}

/// Whom a line is about, and what the directory says of them when it could be read.
type AboutWhom<'a> = (Person, Option<&'a DirectoryUser>);

/// Stands for a row whose id could not be read.
const NOBODY: EntraObjectId = EntraObjectId::new(uuid::Uuid::nil());

fn writes_link(decision: &Decision) -> bool {
    match decision {
        Decision::Line(_, Action::Refresh { .. }) => true,
        Decision::Line(_, action) => action.contact_written().is_some(),
        Decision::Leaving { .. } | Decision::StillAmbiguous | Decision::StillBlank | Decision::Unchanged => {
            false
        }
    }
}

fn is_anonymous(line: &Line) -> bool {
    line.rule == Rule::BadRecord && line.object == NOBODY
}

/// Whether the action makes a contact active whose link is in force already.
fn only_activates(action: &Action) -> bool {
    let Action::Reactivate { before: Some(before), .. } = action else { return false };
    before.link == LinkState::Active
}

fn limit_of(action: &Action) -> Option<Limit> {
    match action {
        Action::Create { .. } => Some(Limit::Creations),
        Action::Link { supersedes: Some(_), .. } => Some(Limit::LinkMoves),
        _ => None,
    }
}

fn count(counters: &mut Counters, action: &Action) {
    let counter = match action {
        Action::Create { .. } => &mut counters.created,
        Action::Exclude { .. } => &mut counters.excluded,
        Action::Fail { .. } => &mut counters.failed,
        Action::Hold { .. } => &mut counters.held,
        Action::Leave { .. } => &mut counters.left,
        Action::Link { .. } => &mut counters.linked,
        Action::MarkInactive { .. } => {
            counters.vanished = 1;
            &mut counters.inactivated
        }
        Action::NoteMissing { .. } => &mut counters.missing,
        Action::Reactivate { .. } => &mut counters.reactivated,
        Action::Refresh { .. } => &mut counters.unchanged,
        Action::Restore { .. } => &mut counters.restored,
        Action::Review { .. } => &mut counters.ambiguous,
        Action::Settle { .. } => &mut counters.settled,
        Action::Stage { .. } => {
            counters.waiting = counters.read;
            &mut counters.held
        }
        Action::Unlink { .. } => &mut counters.unlinked,
        Action::Update { .. } => &mut counters.updated,
    };
    *counter = 1;
}

/// What a line with this action adds to the counters of a run that reads nobody.
pub fn counted(action: &Action) -> Counters {
    // Whoever is created or linked by it counts as a person of the run.
    let read = u64::from(matches!(action, Action::Create { .. } | Action::Link { .. }));
    let mut counters = Counters { read, ..Counters::default() };
    count(&mut counters, action);
    counters
}

#[cfg(test)]
mod tests;
