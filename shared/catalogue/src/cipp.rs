//! Connecting and reading through CIPP.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "cipp_address_refused",
        area: Area::Cipp,
        cause: "The address of the CIPP API leads to this service's own network, or is not one that \
                credentials may be sent to.",
        effect: "Nothing was sent; contacts stay as they are.",
        next: "Enter the public https address of the function app behind your CIPP, without a path.",
    },
    Entry {
        code: "cipp_answer_incomplete",
        area: Area::Cipp,
        cause: "CIPP answered without saying who is there: it has nothing yet, or queued the question.",
        effect: "That is not taken for nobody; contacts stay as they are.",
        next: "Nothing, unless it persists: then look at this customer in CIPP.",
    },
    Entry {
        code: "cipp_answer_unreadable",
        area: Area::Cipp,
        cause: "An answer of CIPP could not be read.",
        effect: "Contacts stay as they are.",
        next: "Update CIPP. If it persists, report it to the product's support with the diagnostics.",
    },
    Entry {
        code: "cipp_busy",
        area: Area::Cipp,
        cause: "CIPP asked to slow down.",
        effect: "The read goes on later, or the run gives up on the tenant after several tries. What was \
                 applied before stays.",
        next: "Nothing as long as it is continued automatically. If the tenant has failed, run the sync \
               again later.",
    },
    Entry {
        code: "cipp_forbidden",
        area: Area::Cipp,
        cause: "CIPP knows the API client but does not let it read.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "In CIPP give the API client a role that may read (`readonly` is enough), and check its \
               list of allowed addresses.",
    },
    Entry {
        code: "cipp_mismatch",
        area: Area::Cipp,
        cause: "The stored credential is for another CIPP deployment than the connection: connecting another one was \
                cut off between storing its credential and the connection.",
        effect: "Nothing is read with it, and contacts stay as they are.",
        next: "Connect again to the deployment that is meant.",
    },
    Entry {
        code: "cipp_read_failed",
        area: Area::Cipp,
        cause: "CIPP could not read this customer and said so.",
        effect: "The customer's contacts stay as they are; other customers are synced.",
        next: "Run CIPP's access check for this tenant and repair what it names, then sync again.",
    },
    Entry {
        code: "cipp_tenant_forbidden",
        area: Area::Cipp,
        cause: "CIPP does not let the API client read this customer.",
        effect: "The customer's contacts stay as they are; other customers are synced.",
        next: "In CIPP check the role of the API client and the tenants it is limited to.",
    },
    Entry {
        code: "cipp_tenant_not_listed",
        area: Area::Cipp,
        cause: "CIPP does not list this customer any more: it is excluded there, the API client may not see it, or the \
                relationship has ended.",
        effect: "Its contacts stay as they are and are no longer updated.",
        next: "In CIPP check that the tenant is not excluded and that the API client's role is not limited to other \
               tenants, and in Partner Center that the relationship goes on; then discover again.",
    },
    Entry {
        code: "cipp_tenants_not_listed",
        area: Area::Cipp,
        cause: "CIPP could not list your customers and said so.",
        effect: "Nothing was changed: tenants, mappings and contacts stay as they are.",
        next: "Run the permissions check in CIPP's settings and repair what it names.",
    },
    Entry {
        code: "cipp_token_expired",
        area: Area::Cipp,
        cause: "The token that was entered for CIPP has expired, as such tokens do after about an hour.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Connect with the id and the secret of an API client, which renew themselves, or enter a \
               new token.",
    },
    Entry {
        code: "cipp_token_refused",
        area: Area::Cipp,
        cause: "CIPP does not accept the token.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Check that the API client is enabled and saved to Azure in CIPP's API settings, then \
               connect again.",
    },
    Entry {
        code: "cipp_unavailable",
        area: Area::Cipp,
        cause: "CIPP did not answer in time or is not available.",
        effect: "Contacts stay as they are.",
        next: "Nothing, unless it persists: then look at the function app of your CIPP in Azure.",
    },
    Entry {
        code: "cipp_wrong_address",
        area: Area::Cipp,
        cause: "There is no CIPP API at the address: it answers with a web page, a redirect or without \
                the functions of CIPP.",
        effect: "Contacts stay as they are.",
        next: "Enter the address of the function app (the API address in CIPP's settings), not that of \
               CIPP's web page.",
    },
    Entry {
        code: "invalid_api_token",
        area: Area::Cipp,
        cause: "The token for CIPP holds characters that no token has.",
        effect: "Nothing was stored: a connection that was there before stays in force, and contacts stay \
                 as they are.",
        next: "Copy the token again, or use an API client.",
    },
    Entry {
        code: "invalid_base_url",
        area: Area::Cipp,
        cause: "The address of the CIPP API is not accepted; the text says why.",
        effect: "Nothing was stored: a connection that was there before stays in force, and contacts stay \
                 as they are.",
        next: "Enter the public https address of the function app behind your CIPP, such as \
               `https://cippabcde.azurewebsites.net`, without a path or a port.",
    },
    Entry {
        code: "invalid_client_secret_expires_at",
        area: Area::Cipp,
        cause: "The end of the client secret is not a date.",
        effect: "Nothing was stored: a connection that was there before stays in force, and contacts stay \
                 as they are.",
        next: "Send a day such as `2027-03-01`, or leave it out.",
    },
    Entry {
        code: "invalid_tenant_id",
        area: Area::Cipp,
        cause: "The tenant of the API client is not a tenant id.",
        effect: "Nothing was stored: a connection that was there before stays in force, and contacts stay \
                 as they are.",
        next: "Send the id (a GUID) of your own tenant, in which CIPP registered the API client.",
    },
    Entry {
        code: "mixed_credentials",
        area: Area::Cipp,
        cause: "The credential for CIPP is incomplete, or there are two. An API client needs its tenant, \
                its id and its secret, and no token beside them.",
        effect: "Nothing was stored: a connection that was there before stays in force, and contacts stay \
                 as they are.",
        next: "Send `tenantId`, `clientId` and `clientSecret` of an API client made in CIPP's API \
               settings; or `apiToken` alone, which ends after about an hour.",
    },
    Entry {
        code: "not_restored",
        area: Area::Cipp,
        cause: "The connection through CIPP could not be stored, and neither could the credential of the \
                connection before be put back.",
        effect: "Customers may be unreadable until you connect again; contacts stay as they are.",
        next: "Mend the secret store as the text says, then connect again.",
    },
    Entry {
        code: "overtaken",
        area: Area::Cipp,
        cause: "Somebody else connected this workspace at the same time.",
        effect: "Nothing was stored: a connection that was there before stays in force, and contacts stay \
                 as they are.",
        next: "Look at the connection's status (`GET /api/integrations/entra`); connect again only if it \
               is not the one you want.",
    },
];
