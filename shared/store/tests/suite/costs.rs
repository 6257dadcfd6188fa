//! What each access pattern costs, counted in calls between the SDK and the table.

use domain::{
    flags::Feature,
    plan::{Action, LINES_PER_PAGE_MAX, Rule},
    scope::Exclusion,
};
use store::{Ground, Settled, probe::Probe};

use super::{
    backend::{Backend, Table},
    leases::progress,
    make::{
        MANAGED, TENANT, WORKSPACE, address, apply, at, client, connection, contact, input, line, page, run,
        run_id, scope,
    },
    plans::stored,
    runs::{failure, target, tenant_run},
    workspace::{discovery_report, managed_tenant, mapping_record, pending_login, sync_settings},
    world::{cases, creation, everything, question, world},
};

/// Does `work` and answers the calls it made, by operation.
async fn calls<T>(probe: &Probe, work: impl Future<Output = T>) -> String {
    probe.reset();
    work.await;
    let calls = probe.counts().calls.into_iter().map(|(operation, calls)| format!("{operation} {calls}"));
    calls.collect::<Vec<_>>().join(", ")
}

pub(crate) async fn applying_costs(backend: &Backend) {
    for case in cases() {
        let table = world(backend).await;
        let made = calls(&table.probe, apply(&table.store, &page(vec![case.line]))).await;
        assert_eq!(made, case.calls, "{}", case.name);
        assert_eq!(table.probe.counts().writes, case.writes, "{}", case.name);
    }
    let table = world(backend).await;
    let made = calls(&table.probe, apply(&table.store, &everything())).await;
    assert_eq!(made, "BatchGetItem 1, PutItem 19, TransactWriteItems 1, UpdateItem 10");

    let left_out =
        |person| line(person, Rule::Scope, Action::Exclude { reason: Exclusion::Guest, detail: None });
    let many = u32::try_from(LINES_PER_PAGE_MAX).unwrap();
    let unchanged = page((0..many).map(left_out).collect());
    assert_eq!(calls(&table.probe, apply(&table.store, &unchanged)).await, "");
    let first = page((100..100 + many).map(creation).collect());
    assert_eq!(calls(&table.probe, apply(&table.store, &first)).await, "PutItem 1500");
}

pub(crate) async fn repositories_cost(backend: &Backend) {
    let table = backend.table().await;
    workspace_patterns(&table).await;
    run_patterns(&table).await;
    tenant_patterns(&table).await;
    contact_patterns(&table).await;
}

/// Asserts what each of some calls costs, in their order.
macro_rules! cost {
    ($table:expr; $($what:ident($($argument:expr),*) => $expected:literal;)*) => {
        $(
            let work = async { $table.store.$what($($argument),*).await.unwrap() };
            assert_eq!(calls(&$table.probe, work).await, $expected, stringify!($what));
        )*
    };
}

async fn workspace_patterns(table: &Table) {
    let (first, second) = (connection(1), connection(2));
    let (decided, changed) = (mapping_record(0), mapping_record(1));
    cost! { table;
        connection(WORKSPACE) => "GetItem 1";
        put_connection(WORKSPACE, None, &first) => "PutItem 1";
        put_connection(WORKSPACE, Some(&first), &first) => "PutItem 1";
        put_connection(WORKSPACE, Some(&first), &second) => "PutItem 2";
        begin_login(WORKSPACE, "hash", &pending_login()) => "PutItem 1";
        take_login(WORKSPACE, "hash") => "GetItem 1, UpdateItem 1";
        take_login(WORKSPACE, "hash") => "GetItem 1";
        settings(WORKSPACE) => "GetItem 1";
        feature_is_on(WORKSPACE, Feature::Ui) => "GetItem 1";
        put_settings(WORKSPACE, &sync_settings()) => "PutItem 1";
        managed_tenants(WORKSPACE) => "Query 1";
        managed_tenant(WORKSPACE, MANAGED) => "GetItem 1";
        put_managed_tenant(WORKSPACE, &managed_tenant()) => "PutItem 1";
        put_discovery(WORKSPACE, &discovery_report()) => "PutItem 1";
        discovery(WORKSPACE) => "GetItem 1";
        last_discovery(WORKSPACE) => "GetItem 1";
        mappings(WORKSPACE) => "Query 1";
        mapping(WORKSPACE, MANAGED) => "GetItem 1";
        put_mapping(WORKSPACE, None, &decided) => "PutItem 1";
        put_mapping(WORKSPACE, Some(&decided), &changed) => "PutItem 1";
        clients(WORKSPACE) => "Query 1";
        client_by_id(WORKSPACE, client(1).id) => "GetItem 1";
        upsert_client(WORKSPACE, &client(1)) => "GetItem 1, PutItem 1";
        upsert_client(WORKSPACE, &client(1)) => "GetItem 1";
    }
}

async fn run_patterns(table: &Table) {
    let targets: Vec<_> = (0..500).map(target).collect();
    let id = run_id(1);
    cost! { table;
        create_run(&run(id)) => "PutItem 1";
        run(WORKSPACE, id) => "GetItem 1";
        runs(WORKSPACE, None, 10) => "Query 1";
        begin_run(WORKSPACE, id, &targets, &store::Overrides::new(), None) => "PutItem 1, UpdateItem 1";
        targets(WORKSPACE, id) => "Query 1";
        note_execution(WORKSPACE, id, "arn:execution") => "UpdateItem 1";
        cancel_run(WORKSPACE, id) => "UpdateItem 1";
        halt_run(WORKSPACE, id, &failure("x")) => "UpdateItem 1";
        put_tenant_run(WORKSPACE, id, &tenant_run(1)) => "PutItem 1";
        tenant_runs(WORKSPACE, id) => "Query 1";
        finish_run(&run(id)) => "UpdateItem 1";
    }
}

async fn tenant_patterns(table: &Table) {
    let taken = table.store.acquire(WORKSPACE, MANAGED, run_id(1), at(0)).await.unwrap();
    let (lease, _) = taken.unwrap();
    let page = stored(1, everything());
    cost! { table;
        acquire(WORKSPACE, MANAGED, run_id(2), at(1)) => "UpdateItem 1";
        acquire(WORKSPACE, super::runs::target(1).tenant, run_id(1), at(0)) => "UpdateItem 1";
        checkpoint(WORKSPACE, MANAGED, lease, &progress(run_id(1), 1), at(1)) => "UpdateItem 1";
        release_tenant(WORKSPACE, MANAGED, lease, None) => "UpdateItem 1";
        end_tenant(WORKSPACE, run_id(2), lease, &tenant_run(1), Settled::Everybody(&Ground::default())) => "TransactWriteItems 1";
        tenant_states(WORKSPACE, &[MANAGED]) => "BatchGetItem 1";
        put_page(WORKSPACE, run_id(1), MANAGED, lease, &page, (at(1), 1)) => "TransactWriteItems 1";
        pages(WORKSPACE, run_id(1), MANAGED, 0, 1) => "Query 1";
        put_stale_lines(WORKSPACE, run_id(1), MANAGED, 1, &[], 1) => "PutItem 1";
        stale_lines(WORKSPACE, run_id(1), MANAGED) => "Query 1";
        inventory(WORKSPACE, TENANT) => "Query 1";
        links(WORKSPACE, TENANT) => "Query 1";
    }
}

async fn contact_patterns(table: &Table) {
    apply(&table.store, &super::make::page(vec![question(1)])).await;
    let mut person = input(1, "a");
    person.additional_emails = vec![address("b")];
    let moved = store::ContactInput { values: super::make::values("c"), ..person.clone() };
    cost! { table;
        upsert_contact(WORKSPACE, &input(2, "z")) => "GetItem 1, PutItem 2";
        upsert_contact(WORKSPACE, &input(2, "z")) => "GetItem 1";
        upsert_contact(WORKSPACE, &person) => "BatchGetItem 1, GetItem 1, PutItem 3";
        upsert_contact(WORKSPACE, &moved) => "BatchGetItem 1, GetItem 1, PutItem 3, UpdateItem 1";
        contacts(scope(), &(0..100).map(contact).collect()) => "BatchGetItem 1";
        contacts(scope(), &(0..101).map(contact).collect()) => "BatchGetItem 2";
        contacts(scope(), &[].into()) => "";
        contacts_of_client(scope()) => "Query 1";
        contacts_page(scope(), None, 10) => "Query 1";
        owners(WORKSPACE, &[address("a")].into()) => "BatchGetItem 1";
        open_reviews(WORKSPACE, 10) => "Query 1";
    }
}
