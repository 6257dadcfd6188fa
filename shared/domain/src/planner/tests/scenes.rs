//! Random stores and directories over few names and addresses, so that everything meets.

use proptest::prelude::*;

use super::{
    world::{OTHER_CLIENT, OUR_CLIENT},
    *,
};
use crate::{
    contact::{Fingerprint, InactiveReason, Link, Phone},
    fields::{Clear, FieldRule, FieldRules, Overwrite},
    policy::VanishRules,
};

const ADDRESSES: usize = 8;
const NAMES: [&str; 5] = ["Mira Sund", "Sund, Mira", "Jo Doe", "jo doe", "Service Account"];
const OBJECTS: u128 = 9;

/// A store, and the directory at three times.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) reads: Vec<Vec<DirectoryUser>>,
    /// Where the directory is cut into pages.
    cuts: Vec<usize>,
}

impl Scene {
    /// One read of one page.
    pub(super) fn new(world: World, users: Vec<DirectoryUser>) -> Self {
        Self { world, reads: vec![users], cuts: Vec::new() }
    }

    /// The directory at the first time.
    pub(super) fn users(&self) -> &[DirectoryUser] {
        &self.reads[0]
    }

    pub(super) fn pages(&self) -> Vec<Vec<DirectoryUser>> {
        split(self.users(), &self.cuts)
    }
}

/// `users` in pages; the page lengths are taken from `cuts`, an empty page now and then included.
fn split(users: &[DirectoryUser], cuts: &[usize]) -> Vec<Vec<DirectoryUser>> {
    let mut rest = users;
    let mut pages = Vec::new();
    for cut in cuts {
        let (page, tail) = rest.split_at((*cut).min(rest.len()));
        pages.push(page.to_vec());
        rest = tail;
    }
    pages.push(rest.to_vec());
    pages
}

pub(super) fn scenes() -> impl Strategy<Value = Scene> {
    let contacts = prop::collection::vec(contact(), 0..7);
    let directory = prop::collection::vec((1..=OBJECTS, raw_user()), 0..10);
    let reviews = prop::collection::btree_map(1..=OBJECTS, review(), 0..4);
    let cuts = prop::collection::vec(0_usize..5, 0..5);
    (policy(), contacts, prop::collection::vec(directory, 3), reviews, cuts).prop_map(
        |(policy, contacts, reads, reviews, cuts)| {
            let mut world = World::new();
            world.policy.fields = policy.0;
            world.policy.scope = policy.1.compile().unwrap();
            world.policy.vanish = policy.2;
            let users = |(number, raw)| user(number, raw);
            let reads: Vec<Vec<DirectoryUser>> =
                reads.into_iter().map(|read| read.into_iter().map(users).collect()).collect();
            for (number, spec) in (1..).zip(contacts) {
                add(&mut world, number, spec, &reads[0]);
            }
            world.reviews = reviews.into_iter().map(|(number, review)| (object(number), review)).collect();
            Scene { world, reads, cuts }
        },
    )
}

fn policy() -> impl Strategy<Value = (FieldRules, ScopeRules, VanishRules)> {
    let rule = |on| FieldRule {
        overwrite: if on { Overwrite::Always } else { Overwrite::Never },
        clear: Clear::AfterGrace,
    };
    let fields = any::<([bool; Field::ALL.len()], bool, bool)>().prop_map(move |(on, mark, clear)| {
        let mut rules =
            FieldRules { mark_inactive_when_disabled: mark, allow_clearing: clear, ..FieldRules::default() };
        for (field, on) in Field::ALL.into_iter().zip(on) {
            *rules.rule_mut(field) = rule(on);
        }
        rules
    });
    let scope = any::<[bool; 2]>().prop_map(|on| ScopeRules {
        include_guests: on[0],
        include_service_accounts: on[1],
        ..ScopeRules::default()
    });
    let vanish = (0_u8..4, 0_u32..4, 0_u8..100).prop_map(|(confirmations, allowed, allowed_percent)| {
        VanishRules { confirmations, allowed, allowed_percent, grace_hours: 0, ..VanishRules::default() }
    });
    (fields, scope, vanish)
}

fn address(number: usize) -> String {
    format!("a{number}@acme.example")
}

fn raw_user() -> impl Strategy<Value = serde_json::Value> {
    let addresses = || prop::option::of(0..ADDRESSES);
    let texts = (
        prop::option::of(prop::sample::select(&NAMES)),
        prop::option::of(prop::sample::select(&["Dentist", "Owner"])),
        prop::option::of(prop::sample::select(&["+47 1", "+47 2"])),
        prop::option::of(prop::sample::select(&["Care", "Sales"])),
    );
    let enabled = prop_oneof![3 => Just(Some(true)), 1 => Just(None), 1 => Just(Some(false))];
    let kind = prop_oneof![9 => Just("Member"), 1 => Just("Guest")];
    let aliases = prop::collection::vec(0..ADDRESSES, 0..3);
    ((addresses(), any::<bool>()), addresses(), aliases, texts, enabled, kind).prop_map(
        |((mail, is_upper), sign_in, aliases, (name, role, phone, place), enabled, kind)| {
            let upper = |text: String| if is_upper { text.to_uppercase() } else { text };
            let aliases: Vec<String> =
                aliases.into_iter().map(|alias| format!("smtp:{}", address(alias))).collect();
            json!({
                "mail": mail.map(address).map(upper), "userPrincipalName": sign_in.map(address),
                "proxyAddresses": aliases, "displayName": name, "jobTitle": role,
                "businessPhones": phone.into_iter().collect::<Vec<_>>(),
                "department": place, "officeLocation": place, "companyName": place,
                "accountEnabled": enabled, "userType": kind,
            })
        },
    )
}

#[derive(Clone, Debug)]
struct ContactSpec {
    name: &'static str,
    email: Option<usize>,
    additional: Option<usize>,
    is_elsewhere: bool,
    inactive: bool,
    tie: Option<Tie>,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "every combination is wanted")]
struct Tie {
    object: u128,
    active: bool,
    /// Inactive by the sync, when inactive.
    is_ours: bool,
    missing: u8,
    /// The person has not changed since.
    is_known: bool,
    /// The contact is marked as another account's, as after a mishap of another product.
    is_marked_otherwise: bool,
}

fn contact() -> impl Strategy<Value = ContactSpec> {
    let tie = (1..=OBJECTS, any::<[bool; 3]>(), 0_u8..3, prop::bool::weighted(0.1)).prop_map(
        |(object, [active, is_ours, is_known], missing, is_marked_otherwise)| {
            let active = active || is_known;
            Tie { object, active, is_ours, missing, is_known, is_marked_otherwise }
        },
    );
    (
        prop::sample::select(&NAMES),
        prop::option::of(0..ADDRESSES),
        prop::option::weighted(0.2, 0..ADDRESSES),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.2),
        prop::option::of(tie),
    )
        .prop_map(|(name, email, additional, is_elsewhere, inactive, tie)| ContactSpec {
            name,
            email,
            additional,
            is_elsewhere,
            inactive,
            tie,
        })
}

fn review() -> impl Strategy<Value = ReviewState> {
    prop_oneof![
        Just(ReviewState::Dismissed),
        Just(ReviewState::Rejected),
        (1_u128..7, any::<bool>()).prop_map(|(candidate, taken_back)| ReviewState::Open {
            conflict: Conflict::AddressShared,
            candidates: vec![contact_id(candidate)],
            seen: None,
            taken_back,
        }),
    ]
}

/// Adds a contact and its link as far as the store's own rules allow: one owner per address, one
/// link per person.
fn add(world: &mut World, number: u128, spec: ContactSpec, users: &[DirectoryUser]) {
    let free = |choice: Option<usize>| {
        let address: Option<EmailAddress> = choice.map(|choice| address(choice).parse().unwrap());
        address.filter(|address| world.owner(address).is_none())
    };
    let (email, additional) = (free(spec.email), free(spec.additional));
    let contact = world.add_contact(number, spec.name, "");
    contact.client = if spec.is_elsewhere { OTHER_CLIENT } else { OUR_CLIENT };
    contact.additional_emails.extend(additional.filter(|additional| Some(additional) != email.as_ref()));
    contact.values.email = email;
    contact.values.role = Some("Boss".to_owned());
    for place in [&mut contact.values.department, &mut contact.values.office, &mut contact.values.company] {
        *place = Some("Elsewhere".to_owned());
    }
    contact.values.phones =
        vec![Phone { number: "+47 0".to_owned(), kind: PhoneKind::Work, is_default: true }];
    contact.inactive = spec.inactive;
    let Some(tie) = spec.tie.filter(|tie| !world.links.contains_key(&object(tie.object))) else { return };
    tie_to(world, number, &tie, users);
}

fn tie_to(world: &mut World, number: u128, tie: &Tie, users: &[DirectoryUser]) {
    let present = users.iter().find(|user| user.object == object(tie.object)).cloned();
    let known = present.unwrap_or_else(|| person(tie.object, "Gone", "gone@acme.example"));
    let link: &mut Link = world.link(&known, number);
    link.active = tie.active;
    link.missing = if tie.active { tie.missing } else { 0 };
    if !tie.is_known {
        link.fingerprint = Fingerprint(0);
    }
    let contact = world.contact(number);
    let stamp = contact.entra.as_mut().unwrap();
    if !tie.active && tie.is_ours {
        contact.inactive = true;
        stamp.inactive_reason = Some(InactiveReason::DisabledUpstream);
    }
    if tie.is_marked_otherwise {
        stamp.identity.object = object(OBJECTS + 1);
    }
}
