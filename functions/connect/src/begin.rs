//! The first half of a sign-in: sending the browser to Microsoft.

use std::fmt;

use directory::protocol::{
    authorize::{AuthorizeRequest, Pkce, Prompt, authorize_url},
    token::Authority,
};
use domain::ids::{UserId, WorkspaceId};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use secrets::SecretError;
use store::{PendingLogin, StoreError};
use url::Url;

use crate::{
    Connect,
    state::{LoginState, Purpose, hash, random_text},
};

/// How long a sign-in may take, from beginning to callback.
pub const LOGIN_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// A sign-in that waits for its browser to come back.
pub struct BegunLogin {
    /// Where the browser has to go. Holds the state: for that browser only.
    pub auth_url: Url,
    /// The browser's session: the callback is believed from this browser only.
    pub session: SecretString,
    /// Until when it may come back.
    pub expires_at: Timestamp,
}

impl fmt::Debug for BegunLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BegunLogin").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Why a sign-in was not begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Nobody configured an app registration.
    #[error("no app registration is configured for this workspace")]
    MissingCredentials,
    /// The app registration cannot be read.
    #[error("the app registration cannot be read")]
    Secrets(#[from] SecretError),
    /// The random source gave the same state twice.
    #[error("a sign-in with this state was begun before")]
    StateInUse,
    /// The sign-in cannot be kept.
    #[error("the sign-in cannot be kept")]
    Store(#[from] StoreError),
}

impl Connect {
    /// Begins a sign-in at Microsoft for `workspace` on behalf of `actor`, who must have been
    /// found permitted. A working connection stays valid meanwhile.
    pub async fn begin_login(
        &self,
        workspace: WorkspaceId,
        actor: Option<UserId>,
        purpose: Purpose,
    ) -> Result<BegunLogin, BeginError> {
        let app = self.secrets.app_credentials(workspace).await?.ok_or(BeginError::MissingCredentials)?;
        let began_at = self.clock.now();
        let entropy = &*self.entropy;
        let state = LoginState::generate(workspace, purpose, entropy);
        let session = SecretString::from(random_text(entropy));
        let pkce = Pkce::of_session(&session);
        let login = PendingLogin {
            user: actor,
            session: hash(session.expose_secret()),
            verifier: None,
            nonce: random_text(entropy),
            redirect_uri: self.redirect_uri(),
            began_at,
        };
        if !self.store.begin_login(workspace, &state.hash(), &login).await? {
            return Err(BeginError::StateInUse);
        }
        let request = AuthorizeRequest {
            // Also when the partner's tenant is known: which one signs in is checked afterwards,
            // with a better explanation than Microsoft's page would have.
            authority: Authority::Organizations,
            client_id: &app.client_id,
            redirect_uri: &login.redirect_uri,
            scopes: &self.graph.scopes,
            state: &state.to_string(),
            nonce: &login.nonce,
            code_challenge: &pkce.challenge,
            // Technicians have several accounts. Microsoft asks for consent by itself when a
            // permission lacks it; asking always would lock out those who may not consent.
            prompt: Prompt::SelectAccount,
            login_hint: None,
        };
        Ok(BegunLogin {
            auth_url: authorize_url(&self.graph.login_base, &request),
            session,
            expires_at: began_at.saturating_add(LOGIN_LIFETIME).unwrap_or(Timestamp::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_and_this_room_agree_how_long_a_sign_in_may_take() {
        let began_at = Timestamp::UNIX_EPOCH;
        let login = PendingLogin {
            user: None,
            session: String::new(),
            verifier: None,
            nonce: String::new(),
            redirect_uri: String::new(),
            began_at,
        };
        assert!(!login.is_expired(began_at + LOGIN_LIFETIME));
        assert!(login.is_expired(began_at + LOGIN_LIFETIME + SignedDuration::from_millis(1)));
    }
}
