//! Token requests.

use std::fmt;

use domain::ids::EntraTenantId;
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

/// Which authority issues the token, and so whom its refusal concerns.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Authority {
    /// A customer's tenant.
    Customer(EntraTenantId),
    /// Any work account: the first sign-in, when the partner's tenant is not known yet.
    Organizations,
    /// The partner's own tenant.
    Partner(EntraTenantId),
}

impl Authority {
    /// Address of an endpoint of this authority under the login service.
    pub fn endpoint(self, login_base: &Url, endpoint: &str) -> Url {
        let tenant = match self {
            Self::Customer(tenant) | Self::Partner(tenant) => tenant.to_string(),
            Self::Organizations => "organizations".to_owned(),
        };
        let mut url = login_base.clone();
        url.set_path(&format!("{}/{tenant}/oauth2/v2.0/{endpoint}", login_base.path().trim_end_matches('/')));
        url
    }

    /// Whether a refusal concerns one customer only.
    pub const fn is_customer(self) -> bool {
        matches!(self, Self::Customer(_))
    }
}

/// The app registration's own credentials.
#[derive(Clone, Debug)]
pub struct AppCredentials {
    /// Application id.
    pub client_id: String,
    /// Client secret: its value.
    pub client_secret: SecretString,
}

/// What is given for the token.
#[derive(Clone, Debug)]
pub enum Grant {
    /// The app's own credentials and nothing else (RFC 6749 §4.4).
    Client,
    /// An authorization code, once.
    Code {
        /// The code from the callback.
        code: SecretString,
        /// The redirect address of the authorize request.
        redirect_uri: String,
        /// The PKCE verifier of the authorize request.
        verifier: SecretString,
    },
    /// A refresh token; bound to neither tenant nor resource.
    Refresh(SecretString),
}

/// A token request.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Where it goes.
    pub authority: Authority,
    /// Who asks.
    pub app: AppCredentials,
    /// What is given.
    pub grant: Grant,
    /// What is asked for: blank-separated, of one resource.
    pub scope: String,
}

impl TokenRequest {
    /// Address.
    pub fn url(&self, login_base: &Url) -> Url {
        self.authority.endpoint(login_base, "token")
    }

    /// Body, form-encoded.
    pub fn form(&self) -> SecretString {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", &self.app.client_id);
        form.append_pair("client_secret", self.app.client_secret.expose_secret());
        form.append_pair("scope", &self.scope);
        match &self.grant {
            Grant::Client => {
                form.append_pair("grant_type", "client_credentials");
            }
            Grant::Code { code, redirect_uri, verifier } => {
                form.append_pair("grant_type", "authorization_code");
                form.append_pair("code", code.expose_secret());
                form.append_pair("redirect_uri", redirect_uri);
                form.append_pair("code_verifier", verifier.expose_secret());
            }
            Grant::Refresh(token) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", token.expose_secret());
            }
        }
        form.finish().into()
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(tenant) => write!(f, "customer {tenant}"),
            Self::Organizations => f.write_str("organizations"),
            Self::Partner(tenant) => write!(f, "partner {tenant}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

    #[test]
    fn a_secret_with_reserved_characters_survives_the_form() {
        let app = AppCredentials { client_id: "app".to_owned(), client_secret: "p%25~+&=/ä".into() };
        let grant = Grant::Refresh("1.AXkA+x".into());
        let authority = Authority::Customer(TENANT.parse().unwrap());
        let scope = "https://graph.microsoft.com/.default".to_owned();
        let request = TokenRequest { authority, app, grant, scope };
        let form = request.form();
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(form.expose_secret().as_bytes()).into_owned().collect();
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(value("client_secret"), Some("p%25~+&=/ä"));
        assert_eq!(value("refresh_token"), Some("1.AXkA+x"));
        assert_eq!(value("grant_type"), Some("refresh_token"));
        assert!(!format!("{request:?}").contains("AXkA"));
    }

    #[test]
    fn every_authority_has_its_own_address() {
        let login: Url = "https://login.microsoftonline.com".parse().unwrap();
        let tenant = TENANT.parse().unwrap();
        for (authority, segment) in [
            (Authority::Organizations, "organizations"),
            (Authority::Partner(tenant), TENANT),
            (Authority::Customer(tenant), TENANT),
        ] {
            let expected = format!("https://login.microsoftonline.com/{segment}/oauth2/v2.0/token");
            assert_eq!(authority.endpoint(&login, "token").as_str(), expected);
        }
    }
}
