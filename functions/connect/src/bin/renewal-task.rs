//! Renews sign-ins before they end, once a day.

use std::process::ExitCode;

use connect::{Connect, RenewalInput};
use runtime::lambda::Invocation;

fn main() -> ExitCode {
    runtime::main(async {
        let foundation = runtime::start().await?;
        let app = Connect::on_aws(&foundation).await?;
        runtime::lambda::run_task(async |input: RenewalInput, invocation: Invocation| {
            Box::pin(app.renew_due(input, invocation.deadline)).await.map_err(assembly::Failure)
        })
        .await
    })
}
