//! Whatever reads bytes that somebody else has written, fed with what nobody would write on purpose: any
//! bytes, any JSON, and a valid document spoiled in every place (`tests::spoil`).
//!
//! Nothing may panic, every answer is a result with a name, a bad record spoils nothing but itself, and no
//! change to a document makes it say something else than it said or nothing.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

mod callbacks;
mod cipp;
mod graph;
mod login;
mod parsers;
mod psa;
mod readers;
mod requests;
mod secret_documents;
mod trees;
mod vault;
