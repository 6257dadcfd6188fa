//! The whole way through the product, by its routes.

use connect::{CALLBACK_PATH, CippInput, Part};
use directory::Directories;
use domain::ids::ManagedTenantId;
use fake_microsoft::{CIPP_CLIENT_ID, CIPP_CLIENT_SECRET};
use jiff::SignedDuration;
use serde_json::{Value, json};
use url::Url;

use crate::world::{Answer, World};

pub(crate) const BASE: &str = "/api/integrations/entra";
pub(crate) const JSON: &str = "application/json";
pub(crate) const LINES: &str = "application/x-ndjson";

/// How a workspace is connected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    Direct,
    CippClient,
    CippToken,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Direct, Self::CippClient, Self::CippToken];
}

impl World {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", &format!("{BASE}{path}"), JSON, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", &format!("{BASE}{path}"), JSON, &body.to_string()).await
    }

    /// Everything, from nothing to the end, whatever fails on the way; answers how the sync ended.
    pub(crate) async fn walk(&mut self, way: Way) -> String {
        self.import().await;
        self.connect(way).await;
        let status = self.work(way).await;
        self.leave().await;
        status
    }

    pub(crate) async fn import(&self) {
        let seed = self.fake().world().psa_seed();
        let clients: Vec<String> = seed
            .iter()
            .map(|client| {
                json!({ "clientId": client.client_id, "clientName": client.name, "website": client.website })
                    .to_string()
            })
            .collect();
        self.send("POST", &format!("{BASE}/clients/import"), LINES, &clients.join("\n")).await;
    }

    pub(crate) async fn connect(&mut self, way: Way) {
        match way {
            Way::Direct => self.sign_in().await,
            Way::CippClient => {
                let body = json!({ "connectionType": "cipp", "baseUrl": self.house.invented_cipp(),
                    "tenantId": self.fake().world().partner().id.to_string(),
                    "clientId": CIPP_CLIENT_ID, "clientSecret": CIPP_CLIENT_SECRET });
                self.post("/connect", &body).await;
            }
            Way::CippToken => {
                let token = self.fake().cipp_token(SignedDuration::from_mins(50));
                let body = json!({ "connectionType": "cipp", "baseUrl": self.house.invented_cipp(),
                    "apiToken": token });
                self.post("/connect", &body).await;
            }
        }
    }

    async fn sign_in(&mut self) {
        let begun = self.post("/connect", &json!({ "connectionType": "direct" })).await;
        let Some(begun) = begun.excepted else { return };
        self.keep_secret("a cookie", begun.cookie.split_once('=').unwrap().1);
        let answer = self.house.http.get(begun.auth_url).send().await;
        let Some(location) = answer.ok().and_then(|answer| answer.headers().get("location").cloned()) else {
            return;
        };
        let Some((_, query)) = location.to_str().unwrap().split_once('?') else { return };
        let landed = self.browse(&format!("{CALLBACK_PATH}?{query}"), &begun.cookie).await;
        assert!(landed.status >= 400 || landed.location.is_some());
        // The same once more, and by somebody else.
        self.browse(&format!("{CALLBACK_PATH}?{query}"), &begun.cookie).await;
        self.browse(&format!("{CALLBACK_PATH}?{query}&error=x"), "entra_login=x").await;
        let completed = self.house.connect.complete_login(query, None).await;
        self.outlet.add("a completion", format!("{completed:?}"));
    }

    /// All that a connected workspace does, or one that is not; answers how the sync ended.
    pub(crate) async fn work(&self, way: Way) -> String {
        self.get("").await;
        self.post(if way == Way::Direct { "/validate-direct" } else { "/validate-cipp" }, &json!({})).await;
        self.post("/discovery", &json!({})).await;
        self.get("/discovery").await;
        self.map().await;
        let tenants = self.house.store.managed_tenants(self.house.workspace).await.unwrap_or_default();
        let tenant = tenants.first().map(|tenant| tenant.id.to_string()).unwrap_or_default();
        self.post("/sync/preflight", &json!({ "managedTenantId": tenant })).await;
        let sync = self.post("/sync", &json!({ "scope": "initial" })).await;
        let run = sync.json()["data"]["runId"].as_str().unwrap_or_default().to_owned();
        let status = self.get(&format!("/sync/runs/{run}")).await.json()["data"]["run"]["status"].clone();
        // A person, and the tenant that is theirs: of anybody else there is no story.
        let first = self.fake().world().tenants()[0].id;
        let theirs = ManagedTenantId::derived(self.house.workspace, first);
        let user = self.fake().world().users(first)[0].id;
        for path in [
            format!("/sync/runs/{run}/lines?managedTenantId={tenant}"),
            format!("/sync/runs/{run}/verify"),
            format!("/sync/explain?managedTenantId={theirs}&person={user}"),
            format!("/sync/timeline?managedTenantId={theirs}&entraObjectId={user}"),
            "/sync/runs".to_owned(),
            "/links".to_owned(),
            "/reconciliation-queue".to_owned(),
            "/settings".to_owned(),
            "/doctor".to_owned(),
            "/clients/export?format=csv".to_owned(),
            "/contacts/export".to_owned(),
            "/contacts/export?format=csv".to_owned(),
        ] {
            self.get(&path).await;
        }
        self.send("GET", "/api/v1/platform-feature-flags", JSON, "").await;
        self.post("/sync", &json!({ "scope": "all-tenants" })).await;
        self.post(&format!("/sync/runs/{run}/undo"), &json!({})).await;
        self.use_cases().await;
        self.get("").await;
        match status.as_str() {
            Some(status) => status.to_owned(),
            // So that a test that fails says why.
            None => sync.body,
        }
    }

    /// Maps every tenant about which there is no doubt.
    pub(crate) async fn map(&self) {
        let preview = self.get("/mappings/preview").await.json()["data"]["autoMatched"].clone();
        let decision = |tenant: &Value| {
            json!({ "managedTenantId": tenant["managedTenantId"], "clientId": tenant["match"]["clientId"],
                "mappingState": "mapped" })
        };
        let decisions: Vec<Value> = preview.as_array().into_iter().flatten().map(decision).collect();
        self.post("/mappings/confirm", &json!({ "mappings": decisions })).await;
        self.get("/mappings").await;
    }

    /// The page that the doctor names for the administrator of a customer who has not consented: opened, and
    /// come back from. The customer has consented in the end, whatever went wrong.
    pub(crate) async fn consent(&self) {
        let world = self.fake().world();
        let customer = world.tenants()[0].id;
        world.withdraw_consent(customer).unwrap();
        let told = self.get("/doctor").await.json();
        let findings = told["data"]["findings"].as_array().into_iter().flatten();
        let mut steps = findings.filter_map(|finding| finding["step"].as_str()?.rsplit_once(" opens "));
        if let Some(page) = steps.find_map(|(_, page)| page.parse::<Url>().ok()) {
            let answer = self.house.http.get(page).send().await.ok();
            let location = answer.and_then(|answer| answer.headers().get("location").cloned());
            let query = location.as_ref().and_then(|location| location.to_str().ok()?.split_once('?'));
            if let Some((_, query)) = query {
                self.browse(&format!("{CALLBACK_PATH}?{query}"), "").await;
            }
        }
        world.grant_consent(customer).unwrap();
    }

    /// What has no route, and what fails, as whoever handles it could print it.
    async fn use_cases(&self) {
        let (connect, workspace) = (&self.house.connect, self.house.workspace);
        let examined = connect.examine(workspace, Part::whole()).await;
        self.outlet.add("the doctor's findings", format!("{examined:?}"));
        match connect.renew(workspace, SignedDuration::ZERO).await {
            Ok(renewed) => self.outlet.add("a renewal", format!("{renewed:?}")),
            Err(error) => self.outlet.error("a renewal", &error),
        }
        if let Err(error) = connect.validate_direct(workspace).await {
            self.outlet.error("a validation", &error);
        }
        if let Err(error) = connect.validate_cipp(workspace).await {
            self.outlet.error("a validation", &error);
        }
        let input = CippInput {
            base_url: self.house.invented_cipp(),
            api_token: Some(self.fake().cipp_token(SignedDuration::from_mins(-1)).into()),
            ..CippInput::default()
        };
        self.outlet.add("what was typed", format!("{input:?}"));
        if let Err(error) = connect.connect_cipp(workspace, None, input).await {
            self.outlet.error("a connection", &error);
        }
        match self.house.directories.of(workspace).await {
            Ok(directory) => match directory.managed_tenants().await {
                Ok(tenants) => self.outlet.add("the customers", format!("{tenants:?}")),
                Err(error) => self.outlet.error("the customers", &error),
            },
            Err(error) => self.outlet.error("a directory", &error),
        }
        self.outlet.add("the connection", format!("{:?} {:?}", connect, connect.status(workspace).await));
        let secrets =
            <secrets::DirectTokens as secrets::WorkspaceSecret>::read_fresh(&self.house.secrets, workspace)
                .await;
        self.outlet.add("what was read of the secrets", format!("{secrets:?} {:?}", self.house.clock.now()));
    }

    /// Gives the connection up, and looks at what is left.
    pub(crate) async fn leave(&self) {
        self.post("/disconnect", &json!({})).await;
        self.get("").await;
        self.look_at_what_is_stored().await;
    }
}
