//! Lines that are looked for among many, and values that are not shown.

use std::collections::BTreeMap;

use domain::{
    fields::{Change, Field, FieldChange},
    plan::{Action, ContactState, Line, Rule, Turn},
    scope::Exclusion,
};
use serde_json::{Value, json};
use store::{StaleLine, SyncSettings};

use crate::{
    house::{Does, House, Plan, WORKSPACE, client, tenant},
    plans::{created, line, page},
};

fn left_out(number: u128, reason: Exclusion) -> Line {
    line(number, Rule::Scope, Action::Exclude { reason, detail: None })
}

/// Five pages of two hundred people: every tenth is created, the others are left out, each hundredth by a pattern
/// and the rest as guests.
async fn large_run(house: &House) -> String {
    let person = |number: u128| match number {
        number if number % 10 == 0 => created(number),
        number if number % 100 == 1 => left_out(number, Exclusion::Pattern),
        number => left_out(number, Exclusion::Guest),
    };
    let pages = (0..5).map(|part| page((part * 200..(part + 1) * 200).map(person).collect())).collect();
    house.engine_does(Does::Carry(Plan { pages, failure: None }));
    house.begin().await.as_str().unwrap().to_owned()
}

/// Every line that fits, over as many answers as it takes.
async fn found(house: &House, run: &str, which: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/runs/{run}/lines?managedTenantId={}{which}{cursor}", tenant(1));
        let data = house.get(&path).await.data(200);
        all.extend(data["lines"].as_array().unwrap().iter().cloned());
        match data["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn whoever_is_left_out_is_found_by_the_rule_and_by_name_and_counted() {
    let house = House::new().await;
    let run = large_run(&house).await;
    for (which, expected) in [
        ("", 1_000),
        ("&action=exclude", 900),
        ("&action=create", 100),
        ("&code=tenant_custom_pattern", 10),
        ("&action=exclude&code=guest", 890),
        ("&action=create&code=guest", 0),
        ("&find=PERSON%2077", 11),
        ("&find=p777@", 1),
        ("&find=p777@&code=tenant_custom_pattern", 0),
        ("&action=EXCLUDE&find=nobody", 0),
    ] {
        assert_eq!(found(&house, &run, which).await.len(), expected, "{which}");
    }
    let lines = found(&house, &run, "&find=p101@").await;
    assert_eq!(
        (&lines[0]["action"], &lines[0]["code"]),
        (&json!("exclude"), &json!("tenant_custom_pattern"))
    );
    // What was read is what was taken and what was left out, by which rule.
    let path = format!("/runs/{run}/lines?managedTenantId={}&count=true", tenant(1));
    let data = house.get(&path).await.data(200);
    let counts: BTreeMap<String, u64> = data["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| {
            let code = count["code"].as_str().unwrap_or("-");
            (format!("{} {code}", count["action"].as_str().unwrap()), count["lines"].as_u64().unwrap())
        })
        .collect();
    let expected = [("create -", 100), ("exclude guest", 890), ("exclude tenant_custom_pattern", 10)];
    assert_eq!(counts, expected.map(|(kind, lines)| (kind.to_owned(), lines)).into());
}

#[tokio::test]
async fn what_was_planned_and_not_done_is_told_at_its_line_and_found() {
    let house = House::new().await;
    let run = large_run(&house).await;
    let lines = found(&house, &run, "&action=create").await;
    assert!(lines.iter().all(|line| line.get("notDone").is_none()), "{lines:?}");
    let stale = |number: usize, code| {
        let line = lines[number]["lineId"].as_str().unwrap().parse().unwrap();
        StaleLine { line, code }
    };
    let (run_id, expires) = (run.parse().unwrap(), ambient::Clock::now(&house.clock).as_second());
    for (page, of_page) in [(1, vec![stale(3, "address_taken")]), (4, vec![stale(70, "write_refused")])] {
        house.store.put_stale_lines(WORKSPACE, run_id, tenant(1), page, &of_page, expires).await.unwrap();
    }
    for (which, expected) in [
        ("&notDone=true", vec![3, 70]),
        ("&notDone=true&code=write_refused", vec![70]),
        ("&code=address_taken", vec![3]),
        ("&notDone=true&action=exclude", vec![]),
    ] {
        let ids: Vec<_> =
            found(&house, &run, which).await.iter().map(|line| line["lineId"].clone()).collect();
        let expected: Vec<_> =
            expected.iter().map(|number: &usize| lines[*number]["lineId"].clone()).collect();
        assert_eq!(ids, expected, "{which}");
    }
    let line = &found(&house, &run, "&code=address_taken").await[0];
    assert_eq!(line["notDone"]["explanation"], "another contact has the address by now");
    let path = format!("/runs/{run}/lines?managedTenantId={}&count=true", tenant(1));
    let data = house.get(&path).await.data(200);
    let counts = data["counts"].as_array().unwrap();
    let not_done: Vec<_> = counts.iter().filter_map(|of| of.get("notDone")).collect();
    assert_eq!(not_done, ["address_taken", "write_refused"]);
}

/// Lines that say `MARKER` in the role, before, after and kept, and in no other field.
fn lines_with_a_role() -> Vec<Line> {
    let role = |old: &str, new: &str| {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        FieldChange::Role(Change::new(text(old), text(new)))
    };
    let update = |number: u128, changes| {
        let Action::Create { contact, facts } = created(number).action else { unreachable!() };
        line(number, Rule::IdentityLink, Action::Update { contact, expect: 1, changes, facts })
    };
    let kept = vec![("role".to_owned(), "MARKER kept".to_owned()), ("office".to_owned(), "Oslo".to_owned())];
    let state = ContactState::default();
    let restore = Action::Restore {
        contact: created(4).action.contact().unwrap(),
        expect: 1,
        changes: vec![role("MARKER", "MARKER of before")],
        turn: Box::new(Turn { from: state.clone(), to: state }),
        kept,
    };
    let office = FieldChange::Office(Change::new(Some("Bergen".to_owned()), Some("Oslo".to_owned())));
    vec![
        update(1, vec![role("MARKER old", "MARKER new"), office]),
        update(2, vec![role("", "MARKER first")]),
        update(3, vec![role("MARKER last", "")]),
        line(4, Rule::Undo, restore),
    ]
}

#[tokio::test]
async fn a_hidden_value_is_shown_nowhere_and_what_becomes_of_it_is() {
    let house = House::new().await;
    let settings =
        SyncSettings { hidden_fields: [Field::Role].into_iter().collect(), ..SyncSettings::default() };
    house.engine_does(Does::Carry(Plan { pages: vec![page(lines_with_a_role())], failure: None }));
    let mut shown = Vec::new();
    for is_hidden in [false, true] {
        let now = if is_hidden { settings.clone() } else { SyncSettings::default() };
        house.store.put_settings(WORKSPACE, &now).await.unwrap();
        let preview = house.post("/preflight", json!({ "clientId": client(1) })).await.data(200);
        let run = preview["runId"].as_str().unwrap().to_owned();
        let lines = found(&house, &run, "").await;
        let person = lines_with_a_role()[0].object;
        let story = format!("/timeline?managedTenantId={}&entraObjectId={person}", tenant(1));
        let story = house.get(&story).await.data(200);
        for (surface, answer) in [("preview", &preview), ("lines", &json!(lines)), ("story", &story)] {
            assert_eq!(answer.to_string().contains("MARKER"), !is_hidden, "{surface}: {answer:#}");
            assert!(answer.to_string().contains("Oslo"), "the office is shown: {surface}");
        }
        shown = lines;
        house.passes(jiff::SignedDuration::from_mins(1));
    }
    let role = |line: usize| {
        let change = &shown[line]["changes"][0];
        (change["old"].as_str().unwrap().to_owned(), change["new"].as_str().unwrap().to_owned())
    };
    let hidden = || "(hidden)".to_owned();
    assert_eq!(role(0), (hidden(), hidden()));
    assert_eq!(role(1), (String::new(), hidden()), "set for the first time");
    assert_eq!(role(2), (hidden(), String::new()), "cleared");
    let reason = shown[3]["reason"].as_str().unwrap();
    assert!(reason.contains("role ((hidden)), office (Oslo)"), "{reason}");
}
