//! The review queue over a real table: what is asked is asked by the real planner, and what was decided
//! is held against the next sync.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod all;
mod answers;
mod guards;
mod kills;
mod lists;
mod sync;
mod world;
