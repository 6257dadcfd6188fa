//! Reading Microsoft directories.
//!
//! Three layers, the arrow points down:
//! - [`Directory`] is what the rest of the product sees: managed tenants, the proof of which
//!   tenant answers, users and their changes page by page, and groups.
//! - [`graph`] is the thin asynchronous loop over HTTP for the `direct` connection, [`cipp`] the one
//!   for the `cipp` connection, with the guard in front of addresses that people type.
//! - [`protocol`] is what Microsoft's endpoints say and what follows from it: paging, retry,
//!   throttling, tokens, classification of errors. It does no I/O and knows no clock: a response
//!   and the time go in, the next request, a wait, a page or a failure come out.
//!
//! This crate does not decide who is synced, stores nothing, and keeps access tokens in memory
//! only.

pub mod cipp;
mod cursor;
mod directories;
pub mod error;
pub mod graph;
mod port;
pub mod protocol;

pub use cipp::{
    CippAccess, CippBase, CippCredential, CippCredentials, CippDirectory, CippHttp, CippSettings,
};
pub use cursor::Cursor;
pub use directories::Directories;
pub use domain::user::Removal;
pub use error::{Code, Diagnostics, ErrorClass, ReadError};
pub use graph::{Cloud, Credentials, GraphDirectory, GraphSettings, Login, PartnerAccess, Renewal, Usage};
pub use port::{
    Access, BadRow, BadRowCause, ChangePage, ChangesNext, Directory, EndCause, Group, ListedTenant,
    MembersPage, PublicTenant, Removed, TenantList, TenantProof, UserKey, UserPage,
};
