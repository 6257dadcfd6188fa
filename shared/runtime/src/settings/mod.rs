//! What the environment says, read once and understood completely or not at all.
//!
//! [`VARIABLES`] is the registry: name, meaning, default, who needs it. [`Settings::from_map`]
//! takes its defaults from there, and the reference page is written from it
//! ([`reference_markdown`]).

mod base_url;
mod reader;
mod registry;

use std::{collections::BTreeMap, path::PathBuf};

use domain::ids::WorkspaceId;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use secrets::{ChainConfiguration, Environment, Family, Scope, SecretChain, SecretError, VaultSettings, key};
use tracing::level_filters::LevelFilter;

pub use base_url::BaseUrl;
pub use reader::{InvalidSettings, Problem};
pub use registry::{Function, SetBy, VARIABLES, Variable, reference_markdown};

use reader::Reader;

/// Where the PSA is when nobody says.
const LOCAL_BASE: &str = "http://localhost:3000";

/// Which product this installation is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edition {
    /// Without this integration.
    Community,
    /// With it.
    Enterprise,
}

/// Where Microsoft is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MicrosoftEndpoints {
    /// The identity platform, without an authority (`https://login.microsoftonline.com`).
    pub login: BaseUrl,
    /// Microsoft Graph, with its version (`https://graph.microsoft.com/v1.0`).
    pub graph: BaseUrl,
}

/// Which secret providers there are and where they look.
#[derive(Clone, Debug)]
pub struct SecretSettings {
    /// Who is read and who is written.
    pub chain: ChainConfiguration,
    /// The folder of the filesystem provider.
    pub filesystem_path: PathBuf,
    /// What names in Secrets Manager and paths in Vault begin with.
    pub prefix: String,
    /// The KMS key that encrypts new secrets in Secrets Manager.
    pub kms_key: Option<String>,
    /// What variables with a workspace's secrets begin with.
    pub env_prefix: String,
    /// How long a secret that was read may be used; zero: not at all.
    pub cache: SignedDuration,
    /// Vault, when the chain names it.
    pub vault: Option<VaultSettings>,
}

/// How the PSA's tokens are verified.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The only accepted issuer.
    pub issuer: Option<String>,
    /// The audience a token must name.
    pub audience: Option<String>,
    /// Where the issuer publishes its keys (RS256, ES256).
    pub jwks_url: Option<String>,
    /// The key shared with the issuer (HS256), at least 32 bytes.
    pub secret: Option<SecretString>,
}

/// Everything the environment says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which product this is.
    pub edition: Edition,
    /// The DynamoDB table.
    pub table_name: String,
    /// The ARN of the state machine of sync runs.
    pub state_machine_arn: Option<String>,
    /// The ARN of the state machine of discoveries.
    pub discovery_state_machine_arn: Option<String>,
    /// Where Microsoft is.
    pub microsoft: MicrosoftEndpoints,
    /// Whether a CIPP connection may lead to this machine itself.
    pub cipp_on_this_machine: bool,
    /// Where people reach the PSA, if the environment says.
    pub public_base_url: Option<BaseUrl>,
    /// Where people sign in to the PSA, if the environment says.
    pub nextauth_url: Option<BaseUrl>,
    /// Secret providers.
    pub secrets: SecretSettings,
    /// Token verification.
    pub auth: AuthSettings,
    /// What is logged.
    pub log_level: LevelFilter,
    /// Whether every feature is on, whatever its flag says.
    pub feature_flags_disabled: bool,
    /// The workspace that decides about feature flags.
    pub master_workspace: Option<WorkspaceId>,
    /// Its keys.
    pub platform_api_keys: Vec<SecretString>,
    /// The AWS region, if the environment says.
    pub aws_region: Option<String>,
    /// Whether the Lambda service started this process.
    pub on_lambda: bool,
    /// All variables, for the secret providers.
    pub environment: Environment,
}

impl Settings {
    /// Reads the process' own environment: the only place that does.
    ///
    /// # Errors
    /// [`Settings::from_map`]'s.
    pub fn from_environment() -> Result<Self, InvalidSettings> {
        Self::from_environment_or(BTreeMap::new())
    }

    /// Like [`Settings::from_environment`], with `defaults` for variables that are not set.
    ///
    /// # Errors
    /// [`Settings::from_map`]'s.
    pub fn from_environment_or(defaults: BTreeMap<String, String>) -> Result<Self, InvalidSettings> {
        let variables = std::env::vars_os();
        // No variable of ours has a name or value outside of Unicode.
        let variables = variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(_, value)| !value.trim().is_empty());
        Self::from_map(defaults.into_iter().chain(variables).collect())
    }

    /// Reads `variables`. A blank value counts as none; unknown names are nobody's business.
    ///
    /// # Errors
    /// All values that cannot be used, each with what was expected.
    pub fn from_map(variables: BTreeMap<String, String>) -> Result<Self, InvalidSettings> {
        let environment = Environment::new(variables);
        let mut reader = Reader::new(&environment);
        let settings = Self {
            edition: reader.edition(),
            table_name: reader.table_name(),
            state_machine_arn: reader.state_machine(&registry::STATE_MACHINE_ARN),
            discovery_state_machine_arn: reader.state_machine(&registry::DISCOVERY_STATE_MACHINE_ARN),
            microsoft: MicrosoftEndpoints { login: reader.login_base(), graph: reader.graph_base() },
            cipp_on_this_machine: reader.switch(&registry::CIPP_ON_THIS_MACHINE),
            public_base_url: reader.web_base(&registry::NEXT_PUBLIC_BASE_URL),
            nextauth_url: reader.web_base(&registry::NEXTAUTH_URL),
            secrets: reader.secrets(),
            auth: reader.auth(),
            log_level: reader.log_level(),
            feature_flags_disabled: reader.switch(&registry::DISABLE_FEATURE_FLAGS),
            master_workspace: reader.workspace(&registry::MASTER_BILLING_TENANT_ID),
            platform_api_keys: reader.keys(&registry::PLATFORM_API_KEY),
            aws_region: reader
                .optional(&registry::AWS_REGION)
                .or_else(|| reader.optional(&registry::AWS_DEFAULT_REGION)),
            on_lambda: reader.optional(&registry::AWS_LAMBDA_FUNCTION_NAME).is_some(),
            environment: environment.clone(),
        };
        reader.finish(settings)
    }

    /// The ARN of the state machine of sync runs.
    ///
    /// # Errors
    /// When it is not set.
    pub fn sync_state_machine(&self) -> Result<&str, InvalidSettings> {
        required(self.state_machine_arn.as_deref(), &registry::STATE_MACHINE_ARN)
    }

    /// The ARN of the state machine of discoveries.
    ///
    /// # Errors
    /// When it is not set.
    pub fn discovery_state_machine(&self) -> Result<&str, InvalidSettings> {
        required(self.discovery_state_machine_arn.as_deref(), &registry::DISCOVERY_STATE_MACHINE_ARN)
    }

    /// The base of the OAuth redirect URI: the first of `NEXT_PUBLIC_BASE_URL` and `NEXTAUTH_URL`,
    /// each from the environment and then from the installation's secrets; else
    /// `http://localhost:3000`. No trailing slash.
    ///
    /// # Errors
    /// When the installation's secrets cannot be read.
    pub async fn redirect_base(&self, secrets: &SecretChain) -> Result<String, SecretError> {
        for (from_environment, key) in
            [(&self.public_base_url, key::NEXT_PUBLIC_BASE_URL), (&self.nextauth_url, key::NEXTAUTH_URL)]
        {
            if let Some(base) = from_environment {
                return Ok(base.to_string());
            }
            if let Some(base) = secrets.value(Scope::App, Family::Service, key).await? {
                return Ok(base.expose_secret().trim_end_matches('/').to_owned());
            }
        }
        Ok(LOCAL_BASE.to_owned())
    }

    /// The base of the settings page that a sign-in ends on: `NEXTAUTH_URL`, else
    /// `http://localhost:3000`. No trailing slash.
    pub fn settings_page_base(&self) -> &str {
        self.nextauth_url.as_ref().map_or(LOCAL_BASE, BaseUrl::as_str)
    }
}

fn required<'a>(value: Option<&'a str>, variable: &Variable) -> Result<&'a str, InvalidSettings> {
    value.ok_or_else(|| InvalidSettings::one(Problem::Missing { variable: variable.name, doc: variable.doc }))
}
