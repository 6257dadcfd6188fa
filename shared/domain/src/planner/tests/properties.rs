//! Sentences about any store and any directory.

use proptest::prelude::*;

use super::{
    scenes::scenes,
    world::{OUR_CLIENT, story},
    *,
};
use crate::{
    contact::Link,
    fields::{FieldRules, Overwrite},
};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() }
}

fn encoded(pages: &[PlanPage]) -> Vec<String> {
    pages.iter().map(|page| String::from_utf8(page.encode()).unwrap()).collect()
}

fn lines(pages: &[PlanPage]) -> Vec<&Line> {
    pages.iter().flat_map(|page| &page.lines).collect()
}

fn writes_anything(line: &Line) -> bool {
    match line.action {
        Action::Exclude { .. }
        | Action::Fail { .. }
        | Action::Hold { .. }
        | Action::Leave { .. }
        | Action::Stage { .. } => false,
        Action::Create { .. }
        | Action::Link { .. }
        | Action::MarkInactive { .. }
        | Action::NoteMissing { .. }
        | Action::Reactivate { .. }
        | Action::Refresh { .. }
        | Action::Restore { .. }
        | Action::Review { .. }
        | Action::Settle { .. }
        | Action::Unlink { .. }
        | Action::Update { .. } => true,
    }
}

fn people_asked_about(world: &World) -> BTreeSet<EntraObjectId> {
    let is_open = |review: &ReviewState| matches!(review, ReviewState::Open { .. });
    world.reviews.iter().filter(|(_, review)| is_open(review)).map(|(object, _)| *object).collect()
}

/// What nobody may ever see happen to a contact that was there before.
fn check_contact(before: &Contact, after: &Contact, links: &[&Link], (fields, is_tied): (FieldRules, bool)) {
    if before.client != OUR_CLIENT {
        assert_eq!(before, after, "another client's contact");
    }
    let is_on = |field| fields.rule(field).overwrite != Overwrite::Never;
    // The mark of whoever is tied to a contact has the sign-in name; after that it is a field like the others.
    let is_marked = |field| field == Field::UserPrincipalName && is_tied;
    for field in Field::ALL {
        let (old, new) = (shown(before, field), shown(after, field));
        assert!(is_marked(field) || is_on(field) || old == new, "{field:?} is off: {old} became {new}");
        let is_kept = !new.is_empty() || old.is_empty() || fields.may_clear(field);
        assert!(is_marked(field) || is_kept, "{field:?} erased");
    }
    assert_eq!(before.additional_emails, after.additional_emails);
    let reason = |contact: &Contact| contact.entra.as_ref().and_then(|stamp| stamp.inactive_reason);
    if before.inactive && !after.inactive {
        assert!(reason(before).is_some(), "a human's decision undone");
    }
    if !before.inactive && after.inactive {
        assert!(reason(after).is_some(), "without a reason");
        let owner = after.entra.as_ref().unwrap().identity;
        assert!(links.iter().any(|link| link.identity == owner && !link.active), "not by its own link");
    }
}

fn check_run(before: &World, after: &World, pages: &[PlanPage]) {
    let ties = |line: &&&Line| matches!(line.action, Action::Link { .. } | Action::Reactivate { .. });
    let tied: BTreeSet<ContactId> =
        lines(pages).iter().filter(ties).filter_map(|line| line.contact_written()).collect();
    for contact in before.contacts.values() {
        let links: Vec<&Link> = after.links.values().filter(|link| link.contact == contact.id).collect();
        let is_tied = tied.contains(&contact.id);
        check_contact(contact, &after.contacts[&contact.id], &links, (before.policy.fields, is_tied));
    }
    for link in before.links.values() {
        assert_eq!(after.links[&link.identity.object].contact, link.contact, "a link moved");
    }
    let mut active: Vec<ContactId> =
        after.links.values().filter(|link| link.active).map(|link| link.contact).collect();
    let people = active.len();
    active.sort_unstable();
    active.dedup();
    assert_eq!(active.len(), people, "two accounts, one contact");
    let mut written: Vec<ContactId> = lines(pages).iter().filter_map(|line| line.contact_written()).collect();
    for contact in &written {
        assert_eq!(after.contacts[contact].client, OUR_CLIENT);
    }
    let writes = written.len();
    written.sort_unstable();
    written.dedup();
    assert_eq!(written.len(), writes, "one contact, two writes");
    assert_eq!(after.stale, [], "nobody else writes");
    let is_guess = |line: &&Line| matches!(&line.action, Action::Fail { code } if code == "not_gathered");
    assert!(!lines(pages).iter().any(is_guess));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn planning_twice_gives_the_same_bytes(scene in scenes()) {
        let pages = scene.pages();
        prop_assert_eq!(encoded(&scene.world.preview(&pages)), encoded(&scene.world.preview(&pages)));
    }

    #[test]
    fn a_preview_is_the_run_byte_for_byte(scene in scenes()) {
        let pages = scene.pages();
        let preview = scene.world.preview(&pages);
        let run = scene.world.clone().run(&pages);
        prop_assert_eq!(encoded(&preview), encoded(&run));
        // Where the directory cuts its pages is of no account.
        let whole = scene.world.preview(&[scene.users().to_vec()]);
        prop_assert_eq!(lines(&preview), lines(&whole));
    }

    #[test]
    fn a_second_read_writes_only_about_questions_that_have_answered_themselves(scene in scenes()) {
        let pages = scene.pages();
        let mut world = scene.world.clone();
        // Who is missing is counted on with every read; that has stories of its own.
        // So has how many become inactive at once.
        world.policy.vanish.allowed_percent = 100;
        let present: BTreeSet<EntraObjectId> = scene.users().iter().map(|user| user.object).collect();
        world.links.retain(|object, _| present.contains(object));
        world.run(&pages);
        let mut open = people_asked_about(&world);
        for _ in 0..=scene.users().len() {
            let again = world.run(&pages);
            for line in lines(&again) {
                prop_assert!(!writes_anything(line) || open.contains(&line.object), "{:?}", line);
            }
            if !lines(&again).into_iter().any(writes_anything) {
                open.clear();
            }
        }
        prop_assert_eq!(open, BTreeSet::new(), "it comes to rest");
    }

    #[test]
    fn everybody_read_is_counted_once(scene in scenes()) {
        let pages = scene.world.preview(&scene.pages());
        let people: BTreeSet<EntraObjectId> = scene.users().iter().map(|user| user.object).collect();
        let mut sum = Counters::default();
        for page in &pages {
            sum.add(&page.counters);
        }
        prop_assert!(sum.is_consistent(), "{:?}", sum);
        prop_assert_eq!(sum.read, people.len() as u64);
        let count = |wanted: fn(&Action) -> bool| {
            lines(&pages).iter().filter(|line| wanted(&line.action)).count() as u64
        };
        prop_assert_eq!(sum.created, count(|action| matches!(action, Action::Create { .. })));
        prop_assert_eq!(sum.linked, count(|action| matches!(action, Action::Link { .. })));
        prop_assert_eq!(sum.updated, count(|action| matches!(action, Action::Update { .. })));
        prop_assert_eq!(sum.inactivated, count(|action| matches!(action, Action::MarkInactive { .. })));
        prop_assert_eq!(sum.excluded, count(|action| matches!(action, Action::Exclude { .. })));
        prop_assert_eq!(sum.failed, count(|action| matches!(action, Action::Fail { .. })));
        prop_assert_eq!(sum.held, count(|action| matches!(action, Action::Stage { .. })));
        let mut seen: Vec<u64> = pages.iter().flat_map(|page| page.seen.clone()).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, people.iter().map(|object| fold(*object)).collect::<Vec<_>>());
    }

    #[test]
    fn no_history_harms_a_contact(scene in scenes()) {
        let mut world = scene.world.clone();
        // The store lets nobody have two accounts; a mark of another account is tolerated.
        for read in &scene.reads {
            let before = world.clone();
            let pages = world.run(std::slice::from_ref(read));
            check_run(&before, &world, &pages);
        }
    }

    #[test]
    fn applying_a_page_again_changes_nothing(scene in scenes()) {
        let mut world = scene.world.clone();
        for page in scene.world.preview(&scene.pages()) {
            world.apply(&page);
            let once = world.clone();
            world.apply(&page);
            prop_assert_eq!(&world, &once);
        }
        prop_assert_eq!(world.stale, []);
    }

    #[test]
    fn the_order_of_pages_does_not_move_a_link(scene in scenes(), seed in any::<u64>()) {
        let mut users: Vec<DirectoryUser> = Vec::new();
        for user in scene.users() {
            if users.iter().all(|other| other.object != user.object) {
                users.push(user.clone());
            }
        }
        let mut shuffled = users.clone();
        shuffled.sort_by_key(|user| fold(user.object).wrapping_mul(seed | 1).rotate_left(17));
        let by_identity = |users: Vec<DirectoryUser>| {
            let mut world = scene.world.clone();
            let pages = world.run(&[users]);
            // Who takes over a contact that nobody is linked to any more is the one who is read first.
            let is_linked =
                |line: &&&Line| scene.world.links.get(&line.object).is_some_and(|link| link.active);
            let what: BTreeSet<String> = lines(&pages)
                .iter()
                .filter(is_linked)
                .map(|line| format!("{} {:?}", line.object, std::mem::discriminant(&line.action)))
                .collect();
            let ties = scene.world.links.keys().map(|object| (*object, world.links[object].contact));
            (ties.collect::<BTreeMap<_, _>>(), what)
        };
        let (ties, what) = by_identity(users);
        let (ties_shuffled, what_shuffled) = by_identity(shuffled);
        prop_assert_eq!(ties, ties_shuffled);
        // Who gets an address that two people take at once is the one who is read first.
        if scene.world.policy.fields.email.overwrite == Overwrite::Never {
            prop_assert_eq!(what, what_shuffled);
        }
    }

    #[test]
    fn a_stored_page_reads_back_as_it_was(scene in scenes()) {
        for page in scene.world.preview(&scene.pages()) {
            let bytes = page.encode();
            let read = PlanPage::decode(&bytes).unwrap();
            prop_assert_eq!(&read, &page);
            prop_assert_eq!(read.encode(), bytes);
        }
    }

    #[test]
    fn a_line_has_an_id_of_its_own(scene in scenes()) {
        let pages = scene.world.preview(&scene.pages());
        let ids: BTreeSet<_> = lines(&pages).iter().map(|line| line.id).collect();
        prop_assert_eq!(ids.len(), lines(&pages).len(), "{:?}", story(&pages));
    }
}
