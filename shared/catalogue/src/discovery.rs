//! Discovering tenants.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "customer_rows_unreadable",
        area: Area::Discovery,
        cause: "Some rows of the list of customers could not be read, so it is not known whom they are about.",
        effect: "The other customers were taken in. No customer counts as gone because of this list, and contacts \
                 stay as they are.",
        next: "Discover again. If it stays, look in Partner Center, or in CIPP's list of tenants, for a customer \
               without a tenant id.",
    },
    Entry {
        code: "discovery_failed",
        area: Area::Discovery,
        cause: "The last discovery did not come to its end. The details name the code of its cause under \
                `cause`, and so does the command line.",
        effect: "Tenants, mappings and contacts stay as they are.",
        next: "Do what the text names, then discover again: `POST /api/integrations/entra/discovery` or \
               `entra-sync discover`.",
    },
    Entry {
        code: "not_discovered",
        area: Area::Discovery,
        cause: "No tenants have been discovered yet.",
        effect: "Contacts stay as they are.",
        next: "Start a discovery: `POST /api/integrations/entra/discovery`.",
    },
    Entry {
        code: "nothing_listed",
        area: Area::Discovery,
        cause: "Microsoft lists no customer at all, although there were some before.",
        effect: "Nothing was changed: tenants, mappings and contacts stay as they are.",
        next: "Check in Partner Center that the relationships are active and that the account used to \
               connect may see them, then discover again.",
    },
    Entry {
        code: "relationship_ended",
        area: Area::Discovery,
        cause: "The delegated administration relationship with this customer has ended, or the customer \
                is not listed any more.",
        effect: "Its contacts stay as they are and are no longer updated.",
        next: "Ask the customer to approve a new relationship, then discover again.",
    },
];
