//! Runs over HTTP: accepted, refused, watched and cancelled, over a table in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod decisions;
mod house;
mod lines;
mod plans;
mod preflight;
mod runs;
mod schedule;
mod start;
mod timeline;
mod undo;
mod verifying;
