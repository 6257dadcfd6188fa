//! Explanations: as an operator reads them, and that they say what the plan does.

use std::{fs, path::Path};

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{
    scenes::{Scene, scenes},
    world::{OTHER_CLIENT, OUR_CLIENT},
    *,
};
use crate::{
    contact::InactiveReason,
    explain::{self, Change, Explanation, Outcome, Subject},
    fields::{FieldRule, Overwrite},
    policy::{Share, Timing},
    scope::{Attribute, AttributeOperator, AttributeRule, Effect},
};

/// Rounds of looking up after which everything has to be known.
const ROUNDS_MAX: usize = 8;

impl World {
    /// What an adapter does: look up until nothing is missing, then explain.
    fn explain(&self, subject: Subject<'_>) -> Explanation {
        let mut policy = self.policy.clone();
        let active = self.links.values().filter(|link| link.active && link.client == OUR_CLIENT).count();
        policy.active_links = Some(active as u64);
        let mut known = Known::default();
        for _ in 0..ROUNDS_MAX {
            let needs = explain::needs(&policy, subject, &known);
            if needs.is_empty() {
                return explain::explain(&policy, subject, &known);
            }
            self.answer(&needs, &mut known);
        }
        panic!("it never ends: {:?}", explain::needs(&policy, subject, &known));
    }

    fn explain_user(&self, user: &DirectoryUser) -> Explanation {
        self.explain(Subject::Present(user))
    }

    fn scoped(rules: ScopeRules) -> Self {
        let mut world = Self::new();
        world.policy.scope = rules.compile().unwrap();
        world
    }

    /// Mira, linked to her contact as an earlier sync has left her.
    fn with_mira(mut self) -> Self {
        self.add_contact(7, "Mira Sund", "mira@acme.example").values.role = Some("Dentist".to_owned());
        self.link(&mira(), 7);
        self
    }
}

fn mira() -> DirectoryUser {
    dentist("Dentist")
}

fn dentist(role: &str) -> DirectoryUser {
    user(
        1,
        json!({"displayName": "Mira Sund", "mail": "mira@acme.example", "accountEnabled": true,
            "jobTitle": role}),
    )
}

fn blocked() -> DirectoryUser {
    DirectoryUser { account_enabled: Some(false), ..mira() }
}

fn raw(more: serde_json::Value) -> DirectoryUser {
    let mut all = json!({"displayName": "Mira Sund", "mail": "mira@acme.example", "accountEnabled": true});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    user(1, all)
}

fn unless_edited(mut world: World) -> World {
    world.policy.fields.role = FieldRule::from(Overwrite::UnlessEdited);
    world
}

fn attribute(effect: Effect, value: &str) -> AttributeRule {
    let (attribute, operator) = (Attribute::Department, AttributeOperator::Equals);
    AttributeRule { attribute, operator, value: value.to_owned(), effect }
}

type Told = (&'static str, World, DirectoryUser);

/// People who are linked, or come to be.
fn taken() -> Vec<Told> {
    let mut cases: Vec<Told> = vec![
        ("linked, nothing has changed", World::new().with_mira(), mira()),
        ("linked, a field has changed", World::overwriting().with_mira(), dentist("Head of practice")),
        ("linked, a change that is not synced", World::new().with_mira(), dentist("Head of practice")),
    ];
    let mut world = unless_edited(World::new()).with_mira();
    world.contact(7).values.role = Some("Boss of everybody".to_owned());
    cases.push(("a field is kept because somebody has edited it", world, dentist("Head of practice")));
    let mut world = World::overwriting().with_mira();
    world.contact(7).values.role = Some("Boss of everybody".to_owned());
    cases.push(("edited, and nobody looks at the contact", world, mira()));
    let mut world = World::overwriting().with_mira();
    world.contact(7).protected_fields.insert(Field::Role);
    cases.push(("a protected field", world, dentist("Head of practice")));
    cases.push(("created", World::new(), mira()));
    let mut world = World::overwriting();
    world.add_contact(7, "M. Sund", "mira@acme.example");
    cases.push(("linked by the e-mail address", world, mira()));
    let mut world = World::new();
    world.add_contact(7, "Sund, Mira", "m.sund@acme.example");
    world.add_contact(8, "Front Desk", "desk@acme.example");
    world.link(&person(2, "Front Desk", "desk@acme.example"), 8);
    let aliases = json!({"proxyAddresses": ["smtp:m.sund@acme.example", "smtp:desk@acme.example"]});
    cases.push(("linked by another address and the name", world, raw(aliases)));
    let mut world = World::new();
    world.add_contact(7, "Mira Lie", "lie@acme.example");
    world.add_contact(8, "Somebody", "mira@acme.example");
    world.hints.insert(object(1), contact_id(7));
    cases.push(("linked by the object id in the PSA", world, mira()));
    let mut world = World::new().with_mira();
    world.links.get_mut(&object(1)).unwrap().active = false;
    world.contact(7).inactive = true;
    world.contact(7).entra.as_mut().unwrap().inactive_reason = Some(InactiveReason::DeletedUpstream);
    cases.push(("back again", world, mira()));
    let mut world = World::new().with_mira();
    world.policy.limits.creations = Share { count: 0, percent: 0 };
    cases.push(("held back by a limit", world, person(2, "Jo Doe", "jo@acme.example")));
    cases
}

/// People whom only a human can place.
fn asked_about() -> Vec<Told> {
    let mut cases: Vec<Told> = Vec::new();
    let several = || {
        let mut world = World::new();
        world.add_contact(7, "Mira Sund", "mira@acme.example");
        world.add_contact(8, "M. Sund", "m.sund@acme.example");
        world
    };
    let person = || raw(json!({"userPrincipalName": "m.sund@acme.example"}));
    cases.push(("several contacts it could be", several(), person()));
    let mut world = several();
    let candidates = vec![contact_id(7), contact_id(8)];
    let about = About::new(&person(), person().addresses(&world.policy.verified_domains));
    let question = ReviewState::Open {
        conflict: Conflict::MultipleEmailMatches,
        candidates,
        seen: Some(about.fingerprint(world.policy.client)),
        taken_back: false,
    };
    world.reviews.insert(object(1), question);
    cases.push(("the question is open already", world, person()));
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira@acme.example").client = OTHER_CLIENT;
    cases.push(("the address is another client's", world, mira()));
    let mut world = World::new();
    world.add_contact(7, "Reception", "desk@acme.example").additional_emails =
        vec!["mira@acme.example".parse().unwrap()];
    cases.push(("an additional address", world, mira()));
    let mut world = World::new();
    world.add_contact(7, "Reception", "desk@acme.example");
    cases.push((
        "only another address, and other names",
        world,
        raw(json!({"proxyAddresses": ["smtp:desk@acme.example"]})),
    ));
    let mut world = World::new();
    world.add_contact(7, "Jo Doe", "mira@acme.example");
    world.link(&super::person(2, "Jo Doe", "mira@acme.example"), 7);
    cases.push(("the contact is a colleague's", world.clone(), mira()));
    world.links.get_mut(&object(2)).unwrap().active = false;
    cases.push(("a mailbox that was passed on", world, mira()));
    let mut world = World::new().with_mira();
    world.contact(7).client = OTHER_CLIENT;
    world.links.get_mut(&object(1)).unwrap().client = OTHER_CLIENT;
    cases.push(("linked at another client", world, mira()));
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira@acme.example");
    world.reviews.insert(object(1), ReviewState::Dismissed);
    cases.push(("an operator has rejected the person", world, mira()));
    cases
}

/// People who are left out by a rule.
fn left_out() -> Vec<Told> {
    let group = || "11111111-2222-4333-8444-555555555555".parse().unwrap();
    let rules = ScopeRules::default;
    let listed = |domain: &str| vec![domain.to_owned()];
    let licence = |count| DirectoryUser { license_count: count, ..mira() };
    let guest = raw(json!({"userType": "Guest"}));
    let invited = raw(json!({"userType": "Guest", "externalUserState": "PendingAcceptance"}));
    let pending = ScopeRules { include_guests: true, include_pending_guests: false, ..rules() };
    let robot = user(1, json!({"displayName": "Backup", "mail": "svc-backup@acme.example"}));
    let care = |department: &str| raw(json!({"department": department}));
    let mut in_group = World::scoped(ScopeRules { exclude_groups: vec![group()], ..rules() });
    in_group.policy.groups.insert(group(), vec![object(1)]);
    let mut in_no_group = World::scoped(ScopeRules { include_groups: vec![group()], ..rules() });
    in_no_group.policy.groups.insert(group(), vec![]);
    let scoped = World::scoped;
    vec![
        ("a guest", World::new(), guest),
        ("an invitation that is not accepted", scoped(pending), invited),
        ("a service account", World::new(), robot),
        ("no address", World::new(), user(1, json!({"displayName": "Mira Sund"}))),
        ("a pattern", scoped(ScopeRules { exclude_patterns: listed("^mira"), ..rules() }), mira()),
        (
            "a domain that is left out",
            scoped(ScopeRules { exclude_domains: listed("acme.example"), ..rules() }),
            mira(),
        ),
        (
            "no domain that is taken in",
            scoped(ScopeRules { include_domains: listed("other.example"), ..rules() }),
            mira(),
        ),
        (
            "an attribute that is left out",
            scoped(ScopeRules { attributes: vec![attribute(Effect::Exclude, "Care")], ..rules() }),
            care("Care"),
        ),
        (
            "no attribute that is taken in",
            scoped(ScopeRules { attributes: vec![attribute(Effect::Include, "Care")], ..rules() }),
            care("Sales"),
        ),
        ("a group that is left out", in_group, mira()),
        ("no group that is taken in", in_no_group, mira()),
        (
            "a group that cannot be read",
            scoped(ScopeRules { exclude_groups: vec![group()], ..rules() }),
            mira(),
        ),
        ("no licence", scoped(ScopeRules { licensed_only: true, ..rules() }), licence(Some(0))),
        (
            "a licence of which nothing is known",
            scoped(ScopeRules { licensed_only: true, ..rules() }),
            licence(None),
        ),
        (
            "two rules at once",
            scoped(ScopeRules { exclude_patterns: listed("^mira"), ..rules() }),
            raw(json!({"userType": "Guest"})),
        ),
    ]
}

/// People who are leaving, or whose contact may not be written.
fn leaving() -> Vec<Told> {
    let mut cases: Vec<Told> = vec![
        ("blocked, and nobody is linked", World::new(), blocked()),
        ("blocked", World::new().with_mira(), blocked()),
    ];
    let mut world = World::new().with_mira();
    world.policy.vanish.disabled = Timing::AfterGrace;
    world.policy.vanish.grace_hours = 12;
    cases.push(("blocked, in grace for the first time", world.clone(), blocked()));
    let link = world.links.get_mut(&object(1)).unwrap();
    (link.missing, link.missing_since) = (2, Some(world.policy.now));
    world.policy.now += SignedDuration::from_hours(3);
    cases.push(("blocked, and only hours are missing", world.clone(), blocked()));
    world.links.get_mut(&object(1)).unwrap().keep = true;
    cases.push(("blocked, and an operator has rejected it", world, blocked()));
    let mut world = World::new().with_mira();
    world.policy.fields.mark_inactive_when_disabled = false;
    cases.push(("blocked, and the rule is off", world, blocked()));
    let mut world = World::new().with_mira();
    world.contact(7).protected = true;
    cases.push(("blocked, and the contact is protected", world.clone(), blocked()));
    cases.push(("a protected contact", world, dentist("Head of practice")));
    let mut world =
        World::scoped(ScopeRules { exclude_patterns: vec!["^mira".to_owned()], ..ScopeRules::default() });
    world = world.with_mira();
    cases.push(("out of scope, and the contact stays", world.clone(), mira()));
    world.policy.vanish.out_of_scope = Timing::AtOnce;
    cases.push(("out of scope, and the contact goes", world, mira()));
    let mut world = World::new().with_mira();
    world.contacts.clear();
    cases.push(("the contact is gone", world, dentist("Head of practice")));
    cases
}

fn told(title: &str, explanation: &Explanation) -> String {
    let outcome = world::wire(&explanation.outcome);
    format!("═══ {title} [{outcome}]\n\n{explanation}\n")
}

#[test]
fn explanations_read_like_this() {
    let mut all = String::new();
    for (title, world, user) in taken().into_iter().chain(asked_about()).chain(left_out()).chain(leaving()) {
        all.push_str(&told(title, &world.explain_user(&user)));
    }
    let mut world = World::new().with_mira();
    all.push_str(&told("gone", &world.explain(Subject::Gone(object(1)))));
    world.links.get_mut(&object(1)).unwrap().missing = 1;
    all.push_str(&told("gone for the second time", &world.explain(Subject::Gone(object(1)))));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/texts/explanations.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &all).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap();
    for (told, expected) in all.split("═══ ").zip(golden.split("═══ ")) {
        assert_eq!(told, expected, "UPDATE_GOLDEN=1 writes what is said now");
    }
    assert_eq!(all, golden);
}

/// The same change, made where it is made in life.
fn make(change: &Change, world: &mut World, user: &mut DirectoryUser) {
    let mut rules = world.policy.scope.rules().clone();
    match change {
        Change::IncludeGuests => rules.include_guests = true,
        Change::IncludePendingGuests => rules.include_pending_guests = true,
        Change::IncludeServiceAccounts => rules.include_service_accounts = true,
        Change::IncludeUnlicensed => rules.licensed_only = false,
        Change::AssignLicence => user.license_count = Some(2),
        Change::RemovePattern { .. } => rules.exclude_patterns.clear(),
        Change::RemoveExcludedDomain { .. } => rules.exclude_domains.clear(),
        Change::AddIncludedDomain { domain } => rules.include_domains.push(domain.clone()),
        Change::LeaveGroup { group } => world.policy.groups.insert(group.parse().unwrap(), vec![]),
        Change::JoinGroup { group } => world.policy.groups.insert(group.parse().unwrap(), vec![user.object]),
        Change::RemoveAttributeRule { .. } => rules.attributes.clear(),
        Change::AddAttributeRule => rules.attributes.push(attribute(Effect::Include, "Sales")),
        Change::EnableAccount => user.account_enabled = Some(true),
        Change::KeepWhenDisabled => world.policy.fields.mark_inactive_when_disabled = false,
        Change::InactivateWhenDisabled => world.policy.fields.mark_inactive_when_disabled = true,
        Change::Unprotect { contact } => world.contacts.get_mut(contact).unwrap().protected = false,
        Change::UnprotectField { contact, .. } => {
            world.contacts.get_mut(contact).unwrap().protected_fields.clear();
        }
        Change::FreeAddress { address, contact } => {
            let contact = world.contacts.get_mut(contact).unwrap();
            contact.values.email = contact.values.email.take().filter(|email| email != address);
            contact.additional_emails.retain(|email| email != address);
        }
        Change::MakeFirst { address, contact } => {
            let contact = world.contacts.get_mut(contact).unwrap();
            contact.additional_emails.clear();
            contact.values.email = Some(address.clone());
        }
        Change::Rename { contact, name } => {
            world.contacts.get_mut(contact).unwrap().values.full_name.clone_from(name);
        }
        Change::ClearObjectId { .. } => world.hints.clear(),
        Change::SetPolicy { field, policy } => {
            world.policy.fields.rule_mut(*field).overwrite = *policy;
        }
        Change::RaiseLimit { .. } => world.policy.limits.creations.count = 10,
        Change::Reconsider => world.reviews.clear(),
        change => panic!("{change:?} cannot be foretold"),
    }
    world.policy.scope = rules.compile().unwrap();
}

#[test]
fn what_is_foretold_comes_true() {
    let mut tried = 0;
    for (title, world, user) in taken().into_iter().chain(asked_about()).chain(left_out()).chain(leaving()) {
        let before = world.explain_user(&user);
        for proposal in before.proposals {
            let Some(foretold) = proposal.then else { continue };
            let (mut world, mut user) = (world.clone(), user.clone());
            make(&proposal.change, &mut world, &mut user);
            let after = world.explain_user(&user);
            // Whoever is left alone is told of by the contact.
            let is_same = if after.outcome == Outcome::Unchanged {
                foretold.contains("stays as it is")
            } else {
                // An address that was taken off shows in the contact's name, too.
                let nameless = |text: &str| text.split(" (").next().unwrap_or_default().to_owned();
                nameless(&after.summary) == nameless(&foretold)
            };
            assert!(is_same, "{title}, {}: {foretold} / {}", proposal.text, after.summary);
            assert_ne!(after.summary, before.summary, "{title}, {}", proposal.text);
            tried += 1;
        }
    }
    assert!(tried > 25, "{tried}");
}

fn about(pages: &[PlanPage], object: EntraObjectId) -> Vec<Line> {
    pages.iter().flat_map(|page| &page.lines).filter(|line| line.object == object).cloned().collect()
}

/// Limits that depend on everybody else are of no account where one person is looked at.
fn unlimited(scene: &Scene) -> World {
    let mut world = scene.world.clone();
    world.policy.vanish.allowed_percent = 100;
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wherever_a_read_is_the_explanation_is_the_plan(scene in scenes()) {
        let mut planner = scene.world.planner();
        let mut seen = BTreeSet::new();
        for user in scene.users().iter().filter(|user| seen.insert(user.object)) {
            let known = scene.world.gather(&planner, std::slice::from_ref(user));
            let (steps, explained) = planner.explain(user, &known);
            let decided: Vec<&Step> = steps.iter().filter(|step| step.decided).collect();
            prop_assert_eq!(decided.len(), 1, "{:?}", steps);
            let pages = planner.plan(std::slice::from_ref(user), &[], &known);
            let mut lines = about(&pages, user.object);
            lines.retain(|line| !matches!(line.action, Action::NoteMissing { times: 0, .. }));
            let planned: Vec<_> = lines.into_iter().map(|line| (line.rule, line.action)).collect();
            prop_assert_eq!(planned, explained.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_explanation_has_the_very_lines_of_the_plan(scene in scenes()) {
        let world = unlimited(&scene);
        for user in scene.users() {
            let planned = world.preview(&[vec![user.clone()]]);
            prop_assert_eq!(world.explain_user(user).lines, about(&planned, user.object));
        }
    }

    #[test]
    fn whoever_is_gone_is_explained_as_planned(scene in scenes()) {
        let world = unlimited(&scene);
        let stranger = person(99, "Nora Lie", "nora@acme.example");
        let planned = world.preview(&[vec![stranger]]);
        for object in world.links.keys() {
            let explanation = world.explain(Subject::Gone(*object));
            prop_assert_eq!(explanation.lines, about(&planned, *object));
        }
    }

    #[test]
    fn every_proposal_alters_the_result(scene in scenes()) {
        for user in scene.users() {
            let explanation = scene.world.explain_user(user);
            let is_other = |proposal: &explain::Proposal| proposal.then.as_ref() != Some(&explanation.summary);
            prop_assert!(explanation.proposals.iter().all(is_other), "{:?}", explanation.proposals);
            prop_assert!(!explanation.summary.is_empty());
        }
    }
}
