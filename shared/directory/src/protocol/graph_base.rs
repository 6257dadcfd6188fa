//! The one host a token may be sent to, and the check every link must pass before it is.

use std::fmt;

use url::{Host, Url};

/// API version in front of every path.
const VERSION: &str = "v1.0";

/// Address of Microsoft Graph: `https`, or `http` on loopback for the fake.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GraphBase {
    /// Without trailing slash in its path, query and fragment.
    base: Url,
}

/// An address that no service can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a service address: https (or http on loopback), a host, no user, query or fragment")]
pub struct InvalidBase;

/// Why a link is not followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkRefusal {
    /// Another host.
    Host,
    /// Not an absolute address.
    NotAnAddress,
    /// Outside the API's path.
    Path,
    /// Another port.
    Port,
    /// Another scheme.
    Scheme,
    /// A user or password in the address.
    UserInfo,
}

impl GraphBase {
    /// The service at `base`, with or without the version that this product speaks at its end.
    pub fn new(mut base: Url) -> Result<Self, InvalidBase> {
        let path = base.path().trim_end_matches('/');
        if let Some(path) = path.strip_suffix(VERSION).map(str::to_owned)
            && path.ends_with('/')
        {
            base.set_path(&path);
        }
        check_base(&base).map(|base| Self { base })
    }

    /// The address of `path` (relative, without leading slash), with `query` appended.
    pub fn endpoint(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.prefix()));
        // Written by hand: form encoding would turn `$` and blanks into forms that are legal but
        // not those of the documentation.
        let pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        url.set_query((!pairs.is_empty()).then(|| pairs.join("&")).as_deref());
        url
    }

    /// The address of a link that the service sent or that was stored, when a token may be sent
    /// there. Links are opaque otherwise: nothing is added or removed.
    pub fn check(&self, link: &str) -> Result<Url, LinkRefusal> {
        let url = Url::parse(link).map_err(|_| LinkRefusal::NotAnAddress)?;
        if url.scheme() != self.base.scheme() {
            return Err(LinkRefusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LinkRefusal::UserInfo);
        }
        if url.host() != self.base.host() {
            return Err(LinkRefusal::Host);
        }
        if url.port_or_known_default() != self.base.port_or_known_default() {
            return Err(LinkRefusal::Port);
        }
        // The parser has resolved `..` in all its spellings, so a prefix is enough.
        let rest = url.path().strip_prefix(&self.prefix()).unwrap_or_default();
        if rest.is_empty() {
            return Err(LinkRefusal::Path);
        }
        Ok(url)
    }

    /// Path of the API, with a slash at both ends.
    fn prefix(&self) -> String {
        format!("{}/{VERSION}/", self.base.path().trim_end_matches('/'))
    }
}

impl fmt::Display for GraphBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

/// A service's address without trailing slash; see [`InvalidBase`] for what is refused.
pub fn check_base(base: &Url) -> Result<Url, InvalidBase> {
    let secure = match base.scheme() {
        "https" => true,
        "http" => is_loopback(base),
        _ => false,
    };
    let bare = base.username().is_empty() && base.password().is_none();
    if !secure || !bare || base.host().is_none() || base.query().is_some() || base.fragment().is_some() {
        return Err(InvalidBase);
    }
    let mut base = base.clone();
    let path = base.path().trim_end_matches('/').to_owned();
    base.set_path(&path);
    Ok(base)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Blanks and the characters that separate parts of an address.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            ' ' => escaped.push_str("%20"),
            '%' => escaped.push_str("%25"),
            '&' => escaped.push_str("%26"),
            '#' => escaped.push_str("%23"),
            '+' => escaped.push_str("%2B"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> GraphBase {
        GraphBase::new(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn next_link_attack_table() {
        let graph = base("https://graph.microsoft.com");
        for (link, expected) in [
            ("https://graph.microsoft.com/v1.0/users?$skiptoken=x", Ok(())),
            ("https://graph.microsoft.com:443/v1.0/users?$skiptoken=x", Ok(())),
            ("https://GRAPH.microsoft.com/v1.0/users", Ok(())),
            ("http://graph.microsoft.com/v1.0/users", Err(LinkRefusal::Scheme)),
            ("https://graph.microsoft.com:8443/v1.0/users", Err(LinkRefusal::Port)),
            ("https://graph.microsoft.com.evil.example/v1.0/users", Err(LinkRefusal::Host)),
            ("https://evil.example/v1.0/users", Err(LinkRefusal::Host)),
            ("https://graph.microsoft.com@evil.example/v1.0/users", Err(LinkRefusal::UserInfo)),
            ("https://user:pass@graph.microsoft.com/v1.0/users", Err(LinkRefusal::UserInfo)),
            ("https://evil.example\\@graph.microsoft.com/v1.0/users", Err(LinkRefusal::Host)),
            ("https://evil.example#@graph.microsoft.com/v1.0/users", Err(LinkRefusal::Host)),
            ("https://graph.microsoft.com./v1.0/users", Err(LinkRefusal::Host)),
            ("https://xn--grph-5qa.microsoft.com/v1.0/users", Err(LinkRefusal::Host)),
            ("https://127.0.0.1/v1.0/users", Err(LinkRefusal::Host)),
            ("https://graph.microsoft.us/v1.0/users", Err(LinkRefusal::Host)),
            ("https://graph.microsoft.com/beta/users", Err(LinkRefusal::Path)),
            ("https://graph.microsoft.com/v1.0/../beta/users", Err(LinkRefusal::Path)),
            ("https://graph.microsoft.com/v1.0/%2e%2e/beta/users", Err(LinkRefusal::Path)),
            ("https://graph.microsoft.com/v1.0", Err(LinkRefusal::Path)),
            ("https://graph.microsoft.com/v1.0/", Err(LinkRefusal::Path)),
            ("https://graph.microsoft.com/V1.0/users", Err(LinkRefusal::Path)),
            ("//graph.microsoft.com/v1.0/users", Err(LinkRefusal::NotAnAddress)),
            ("/v1.0/users?$skiptoken=x", Err(LinkRefusal::NotAnAddress)),
            ("file:///etc/passwd", Err(LinkRefusal::Scheme)),
            ("javascript:alert(1)", Err(LinkRefusal::Scheme)),
            ("", Err(LinkRefusal::NotAnAddress)),
        ] {
            assert_eq!(graph.check(link).map(|_| ()), expected, "{link}");
        }
    }

    #[test]
    fn plain_http_only_on_loopback() {
        for (text, accepted) in [
            ("https://graph.microsoft.com", true),
            ("http://127.0.0.1:9000/graph/", true),
            ("http://[::1]:9000", true),
            ("http://localhost:9000", true),
            ("http://graph.microsoft.com", false),
            ("http://10.0.0.1", false),
            ("https://user@graph.microsoft.com", false),
            ("https://graph.microsoft.com?x", false),
            ("ftp://127.0.0.1", false),
        ] {
            assert_eq!(GraphBase::new(text.parse().unwrap()).is_ok(), accepted, "{text}");
        }
        let fake = base("http://127.0.0.1:9000/graph/");
        assert!(fake.check("http://127.0.0.1:9000/graph/v1.0/users").is_ok());
        assert_eq!(fake.check("http://127.0.0.1:9001/graph/v1.0/users"), Err(LinkRefusal::Port));
        assert_eq!(fake.check("https://127.0.0.1:9000/graph/v1.0/users"), Err(LinkRefusal::Scheme));
    }

    #[test]
    fn addresses_are_spelt_as_documented() {
        let url = base("https://graph.microsoft.com")
            .endpoint("x", &[("$filter", "status eq 'active'"), ("$top", "3")]);
        assert_eq!(
            url.as_str(),
            "https://graph.microsoft.com/v1.0/x?$filter=status%20eq%20%27active%27&$top=3"
        );
    }
}
