//! Making and changing feature flags.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "filters_too_large",
        area: Area::Flags,
        cause: "The filters of the flag have more than 300,000 bytes, which about 7,500 workspaces take up.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Let a group without properties take everybody in instead.",
    },
    Entry {
        code: "flag_contended",
        area: Area::Flags,
        cause: "Others kept changing this flag at the same time.",
        effect: "This change was not made. Contacts stay as they are.",
        next: "Send it again.",
    },
    Entry {
        code: "flags_not_configured",
        area: Area::Flags,
        cause: "No workspace decides about feature flags, because none is configured.",
        effect: "Nothing was read or changed, and contacts stay as they are.",
        next: "Set `MASTER_BILLING_TENANT_ID` where this service is deployed.",
    },
    Entry {
        code: "invalid_action",
        area: Area::Flags,
        cause: "The field `__action` names nothing that can be done here.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Send `ensure_entra_phase1_flags` or leave it out where flags are made; send `add` or \
               `remove` where a flag is switched for a workspace.",
    },
    Entry {
        code: "invalid_active",
        area: Area::Flags,
        cause: "The field `active` of the flag is neither `true` nor `false`.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Send `true` or `false`.",
    },
    Entry {
        code: "invalid_filters",
        area: Area::Flags,
        cause: "The field `filters` of the flag is not an object whose `groups` are a list of objects.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Send such an object; `GET /api/v1/platform-feature-flags` shows those of the flags that \
               are there.",
    },
    Entry {
        code: "invalid_key",
        area: Area::Flags,
        cause: "The field `key` of the flag cannot be used.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Send a text of at most 200 letters, digits, `-`, `_` and `.`, which is no UUID.",
    },
    Entry {
        code: "invalid_name",
        area: Area::Flags,
        cause: "The field `name` of the flag is not a text, or is too long.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Send a text of at most 400 characters.",
    },
    Entry {
        code: "invalid_tags",
        area: Area::Flags,
        cause: "The field `tags` of the flag is not a list of texts, or is too long.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Send a list of at most 50 texts.",
    },
    Entry {
        code: "invalid_tenant",
        area: Area::Flags,
        cause: "The field `tenantId` is not the id of a workspace.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Send the UUID of the workspace in the PSA.",
    },
    Entry {
        code: "key_missing",
        area: Area::Flags,
        cause: "A flag needs a `key`, and it is missing.",
        effect: "No flag was made, and contacts stay as they are.",
        next: "Send the key the flag is asked for by.",
    },
    Entry {
        code: "key_taken",
        area: Area::Flags,
        cause: "Another flag has this key.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Choose another key, or change the flag that has it.",
    },
    Entry {
        code: "master_workspace_only",
        area: Area::Flags,
        cause: "Only the master workspace decides about feature flags, and somebody else called.",
        effect: "Nothing was read or changed, and contacts stay as they are.",
        next: "Send a key of the master workspace in the header `x-api-key`, or sign in there.",
    },
    Entry {
        code: "unknown_flag",
        area: Area::Flags,
        cause: "There is no flag with this id or key.",
        effect: "No flag was changed, and contacts stay as they are.",
        next: "Take an id or a key from `GET /api/v1/platform-feature-flags`, or from `entra-sync flags \
               list`.",
    },
];
