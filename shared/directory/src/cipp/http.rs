//! The client that may only connect to public addresses.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use reqwest::{
    Client, ClientBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};

use super::address::is_public;

/// Port of https, for look-ups that want one.
const PORT: u16 = 443;

/// What a name resolves to.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// Every address of `host`, now.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, PORT)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// An HTTP client for addresses that people type. It resolves a name once for each connection, gives
/// up when any of the addresses is not public, and connects to those it has looked at: a name that
/// resolves to something else a moment later changes nothing. It follows no redirect and uses no proxy.
///
/// It is made with its first use: making one reads the system's root certificates, and most processes never
/// meet a CIPP deployment.
#[derive(Clone)]
pub struct CippHttp {
    builder: Arc<dyn Fn() -> ClientBuilder + Send + Sync>,
    lookup: Arc<dyn Lookup>,
    made: Arc<OnceLock<Client>>,
}

impl CippHttp {
    /// A client out of what `builder` makes, which sets the limits.
    pub fn new(builder: impl Fn() -> ClientBuilder + Send + Sync + 'static) -> Self {
        Self::with_lookup(builder, Arc::new(SystemLookup))
    }

    /// The same with another resolver; what it answers is checked all the same.
    pub fn with_lookup(
        builder: impl Fn() -> ClientBuilder + Send + Sync + 'static,
        lookup: Arc<dyn Lookup>,
    ) -> Self {
        Self { builder: Arc::new(builder), lookup, made: Arc::default() }
    }

    /// The client.
    pub(super) fn client(&self) -> reqwest::Result<Client> {
        if let Some(client) = self.made.get() {
            return Ok(client.clone());
        }
        // Asked for here and not trusted to the builder: without them the guard has a way around it.
        let builder = (self.builder)().no_proxy().redirect(redirect::Policy::none());
        let resolver = PublicOnly { lookup: Arc::clone(&self.lookup) };
        let client = builder.dns_resolver(Arc::new(resolver)).build()?;
        Ok(self.made.get_or_init(|| client).clone())
    }
}

impl fmt::Debug for CippHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CippHttp")
    }
}

struct PublicOnly {
    lookup: Arc<dyn Lookup>,
}

/// A name resolves to an address that is not public. Says neither which name nor which address: whoever
/// typed the name must not learn from it what this service's network looks like.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name resolves to an address that is not public")]
struct NotPublic;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = Arc::clone(&self.lookup);
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await?;
            if found.iter().any(|address| !is_public(*address)) {
                return Err(NotPublic.into());
            }
            // The port is the address'.
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Whether a request failed because its name does not resolve to public addresses only.
pub(crate) fn is_not_public(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return true;
        }
        cause = error.source();
    }
    false
}
