//! Who is calling, as the authorizer found out and as the API Gateway carries it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use domain::ids::{UserId, WorkspaceId};

const WORKSPACE: &str = "workspace";
const USER: &str = "user";
const KIND: &str = "kind";
const PERMISSIONS: &str = "permissions";
const EDITION: &str = "edition";

/// A verified caller. It is found in a request's extensions and comes from nowhere else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    /// The workspace every read and write of the request stays in.
    pub workspace: WorkspaceId,
    /// The person; absent when the service itself acts (the schedule).
    pub user: Option<UserId>,
    /// Staff of the MSP, or a user of its client portal.
    pub kind: CallerKind,
    /// The permissions the PSA granted, as it names them (`system_settings.read`).
    pub permissions: BTreeSet<String>,
    /// The edition the caller's PSA runs.
    pub edition: Edition,
}

/// Whether a caller works for the MSP or for one of its clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallerKind {
    /// Staff of the MSP.
    Internal,
    /// A user of the client portal, who sees nothing of this service.
    Client,
}

/// The edition of the product; only the enterprise edition has this service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edition {
    /// `enterprise` or `ee`.
    Enterprise,
    /// `community` or `ce`.
    Community,
}

/// A permission that this service asks for. [`Permission::Read`] and [`Permission::Update`] are the PSA's own, and
/// enough; whoever wants to give less than all of [`Permission::Update`] grants one of its parts instead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Permission {
    /// To see the integration.
    Read,
    /// To change the integration: everything below, and connections, mappings, rules, schedules and imports.
    Update,
    /// A part of [`Permission::Update`]: to discover, preview, sync and cancel. Nothing that waits for a decision is
    /// decided with it.
    Operate,
    /// A part of [`Permission::Update`]: to decide about people. Plans are applied and taken back, what waits is
    /// allowed or rejected, questions are answered, links changed.
    Approve,
    /// To create clients, beside [`Permission::Update`], when a tenant is mapped to a new client.
    CreateClient,
}

/// Text that names no caller kind or edition.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the text names no {0}")]
pub struct UnknownName(&'static str);

/// An authorizer context that does not describe a caller.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContextDefect {
    /// A key is absent.
    #[error("the authorizer context has no `{0}`")]
    Missing(&'static str),
    /// A key's value is not what the authorizer writes.
    #[error("the authorizer context's `{0}` cannot be read")]
    Unreadable(&'static str),
}

impl Caller {
    /// Whether the PSA granted `permission`, by itself or with the one that includes it.
    pub fn holds(&self, permission: Permission) -> bool {
        let whole = permission.included_in().map(Permission::name);
        self.permissions.contains(permission.name())
            || whole.is_some_and(|name| self.permissions.contains(name))
    }

    /// The caller as the API Gateway carries it from the authorizer to a function: strings only.
    pub fn to_context(&self) -> BTreeMap<String, String> {
        let permissions: Vec<&str> = self.permissions.iter().map(String::as_str).collect();
        let mut context = BTreeMap::from([
            (WORKSPACE.to_owned(), self.workspace.to_string()),
            (KIND.to_owned(), self.kind.to_string()),
            // A JSON array in a string: whatever a permission is called, it comes out as it went in.
            (PERMISSIONS.to_owned(), serde_json::json!(permissions).to_string()),
            (EDITION.to_owned(), self.edition.to_string()),
        ]);
        if let Some(user) = self.user {
            context.insert(USER.to_owned(), user.to_string());
        }
        context
    }

    /// The caller that [`Caller::to_context`] wrote. Keys it does not know are ignored: the
    /// gateway adds its own.
    pub fn from_context(context: &BTreeMap<String, String>) -> Result<Self, ContextDefect> {
        let permissions = present(context, PERMISSIONS)?;
        Ok(Self {
            workspace: parsed(context, WORKSPACE)?,
            user: context.contains_key(USER).then(|| parsed(context, USER)).transpose()?,
            kind: parsed(context, KIND)?,
            permissions: serde_json::from_str(permissions)
                .map_err(|_| ContextDefect::Unreadable(PERMISSIONS))?,
            edition: parsed(context, EDITION)?,
        })
    }
}

fn present<'a>(context: &'a BTreeMap<String, String>, key: &'static str) -> Result<&'a str, ContextDefect> {
    context.get(key).map(String::as_str).ok_or(ContextDefect::Missing(key))
}

fn parsed<T: FromStr>(context: &BTreeMap<String, String>, key: &'static str) -> Result<T, ContextDefect> {
    present(context, key)?.parse().map_err(|_| ContextDefect::Unreadable(key))
}

impl Permission {
    /// Every permission this service asks for.
    pub const ALL: [Self; 5] = [Self::Read, Self::Update, Self::Operate, Self::Approve, Self::CreateClient];

    /// The permission that this one is a part of.
    pub const fn included_in(self) -> Option<Self> {
        match self {
            Self::Operate | Self::Approve => Some(Self::Update),
            Self::Read | Self::Update | Self::CreateClient => None,
        }
    }

    /// The name it has in a token.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "system_settings.read",
            Self::Update => "system_settings.update",
            Self::Operate => "entra_sync.operate",
            Self::Approve => "entra_sync.approve",
            Self::CreateClient => "client.create",
        }
    }
}

impl fmt::Display for CallerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "internal",
            Self::Client => "client",
        })
    }
}

impl FromStr for CallerKind {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "internal" => Ok(Self::Internal),
            "client" => Ok(Self::Client),
            _ => Err(UnknownName("kind of caller (`internal` or `client`)")),
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enterprise => "enterprise",
            Self::Community => "community",
        })
    }
}

impl FromStr for Edition {
    type Err = UnknownName;

    /// Case does not matter, as in the PSA's own setting.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text.trim().to_ascii_lowercase().as_str() {
            "enterprise" | "ee" => Ok(Self::Enterprise),
            "community" | "ce" => Ok(Self::Community),
            _ => Err(UnknownName("edition (`enterprise`, `ee`, `community` or `ce`)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn callers() -> impl Strategy<Value = Caller> {
        (
            any::<u128>(),
            any::<Option<u128>>(),
            any::<bool>(),
            proptest::collection::btree_set(".{0,12}", 0..5),
            any::<bool>(),
        )
            .prop_map(|(workspace, user, internal, permissions, enterprise)| Caller {
                workspace: WorkspaceId::new(Uuid::from_u128(workspace)),
                user: user.map(|user| UserId::new(Uuid::from_u128(user))),
                kind: if internal { CallerKind::Internal } else { CallerKind::Client },
                permissions,
                edition: if enterprise { Edition::Enterprise } else { Edition::Community },
            })
    }

    proptest! {
        #[test]
        fn a_context_gives_the_caller_back(caller in callers()) {
            prop_assert_eq!(Caller::from_context(&caller.to_context()), Ok(caller));
        }

        #[test]
        fn a_context_with_a_damaged_key_gives_no_caller(caller in callers(), key in 0_usize..4) {
            let key = [WORKSPACE, KIND, PERMISSIONS, EDITION][key];
            let mut context = caller.to_context();
            context.insert(key.to_owned(), "\u{0}".to_owned());
            prop_assert_eq!(Caller::from_context(&context), Err(ContextDefect::Unreadable(key)));
            context.remove(key);
            prop_assert_eq!(Caller::from_context(&context), Err(ContextDefect::Missing(key)));
        }
    }

    #[test]
    fn an_unreadable_user_is_not_an_absent_one() {
        let caller = Caller {
            workspace: WorkspaceId::new(Uuid::from_u128(1)),
            user: None,
            kind: CallerKind::Internal,
            permissions: BTreeSet::new(),
            edition: Edition::Enterprise,
        };
        let mut context = caller.to_context();
        context.insert(USER.to_owned(), String::new());
        assert_eq!(Caller::from_context(&context), Err(ContextDefect::Unreadable(USER)));
    }

    #[test]
    fn editions_are_read_as_the_psa_writes_them() {
        for (text, edition) in
            [("ee", Edition::Enterprise), (" Enterprise", Edition::Enterprise), ("CE", Edition::Community)]
        {
            assert_eq!(text.parse(), Ok(edition), "{text}");
        }
        assert!("essentials".parse::<Edition>().is_err());
    }
}
