//! The same seed makes the same world, and the world is as messy as promised.

use std::collections::{HashMap, HashSet};

use fake_microsoft::{ClientMatch, Sizes, User, UserKind, World, WorldConfig};
use proptest::prelude::*;

use crate::support::Session;

fn world(seed: u64, sizes: &[u32]) -> World {
    World::generate(WorldConfig::sample(seed, sizes))
}

#[tokio::test]
async fn the_same_seed_serves_the_same_bytes_and_another_seed_others() {
    let mut bodies = HashSet::new();
    for seed in [7, 7, 8] {
        let session = Session::of(WorldConfig::sample(seed, &[150, 20]));
        let token = session.customer_token(0).await;
        let select =
            "/users?$select=id,mail,proxyAddresses,displayName,businessPhones,createdDateTime&$top=99";
        bodies.insert(session.graph(select, &token).await.text);
    }
    assert_eq!(bodies.len(), 2);
    assert_eq!(world(7, &[40, 40]).psa_seed(), world(7, &[40, 40]).psa_seed());
}

#[test]
fn a_large_world_is_made_on_demand() {
    let mut config = WorldConfig::sample(3, &[]);
    config.sizes = Sizes::Uniform { tenants: 1_000, users: 1_000 };
    let world = World::generate(config);
    let tenants = world.tenants();
    let domains: HashSet<&str> = tenants.iter().map(fake_microsoft::Tenant::default_domain).collect();
    let ids: HashSet<_> = tenants.iter().map(|tenant| tenant.id).collect();
    assert_eq!((domains.len(), ids.len()), (1_000, 1_000));
    assert!(world.user(tenants[999].id, 999).is_some());
    assert!(world.user(tenants[999].id, 1_000).is_none());
}

#[test]
fn sign_in_names_and_ids_are_unique_in_a_tenant_of_any_size() {
    let world = world(5, &[20_000]);
    let users = world.users(world.tenants()[0].id);
    let names: HashSet<String> = users.iter().map(|user| user.user_principal_name.to_lowercase()).collect();
    let ids: HashSet<_> = users.iter().map(|user| user.id).collect();
    assert_eq!((names.len(), ids.len()), (20_000, 20_000));
}

#[test]
fn a_messy_directory_holds_every_kind_of_oddity() {
    let world = world(7, &[10, 10, 10, 10, 1_000]);
    let tenants = world.tenants();
    assert_eq!(tenants[2].default_domain(), "robotics.example");
    let big = &tenants[4];
    let users = world.users(big.id);
    let mut kinds: HashMap<UserKind, Vec<&User>> = HashMap::new();
    for (index, user) in (0..).zip(&users) {
        kinds.entry(world.kind(big.id, index).unwrap()).or_default().push(user);
    }
    assert!(kinds[&UserKind::Guest].iter().all(|user| user.user_principal_name.contains("#EXT#")));
    assert!(kinds[&UserKind::Guest].iter().any(|user| user.user_type.as_deref() == Some("Member")));
    let is_shared =
        |user: &&User| !user.account_enabled && user.licenses.is_empty() && user.surname.is_none();
    assert!(kinds[&UserKind::SharedMailbox].iter().all(|user| is_shared(user) && user.mail.is_some()));
    assert!(kinds[&UserKind::Leaver].iter().all(|user| !user.account_enabled && user.surname.is_some()));
    let initial = big.initial_domain();
    assert!(
        kinds[&UserKind::CloudOnly]
            .iter()
            .all(|user| { user.mail.is_none() && user.user_principal_name.ends_with(initial) })
    );
    assert!(kinds[&UserKind::OtherCase].iter().all(|user| {
        let mail = user.mail.as_deref().unwrap();
        mail != user.user_principal_name && mail.eq_ignore_ascii_case(&user.user_principal_name)
    }));
    assert!(
        kinds[&UserKind::Renamed].iter().all(|user| user.mail.as_ref() != Some(&user.user_principal_name))
    );
    let mut mails = HashMap::new();
    for mail in users.iter().filter_map(|user| user.mail.as_deref()) {
        *mails.entry(mail.to_lowercase()).or_insert(0) += 1;
    }
    assert!(mails.values().any(|count| *count == 2));

    let some = |test: &dyn Fn(&User) -> bool| assert!(users.iter().any(test));
    some(&|user| user.user_type.is_none());
    some(&|user| user.job_title.as_deref() == Some("  "));
    some(&|user| user.display_name.as_deref().is_some_and(|name| name.contains('🌻')));
    some(&|user| user.display_name.as_deref().is_some_and(|name| name.contains('ш') || name.contains('о')));
    some(&|user| user.proxy_addresses.as_deref().is_some_and(<[String]>::is_empty));
    some(&|user| user.proxy_addresses.iter().flatten().any(|address| address.starts_with("smtp: ")));
    some(&|user| user.proxy_addresses.iter().flatten().any(|address| address.starts_with("X500:")));
    let surnames: HashSet<String> =
        tenants.iter().filter_map(|tenant| world.user(tenant.id, 1)?.surname).collect();
    assert_eq!(surnames, HashSet::from(["Abbott", "Botha", "Talbot"].map(str::to_owned)));
}

#[test]
fn a_tidy_directory_holds_plain_people_only() {
    let world = World::generate(WorldConfig { messy: false, ..WorldConfig::sample(7, &[300]) });
    let tenant = &world.tenants()[0];
    for user in world.users(tenant.id) {
        assert_eq!(user.mail.as_deref(), Some(user.user_principal_name.as_str()));
        assert_eq!(user.user_type.as_deref(), Some("Member"));
        assert!(user.account_enabled && user.surname.is_some() && !user.licenses.is_empty());
    }
    assert_eq!((tenant.domains.len(), tenant.relationships.len()), (2, 1));
}

#[test]
fn the_psa_knows_most_customers_and_about_a_third_of_their_people() {
    let world = world(7, &[200; 40]);
    let (tenants, clients) = (world.tenants(), world.psa_seed());
    let by_domain =
        |domain: &str| clients.iter().filter(|client| client.domain.as_deref() == Some(domain)).count();
    let by_secondary = |domain: &str| {
        clients.iter().filter(|client| client.secondary_email_domains.iter().any(|one| one == domain)).count()
    };
    let mut unknown = 0;
    for (number, tenant) in tenants.iter().enumerate() {
        let domain = tenant.default_domain();
        let expected = match world.client_match(number) {
            ClientMatch::ExactDomain => (1, 0),
            ClientMatch::SecondaryDomain | ClientMatch::SameClientAsBefore => (0, 1),
            ClientMatch::FuzzyName => (0, 0),
            ClientMatch::NoClient => {
                unknown += 1;
                (0, 0)
            }
        };
        assert_eq!((by_domain(domain), by_secondary(domain)), expected, "{number}");
    }
    assert_eq!((unknown, clients.len()), (4, 40 - 4 - 1));

    let contacts: Vec<_> = clients.iter().flat_map(|client| &client.contacts).collect();
    let share = contacts.len() * 100 / (200 * 35);
    assert!((27..36).contains(&share), "{share} %");
    let addresses: HashSet<String> = contacts.iter().map(|contact| contact.email.to_lowercase()).collect();
    assert_eq!(addresses.len(), contacts.len());
    assert!(contacts.iter().any(|contact| contact.email.chars().any(char::is_uppercase)));
    assert!(contacts.iter().any(|contact| contact.email.ends_with("@mailbox.example")));
    assert!(clients[3].contacts.len() > clients[2].contacts.len());
}

proptest! {
    #[test]
    fn every_user_is_found_again_by_its_id(seed: u64, size in 1_u32..5_000, index in 0_u32..5_000) {
        let world = world(seed, &[size, 3]);
        let tenant = world.tenants()[0].id;
        prop_assume!(index < size);
        let user = world.user(tenant, index).unwrap();
        prop_assert_eq!(world.user_by_id(tenant, user.id), Some(user.clone()));
        prop_assert_eq!(world.user_by_id(world.tenants()[1].id, user.id), None);
    }
}
