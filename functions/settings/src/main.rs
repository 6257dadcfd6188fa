//! Serves the settings behind the gateway.

use std::{process::ExitCode, sync::Arc};

use settings::{Settings, routes};

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let router = routes::router(Arc::new(Settings::on_aws(&foundation)));
        runtime::lambda::run_http(assembly::http(router, &foundation)).await
    })
}
