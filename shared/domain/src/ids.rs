//! Identifiers as kinds: a client's id cannot be passed where a contact's is expected.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The namespace below which every derived identifier of this product is made (UUID version 5,
/// RFC 9562 §5.5). Changing it would make every derived id new: it never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1f_4d0e_52f3_4a58_9d5e_1c6c_70a9_e1f4);

/// Text that is not an identifier of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} (a UUID such as 5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d is expected)")]
pub struct InvalidId {
    kind: &'static str,
    text: String,
}

/// A UUIDv5 of `parts` under our namespace; the parts are kept apart by a byte that no part holds.
pub(crate) fn derive(parts: &[&[u8]]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, &parts.join(&0x1f))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an identifier that is already known to be of this kind.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The identifier itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let text = text.trim();
                // Only the hyphenated form: a braced or bare one would not survive a round trip.
                match Uuid::try_parse(text) {
                    Ok(uuid) if text.len() == 36 => Ok(Self(uuid)),
                    _ => Err(InvalidId {
                        kind: $kind,
                        text: text.chars().take(64).collect(),
                    }),
                }
            }
        }
    };
}

id!(
    /// The MSP's own tenant in the PSA (`tenantId` in the PSA's JSON).
    WorkspaceId,
    "workspace id"
);
id!(
    /// A person who works in the PSA.
    UserId,
    "user id"
);
id!(
    /// A customer company of the MSP.
    ClientId,
    "client id"
);
id!(
    /// A person at a client (`contact_name_id` in the PSA).
    ContactId,
    "contact id"
);
id!(
    /// Our id of a discovered customer tenant.
    ManagedTenantId,
    "managed tenant id"
);
id!(
    /// Microsoft's id of a tenant.
    EntraTenantId,
    "Entra tenant id"
);
id!(
    /// Microsoft's id of a user, unique within its tenant and never reused.
    EntraObjectId,
    "Entra object id"
);
id!(
    /// A feature flag of the platform.
    FlagId,
    "flag id"
);
id!(
    /// Microsoft's id of a group, unique within its tenant and never reused.
    GroupId,
    "group id"
);
id!(
    /// One sync of a scope. Sorts by the time it was started (UUID version 7).
    RunId,
    "run id"
);
id!(
    /// One connection of a workspace to Microsoft or to CIPP.
    ConnectionId,
    "connection id"
);
id!(
    /// One decision about a managed tenant.
    MappingId,
    "mapping id"
);
id!(
    /// One line of a plan: the same line planned again has the same id.
    LineId,
    "line id"
);
id!(
    /// One ambiguous person waiting for a human.
    ReviewItemId,
    "review item id"
);

impl ManagedTenantId {
    /// The id of `tenant` in `workspace`; discovering a tenant again finds the same one.
    pub fn derived(workspace: WorkspaceId, tenant: EntraTenantId) -> Self {
        Self(derive(&[b"managed-tenant", workspace.0.as_bytes(), tenant.0.as_bytes()]))
    }
}

impl ClientId {
    /// The id of the client that is created for `tenant`, however often that is tried.
    pub fn derived(workspace: WorkspaceId, tenant: ManagedTenantId) -> Self {
        Self(derive(&[b"client", workspace.0.as_bytes(), tenant.0.as_bytes()]))
    }
}

impl RunId {
    /// The id of the run that is started for a slot of the schedule; it stands in its time among those of other
    /// runs.
    pub fn of_slot(workspace: WorkspaceId, slot: Timestamp) -> Self {
        let seconds = slot.as_second().to_be_bytes();
        let hash = derive(&[b"scheduled-run", workspace.0.as_bytes(), &seconds]);
        let rest = std::array::from_fn(|position| hash.as_bytes()[position]);
        let milliseconds = u64::try_from(slot.as_millisecond()).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &rest).into_uuid())
    }
}

impl MappingId {
    /// The id of the decision that carries out `before`.
    pub fn following(before: Self) -> Self {
        Self(derive(&[b"mapping", before.0.as_bytes()]))
    }
}

impl ReviewItemId {
    /// The id of the review item of one identity; a second review of it is the same item.
    pub fn derived(workspace: WorkspaceId, identity: Identity) -> Self {
        Self(derive(&[
            b"review-item",
            workspace.0.as_bytes(),
            identity.tenant.0.as_bytes(),
            identity.object.0.as_bytes(),
        ]))
    }
}

/// The only durable key of a person in a directory: (tenant, object).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The tenant the object lives in.
    pub tenant: EntraTenantId,
    /// The object.
    pub object: EntraObjectId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        for text in ["", "x", "{5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d}", "5e61cc550b1f4c3a9d2e7f1e2a3b4c5d"] {
            assert!(text.parse::<ClientId>().is_err(), "{text}");
        }
        let id: ClientId = " 5E61CC55-0b1f-4c3a-9d2e-7f1e2a3b4c5d ".parse().unwrap();
        assert_eq!(id.to_string(), "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d");
    }

    #[test]
    fn derived_ids_depend_on_every_part() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let id = |w, t| ManagedTenantId::derived(WorkspaceId::new(w), EntraTenantId::new(t));
        assert_eq!(id(a, b), id(a, b));
        assert_ne!(id(a, b), id(b, a));
        assert_ne!(id(a, a), id(a, b));
    }
}
