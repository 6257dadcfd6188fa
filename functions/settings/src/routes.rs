//! `GET` and `PATCH /api/integrations/entra/settings`; `GET` and `PUT …/settings/clients/{clientId}` for
//! what holds for one client instead.

use std::sync::Arc;

use assembly::{TwoPeople, store_failed, two_people};
use axum::{Router, extract::State, routing::get};
use domain::{fields::InvalidRule, flags::Feature, ids::ClientId, scope::InvalidScope};
use edge::{ApiError, Caller, Features, JsonBody, PathId, Reader, Reply, Writer, text::safe};
use serde::Serialize;
use serde_json::{Value, json};
use store::ClientOverrides;

use crate::{
    AwaitedView, ClientSettingsView, PlannedOverrides, Refusal, Settings, SettingsChange, SettingsView,
};

/// Most wrong rules that are listed.
const LISTED_MAX: usize = 20;

/// Longest text about a wrong rule, in characters.
const TEXT_MAX: usize = 200;

/// The routes.
pub fn router(settings: Arc<Settings>) -> Router {
    Router::new()
        .route("/api/integrations/entra/settings", get(show).patch(change))
        .route("/api/integrations/entra/settings/clients", get(overridden))
        .route("/api/integrations/entra/settings/clients/{clientId}", get(of_client).put(override_for))
        .with_state(settings)
}

/// The settings, and what waits for a second person.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    settings: SettingsView,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    awaits_second_person: Vec<AwaitedView>,
}

async fn show(
    State(settings): State<Arc<Settings>>,
    Reader(caller): Reader,
) -> Result<Reply<Shown>, ApiError> {
    let shown = settings.read_with_awaited(caller.workspace).await.map_err(store_failed)?;
    let (settings, awaits_second_person) = shown;
    Ok(Reply::ok(Shown { settings, awaits_second_person }))
}

async fn change(
    State(settings): State<Arc<Settings>>,
    Writer(caller): Writer,
    features: Features,
    JsonBody(change): JsonBody<SettingsChange>,
) -> Result<Reply<SettingsView>, ApiError> {
    if change.field_sync_config.is_some() {
        features.require(caller.workspace, Feature::FieldSync).await?;
    }
    let planned = settings.plan(caller.workspace, change).await.map_err(store_failed)?;
    let planned = planned.map_err(ApiError::from)?;
    let consent = consent(&settings, &caller, planned.takes_two()).await?;
    let changed = settings.save(caller.workspace, planned).await.map_err(store_failed)?;
    done(&settings, consent).await?;
    Ok(Reply::ok(changed))
}

/// Two people have asked for it, if it takes two.
async fn consent(
    settings: &Settings,
    caller: &Caller,
    takes_two: Option<Value>,
) -> Result<Option<TwoPeople>, ApiError> {
    match takes_two {
        Some(what) => two_people(&settings.store, caller, &what, settings.clock.now()).await.map(Some),
        None => Ok(None),
    }
}

async fn done(settings: &Settings, consent: Option<TwoPeople>) -> Result<(), ApiError> {
    match consent {
        Some(consent) => consent.done(&settings.store).await,
        None => Ok(()),
    }
}

async fn overridden(
    State(settings): State<Arc<Settings>>,
    Reader(caller): Reader,
) -> Result<Reply<Vec<ClientSettingsView>>, ApiError> {
    settings.overridden(caller.workspace).await.map(Reply::ok).map_err(store_failed)
}

async fn of_client(
    State(settings): State<Arc<Settings>>,
    Reader(caller): Reader,
    PathId(client): PathId<ClientId>,
) -> Result<Reply<ClientSettingsView>, ApiError> {
    let view = settings.of_client(caller.workspace, client).await.map_err(store_failed)?;
    view.map(Reply::ok).map_err(ApiError::from)
}

async fn override_for(
    State(settings): State<Arc<Settings>>,
    Writer(caller): Writer,
    features: Features,
    PathId(client): PathId<ClientId>,
    JsonBody(overrides): JsonBody<ClientOverrides>,
) -> Result<Reply<ClientSettingsView>, ApiError> {
    let has_rules = !overrides.field_sync_config.is_null();
    let planned = settings.plan_for(caller.workspace, client, overrides).await.map_err(store_failed)?;
    // It replaces what was there: leaving the rules out takes them away, and sending them again changes nothing.
    if planned.as_ref().map_or(has_rules, PlannedOverrides::changes_fields) {
        features.require(caller.workspace, Feature::FieldSync).await?;
    }
    let planned = planned.map_err(ApiError::from)?;
    let consent = consent(&settings, &caller, planned.takes_two()).await?;
    let view = settings.save_for(caller.workspace, planned).await.map_err(store_failed)?;
    done(&settings, consent).await?;
    view.map(Reply::ok).map_err(ApiError::from)
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ClientUnknown => Self::not_found(
                "unknown_client",
                "There is no client with this id. Nothing was saved.",
                "Import the client first, or take its id from the list of clients.",
            ),
            Refusal::Percent => Self::bad_request(
                "invalid_percent",
                "A share is more than 100 percent. Nothing was saved.",
                "Send numbers from 0 to 100.",
            ),
            Refusal::Rules(invalid) => invalid_rules(&invalid),
            Refusal::Scope(invalid) => invalid_scope(&invalid),
            Refusal::TooLarge => Self::bad_request(
                "overrides_too_large",
                "That is more than is kept for one client. Nothing was saved.",
                "Say less for this client, for example by groups instead of long lists.",
            ),
        }
    }
}

/// Every faulty scope rule in the details, the first of them in the text.
fn invalid_scope(invalid: &InvalidScope) -> ApiError {
    let first = invalid.faults.first().map(|fault| safe(&fault.message, TEXT_MAX)).unwrap_or_default();
    let listed = invalid.faults.iter().take(LISTED_MAX).map(|fault| {
        let (path, message) = (safe(&fault.field, TEXT_MAX), safe(&fault.message, TEXT_MAX));
        json!({ "path": path, "code": fault.code, "message": message })
    });
    ApiError::bad_request(
        "invalid_scope_rules",
        format!("`scope` has a rule that cannot be used: {first} Nothing was saved."),
        "Correct the rules named in the details and save again.",
    )
    .with_details(json!({ "faults": listed.collect::<Vec<_>>() }))
}

/// Every wrong part in the details, the first of them in the text. What the caller wrote is cut.
fn invalid_rules(invalid: &[InvalidRule]) -> ApiError {
    let first = invalid.first().map(|rule| safe(&rule.message, TEXT_MAX)).unwrap_or_default();
    let listed = invalid.iter().take(LISTED_MAX).map(|rule| {
        let (path, message) = (safe(&rule.path, TEXT_MAX), safe(&rule.message, TEXT_MAX));
        json!({ "path": path, "code": rule.code, "message": message })
    });
    let details = json!({ "rules": listed.collect::<Vec<_>>() });
    ApiError::bad_request(
        "invalid_field_rules",
        format!("`fieldSyncConfig` cannot be used: {first} Nothing was saved."),
        "Send an object such as {\"role\": true, \"phone\": \"unless_edited\"}.",
    )
    .with_details(details)
}
