//! Serves runs behind the gateway.

use std::{process::ExitCode, sync::Arc};

use sync::{Explain, Sync, routes};

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let router = routes::router(Arc::new(Sync::on_aws(&foundation)))
            .merge(routes::explaining(Arc::new(Explain::on_aws(&foundation)?)));
        runtime::lambda::run_http(assembly::http(router, &foundation)).await
    })
}
