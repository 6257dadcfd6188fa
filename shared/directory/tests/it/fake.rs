//! The whole flow against the strict fake: sign in, list customers, prove, read, and what goes
//! wrong on the way.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use ambient::{Clock, SeededEntropy, VirtualClock};
use async_trait::async_trait;
use directory::{
    BadRowCause, Code, Credentials, Directory, ErrorClass, GraphDirectory, GraphSettings, Login, ReadError,
    UserKey,
    protocol::{
        authorize::{AuthorizeRequest, Pkce, Prompt, authorize_url},
        id_token::{Expectation, SignedIn},
        signing_keys::SigningKeys,
        token::{AppCredentials, Authority, TokenGrant},
    },
};
use domain::ids::{EntraTenantId, GroupId};
use fake_microsoft::{BadRow, Effect, Fake, FakeServer, Group, Match, Route, TokenQuirk, World, WorldConfig};
use jiff::SignedDuration;
use secrecy::SecretString;
use url::Url;

use crate::server::client;

const NONCE: &str = "nonce-of-this-session";

/// A fake that somebody has signed in at, and a directory that reads it.
pub(crate) struct Connected {
    pub(crate) fake: Fake,
    pub(crate) directory: GraphDirectory,
    clock: VirtualClock,
    pub(crate) customers: Vec<EntraTenantId>,
    stored: Arc<Stored>,
    _server: FakeServer,
}

pub(crate) struct Stored {
    app: AppCredentials,
    partner: EntraTenantId,
    refresh_token: Mutex<SecretString>,
}

#[async_trait]
impl Credentials for Stored {
    async fn app(&self) -> Result<AppCredentials, ReadError> {
        Ok(self.app.clone())
    }

    async fn refresh_token(&self) -> Result<SecretString, ReadError> {
        Ok(self.refresh_token.lock().unwrap().clone())
    }

    async fn keep(&self, _used: &SecretString, new: TokenGrant) -> Result<(), ReadError> {
        if let Some(newer) = new.refresh_token {
            *self.refresh_token.lock().unwrap() = newer;
        }
        Ok(())
    }

    fn partner_tenant(&self) -> Option<EntraTenantId> {
        Some(self.partner)
    }
}

/// Signs in at a fake with customers of these sizes.
pub(crate) async fn connect(sizes: &[u32]) -> Connected {
    let config = WorldConfig::sample(7, sizes);
    let clock = VirtualClock::starting_at(config.as_of);
    let app = AppCredentials {
        client_id: config.application.client_id.clone(),
        client_secret: config.application.client_secret.clone(),
    };
    let redirect_uri = config.application.redirect_uris[0].clone();
    let fake = Fake::new(World::generate(config), Arc::new(clock.clone()));
    let server = fake.serve(0).await.unwrap();
    let base: Url = server.base_url().parse().unwrap();
    let settings = GraphSettings::new(&base, base.clone()).unwrap();
    let entropy = Arc::new(SeededEntropy::new(3));
    let login = Login::new(settings.clone(), client(), Arc::new(clock.clone()), entropy.clone());

    let pkce = Pkce::generate(&*entropy);
    let code = sign_in(&settings, &app, &redirect_uri, &pkce).await;
    let grant = login.redeem_code(app.clone(), code, pkce.verifier, redirect_uri).await.unwrap();
    assert!(grant.missing_scopes(&settings.scopes).is_empty());
    let keys = login.signing_keys().await.unwrap();
    let signed_in = who(&keys, &settings, &app, &grant, &clock);
    assert_eq!(signed_in.tenant, fake.world().partner().id);

    let refresh_token = Mutex::new(grant.refresh_token.unwrap());
    let stored = Arc::new(Stored { app, partner: signed_in.tenant, refresh_token });
    let credentials = Arc::clone(&stored) as Arc<dyn Credentials>;
    let directory = GraphDirectory::new(settings, client(), credentials, Arc::new(clock.clone()), entropy);
    let customers = fake.world().tenants().iter().map(|tenant| tenant.id).collect();
    Connected { fake, directory, clock, customers, stored, _server: server }
}

/// The code that the browser would bring back.
async fn sign_in(
    settings: &GraphSettings,
    app: &AppCredentials,
    redirect_uri: &str,
    pkce: &Pkce,
) -> SecretString {
    let request = AuthorizeRequest {
        authority: Authority::Organizations,
        client_id: &app.client_id,
        redirect_uri,
        scopes: &settings.scopes,
        state: "state",
        nonce: NONCE,
        code_challenge: &pkce.challenge,
        prompt: Prompt::SelectAccount,
        login_hint: None,
    };
    let response = client().get(authorize_url(&settings.login_base, &request)).send().await.unwrap();
    let location: Url = response.headers()["location"].to_str().unwrap().parse().unwrap();
    let code = location.query_pairs().find(|(name, _)| name == "code").unwrap();
    code.1.into_owned().into()
}

fn who(
    keys: &SigningKeys,
    settings: &GraphSettings,
    app: &AppCredentials,
    grant: &TokenGrant,
    clock: &VirtualClock,
) -> SignedIn {
    let expected = Expectation {
        client_id: &app.client_id,
        issuer_template: &settings.issuer_template(),
        nonce: NONCE,
        partner_tenant: None,
    };
    let token = grant.id_token.as_ref().unwrap();
    let claims = keys.claims(token, &settings.issuer_template()).unwrap();
    claims.validate(&expected, clock.now()).unwrap()
}

impl Connected {
    /// Reads all users of `tenant`: how many pages, how many bad rows, and the distinct people.
    async fn read_all(&self, tenant: EntraTenantId) -> Result<(u32, usize, usize), ReadError> {
        let (mut pages, mut bad_rows, mut people, mut cursor) = (0, 0, BTreeSet::new(), None);
        loop {
            let page = self.directory.users_page(tenant, cursor.as_ref()).await?;
            pages += 1;
            bad_rows += page.bad_rows.len();
            people.extend(page.users.iter().map(|user| user.object));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok((pages, bad_rows, people.len())),
            }
        }
    }
}

#[tokio::test]
async fn sign_in_list_prove_and_read() {
    let sizes = [25, 0, 1, 999, 1_000, 1_998];
    let connected = connect(&sizes).await;
    let listed = connected.directory.managed_tenants().await.unwrap().tenants;
    let ids: BTreeSet<_> = listed.iter().map(|tenant| tenant.entra_tenant).collect();
    let reachable = |tenant: &fake_microsoft::Tenant| {
        tenant.has_active_relationship() && tenant.consented && tenant.lets_partner_read_users()
    };
    for (tenant, size) in connected.fake.world().tenants().iter().zip(sizes) {
        assert_eq!(ids.contains(&tenant.id), tenant.has_active_relationship(), "{}", tenant.display_name);
        if !reachable(tenant) {
            continue;
        }
        let proof = connected.directory.prove(tenant.id).await.unwrap();
        assert_eq!(proof.display_name.as_deref(), Some(tenant.display_name.as_str()));
        assert_eq!(proof.default_domain.unwrap().as_str(), tenant.default_domain());
        let expected = (size.div_ceil(999).max(1), 0, size as usize);
        assert_eq!(connected.read_all(tenant.id).await.unwrap(), expected, "{}", tenant.display_name);
    }
    let usage = connected.directory.usage();
    assert!(usage.token_requests <= 1 + sizes.len() as u64, "one token call per tenant: {usage:?}");
    let public = connected.directory.public_tenant(connected.customers[0]).await.unwrap().unwrap();
    assert_eq!(public.entra_tenant, connected.customers[0]);
}

#[tokio::test]
async fn a_listing_survives_what_is_survivable() {
    let connected = connect(&[1_998]).await;
    let tenant = connected.customers[0];
    let throttle = Effect::Throttle { retry_after: Some("2.128".to_owned()) };
    for (nth, effect) in [
        (1, throttle),
        (2, Effect::status(503)),
        (3, Effect::DropConnection),
        (4, Effect::Malformed),
        (5, Effect::EmptyPageWithNext),
        (6, Effect::plain_text(502, "Bad gateway")),
        (7, Effect::RepeatedRow),
    ] {
        connected.fake.faults().on(Match::route(Route::Users).nth(nth), effect, 1);
    }
    let (pages, bad_rows, people) = connected.read_all(tenant).await.unwrap();
    // One page more for the empty one, and one for the row that the repeated one pushed out.
    assert_eq!((pages, bad_rows, people), (4, 0, 1_998));
    let usage = connected.directory.usage();
    assert_eq!((usage.throttled, usage.retries), (1, 5));
}

#[tokio::test]
async fn a_listing_fails_where_it_must() {
    for (effect, expected) in [
        (Effect::ForeignNextLink("evil.example".to_owned()), Code::ForeignNextLink),
        (Effect::NextLinkLoop, Code::NextLinkLoop),
        (Effect::status(403), Code::RoleMissing),
        (Effect::Throttle { retry_after: Some("900".to_owned()) }, Code::Throttled),
        (Effect::Malformed, Code::AnswerUnreadable),
        (Effect::DropConnection, Code::ConnectionFailed),
    ] {
        let connected = connect(&[1_998]).await;
        connected.fake.faults().on(Match::route(Route::Users), effect, 100);
        let error = connected.read_all(connected.customers[0]).await.unwrap_err();
        assert_eq!(error.code(), expected);
    }
    let connected = connect(&[1_998]).await;
    connected.fake.faults().on(Match::route(Route::Users).nth(2), Effect::ExpiredPage, 1);
    let error = connected.read_all(connected.customers[0]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::ExpiredPage);
}

#[tokio::test]
async fn bad_rows_are_reported_beside_the_good_ones() {
    let connected = connect(&[25]).await;
    for (row, cause) in
        [(BadRow::WithoutId, BadRowCause::NoId), (BadRow::WrongTypes, BadRowCause::MemberType)]
    {
        connected.fake.faults().on(Match::route(Route::Users), Effect::BadRow(row), 1);
        let page = connected.directory.users_page(connected.customers[0], None).await.unwrap();
        assert_eq!((page.users.len(), page.bad_rows.len()), (24, 1));
        assert_eq!((page.bad_rows[0].position, page.bad_rows[0].cause), (0, cause));
    }
}

#[tokio::test]
async fn whose_fault_a_refusal_is() {
    let connected = connect(&[25]).await;
    let tenant = connected.customers[0];
    connected.fake.faults().on(Match::route(Route::Organization), Effect::WrongTenant, 1);
    let error = connected.directory.prove(tenant).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::TenantProofFailed);

    connected.fake.world().withdraw_consent(tenant).unwrap();
    let error = connected.directory.prove(tenant).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::ConsentMissing, ErrorClass::AccessLost));
    assert_eq!(error.diagnostics().aadsts, [65_001]);
    connected.fake.world().grant_consent(tenant).unwrap();
    connected.directory.prove(tenant).await.unwrap();

    connected.fake.revoke_sign_ins();
    connected.clock.advance(SignedDuration::from_hours(2));
    let error = connected.directory.prove(tenant).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::SignInRevoked, ErrorClass::CredentialRejected));
}

#[tokio::test]
async fn odd_but_allowed_token_answers() {
    for quirk in [TokenQuirk::ExpiresInText, TokenQuirk::WithoutScope, TokenQuirk::WithoutRefreshToken] {
        let connected = connect(&[1]).await;
        connected.fake.faults().on(Match::route(Route::Token), Effect::TokenQuirk(quirk), 100);
        connected.directory.managed_tenants().await.unwrap();
        connected.directory.prove(connected.customers[0]).await.unwrap();
        assert!(connected.stored.refresh_token().await.is_ok());
    }
}

/// Everything that is read with a customer's token.
const READS: [Route; 6] =
    [Route::Organization, Route::Users, Route::UsersDelta, Route::User, Route::Groups, Route::GroupMembers];

#[tokio::test]
async fn whatever_is_read_a_refused_token_is_renewed_and_a_throttle_waited_for() {
    for route in READS {
        let connected = connect(&[3]).await;
        connected.read(Route::Users).await.unwrap();
        let faults = connected.fake.faults();
        let tokens = connected.directory.usage().token_requests;
        let refused = faults.on(Match::route(route), Effect::status(401), 1);
        connected.read(route).await.unwrap();
        assert_eq!(faults.fired(refused), 1, "{route:?}");
        assert_eq!(connected.directory.usage().token_requests, tokens + 1, "{route:?}");

        let before = connected.clock.now();
        faults.on(Match::route(route), Effect::Throttle { retry_after: Some("7".to_owned()) }, 1);
        connected.read(route).await.unwrap();
        let waited = connected.clock.now().duration_since(before);
        assert!(waited >= SignedDuration::from_secs(7), "{route:?}: {waited:?}");

        faults.on(Match::route(route), Effect::status(401), None);
        let error = connected.read(route).await.unwrap_err();
        assert_eq!(error.code(), Code::CustomerTokenRefused, "{route:?}");
    }
}

impl Connected {
    /// Reads one of [`READS`] of the first customer.
    async fn read(&self, route: Route) -> Result<(), ReadError> {
        let (directory, tenant) = (&self.directory, self.customers[0]);
        let group = GroupId::new(uuid::Uuid::from_u128(6));
        if self.fake.world().groups(tenant).is_empty() {
            self.fake.world().add_group(tenant, Group::security(group, "Staff", Vec::new())).unwrap();
        }
        match route {
            Route::Organization => directory.prove(tenant).await.map(drop),
            Route::Users => directory.users_page(tenant, None).await.map(drop),
            Route::UsersDelta => directory.changes_from_now(tenant).await.map(drop),
            Route::User => {
                let first = self.fake.world().users(tenant)[0].id;
                directory.user(tenant, &UserKey::Object(first)).await.map(drop)
            }
            Route::Groups => directory.security_groups(tenant).await.map(drop),
            Route::GroupMembers => directory.group_members_page(tenant, group, None).await.map(drop),
            other => panic!("{other:?}"),
        }
    }
}
