//! Serves clients and contacts behind the gateway.

use std::{process::ExitCode, sync::Arc};

use people::{People, routes};

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let router = routes::router(Arc::new(People::on_aws(&foundation)));
        runtime::lambda::run_http(assembly::http(router, &foundation)).await
    })
}
