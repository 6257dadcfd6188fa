//! The secret store.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "secret_conflict",
        area: Area::Secrets,
        cause: "Another process changed the secrets after they were read.",
        effect: "Nothing was overwritten and no contact was touched.",
        next: "Try again.",
    },
    Entry {
        code: "secret_malformed",
        area: Area::Secrets,
        cause: "What is kept in the secret store cannot be understood.",
        effect: "The connection cannot be used. No contact was touched.",
        next: "Connect again in the settings, or correct the stored JSON object.",
    },
    Entry {
        code: "secret_shadowed",
        area: Area::Secrets,
        cause: "Another provider supplies the same secrets and hides what is written.",
        effect: "No contact was touched.",
        next: "Remove the secrets from the place that hides them, or move it behind the write provider in \
               `SECRET_READ_CHAIN`.",
    },
    Entry {
        code: "secret_store_read_only",
        area: Area::Secrets,
        cause: "Secrets cannot be written to the provider that is configured for writing.",
        effect: "Nothing was saved and no contact was touched.",
        next: "Set `SECRET_WRITE_PROVIDER` to `secretsmanager`, `filesystem` or `vault`.",
    },
    Entry {
        code: "secret_store_unavailable",
        area: Area::Secrets,
        cause: "The secret store did not give or take the secrets.",
        effect: "No contact was touched.",
        next: "Check that the secret store is reachable and that this installation may use it, then try \
               again.",
    },
];
