//! Runs over HTTP: accepted, refused, watched and cancelled, over a table in memory.

mod house;
mod plans;
mod preflight;
mod runs;
mod start;
