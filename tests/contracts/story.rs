//! Connect, discover, read everybody, read what has changed, read groups: all that the product asks Graph for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ambient::{Clock, Entropy, SystemEntropy, VirtualClock};
use async_trait::async_trait;
use connect::{Connect, Purpose};
use directory::{
    ChangesNext, CippHttp, CippSettings, Code, Credentials, Directory, GraphDirectory, GraphSettings,
    ReadError, UserKey,
    cipp::Destinations,
    protocol::token::{AppCredentials, TokenGrant},
};
use domain::ids::{EntraTenantId, GroupId};
use embedded::Durability;
use fake_microsoft::{Effect, Fake, Group, Match, Route, World, WorldConfig};
use local::House;
use runtime::http::{Limits, builder, client};
use secrecy::{ExposeSecret, SecretString};
use secrets::{DirectTokens, Document, Family, Scope, SecretChain, WorkspaceSecret, key};
use url::Url;

use crate::{contract::Contract, recorder::Recorder};

/// The sign-in that the workspace has kept.
struct Kept {
    app: AppCredentials,
    partner: EntraTenantId,
    secrets: Arc<SecretChain>,
    workspace: domain::ids::WorkspaceId,
}

impl Kept {
    async fn tokens(&self) -> DirectTokens {
        DirectTokens::read_fresh(&self.secrets, self.workspace).await.unwrap().unwrap().0
    }
}

#[async_trait]
impl Credentials for Kept {
    async fn app(&self) -> Result<AppCredentials, ReadError> {
        Ok(self.app.clone())
    }

    async fn refresh_token(&self) -> Result<SecretString, ReadError> {
        Ok(self.tokens().await.refresh_token)
    }

    async fn keep(&self, _used: &SecretString, new: TokenGrant) -> Result<(), ReadError> {
        if let Some(refresh_token) = new.refresh_token {
            let tokens = DirectTokens { refresh_token, ..self.tokens().await };
            tokens.put(&self.secrets, self.workspace).await.unwrap();
        }
        Ok(())
    }

    fn partner_tenant(&self) -> Option<EntraTenantId> {
        Some(self.partner)
    }
}

#[tokio::test]
async fn every_exchange_of_a_story_keeps_microsofts_contract() {
    let config = WorldConfig::sample(7, &[130, 1, 0]);
    let clock = VirtualClock::starting_at(config.as_of);
    let app = config.application.clone();
    let fake = Fake::new(World::generate(config), Arc::new(clock.clone()));
    fake.set_delta_page_size(2);
    let recorder = Recorder::around(&fake).await;
    let mut graph = GraphSettings::new(&recorder.base, recorder.base.clone()).unwrap();
    graph.page_size = 60;

    // Connect.
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), Durability::ProcessKill, None).await.unwrap();
    let document = Document::new()
        .with(key::MICROSOFT_CLIENT_ID, &app.client_id)
        .with(key::MICROSOFT_CLIENT_SECRET, app.client_secret.expose_secret());
    let scope = Scope::Workspace(house.workspace);
    house.secrets.write(scope, Family::MicrosoftApp, &document, None).await.unwrap();
    let callback = app.redirect_uris[0].parse::<Url>().unwrap();
    let connect = Connect {
        store: house.store.clone(),
        secrets: Arc::clone(&house.secrets),
        http: client(Limits::default()).unwrap(),
        graph: graph.clone(),
        cipp: CippSettings::new(CippHttp::new(|| builder(Limits::default())), Destinations::PublicOnly),
        redirect_base: callback.join("/").unwrap(),
        settings_page: callback.join("/").unwrap(),
        clock: Arc::new(clock.clone()) as Arc<dyn Clock>,
        entropy: Arc::new(SystemEntropy) as Arc<dyn Entropy>,
    };
    let begun = connect.begin_login(house.workspace, None, Purpose::default()).await.unwrap();
    let answer = connect.http.get(begun.auth_url.clone()).send().await.unwrap();
    let back: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    let completion = connect.complete_login(back.query().unwrap(), Some(begun.session.expose_secret())).await;
    assert_eq!(completion.outcome.unwrap().managed_tenants, 3);

    // Discover.
    let kept = Kept {
        app: AppCredentials { client_id: app.client_id, client_secret: app.client_secret },
        partner: fake.world().partner().id,
        secrets: Arc::clone(&house.secrets),
        workspace: house.workspace,
    };
    let directory = GraphDirectory::new(
        graph,
        connect.http.clone(),
        Arc::new(kept) as Arc<dyn Credentials>,
        Arc::new(clock),
        Arc::new(SystemEntropy),
    );
    let tenants = directory.managed_tenants().await.unwrap().tenants;
    for tenant in &tenants {
        directory.prove(tenant.entra_tenant).await.unwrap();
        assert!(directory.public_tenant(tenant.entra_tenant).await.unwrap().is_some());
    }

    read_everybody_and_what_changes(&fake, &directory).await;
    read_groups(&fake, &directory).await;
    be_refused(&fake, &directory).await;

    let exchanges = recorder.exchanges();
    let contract = Contract::read();
    let (mut links, mut wrong) = (BTreeSet::new(), Vec::new());
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for exchange in &exchanges {
        wrong.extend(contract.violations(exchange, &links));
        for name in ["@odata.nextLink", "@odata.deltaLink"] {
            links.extend(
                exchange.body[name].as_str().and_then(|link| Some(Url::parse(link).ok()?.to_string())),
            );
        }
        let resource = exchange.url.path().split('/').nth(2).unwrap().to_owned();
        *seen.entry(format!("{resource} {}", exchange.status)).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{} of {} exchanges: {:#?}", wrong.len(), exchanges.len(), wrong);
    for kind in [
        "groups 200",
        "organization 200",
        "tenantRelationships 200",
        "users 200",
        "users 401",
        "users 404",
        "users 429",
    ] {
        assert!(seen.contains_key(kind), "{kind} is not in the story: {seen:?}");
    }
    assert!(exchanges.len() > 25, "{seen:?}");
}

async fn read_everybody_and_what_changes(fake: &Fake, directory: &GraphDirectory) {
    let world = fake.world();
    let tenant = world.tenants()[0].id;
    let mut feed = directory.changes_from_now(tenant).await.unwrap().unwrap();
    let (mut cursor, mut people) = (None, 0);
    loop {
        let page = directory.users_page(tenant, cursor.as_ref()).await.unwrap();
        people += page.users.len() + page.bad_rows.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(people, 130);
    let ids: Vec<_> = (0..4).map(|index| world.user(tenant, index).unwrap().id).collect();
    for id in &ids {
        world.edit(tenant, *id, |user| user.job_title = Some("Lead".to_owned())).unwrap();
    }
    world.remove_user(tenant, ids[1]).unwrap();
    world.purge_user(tenant, ids[2]).unwrap();
    for changes in [4, 0] {
        let mut found = 0;
        feed = loop {
            let page = directory.changes_page(tenant, &feed).await.unwrap();
            found += page.users.len() + page.removed.len() + page.bad_rows.len();
            match page.next {
                ChangesNext::More(next) => feed = next,
                ChangesNext::Complete(next) => break next,
            }
        };
        assert!(found >= changes, "{found}");
    }
    let one = world.user(tenant, 7).unwrap();
    for key in [UserKey::Object(one.id), UserKey::SignInName(one.user_principal_name.clone())] {
        directory.user(tenant, &key).await.unwrap().unwrap();
    }
    assert!(directory.user(tenant, &UserKey::Object(ids[2])).await.unwrap().is_none());
}

async fn read_groups(fake: &Fake, directory: &GraphDirectory) {
    let (world, tenant) = (fake.world(), fake.world().tenants()[0].id);
    let group: GroupId = "02bd9fd6-8f93-4758-87c3-1fb73740a315".parse().unwrap();
    let members = world.users(tenant).iter().map(|user| user.id).collect();
    world.add_group(tenant, Group::security(group, "Staff", members)).unwrap();
    assert!(!directory.security_groups(tenant).await.unwrap().is_empty());
    let mut cursor = None;
    loop {
        let page = directory.group_members_page(tenant, group, cursor.as_ref()).await.unwrap();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let gone = "12bd9fd6-8f93-4758-87c3-1fb73740a315".parse().unwrap();
    assert_eq!(directory.group_members_page(tenant, gone, None).await.unwrap_err().code(), Code::GroupGone);
}

/// Refusals have Microsoft's form as well.
async fn be_refused(fake: &Fake, directory: &GraphDirectory) {
    let tenant = fake.world().tenants()[0].id;
    for effect in [Effect::Throttle { retry_after: Some("1".to_owned()) }, Effect::status(401)] {
        fake.faults().on(Match::route(Route::Users), effect, 1);
        directory.users_page(tenant, None).await.unwrap();
    }
}
