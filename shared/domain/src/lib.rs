//! The rules: who is in scope, who matches whom, which fields may be written, and the plan that
//! follows. No I/O, no async, no clock, no randomness; the same input gives the same bytes.

pub mod consent;
pub mod contact;
pub mod domain_name;
pub mod duplicates;
pub mod email;
pub mod explain;
pub mod facts;
pub mod fields;
pub mod flags;
pub mod forecast;
pub mod ids;
pub mod invariants;
pub mod inventory;
pub mod ledger;
pub mod mandate;
pub mod mapping;
pub mod plan;
pub mod planner;
pub mod policy;
pub mod premise;
pub mod review;
pub mod run;
pub mod schedule;
pub mod scope;
pub mod text;
pub mod undo;
pub mod user;
