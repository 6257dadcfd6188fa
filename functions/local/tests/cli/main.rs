//! The built `entra-sync` command, as a person, a script and a power failure meet it.
//!
//! What is held here: exit codes, stable codes, the JSON documents, what goes to which channel, and
//! what is in the data folder afterwards. How tables look is not.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod advice;
mod bench;
mod cipp;
mod demo;
mod doctor;
mod documents;
mod duplicates;
mod explain;
mod flags;
mod folder;
mod gates;
mod http;
mod kills;
mod links;
mod microsoft;
mod plans;
mod preview;
mod refused_documents;
mod review;
mod schedule;
mod secrecy;
mod serve;
mod server;
mod sign_in;
mod table;
mod tool;
mod undo;
mod unsaved;
mod verify;
mod world;
