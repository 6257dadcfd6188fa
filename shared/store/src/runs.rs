//! Runs, what they cover, and how each tenant ended.

use domain::{
    ids::{ClientId, EntraObjectId, EntraTenantId, LineId, ManagedTenantId, RunId, UserId, WorkspaceId},
    ledger::LinkChange,
    mandate::Mandate,
    plan::{ChainHash, Guard},
    planner::RunHeld,
    run::{Counters, RunKind, RunStatus, TenantFailure, TenantStatus, Trigger},
    undo::UndoScope,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    seals::{self, Seal},
    settings::{Overrides, SyncSettings},
    table::{Condition, Item, Query, Store, Written, decode, encode, text, text_of, value},
};

/// About what a target takes in a stored item, in bytes.
const TARGET_BYTES: usize = 150;

/// Most bytes of a stored part: with the names of attributes it stays below an item's 400 KB.
const PART_BYTES_MAX: usize = 300_000;

/// One sync of a scope.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The run.
    pub id: RunId,
    /// The MSP.
    pub workspace: WorkspaceId,
    /// What it is for.
    pub kind: RunKind,
    /// What started it.
    pub trigger: Trigger,
    /// Where it stands.
    pub run_status: RunStatus,
    /// What it covers.
    pub scope: RunScope,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiated_by: Option<UserId>,
    /// In whose name it works; `None` of a run from before that was kept, whose tasks do nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<Mandate>,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// The workflow execution that carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<String>,
    /// Number of tenants it covers; known once it has begun.
    #[serde(default)]
    pub total_tenants: u32,
    /// Tenants that completed.
    #[serde(default)]
    pub succeeded_tenants: u32,
    /// Tenants that failed.
    #[serde(default)]
    pub failed_tenants: u32,
    /// Sums over the tenants; final once the run has ended.
    #[serde(default)]
    pub counters: Counters,
    /// An operator has asked to stop it.
    #[serde(default)]
    pub cancel_requested: bool,
    /// The rules of the run: those in force when it was accepted, for all of its tenants and waves.
    #[serde(default)]
    pub settings: SyncSettings,
    /// Whether nobody has saved those rules: a preview that tries them out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsaved_rules: bool,
    /// The stored plan it works from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<PlanSource>,
    /// What it does to links, of those people whom [`Store::link_order`] names; also of a run that applies the
    /// preview of such a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_change: Option<LinkChange>,
    /// How much the limits over all tenants let through; known once the run has begun, `None` when it
    /// works from a stored plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RunHeld>,
    /// How the workflow is getting on.
    #[serde(default)]
    pub turns: Turns,
    /// Why no tenant can be read any more (the connection itself failed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<TenantFailure>,
}

/// How long a run may wait for its workflow to begin.
const BEGINNING: SignedDuration = SignedDuration::from_mins(2);

/// How long a run may go without handing out a wave: the longest wave, its retries and its wait
/// take less than ten minutes.
const SILENCE: SignedDuration = SignedDuration::from_mins(15);

/// How long plan pages are kept; the counters and hashes stay.
const PLAN_RETENTION: SignedDuration = SignedDuration::from_hours(24 * 180);

impl Run {
    /// Until when the pages of its plan are kept.
    pub fn plan_expires(&self) -> Timestamp {
        self.started_at.saturating_add(PLAN_RETENTION).unwrap_or(Timestamp::MAX)
    }

    /// Whether whoever asked for it was granted what it is for.
    pub fn is_mandated(&self) -> bool {
        self.mandate.is_some_and(|mandate| mandate.covers(self.kind))
    }

    /// Whether it takes back what another run has done, or plans to.
    pub fn takes_back(&self) -> bool {
        let source = self.source.as_ref().map(|source| &source.part);
        self.kind == RunKind::Undo || matches!(source, Some(PlanPart::Undo { .. }))
    }

    /// Whether anybody is read from the directory: not where a stored plan is carried out, or an operator has
    /// said what becomes of links.
    pub fn asks_directory(&self) -> bool {
        let reads = match self.link_change {
            Some(change) => change == LinkChange::Rematch,
            None => self.kind.reads(),
        };
        reads && self.source.is_none()
    }

    /// Whether what holds for single clients instead of the run's settings counts. Rules that are tried out for
    /// one client are what would hold for it.
    pub fn takes_overrides(&self) -> bool {
        !self.unsaved_rules || self.scope == RunScope::default()
    }

    /// Whether nothing moves the run any more although it has not ended: its workflow has died.
    pub fn is_dead(&self, now: Timestamp) -> bool {
        let last_wave = Timestamp::from_millisecond(self.turns.at).unwrap_or(Timestamp::MIN);
        match self.run_status {
            RunStatus::Queued => now.duration_since(self.started_at) > BEGINNING,
            RunStatus::Running => now.duration_since(last_wave.max(self.started_at)) > SILENCE,
            _ => false,
        }
    }
}

/// How the workflow is getting on: noted with every wave, to tell waiting from being stuck.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Turns {
    /// Tenants without a result at the last wave.
    pub pending: u64,
    /// Sum of those tenants' lease tokens: it rises whenever one is taken up.
    pub taken: u64,
    /// Waves in a row that found nothing changed.
    pub idle: u32,
    /// When the last wave was handed out, in Unix milliseconds.
    pub at: i64,
}

/// What a run covers: everything that is mapped, or less.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunScope {
    /// Only tenants mapped to this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// Only this tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<ManagedTenantId>,
    /// Only this person of that tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<EntraObjectId>,
}

/// One tenant a run has to sync, as it was mapped when the run began.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The tenant.
    pub tenant: ManagedTenantId,
    /// Microsoft's id of it.
    pub entra: EntraTenantId,
    /// The client it is mapped to.
    pub client: ClientId,
}

/// How one tenant ended in a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantRun {
    /// The tenant.
    pub tenant: ManagedTenantId,
    /// Its client at the time.
    pub client: ClientId,
    /// How it ended.
    pub tenant_status: TenantStatus,
    /// What was counted.
    pub counters: Counters,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<TenantFailure>,
    /// When work on it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
    /// Number of plan pages.
    #[serde(default)]
    pub pages: u32,
    /// Hash over all plan pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainHash>,
    /// Why nobody was made inactive although the read came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
}

/// The attribute of a result that holds [`ResultAsStored::stale`].
const STALE: &str = "stale";

/// How one tenant ended, as it is stored, for whoever checks it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultAsStored {
    /// The tenant by its key; `None` when that is none.
    pub tenant: Option<ManagedTenantId>,
    /// The result; `None` when it cannot be read.
    pub result: Option<TenantRun>,
    /// Hash over what is noted about lines that were not applied ([`Store::stale_hash`]).
    pub stale: Option<ChainHash>,
    /// Whether all of that is as it was written.
    pub seal: Seal,
}

/// The stored plan a run works from, instead of a directory.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanSource {
    /// The run whose plan it is.
    pub run: RunId,
    /// What of it.
    pub part: PlanPart,
}

/// What is done with a stored plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum PlanPart {
    /// Its lines are applied as they are.
    Lines,
    /// What waits for an operator is applied.
    Staged {
        /// Only these lines; empty = all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lines: Vec<LineId>,
    },
    /// What was applied is taken back.
    Undo {
        /// All of it, or some.
        #[serde(default)]
        scope: UndoScope,
    },
}

#[derive(Deserialize, Serialize)]
struct TargetsRow {
    targets: Vec<Target>,
    /// Of the clients of these targets, as they were when the run began.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    overrides: Overrides,
}

impl Store {
    /// Accepts a run. Answers false when a run with this id is there already.
    pub async fn create_run(&self, run: &Run) -> Result<bool, StoreError> {
        let key = keys::run(run.workspace, run.id);
        Ok(self.put("run", &key, run, Condition::absent()).await?.is_done())
    }

    /// One run.
    pub async fn run(&self, workspace: WorkspaceId, run: RunId) -> Result<Option<Run>, StoreError> {
        self.get("run", &keys::run(workspace, run)).await
    }

    /// Runs, newest first, after `after`.
    pub async fn runs(
        &self,
        workspace: WorkspaceId,
        after: Option<RunId>,
        limit: u16,
    ) -> Result<Vec<Run>, StoreError> {
        let pk = format!("{workspace}#RUN");
        let after = after.map(|run| {
            let key = keys::run(workspace, run);
            [("pk".to_owned(), text(key.pk)), ("sk".to_owned(), text(key.sk))].into()
        });
        let query = Query { newest_first: true, limit: Some(i32::from(limit)), after, ..Query::of(&pk) };
        let (items, _) = self.query_page(&query).await?;
        items.into_iter().map(|item| decode("run", item)).collect()
    }

    /// Stores what the run covers, and the overrides of its clients, then marks it running. Done again, it
    /// changes nothing.
    pub async fn begin_run(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        targets: &[Target],
        overrides: &Overrides,
        room: Option<RunHeld>,
    ) -> Result<(), StoreError> {
        for (part, row) in parts(targets, overrides).iter().enumerate() {
            let key = keys::run_targets(workspace, run, part);
            self.put("run targets", &key, row, Condition::absent()).await?;
        }
        let mut values =
            vec![(":running", value("run", &RunStatus::Running)?), (":total", value("run", &targets.len())?)];
        let mut change = "SET runStatus = :running, totalTenants = :total".to_owned();
        if let Some(room) = room {
            change.push_str(", room = :room");
            values.push((":room", value("run", &room)?));
        }
        let condition =
            Condition::of("runStatus = :queued", vec![(":queued", value("run", &RunStatus::Queued)?)]);
        let _: Written = self.update(&keys::run(workspace, run), &change, condition, values).await?;
        Ok(())
    }

    /// What the run covers.
    pub async fn targets(&self, workspace: WorkspaceId, run: RunId) -> Result<Vec<Target>, StoreError> {
        Ok(self.targets_and_overrides(workspace, run).await?.0)
    }

    /// What the run covers, and what held for its clients when it began.
    pub async fn targets_and_overrides(
        &self,
        workspace: WorkspaceId,
        run: RunId,
    ) -> Result<(Vec<Target>, Overrides), StoreError> {
        let pk = keys::run_targets(workspace, run, 0).pk;
        let rows: Vec<TargetsRow> = self.query("run targets", &pk, Some("TARGETS#")).await?;
        let (mut targets, mut overrides) = (Vec::new(), Overrides::new());
        for row in rows {
            targets.extend(row.targets);
            overrides.extend(row.overrides);
        }
        Ok((targets, overrides))
    }

    /// Notes how the workflow is getting on.
    pub async fn note_turns(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        turns: Turns,
    ) -> Result<(), StoreError> {
        let values = vec![(":turns", value("run", &turns)?)];
        let key = keys::run(workspace, run);
        let _: Written = self.update(&key, "SET turns = :turns", unfinished()?, values).await?;
        Ok(())
    }

    /// Notes which workflow execution carries the run.
    pub async fn note_execution(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        execution: &str,
    ) -> Result<(), StoreError> {
        let condition = Condition::of("attribute_exists(pk)", Vec::new());
        let values = vec![(":execution", text(execution))];
        let change = "SET #execution = :execution";
        let condition = Condition { names: vec![("#execution", "execution")], ..condition };
        let _: Written = self.update(&keys::run(workspace, run), change, condition, values).await?;
        Ok(())
    }

    /// Asks the run to stop after the page it is at. Answers false when it has ended or is not
    /// there.
    pub async fn cancel_run(&self, workspace: WorkspaceId, run: RunId) -> Result<bool, StoreError> {
        let values = vec![(":yes", value("run", &true)?)];
        let condition = unfinished()?;
        let written =
            self.update(&keys::run(workspace, run), "SET cancelRequested = :yes", condition, values).await?;
        Ok(written.is_done())
    }

    /// Notes that the connection itself failed: tenants that have not been read stay unread.
    pub async fn halt_run(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        failure: &TenantFailure,
    ) -> Result<(), StoreError> {
        let values = vec![(":failure", value("run", failure)?)];
        let change = "SET halted = if_not_exists(halted, :failure)";
        let _: Written = self.update(&keys::run(workspace, run), change, unfinished()?, values).await?;
        Ok(())
    }

    /// Ends the run. Done again, it changes nothing; answers the run as it is afterwards.
    pub async fn finish_run(&self, ended: &Run) -> Result<Option<Run>, StoreError> {
        let mut values = vec![
            (":status", value("run", &ended.run_status)?),
            (":succeeded", value("run", &ended.succeeded_tenants)?),
            (":failed", value("run", &ended.failed_tenants)?),
            (":total", value("run", &ended.total_tenants)?),
            (":counters", value("run", &ended.counters)?),
            (":at", value("run", &ended.completed_at)?),
        ];
        let mut change = "SET runStatus = :status, succeededTenants = :succeeded, failedTenants = :failed, \
             totalTenants = :total, #counters = :counters, completedAt = :at"
            .to_owned();
        if let Some(halted) = &ended.halted {
            change.push_str(", halted = :halted");
            values.push((":halted", value("run", halted)?));
        }
        let mut condition = unfinished()?;
        condition.names.push(("#counters", "counters"));
        let key = keys::run(ended.workspace, ended.id);
        match self.update(&key, &change, condition, values).await? {
            Written::Done(item) => decode("run", item).map(Some),
            Written::Refused(item) => item.map(|item| decode("run", item)).transpose(),
        }
    }

    /// Stores how one tenant ended. The first result stays.
    pub async fn put_tenant_run(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        result: &TenantRun,
    ) -> Result<bool, StoreError> {
        let item = self.sealed_result(workspace, run, result).await?;
        Ok(self.put_item(item, Condition::absent()).await?.is_done())
    }

    /// A result as it is stored: with a hash over what is noted about lines that were not applied, and sealed.
    pub(crate) async fn sealed_result(
        &self,
        workspace: WorkspaceId,
        run: RunId,
        result: &TenantRun,
    ) -> Result<Item, StoreError> {
        let mut item = encode("tenant result", &keys::tenant_run(workspace, run, result.tenant), result)?;
        if result.counters.stale > 0
            && let Some(stale) = self.stale_hash(workspace, run, result.tenant, result.pages).await?
        {
            item.insert(STALE.to_owned(), text(String::from(stale)));
        }
        seals::seal(&mut item);
        Ok(item)
    }

    /// The results of a run for whoever checks them: as they are stored, whether they can be read or not.
    pub async fn results_as_stored(
        &self,
        workspace: WorkspaceId,
        run: RunId,
    ) -> Result<Vec<ResultAsStored>, StoreError> {
        let pk = keys::run_targets(workspace, run, 0).pk;
        let mut query = Query { prefix: Some("TENANT#"), ..Query::of(&pk) };
        let mut found = Vec::new();
        loop {
            let (items, next) = self.query_page(&query).await?;
            found.extend(items.into_iter().map(result_as_stored));
            match next {
                Some(next) => query.after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// How the tenants of a run ended, those that have.
    pub async fn tenant_runs(
        &self,
        workspace: WorkspaceId,
        run: RunId,
    ) -> Result<Vec<TenantRun>, StoreError> {
        let pk = keys::run_targets(workspace, run, 0).pk;
        self.query("tenant result", &pk, Some("TENANT#")).await
    }
}

fn result_as_stored(item: Item) -> ResultAsStored {
    let seal = seals::check(&item);
    let key = text_of(&item, "sk");
    let tenant = key.as_deref().and_then(|key| key.strip_prefix("TENANT#")?.parse().ok());
    let stale = text_of(&item, STALE).and_then(|stale| stale.try_into().ok());
    ResultAsStored { tenant, result: decode("tenant result", item).ok(), stale, seal }
}

/// The targets in parts that each fit an item.
fn parts(targets: &[Target], overrides: &Overrides) -> Vec<TargetsRow> {
    let mut parts: Vec<TargetsRow> = Vec::new();
    let mut bytes = 0;
    for target in targets {
        let own = overrides.get(&target.client);
        let more = TARGET_BYTES + own.map_or(0, |own| serde_json::to_vec(own).map_or(0, |own| own.len()));
        if parts.is_empty() || bytes + more > PART_BYTES_MAX {
            parts.push(TargetsRow { targets: Vec::new(), overrides: Overrides::new() });
            bytes = 0;
        }
        bytes += more;
        if let Some(part) = parts.last_mut() {
            part.targets.push(*target);
            part.overrides.extend(own.map(|own| (target.client, own.clone())));
        }
    }
    parts
}

fn unfinished() -> Result<Condition, StoreError> {
    let values =
        vec![(":open1", value("run", &RunStatus::Queued)?), (":open2", value("run", &RunStatus::Running)?)];
    Ok(Condition::of("runStatus IN (:open1, :open2)", values))
}
