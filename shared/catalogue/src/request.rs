//! What a request may hold, whatever its route.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "body_too_large",
        area: Area::Request,
        cause: "The request body is larger than the route takes: 1 MB, or 10 MB for a document of clients \
                or contacts.",
        effect: "Nothing was imported or changed, and contacts stay as they are.",
        next: "Send fewer entries at once, or the document in several parts.",
    },
    Entry {
        code: "body_unreadable",
        area: Area::Request,
        cause: "The request body ended before it was complete.",
        effect: "Nothing was imported or changed, and contacts stay as they are.",
        next: "Send the request again.",
    },
    Entry {
        code: "invalid_body",
        area: Area::Request,
        cause: "The request body is JSON, but not what this route takes; the details name the field.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Correct that field; the OpenAPI document lists what the route takes.",
    },
    Entry {
        code: "invalid_cursor",
        area: Area::Request,
        cause: "The parameter `cursor` was not given out by this route.",
        effect: "Nothing was listed, and contacts stay as they are.",
        next: "Use `nextCursor` of the previous answer unchanged, or leave it out to begin at the first \
               page.",
    },
    Entry {
        code: "invalid_id",
        area: Area::Request,
        cause: "An id in the address, the query or the body of the request cannot be read.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Use the id as a list of this service gives it.",
    },
    Entry {
        code: "invalid_limit",
        area: Area::Request,
        cause: "The parameter `limit` is not a positive whole number.",
        effect: "Nothing was listed, and contacts stay as they are.",
        next: "Give a number from 1 to the most that the answer names, or leave it out.",
    },
    Entry {
        code: "invalid_query",
        area: Area::Request,
        cause: "The query parameters are not what this route takes, or one of them is given more than once.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Correct the parameter; the OpenAPI document lists what the route takes.",
    },
    Entry {
        code: "malformed_json",
        area: Area::Request,
        cause: "The request body is not JSON; the details name line and column. For one row of an import: \
                the row is not a JSON object.",
        effect: "Nothing was changed; of an import only this row was left out, and its contact stays as \
                 it is.",
        next: "Correct the body or the row at that place and send it again.",
    },
    Entry {
        code: "method_not_allowed",
        area: Area::Request,
        cause: "This address does not take that method.",
        effect: "Nothing was read or changed, and contacts stay as they are.",
        next: "Use one of the methods in the `Allow` header of the answer.",
    },
    Entry {
        code: "no_such_route",
        area: Area::Request,
        cause: "This service has no such address.",
        effect: "Nothing was read or changed, and contacts stay as they are.",
        next: "Compare the address with the OpenAPI document of this service.",
    },
    Entry {
        code: "person_missing",
        area: Area::Request,
        cause: "The request is about one person and does not say which, or not of which tenant. An \
                explanation needs `managedTenantId` and `person`; a timeline needs `managedTenantId` and \
                `entraObjectId`.",
        effect: "Nothing was read or changed, and contacts stay as they are.",
        next: "Take the ids from a line of a run. For an explanation the sign-in name or an address of \
               the person will do, too.",
    },
    Entry {
        code: "tenant_missing",
        area: Area::Request,
        cause: "It is not clear which tenant is meant: `managedTenantId` is missing, or the workspace's \
                `tenantId` where a feature flag is switched for one. `entra-sync explain` says so when \
                the person could belong to several tenants.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Send the id of the tenant, as a run or `GET /api/integrations/entra/mappings/preview` \
               shows it, or that of the workspace for a flag. On the command line say it with `--tenant`; \
               `entra-sync map` lists the tenants.",
    },
    Entry {
        code: "unsupported_media_type",
        area: Area::Request,
        cause: "The request does not say that its body is of a kind this route takes.",
        effect: "Nothing was imported or changed, and contacts stay as they are.",
        next: "Send the header `content-type` with `application/json`; for an import with \
               `application/x-ndjson`, `application/json` or `text/csv`.",
    },
];
