//! The crate from outside: machines fed with composed answers, the documentation's samples, and
//! the whole loop against a small server on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod arbitrary;
mod changes;
mod cipp;
mod endless;
mod fake;
mod folding;
mod groups;
mod listing;
mod loopback;
mod samples;
mod server;
mod signing_keys;
mod tokens;
