//! The client that may only connect to public addresses.

use std::{
    error::Error,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::{
    ClientBuilder,
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
#[derive(Clone, Debug)]
pub struct CippHttp(reqwest::Client);

impl CippHttp {
    /// A client out of `builder`, which sets the limits.
    ///
    /// # Errors
    /// When the system's root certificates cannot be read.
    pub fn new(builder: ClientBuilder) -> reqwest::Result<Self> {
        Self::with_lookup(builder, Arc::new(SystemLookup))
    }

    /// The same with another resolver; what it answers is checked all the same.
    ///
    /// # Errors
    /// When the system's root certificates cannot be read.
    pub fn with_lookup(builder: ClientBuilder, lookup: Arc<dyn Lookup>) -> reqwest::Result<Self> {
        // Asked for here and not trusted to the builder: without them the guard has a way around it.
        let builder = builder.no_proxy().redirect(redirect::Policy::none());
        builder.dns_resolver(Arc::new(PublicOnly { lookup })).build().map(Self)
    }

    pub(super) fn client(&self) -> reqwest::Client {
        self.0.clone()
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
