//! What becomes of a linked contact: what the directory says of the person × the state of the link ×
//! what is wrong with the read.

use super::{staff::staff, world::story, *};
use crate::{
    policy::{Timing, VanishRules},
    user::UserKind,
};

const GUARDS: [&str; 7] = ["none", "short", "empty", "broken", "anonymous", "limit", "rejected"];
const LIVES: [&str; 11] = [
    "enabled",
    "blocked",
    "out of scope",
    "told gone",
    "vanished",
    "shared mailbox",
    "protected, enabled",
    "protected, blocked",
    "protected, out of scope",
    "protected, told gone",
    "protected, vanished",
];
const LINKS: [&str; 5] = ["active", "ours", "human", "ended", "none"];

/// The directory × the link, then the outcome by what is wrong with the read.
///
/// The person's link: `active`; `ours`: this sync has made the contact inactive; `human`: a human has,
/// and the link is still in force; `ended`: both; `none`: a free contact has the person's address.
/// The read: right; under half of the last one; of nobody; breaking off before its end; with a row
/// that has no id; of more leavers than the limit allows; and one after an operator has said no.
///
/// `off` the contact becomes inactive, `end` the link ends and the contact stays a human's, `on` the
/// contact becomes active, `relink` the link is in force again and the contact stays inactive, `link`
/// a link is made, `out` the person is left out with a reason, `stage` an operator is asked first,
/// `seen` the operator's no is over because the person is there, `.` nothing, `/` cannot be. Grace is
/// off, and who is out of scope becomes inactive at once.
const TABLE: &str = "
    directory               link   | none    | short  | empty | broken | anonymous | limit     | rejected
    enabled                 active | .       | .      | /     | .      | .         | .         | seen
    enabled                 ours   | on      | on     | /     | on     | on        | on        | on
    enabled                 human  | .       | .      | /     | .      | .         | .         | seen
    enabled                 ended  | relink  | relink | /     | relink | relink    | relink    | relink
    enabled                 none   | link    | link   | /     | link   | link      | link      | out
    blocked                 active | off     | .      | /     | .      | off       | stage     | .
    blocked                 ours   | .       | .      | /     | .      | .         | .         | .
    blocked                 human  | end     | .      | /     | .      | end       | end       | .
    blocked                 ended  | .       | .      | /     | .      | .         | .         | .
    blocked                 none   | out     | out    | /     | out    | out       | out       | out
    out of scope            active | out off | out    | /     | out    | out off   | out stage | out
    out of scope            ours   | out     | out    | /     | out    | out       | out       | out
    out of scope            human  | out end | out    | /     | out    | out end   | out end   | out
    out of scope            ended  | out     | out    | /     | out    | out       | out       | out
    out of scope            none   | out     | out    | /     | out    | out       | out       | out
    told gone               active | off     | off    | off   | .      | off       | stage     | .
    told gone               ours   | .       | .      | .     | .      | .         | .         | .
    told gone               human  | end     | end    | end   | .      | end       | end       | .
    told gone               ended  | .       | .      | .     | .      | .         | .         | .
    told gone               none   | .       | .      | .     | .      | .         | .         | .
    vanished                active | off     | .      | .     | .      | .         | stage     | .
    vanished                ours   | .       | .      | .     | .      | .         | .         | .
    vanished                human  | end     | .      | .     | .      | .         | end       | .
    vanished                ended  | .       | .      | .     | .      | .         | .         | .
    vanished                none   | .       | .      | .     | .      | .         | .         | .
    shared mailbox          active | off     | .      | /     | .      | off       | stage     | .
    shared mailbox          ours   | .       | .      | /     | .      | .         | .         | .
    shared mailbox          human  | end     | .      | /     | .      | end       | end       | .
    shared mailbox          ended  | .       | .      | /     | .      | .         | .         | .
    shared mailbox          none   | out     | out    | /     | out    | out       | out       | out
    protected, enabled      active | .       | .      | /     | .      | .         | .         | seen
    protected, enabled      ours   | out     | out    | /     | out    | out       | out       | out
    protected, enabled      human  | .       | .      | /     | .      | .         | .         | seen
    protected, enabled      ended  | out     | out    | /     | out    | out       | out       | out
    protected, enabled      none   | out     | out    | /     | out    | out       | out       | out
    protected, blocked      active | .       | .      | /     | .      | .         | .         | .
    protected, blocked      ours   | .       | .      | /     | .      | .         | .         | .
    protected, blocked      human  | .       | .      | /     | .      | .         | .         | .
    protected, blocked      ended  | .       | .      | /     | .      | .         | .         | .
    protected, blocked      none   | out     | out    | /     | out    | out       | out       | out
    protected, out of scope active | out     | out    | /     | out    | out       | out       | out
    protected, out of scope ours   | out     | out    | /     | out    | out       | out       | out
    protected, out of scope human  | out     | out    | /     | out    | out       | out       | out
    protected, out of scope ended  | out     | out    | /     | out    | out       | out       | out
    protected, out of scope none   | out     | out    | /     | out    | out       | out       | out
    protected, told gone    active | .       | .      | .     | .      | .         | .         | .
    protected, told gone    ours   | .       | .      | .     | .      | .         | .         | .
    protected, told gone    human  | .       | .      | .     | .      | .         | .         | .
    protected, told gone    ended  | .       | .      | .     | .      | .         | .         | .
    protected, told gone    none   | .       | .      | .     | .      | .         | .         | .
    protected, vanished     active | .       | .      | .     | .      | .         | .         | .
    protected, vanished     ours   | .       | .      | .     | .      | .         | .         | .
    protected, vanished     human  | .       | .      | .     | .      | .         | .         | .
    protected, vanished     ended  | .       | .      | .     | .      | .         | .         | .
    protected, vanished     none   | .       | .      | .     | .      | .         | .         | .
";

/// People besides the one the table is about, all of them there and linked.
const COLLEAGUES: u128 = 30;

/// The person of the table, as it was when all was well.
fn subject(life: &str) -> DirectoryUser {
    match life {
        "shared mailbox" => person(1, "Info desk", "info@acme.example"),
        _ => person(1, "Mira Sund", "mira@acme.example"),
    }
}

/// The person as the directory shows it now, if it does.
fn shown(life: &str) -> Option<DirectoryUser> {
    let mut user = subject(life);
    match life {
        "blocked" | "shared mailbox" | "protected, blocked" => user.account_enabled = Some(false),
        "out of scope" | "protected, out of scope" => user.kind = UserKind::Guest,
        "told gone" | "vanished" | "protected, told gone" | "protected, vanished" => return None,
        _ => {}
    }
    Some(user)
}

fn world_of(life: &str, link: &str, guard: &str) -> (World, Vec<DirectoryUser>) {
    let mut world = World::new();
    let colleagues = staff(2..=COLLEAGUES + 1);
    for (user, number) in colleagues.iter().zip(2..) {
        world.add_contact(number, "Colleague", &format!("u{number}@acme.example"));
        world.link(user, number);
    }
    let subject = subject(life);
    world.add_contact(1, "Somebody", subject.mail.as_deref().unwrap());
    if link != "none" {
        world.link(&subject, 1).active = matches!(link, "active" | "human");
    }
    let contact = world.contact(1);
    contact.protected = life.starts_with("protected");
    contact.inactive = matches!(link, "ours" | "human" | "ended");
    if link == "ours" {
        contact.entra.as_mut().unwrap().inactive_reason = Some(InactiveReason::DisabledUpstream);
    }
    let (allowed, allowed_percent) = if guard == "limit" { (0, 0) } else { (5, 10) };
    world.policy.vanish = VanishRules {
        confirmations: 1,
        allowed,
        allowed_percent,
        out_of_scope: Timing::AtOnce,
        ..world.policy.vanish
    };
    world.policy.expected_people = Some(if guard == "short" { 100 } else { 31 });
    world.policy.active_links = Some(31);
    match world.links.get_mut(&object(1)) {
        Some(link) => link.keep = guard == "rejected",
        None if guard == "rejected" => drop(world.reviews.insert(object(1), ReviewState::Rejected)),
        None => {}
    }
    (world, colleagues)
}

/// Reads once, applies everything, and says what the cell says; somebody who is told gone is gone for good or
/// not, which makes no difference.
fn outcome(life: &str, link: &str, guard: &str) -> String {
    let ways = [InactiveReason::SoftDeletedUpstream, InactiveReason::PermanentlyDeletedUpstream];
    let [one, other] = ways.map(|how| outcome_of(life, link, guard, how));
    assert_eq!(one, other, "{life}, {link}: {guard}");
    one
}

fn outcome_of(life: &str, link: &str, guard: &str, how: InactiveReason) -> String {
    let (mut world, mut users) = world_of(life, link, guard);
    let told = life.ends_with("told gone");
    match (shown(life), guard, told) {
        (Some(_), "empty", _) => return "/".to_owned(),
        (Some(user), ..) => users.push(user),
        (None, "empty", _) | (None, _, true) => users.clear(),
        (None, ..) => {}
    }
    let anonymous = UnusableRow { object: None, position: 7, code: "malformed_user".to_owned() };
    let rows = if guard == "anonymous" { vec![anonymous] } else { Vec::new() };
    let mut planner = world.planner();
    if told {
        planner = Planner::of_changes(world.policy.clone(), Vec::new(), &[]);
    }
    let known = world.gather(&planner, &users);
    let mut pages = planner.plan(&users, &rows, &known);
    if told {
        pages.extend(planner.plan_removed(&[Leaver { object: object(1), reason: how }]));
    }
    if guard != "broken" {
        let known = world.gather_leavers(&planner);
        pages.extend(planner.close(&known));
    }
    let was_inactive = world.contact(1).inactive;
    world.apply_all(&pages);
    assert_eq!(world.stale, [], "{life}, {link}, {guard}");
    assert!(sum(&pages).is_consistent(), "{life}, {link}, {guard}");
    for number in 2..COLLEAGUES + 2 {
        assert!(!world.contact(number).inactive, "{life}, {link}, {guard}: a colleague");
    }
    let words = story(&pages).into_iter().filter_map(|line| word(&mut world, was_inactive, &line));
    let words: Vec<&str> = words.collect();
    let becomes_inactive = !was_inactive && world.contact(1).inactive;
    assert_eq!(becomes_inactive, words.contains(&"off"), "{life}, {link}, {guard}");
    if words.is_empty() { ".".to_owned() } else { words.join(" ") }
}

/// What a line about the person means for the contact as it is now.
fn word(world: &mut World, was_inactive: bool, line: &str) -> Option<&'static str> {
    let verb = line.strip_prefix("u1 ")?;
    let contact = world.contact(1);
    let is_ours = contact.entra.as_ref().is_some_and(|stamp| stamp.inactive_reason.is_some());
    let word = match verb.split(' ').next()? {
        "exclude" => "out",
        "inactivate" if is_ours && !was_inactive => "off",
        "inactivate" if !is_ours && was_inactive => "end",
        "stage" => "stage",
        "reactivate" if was_inactive && !contact.inactive => "on",
        "link" if verb.starts_with("link again") && contact.inactive => "relink",
        "link" => "link",
        "refresh" | "missing" if verb != "missing 1" => "seen",
        _ => panic!("{line}: {contact:?}"),
    };
    Some(word)
}

#[test]
fn every_life_and_every_link_under_every_guard() {
    let mut seen = BTreeSet::new();
    for row in TABLE.lines().filter(|row| !row.trim().is_empty()).skip(1) {
        let mut cells = row.split('|').map(str::trim);
        let (life, link) = cells.next().unwrap().rsplit_once(' ').unwrap();
        let cells: Vec<&str> = cells.collect();
        assert_eq!(cells.len(), GUARDS.len(), "{row}");
        for (guard, cell) in GUARDS.into_iter().zip(cells) {
            assert_eq!(outcome(life.trim(), link, guard), cell, "{}, {link}: {guard}", life.trim());
            assert!(seen.insert((life.trim(), link, guard)), "{row}");
        }
    }
    let all = LIVES.into_iter().flat_map(|life| {
        let links = LINKS.into_iter();
        links.flat_map(move |link| GUARDS.map(|guard| (life, link, guard)))
    });
    assert_eq!(seen, all.collect(), "every combination, once");
}

/// The rules that keep somebody safe, read off the table itself.
#[test]
fn nothing_in_the_table_makes_inactive_after_a_bad_read_or_against_a_human() {
    for row in TABLE.lines().filter(|row| !row.trim().is_empty()).skip(1) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [life, none, short, empty, broken, anonymous, limit, rejected] = cells[..] else {
            panic!("{row}")
        };
        for cell in [broken, limit, rejected] {
            assert!(!cell.contains("off"), "{row}");
        }
        assert!(!broken.contains("end") && !rejected.contains("end"), "{row}");
        if !life.contains("told gone") {
            assert!(!short.contains("off") && !empty.contains("off"), "{row}");
        }
        if life.starts_with("vanished") {
            assert!(!anonymous.contains("off"), "{row}");
        }
        if life.ends_with("human") || life.ends_with("ended") || life.starts_with("protected") {
            assert!(!none.contains("off") && none != "on", "{row}");
        }
    }
}
