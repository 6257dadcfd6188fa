//! What is switched on for a workspace, for whoever has to ask.

use async_trait::async_trait;
use domain::{flags::Feature, ids::WorkspaceId, run::TenantFailure};
use edge::{ApiError, SurfaceGate};
use runtime::{Foundation, settings::Edition};
use store::{Run, Store, StoreError};
use workflow::{
    errors::{TaskError, TaskFailure},
    payloads::RunInput,
};

use crate::store_failed;

/// Looks at the platform's flags, each time anew: a feature that is switched off is off with the next
/// request.
#[derive(Clone, Debug)]
pub struct FeatureGate {
    store: Store,
    all_on: bool,
    is_enterprise: bool,
}

impl FeatureGate {
    /// The gate of a deployment; with `all_on` every feature is on, whatever its flag says.
    pub fn new(store: Store, all_on: bool) -> Self {
        Self { store, all_on, is_enterprise: true }
    }

    /// The same in an edition of the PSA; only one has the integration, whatever the flags say.
    #[must_use]
    pub fn in_edition(self, edition: Edition) -> Self {
        Self { is_enterprise: edition == Edition::Enterprise, ..self }
    }

    /// The gate of the Lambda functions.
    pub fn of(foundation: &Foundation) -> Self {
        let settings = &foundation.settings;
        Self::new(crate::store(foundation), settings.feature_flags_disabled).in_edition(settings.edition)
    }

    /// Whether a feature is on for a workspace. When the flags cannot be read, that is an error and not a
    /// no: a task tries again then.
    pub async fn is_on(&self, workspace: WorkspaceId, feature: Feature) -> Result<bool, StoreError> {
        if self.all_on { Ok(true) } else { self.store.feature_is_on(workspace, feature).await }
    }

    /// Whether tasks may work for a workspace: the guards once more, after the request.
    ///
    /// # Errors
    /// The flags cannot be read.
    pub async fn lets_work(&self, workspace: WorkspaceId) -> Result<bool, TaskFailure> {
        Ok(self.is_enterprise && self.is_on(workspace, Feature::Ui).await.map_err(task_failure)?)
    }

    /// Halts a run of a workspace whose integration was switched off. What has been applied stays; the
    /// steps of a halted run only end it.
    ///
    /// # Errors
    /// The flags cannot be read, or the run not written.
    pub async fn halt_if_off(&self, run: RunInput) -> Result<(), TaskFailure> {
        if self.lets_work(run.workspace_id).await? {
            return Ok(());
        }
        self.store.halt_run(run.workspace_id, run.run_id, &switched_off()).await.map_err(task_failure)
    }
}

#[async_trait]
impl SurfaceGate for FeatureGate {
    async fn is_open(&self, workspace: WorkspaceId, feature: Feature) -> Result<bool, ApiError> {
        self.is_on(workspace, feature).await.map_err(store_failed)
    }
}

/// Why work on a workspace stops whose integration was switched off.
pub fn switched_off() -> TenantFailure {
    TenantFailure {
        code: "integration_disabled".to_owned(),
        message:
            "Contact sync was disabled for this workspace. What was written before is kept; nothing more \
                  was read or written."
                .to_owned(),
        remedy: format!("Have the flag {} switched on for this workspace, then start again.", Feature::Ui),
        diagnostics: None,
    }
}

/// Halts a run for which whoever asked had no permission, and answers it as it is afterwards.
///
/// # Errors
/// The run cannot be written.
pub async fn held_to_its_mandate(store: &Store, run: Run) -> Result<Run, TaskFailure> {
    if run.is_mandated() || run.halted.is_some() {
        return Ok(run);
    }
    let failure = not_mandated();
    store.halt_run(run.workspace, run.id, &failure).await.map_err(task_failure)?;
    Ok(Run { halted: Some(failure), ..run })
}

fn not_mandated() -> TenantFailure {
    TenantFailure {
        code: "not_mandated".to_owned(),
        message: "Whoever asked for this run was not granted the permission for it, or it is from before that was \
                  noted. Nobody was read and nothing was written from then on."
            .to_owned(),
        remedy: "Start it again as somebody with system_settings.update, or with the part of it that the run needs."
            .to_owned(),
        diagnostics: None,
    }
}

fn task_failure(error: StoreError) -> TaskFailure {
    let name = if error.is_transient() { TaskError::Transient } else { TaskError::Fault };
    TaskFailure::new(name, error.to_string())
}
