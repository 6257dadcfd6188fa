//! The guards, in the contract's order, as types a handler cannot forget.
//!
//! 1. edition: 501 `enterprise_only`
//! 2. a signed-in person: 401 `not_authenticated`
//! 3. who is no portal user: 403 `portal_user_denied`
//! 4. and holds the permission: 403 `permission_denied`
//! 5. in a workspace where the integration is switched on: 404 `integration_disabled`
//! 6. and so is the feature the route belongs to: 404 `feature_disabled`

use std::{convert::Infallible, sync::Arc};

use async_trait::async_trait;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use domain::{flags::Feature, ids::WorkspaceId, mandate::Mandate};
use serde_json::json;

use crate::{ApiError, Caller, CallerKind, Edition, Permission};

/// The edition this service was deployed as (setting `EDITION`), an extension of every request.
/// Without it the service counts as community: a host that forgets it opens nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ServiceEdition(pub Edition);

/// Says whether a part of the product is switched on for a workspace.
#[async_trait]
pub trait SurfaceGate: Send + Sync {
    /// Whether `feature` is on for `workspace`; an error is answered as it is.
    async fn is_open(&self, workspace: WorkspaceId, feature: Feature) -> Result<bool, ApiError>;
}

/// The gate of the routes it was layered on, as an extension; routes without one are always on.
#[derive(Clone)]
pub struct Surface(pub Arc<dyn SurfaceGate>);

/// The feature that the routes it was layered on belong to, as an extension.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Needs(pub Feature);

/// What is switched on, for a route that needs to know of more than its own feature.
#[derive(Clone)]
pub struct Features(Option<Surface>);

/// A caller who may see the integration; taking it as an argument is the guard.
#[derive(Clone, Debug)]
pub struct Reader(pub Caller);

/// A caller who may change the integration; taking it as an argument is the guard.
#[derive(Clone, Debug)]
pub struct Writer(pub Caller);

/// A caller who may sync and preview; taking it as an argument is the guard.
#[derive(Clone, Debug)]
pub struct Operator(pub Caller);

/// A caller who may decide about people; taking it as an argument is the guard.
#[derive(Clone, Debug)]
pub struct Approver(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        admitted(parts, Permission::Read).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        admitted(parts, Permission::Update).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        admitted(parts, Permission::Operate).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Approver {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        admitted(parts, Permission::Approve).await.map(Self)
    }
}

/// Guards 1 to 4 over values, for whoever asks again outside of a request.
pub fn admit(service: Edition, caller: Option<&Caller>, permission: Permission) -> Result<&Caller, ApiError> {
    let claimed = caller.map_or(Edition::Enterprise, |caller| caller.edition);
    if service != Edition::Enterprise || claimed != Edition::Enterprise {
        return Err(enterprise_only());
    }
    let caller = caller.filter(|caller| caller.user.is_some()).ok_or_else(not_authenticated)?;
    if caller.kind == CallerKind::Client {
        return Err(portal_user_denied());
    }
    caller.require(permission)?;
    Ok(caller)
}

impl Caller {
    /// Refuses with 403 `permission_denied` when the PSA did not grant `permission`; for the
    /// permissions an action needs beside the one of its route.
    pub fn require(&self, permission: Permission) -> Result<(), ApiError> {
        if self.holds(permission) { Ok(()) } else { Err(permission_denied(permission)) }
    }
}

impl Caller {
    /// In whose name a run works that the caller asks for.
    ///
    /// # Errors
    /// 401 `not_authenticated` when nobody is signed in.
    pub fn mandate(&self) -> Result<Mandate, ApiError> {
        let user = self.user.ok_or_else(not_authenticated)?;
        let (operate, approve) = (self.holds(Permission::Operate), self.holds(Permission::Approve));
        Ok(Mandate::Person { user, operate, approve })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Features {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

impl Features {
    /// Whether `feature` is on for `workspace`. It is for the guards that `Reader` and `Writer` are not.
    pub async fn is_on(&self, workspace: WorkspaceId, feature: Feature) -> Result<bool, ApiError> {
        match &self.0 {
            Some(Surface(gate)) => gate.is_open(workspace, feature).await,
            None => Ok(true),
        }
    }

    /// Refuses with 404 when `feature` is off for `workspace`.
    pub async fn require(&self, workspace: WorkspaceId, feature: Feature) -> Result<(), ApiError> {
        if self.is_on(workspace, feature).await? { Ok(()) } else { Err(switched_off(feature)) }
    }
}

async fn admitted(parts: &Parts, permission: Permission) -> Result<Caller, ApiError> {
    let service = parts.extensions.get().map_or(Edition::Community, |ServiceEdition(edition)| *edition);
    let caller = admit(service, parts.extensions.get(), permission)?;
    let features = Features(parts.extensions.get().cloned());
    features.require(caller.workspace, Feature::Ui).await?;
    if let Some(Needs(feature)) = parts.extensions.get() {
        features.require(caller.workspace, *feature).await?;
    }
    Ok(caller.clone())
}

fn enterprise_only() -> ApiError {
    ApiError::new(
        StatusCode::NOT_IMPLEMENTED,
        "enterprise_only",
        "Contact sync from Microsoft Entra belongs to the enterprise edition; no contact was read or changed.",
        "Use the enterprise edition of the PSA, and set EDITION=ee where this service is deployed.",
    )
}

fn not_authenticated() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "not_authenticated",
        "You are not signed in, or your session has ended; nothing was read or changed.",
        "Sign in to the PSA again and repeat the request.",
    )
}

fn portal_user_denied() -> ApiError {
    ApiError::forbidden(
        "portal_user_denied",
        "Client portal users cannot see or change contact sync; nothing was read or changed.",
        "Sign in with an account of the service provider's own staff.",
    )
}

fn permission_denied(permission: Permission) -> ApiError {
    let name = permission.name();
    let (lacks, details) = match permission.included_in().map(Permission::name) {
        Some(whole) => {
            (format!("{whole}, or at least {name}"), json!({ "permission": whole, "orPart": name }))
        }
        None => (name.to_owned(), json!({ "permission": name })),
    };
    ApiError::forbidden(
        "permission_denied",
        format!("Your role lacks the permission {lacks}; nothing was read or changed."),
        format!("Ask an administrator of the PSA to grant {lacks} to your role, then sign in again."),
    )
    .with_details(details)
}

fn switched_off(feature: Feature) -> ApiError {
    let error = if feature == Feature::Ui {
        ApiError::not_found(
            "integration_disabled",
            "Contact sync from Microsoft Entra is disabled for this workspace; nothing was read or changed.",
            "Ask whoever administers the platform's feature flags to switch it on for this workspace. What was \
             there before is kept.",
        )
    } else {
        ApiError::not_found(
            "feature_disabled",
            "This part of contact sync is disabled for this workspace; nothing was read or changed.",
            "Ask whoever administers the platform's feature flags to switch on the flag named in the details.",
        )
    };
    error.with_details(json!({ "flag": feature.key() }))
}
