//! A fake of the Microsoft identity platform and of Microsoft Graph v1.0, for the demo and tests.
//!
//! A CIPP deployment of the same partner stands beside them, below `/api/`.
//!
//! It serves a [`World`] of customer tenants and their users, made from a seed and messy the way
//! real directories are. It is bound to Microsoft's public OpenAPI document, and strict: an unknown
//! route, parameter, property or scope is refused with Microsoft's error JSON, never ignored. What
//! goes wrong is scripted while it runs ([`Faults`]), what changes in the directories is an edit of
//! the [`World`], and [`World::psa_seed`] gives the clients and contacts an MSP would already have.
//!
//! This crate knows nothing of the client under test, keeps nothing on disk, and is no place for
//! secrets: whoever knows the seed can make its tokens. `$batch` is not served.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use std::sync::Arc;
//! use fake_microsoft::{Effect, Fake, Match, Route, World, WorldConfig};
//!
//! let world = World::generate(WorldConfig::sample(7, &[25, 0, 1_998]));
//! let fake = Fake::new(world, Arc::new(ambient::SystemClock));
//! let slow = Effect::Throttle { retry_after: Some("2.5".to_owned()) };
//! fake.faults().on(Match::route(Route::Users).nth(2), slow, 1);
//! let server = fake.serve(0).await?;
//! assert!(server.base_url().starts_with("http://127.0.0.1:"));
//! # Ok(())
//! # }
//! ```

mod aadsts;
mod answer;
mod cipp;
mod companies;
mod counts;
mod delta;
mod dice;
mod distortion;
mod edits;
mod fake;
mod faults;
mod graph;
mod graph_error;
mod group_listing;
mod groups;
mod listing;
mod login;
mod names;
mod parameters;
mod partner_rows;
mod people;
mod properties;
mod psa_seed;
mod query;
mod scopes;
mod seal;
mod secrets;
mod tenant;
mod token_endpoint;
mod tokens;
mod user;
mod world;

pub use cipp::{CIPP_CLIENT_ID, CIPP_CLIENT_SECRET};
pub use counts::{RequestCounts, RouteCount};
pub use fake::{Fake, FakeServer, SignIn};
pub use faults::{
    BadRow, Calls, CippFault, Effect, FaultBody, FaultId, Faults, Match, Route, SyncStateLoss, TokenQuirk,
};
pub use graph::GRAPH_PATHS;
pub use groups::Group;
pub use people::UserKind;
pub use psa_seed::{ClientMatch, PsaClientSeed, PsaContactSeed};
pub use secrets::Kind;
pub use tenant::{
    DIRECTORY_READERS, GLOBAL_READER, Relationship, RelationshipStatus, Tenant, VerifiedDomain,
};
pub use tokens::{published_keys, signed};
pub use user::User;
pub use world::{Application, NotInWorld, Sizes, World, WorldConfig};
