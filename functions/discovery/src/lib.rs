//! Finding managed tenants, their domains and our access to them.
//!
//! A discovery writes what it saw and compares it with what was there: new, gone, renamed, access
//! lost. A listing that fails changes nothing; a tenant that is not listed is marked, never
//! removed.

mod discover;
pub mod routes;
pub mod views;

use std::sync::Arc;

use ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use assembly::InvalidEndpoint;
use directory::Directories;
use runtime::Foundation;
use store::Store;
use workflow::Executions;

pub use discover::{discover, discover_if_on};

/// Everything discovery needs.
pub struct Discovery {
    /// The table.
    pub store: Store,
    /// The way to Microsoft.
    pub directories: Arc<dyn Directories>,
    /// The workflow engine; the task itself does not need one.
    pub executions: Option<Arc<dyn Executions>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For names of executions.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Discovery")
    }
}

impl Discovery {
    /// Discovery as the Lambda functions run it.
    pub fn on_aws(foundation: &Foundation) -> Result<Self, InvalidEndpoint> {
        Ok(Self {
            store: assembly::store(foundation),
            directories: Arc::new(assembly::directories(foundation)?),
            executions: Some(Arc::new(assembly::step_functions(foundation))),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        })
    }
}
