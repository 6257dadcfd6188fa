//! Somebody has been at the data folder.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    config::SharedHttpClient,
    types::{AttributeValue, Delete, TransactWriteItem},
};
use embedded::{Durability, Engine, OpenError};
use serde_json::{Value, json};

use crate::{tool::Folder, world::before_first_sync};

/// Does something to the table of the folder, past every rule.
fn at_the_table<F: Future<Output = ()>>(folder: &Folder, act: impl FnOnce(Client) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kept = Durability::ProcessKill;
        let engine = Engine::open::<OpenError>(&folder.data(), kept, async |_| Ok(())).await.unwrap();
        act(store::client_over(SharedHttpClient::new(engine))).await;
    });
}

#[test]
fn a_plan_with_a_page_missing_fails_its_check_and_says_what_to_do() {
    let folder = before_first_sync();
    let sync = folder.json(&["sync"]);
    let run = sync["run"]["runId"].as_str().unwrap();
    let tenant = sync["tenantResults"][0]["managedTenantId"].as_str().unwrap();
    let end = format!("#PLAN#{run}#{tenant}");
    at_the_table(&folder, async |table| {
        let found = table.scan().table_name("entra-contact-sync").send().await.unwrap();
        let key = |item: HashMap<String, AttributeValue>| {
            let mut item = item;
            item.retain(|name, _| name == "pk" || name == "sk");
            item
        };
        let text = |item: &HashMap<String, AttributeValue>, name: &str| item[name].as_s().unwrap().clone();
        let page = found
            .items
            .unwrap()
            .into_iter()
            .find(|item| text(item, "pk").ends_with(&end) && text(item, "sk").starts_with("PAGE#"));
        let delete =
            Delete::builder().table_name("entra-contact-sync").set_key(page.map(key)).build().unwrap();
        let delete = TransactWriteItem::builder().delete(delete).build();
        table.transact_write_items().transact_items(delete).send().await.unwrap();
    });
    let ended = folder.run(&["runs", "verify", run, "--output", "json"]).ended_with(1);
    assert!(ended.stderr.contains("[plan_not_intact]"), "{ended:#?}");
    assert!(ended.stderr.contains("do not apply or undo this run"), "{ended:#?}");
    let checked = ended.document();
    assert_eq!(checked["intact"], false);
    let of = |id: &str| -> Value {
        let tenants = checked["tenants"].as_array().unwrap();
        tenants.iter().find(|check| check["managedTenantId"] == id).unwrap()["finding"].clone()
    };
    assert_eq!(of(tenant), "page_missing");
    assert_eq!(of(sync["tenantResults"][1]["managedTenantId"].as_str().unwrap()), json!("as_written"));
    let shown = folder.run(&["runs", "verify", run]).ended_with(1).stdout;
    assert!(shown.contains("Page 1"), "{shown}");
}
