//! Which cloud, and how hard it is asked.

use url::Url;

use crate::protocol::{GraphBase, InvalidBase, check_base, retry::RetryPolicy, users::PAGE_SIZE_MAX};

/// Most bytes of one answer: a full page of users is a few megabytes.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The global cloud's resource; also asked for when the service is a fake on loopback.
const GLOBAL_RESOURCE: &str = "https://graph.microsoft.com";

/// Permissions of Graph that are asked for at sign-in.
const PERMISSIONS: [&str; 3] =
    ["User.Read.All", "DelegatedAdminRelationship.Read.All", "CrossTenantInformation.ReadBasic.All"];

/// A Microsoft cloud (learn.microsoft.com/graph/deployments). Delegated administration is
/// documented for the global one only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cloud {
    /// China, operated by 21Vianet.
    China,
    /// The global service.
    Global,
    /// US Government L4.
    UsGovernment,
    /// US Government L5 (DoD).
    UsGovernmentDefense,
}

impl Cloud {
    /// Login host and Graph host.
    const fn hosts(self) -> (&'static str, &'static str) {
        match self {
            Self::China => ("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
            Self::Global => ("login.microsoftonline.com", "graph.microsoft.com"),
            Self::UsGovernment => ("login.microsoftonline.us", "graph.microsoft.us"),
            Self::UsGovernmentDefense => ("login.microsoftonline.us", "dod-graph.microsoft.us"),
        }
    }
}

/// Settings of a `direct` connection.
#[derive(Clone, Debug)]
pub struct GraphSettings {
    /// Login service, without trailing slash.
    pub login_base: Url,
    /// Microsoft Graph.
    pub graph_base: GraphBase,
    /// Scopes to ask for at sign-in, those of OpenID Connect included.
    pub scopes: Vec<String>,
    /// Scope of a refresh: everything consented for Graph.
    pub refresh_scope: String,
    /// Rows per page of users, 1 to 999.
    pub page_size: u16,
    /// How long a request is tried for.
    pub retry: RetryPolicy,
    /// Most bytes of one answer, decompressed.
    pub body_bytes_max: usize,
}

impl GraphSettings {
    /// The services at these addresses: `https`, or `http` on loopback for a fake.
    pub fn new(login_base: &Url, graph_base: Url) -> Result<Self, InvalidBase> {
        let resource = match graph_base.scheme() {
            "https" => graph_base.origin().ascii_serialization(),
            _ => GLOBAL_RESOURCE.to_owned(),
        };
        let of_openid = ["openid", "profile", "offline_access"].map(str::to_owned);
        let of_graph = PERMISSIONS.map(|permission| format!("{resource}/{permission}"));
        Ok(Self {
            login_base: check_base(login_base)?,
            graph_base: GraphBase::new(graph_base)?,
            scopes: of_openid.into_iter().chain(of_graph).collect(),
            refresh_scope: format!("{resource}/.default"),
            page_size: PAGE_SIZE_MAX,
            retry: RetryPolicy::default(),
            body_bytes_max: BODY_BYTES_MAX,
        })
    }

    /// The services of a Microsoft cloud.
    pub fn for_cloud(cloud: Cloud) -> Self {
        let (login, graph) = cloud.hosts();
        let address = |host: &str| format!("https://{host}").parse::<Url>();
        let settings = match (address(login), address(graph)) {
            (Ok(login), Ok(graph)) => Self::new(&login, graph).ok(),
            _ => None,
        };
        settings.expect("the hosts of the clouds are addresses")
    }

    /// Issuer of id_tokens with `{tenantid}` in place of the tenant, for
    /// [`Expectation`](crate::protocol::id_token::Expectation).
    pub fn issuer_template(&self) -> String {
        format!("{}/{{tenantid}}/v2.0", self.login_base.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_has_its_own_hosts_and_resource() {
        for (cloud, login, graph) in [
            (Cloud::China, "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
            (Cloud::Global, "login.microsoftonline.com", "graph.microsoft.com"),
            (Cloud::UsGovernment, "login.microsoftonline.us", "graph.microsoft.us"),
            (Cloud::UsGovernmentDefense, "login.microsoftonline.us", "dod-graph.microsoft.us"),
        ] {
            let settings = GraphSettings::for_cloud(cloud);
            assert_eq!(settings.issuer_template(), format!("https://{login}/{{tenantid}}/v2.0"));
            assert_eq!(settings.refresh_scope, format!("https://{graph}/.default"));
            assert!(settings.scopes.contains(&format!("https://{graph}/User.Read.All")));
        }
    }

    #[test]
    fn a_fake_on_loopback_is_asked_for_the_global_resource() {
        let base: Url = "http://127.0.0.1:9".parse().unwrap();
        let settings = GraphSettings::new(&base, base.clone()).unwrap();
        assert_eq!(settings.refresh_scope, "https://graph.microsoft.com/.default");
        assert!(GraphSettings::new(&"http://login.example".parse().unwrap(), base).is_err());
    }
}
