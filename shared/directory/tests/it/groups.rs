//! Groups and single users over HTTP.

use std::collections::BTreeSet;

use directory::{Code, Directory, ErrorClass, ReadError, UserKey};
use domain::ids::{EntraObjectId, EntraTenantId, GroupId};
use fake_microsoft::{Effect, Group, Match, Route};
use serde_json::json;

use crate::{
    fake::{Connected, connect},
    loopback::{id, script},
    server::{CUSTOMER, World, ok, status},
};

fn group(number: u32) -> GroupId {
    format!("02bd9fd6-8f93-4758-87c3-{number:012}").parse().unwrap()
}

async fn members(
    connected: &Connected,
    tenant: EntraTenantId,
    group: GroupId,
) -> Result<(u32, Vec<EntraObjectId>), ReadError> {
    let (mut pages, mut members, mut cursor) = (0, Vec::new(), None);
    loop {
        let page = connected.directory.group_members_page(tenant, group, cursor.as_ref()).await?;
        assert!(page.requests > 0 && page.bytes > 0);
        pages += 1;
        members.extend(page.members);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok((pages, members)),
        }
    }
}

#[tokio::test]
async fn members_of_nested_groups_over_several_pages() {
    let connected = connect(&[1_200]).await;
    let (world, tenant) = (connected.fake.world(), connected.customers[0]);
    let everybody: Vec<_> = world.users(tenant).iter().map(|user| user.id).collect();
    let outer = Group::security(group(1), "Outer", everybody[..700].to_vec());
    world.add_group(tenant, Group { groups: vec![group(2)], ..outer }).unwrap();
    let inner = Group::security(group(2), "Inner", everybody[600..].to_vec());
    world.add_group(tenant, Group { groups: vec![group(1)], ..inner }).unwrap();
    world.add_group(tenant, Group::security(group(3), "Nobody", Vec::new())).unwrap();

    let faults = connected.fake.faults();
    faults.on(Match::route(Route::GroupMembers).nth(2), Effect::status(503), 1);
    let (pages, found) = members(&connected, tenant, group(1)).await.unwrap();
    assert_eq!((pages, found.len()), (2, 1_200));
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), everybody.into_iter().collect());
    assert_eq!(members(&connected, tenant, group(3)).await.unwrap(), (1, Vec::new()));
}

#[tokio::test]
async fn a_group_that_is_gone_is_not_an_empty_one() {
    let connected = connect(&[3]).await;
    let tenant = connected.customers[0];
    connected.fake.world().add_group(tenant, Group::security(group(1), "Staff", Vec::new())).unwrap();
    connected.fake.world().remove_group(tenant, group(1)).unwrap();
    let error = members(&connected, tenant, group(1)).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::GroupGone, ErrorClass::AccessLost));

    for (effect, expected) in [
        (Effect::status(403), Code::GroupsNotReadable),
        (Effect::plain_text(404, "Not found"), Code::ResourceUnknown),
        (Effect::ExpiredPage, Code::RequestRejected),
    ] {
        connected.fake.faults().on(Match::route(Route::GroupMembers), effect.clone(), 1);
        let error = members(&connected, tenant, group(1)).await.unwrap_err();
        assert_eq!(error.code(), expected, "{effect:?}");
    }
}

#[tokio::test]
async fn security_groups_are_all_there_and_in_order_or_it_is_an_error() {
    let connected = connect(&[3]).await;
    let (world, tenant) = (connected.fake.world(), connected.customers[0]);
    assert_eq!(connected.directory.security_groups(tenant).await.unwrap(), []);
    for number in (0..1_500).rev() {
        let security_enabled = [Some(true), Some(false), None][number as usize % 3];
        let name = format!("Group {:04}", number / 2);
        let one = Group::security(group(number), &name, Vec::new());
        world.add_group(tenant, Group { security_enabled, ..one }).unwrap();
    }
    let listed = connected.directory.security_groups(tenant).await.unwrap();
    let expected: Vec<_> = (0..1_500).filter(|number| number % 3 != 1).map(group).collect();
    assert_eq!(listed.iter().map(|group| group.group).collect::<Vec<_>>(), expected);
    assert_eq!(listed[0].display_name.as_deref(), Some("Group 0000"));

    connected.fake.faults().on(Match::route(Route::Groups).nth(2), Effect::status(403), 1);
    let error = connected.directory.security_groups(tenant).await.unwrap_err();
    assert_eq!(error.code(), Code::GroupsNotReadable);
}

#[tokio::test]
async fn one_user_by_id_or_by_sign_in_name() {
    let connected = connect(&[9]).await;
    let (world, tenant) = (connected.fake.world(), connected.customers[0]);
    let object = world.user(tenant, 3).unwrap().id;
    let name = "O'Hara_x#EXT#@borealis.example";
    world.edit(tenant, object, |user| user.user_principal_name = name.to_owned()).unwrap();
    let listed = connected.directory.users_page(tenant, None).await.unwrap().users;
    let expected = listed.into_iter().find(|user| user.object == object);

    let by_name = |name: &str| UserKey::SignInName(name.to_owned());
    let (by_id, nobody) = (UserKey::Object(object), UserKey::Object(EntraObjectId::new(uuid::Uuid::nil())));
    for (key, found) in [
        (&by_id, true),
        (&by_name(name), true),
        (&by_name("o'hara_X#ext#@BOREALIS.example"), true),
        (&by_name("nobody@borealis.example"), false),
        (&by_name("delta"), false),
        (&by_name(""), false),
        (&nobody, false),
    ] {
        let user = connected.directory.user(tenant, key).await.unwrap();
        assert_eq!(user, expected.clone().filter(|_| found), "{key:?}");
    }
    world.remove_user(tenant, object).unwrap();
    assert_eq!(connected.directory.user(tenant, &by_id).await.unwrap(), None);
    for (effect, code) in [
        (Effect::plain_text(404, "Not found"), Code::ResourceUnknown),
        (Effect::status(403), Code::RoleMissing),
    ] {
        connected.fake.faults().on(Match::route(Route::User), effect, 1);
        let error = connected.directory.user(tenant, &by_id).await.unwrap_err();
        assert_eq!(error.code(), code, "no answer is not nobody");
    }
}

#[tokio::test]
async fn the_consistency_header_is_sent_with_every_page_of_members_and_with_nothing_else() {
    let world = World::new(|base| {
        let next = format!("{base}/v1.0/groups/x/transitiveMembers/microsoft.graph.user?$skiptoken=2");
        script(vec![
            ("skiptoken=2", vec![ok(json!({ "value": [] }))]),
            (
                "transitiveMembers",
                vec![status(500, json!("")), ok(json!({ "value": [], "@odata.nextLink": next }))],
            ),
            ("/v1.0/groups", vec![ok(json!({ "value": [] }))]),
        ])
    })
    .await;
    let tenant = id(CUSTOMER);
    let page = world.directory.group_members_page(tenant, group(1), None).await.unwrap();
    assert_eq!(page.requests, 2);
    world.directory.group_members_page(tenant, group(1), page.next.as_ref()).await.unwrap();
    let reads = world.arrived("transitiveMembers");
    assert_eq!(reads.len(), 3);
    assert!(reads.iter().all(|read| read.consistency.as_deref() == Some("eventual")));
    assert!(
        reads[0].target.ends_with("/transitiveMembers/microsoft.graph.user?$count=true&$select=id&$top=999")
    );
    world.directory.security_groups(tenant).await.unwrap();
    assert_eq!(world.arrived("/v1.0/groups?")[0].consistency, None);
}
