//! The end of a read: who becomes inactive.

use super::{Decider, Known, Missing, Needs, Planner, Reading, count, pages::Pages};
use crate::{
    contact::{Contact, InactiveReason, Link},
    ids::EntraObjectId,
    plan::{Action, ContactState, Guard, Leaver, Limit, Line, LinkState, Person, PlanPage, Rule, fold},
    policy::Timing,
    run::Counters,
};

impl Planner {
    /// What has to be looked up before [`Self::close`].
    pub fn closing_needs(&self, known: &Known) -> Needs {
        let mut needs = Needs::default();
        match self.leavers(known) {
            Err(missing) => needs.add(missing),
            Ok(leavers) => {
                let decider = Decider::new(self, known);
                let missing = |(link, _): &(Link, InactiveReason)| decider.contact(link.contact).err();
                leavers.iter().filter_map(missing).for_each(|missing| needs.add(missing));
            }
        }
        needs
    }

    /// How many contacts [`Self::close`] would make inactive, as far as the tenant's own limit lets it.
    pub fn wants_inactive(&self, known: &Known) -> u64 {
        let leavers = self.leavers(known).unwrap_or_default();
        if self.too_many(&leavers, known) {
            return 0;
        }
        let becomes_inactive = |(link, reason): &&(Link, InactiveReason)| {
            let contact = self.contact_to_write(link, known);
            let action = contact.and_then(|contact| self.decide_leaver(link, *reason, &contact));
            matches!(action, Some(Action::MarkInactive { .. })) && counts(action.as_ref())
        };
        leavers.iter().filter(becomes_inactive).count() as u64
    }

    fn too_many(&self, leavers: &[(Link, InactiveReason)], known: &Known) -> bool {
        let dealt_with = self.spent.get(&Limit::Inactivations).copied().unwrap_or_default();
        let concerned = leavers.iter().filter(|(link, reason)| {
            let contact = self.contact_to_write(link, known);
            contact.is_some_and(|contact| counts(self.decide_leaver(link, *reason, &contact).as_ref()))
        });
        let allowed = self.policy.vanish.limit(self.active_links);
        self.policy.is_shut(Limit::Inactivations, allowed) || dealt_with + concerned.count() > allowed
    }

    /// Plans what happens to linked people who are leaving: who is on no page of a complete read,
    /// whose sign-in is blocked, who is out of scope by now. Only for a read that came to its end.
    pub fn close(&mut self, known: &Known) -> Vec<PlanPage> {
        let mut pages = Pages::default();
        if let Some(guard) = self.guard().filter(|_| !self.is_guard_told) {
            self.is_guard_told = true;
            pages.guard(guard);
        }
        for leaver in self.unreadable_leavers(known) {
            self.note_left_alone(&mut pages, leaver);
            self.note_unreadable(&mut pages, leaver.object);
        }
        let leavers = self.leavers(known).unwrap_or_default();
        let too_many = self.too_many(&leavers, known);
        let is_run_full = self.full.contains(&Limit::RunInactivations);
        for (link, reason) in leavers {
            let object = link.identity.object;
            if matches!(Decider::new(self, known).contact(link.contact), Err(Missing::Unreadable)) {
                self.note_left_alone(&mut pages, Leaver { object, reason });
                self.note_unreadable(&mut pages, object);
                continue;
            }
            let Some(contact) = self.contact_to_write(&link, known) else {
                self.note_left_alone(&mut pages, Leaver { object, reason });
                continue;
            };
            let mut action = self.decide_leaver(&link, reason, &contact);
            if too_many && counts(action.as_ref()) {
                let proposal = Box::new(mark_inactive(&contact, reason));
                action = Some(Action::Stage { proposal, limit: Limit::Inactivations });
            } else if is_run_full
                && matches!(action, Some(Action::MarkInactive { .. }))
                && counts(action.as_ref())
            {
                let proposal = Box::new(mark_inactive(&contact, reason));
                action = Some(Action::Stage { proposal, limit: Limit::RunInactivations });
            }
            let Some(action) = action else {
                // Nothing is to be noted that is not on the link already.
                self.note_left_alone(&mut pages, Leaver { object, reason });
                pages.add(None, None, &Counters { missing: 1, ..Counters::default() });
                continue;
            };
            let mut counters = Counters::default();
            count(&mut counters, &action);
            let person =
                Person { object, label: contact.values.full_name.clone(), address: contact.values.email };
            let line = Line::new(self.policy.workspace, self.policy.tenant, person, rule_of(reason), action);
            self.overlay.add(&self.policy, &line);
            self.open.add(&line);
            self.note_closed(&line);
            pages.add(Some(line), None, &counters);
        }
        pages.finish()
    }

    /// The contact of somebody who is leaving. `None` when it is gone, is protected, or belongs to another
    /// account by now: then only a human can say what is right, nothing is written, and no limit is used up.
    fn contact_to_write(&self, link: &Link, known: &Known) -> Option<Contact> {
        let contact = Decider::new(self, known).contact(link.contact).ok().flatten();
        contact.filter(|contact| !contact.protected && !self.is_anothers(contact, link.identity.object))
    }

    /// Who is still leaving at the end of the read: to be looked at again by the next read of changes.
    pub fn still_leaving(&self) -> Vec<Leaver> {
        let mut leaving = self.leaving.clone();
        leaving.extend(self.still_leaving.iter().map(|leaver| (fold(leaver.object), *leaver)));
        leaving.into_values().collect()
    }

    /// Nothing is written about somebody who is leaving; the page remembers it for whoever goes on.
    fn note_left_alone(&mut self, pages: &mut Pages, leaver: Leaver) {
        if self.leaving.insert(fold(leaver.object), leaver) != Some(leaver) {
            pages.add_leaver(leaver);
        }
    }

    /// What is stored about somebody who is leaving cannot be read: that is said, nothing is written, and the
    /// next read looks again.
    fn note_unreadable(&self, pages: &mut Pages, object: EntraObjectId) {
        let action = Action::Fail { code: Missing::Unreadable.code().to_owned() };
        // Nobody knows their name: what would say it is what cannot be read.
        let person = Person { object, label: object.to_string(), address: None };
        let line = Line::new(self.policy.workspace, self.policy.tenant, person, Rule::BadRecord, action);
        // They were counted when they were read, if they were.
        let counters = Counters { failed: 1, unreadable_leavers: 1, ..Counters::default() };
        pages.add(Some(line), None, &counters);
    }

    /// Takes note of a line of the end of the read.
    pub(super) fn note_closed(&mut self, line: &Line) {
        let reason = match &line.action {
            Action::MarkInactive { .. } => None,
            Action::Hold { reason, .. } => Some(*reason),
            Action::NoteMissing { times: 1.., reason, .. } => {
                Some(reason.unwrap_or(InactiveReason::DeletedUpstream))
            }
            Action::Stage { proposal, limit: Limit::Inactivations | Limit::RunInactivations } => {
                match &**proposal {
                    Action::MarkInactive { reason, .. } => Some(*reason),
                    _ => return,
                }
            }
            _ => return,
        };
        // Whoever has such a line is dealt with, whichever way it went.
        *self.spent.entry(Limit::Inactivations).or_default() += usize::from(counts(Some(&line.action)));
        self.seen.insert(fold(line.object));
        self.leaving.remove(&fold(line.object));
        if let Some(reason) = reason {
            self.still_leaving.push(Leaver { object: line.object, reason });
        }
    }

    fn guard(&self) -> Option<Guard> {
        let Reading::Complete { inventory } = &self.reading else { return None };
        let read = self.people_read();
        if self.policy.limits.is_short(read, self.policy.expected_people) {
            let linked = u64::try_from(inventory.active(self.policy.client)).unwrap_or(u64::MAX);
            let expected = self.policy.expected_people.unwrap_or(linked);
            // Nobody is missing where nobody was.
            return (expected > 0).then_some(Guard::ShortRead { read, expected });
        }
        (self.anonymous_rows > 0).then_some(Guard::AnonymousRows { rows: self.anonymous_rows })
    }

    /// People who were read or told as leaving, in this read or before.
    fn told_to_leave(&self) -> Vec<Leaver> {
        match &self.reading {
            Reading::Complete { .. } => self.leaving.values().copied().collect(),
            Reading::Changes { pending } => {
                let is_open = |leaver: &&Leaver| {
                    let folded = fold(leaver.object);
                    !self.seen.contains(&folded) && !self.leaving.contains_key(&folded)
                };
                self.leaving.values().chain(pending.iter().filter(is_open)).copied().collect()
            }
        }
    }

    /// Those of them whose link cannot be read.
    fn unreadable_leavers(&self, known: &Known) -> Vec<Leaver> {
        if matches!(self.guard(), Some(Guard::ShortRead { .. })) {
            return Vec::new();
        }
        let decider = Decider::new(self, known);
        let is_unreadable = |leaver: &Leaver| matches!(decider.link(leaver.object), Err(Missing::Unreadable));
        self.told_to_leave().into_iter().filter(is_unreadable).collect()
    }

    /// Linked people of this client who may become inactive, by object id.
    fn leavers(&self, known: &Known) -> Result<Vec<(Link, InactiveReason)>, Missing> {
        let guard = self.guard();
        if matches!(guard, Some(Guard::ShortRead { .. })) {
            return Ok(Vec::new());
        }
        let decider = Decider::new(self, known);
        let (mut leavers, mut unknown) = (Vec::new(), Vec::new());
        for leaver in self.told_to_leave() {
            match decider.link(leaver.object) {
                Ok(link) => leavers.extend(link.map(|link| (link, leaver.reason))),
                Err(Missing::People(people)) => unknown.extend(people),
                // It is not known whose contact that is: nothing is done but to say so.
                Err(Missing::Unreadable) => {}
                Err(missing) => return Err(missing),
            }
        }
        if !unknown.is_empty() {
            return Err(Missing::People(unknown));
        }
        if let (Reading::Complete { inventory }, None) = (&self.reading, guard) {
            let gone = |link: &Link| {
                let folded = fold(link.identity.object);
                !self.seen.contains(&folded) && !self.leaving.contains_key(&folded)
            };
            let gone = inventory.links().filter(gone);
            leavers.extend(gone.map(|link| {
                let told = self.told_before.get(&fold(link.identity.object)).copied();
                (link, told.unwrap_or(InactiveReason::DeletedUpstream))
            }));
        }
        leavers.retain(|(link, reason)| {
            link.active
                && !link.keep
                && link.client == self.policy.client
                && self.policy.timing(*reason) != Timing::Never
        });
        leavers.sort_unstable_by_key(|(link, _)| link.identity.object);
        Ok(leavers)
    }

    /// What is to be done about somebody who is leaving, were it not for the limit; `None` when it is
    /// noted already.
    fn decide_leaver(&self, link: &Link, reason: InactiveReason, contact: &Contact) -> Option<Action> {
        let (times, now) = (link.missing.saturating_add(1), self.policy.now);
        let since = link.missing_since.unwrap_or(now).min(now);
        let at_once = self.policy.timing(reason) == Timing::AtOnce;
        if at_once || self.policy.vanish.is_confirmed(times, since, now) {
            return Some(mark_inactive(contact, reason));
        }
        // The first time has no date of its own: applied, it is the run's. So a preview and a run plan the
        // same line.
        let since = link.missing_since.filter(|since| *since <= now);
        // Enough reads have confirmed it; only the hours are missing.
        let is_noted = since.is_some() && link.missing >= self.policy.vanish.confirmations.max(1);
        (!is_noted).then_some(Action::NoteMissing { times, since, reason: Some(reason) })
    }

    fn people_read(&self) -> u64 {
        let only_told = self.leaving.keys().filter(|folded| !self.seen.contains(folded)).count();
        (self.seen.len() + only_told) as u64 + self.anonymous_rows
    }

    pub(super) fn is_anothers(&self, contact: &Contact, object: EntraObjectId) -> bool {
        contact.belongs_to_another(self.policy.tenant, object)
    }
}

fn mark_inactive(contact: &Contact, reason: InactiveReason) -> Action {
    let (inactive, entra) = (contact.inactive, contact.entra.clone());
    let before = Some(Box::new(ContactState { inactive, entra, link: LinkState::Active }));
    Action::MarkInactive { contact: contact.id, expect: contact.version, before, reason }
}

/// Whether somebody who is leaving counts against the limit: not when the contact is inactive already, by
/// a human, and only the link ends.
fn counts(action: Option<&Action>) -> bool {
    match action {
        Some(Action::MarkInactive { before: Some(before), .. }) => !before.inactive,
        _ => true,
    }
}

fn rule_of(reason: InactiveReason) -> Rule {
    match reason {
        reason if reason.is_gone() => Rule::Vanished,
        InactiveReason::DisabledUpstream => Rule::Disabled,
        _ => Rule::Scope,
    }
}
