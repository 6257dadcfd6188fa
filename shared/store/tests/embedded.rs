//! The repositories over the embedded engine.
#![expect(missing_docs, reason = "tests")]

mod suite;

use aws_sdk_dynamodb::config::SharedHttpClient;
use embedded::Engine;
use store::{Store, client_over};

async fn fresh() -> Store {
    let engine = Engine::in_memory().unwrap();
    let store = Store::new(client_over(SharedHttpClient::new(engine)), "contacts");
    store.create_table_if_absent().await.unwrap();
    store
}

suite::tests!(fresh);
