//! Every route: who may call it, the feature it belongs to, and what it answers whoever is admitted in a
//! workspace where nothing has been done yet.

use domain::flags::Feature::{self, AmbiguousQueue, Cipp, ClientSync, FieldSync};

/// Status and stable code of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) code: Option<&'static str>,
}

impl Answer {
    pub(crate) const fn success(status: u16) -> Self {
        Self { status, code: None }
    }

    pub(crate) const fn refusal(status: u16, code: &'static str) -> Self {
        Self { status, code: Some(code) }
    }
}

/// Every method that a request may have, but for `OPTIONS` and `HEAD`.
pub(crate) const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Who may call a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Guard {
    /// Staff who may see the integration.
    Read,
    /// Staff who may change it.
    Update,
    /// Staff who may sync.
    Operate,
    /// Staff who may decide about people.
    Approve,
    /// The master workspace.
    Master,
}

impl Guard {
    pub(crate) fn is_of_the_integration(self) -> bool {
        self != Self::Master
    }
}

/// One method of one path, with a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) guard: Guard,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) body: &'static str,
    /// What has to be on besides the integration itself.
    pub(crate) feature: Option<Feature>,
    /// Whether the body asks for a client that is to be created, which takes a permission of its own.
    pub(crate) creates_clients: bool,
    pub(crate) admitted: Answer,
}

impl Route {
    const fn of(guard: Guard, method: &'static str, path: &'static str, admitted: Answer) -> Self {
        Self { guard, method, path, body: "", feature: None, creates_clients: false, admitted }
    }

    const fn with(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    const fn creates_clients(self) -> Self {
        Self { creates_clients: true, ..self }
    }

    const fn needs(self, feature: Feature) -> Self {
        Self { feature: Some(feature), ..self }
    }
}

const fn read(path: &'static str, admitted: Answer) -> Route {
    Route::of(Guard::Read, "GET", path, admitted)
}

const fn post(path: &'static str, admitted: Answer) -> Route {
    Route::of(Guard::Update, "POST", path, admitted)
}

const fn operate(path: &'static str, admitted: Answer) -> Route {
    Route::of(Guard::Operate, "POST", path, admitted)
}

const fn approve(path: &'static str, admitted: Answer) -> Route {
    Route::of(Guard::Approve, "POST", path, admitted)
}

const fn ok() -> Answer {
    Answer::success(200)
}

const fn refused(status: u16, code: &'static str) -> Answer {
    Answer::refusal(status, code)
}

/// Paths that ask nobody who they are: Microsoft sends the browser there.
pub(crate) fn open_paths() -> [&'static str; 1] {
    ["/api/auth/microsoft/entra/callback"]
}

const FLAGS: &str = "/api/v1/platform-feature-flags";
const FLAG: &str = "/api/v1/platform-feature-flags/{flag_id}";

/// A client for a tenant that nobody knows.
const NEW_CLIENT: &str = concat!(
    r#"{"mappings":[{"managedTenantId":"5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d","#,
    r#""mappingState":"create_new"}]}"#
);

/// All of them.
pub(crate) const ROUTES: &[Route] = &[
    read("/api/integrations/entra", ok()),
    post("/api/integrations/entra/connect", refused(400, "invalid_connection_type")),
    post("/api/integrations/entra/connect", refused(400, "invalid_base_url"))
        .with(r#"{"connectionType":"cipp"}"#)
        .needs(Cipp),
    post("/api/integrations/entra/disconnect", ok()),
    read("/api/integrations/entra/doctor", ok()),
    post("/api/integrations/entra/validate-direct", refused(400, "missing_credentials")),
    post("/api/integrations/entra/validate-cipp", refused(400, "missing_credentials")).needs(Cipp),
    read("/api/integrations/entra/discovery", refused(404, "not_discovered")),
    operate("/api/integrations/entra/discovery", refused(409, "not_connected")),
    read("/api/integrations/entra/mappings", ok()),
    read("/api/integrations/entra/mappings/preview", ok()),
    read(
        "/api/integrations/entra/mappings/{managed_tenant_id}/history",
        refused(404, "unknown_managed_tenant"),
    ),
    post("/api/integrations/entra/mappings/confirm", refused(400, "invalid_body")),
    post("/api/integrations/entra/mappings/confirm", ok()).with(NEW_CLIENT).creates_clients(),
    post("/api/integrations/entra/mappings/remap", refused(400, "invalid_body")),
    post("/api/integrations/entra/mappings/skip", refused(400, "invalid_body")),
    post("/api/integrations/entra/mappings/unmap", refused(400, "invalid_body")),
    read("/api/integrations/entra/clients/export", ok()),
    post("/api/integrations/entra/clients/import", refused(415, "unsupported_media_type")),
    read("/api/integrations/entra/contacts/export", ok()),
    read("/api/integrations/entra/contacts/duplicates", ok()),
    post("/api/integrations/entra/contacts/import", refused(415, "unsupported_media_type")),
    read("/api/integrations/entra/reconciliation-queue", ok()).needs(AmbiguousQueue),
    read("/api/integrations/entra/reconciliation-queue/{queue_item_id}", refused(404, "item_not_found"))
        .needs(AmbiguousQueue),
    approve("/api/integrations/entra/reconciliation-queue/dismiss", refused(400, "id_missing"))
        .needs(AmbiguousQueue),
    approve("/api/integrations/entra/reconciliation-queue/resolve-all", refused(400, "invalid_answer"))
        .needs(AmbiguousQueue),
    approve("/api/integrations/entra/reconciliation-queue/resolve-all", ok())
        .with(r#"{"answer":"dismiss","preview":true}"#)
        .needs(AmbiguousQueue),
    approve("/api/integrations/entra/reconciliation-queue/resolve-existing", refused(400, "id_missing"))
        .needs(AmbiguousQueue),
    approve("/api/integrations/entra/reconciliation-queue/resolve-new", refused(400, "id_missing"))
        .needs(AmbiguousQueue),
    read("/api/integrations/entra/schedule", ok()),
    post("/api/integrations/entra/schedule", refused(400, "sync_enabled_missing")),
    post("/api/integrations/entra/schedule", ok()).with(r#"{"syncEnabled":true}"#),
    read("/api/integrations/entra/settings", ok()),
    Route::of(Guard::Update, "PATCH", "/api/integrations/entra/settings", ok()),
    Route::of(Guard::Update, "PATCH", "/api/integrations/entra/settings", ok())
        .with(r#"{"fieldSyncConfig":{}}"#)
        .needs(FieldSync),
    read("/api/integrations/entra/settings/clients", ok()),
    read("/api/integrations/entra/settings/clients/{clientId}", refused(404, "unknown_client")),
    Route::of(
        Guard::Update,
        "PUT",
        "/api/integrations/entra/settings/clients/{clientId}",
        refused(404, "unknown_client"),
    ),
    Route::of(
        Guard::Update,
        "PUT",
        "/api/integrations/entra/settings/clients/{clientId}",
        refused(404, "unknown_client"),
    )
    .with(r#"{"fieldSyncConfig":{"role":true}}"#)
    .needs(FieldSync),
    operate("/api/integrations/entra/sync", refused(400, "invalid_scope")),
    operate("/api/integrations/entra/sync", refused(409, "not_connected")).with(r#"{"scope":"all-tenants"}"#),
    operate("/api/integrations/entra/sync", refused(400, "client_missing"))
        .with(r#"{"scope":"single-client"}"#)
        .needs(ClientSync),
    operate("/api/integrations/entra/sync/preflight", refused(400, "scope_missing")),
    operate("/api/integrations/entra/sync/preflight", refused(409, "not_connected"))
        .with(r#"{"fieldSyncConfig":{}}"#)
        .needs(FieldSync),
    read("/api/integrations/entra/sync/runs", ok()),
    read("/api/integrations/entra/sync/runs/{run_id}", refused(404, "unknown_run")),
    read("/api/integrations/entra/sync/runs/{run_id}/lines", refused(400, "tenant_missing")),
    read("/api/integrations/entra/sync/runs/{run_id}/verify", refused(404, "unknown_run")),
    operate("/api/integrations/entra/sync/runs/{run_id}/cancel", refused(404, "unknown_run")),
    approve("/api/integrations/entra/sync/runs/{run_id}/apply", refused(404, "unknown_run")),
    approve("/api/integrations/entra/sync/runs/{run_id}/undo", refused(404, "unknown_run")),
    approve("/api/integrations/entra/sync/runs/{run_id}/held/allow", refused(404, "unknown_run")),
    approve("/api/integrations/entra/sync/runs/{run_id}/held/reject", refused(404, "unknown_run")),
    approve("/api/integrations/entra/sync/runs/{run_id}/held/reconsider", refused(404, "unknown_run")),
    read("/api/integrations/entra/links", ok()),
    approve("/api/integrations/entra/links/cut", refused(400, "tenant_missing")),
    approve("/api/integrations/entra/links/move", refused(400, "tenant_missing")),
    approve("/api/integrations/entra/links/rematch", refused(400, "tenant_missing")),
    read("/api/integrations/entra/sync/timeline", refused(400, "person_missing")),
    read("/api/integrations/entra/sync/explain", refused(400, "person_missing")),
    approve("/api/integrations/entra/sync/accept-size", refused(400, "tenant_missing")),
    Route::of(Guard::Master, "GET", FLAGS, ok()),
    Route::of(Guard::Master, "POST", FLAGS, refused(400, "key_missing")),
    Route::of(Guard::Master, "POST", FLAGS, ok()).with(r#"{"__action":"ensure_entra_phase1_flags"}"#),
    Route::of(Guard::Master, "GET", FLAG, refused(404, "unknown_flag")),
    Route::of(Guard::Master, "PATCH", FLAG, refused(404, "unknown_flag")),
    Route::of(Guard::Master, "DELETE", FLAG, refused(404, "unknown_flag")),
    Route::of(Guard::Master, "POST", FLAG, refused(404, "unknown_flag")),
    Route::of(
        Guard::Master,
        "POST",
        "/api/v1/platform-feature-flags/{flag_id}/tenants",
        refused(400, "tenant_missing"),
    ),
];
