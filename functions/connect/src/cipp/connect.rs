//! Connecting to a CIPP deployment: tried out first, then stored wholly or not at all.

use assembly::cipp_credential;
use directory::{
    CippAccess, CippBase,
    cipp::{AddressRefusal, Destinations},
};
use domain::{
    forecast::end_of_secret,
    ids::{ConnectionId, EntraTenantId, UserId, WorkspaceId},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use secrets::{CippKey, CippSecret, Family, WorkspaceSecret};
use store::{Connection, ConnectionKind, ConnectionStatus};
use url::Url;

use super::CippError;
use crate::{Connect, refresh_token::known_partner, save::Placed};

/// What somebody typed. Blank is absent.
#[derive(Clone, Debug, Default)]
pub struct CippInput {
    /// Where the API is.
    pub base_url: Option<String>,
    /// A token that was made elsewhere.
    pub api_token: Option<SecretString>,
    /// The tenant that issues tokens to the API client.
    pub tenant_id: Option<String>,
    /// Its application id.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<SecretString>,
    /// The day on which that secret ends, for the forecast.
    pub client_secret_expires_at: Option<String>,
    /// Whether another partner tenant than before is meant.
    pub change_partner: bool,
}

/// A CIPP connection that has just been made.
#[derive(Clone, Debug)]
pub struct CippConnected {
    /// The connection in force.
    pub connection: Connection,
    /// Where the API is, in the form in which it is kept.
    pub base_url: String,
    /// When the token that was entered ends; `None` when it does not tell, or renews itself.
    pub token_expires_at: Option<Timestamp>,
    /// Customer tenants it can see.
    pub managed_tenants: usize,
}

impl CippInput {
    fn key(&self) -> Result<CippKey, CippError> {
        let text = |text: &Option<String>| {
            text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (tenant, client, secret) =
            (text(&self.tenant_id), text(&self.client_id), secret(self.client_secret.as_ref()));
        match (tenant, client, secret, secret_token(self.api_token.as_ref())?) {
            (Some(tenant), Some(client_id), Some(client_secret), None) => {
                let tenant_id = tenant.parse().map_err(|_| CippError::InvalidTenant)?;
                Ok(CippKey::Client { tenant_id, client_id, client_secret })
            }
            (None, None, None, Some(token)) => Ok(CippKey::Token(token)),
            (None, None, None, None) => Err(CippError::MissingCredentials),
            _ => Err(CippError::MixedCredentials),
        }
    }

    fn secret_ends(&self) -> Result<Option<Timestamp>, CippError> {
        let typed = self.client_secret_expires_at.as_deref().map(str::trim).filter(|text| !text.is_empty());
        typed.map(|text| end_of_secret(text).ok_or(CippError::InvalidSecretEnd)).transpose()
    }
}

impl Connect {
    /// Connects `workspace` to a CIPP deployment on behalf of `actor`, who must have been found
    /// permitted. Nothing is stored before the deployment has listed the partner's customers; a direct
    /// connection that was there before is given up with the same write.
    pub async fn connect_cipp(
        &self,
        workspace: WorkspaceId,
        actor: Option<UserId>,
        input: CippInput,
    ) -> Result<CippConnected, CippError> {
        let typed = input.base_url.as_deref().unwrap_or_default();
        let base = CippBase::parse(typed, self.cipp.destinations).map_err(CippError::InvalidAddress)?;
        self.is_elsewhere(&base)?;
        let (key, secret_ends) = (input.key()?, input.secret_ends()?);
        let before = self.store.connection(workspace).await?;
        let credential = cipp_credential(key.clone());
        let (partner, token_expires_at) = (credential.partner_tenant(), credential.expires());
        let known = known_partner(before.as_ref(), input.change_partner);
        if let (Some(known), Some(partner)) = (known, partner)
            && known != partner
        {
            return Err(CippError::PartnerTenantChanged);
        }
        let base_url = base.as_str().to_owned();
        let listed = self.probe_cipp(CippAccess { base, credential }).await.map_err(CippError::Probe)?;
        let secret = CippSecret { base_url: base_url.clone(), key, secret_ends };
        let connection = self.new_cipp_connection(actor, partner.or(known), &base_url);
        // First, as with a sign-in: an entry without a connection does no harm.
        self.store.note_connection(workspace, connection.connected_at).await?;
        let (secret_before, written) = secret.put(&self.secrets, workspace).await?;
        let placed = self.put_in_force(workspace, before.as_ref(), &connection).await;
        if !matches!(placed, Ok(Placed::InForce)) {
            let back = CippSecret::put_back(secret_before, &self.secrets, workspace, &written).await;
            back.map_err(CippError::NotRestored)?;
            placed?;
            return Err(CippError::Overtaken);
        }
        self.still_there(workspace, connection.id, &secret).await?;
        self.clear_other(workspace, Family::EntraDirect).await;
        Ok(CippConnected { connection, base_url, token_expires_at, managed_tenants: listed.tenants.len() })
    }

    /// That a deployment is not this service under one of its names, which would be asked with its own answers
    /// waiting for each other. On a machine of its own everything has one name.
    fn is_elsewhere(&self, base: &CippBase) -> Result<(), CippError> {
        let deployment = base.as_str().parse::<Url>().ok();
        let host = deployment.as_ref().and_then(Url::host_str);
        let ours = [&self.redirect_base, &self.settings_page].map(Url::host_str);
        if self.cipp.destinations == Destinations::PublicOnly && host.is_some() && ours.contains(&host) {
            return Err(CippError::InvalidAddress(AddressRefusal::OwnService));
        }
        Ok(())
    }

    fn new_cipp_connection(
        &self,
        actor: Option<UserId>,
        partner_tenant: Option<EntraTenantId>,
        base_url: &str,
    ) -> Connection {
        let now = self.clock.now();
        Connection {
            id: ConnectionId::new(self.entropy.time_ordered_id(now)),
            kind: ConnectionKind::Cipp,
            connection_status: ConnectionStatus::Connected,
            partner_tenant,
            cipp_base_url: Some(base_url.to_owned()),
            connected_at: now,
            disconnected_at: None,
            last_validated_at: Some(now),
            last_validation_error: None,
            created_by: actor,
        }
    }
}

fn secret(secret: Option<&SecretString>) -> Option<SecretString> {
    let text = secret?.expose_secret().trim();
    (!text.is_empty()).then(|| text.into())
}

/// A token as it stands in a header: without the word in front of it that is often copied along.
fn secret_token(token: Option<&SecretString>) -> Result<Option<SecretString>, CippError> {
    let Some(token) = secret(token) else { return Ok(None) };
    let text = token.expose_secret();
    let text = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    // RFC 6750 §2.1, and nothing that could end a header.
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(Some(text.into())) } else { Err(CippError::InvalidToken) }
}
