//! `/api/integrations/entra/sync…`

mod of_links;
mod of_people;
mod of_plans;
mod of_schedule;

use std::sync::Arc;

use assembly::store_failed;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    flags::Feature,
    ids::{ManagedTenantId, RunId, WorkspaceId},
    run::RunKind,
    scope::ScopeRules,
};
use edge::{ApiError, Features, JsonBody, Operator, PathId, QueryOf, Reader, Reply, paging};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use store::{Run, RunScope, StoreError};

pub use of_people::explaining;

use crate::{
    LineCount, LineFilter, StartRequest, Sync, UnsavedRules, count_lines, find_lines, lines, progress, reap,
    start,
    start::{NotBegun, Unusable},
    views::{BUCKETS, LineView, RunDetailView, RunView, Summary, bucket},
};

/// How long a preview request waits for its result; the gateway gives up after 30 s.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// Between two looks at whether it has ended.
const INTERVAL: SignedDuration = SignedDuration::from_millis(200);

const LIMIT: paging::Limit = paging::Limit { default: 10, max: 50 };

/// The routes.
pub fn router(sync: Arc<Sync>) -> Router {
    Router::new()
        .route("/api/integrations/entra/sync", post(begin))
        .route("/api/integrations/entra/sync/preflight", post(preflight))
        .route("/api/integrations/entra/sync/runs", get(list))
        .route("/api/integrations/entra/sync/runs/{run_id}", get(show))
        .route("/api/integrations/entra/sync/runs/{run_id}/cancel", post(cancel))
        .route("/api/integrations/entra/sync/runs/{run_id}/lines", get(show_lines))
        .merge(of_links::router())
        .merge(of_plans::router())
        .merge(of_schedule::router())
        .with_state(sync)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BeginBody {
    scope: Option<String>,
    client_id: Option<String>,
    managed_tenant_id: Option<String>,
    object_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BeginView {
    accepted: bool,
    scope: RunKindName,
    run_id: RunId,
    workflow_id: String,
    error: Option<String>,
}

/// The PSA's names of scopes, which are not those of run types.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum RunKindName {
    AllTenants,
    Initial,
    SingleClient,
}

async fn begin(
    State(sync): State<Arc<Sync>>,
    Operator(caller): Operator,
    features: Features,
    JsonBody(body): JsonBody<BeginBody>,
) -> Result<Reply<BeginView>, ApiError> {
    let (kind, name) = match body.scope.as_deref() {
        Some("initial") => (RunKind::Initial, RunKindName::Initial),
        Some("all-tenants") => (RunKind::AllTenants, RunKindName::AllTenants),
        Some("single-client") => (RunKind::SingleTenant, RunKindName::SingleClient),
        _ => {
            return Err(ApiError::bad_request(
                "invalid_scope",
                "`scope` has to be `initial`, `all-tenants` or `single-client`. No run was started.",
                "Send one of the three.",
            ));
        }
    };
    let mut scope = RunScope::default();
    if kind == RunKind::SingleTenant {
        features.require(caller.workspace, Feature::ClientSync).await?;
        scope.client = parse(body.client_id.as_deref(), "clientId")?;
        scope.tenant = parse(body.managed_tenant_id.as_deref(), "managedTenantId")?;
        if scope.client.is_none() {
            return Err(ApiError::bad_request(
                "client_missing",
                "`single-client` needs a `clientId`. No run was started.",
                "Send the client's id; `managedTenantId` narrows the run to one of its tenants, and with it \
                 `objectId` to one person.",
            ));
        }
        scope.person = parse(body.object_id.as_deref(), "objectId")?;
        check_person(scope)?;
    }
    let request = StartRequest::new(caller.workspace, kind, scope, caller.mandate()?);
    let begun = start(&sync, request).await.map_err(not_begun)?;
    Ok(Reply::accepted(BeginView {
        accepted: true,
        scope: name,
        run_id: begun.run.id,
        workflow_id: begun.execution,
        error: None,
    }))
}

/// Object ids are known in a tenant only.
fn check_person(scope: RunScope) -> Result<(), ApiError> {
    if scope.person.is_none() || scope.tenant.is_some() {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "tenant_missing",
        "`objectId` names a person of a tenant, and needs `managedTenantId`. No run was started.",
        "Send the id of the person's tenant as well.",
    ))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PreflightBody {
    client_id: Option<String>,
    managed_tenant_id: Option<String>,
    object_id: Option<String>,
    sample_limit: Option<f64>,
    /// Overwrite rules to preview with that are not saved.
    field_sync_config: Option<serde_json::Value>,
    /// A scope to preview with that is not saved.
    scope: Option<ScopeRules>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PreflightView {
    #[serde(flatten)]
    detail: RunDetailView,
    run_id: RunId,
    checked_at: Option<jiff::Timestamp>,
    total_identities: u64,
    counters: Summary,
    buckets: Vec<BucketView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BucketView {
    bucket: &'static str,
    count: u64,
    samples: Vec<LineView>,
}

/// Plans without writing and answers what would happen; 202 when that takes longer than a request
/// may.
async fn preflight(
    State(sync): State<Arc<Sync>>,
    Operator(caller): Operator,
    features: Features,
    JsonBody(body): JsonBody<PreflightBody>,
) -> Result<Response, ApiError> {
    if body.field_sync_config.is_some() {
        features.require(caller.workspace, Feature::FieldSync).await?;
    }
    let scope = RunScope {
        client: parse(body.client_id.as_deref(), "clientId")?,
        tenant: parse(body.managed_tenant_id.as_deref(), "managedTenantId")?,
        person: parse(body.object_id.as_deref(), "objectId")?,
    };
    check_person(scope)?;
    let unsaved = UnsavedRules::new(body.field_sync_config, body.scope)?;
    if scope == RunScope::default() && unsaved.is_none() {
        return Err(ApiError::bad_request(
            "scope_missing",
            "A preview needs a `clientId` or a `managedTenantId`, unless it tries out rules. Nothing was planned.",
            "Send at least one of the two, or rules that are not saved.",
        ));
    }
    let samples = sample_limit(body.sample_limit);
    let workspace = caller.workspace;
    let kind = RunKind::Preflight;
    let request = StartRequest { unsaved, ..StartRequest::new(workspace, kind, scope, caller.mandate()?) };
    let begun = start(&sync, request).await.map_err(not_begun)?;
    let began = sync.clock.now();
    while sync.clock.now().duration_since(began) < PATIENCE {
        let found = progress(&sync.store, workspace, begun.run.id).await.map_err(store_failed)?;
        if let Some(found) = found.filter(|found| found.run.run_status.is_terminal()) {
            let view = preflight_view(&sync, workspace, found.into(), samples).await.map_err(store_failed)?;
            return Ok(Reply::ok(view).into_response());
        }
        sync.clock.sleep(INTERVAL).await;
    }
    Ok(Reply::accepted(RunView::from(begun.run)).into_response())
}

/// Lines shown of each bucket: the PSA truncates what it is sent and keeps it within 1 to 100.
fn sample_limit(asked: Option<f64>) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 100")]
    let limit = asked.unwrap_or(25.0).clamp(1.0, 100.0) as usize;
    limit
}

async fn preflight_view(
    sync: &Sync,
    workspace: WorkspaceId,
    detail: RunDetailView,
    samples: usize,
) -> Result<PreflightView, StoreError> {
    let run = detail.run.run_id;
    let hidden = sync.store.settings(workspace).await?.hidden_fields;
    let mut buckets = BUCKETS.map(|bucket| BucketView { bucket, count: 0, samples: Vec::new() });
    for result in &detail.tenant_results {
        let mut after = 0;
        while let Some(page) = lines(&sync.store, workspace, run, result.managed_tenant_id, after).await? {
            after = page.page;
            for line in &page.lines {
                let Some(name) = bucket(&line.action) else { continue };
                let Some(bucket) = buckets.iter_mut().find(|bucket| bucket.bucket == name) else { continue };
                bucket.count += 1;
                if bucket.samples.len() < samples {
                    bucket.samples.push(LineView::new(line, &hidden));
                }
            }
        }
    }
    let counters = detail.run.summary;
    // People of whom nothing changes have no line; their number is in the counters.
    buckets[3].count = counters.counters.unchanged;
    Ok(PreflightView {
        run_id: run,
        checked_at: detail.run.completed_at,
        total_identities: counters.counters.read - counters.counters.excluded,
        counters,
        buckets: buckets.into(),
        detail,
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    limit: Option<String>,
    run_id: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListView {
    runs: Vec<RunView>,
    next_cursor: Option<String>,
}

async fn list(
    State(sync): State<Arc<Sync>>,
    Reader(caller): Reader,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Response, ApiError> {
    if let Some(run) = parse(query.run_id.as_deref(), "runId")? {
        return detail(&sync, caller.workspace, run).await.map(IntoResponse::into_response);
    }
    let limit = u16::try_from(LIMIT.parse(query.limit.as_deref())?).unwrap_or(u16::MAX);
    let after =
        query.cursor.as_deref().map(|cursor| paging::position::<RunId>("runs", cursor)).transpose()?;
    let runs = sync.store.runs(caller.workspace, after, limit).await.map_err(store_failed)?;
    let runs = reap::closed(&sync, runs).await.map_err(store_failed)?;
    let last = runs.last().filter(|_| runs.len() == usize::from(limit)).map(|run| run.id);
    let next_cursor = last.map(|last| paging::cursor("runs", &last)).transpose()?;
    Ok(Reply::ok(ListView { runs: runs.into_iter().map(RunView::from).collect(), next_cursor })
        .into_response())
}

async fn show(
    State(sync): State<Arc<Sync>>,
    Reader(caller): Reader,
    PathId(run): PathId<RunId>,
) -> Result<Reply<RunDetailView>, ApiError> {
    detail(&sync, caller.workspace, run).await
}

async fn detail(sync: &Sync, workspace: WorkspaceId, run: RunId) -> Result<Reply<RunDetailView>, ApiError> {
    let mut found = progress(&sync.store, workspace, run).await.map_err(store_failed)?;
    if let Some(dead) = found.as_ref().filter(|found| found.run.is_dead(sync.clock.now())) {
        reap::close(sync, &dead.run).await.map_err(store_failed)?;
        found = progress(&sync.store, workspace, run).await.map_err(store_failed)?;
    }
    Ok(Reply::ok(found.ok_or_else(no_such_run)?.into()))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CancelView {
    run_id: RunId,
    cancel_requested: bool,
}

async fn cancel(
    State(sync): State<Arc<Sync>>,
    Operator(caller): Operator,
    PathId(run_id): PathId<RunId>,
) -> Result<Reply<CancelView>, ApiError> {
    let run = sync.store.run(caller.workspace, run_id).await.map_err(store_failed)?;
    let run = run.ok_or_else(no_such_run)?;
    let cancel_requested = sync.store.cancel_run(caller.workspace, run_id).await.map_err(store_failed)?;
    if !cancel_requested {
        return Err(ApiError::conflict(
            "run_ended",
            "The run has ended already; nothing was changed.",
            "Look at the run for how it ended.",
        ));
    }
    if run.is_dead(sync.clock.now()) {
        // Nobody is left who would read the wish.
        let run = Run { cancel_requested, ..run };
        reap::close(&sync, &run).await.map_err(store_failed)?;
    }
    Ok(Reply::accepted(CancelView { run_id, cancel_requested }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinesQuery {
    managed_tenant_id: Option<String>,
    cursor: Option<String>,
    /// Only lines with this action.
    action: Option<String>,
    /// Only lines with this code.
    code: Option<String>,
    /// Only about people in whose name or address this is found.
    find: Option<String>,
    /// Only lines that were not carried out.
    not_done: Option<bool>,
    /// Whether lines are counted instead.
    count: Option<bool>,
}

/// Lines, or how many there are of each kind.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct LinesView {
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<LineView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Vec<LineCount>>,
    next_cursor: Option<String>,
}

async fn show_lines(
    State(sync): State<Arc<Sync>>,
    Reader(caller): Reader,
    PathId(run_id): PathId<RunId>,
    QueryOf(query): QueryOf<LinesQuery>,
) -> Result<Reply<LinesView>, ApiError> {
    let tenant: Option<ManagedTenantId> = parse(query.managed_tenant_id.as_deref(), "managedTenantId")?;
    let tenant = tenant.ok_or_else(|| {
        ApiError::bad_request(
            "tenant_missing",
            "Lines are listed tenant by tenant: `managedTenantId` is missing.",
            "Take one of the run's tenants.",
        )
    })?;
    let run = sync.store.run(caller.workspace, run_id).await.map_err(store_failed)?;
    run.ok_or_else(no_such_run)?;
    let after = query.cursor.as_deref().map(|cursor| paging::position::<u32>("lines", cursor)).transpose()?;
    let (of, after) = ((caller.workspace, run_id, tenant), after.unwrap_or_default());
    let cursor = |next: Option<u32>| next.map(|page| paging::cursor("lines", &page)).transpose();
    if query.count == Some(true) {
        let (counts, next) = count_lines(&sync.store, of, after).await.map_err(store_failed)?;
        let counts = Some(counts);
        return Ok(Reply::ok(LinesView { counts, next_cursor: cursor(next)?, ..LinesView::default() }));
    }
    let LinesQuery { action, code, find, not_done, .. } = query;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let not_done = not_done.unwrap_or_default();
    let filter = LineFilter { action: given(action), code: given(code), find: given(find), not_done };
    let hidden = sync.store.settings(caller.workspace).await.map_err(store_failed)?.hidden_fields;
    let found = find_lines(&sync.store, of, after, &filter, &hidden).await.map_err(store_failed)?;
    let lines = Some(found.lines);
    Ok(Reply::ok(LinesView { lines, next_cursor: cursor(found.next)?, ..LinesView::default() }))
}

/// The id in `text`; blank is absent.
fn parse<T: std::str::FromStr<Err = domain::ids::InvalidId>>(
    text: Option<&str>,
    name: &str,
) -> Result<Option<T>, ApiError> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(str::parse::<T>).transpose().map_err(|error| {
        ApiError::bad_request(
            "invalid_id",
            format!("`{name}`: {}. Nothing was changed.", edge::text::safe(&error.to_string(), 160)),
            "Send an id as this API gives it.",
        )
    })
}

fn not_begun(error: NotBegun) -> ApiError {
    match &error {
        NotBegun::AlreadyRunning(run) => ApiError::conflict(
            "already_running",
            "A run of this kind is going on already, so no second one was started.",
            "Watch the running one, or cancel it first.",
        )
        .with_details(serde_json::json!({ "runId": run })),
        NotBegun::Engine(_) => ApiError::unavailable(
            "workflow_unavailable",
            "The workflow engine did not take the run. No tenant was read and nothing was changed.",
            "Start the run again in a minute.",
        )
        .caused_by(error),
        NotBegun::NotConnected => ApiError::conflict(
            "not_connected",
            "There is no connection to Microsoft, so nothing can be synced.",
            "Connect first, then discover and map.",
        ),
        NotBegun::NothingMapped => ApiError::conflict(
            "nothing_mapped",
            "No tenant in this scope is mapped to a client, so there is nothing to sync.",
            "Discover tenants and confirm their mappings first.",
        ),
        NotBegun::Source(unusable) => source_unusable(*unusable),
        NotBegun::Store(_) => match error {
            NotBegun::Store(error) => store_failed(error),
            _ => ApiError::internal_fault(),
        },
    }
}

fn source_unusable(unusable: Unusable) -> ApiError {
    match unusable {
        Unusable::NotAPreview => ApiError::conflict(
            "not_a_preview",
            "Only the plan of a preview can be applied; this run has written its plan itself. Nothing was changed.",
            "Take the id of a preview.",
        ),
        Unusable::NotEnded => ApiError::conflict(
            "run_not_ended",
            "The run is still going on, so its plan is not whole. Nothing was changed.",
            "Wait until the run has ended.",
        ),
        Unusable::NothingStaged => ApiError::conflict(
            "nothing_held",
            "No line of this run waits for an operator. Nothing was changed.",
            "Look at the run's lines.",
        ),
        Unusable::NothingWritten => ApiError::conflict(
            "nothing_to_undo",
            "This run is a preview: it has written nothing that could be taken back.",
            "Take the id of a run that has written.",
        ),
        Unusable::RulesChanged => ApiError::conflict(
            "rules_changed",
            "The rules of who is synced, of who becomes inactive, or of fields have changed since this plan was \
             made, so it is not carried out. Nothing was changed.",
            "Preview again and apply that preview; what waits at a stop limit waits again after the next sync.",
        ),
        Unusable::Unknown => no_such_run(),
        Unusable::UnsavedRules => ApiError::conflict(
            "unsaved_rules",
            "This preview has tried out rules that are not saved, so its plan is not applied. Nothing was changed.",
            "Save the rules, preview again, and apply that preview.",
        ),
    }
}

fn no_such_run() -> ApiError {
    ApiError::not_found(
        "unknown_run",
        "There is no run with this id in this workspace.",
        "Take an id from the list of runs.",
    )
}
