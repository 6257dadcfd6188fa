//! Signing in at Microsoft.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "access_denied",
        area: Area::SignIn,
        cause: "Microsoft gave no code, because consent was declined or needs an administrator.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Connect again and accept the requested permissions, or ask a Global Administrator of your \
               tenant to do so.",
    },
    Entry {
        code: "auth_rejected",
        area: Area::SignIn,
        cause: "Microsoft or CIPP does not accept the credential of the connection, new or stored; the \
                text says why.",
        effect: "A new connection was not stored, and one that was there before stays in force. Contacts \
                 stay as they are.",
        next: "Do what the text names, such as a new client secret or another account, then connect again.",
    },
    Entry {
        code: "callback_error",
        area: Area::SignIn,
        cause: "The new connection could not be stored, or somebody else connected the workspace at the \
                same time.",
        effect: "Contacts stay as they are. A connection that was there before stays in force, unless the \
                 text says that its sign-in could not be put back.",
        next: "Look at the connection's status (`GET /api/integrations/entra`) and connect again if it is \
               not the one you want.",
    },
    Entry {
        code: "expired_state",
        area: Area::SignIn,
        cause: "The sign-in took longer than ten minutes, or nobody came back from Microsoft in that time.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Connect again: from the settings page, or with `entra-sync connect`.",
    },
    Entry {
        code: "interaction_required",
        area: Area::SignIn,
        cause: "Microsoft gave no code, because it wants something of the person who signs in.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Connect again and do what Microsoft asks.",
    },
    Entry {
        code: "invalid_id_token",
        area: Area::SignIn,
        cause: "Microsoft's statement about who signed in does not fit this sign-in, or a personal \
                Microsoft account signed in.",
        effect: "Nothing was stored: a connection that was there before stays in force, and contacts stay \
                 as they are.",
        next: "Connect again with a work account of your partner tenant.",
    },
    Entry {
        code: "invalid_request",
        area: Area::SignIn,
        cause: "The answer of the sign-in contradicts itself or is too long, or Microsoft calls the \
                request invalid.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Start connecting again from the settings page. If it happens again, report it to the \
               product's support.",
    },
    Entry {
        code: "invalid_resource",
        area: Area::SignIn,
        cause: "Microsoft gave no code, because the app registration asks for a service that your tenant \
                does not have.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Check the API permissions of the app registration and grant admin consent, then connect \
               again.",
    },
    Entry {
        code: "invalid_return_path",
        area: Area::SignIn,
        cause: "The field `returnPath` leads outside of the integration's settings page.",
        effect: "No sign-in was begun, and contacts stay as they are.",
        next: "Leave it out, or send `/msp/settings/integrations/entra` with or without a `tab` of that \
               page.",
    },
    Entry {
        code: "invalid_state",
        area: Area::SignIn,
        cause: "This sign-in is not known: it was used before or changed on the way.",
        effect: "Nothing was connected now; contacts stay as they are.",
        next: "Start connecting again from the settings page.",
    },
    Entry {
        code: "login_required",
        area: Area::SignIn,
        cause: "Microsoft gave no code, because nobody was signed in there.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Connect again and sign in.",
    },
    Entry {
        code: "missing_params",
        area: Area::SignIn,
        cause: "The answer of the sign-in is incomplete.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Start connecting again from the settings page.",
    },
    Entry {
        code: "partner_tenant_changed",
        area: Area::SignIn,
        cause: "The account or the credential belongs to another partner tenant than the one this \
                workspace was connected with.",
        effect: "Nothing was stored: a connection that was there before stays in force, and contacts stay \
                 as they are.",
        next: "Connect with an account or an API client of the former partner tenant. If another one is \
               meant, send `changePartner` or give `--change-partner`.",
    },
    Entry {
        code: "provider_error",
        area: Area::SignIn,
        cause: "Microsoft gave no code, for a reason it does not document.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Connect again.",
    },
    Entry {
        code: "server_error",
        area: Area::SignIn,
        cause: "Microsoft gave no code, because its login service failed.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Connect again later. If it persists, look at Microsoft's service health.",
    },
    Entry {
        code: "session_expired",
        area: Area::SignIn,
        cause: "The browser that came back from Microsoft has no sign-in under way: it was begun in another \
                browser, or more than ten minutes ago.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Begin and end the sign-in in the same browser, and let it keep cookies. If you did not begin \
               one, close the page.",
    },
    Entry {
        code: "session_mismatch",
        area: Area::SignIn,
        cause: "The sign-in was begun in another browser session.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Begin and end the sign-in in the same browser. If you did not begin one, close the page.",
    },
    Entry {
        code: "temporarily_unavailable",
        area: Area::SignIn,
        cause: "Microsoft gave no code, because its login service was not available.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Connect again later. If it persists, look at Microsoft's service health.",
    },
    Entry {
        code: "token_exchange_failed",
        area: Area::SignIn,
        cause: "Microsoft did not hand out tokens for the sign-in, or not the long-lived one; the text \
                says why.",
        effect: "Nothing was stored: a connection that was there before stays in force, and contacts stay \
                 as they are.",
        next: "Do what the text names and connect again. If the long-lived sign-in is missing, register \
               the redirect address as platform Web and allow `offline_access`.",
    },
    Entry {
        code: "unauthorized_client",
        area: Area::SignIn,
        cause: "Microsoft gave no code, because it does not know the application id in your tenant.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Check the application id. If the app registration was deleted, create it again and connect.",
    },
    Entry {
        code: "unsupported_response_type",
        area: Area::SignIn,
        cause: "Microsoft gave no code, because it does not accept the form of the request.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Report it to the product's support with the diagnostics.",
    },
    Entry {
        code: "validation_failed",
        area: Area::SignIn,
        cause: "The connection, new or stored, could not list your customers: Microsoft or CIPP could not \
                be reached, or did not answer as it should.",
        effect: "A new connection was not stored, and one that was there before stays in force. Contacts \
                 stay as they are.",
        next: "Do what the text names, then connect or validate again.",
    },
];
