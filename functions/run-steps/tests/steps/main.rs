//! The small steps over a table in memory: each may be repeated, cut off, or done by two at once.

mod batches;
mod begin;
mod finish;
mod house;
