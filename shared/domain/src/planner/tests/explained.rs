//! Explanations: as an operator reads them, and that they say what the plan does.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::{
    cases,
    scenes::{Scene, scenes},
    world::OUR_CLIENT,
    *,
};
use crate::{
    explain::{self, Change, Explanation, Outcome, Proposal, Subject},
    policy::Timing,
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
}

fn told(title: &str, explanation: &Explanation) -> String {
    let outcome = world::wire(&explanation.outcome);
    format!("═══ {title} [{outcome}]\n\n{explanation}\n")
}

#[test]
fn explanations_read_like_this() {
    let mut all = String::new();
    for (title, world, user) in cases::all() {
        all.push_str(&told(title, &world.explain_user(&user)));
    }
    for (title, world, reason) in cases::gone() {
        let gone = Leaver { object: object(1), reason };
        all.push_str(&told(title, &world.explain(Subject::Gone(gone))));
    }
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
fn make(proposal: &Proposal, world: &mut World, user: &mut DirectoryUser) {
    let mut rules = world.policy.scope.rules().clone();
    match &proposal.change {
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
        Change::AddAttributeRule { rule } => {
            let said = proposal.text.split('`').find(|part| part.starts_with('{')).unwrap();
            assert_eq!(*rule, serde_json::from_str(said).unwrap());
            rules.attributes.push(rule.clone());
        }
        Change::EnableAccount => user.account_enabled = Some(true),
        Change::KeepWhenDisabled => world.policy.fields.mark_inactive_when_disabled = false,
        // As the text says, and nothing else.
        Change::InactivateWhenDisabled => {
            let folded = proposal.text.to_lowercase();
            if folded.contains("turn on `markinactivewhendisabled`") {
                world.policy.fields.mark_inactive_when_disabled = true;
            }
            if folded.contains("set `vanish.disabled` to `at_once`") {
                world.policy.vanish.disabled = Timing::AtOnce;
            }
        }
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
        Change::RaiseLimit { limit: Limit::Creations } => world.policy.limits.creations.count = 10,
        Change::RaiseLimit { limit: Limit::LinkMoves } => world.policy.limits.link_moves.count = 10,
        Change::RaiseLimit { limit: Limit::Inactivations } => world.policy.vanish.allowed_percent = 100,
        Change::MatchAnew => drop(world.parted.remove(&user.object)),
        Change::Reconsider => {
            world.reviews.insert(user.object, cases::taken_back(Conflict::AliasOnly));
        }
        Change::ReconsiderRejection => drop(world.reviews.remove(&user.object)),
        change => panic!("{change:?} cannot be foretold"),
    }
    world.policy.scope = rules.compile().unwrap();
}

#[test]
fn what_is_foretold_comes_true() {
    let mut tried = 0;
    for (title, world, user) in cases::all() {
        let before = world.explain_user(&user);
        for proposal in before.proposals {
            let Some(foretold) = proposal.then.clone() else { continue };
            let (mut world, mut user) = (world.clone(), user.clone());
            make(&proposal, &mut world, &mut user);
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
            let explanation = world.explain(Subject::Gone(Leaver {
                object: *object,
                reason: InactiveReason::DeletedUpstream,
            }));
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
