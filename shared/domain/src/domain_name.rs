//! Internet domain names in one comparable form.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longest name in octets (RFC 1035 §2.3.4).
const OCTETS_MAX: usize = 253;

/// Mail domains that belong to everybody and therefore to no client.
const FREE_MAIL: [&str; 24] = [
    "aol.com",
    "fastmail.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "outlook.com",
    "pm.me",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "web.de",
    "yahoo.com",
    "yandex.ru",
    "zoho.com",
];

/// A domain name: ASCII (punycode), lower case, at least two labels, no trailing dot.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(Box<str>);

/// Text that is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a domain name with at least two labels, such as `example.com`")]
pub struct InvalidDomainName;

impl DomainName {
    /// The name in ASCII, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain that an operator's text points at: a name, a URL or an address. A scheme, one
    /// leading `www.`, port, path and query are dropped; of an address the part after the last
    /// `@` counts.
    pub fn from_website_or_address(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = match text.rsplit_once('@') {
            Some((_, domain)) if !domain.is_empty() => domain,
            _ => text,
        };
        let lower = text.to_lowercase();
        let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).unwrap_or(&lower);
        let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
        host.strip_prefix("www.").unwrap_or(host).parse().ok()
    }

    /// Whether Microsoft gave out the name itself (`contoso.onmicrosoft.com`): it says nothing
    /// about whose company it is.
    pub fn is_microsoft_assigned(&self) -> bool {
        [".onmicrosoft.com", ".onmicrosoft.us", ".partner.onmschina.cn"]
            .iter()
            .any(|suffix| self.0.ends_with(suffix))
    }

    /// Whether anybody can have an address there.
    pub fn is_free_mail(&self) -> bool {
        FREE_MAIL.contains(&&*self.0)
    }

    /// Whether the name can tell one company from another.
    pub fn identifies_a_company(&self) -> bool {
        !self.is_microsoft_assigned() && !self.is_free_mail()
    }
}

impl FromStr for DomainName {
    type Err = InvalidDomainName;

    fn from_str(text: &str) -> Result<Self, InvalidDomainName> {
        let text = text.trim();
        let text = text.strip_suffix('.').unwrap_or(text);
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| InvalidDomainName)?;
        let well_formed = ascii.len() <= OCTETS_MAX
            && ascii.contains('.')
            && ascii.split('.').all(|label| !label.is_empty() && label.len() <= 63)
            && !ascii.split('.').all(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        if well_formed { Ok(Self(ascii.into())) } else { Err(InvalidDomainName) }
    }
}

impl TryFrom<String> for DomainName {
    type Error = InvalidDomainName;

    fn try_from(text: String) -> Result<Self, InvalidDomainName> {
        text.parse()
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing() {
        for (text, expected) in [
            ("Contoso.COM", Some("contoso.com")),
            (" contoso.com. ", Some("contoso.com")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("localhost", None),
            ("a..b", None),
            ("192.168.0.1", None),
            ("exa mple.com", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<DomainName>().ok().as_ref().map(DomainName::as_str), expected, "{text}");
        }
    }

    #[test]
    fn from_what_an_operator_typed() {
        for (text, expected) in [
            ("https://www.Contoso.com/about?x=1", Some("contoso.com")),
            ("http://contoso.com:8080", Some("contoso.com")),
            ("info@contoso.com", Some("contoso.com")),
            ("a@b@contoso.com", Some("contoso.com")),
            ("www.www.com", Some("www.com")),
            ("contoso", None),
        ] {
            let found = DomainName::from_website_or_address(text);
            assert_eq!(found.as_ref().map(DomainName::as_str), expected, "{text}");
        }
    }

    #[test]
    fn names_that_say_nothing_about_a_company() {
        for (text, identifies) in [
            ("contoso.com", true),
            ("gmail.com", false),
            ("contoso.onmicrosoft.com", false),
            ("mygmail.com", true),
        ] {
            assert_eq!(text.parse::<DomainName>().unwrap().identifies_a_company(), identifies, "{text}");
        }
    }
}
