//! E-mail addresses in one comparable form.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::domain_name::DomainName;

/// Longest address in octets (RFC 5321 §4.5.3.1.3, less the angle brackets).
const OCTETS_MAX: usize = 254;

/// An address as it is compared and stored: NFC, lower case, domain in ASCII. Microsoft and the
/// PSA both treat the part before the `@` as case-insensitive.
///
/// `Debug` hides the local part: addresses are personal data and do not belong in logs.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    text: Box<str>,
    at: u16,
}

/// Text that is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address such as `name@example.com`")]
pub struct InvalidEmailAddress;

impl EmailAddress {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        &self.text[..usize::from(self.at)]
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &str {
        &self.text[usize::from(self.at) + 1..]
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmailAddress;

    fn from_str(text: &str) -> Result<Self, InvalidEmailAddress> {
        let (local, domain) = text.trim().rsplit_once('@').ok_or(InvalidEmailAddress)?;
        let domain: DomainName = domain.parse().map_err(|_| InvalidEmailAddress)?;
        let local: String = local.nfc().flat_map(char::to_lowercase).nfc().collect();
        let refused = |c: char| c.is_whitespace() || c.is_control() || "@<>()[],;:\\\"".contains(c);
        let length = local.len() + 1 + domain.as_str().len();
        if local.is_empty() || local.chars().any(refused) || length > OCTETS_MAX {
            return Err(InvalidEmailAddress);
        }
        let at = u16::try_from(local.len()).map_err(|_| InvalidEmailAddress)?;
        Ok(Self { text: format!("{local}@{domain}").into(), at })
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidEmailAddress;

    fn try_from(text: String) -> Result<Self, InvalidEmailAddress> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.text.into()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.domain())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parsing() {
        for (text, expected) in [
            (" Mira.Sund@BorealisDental.COM ", Some("mira.sund@borealisdental.com")),
            ("o'brien@acme.example", Some("o'brien@acme.example")),
            ("tech@bücher.example", Some("tech@xn--bcher-kva.example")),
            ("İris@acme.example", Some("i\u{307}ris@acme.example")),
            ("ola_partner.no#EXT#@b.onmicrosoft.com", Some("ola_partner.no#ext#@b.onmicrosoft.com")),
            ("two words@acme.example", None),
            ("a@b@acme.example", None),
            ("@acme.example", None),
            ("name@localhost", None),
            ("name", None),
            ("", None),
        ] {
            assert_eq!(
                text.parse::<EmailAddress>().ok().as_ref().map(EmailAddress::as_str),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn debug_does_not_show_whose_address_it_is() {
        let address: EmailAddress = "mira@acme.example".parse().unwrap();
        assert_eq!(format!("{address:?}"), "…@acme.example");
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent_and_ignores_case(text in "[a-zA-ZäöüÄÖÜßé.'+_-]{1,20}@[a-zA-Z]{1,10}\\.[a-z]{2,5}") {
            let once: EmailAddress = text.parse().unwrap();
            prop_assert_eq!(&once.as_str().parse::<EmailAddress>().unwrap(), &once);
            prop_assert_eq!(format!("{}@{}", once.local_part(), once.domain()), once.as_str());
        }
    }
}
