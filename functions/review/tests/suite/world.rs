//! A workspace with one tenant mapped to a client, another client, and an operator.

use std::sync::Arc;

use ambient::{Clock, SeededEntropy, VirtualClock};
use aws_sdk_dynamodb::config::SharedHttpClient;
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::{
    contact::{Client, Contact, ContactValues},
    ids::{
        ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, ManagedTenantId, MappingId,
        ReviewItemId, UserId, WorkspaceId,
    },
    mapping::{ActiveDecision, Decision, MAPPING_RECORD_FORMAT, MappingRecord},
};
use edge::{Caller, CallerKind, Edition, Permission, ServiceEdition, finish};
use embedded::Engine;
use http_body_util::BodyExt;
use jiff::SignedDuration;
use review::{Review, routes};
use serde_json::{Value, json};
use store::{ClientScope, ContactInput, Store, SyncSettings, Upserted, client_over, probe::Probe};
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(0xA0));
pub(crate) const CLIENT: ClientId = ClientId::new(Uuid::from_u128(0xC1));
pub(crate) const OTHER_CLIENT: ClientId = ClientId::new(Uuid::from_u128(0xC2));
pub(crate) const TENANT: EntraTenantId = EntraTenantId::new(Uuid::from_u128(0xE1));
pub(crate) const USER: UserId = UserId::new(Uuid::from_u128(0xD1));
pub(crate) const BASE: &str = "/api/integrations/entra/reconciliation-queue";

pub(crate) struct World {
    pub(crate) review: Arc<Review>,
    pub(crate) clock: VirtualClock,
    pub(crate) probe: Probe,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn data(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body["data"].clone()
    }

    pub(crate) fn refused(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }
}

pub(crate) fn managed() -> ManagedTenantId {
    ManagedTenantId::derived(WORKSPACE, TENANT)
}

pub(crate) fn object(person: u128) -> EntraObjectId {
    EntraObjectId::new(Uuid::from_u128(0xB0_0000 + person))
}

pub(crate) fn contact_id(number: u128) -> ContactId {
    ContactId::new(Uuid::from_u128(0xF0_0000 + number))
}

pub(crate) fn item_id(person: u128) -> ReviewItemId {
    ReviewItemId::derived(WORKSPACE, Identity { tenant: TENANT, object: object(person) })
}

impl World {
    /// Every overwrite rule that could take an address away is on.
    pub(crate) async fn new() -> Self {
        let (probe, http) = Probe::around(SharedHttpClient::new(Engine::in_memory().unwrap()));
        let store = Store::new(client_over(http), "contacts");
        store.create_table_if_absent().await.unwrap();
        let clock = VirtualClock::starting_at("2026-03-01T08:00:00Z".parse().unwrap());
        let entropy = Arc::new(SeededEntropy::new(7));
        let review = Arc::new(Review { store, clock: Arc::new(clock.clone()), entropy });
        let world = Self { review, clock, probe };
        for client in [CLIENT, OTHER_CLIENT] {
            let (name, website) = (format!("Client {client}"), None);
            let client = Client { id: client, name, website, secondary_domains: Vec::new(), inactive: false };
            world.store().upsert_client(WORKSPACE, &client).await.unwrap();
        }
        let fields = json!({ "displayName": true, "email": true, "role": true });
        let settings = SyncSettings { field_sync_config: fields, ..SyncSettings::default() };
        world.store().put_settings(WORKSPACE, &settings).await.unwrap();
        world.map(CLIENT).await;
        world
    }

    pub(crate) fn store(&self) -> &Store {
        &self.review.store
    }

    /// Maps the tenant to a client.
    pub(crate) async fn map(&self, client: ClientId) {
        let before = self.store().mapping(WORKSPACE, managed()).await.unwrap();
        let record = MappingRecord {
            format: MAPPING_RECORD_FORMAT,
            managed_tenant: managed(),
            current: ActiveDecision {
                mapping_id: MappingId::new(Uuid::from_u128(client.uuid().as_u128() + 1)),
                decision: Decision::Mapped { client },
                confidence: None,
                decided_by: None,
                decided_at: self.clock.now(),
            },
            history: Vec::new(),
        };
        assert!(self.store().put_mapping(WORKSPACE, before.as_ref(), &record).await.unwrap());
    }

    /// A contact that the PSA has.
    pub(crate) async fn contact(&self, number: u128, name: &str, email: &str) {
        self.contact_of(CLIENT, number, name, &[email]).await;
    }

    /// A contact of any client; the addresses after the first are additional ones.
    pub(crate) async fn contact_of(&self, client: ClientId, number: u128, name: &str, emails: &[&str]) {
        let mut emails = emails.iter().map(|email| email.parse().unwrap());
        let values =
            ContactValues { full_name: name.to_owned(), email: emails.next(), ..ContactValues::default() };
        let input = ContactInput {
            id: contact_id(number),
            client,
            values,
            additional_emails: emails.collect(),
            inactive: false,
            protected: None,
            protected_fields: None,
            unsaid: [].into(),
            account: store::SaidAccount::Unsaid,
        };
        let upserted = self.store().upsert_contact(WORKSPACE, &input).await.unwrap();
        assert!(matches!(upserted, Upserted::Created | Upserted::Updated));
    }

    pub(crate) async fn contacts(&self) -> Vec<Contact> {
        let mut contacts = Vec::new();
        for client in [CLIENT, OTHER_CLIENT] {
            let scope = ClientScope::new(WORKSPACE, client);
            contacts.extend(self.store().contacts_of_client(scope).await.unwrap());
        }
        contacts
    }

    /// The contact a person is linked to, when the contact says so, too.
    pub(crate) async fn linked(&self, person: u128) -> Option<Contact> {
        let links = self.store().links(WORKSPACE, TENANT).await.unwrap();
        let link = links.into_iter().find(|link| link.identity.object == object(person) && link.active)?;
        let contact = self.contacts().await.into_iter().find(|contact| contact.id == link.contact).unwrap();
        assert_eq!(
            contact.entra.as_ref().map(|stamp| stamp.identity),
            Some(link.identity),
            "stamped at once"
        );
        Some(contact)
    }

    pub(crate) fn later(&self) {
        self.clock.advance(SignedDuration::from_mins(10));
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None, Some(caller(&[Permission::Read]))).await
    }

    pub(crate) async fn link(&self, person: u128, contact: ContactId) -> Answer {
        let body = json!({ "queueItemId": item_id(person), "contactNameId": contact });
        self.post("/resolve-existing", body).await
    }

    pub(crate) async fn create(&self, person: u128) -> Answer {
        self.post("/resolve-new", json!({ "queueItemId": item_id(person) })).await
    }

    pub(crate) async fn dismiss(&self, person: u128) -> Answer {
        self.post("/dismiss", json!({ "queueItemId": item_id(person), "reason": "a test account" })).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, Some(body), Some(caller(&Permission::ALL))).await
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        caller: Option<Caller>,
    ) -> Answer {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .extension(ServiceEdition(Edition::Enterprise));
        if let Some(caller) = caller {
            request = request.extension(caller);
        }
        let router = finish(routes::router(Arc::clone(&self.review)));
        let (parts, body) = router.oneshot(request.body(body).unwrap()).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, body: serde_json::from_slice(&bytes).unwrap() }
    }
}

pub(crate) fn caller(permissions: &[Permission]) -> Caller {
    Caller {
        workspace: WORKSPACE,
        user: Some(USER),
        kind: CallerKind::Internal,
        permissions: permissions.iter().map(|permission| permission.name().to_owned()).collect(),
        edition: Edition::Enterprise,
    }
}
