//! Every kind of line once, in the words of `tests/texts/words.txt`, to be read as an operator reads them.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use directory::BadRowCause;
use domain::{
    contact::EntraStamp,
    facts::SourceFacts,
    fields::{Blank, Field},
    ids::{ContactId, EntraObjectId, EntraTenantId, Identity, WorkspaceId},
    plan::{Limit, LinkState, Person, Turn},
    scope::Exclusion,
};
use serde_json::json;
use uuid::Uuid;

use super::*;

/// All of these; does not compile without one.
macro_rules! every {
    ($kind:ident: $($variant:ident),+ $(,)?) => {{
        let _ = |value: $kind| match value {
            $($kind::$variant => {})+
        };
        [$($kind::$variant),+]
    }};
}

type Case = (Rule, Action);

fn contact() -> ContactId {
    ContactId::new(Uuid::from_u128(7))
}

fn facts() -> SourceFacts {
    serde_json::from_value(json!({"fullName": "Mira Sund", "email": "mira@acme.example", "phones": []}))
        .unwrap()
}

fn state(inactive: bool) -> ContactState {
    ContactState { inactive, entra: None, link: LinkState::Active }
}

/// This sync had made the contact inactive.
fn by_sync() -> ContactState {
    let identity = Identity {
        tenant: EntraTenantId::new(Uuid::from_u128(1)),
        object: EntraObjectId::new(Uuid::from_u128(2)),
    };
    let inactive_reason = Some(InactiveReason::DeletedUpstream);
    let stamp = EntraStamp { identity, user_principal_name: None, account_enabled: None, inactive_reason };
    ContactState { entra: Some(stamp), link: LinkState::Inactive, ..state(true) }
}

fn wire(value: &impl serde::Serialize) -> String {
    json!(value).as_str().unwrap_or("?").to_owned()
}

fn create() -> Action {
    Action::Create { contact: contact(), facts: facts() }
}

fn link(supersedes: Option<EntraObjectId>) -> Action {
    let changes = Vec::new();
    Action::Link {
        contact: contact(),
        expect: 1,
        before: None,
        supersedes,
        activate: false,
        changes,
        facts: facts(),
    }
}

fn mark_inactive(reason: InactiveReason, inactive: bool) -> Action {
    Action::MarkInactive { contact: contact(), expect: 1, before: Some(Box::new(state(inactive))), reason }
}

/// Lines that are about a contact.
fn written() -> Vec<Case> {
    let reactivate = |activate, before| Action::Reactivate {
        contact: contact(),
        expect: 1,
        before,
        activate,
        changes: Vec::new(),
        facts: facts(),
    };
    let gone = Some(EntraObjectId::new(Uuid::from_u128(2)));
    let rules =
        [Rule::AliasAddress, Rule::Decision, Rule::PrimaryAddress, Rule::SignInAddress, Rule::StoredObjectId];
    let mut cases = vec![(Rule::NoMatch, create())];
    cases.extend(rules.map(|rule| (rule, link(None))));
    cases.push((Rule::PrimaryAddress, link(gone)));
    let seen = |field, times| Blank { field, times, since: None, last: None };
    let blanks = vec![seen(Field::Phones, 1), seen(Field::Role, 2)];
    let blank = SourceFacts { blanks, ..facts() };
    let update = Action::Update { contact: contact(), expect: 1, changes: Vec::new(), facts: facts() };
    cases.extend(
        [
            update,
            Action::Refresh { facts: facts() },
            Action::Refresh { facts: blank.clone() },
            Action::Update { contact: contact(), expect: 1, changes: Vec::new(), facts: blank },
            reactivate(true, Some(Box::new(by_sync()))),
            reactivate(false, Some(Box::new(state(true)))),
            reactivate(false, Some(Box::new(state(false)))),
            reactivate(false, None),
            reactivate(true, Some(Box::new(ContactState { link: LinkState::Inactive, ..state(true) }))),
            reactivate(true, Some(Box::new(state(true)))),
        ]
        .map(|action| (Rule::IdentityLink, action)),
    );
    cases
}

/// Lines about people who are leaving.
fn leaving() -> Vec<Case> {
    let note = |times, reason| Action::NoteMissing { times, since: None, reason };
    let reasons = every!(
        InactiveReason: DeletedUpstream, DisabledUpstream, OutOfScope, PermanentlyDeletedUpstream,
        SoftDeletedUpstream
    );
    let mut actions: Vec<Action> = reasons.map(|reason| mark_inactive(reason, false)).into();
    actions.push(mark_inactive(InactiveReason::DeletedUpstream, true));
    actions.extend(reasons.map(|reason| note(1, Some(reason))));
    actions.extend([note(3, None), note(0, None)]);
    actions.push(Action::Hold { contact: contact(), reason: InactiveReason::DeletedUpstream });
    actions.into_iter().map(|action| (Rule::Vanished, action)).collect()
}

/// Lines that wait.
fn waiting() -> Vec<Case> {
    let limits =
        every!(Limit: Creations, Inactivations, LinkMoves, RunCreations, RunInactivations, RunLinkMoves);
    let gone = Some(EntraObjectId::new(Uuid::from_u128(2)));
    let staged = limits.map(|limit| {
        let (rule, proposal) = match limit {
            Limit::Creations | Limit::RunCreations => (Rule::NoMatch, create()),
            Limit::Inactivations | Limit::RunInactivations => {
                (Rule::Vanished, mark_inactive(InactiveReason::DeletedUpstream, false))
            }
            Limit::LinkMoves | Limit::RunLinkMoves => (Rule::PrimaryAddress, link(gone)),
        };
        (rule, Action::Stage { proposal: Box::new(proposal), limit })
    });
    let conflicts = every!(
        Conflict: AdditionalAddress, AddressAtOtherClient, AddressShared, AliasOnly, LinkedAtOtherClient,
        MailboxReused, MultipleEmailMatches, OwnedByColleague, Rejected
    );
    let asked = conflicts.map(|conflict| Action::Review { conflict, candidates: Vec::new() });
    staged.into_iter().chain(asked.map(|action| (Rule::PrimaryAddress, action))).collect()
}

/// Lines about people who are left out, without the rule and with it.
fn left_out() -> Vec<Case> {
    let reasons = every!(
        Exclusion: AccountDisabled, Attribute, DismissedByOperator, Domain, Group, Guest, LinkEnded,
        MissingIdentity, Pattern, PendingInvitation, ProtectedContact, RejectedByOperator, ServiceAccount, UnknownLicence,
        UnknownMembership, Unlicensed
    );
    let group = "11111111-2222-4333-8444-555555555555";
    let with_rule = [
        (Exclusion::Attribute, "attributes"),
        (Exclusion::Attribute, "department equals `Care`"),
        (Exclusion::Domain, "includeDomains"),
        (Exclusion::Domain, "acme.example"),
        (Exclusion::Group, "includeGroups"),
        (Exclusion::Group, group),
        (Exclusion::Pattern, "^mira"),
        (Exclusion::ServiceAccount, "service account"),
        (Exclusion::ServiceAccount, "shared mailbox"),
        (Exclusion::UnknownMembership, group),
    ];
    let exclude = |reason, detail: Option<&str>| {
        (Rule::Scope, Action::Exclude { reason, detail: detail.map(str::to_owned) })
    };
    let bare = reasons.into_iter().map(|reason| exclude(reason, None));
    bare.chain(with_rule.map(|(reason, detail)| exclude(reason, Some(detail)))).collect()
}

/// Lines of records that could not be used, and of an undo.
fn others() -> Vec<Case> {
    let causes = every!(BadRowCause: IdNotGuid, MemberType, NoId, NotAnObject, TooLarge, UnknownRemoval)
        .map(|cause| wire(&cause));
    let codes =
        causes.into_iter().chain(["contact_missing", "not_gathered", "stored_unreadable"].map(str::to_owned));
    let mut cases: Vec<Case> = codes.map(|code| (Rule::BadRecord, Action::Fail { code })).collect();
    let kept = || vec![("role".to_owned(), "Boss".to_owned())];
    let leave = |code: &str, kept| Action::Leave { contact: contact(), code: code.to_owned(), kept };
    let restore = |kept| Action::Restore {
        contact: contact(),
        expect: 1,
        changes: Vec::new(),
        turn: Box::new(Turn { from: ContactState::default(), to: ContactState::default() }),
        kept,
    };
    let undone = [
        restore(Vec::new()),
        restore(kept()),
        leave("address_taken", Vec::new()),
        leave("changed_since", kept()),
        leave("contact_missing", Vec::new()),
        leave("contact_protected", Vec::new()),
        leave(store::STORED_UNREADABLE, Vec::new()),
        Action::Settle { contact: None },
    ];
    cases.extend(undone.map(|action| (Rule::Undo, action)));
    cases.push((Rule::Decision, restore(Vec::new())));
    cases
}

/// Lines of a change of links.
fn relinked() -> Vec<Case> {
    let unlink = |expect, link| {
        let to = ContactState { link, ..ContactState::default() };
        let from = ContactState { link: LinkState::Active, ..ContactState::default() };
        Action::Unlink { contact: contact(), expect, turn: Box::new(Turn { from, to }) }
    };
    let leave = |code: &str| Action::Leave { contact: contact(), code: code.to_owned(), kept: Vec::new() };
    let ledger = [
        unlink(Some(1), LinkState::Parted),
        unlink(Some(1), LinkState::Cut),
        unlink(None, LinkState::Parted),
        unlink(None, LinkState::Cut),
        link(None),
        leave("client_mismatch"),
        leave("contact_linked"),
        leave("contact_not_found"),
        leave("contact_protected"),
        leave("item_without_email"),
    ];
    let mut cases: Vec<Case> = ledger.map(|action| (Rule::Ledger, action)).into();
    cases.push((Rule::Undo, leave("link_led_nowhere")));
    cases
}

fn line((rule, action): Case) -> Line {
    let person = Person {
        object: EntraObjectId::new(Uuid::from_u128(1)),
        label: "Mira Sund".to_owned(),
        address: None,
    };
    let (workspace, tenant) = (WorkspaceId::new(Uuid::nil()), EntraTenantId::new(Uuid::nil()));
    Line::new(workspace, tenant, person, rule, action)
}

/// Lines that carry out an operator's answer, and that take one back.
fn answered() -> Vec<Line> {
    let kinds = every!(AnswerKind: CreateNew, Dismissed, LinkExisting);
    let answer = |kind, note: Option<&str>| {
        Some(Box::new(Answer { kind, address: None, note: note.map(str::to_owned), leaves: None }))
    };
    let settle = || line((Rule::Decision, Action::Settle { contact: None }));
    let mut lines: Vec<Line> =
        kinds.map(|kind| Line { answer: answer(kind, None), ..settle() }).into_iter().collect();
    lines.push(Line { answer: answer(AnswerKind::Dismissed, Some("a test account")), ..settle() });
    lines.push(Line { takes_back: answer(AnswerKind::Dismissed, None), ..settle() });
    lines
}

fn codes_of_stale_lines() -> [&'static str; 13] {
    [
        "address_taken",
        store::APPLIED_BEFORE,
        "contact_changed",
        "contact_exists",
        "contact_missing",
        "dismissed",
        "link_gone",
        "linked_elsewhere",
        domain::premise::READ_SINCE,
        domain::premise::REJECTED,
        store::STORED_UNREADABLE,
        "unlinked",
        store::WRITE_REFUSED,
    ]
}

/// The kind of the action; a new one is missed in the list below.
fn kind(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => "create",
        Action::Exclude { .. } => "exclude",
        Action::Fail { .. } => "fail",
        Action::Hold { .. } => "hold",
        Action::Leave { .. } => "leave",
        Action::Link { .. } => "link",
        Action::MarkInactive { .. } => "mark inactive",
        Action::NoteMissing { .. } => "note missing",
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

fn section(all: &mut String, title: &str, lines: impl IntoIterator<Item = Line>) {
    let _ = writeln!(all, "# {title}");
    for line in lines {
        let (name, reason, _) = describe(&line, &Hidden::default());
        let _ = writeln!(all, "{}: {reason}", name.replace('_', " "));
    }
    all.push('\n');
}

#[test]
fn every_kind_of_line_reads_as_it_was_read() {
    let cases: [(&str, Vec<Case>); 6] = [
        ("Contacts that are written, or stay", written()),
        ("People who are leaving", leaving()),
        ("What waits for an operator", waiting()),
        ("People who are left out", left_out()),
        ("Records that cannot be used, and undone lines", others()),
        ("Links that an operator changes", relinked()),
    ];
    let kinds: BTreeSet<&str> =
        cases.iter().flat_map(|(_, cases)| cases).map(|(_, action)| kind(action)).collect();
    assert_eq!(kinds.len(), 16, "{kinds:?}");
    let mut all = String::new();
    for (title, cases) in cases {
        section(&mut all, title, cases.into_iter().map(line));
    }
    section(&mut all, "What an operator has answered", answered());
    all.push_str("# Why a line was not carried out\n");
    for code in codes_of_stale_lines() {
        let _ = writeln!(all, "{code}: {}", not_carried_out(code));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/texts/words.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &all).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap();
    for (told, expected) in all.lines().zip(golden.lines()) {
        assert_eq!(told, expected, "UPDATE_GOLDEN=1 writes what is said now");
    }
    assert_eq!(all, golden);
    for told in all.lines().filter(|told| !told.is_empty() && !told.starts_with('#')) {
        let (_, reason) = told.split_once(": ").unwrap();
        assert!(!reason.contains('_') && !reason.ends_with('.'), "a clause without codes: {told}");
    }
}

#[test]
fn an_unknown_code_is_shown() {
    assert!(failed("news").contains("(news)"));
    assert_eq!((left("news"), not_carried_out("news")), ("news", "news"));
}
