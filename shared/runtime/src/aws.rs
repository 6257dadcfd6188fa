//! The AWS account the process runs in.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, meta::region::RegionProviderChain,
    profile::ProfileFileRegionProvider, timeout::TimeoutConfig,
};

use crate::{http, settings::Settings};

/// From the start of an attempt to the first byte of its response.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Nobody said which region.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no AWS region is known; set `AWS_REGION`, or a region in the profile that `AWS_PROFILE` names")]
pub struct NoRegion;

/// What is known about the account. A client is only made, and its code only linked, where one
/// is asked for.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
}

impl Aws {
    /// Reads the account's configuration.
    ///
    /// Credentials come from the SDK's default chain (environment, profile, web identity,
    /// container, instance), found when the first request is signed. The region comes from the
    /// environment or the profile and never from the instance metadata service, which would hold
    /// up a process for seconds wherever there is none. Endpoints can be redirected with
    /// `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`.
    ///
    /// # Errors
    /// When there is no region.
    pub async fn connect(settings: &Settings, client: reqwest::Client) -> Result<Self, NoRegion> {
        let known = settings.aws_region.clone().map(Region::new);
        let region = RegionProviderChain::first_try(known).or_else(ProfileFileRegionProvider::new());
        let region = region.region().await.ok_or(NoRegion)?;
        // The behaviour version is pinned: retries and timeouts must not change under us.
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(region)
            .http_client(http::sdk_http_client(client))
            .timeout_config(TimeoutConfig::builder().read_timeout(READ_TIMEOUT).build())
            .load()
            .await;
        Ok(Self { config })
    }

    /// A client for the table.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// A client for Secrets Manager.
    pub fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config)
    }

    /// A client for the state machines.
    pub fn step_functions(&self) -> aws_sdk_sfn::Client {
        aws_sdk_sfn::Client::new(&self.config)
    }
}
