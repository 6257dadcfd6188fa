//! Explaining one person.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "directory_slow",
        area: Area::Explain,
        cause: "Microsoft took too long to answer.",
        effect: "Nothing was decided, and contacts stay as they are.",
        next: "Ask again in a minute.",
    },
    Entry {
        code: "not_mapped",
        area: Area::Explain,
        cause: "The tenant is mapped to no client, so nobody of it is synced.",
        effect: "Contacts stay as they are.",
        next: "Map the tenant to a client, then ask again.",
    },
    Entry {
        code: "unknown_person",
        area: Area::Explain,
        cause: "Microsoft has no such user in this tenant, and nobody with that name or address is linked.",
        effect: "Contacts stay as they are.",
        next: "Look for the person by the object id or the sign-in name. In a large tenant an address \
               that nobody signs in with is found only for people who are linked.",
    },
    Entry {
        code: "unknown_tenant",
        area: Area::Explain,
        cause: "There is no tenant with this id in this workspace.",
        effect: "Contacts stay as they are.",
        next: "Take an id from the list of tenants; discover first if it is new.",
    },
];
