//! `/api/integrations/entra/links…`: the link ledger.

use std::sync::Arc;

use assembly::store_failed;
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use domain::{
    ids::{ClientId, ContactId, EntraObjectId, ManagedTenantId},
    ledger::{LinkChange, Wish},
};
use edge::{ApiError, Approver, Caller, JsonBody, QueryOf, Reader, Reply, paging};
use serde::{Deserialize, Serialize};

use super::{not_begun, of_plans::ids, parse};
use crate::{
    ChangeRequest, ChangeStarted, LINKS_PER_RUN, LinkFilter, LinkPlace, LinkStanding, LinkView, NotChanged,
    Sync, change, links,
};

const LIMIT: paging::Limit = paging::Limit { default: 50, max: 200 };

/// Longest text that is looked for.
const TEXT_CHARACTERS_MAX: usize = 320;

pub(super) fn router() -> Router<Arc<Sync>> {
    Router::new()
        .route("/api/integrations/entra/links", get(list))
        .route("/api/integrations/entra/links/cut", post(cut))
        .route("/api/integrations/entra/links/move", post(move_to))
        .route("/api/integrations/entra/links/rematch", post(rematch))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinksQuery {
    managed_tenant_id: Option<String>,
    client_id: Option<String>,
    standing: Option<String>,
    text: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LinksView {
    links: Vec<LinkView>,
    next_cursor: Option<String>,
}

async fn list(
    State(sync): State<Arc<Sync>>,
    Reader(caller): Reader,
    QueryOf(query): QueryOf<LinksQuery>,
) -> Result<Reply<LinksView>, ApiError> {
    let text = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > TEXT_CHARACTERS_MAX) {
        return Err(ApiError::bad_request(
            "invalid_text",
            format!("`text` is longer than {TEXT_CHARACTERS_MAX} characters; nothing was listed."),
            "Send part of a name or an address.",
        ));
    }
    let filter = LinkFilter {
        tenant: parse::<ManagedTenantId>(query.managed_tenant_id.as_deref(), "managedTenantId")?,
        client: parse::<ClientId>(query.client_id.as_deref(), "clientId")?,
        standing: standing(query.standing.as_deref())?,
        text: text.map(str::to_owned),
    };
    let place = query.cursor.as_deref().map(|cursor| paging::position::<LinkPlace>("links", cursor));
    let limit = LIMIT.parse(query.limit.as_deref())?;
    let listed = links(&sync.store, caller.workspace, &filter, place.transpose()?, limit).await;
    let listed = listed.map_err(store_failed)?;
    let next_cursor = listed.next.map(|next| paging::cursor("links", &next)).transpose()?;
    Ok(Reply::ok(LinksView { links: listed.links, next_cursor }))
}

fn standing(text: Option<&str>) -> Result<Option<LinkStanding>, ApiError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let found = LinkStanding::ALL.into_iter().find(|standing| standing.name() == text);
    let names = LinkStanding::ALL.map(LinkStanding::name).join("`, `");
    found.map(Some).ok_or_else(|| {
        ApiError::bad_request(
            "invalid_standing",
            format!("`standing` has to be one of `{names}`; nothing was listed."),
            "Send one of them, or leave it out for every link.",
        )
    })
}

/// People of one tenant whose links are changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PeopleBody {
    managed_tenant_id: Option<String>,
    #[serde(default)]
    entra_object_ids: Vec<String>,
    #[serde(default)]
    preview: bool,
}

#[derive(Debug, Deserialize)]
struct CutBody {
    #[serde(flatten)]
    people: PeopleBody,
    /// Whether the next sync decides about the people as if they had never been linked.
    #[serde(default)]
    forget: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MoveBody {
    managed_tenant_id: Option<String>,
    #[serde(default)]
    moves: Vec<MoveOf>,
    #[serde(default)]
    preview: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MoveOf {
    entra_object_id: Option<String>,
    contact_name_id: Option<String>,
}

async fn cut(
    State(sync): State<Arc<Sync>>,
    Approver(caller): Approver,
    JsonBody(CutBody { people, forget }): JsonBody<CutBody>,
) -> Result<Reply<ChangeStarted>, ApiError> {
    let change = if forget { LinkChange::Forget } else { LinkChange::Cut };
    begin(&sync, &caller, change, people).await
}

async fn rematch(
    State(sync): State<Arc<Sync>>,
    Approver(caller): Approver,
    JsonBody(people): JsonBody<PeopleBody>,
) -> Result<Reply<ChangeStarted>, ApiError> {
    begin(&sync, &caller, LinkChange::Rematch, people).await
}

async fn move_to(
    State(sync): State<Arc<Sync>>,
    Approver(caller): Approver,
    JsonBody(body): JsonBody<MoveBody>,
) -> Result<Reply<ChangeStarted>, ApiError> {
    let wish = |of: &MoveOf| {
        let object: Option<EntraObjectId> = parse(of.entra_object_id.as_deref(), "entraObjectId")?;
        let contact: Option<ContactId> = parse(of.contact_name_id.as_deref(), "contactNameId")?;
        let object = object.ok_or_else(|| {
            ApiError::bad_request(
                "person_missing",
                "A move names no `entraObjectId`. Nothing was changed.",
                "Send each move as an `entraObjectId` and a `contactNameId`.",
            )
        })?;
        Ok::<_, ApiError>(Wish { object, contact })
    };
    let wishes = body.moves.iter().map(wish).collect::<Result<_, _>>()?;
    let tenant = tenant(body.managed_tenant_id.as_deref())?;
    begin_with(&sync, &caller, LinkChange::Move, (tenant, wishes, body.preview)).await
}

async fn begin(
    sync: &Sync,
    caller: &Caller,
    change: LinkChange,
    body: PeopleBody,
) -> Result<Reply<ChangeStarted>, ApiError> {
    let tenant = tenant(body.managed_tenant_id.as_deref())?;
    let people = ids::<EntraObjectId>(&body.entra_object_ids, "entraObjectIds")?;
    let wishes = people.into_iter().map(|object| Wish { object, contact: None }).collect();
    begin_with(sync, caller, change, (tenant, wishes, body.preview)).await
}

fn tenant(text: Option<&str>) -> Result<ManagedTenantId, ApiError> {
    parse(text, "managedTenantId")?.ok_or_else(|| {
        ApiError::bad_request(
            "tenant_missing",
            "Links are changed tenant by tenant: `managedTenantId` is missing. Nothing was changed.",
            "Send the id of the tenant whose links you mean.",
        )
    })
}

async fn begin_with(
    sync: &Sync,
    caller: &Caller,
    change_to: LinkChange,
    (tenant, wishes, preview): (ManagedTenantId, Vec<Wish>, bool),
) -> Result<Reply<ChangeStarted>, ApiError> {
    let (workspace, mandate) = (caller.workspace, caller.mandate()?);
    let request = ChangeRequest { workspace, tenant, change: change_to, wishes, preview, mandate };
    let begun = change(sync, request).await.map_err(not_changed)?;
    Ok(Reply::accepted(ChangeStarted {
        accepted: true,
        is_dry_run: preview,
        change: change_to,
        run_id: begun.run.id,
        workflow_id: begun.execution,
    }))
}

fn not_changed(error: NotChanged) -> ApiError {
    match error {
        NotChanged::ContactNotFound(contact) => ApiError::not_found(
            "contact_not_found",
            format!(
                "There is no contact {contact} at the client that the tenant is mapped to. Nothing was changed."
            ),
            "Take a contact of that client.",
        ),
        NotChanged::Contradiction(object) => ApiError::bad_request(
            "person_named_twice",
            format!(
                "{object} is named twice, or without the contact that a move needs. Nothing was changed."
            ),
            "Name each person once; a move names a contact for each of them, and nothing else does.",
        ),
        NotChanged::HowMany(count) => ApiError::bad_request(
            "too_many_people",
            format!("{count} people are named; it has to be 1 to {LINKS_PER_RUN}. Nothing was changed."),
            "Change links in several runs.",
        ),
        NotChanged::NotBegun(error) => not_begun(error),
        NotChanged::NotLinked(people) => ApiError::conflict(
            "not_linked",
            format!(
                "{} of the people have no link that could be changed. Nothing was changed.",
                people.len()
            ),
            "Take people from the list of links.",
        )
        .with_details(serde_json::json!({ "entraObjectIds": people })),
        NotChanged::UnknownTenant => ApiError::not_found(
            "unknown_tenant",
            "There is no tenant with this id in this workspace. Nothing was changed.",
            "Take an id from the list of tenants.",
        ),
    }
}
