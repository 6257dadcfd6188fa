//! The table: typed repositories over `aws-sdk-dynamodb`.
//!
//! One table, single-table design; every partition key begins with the workspace, but for the
//! platform's own (feature flags, renewals). The same code
//! talks to DynamoDB on AWS, to an emulator, and to the embedded engine of the local mode: only
//! the HTTP client below the SDK differs. Every write is conditional, and no repository can delete
//! an item.
//!
//! This crate does not decide anything about contacts; it carries out lines of a plan.

mod apply;
mod clients;
mod connections;
mod consents;
mod contact_input;
mod contacts;
mod error;
mod flags;
mod keys;
mod ledger;
mod logins;
mod people;
mod plans;
pub mod probe;
mod queue;
mod read_only;
mod renewals;
mod reviews;
mod runs;
mod schedules;
mod seals;
mod settings;
mod spent;
mod table;
mod tenant_states;
mod tenants;

pub use apply::{APPLIED_BEFORE, Applied, Applier, STORED_UNREADABLE, StaleLine, Tenure, WRITE_REFUSED};
pub use clients::ClientRow;
pub use connections::{Connection, ConnectionKind, ConnectionStatus, ValidationFailure};
pub use contact_input::{ContactInput, SaidAccount};
pub use contacts::{ClientScope, StoredContact, Upserted};
pub use error::StoreError;
pub use flags::{FeatureFlag, FlagChanged};
pub use ledger::LedgerEntry;
pub use logins::PendingLogin;
pub use people::{ContactsAndLastSeen, FoundPerson};
pub use plans::{PageAsStored, StoredPage, StoredPageHead};
pub use queue::{Author, ReviewPlace};
pub use read_only::ReadOnly;
pub use renewals::{RenewalLease, RenewalTaken};
pub use reviews::{OpenReview, RejectedLine, Resolution, ReviewItem, ReviewStatus};
pub use runs::{PlanPart, PlanSource, ResultAsStored, Run, RunScope, Target, TenantRun, Turns};
pub use schedules::{LastSlot, StoredSchedule};
pub use seals::Seal;
pub use settings::{ClientOverrides, CompleteReadHours, Overrides, SyncSettings};
pub use spent::Place;
pub use table::{Store, client_at, client_over};
pub use tenant_states::{Feed, Ground, LEASE, Lease, LeaseRefused, Progress, Settled, TenantState};
pub use tenants::{DiscoveryReport, ManagedTenant, TenantAccess};
