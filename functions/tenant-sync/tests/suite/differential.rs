//! Whoever has only ever been told what has changed ends where somebody ends who reads everybody every
//! time. Two tables over one directory: the one syncs by the feed of changes, the other by complete reads.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{contact::ContactValues, run::RunKind};
use fake_microsoft::{Effect, Match, Route, SyncStateLoss, User, WorldConfig};
use jiff::SignedDuration;
use store::{ContactInput, SyncSettings};

use crate::{
    dump::{Dump, Item},
    house::{House, WORKSPACE, managed},
    microsoft::Microsoft,
};

/// Unless `DIFFERENTIAL_HISTORIES` says another number.
const HISTORIES: u64 = 16;
const ROUNDS: u64 = 10;

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how many histories are tried is the caller's choice")]
async fn being_told_of_changes_ends_where_reading_everybody_ends() {
    let histories = std::env::var("DIFFERENTIAL_HISTORIES").map(|number| number.parse().unwrap());
    let histories = histories.unwrap_or(HISTORIES);
    let mut told_in_rounds = 0;
    for seed in 1..=histories {
        told_in_rounds += history(seed).await;
    }
    assert!(told_in_rounds > histories * ROUNDS * 2 / 3, "{told_in_rounds} tenants were read by the feed");
}

/// How often a tenant was read by the feed of changes.
async fn history(seed: u64) -> u64 {
    let mut twins = Twins::new(seed).await;
    let mut told = 0;
    for round in 0..ROUNDS {
        for _ in 0..twins.chance.below(4) {
            twins.change().await;
        }
        told += twins.sync(round + 2).await;
        let what = format!("seed {seed}, round {round}: {:?}", twins.changes);
        let [told, read] = [&twins.told, &twins.read];
        comparable(told.dump().await).assert_same(&comparable(read.dump().await), &what);
    }
    told
}

/// Two tables over one directory.
struct Twins {
    microsoft: Arc<Microsoft>,
    told: House,
    read: House,
    contacts: Vec<ContactInput>,
    removed: Vec<(usize, User)>,
    chance: Chance,
    changes: Vec<&'static str>,
    hired: u128,
}

impl Twins {
    async fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let microsoft = Arc::new(Microsoft::serving(WorldConfig::sample(seed, &[14, 6]), 5).await);
        let (told, read) = (House::new(&microsoft).await, House::new(&microsoft).await);
        let mut settings = SyncSettings {
            field_sync_config: serde_json::json!({ "displayName": true, "email": true, "role": true }),
            ..SyncSettings::default()
        };
        settings.vanish.confirmations = 1 + u8::try_from(chance.below(2)).unwrap();
        settings.vanish.grace_hours = 1;
        settings.vanish.allowed_percent = [10, 100][chance.index(2)];
        // None or all: who comes first, and so is let through, depends on the order of a reading.
        settings.limits.creations.count = [0, 50][chance.index(2)];
        settings.limits.creations.percent = 0;
        let mut contacts = Vec::new();
        for house in [&told, &read] {
            house.settings(settings.clone()).await;
            let clients = [house.client(1).await, house.client(2).await];
            contacts.clear();
            for (number, seed) in (0..).zip(microsoft.world().psa_seed()) {
                for (contact, seed) in (0..).zip(&seed.contacts) {
                    let id = number * 1_000 + contact;
                    let client = clients[usize::try_from(number).unwrap()];
                    contacts.push(house.contact(client, id, &seed.full_name, &seed.email).await);
                }
            }
            for (number, client) in clients.iter().enumerate() {
                house.map(microsoft.tenant(number).id, *client).await;
            }
        }
        read.read_everybody().await;
        let (removed, changes) = (Vec::new(), Vec::new());
        let mut twins = Self { microsoft, told, read, contacts, removed, chance, changes, hired: 0 };
        twins.sync(1).await;
        twins
    }

    /// Syncs both, now and then the one that is told with the directory's usual mischief; in how many
    /// tenants it read only what had changed.
    async fn sync(&mut self, number: u64) -> u64 {
        let hours = SignedDuration::from_hours(i64::try_from(self.chance.below(9)).unwrap());
        for house in [&self.told, &self.read] {
            house.clock.advance(hours);
        }
        let faults = self.microsoft.fake.faults();
        let changes = Match::route(Route::UsersDelta).tenant(self.microsoft.tenant(self.chance.index(2)).id);
        match self.chance.below(8) {
            0 => drop(faults.on(changes, Effect::LostSyncState(SyncStateLoss::GoneNotFound), 1)),
            1 => drop(faults.on(changes, Effect::ReplayedChanges, 2)),
            2 => drop(faults.on(changes, Effect::ReorderedRows, 2)),
            3 => drop(faults.on(changes, Effect::RepeatedChange, 2)),
            _ => {}
        }
        let kind = if number == 1 { RunKind::Initial } else { RunKind::AllTenants };
        let began = self.told.run(number, kind).await.run.started_at;
        let tenants = [0, 1].map(|tenant| managed(self.microsoft.tenant(tenant).id));
        let states = self.told.store.tenant_states(WORKSPACE, &tenants).await.unwrap();
        let told = states.iter().filter(|(_, state)| state.ground.complete_at != Some(began)).count();
        faults.clear();
        self.read.run(number, kind).await;
        told as u64
    }

    /// Something happens at a customer, or a human changes a contact.
    async fn change(&mut self) {
        let number = self.chance.index(2);
        let tenant = self.microsoft.tenant(number);
        let users = self.microsoft.world().users(tenant.id);
        let user = users[self.chance.index(users.len())].clone();
        let other = users[self.chance.index(users.len())].clone();
        let contact = self.chance.index(self.contacts.len());
        let world = self.microsoft.world();
        let edit = |change: &dyn Fn(&mut User)| world.edit(tenant.id, user.id, change).unwrap();
        let what = match self.chance.below(15) {
            0 => {
                let name = Some(format!("Renamed {}", self.chance.below(1_000)));
                edit(&|user| user.display_name.clone_from(&name));
                "rename"
            }
            1 => {
                edit(&|user| user.job_title = Some("Lead".to_owned()));
                "promote"
            }
            2 => {
                edit(&|user| user.account_enabled = !user.account_enabled);
                "block or unblock"
            }
            3 => {
                edit(&|user| user.mail.clone_from(&other.mail));
                "share a mailbox"
            }
            4 => {
                let mail = Some(format!("moved{}@{}", self.chance.below(9), tenant.default_domain()));
                edit(&|user| user.mail.clone_from(&mail));
                "move the mailbox"
            }
            5 => {
                edit(&|user| user.user_type = Some("Guest".to_owned()));
                "make a guest"
            }
            6 => {
                world.purge_user(tenant.id, user.id).unwrap();
                "remove for good"
            }
            7 => {
                world.remove_user(tenant.id, user.id).unwrap();
                self.removed.push((number, user));
                "remove"
            }
            8 if !self.removed.is_empty() => {
                let (number, user) = self.removed.remove(self.chance.index(self.removed.len()));
                world.restore_user(self.microsoft.tenant(number).id, user.id).unwrap();
                "restore"
            }
            9 if self.contacts[contact].values.email.is_some() => {
                // Somebody's alias is a contact's address, and the name is another one.
                let alias = format!("smtp:{}", self.contacts[contact].values.email.clone().unwrap());
                edit(&|user| user.proxy_addresses = Some(vec![alias.clone()]));
                "take an alias"
            }
            10 => {
                self.human(contact, |values| values.full_name.push_str(" jr")).await;
                "a human renames"
            }
            11 => {
                self.human(contact, |values| values.email = None).await;
                "a human takes an address away"
            }
            12 => {
                let name = user.display_name.clone().unwrap_or_default();
                self.human(contact, |values| name.clone_into(&mut values.full_name)).await;
                "a human gives a contact a user's name"
            }
            _ => {
                for _ in 0..=self.chance.below(3) {
                    self.hired += 1;
                    let address = format!("hire{}@{}", self.hired, tenant.default_domain());
                    self.microsoft.hire(tenant.id, self.hired, "New Hire", &address, |_| {});
                }
                "hire"
            }
        };
        self.changes.push(what);
    }

    /// A human's edit, in both tables; not of a contact whose address has gone to somebody else.
    async fn human(&mut self, contact: usize, change: impl FnOnce(&mut ContactValues)) {
        let mut edited = self.contacts[contact].clone();
        change(&mut edited.values);
        let mut results = Vec::new();
        for house in [&self.told, &self.read] {
            results.push(house.store.upsert_contact(WORKSPACE, &edited).await.unwrap());
        }
        assert_eq!(results[0], results[1], "the twins are alike");
        self.contacts[contact] = edited;
    }
}

/// What the two have to have in common: everything about people, and what a run has learnt of who is
/// leaving; not how it was read.
fn comparable(dump: Dump) -> Dump {
    let mut dump = dump.people();
    for item in dump.items.values_mut() {
        // When somebody was looked at last.
        item.retain(|name, _| name != "syncedAt");
        forget_way(item);
    }
    dump
}

/// A listing does not know in which way somebody has gone; a line that says so, or takes it back, has another id.
fn forget_way(item: &mut Item) {
    item.remove("line");
    let gone = ["deleted_upstream", "permanently_deleted_upstream", "soft_deleted_upstream"];
    let Some(AttributeValue::M(stamp)) = item.get_mut("entra") else { return };
    let Some(AttributeValue::S(reason)) = stamp.get_mut("inactiveReason") else { return };
    if gone.contains(&reason.as_str()) {
        "deleted_upstream".clone_into(reason);
    }
}

/// Numbers from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap()
    }
}
