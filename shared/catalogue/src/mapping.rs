//! Mapping tenants to clients.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "client_portal_not_supported",
        area: Area::Mapping,
        cause: "The request sets up client portal users, which this service does not do.",
        effect: "Nothing was saved, and no contact changes.",
        next: "Leave the client portal settings out, or send them as the preview shows them.",
    },
    Entry {
        code: "conflicting_clients",
        area: Area::Mapping,
        cause: "The request names two clients for one tenant.",
        effect: "Nothing was saved, and no contact changes.",
        next: "Correct that decision and send the request again.",
    },
    Entry {
        code: "invalid_confidence_score",
        area: Area::Mapping,
        cause: "The confidence score of a decision is not a number between 0 and 1.",
        effect: "Nothing was saved, and no contact changes.",
        next: "Correct that decision and send the request again.",
    },
    Entry {
        code: "mapped_without_client",
        area: Area::Mapping,
        cause: "A decision says that a tenant is mapped and names no client.",
        effect: "Nothing was saved, and no contact changes.",
        next: "Name the client and send the request again.",
    },
    Entry {
        code: "mapping_changed",
        area: Area::Mapping,
        cause: "The decision about the tenant is not the one that was expected: somebody else decided in \
                the meantime, or the tenant was mapped to another client, or to none, while a run was \
                going on or a question was open.",
        effect: "The decision of the others holds. A run applies no more of the tenant, and what it \
                 applied before stays at the client the tenant was mapped to; an answer to a question \
                 changes nothing.",
        next: "Reload the mapping table, look at the decision, and decide again if yours should replace \
               it. Then run the sync again: it follows the present mapping, and asks a question anew if \
               it still is one.",
    },
    Entry {
        code: "too_many_mappings",
        area: Area::Mapping,
        cause: "The request holds more decisions than one request may.",
        effect: "Nothing was saved, and no contact changes.",
        next: "Send at most 5,000 decisions at once.",
    },
    Entry {
        code: "unknown_client",
        area: Area::Mapping,
        cause: "The client does not exist in this workspace.",
        effect: "Nothing was saved or exported; of an import only this row was left out. Contacts stay as \
                 they are.",
        next: "Choose from the list of clients (`entra-sync export clients`), or import the client first.",
    },
    Entry {
        code: "unknown_managed_tenant",
        area: Area::Mapping,
        cause: "The tenant is not among the discovered ones.",
        effect: "Nothing was saved for it, and no contact changes.",
        next: "Run the discovery, reload the mapping table and choose again.",
    },
    Entry {
        code: "unknown_mapping_state",
        area: Area::Mapping,
        cause: "The mapping state of a decision is none that there is.",
        effect: "Nothing was saved, and no contact changes.",
        next: "Send `mapped`, `create_new`, `needs_review`, `skip_for_now` or `unmapped`.",
    },
];
