//! Links that an operator changes: what each change does, by what the people are to their contacts.

use std::collections::BTreeMap;

use super::*;
use crate::{
    ledger::{Changed, Lines, LinkChange, Plan, Rematch, Wish, contradictions, end},
    plan::{LinkState, Person},
    planner::tests::world::{OUR_CLIENT, story},
    policy::{Share, StopLimits},
    review::{Question, Refusal, Situation},
    undo::{UndoScope, way_back},
};

fn lines(world: &World) -> Lines {
    Lines { workspace: world.policy.workspace, tenant: world.policy.tenant }
}

fn known(world: &World, number: u128) -> KnownPerson {
    KnownPerson {
        link: world.links.get(&object(number)).cloned(),
        review: world.reviews.get(&object(number)).cloned(),
        hint: world.hints.get(&object(number)).copied(),
        cut_at: None,
        parted: world.parted.contains(&object(number)),
    }
}

/// Ends the link of `number`.
fn cut(world: &mut World, number: u128, to: LinkState) -> Vec<String> {
    let link = world.links[&object(number)].clone();
    let contact = world.contacts.get(&link.contact).filter(|contact| contact.client == OUR_CLIENT);
    let person = Person { object: object(number), label: "somebody".to_owned(), address: None };
    let line = lines(world).line(person, end(&link, contact, to));
    carry_out(world, vec![Changed { end: Some(line), then: None }])
}

/// Matches `users` anew.
fn rematch(world: &mut World, users: &[DirectoryUser]) -> Vec<String> {
    let changed = rematched(world, users);
    carry_out(world, changed)
}

fn rematched(world: &World, users: &[DirectoryUser]) -> Vec<Changed> {
    let number = |user: &DirectoryUser| user.object.uuid().as_u128();
    let people = users.iter().map(|user| (user.object, known(world, number(user)))).collect();
    let rematch = Rematch { people: &people, contacts: &world.contacts, at: jiff::Timestamp::MAX };
    let mut planner = Planner::of_changes(world.policy.clone(), Vec::new(), &[]);
    let mut known = Known::default();
    for _ in 0..4 {
        world.answer(&planner.needs(users, &rematch.unlinked(&known)), &mut known);
    }
    let planned = planner.plan(users, &[], &rematch.unlinked(&known));
    rematch.changed(lines(world), planned)
}

fn carry_out(world: &mut World, changed: Vec<Changed>) -> Vec<String> {
    let pages = Plan::of(changed).pages();
    assert!(sum(&pages).is_consistent());
    world.apply_all(&pages);
    assert_eq!(world.stale, [], "nobody else writes");
    story(&pages)
}

fn mira() -> DirectoryUser {
    person(1, "Mira Sund", "mira@acme.example")
}

fn jo() -> DirectoryUser {
    person(2, "Jo Lie", "jo@acme.example")
}

/// Mira is c7, Jo is c8.
fn two() -> World {
    let mut world = World::new();
    world.policy.limits =
        StopLimits { link_moves: Share { count: 100, percent: 0 }, ..StopLimits::default() };
    world.add_contact(7, "Mira Sund", "mira@acme.example");
    world.add_contact(8, "Jo Lie", "jo@acme.example");
    world.link(&mira(), 7);
    world.link(&jo(), 8);
    world
}

#[test]
fn a_link_that_is_cut_stays_cut_through_every_later_sync() {
    let mut world = two();
    let before = world.contact(7).clone();
    assert_eq!(cut(&mut world, 1, LinkState::Parted), ["u1 unlink c7, parted"]);
    let contact = world.contact(7).clone();
    assert_eq!((contact.values, contact.inactive, contact.entra), (before.values, false, None));
    for _ in 0..3 {
        assert_eq!(world.sync(&[mira(), jo()]), ["u1 exclude link_ended"]);
    }
    // Until the operator wants it otherwise.
    assert_eq!(rematch(&mut world, &[mira()]), ["u1 link c7 by primary_address"]);
    assert_eq!(world.sync(&[mira(), jo()]), NOTHING);
}

#[test]
fn a_link_that_is_forgotten_is_made_again_by_the_rules() {
    let mut world = two();
    assert_eq!(cut(&mut world, 1, LinkState::Cut), ["u1 unlink c7, cut"]);
    assert_eq!(world.sync(&[mira(), jo()]), ["u1 link c7 by primary_address"]);
}

#[test]
fn a_link_to_a_contact_that_is_gone_for_good_can_be_ended() {
    let mut world = two();
    world.contacts.remove(&contact_id(7));
    let changed = person(1, "Mira Lie", "mira@acme.example");
    assert_eq!(world.sync(&[changed.clone(), jo()]), ["u1 fail contact_missing"]);
    assert_eq!(cut(&mut world, 1, LinkState::Cut), ["u1 unlink nothing, cut"]);
    assert_eq!(world.sync(&[changed, jo()]), ["u1 create"]);
}

#[test]
fn a_contact_that_the_psa_protects_keeps_its_link() {
    let mut world = two();
    world.contact(7).protected = true;
    assert_eq!(cut(&mut world, 1, LinkState::Parted), ["u1 leave c7: contact_protected"]);
    assert!(world.links.contains_key(&object(1)));
}

/// What is stored before people are matched anew, and what comes of it.
#[test]
fn people_are_matched_anew_as_if_they_had_never_been_linked() {
    type Case = (&'static str, fn(&mut World), Vec<DirectoryUser>, &'static [&'static str]);
    let cases: [Case; 9] = [
        ("the same contact fits", |_| (), vec![mira(), jo()], &[]),
        (
            "two people have changed places",
            |world| {
                world.link(&mira(), 8);
                world.link(&jo(), 7);
            },
            vec![mira(), jo()],
            &[
                "u1 unlink c8, cut",
                "u2 unlink c7, cut",
                "u1 link c7 by primary_address",
                "u2 link c8 by primary_address",
            ],
        ),
        (
            "another contact has the address by now",
            |world| {
                world.contact(7).values.email = Some("old@acme.example".parse().unwrap());
                world.add_contact(9, "Mira Sund", "mira@acme.example");
            },
            vec![mira()],
            &["u1 unlink c7, cut", "u1 link c9 by primary_address"],
        ),
        (
            "nobody has the address any more",
            |world| world.contact(7).values.email = Some("old@acme.example".parse().unwrap()),
            vec![mira()],
            &["u1 unlink c7, cut", "u1 create"],
        ),
        (
            "the contact is gone for good",
            |world| drop(world.contacts.remove(&contact_id(7))),
            vec![mira()],
            &["u1 unlink nothing, cut", "u1 create"],
        ),
        (
            "the address is a colleague's, who stays linked",
            |world| {
                world.link(&jo(), 7);
                world.link(&mira(), 8);
            },
            vec![mira()],
            &["u1 unlink c8, cut", "u1 ask address_shared: c7"],
        ),
        (
            "out of scope, and the link stays",
            |_| (),
            vec![person(1, "Mira Sund", "svc-mira@acme.example")],
            &["u1 exclude service_account"],
        ),
        (
            "the contact is protected",
            |world| {
                world.contact(7).values.email = Some("old@acme.example".parse().unwrap());
                world.contact(7).protected = true;
            },
            vec![mira()],
            &["u1 leave c7: contact_protected"],
        ),
        (
            "the PSA has the object id on another contact",
            |world| {
                world.add_contact(9, "M. S.", "ms@acme.example");
                world.hints.insert(object(1), contact_id(9));
            },
            vec![mira()],
            &["u1 unlink c7, cut", "u1 link c9 by stored_object_id"],
        ),
    ];
    for (title, arrange, users, expected) in cases {
        let mut world = two();
        arrange(&mut world);
        assert_eq!(rematch(&mut world, &users), expected, "{title}");
        // Whoever is matched again is the same.
        let again: Vec<String> = rematch(&mut world, &users);
        assert!(again.iter().all(|line| !line.contains("unlink")), "{title}: {again:?}");
    }
}

#[test]
fn whoever_is_created_after_a_link_has_ended_gets_another_contact_than_before() {
    let mut world = World::new();
    assert_eq!(world.sync(&[mira()]), ["u1 create"]);
    let first = world.links[&object(1)].contact;
    world.contacts.get_mut(&first).unwrap().values.email = Some("old@acme.example".parse().unwrap());
    assert_eq!(rematch(&mut world, &[mira()]), ["u1 unlink new, cut", "u1 create"]);
    assert_ne!(world.links[&object(1)].contact, first);
    assert_eq!(world.contacts.len(), 2);
}

#[test]
fn somebody_is_moved_to_another_contact_and_the_former_one_is_nobodys() {
    let mut world = two();
    world.add_contact(9, "Mira at home", "home@acme.example");
    let facts = world.facts[&object(1)].clone();
    let identity = world.links[&object(1)].identity;
    let question = Question {
        workspace: world.policy.workspace,
        client: OUR_CLIENT,
        identity,
        facts: Some(facts),
        others: Vec::new(),
    };
    let situation = Situation {
        fields: world.policy.fields,
        link: world.links.get(&object(1)).cloned(),
        contacts: world.contacts.clone(),
        owners: BTreeMap::new(),
        accounts: world.links.values().map(|link| (link.identity, link.clone())).collect(),
    };
    let person = Person { object: object(1), label: "Mira Sund".to_owned(), address: None };
    let to = |contact| lines(&world).moved(&person, &question, &situation, contact_id(contact));
    assert_eq!(to(7), Ok(Changed::default()), "that is so already");
    assert!(matches!(to(8), Err(Refusal::ContactLinked { .. })), "somebody else's");
    assert!(matches!(to(99), Err(Refusal::ContactNotFound)));
    let changed = to(9).unwrap();
    assert_eq!(carry_out(&mut world, vec![changed]), ["u1 unlink c7, cut", "u1 link c9 by ledger"]);
    assert_eq!(world.contact(7).entra, None);
    assert_eq!(world.contact(9).entra.as_ref().unwrap().identity, identity);
    assert_eq!(world.sync(&[mira(), jo()]), NOTHING);
}

#[test]
fn what_was_done_to_links_is_taken_back_last_first() {
    for change in ["cut", "forget", "rematch"] {
        let mut world = two();
        world.link(&mira(), 8);
        world.link(&jo(), 7);
        let before = (world.links.clone(), marks(&world));
        let changed = if change == "rematch" {
            rematched(&world, &[mira(), jo()])
        } else {
            let to = if change == "cut" { LinkState::Parted } else { LinkState::Cut };
            let all = [1, 2].map(|number| {
                let link = &world.links[&object(number)];
                let person = Person { object: object(number), label: String::new(), address: None };
                let action = end(link, world.contacts.get(&link.contact), to);
                Changed { end: Some(lines(&world).line(person, action)), then: None }
            });
            all.to_vec()
        };
        let done = Plan::of(changed).pages();
        world.apply_all(&done);
        assert_ne!((world.links.clone(), marks(&world)), before);
        for line in done.iter().flat_map(|page| &page.lines).rev() {
            let identity = Identity { tenant: world.policy.tenant, object: line.object };
            let now = line.action.contact_written().and_then(|contact| world.contacts.get(&contact));
            let back = way_back(line, identity, now, &UndoScope::default(), &BTreeMap::new()).unwrap();
            let person = Person { object: line.object, label: String::new(), address: None };
            let back = Line::new(world.policy.workspace, world.policy.tenant, person, Rule::Undo, back);
            assert!(world.apply_line(&back), "{change}: {back:?}");
        }
        assert_eq!((world.links.clone(), marks(&world)), before, "{change}");
        assert!(world.parted.is_empty());
    }
}

fn marks(world: &World) -> Vec<Option<EntraStamp>> {
    world.contacts.values().map(|contact| contact.entra.clone()).collect()
}

#[test]
fn a_change_names_each_person_once_and_a_contact_only_where_one_is_needed() {
    let wish =
        |number, contact: Option<u128>| Wish { object: object(number), contact: contact.map(contact_id) };
    let both = [wish(1, None), wish(2, Some(7)), wish(1, None)];
    assert_eq!(contradictions(LinkChange::Cut, &both), [object(1), object(2)].into());
    assert_eq!(contradictions(LinkChange::Move, &both), [object(1)].into());
    assert_eq!(contradictions(LinkChange::Rematch, &[wish(1, None), wish(2, None)]), [].into());
}
