//! Sentences about rules, stored plans and undo.

use super::*;
use crate::{
    fields::{Clear, FieldRule},
    plan::{Conflict, Limit},
    undo::{UndoScope, way_back},
};

#[test]
fn what_is_protected_stands_in_no_plan() {
    type Protect = fn(&mut Contact);
    let cases: [(&str, Protect, bool); 5] = [
        ("nothing", |_| {}, true),
        ("the contact", |contact| contact.protected = true, false),
        ("the field", |contact| contact.protected_fields = BTreeSet::from([Field::Role]), false),
        ("another field", |contact| contact.protected_fields = BTreeSet::from([Field::Office]), true),
        (
            "the contact, after the plan was made",
            |contact| (contact.protected, contact.version) = (true, 2),
            true,
        ),
    ];
    for (what, protect, holds) in cases {
        let mut story = story();
        change(&mut story.before, LINKED, protect);
        let found = protected_is_in_no_plan(&planned(&story.lines), &story.before);
        assert_eq!(found.is_ok(), holds, "{what}: {found:?}");
    }
}

#[test]
fn a_change_follows_the_rule_of_its_field() {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let rule =
        |overwrite, clears| FieldRule { overwrite, clear: if clears { Clear::AtOnce } else { Clear::Never } };
    for (rule, allow_clearing, old, new, holds) in [
        (rule(Overwrite::Always, false), false, "Lead", "Head", true),
        (rule(Overwrite::Never, true), true, "Lead", "Head", false),
        (rule(Overwrite::OnlyIfEmpty, false), false, "", "Head", true),
        (rule(Overwrite::OnlyIfEmpty, false), false, "Lead", "Head", false),
        (rule(Overwrite::UnlessEdited, true), true, "Lead", "", true),
        (rule(Overwrite::UnlessEdited, false), true, "Lead", "", false),
        (rule(Overwrite::Always, true), false, "Lead", "", false),
    ] {
        let rules = FieldRules { role: rule, allow_clearing, ..FieldRules::default() };
        let changes = vec![FieldChange::Role(Change::new(text(old), text(new)))];
        let action = Action::Update { contact: id(LINKED), expect: 1, changes, facts: facts(LINKED) };
        let lines = [line(LINKED, Rule::IdentityLink, action)];
        let found = changes_follow_rules(&rules, &planned(&lines));
        assert_eq!(found.is_ok(), holds, "{rule:?} {allow_clearing} {old:?} {new:?}: {found:?}");
    }
}

#[test]
fn what_is_applied_is_what_was_planned() {
    let lines = story().lines;
    let all: Vec<&Line> = lines.iter().collect();
    let other = Line { label: "Somebody else".to_owned(), ..lines[1].clone() };
    assert_eq!(applied_is_planned(&all, &all), Ok(()));
    for (what, applied) in [
        ("a line less", vec![all[0]]),
        ("another order", vec![all[1], all[0]]),
        ("another line", vec![all[0], &other]),
    ] {
        assert!(applied_is_planned(&all, &applied).is_err(), "{what}");
    }
}

#[test]
fn a_line_is_stale_because_somebody_has_changed_what_it_writes() {
    let story = story();
    let [role, new] = [story.lines[0].id, story.lines[1].id].map(|line| BTreeSet::from([line]));
    let none = BTreeSet::new();
    let mut edited = story.before.clone();
    change(&mut edited, LINKED, |contact| contact.version = 2);
    let mut taken = story.before.clone();
    taken.owners.insert(address(NEW), Owner { client: OTHERS, contact: id(FOREIGN), additional: true });
    for (what, now, stale, holds) in [
        ("nothing changed, nothing stale", &story.before, &none, true),
        ("stale without a change", &story.before, &role, false),
        ("edited and stale", &edited, &role, true),
        ("edited and applied over it", &edited, &none, false),
        ("edited, and another line stale as well", &edited, &(&role | &new), false),
        ("the address is taken", &taken, &new, true),
    ] {
        let found = stale_for_a_reason(&story.before, now, &planned(&story.lines), stale);
        assert_eq!(found.is_ok(), holds, "{what}: {found:?}");
    }
    // Somebody edited the contact before what waits was staged again, from the preview it was planned in.
    let staged_again =
        |stale| stale_for_a_reason(&edited, &edited, &planned(&story.lines), stale).map_err(drop);
    assert_eq!((staged_again(&role), staged_again(&none)), (Ok(()), Err(())));
}

#[test]
fn what_was_rejected_is_not_asked_again() {
    let stage = |action: Action, limit| Action::Stage { proposal: Box::new(action), limit };
    let create = || Action::Create { contact: id(NEW), facts: facts(NEW) };
    let ask = Action::Review { conflict: Conflict::AddressShared, candidates: Vec::new() };
    let dismissed = Rejected { dismissed: BTreeSet::from([identity(NEW)]), ..Rejected::default() };
    let kept = Rejected { kept: BTreeSet::from([identity(LINKED)]), ..Rejected::default() };
    for (object, action, rejected) in [
        (NEW, stage(create(), Limit::Creations), &dismissed),
        (NEW, create(), &dismissed),
        (NEW, ask, &dismissed),
        (LINKED, stage(mark_inactive(1), Limit::Inactivations), &kept),
        (LINKED, mark_inactive(1), &kept),
    ] {
        let lines = [line(object, Rule::Scope, action)];
        assert!(rejected_is_remembered(rejected, &planned(&lines)).is_err(), "{:?}", lines[0].action);
        assert_eq!(rejected_is_remembered(&Rejected::default(), &planned(&lines)), Ok(()));
    }
}

/// A story, what a human does after it, and its undo.
struct Undone {
    story: Story,
    now: People,
    after: People,
    scope: UndoScope,
    back: Vec<Line>,
}

impl Undone {
    fn of(scope: UndoScope, edit: impl FnOnce(&mut People)) -> Self {
        let story = story();
        let mut now = story.after.clone();
        edit(&mut now);
        let (mut after, mut back) = (now.clone(), Vec::new());
        for done in &story.lines {
            let identity = Identity { tenant: TENANT, object: done.object };
            let contact = now.contacts.get(&done.contact_written().unwrap());
            let Some(action) = way_back(done, identity, contact, &scope, &now.owners) else { continue };
            let line = Line { action, rule: Rule::Undo, ..done.clone() };
            let contact = line.action.contact_after(OURS, identity, line.id, contact);
            after.contacts.extend(contact.map(|contact| (contact.id, contact)));
            back.push(line);
        }
        Self { story, now, after, scope, back }
    }

    fn found(&self) -> Result<(), Broken> {
        let (lines, back): (Vec<&Line>, Vec<&Line>) =
            (self.story.lines.iter().collect(), self.back.iter().collect());
        undo_restores(&TakenBack {
            before: &self.story.before,
            left: &self.story.after,
            now: &self.now,
            after: &self.after,
            lines: &lines,
            scope: &self.scope,
            back: &back,
            stale: &BTreeSet::new(),
        })
    }
}

fn by_hand(people: &mut People) {
    change(people, LINKED, |contact| contact.values.role = Some("By hand".to_owned()));
}

#[test]
fn what_an_undo_does_breaks_nothing() {
    let only = |field: Field| UndoScope::of(Vec::new(), [field]);
    let of_one = UndoScope::of(vec![identity(NEW).object], []);
    for scope in [UndoScope::default(), only(Field::Role), only(Field::Office), of_one] {
        for edit in [|_: &mut People| {}, by_hand] {
            assert_eq!(Undone::of(scope.clone(), edit).found(), Ok(()), "{scope:?}");
        }
    }
    let protected = |people: &mut People| change(people, NEW, |contact| contact.protected = true);
    assert_eq!(Undone::of(UndoScope::default(), protected).found(), Ok(()));
    // It cuts a link and makes a contact inactive.
    let mut undone = Undone::of(UndoScope::default(), |_| {});
    undone.after.links.retain(|link| link.identity != identity(NEW));
    let planned = planned(&undone.back);
    assert_eq!(nothing_is_deleted(&undone.now, &undone.after, &planned), Ok(()));
    assert!(nothing_is_deleted(&undone.now, &undone.after, &[]).is_err());
    assert_eq!(inactive_only_by_a_line(&undone.now, &undone.after, &planned), Ok(()));
    assert!(inactive_only_by_a_line(&undone.now, &undone.after, &[]).is_err());
}

#[test]
fn whatever_an_undo_does_wrong_is_found() {
    type Human = fn(&mut People);
    type Break = fn(&mut Undone);
    let cases: [(&str, Human, Break); 8] = [
        ("a field is not put back", |_| {}, |it| by_hand(&mut it.after)),
        ("a human's value is written over", by_hand, |it| {
            change(&mut it.after, LINKED, |contact| contact.values.role = None);
        }),
        ("what is left is not told", by_hand, |it| it.back.clear()),
        (
            "a created contact stays active",
            |_| {},
            |it| {
                change(&mut it.after, NEW, |contact| contact.inactive = false);
            },
        ),
        (
            "a created contact stays somebody's",
            |_| {},
            |it| {
                change(&mut it.after, NEW, |contact| contact.entra = Some(stamp(NEW)));
            },
        ),
        ("a created contact is deleted", |_| {}, |it| drop(it.after.contacts.remove(&id(NEW)))),
        (
            "a created contact loses a value",
            |_| {},
            |it| {
                change(&mut it.after, NEW, |contact| contact.values.email = None);
            },
        ),
        (
            "somebody else's contact is written",
            |_| {},
            |it| {
                change(&mut it.after, FOREIGN, |contact| contact.version += 1);
            },
        ),
    ];
    for (what, edit, breaks) in cases {
        let mut undone = Undone::of(UndoScope::default(), edit);
        assert_eq!(undone.found(), Ok(()), "before: {what}");
        breaks(&mut undone);
        assert!(undone.found().is_err(), "{what}");
    }
}
