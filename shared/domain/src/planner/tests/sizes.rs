//! A stored page stays below the 400 KB of an item, whatever is in the directory.

use proptest::prelude::*;

use super::*;
use crate::{
    contact::Phone,
    plan::{LINES_PER_PAGE_MAX, PAGE_BYTES_MAX},
    text::TEXT_CHARACTERS_MAX,
};

const ITEM_BYTES_MAX: usize = 400_000;

/// A text that is as long as texts can get, in bytes and in JSON.
fn long_text(letter: char, seed: usize) -> String {
    format!("{seed}{}", letter.to_string().repeat(2 * TEXT_CHARACTERS_MAX))
}

fn long_user(number: u128, letter: char, phones: usize) -> DirectoryUser {
    let phones: Vec<String> = (0..phones).map(|phone| long_text(letter, phone)).collect();
    let text = long_text(letter, 0);
    user(
        number,
        json!({
            "displayName": text, "jobTitle": text, "userPrincipalName": text, "mobilePhone": text,
            "businessPhones": phones, "mail": format!("u{number}-{}@acme.example", "x".repeat(220)),
            "accountEnabled": true,
        }),
    )
}

fn check_sizes(pages: &[PlanPage]) {
    for page in pages {
        assert!(page.lines.len() <= LINES_PER_PAGE_MAX);
        assert!(page.encode().len() <= ITEM_BYTES_MAX, "{} bytes", page.encode().len());
        let lines: usize = page.lines.iter().map(|line| serde_json::to_vec(line).unwrap().len()).sum();
        assert!(lines <= PAGE_BYTES_MAX, "{lines} bytes of lines");
        assert_eq!(PlanPage::decode(&page.encode()).unwrap(), *page);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_longest_texts_make_more_pages_not_larger_ones(
        letter in prop::sample::select(&['x', '"', '\\', '😀', 'é', '\u{2028}']),
        phones in 0_usize..60,
        people in 1_u128..12,
        linked in any::<bool>(),
    ) {
        let mut world = World::overwriting();
        let users: Vec<DirectoryUser> =
            (1..=people).map(|number| long_user(number, letter, phones)).collect();
        if linked {
            for number in 1..=people {
                world.add_contact(number, &long_text(letter, 7), &format!("c{number}@acme.example"));
                world.link(&person(number, "Somebody", "x@acme.example"), number);
                let phones = &mut world.contact(number).values.phones;
                phones.extend((0..51).map(|phone| Phone {
                    number: long_text(letter, phone).chars().take(TEXT_CHARACTERS_MAX).collect(),
                    kind: PhoneKind::Other("pager".to_owned()),
                    is_default: false,
                }));
            }
        }
        let pages = world.run(&[users]);
        prop_assert_eq!(pages.iter().map(|page| u128::from(page.counters.read)).sum::<u128>(), people);
        prop_assert!(world.stale.is_empty());
        check_sizes(&pages);
    }
}

#[test]
fn a_directory_that_answers_with_everybody_at_once_makes_several_pages() {
    let people = 20_000;
    let mut world = World::new();
    world.policy.scope = ScopeRules { include_guests: true, ..ScopeRules::default() }.compile().unwrap();
    // Ids as random as Microsoft's: folded, they have up to twenty digits.
    let users: Vec<DirectoryUser> = (0..people)
        .map(|number: u64| {
            let object = uuid::Uuid::from_u64_pair(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 << 63, 0);
            let mut user = person(1, "Somebody", "desk@acme.example");
            user.object = EntraObjectId::new(object);
            user
        })
        .collect();
    world.add_contact(1, "Somebody", "desk@acme.example");
    world.link(&users[0], 1);
    let mut link = world.links[&users[0].object].clone();
    for user in &users[1..] {
        link.identity.object = user.object;
        link.contact = ContactId::new(user.object.uuid());
        world.links.insert(user.object, link.clone());
    }
    let pages = world.preview(&[users]);
    check_sizes(&pages);
    assert_eq!(pages.iter().map(|page| page.counters.unchanged).sum::<u64>(), people);
    assert_eq!(pages.iter().map(|page| page.seen.len() as u64).sum::<u64>(), people);
    assert!(pages.len() > 1);
}

#[test]
fn a_thousand_newcomers_are_cut_at_the_limit_of_lines() {
    let mut world = World::new();
    let users: Vec<DirectoryUser> =
        (1..=1001).map(|number| person(number, "Somebody", &format!("u{number}@acme.example"))).collect();
    let pages = world.run(&[users]);
    check_sizes(&pages);
    let lines: Vec<usize> = pages.iter().map(|page| page.lines.len()).collect();
    assert_eq!(lines, [500, 500, 1]);
}
