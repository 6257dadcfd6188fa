//! Clients and contacts in from the PSA and out to it, as JSON lines, JSON or CSV.
//!
//! An import takes what it can: a row that cannot be used is reported with its line, the others are
//! applied. What an export gives, an import takes back unchanged. The sync's marks on a contact
//! leave with an export and are never written by an import.
//!
//! This crate does not delete, does not move a contact to another client, and decides nothing about
//! a directory's people.

use runtime::Foundation;
use store::Store;

mod cell;
pub mod clients;
pub mod contacts;
pub mod document;
pub mod duplicates;
pub mod export;
mod fields;
pub mod import;
mod phones;
pub mod routes;
mod row_error;

pub use document::{DocumentError, Format};
pub use import::{FailedRow, ImportError, ImportResult};
pub use row_error::RowError;

/// What the use cases work with.
#[derive(Clone, Debug)]
pub struct People {
    /// The table.
    pub store: Store,
}

impl People {
    /// The use cases as the Lambda function runs them.
    pub fn on_aws(foundation: &Foundation) -> Self {
        Self { store: assembly::store(foundation) }
    }
}
