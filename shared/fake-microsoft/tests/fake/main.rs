//! What the fake promises to those who test against it.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod cipp;
mod contract;
mod delta;
mod faults;
mod graph;
mod groups;
mod login;
mod support;
mod world;
