//! Serves the platform's feature flags behind the gateway.

use std::{process::ExitCode, sync::Arc};

use flags::{Flags, routes};

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let router = routes::router(Arc::new(Flags::on_aws(&foundation)));
        runtime::lambda::run_http(assembly::http(router, &foundation)).await
    })
}
