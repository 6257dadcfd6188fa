//! Whoever changes or removes a part of a stored plan is found out, and what is missing for another reason is
//! told apart.

use std::collections::HashMap;

use ambient::Clock as _;
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
use store::{StaleLine, StoredPage};
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

    /// Puts a page in the place of the one that is there, sealed as a worker would.
    async fn forge(&self, page: &StoredPage) {
        let (store, now) = (&self.house.store, self.house.clock.now());
        let other = RunId::new(uuid::Uuid::from_u128(0x0ABC));
        let (lease, _) = store.acquire(WORKSPACE, tenant(1), other, now).await.unwrap().unwrap();
        let times = (now, now.as_second() + 60);
        assert!(store.put_page(WORKSPACE, self.run, tenant(1), lease, page, times).await.unwrap());
        assert!(store.release_tenant(WORKSPACE, tenant(1), lease, None).await.unwrap());
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

/// The same item with one bit of it another one, for every byte of every name and value but the key.
fn every_edit(item: &Item) -> Vec<(String, Item)> {
    let mut edits = Vec::new();
    for (name, value) in item.iter().filter(|(name, _)| !["pk", "sk"].contains(&name.as_str())) {
        for (what, other) in other_values(value) {
            let mut edited = item.clone();
            edited.insert(name.clone(), other);
            edits.push((format!("{name}: {what}"), edited));
        }
        for (position, other) in other_texts(name).into_iter().enumerate() {
            let mut edited = item.clone();
            let value = edited.remove(name).unwrap();
            if edited.insert(other, value).is_none() {
                edits.push((format!("{name}: byte {position} of the name"), edited));
            }
        }
    }
    edits
}

fn other_values(value: &AttributeValue) -> Vec<(String, AttributeValue)> {
    let bytes = |number: usize| format!("byte {number}");
    match value {
        AttributeValue::B(blob) => (0..blob.as_ref().len())
            .map(|position| {
                let mut other = blob.as_ref().to_vec();
                other[position] ^= 1;
                (bytes(position), AttributeValue::B(Blob::new(other)))
            })
            .collect(),
        AttributeValue::Bool(is) => vec![("not so".to_owned(), AttributeValue::Bool(!is))],
        AttributeValue::S(text) => {
            let others = other_texts(text).into_iter().enumerate();
            others.map(|(position, other)| (bytes(position), AttributeValue::S(other))).collect()
        }
        AttributeValue::N(number) => {
            let others = other_texts(number).into_iter().enumerate();
            others.map(|(position, other)| (bytes(position), AttributeValue::N(other))).collect()
        }
        AttributeValue::L(values) => (0..values.len())
            .flat_map(|position| {
                other_values(&values[position]).into_iter().map(move |(what, other)| {
                    let mut values = values.clone();
                    values[position] = other;
                    (format!("{position}: {what}"), AttributeValue::L(values))
                })
            })
            .collect(),
        AttributeValue::M(map) => {
            let edits = every_edit(map).into_iter();
            edits.map(|(what, map)| (what, AttributeValue::M(map))).collect()
        }
        other => panic!("{other:?} is never stored"),
    }
}

/// The text with one bit another one, for each of its bytes.
fn other_texts(text: &str) -> Vec<String> {
    let other = |position: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[position] ^= 1;
        String::from_utf8(bytes).unwrap()
    };
    (0..text.len()).map(other).collect()
}

#[tokio::test]
async fn every_stored_byte_of_a_page_that_is_changed_is_noticed() {
    let intruded = Intruded::new().await;
    let item = intruded.item(plan_page(intruded.run, 2)).await;
    let names: Vec<&String> = item.keys().collect();
    for name in ["body", "chain", "closesRead", "expires", "groupEnd", "number", "seal", "sealed", "token"] {
        assert!(names.iter().any(|found| *found == name), "{name} is not among {names:?}");
    }
    let edits = every_edit(&item);
    assert!(edits.len() > 400, "{}", edits.len());
    for (what, edited) in edits {
        intruded.put(edited).await;
        assert_eq!(intruded.found().await, (json!("page_changed"), json!(2)), "{what}");
    }
    intruded.put(item).await;
    assert_eq!(intruded.verified().await["intact"], true);
}

/// A run in which a line of tenant 1 was left alone, as a sync would have stored it.
async fn with_a_line_left_alone() -> (Intruded, Item) {
    let intruded = Intruded::new().await;
    let (house, run) = (&intruded.house, intruded.run);
    let results = house.store.tenant_runs(WORKSPACE, run).await.unwrap();
    let mut result = results.into_iter().find(|result| result.tenant == tenant(1)).unwrap();
    result.counters.stale = 1;
    let stale = StaleLine { line: left_out(1).lines[0].id, code: "contact_changed" };
    let expires = house.clock.now().as_second() + 1_000_000;
    house.store.put_stale_lines(WORKSPACE, run, tenant(1), 2, &[stale], expires).await.unwrap();
    intruded.remove(intruded.of_run(format!("TENANT#{}", tenant(1)))).await;
    assert!(house.store.put_tenant_run(WORKSPACE, run, &result).await.unwrap());
    assert_eq!(intruded.verified().await["intact"], true);
    let row = key(format!("{WORKSPACE}#PLAN#{run}#{}", tenant(1)), "STALE#00000002".to_owned());
    let row = intruded.item(row).await;
    (intruded, row)
}

#[tokio::test]
async fn every_stored_byte_of_a_result_that_is_changed_is_noticed() {
    let (intruded, _) = with_a_line_left_alone().await;
    let item = intruded.item(intruded.of_run(format!("TENANT#{}", tenant(1)))).await;
    for name in ["chain", "counters", "pages", "seal", "sealed", "stale", "tenantStatus"] {
        assert!(item.contains_key(name), "{name} is not there");
    }
    let edits = every_edit(&item);
    assert!(edits.len() > 500, "{}", edits.len());
    for (what, edited) in edits {
        intruded.put(edited).await;
        assert_eq!(intruded.found().await.0, json!("result_changed"), "{what}");
    }
}

#[tokio::test]
async fn every_stored_byte_about_a_line_that_was_left_alone_is_noticed() {
    let (intruded, item) = with_a_line_left_alone().await;
    let edits = every_edit(&item);
    assert!(edits.len() > 60, "{}", edits.len());
    for (what, edited) in edits {
        intruded.put(edited).await;
        assert_eq!(intruded.found().await.0, json!("left_alone_changed"), "{what}");
    }
    // Taken away, or one more.
    intruded.remove(key(item["pk"].as_s().unwrap().clone(), "STALE#00000002".to_owned())).await;
    assert_eq!(intruded.found().await.0, json!("left_alone_changed"));
    intruded.put(item.clone()).await;
    assert_eq!(intruded.verified().await["intact"], true);
    let more = Item::from([("sk".to_owned(), AttributeValue::S("STALE#00000003".to_owned()))]);
    intruded.put(item.into_iter().chain(more).collect()).await;
    assert_eq!(intruded.found().await.0, json!("left_alone_changed"));
}

#[tokio::test]
async fn a_head_that_is_sealed_anew_breaks_the_chain() {
    let intruded = Intruded::new().await;
    let (house, run) = (&intruded.house, intruded.run);
    let stored = house.store.pages(WORKSPACE, run, tenant(1), 1, 1).await.unwrap().remove(0);
    for change in 0..5 {
        let mut forged = stored.clone();
        let head = &mut forged.head;
        match change {
            0 => head.next_cursor = Some("https://elsewhere.example".to_owned()),
            1 => head.feed = Some("https://elsewhere.example".to_owned()),
            2 => head.group_end += 1,
            3 => head.closes_read = !head.closes_read,
            _ => head.only_changes = !head.only_changes,
        }
        intruded.forge(&forged).await;
        assert_eq!(intruded.found().await, (json!("page_changed"), json!(2)), "{change}");
    }
}

#[tokio::test]
async fn runs_of_before_there_were_seals_are_checked_as_they_were() {
    let house = House::new().await;
    house.passes(SignedDuration::from_mins(1));
    let pages = (1..=3).map(|number| PlanPage { format: 3, ..left_out(number) }).collect();
    house.engine_does(Does::Carry(Plan { pages, failure: None }));
    let run = house.begin().await.as_str().unwrap().parse().unwrap();
    let intruded = Intruded { house, run };
    let unsealed = async |key: Item| {
        let mut item = intruded.item(key).await;
        assert!(item.remove("seal").is_some() && item.remove("sealed").is_some());
        intruded.put(item).await;
    };
    for number in 1..=3 {
        unsealed(plan_page(run, number)).await;
    }
    unsealed(intruded.of_run(format!("TENANT#{}", tenant(1)))).await;
    assert_eq!(intruded.verified().await["intact"], true);
    let item = intruded.item(plan_page(run, 2)).await;
    let mut changed = body(&item);
    changed[3] ^= 1;
    intruded.put(with_body(&item, changed)).await;
    assert_eq!(intruded.found().await, (json!("page_changed"), json!(2)));
}

#[tokio::test]
async fn seals_cannot_be_taken_off() {
    let intruded = Intruded::new().await;
    for key in [plan_page(intruded.run, 1), intruded.of_run(format!("TENANT#{}", tenant(1)))] {
        let item = intruded.item(key).await;
        let mut without = item.clone();
        assert!(without.remove("seal").is_some() && without.remove("sealed").is_some());
        intruded.put(without).await;
        let found = intruded.found().await.0;
        assert!([json!("page_changed"), json!("result_changed")].contains(&found), "{found}");
        intruded.put(item).await;
    }
    assert_eq!(intruded.verified().await["intact"], true);
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
    // Sealed anew, and each behind the one before: only the result knows better.
    let forged = intruded.house.store.pages(WORKSPACE, other, tenant(1), 0, 3).await.unwrap();
    assert_eq!(forged.len(), 3);
    for page in &forged {
        intruded.forge(page).await;
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
