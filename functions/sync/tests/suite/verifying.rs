//! Whoever changes or removes a part of a stored plan is found out, and what is missing for another reason is
//! told apart.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, Delete, TransactWriteItem},
};
use domain::{
    ids::RunId,
    plan::{Action, PlanPage, Rule},
    scope::Exclusion,
};
use jiff::SignedDuration;
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec};
use serde_json::{Value, json};
use workflow::payloads::StepInput;

use crate::{
    house::{Does, House, Plan, TABLE, WORKSPACE, tenant},
    plans::{line, page},
};

type Item = HashMap<String, AttributeValue>;

fn left_out(number: u128) -> PlanPage {
    page(vec![line(number, Rule::Scope, Action::Exclude { reason: Exclusion::Guest, detail: None })])
}

/// A run of three tenants, each with a plan of three pages, and whoever writes to the table without asking.
struct Intruded {
    house: House,
    run: RunId,
}

impl Intruded {
    async fn new() -> Self {
        let house = House::new().await;
        let run = ended_run(&house, 0).await;
        Self { house, run }
    }

    fn of_run(&self, sk: String) -> Item {
        key(format!("{WORKSPACE}#RUN#{}", self.run), sk)
    }

    async fn item(&self, key: Item) -> Item {
        let found = self.house.table.get_item().table_name(TABLE).set_key(Some(key)).send().await;
        found.unwrap().item.unwrap()
    }

    async fn put(&self, item: Item) {
        self.house.table.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    }

    async fn remove(&self, key: Item) {
        self.item(key.clone()).await;
        let delete = Delete::builder().table_name(TABLE).set_key(Some(key)).build().unwrap();
        let delete = TransactWriteItem::builder().delete(delete).build();
        self.house.table.transact_write_items().transact_items(delete).send().await.unwrap();
    }

    async fn verified(&self) -> Value {
        self.house.get(&format!("/runs/{}/verify", self.run)).await.data(200)
    }

    /// That the run is not intact, and what is said of tenant 1; the others are as they were written.
    async fn found(&self) -> (Value, Value) {
        let checked = self.verified().await;
        assert_eq!((&checked["intact"], &checked["ended"]), (&json!(false), &json!(true)), "{checked}");
        let tenants = checked["tenants"].as_array().unwrap();
        assert_eq!(tenants.len(), 3);
        let is_first = |check: &&Value| check["managedTenantId"] == json!(tenant(1));
        for check in tenants.iter().filter(|check| !is_first(check)) {
            assert_eq!(check["finding"], "as_written", "{checked}");
        }
        let first = tenants.iter().find(is_first).unwrap();
        assert_eq!(first["intact"], false);
        assert!(first["explanation"].as_str().unwrap().len() > 20);
        (first["finding"].clone(), first["firstFault"].clone())
    }
}

/// The key of a page of tenant 1.
fn plan_page(run: RunId, number: u32) -> Item {
    key(format!("{WORKSPACE}#PLAN#{run}#{}", tenant(1)), format!("PAGE#{number:08}"))
}

async fn ended_run(house: &House, people: u128) -> RunId {
    house.passes(SignedDuration::from_mins(1));
    let pages = (1..=3).map(|number| left_out(people + number)).collect();
    house.engine_does(Does::Carry(Plan { pages, failure: None }));
    house.begin().await.as_str().unwrap().parse().unwrap()
}

fn key(pk: String, sk: String) -> Item {
    [("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk))].into()
}

fn body(item: &Item) -> Vec<u8> {
    item["body"].as_b().unwrap().clone().into_inner()
}

fn with_body(item: &Item, body: Vec<u8>) -> Item {
    let mut item = item.clone();
    item.insert("body".to_owned(), AttributeValue::B(Blob::new(body)));
    item
}

#[tokio::test]
async fn an_untouched_plan_is_intact() {
    let untouched = Intruded::new().await;
    let checked = untouched.verified().await;
    assert_eq!((&checked["intact"], &checked["unknownTenants"]), (&json!(true), &json!(0)));
    for check in checked["tenants"].as_array().unwrap() {
        assert_eq!((&check["finding"], &check["pages"]), (&json!("as_written"), &json!(3)));
        assert_eq!((&check["intact"], &check["firstFault"]), (&json!(true), &Value::Null));
    }
}

#[tokio::test]
async fn every_stored_byte_that_is_changed_is_noticed() {
    let intruded = Intruded::new().await;
    let item = intruded.item(plan_page(intruded.run, 2)).await;
    let stored = body(&item);
    let unpacked = decompress_to_vec(&stored).unwrap();
    let mut noticed = 0;
    for position in 0..stored.len() {
        let mut changed = stored.clone();
        changed[position] ^= 1;
        // The filling up of the last byte says nothing.
        if decompress_to_vec(&changed).is_ok_and(|changed| changed == unpacked) {
            continue;
        }
        intruded.put(with_body(&item, changed)).await;
        assert_eq!(intruded.found().await, (json!("page_changed"), json!(2)), "byte {position}");
        noticed += 1;
    }
    assert!(noticed > stored.len() / 2, "{noticed} of {}", stored.len());
}

#[tokio::test]
async fn what_a_reader_would_not_see_is_noticed() {
    let intruded = Intruded::new().await;
    let item = intruded.item(plan_page(intruded.run, 3)).await;
    let unpacked = String::from_utf8(decompress_to_vec(&body(&item)).unwrap()).unwrap();
    for changed in [unpacked.replacen('{', "{ ", 1), unpacked.replacen('{', r#"{"unknown":1,"#, 1)] {
        let page = left_out(3);
        assert_eq!(PlanPage::decode(changed.as_bytes()).unwrap(), page, "it reads the same");
        intruded.put(with_body(&item, compress_to_vec(changed.as_bytes(), 4))).await;
        assert_eq!(intruded.found().await, (json!("page_changed"), json!(3)), "{changed}");
    }
}

#[tokio::test]
async fn a_page_of_another_run_in_its_place_is_noticed() {
    let intruded = Intruded::new().await;
    let other = ended_run(&intruded.house, 10).await;
    let mut page = intruded.item(plan_page(other, 2)).await;
    page.extend(plan_page(intruded.run, 2));
    intruded.put(page).await;
    assert_eq!(intruded.found().await, (json!("page_changed"), json!(2)));
}

#[tokio::test]
async fn a_plan_that_was_made_anew_does_not_end_in_the_noted_hash() {
    let intruded = Intruded::new().await;
    let other = ended_run(&intruded.house, 10).await;
    for number in 1..=3 {
        let mut page = intruded.item(plan_page(other, number)).await;
        page.extend(plan_page(intruded.run, number));
        intruded.put(page).await;
    }
    assert_eq!(intruded.found().await, (json!("page_changed"), json!(3)));
}

#[tokio::test]
async fn a_page_that_is_removed_is_missing_until_its_time_is_up() {
    for number in 1..=3 {
        let intruded = Intruded::new().await;
        intruded.remove(plan_page(intruded.run, number)).await;
        assert_eq!(intruded.found().await, (json!("page_missing"), json!(number)));
        intruded.house.passes(SignedDuration::from_hours(24 * 179));
        assert_eq!(intruded.found().await, (json!("page_missing"), json!(number)));
        intruded.house.passes(SignedDuration::from_hours(24));
        assert_eq!(intruded.found().await, (json!("expired"), json!(number)));
    }
}

#[tokio::test]
async fn a_result_that_is_removed_is_missing() {
    let intruded = Intruded::new().await;
    intruded.remove(intruded.of_run(format!("TENANT#{}", tenant(1)))).await;
    assert_eq!(intruded.found().await, (json!("result_missing"), Value::Null));
    for number in 2..=3 {
        intruded.remove(intruded.of_run(format!("TENANT#{}", tenant(number)))).await;
    }
    let checked = intruded.verified().await;
    assert_eq!((&checked["intact"], checked["tenants"].as_array().unwrap().len()), (&json!(false), 3));
}

#[tokio::test]
async fn tenants_that_nothing_speaks_of_any_more_are_counted() {
    let intruded = Intruded::new().await;
    intruded.remove(intruded.of_run("TARGETS#0000".to_owned())).await;
    let checked = intruded.verified().await;
    assert_eq!(checked["intact"], true, "the results tell which tenants there were");
    intruded.remove(intruded.of_run(format!("TENANT#{}", tenant(1)))).await;
    let checked = intruded.verified().await;
    assert_eq!((&checked["intact"], &checked["unknownTenants"]), (&json!(false), &json!(1)));
}

#[tokio::test]
async fn a_run_that_is_going_on_or_was_cut_off_is_no_fault_of_anybodys() {
    let house = House::new().await;
    let run = house.begin().await;
    let path = format!("/runs/{}/verify", run.as_str().unwrap());
    let queued = house.get(&path).await.data(200);
    assert_eq!((&queued["intact"], &queued["ended"]), (&json!(false), &json!(false)));
    let run_id: RunId = run.as_str().unwrap().parse().unwrap();
    house.engine.step(StepInput::Begin { workspace_id: WORKSPACE, run_id }).await;
    let findings = |checked: &Value| -> Vec<Value> {
        checked["tenants"].as_array().unwrap().iter().map(|tenant| tenant["finding"].clone()).collect()
    };
    let running = house.get(&path).await.data(200);
    assert_eq!((findings(&running), &running["intact"]), (vec![json!("under_way"); 3], &json!(false)));
    // Its workflow dies, and whoever cancels it ends it.
    house.passes(SignedDuration::from_hours(1));
    house.post(&format!("/runs/{}/cancel", run.as_str().unwrap()), json!({})).await.data(202);
    let ended = house.get(&path).await.data(200);
    assert_eq!((findings(&ended), &ended["ended"]), (vec![json!("never_ended"); 3], &json!(true)));
    assert_eq!(ended["intact"], false);
}
