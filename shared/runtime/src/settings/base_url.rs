//! Addresses that others are appended to.

use std::fmt;

use url::{Host, Url};

/// An absolute `http` or `https` URL without query, fragment, credentials and trailing slash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Any web address.
    pub(super) fn web(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        (plain && url.has_host() && matches!(url.scheme(), "http" | "https"))
            .then(|| Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// A web address that secrets may be sent to: `https`, or this machine itself.
    pub(super) fn confidential(text: &str) -> Option<Self> {
        Self::web(text).filter(|_| is_confidential(text))
    }

    /// The same with `segment` as the last one of its path.
    pub(super) fn ending_in(self, segment: &str) -> Self {
        if self.0.ends_with(&format!("/{segment}")) { self } else { Self(format!("{}/{segment}", self.0)) }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether what is sent to `text` can be read on the way: not with TLS and not within one machine.
pub(super) fn is_confidential(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}
