//! The change feed: rounds, links, and what goes wrong with them.

use domain::ids::EntraObjectId;
use fake_microsoft::{
    Effect, FaultId, Match, NotInWorld, Route, Sizes, SyncStateLoss, User, World, WorldConfig,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{BASE, Session, error_code};

const LATEST: &str = "/users/delta?$deltatoken=latest&$select=id,jobTitle,accountEnabled";

/// A session with one customer, its access token, and people by number.
struct Feed {
    session: Session,
    token: String,
}

impl Feed {
    async fn new(users: u32) -> Self {
        let session = Session::new(&[users]);
        let token = session.customer_token(0).await;
        Self { session, token }
    }

    fn world(&self) -> &World {
        self.session.fake.world()
    }

    fn id(&self, index: u32) -> EntraObjectId {
        self.world().user(self.session.tenant(0), index).unwrap().id
    }

    fn retitle(&self, object: EntraObjectId, title: &str) {
        self.world()
            .edit(self.session.tenant(0), object, |user| user.job_title = Some(title.to_owned()))
            .unwrap();
    }

    fn fault(&self, effect: Effect) -> FaultId {
        self.session.fake.faults().on(Match::route(Route::UsersDelta), effect, 1)
    }

    /// The pages from `link` on.
    async fn round(&self, link: &str) -> Vec<Value> {
        let path = link.trim_start_matches(BASE).trim_start_matches("/v1.0");
        self.session.pages(path, &self.token).await
    }

    /// The delta link of the present.
    async fn now(&self) -> String {
        later(&self.round(LATEST).await)
    }
}

/// The delta link at the end of a round.
fn later(pages: &[Value]) -> String {
    let (last, before) = pages.split_last().unwrap();
    assert!(before.iter().all(|page| page["@odata.deltaLink"].is_null()));
    assert!(last["@odata.nextLink"].is_null());
    last["@odata.deltaLink"].as_str().unwrap().to_owned()
}

/// Who is in a round: `id`, `id-` when deleted, `id~` when soft-deleted.
fn told(pages: &[Value]) -> Vec<String> {
    let rows = pages.iter().flat_map(|page| page["value"].as_array().unwrap());
    rows.map(|row| {
        let sign = match row["@removed"]["reason"].as_str() {
            Some("deleted") => "-",
            Some("changed") => "~",
            Some(other) => panic!("{other}"),
            None => "",
        };
        format!("{}{sign}", row["id"].as_str().unwrap())
    })
    .collect()
}

#[tokio::test]
async fn a_round_tells_what_has_changed_since_the_link() {
    let feed = Feed::new(20).await;
    let (world, tenant) = (feed.world(), feed.session.tenant(0));
    let first = feed.now().await;
    assert!(first.starts_with(&format!("{BASE}/v1.0/users/delta?$deltatoken=")), "{first}");
    assert_eq!(told(&feed.round(&first).await), [""; 0]);

    let ids: Vec<_> = (0..7).map(|index| feed.id(index)).collect();
    feed.retitle(ids[0], "Chair");
    world.edit(tenant, ids[1], |user| user.account_enabled = false).unwrap();
    world.remove_user(tenant, ids[2]).unwrap();
    world.purge_user(tenant, ids[3]).unwrap();
    world.remove_user(tenant, ids[4]).unwrap();
    world.restore_user(tenant, ids[4]).unwrap();
    world.remove_user(tenant, ids[5]).unwrap();
    world.purge_user(tenant, ids[5]).unwrap();
    feed.retitle(ids[0], "President");
    let new = "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap();
    world
        .add_user(tenant, User::member(new, "Late Comer", "late@new.example", world.config().as_of))
        .unwrap();

    let pages = feed.round(&first).await;
    let expected = [
        ids[0].to_string(),
        ids[1].to_string(),
        format!("{}~", ids[2]),
        format!("{}-", ids[3]),
        ids[4].to_string(),
        format!("{}-", ids[5]),
        new.to_string(),
    ];
    assert_eq!(told(&pages), expected);
    let rows = &pages[0]["value"];
    assert_eq!(rows[0], json!({ "id": ids[0].to_string(), "jobTitle": "President", "accountEnabled": true }));
    assert_eq!(rows[1]["accountEnabled"], false, "a disabled user is a row like any other");
    assert_eq!(rows[6]["jobTitle"], Value::Null, "all that is selected comes in a later round");
    let second = later(&pages);
    assert_eq!(told(&feed.round(&second).await), [""; 0]);
    assert_eq!(told(&feed.round(&first).await), expected, "an old link tells it again");
}

#[tokio::test]
async fn only_changes_of_what_is_selected_are_told() {
    let feed = Feed::new(5).await;
    let tenant = feed.session.tenant(0);
    let link = feed.now().await;
    let id = feed.id(1);
    feed.world().edit(tenant, id, |user| user.department = Some("Elsewhere".to_owned())).unwrap();
    feed.world().edit(tenant, feed.id(2), |_| {}).unwrap();
    assert_eq!(told(&feed.round(&link).await), [""; 0]);
    feed.retitle(id, "Chair");
    assert_eq!(told(&feed.round(&link).await), [id.to_string()]);
}

#[tokio::test]
async fn pages_have_the_size_that_was_set() {
    let feed = Feed::new(30).await;
    let link = feed.now().await;
    let ids: Vec<_> = (0..7).map(|index| feed.id(index)).collect();
    for id in &ids {
        feed.retitle(*id, "Chair");
    }
    feed.session.fake.set_delta_page_size(3);
    let pages = feed.round(&link).await;
    let sizes: Vec<usize> = pages.iter().map(|page| page["value"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(told(&pages), ids.iter().map(ToString::to_string).collect::<Vec<_>>());

    // What changes while a round is read shows in it or in the next one.
    let first = feed.session.get(&link, Some(&feed.token)).await.json();
    feed.retitle(ids[0], "President");
    let rest = feed.round(first["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(told(&feed.round(&later(&rest)).await), [ids[0].to_string()]);
}

#[tokio::test]
async fn the_first_round_tells_everybody_and_leaves_out_what_was_never_set() {
    let feed = Feed::new(450).await;
    let (world, tenant) = (feed.world(), feed.session.tenant(0));
    let (removed, purged, plain) = (feed.id(7), feed.id(8), feed.id(9));
    world.remove_user(tenant, removed).unwrap();
    world.purge_user(tenant, purged).unwrap();
    world.edit(tenant, plain, |user| user.job_title = None).unwrap();
    let pages = feed.round("/users/delta?$select=id,jobTitle,businessPhones&$top=7").await;
    assert_eq!(pages.len(), 3, "the service chooses the size");
    let told = told(&pages);
    assert_eq!(told.len(), 450);
    assert_eq!((&told[7], &told[8]), (&format!("{removed}~"), &format!("{purged}-")));
    let row = pages[0]["value"][9].as_object().unwrap();
    assert_eq!(row.keys().collect::<Vec<_>>(), ["businessPhones", "id"]);
    feed.retitle(plain, "Chair");
    assert_eq!(self::told(&feed.round(&later(&pages)).await), [plain.to_string()]);
}

#[tokio::test]
async fn a_link_is_good_for_its_tenant_alone_and_for_seven_days() {
    let session = Session::new(&[3, 3]);
    let (own, other) = (session.customer_token(0).await, session.customer_token(1).await);
    let link = later(&session.pages(LATEST, &own).await);
    assert_eq!(session.get(&link, Some(&other)).await.status, 400);
    assert_eq!(session.get(&format!("{link}&$select=id"), Some(&own)).await.status, 400);
    assert_eq!(session.get(&link.replace("$deltatoken", "$skiptoken"), Some(&own)).await.status, 400);

    session.clock.advance(SignedDuration::from_hours(7 * 24));
    let own = session.customer_token(0).await;
    assert_eq!(session.get(&link, Some(&own)).await.status, 200);
    session.clock.advance(SignedDuration::from_secs(1));
    let expired = session.get(&link, Some(&own)).await;
    assert_eq!((expired.status.as_u16(), error_code(&expired).as_str()), (400, "syncStateNotFound"));
}

#[tokio::test]
async fn a_fake_that_lost_its_history_says_so() {
    let feed = Feed::new(3).await;
    feed.retitle(feed.id(0), "Chair");
    let link = feed.now().await;
    let again = Session::new(&[3]);
    let token = again.customer_token(0).await;
    let lost = again.get(&link, Some(&token)).await;
    assert_eq!((lost.status.as_u16(), error_code(&lost).as_str()), (410, "syncStateNotFound"));
}

#[tokio::test]
async fn a_sync_state_is_lost_in_every_documented_form() {
    let feed = Feed::new(3).await;
    let link = feed.now().await;
    for (form, status, code) in [
        (SyncStateLoss::NotFound, 400, "syncStateNotFound"),
        (SyncStateLoss::ResyncRequired, 400, "resyncRequired"),
        (SyncStateLoss::ExpiredPageToken, 400, "Directory_ExpiredPageToken"),
        (SyncStateLoss::GoneNotFound, 410, "syncStateNotFound"),
        (SyncStateLoss::GoneCapital, 410, "SyncStateNotFound"),
        (SyncStateLoss::GoneResyncRequired, 410, "resyncRequired"),
        (SyncStateLoss::GoneElsewhere, 410, "Gone"),
    ] {
        feed.fault(Effect::LostSyncState(form));
        let answer = feed.session.get(&link, Some(&feed.token)).await;
        assert_eq!((answer.status.as_u16(), error_code(&answer).as_str()), (status, code));
        let location = answer.header("location");
        assert_eq!(
            location.ends_with("/v1.0/users/delta?$deltatoken="),
            form == SyncStateLoss::GoneElsewhere
        );
    }
    assert_eq!(feed.session.get(&link, Some(&feed.token)).await.status, 200);
}

#[tokio::test]
async fn what_a_round_may_do_without_being_wrong() {
    let feed = Feed::new(30).await;
    let before = feed.id(9);
    feed.retitle(before, "Chair");
    let link = feed.now().await;
    let ids: Vec<_> = (0..5).map(|index| feed.id(index)).collect();
    for id in &ids {
        feed.retitle(*id, "Chair");
    }
    feed.session.fake.set_delta_page_size(3);
    let shown = |pages: &[Value]| {
        let letters =
            ids.iter().chain([&before]).map(ToString::to_string).zip(["a", "b", "c", "d", "e", "x"]);
        letters.fold(told(pages).join(" "), |text, (id, letter)| text.replace(&id, letter))
    };
    for (effect, expected, later_expected) in [
        (Effect::ReorderedRows, "c b a d e", ""),
        (Effect::EmptyPageWithNext, "a b c d e", ""),
        (Effect::RepeatedRow, "a b c c d e", ""),
        (Effect::RepeatedChange, "c~ a b c c d e", ""),
        (Effect::ReplayedChanges, "x a b c d e", ""),
        (Effect::DelayedChange, "b c d e", "a"),
        (Effect::LostChange, "b c d e", ""),
    ] {
        let fault = feed.fault(effect.clone());
        let pages = feed.round(&link).await;
        assert_eq!(shown(&pages), expected, "{effect:?}");
        assert_eq!(feed.session.fake.faults().fired(fault), 1);
        let next = feed.round(&later(&pages)).await;
        assert_eq!(shown(&next), later_expected, "{effect:?}");
        assert_eq!(shown(&feed.round(&later(&next)).await), "", "{effect:?}");
    }
}

#[tokio::test]
async fn what_a_round_must_not_do() {
    let feed = Feed::new(30).await;
    let link = feed.now().await;
    feed.retitle(feed.id(0), "Chair");
    for (effect, next, delta) in [
        (Effect::CutListing, Value::Null, Value::Null),
        (
            Effect::ForeignNextLink("evil.example".to_owned()),
            Value::Null,
            json!("https://evil.example/v1.0/"),
        ),
    ] {
        feed.fault(effect.clone());
        let page = feed.session.get(&link, Some(&feed.token)).await.json();
        assert_eq!(page["@odata.nextLink"], next, "{effect:?}");
        let host = page["@odata.deltaLink"].as_str().map(|link| link.split("users").next().unwrap());
        assert_eq!(json!(host), delta, "{effect:?}");
    }
    feed.session.fake.faults().on(Match::route(Route::UsersDelta), Effect::NextLinkLoop, 2);
    let page = feed.session.get(&link, Some(&feed.token)).await.json();
    let loop_link = page["@odata.nextLink"].as_str().unwrap();
    assert_eq!(feed.session.get(loop_link, Some(&feed.token)).await.json()["@odata.nextLink"], loop_link);
}

#[test]
fn people_leave_and_come_back_as_a_directory_allows() {
    let world = World::generate(WorldConfig::sample(7, &[4]));
    let tenant = world.tenants()[0].id;
    let id = world.user(tenant, 1).unwrap().id;
    let unknown = Err(NotInWorld::User(tenant, id));
    assert_eq!(world.restore_user(tenant, id), unknown, "it is there");
    world.remove_user(tenant, id).unwrap();
    assert_eq!((world.user_count(tenant), world.user(tenant, 1)), (3, None));
    assert_eq!(world.remove_user(tenant, id), unknown);
    assert_eq!(world.edit(tenant, id, |_| {}), unknown);
    world.restore_user(tenant, id).unwrap();
    assert_eq!((world.user_count(tenant), world.user(tenant, 1).unwrap().id), (4, id));
    world.remove_user(tenant, id).unwrap();
    world.purge_user(tenant, id).unwrap();
    assert_eq!(world.purge_user(tenant, id), unknown);
    assert_eq!(world.restore_user(tenant, id), unknown);
    assert_eq!(world.user_count(tenant), 3);
}

/// A page costs what is on it, not what the tenant holds.
#[tokio::test]
async fn a_quarter_of_a_million_people_are_not_made_to_be_told_apart() {
    let mut config = WorldConfig::sample(3, &[]);
    config.sizes = Sizes::Uniform { tenants: 1, users: 250_000 };
    let session = Session::of(config);
    let (world, tenant) = (session.fake.world(), session.tenant(0));
    let token = session.customer_token(0).await;
    let link = later(&session.pages(LATEST, &token).await);
    for index in [3, 70_000, 249_999] {
        let id = world.user(tenant, index).unwrap().id;
        world.remove_user(tenant, id).unwrap();
    }
    let path = link.trim_start_matches(BASE).trim_start_matches("/v1.0");
    assert_eq!(told(&session.pages(path, &token).await).len(), 3);
    let page = session.graph("/users/delta?$select=id", &token).await.json();
    assert_eq!(page["value"].as_array().unwrap().len(), 200);
    assert_eq!(world.user_count(tenant), 249_997);
}
