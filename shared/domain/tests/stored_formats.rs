//! What was stored once reads forever: samples of every stored format, never to be edited. A new
//! format gets a sample of its own beside the old ones.

use std::collections::BTreeSet;

use domain::plan::{Action, ChainHash, PLAN_PAGE_FORMAT, PlanPage, UnreadablePage, fold};

const PLAN_PAGE_V1: &str = include_str!("samples/plan_page_v1.json");

/// SHA-256 of the first sample's encoded form behind the start of a chain. An encoding that
/// changes by a byte breaks the chains of stored pages.
const PLAN_PAGE_V1_HASH: &str = "fd8c283b28e1e48a0f253f5194a3475e952b584d960934b51036b70b978d7c78";

fn plan_page_v1() -> PlanPage {
    PlanPage::decode(PLAN_PAGE_V1.as_bytes()).expect("the sample reads")
}

#[test]
fn the_first_plan_page_format_reads_and_writes_back_identically() {
    let page = plan_page_v1();
    assert_eq!(serde_json::to_string_pretty(&page).unwrap(), PLAN_PAGE_V1.trim_end());
    assert_eq!(PlanPage::decode(&page.encode()).unwrap(), page);
    assert!(page.counters.is_consistent());
    let seen: BTreeSet<u64> = page.seen.iter().copied().collect();
    assert!(
        page.lines
            .iter()
            .filter(|line| tag(&line.action) == "review")
            .all(|line| seen.contains(&fold(line.object)))
    );
}

#[test]
fn the_hash_chain_of_stored_pages_still_holds() {
    let hash = String::from(ChainHash::GENESIS.followed_by(&plan_page_v1().encode()));
    assert_eq!(hash, PLAN_PAGE_V1_HASH);
    assert_eq!(ChainHash::try_from(hash.clone()).map(String::from), Ok(hash));
}

#[test]
fn the_sample_holds_every_action_and_every_field() {
    let page = plan_page_v1();
    let tags: BTreeSet<&str> = page.lines.iter().map(|line| tag(&line.action)).collect();
    let expected = [
        "create",
        "exclude",
        "fail",
        "hold",
        "link",
        "markInactive",
        "noteMissing",
        "reactivate",
        "refresh",
        "review",
        "update",
    ];
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), expected);
    let changes = page.lines.iter().flat_map(|line| line.action.changes());
    let fields: BTreeSet<&str> = changes.map(|change| change.field().name()).collect();
    let expected = ["email", "fullName", "phones", "role", "userPrincipalName"];
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), expected);
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
        Action::Stage { .. } => "stage",
        Action::Update { .. } => "update",
    }
}
