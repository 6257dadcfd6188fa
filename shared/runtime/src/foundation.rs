//! Everything a function stands on.

use std::{future::Future, process::ExitCode, sync::Arc};

use ambient::{Clock, SystemClock};
use secrets::{
    EnvProvider, FilesystemProvider, InvalidChain, Provider, ProviderName, SecretChain,
    SecretsManagerProvider, VaultProvider,
};

use crate::{
    aws::{Aws, NoRegion},
    http::{self, Limits},
    settings::{InvalidSettings, Settings},
    telemetry::{self, ErrorChain},
};

/// What every function on AWS starts with.
#[derive(Debug)]
pub struct Foundation {
    /// What the environment says.
    pub settings: Settings,
    /// The one HTTP client.
    pub http: reqwest::Client,
    /// The AWS account the process runs in.
    pub aws: Aws,
    /// Secrets, whoever keeps them.
    pub secrets: Arc<SecretChain>,
}

/// Why a process did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// AWS cannot be used.
    #[error("the AWS clients were not made")]
    Aws(#[from] NoRegion),
    /// The secret chain is not one.
    #[error("the secret providers were not made")]
    Secrets(#[from] InvalidChain),
    /// Something in the environment.
    #[error("the settings were refused")]
    Settings(#[from] InvalidSettings),
    /// The TLS roots or the limits of the HTTP client.
    #[error("the HTTP client was not made")]
    Http(#[from] reqwest::Error),
}

/// Reads the settings, turns the log on, and makes the clients. Opens no connection, unless the
/// region has to be found out.
///
/// # Errors
/// When a setting is wrong or missing.
pub async fn start() -> Result<Foundation, StartError> {
    let settings = Settings::from_environment()?;
    telemetry::start(&settings);
    let http = http::client(Limits::default())?;
    let aws = Aws::connect(&settings, http.clone()).await?;
    let secrets = Arc::new(secret_chain(&settings, Some(&aws), &http, Arc::new(SystemClock))?);
    Ok(Foundation { settings, http, aws, secrets })
}

/// The secret chain that `settings` describe. Without `aws` (local mode) a chain that names
/// Secrets Manager cannot be made. Vault is asked through `http`, which follows no redirect.
///
/// # Errors
/// When the chain would need AWS.
pub fn secret_chain(
    settings: &Settings,
    aws: Option<&Aws>,
    http: &reqwest::Client,
    clock: Arc<dyn Clock>,
) -> Result<SecretChain, InvalidChain> {
    let chosen = &settings.secrets;
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    for name in chosen.chain.read() {
        match (name, aws, &chosen.vault) {
            (ProviderName::Env, ..) => {
                let environment = settings.environment.clone();
                providers.push(Arc::new(EnvProvider::new(environment, &chosen.env_prefix)));
            }
            (ProviderName::Filesystem, ..) => {
                providers.push(Arc::new(FilesystemProvider::new(&chosen.filesystem_path)));
            }
            (ProviderName::SecretsManager, Some(aws), _) => {
                let provider = SecretsManagerProvider::new(aws.secrets_manager(), &chosen.prefix);
                providers.push(Arc::new(provider.encrypting_with(chosen.kms_key.clone())));
            }
            (ProviderName::Vault, _, Some(vault)) => {
                providers.push(Arc::new(VaultProvider::new(http.clone(), vault.clone())));
            }
            (name, ..) => return Err(InvalidChain::Unusable(*name)),
        }
    }
    let environment = settings.environment.clone();
    SecretChain::new(providers, chosen.chain.write(), environment, clock, chosen.cache)
}

/// Runs `work` to its end on the one thread a Lambda function has, and says once why it failed.
pub fn main<E>(work: impl Future<Output = Result<(), E>>) -> ExitCode
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(work).map_err(Into::into),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry::start_plain();
            tracing::error!(error = %ErrorChain(error.as_ref()), "the process ends");
            ExitCode::FAILURE
        }
    }
}
