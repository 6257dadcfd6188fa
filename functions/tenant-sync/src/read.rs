//! A tenant's part of a sync: what the directory says, planned and carried out page by page.

use assembly::{PlanFor, gather, group_members, tenant_policy};
use directory::{
    BadRow, BadRowCause, ChangesNext, Code, Cursor, ErrorClass, ReadError, TenantProof, UserKey,
};
use domain::{
    facts::fingerprint_of,
    plan::{Leaver, Limit, PlanPage},
    planner::{Known, Needs, Planner, UnusableRow},
    policy::TenantPolicy,
    user::DirectoryUser,
};
use jiff::{SignedDuration, Timestamp};
use store::{Feed, Ground, Place, StoreError};

use crate::{
    failure,
    work::{After, Outcome, Stop, Work},
};

/// How often a listing may begin again because its link ran out.
const RESTARTS_MAX: u32 = 3;

/// A feed of changes is not trusted longer: the directory forgets it after seven days
/// (learn.microsoft.com/graph/delta-query-overview).
const FEED_MAX: SignedDuration = SignedDuration::from_hours(24 * 6);

/// Set apart from a page of changes the people who are looked at again after it.
const LOOKED_AT_AGAIN: u32 = 1 << 31;

/// Sets apart the pages of a complete read from those of changes that was given up for it: what those have used
/// up of a run's limit is not theirs.
const OF_EVERYBODY: u32 = 1 << 30;

/// People in grace that a read of changes looks at again; with more of them everybody is read.
pub(crate) const LEAVING_MAX: usize = 200;

/// People about whom the last word was not said that a read of changes asks the directory for, one by
/// one; with more of them everybody is read.
pub(crate) const OPEN_MAX: usize = 50;

impl Work<'_> {
    pub(crate) async fn read_directory(&mut self) -> Result<Outcome, Stop> {
        if let Some(person) = self.job.run.scope.person {
            return self.one_person(person).await;
        }
        let begun = self.reading_begun().await?;
        if self.is_fresh() {
            self.choose_reading(begun);
        } else if let Some(only_changes) = begun {
            self.progress.only_changes = only_changes;
        }
        if self.progress.only_changes {
            match self.changes().await {
                // The directory has forgotten where we were, or the place is of no use, as after a move
                // to another address of Microsoft's: everybody is read instead.
                Err(Stop::Read(error))
                    if matches!(error.class(), ErrorClass::ExpiredPage | ErrorClass::Fault) =>
                {
                    self.progress.only_changes = false;
                    self.progress.read_complete = false;
                    self.progress.cursor = None;
                    self.progress.feed = None;
                }
                outcome => return outcome,
            }
        }
        self.everybody().await
    }

    fn is_fresh(&self) -> bool {
        self.progress.pages == 0 && self.progress.cursor.is_none() && !self.progress.read_complete
    }

    /// How a worker before this one was reading that was stopped between storing its pages and noting so:
    /// whether only changes. By now the choice could be another one.
    async fn reading_begun(&self) -> Result<Option<bool>, StoreError> {
        if self.is_fresh() && self.state.attempts <= 1 {
            return Ok(None);
        }
        let (workspace, run, tenant) = (self.job.run.workspace, self.job.run.id, self.target.tenant);
        let pages = self.sync.store.pages(workspace, run, tenant, self.progress.pages, 1).await?;
        Ok(pages.first().map(|stored| stored.head.only_changes))
    }

    /// A sync reads only who has changed when nothing speaks against it; a preview shows everybody. One that
    /// was `begun` goes on in the same way.
    fn choose_reading(&mut self, begun: Option<bool>) {
        if let Some(only_changes) = begun {
            let feed = self.state.ground.feed.as_ref().filter(|_| only_changes);
            self.progress.only_changes = feed.is_some();
            self.progress.cursor = feed.map(|feed| feed.link.clone());
            return;
        }
        let now = self.sync.clock.now();
        let ground = &self.state.ground;
        let settings = &self.settings;
        let hours = i64::from(settings.complete_read_hours.0);
        let is_young = |since: Timestamp, most: SignedDuration| {
            // A clock that went back says nothing about age.
            (SignedDuration::ZERO..most).contains(&now.duration_since(since))
        };
        let feed = ground.feed.as_ref().filter(|feed| {
            self.writes()
                && !ground.look_again
                // Who joins or leaves a group is no change of the person.
                && settings.scope.include_groups.is_empty()
                && settings.scope.exclude_groups.is_empty()
                && feed.rules == self.rules()
                && is_young(feed.taken_at, FEED_MAX)
                && ground.complete_at.is_some_and(|at| is_young(at, SignedDuration::from_hours(hours)))
        });
        self.progress.only_changes = feed.is_some();
        self.progress.cursor = feed.map(|feed| feed.link.clone());
    }

    /// Stands for everything that decides about people of whom nothing has changed: when it is another
    /// one, everybody is looked at again.
    fn rules(&self) -> u64 {
        let settings = &self.settings;
        let all = (settings.fields(), &settings.scope, settings.vanish, self.target.client);
        fingerprint_of(&[&serde_json::to_vec(&all).unwrap_or_default()]).0
    }

    /// Everybody is read; who is not there is leaving.
    async fn everybody(&mut self) -> Result<Outcome, Stop> {
        // The proof comes before anything else: without it not even a stored plan is applied.
        let Some(proof) = self.prove().await? else { return Ok(Outcome::Paused) };
        let Some(policy) = self.policy(proof).await? else { return Ok(Outcome::Paused) };
        let inventory = self.sync.store.inventory(self.job.run.workspace, self.target.entra).await?;
        let mut planner = Planner::new(policy, inventory).told_before(&self.state.ground.leaving);
        self.resume(&mut planner).await?;
        if self.is_fresh() && self.progress.feed.is_none() {
            self.begin_feed().await?;
        }
        if let Outcome::Paused = self.read(&mut planner).await? {
            return Ok(Outcome::Paused);
        }
        self.close(&mut planner).await?;
        Ok(Outcome::Complete)
    }

    /// From now on, before the first page: what changes while everybody is read is told later.
    async fn begin_feed(&mut self) -> Result<(), Stop> {
        if !self.writes() || self.settings.complete_read_hours.0 == 0 {
            return Ok(());
        }
        match self.in_time(self.directory()?.changes_from_now(self.target.entra)).await {
            Ok(feed) => self.progress.feed = feed.flatten().map(|cursor| cursor.as_str().to_owned()),
            Err(error) if error.class() == ErrorClass::CredentialRejected => return Err(error.into()),
            // Without a feed the next read is a complete one again.
            Err(error) => {
                tracing::info!(tenant = %self.target.tenant, code = %error.code(), "no feed of changes");
            }
        }
        Ok(())
    }

    async fn read(&mut self, planner: &mut Planner) -> Result<Outcome, Stop> {
        let mut restarts = 0;
        while !self.progress.read_complete {
            if self.should_pause().await? {
                return Ok(Outcome::Paused);
            }
            let cursor = self.progress.cursor.clone().map(Cursor::from);
            let page = self.directory()?.users_page(self.target.entra, cursor.as_ref());
            let page = match self.in_time(page).await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(Outcome::Paused),
                Err(error) if error.class() == ErrorClass::ExpiredPage && restarts < RESTARTS_MAX => {
                    // From the first page; who was seen before is not planned again.
                    restarts += 1;
                    self.progress.cursor = None;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let rows: Vec<UnusableRow> = page.bad_rows.iter().map(unusable).collect();
            let known = self.gather(|known| planner.needs(&page.users, known)).await?;
            self.keep_to_run_limits(planner, &page.users, &known, 0).await?;
            let pages = planner.plan(&page.users, &rows, &known);
            let next = page.next.map(|cursor| cursor.as_str().to_owned());
            let after = After { next, feed: self.progress.feed.clone(), ..After::default() };
            let group = self.group(pages, after);
            self.store_pages(&group).await?;
            self.carry_out(Some(planner), group).await?;
        }
        Ok(Outcome::Complete)
    }

    /// Only who has changed is read. The tenant proves itself before anything is planned; when there
    /// is nothing to plan, nothing is written that a proof would have to protect.
    async fn changes(&mut self) -> Result<Outcome, Stop> {
        let mut planner: Option<Planner> = None;
        if !self.is_untouched() {
            let Some(begun) = self.begin_changes().await? else { return Ok(Outcome::Paused) };
            planner = Some(begun);
        }
        while !self.progress.read_complete {
            if self.should_pause().await? {
                return Ok(Outcome::Paused);
            }
            let Some(cursor) = self.progress.cursor.clone().map(Cursor::from) else { break };
            let page = self.directory()?.changes_page(self.target.entra, &cursor);
            let Some(page) = self.in_time(page).await? else { return Ok(Outcome::Paused) };
            let is_last = matches!(page.next, ChangesNext::Complete(_));
            let is_empty = page.users.is_empty() && page.removed.is_empty() && page.bad_rows.is_empty();
            if planner.is_none() && (!is_empty || is_last && !self.state.ground.open.is_empty()) {
                let Some(begun) = self.begin_changes().await? else { return Ok(Outcome::Paused) };
                planner = Some(begun);
                // A worker before this one had planned this page already; it has been carried out now.
                if !self.is_untouched() {
                    continue;
                }
            }
            let mut pages = Vec::new();
            if let Some(planner) = &mut planner {
                let rows: Vec<UnusableRow> = page.bad_rows.iter().map(unusable).collect();
                let known = self.gather(|known| planner.needs(&page.users, known)).await?;
                self.keep_to_run_limits(planner, &page.users, &known, 0).await?;
                pages = planner.plan(&page.users, &rows, &known);
                let gone = page.removed.iter();
                let gone = gone.map(|it| Leaver { object: it.object, reason: it.removal.into() });
                let removed: Vec<Leaver> = gone.collect();
                pages.extend(planner.plan_removed(&removed));
                if is_last {
                    let Some(again) = self.look_again(planner).await? else { return Ok(Outcome::Paused) };
                    pages.extend(again);
                }
            }
            let after = match page.next {
                ChangesNext::More(next) => After { next: Some(next.as_str().to_owned()), ..After::default() },
                ChangesNext::Complete(feed) => {
                    After { feed: Some(feed.as_str().to_owned()), ..After::default() }
                }
            };
            let group = self.group(pages, after);
            self.store_pages(&group).await?;
            self.carry_out(planner.as_mut(), group).await?;
        }
        if planner.is_none() && !self.state.ground.leaving.is_empty() {
            let Some(begun) = self.begin_changes().await? else { return Ok(Outcome::Paused) };
            planner = Some(begun);
        }
        match &mut planner {
            Some(planner) => self.close(planner).await?,
            None => self.settle_ground(None),
        }
        Ok(Outcome::Complete)
    }

    /// Looks again at people about whom the last word was not said: the directory does not tell of them
    /// a second time. After the changes, which may hold the answer to what was asked about them.
    async fn look_again(&mut self, planner: &mut Planner) -> Result<Option<Vec<PlanPage>>, Stop> {
        let (mut users, mut rows) = (Vec::new(), Vec::new());
        let mut is_one_unanswered = false;
        for object in self.state.ground.open.iter().filter(|object| !planner.has_seen(**object)) {
            let key = UserKey::Object(*object);
            match self.in_time(self.directory()?.user(self.target.entra, &key)).await {
                Ok(Some(Some(user))) => users.push(user),
                // That somebody is gone, the feed tells.
                Ok(Some(None)) => {}
                Ok(None) => return Ok(None),
                Err(error) if error.code() == Code::RecordUnreadable => {
                    let cause = BadRowCause::MemberType;
                    rows.push(unusable(&BadRow { position: 0, object: Some(*object), cause }));
                }
                // One about whom the directory gives no answer stays open and keeps nobody else waiting; with two
                // it is the directory.
                Err(error) if error.class() == ErrorClass::Transient && !is_one_unanswered => {
                    let (tenant, code) = (self.target.tenant, error.code());
                    tracing::warn!(%tenant, %object, %code, "one person could not be looked at again");
                    is_one_unanswered = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let known = self.gather(|known| planner.needs(&users, known)).await?;
        // The last page of changes has used up its own portion at this place.
        self.keep_to_run_limits(planner, &users, &known, LOOKED_AT_AGAIN).await?;
        Ok(Some(planner.plan(&users, &rows, &known)))
    }

    /// Whether no page of this reading has been planned.
    fn is_untouched(&self) -> bool {
        self.progress.pages == 0 && !self.progress.read_complete
    }

    async fn begin_changes(&mut self) -> Result<Option<Planner>, Stop> {
        let Some(proof) = self.prove().await? else { return Ok(None) };
        let Some(policy) = self.policy(proof).await? else { return Ok(None) };
        let ground = &self.state.ground;
        let mut planner = Planner::of_changes(policy, ground.leaving.clone(), &ground.open);
        self.resume(&mut planner).await?;
        Ok(Some(planner))
    }

    /// Deals with linked people who are leaving.
    pub(crate) async fn close(&mut self, planner: &mut Planner) -> Result<(), Stop> {
        if !self.progress.closed {
            let known = self.gather(|known| planner.closing_needs(known)).await?;
            let wanted = planner.wants_inactive(&known);
            let is_full = self.is_full(Limit::Inactivations, wanted, 0).await?;
            planner.is_full(Limit::Inactivations, is_full);
            let pages = planner.close(&known);
            if !pages.is_empty() {
                let feed = self.progress.feed.clone();
                let group = self.group(pages, After { feed, closes_read: true, ..After::default() });
                self.store_pages(&group).await?;
                self.carry_out(Some(planner), group).await?;
            }
        }
        self.settle_ground(Some(planner));
        Ok(())
    }

    /// What the next sync builds on; nothing a preview has seen.
    fn settle_ground(&mut self, planner: Option<&Planner>) {
        if !self.writes() {
            return;
        }
        // The run's time: the same whoever carries it, and never later than what was read.
        let began = self.job.run.started_at;
        let before = &self.state.ground;
        let counters = &self.progress.counters;
        let mut leaving = planner.map_or_else(Vec::new, Planner::still_leaving);
        let mut open = planner.map_or_else(Vec::new, Planner::still_open);
        let held = planner.map(Planner::held).unwrap_or_default();
        let is_complete = !self.progress.only_changes;
        // What could not be written is not told of again as a change; nor is a row without a readable id; nor
        // anybody of a directory that has answered with nobody for once.
        let look_again = counters.stale > 0
            || is_complete && counters.read == 0
            || self.guard.is_some()
            || planner.is_some_and(Planner::had_anonymous_rows)
            || leaving.len() > LEAVING_MAX
            || open.len() > OPEN_MAX;
        leaving.truncate(LEAVING_MAX);
        open.truncate(OPEN_MAX);
        let active_links = match planner {
            Some(planner) => Some(planner.active_links_after(counters)),
            None => before.active_links,
        };
        let feed = self.progress.feed.clone().map(|link| Feed { link, taken_at: began, rules: self.rules() });
        let is_normal = is_complete && self.guard.is_none();
        let in_scope = counters.read.saturating_sub(counters.excluded + counters.leaving);
        self.ground = Some(Ground {
            feed,
            complete_at: if is_complete { Some(began) } else { before.complete_at },
            people: if is_normal { Some(counters.read) } else { before.people },
            in_scope: if is_complete { Some(in_scope) } else { active_links },
            active_links,
            leaving,
            open,
            held,
            look_again,
        });
    }

    /// Uses up the limits over all tenants of the run, and has the planner stage what is beyond them.
    pub(crate) async fn keep_to_run_limits(
        &self,
        planner: &mut Planner,
        users: &[DirectoryUser],
        known: &Known,
        apart: u32,
    ) -> Result<(), StoreError> {
        let wants = planner.wants(users, known);
        for (limit, wanted) in [(Limit::Creations, wants.creations), (Limit::LinkMoves, wants.link_moves)] {
            let is_full = self.is_full(limit, wanted, apart).await?;
            planner.is_full(limit, is_full);
        }
        Ok(())
    }

    /// Whether all tenants of the run together have no room for so many more.
    async fn is_full(&self, limit: Limit, wanted: u64, apart: u32) -> Result<bool, StoreError> {
        let of_reading = if self.progress.only_changes { 0 } else { OF_EVERYBODY };
        let pages = self.progress.pages | apart | of_reading;
        let (run, place) = (&self.job.run, Place { tenant: self.target.tenant, pages });
        match run.room {
            Some(room) if wanted > 0 => {
                let store = &self.sync.store;
                Ok(!store.use_up(run.workspace, run.id, room, limit, place, wanted).await?)
            }
            _ => Ok(false),
        }
    }

    pub(crate) async fn prove(&mut self) -> Result<Option<TenantProof>, ReadError> {
        self.in_time(self.directory()?.prove(self.target.entra)).await
    }

    pub(crate) async fn policy(&mut self, proof: TenantProof) -> Result<Option<TenantPolicy>, Stop> {
        let settings = &self.settings;
        let scope = settings.scope.compile();
        let scope = scope.map_err(|invalid| Stop::Failed(failure::invalid_scope(&invalid)))?;
        let groups = group_members(self.directory()?, self.target.entra, &scope);
        let Some(groups) = self.in_time(groups).await? else { return Ok(None) };
        let (ground, now) = (&self.state.ground, self.job.run.started_at);
        let policy = tenant_policy(self.plan_for(), proof, (scope, groups), settings, ground, now);
        self.salt = policy.fingerprint_salt();
        Ok(Some(policy))
    }

    fn plan_for(&self) -> PlanFor {
        let (workspace, tenant) = (self.job.run.workspace, self.target.entra);
        PlanFor { workspace, tenant, client: self.target.client }
    }

    pub(crate) async fn gather(&self, needs: impl FnMut(&Known) -> Needs) -> Result<Known, StoreError> {
        gather(&self.sync.store.read_only(), self.plan_for(), needs).await
    }

    /// Takes in the pages an earlier worker has stored, and applies those it did not come to.
    pub(crate) async fn resume(&mut self, planner: &mut Planner) -> Result<(), Stop> {
        let mut guard = None;
        let writes = self.writes();
        let group = self
            .stored_pages(|page| {
                guard = guard.or(page.guard);
                if writes { planner.replay_applied(page) } else { planner.replay(page) }
            })
            .await?;
        self.guard = guard;
        match group {
            Some(group) => {
                for stored in &group.pages {
                    planner.replay(&stored.page);
                }
                self.carry_out(Some(planner), group).await
            }
            // The group was never stored whole, so nothing of it was applied: it is planned again.
            None => Ok(()),
        }
    }
}

pub(crate) fn unusable(row: &directory::BadRow) -> UnusableRow {
    let code = serde_json::to_value(row.cause).ok().and_then(|code| code.as_str().map(str::to_owned));
    UnusableRow {
        object: row.object,
        position: usize::try_from(row.position).unwrap_or(usize::MAX),
        code: code.unwrap_or_else(|| "unreadable".to_owned()),
    }
}
