//! Who may call the routes.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "enterprise_only",
        area: Area::Access,
        cause: "Contact sync from Microsoft Entra belongs to the enterprise edition, and this service or \
                the caller's PSA runs another one.",
        effect: "No contact was read or changed.",
        next: "Use the enterprise edition of the PSA, and set `EDITION=ee` where this service is deployed.",
    },
    Entry {
        code: "feature_disabled",
        area: Area::Access,
        cause: "This part of contact sync is disabled for the workspace; the details name its feature flag.",
        effect: "Nothing was read or changed, and contacts stay as they are.",
        next: "Ask whoever administers the platform's feature flags to switch that flag on for the \
               workspace; on a machine of your own `entra-sync flags on` does it.",
    },
    Entry {
        code: "integration_disabled",
        area: Area::Access,
        cause: "Contact sync from Microsoft Entra is disabled for the workspace. A run, a discovery or a \
                sign-in may find this out on its way.",
        effect: "Nothing more is read or written. What was written before is kept, and a sign-in that had \
                 begun connects nothing.",
        next: "Have the flag `entra-integration-ui` switched on for the workspace, then start again; on a \
               machine of your own `entra-sync flags on` does it.",
    },
    Entry {
        code: "not_authenticated",
        area: Area::Access,
        cause: "Nobody is signed in, or the session has ended.",
        effect: "Nothing was read or changed, and contacts stay as they are.",
        next: "Sign in to the PSA again and repeat the request.",
    },
    Entry {
        code: "not_mandated",
        area: Area::Access,
        cause: "A run reached its tasks for which whoever began it was not granted the permission, or that was begun \
                before an update of this service noted who may do what. Requests refuse that themselves; the tasks \
                ask again.",
        effect: "From then on nobody was read and nothing was written.",
        next: "Start the run again as somebody with `system_settings.update`, or with the part of it that the run \
               needs.",
    },
    Entry {
        code: "permission_denied",
        area: Area::Access,
        cause: "The caller's role lacks the permission that the details name: `system_settings.read` to \
                look, `system_settings.update` to change, `client.create` to have clients created for \
                tenants. Parts of `system_settings.update` can be granted alone: `entra_sync.operate` to \
                discover, preview, sync and cancel, `entra_sync.approve` to apply, undo, allow, reject and \
                answer.",
        effect: "Nothing was saved. Contacts stay as they are.",
        next: "Ask an administrator of the PSA to grant the permission to the role, then sign in again. \
               Without `client.create`, map the tenants to clients that are there.",
    },
    Entry {
        code: "portal_user_denied",
        area: Area::Access,
        cause: "A user of the client portal called, and portal users cannot see or change contact sync.",
        effect: "Nothing was read or changed, and contacts stay as they are.",
        next: "Sign in with an account of the service provider's own staff.",
    },
    Entry {
        code: "sign_in_unavailable",
        area: Area::Access,
        cause: "The caller's sign-in could not be checked, because the PSA's keys cannot be had.",
        effect: "Nothing was read or changed, and contacts stay as they are.",
        next: "Repeat the request in a minute. If it fails again, check `AUTH_JWKS_URL` and that the PSA \
               is reachable.",
    },
];
