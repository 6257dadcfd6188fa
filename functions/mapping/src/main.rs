//! Serves the mapping table behind the gateway.

use std::{process::ExitCode, sync::Arc};

use mapping::{Mapping, routes};

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let router = routes::router(Arc::new(Mapping::on_aws(&foundation)));
        runtime::lambda::run_http(assembly::http(router, &foundation)).await
    })
}
