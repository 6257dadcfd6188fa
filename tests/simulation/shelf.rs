//! What was read of the table and nobody has written since.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use domain::{
    contact::{Contact, Link, Owner},
    email::EmailAddress,
};

use crate::audit::Kept;

/// Parts of the table, by the id that stands in their partition keys.
#[derive(Default)]
pub(crate) struct Shelf {
    /// By client.
    pub(crate) contacts: BTreeMap<String, Vec<Contact>>,
    /// By Entra tenant.
    pub(crate) links: BTreeMap<String, Vec<Link>>,
    /// Of the addresses that were asked for.
    pub(crate) owners: Option<(BTreeSet<EmailAddress>, BTreeMap<EmailAddress, Owner>)>,
    /// By run.
    pub(crate) plans: BTreeMap<String, Rc<Vec<Kept>>>,
}

impl Shelf {
    /// Forgets what stands in these partitions.
    pub(crate) fn forget(&mut self, touched: BTreeSet<String>) {
        for partition in touched {
            let mut parts = partition.split('#').skip(1);
            match (parts.next(), parts.next()) {
                (Some("CONTACT"), Some(client)) => drop(self.contacts.remove(client)),
                (Some("PEOPLE"), Some(tenant)) => drop(self.links.remove(tenant)),
                (Some("EMAIL"), _) => self.owners = None,
                (Some("PLAN" | "RUN"), Some(run)) => drop(self.plans.remove(run)),
                _ => {}
            }
        }
    }
}
