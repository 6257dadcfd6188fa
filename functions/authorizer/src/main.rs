//! The API Gateway asks who is calling.

use std::{process::ExitCode, sync::Arc};

use ambient::SystemClock;
use authorizer::{Verifier, authorize};
use runtime::{Settings, http, lambda, telemetry};

fn main() -> ExitCode {
    runtime::main(async {
        // No AWS clients: this function reads nothing but the PSA's keys.
        let settings = Settings::from_environment()?;
        telemetry::start(&settings);
        let client = http::client(http::Limits::default())?;
        let verifier = &Verifier::configured(settings.auth.into(), client, Arc::new(SystemClock))?;
        lambda::run_task(async |event, _| authorize(verifier, event).await).await
    })
}
