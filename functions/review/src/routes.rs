//! `/api/integrations/entra/reconciliation-queue…`

use std::sync::Arc;

use assembly::store_failed;
use axum::{
    Extension, Router,
    extract::State,
    routing::{get, post},
};
use domain::{
    flags::Feature,
    ids::{ContactId, InvalidId, ReviewItemId},
    plan::Conflict,
};
use edge::{ApiError, Approver, Caller, JsonBody, Needs, PathId, QueryOf, Reader, Reply, paging};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{ReviewPlace, ReviewStatus};

use crate::{
    AnsweredView, Choice, Decided, Decider, Filter, ItemView, NotDecided, Review, Which, Wish, answer_all,
    decide, list, show,
};

const LIMIT: paging::Limit = paging::Limit { default: 50, max: 200 };

/// Longest note of an operator that is kept, in characters.
const NOTE_MAX: usize = 500;

/// The routes.
pub fn router(app: Arc<Review>) -> Router {
    Router::new()
        .route("/api/integrations/entra/reconciliation-queue", get(items))
        .route("/api/integrations/entra/reconciliation-queue/resolve-existing", post(resolve_existing))
        .route("/api/integrations/entra/reconciliation-queue/resolve-new", post(resolve_new))
        .route("/api/integrations/entra/reconciliation-queue/dismiss", post(dismiss))
        .route("/api/integrations/entra/reconciliation-queue/resolve-all", post(resolve_all))
        .route("/api/integrations/entra/reconciliation-queue/{queue_item_id}", get(item))
        .layer(Extension(Needs(Feature::AmbiguousQueue)))
        .with_state(app)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemsQuery {
    limit: Option<String>,
    cursor: Option<String>,
    status: Option<String>,
    client_id: Option<String>,
    managed_tenant_id: Option<String>,
    counts: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemsView {
    items: Vec<ItemView>,
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
}

/// How many questions of the workspace are in each state.
#[derive(Debug, Serialize)]
struct CountsView {
    open: u64,
    resolved: u64,
    dismissed: u64,
}

async fn items(
    State(app): State<Arc<Review>>,
    Reader(caller): Reader,
    QueryOf(query): QueryOf<ItemsQuery>,
) -> Result<Reply<ItemsView>, ApiError> {
    let limit = LIMIT.parse(query.limit.as_deref())?;
    let filter = Filter {
        status: status(query.status.as_deref())?,
        client: parse(query.client_id.as_deref(), "clientId")?,
        tenant: parse(query.managed_tenant_id.as_deref(), "managedTenantId")?,
    };
    let cursor = query.cursor.as_deref();
    let after = cursor.map(|cursor| paging::position::<ReviewPlace>("queue", cursor)).transpose()?;
    let listed = list(&app, caller.workspace, filter, after, limit).await.map_err(store_failed)?;
    let next_cursor = listed.next.map(|next| paging::cursor("queue", &next)).transpose()?;
    let counts = match query.counts.as_deref() {
        Some("true") => Some(counted(&app, &caller).await.map_err(store_failed)?),
        _ => None,
    };
    Ok(Reply::ok(ItemsView { items: listed.items, next_cursor, counts }))
}

async fn counted(app: &Review, caller: &Caller) -> Result<CountsView, store::StoreError> {
    let count = |status| app.store.count_reviews(caller.workspace, status);
    Ok(CountsView {
        open: count(ReviewStatus::Open).await?,
        resolved: count(ReviewStatus::Resolved).await?,
        dismissed: count(ReviewStatus::Dismissed).await?,
    })
}

async fn item(
    State(app): State<Arc<Review>>,
    Reader(caller): Reader,
    PathId(id): PathId<ReviewItemId>,
) -> Result<Reply<ItemView>, ApiError> {
    show(&app, caller.workspace, id).await.map(Reply::ok).map_err(refusal)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerBody {
    queue_item_id: Option<String>,
    contact_name_id: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResolvedView {
    queue_item_id: ReviewItemId,
    contact_name_id: Option<ContactId>,
    #[serde(flatten)]
    more: MoreView,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DismissedView {
    queue_item_id: ReviewItemId,
    #[serde(flatten)]
    more: MoreView,
}

/// What the PSA's answers do not have, or not all of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MoreView {
    status: ReviewStatus,
    run_id: Option<domain::ids::RunId>,
}

async fn resolve_existing(
    State(app): State<Arc<Review>>,
    Approver(caller): Approver,
    JsonBody(body): JsonBody<AnswerBody>,
) -> Result<Reply<ResolvedView>, ApiError> {
    let id = required(body.queue_item_id.as_deref(), "queueItemId")?;
    let contact = required(body.contact_name_id.as_deref(), "contactNameId")?;
    resolved(&app, &caller, id, &Choice::LinkExisting(contact)).await
}

async fn resolve_new(
    State(app): State<Arc<Review>>,
    Approver(caller): Approver,
    JsonBody(body): JsonBody<AnswerBody>,
) -> Result<Reply<ResolvedView>, ApiError> {
    let id = required(body.queue_item_id.as_deref(), "queueItemId")?;
    resolved(&app, &caller, id, &Choice::CreateNew).await
}

async fn dismiss(
    State(app): State<Arc<Review>>,
    Approver(caller): Approver,
    JsonBody(body): JsonBody<AnswerBody>,
) -> Result<Reply<DismissedView>, ApiError> {
    let id = required(body.queue_item_id.as_deref(), "queueItemId")?;
    let note = body.reason.as_deref().map(str::trim).filter(|note| !note.is_empty());
    let note = note.map(|note| note.chars().take(NOTE_MAX).collect());
    let decided = decided(&app, &caller, id, &Choice::Dismiss { note }).await?;
    Ok(Reply::ok(DismissedView { queue_item_id: decided.item, more: more(&decided) }))
}

/// Many questions answered alike.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AllBody {
    answer: Option<String>,
    client_id: Option<String>,
    managed_tenant_id: Option<String>,
    conflict: Option<Conflict>,
    find: Option<String>,
    note: Option<String>,
    #[serde(default)]
    preview: bool,
    cursor: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AllView {
    is_dry_run: bool,
    answered: usize,
    left: usize,
    items: Vec<AnsweredView>,
    next_cursor: Option<String>,
}

async fn resolve_all(
    State(app): State<Arc<Review>>,
    Approver(caller): Approver,
    JsonBody(body): JsonBody<AllBody>,
) -> Result<Reply<AllView>, ApiError> {
    let note = body.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    let wish = match body.answer.as_deref() {
        Some("create_new") => Wish::CreateNew,
        Some("dismiss") => Wish::Dismiss { note: note.map(|note| note.chars().take(NOTE_MAX).collect()) },
        Some("link_existing") => Wish::Link,
        _ => {
            return Err(ApiError::bad_request(
                "invalid_answer",
                "`answer` has to be `link_existing`, `create_new` or `dismiss`. Nothing was answered.",
                "Send one of the three; with `preview` it is only said what would be answered how.",
            ));
        }
    };
    let which = Which {
        client: parse(body.client_id.as_deref(), "clientId")?,
        tenant: parse(body.managed_tenant_id.as_deref(), "managedTenantId")?,
        conflict: body.conflict,
        find: body.find.filter(|text| !text.trim().is_empty()),
    };
    let cursor = body.cursor.as_deref();
    let after = cursor.map(|cursor| paging::position::<ReviewPlace>("queue", cursor)).transpose()?;
    let decider = Decider { workspace: caller.workspace, mandate: caller.mandate()? };
    let done = answer_all(&app, decider, &which, &wish, (after, body.preview)).await.map_err(store_failed)?;
    let answered = done.items.iter().filter(|item| item.answer.is_some()).count();
    Ok(Reply::ok(AllView {
        is_dry_run: body.preview,
        answered,
        left: done.items.len() - answered,
        next_cursor: done.next.map(|next| paging::cursor("queue", &next)).transpose()?,
        items: done.items,
    }))
}

async fn resolved(
    app: &Review,
    caller: &Caller,
    id: ReviewItemId,
    choice: &Choice,
) -> Result<Reply<ResolvedView>, ApiError> {
    let decided = decided(app, caller, id, choice).await?;
    let (queue_item_id, contact_name_id) = (decided.item, decided.contact);
    Ok(Reply::ok(ResolvedView { queue_item_id, contact_name_id, more: more(&decided) }))
}

fn more(decided: &Decided) -> MoreView {
    MoreView { status: decided.status, run_id: decided.run }
}

async fn decided(
    app: &Review,
    caller: &Caller,
    id: ReviewItemId,
    choice: &Choice,
) -> Result<Decided, ApiError> {
    let decider = Decider { workspace: caller.workspace, mandate: caller.mandate()? };
    decide(app, decider, id, choice).await.map_err(refusal)
}

fn status(text: Option<&str>) -> Result<ReviewStatus, ApiError> {
    match text {
        None | Some("" | "open") => Ok(ReviewStatus::Open),
        Some("resolved") => Ok(ReviewStatus::Resolved),
        Some("dismissed") => Ok(ReviewStatus::Dismissed),
        Some(_) => Err(ApiError::bad_request(
            "invalid_status",
            "`status` has to be `open`, `resolved` or `dismissed`; nothing was listed.",
            "Send one of the three, or leave it out for the open ones.",
        )),
    }
}

/// The id in `text`; blank is absent.
fn parse<T: std::str::FromStr<Err = InvalidId>>(
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

fn required<T: std::str::FromStr<Err = InvalidId>>(
    text: Option<&str>,
    name: &'static str,
) -> Result<T, ApiError> {
    parse(text, name)?.ok_or_else(|| {
        ApiError::bad_request(
            "id_missing",
            format!("`{name}` is missing. Nothing was changed."),
            "Send the id as the queue gives it.",
        )
        .with_details(json!({ "field": name }))
    })
}

fn refusal(error: NotDecided) -> ApiError {
    use domain::review::Refusal;
    let (code, explanation, remedy) = (error.code(), error.explanation(), error.remedy());
    match error {
        NotDecided::Store(error) => store_failed(error),
        NotDecided::ItemNotFound | NotDecided::Refused(Refusal::ContactNotFound) => {
            ApiError::not_found(code, explanation, remedy)
        }
        NotDecided::ItemNotOpen { status, resolution } => {
            let run = resolution.as_ref().map(|resolution| resolution.run);
            let contact = resolution.as_ref().and_then(|resolution| resolution.contact);
            ApiError::conflict(code, explanation, remedy)
                .with_details(json!({ "status": status, "runId": run, "contactNameId": contact }))
        }
        NotDecided::Refused(Refusal::AddressTaken { address, owner }) => {
            ApiError::conflict(code, explanation, remedy).with_details(json!({
                "email": address,
                "contactNameId": owner.map(|owner| owner.contact),
                "clientId": owner.map(|owner| owner.client),
            }))
        }
        _ => ApiError::conflict(code, explanation, remedy),
    }
}
