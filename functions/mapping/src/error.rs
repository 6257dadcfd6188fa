//! Why a use case did nothing.

use domain::{
    ids::{ClientId, ManagedTenantId},
    mapping::DecisionError,
};
use store::StoreError;

/// A request of which nothing was saved, except where a variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The decision is not the one the editor saw, or another editor was faster.
    #[error("somebody else decided about managed tenant {0} in the meantime")]
    Changed(ManagedTenantId),
    /// The request contradicts itself or cannot be understood.
    #[error("the request holds a decision that cannot be taken")]
    Decision(#[from] DecisionError),
    /// Clients are to be created, which the editor may not do.
    #[error("the editor may not have clients created")]
    NeedsPermission,
    /// Settings of the client portal, which this product does not keep.
    #[error("the request sets client portal provisioning for managed tenant {0}")]
    PortalSettings(ManagedTenantId),
    /// The table failed. Of several decisions some may be saved; the same request again counts
    /// those as unchanged.
    #[error("the table failed")]
    Store(#[from] StoreError),
    /// More decisions than one request may hold.
    #[error("the request holds {0} decisions")]
    TooMany(usize),
    /// The workspace has no such client.
    #[error("there is no client {0}")]
    UnknownClient(ClientId),
    /// The workspace has no such tenant.
    #[error("there is no managed tenant {0}")]
    UnknownTenant(ManagedTenantId),
}
