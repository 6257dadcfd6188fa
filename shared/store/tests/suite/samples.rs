//! Stored formats: one file for each kind of item and each form it was ever written in.
//!
//! A changed form gets a new file with the next number; the old ones stay, and are read for ever.

use std::{collections::BTreeMap, fs, path::PathBuf};

use domain::{
    consent::Asked,
    contact::{ContactValues, InactiveReason},
    facts::SourceFacts,
    fields::{Blank, Field, Hidden},
    ids::{Identity, LineId, ReviewItemId},
    inventory::ReviewState,
    ledger::Wish,
    plan::{Action, PLAN_PAGE_FORMAT, PlanPage, Rule},
    planner::Held,
    run::{Counters, RunStatus},
};
use serde_json::{Value, json};
use store::{
    CompleteReadHours, Connection, ConnectionKind, ConnectionStatus, ContactInput, Ground, RejectedLine,
    RenewalTaken, Run, Settled, StaleLine, Store, SyncSettings, TenantState,
};

use super::{
    backend::{Backend, Table},
    dump::{Item, from_json, to_json},
    flags::flag,
    leases::{ground, progress},
    make::{
        CLIENT, MANAGED, SALT, TENANT, USER, WORKSPACE, address, applier, apply, at, client, connection,
        contact, facts, input, line, object, page, run, run_id, scope, values,
    },
    plans::stored,
    runs::{failure, target, tenant_run},
    schedules::{hourly, served},
    workspace::{discovery_report, managed_tenant, mapping_record, pending_login, sync_settings},
    world::{cases, creation, link, question, question_about, settlement, taken_back, unlink},
};

/// Every kind of item, and what its key in the table of [`write_one_of_each`] contains.
const KINDS: [(&str, &str); 29] = [
    ("claim", "EMAIL#linked@"),
    ("claim-given-up", "EMAIL#old@"),
    ("client", "#CLIENT "),
    ("connection", "ACTIVE"),
    ("connection-past", "PAST#"),
    ("consent", "#CONSENT "),
    ("contact", "00c00001"),
    ("contact-edited", "00c00002"),
    ("discovery", "DISCOVERY"),
    ("flag", "PLATFORM#FLAG"),
    ("link", "LINK#00000000-0000-0000-0000-00000b000001"),
    ("link-cut", "LINK#00000000-0000-0000-0000-00000b000014"),
    ("link-order", " LINKS"),
    ("login", "state hash"),
    ("managed-tenant", "#TENANT "),
    ("mapping", "#MAPPING "),
    ("plan-page", "PAGE#"),
    ("renewal", "PLATFORM#RENEWAL"),
    ("review", "REVIEW#00000000-0000-0000-0000-00000b00000a"),
    ("review-pointer", "QUESTION#64c6aa04"),
    ("review-rejected", "REVIEW#00000000-0000-0000-0000-00000b00000c"),
    ("review-settled", "REVIEW#00000000-0000-0000-0000-00000b00000b"),
    ("run", "#RUN "),
    ("run-targets", "TARGETS#"),
    ("schedule", "PLATFORM#SCHEDULE"),
    ("settings", "SYNC"),
    ("stale-lines", "STALE#"),
    ("tenant-run", " TENANT#"),
    ("tenant-state", "#STATE "),
];

pub(crate) async fn the_newest_samples_are_what_is_written(backend: &Backend) {
    let table = backend.table().await;
    write_one_of_each(&table.store).await;
    let dump = table.dump().await;
    let samples = samples();
    for (kind, fragment) in KINDS {
        let mut matching = dump.items.iter().filter(|((pk, sk), _)| format!("{pk} {sk}").contains(fragment));
        let (Some((_, written)), None) = (matching.next(), matching.next()) else { panic!("one {kind}") };
        let newest = samples.range((kind.to_owned(), 0)..=(kind.to_owned(), u32::MAX)).next_back();
        let newest = newest.map(|(_, sample)| comparable(sample.clone()));
        // A form that differs from the newest sample is a new one: keep the old file, and save
        // this as the next.
        let text = serde_json::to_string_pretty(&to_json(written)).unwrap();
        assert!(newest == Some(comparable(written.clone())), "a new form of {kind}:\n{text}");
    }
    assert_eq!(
        dump.items.len(),
        KINDS.len() + 7,
        "the claims of four more addresses, a contact, and two more pointers"
    );
}

pub(crate) async fn every_sample_is_read(backend: &Backend) {
    let samples = samples();
    assert!(KINDS.iter().all(|(kind, _)| samples.contains_key(&((*kind).to_owned(), 1))));
    for ((kind, version), item) in samples {
        let table = backend.table().await;
        table.insert(vec![item]).await;
        read(&kind, version, &table).await;
    }
}

/// The stored samples by kind and number.
fn samples() -> BTreeMap<(String, u32), Item> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples"));
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sample = |file: PathBuf| {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let (kind, number) = stem.rsplit_once('.').expect("kind.number.json");
        let json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        ((kind.to_owned(), number.parse().unwrap()), from_json(&json))
    };
    files.map(sample).collect()
}

/// Compressed bytes may differ between versions of the compressor that all read each other's.
fn comparable(mut item: Item) -> Item {
    if item.remove("body").is_some() {
        // It is over them.
        item.remove("seal");
    }
    item
}

async fn write_one_of_each(store: &Store) {
    write_contacts(store).await;
    assert!(store.reject_person(WORKSPACE, &rejected(), at(3)).await.unwrap());
    store.put_connection(WORKSPACE, None, &through_cipp()).await.unwrap();
    store.put_connection(WORKSPACE, Some(&through_cipp()), &connection(2)).await.unwrap();
    store.upsert_client(WORKSPACE, &client(1)).await.unwrap();
    store.begin_login(WORKSPACE, "state hash", &pending_login()).await.unwrap();
    let RenewalTaken::Taken(lease) = store.take_renewal(WORKSPACE, at(0), at(5)).await.unwrap() else {
        panic!("nobody has it")
    };
    assert!(store.end_renewal(WORKSPACE, lease, Some(at(6))).await.unwrap());
    store.note_connection(WORKSPACE, at(4)).await.unwrap();
    store.put_settings(WORKSPACE, &sync_settings()).await.unwrap();
    store.put_schedule(WORKSPACE, &hourly(), Some(USER), at(6)).await.unwrap();
    assert!(store.note_slot(WORKSPACE, &served(3_605)).await.unwrap());
    let asked = Asked { done: true, ..Asked::new(USER, at(7), json!({ "allow": run_id(3) })) };
    assert!(store.note_asked(WORKSPACE, "name", None, &asked).await.unwrap());
    store.create_flag(&flag(1)).await.unwrap();
    store.put_discovery(WORKSPACE, &discovery_report()).await.unwrap();
    store.put_managed_tenant(WORKSPACE, &managed_tenant()).await.unwrap();
    store.put_mapping(WORKSPACE, None, &mapping_record(2)).await.unwrap();

    store.create_run(&run(run_id(1))).await.unwrap();
    assert!(store.put_link_order(WORKSPACE, run_id(1), &wishes()).await.unwrap());
    store
        .begin_run(WORKSPACE, run_id(1), &[target(1), target(2)], &store::Overrides::new(), None)
        .await
        .unwrap();
    store.note_execution(WORKSPACE, run_id(1), "arn:execution").await.unwrap();
    store.cancel_run(WORKSPACE, run_id(1)).await.unwrap();
    store.finish_run(&ended_run()).await.unwrap();
    let stale = [stale_line()];
    store.put_stale_lines(WORKSPACE, run_id(1), MANAGED, 1, &stale, 1_900_000_000).await.unwrap();

    let (lease, _) = store.acquire(WORKSPACE, MANAGED, run_id(1), at(0)).await.unwrap().unwrap();
    let page = stored(1, planned(PLAN_PAGE_FORMAT));
    store.put_page(WORKSPACE, run_id(1), MANAGED, lease, &page, (at(0), 1_900_000_000)).await.unwrap();
    store.checkpoint(WORKSPACE, MANAGED, lease, &progress(run_id(1), 2), at(1)).await.unwrap();
    store
        .end_tenant(WORKSPACE, run_id(1), lease, &tenant_run(3), Settled::Everybody(&ground(321)))
        .await
        .unwrap();
    let (lease, _) = store.acquire(WORKSPACE, MANAGED, run_id(2), at(10)).await.unwrap().unwrap();
    store.checkpoint(WORKSPACE, MANAGED, lease, &progress(run_id(2), 2), at(11)).await.unwrap();
}

fn wishes() -> [Wish; 2] {
    [Wish { object: object(1), contact: None }, Wish { object: object(2), contact: Some(contact(2)) }]
}

/// Contact 1 was the PSA's, was linked and made inactive; contact 2 was edited.
async fn write_contacts(store: &Store) {
    let person = ContactInput { additional_emails: vec![address("more")], ..input(1, "linked") };
    store.upsert_contact(WORKSPACE, &person).await.unwrap();
    apply(store, &page(vec![link(1, "linked", Vec::new()), question_about(10), question_about(11)])).await;
    let blank = Action::Refresh { facts: blank_facts() };
    apply(store, &page(vec![line(1, Rule::IdentityLink, blank)])).await;
    apply(store, &page(vec![inactivation(), settlement(11), creation(20)])).await;
    apply(store, &page(vec![unlink(20, Some(1))])).await;
    store.upsert_contact(WORKSPACE, &input(2, "old")).await.unwrap();
    let person = ContactInput {
        additional_emails: vec![address("others")],
        values: edited(),
        protected: Some(true),
        protected_fields: Some([Field::Role, Field::UserPrincipalName].into()),
        ..input(2, "new")
    };
    store.upsert_contact(WORKSPACE, &person).await.unwrap();
}

/// A field of the first person is blank in the directory, which is still to be confirmed.
fn blank_facts() -> SourceFacts {
    let blank = Blank { field: Field::Role, times: 1, since: None, last: None };
    SourceFacts { blanks: vec![blank], ..facts("linked") }
}

/// With the fields that there were not in the first samples.
fn edited() -> ContactValues {
    let text = |text: &str| Some(text.to_owned());
    ContactValues { department: text("Care"), office: text("Oslo"), company: text("Acme"), ..values("new") }
}

fn inactivation() -> domain::plan::Line {
    inactivation_for(InactiveReason::PermanentlyDeletedUpstream)
}

fn inactivation_for(reason: InactiveReason) -> domain::plan::Line {
    line(1, Rule::Vanished, Action::MarkInactive { contact: contact(1), expect: 2, before: None, reason })
}

/// A line of every kind there was when the samples of a format were made.
fn planned(format: u16) -> PlanPage {
    const NAMES: [&str; 13] = [
        "create",
        "link",
        "link that answers a question",
        "update",
        "update of the address",
        "reactivate",
        "mark inactive",
        "note missing",
        "refresh",
        "review",
        "exclude",
        "fail",
        "hold",
    ];
    let first = cases().into_iter().filter(|case| NAMES.contains(&case.name)).map(|case| case.line);
    let third = [question_about(17), settlement(18), taken_back(19)];
    let fourth = [unlink(17, Some(1)), unlink(18, None)];
    let later = third.map(|line| (3, line)).into_iter().chain(fourth.map(|line| (4, line)));
    page(first.chain(later.filter(|(since, _)| format >= *since).map(|(_, line)| line)).collect())
}

fn ended_run() -> Run {
    Run {
        run_status: RunStatus::Partial,
        completed_at: Some(at(60)),
        execution: Some("arn:execution".to_owned()),
        total_tenants: 2,
        succeeded_tenants: 1,
        failed_tenants: 1,
        counters: Counters { read: 7, created: 7, ..Counters::default() },
        halted: Some(failure("connection")),
        cancel_requested: true,
        ..run(run_id(1))
    }
}

/// An operator does not want what waited at a stop limit.
fn rejected() -> RejectedLine<'static> {
    let identity = Identity { tenant: TENANT, object: object(12) };
    RejectedLine { managed_tenant: MANAGED, client: CLIENT, identity, label: "Person 12", address: None }
}

fn stale_line() -> StaleLine {
    StaleLine { line: LineId::new(uuid::Uuid::from_u128(0x11)), code: "contact_changed" }
}

/// Reads the one item of the table the way the product does.
async fn read(kind: &str, version: u32, table: &Table) {
    let store = &table.store;
    match kind {
        "claim" | "claim-given-up" => {
            let addresses = ["linked", "old"].map(address).into();
            let owners = store.owners(WORKSPACE, &addresses).await.unwrap();
            let owners: Vec<_> = owners.into_values().map(|owner| (owner.client, owner.contact)).collect();
            let expected = (kind == "claim").then_some((CLIENT, contact(1)));
            assert_eq!(owners, Vec::from_iter(expected), "{version}");
        }
        "client" => assert_eq!(store.clients(WORKSPACE).await.unwrap(), [client(1)], "{version}"),
        "connection" => {
            assert_eq!(store.connection(WORKSPACE).await.unwrap(), Some(connection(2)), "{version}");
        }
        "connection-past" => read_past_connection(version, table).await,
        "contact" => read_contact(store, version).await,
        "contact-edited" => {
            let contact = store.contacts_of_client(scope()).await.unwrap().remove(0);
            let (shown, protected) = if version == 1 { (values("new"), false) } else { (edited(), true) };
            assert_eq!((contact.version, contact.values), (2, shown), "{version}");
            assert_eq!(
                (contact.protected, contact.protected_fields.len()),
                (protected, 2 * usize::from(protected))
            );
            assert_eq!(contact.additional_emails, [address("others")]);
            assert_eq!((contact.entra, contact.line), (None, None));
        }
        "discovery" => {
            let unreadable_rows = if version == 1 { 0 } else { 2 };
            let expected = store::DiscoveryReport { unreadable_rows, ..discovery_report() };
            assert_eq!(store.discovery(WORKSPACE).await.unwrap(), Some(expected), "{version}");
        }
        "flag" => {
            assert_eq!(store.flags(None, 10).await.unwrap(), (vec![flag(1)], false), "{version}");
        }
        "schedule" => {
            let stored = store.schedule(WORKSPACE).await.unwrap().unwrap();
            assert_eq!((stored.schedule, stored.updated_at), (hourly(), at(6)), "{version}");
            assert_eq!(stored.last, Some(served(3_605)), "{version}");
            assert!(!store.note_slot(WORKSPACE, &served(3_605)).await.unwrap(), "{version}");
        }
        "consent" => {
            let asked = store.asked(WORKSPACE, "name").await.unwrap().unwrap();
            let what = if version == 1 { Value::Null } else { json!({ "allow": run_id(3) }) };
            assert_eq!(asked, Asked { done: true, ..Asked::new(USER, at(7), what) }, "{version}");
        }
        "renewal" => {
            let recent = store.take_renewal(WORKSPACE, at(5), at(7)).await.unwrap();
            assert_eq!(recent, RenewalTaken::Recent { renewed_at: at(6) }, "{version}");
            assert_eq!(store.ever_connected().await.unwrap(), [WORKSPACE], "{version}");
        }
        "link" => {
            let inventory = store.inventory(WORKSPACE, TENANT).await.unwrap();
            let link = inventory.link(object(1)).unwrap();
            assert_eq!((link.contact, link.active, link.missing), (contact(1), false, 0), "{version}");
            let seen = if version == 1 { facts("linked") } else { blank_facts().noted(at(0)).into_owned() };
            assert_eq!(link.fingerprint, seen.fingerprint(SALT), "{version}");
            let (people, _) = store.people(WORKSPACE, TENANT, &[object(1)].into()).await.unwrap();
            assert_eq!(people[&object(1)].1, Some(seen), "{version}");
        }
        "link-cut" => {
            let entries = store.ledger(WORKSPACE, TENANT, None, 5).await.unwrap();
            let [entry] = entries.as_slice() else { panic!("one person") };
            assert_eq!((&entry.link, entry.parted, entry.ended_at), (&None, true, Some(at(0))), "{version}");
            assert_eq!((entry.object, &entry.facts), (object(20), &Some(facts("p20"))));
            let inventory = store.inventory(WORKSPACE, TENANT).await.unwrap();
            assert!(inventory.parted.contains(&object(20)) && inventory.cuts.contains_key(&object(20)));
        }
        "link-order" => {
            let order = store.link_order(WORKSPACE, run_id(1)).await.unwrap();
            assert_eq!(order, wishes(), "{version}");
        }
        "login" => {
            let login = store.take_login(WORKSPACE, "state hash").await.unwrap().unwrap();
            assert_eq!((login.user, login.nonce), (pending_login().user, pending_login().nonce), "{version}");
        }
        "managed-tenant" => {
            assert_eq!(store.managed_tenants(WORKSPACE).await.unwrap(), [managed_tenant()], "{version}");
        }
        "mapping" => assert_eq!(store.mappings(WORKSPACE).await.unwrap(), [mapping_record(2)], "{version}"),
        "plan-page" => {
            let pages = store.pages(WORKSPACE, run_id(1), MANAGED, 0, 1).await.unwrap();
            let [read] = pages.as_slice() else { panic!("one page") };
            // The hash is over the format, too: it stays that of the page as it was written.
            let format = u16::try_from(version).unwrap();
            let chain = read.head.chain;
            let mut expected = stored(1, domain::plan::PlanPage { format, ..planned(format) });
            expected.head.chain = chain;
            assert_eq!(*read, expected, "{version}");
        }
        "review" => read_review(store, version).await,
        "review-pointer" => {
            let id = ReviewItemId::derived(WORKSPACE, Identity { tenant: TENANT, object: object(10) });
            assert_eq!(
                store.review(WORKSPACE, id).await.unwrap(),
                None,
                "it leads to a question that is not there"
            );
        }
        "review-rejected" => {
            let inventory = store.inventory(WORKSPACE, TENANT).await.unwrap();
            assert_eq!(inventory.reviews, [(object(12), ReviewState::Rejected)].into(), "{version}");
            let identity = rejected().identity;
            assert!(store.reconsider_person(WORKSPACE, identity, at(4)).await.unwrap());
            assert!(!store.reconsider_person(WORKSPACE, identity, at(4)).await.unwrap(), "once");
            let inventory = store.inventory(WORKSPACE, TENANT).await.unwrap();
            assert!(inventory.reviews.is_empty(), "as if nobody had decided");
        }
        "review-settled" => {
            let inventory = store.inventory(WORKSPACE, TENANT).await.unwrap();
            let settled = ReviewState::Settled { address: Some(address("p11")) };
            assert_eq!(inventory.reviews, [(object(11), settled)].into(), "{version}");
        }
        "run" => {
            let mut expected = ended_run();
            expected.settings.complete_read_hours = complete_read_hours(version);
            if version < 4 {
                expected.mandate = None;
            }
            assert_eq!(store.runs(WORKSPACE, None, 1).await.unwrap(), [expected], "{version}");
        }
        "run-targets" => {
            let targets = store.targets(WORKSPACE, run_id(1)).await.unwrap();
            assert_eq!(targets, [target(1), target(2)], "{version}");
        }
        "settings" => {
            let complete_read_hours = complete_read_hours(version);
            let mut expected = SyncSettings { complete_read_hours, ..sync_settings() };
            if version < 4 {
                (expected.four_eyes, expected.hidden_fields) = (false, Hidden::default());
            }
            assert_eq!(store.settings(WORKSPACE).await.unwrap(), expected, "{version}");
        }
        "stale-lines" => {
            let lines = store.stale_lines(WORKSPACE, run_id(1), MANAGED).await.unwrap();
            assert_eq!(lines, [(stale_line().line, "contact_changed".to_owned())], "{version}");
        }
        "tenant-run" => {
            let results = store.tenant_runs(WORKSPACE, run_id(1)).await.unwrap();
            assert_eq!(results, [tenant_run(3)], "{version}");
        }
        "tenant-state" => {
            let states = store.tenant_states(WORKSPACE, &[MANAGED]).await.unwrap();
            let mut expected = tenant_state();
            if version == 1 {
                // The first form knew nothing of these.
                (expected.ground, expected.ended_run) = (Ground::default(), None);
                expected.holder = Some(run_id(1));
                expected.progress = [(run_id(1), progress(run_id(1), 2))].into();
            }
            if version < 5 {
                expected.ground.leaving.clear();
            }
            if version == 2 {
                (expected.ground.open, expected.ground.held) = (Vec::new(), Held::default());
            }
            if version == 3 {
                let held = expected.ground.held;
                expected.ground.held = Held { inactivations: 0, under: None, ..held };
            }
            assert_eq!(states, [(MANAGED, expected)], "{version}");
        }
        other => panic!("no repository reads {other}"),
    }
}

/// Whoever saved settings before there was a choice, or the second form, whose default was another one.
fn complete_read_hours(version: u32) -> CompleteReadHours {
    if version == 2 { CompleteReadHours(0) } else { CompleteReadHours::default() }
}

/// The connection of the first one, through a CIPP deployment.
fn through_cipp() -> Connection {
    Connection {
        kind: ConnectionKind::Cipp,
        cipp_base_url: Some("https://cipp.example".to_owned()),
        ..connection(1)
    }
}

async fn read_past_connection(version: u32, table: &Table) {
    let past = table.dump().await.one("PAST#");
    let past: Connection = serde_dynamo::from_item(past).unwrap();
    let status = ConnectionStatus::Disconnected;
    let before = if version == 1 { connection(1) } else { through_cipp() };
    let expected = Connection { connection_status: status, disconnected_at: Some(at(2)), ..before };
    assert_eq!(past, expected);
}

async fn read_contact(store: &Store, version: u32) {
    // The first form knew only that somebody was gone.
    let reason = match version {
        1 => InactiveReason::DeletedUpstream,
        _ => InactiveReason::PermanentlyDeletedUpstream,
    };
    let stored = store.contacts_of_client(scope()).await.unwrap().remove(0);
    assert_eq!((stored.id, stored.client, stored.version), (contact(1), CLIENT, 3));
    assert_eq!((stored.values, stored.inactive), (values("linked"), true));
    assert_eq!(stored.additional_emails, [address("more")]);
    assert_eq!(stored.line, Some(inactivation_for(reason).id));
    let stamp = stored.entra.unwrap();
    assert_eq!(stamp.identity, Identity { tenant: TENANT, object: object(1) });
    assert_eq!(stamp.user_principal_name, facts("linked").user_principal_name);
    assert_eq!(stamp.inactive_reason, Some(reason));
}

async fn read_review(store: &Store, version: u32) {
    let review = store.open_reviews(WORKSPACE, 10).await.unwrap().remove(0);
    let Action::Review { conflict, candidates } = question(10).action else { unreachable!() };
    assert_eq!(review.id, ReviewItemId::derived(WORKSPACE, Identity { tenant: TENANT, object: object(10) }));
    assert_eq!((review.conflict, review.candidates), (conflict, candidates));
    assert_eq!(review.about.is_some(), version > 1);
    // Found by its id, whether there is a pointer to it or not.
    let found = store.review(WORKSPACE, review.id).await.unwrap();
    assert_eq!(found.map(|found| found.object), Some(object(10)));
    assert_eq!((review.address, review.opened_at), (Some(address("p10")), applier(store, 1).at));
    let inventory = store.inventory(WORKSPACE, TENANT).await.unwrap();
    assert!(inventory.reviews.contains_key(&object(10)));
}

fn tenant_state() -> TenantState {
    TenantState {
        token: 2,
        busy_until: at(101).as_millisecond(),
        holder: Some(run_id(2)),
        attempts: 0,
        progress: [(run_id(2), progress(run_id(2), 2))].into(),
        last_success_run: Some(run_id(1)),
        last_success_at: Some(at(9)),
        last_success_people: Some(321),
        ground: ground(321),
        ended_run: Some(run_id(1)),
    }
}
