//! The platform's feature flags.

use domain::{
    flags::{Feature, Filters},
    ids::{FlagId, WorkspaceId},
};
use serde_json::json;
use store::{FeatureFlag, FlagChanged};
use uuid::Uuid;

use super::{
    backend::{Backend, at_once},
    make::{WORKSPACE, at},
};

/// A flag with filters of every kind.
pub(crate) fn flag(number: u32) -> FeatureFlag {
    FeatureFlag {
        id: FlagId::new(Uuid::from_u128(0xF1A6_0000 + u128::from(number))),
        key: format!("flag-{number:03}"),
        name: format!("Flag {number}"),
        active: true,
        filters: Filters::try_from(json!({
            "groups": [
                { "properties": [{ "key": "plan", "value": ["pro"], "operator": "exact" }], "rollout_percentage": 12.5 },
                { "properties": [], "rollout_percentage": null },
            ],
            "multivariate": null,
            "payloads": {},
        }))
        .unwrap()
        .with(WORKSPACE),
        tags: vec!["entra".to_owned(), "phase-1".to_owned()],
        revision: 1,
        created_at: at(0),
        updated_at: at(5),
        deleted_at: None,
    }
}

fn of_nobody(key: &str) -> FeatureFlag {
    FeatureFlag { key: key.to_owned(), filters: Filters::default(), ..flag(1) }
}

fn changed(before: &FeatureFlag) -> FeatureFlag {
    FeatureFlag { revision: before.revision + 1, updated_at: at(9), ..before.clone() }
}

pub(crate) async fn a_feature_is_on_for_whom_its_flag_names(backend: &Backend) {
    let store = backend.table().await.store;
    let is_on = async |workspace| store.feature_is_on(workspace, Feature::Ui).await.unwrap();
    let other = WorkspaceId::new(Uuid::from_u128(2));
    assert!(!is_on(WORKSPACE).await, "a flag that was never made");
    let made = of_nobody(Feature::Ui.key());
    assert!(store.create_flag(&made).await.unwrap());
    assert!(!is_on(WORKSPACE).await);
    let named = store.target_flag(made.id, WORKSPACE, true, at(1)).await.unwrap().unwrap();
    assert_eq!((is_on(WORKSPACE).await, is_on(other).await), (true, false));
    let inactive = FeatureFlag { active: false, ..changed(&named) };
    assert_eq!(store.change_flag(&named, &inactive).await.unwrap(), FlagChanged::Done);
    assert!(!is_on(WORKSPACE).await);
    let active = FeatureFlag { active: true, ..changed(&inactive) };
    assert_eq!(store.change_flag(&inactive, &active).await.unwrap(), FlagChanged::Done);
    assert!(is_on(WORKSPACE).await, "whom it named is kept");
    store.target_flag(made.id, WORKSPACE, false, at(1)).await.unwrap().unwrap();
    assert!(!is_on(WORKSPACE).await);
}

pub(crate) async fn a_deleted_flag_is_gone_and_its_key_is_free(backend: &Backend) {
    let store = backend.table().await.store;
    let first = flag(1);
    assert!(store.create_flag(&first).await.unwrap());
    let second = FeatureFlag { id: FlagId::new(Uuid::from_u128(2)), ..first.clone() };
    assert!(!store.create_flag(&second).await.unwrap(), "the key is taken");
    let deleted = FeatureFlag { deleted_at: Some(at(9)), ..changed(&first) };
    assert_eq!(store.change_flag(&first, &deleted).await.unwrap(), FlagChanged::Done);
    assert_eq!(store.flag_by_id(first.id).await.unwrap(), None);
    assert_eq!(store.flag_by_key(&first.key).await.unwrap(), None);
    assert_eq!(store.flags(None, 10).await.unwrap(), (Vec::new(), false));
    assert_eq!(store.target_flag(first.id, WORKSPACE, true, at(9)).await.unwrap(), None);
    assert_eq!(store.change_flag(&first, &changed(&first)).await.unwrap(), FlagChanged::Stale);
    assert!(store.create_flag(&second).await.unwrap());
    assert_eq!(store.flag_by_id(second.id).await.unwrap(), Some(second));
}

pub(crate) async fn one_of_two_changes_wins(backend: &Backend) {
    let store = backend.table().await.store;
    let before = flag(1);
    store.create_flag(&before).await.unwrap();
    let named = |name: &str| FeatureFlag { name: name.to_owned(), ..changed(&before) };
    assert_eq!(store.change_flag(&before, &named("First")).await.unwrap(), FlagChanged::Done);
    assert_eq!(store.change_flag(&before, &named("Second")).await.unwrap(), FlagChanged::Stale);
    assert_eq!(store.flag_by_id(before.id).await.unwrap(), Some(named("First")));
}

pub(crate) async fn a_flag_takes_another_key_at_once_or_not_at_all(backend: &Backend) {
    let store = backend.table().await.store;
    let (first, second) = (flag(1), flag(2));
    for flag in [&first, &second] {
        store.create_flag(flag).await.unwrap();
    }
    let renamed = |key: &str| FeatureFlag { key: key.to_owned(), ..changed(&first) };
    let taken = renamed(&second.key);
    assert_eq!(store.change_flag(&first, &taken).await.unwrap(), FlagChanged::KeyTaken);
    assert_eq!(store.flag_by_id(first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.change_flag(&first, &renamed("new")).await.unwrap(), FlagChanged::Done);
    assert_eq!(store.change_flag(&first, &renamed("newer")).await.unwrap(), FlagChanged::Stale);
    assert_eq!(store.flag_by_key(&first.key).await.unwrap(), None);
    assert_eq!(store.flag_by_id(first.id).await.unwrap(), Some(renamed("new")));
    let back = FeatureFlag { key: first.key.clone(), ..changed(&renamed("new")) };
    assert_eq!(store.change_flag(&renamed("new"), &back).await.unwrap(), FlagChanged::Done);
    assert_eq!(store.flags(None, 10).await.unwrap(), (vec![back, second], false));
}

pub(crate) async fn forty_at_once_name_their_workspaces(backend: &Backend) {
    let store = backend.table().await.store;
    let made = of_nobody(Feature::Cipp.key());
    store.create_flag(&made).await.unwrap();
    let workspace = |number: u32| WorkspaceId::new(Uuid::from_u128(u128::from(number)));
    let id = made.id;
    at_once(40, |number| {
        let store = store.clone();
        async move { store.target_flag(id, workspace(number), true, at(1)).await.unwrap().unwrap() }
    })
    .await;
    let named = store.flag_by_id(id).await.unwrap().unwrap();
    assert!((0..40).all(|number| named.is_on_for(workspace(number))));
    at_once(20, |number| {
        let store = store.clone();
        async move { store.target_flag(id, workspace(number), false, at(1)).await.unwrap().unwrap() }
    })
    .await;
    let named = store.flag_by_id(id).await.unwrap().unwrap();
    assert!((0..40).all(|number| named.is_on_for(workspace(number)) == (number >= 20)));
    assert_eq!(named.revision, 61);
}

pub(crate) async fn flags_page_by_page(backend: &Backend) {
    let store = backend.table().await.store;
    for number in (0..7).rev() {
        store.create_flag(&flag(number)).await.unwrap();
    }
    let gone = FeatureFlag { deleted_at: Some(at(9)), ..changed(&flag(3)) };
    store.change_flag(&flag(3), &gone).await.unwrap();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let (page, more) = store.flags(after.as_deref(), 2).await.unwrap();
        assert_eq!(page.len(), 2);
        after = page.last().map(|flag| flag.key.clone());
        found.extend(page.into_iter().map(|flag| flag.key));
        if !more {
            break;
        }
    }
    assert_eq!(found, [0, 1, 2, 4, 5, 6].map(|number| flag(number).key));
}
