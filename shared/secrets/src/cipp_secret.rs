//! The credential of a CIPP connection.

use domain::{forecast::end_of_secret, ids::EntraTenantId};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::{Document, Family, WorkspaceSecret, key};

/// Where a workspace's CIPP API is and what opens it. Read and replaced as a whole, so that no
/// credential is ever used at another deployment's address.
#[derive(Clone, Debug)]
pub struct CippSecret {
    /// Where the API is, as it was accepted.
    pub base_url: String,
    /// What opens it.
    pub key: CippKey,
    /// When the API client's secret ends, if an operator said so.
    pub secret_ends: Option<Timestamp>,
}

/// What opens a CIPP API.
#[derive(Clone, Debug)]
pub enum CippKey {
    /// An API client, which tokens are made with.
    Client {
        /// The tenant that issues them: the partner's own.
        tenant_id: EntraTenantId,
        /// Application id.
        client_id: String,
        /// Client secret.
        client_secret: SecretString,
    },
    /// A token that was entered.
    Token(SecretString),
}

impl WorkspaceSecret for CippSecret {
    const FAMILY: Family = Family::EntraCipp;

    /// One without an address or without a key is none. An API client is preferred to a token, which ends within
    /// the hour.
    fn from_document(document: &Document) -> Option<Self> {
        let base_url = document.plain(key::CIPP_BASE_URL)?.to_owned();
        let client = || {
            Some(CippKey::Client {
                tenant_id: document.plain(key::CIPP_TENANT_ID)?.parse().ok()?,
                client_id: document.plain(key::CIPP_CLIENT_ID)?.to_owned(),
                client_secret: document.value(key::CIPP_CLIENT_SECRET)?.clone(),
            })
        };
        let token = || Some(CippKey::Token(document.value(key::CIPP_API_TOKEN)?.clone()));
        let secret_ends = document.plain(key::CIPP_CLIENT_SECRET_EXPIRES_AT).and_then(end_of_secret);
        Some(Self { base_url, key: client().or_else(token)?, secret_ends })
    }

    fn to_document(&self) -> Document {
        let mut document = Document::new().with(key::CIPP_BASE_URL, &self.base_url);
        if let Some(ends) = self.secret_ends {
            document = document.with(key::CIPP_CLIENT_SECRET_EXPIRES_AT, &ends.to_string());
        }
        match &self.key {
            CippKey::Client { tenant_id, client_id, client_secret } => document
                .with(key::CIPP_TENANT_ID, &tenant_id.to_string())
                .with(key::CIPP_CLIENT_ID, client_id)
                .with(key::CIPP_CLIENT_SECRET, client_secret.expose_secret()),
            CippKey::Token(token) => document.with(key::CIPP_API_TOKEN, token.expose_secret()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "0a1b2c3d-0b1f-4c3a-9d2e-7f1e2a3b4c5d";

    #[test]
    fn what_is_kept_is_read_again() {
        for key in [
            CippKey::Token("CANARY".into()),
            CippKey::Client {
                tenant_id: TENANT.parse().unwrap(),
                client_id: "app".to_owned(),
                client_secret: "CANARY".into(),
            },
        ] {
            let secret_ends = Some("2027-03-01T00:00:00Z".parse().unwrap());
            let secret = CippSecret { base_url: "https://cipp.example".to_owned(), key, secret_ends };
            let read = CippSecret::from_document(&secret.to_document()).unwrap();
            assert_eq!(read.secret_ends, secret_ends);
            assert_eq!(read.to_document().digest(), secret.to_document().digest());
            assert!(!format!("{secret:?}").contains("CANARY"));
        }
    }

    #[test]
    fn half_a_credential_is_none() {
        let url = Document::new().with(key::CIPP_BASE_URL, "https://cipp.example");
        assert!(CippSecret::from_document(&url).is_none());
        assert!(CippSecret::from_document(&Document::new().with(key::CIPP_API_TOKEN, "t")).is_none());
        let client = url.clone().with(key::CIPP_CLIENT_ID, "app").with(key::CIPP_CLIENT_SECRET, "s");
        assert!(CippSecret::from_document(&client).is_none());
        assert!(CippSecret::from_document(&client.clone().with(key::CIPP_TENANT_ID, "common")).is_none());
        let whole = client.with(key::CIPP_TENANT_ID, TENANT).with(key::CIPP_API_TOKEN, "t");
        assert!(matches!(CippSecret::from_document(&whole).unwrap().key, CippKey::Client { .. }));
        let token = CippSecret::from_document(&url.with(key::CIPP_API_TOKEN, "t")).unwrap();
        assert!(matches!(token.key, CippKey::Token(_)));
    }
}
