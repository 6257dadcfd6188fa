//! Start-up, the same for every binary: settings, telemetry, one HTTP client, AWS, secrets, and
//! the Lambda service in front of it all.
//!
//! A function's `main.rs` is one sentence:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     runtime::main(async {
//!         let _foundation = runtime::start().await?;
//!         runtime::lambda::run_http(axum::Router::new()).await
//!     })
//! }
//! ```
//!
//! This crate knows no use case, no table and no directory. It is the only place that reads the
//! process' environment ([`settings`]) and the only one that builds an HTTP client ([`http`]).

pub mod aws;
mod foundation;
pub mod http;
pub mod lambda;
pub mod settings;
pub mod telemetry;

pub use foundation::{Foundation, StartError, main, secret_chain, start};
pub use settings::Settings;
