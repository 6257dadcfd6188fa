//! The table of a data folder, past the command.

use aws_sdk_dynamodb::{Client, config::SharedHttpClient};
use embedded::{Durability, Engine, OpenError};

use crate::tool::Folder;

/// Does something to the table of the folder, past every rule.
pub(crate) fn at_the_table<F: Future<Output = ()>>(folder: &Folder, act: impl FnOnce(Client) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kept = Durability::ProcessKill;
        let engine = Engine::open::<OpenError>(&folder.data(), kept, async |_| Ok(())).await.unwrap();
        act(store::client_over(SharedHttpClient::new(engine))).await;
    });
}

/// Its name.
pub(crate) const TABLE: &str = "entra-contact-sync";
