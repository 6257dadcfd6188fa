//! What a secret belongs to and what it is called.
//!
//! Both are closed types: no text from outside ever becomes a part of a path, of a variable's
//! name or of a secret's name.

use std::fmt;

use domain::ids::WorkspaceId;

/// The PSA's literal key names, the members of the documents.
pub mod key {
    /// The workspace's own Microsoft app: application (client) id.
    pub const MICROSOFT_CLIENT_ID: &str = "microsoft_client_id";
    /// The workspace's own Microsoft app: client secret.
    pub const MICROSOFT_CLIENT_SECRET: &str = "microsoft_client_secret";
    /// The workspace's own Microsoft app: its tenant, for display only.
    pub const MICROSOFT_TENANT_ID: &str = "microsoft_tenant_id";
    /// The workspace's own Microsoft app: when the client secret ends, as an operator noted it.
    pub const MICROSOFT_CLIENT_SECRET_EXPIRES_AT: &str = "microsoft_client_secret_expires_at";

    /// Direct connection: the partner's access token.
    pub const DIRECT_ACCESS_TOKEN: &str = "entra_direct_access_token";
    /// Direct connection: the partner's refresh token.
    pub const DIRECT_REFRESH_TOKEN: &str = "entra_direct_refresh_token";
    /// Direct connection: when the access token expires (ISO 8601).
    pub const DIRECT_TOKEN_EXPIRES_AT: &str = "entra_direct_token_expires_at";
    /// Direct connection: the scopes granted, separated by spaces.
    pub const DIRECT_TOKEN_SCOPE: &str = "entra_direct_token_scope";
    /// Direct connection: the tenant the partner signed in to.
    pub const DIRECT_PARTNER_TENANT_ID: &str = "entra_direct_partner_tenant_id";

    /// CIPP connection: where the CIPP API is.
    pub const CIPP_BASE_URL: &str = "entra_cipp_base_url";
    /// CIPP connection: a pasted bearer token.
    pub const CIPP_API_TOKEN: &str = "entra_cipp_api_token";
    /// CIPP connection: the API client's application id.
    pub const CIPP_CLIENT_ID: &str = "entra_cipp_client_id";
    /// CIPP connection: the API client's secret.
    pub const CIPP_CLIENT_SECRET: &str = "entra_cipp_client_secret";
    /// CIPP connection: the tenant that issues the API client's tokens.
    pub const CIPP_TENANT_ID: &str = "entra_cipp_tenant_id";
    /// CIPP connection: when the API client's secret ends, as an operator noted it.
    pub const CIPP_CLIENT_SECRET_EXPIRES_AT: &str = "entra_cipp_client_secret_expires_at";

    /// The installation's Microsoft app: application (client) id.
    pub const APP_MICROSOFT_CLIENT_ID: &str = "MICROSOFT_CLIENT_ID";
    /// The installation's Microsoft app: client secret.
    pub const APP_MICROSOFT_CLIENT_SECRET: &str = "MICROSOFT_CLIENT_SECRET";
    /// The installation's Microsoft app: its tenant, for display only.
    pub const APP_MICROSOFT_TENANT_ID: &str = "MICROSOFT_TENANT_ID";
    /// The installation's Microsoft app: when the client secret ends, as an operator noted it.
    pub const APP_MICROSOFT_CLIENT_SECRET_EXPIRES_AT: &str = "MICROSOFT_CLIENT_SECRET_EXPIRES_AT";

    /// The key the PSA signs its tokens with (HS256).
    pub const AUTH_JWT_SECRET: &str = "AUTH_JWT_SECRET";
    /// Where people reach the PSA.
    pub const NEXT_PUBLIC_BASE_URL: &str = "NEXT_PUBLIC_BASE_URL";
    /// Where people sign in to the PSA.
    pub const NEXTAUTH_URL: &str = "NEXTAUTH_URL";
}

/// Whose secrets.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// The installation's own, shared by all workspaces.
    App,
    /// One workspace's.
    Workspace(WorkspaceId),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App => f.write_str("app"),
            Self::Workspace(id) => id.fmt(f),
        }
    }
}

/// The secrets that change together: one document.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Family {
    /// The CIPP credential of a workspace.
    EntraCipp,
    /// The token set of a workspace's direct connection.
    EntraDirect,
    /// A Microsoft app registration, of a workspace or of the installation.
    MicrosoftApp,
    /// What the installation itself needs.
    Service,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 4] = [Self::EntraCipp, Self::EntraDirect, Self::MicrosoftApp, Self::Service];

    /// The name in paths and in names of secrets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EntraCipp => "entra-cipp",
            Self::EntraDirect => "entra-direct",
            Self::MicrosoftApp => "microsoft-app",
            Self::Service => "service",
        }
    }

    /// The keys a document of this family has in `scope`; none when the family does not exist there.
    pub const fn keys(self, scope: Scope) -> &'static [&'static str] {
        match (self, scope) {
            (Self::EntraCipp, Scope::Workspace(_)) => &[
                key::CIPP_BASE_URL,
                key::CIPP_API_TOKEN,
                key::CIPP_CLIENT_ID,
                key::CIPP_CLIENT_SECRET,
                key::CIPP_TENANT_ID,
                key::CIPP_CLIENT_SECRET_EXPIRES_AT,
            ],
            (Self::EntraDirect, Scope::Workspace(_)) => &[
                key::DIRECT_ACCESS_TOKEN,
                key::DIRECT_REFRESH_TOKEN,
                key::DIRECT_TOKEN_EXPIRES_AT,
                key::DIRECT_TOKEN_SCOPE,
                key::DIRECT_PARTNER_TENANT_ID,
            ],
            (Self::MicrosoftApp, Scope::Workspace(_)) => &[
                key::MICROSOFT_CLIENT_ID,
                key::MICROSOFT_CLIENT_SECRET,
                key::MICROSOFT_TENANT_ID,
                key::MICROSOFT_CLIENT_SECRET_EXPIRES_AT,
            ],
            (Self::MicrosoftApp, Scope::App) => &[
                key::APP_MICROSOFT_CLIENT_ID,
                key::APP_MICROSOFT_CLIENT_SECRET,
                key::APP_MICROSOFT_TENANT_ID,
                key::APP_MICROSOFT_CLIENT_SECRET_EXPIRES_AT,
            ],
            (Self::Service, Scope::App) => {
                &[key::AUTH_JWT_SECRET, key::NEXT_PUBLIC_BASE_URL, key::NEXTAUTH_URL]
            }
            (Self::EntraCipp | Self::EntraDirect, Scope::App) | (Self::Service, Scope::Workspace(_)) => &[],
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_can_leave_its_folder() {
        let workspace = Scope::Workspace(WorkspaceId::new(uuid::Uuid::from_u128(7)));
        for family in Family::ALL {
            let names = [Scope::App, workspace].into_iter().flat_map(|scope| family.keys(scope));
            for name in names.chain([&family.name()]) {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                assert!(!name.is_empty() && name.chars().all(plain), "{name}");
            }
        }
    }
}
