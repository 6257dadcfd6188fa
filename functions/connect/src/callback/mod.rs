//! The second half of a sign-in: the browser comes back from Microsoft.

mod error;
mod query;

use directory::{
    Code, ReadError,
    protocol::{
        authorize::Pkce,
        id_token::{Expectation, IdTokenError},
    },
};
use domain::{flags::Feature, ids::WorkspaceId};
use edge::Features;
use secrecy::SecretString;
use store::PendingLogin;

pub use error::CallbackError;

use crate::{
    Connect, ConnectError, Connected,
    awaited::{EXCHANGE_LIMIT, LISTING_LIMIT, within},
    candidate::Candidate,
    refresh_token::known_partner,
    state::{LoginState, Purpose, ReturnPath, hash},
};
use query::CallbackQuery;

/// How a sign-in ended.
#[derive(Debug)]
pub struct Completion {
    /// The connection, or why there is none.
    pub outcome: Result<Connected, CallbackError>,
    /// Where the browser goes; the settings page itself as long as it is not known whose sign-in
    /// this is.
    pub return_path: ReturnPath,
}

/// A sign-in that was begun here, by the browser that came back with its code.
struct Found {
    state: LoginState,
    login: PendingLogin,
    code: SecretString,
    verifier: SecretString,
}

impl Connect {
    /// Ends the sign-in that `query`, the callback's query string, belongs to. `session` is the
    /// [`BegunLogin::session`](crate::BegunLogin::session) of the browser that came.
    ///
    /// The first check that fails decides. The sign-in is taken out before the code is exchanged:
    /// of two callbacks with one state, one goes on. Nothing is stored before the new sign-in has
    /// listed the partner's customers.
    pub async fn complete_login(&self, query: &str, session: Option<&str>) -> Completion {
        self.complete_for(query, session, None).await
    }

    /// The same, if the integration is switched on for the workspace whose sign-in it is.
    pub(crate) async fn complete_login_where(
        &self,
        query: &str,
        session: Option<&str>,
        features: &Features,
    ) -> Completion {
        self.complete_for(query, session, Some(features)).await
    }

    async fn complete_for(
        &self,
        query: &str,
        session: Option<&str>,
        features: Option<&Features>,
    ) -> Completion {
        let mut return_path = ReturnPath::default();
        let outcome = self.complete(query, session, features, &mut return_path).await;
        Completion { outcome, return_path }
    }

    async fn complete(
        &self,
        query: &str,
        session: Option<&str>,
        features: Option<&Features>,
        return_path: &mut ReturnPath,
    ) -> Result<Connected, CallbackError> {
        let Found { state, login, code, verifier } = self.begun(query, session, return_path).await?;
        if let Some(features) = features {
            let is_on = features.is_on(state.workspace, Feature::Ui).await;
            if !is_on.map_err(CallbackError::FlagsUnread)? {
                return Err(CallbackError::SwitchedOff);
            }
        }
        Ok(self.redeem(state.workspace, state.purpose, login, (code, verifier)).await?)
    }

    /// The sign-in that a callback belongs to.
    async fn begun(
        &self,
        query: &str,
        session: Option<&str>,
        return_path: &mut ReturnPath,
    ) -> Result<Found, CallbackError> {
        let (code, state) = match CallbackQuery::parse(query)? {
            CallbackQuery::Code { code, state } => (code, state),
            CallbackQuery::Refused { refusal, state } => {
                // Used up as well, and a way to know where the browser came from.
                if let Ok((state, _)) = self.take(state.as_deref().unwrap_or_default()).await {
                    *return_path = state.purpose.return_path;
                }
                return Err(CallbackError::Provider(refusal));
            }
        };
        let (state, login) = self.take(&state).await?;
        *return_path = state.purpose.return_path;
        if login.is_expired(self.clock.now()) {
            return Err(CallbackError::ExpiredState);
        }
        let session = session.ok_or(CallbackError::SessionExpired)?;
        if hash(session) != login.session {
            return Err(CallbackError::SessionMismatch);
        }
        let verifier = match &login.verifier {
            Some(verifier) => verifier.as_str().into(),
            None => Pkce::of_session(&session.into()).verifier,
        };
        Ok(Found { state, login, code, verifier })
    }

    /// Takes the sign-in of a state out, once.
    async fn take(&self, state: &str) -> Result<(LoginState, PendingLogin), CallbackError> {
        let state = LoginState::parse(state).ok_or(CallbackError::InvalidState)?;
        let login = self.store.take_login(state.workspace, &state.hash()).await;
        let login = login.map_err(ConnectError::Store)?.ok_or(CallbackError::InvalidState)?;
        Ok((state, login))
    }

    /// Exchanges the code, finds out who signed in, tries the sign-in out and stores it.
    async fn redeem(
        &self,
        workspace: WorkspaceId,
        purpose: Purpose,
        login: PendingLogin,
        (code, verifier): (SecretString, SecretString),
    ) -> Result<Connected, ConnectError> {
        let before = self.store.connection(workspace).await?;
        let app = self.app(workspace).await?;
        let microsoft = self.microsoft(self.graph_awaited());
        let exchanged = within(EXCHANGE_LIMIT, Code::LoginUnavailable, async {
            let grant = microsoft.redeem_code(app.clone(), code, verifier, login.redirect_uri).await?;
            Ok::<_, ReadError>((grant, microsoft.signing_keys().await?))
        });
        let (grant, keys) = exchanged.await.map_err(ConnectError::TokenExchange)?;
        let refresh_token = grant.refresh_token.clone().ok_or(ConnectError::TokensIncomplete)?;
        let id_token = grant.id_token.as_ref().ok_or(ConnectError::TokensIncomplete)?;
        let expected = Expectation {
            client_id: &app.client_id,
            issuer_template: &self.graph.issuer_template(),
            nonce: &login.nonce,
            partner_tenant: known_partner(before.as_ref(), purpose.change_partner),
        };
        let signed_in = keys
            .claims(id_token, expected.issuer_template)
            .and_then(|claims| claims.validate(&expected, self.clock.now()))
            .map_err(|error| match error {
                IdTokenError::OtherTenant(_) => ConnectError::PartnerTenantChanged,
                error => ConnectError::Identity(error),
            })?;
        let missing = grant.missing_scopes(&self.graph.scopes);
        if !missing.is_empty() {
            return Err(ConnectError::ConsentMissing(missing));
        }
        let candidate = Candidate { app, partner: signed_in.tenant, refresh_token, grant };
        let proven = within(LISTING_LIMIT, Code::GraphUnavailable, self.prove(candidate));
        let proven = proven.await.map_err(ConnectError::Probe)?;
        self.save(workspace, login.user, before.as_ref(), &proven).await
    }
}
