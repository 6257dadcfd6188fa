//! Every kind of caller.

use std::collections::BTreeSet;

use ambient::{Clock, SystemClock};
use authorizer::{Parties, sign_hs256};
use domain::ids::{UserId, WorkspaceId};
use edge::{CallerKind, Edition, Permission};
use jiff::SignedDuration;
use secrecy::SecretString;
use uuid::Uuid;

/// Issuer and audience of the tokens.
pub(crate) const PARTY: &str = "matrix";
/// The key they are signed with.
pub(crate) const SIGNING_KEY: &str = "the key of this matrix, of more than thirty-two bytes";
/// The key of the master workspace.
pub(crate) const MASTER_KEY: &str = "the key of the master workspace, long enough";

/// Somebody who calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Caller {
    /// Without a token.
    Nobody,
    /// With a token that somebody else has signed.
    WrongToken,
    /// A user of the client portal, with every permission.
    Portal,
    /// Staff without any permission.
    WithoutPermission,
    /// Staff who may look.
    Reader,
    /// Staff who may look and sync.
    Operator,
    /// Staff who may look and decide about people.
    Approver,
    /// Staff who may look and change.
    Updater,
    /// Staff who may change and were not granted to look: the one does not hold the other.
    Blind,
    /// Staff who may look and change, and create no clients.
    WithoutClients,
    /// The same, of another workspace, for which everything is switched on, too.
    OtherWorkspace,
    /// The same, of a PSA of the community edition.
    Community,
    /// With the key of the master workspace and no token.
    Key,
    /// With a key that is none, and no token.
    WrongKey,
}

impl Caller {
    pub(crate) const ALL: [Self; 14] = [
        Self::Nobody,
        Self::WrongToken,
        Self::Portal,
        Self::WithoutPermission,
        Self::Reader,
        Self::Operator,
        Self::Approver,
        Self::Updater,
        Self::Blind,
        Self::WithoutClients,
        Self::OtherWorkspace,
        Self::Community,
        Self::Key,
        Self::WrongKey,
    ];

    /// What the caller brings in the header `authorization`.
    pub(crate) fn token(self, workspace: WorkspaceId) -> Option<String> {
        let staff = edge::Caller {
            workspace,
            user: Some(UserId::new(Uuid::from_u128(7))),
            kind: CallerKind::Internal,
            // The PSA's own: they are enough.
            permissions: named(&[Permission::Read, Permission::Update, Permission::CreateClient]),
            edition: Edition::Enterprise,
        };
        let caller = match self {
            Self::Nobody | Self::Key | Self::WrongKey => return None,
            Self::Updater => staff,
            Self::WrongToken => return Some(sign(&staff, "a key that is not the service's, and as long")),
            Self::Portal => edge::Caller { kind: CallerKind::Client, ..staff },
            Self::WithoutPermission => edge::Caller { permissions: BTreeSet::new(), ..staff },
            Self::Reader => edge::Caller { permissions: named(&[Permission::Read]), ..staff },
            Self::Operator => {
                edge::Caller { permissions: named(&[Permission::Read, Permission::Operate]), ..staff }
            }
            Self::Approver => {
                edge::Caller { permissions: named(&[Permission::Read, Permission::Approve]), ..staff }
            }
            Self::Blind => {
                edge::Caller { permissions: named(&[Permission::Update, Permission::CreateClient]), ..staff }
            }
            Self::WithoutClients => {
                edge::Caller { permissions: named(&[Permission::Read, Permission::Update]), ..staff }
            }
            Self::OtherWorkspace => edge::Caller { workspace: other_workspace(), ..staff },
            Self::Community => edge::Caller { edition: Edition::Community, ..staff },
        };
        Some(sign(&caller, SIGNING_KEY))
    }

    /// What the caller brings in the header `x-api-key`.
    pub(crate) fn key(self) -> Option<&'static str> {
        match self {
            Self::Key => Some(MASTER_KEY),
            Self::WrongKey => Some("a key that is not the master workspace's"),
            _ => None,
        }
    }
}

fn named(permissions: &[Permission]) -> BTreeSet<String> {
    permissions.iter().map(|permission| permission.name().to_owned()).collect()
}

pub(crate) fn other_workspace() -> WorkspaceId {
    WorkspaceId::new(Uuid::from_u128(0xE15E))
}

fn sign(caller: &edge::Caller, key: &str) -> String {
    let parties = Parties { issuer: PARTY.to_owned(), audience: PARTY.to_owned() };
    let lifetime = SignedDuration::from_mins(15);
    sign_hs256(caller, &parties, &SecretString::from(key), SystemClock.now(), lifetime).unwrap()
}
