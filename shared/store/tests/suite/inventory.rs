//! Everything stored about the people of one tenant, read at once.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    contact::{Fingerprint, Link},
    ids::{ContactId, EntraObjectId, EntraTenantId, Identity},
    inventory::{Inventory, ReviewState},
    plan::Conflict,
};
use uuid::Uuid;

use super::{
    backend::Backend,
    make::{CLIENT, OTHER_CLIENT, SALT, TENANT, WORKSPACE, address, apply, contact, facts, object, page},
    world::{creation, everything, made, question, world},
};

pub(crate) async fn links_and_questions(backend: &Backend) {
    let table = world(backend).await;
    apply(&table.store, &everything()).await;
    let inventory = table.store.inventory(WORKSPACE, TENANT).await.unwrap();
    let people: Vec<_> = inventory.links().map(|link| link.identity.object).collect();
    assert!(people.into_iter().eq((1..=9).chain([14]).map(object)));
    assert_eq!(inventory.active(CLIENT), 9);
    let link = inventory.link(object(1)).unwrap();
    assert_eq!((link.contact, link.fingerprint), (made(1), facts("p1").fingerprint(SALT)));
    assert_eq!(link.client, CLIENT);
    let candidates = vec![contact(2), contact(90)];
    let settled = ReviewState::Settled { address: Some(address("p15")) };
    let back = ReviewState::Open {
        conflict: Conflict::MultipleEmailMatches,
        candidates: candidates.clone(),
        seen: None,
        taken_back: true,
    };
    let open = ReviewState::Open {
        conflict: Conflict::MultipleEmailMatches,
        candidates,
        seen: None,
        taken_back: false,
    };
    assert_eq!(inventory.reviews, [(object(10), open), (object(15), settled), (object(16), back)].into());

    let links = table.store.links(WORKSPACE, TENANT).await.unwrap();
    assert!(links.iter().map(|link| link.identity.object).eq((1..=9).chain([14]).map(object)));
    let nobody = EntraTenantId::new(Uuid::from_u128(0xE2));
    assert_eq!(table.store.inventory(WORKSPACE, nobody).await.unwrap(), Inventory::new(nobody));
}

pub(crate) async fn five_thousand_links(backend: &Backend) {
    let table = backend.table().await;
    apply(&table.store, &page(vec![creation(0), question(1)])).await;
    let (link, review) = (table.dump().await.one("LINK#"), table.dump().await.one("REVIEW#"));
    let mut expected = Inventory::new(TENANT);
    let mut items = Vec::new();
    for number in 0..5_000_u32 {
        let text = |text: String| AttributeValue::S(text);
        // Scattered ids, written in another order than the one they sort in.
        let person =
            EntraObjectId::new(Uuid::from_u128(u128::from(number).wrapping_mul(1 << 120 | 0x9E37_79B9)));
        let linked = Link {
            identity: Identity { tenant: TENANT, object: person },
            contact: ContactId::new(Uuid::from_u128(u128::from(number))),
            client: if number % 10 == 0 { OTHER_CLIENT } else { CLIENT },
            active: number % 7 != 0,
            fingerprint: Fingerprint(u64::MAX - u64::from(number)),
            missing: u8::try_from(number % 3).unwrap(),
            missing_since: None,
            keep: false,
        };
        let mut item = link.clone();
        item.extend([
            ("sk".to_owned(), text(format!("LINK#{person}"))),
            ("contact".to_owned(), text(linked.contact.to_string())),
            ("client".to_owned(), text(linked.client.to_string())),
            ("active".to_owned(), AttributeValue::Bool(linked.active)),
            ("fingerprint".to_owned(), AttributeValue::N(linked.fingerprint.0.to_string())),
            ("missing".to_owned(), AttributeValue::N(linked.missing.to_string())),
        ]);
        items.push(item);
        expected.push(&linked);
        if number % 50 == 0 {
            let mut item = review.clone();
            item.insert("sk".to_owned(), text(format!("REVIEW#{person}")));
            let dismissed = number % 100 == 0;
            if dismissed {
                item.insert("reviewStatus".to_owned(), text("dismissed".to_owned()));
            }
            items.push(item);
            let candidates = vec![contact(2), contact(90)];
            let open = ReviewState::Open {
                conflict: Conflict::MultipleEmailMatches,
                candidates,
                seen: None,
                taken_back: false,
            };
            expected.reviews.insert(person, if dismissed { ReviewState::Dismissed } else { open });
        }
    }
    expected.seal();
    let whole = backend.table().await;
    whole.insert(items).await;
    whole.probe.reset();
    let inventory = whole.store.inventory(WORKSPACE, TENANT).await.unwrap();
    assert!(inventory == expected, "every link, once, by object id");
    assert!(inventory.links().is_sorted_by_key(|link| link.identity.object));
    assert!(whole.probe.counts().total() >= 3, "more than one megabyte: several pages");
    assert_eq!(whole.store.links(WORKSPACE, TENANT).await.unwrap().len(), 5_000);
}

pub(crate) async fn the_largest_fingerprint(backend: &Backend) {
    let table = backend.table().await;
    apply(&table.store, &page(vec![creation(1)])).await;
    for fingerprint in [0, u64::MAX, u64::MAX - 1, 1 << 53, (1 << 53) + 1, i64::MAX as u64 + 1] {
        table
            .change("LINK#", |item| {
                item.insert("fingerprint".to_owned(), AttributeValue::N(fingerprint.to_string()));
            })
            .await;
        let inventory = table.store.inventory(WORKSPACE, TENANT).await.unwrap();
        assert_eq!(inventory.links().next().unwrap().fingerprint, Fingerprint(fingerprint));
    }
}
