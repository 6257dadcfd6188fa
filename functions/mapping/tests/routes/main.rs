//! The routes over the embedded engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod confirm;
mod lists;
mod race;
mod world;
