//! The small steps over a table in memory: each may be repeated, cut off, or done by two at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod batches;
mod begin;
mod finish;
mod house;
