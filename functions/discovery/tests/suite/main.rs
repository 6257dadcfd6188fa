//! Discovery over a table in memory and the fake Microsoft on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod cipp;
mod discovering;
mod house;
mod listings;
#[path = "../../../tenant-sync/tests/suite/microsoft.rs"]
mod microsoft;
mod routes;
