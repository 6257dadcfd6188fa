//! People as their explanations are told, each with a world about them.

use jiff::SignedDuration;

use super::{world::OTHER_CLIENT, *};
use crate::{
    contact::{InactiveReason, Link},
    fields::{Clear, FieldRule, Overwrite},
    policy::{Share, Timing},
    scope::{Attribute, AttributeOperator, AttributeRule, Effect},
};

impl World {
    fn scoped(rules: ScopeRules) -> Self {
        let mut world = Self::new();
        world.policy.scope = rules.compile().unwrap();
        world
    }

    /// Mira has a contact, and an operator has ended her link to it.
    fn parted() -> Self {
        let mut world = Self::new().with_mira();
        world.links.remove(&object(1));
        world.contact(7).entra = None;
        world.parted.insert(object(1));
        world
    }

    /// Mira, linked to her contact as an earlier sync has left her.
    fn with_mira(mut self) -> Self {
        self.add_contact(7, "Mira Sund", "mira@acme.example").values.role = Some("Dentist".to_owned());
        self.link(&mira(), 7);
        self
    }

    fn mira_link(&mut self) -> &mut Link {
        self.links.get_mut(&object(1)).unwrap()
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

fn attribute(effect: Effect, value: &str) -> AttributeRule {
    let (attribute, operator) = (Attribute::Department, AttributeOperator::Equals);
    AttributeRule { attribute, operator, value: value.to_owned(), effect }
}

fn with_role(mut world: World, overwrite: Overwrite) -> World {
    world.policy.fields.role = FieldRule::from(overwrite);
    world
}

/// A question that an operator had answered, and the answer was taken back.
pub(super) fn taken_back(conflict: Conflict) -> ReviewState {
    ReviewState::Open { conflict, candidates: Vec::new(), seen: None, taken_back: true }
}

/// Title, what is stored, and whom it is about.
pub(super) type Told = (&'static str, World, DirectoryUser);

/// Everybody the directory has.
pub(super) fn all() -> impl Iterator<Item = Told> {
    [taken(), not_written(), back(), held(), asked_about(), taken_addresses(), left_out(), leaving(), kept()]
        .into_iter()
        .flatten()
}

/// People who are linked, or come to be.
fn taken() -> Vec<Told> {
    let mut cases: Vec<Told> = vec![
        ("linked, nothing has changed", World::new().with_mira(), mira()),
        ("linked, a field has changed", World::overwriting().with_mira(), dentist("Head of practice")),
        ("linked, a change that is not synced", World::new().with_mira(), dentist("Head of practice")),
    ];
    let mut world = with_role(World::new(), Overwrite::UnlessEdited).with_mira();
    world.contact(7).values.role = Some("Boss of everybody".to_owned());
    cases.push(("a field is kept because somebody has edited it", world, dentist("Head of practice")));
    let mut world = World::overwriting().with_mira();
    world.contact(7).values.role = Some("Boss of everybody".to_owned());
    cases.push(("edited, and nobody looks at the contact", world, mira()));
    let mut world = World::new();
    world.policy.fields.role = FieldRule { overwrite: Overwrite::Always, clear: Clear::AfterGrace };
    world.policy.fields.allow_clearing = true;
    cases.push((
        "a field that is blank, which is still to be confirmed",
        world.clone().with_mira(),
        raw(json!({})),
    ));
    world = world.with_mira();
    world.sync(&[raw(json!({}))]);
    cases.push(("a field that is blank, as it was the last time", world, raw(json!({}))));
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
    cases
}

/// Linked people of whose contact something stays as it is.
fn not_written() -> Vec<Told> {
    let mut cases: Vec<Told> = Vec::new();
    let mut world = with_role(World::new(), Overwrite::UnlessEdited);
    world.add_contact(7, "Mira Sund", "mira@acme.example").values.role = Some("Boss".to_owned());
    cases.push(("linked for the first time, and only changes are written", world, mira()));
    let mut world = with_role(World::new(), Overwrite::OnlyIfEmpty);
    world.add_contact(7, "Mira Sund", "mira@acme.example").values.role = Some("Boss".to_owned());
    cases.push(("only an empty field is filled, and this one is not", world, mira()));
    let world = with_role(World::new(), Overwrite::Always).with_mira();
    cases.push(("blank in the directory", world, raw(json!({}))));
    let mut world = World::overwriting().with_mira();
    world.add_contact(8, "Jo Doe", "sund@acme.example");
    world.reviews.insert(object(1), ReviewState::Dismissed);
    let married = raw(json!({"mail": "sund@acme.example", "jobTitle": "Owner"}));
    cases.push(("an address that an operator has left where it is", world, married));
    cases
}

/// Linked people who are there again.
fn back() -> Vec<Told> {
    let mut cases: Vec<Told> = Vec::new();
    let mut world = World::new().with_mira();
    world.mira_link().active = false;
    world.contact(7).inactive = true;
    world.contact(7).entra.as_mut().unwrap().inactive_reason = Some(InactiveReason::DeletedUpstream);
    cases.push(("back again", world.clone(), mira()));
    world.contact(7).entra.as_mut().unwrap().inactive_reason = None;
    cases.push(("back again, and a human had made the contact inactive", world.clone(), mira()));
    let mut overruling = world.clone();
    overruling.policy.fields.mark_active_when_enabled = true;
    cases.push(("back again, and the rules overrule a human", overruling.clone(), mira()));
    overruling.mira_link().active = true;
    cases.push(("there all the time, and the rules overrule a human", overruling, mira()));
    world.contact(7).inactive = false;
    cases.push(("back again, and a human has made the contact active", world, mira()));
    let mut world = World::new().with_mira();
    world.mira_link().missing = 1;
    cases.push(("back before the contact became inactive", world, mira()));
    cases
}

/// People for whom a limit has been reached.
fn held() -> Vec<Told> {
    let nothing = Share { count: 0, percent: 0 };
    let mut cases: Vec<Told> = Vec::new();
    let mut world = World::new().with_mira();
    world.policy.limits.creations = nothing;
    cases.push(("held back by a limit", world, person(2, "Jo Doe", "jo@acme.example")));
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira@acme.example").inactive = true;
    world.link(&person(2, "Mira Sund", "mira@acme.example"), 7).active = false;
    world.contact(7).entra.as_mut().unwrap().inactive_reason = Some(InactiveReason::DeletedUpstream);
    cases.push(("in the place of an account that is gone", world.clone(), mira()));
    world.policy.limits.link_moves = nothing;
    cases.push(("in the place of an account that is gone, held back by a limit", world, mira()));
    let mut world = World::new().with_mira();
    (world.policy.vanish.allowed, world.policy.vanish.allowed_percent) = (0, 0);
    cases.push(("blocked, and held back by a limit", world, blocked()));
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
    cases.push(("an operator has dismissed the person", world.clone(), mira()));
    world.reviews.insert(object(1), ReviewState::Rejected);
    cases.push(("an operator has rejected the person at a stop limit", world.clone(), mira()));
    world.reviews.insert(object(1), taken_back(Conflict::AliasOnly));
    cases.push(("an answer was taken back, and there is a contact", world.clone(), mira()));
    world.contacts.clear();
    cases.push(("an answer was taken back, and there is no contact", world, mira()));
    cases
}

/// Linked people whose new address is somebody else's.
fn taken_addresses() -> Vec<Told> {
    let mut cases: Vec<Told> = Vec::new();
    let mut world = World::overwriting().with_mira();
    world.add_contact(8, "Jo Doe", "jo@acme.example");
    let new_address = || raw(json!({"mail": "jo@acme.example", "jobTitle": "Dentist"}));
    cases.push(("the new address is that of a contact nobody is linked to", world.clone(), new_address()));
    world.link(&person(2, "Jo Doe", "jo@acme.example"), 8);
    cases.push(("two people have swapped their addresses", world.clone(), new_address()));
    world.contact(8).client = OTHER_CLIENT;
    cases.push(("the new address is another client's", world, new_address()));
    let mut world = World::new().with_mira();
    world.contact(7).entra.as_mut().unwrap().identity.object = object(3);
    cases.push(("the linked contact bears the mark of another account", world, dentist("Owner")));
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
        ("a link that an operator has ended", World::parted(), mira()),
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
    let now = world.policy.now;
    let link = world.mira_link();
    (link.missing, link.missing_since) = (1, Some(now));
    world.policy.now += SignedDuration::from_hours(3);
    cases.push(("blocked, in grace for the second time", world.clone(), blocked()));
    world.mira_link().missing = 2;
    cases.push(("blocked, and only hours are missing", world.clone(), blocked()));
    world.mira_link().keep = true;
    cases.push(("blocked, and an operator has rejected it", world, blocked()));
    let mut world = World::new().with_mira();
    world.policy.fields.mark_inactive_when_disabled = false;
    cases.push(("blocked, and the rule is off", world.clone(), blocked()));
    world.policy.vanish.disabled = Timing::Never;
    cases.push(("blocked, and both rules are off", world.clone(), blocked()));
    world.policy.fields.mark_inactive_when_disabled = true;
    cases.push(("blocked, and the other rule is off", world, blocked()));
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

/// People who are leaving, and whose contact is not what it was.
fn kept() -> Vec<Told> {
    let mut cases: Vec<Told> = Vec::new();
    let mut world = World::new().with_mira();
    world.contact(7).inactive = true;
    cases.push(("blocked, and a human has made the contact inactive", world.clone(), blocked()));
    world.mira_link().active = false;
    cases.push(("blocked, and dealt with before", world, blocked()));
    let mut world = World::new().with_mira();
    world.contact(7).client = OTHER_CLIENT;
    cases.push(("blocked, and the contact was moved to another client", world, blocked()));
    let mut world = World::new().with_mira();
    world.contact(7).entra.as_mut().unwrap().identity.object = object(3);
    cases.push(("blocked, and the contact belongs to another account", world, blocked()));
    cases
}

/// Mira, whom the directory has no more.
pub(super) fn gone() -> Vec<(&'static str, World, InactiveReason)> {
    let (unknown, soft, for_good) = (
        InactiveReason::DeletedUpstream,
        InactiveReason::SoftDeletedUpstream,
        InactiveReason::PermanentlyDeletedUpstream,
    );
    let mut world = World::new().with_mira();
    let mut cases = vec![("gone", world.clone(), unknown)];
    cases.push(("deleted, and can be restored", world.clone(), soft));
    cases.push(("deleted for good", world.clone(), for_good));
    world.mira_link().missing = 1;
    cases.push(("gone for the second time", world.clone(), unknown));
    world.mira_link().keep = true;
    cases.push(("gone, and an operator has rejected it", world, unknown));
    let mut world = World::new().with_mira();
    world.mira_link().active = false;
    world.contact(7).inactive = true;
    world.contact(7).entra.as_mut().unwrap().inactive_reason = Some(for_good);
    cases.push(("deleted for good, and the contact is inactive", world, unknown));
    let mut world = World::new().with_mira();
    world.contacts.clear();
    cases.push(("gone, and so is the contact", world, unknown));
    cases
}
