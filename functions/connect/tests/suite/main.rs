//! Connecting through the routes, on the embedded table, secrets in memory and the fake Microsoft.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod addresses;
mod ahead;
mod attacks;
mod bench;
mod cipp;
mod doctor;
mod doctor_faults;
mod everything;
mod failures;
mod flow;
mod keeping;
mod met_codes;
mod outlook;
mod processes;
mod renewing;
mod surroundings;
