//! One person, now: read, planned and carried out as a sync of everybody would, and nothing else of the tenant
//! is looked at.

use directory::{BadRow, BadRowCause, Code, UserKey};
use domain::{
    contact::InactiveReason,
    ids::EntraObjectId,
    plan::Leaver,
    planner::{Planner, UnusableRow},
};
use store::Ground;

use crate::{
    failure,
    read::{LEAVING_MAX, OPEN_MAX, unusable},
    work::{After, Outcome, Stop, Work},
};

/// What the directory says of one person.
#[derive(Default)]
struct Answer {
    users: Vec<domain::user::DirectoryUser>,
    rows: Vec<UnusableRow>,
    removed: Vec<Leaver>,
}

impl Work<'_> {
    pub(crate) async fn one_person(&mut self, person: EntraObjectId) -> Result<Outcome, Stop> {
        // How much is too much is a matter of how many people the tenant has, and a first sync has no limit
        // on new ones: one person must not be the first.
        if self.writes() && self.state.ground.complete_at.is_none() {
            return Err(Stop::Failed(failure::never_synced()));
        }
        self.progress.only_changes = true;
        let Some(mut planner) = self.begin_person(person).await? else { return Ok(Outcome::Paused) };
        if !self.progress.read_complete {
            let Some(answer) = self.ask(person).await? else { return Ok(Outcome::Paused) };
            let known = self.gather(|known| planner.needs(&answer.users, known)).await?;
            self.keep_to_run_limits(&mut planner, &answer.users, &known, 0).await?;
            let mut pages = planner.plan(&answer.users, &answer.rows, &known);
            pages.extend(planner.plan_removed(&answer.removed));
            let group = self.group(pages, After::default());
            self.store_pages(&group).await?;
            self.carry_out(Some(&mut planner), group).await?;
        }
        self.close(&mut planner).await?;
        if self.writes() {
            self.ground = Some(self.ground_after(person, &planner));
        }
        Ok(Outcome::Complete)
    }

    async fn begin_person(&mut self, person: EntraObjectId) -> Result<Option<Planner>, Stop> {
        let Some(proof) = self.prove().await? else { return Ok(None) };
        let Some(policy) = self.policy(proof).await? else { return Ok(None) };
        let ground = &self.state.ground;
        let pending = ground.leaving.iter().filter(|leaver| leaver.object == person).copied().collect();
        let open: &[EntraObjectId] = if ground.open.contains(&person) { &[person] } else { &[] };
        let mut planner = Planner::of_changes(policy, pending, open);
        self.resume(&mut planner).await?;
        Ok(Some(planner))
    }

    /// `None` when time is over.
    async fn ask(&self, person: EntraObjectId) -> Result<Option<Answer>, Stop> {
        let key = UserKey::Object(person);
        let mut answer = Answer::default();
        match self.in_time(self.directory()?.user(self.target.entra, &key)).await {
            Ok(None) => return Ok(None),
            Ok(Some(Some(user))) => answer.users.push(user),
            Ok(Some(None)) if self.is_linked(person).await? => answer.removed.push(self.gone(person)),
            Ok(Some(None)) => return Err(Stop::Failed(failure::unknown_person())),
            Err(error) if error.code() == Code::RecordUnreadable => {
                let cause = BadRowCause::MemberType;
                answer.rows.push(unusable(&BadRow { position: 0, object: Some(person), cause }));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Some(answer))
    }

    /// That somebody is not there does not say in which way they have gone; what the directory has told before
    /// may.
    fn gone(&self, object: EntraObjectId) -> Leaver {
        let told = self.state.ground.leaving.iter();
        let told = told.copied().find(|leaver| leaver.object == object && leaver.reason.is_gone());
        told.unwrap_or(Leaver { object, reason: InactiveReason::DeletedUpstream })
    }

    async fn is_linked(&self, person: EntraObjectId) -> Result<bool, Stop> {
        let (workspace, tenant) = (self.job.run.workspace, self.target.entra);
        let (known, unreadable) = self.sync.store.people(workspace, tenant, &[person].into()).await?;
        let has_link = known.get(&person).is_some_and(|(known, _)| known.link.is_some());
        Ok(has_link || unreadable.contains(&person))
    }

    /// What the next sync builds on: all that was known of the tenant, and what is new of this person.
    fn ground_after(&self, person: EntraObjectId, planner: &Planner) -> Ground {
        let counters = &self.progress.counters;
        let before = self.state.ground.clone();
        let was_open =
            before.open.contains(&person) || before.leaving.iter().any(|leaver| leaver.object == person);
        // Whoever was waiting already is counted already.
        let held =
            if was_open && !before.held.is_none() { before.held } else { before.held.and(&planner.held()) };
        let mut leaving = planner.still_leaving();
        leaving.extend(before.leaving.into_iter().filter(|leaver| leaver.object != person));
        let mut open = planner.still_open();
        open.extend(before.open.into_iter().filter(|object| *object != person));
        let look_again =
            before.look_again || counters.stale > 0 || leaving.len() > LEAVING_MAX || open.len() > OPEN_MAX;
        leaving.truncate(LEAVING_MAX);
        open.truncate(OPEN_MAX);
        let active_links = before.active_links.map(|_| planner.active_links_after(counters));
        Ground { leaving, open, held, look_again, active_links, ..self.state.ground.clone() }
    }
}
