//! Each sentence holds for a sound story, and each change that breaks it is found.

mod stored;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::{
    contact::{ContactValues, EntraStamp, Fingerprint, InactiveReason},
    facts::SourceFacts,
    fields::{Change, Field, FieldChange, FieldRules, Overwrite},
    ids::{EntraObjectId, Identity, LineId, WorkspaceId},
    plan::{Action, PLAN_PAGE_FORMAT, Person, PlanPage, Rule},
    run::Counters,
};

const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));
const TENANT: EntraTenantId = EntraTenantId::new(Uuid::from_u128(2));
const OURS: ClientId = ClientId::new(Uuid::from_u128(3));
const OTHERS: ClientId = ClientId::new(Uuid::from_u128(4));

/// The linked person, the person who is created, and a contact of another client.
const LINKED: u128 = 10;
const NEW: u128 = 11;
const FOREIGN: u128 = 12;

/// Before a sync, after it, and the lines between: one contact gets a new role, one is created.
struct Story {
    before: People,
    after: People,
    lines: Vec<Line>,
}

#[test]
fn a_sound_story_breaks_nothing() {
    let story = story();
    let (before, after) = (&story.before, &story.after);
    let planned = planned(&story.lines);
    let ids: BTreeSet<LineId> = story.lines.iter().map(|line| line.id).collect();
    for people in [before, after] {
        assert_eq!(links_are_single(people), Ok(()));
        assert_eq!(links_lead_to_contacts(people), Ok(()));
        assert_eq!(addresses_are_owned(people), Ok(()));
        assert_eq!(owners_show_their_addresses(people, &BTreeSet::new()), Ok(()));
        assert_eq!(people_are_unchanged(people, people), Ok(()));
    }
    assert_eq!(nothing_is_deleted(before, after, &planned), Ok(()));
    assert_eq!(other_clients_are_untouched(before, after, &BTreeSet::from([OURS])), Ok(()));
    assert_eq!(only_enabled_fields_change(&role_only(), before, after), Ok(()));
    assert_eq!(inactive_only_by_a_line(before, after, &planned), Ok(()));
    assert_eq!(only_ours_become_active(&role_only(), before, after, &planned), Ok(()));
    assert_eq!(writes_follow_lines(before, after, &planned), Ok(ids.clone()));
    assert_eq!(applied_lines_are_written(&planned, &ids, &BTreeSet::new(), after), Ok(()));
    assert_eq!(a_plan_stays_at_its_client(&planned, after), Ok(()));
    assert_eq!(vanished_lines_close_a_complete_read(&planned), Ok(()));
}

#[test]
fn whatever_breaks_people_at_one_moment_is_found() {
    type Sentence = fn(&People) -> Result<(), Broken>;
    type Break = fn(&mut People);
    let shown: Sentence = |people| owners_show_their_addresses(people, &BTreeSet::new());
    let cases: [(&str, Sentence, Break); 9] = [
        ("an identity with two links", links_are_single, |people| {
            people.links.push(people.links[0].clone());
        }),
        ("a contact with two active links", links_are_single, |people| {
            let link = Link { identity: identity(99), ..people.links[0].clone() };
            people.links.push(link);
        }),
        ("a link to nobody", links_lead_to_contacts, |people| people.links[0].contact = id(98)),
        ("a link to another client", links_lead_to_contacts, |people| people.links[0].client = OTHERS),
        ("a contact stamped with another identity", links_lead_to_contacts, |people| {
            change(people, LINKED, |contact| contact.entra = Some(stamp(99)));
        }),
        ("an address without an owner", addresses_are_owned, |people| {
            people.owners.clear();
        }),
        ("an additional address of somebody else", addresses_are_owned, |people| {
            change(people, LINKED, |contact| contact.additional_emails = vec![address(FOREIGN)]);
        }),
        ("an owner who is not there", shown, |people| {
            people.contacts.remove(&id(FOREIGN));
        }),
        ("an owner who shows another address", shown, |people| {
            change(people, LINKED, |contact| contact.values.email = Some(address(97)));
        }),
    ];
    for (what, sentence, breaks) in cases {
        let mut people = story().before;
        breaks(&mut people);
        assert!(sentence(&people).is_err(), "{what}");
    }
}

#[test]
fn an_inactive_link_may_share_its_contact_and_an_address_may_be_left_over() {
    let mut people = story().before;
    let old = Link { identity: identity(99), active: false, ..people.links[0].clone() };
    people.links.push(old);
    assert_eq!((links_are_single(&people), links_lead_to_contacts(&people)), (Ok(()), Ok(())));
    let owner = Owner { client: OURS, contact: id(98), additional: false };
    people.owners.insert(address(98), owner);
    assert_eq!(owners_show_their_addresses(&people, &BTreeSet::from([address(98)])), Ok(()));
}

#[test]
fn whatever_breaks_a_sentence_between_two_moments_is_found() {
    type Sentence = fn(&Story) -> Result<(), Broken>;
    type Break = fn(&mut Story);
    let deleted: Sentence = |it| nothing_is_deleted(&it.before, &it.after, &planned(&it.lines));
    let untouched: Sentence =
        |it| other_clients_are_untouched(&it.before, &it.after, &BTreeSet::from([OURS]));
    let fields: Sentence = |it| only_enabled_fields_change(&role_only(), &it.before, &it.after);
    let follow: Sentence = |it| writes_follow_lines(&it.before, &it.after, &planned(&it.lines)).map(|_| ());
    let inactive: Sentence = |it| inactive_only_by_a_line(&it.before, &it.after, &planned(&it.lines));
    let active: Sentence =
        |it| only_ours_become_active(&role_only(), &it.before, &it.after, &planned(&it.lines));
    let client: Sentence = |it| a_plan_stays_at_its_client(&planned(&it.lines), &it.after);
    let unchanged: Sentence = |it| {
        people_are_unchanged(&it.before, &it.before.clone()).and_then(|()| {
            let mut same = it.after.clone();
            same.contacts.clone_from(&it.before.contacts);
            people_are_unchanged(&it.before, &same)
        })
    };
    let cases: [(&str, Sentence, Break); 20] = [
        ("a contact is deleted", deleted, |it| drop(it.after.contacts.remove(&id(LINKED)))),
        ("a contact moves to another client", deleted, |it| {
            change(&mut it.after, LINKED, |contact| contact.client = OTHERS);
        }),
        ("a link is deleted", deleted, |it| it.after.links.clear()),
        ("a contact of another client is written", untouched, |it| {
            change(&mut it.after, FOREIGN, |contact| contact.version += 1);
        }),
        ("a contact of another client is created", untouched, |it| {
            change(&mut it.after, NEW, |contact| contact.client = OTHERS);
        }),
        ("a name", fields, |it| change(&mut it.after, LINKED, |it| it.values.full_name.push('!'))),
        ("an address", fields, |it| change(&mut it.after, LINKED, |it| it.values.email = None)),
        ("a sign-in name", fields, |it| {
            change(&mut it.after, LINKED, |contact| {
                contact.entra.as_mut().unwrap().user_principal_name = Some("else@acme.example".to_owned());
            });
        }),
        ("an additional address", fields, |it| {
            change(&mut it.after, LINKED, |contact| contact.additional_emails = vec![address(96)]);
        }),
        ("a write without a line", follow, |it| {
            it.lines.remove(0);
        }),
        ("a creation without a line", follow, |it| {
            it.lines.remove(1);
        }),
        ("more than the line says", follow, |it| {
            change(&mut it.after, LINKED, |contact| contact.inactive = true);
        }),
        ("a write of the same version", follow, |it| {
            it.after = it.before.clone();
            change(&mut it.after, LINKED, |contact| contact.values.role = Some("Else".to_owned()));
        }),
        ("one line written twice", follow, |it| {
            change(&mut it.after, LINKED, |contact| contact.version += 1);
        }),
        ("inactive without a line", inactive, |it| {
            change(&mut it.after, LINKED, |contact| contact.inactive = true);
        }),
        ("born inactive without a line", inactive, |it| {
            change(&mut it.after, NEW, |contact| contact.inactive = true);
        }),
        ("a human's inactive contact becomes active", active, |it| {
            change(&mut it.before, LINKED, |contact| contact.inactive = true);
        }),
        ("a line about another client's contact", client, |it| {
            change(&mut it.after, LINKED, |contact| contact.client = OTHERS);
        }),
        ("a new link", unchanged, |it| it.after.links.push(link(NEW))),
        ("another owner", unchanged, |it| it.after.owners.clear()),
    ];
    for (what, sentence, breaks) in cases {
        let mut story = story();
        breaks(&mut story);
        assert!(sentence(&story).is_err(), "{what}");
    }
}

#[test]
fn what_this_sync_made_inactive_may_come_back() {
    let mut story = story();
    change(&mut story.before, LINKED, |contact| {
        contact.inactive = true;
        let stamp = EntraStamp { inactive_reason: Some(InactiveReason::DisabledUpstream), ..stamp(LINKED) };
        contact.entra = Some(stamp);
    });
    assert_eq!(only_ours_become_active(&role_only(), &story.before, &story.after, &[]), Ok(()));
}

#[test]
fn what_a_human_made_inactive_comes_back_only_by_a_line_and_where_the_rules_say_so() {
    let overruling = FieldRules { mark_active_when_enabled: true, ..role_only() };
    let facts = facts(LINKED);
    for (rules, is_line, protected, holds) in [
        (role_only(), true, false, false),
        (overruling, false, false, false),
        (overruling, true, true, false),
        (overruling, true, false, true),
    ] {
        let mut story = story();
        change(&mut story.before, LINKED, |contact| {
            (contact.inactive, contact.protected) = (true, protected);
        });
        let action = Action::Reactivate {
            contact: id(LINKED),
            expect: 1,
            before: None,
            activate: true,
            changes: Vec::new(),
            facts: facts.clone(),
        };
        let lines = [line(LINKED, Rule::IdentityLink, action)];
        let planned = if is_line { planned(&lines) } else { Vec::new() };
        let found = only_ours_become_active(&rules, &story.before, &story.after, &planned);
        assert_eq!(found.is_ok(), holds, "{is_line}, {protected}");
    }
}

#[test]
fn several_lines_follow_each_other_by_version() {
    let mut story = story();
    let gone = line(LINKED, Rule::Vanished, mark_inactive(2));
    let contact = story.after.contacts[&id(LINKED)].clone();
    let after = gone.action.contact_after(OURS, identity(LINKED), gone.id, Some(&contact)).unwrap();
    story.after.contacts.insert(after.id, after);
    story.lines.push(gone);
    let ids: BTreeSet<LineId> = story.lines.iter().map(|line| line.id).collect();
    let planned = planned(&story.lines);
    assert_eq!(writes_follow_lines(&story.before, &story.after, &planned), Ok(ids));
    assert_eq!(inactive_only_by_a_line(&story.before, &story.after, &planned), Ok(()));
}

#[test]
fn a_line_that_counts_as_applied_was_written_or_is_stale() {
    let story = story();
    let planned = planned(&story.lines);
    let [role, new] = [story.lines[0].id, story.lines[1].id].map(|line| BTreeSet::from([line]));
    let none = BTreeSet::new();
    for (written, stale, after, holds) in [
        (&new, &none, &story.after, false),
        (&new, &role, &story.after, true),
        (&role, &none, &story.before, false),
        // Somebody had created the same contact for the same identity.
        (&role, &none, &story.after, true),
    ] {
        assert_eq!(applied_lines_are_written(&planned, written, stale, after).is_ok(), holds);
    }
}

#[test]
fn nobody_is_gone_before_the_read_has_ended() {
    let lines = [line(LINKED, Rule::Vanished, mark_inactive(1))];
    let mut planned = planned(&lines);
    assert!(vanished_lines_close_a_complete_read(&planned).is_err());
    planned[0].closes_read = true;
    assert_eq!(vanished_lines_close_a_complete_read(&planned), Ok(()));
}

#[test]
fn plans_are_compared_byte_for_byte() {
    let page = |lines: &[Line], seen: u64| PlanPage {
        format: PLAN_PAGE_FORMAT,
        lines: lines.to_vec(),
        seen: vec![seen],
        leavers: Vec::new(),
        asked: Vec::new(),
        guard: None,
        counters: Counters::default(),
    };
    let lines = story().lines;
    let one = [page(&lines, 1)];
    assert_eq!(plans_are_equal(&one, &one), Ok(()));
    for (what, other) in [
        ("a line less", vec![page(&lines[1..], 1)]),
        ("a page less", Vec::new()),
        ("somebody else seen", vec![page(&lines, 2)]),
    ] {
        assert!(plans_are_equal(&one, &other).is_err(), "{what}");
    }
}

#[test]
fn counters_that_do_not_add_up_are_found() {
    let lines = story().lines;
    let right = Counters { read: 3, created: 1, updated: 1, unchanged: 1, ..Counters::default() };
    assert_eq!(counters_are_consistent(&right), Ok(()));
    assert_eq!(counters_count_lines(&right, &planned(&lines), 0), Ok(()));
    assert_eq!(counters_add_up(&right, &[right, Counters::default()]), Ok(()));
    assert!(counters_add_up(&right, &[right, right]).is_err());
    for (what, wrong) in [
        ("somebody who ended in no way", Counters { read: 4, ..right }),
        ("more vanished than inactive", Counters { vanished: 1, ..right }),
    ] {
        assert!(counters_are_consistent(&wrong).is_err(), "{what}");
    }
    for (what, wrong) in [
        ("a creation less", Counters { created: 0, ..right }),
        ("an update more", Counters { updated: 2, ..right }),
        ("a stale line that is none", Counters { stale: 1, ..right }),
    ] {
        assert!(counters_count_lines(&wrong, &planned(&lines), 0).is_err(), "{what}");
    }
}

fn story() -> Story {
    let mut before = People::default();
    for (number, client) in [(LINKED, OURS), (FOREIGN, OTHERS)] {
        let contact = contact(number, client);
        let owner = Owner { client, contact: contact.id, additional: false };
        before.owners.insert(address(number), owner);
        before.contacts.insert(contact.id, contact);
    }
    before.links.push(link(LINKED));
    let role = FieldChange::Role(Change::new(None, Some("Lead".to_owned())));
    let update = Action::Update { contact: id(LINKED), expect: 1, changes: vec![role], facts: facts(LINKED) };
    let lines = vec![
        line(LINKED, Rule::IdentityLink, update),
        line(NEW, Rule::NoMatch, Action::Create { contact: id(NEW), facts: facts(NEW) }),
    ];
    let mut after = before.clone();
    for (number, line) in [LINKED, NEW].into_iter().zip(&lines) {
        let was = before.contacts.get(&id(number));
        let contact = line.action.contact_after(OURS, identity(number), line.id, was).unwrap();
        let owner = Owner { client: OURS, contact: contact.id, additional: false };
        after.owners.insert(address(number), owner);
        after.contacts.insert(contact.id, contact);
    }
    after.links.push(link(NEW));
    Story { before, after, lines }
}

fn planned(lines: &[Line]) -> Vec<Planned<'_>> {
    let planned = |line| Planned { tenant: TENANT, client: OURS, closes_read: false, line };
    lines.iter().map(planned).collect()
}

fn line(object: u128, rule: Rule, action: Action) -> Line {
    let object = EntraObjectId::new(Uuid::from_u128(object));
    Line::new(WORKSPACE, TENANT, Person { object, label: "Somebody".to_owned(), address: None }, rule, action)
}

fn mark_inactive(expect: u64) -> Action {
    Action::MarkInactive {
        contact: id(LINKED),
        expect,
        before: None,
        reason: InactiveReason::DeletedUpstream,
    }
}

fn role_only() -> FieldRules {
    FieldRules { role: Overwrite::Always.into(), ..FieldRules::default() }
}

fn change(people: &mut People, number: u128, change: impl FnOnce(&mut Contact)) {
    change(people.contacts.get_mut(&id(number)).unwrap());
}

fn contact(number: u128, client: ClientId) -> Contact {
    Contact {
        id: id(number),
        client,
        version: 1,
        values: ContactValues { email: Some(address(number)), ..facts(number).values() },
        additional_emails: Vec::new(),
        inactive: false,
        protected: false,
        protected_fields: BTreeSet::new(),
        entra: (client == OURS).then(|| stamp(number)),
        line: None,
    }
}

fn link(number: u128) -> Link {
    Link {
        identity: identity(number),
        contact: id(number),
        client: OURS,
        active: true,
        fingerprint: Fingerprint(0),
        missing: 0,
        missing_since: None,
        keep: false,
    }
}

fn facts(number: u128) -> SourceFacts {
    SourceFacts {
        full_name: format!("Person {number}"),
        email: address(number),
        phones: Vec::new(),
        role: None,
        department: None,
        office: None,
        company: None,
        user_principal_name: None,
        blanks: Vec::new(),
    }
}

fn stamp(number: u128) -> EntraStamp {
    EntraStamp {
        identity: identity(number),
        user_principal_name: None,
        account_enabled: Some(true),
        inactive_reason: None,
    }
}

fn identity(number: u128) -> Identity {
    Identity { tenant: TENANT, object: EntraObjectId::new(Uuid::from_u128(number)) }
}

fn id(number: u128) -> ContactId {
    ContactId::new(Uuid::from_u128(number))
}

fn address(number: u128) -> EmailAddress {
    format!("person.{number}@acme.example").parse().unwrap()
}
