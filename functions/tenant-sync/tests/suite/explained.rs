//! An explanation is what a preview plans: for everybody, line by line, and nothing is written by it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use ambient::Clock;
use async_trait::async_trait;
use directory::{Directories, Directory, ReadError};
use domain::{
    explain::Outcome,
    fields::{Field, Origin, Verdict},
    ids::{EntraObjectId, EntraTenantId, WorkspaceId},
    plan::{Action, Line},
    policy::Share,
    run::RunKind,
};
use fake_microsoft::{Effect, FaultBody, Match, Route, WorldConfig};
use serde_json::json;
use store::{ClientOverrides, ContactInput, SyncSettings};
use sync::{Explain, Explained, ExplainedView, NotExplained, PersonKey};

use crate::{
    customer::Customer,
    house::{House, WORKSPACE, managed},
    microsoft::Microsoft,
};

impl House {
    fn explaining(&self) -> Explain {
        Explain {
            store: self.store.read_only(),
            directories: Arc::new(self.microsoft.directories(self.store.clone(), &self.clock)),
            clock: Arc::new(self.clock.clone()) as Arc<dyn Clock>,
            patience: sync::PATIENCE,
        }
    }

    async fn explain(&self, tenant: EntraTenantId, who: &str) -> Result<Explained, NotExplained> {
        self.explaining().person(WORKSPACE, managed(tenant), &who.into()).await
    }
}

#[tokio::test]
async fn everybody_is_explained_as_a_preview_plans_them() {
    let (house, tenants) = messy().await;
    let first = preview_and_explain(&house, &tenants, 1).await;
    for outcome in ["Created", "Excluded", "Linked", "Review"] {
        assert!(first.contains_key(outcome), "{outcome}: {first:?}");
    }
    house.run(2, RunKind::Initial).await;
    things_happen(&house, tenants[0]);
    let later = preview_and_explain(&house, &tenants, 3).await;
    for outcome in ["Unchanged", "Updated", "Inactivated", "Excluded", "Created"] {
        assert!(later.contains_key(outcome), "{outcome}: {later:?}");
    }
}

/// Previews, and explains everybody who is, or was, in the directories; how often each outcome was met.
async fn preview_and_explain(
    house: &House,
    tenants: &[EntraTenantId],
    number: u64,
) -> BTreeMap<String, usize> {
    let preview = house.accept(number, RunKind::Preflight).await;
    house.carry(preview).await;
    let before = house.dump().await;
    let explaining = house.explaining();
    let mut outcomes = BTreeMap::new();
    for tenant in tenants {
        let mut planned: BTreeMap<EntraObjectId, Vec<Line>> = BTreeMap::new();
        for line in house.lines(preview, *tenant).await {
            planned.entry(line.object).or_default().push(line);
        }
        let linked = house.links(*tenant).await.into_iter().map(|link| link.identity.object);
        let present = house.microsoft.world().users(*tenant).into_iter().map(|user| user.id);
        let mut people: Vec<EntraObjectId> = present.chain(linked).collect();
        people.sort_unstable();
        people.dedup();
        assert!(people.len() > 20);
        for person in people {
            let key = PersonKey::Object(person);
            let explained = explaining.person(WORKSPACE, managed(*tenant), &key).await.unwrap();
            let lines = planned.remove(&person).unwrap_or_default();
            let explanation = explained.explanation;
            assert_eq!(explanation.lines, lines, "{explanation}");
            *outcomes.entry(format!("{:?}", explanation.outcome)).or_default() += 1;
        }
        assert!(planned.is_empty(), "{planned:?}");
    }
    house.dump().await.assert_same(&before, "explaining");
    outcomes
}

/// What may happen between two syncs: people are blocked, leave, come, change, and are edited.
fn things_happen(house: &House, tenant: EntraTenantId) {
    let microsoft = &house.microsoft;
    microsoft.edit(tenant, &microsoft.employee(tenant, 0), |user| user.account_enabled = false);
    microsoft.edit(tenant, &microsoft.employee(tenant, 2), |user| {
        user.job_title = Some("Head of Everything".to_owned());
    });
    microsoft.world().remove_user(tenant, microsoft.employee(tenant, 4).id).unwrap();
    microsoft.hire(tenant, 77, "Nora New", "nora.new@fabrikam.example", |_| {});
    microsoft.hire(tenant, 78, "Backup", "svc-backup@fabrikam.example", |_| {});
}

#[tokio::test]
async fn a_person_is_found_by_object_id_sign_in_name_and_the_address_of_the_contact() {
    let mut customer = Customer::new().await;
    customer.hire(9, "Lena Berg", "lena.berg", |user| {
        user.user_principal_name = user.user_principal_name.replace("lena.berg", "lberg");
    });
    customer.sync().await;
    let object = customer.line("Lena Berg").await.object.to_string();
    for who in [object, customer.at("lberg"), customer.at("LBERG"), customer.at("lena.berg")] {
        let explained = customer.house.explain(customer.tenant, &who).await.unwrap();
        assert_eq!(explained.explanation.label, "Lena Berg", "{who}");
        assert_eq!(explained.explanation.outcome, Outcome::Unchanged, "{who}");
        assert!(explained.in_directory);
        assert_eq!(explained.client.1.as_deref(), Some("Client 1"));
        // The first sync made the contact, and its run is named as the writer of every field.
        let Some(told) = explained.last else { panic!("the sync said something") };
        assert!(matches!(told.line.action, Action::Create { .. }));
        assert!(!explained.writers.is_empty());
        assert!(explained.writers.iter().all(|writer| writer.run_id == told.run));
    }
}

#[tokio::test]
async fn somebody_new_is_found_by_any_address_although_nobody_signs_in_with_it() {
    let customer = Customer::new().await;
    let (desk, berg) = (customer.at("desk"), customer.at("lena.berg"));
    customer.hire(9, "Lena Berg", "lena.berg", |user| {
        user.user_principal_name = user.user_principal_name.replace("lena.berg", "lberg");
        user.proxy_addresses = Some(vec![format!("smtp:{desk}")]);
    });
    for who in [berg, desk] {
        let explained = customer.house.explain(customer.tenant, &who).await.unwrap();
        assert_eq!(explained.explanation.label, "Lena Berg", "{who}");
        assert_eq!(explained.explanation.outcome, Outcome::Created, "{who}");
    }
}

#[tokio::test]
async fn somebody_who_has_left_is_explained_by_any_name() {
    let mut customer = Customer::new().await;
    customer.sync().await;
    let person = customer.person(0);
    customer.leaves(person.id);
    let before = customer.house.dump().await;
    for who in [person.id.to_string(), person.mail.unwrap()] {
        let explained = customer.house.explain(customer.tenant, &who).await.unwrap();
        assert!(!explained.in_directory);
        assert_eq!(explained.explanation.outcome, Outcome::Grace, "{}", explained.explanation);
        assert!(matches!(explained.explanation.lines[0].action, Action::NoteMissing { times: 1, .. }));
    }
    customer.house.dump().await.assert_same(&before, "explaining");
}

#[tokio::test]
async fn who_cannot_be_explained_is_told_why() {
    let customer = Customer::new().await;
    let (house, tenant) = (&customer.house, customer.tenant);
    let code = async |who: &str| {
        let error = house.explain(tenant, who).await.unwrap_err();
        edge::ApiError::from(error).code
    };
    assert_eq!(code("nobody@nowhere.example").await, "unknown_person");
    assert_eq!(code("no address at all").await, "unknown_person");
    assert_eq!(code("00000000-0000-4000-8000-000000000001").await, "unknown_person");
    let person = customer.person(0).id.to_string();
    let faults = house.microsoft.fake.faults();
    let users = Match::route(Route::User).tenant(tenant);
    let reads = faults.on(users, Effect::status(403), None);
    assert_eq!(code(&person).await, "role_missing");
    assert_eq!(faults.fired(reads), 1);
    // The tenant proves itself first: nothing is read of one that turns out to be another.
    faults.on(Match::route(Route::Organization).tenant(tenant), Effect::WrongTenant, None);
    assert_eq!(code(&person).await, "tenant_mismatch");
    assert_eq!(faults.fired(reads), 1, "no user was asked for");
    faults.clear();
    let other = house.microsoft.world().partner().id;
    let error = house.explaining().person(WORKSPACE, managed(other), &person.as_str().into()).await;
    assert!(matches!(error, Err(NotExplained::UnknownTenant)));
}

/// A directory that is not heard of.
struct Silent;

#[async_trait]
impl Directories for Silent {
    async fn of(&self, _workspace: WorkspaceId) -> Result<Arc<dyn Directory>, ReadError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_not_waited_for_longer_than_a_request_lasts() {
    let customer = Customer::new().await;
    let patience = Duration::from_millis(20);
    let explaining = Explain { directories: Arc::new(Silent), patience, ..customer.house.explaining() };
    let person = customer.person(0).id.to_string();
    let error = explaining.person(WORKSPACE, managed(customer.tenant), &person.as_str().into()).await;
    let told = edge::ApiError::from(error.unwrap_err());
    assert_eq!((told.status.as_u16(), told.code), (503, "directory_slow"));
    assert!(sync::PATIENCE < Duration::from_secs(30), "the gateway gives up then");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_as_such() {
    let customer = Customer::new().await;
    let (house, tenant, person) = (&customer.house, customer.tenant, customer.person(0).id);
    let body = FaultBody::Text(format!(r#"{{"id":"{person}","displayName":{{"text":"none"}}}}"#));
    let spoiled = Effect::Status { status: 200, retry_after: None, body };
    house.microsoft.fake.faults().on(Match::route(Route::User).tenant(tenant), spoiled, None);
    let error = house.explain(tenant, &person.to_string()).await.unwrap_err();
    assert_eq!(edge::ApiError::from(error).code, "record_unreadable");
}

#[tokio::test]
async fn what_waits_for_an_operator_is_told_with_its_run() {
    let mut customer = Customer::new().await;
    let mut settings = SyncSettings::default();
    settings.limits.creations = Share { count: 0, percent: 0 };
    customer.house.settings(settings).await;
    customer.sync().await;
    customer.hire(9, "Lena Berg", "lena.berg", |_| {});
    customer.sync().await;
    let line = customer.line("Lena Berg").await;
    assert!(matches!(line.action, Action::Stage { .. }));
    let explained = customer.house.explain(customer.tenant, &customer.at("lena.berg")).await.unwrap();
    assert_eq!(explained.explanation.outcome, Outcome::Held);
    assert_eq!(explained.explanation.lines, [line]);
    let run = explained.last.as_ref().unwrap().run;
    assert!(explained.to_string().contains(&format!("runs allow {run}")), "{explained}");
}

#[tokio::test]
async fn an_explanation_shows_no_value_that_is_hidden() {
    for is_hidden in [false, true] {
        let mut customer = Customer::new().await;
        let mut settings =
            SyncSettings { field_sync_config: json!({ "role": true }), ..SyncSettings::default() };
        if is_hidden {
            settings.hidden_fields = [Field::Role].into_iter().collect();
        }
        customer.house.settings(settings).await;
        let person = customer.hire(9, "Lena Berg", "lena.berg", |user| {
            user.job_title = Some("MARKER of before".to_owned());
        });
        customer.sync().await;
        customer.change(person.id, |user| user.job_title = Some("MARKER now".to_owned()));
        let explained = customer.house.explain(customer.tenant, &customer.at("lena.berg")).await.unwrap();
        let view = ExplainedView::from(&explained);
        let shown = format!("{} {}", serde_json::to_string(&view).unwrap(), view.text);
        assert_eq!(shown.contains("MARKER"), !is_hidden, "{shown}");
        assert_eq!(view.outcome, Outcome::Updated);
        let role = view.fields.iter().find(|field| field.story.field == Field::Role).unwrap();
        assert_eq!(role.story.verdict, domain::fields::Verdict::Written);
    }
}

#[tokio::test]
async fn that_a_whole_read_saw_more_than_one_person_is_said() {
    let mut customer = Customer::new().await;
    let shared = customer.at("desk");
    for (number, name) in [(8, "Lena Berg"), (9, "Ola Nord")] {
        let mail = shared.clone();
        customer.hire(number, name, &format!("person{number}"), |user| user.mail = Some(mail));
    }
    let preview = customer.house.accept(50, RunKind::Preflight).await;
    customer.house.carry(preview).await;
    let asked = customer.line("Ola Nord").await;
    assert!(matches!(asked.action, Action::Review { .. }));
    let explained = customer.house.explain(customer.tenant, &asked.object.to_string()).await.unwrap();
    assert_eq!(explained.explanation.outcome, Outcome::Created, "alone, there is no question");
    let view = ExplainedView::from(&explained);
    assert!(view.note.unwrap().contains("somebody else with the same address"));
    assert_eq!(view.last.unwrap().line.action, "review");
    // Once the address has an owner, one person alone is enough to see it.
    customer.sync().await;
    let explained = customer.house.explain(customer.tenant, &asked.object.to_string()).await.unwrap();
    assert_eq!(explained.explanation.outcome, Outcome::Review);
    assert_eq!(ExplainedView::from(&explained).note, None);
}

#[tokio::test]
async fn a_value_is_told_with_the_run_that_wrote_it_and_the_edit_since() {
    let mut customer = Customer::new().await;
    customer.house.every_field().await;
    customer.hire(9, "Lena Berg", "lena.berg", |user| user.job_title = Some("Dentist".to_owned()));
    customer.sync().await;
    let first = customer.house.store.runs(WORKSPACE, None, 1).await.unwrap().remove(0).id;
    let lena = customer.house.one_contact(customer.client, &customer.at("lena.berg")).await;
    let mut edited = ContactInput {
        id: lena.id,
        client: lena.client,
        values: lena.values,
        additional_emails: Vec::new(),
        inactive: false,
        protected: None,
        protected_fields: None,
        unsaid: BTreeSet::new(),
        account: store::SaidAccount::Unsaid,
    };
    edited.values.role = Some("Boss".to_owned());
    customer.house.edit(&edited).await;
    let explained = customer.house.explain(customer.tenant, &customer.at("lena.berg")).await.unwrap();
    let view = ExplainedView::from(&explained);
    for field in &view.fields {
        let is_role = field.story.field == Field::Role;
        let (origin, verdict) =
            if is_role { (Origin::Edited, Verdict::NotLookedAt) } else { (Origin::Synced, Verdict::Same) };
        assert_eq!((field.origin, field.story.verdict), (origin, verdict), "{field:?}");
        assert_eq!(field.written_by.map(|writer| writer.run_id), Some(first), "{field:?}");
    }
    assert!(view.text.contains("role: edited by somebody since the run of"), "{}", view.text);
    assert!(view.text.contains("e-mail: written by the run of"), "{}", view.text);
}

#[tokio::test]
async fn the_rules_of_the_client_hold() {
    let customer = Customer::new().await;
    customer.hire(9, "Lena Berg", "lena.berg", |_| {});
    let person = customer.at("lena.berg");
    let explain =
        async || customer.house.explain(customer.tenant, &person).await.unwrap().explanation.outcome;
    assert_eq!(explain().await, Outcome::Created);
    let mut overrides = ClientOverrides::default();
    overrides.scope.exclude_patterns = Some(vec!["^lena".to_owned()]);
    customer.house.store.put_overrides(WORKSPACE, customer.client, &overrides).await.unwrap();
    assert_eq!(explain().await, Outcome::Excluded);
}

/// Two messy customers and the contacts their PSA has.
async fn messy() -> (House, Vec<EntraTenantId>) {
    let microsoft = Arc::new(Microsoft::serving(WorldConfig::sample(11, &[45, 30]), 12).await);
    let house = House::new(&microsoft).await;
    house.every_field().await;
    let tenants: Vec<EntraTenantId> = microsoft.world().tenants().iter().map(|tenant| tenant.id).collect();
    for (number, (tenant, seed)) in (0_u128..).zip(tenants.iter().zip(microsoft.world().psa_seed())) {
        let client = house.client(number + 1).await;
        for (place, contact) in (number * 1_000..).zip(&seed.contacts) {
            house.contact(client, place, &contact.full_name, &contact.email).await;
        }
        house.map(*tenant, client).await;
    }
    // Somebody whose address a contact of a third client has.
    let (third, address) = (house.client(9).await, "shared.desk@fabrikam.example");
    house.contact(third, 90_000, "The Other Desk", address).await;
    microsoft.hire(tenants[1], 70, "Shared Desk", address, |_| {});
    (house, tenants)
}
