//! Serves connecting behind the API Gateway.

use std::{process::ExitCode, sync::Arc};

use connect::Connect;

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let app = Arc::new(Connect::on_aws(&foundation).await?);
        runtime::lambda::run_http(assembly::http(connect::router(app), &foundation)).await
    })
}
