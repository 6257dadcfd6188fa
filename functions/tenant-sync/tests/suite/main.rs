//! The sync as a whole: the functions over the real store code (its engine in memory), the real
//! directory code (against a fake Microsoft on loopback) and the deployed workflow definition.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod changes;
mod cipp;
mod customer;
mod differential;
mod dump;
mod explained;
mod failures;
mod feed;
mod gate;
mod house;
mod kill_sweep;
mod leases;
mod lessons;
mod microsoft;
mod mishaps;
mod one_person;
mod overtaken;
mod people;
mod preview_is_the_run;
mod readings;
mod refused;
mod relink;
mod run_limits;
mod scenes;
mod second_run;
mod since;
mod stories;
mod undone;
mod unreadable;
mod waiting;
