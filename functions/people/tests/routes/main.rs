//! The routes over the embedded engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod exports;
mod imports;
mod left_out;
mod round_trip;
mod world;
