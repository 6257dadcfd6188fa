//! Links that an operator changes: ended, moved to another contact, or their people matched anew.
//!
//! A link that is replaced ends first, by a line of its own, so that at no moment two contacts are one
//! person's. As with everything else, the contacts stay: one that is nobody's any more is as it was.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    contact::{Contact, Link},
    ids::{ContactId, EntraObjectId, EntraTenantId, WorkspaceId},
    plan::{Action, ContactState, Line, LinkState, PLAN_PAGE_FORMAT, Person, PlanPage, Rule, Turn},
    planner::{Known, KnownPerson, counted},
    review::{Question, Refusal, Situation},
    run::Counters,
};

/// Lines on one page: small enough for any of them, and a contact that is read for each.
const LINES_PER_PAGE: usize = 100;

/// What an operator does to links.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkChange {
    /// Ends them, and no sync makes others.
    Cut,
    /// Ends them; the next sync decides about the people as if they had never been linked.
    Forget,
    /// Links each person to the contact that is named.
    Move,
    /// Decides about the people anew, as if they were not linked.
    Rematch,
}

/// One person whose link is changed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// Who.
    pub object: EntraObjectId,
    /// Which contact the person is, for [`LinkChange::Move`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
}

/// Whose lines are made.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// The MSP.
    pub workspace: WorkspaceId,
    /// The directory.
    pub tenant: EntraTenantId,
}

/// The lines about one person, in the order in which they are carried out: the link ends before anything
/// else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changed {
    /// How the present link ends.
    pub end: Option<Line>,
    /// What comes of it.
    pub then: Option<Line>,
}

impl Lines {
    /// A line of an operator's about links.
    pub fn line(&self, person: Person, action: Action) -> Line {
        Line::new(self.workspace, self.tenant, person, Rule::Ledger, action)
    }

    /// The person is `to` from now on; nothing if that is so already.
    pub fn moved(
        &self,
        person: &Person,
        question: &Question,
        now: &Situation,
        to: ContactId,
    ) -> Result<Changed, Refusal> {
        let ruling = question.link_existing(now, to)?;
        if matches!(ruling.action, Action::Settle { .. }) {
            return Ok(Changed::default());
        }
        let end = now.link.as_ref().map(|link| {
            let contact = now.contacts.get(&link.contact).filter(|contact| contact.client == question.client);
            end(link, contact, LinkState::Cut)
        });
        if matches!(end, Some(Action::Leave { .. })) {
            return Err(Refusal::ContactProtected);
        }
        let answer = crate::plan::Answer { leaves: None, ..ruling.answer };
        let then = self.line(person.clone(), ruling.action).answering(answer);
        let end = end.map(|action| self.line(person.clone(), action));
        Ok(Changed { end, then: Some(then) })
    }
}

/// Ends a link. `contact` = the one it leads to, if that belongs to the mapped client.
pub fn end(link: &Link, contact: Option<&Contact>, to: LinkState) -> Action {
    let state = if link.active { LinkState::Active } else { LinkState::Inactive };
    let Some(own) = contact.filter(|contact| is_theirs(link, contact)) else {
        let bare = |link| ContactState { inactive: false, entra: None, link };
        let turn = Box::new(Turn { from: bare(state), to: bare(to) });
        return Action::Unlink { contact: link.contact, expect: None, turn };
    };
    if own.protected {
        return Action::Leave { contact: own.id, code: "contact_protected".to_owned(), kept: Vec::new() };
    }
    let from = ContactState { inactive: own.inactive, entra: own.entra.clone(), link: state };
    let turn = Box::new(Turn { from, to: ContactState { inactive: own.inactive, entra: None, link: to } });
    Action::Unlink { contact: own.id, expect: Some(own.version), turn }
}

fn is_theirs(link: &Link, contact: &Contact) -> bool {
    contact.entra.as_ref().is_some_and(|stamp| stamp.identity == link.identity)
}

/// People who are matched anew.
#[derive(Clone, Debug)]
pub struct Rematch<'a> {
    /// What is stored about each of them.
    pub people: &'a BTreeMap<EntraObjectId, KnownPerson>,
    /// The contacts of the mapped client that they are linked to.
    pub contacts: &'a BTreeMap<ContactId, Contact>,
    /// When their links end.
    pub at: Timestamp,
}

impl Rematch<'_> {
    /// What is known, as it is once the links of all of them have ended.
    #[must_use]
    pub fn unlinked(&self, known: &Known) -> Known {
        let mut known = known.clone();
        for (object, person) in &mut known.people {
            let Some(before) = self.people.get(object) else { continue };
            person.parted = false;
            if before.link.is_some() {
                (person.link, person.cut_at) = (None, Some(self.at));
            }
        }
        for contact in known.contacts.values_mut().flatten() {
            let ends = self.people.values().filter_map(|person| person.link.as_ref());
            let is_freed = ends
                .filter(|link| link.contact == contact.id)
                .any(|link| is_theirs(link, contact) && !contact.protected);
            if is_freed {
                // The line that ends the link writes it before.
                (contact.entra, contact.version) = (None, contact.version + 1);
            }
        }
        known
    }

    /// The lines about each of the people, from what was planned for them with [`Self::unlinked`]. Nothing
    /// for whoever is the same contact as before; whoever is left out keeps the link.
    pub fn changed(&self, lines: Lines, planned: Vec<PlanPage>) -> Vec<Changed> {
        let mut changed = Vec::new();
        for page in planned {
            let asked = page.asked.iter().filter_map(|object| self.ended(lines, *object, None));
            changed.extend(asked.map(|end| Changed { end: Some(end), then: None }));
            changed.extend(page.lines.into_iter().map(|line| self.changed_line(lines, line)));
        }
        changed
    }

    fn changed_line(&self, lines: Lines, mut line: Line) -> Changed {
        let keeps_link = !matches!(
            line.action,
            Action::Create { .. } | Action::Link { .. } | Action::Review { .. } | Action::Stage { .. }
        );
        let before = self.people.get(&line.object);
        if keeps_link || before.is_none() {
            return Changed { end: None, then: Some(line) };
        }
        let linked = before.and_then(|person| person.link.as_ref());
        let own = linked.and_then(|link| {
            self.contacts.get(&link.contact).filter(|contact| is_theirs(link, contact)).map(|own| own.id)
        });
        if let Action::Link { contact, before: state, .. } = &mut line.action {
            if own == Some(*contact) {
                return Changed::default();
            }
            if let Some(state) = state.as_mut().filter(|_| before.is_some_and(|person| person.parted)) {
                state.link = LinkState::Parted;
            }
        }
        let person = Person { object: line.object, label: line.label.clone(), address: line.address.clone() };
        match self.ended(lines, line.object, Some(person)) {
            Some(end) if matches!(end.action, Action::Leave { .. }) => Changed { end: Some(end), then: None },
            end => Changed { end, then: Some(renamed(lines, line)) },
        }
    }

    fn ended(&self, lines: Lines, object: EntraObjectId, person: Option<Person>) -> Option<Line> {
        let link = self.people.get(&object)?.link.as_ref()?;
        let contact = self.contacts.get(&link.contact);
        let person = person.unwrap_or_else(|| {
            let label = contact.map_or_else(|| object.to_string(), |own| own.values.full_name.clone());
            Person { object, label, address: None }
        });
        Some(lines.line(person, end(link, contact, LinkState::Cut)))
    }
}

/// The line with the id that what it says now has.
fn renamed(lines: Lines, line: Line) -> Line {
    let person = Person { object: line.object, label: line.label.clone(), address: line.address.clone() };
    let id = Line::new(lines.workspace, lines.tenant, person, line.rule, line.action.clone()).id;
    Line { id, ..line }
}

/// Plan pages: every link ends before anybody is linked anew, since two people may change places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// How links end.
    pub ends: Vec<PlanPage>,
    /// What comes of it.
    pub then: Vec<PlanPage>,
}

impl Plan {
    /// The pages of these lines.
    pub fn of(changed: Vec<Changed>) -> Self {
        let (mut ends, mut then) = (Vec::new(), Vec::new());
        for changed in changed {
            ends.extend(changed.end);
            then.extend(changed.then);
        }
        let pages = |lines: Vec<Line>| lines.chunks(LINES_PER_PAGE).map(page_of).collect();
        Self { ends: pages(ends), then: pages(then) }
    }

    /// All of them, in their order.
    pub fn pages(self) -> Vec<PlanPage> {
        self.ends.into_iter().chain(self.then).collect()
    }
}

fn page_of(lines: &[Line]) -> PlanPage {
    let mut counters = Counters::default();
    for line in lines {
        let is_about_a_record =
            matches!(line.action, Action::Exclude { .. } | Action::Fail { .. } | Action::Review { .. });
        let read = u64::from(is_about_a_record);
        counters.add(&counted(&line.action));
        counters.add(&Counters { read, ..Counters::default() });
    }
    PlanPage {
        format: PLAN_PAGE_FORMAT,
        lines: lines.to_vec(),
        seen: Vec::new(),
        leavers: Vec::new(),
        asked: Vec::new(),
        guard: None,
        counters,
    }
}

/// People who are named more than once, or without the contact that the change needs.
pub fn contradictions(change: LinkChange, wishes: &[Wish]) -> BTreeSet<EntraObjectId> {
    let mut seen = BTreeSet::new();
    let wrong =
        |wish: &&Wish| !seen.insert(wish.object) || wish.contact.is_some() != (change == LinkChange::Move);
    wishes.iter().filter(wrong).map(|wish| wish.object).collect()
}
