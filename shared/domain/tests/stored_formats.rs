//! What was stored once reads forever: samples of every stored format, never to be edited. A new
//! format gets a sample of its own beside the old ones.

use std::collections::BTreeSet;

use domain::plan::{Action, ChainHash, PLAN_PAGE_FORMAT, PlanPage, UnreadablePage, fold};

const PLAN_PAGE_V1: &str = include_str!("samples/plan_page_v1.json");
const PLAN_PAGE_V2: &str = include_str!("samples/plan_page_v2.json");
const PLAN_PAGE_V3: &str = include_str!("samples/plan_page_v3.json");
const PLAN_PAGE_V4: &str = include_str!("samples/plan_page_v4.json");

/// Each sample, and the SHA-256 of its encoded form behind the start of a chain. An encoding that
/// changes by a byte breaks the chains of stored pages.
const PLAN_PAGES: [(&str, &str); 4] = [
    (PLAN_PAGE_V1, "fd8c283b28e1e48a0f253f5194a3475e952b584d960934b51036b70b978d7c78"),
    (PLAN_PAGE_V2, "0fe7707231a58cae30c4d0a9288dbf062f67bf2f0feb63ea1a23a15a2ccb6698"),
    (PLAN_PAGE_V3, "6e79c4cad92ec638b5cc454dbe61c404ad617b083ca88f73407153437b7d2572"),
    (PLAN_PAGE_V4, "7b25ee4d77ed99e24c9f54eb2b798bff5192aa717fa88081f49606e318ce3929"),
];

fn read(sample: &str) -> PlanPage {
    PlanPage::decode(sample.as_bytes()).expect("the sample reads")
}

#[test]
fn every_plan_page_format_reads_and_writes_back_identically() {
    for ((sample, _), format) in PLAN_PAGES.into_iter().zip(1..) {
        let page = read(sample);
        assert_eq!(page.format, format);
        assert_eq!(serde_json::to_string_pretty(&page).unwrap(), sample.trim_end());
        assert_eq!(PlanPage::decode(&page.encode()).unwrap(), page);
        assert!(page.counters.is_consistent());
    }
    assert_eq!(PLAN_PAGES.len(), usize::from(PLAN_PAGE_FORMAT), "a new format gets a sample of its own");
}

#[test]
fn the_people_of_a_page_are_found_by_their_fold() {
    let page = read(PLAN_PAGE_V1);
    let seen: BTreeSet<u64> = page.seen.iter().copied().collect();
    let mut reviews = page.lines.iter().filter(|line| tag(&line.action) == "review");
    assert!(reviews.all(|line| seen.contains(&fold(line.object))));
}

#[test]
fn the_hash_chain_of_stored_pages_still_holds() {
    for (sample, expected) in PLAN_PAGES {
        let hash = String::from(ChainHash::GENESIS.followed_by(&read(sample).encode()));
        assert_eq!(hash, expected);
        assert_eq!(ChainHash::try_from(hash.clone()).map(String::from), Ok(hash));
    }
}

#[test]
fn the_samples_hold_every_action_and_every_field() {
    let first = ["create", "exclude", "fail", "link", "markInactive", "noteMissing"];
    let then = ["reactivate", "refresh", "review", "update"];
    let both: BTreeSet<&str> = first.into_iter().chain(then).collect();
    let fields = ["email", "fullName", "phones", "role", "userPrincipalName"];
    for (sample, more_actions, more_fields) in [
        (PLAN_PAGE_V1, &["hold"][..], &[][..]),
        // Since format 2 too many at once are staged, and a run can be taken back.
        (PLAN_PAGE_V2, &["leave", "restore", "stage"], &["company", "department", "office"]),
        // Since format 3 operators answer questions.
        (PLAN_PAGE_V3, &["leave", "restore", "settle", "stage"], &["company", "department", "office"]),
        // Since format 4 they change links, and it is said in which way somebody has gone.
        (
            PLAN_PAGE_V4,
            &["leave", "restore", "settle", "stage", "unlink"],
            &["company", "department", "office"],
        ),
    ] {
        let page = read(sample);
        let found: BTreeSet<&str> = page.lines.iter().map(|line| tag(&line.action)).collect();
        let expected: BTreeSet<&str> = both.iter().chain(more_actions).copied().collect();
        assert_eq!(found, expected);
        let changes = page.lines.iter().flat_map(|line| line.action.changes());
        let found: BTreeSet<&str> = changes.map(|change| change.field().name()).collect();
        let expected: BTreeSet<&str> = fields.iter().chain(more_fields).copied().collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_page_of_a_newer_version_is_not_called_damaged() {
    let newer = PLAN_PAGE_FORMAT + 1;
    for page in [
        format!(r#"{{"format":{newer},"lines":[],"seen":[],"counters":{{}}}}"#),
        format!(r#"{{"format":{newer},"lines":[{{"action":"somethingNew"}}],"more":1}}"#),
    ] {
        let error = PlanPage::decode(page.as_bytes()).unwrap_err();
        assert!(matches!(error, UnreadablePage::Newer { found } if found == newer), "{error}");
    }
    for damaged in ["", "{", "[]", r#"{"format":1}"#, &PLAN_PAGE_V1[..PLAN_PAGE_V1.len() / 2]] {
        let error = PlanPage::decode(damaged.as_bytes()).unwrap_err();
        assert!(matches!(error, UnreadablePage::Malformed(_)), "{damaged}: {error}");
    }
}

#[test]
fn a_hash_is_sixty_four_hexadecimal_digits() {
    let digits = "0123456789abcdef".repeat(4);
    assert!(ChainHash::try_from(digits.clone()).is_ok());
    for text in
        [String::new(), digits[1..].to_owned(), format!("+{}", &digits[1..]), format!("é{}", &digits[2..])]
    {
        assert!(ChainHash::try_from(text.clone()).is_err(), "{text}");
    }
}

fn tag(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => "create",
        Action::Exclude { .. } => "exclude",
        Action::Fail { .. } => "fail",
        Action::Hold { .. } => "hold",
        Action::Leave { .. } => "leave",
        Action::Link { .. } => "link",
        Action::MarkInactive { .. } => "markInactive",
        Action::NoteMissing { .. } => "noteMissing",
        Action::Reactivate { .. } => "reactivate",
        Action::Refresh { .. } => "refresh",
        Action::Restore { .. } => "restore",
        Action::Review { .. } => "review",
        Action::Settle { .. } => "settle",
        Action::Stage { .. } => "stage",
        Action::Unlink { .. } => "unlink",
        Action::Update { .. } => "update",
    }
}
