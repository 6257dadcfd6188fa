//! The whole service in this process.

use std::{path::Path, sync::Arc};

use authorizer::{Configuration, Verifier};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use domain::{
    flags::Feature,
    ids::{FlagId, WorkspaceId},
};
use embedded::Durability;
use flags::Access;
use local::{FakeProfile, House};
use serde_json::Value;
use store::FeatureFlag;
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    callers::{Caller, MASTER_KEY, PARTY, SIGNING_KEY, other_workspace},
    routes::{Answer, Route},
};

/// Largest answer that is looked at.
const ANSWER_MAX: usize = 1 << 20;

/// Every route of the product.
pub(crate) struct Service {
    pub(crate) house: House,
    router: Router,
    folder: TempDir,
}

impl Service {
    /// Over an empty table, with nobody to connect to.
    pub(crate) async fn start() -> Self {
        Self::over(None).await
    }

    /// Over an empty table, with an invented Microsoft if there is a profile of one.
    pub(crate) async fn over(profile: Option<FakeProfile>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let house = House::open(folder.path(), Durability::ProcessKill, profile).await.unwrap();
        let configuration = Configuration {
            issuer: PARTY.to_owned(),
            audience: PARTY.to_owned(),
            published_keys_url: None,
            shared_secret: Some(SIGNING_KEY.into()),
        };
        let verifier = Verifier::configured(configuration, house.http.clone(), Arc::clone(&house.clock));
        let access = Access { master: Some(house.workspace), keys: vec![MASTER_KEY.into()] };
        let router = local::api(&house, Arc::new(verifier.unwrap()), access);
        Self { house, router, folder }
    }

    pub(crate) fn workspace(&self) -> WorkspaceId {
        self.house.workspace
    }

    /// Where everything is kept.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Switches features on for both workspaces.
    pub(crate) async fn switch_on(&self, features: &[Feature]) {
        let now = self.house.clock.now();
        for feature in features {
            let id = FlagId::new(Uuid::from_u128(0xF1 + *feature as u128));
            let flag = FeatureFlag::new(id, feature.key(), now);
            let _: bool = self.house.store.create_flag(&flag).await.unwrap();
            for workspace in [self.workspace(), other_workspace()] {
                self.house.store.target_flag(flag.id, workspace, true, now).await.unwrap().unwrap();
            }
        }
    }

    /// Switches a feature off for the callers' workspace.
    pub(crate) async fn switch_off(&self, feature: Feature) {
        let flag = self.house.store.flag_by_key(feature.key()).await.unwrap().unwrap();
        let now = self.house.clock.now();
        self.house.store.target_flag(flag.id, self.workspace(), false, now).await.unwrap().unwrap();
    }

    pub(crate) async fn ask(&self, caller: Caller, route: &Route) -> Answer {
        self.call(caller, route.method, route.path, route.body).await
    }

    /// Calls a path, with some id wherever one belongs.
    pub(crate) async fn call(&self, caller: Caller, method: &str, path: &str, body: &str) -> Answer {
        let segment =
            |segment: &str| if segment.starts_with('{') { SOME_ID.to_owned() } else { segment.to_owned() };
        let path = path.split('/').map(segment).collect::<Vec<_>>().join("/");
        let (status, body) = self.send(caller, method, &path, body).await;
        let code = body["code"].as_str().map(|code| &*code.to_owned().leak());
        Answer { status, code }
    }

    /// Status and body of an answer.
    pub(crate) async fn send(&self, caller: Caller, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, text) = self.text(caller, method, path, ("application/json", body)).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Status and body of an answer, whatever the body is; the request's own is of a kind.
    pub(crate) async fn text(
        &self,
        caller: Caller,
        method: &str,
        path: &str,
        (kind, body): (&str, &str),
    ) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = caller.token(self.workspace()) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = caller.key() {
            request = request.header("x-api-key", key);
        }
        if !body.is_empty() {
            request = request.header("content-type", kind);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), ANSWER_MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }
}

/// An id of nothing.
const SOME_ID: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";
