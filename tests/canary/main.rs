//! Every secret the product touches, looked for in everything that leaves it: logs at the most verbose
//! level, answers with their headers, the table, the state machines' inputs, outputs and events,
//! exports, files, and errors. Only the secret chain may hold one.
//!
//! The invented Microsoft notes every secret that was sent in either direction; the suite adds those of
//! the PSA and of the browser. What is by contract outside is named in `Outlet::answer`, and nowhere else.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

mod crashes;
mod faults;
mod keepers;
mod needles;
mod outlet;
mod planted;
mod recorder;
#[expect(dead_code, reason = "the matrix of callers uses the rest of it")]
#[path = "../matrix/routes.rs"]
mod routes;
mod tour;
mod walk;
mod world;

/// The client of a fake that is shared with the suite of the secrets.
fn client() -> reqwest::Client {
    runtime::http::client(runtime::http::Limits::default()).unwrap()
}
