//! Everything that can go wrong at Microsoft and at CIPP, all the way through.

use std::time::Duration;

use fake_microsoft::{BadRow, CippFault, Effect, FaultBody, Kind, Match, Route, SyncStateLoss, TokenQuirk};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::{
    outlet::{self, Log},
    walk::Way,
    world::World,
};

/// How often something goes wrong in a connection that worked: no listing goes on for ever.
const TIMES: u32 = 6;

/// What goes wrong everywhere.
fn effects() -> Vec<Effect> {
    vec![
        Effect::Echo(200),
        Effect::Echo(302),
        Effect::Echo(400),
        Effect::Echo(401),
        Effect::Echo(403),
        Effect::Echo(429),
        Effect::Echo(503),
        Effect::Malformed,
        Effect::DropConnection,
    ]
}

/// What goes wrong at one route only.
fn special(route: Route) -> Vec<Effect> {
    let leave = "https://leak.example/v1.0/users".to_owned();
    match route {
        Route::Token => vec![
            Effect::aadsts(50_173),
            Effect::aadsts(65_001),
            Effect::aadsts(7_000_222),
            Effect::TokenError { status: 400, body: json!({ "error": "invalid_grant" }) },
            Effect::TokenQuirk(TokenQuirk::WithoutRefreshToken),
            Effect::TokenQuirk(TokenQuirk::WithoutScope),
            Effect::TokenQuirk(TokenQuirk::ExpiresInText),
            Effect::TokenQuirk(TokenQuirk::Lifetime(1)),
        ],
        Route::Relationships => vec![
            Effect::Throttle { retry_after: Some("1".to_owned()) },
            Effect::NextLinkLoop,
            Effect::ForeignNextLink("leak.example".to_owned()),
        ],
        Route::Organization => vec![Effect::WrongTenant],
        Route::GroupMembers => vec![
            Effect::Throttle { retry_after: Some("1".to_owned()) },
            Effect::NextLinkLoop,
            Effect::ForeignNextLink("leak.example".to_owned()),
            Effect::BadRow(BadRow::WithoutId),
        ],
        Route::User => vec![Effect::Throttle { retry_after: Some("1".to_owned()) }],
        Route::Users => vec![
            Effect::Throttle { retry_after: Some("1".to_owned()) },
            Effect::EmptyAnswer,
            Effect::CutListing,
            Effect::RepeatedRow,
            Effect::NextLinkLoop,
            Effect::ForeignNextLink("leak.example".to_owned()),
            Effect::BadRow(BadRow::WithoutId),
            Effect::BadRow(BadRow::WrongTypes),
        ],
        Route::UsersDelta => vec![
            Effect::Delay(Duration::from_millis(1)),
            Effect::ThrottleApplication { retry_after: None },
            Effect::EmptyAnswer,
            Effect::CutListing,
            Effect::RepeatedRow,
            Effect::NextLinkLoop,
            Effect::ForeignNextLink("leak.example".to_owned()),
            Effect::BadRow(BadRow::WithoutId),
            Effect::BadRow(BadRow::WrongTypes),
            Effect::BadRow(BadRow::WrongMember),
            Effect::ExpiredPage,
            Effect::LostSyncState(SyncStateLoss::GoneElsewhere),
            Effect::ReorderedRows,
            Effect::RepeatedChange,
        ],
        Route::CippTenants | Route::CippGraphRequest => vec![
            Effect::Cipp(CippFault::FailureRow),
            Effect::Cipp(CippFault::FailureText),
            Effect::Cipp(CippFault::Nothing),
            Effect::Cipp(CippFault::OtherEcho),
            Effect::Cipp(CippFault::Page),
            Effect::Cipp(CippFault::PartnerAnswers),
            Effect::Cipp(CippFault::Queued),
            Effect::Cipp(CippFault::RedirectTo(leave)),
            Effect::Cipp(CippFault::SignIn),
        ],
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_with_a_sign_in() {
    let routes = [Route::Authorize, Route::Token, Route::Relationships];
    everything_goes_wrong(Way::Direct, &routes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_with_directories() {
    everything_goes_wrong(Way::Direct, &[Route::Organization, Route::UsersDelta]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_with_an_api_client() {
    let routes = [Route::Token, Route::CippMe, Route::CippTenants, Route::CippGraphRequest];
    everything_goes_wrong(Way::CippClient, &routes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_with_a_pasted_token() {
    everything_goes_wrong(Way::CippToken, &[Route::CippTenants, Route::CippGraphRequest]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_with_groups() {
    let log = outlet::log();
    for (way, route) in [(Way::Direct, Route::GroupMembers), (Way::CippClient, Route::CippGraphRequest)] {
        let mut world = World::new().await;
        world.restrict_by_group().await;
        everything_goes_wrong_in(world, way, route, &log).await;
    }
}

/// What an answer of the login service says that quotes what it knows: as it is, as one of its errors, and
/// where the documents that it publishes have texts of their own.
fn quoting(text: &str) -> Vec<Effect> {
    let answer = |status, body| Effect::Status { status, retry_after: Some(text.to_owned()), body };
    let plain = |status| answer(status, FaultBody::Text(text.to_owned()));
    let mut effects: Vec<Effect> = [200, 302, 400, 401, 403, 429, 503].map(plain).into();
    let published = json!({ "issuer": text, "jwks_uri": text, "keys": [{ "kid": text, "n": text }] });
    effects.push(answer(200, FaultBody::Text(published.to_string())));
    let (code, message) = (text.to_owned(), text.to_owned());
    effects.push(answer(400, FaultBody::GraphCode { code, message }));
    effects
}

/// What a browser visits, and what the login service publishes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_at_the_pages_of_the_login_service() {
    let log = outlet::log();
    let mut world = World::new().await;
    assert_eq!(world.walk(Way::Direct).await, "completed", "the way is really walked");
    world.connect(Way::Direct).await;
    world.consent().await;
    assert!(world.fake().requests().of(Route::AdminConsent).requests > 0, "the page of consent was opened");
    for route in [Route::AdminConsent, Route::Authorize, Route::Keys, Route::Metadata] {
        let sent = world.fake().confidential();
        let refresh = &sent.iter().rfind(|(kind, _)| *kind == Kind::RefreshToken).unwrap().1;
        let secret = world.fake().world().config().application.client_secret.expose_secret().to_owned();
        for effect in quoting(&format!("refused: {refresh} {secret}")) {
            let shown = format!("{route:?}: {effect:?}");
            let fault = world.fake().faults().on(Match::route(route), effect, TIMES);
            world.connect(Way::Direct).await;
            world.get("/doctor").await;
            world.consent().await;
            assert!(world.fake().faults().fired(fault) > 0, "nothing went wrong at {shown}");
            world.fake().faults().clear();
        }
    }
    world.begin_again().await;
    assert_eq!(world.walk(Way::Direct).await, "completed", "and it can still be walked");
    world.outlet.add("the log", log.text());
    everything_was_looked_at(&world, Way::Direct);
    assert_eq!(world.outlet.leaks(&world.needles()), Vec::<String>::new());
}

/// The reads of one person and of everybody, by the doctor, by explanations, by previews and by syncs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_whatever_goes_wrong_with_people() {
    let log = outlet::log();
    let mut world = World::new().await;
    assert_eq!(world.walk(Way::Direct).await, "completed", "the way is really walked");
    world.connect(Way::Direct).await;
    for route in [Route::User, Route::Users] {
        for effect in effects().into_iter().chain(special(route)) {
            let shown = format!("{route:?}: {effect:?}");
            let fault = world.fake().faults().on(Match::route(route), effect, TIMES);
            world.work(Way::Direct).await;
            assert!(world.fake().faults().fired(fault) > 0, "nothing went wrong at {shown}");
            world.fake().faults().clear();
            world.begin_again().await;
        }
    }
    assert_eq!(world.walk(Way::Direct).await, "completed", "and it can still be walked");
    world.outlet.add("the log", log.text());
    everything_was_looked_at(&world, Way::Direct);
    assert_eq!(world.outlet.leaks(&world.needles()), Vec::<String>::new());
}

async fn everything_goes_wrong(way: Way, routes: &[Route]) {
    let log = outlet::log();
    for route in routes {
        everything_goes_wrong_in(World::new().await, way, *route, &log).await;
    }
}

async fn everything_goes_wrong_in(mut world: World, way: Way, route: Route, log: &Log) {
    assert_eq!(world.walk(way).await, "completed", "the way is really walked");
    for effect in effects().into_iter().chain(special(route)) {
        // At the beginning, and in a connection that worked until then.
        world.fake().faults().on(Match::route(route), effect.clone(), 1);
        world.connect(way).await;
        world.fake().faults().clear();
        world.connect(way).await;
        world.fake().faults().on(Match::route(route).from(2), effect, TIMES);
        world.work(way).await;
        world.fake().faults().clear();
        world.begin_again().await;
    }
    assert_eq!(world.walk(way).await, "completed", "and it can still be walked");
    world.outlet.add("the log", log.text());
    everything_was_looked_at(&world, way);
    assert_eq!(world.outlet.leaks(&world.needles()), Vec::<String>::new(), "{route:?}");
}

/// A search that finds nothing proves nothing when it looked at nothing.
pub(crate) fn everything_was_looked_at(world: &World, way: Way) {
    let known = world.fake().confidential();
    for kind in Kind::ALL {
        let sent = known.iter().any(|(of, _)| *of == kind);
        assert!(sent || way != Way::Direct, "a secret was sent: {kind:?}");
    }
    if way == Way::Direct {
        assert!(world.outlet.has("GET /api/auth/microsoft/entra/callback"));
        assert!(world.outlet.has("the header location") && world.outlet.has("the header set-cookie"));
    }
    if world.is_restricted() && way == Way::Direct {
        assert!(world.fake().requests().of(Route::GroupMembers).requests > 20, "groups were read");
    }
    let app = &world.fake().world().config().application;
    assert!(world.is_kept(app.client_secret.expose_secret()), "the secret chain is where secrets are");
    for place in [
        "POST /api/integrations/entra/connect",
        "POST /api/integrations/entra/sync",
        "GET /api/integrations/entra/contacts/export",
        "GET /api/integrations/entra/sync/explain",
        "GET /api/integrations/entra/sync/timeline",
        "the header content-type",
        "the input of run-steps",
        "the output of tenant-sync",
        "an event of a state machine",
        "the doctor's findings",
        "a renewal",
        "a validation",
        "a connection",
        "the customers",
        "the table",
        "a stored plan page",
        "the file ",
        "the log",
    ] {
        assert!(world.outlet.has(place), "nothing came from {place}");
    }
    // Refusals alone tell nothing of people.
    for route in ["explain", "timeline"] {
        let path = format!("/api/integrations/entra/sync/{route}");
        assert!(world.outlet.has_answered("GET", &path, 200), "{:#?}", world.outlet.answers("GET", &path));
    }
}
