//! Reading a directory.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "answer_too_large",
        area: Area::Reading,
        cause: "An answer was larger than any page can be, and was not read.",
        effect: "Contacts stay as they are.",
        next: "Report it to the product's support with the diagnostics.",
    },
    Entry {
        code: "answer_unexpected",
        area: Area::Reading,
        cause: "Microsoft answered with a status that cannot occur here.",
        effect: "Contacts stay as they are.",
        next: "Check for a proxy between the product and Microsoft; else report it with the diagnostics.",
    },
    Entry {
        code: "answer_unreadable",
        area: Area::Reading,
        cause: "An answer could not be read, several times over.",
        effect: "Contacts stay as they are.",
        next: "Check for a proxy between the product and Microsoft; else report it with the diagnostics.",
    },
    Entry {
        code: "changes_expired",
        area: Area::Reading,
        cause: "Microsoft forgot up to where changes were read, as it does after seven days.",
        effect: "It does not mean that anybody left: everybody is read again, and contacts stay as they \
                 are until then.",
        next: "Nothing: all users are read again. If the tenant has failed, run the sync again later.",
    },
    Entry {
        code: "connection_failed",
        area: Area::Reading,
        cause: "Microsoft could not be reached over the network.",
        effect: "Contacts stay as they are. What a run had applied before stays, and nobody becomes \
                 inactive because of it.",
        next: "It is tried again by itself. If it persists, check the outbound network.",
    },
    Entry {
        code: "cursor_unreadable",
        area: Area::Reading,
        cause: "The stored position in the listing could not be read.",
        effect: "Contacts stay as they are.",
        next: "Start the sync again. If it persists, report it to the product's support.",
    },
    Entry {
        code: "foreign_next_link",
        area: Area::Reading,
        cause: "The listing pointed to an address outside Microsoft Graph; it was not followed and no \
                token was sent.",
        effect: "Contacts stay as they are.",
        next: "Report it to the product's support with the diagnostics.",
    },
    Entry {
        code: "graph_busy",
        area: Area::Reading,
        cause: "Microsoft Graph asked to come back later.",
        effect: "The read goes on later, or the run gives up on the tenant after several tries. What was \
                 applied before stays, and nobody becomes inactive because of it.",
        next: "Nothing as long as it is continued automatically. If the tenant has failed, run the sync \
               again later.",
    },
    Entry {
        code: "graph_unavailable",
        area: Area::Reading,
        cause: "Microsoft Graph is not available.",
        effect: "Contacts stay as they are. What a run had applied before stays, and nobody becomes \
                 inactive because of it.",
        next: "It is tried again by itself. If it persists, look at Microsoft's service health.",
    },
    Entry {
        code: "listing_endless",
        area: Area::Reading,
        cause: "The listing had more pages than any directory has.",
        effect: "Contacts stay as they are.",
        next: "Report it to the product's support with the diagnostics.",
    },
    Entry {
        code: "login_throttled",
        area: Area::Reading,
        cause: "Microsoft's login service asked to slow down.",
        effect: "The read goes on later, or the run gives up on the tenant after several tries. What was \
                 applied before stays, and nobody becomes inactive because of it.",
        next: "Nothing as long as it is continued automatically. If the tenant has failed, run the sync \
               again later.",
    },
    Entry {
        code: "login_unavailable",
        area: Area::Reading,
        cause: "Microsoft's login service is not available.",
        effect: "Contacts stay as they are. What a run had applied before stays, and nobody becomes \
                 inactive because of it.",
        next: "It is tried again by itself. If it persists, look at Microsoft's service health.",
    },
    Entry {
        code: "next_link_loop",
        area: Area::Reading,
        cause: "The listing led back to a page already read.",
        effect: "Contacts stay as they are.",
        next: "Start the sync again. If it persists, report it to the product's support.",
    },
    Entry {
        code: "page_expired",
        area: Area::Reading,
        cause: "Microsoft forgot the position in the listing.",
        effect: "The read begins again; contacts stay as they are.",
        next: "Nothing: it is repeated from the first page. If the tenant has failed, run the sync again \
               later.",
    },
    Entry {
        code: "page_too_large",
        area: Area::Reading,
        cause: "Microsoft took too long to answer a page.",
        effect: "The read begins again with smaller pages; contacts stay as they are.",
        next: "Nothing: it is repeated from the first page. If the tenant has failed, run the sync again \
               later.",
    },
    Entry {
        code: "read_not_offered",
        area: Area::Reading,
        cause: "This kind of connection to Microsoft cannot answer what was asked.",
        effect: "Contacts stay as they are.",
        next: "Take what needs it out of the settings, or connect to Microsoft directly.",
    },
    Entry {
        code: "record_unreadable",
        area: Area::Reading,
        cause: "The record of the person could not be read.",
        effect: "The contact stays as it is.",
        next: "Look at the account in the Entra admin center. If it looks right, report it to the \
               product's support.",
    },
    Entry {
        code: "request_rejected",
        area: Area::Reading,
        cause: "Microsoft Graph does not accept the request.",
        effect: "Contacts stay as they are.",
        next: "Report it to the product's support with the diagnostics.",
    },
    Entry {
        code: "resource_unknown",
        area: Area::Reading,
        cause: "Microsoft Graph does not know what was asked for.",
        effect: "Contacts stay as they are.",
        next: "Report it to the product's support with the diagnostics.",
    },
    Entry {
        code: "throttled",
        area: Area::Reading,
        cause: "Microsoft Graph asked to slow down.",
        effect: "The read goes on later, or the run gives up on the tenant after several tries. What was \
                 applied before stays, and nobody becomes inactive because of it.",
        next: "Nothing as long as it is continued automatically. If the tenant has failed, run the sync \
               again later.",
    },
    Entry {
        code: "token_request_rejected",
        area: Area::Reading,
        cause: "Microsoft's login service does not accept the request.",
        effect: "Contacts stay as they are.",
        next: "Report it to the product's support with the diagnostics.",
    },
];
