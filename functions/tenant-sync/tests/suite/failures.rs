//! What goes wrong at one customer stays there, and nobody becomes inactive because of it.

use std::{sync::Arc, time::Duration};

use ambient::Clock;
use domain::{
    ids::{EntraTenantId, RunId},
    mandate::Mandate,
    plan::{Action, Guard, Rule},
    run::{RunKind, RunStatus, TenantFailure, TenantStatus},
};
use fake_microsoft::{BadRow, Effect, FaultBody, Match, Route};
use jiff::SignedDuration;
use store::{Connection, ConnectionStatus, Overrides, Run};
use uuid::Uuid;
use workflow::payloads::{Batch, RunInput};

use crate::{
    gate::{Gate, Stop},
    house::{Ended, House, WORKSPACE, managed},
    microsoft::Microsoft,
    mishaps::stored_but_not_applied,
};

/// People at each customer, in directory pages of [`PAGE_SIZE`].
pub(crate) const PEOPLE: u32 = 7;

const PAGE_SIZE: u16 = 3;

/// How long an answer is waited for where one is slow; in real time.
const LIMIT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_customer_that_withdrew_its_consent_fails_alone() {
    let (house, [customer, others @ ..]) = customers().await;
    house.microsoft.world().withdraw_consent(customer).unwrap();
    let ended = house.run(1, RunKind::Initial).await;
    assert_failed_alone(&ended, customer, &others, "consent_missing");
    assert_eq!(house.links(customer).await, []);
    house.microsoft.world().grant_consent(customer).unwrap();
    let again = house.run(2, RunKind::AllTenants).await;
    assert_eq!(again.run.run_status, RunStatus::Completed);
    assert_eq!(house.links(customer).await.len(), PEOPLE as usize);
}

#[tokio::test]
async fn nothing_is_read_of_a_tenant_that_proves_to_be_another() {
    let (house, [customer, others @ ..]) = customers().await;
    let faults = house.microsoft.fake.faults();
    faults.on(Match::route(Route::Organization).tenant(customer), Effect::WrongTenant, None);
    let reads = faults.on(Match::route(Route::Users).tenant(customer), Effect::status(500), None);
    let ended = house.run(1, RunKind::Initial).await;
    assert_failed_alone(&ended, customer, &others, "tenant_mismatch");
    assert_eq!(faults.fired(reads), 0);
    assert_eq!(ended.tenant(customer).counters.read, 0);
}

#[tokio::test]
async fn a_plan_that_was_stored_is_not_applied_without_a_proof() {
    let (house, _) = customers().await;
    let (run, customer) = stored_but_not_applied(&house, 1).await;
    house.microsoft.world().withdraw_consent(customer).unwrap();
    let ended = house.carry(run).await;
    assert_eq!(ended.tenant(customer).tenant_status, TenantStatus::Failed);
    assert_eq!(house.links(customer).await, []);
}

#[tokio::test]
async fn a_listing_that_breaks_off_marks_nobody_inactive() {
    for (effect, code) in [
        (Effect::status(500), "graph_unavailable"),
        (Effect::status(504), "graph_unavailable"),
        (Effect::Malformed, "answer_unreadable"),
        (Effect::DropConnection, "connection_failed"),
        (Effect::Delay(LIMIT * 20), "connection_failed"),
        (Effect::ForeignNextLink("evil.example".to_owned()), "foreign_next_link"),
        (Effect::NextLinkLoop, "next_link_loop"),
        (Effect::status(403), "role_missing"),
        (Effect::ExpiredPage, "page_expired"),
        (Effect::Throttle { retry_after: Some("120".to_owned()) }, "throttled"),
        (
            Effect::Status { status: 503, retry_after: Some("120".to_owned()), body: FaultBody::Graph },
            "graph_busy",
        ),
        (Effect::status(400), "request_rejected"),
        (Effect::plain_text(404, "Not found"), "resource_unknown"),
        (Effect::status(409), "answer_unexpected"),
        // A link that is longer than any link is not followed to wherever it leads.
        (Effect::ForeignNextLink("a".repeat(40_000)), "answer_too_large"),
    ] {
        let (house, [customer, others @ ..]) = match effect {
            Effect::Delay(_) => {
                customers_of(Microsoft::waited_for(LIMIT, &[PEOPLE; 3], PAGE_SIZE).await).await
            }
            _ => customers().await,
        };
        house.read_everybody().await;
        house.run(1, RunKind::Initial).await;
        let (first, last) = somebody_leaves(&house, customer);
        let links = house.links(customer).await;

        break_every_second_page(&house, customer, &effect);
        let ended = house.run(2, RunKind::AllTenants).await;
        assert_failed_alone(&ended, customer, &others, code);
        assert_eq!(house.links(customer).await, links, "{code}: neither inactive nor missing");
        assert!(active(&house, customer).await == PEOPLE as usize, "{code}: {first} and {last} stay");

        house.microsoft.fake.faults().clear();
        let again = house.run(3, RunKind::AllTenants).await;
        assert_eq!(again.run.run_status, RunStatus::Completed, "{code}");
        assert_eq!(again.tenant(customer).counters.vanished, 2, "{code}");
        assert_eq!(active(&house, customer).await, PEOPLE as usize - 2, "{code}");
    }
}

#[tokio::test]
async fn a_customer_that_asks_for_a_long_pause_gets_it_and_is_finished() {
    let (house, tenants) = customers().await;
    let pause = Effect::Throttle { retry_after: Some("300".to_owned()) };
    house.microsoft.fake.faults().on(Match::route(Route::Users).tenant(tenants[0]).nth(2), pause, 1);
    let before = house.clock.now();
    let ended = house.run(1, RunKind::Initial).await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Completed, 3 * 7));
    let (waited, hour) = (house.clock.now().duration_since(before), SignedDuration::from_hours(1));
    assert!(waited >= hour + SignedDuration::from_secs(300), "{waited:?}");
    let other = ended.tenant(tenants[1]);
    assert!(other.completed_at < ended.tenant(tenants[0]).completed_at, "others did not wait");
    let contacts = house.dump().await;
    contacts.assert_sound("after the pause");
}

#[tokio::test]
async fn a_batch_that_runs_out_of_time_goes_on_where_it_stopped() {
    let (house, [slow, ..]) = customers().await;
    let run = house.accept(1, RunKind::Initial).await;
    let worker = house.worker();
    worker.begin(run).await;
    let batch = Batch::new(run, vec![managed(slow)]).unwrap();
    // Every page is answered at the second attempt, 19 seconds after the first.
    let pages = Match::route(Route::Users).tenant(slow);
    for nth in [1, 3, 5] {
        let pause = Effect::Throttle { retry_after: Some("19".to_owned()) };
        house.microsoft.fake.faults().on(pages.nth(nth), pause, 1);
    }
    for (finished, stored) in [(0, 2), (1, 3)] {
        let deadline = house.clock.now() + SignedDuration::from_secs(50);
        let result = worker.tenants.sync_batch(&batch, deadline).await.unwrap();
        assert_eq!((result.finished, result.unfinished), (finished, 1 - finished));
        assert_eq!(house.pages(run, slow).await.len(), stored);
    }
    let ended = house.carry(run).await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Completed, 3 * 7));
}

/// Whoever hands out the batch may be somebody who started an execution by hand.
#[tokio::test]
async fn a_batch_of_a_run_that_nobody_was_allowed_to_begin_reads_and_writes_nothing() {
    let (house, [customer, ..]) = customers().await;
    let allowed = house.accept(1, RunKind::Initial).await;
    let run = house.store.run(WORKSPACE, allowed.run_id).await.unwrap().unwrap();
    house.worker().begin(allowed).await;
    let targets = house.store.targets(WORKSPACE, allowed.run_id).await.unwrap();
    for (number, mandate) in [(2, None), (3, Some(Mandate::Schedule))] {
        let id = RunId::new(Uuid::from_u128(number));
        assert!(house.store.create_run(&Run { id, mandate, ..run.clone() }).await.unwrap());
        let input = RunInput { run_id: id, ..allowed };
        house.store.begin_run(WORKSPACE, id, &targets, &Overrides::new(), None).await.unwrap();
        let batch = Batch::new(input, vec![managed(customer)]).unwrap();
        let deadline = house.clock.now() + SignedDuration::from_mins(10);
        let result = house.worker().tenants.sync_batch(&batch, deadline).await.unwrap();
        assert_eq!((result.finished, result.unfinished), (0, 1), "{mandate:?}");
        let ended = house.store.run(WORKSPACE, id).await.unwrap().unwrap();
        assert_eq!(ended.halted.unwrap().code, "not_mandated", "{mandate:?}");
        assert_eq!(house.links(customer).await, [], "{mandate:?}");
        assert!(house.pages(input, customer).await.is_empty(), "{mandate:?}");
    }
}

#[tokio::test]
async fn a_failure_that_was_waited_for_does_not_promise_to_go_on_by_itself() {
    for effect in
        [Effect::Throttle { retry_after: Some("120".to_owned()) }, Effect::ExpiredPage, Effect::status(503)]
    {
        let (house, [customer, ..]) = customers().await;
        break_every_second_page(&house, customer, &effect);
        let ended = house.run(1, RunKind::Initial).await;
        let failure = ended.tenant(customer).failure.clone().unwrap();
        assert!(!failure.remedy.starts_with("Nothing"), "{failure:?}");
        assert!(failure.remedy.contains("Run the sync again"), "{failure:?}");
        assert!(failure.message.contains("gave up"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_listing_that_expires_on_the_way_begins_again_and_ends() {
    let (house, tenants) = customers().await;
    house.microsoft.fake.faults().on(
        Match::route(Route::Users).tenant(tenants[0]).nth(2),
        Effect::ExpiredPage,
        1,
    );
    let run = house.accept(1, RunKind::Initial).await;
    let ended = house.carry(run).await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Completed, 3 * 7));
    assert_eq!(ended.run.counters.read, 3 * 7, "nobody counts twice");
    assert_eq!(house.lines(run, tenants[0]).await.len(), 7);
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let (house, tenants) = customers().await;
    let empty = Match::route(Route::Users).tenant(tenants[0]).nth(2);
    house.microsoft.fake.faults().on(empty, Effect::EmptyPageWithNext, 1);
    let ended = house.run(1, RunKind::Initial).await;
    assert_eq!((ended.run.run_status, ended.run.counters.created), (RunStatus::Completed, 3 * 7));
}

#[tokio::test]
async fn a_row_that_comes_twice_counts_once() {
    let (house, tenants) = customers().await;
    house.microsoft.fake.faults().on(
        Match::route(Route::Users).tenant(tenants[0]).nth(1),
        Effect::RepeatedRow,
        1,
    );
    let ended = house.run(1, RunKind::Initial).await;
    assert_eq!((ended.run.counters.read, ended.run.counters.created), (3 * 7, 3 * 7));
}

#[tokio::test]
async fn a_bad_row_is_one_failed_line() {
    for (how, code) in [
        (BadRow::WrongTypes, "member_type"),
        (BadRow::WithoutId, "no_id"),
        (BadRow::IdNotGuid, "id_not_guid"),
        (BadRow::NotAnObject, "not_an_object"),
        (BadRow::TooLarge, "too_large"),
    ] {
        let (house, [customer, ..]) = customers().await;
        house.read_everybody().await;
        house.run(1, RunKind::Initial).await;
        somebody_leaves(&house, customer);
        let links = house.links(customer).await;
        let row = Match::route(Route::Users).tenant(customer).nth(2);
        house.microsoft.fake.faults().on(row, Effect::BadRow(how), 1);
        let run = house.accept(2, RunKind::AllTenants).await;
        let ended = house.carry(run).await;
        assert_eq!(ended.run.run_status, RunStatus::Completed, "{how:?}");
        let lines = house.lines(run, customer).await;
        let failed: Vec<_> = lines.iter().filter(|line| line.rule == Rule::BadRecord).collect();
        assert_eq!((failed.len(), ended.tenant(customer).counters.failed), (1, 1), "{how:?}");
        let told = matches!(&failed[0].action, Action::Fail { code: found } if found == code);
        assert!(told, "{how:?}: {:?}", failed[0]);
        // The row could be anybody, those who have left included.
        assert_eq!(house.links(customer).await, links, "{how:?}");
    }
}

#[tokio::test]
async fn a_read_that_looks_complete_but_is_empty_waits_for_an_operator() {
    let (house, [customer, ..]) = customers().await;
    house.read_everybody().await;
    house.run(1, RunKind::Initial).await;
    let links = house.links(customer).await;
    house.microsoft.fake.faults().on(Match::route(Route::Users).tenant(customer), Effect::EmptyAnswer, 2);
    for number in [2, 3] {
        let ended = house.run(number, RunKind::AllTenants).await;
        assert_eq!(ended.run.run_status, RunStatus::Held);
        let result = ended.tenant(customer);
        assert_eq!((result.tenant_status, result.counters.held), (TenantStatus::Held, 0));
        assert!(matches!(result.guard, Some(Guard::ShortRead { read: 0, .. })), "{:?}", result.guard);
        assert_eq!(house.links(customer).await, links);
    }
    assert_eq!(house.run(4, RunKind::AllTenants).await.run.run_status, RunStatus::Completed);
}

#[tokio::test]
async fn a_sign_in_that_is_revoked_on_the_way_halts_the_run_and_names_it_for_every_tenant_left() {
    let (house, tenants) = customers().await;
    // The first tenant gets its token; after that the partner's own authority refuses too.
    let revoked = Match::route(Route::Token).from(2);
    house.microsoft.fake.faults().on(revoked, Effect::aadsts(50173), None);
    let ended = house.run(1, RunKind::Initial).await;
    let halted = ended.run.halted.clone().expect("why the run was halted");
    assert_eq!((ended.run.run_status, halted.code.as_str()), (RunStatus::Partial, "sign_in_revoked"));
    assert_eq!((ended.run.total_tenants, ended.run.succeeded_tenants, ended.run.failed_tenants), (3, 1, 2));
    let failed: Vec<_> = ended.tenants.iter().filter_map(|result| result.failure.clone()).collect();
    assert_eq!(failed.len(), 2);
    for failure in failed {
        assert_told(&failure, "sign_in_revoked");
    }
    let done = tenants.iter().filter(|tenant| ended.tenant(**tenant).failure.is_none()).count();
    assert_eq!((done, ended.run.counters.created), (1, 7));
}

#[tokio::test]
async fn a_connection_that_is_refused_from_the_start_fails_the_run() {
    let (house, _) = customers().await;
    house.microsoft.fake.revoke_sign_ins();
    let ended = house.run(1, RunKind::Initial).await;
    assert_eq!((ended.run.run_status, ended.run.failed_tenants), (RunStatus::Failed, 3));
    assert_eq!(ended.tenants.len(), 3);
    for result in &ended.tenants {
        assert_told(result.failure.as_ref().unwrap(), "sign_in_revoked");
    }
    assert_eq!(house.dump().await.people().items.len(), 0);
}

#[tokio::test]
async fn a_refusal_that_only_one_customer_gives_does_not_halt_the_run() {
    let (house, [customer, others @ ..]) = customers().await;
    let refused = Match::route(Route::Token).tenant(customer);
    house.microsoft.fake.faults().on(refused, Effect::aadsts(50173), None);
    let ended = house.run(1, RunKind::Initial).await;
    assert_failed_alone(&ended, customer, &others, "customer_sign_in_rejected");
    assert_eq!(ended.run.halted, None);
}

#[tokio::test]
async fn a_workspace_that_was_disconnected_meanwhile_reads_nothing() {
    let (house, _) = customers().await;
    let run = house.accept(1, RunKind::Initial).await;
    let connection = house.store.connection(WORKSPACE).await.unwrap().unwrap();
    let gone = Connection { connection_status: ConnectionStatus::Disconnected, ..connection.clone() };
    assert!(house.store.put_connection(WORKSPACE, Some(&connection), &gone).await.unwrap());
    house.microsoft.fake.reset_requests();
    let ended = house.carry(run).await;
    assert_eq!((ended.run.run_status, ended.tenants.len()), (RunStatus::Failed, 3));
    assert_told(ended.run.halted.as_ref().unwrap(), "not_connected");
    for result in &ended.tenants {
        assert_told(result.failure.as_ref().unwrap(), "not_connected");
    }
    assert_eq!(house.microsoft.fake.requests().total(), 0);
}

#[tokio::test]
async fn a_run_without_tenants_has_nothing_to_do() {
    let microsoft = Arc::new(Microsoft::plain(&[3], PAGE_SIZE).await);
    let house = House::new(&microsoft).await;
    let ended = house.run(1, RunKind::AllTenants).await;
    assert_eq!((ended.run.run_status, ended.tenants.len()), (RunStatus::NothingToDo, 0));
}

#[tokio::test]
async fn a_customer_without_people_completes() {
    let microsoft = Arc::new(Microsoft::plain(&[0], PAGE_SIZE).await);
    let house = House::new(&microsoft).await;
    let tenant = microsoft.tenant(0).id;
    house.map(tenant, house.client(1).await).await;
    let ended = house.run(1, RunKind::AllTenants).await;
    assert_eq!((ended.run.run_status, ended.tenant(tenant).pages), (RunStatus::Completed, 0));
}

#[tokio::test]
async fn a_cancelled_run_stops_after_the_page_it_is_at() {
    let (house, _) = customers().await;
    let run = house.accept(1, RunKind::Initial).await;
    let (gate, http) = Gate::at(Stop::AfterPage, &house.engine);
    let worker = house.worker_over(http);
    let cancelled = async {
        gate.arrived().await;
        assert!(house.store.cancel_run(WORKSPACE, run.run_id).await.unwrap());
        gate.open();
    };
    let (carried, ()) = tokio::join!(worker.carry(run), cancelled);
    carried.unwrap();
    let ended = house.ended(run).await;
    assert_eq!(
        (ended.run.run_status, ended.run.counters.created),
        (RunStatus::Cancelled, u64::from(PAGE_SIZE))
    );
    assert!(ended.tenants.iter().all(|result| result.tenant_status == TenantStatus::Cancelled));
    house.dump().await.assert_sound("the cancelled run");

    let again = house.run(2, RunKind::Initial).await;
    assert_eq!(again.run.run_status, RunStatus::Completed);
    assert_eq!(again.run.counters.created + again.run.counters.unchanged, 3 * 7);
    house.dump().await.assert_sound("the run after it");
}

/// Three customers with seven people each, every one at a client of its own.
pub(crate) async fn customers() -> (House, [EntraTenantId; 3]) {
    customers_of(Microsoft::plain(&[PEOPLE; 3], PAGE_SIZE).await).await
}

pub(crate) async fn customers_of(microsoft: Microsoft) -> (House, [EntraTenantId; 3]) {
    let microsoft = Arc::new(microsoft);
    let house = House::new(&microsoft).await;
    house.every_field().await;
    let tenants = [0, 1, 2].map(|number| microsoft.tenant(number).id);
    for (number, tenant) in (1..).zip(tenants) {
        house.map(tenant, house.client(number).await).await;
    }
    (house, tenants)
}

/// Lets no second page of the customer be read; a listing that begins again gets its first one.
fn break_every_second_page(house: &House, tenant: EntraTenantId, effect: &Effect) {
    let pages = Match::route(Route::Users).tenant(tenant);
    let faults = house.microsoft.fake.faults();
    if matches!(effect, Effect::ExpiredPage) {
        for second in [2, 4, 6, 8] {
            faults.on(pages.nth(second), effect.clone(), None);
        }
    } else {
        faults.on(pages.from(2), effect.clone(), None);
    }
}

/// Somebody of the first and somebody of the last directory page leaves; who.
pub(crate) fn somebody_leaves(house: &House, tenant: EntraTenantId) -> (String, String) {
    let [first, last] = [1, PEOPLE as usize - 1].map(|number| house.microsoft.employee(tenant, number));
    for user in [&first, &last] {
        house.microsoft.world().remove_user(tenant, user.id).unwrap();
    }
    (first.user_principal_name, last.user_principal_name)
}

pub(crate) async fn active(house: &House, tenant: EntraTenantId) -> usize {
    house.links(tenant).await.iter().filter(|link| link.active && link.missing == 0).count()
}

#[track_caller]
pub(crate) fn assert_failed_alone(
    ended: &Ended,
    tenant: EntraTenantId,
    others: &[EntraTenantId],
    code: &str,
) {
    assert_eq!(ended.run.run_status, RunStatus::Partial, "{code}");
    let result = ended.tenant(tenant);
    assert_eq!(result.tenant_status, TenantStatus::Failed, "{code}");
    assert_told(result.failure.as_ref().unwrap(), code);
    for other in others {
        assert_eq!(ended.tenant(*other).tenant_status, TenantStatus::Completed, "{code}");
    }
    let (succeeded, failed) = (ended.run.succeeded_tenants, ended.run.failed_tenants);
    assert_eq!((succeeded as usize, failed), (others.len(), 1), "{code}");
}

/// A stable code, what happened, and what to do.
#[track_caller]
fn assert_told(failure: &TenantFailure, code: &str) {
    assert_eq!(failure.code, code);
    for text in [&failure.message, &failure.remedy] {
        assert!(text.len() > 10 && text.ends_with('.'), "{code}: {text}");
    }
}
