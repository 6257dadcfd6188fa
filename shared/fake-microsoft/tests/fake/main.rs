//! What the fake promises to those who test against it.

mod contract;
mod faults;
mod graph;
mod login;
mod support;
mod world;
