//! Whether reads of changes end where complete reads end, over any history of a tenant whose people
//! do not get into each other's way. (Who of two comes first is a matter of who is told of first.)

use proptest::prelude::*;

use super::*;
use crate::{
    fields::{FieldRule, FieldRules, Overwrite},
    policy::{Share, StopLimits, Timing, VanishRules},
    user::UserKind,
};

const READS: usize = 5;

/// A person at one read; `None` = not in the directory.
type Shown = Option<(bool, bool, &'static str, Option<&'static str>)>;

#[derive(Clone, Copy, Debug)]
enum Tie {
    Nothing,
    FreeContact,
    Linked,
    EndedByUs,
    EndedByHuman,
    Protected,
}

#[derive(Clone, Debug)]
struct History {
    policy: (FieldRules, VanishRules, StopLimits),
    ties: Vec<Tie>,
    /// By read, then by person.
    reads: Vec<Vec<Shown>>,
}

fn shown() -> impl Strategy<Value = Shown> {
    let name = prop::sample::select(&["Mira Sund", "Mira Lie"]);
    let role = prop::option::of(prop::sample::select(&["Owner", "Dentist"]));
    let there = (prop::bool::weighted(0.7), prop::bool::weighted(0.2), name, role);
    prop::option::weighted(0.75, there)
}

fn histories() -> impl Strategy<Value = History> {
    let timing = || prop::sample::select(&[Timing::AtOnce, Timing::AfterGrace, Timing::Never]);
    let vanish = (0_u8..4, 0_u32..4, 0_u8..100, timing(), timing()).prop_map(
        |(confirmations, allowed, allowed_percent, disabled, out_of_scope)| VanishRules {
            confirmations,
            grace_hours: 0,
            allowed,
            allowed_percent,
            disabled,
            out_of_scope,
        },
    );
    // Nobody new or everybody: whom a limit lets through depends on who is read first.
    let limits = any::<bool>().prop_map(|is_open| StopLimits {
        creations: Share { count: if is_open { 100 } else { 0 }, percent: 0 },
        ..StopLimits::default()
    });
    let overwrite = || {
        let policies = [Overwrite::Always, Overwrite::Never, Overwrite::UnlessEdited, Overwrite::OnlyIfEmpty];
        prop::sample::select(policies.to_vec()).prop_map(FieldRule::from)
    };
    let fields = (overwrite(), overwrite(), any::<bool>()).prop_map(|(full_name, role, on)| FieldRules {
        full_name,
        role,
        mark_inactive_when_disabled: on,
        ..FieldRules::default()
    });
    let tie = prop::sample::select(&[
        Tie::Nothing,
        Tie::FreeContact,
        Tie::Linked,
        Tie::Linked,
        Tie::EndedByUs,
        Tie::EndedByHuman,
        Tie::Protected,
    ]);
    (1_usize..8).prop_flat_map(move |people| {
        let reads = prop::collection::vec(prop::collection::vec(shown(), people), READS);
        let policy = (fields.clone(), vanish.clone(), limits.clone());
        (policy, prop::collection::vec(tie.clone(), people), reads)
            .prop_map(|(policy, ties, reads)| History { policy, ties, reads })
    })
}

/// Every other person is deleted for good.
fn way(number: u128) -> InactiveReason {
    match number % 2 {
        0 => InactiveReason::PermanentlyDeletedUpstream,
        _ => InactiveReason::SoftDeletedUpstream,
    }
}

fn in_directory(number: u128, shown: Shown) -> Option<DirectoryUser> {
    let (is_enabled, is_guest, name, role) = shown?;
    let mut user = person(number, name, &format!("u{number}@acme.example"));
    user.account_enabled = Some(is_enabled);
    user.kind = if is_guest { UserKind::Guest } else { UserKind::Member };
    user.job_title = role.map(str::to_owned);
    Some(user)
}

impl History {
    fn world(&self) -> World {
        let mut world = World::new();
        (world.policy.fields, world.policy.vanish, world.policy.limits) = self.policy;
        for (tie, number) in self.ties.iter().zip(1..) {
            if !matches!(tie, Tie::Nothing) {
                world.add_contact(number, "Mira Sund", &format!("u{number}@acme.example"));
            }
            if !matches!(tie, Tie::Nothing | Tie::FreeContact) {
                let active = matches!(tie, Tie::Linked | Tie::Protected);
                let known = person(number, "Mira Sund", &format!("u{number}@acme.example"));
                world.link(&known, number).active = active;
                let contact = world.contact(number);
                contact.inactive = !active;
                contact.protected = matches!(tie, Tie::Protected);
                let reason = matches!(tie, Tie::EndedByUs).then_some(InactiveReason::DisabledUpstream);
                contact.entra.as_mut().unwrap().inactive_reason = reason;
            }
        }
        // Somebody is always there: that a feed tells of nobody means nothing.
        let desk = person(99, "Desk", "desk@acme.example");
        world.add_contact(99, "Desk", "desk@acme.example");
        world.link(&desk, 99);
        world
    }

    fn users(&self, read: usize) -> Vec<DirectoryUser> {
        let people = self.reads[read].iter().zip(1..);
        let mut users: Vec<DirectoryUser> =
            people.filter_map(|(shown, number)| in_directory(number, *shown)).collect();
        users.push(person(99, "Desk", "desk@acme.example"));
        users
    }

    /// Who has changed since the read before, and who is gone.
    fn changes(&self, read: usize) -> (Vec<DirectoryUser>, Vec<Leaver>) {
        let (before, now) = (&self.reads[read - 1], &self.reads[read]);
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for ((before, now), number) in before.iter().zip(now).zip(1..).filter(|((b, n), _)| b != n) {
            match in_directory(number, *now) {
                Some(user) => changed.push(user),
                None if before.is_some() => gone.push(Leaver { object: object(number), reason: way(number) }),
                None => {}
            }
        }
        (changed, gone)
    }
}

/// What a read leaves to the next one.
#[derive(Default)]
struct Ground {
    pending: Vec<Leaver>,
    open: Vec<EntraObjectId>,
    held: Held,
    active_links: u64,
}

fn read_everybody(world: &mut World, before: &Ground, users: &[DirectoryUser]) -> Ground {
    world.policy.held = before.held;
    let mut planner = world.planner();
    read(world, &mut planner, &[(users, &[])])
}

/// Reads who has changed, then looks again at those about whom the last word was not said.
fn read_changes(
    world: &mut World,
    before: Ground,
    now: &[DirectoryUser],
    (changed, gone): (&[DirectoryUser], &[Leaver]),
) -> Ground {
    world.policy.held = before.held;
    let policy = TenantPolicy { active_links: Some(before.active_links), ..world.policy.clone() };
    let mut planner = Planner::of_changes(policy, before.pending, &before.open);
    let told = |user: &&DirectoryUser| changed.iter().any(|other| other.object == user.object);
    let open: Vec<DirectoryUser> =
        now.iter().filter(|user| before.open.contains(&user.object) && !told(user)).cloned().collect();
    read(world, &mut planner, &[(changed, gone), (&open, &[])])
}

fn read(world: &mut World, planner: &mut Planner, directory: &[(&[DirectoryUser], &[Leaver])]) -> Ground {
    let mut pages = Vec::new();
    for (users, gone) in directory {
        let known = world.gather(planner, users);
        let mut planned = planner.plan(users, &[], &known);
        if !gone.is_empty() {
            planned.extend(planner.plan_removed(gone));
        }
        world.apply_all(&planned);
        planner.settle();
        pages.extend(planned);
    }
    let known = world.gather_leavers(planner);
    let closing = planner.close(&known);
    world.apply_all(&closing);
    pages.extend(closing);
    Ground {
        pending: planner.still_leaving(),
        open: planner.still_open(),
        held: planner.held(),
        active_links: planner.active_links_after(&sum(&pages)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changes_end_where_complete_reads_end(history in histories()) {
        let mut by_listing = history.world();
        let mut by_feed = history.world();
        let (mut listed, mut told) = (Ground::default(), Ground::default());
        for read in 0..READS {
            let users = history.users(read);
            listed = read_everybody(&mut by_listing, &listed, &users);
            told = if read == 0 {
                read_everybody(&mut by_feed, &told, &users)
            } else {
                let (changed, gone) = history.changes(read);
                read_changes(&mut by_feed, told, &users, (&changed, &gone))
            };
            prop_assert_eq!(without_ways(&by_feed), without_ways(&by_listing), "read {}", read);
            prop_assert_eq!(&by_feed.links, &by_listing.links, "read {}", read);
            let active = by_feed.links.values().filter(|link| link.active).count();
            prop_assert_eq!(told.active_links, active as u64, "read {}", read);
        }
    }
}
