//! What of a connection ends by itself.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "app_client_secret",
        area: Area::Forecast,
        cause: "The client secret of the app registration has an end, or nobody has told when it ends.",
        effect: "After it, no customer can be read; contacts stay as they are.",
        next: "Create a new client secret in the Entra admin center (App registrations, your app, \
               Certificates & secrets), store it with its day in place of the old one, validate the \
               connection, then delete the old one in Entra. If nobody has told the day, keep it beside \
               the secret, as `microsoft_client_secret_expires_at` or \
               `MICROSOFT_CLIENT_SECRET_EXPIRES_AT`.",
    },
    Entry {
        code: "cipp_client_secret",
        area: Area::Forecast,
        cause: "The secret of the API client for CIPP has an end, or nobody has told when it ends.",
        effect: "After it, no customer can be read; contacts stay as they are.",
        next: "Create a new secret for the API client (CIPP: Integrations, CIPP-API), connect to CIPP \
               again with it and its day (`clientSecretExpiresAt`), then delete the old one.",
    },
    Entry {
        code: "cipp_token",
        area: Area::Forecast,
        cause: "The token for CIPP that was entered has an end, mostly within the hour.",
        effect: "After it, no customer can be read; contacts stay as they are.",
        next: "Connect to CIPP with an API client instead: it makes its tokens itself. Or connect again \
               with a new token.",
    },
    Entry {
        code: "sign_in",
        area: Area::Forecast,
        cause: "The stored sign-in ends when it is not renewed for 90 days.",
        effect: "After its end, no customer can be read; contacts stay as they are.",
        next: "Nothing, as long as it is renewed: `entra-sync renew` does it, and on AWS a task that runs \
               daily. If it was not, look in the log why, or connect again.",
    },
    Entry {
        code: "tenant_access",
        area: Area::Forecast,
        cause: "The GDAP relationship with a customer has an end and does not extend itself.",
        effect: "After it, the people of this customer cannot be read; its contacts stay as they are.",
        next: "Extend the relationship in Partner Center (Customers, Admin relationships), or switch its \
               auto extend on. That is seen within a day, or when you discover again. If it has ended, ask the customer for a new one.",
    },
];
