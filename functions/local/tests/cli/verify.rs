//! Somebody has been at the data folder.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Delete, TransactWriteItem},
};
use serde_json::{Value, json};

use crate::{
    table::{TABLE, at_the_table},
    tool::Folder,
    world::before_first_sync,
};

type Item = HashMap<String, AttributeValue>;

/// The first page of a tenant's plan, as it is stored.
async fn stored_page(table: &Client, run: &str, tenant: &str) -> Item {
    let end = format!("#PLAN#{run}#{tenant}");
    let found = table.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    let text = |item: &Item, name: &str| item[name].as_s().unwrap().clone();
    let is_page = |item: &Item| text(item, "pk").ends_with(&end) && text(item, "sk").starts_with("PAGE#");
    found.into_iter().find(is_page).unwrap()
}

fn remove_a_page(folder: &Folder, run: &str, tenant: &str) {
    at_the_table(folder, async |table| {
        let mut key = stored_page(&table, run, tenant).await;
        key.retain(|name, _| name == "pk" || name == "sk");
        let delete = Delete::builder().table_name(TABLE).set_key(Some(key)).build().unwrap();
        let delete = TransactWriteItem::builder().delete(delete).build();
        table.transact_write_items().transact_items(delete).send().await.unwrap();
    });
}

/// Puts the page of another tenant in the place of a tenant's own.
fn exchange_a_page(folder: &Folder, run: &str, tenant: &str, other: &str) {
    at_the_table(folder, async |table| {
        let own = stored_page(&table, run, tenant).await;
        let mut page = stored_page(&table, run, other).await;
        page.extend(["pk", "sk"].map(|name| (name.to_owned(), own[name].clone())));
        table.put_item().table_name(TABLE).set_item(Some(page)).send().await.unwrap();
    });
}

#[test]
fn a_plan_with_a_page_missing_fails_its_check_and_says_what_to_do() {
    let folder = before_first_sync();
    let sync = folder.json(&["sync"]);
    let run = sync["run"]["runId"].as_str().unwrap();
    let tenant = sync["tenantResults"][0]["managedTenantId"].as_str().unwrap();
    remove_a_page(&folder, run, tenant);
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

/// Plans are kept for 180 days.
#[test]
fn a_plan_that_is_too_old_to_be_kept_is_told_from_one_that_was_changed() {
    let folder = before_first_sync();
    let sync = folder.json(&["sync"]);
    let run = sync["run"]["runId"].as_str().unwrap();
    let tenant = sync["tenantResults"][0]["managedTenantId"].as_str().unwrap();
    remove_a_page(&folder, run, tenant);
    at_the_table(&folder, async |table| {
        let found = table.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
        let is_run = |item: &Item| {
            item["pk"].as_s().unwrap().ends_with("#RUN") && item["sk"].as_s().unwrap().ends_with(run)
        };
        let mut item = found.into_iter().find(is_run).unwrap();
        item.insert("startedAt".to_owned(), AttributeValue::S("2020-03-02T08:00:00Z".to_owned()));
        table.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    });
    let ended = folder.run(&["runs", "verify", run, "--output", "json"]).ended_with(1);
    assert!(ended.stderr.contains("[plan_unchecked]"), "{ended:#?}");
    assert!(!ended.stderr.contains("[plan_not_intact]"), "{ended:#?}");
    let checked = ended.document();
    let tenants = checked["tenants"].as_array().unwrap();
    let finding = tenants.iter().find(|check| check["managedTenantId"] == tenant).unwrap()["finding"].clone();
    assert_eq!((checked["intact"].clone(), finding), (json!(false), json!("expired")));
}

#[test]
fn a_preview_that_is_not_kept_as_it_was_shown_is_not_applied() {
    for (is_removed, code) in [(true, "plan_expired"), (false, "plan_changed")] {
        let folder = before_first_sync();
        let preview = folder.run(&["preview", "--output", "json"]).ended_with(2).document();
        let run = preview["run"]["runId"].as_str().unwrap();
        let tenant = |number: usize| preview["tenantResults"][number]["managedTenantId"].as_str().unwrap();
        if is_removed {
            remove_a_page(&folder, run, tenant(0));
        } else {
            exchange_a_page(&folder, run, tenant(0), tenant(1));
        }
        let applied = folder.run(&["runs", "apply", run, "--output", "json"]).ended_with(1).document();
        let results = applied["tenantResults"].as_array().unwrap();
        let result = results.iter().find(|result| result["managedTenantId"] == tenant(0)).unwrap();
        assert_eq!(result["failure"]["code"], code, "{result:#}");
    }
}
