//! `/api/integrations/entra/sync/runs/{runId}/apply|undo|held…|verify` and a person's timeline.

use std::{collections::BTreeSet, sync::Arc};

use assembly::{store_failed, two_people};
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use domain::{
    fields::{Field, UnknownField},
    flags::Feature,
    ids::{EntraObjectId, LineId, ManagedTenantId, RunId},
    run::RunKind,
    undo::UndoScope,
};
use edge::{ApiError, Approver, Caller, Features, JsonBody, PathId, QueryOf, Reader, Reply, paging};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{PlanPart, PlanSource, RunScope};

use super::{no_such_run, not_begun, parse};
use crate::{
    RunCheck, StartRequest, Sync, Timeline, has_waiting_lines, reconsider, reject, start,
    start::check_source, timeline, verify,
};

/// Runs a timeline looks through.
const TIMELINE: paging::Limit = paging::Limit { default: 20, max: 50 };

pub(super) fn router() -> Router<Arc<Sync>> {
    Router::new()
        .route("/api/integrations/entra/sync/runs/{run_id}/apply", post(apply))
        .route("/api/integrations/entra/sync/runs/{run_id}/undo", post(undo))
        .route("/api/integrations/entra/sync/runs/{run_id}/held/allow", post(allow))
        .route("/api/integrations/entra/sync/runs/{run_id}/held/reject", post(reject_held))
        .route("/api/integrations/entra/sync/runs/{run_id}/held/reconsider", post(reconsider_held))
        .route("/api/integrations/entra/sync/runs/{run_id}/verify", get(check))
        .route("/api/integrations/entra/sync/timeline", get(person))
        .route("/api/integrations/entra/sync/accept-size", post(accept_size))
}

/// What of a stored plan is meant; everything when nothing is said.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PartBody {
    client_id: Option<String>,
    managed_tenant_id: Option<String>,
    line_ids: Vec<String>,
    entra_object_ids: Vec<String>,
    fields: Vec<String>,
}

/// The same part of a plan that is carried out. Nothing else can be asked for; what would be a preview is told
/// apart so that it is not taken for nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CarriedBody {
    #[serde(flatten)]
    part: PartBody,
    preview: bool,
}

impl CarriedBody {
    fn part(self) -> Result<PartBody, ApiError> {
        if !self.preview {
            return Ok(self.part);
        }
        Err(ApiError::bad_request(
            "preview_of_a_plan",
            "`preview` is for an undo. A plan that is stored is its own preview, and this request carries it out; \
             nothing was changed.",
            "Read the lines of the run, then send the request without `preview`.",
        ))
    }
}

/// An undo of that part, or a preview of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UndoBody {
    #[serde(flatten)]
    part: PartBody,
    preview: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StartedView {
    accepted: bool,
    is_dry_run: bool,
    run_id: RunId,
    source_run_id: RunId,
    workflow_id: String,
}

async fn apply(
    State(sync): State<Arc<Sync>>,
    Approver(caller): Approver,
    features: Features,
    PathId(run): PathId<RunId>,
    JsonBody(body): JsonBody<CarriedBody>,
) -> Result<Reply<StartedView>, ApiError> {
    // With its plan applied, a preview of one client is a sync of one client, and so is one of a tenant.
    let previewed = sync.store.run(caller.workspace, run).await.map_err(store_failed)?;
    let is_of_one = |run: &store::Run| {
        let is_narrow = run.scope.client.is_some() || run.scope.tenant.is_some();
        run.kind == RunKind::Preflight && is_narrow && !run.takes_back() && run.link_change.is_none()
    };
    if previewed.as_ref().is_some_and(is_of_one) {
        features.require(caller.workspace, Feature::ClientSync).await?;
    }
    begin(&sync, &caller, run, RunKind::Apply, PlanPart::Lines, &body.part()?).await
}

async fn undo(
    State(sync): State<Arc<Sync>>,
    Approver(caller): Approver,
    PathId(run): PathId<RunId>,
    JsonBody(UndoBody { part: body, preview }): JsonBody<UndoBody>,
) -> Result<Reply<StartedView>, ApiError> {
    let people = ids::<EntraObjectId>(&body.entra_object_ids, "entraObjectIds")?;
    let scope = UndoScope::of(people, fields(&body.fields)?);
    let kind = if preview { RunKind::Preflight } else { RunKind::Undo };
    begin(&sync, &caller, run, kind, PlanPart::Undo { scope }, &body).await
}

async fn allow(
    State(sync): State<Arc<Sync>>,
    Approver(caller): Approver,
    PathId(run): PathId<RunId>,
    JsonBody(body): JsonBody<CarriedBody>,
) -> Result<Reply<StartedView>, ApiError> {
    let body = body.part()?;
    let lines = ids::<LineId>(&body.line_ids, "lineIds")?;
    let settings = sync.store.settings(caller.workspace).await.map_err(store_failed)?;
    let consent = if settings.four_eyes {
        // The first of the two is told when there is nothing to ask for.
        let source = PlanSource { run, part: PlanPart::Staged { lines: lines.clone() } };
        check_source(&sync, caller.workspace, &source).await.map_err(not_begun)?;
        let named: BTreeSet<LineId> = lines.iter().copied().collect();
        let what = json!({
            "allow": run, "lines": named, "client": body.client_id, "tenant": body.managed_tenant_id,
        });
        Some(two_people(&sync.store, &caller, &what, sync.clock.now()).await?)
    } else {
        None
    };
    let begun = begin(&sync, &caller, run, RunKind::Apply, PlanPart::Staged { lines }, &body).await?;
    if let Some(consent) = consent {
        consent.done(&sync.store).await?;
    }
    Ok(begun)
}

async fn begin(
    sync: &Sync,
    caller: &Caller,
    run: RunId,
    kind: RunKind,
    part: PlanPart,
    body: &PartBody,
) -> Result<Reply<StartedView>, ApiError> {
    let scope = RunScope {
        client: parse(body.client_id.as_deref(), "clientId")?,
        tenant: parse(body.managed_tenant_id.as_deref(), "managedTenantId")?,
        ..RunScope::default()
    };
    let source = Some(PlanSource { run, part });
    let request =
        StartRequest { source, ..StartRequest::new(caller.workspace, kind, scope, caller.mandate()?) };
    let begun = start(sync, request).await.map_err(not_begun)?;
    Ok(Reply::accepted(StartedView {
        accepted: true,
        is_dry_run: !begun.run.kind.writes(),
        run_id: begun.run.id,
        source_run_id: run,
        workflow_id: begun.execution,
    }))
}

/// An operator decides only about what waits: lines of a run that writes.
async fn check_waits(sync: &Sync, caller: &Caller, run: RunId) -> Result<(), ApiError> {
    let found = sync.store.run(caller.workspace, run).await.map_err(store_failed)?;
    let found = found.ok_or_else(no_such_run)?;
    if has_waiting_lines(&found) {
        return Ok(());
    }
    Err(ApiError::conflict(
        "nothing_waits_in_a_preview",
        "This run is a preview: what its lines say would wait, and nothing of it does. No decision was noted, and \
         the stop limits are as they were.",
        "Take a sync whose lines wait, or apply the preview first.",
    ))
}

#[derive(Debug, Serialize)]
struct RejectedView {
    rejected: usize,
}

async fn reject_held(
    State(sync): State<Arc<Sync>>,
    Approver(caller): Approver,
    PathId(run): PathId<RunId>,
    JsonBody(body): JsonBody<CarriedBody>,
) -> Result<Reply<RejectedView>, ApiError> {
    let lines: BTreeSet<LineId> = ids(&body.part()?.line_ids, "lineIds")?.into_iter().collect();
    check_waits(&sync, &caller, run).await?;
    let rejected = reject(&sync.store, caller.workspace, run, &lines, sync.clock.now()).await;
    Ok(Reply::ok(RejectedView { rejected: rejected.map_err(store_failed)? }))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReconsideredView {
    reconsidered: usize,
}

async fn reconsider_held(
    State(sync): State<Arc<Sync>>,
    Approver(caller): Approver,
    PathId(run): PathId<RunId>,
    JsonBody(body): JsonBody<CarriedBody>,
) -> Result<Reply<ReconsideredView>, ApiError> {
    let lines: BTreeSet<LineId> = ids(&body.part()?.line_ids, "lineIds")?.into_iter().collect();
    check_waits(&sync, &caller, run).await?;
    let reconsidered = reconsider(&sync.store, caller.workspace, run, &lines, sync.clock.now()).await;
    Ok(Reply::ok(ReconsideredView { reconsidered: reconsidered.map_err(store_failed)? }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SizeBody {
    managed_tenant_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SizeView {
    managed_tenant_id: ManagedTenantId,
    accepted: bool,
}

/// An operator says that a tenant has really become small.
async fn accept_size(
    State(sync): State<Arc<Sync>>,
    Approver(caller): Approver,
    JsonBody(body): JsonBody<SizeBody>,
) -> Result<Reply<SizeView>, ApiError> {
    let tenant: Option<ManagedTenantId> = parse(body.managed_tenant_id.as_deref(), "managedTenantId")?;
    let managed_tenant_id = tenant.ok_or_else(|| {
        ApiError::bad_request(
            "tenant_missing",
            "`managedTenantId` is missing. Nothing was changed.",
            "Take the tenant whose read was taken for a wrong answer.",
        )
    })?;
    let accepted = sync.store.accept_size(caller.workspace, managed_tenant_id).await.map_err(store_failed)?;
    if !accepted {
        return Err(ApiError::not_found(
            "never_synced",
            "This tenant has never been synced to its end, so no read of it is short. Nothing was changed.",
            "Run a sync first.",
        ));
    }
    Ok(Reply::ok(SizeView { managed_tenant_id, accepted }))
}

async fn check(
    State(sync): State<Arc<Sync>>,
    Reader(caller): Reader,
    PathId(run): PathId<RunId>,
) -> Result<Reply<RunCheck>, ApiError> {
    let checked = verify(&sync.store, caller.workspace, run, sync.clock.now()).await.map_err(store_failed)?;
    Ok(Reply::ok(checked.ok_or_else(no_such_run)?))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TimelineQuery {
    managed_tenant_id: Option<String>,
    entra_object_id: Option<String>,
    limit: Option<String>,
    after: Option<String>,
}

async fn person(
    State(sync): State<Arc<Sync>>,
    Reader(caller): Reader,
    QueryOf(query): QueryOf<TimelineQuery>,
) -> Result<Reply<Timeline>, ApiError> {
    let tenant: Option<ManagedTenantId> = parse(query.managed_tenant_id.as_deref(), "managedTenantId")?;
    let person: Option<EntraObjectId> = parse(query.entra_object_id.as_deref(), "entraObjectId")?;
    let (Some(tenant), Some(person)) = (tenant, person) else {
        return Err(ApiError::bad_request(
            "person_missing",
            "A timeline needs a `managedTenantId` and an `entraObjectId`.",
            "Take both from a line of a run.",
        ));
    };
    let runs = u16::try_from(TIMELINE.parse(query.limit.as_deref())?).unwrap_or(u16::MAX);
    let after: Option<RunId> = parse(query.after.as_deref(), "after")?;
    let story = timeline(&sync.store, caller.workspace, tenant, person, (after, runs)).await;
    story.map(Reply::ok).map_err(store_failed)
}

fn fields(names: &[String]) -> Result<Vec<Field>, ApiError> {
    let field = |name: &String| {
        name.trim().parse().map_err(|unknown: UnknownField| {
            let name = edge::text::safe(name, 40);
            ApiError::bad_request(
                "unknown_field",
                format!("`fields`: `{name}`: {unknown}. Nothing was changed."),
                "Name fields as the lines of the run or the settings do; without any, everything is taken back.",
            )
        })
    };
    names.iter().map(field).collect()
}

pub(super) fn ids<T: std::str::FromStr<Err = domain::ids::InvalidId>>(
    texts: &[String],
    name: &str,
) -> Result<Vec<T>, ApiError> {
    let ids = texts.iter().map(|text| parse(Some(text), name));
    Ok(ids.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}
