//! Who is tied to which contact, as two tables: what each kind of evidence is worth by whose the
//! contact is, and which evidence comes first.

use super::{
    world::{OTHER_CLIENT, tenant},
    *,
};
use crate::contact::InactiveReason;

/// What leads to contact 7, in the order in which it is looked at; `name` alone leads nowhere.
const EVIDENCE: [&str; 7] = ["link", "ended", "hint", "primary", "sign-in", "alias", "name"];

const OWNERS: [&str; 15] = [
    "free",
    "free, other name",
    "inactive",
    "protected",
    "alive",
    "alive, other name",
    "gone",
    "gone, ended by a human",
    "gone, other name",
    "other tenant's",
    "other client's",
    "moved away",
    "additional",
    "additional, other name",
    "several",
];

/// Whose contact 7 is × what leads Mira Sund (user 1) to it.
///
/// `ended` is a link that this sync has ended; the contact is inactive since. `keep` leaves a link in
/// force, `back` puts it in force again and makes the contact active, `again` leaves the contact
/// inactive; `tie` makes a link by the evidence of the column, `take` makes one in the place of an
/// account that is gone and makes the contact active, `take-` leaves it inactive; `new` creates another
/// contact, `out` leaves the person out, `lost` is a failed line; the rest are questions. `alive` and
/// `gone` are accounts of user 2 of the same tenant: `gone` is what an account that was created again finds, and
/// `gone, other name` what the next owner of a mailbox finds. In `several`, contact 8 has another address of Mira.
const TABLE: &str = "
    owner                  | link     | ended    | hint | primary    | sign-in    | alias      | name
    free                   | keep     | back     | tie  | tie        | tie        | tie        | new
    free, other name       | keep     | back     | tie  | tie        | tie        | alias_only | new
    inactive               | keep     | again    | tie  | tie        | tie        | tie        | new
    protected              | out      | out      | out  | out        | out        | out        | new
    alive                  | shared   | shared   | new  | shared     | shared     | new        | new
    alive, other name      | shared   | shared   | new  | shared     | shared     | new        | new
    gone                   | shared   | shared   | new  | take       | take       | new        | new
    gone, ended by a human | shared   | shared   | new  | take-      | take-      | new        | new
    gone, other name       | shared   | shared   | new  | reused     | reused     | new        | new
    other tenant's         | shared   | shared   | new  | shared     | shared     | new        | new
    other client's         | at_other | at_other | new  | elsewhere  | elsewhere  | new        | new
    moved away             | lost     | lost     | new  | elsewhere  | elsewhere  | new        | new
    additional             | keep     | back     | tie  | additional | additional | additional | new
    additional, other name | keep     | back     | tie  | additional | additional | new        | new
    several                | keep     | back     | tie  | several    | tie        | several    | new
";

/// Evidence that is there (each leads to another free contact), then what is made of it.
const ORDER: &str = "
    link hint primary sign-in alias |
    x    x    x       x       x     | refresh
    x    x    x       x       .     | refresh
    x    x    x       .       x     | refresh
    x    x    x       .       .     | refresh
    x    x    .       x       x     | refresh
    x    x    .       x       .     | refresh
    x    x    .       .       x     | refresh
    x    x    .       .       .     | refresh
    x    .    x       x       x     | refresh
    x    .    x       x       .     | refresh
    x    .    x       .       x     | refresh
    x    .    x       .       .     | refresh
    x    .    .       x       x     | refresh
    x    .    .       x       .     | refresh
    x    .    .       .       x     | refresh
    x    .    .       .       .     | refresh
    .    x    x       x       x     | link c2 by stored_object_id
    .    x    x       x       .     | link c2 by stored_object_id
    .    x    x       .       x     | link c2 by stored_object_id
    .    x    x       .       .     | link c2 by stored_object_id
    .    x    .       x       x     | link c2 by stored_object_id
    .    x    .       x       .     | link c2 by stored_object_id
    .    x    .       .       x     | link c2 by stored_object_id
    .    x    .       .       .     | link c2 by stored_object_id
    .    .    x       x       x     | ask multiple_email_matches: c3 c4
    .    .    x       x       .     | ask multiple_email_matches: c3 c4
    .    .    x       .       x     | link c3 by primary_address
    .    .    x       .       .     | link c3 by primary_address
    .    .    .       x       x     | link c4 by sign_in_address
    .    .    .       x       .     | link c4 by sign_in_address
    .    .    .       .       x     | link c5 by alias_address
    .    .    .       .       .     | create
";

fn mira() -> DirectoryUser {
    user(
        1,
        json!({
            "displayName": "Mira Sund", "mail": "primary@acme.example",
            "userPrincipalName": "sign-in@acme.example", "accountEnabled": true,
            "proxyAddresses": ["smtp:alias@acme.example", "smtp:other-alias@acme.example"],
        }),
    )
}

/// Mira before something changed that no rule writes.
fn mira_before() -> DirectoryUser {
    DirectoryUser { office_location: Some("Oslo".to_owned()), ..mira() }
}

/// A world in which `evidence` leads Mira to contact 7, whose owner is `owner`.
fn world_of(evidence: &str, owner: &str) -> World {
    let mut world = World::new();
    let name = if owner.ends_with("other name") { "Ola Berg" } else { "Mira Sund" };
    let has_address = matches!(evidence, "primary" | "sign-in" | "alias");
    let address = if has_address { format!("{evidence}@acme.example") } else { String::new() };
    let contact = world.add_contact(7, name, &address);
    if owner.starts_with("additional") {
        let first = contact.values.email.replace("private@elsewhere.example".parse().unwrap());
        let own = || "primary@acme.example".parse().unwrap();
        contact.additional_emails.extend(first.or_else(|| (evidence != "name").then(own)));
    }
    match evidence {
        "link" => drop(world.link(&mira_before(), 7)),
        "ended" => {
            world.link(&mira_before(), 7).active = false;
            end(world.contact(7), Some(InactiveReason::DisabledUpstream));
        }
        "hint" => drop(world.hints.insert(object(1), contact_id(7))),
        _ => {}
    }
    own(&mut world, owner);
    if owner == "several" {
        let other = match evidence {
            "link" | "ended" | "hint" => "primary@acme.example",
            "primary" => "sign-in@acme.example",
            "sign-in" => "alias@acme.example",
            "alias" => "other-alias@acme.example",
            _ => "",
        };
        world.add_contact(8, "Mira Sund", other);
    }
    world
}

fn own(world: &mut World, owner: &str) {
    let other = person(2, "Somebody", "somebody@acme.example");
    let linked_before = world.links.get(&object(1)).cloned();
    match owner.split(',').next().unwrap() {
        "inactive" => {
            let contact = world.contact(7);
            contact.inactive = true;
            contact.entra.iter_mut().for_each(|stamp| stamp.inactive_reason = None);
        }
        "protected" => world.contact(7).protected = true,
        "alive" => drop(world.link(&other, 7)),
        "gone" => {
            world.link(&other, 7).active = false;
            let reason = (owner != "gone, ended by a human").then_some(InactiveReason::DisabledUpstream);
            end(world.contact(7), reason);
        }
        "other tenant's" => {
            world.link(&other, 7);
            world.links.remove(&object(2));
            world.contact(7).entra.as_mut().unwrap().identity.tenant = tenant(0x99);
        }
        "other client's" => {
            world.contact(7).client = OTHER_CLIENT;
            if let Some(link) = world.links.get_mut(&object(1)) {
                link.client = OTHER_CLIENT;
            }
        }
        "moved away" => world.contact(7).client = OTHER_CLIENT,
        _ => {}
    }
    // Whatever was done to the contact, Mira's own link is as it was.
    if let (Some(link), true) = (linked_before, owner != "other client's") {
        world.links.insert(object(1), link);
    }
}

fn end(contact: &mut Contact, reason: Option<InactiveReason>) {
    contact.inactive = true;
    contact.entra.as_mut().unwrap().inactive_reason = reason;
}

/// What the planner says when a cell says `cell`.
fn said(evidence: &str, cell: &str) -> String {
    let rule = match evidence {
        "hint" => "stored_object_id",
        "sign-in" => "sign_in_address",
        "alias" => "alias_address",
        _ => "primary_address",
    };
    match cell {
        "keep" => "u1 refresh".to_owned(),
        "back" => "u1 reactivate c7".to_owned(),
        "again" => "u1 link again c7".to_owned(),
        "tie" => format!("u1 link c7 by {rule}"),
        "take" => format!("u1 link and reactivate c7 by {rule} instead of u2"),
        "take-" => format!("u1 link c7 by {rule} instead of u2"),
        "new" => "u1 create".to_owned(),
        "out" => "u1 exclude protected_contact".to_owned(),
        "lost" => "u1 fail contact_missing".to_owned(),
        "shared" => "u1 ask address_shared: c7".to_owned(),
        "reused" => "u1 ask mailbox_reused: c7".to_owned(),
        "at_other" => "u1 ask linked_at_other_client: c7".to_owned(),
        "elsewhere" => "u1 ask address_at_other_client: c7".to_owned(),
        "additional" => "u1 ask additional_address: c7".to_owned(),
        "alias_only" => "u1 ask alias_only: c7".to_owned(),
        "several" => "u1 ask multiple_email_matches: c7 c8".to_owned(),
        _ => panic!("no cell says {cell}"),
    }
}

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = table.lines().filter(|row| !row.trim().is_empty()).skip(1);
    rows.map(|row| row.split('|').map(str::trim).collect())
}

#[test]
fn every_owner_and_every_evidence() {
    let mut seen = BTreeSet::new();
    for row in rows(TABLE) {
        let (owner, cells) = row.split_first().unwrap();
        assert_eq!(cells.len(), EVIDENCE.len(), "{owner}");
        for (evidence, cell) in EVIDENCE.into_iter().zip(cells) {
            let case = format!("{owner}, found by {evidence}");
            let mut world = world_of(evidence, owner);
            let before = world.contact(7).clone();
            let mut lines = world.sync(&[mira()]);
            // Accounts of the table that are not in the directory are another table's matter.
            lines.retain(|line| line.starts_with("u1 "));
            assert_eq!(lines, [said(evidence, cell)], "{case}");
            check(&mut world, &before, cell, &case);
            assert!(seen.insert((*owner, evidence)), "{case}");
        }
    }
    let all = OWNERS.into_iter().flat_map(|owner| EVIDENCE.map(|evidence| (owner, evidence)));
    assert_eq!(seen, all.collect(), "every combination, once");
}

/// What no cell may do, and that every cell settles the matter.
fn check(world: &mut World, before: &Contact, cell: &str, case: &str) {
    let is_tied = matches!(cell, "tie" | "take" | "take-" | "back" | "again");
    assert!(is_tied || *world.contact(7) == *before, "{case}: only a tie writes");
    assert_eq!(world.contact(7).values, before.values, "{case}: no rule is on");
    let is_active = before.inactive && !world.contact(7).inactive;
    assert_eq!(is_active, matches!(cell, "take" | "back"), "{case}: who is made active");
    let mut again = world.sync(&[mira()]);
    again.retain(|line| line.starts_with("u1 "));
    let is_repeated = matches!(cell, "out" | "lost");
    assert_eq!(again.len(), usize::from(is_repeated), "{case}, again: {again:?}");
}

#[test]
fn every_order_of_evidence() {
    let mut seen = BTreeSet::new();
    for row in rows(ORDER) {
        let marks: Vec<bool> = row[0].split_whitespace().map(|mark| mark == "x").collect();
        let mut world = World::new();
        let evidence = ["link", "hint", "primary", "sign-in", "alias"];
        for ((evidence, number), is_there) in evidence.into_iter().zip(1..).zip(&marks) {
            match evidence {
                _ if !is_there => {}
                "link" => {
                    world.add_contact(number, "Mira Sund", "");
                    world.link(&mira_before(), number);
                }
                "hint" => {
                    world.add_contact(number, "Mira Sund", "");
                    world.hints.insert(object(1), contact_id(number));
                }
                address => {
                    world.add_contact(number, "Mira Sund", &format!("{address}@acme.example"));
                }
            }
        }
        // A name alone never counts.
        world.add_contact(6, "Mira Sund", "");
        assert_eq!(world.sync(&[mira()]), [format!("u1 {}", row[1])], "{}", row[0]);
        assert!(world.contact(6).entra.is_none(), "{}", row[0]);
        assert!(seen.insert(marks), "{}", row[0]);
    }
    let all = (0_u8..32).map(|bits| (0..5).map(|bit| bits & (1 << bit) != 0).collect::<Vec<bool>>());
    assert_eq!(seen, all.collect(), "every combination, once");
}

/// What is found here decides before a sign-in name or an alias at another client does.
#[test]
fn evidence_here_comes_before_evidence_at_another_client() {
    for (here, elsewhere, expected) in [
        ("primary", "sign-in", "u1 link c7 by primary_address"),
        ("primary", "alias", "u1 link c7 by primary_address"),
        ("sign-in", "primary", "u1 ask address_at_other_client: c9"),
        ("sign-in", "alias", "u1 link c7 by sign_in_address"),
        ("alias", "primary", "u1 ask address_at_other_client: c9"),
        ("alias", "sign-in", "u1 ask address_at_other_client: c9"),
    ] {
        let mut world = World::new();
        world.add_contact(7, "Mira Sund", &format!("{here}@acme.example"));
        world.add_contact(9, "Mira Sund", &format!("{elsewhere}@acme.example")).client = OTHER_CLIENT;
        assert_eq!(world.sync(&[mira()]), [expected], "{here} here, {elsewhere} elsewhere");
    }
}
