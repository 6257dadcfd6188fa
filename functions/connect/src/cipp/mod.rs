//! The `cipp` kind of connection: a CIPP deployment of the MSP's.

mod connect;
mod error;
mod validate;

pub use connect::{CippConnected, CippInput};
pub use error::CippError;
pub use validate::CippValidated;
pub(crate) use validate::TENANTS_ENDPOINT;

use std::sync::Arc;

use directory::{
    CippAccess, CippDirectory, GraphSettings, ReadError, TenantList, protocol::retry::RetryPolicy,
};

use crate::Connect;

impl Connect {
    /// Tries `access` out with somebody waiting: whose it is, and the customers it sees. Stores nothing.
    async fn probe_cipp(&self, access: CippAccess) -> Result<TenantList, ReadError> {
        let retry = RetryPolicy { attempts_max: 2, ..self.graph.retry };
        let login = GraphSettings { retry, ..self.graph.clone() };
        let directory = CippDirectory::new(
            self.cipp.for_a_probe(),
            &login,
            self.http.clone(),
            Arc::new(access),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
        )?;
        directory.probe().await
    }
}
