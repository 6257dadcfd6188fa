//! Changes folded over an earlier state make the state that a complete listing shows, whatever
//! happened meanwhile and however the service told it.

use std::collections::{BTreeMap, BTreeSet};

use directory::{ChangePage, ChangesNext, Cursor, Directory};
use domain::{
    ids::{EntraObjectId, EntraTenantId},
    user::DirectoryUser,
};
use fake_microsoft::{Effect, Match, Route, User};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::fake::{Connected, connect};

/// Users at the beginning.
const USERS: u8 = 12;

type State = BTreeMap<EntraObjectId, DirectoryUser>;

/// Something an administrator does.
#[derive(Clone, Debug)]
enum Edit {
    Add,
    Disable(u8),
    Purge(u8),
    Remove(u8),
    Restore(u8),
    Retitle(u8, u8),
}

/// One round of changes as the service tells it.
#[derive(Clone, Debug)]
struct Round {
    /// What is done before it.
    edits: Vec<Edit>,
    /// What is done while it is read, after its first page.
    meanwhile: Option<Edit>,
    /// What goes wrong, by the number of the request.
    faults: Vec<(u32, Effect)>,
    page_size: u32,
    /// The reader forgets that it has read it, and reads it once more.
    again: bool,
}

/// A directory that is edited, and what is known of it.
struct Followed {
    connected: Connected,
    tenant: EntraTenantId,
    /// Everybody who was ever there.
    people: Vec<EntraObjectId>,
    known: State,
}

impl Followed {
    async fn new(before: &[Edit]) -> (Self, Cursor) {
        let connected = connect(&[u32::from(USERS)]).await;
        let tenant = connected.customers[0];
        let people = connected.fake.world().users(tenant).iter().map(|user| user.id).collect();
        let cursor = connected.directory.changes_from_now(tenant).await.unwrap().unwrap();
        let mut followed = Self { connected, tenant, people, known: State::new() };
        // What happens between the link and the listing is told by both.
        followed.carry_out_all(before);
        followed.known = followed.listed().await;
        (followed, cursor)
    }

    fn carry_out_all(&mut self, edits: &[Edit]) {
        for edit in edits {
            self.carry_out(edit);
        }
    }

    fn carry_out(&mut self, edit: &Edit) {
        let (world, tenant) = (self.connected.fake.world(), self.tenant);
        let person = |number: &u8| self.people[usize::from(*number) % self.people.len()];
        // What is impossible, such as restoring somebody who is there, is left.
        let _impossible = match edit {
            Edit::Add => {
                let id = EntraObjectId::new(uuid::Uuid::from_u128(0xadd0 + self.people.len() as u128));
                let user = User::member(id, "Late Comer", "late@new.example", world.config().as_of);
                self.people.push(id);
                world.add_user(tenant, user)
            }
            Edit::Disable(number) => {
                world.edit(tenant, person(number), |user| user.account_enabled = !user.account_enabled)
            }
            Edit::Purge(number) => world.purge_user(tenant, person(number)),
            Edit::Remove(number) => world.remove_user(tenant, person(number)),
            Edit::Restore(number) => world.restore_user(tenant, person(number)),
            Edit::Retitle(number, title) => world.edit(tenant, person(number), |user| {
                user.job_title = (*title > 0).then(|| format!("Title {title}"));
            }),
        };
    }

    /// Reads a round from `cursor` and folds it over what is known.
    async fn read(&mut self, cursor: &Cursor, mut meanwhile: Option<&Edit>) -> Cursor {
        let mut cursor = cursor.clone();
        loop {
            let page = self.connected.directory.changes_page(self.tenant, &cursor).await.unwrap();
            let next = page.next.clone();
            self.fold(page);
            if let Some(edit) = meanwhile.take() {
                self.carry_out(edit);
            }
            match next {
                ChangesNext::More(more) => cursor = more,
                ChangesNext::Complete(later) => return later,
            }
        }
    }

    fn fold(&mut self, page: ChangePage) {
        assert_eq!(page.bad_rows, []);
        let users = page.users.iter().map(|user| user.object);
        let told: Vec<_> = users.chain(page.removed.iter().map(|removed| removed.object)).collect();
        let distinct: BTreeSet<_> = told.iter().collect();
        assert_eq!(distinct.len(), told.len(), "a page tells everybody once");
        for removed in page.removed {
            self.known.remove(&removed.object);
        }
        self.known.extend(page.users.into_iter().map(|user| (user.object, user)));
    }

    async fn listed(&self) -> State {
        let page = self.connected.directory.users_page(self.tenant, None).await.unwrap();
        assert_eq!(page.next, None);
        page.users.into_iter().map(|user| (user.object, user)).collect()
    }
}

async fn follow(before: Vec<Edit>, rounds: Vec<Round>) {
    let (mut followed, mut cursor) = Followed::new(&before).await;
    for round in &rounds {
        followed.carry_out_all(&round.edits);
        followed.connected.fake.set_delta_page_size(round.page_size);
        for (nth, effect) in &round.faults {
            let requests = Match::route(Route::UsersDelta).nth(*nth);
            followed.connected.fake.faults().on(requests, effect.clone(), 1);
        }
        let later = followed.read(&cursor, round.meanwhile.as_ref()).await;
        followed.connected.fake.faults().clear();
        if round.again {
            followed.read(&cursor, None).await;
        }
        cursor = later;
        let late = round.faults.iter().any(|(_, effect)| matches!(effect, Effect::DelayedChange));
        if !late && round.meanwhile.is_none() {
            assert_eq!(followed.known, followed.listed().await);
        }
    }
    followed.read(&cursor, None).await;
    assert_eq!(followed.known, followed.listed().await);
}

fn edit() -> impl Strategy<Value = Edit> {
    let person = 0..2 * USERS;
    prop_oneof![
        1 => Just(Edit::Add),
        1 => person.clone().prop_map(Edit::Disable),
        1 => person.clone().prop_map(Edit::Purge),
        3 => person.clone().prop_map(Edit::Remove),
        3 => person.clone().prop_map(Edit::Restore),
        3 => (person, 0..5_u8).prop_map(|(person, title)| Edit::Retitle(person, title)),
    ]
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        Just(Effect::DelayedChange),
        Just(Effect::EmptyPageWithNext),
        Just(Effect::ReorderedRows),
        Just(Effect::RepeatedChange),
        Just(Effect::RepeatedRow),
        Just(Effect::ReplayedChanges),
        Just(Effect::CutListing),
        Just(Effect::Malformed),
        Just(Effect::status(503)),
    ]
}

fn round() -> impl Strategy<Value = Round> {
    let edits = proptest::collection::vec(edit(), 0..12);
    let faults = proptest::collection::vec((1..6_u32, effect()), 0..4);
    (edits, proptest::option::of(edit()), faults, 1..6_u32, any::<bool>()).prop_map(
        |(edits, meanwhile, faults, page_size, again)| Round { edits, meanwhile, faults, page_size, again },
    )
}

#[test]
fn changes_folded_over_a_listing_make_the_next_listing() {
    let history = (proptest::collection::vec(edit(), 0..4), proptest::collection::vec(round(), 1..6));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(96) });
    let outcome = runner.run(&history, |(before, rounds)| {
        runtime.block_on(follow(before, rounds));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
