//! The workspace's connection to Microsoft: its status, signing in, checking it, giving it up.
//!
//! A sign-in has two halves, [`Connect::begin_login`] and [`Connect::complete_login`], joined by a
//! state that is kept on the server, used once, and bound to the browser that began. What comes
//! back is tried out before anything is stored, and stored wholly or not at all. The routes are in
//! [`routes`]; a command line calls the use cases themselves.
//!
//! There are two kinds of connection: `direct`, and `cipp` through a CIPP deployment of the MSP's, which
//! is connected in one step ([`Connect::connect_cipp`]). One is in force, and connecting one kind gives
//! the other up. This crate reads no users and starts no sync; a working connection stays as it is until
//! another one has been proven.

mod access_ends;
mod answers;
mod awaited;
mod begin;
mod callback;
mod candidate;
mod cipp;
mod consent;
mod cookie;
mod disconnect;
mod doctor;
mod error;
mod forecast;
mod identity;
mod outlook;
mod refresh_token;
mod renew;
pub mod routes;
mod save;
mod state;
mod status;
mod validate;

use std::sync::Arc;

use ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use assembly::InvalidEndpoint;
use directory::{CippSettings, GraphSettings, Login};
use runtime::Foundation;
use secrets::{SecretChain, SecretError};
use store::{Connection, Store};
use url::Url;

pub use begin::{BeginError, BegunLogin, LOGIN_LIFETIME};
pub use callback::{CallbackError, Completion};
pub use cipp::{CippConnected, CippError, CippInput, CippValidated};
pub use disconnect::{DisconnectError, Disconnected};
pub use doctor::{Check, CustomersExamined, Examined, Finding, Part, Place, Verdict};
pub use error::ConnectError;
pub use forecast::{Ending, ForecastOutcome, Pressing, Unread};
pub use renew::{RenewalInput, RenewalOutcome, Renewed};
pub use routes::router;
pub use state::{InvalidReturnPath, Purpose, ReturnPath, SETTINGS_PAGE_PATH};
pub use status::{ConnectionDetails, Status};
pub use validate::{ValidateError, Validated};

/// Where Microsoft sends the browser back to, below the redirect base.
pub const CALLBACK_PATH: &str = "/api/auth/microsoft/entra/callback";

/// Everything connecting needs.
pub struct Connect {
    /// The table.
    pub store: Store,
    /// Tokens and app registrations.
    pub secrets: Arc<SecretChain>,
    /// The way to Microsoft; must not follow redirects.
    pub http: reqwest::Client,
    /// Where Microsoft is and what is asked of it.
    pub graph: GraphSettings,
    /// How CIPP deployments are asked.
    pub cipp: CippSettings,
    /// The base of the redirect URI: from configuration, never from a request.
    pub redirect_base: Url,
    /// The base of the settings page a sign-in ends on.
    pub settings_page: Url,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// States, nonces, verifiers and session cookies.
    pub entropy: Arc<dyn Entropy>,
}

/// A connection that has just been made.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The connection in force.
    pub connection: Connection,
    /// Customer tenants it can see.
    pub managed_tenants: usize,
}

/// Why connecting cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The base of the redirect URI or of the settings page is no web address.
    #[error("NEXT_PUBLIC_BASE_URL or NEXTAUTH_URL is not a web address")]
    Base,
    /// Microsoft's addresses are not usable.
    #[error("the way to Microsoft is not known")]
    Endpoint(#[from] InvalidEndpoint),
    /// The base of the redirect URI may be an app secret.
    #[error("the base of the redirect address cannot be read")]
    Secrets(#[from] SecretError),
}

impl Connect {
    /// Connecting as the Lambda function does it.
    pub async fn on_aws(foundation: &Foundation) -> Result<Self, StartError> {
        let settings = &foundation.settings;
        let redirect_base = settings.redirect_base(&foundation.secrets).await?;
        Ok(Self {
            store: assembly::store(foundation),
            secrets: Arc::clone(&foundation.secrets),
            http: foundation.http.clone(),
            graph: assembly::graph_settings(settings)?,
            cipp: assembly::cipp_settings(settings),
            redirect_base: web_address(&redirect_base)?,
            settings_page: web_address(settings.settings_page_base())?,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        })
    }

    /// The redirect URI, as it has to be registered for the app (platform "Web").
    pub fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK_PATH}", self.redirect_base.as_str().trim_end_matches('/'))
    }

    fn microsoft(&self, graph: GraphSettings) -> Login {
        Login::new(graph, self.http.clone(), Arc::clone(&self.clock), Arc::clone(&self.entropy))
    }
}

impl std::fmt::Debug for Connect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connect")
    }
}

fn web_address(text: &str) -> Result<Url, StartError> {
    let address = text.parse::<Url>().ok();
    let usable = |address: &Url| matches!(address.scheme(), "http" | "https") && address.has_host();
    address.filter(usable).ok_or(StartError::Base)
}
