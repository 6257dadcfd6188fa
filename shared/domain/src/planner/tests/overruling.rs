//! Contacts that a human made inactive: they stay so, unless the operator lets the directory overrule that.

use super::*;
use crate::{
    fields::Overwrite,
    plan::{Line, LinkState},
};

const UPN: &str = "mira.sund@acme.example";

/// The person as the directory has her.
fn mira(job: &str) -> DirectoryUser {
    user(
        1,
        json!({
            "displayName": "Mira Sund", "mail": "mira@acme.example", "accountEnabled": true,
            "userPrincipalName": UPN, "jobTitle": job,
        }),
    )
}

/// User 1 is, or was, linked to contact 7, which a human made inactive.
fn with_inactive(overrules: bool, is_linked: bool) -> World {
    let mut world = World::new();
    world.add_contact(7, "Mira Sund", "mira@acme.example");
    world.link(&mira("Dentist"), 7).active = is_linked;
    world.contact(7).inactive = true;
    // A second person, so that a share of the links is one.
    world.add_contact(8, "Jo Doe", "jo@acme.example");
    world.link(&person(2, "Jo Doe", "jo@acme.example"), 8);
    world.policy.fields.mark_active_when_enabled = overrules;
    world
}

fn read(job: &str) -> [DirectoryUser; 2] {
    [mira(job), person(2, "Jo Doe", "jo@acme.example")]
}

#[test]
fn what_a_human_made_inactive_stays_so_through_any_history_unless_told_otherwise() {
    for is_linked in [true, false] {
        let mut world = with_inactive(false, is_linked);
        world.policy.fields.role = Overwrite::Always.into();
        world.policy.vanish.confirmations = 1;
        let others = [person(2, "Jo Doe", "jo@acme.example")];
        for now in [&read("Dentist")[..], &read("Owner"), &others, &read("Owner"), &read("Dentist")] {
            world.sync(now);
            assert!(world.contact(7).inactive, "{is_linked}");
        }
    }
}

#[test]
fn who_is_active_in_the_directory_makes_the_contact_active_where_the_rules_say_so() {
    for is_linked in [true, false] {
        let mut world = with_inactive(true, is_linked);
        let lines = world.sync(&read("Dentist"));
        assert_eq!(lines[0], "u1 reactivate c7", "{is_linked}");
        assert!(!world.contact(7).inactive);
        assert!(world.links[&object(1)].active);
        assert_eq!(world.sync(&read("Dentist")), NOTHING, "once");
        // A human's word is overruled when the person is looked at the next time, as an edit of a field is.
        world.contact(7).inactive = true;
        assert_eq!(world.sync(&read("Dentist")), NOTHING);
        assert_eq!(world.sync(&read("Owner")), ["u1 reactivate c7"]);
        assert!(!world.contact(7).inactive);
    }
}

#[test]
fn a_new_link_to_an_inactive_contact_makes_it_active_where_the_rules_say_so() {
    for (overrules, line) in
        [(false, "u1 link c7 by primary_address"), (true, "u1 link and reactivate c7 by primary_address")]
    {
        let mut world = World::new();
        world.policy.fields.mark_active_when_enabled = overrules;
        world.add_contact(7, "Mira Sund", "mira@acme.example").inactive = true;
        assert_eq!(world.sync(&[mira("Dentist")]), [line]);
        assert_eq!(world.contact(7).inactive, !overrules);
    }
}

#[test]
fn nobody_else_is_made_active_by_that_rule() {
    for case in ["protected", "blocked", "guest", "missing"] {
        for is_linked in [true, false] {
            let mut world = with_inactive(true, is_linked);
            world.contact(7).protected = case == "protected";
            let mut now = read("Owner").to_vec();
            match case {
                "blocked" => now[0].account_enabled = Some(false),
                "guest" => now[0].kind = crate::user::UserKind::Guest,
                "missing" => drop(now.remove(0)),
                _ => {}
            }
            for _ in 0..3 {
                world.sync(&now);
                assert!(world.contact(7).inactive, "{case}, {is_linked}");
            }
        }
    }
}

#[test]
fn whoever_is_made_active_is_no_new_link() {
    for is_linked in [true, false] {
        let world = with_inactive(true, is_linked);
        let users = read("Dentist");
        let mut planner = world.planner();
        let known = world.gather(&planner, &users);
        let pages = planner.plan(&users, &[], &known);
        assert_eq!(planner.active_links_after(&sum(&pages)), 2, "{is_linked}");
        // Taken up again, before it was applied or after.
        for applied in [false, true] {
            let mut later = world.clone();
            if applied {
                later.apply_all(&pages);
            }
            let mut again = later.planner();
            for page in &pages {
                again.replay(page);
            }
            assert_eq!(again.active_links_after(&sum(&pages)), 2, "{is_linked}, {applied}");
        }
    }
}

/// The line about the person, applied.
fn reactivated(world: &mut World) -> Line {
    let users = read("Owner");
    let pages = world.preview(&[users.to_vec()]);
    let line = pages.iter().flat_map(|page| &page.lines).find(|line| line.object == object(1)).cloned();
    world.sync(&users);
    line.unwrap()
}

#[test]
fn a_reactivation_writes_the_sign_in_name_only_where_its_rule_or_a_first_link_does() {
    for (policy, protected, expected) in [
        (Overwrite::Never, false, Some("kept@acme.example")),
        (Overwrite::Always, false, Some(UPN)),
        (Overwrite::OnlyIfEmpty, false, Some("kept@acme.example")),
        (Overwrite::Always, true, Some("kept@acme.example")),
    ] {
        for (overrules, is_linked) in [(true, true), (true, false), (false, false)] {
            let mut world = with_inactive(overrules, is_linked);
            world.policy.fields.user_principal_name = policy.into();
            if !overrules {
                let stamp = world.contact(7).entra.as_mut().unwrap();
                stamp.inactive_reason = Some(InactiveReason::DisabledUpstream);
            }
            if protected {
                world.contact(7).protected_fields.insert(Field::UserPrincipalName);
            }
            let kept = Some("kept@acme.example".to_owned());
            world.contact(7).entra.as_mut().unwrap().user_principal_name = kept;
            let line = reactivated(&mut world);
            let Action::Reactivate { before: Some(before), activate: true, .. } = &line.action else {
                panic!("{line:?}")
            };
            assert_eq!(before.link, if is_linked { LinkState::Active } else { LinkState::Inactive });
            let stamp = world.contact(7).entra.clone().unwrap();
            let case = format!("{policy:?}, {protected}, {overrules}, {is_linked}");
            assert_eq!(stamp.user_principal_name.as_deref(), expected, "{case}");
            assert_eq!((stamp.account_enabled, stamp.inactive_reason), (Some(true), None), "{case}");
        }
    }
    // Who is linked for the first time brings it along, unless the field is protected.
    for (protected, expected) in [(false, Some(UPN)), (true, None)] {
        let mut world = World::new();
        let contact = world.add_contact(7, "Mira Sund", "mira@acme.example");
        if protected {
            contact.protected_fields.insert(Field::UserPrincipalName);
        }
        world.sync(&[mira("Dentist")]);
        let stamp = world.contact(7).entra.clone().unwrap();
        assert_eq!(stamp.user_principal_name.as_deref(), expected);
    }
}
