//! Sentences that hold whatever happens, as plain predicates over values.
//!
//! A simulation asks them after every step, a test about its own story, and a debug assertion about
//! the two values it has at hand. They decide nothing and repair nothing: each says that its sentence
//! holds, or names the first thing that breaks it. Names are ids, so that what they say can be logged.

mod counters;
mod people;
mod plans;
mod stored;
#[cfg(test)]
mod tests;
mod undo;
mod writes;

use std::collections::BTreeMap;

pub use counters::{counters_add_up, counters_are_consistent, counters_count_lines};
pub use people::{
    addresses_are_owned, links_are_single, links_lead_to_contacts, nothing_is_deleted,
    owners_show_their_addresses, people_are_unchanged,
};
pub use plans::{
    a_plan_stays_at_its_client, changes_follow_rules, plans_are_equal, protected_is_in_no_plan,
    vanished_lines_close_a_complete_read,
};
pub use stored::{Rejected, applied_is_planned, rejected_is_remembered, stale_for_a_reason};
pub use undo::{TakenBack, undo_restores};
pub use writes::{
    applied_lines_are_written, inactive_only_by_a_line, only_enabled_fields_change, only_ours_become_active,
    other_clients_are_untouched, writes_follow_lines,
};

use crate::{
    contact::{Contact, Link, Owner},
    email::EmailAddress,
    ids::{ClientId, ContactId, EntraTenantId},
    plan::Line,
};

/// Everything stored about people at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct People {
    /// Every contact of every client.
    pub contacts: BTreeMap<ContactId, Contact>,
    /// Every link of every tenant.
    pub links: Vec<Link>,
    /// Who owns each address.
    pub owners: BTreeMap<EmailAddress, Owner>,
}

/// A line of a stored plan, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    /// The directory the plan is for.
    pub tenant: EntraTenantId,
    /// The client the directory was mapped to.
    pub client: ClientId,
    /// Whether its page closes a read that came to its end.
    pub closes_read: bool,
    /// The line.
    pub line: &'a Line,
}

/// A sentence that does not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{sentence}, but {found}")]
pub struct Broken {
    /// What ought to hold.
    pub sentence: &'static str,
    /// The first thing found that breaks it.
    pub found: String,
}

/// Every one of `cases` holds, or the sentence is broken by what the first other one says.
fn holds(sentence: &'static str, mut cases: impl Iterator<Item = Option<String>>) -> Result<(), Broken> {
    match cases.find_map(|case| case) {
        None => Ok(()),
        Some(found) => Err(Broken { sentence, found }),
    }
}
