//! Where the rooms meet: the ports of one are filled with another, once, for the Lambda functions
//! and for the local mode alike.
//!
//! It holds no rule and no route. It exists so that the rooms need not know each other: the
//! directory does not know where secrets are kept, the edge does not know the Lambda service, the
//! workflow does not know Step Functions.

mod cipp;
mod credentials;
mod directories;
mod executions;
mod failures;
mod features;
mod http;
mod planning;
mod task;
mod two_people;

pub use cipp::{WorkspaceCipp, cipp_credential, cipp_settings};
pub use credentials::WorkspaceCredentials;
pub use directories::{Open, WorkspaceDirectories};
pub use executions::StepFunctions;
pub use failures::{store_failed, tenant_failure};
pub use features::{FeatureGate, held_to_its_mandate, switched_off};
pub use http::{http, service_edition};
pub use planning::{PlanFor, gather, group_members, tenant_policy};
pub use task::Failure;
pub use two_people::{TwoPeople, two_people};

use std::sync::Arc;

use ambient::{SystemClock, SystemEntropy};
use directory::GraphSettings;
use runtime::{Foundation, Settings};
use store::Store;

/// The settings name an address that Microsoft's services cannot have.
#[derive(Debug, thiserror::Error)]
#[error("MICROSOFT_LOGIN_BASE_URL or MICROSOFT_GRAPH_BASE_URL is not an https address")]
pub struct InvalidEndpoint;

/// Where Microsoft is, by the settings.
pub fn graph_settings(settings: &Settings) -> Result<GraphSettings, InvalidEndpoint> {
    let address = |text: &str| text.parse::<url::Url>().map_err(|_| InvalidEndpoint);
    let login = address(settings.microsoft.login.as_str())?;
    let graph = address(settings.microsoft.graph.as_str())?;
    GraphSettings::new(&login, graph).map_err(|_| InvalidEndpoint)
}

/// The table, on AWS.
pub fn store(foundation: &Foundation) -> Store {
    Store::new(foundation.aws.dynamodb(), foundation.settings.table_name.clone())
}

/// Every workspace's directory, on AWS.
pub fn directories(foundation: &Foundation) -> Result<WorkspaceDirectories, InvalidEndpoint> {
    Ok(WorkspaceDirectories {
        store: store(foundation),
        secrets: Arc::clone(&foundation.secrets),
        graph: graph_settings(&foundation.settings)?,
        cipp: cipp_settings(&foundation.settings),
        http: foundation.http.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        open: Open::default(),
    })
}

/// The deployed state machines.
pub fn step_functions(foundation: &Foundation) -> StepFunctions {
    StepFunctions {
        client: foundation.aws.step_functions(),
        sync_run: foundation.settings.state_machine_arn.clone(),
        discovery: foundation.settings.discovery_state_machine_arn.clone(),
    }
}
