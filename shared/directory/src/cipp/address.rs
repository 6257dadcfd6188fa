//! Which addresses of a CIPP deployment are acceptable. People type them, and the service would send
//! a bearer token to whatever they typed: to a host of its own network, for example
//! (cheatsheetseries.owasp.org, Server Side Request Forgery Prevention).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use url::{Host, Url};

/// Longest text that is looked at.
const TEXT_BYTES_MAX: usize = 512;

/// Longest host name (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Names that only mean something within a network (RFC 6761, RFC 6762, RFC 8375, and what clouds and
/// routers hand out).
const LOCAL_NAMES: [&str; 12] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "onion",
    "test",
];

/// Where requests may go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Destinations {
    /// Public addresses, with TLS.
    #[default]
    PublicOnly,
    /// This machine's own loopback addresses as well, also without TLS: for development with a fake.
    ThisMachineToo,
}

/// The origin of a CIPP API: it can be typed, stored and shown.
#[derive(Clone, Eq, PartialEq)]
pub struct CippBase(Url);

/// Why a text is no address of a CIPP API.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressRefusal {
    /// It is an address of a machine, in whatever notation, and not a name.
    #[error("the host is a number; enter its name")]
    NotAName,
    /// This service itself answers there.
    #[error("the address is this service's own")]
    OwnService,
    /// Another port than that of https.
    #[error("the address names a port")]
    Port,
    /// Not https.
    #[error("the address does not begin with https://")]
    Scheme,
    /// The host is a name of a private network.
    #[error("the host is a name of a private network")]
    LocalName,
    /// There is something behind the host.
    #[error("the address has a path, a query or a fragment")]
    Trailing,
    /// It is no web address at all.
    #[error("the text is no web address")]
    Unreadable,
    /// A user or a password stands in front of the host.
    #[error("the address holds a user or a password")]
    UserInfo,
}

impl CippBase {
    /// Reads what somebody typed. Without a scheme `https` is meant.
    ///
    /// # Errors
    /// When requests with credentials must not go there. What the name resolves to is checked with
    /// every connection, by [`CippHttp`](super::CippHttp).
    pub fn parse(text: &str, destinations: Destinations) -> Result<Self, AddressRefusal> {
        let text = text.trim();
        // Parsers drop tabs and line ends and take a backslash for a slash: what a person reads is
        // then not what is connected to.
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
        if text.is_empty() || text.len() > TEXT_BYTES_MAX || text.contains(is_odd) {
            return Err(AddressRefusal::Unreadable);
        }
        let typed = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&typed).map_err(|_| AddressRefusal::Unreadable)?;
        // An empty user leaves no trace in the parsed address.
        if !url.username().is_empty() || url.password().is_some() || typed.contains('@') {
            return Err(AddressRefusal::UserInfo);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(AddressRefusal::Trailing);
        }
        if destinations == Destinations::ThisMachineToo && is_this_machine(&url) {
            return Ok(Self(url));
        }
        if url.scheme() != "https" {
            return Err(AddressRefusal::Scheme);
        }
        check_host(url.host())?;
        // The parser leaves out the port of the scheme.
        if url.port().is_some() { Err(AddressRefusal::Port) } else { Ok(Self(url)) }
    }

    /// The address of a function, with `query` appended. Values are escaped wholly: a link is one of
    /// them.
    pub(crate) fn endpoint(&self, function: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("/api/{function}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The origin as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl fmt::Display for CippBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CippBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CippBase({self})")
    }
}

impl FromStr for CippBase {
    type Err = AddressRefusal;

    fn from_str(text: &str) -> Result<Self, AddressRefusal> {
        Self::parse(text, Destinations::PublicOnly)
    }
}

fn is_this_machine(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    loopback && matches!(url.scheme(), "http" | "https")
}

fn check_host(host: Option<Host<&str>>) -> Result<(), AddressRefusal> {
    // The parser has read decimal, octal and hexadecimal notations as the addresses they are.
    let Some(Host::Domain(name)) = host else { return Err(AddressRefusal::NotAName) };
    let plain = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if LOCAL_NAMES.iter().any(|local| name == *local || name.ends_with(&format!(".{local}"))) {
        return Err(AddressRefusal::LocalName);
    }
    let labels = || name.split('.');
    if name.len() > HOST_BYTES_MAX || labels().count() < 2 || !labels().all(plain) {
        return Err(AddressRefusal::Unreadable);
    }
    // A top-level domain is never a number; a resolver might take such a name for an address.
    let last = labels().next_back().unwrap_or_default();
    if last.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) {
        return Err(AddressRefusal::NotAName);
    }
    Ok(())
}

/// Whether `address` belongs to the public internet (IANA special-purpose address registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    // Azure's platform address: metadata and DNS of a virtual machine, public only in its looks.
    !special && address != Ipv4Addr::new(168, 63, 129, 16)
}

/// Global unicast only, which leaves out loopback, unique-local, link-local, multicast and every form
/// that embeds an IPv4 address (mapped, compatible, NAT64); within it the special ranges: IETF
/// protocols with Teredo, documentation, and 6to4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let special = matches!((a, b), (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _) | (0x3fff, 0..=0x0fff));
    a & 0xe000 == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use AddressRefusal::{LocalName, NotAName, Port, Scheme, Trailing, Unreadable, UserInfo};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_are_taken_are_stored_in_one_form() {
        for text in [
            "https://cipp.msp.example",
            "https://cipp.msp.example/",
            " https://CIPP.msp.Example:443/ ",
            "cipp.msp.example",
            "HTTPS://cipp.msp.example",
        ] {
            assert_eq!(
                CippBase::parse(text, Destinations::PublicOnly).unwrap().as_str(),
                "https://cipp.msp.example"
            );
        }
        let base: CippBase = "https://bücher.example".parse().unwrap();
        assert_eq!(base.as_str(), "https://xn--bcher-kva.example");
    }

    #[test]
    fn attacks_by_address() {
        for (text, refusal) in [
            ("", Unreadable),
            ("   ", Unreadable),
            ("https://", Unreadable),
            ("http://cipp.msp.example", Scheme),
            ("ftp://cipp.msp.example", Scheme),
            ("file:///etc/passwd", Trailing),
            ("gopher://cipp.msp.example", Scheme),
            ("https://user@cipp.msp.example", UserInfo),
            ("https://user:pass@cipp.msp.example", UserInfo),
            ("https://@cipp.msp.example", UserInfo),
            ("https://cipp.msp.example@169.254.169.254", UserInfo),
            ("https://cipp.msp.example:8443", Port),
            ("https://cipp.msp.example:80", Port),
            ("https://cipp.msp.example:0", Port),
            ("https://cipp.msp.example/api", Trailing),
            ("https://cipp.msp.example/../x", Trailing),
            ("https://cipp.msp.example?x=1", Trailing),
            ("https://cipp.msp.example?", Trailing),
            ("https://cipp.msp.example#", Trailing),
            ("https://cipp.msp.example\\@evil.example", Unreadable),
            ("https://cipp.msp\t.example", Unreadable),
            ("https://cipp.msp.example\r\nX: y", Unreadable),
            ("https://127.0.0.1", NotAName),
            ("https://127.1", NotAName),
            ("https://2130706433", NotAName),
            ("https://0177.0.0.1", NotAName),
            ("https://0x7f.0.0.1", NotAName),
            ("https://0x7f000001", NotAName),
            ("https://127.0.0.1.", NotAName),
            ("https://１２７.0.0.1", NotAName),
            ("https://169.254.169.254", NotAName),
            ("https://169.254.170.2", NotAName),
            ("https://10.0.0.1", NotAName),
            ("https://8.8.8.8", NotAName),
            ("https://[::1]", NotAName),
            ("https://[::ffff:127.0.0.1]", NotAName),
            ("https://[::ffff:a9fe:a9fe]", NotAName),
            ("https://[fd00::1]", NotAName),
            ("https://localhost", LocalName),
            ("https://LOCALHOST", LocalName),
            ("https://x.localhost", LocalName),
            ("https://cipp.local", LocalName),
            ("https://metadata.google.internal", LocalName),
            ("https://router.home.arpa", LocalName),
            ("https://cipp", Unreadable),
            ("https://cipp.msp.example.", Unreadable),
            ("https://cipp..example", Unreadable),
            ("https://-.*.example", Unreadable),
            ("javascript:alert(1)", Unreadable),
        ] {
            assert_eq!(CippBase::parse(text, Destinations::PublicOnly).unwrap_err(), refusal, "{text:?}");
        }
        let long = format!("https://{}.example", "a.".repeat(200));
        assert!(CippBase::parse(&long, Destinations::PublicOnly).is_err());
    }

    #[test]
    fn this_machine_only_where_it_is_switched_on() {
        let parse = |text: &str| CippBase::parse(text, Destinations::ThisMachineToo);
        for text in ["http://127.0.0.1:4711", "http://[::1]:4711", "https://127.0.0.1"] {
            assert!(parse(text).is_ok(), "{text}");
            assert!(text.parse::<CippBase>().is_err(), "{text}");
        }
        for text in
            ["http://localhost:4711", "http://10.0.0.1", "http://169.254.169.254", "http://cipp.example"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn machines_of_no_public_network() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "8.8.8.8",
            "20.50.2.1",
            "172.32.0.1",
            "100.128.0.1",
            "169.253.1.1",
            "2603:1030::1",
            "2001:4860::8888",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_either_is_a_plain_https_origin_or_refused(text in "(https?://)?[a-zA-Z0-9.:@/?#\\[\\]%_ -]{0,40}") {
            if let Ok(base) = text.parse::<CippBase>() {
                let again: CippBase = base.as_str().parse().unwrap();
                prop_assert_eq!(&again, &base);
                let url: Url = base.as_str().parse().unwrap();
                prop_assert_eq!(url.scheme(), "https");
                prop_assert!(matches!(url.host(), Some(Host::Domain(_))) && url.port().is_none());
            }
        }
    }
}
