//! What of a run is taken back, over HTTP.

use std::collections::BTreeSet;

use domain::{fields::Field, ids::RunId};
use serde_json::{Value, json};
use store::{PlanPart, Run};

use crate::{
    house::{Does, House, Plan, WORKSPACE, client, tenant},
    plans::{created, page},
};

/// A workspace with a run that has ended, and the path of its undo.
async fn after_a_run() -> (House, String) {
    let house = House::new().await;
    house.engine_does(Does::Carry(Plan { pages: vec![page(vec![created(1)])], failure: None }));
    let run = house.begin().await;
    let path = format!("/runs/{}/undo", run.as_str().unwrap());
    (house, path)
}

async fn begun(house: &House, path: &str, body: Value) -> Run {
    let data = house.post(path, body).await.data(202);
    house.run(&data["runId"]).await
}

fn fields(run: &Run) -> Option<BTreeSet<Field>> {
    match &run.source.as_ref().unwrap().part {
        PlanPart::Undo { scope } => scope.fields.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_undo_takes_fields_by_every_name_the_product_gives_them() {
    let (house, path) = after_a_run().await;
    let named = json!({ "fields": ["e-mail", "email", "fullName", "jobTitle", " sign-in name "] });
    let expected = [Field::Email, Field::FullName, Field::Role, Field::UserPrincipalName];
    assert_eq!(fields(&begun(&house, &path, named).await), Some(expected.into()));
    for everything in [json!({}), json!({ "fields": [] })] {
        assert_eq!(fields(&begun(&house, &path, everything).await), None);
    }
}

#[tokio::test]
async fn an_undo_of_an_unknown_field_is_refused_with_the_fields_there_are() {
    let (house, path) = after_a_run().await;
    for unknown in ["fax", "Role", ""] {
        let refused = house.post(&path, json!({ "fields": ["role", unknown] })).await;
        refused.refused(400, "unknown_field");
        let said = refused.body["error"].as_str().unwrap();
        for field in Field::ALL {
            assert!(said.contains(&format!("`{}`", field.name())), "{said}");
        }
    }
    assert_eq!(house.store.runs(WORKSPACE, None, 10).await.unwrap().len(), 1, "no undo has begun");
}

#[tokio::test]
async fn an_undo_of_one_client_covers_the_tenants_of_that_client() {
    let (house, path) = after_a_run().await;
    for (scope, expected) in [
        (json!({ "clientId": client(1) }), vec![tenant(1), tenant(2)]),
        (json!({ "clientId": client(2) }), vec![tenant(3)]),
        (json!({ "clientId": client(1), "managedTenantId": tenant(2) }), vec![tenant(2)]),
        (json!({}), vec![tenant(1), tenant(2), tenant(3)]),
    ] {
        let run: RunId = begun(&house, &path, scope.clone()).await.id;
        let targets = house.store.targets(WORKSPACE, run).await.unwrap();
        let covered: BTreeSet<_> = targets.iter().map(|target| target.tenant).collect();
        assert_eq!(covered, expected.into_iter().collect(), "{scope}");
    }
}

#[tokio::test]
async fn a_run_that_is_going_on_is_not_taken_back() {
    let house = House::new().await;
    house.engine_does(Does::Take);
    let run = house.begin().await;
    house
        .post(&format!("/runs/{}/undo", run.as_str().unwrap()), json!({}))
        .await
        .refused(409, "run_not_ended");
}
