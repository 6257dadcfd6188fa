//! The CIPP connection against the fake deployment, and its client against names that lie.

use std::{
    collections::BTreeSet,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ambient::{Clock, SeededEntropy, VirtualClock};
use async_trait::async_trait;
use directory::{
    CippAccess, CippBase, CippCredential, CippDirectory, CippHttp, CippSettings, Code, Cursor, Directory,
    ErrorClass, GraphSettings, UserKey,
    cipp::{Destinations, Lookup},
    protocol::token::AppCredentials,
};
use domain::{
    ids::{EntraObjectId, EntraTenantId, GroupId},
    user::DirectoryUser,
};
use fake_microsoft::{
    BadRow, CIPP_CLIENT_ID, CIPP_CLIENT_SECRET, CippFault, Effect, Fake, FakeServer, FaultBody, Group, Match,
    Route, World, WorldConfig,
};
use jiff::SignedDuration;
use url::Url;
use uuid::Uuid;

use crate::{
    endless::{BUFFERS, endless},
    server::client,
};

struct Deployment {
    fake: Fake,
    clock: VirtualClock,
    server: FakeServer,
    customers: Vec<EntraTenantId>,
}

impl Deployment {
    async fn new(sizes: &[u32]) -> Self {
        let config = WorldConfig { messy: false, ..WorldConfig::sample(7, sizes) };
        let clock = VirtualClock::starting_at(config.as_of);
        let fake = Fake::new(World::generate(config), Arc::new(clock.clone()));
        let server = fake.serve(0).await.unwrap();
        let customers = fake.world().tenants().iter().map(|tenant| tenant.id).collect();
        Self { fake, clock, server, customers }
    }

    fn client(&self) -> CippCredential {
        CippCredential::Client {
            tenant: self.fake.world().partner().id,
            app: AppCredentials {
                client_id: CIPP_CLIENT_ID.to_owned(),
                client_secret: CIPP_CLIENT_SECRET.into(),
            },
        }
    }

    fn with(&self, credential: CippCredential) -> CippDirectory {
        let base = CippBase::parse(&self.server.base_url(), Destinations::ThisMachineToo).unwrap();
        let http = CippHttp::new(builder);
        let settings = CippSettings { page_size: 3, ..CippSettings::new(http, Destinations::ThisMachineToo) };
        let login: Url = self.server.base_url().parse().unwrap();
        directory(settings, &login, CippAccess { base, credential }, &self.clock)
    }

    fn directory(&self) -> CippDirectory {
        self.with(self.client())
    }
}

fn builder() -> reqwest::ClientBuilder {
    // The provider is installed by the first client.
    let _ = client();
    reqwest::Client::builder().connect_timeout(Duration::from_millis(300)).timeout(Duration::from_secs(20))
}

fn directory(settings: CippSettings, login: &Url, access: CippAccess, clock: &VirtualClock) -> CippDirectory {
    let login = GraphSettings::new(login, login.clone()).unwrap();
    let entropy = Arc::new(SeededEntropy::new(3));
    CippDirectory::new(settings, &login, client(), Arc::new(access), Arc::new(clock.clone()), entropy)
        .unwrap()
}

async fn everybody(directory: &CippDirectory, tenant: EntraTenantId) -> Result<Vec<DirectoryUser>, Code> {
    let mut users = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = directory.users_page(tenant, cursor.as_ref()).await.map_err(|error| error.code())?;
        assert_eq!(page.bad_rows, []);
        users.extend(page.users);
        match page.next {
            Some(next) => cursor = Some(Cursor::from(next.as_str().to_owned())),
            None => return Ok(users),
        }
    }
}

#[tokio::test]
async fn customers_and_their_people_are_read_through_cipp() {
    let deployment = Deployment::new(&[7, 0, 3]).await;
    let directory = deployment.directory();
    let listed = directory.probe().await.unwrap();
    let ids: BTreeSet<EntraTenantId> = listed.tenants.iter().map(|tenant| tenant.entra_tenant).collect();
    assert_eq!(ids, deployment.customers.iter().copied().collect());
    let tenant = deployment.customers[0];
    let proof = directory.prove(tenant).await.unwrap();
    assert_eq!(proof.verified_domains.len(), deployment.fake.world().tenant(tenant).unwrap().domains.len());
    for (tenant, size) in deployment.customers.iter().zip([7, 0, 3]) {
        let users = everybody(&directory, *tenant).await.unwrap();
        let truth: BTreeSet<_> = deployment.fake.world().users(*tenant).iter().map(|user| user.id).collect();
        assert_eq!(users.iter().map(|user| user.object).collect::<BTreeSet<_>>(), truth);
        assert_eq!(users.len(), size);
    }
    assert_eq!(directory.changes_from_now(tenant).await, Ok(None));
    assert_eq!(deployment.fake.requests().of(Route::Token).requests, 1, "one token for all of it");

    let user = deployment.fake.world().user(tenant, 1).unwrap();
    for key in [UserKey::Object(user.id), UserKey::SignInName(user.user_principal_name.to_uppercase())] {
        let found = directory.user(tenant, &key).await.unwrap().unwrap();
        assert_eq!(found.object, user.id, "{key:?}");
    }
    let nobody = UserKey::SignInName("o'nobody@x.example".to_owned());
    assert_eq!(directory.user(tenant, &nobody).await, Ok(None));
}

#[tokio::test]
async fn a_page_without_a_proof_asks_for_one_first() {
    let deployment = Deployment::new(&[4]).await;
    let tenant = deployment.customers[0];
    let first = deployment.directory().users_page(tenant, None).await.unwrap();
    assert_eq!(first.requests, 2, "the proof and the page");
    // Another process goes on.
    let second = deployment.directory().users_page(tenant, first.next.as_ref()).await.unwrap();
    assert_eq!((second.users.len(), second.requests), (1, 2));
}

/// Four million people and more: a listing that goes on is going round in circles nobody has noticed.
#[tokio::test]
async fn a_listing_of_more_pages_than_any_directory_has_is_given_up() {
    let deployment = Deployment::new(&[7]).await;
    let (tenant, directory) = (deployment.customers[0], deployment.directory());
    let first = directory.users_page(tenant, None).await.unwrap();
    let far = |page: u32| {
        let next = first.next.as_ref().unwrap().as_str();
        let (_, rest) = next.split_once('.').unwrap();
        Cursor::from(format!("{page}.{}", rest.replacen(|c: char| c.is_ascii_hexdigit(), "0", 1)))
    };
    assert!(directory.users_page(tenant, Some(&far(19_999))).await.unwrap().next.is_some());
    let error = directory.users_page(tenant, Some(&far(20_000))).await.unwrap_err();
    assert_eq!((error.code().name(), error.class()), ("listing_endless", ErrorClass::Fault));
}

#[tokio::test]
async fn a_busy_cipp_is_waited_for_and_not_hammered() {
    // What it asks for in seconds, how many requests it gets, and whether it is waited for here.
    for (seconds, requests, is_waited_for) in [(1, 2, true), (17, 2, true), (20, 2, true), (300, 1, false)] {
        let deployment = Deployment::new(&[4]).await;
        deployment.fake.faults().on(Match::route(Route::CippTenants).nth(1), busy_for(seconds), 1);
        let before = deployment.clock.now();
        let listed = deployment.directory().probe().await;
        let waited = deployment.clock.now().duration_since(before);
        let asked = deployment.fake.requests().of(Route::CippTenants).requests;
        assert_eq!(asked, requests, "{seconds}");
        let told = SignedDuration::from_secs(seconds);
        if is_waited_for {
            assert_eq!(listed.unwrap().tenants.len(), 1, "{seconds}");
            assert!(waited >= told, "{seconds}: {waited:?}");
        } else {
            let class = listed.unwrap_err().class();
            assert_eq!(class, ErrorClass::Throttled { retry_after: told }, "told to whoever asked");
        }
    }
    // Whoever goes on being busy is asked twice and no more.
    let deployment = Deployment::new(&[4]).await;
    deployment.fake.faults().on(Match::route(Route::CippTenants), busy_for(5), None);
    let class = deployment.directory().probe().await.unwrap_err().class();
    assert_eq!(class, ErrorClass::Throttled { retry_after: SignedDuration::from_secs(5) });
    assert_eq!(deployment.fake.requests().of(Route::CippTenants).requests, 2);
}

fn busy_for(seconds: i64) -> Effect {
    let body = FaultBody::Text("Too many requests.".to_owned());
    Effect::Status { status: 429, retry_after: Some(seconds.to_string()), body }
}

#[tokio::test]
async fn the_partners_own_tenant_is_never_read() {
    let deployment = Deployment::new(&[4]).await;
    let (tenant, partner) = (deployment.customers[0], deployment.fake.world().partner().id);
    let directory = deployment.directory();
    let error = directory.prove(partner).await.unwrap_err();
    assert_eq!(error.code(), Code::PartnerTenantAnswered);
    assert_eq!(deployment.fake.requests().of(Route::CippGraphRequest).requests, 0, "not even asked for");
    directory.prove(tenant).await.unwrap();
    let faults = deployment.fake.faults();
    faults.on(Match::route(Route::CippGraphRequest), Effect::Cipp(CippFault::PartnerAnswers), 2);
    assert_eq!(everybody(&directory, tenant).await, Err(Code::TenantMismatch));
    let error = directory.prove(tenant).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::PartnerTenantAnswered, ErrorClass::TenantProofFailed));
    assert_eq!(everybody(&directory, tenant).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_token_is_made_anew_when_it_is_refused_or_ends() {
    let deployment = Deployment::new(&[1]).await;
    let directory = deployment.directory();
    deployment.fake.faults().on(Match::route(Route::CippTenants).nth(1), Effect::plain_text(401, ""), None);
    directory.managed_tenants().await.unwrap();
    assert_eq!(deployment.fake.requests().of(Route::Token).requests, 2);
    deployment.clock.advance(SignedDuration::from_mins(56));
    directory.managed_tenants().await.unwrap();
    assert_eq!(deployment.fake.requests().of(Route::Token).requests, 3);

    let token = deployment.fake.cipp_token(SignedDuration::from_mins(10));
    let pasted = deployment.with(CippCredential::Bearer(token.into()));
    pasted.managed_tenants().await.unwrap();
    deployment.clock.advance(SignedDuration::from_mins(10));
    let asked = deployment.fake.requests().of(Route::CippTenants).requests;
    assert_eq!(pasted.managed_tenants().await.unwrap_err().code(), Code::CippTokenExpired);
    assert_eq!(deployment.fake.requests().of(Route::CippTenants).requests, asked, "nothing is sent");
    let wrong = deployment.with(CippCredential::Bearer("opaque".into()));
    assert_eq!(wrong.managed_tenants().await.unwrap_err().code(), Code::CippTokenRefused);
}

#[tokio::test]
async fn errors_hold_no_secret() {
    let deployment = Deployment::new(&[1]).await;
    let token = deployment.fake.cipp_token(SignedDuration::from_mins(10));
    let directory = deployment.with(CippCredential::Bearer(token.clone().into()));
    for effect in [
        Effect::plain_text(400, &token),
        Effect::plain_text(200, &token),
        Effect::plain_text(403, &token),
        Effect::DropConnection,
        Effect::Cipp(CippFault::RedirectTo(format!("https://evil.example/?{token}"))),
    ] {
        deployment.fake.faults().on(Match::route(Route::CippTenants), effect.clone(), None);
        let error = directory.managed_tenants().await.unwrap_err();
        let shown = format!("{error} {error:?} {}", serde_json::to_string(error.diagnostics()).unwrap());
        assert!(!shown.contains(&token[..20]) && !shown.contains("evil"), "{effect:?}");
        deployment.fake.faults().clear();
    }
}

#[tokio::test]
async fn an_answer_of_cipp_without_end_is_refused_at_the_limit() {
    for (status, limit, expected) in [
        (200, 32 * 1024 * 1024, Code::AnswerTooLarge),
        (400, 256 * 1024, Code::CippTenantsNotListed),
        (500, 256 * 1024, Code::CippUnavailable),
    ] {
        let (server, sent) = endless(status, false).await;
        let base = CippBase::parse(server.as_str(), Destinations::ThisMachineToo).unwrap();
        let settings = CippSettings::new(CippHttp::new(builder), Destinations::ThisMachineToo).for_a_probe();
        let access = CippAccess { base, credential: CippCredential::Bearer("CANARY".into()) };
        let clock = VirtualClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
        let error = directory(settings, &server, access, &clock).managed_tenants().await.unwrap_err();
        assert_eq!(error.code(), expected, "{status}");
        assert!(sent.load(Ordering::Relaxed) < limit + BUFFERS, "{status}");
    }
}

/// Answers from a script; the last answer repeats.
struct Script {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Script {
    async fn addresses(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answers[asked.min(self.answers.len() - 1)].clone())
    }
}

/// How a read of `https://cipp.msp.example` ends when the name resolves so.
async fn resolved(answers: &[&[&str]]) -> (Code, usize) {
    let parse = |address: &&str| address.parse::<IpAddr>().unwrap();
    let answers = answers.iter().map(|addresses| addresses.iter().map(parse).collect()).collect();
    let script = Arc::new(Script { answers, asked: AtomicUsize::new(0) });
    let http = CippHttp::with_lookup(builder, Arc::clone(&script) as Arc<dyn Lookup>);
    let clock = VirtualClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
    let access = CippAccess {
        base: "https://cipp.msp.example".parse().unwrap(),
        credential: CippCredential::Bearer("CANARY".into()),
    };
    let login: Url = "http://127.0.0.1:9".parse().unwrap();
    let directory = directory(CippSettings::new(http, Destinations::PublicOnly), &login, access, &clock);
    let error = directory.managed_tenants().await.unwrap_err();
    assert!(clock.now() >= "2026-03-02T08:00:00Z".parse().unwrap());
    (error.code(), script.asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn names_of_private_machines_are_not_connected_to() {
    for addresses in [
        &["127.0.0.1"][..],
        &["169.254.169.254"],
        &["10.0.0.7"],
        &["::1"],
        &["fd00::1"],
        &["fe80::1"],
        &["::ffff:127.0.0.1"],
        &["::ffff:8.8.8.8"],
        // One of many is enough.
        &["8.8.8.8", "192.168.1.1"],
    ] {
        assert_eq!(resolved(&[addresses]).await, (Code::CippAddressRefused, 1), "{addresses:?}");
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_looked_at_again() {
    // Nobody answers at the first address; before the second attempt the name leads inside.
    let (code, asked) = resolved(&[&["240.0.0.1"]]).await;
    assert_eq!((code, asked), (Code::CippAddressRefused, 1));
    let (code, asked) = resolved(&[&["2e00::1"], &["127.0.0.1"]]).await;
    assert_eq!((code, asked), (Code::CippAddressRefused, 2));
}

#[tokio::test]
async fn what_cipp_has_no_way_to_ask_is_refused_by_name() {
    let deployment = Deployment::new(&[3]).await;
    let (directory, customer) = (deployment.directory(), deployment.customers[0]);
    let error = directory.changes_page(customer, &Cursor::from("https://x".to_owned())).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::ReadNotOffered, ErrorClass::Fault));
    let error = directory.security_groups(customer).await.unwrap_err();
    assert_eq!(error.code().name(), "read_not_offered");
}

async fn members(
    directory: &CippDirectory,
    tenant: EntraTenantId,
    group: GroupId,
) -> Result<Vec<EntraObjectId>, Code> {
    let (mut members, mut cursor) = (Vec::new(), None);
    loop {
        let page = directory.group_members_page(tenant, group, cursor.as_ref()).await;
        let page = page.map_err(|error| error.code())?;
        assert!(page.requests > 0 && page.bytes > 0);
        members.extend(page.members);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(members);
        }
    }
}

#[tokio::test]
async fn members_of_groups_within_groups_are_read_page_by_page() {
    let deployment = Deployment::new(&[9, 4]).await;
    let (world, directory) = (deployment.fake.world(), deployment.directory());
    let [tenant, other] = deployment.customers[..] else { panic!("there are two") };
    let everybody: Vec<EntraObjectId> = world.users(tenant).iter().map(|user| user.id).collect();
    let [outer, inner, empty] = [1, 2, 3].map(|id| GroupId::new(Uuid::from_u128(id)));
    let of = |id, members: &[EntraObjectId]| Group::security(id, "Staff", members.to_vec());
    world.add_group(tenant, Group { groups: vec![inner], ..of(outer, &everybody[..4]) }).unwrap();
    world.add_group(tenant, Group { groups: vec![outer], ..of(inner, &everybody[4..8]) }).unwrap();
    world.add_group(tenant, of(empty, &[])).unwrap();
    let found = members(&directory, tenant, outer).await.unwrap();
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), everybody[..8].iter().collect());
    assert_eq!(members(&directory, tenant, empty).await, Ok(Vec::new()));
    // Another customer has no such group, and neither has anybody after it is deleted.
    assert_eq!(members(&directory, other, outer).await, Err(Code::CippReadFailed));
    world.remove_group(tenant, empty).unwrap();
    assert_eq!(members(&directory, tenant, empty).await, Err(Code::CippReadFailed));
    for (effect, code) in [
        (Effect::Cipp(CippFault::OtherEcho), Code::TenantMismatch),
        (Effect::Cipp(CippFault::PartnerAnswers), Code::CippReadFailed),
        (Effect::Cipp(CippFault::Nothing), Code::CippAnswerIncomplete),
        (Effect::Malformed, Code::CippAnswerUnreadable),
        (Effect::BadRow(BadRow::WithoutId), Code::CippAnswerUnreadable),
        (Effect::plain_text(403, "no"), Code::CippTenantForbidden),
        (Effect::ForeignNextLink("evil.example".to_owned()), Code::ForeignNextLink),
    ] {
        let fault = deployment.fake.faults().on(Match::route(Route::CippGraphRequest), effect.clone(), None);
        assert_eq!(members(&directory, tenant, outer).await, Err(code), "{effect:?}");
        assert!(deployment.fake.faults().fired(fault) > 0, "{effect:?}");
        deployment.fake.faults().clear();
        // An answer that contradicts the proof has ended it.
        directory.prove(tenant).await.unwrap();
    }
}
