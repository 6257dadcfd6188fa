//! Two customers with people of every kind, before a first sync and before a later one.

use std::sync::Arc;

use ambient::Clock;
use domain::{
    ids::EntraTenantId,
    ledger::{LinkChange, Wish},
    plan::LINES_PER_PAGE_MAX,
    policy::Share,
    run::RunKind,
    undo::UndoScope,
};
use fake_microsoft::WorldConfig;
use jiff::Timestamp;
use store::{ContactInput, PlanPart, PlanSource, RunScope};
use workflow::payloads::RunInput;

use crate::{
    dump::Dump,
    house::{Ended, House, WORKSPACE, managed, run_id},
    microsoft::Microsoft,
    people::object,
};

/// Rows of a directory page: several pages for each customer.
const PAGE_SIZE: u16 = 4;

/// A stored run that nobody has begun.
pub(crate) struct Scene {
    pub(crate) microsoft: Arc<Microsoft>,
    pub(crate) content: Dump,
    pub(crate) now: Timestamp,
    pub(crate) run: RunInput,
}

impl Scene {
    /// A first sync: people to create, to link, to ask about and to leave out.
    pub(crate) async fn first() -> Self {
        let (house, _) = house().await;
        Self::of(&house, 1).await
    }

    /// A later one: somebody is disabled, somebody back, renamed, gone, and new, and a question has
    /// found its answer.
    pub(crate) async fn later() -> Self {
        let (house, asked_about) = house().await;
        house.read_everybody().await;
        two_syncs_and_changes(&house, asked_about).await;
        Self::of(&house, 3).await
    }

    /// The same, when only what has changed is read.
    pub(crate) async fn told() -> Self {
        let (house, asked_about) = house().await;
        two_syncs_and_changes(&house, asked_about).await;
        Self::of(&house, 3).await
    }

    /// A preview of a first sync is to be carried out.
    pub(crate) async fn preview_to_apply() -> Self {
        let (house, _) = house().await;
        house.run(1, RunKind::Preflight).await;
        Self::working_from(&house, RunKind::Apply, 1, PlanPart::Lines).await
    }

    /// New people and people who leave wait at limits and are to be let through.
    pub(crate) async fn waiting_lines_to_allow() -> Self {
        let (house, asked_about) = house().await;
        house.read_everybody().await;
        two_syncs_and_changes(&house, asked_about).await;
        let mut settings = house.store.settings(WORKSPACE).await.unwrap();
        settings.limits.creations = Share { count: 0, percent: 0 };
        (settings.vanish.allowed, settings.vanish.allowed_percent) = (0, 0);
        house.settings(settings).await;
        let held = house.run(3, RunKind::AllTenants).await.run.counters.held;
        assert!(held >= 3, "new, disabled and gone: {held}");
        Self::working_from(&house, RunKind::Apply, 3, PlanPart::Staged { lines: Vec::new() }).await
    }

    /// A later sync, in which all kinds of things happened, is to be taken back.
    pub(crate) async fn sync_to_undo() -> Self {
        let scene = Self::later().await;
        let house = scene.house().await;
        house.carry(scene.run).await;
        Self::working_from(&house, RunKind::Undo, 3, PlanPart::Undo { scope: UndoScope::default() }).await
    }

    /// A first sync of people who all come on one directory page, more than a plan page holds. Most
    /// of them are guests, who cost a line and no write.
    pub(crate) async fn of_one_large_page() -> Self {
        let people = u32::try_from(LINES_PER_PAGE_MAX).unwrap() + 20;
        let microsoft = Arc::new(Microsoft::plain(&[people], 999).await);
        let tenant = microsoft.tenant(0).id;
        for user in microsoft.world().users(tenant).iter().skip(1).take(LINES_PER_PAGE_MAX + 18) {
            microsoft.edit(tenant, user, |user| user.user_type = Some("Guest".to_owned()));
        }
        let house = House::new(&microsoft).await;
        house.map(tenant, house.client(1).await).await;
        Self::of(&house, 1).await
    }

    /// A sync of one person who has another name, in a tenant of three.
    pub(crate) async fn of_one_person() -> Self {
        let microsoft = Arc::new(Microsoft::plain(&[3], 2).await);
        let tenant = microsoft.tenant(0).id;
        let house = House::new(&microsoft).await;
        house.every_field().await;
        house.map(tenant, house.client(1).await).await;
        house.run(1, RunKind::AllTenants).await;
        let person = microsoft.employee(tenant, 0).id;
        microsoft.edit(tenant, &microsoft.employee(tenant, 0), |user| {
            user.display_name = Some("Iva Other".to_owned());
        });
        let scope = RunScope { tenant: Some(managed(tenant)), person: Some(person), ..RunScope::default() };
        let run = house.store_run(2, RunKind::SingleTenant, scope, None).await;
        Self::before(&house, run).await
    }

    /// Two people whose contacts have changed addresses are to be matched anew.
    pub(crate) async fn of_changed_links() -> Self {
        let microsoft = Arc::new(Microsoft::plain(&[3], 2).await);
        let tenant = microsoft.tenant(0).id;
        let house = House::new(&microsoft).await;
        let client = house.client(1).await;
        house.map(tenant, client).await;
        let people = [0, 1].map(|number| microsoft.employee(tenant, number));
        let [first, second] = people.each_ref().map(|person| person.mail.clone().unwrap());
        let mut one = house.contact(client, 1, "One", &first).await;
        let mut two = house.contact(client, 2, "Two", &second).await;
        house.run(1, RunKind::AllTenants).await;
        for (contact, address) in [(&mut one, "between@x.example"), (&mut two, &*first)] {
            contact.values.email = Some(address.parse().unwrap());
            house.edit(contact).await;
        }
        one.values.email = Some(second.parse().unwrap());
        house.edit(&one).await;
        let wishes = people.map(|person| Wish { object: person.id, contact: None });
        let run = house.accept_links(2, RunKind::Links, tenant, (LinkChange::Rematch, &wishes)).await;
        Self::before(&house, run).await
    }

    async fn of(house: &House, number: u64) -> Self {
        let run = house.accept(number, RunKind::AllTenants).await;
        Self::before(house, run).await
    }

    /// A run that works from the plan of run `number`.
    async fn working_from(house: &House, kind: RunKind, number: u64, part: PlanPart) -> Self {
        let source = PlanSource { run: run_id(number), part };
        let run = house.accept_from(number + 1, kind, Some(source)).await;
        Self::before(house, run).await
    }

    async fn before(house: &House, run: RunInput) -> Self {
        let (microsoft, now) = (Arc::clone(&house.microsoft), house.clock.now());
        Self { microsoft, content: house.dump().await, now, run }
    }

    /// The table as it was when the run was accepted.
    pub(crate) async fn house(&self) -> House {
        House::with(&self.microsoft, &self.content, self.now).await
    }

    /// How the run ends when nothing disturbs it, and what it leaves behind.
    pub(crate) async fn undisturbed(&self) -> (Ended, Dump, u64) {
        let house = self.house().await;
        let ended = house.carry(self.run).await;
        (ended, house.dump().await.settled(), house.probe.counts().writes)
    }

    pub(crate) fn tenants(&self) -> Vec<EntraTenantId> {
        self.microsoft.world().tenants().iter().map(|tenant| tenant.id).collect()
    }
}

/// A connected workspace with two messy customers, and a contact about whom a human will be asked.
async fn house() -> (House, ContactInput) {
    let microsoft = Arc::new(Microsoft::serving(WorldConfig::sample(7, &[9, 5]), PAGE_SIZE).await);
    let house = House::new(&microsoft).await;
    house.every_field().await;
    let (large, small) = (microsoft.tenant(0), microsoft.tenant(1));
    let domain = large.default_domain().to_owned();

    let known = microsoft.employee(large.id, 0);
    let address = known.mail.unwrap();
    let at = |local: &str| format!("{local}@{domain}");
    microsoft
        .hire(large.id, 1, "Same Mailbox", &at("same.mailbox"), |user| user.mail = Some(address.clone()));
    let alias = |old: &str| vec![format!("smtp:{}", at(old))];
    microsoft
        .hire(large.id, 2, "Mira Sund", &at("mira.sund"), |user| user.proxy_addresses = Some(alias("mira")));
    microsoft
        .hire(large.id, 3, "Ola Nord", &at("ola.nord"), |user| user.proxy_addresses = Some(alias("info")));
    microsoft.hire(large.id, 4, "Long Gone", &at("long.gone"), |user| user.account_enabled = false);

    let (client, other) = (house.client(1).await, house.client(2).await);
    house.contact(client, 1, "A Name In The PSA", &address.to_uppercase()).await;
    house.contact(client, 2, "Sund Mira", &at("mira")).await;
    let asked_about = house.contact(client, 3, "The Front Desk", &at("info")).await;
    let known = microsoft.employee(small.id, 0);
    house.contact(other, 4, "Known By Sign-In Name", &known.user_principal_name).await;
    house.map(large.id, client).await;
    house.map(small.id, other).await;
    (house, asked_about)
}

/// Syncs twice; then people change in every way there is.
async fn two_syncs_and_changes(house: &House, mut asked_about: ContactInput) {
    let microsoft = &house.microsoft;
    let large = microsoft.tenant(0);
    let [back, disabled, renamed] = [1, 2, 3].map(|number| microsoft.employee(large.id, number));
    house.run(1, RunKind::Initial).await;
    microsoft.edit(large.id, &back, |user| user.account_enabled = false);
    let second = house.run(2, RunKind::AllTenants).await;
    assert_eq!(second.run.counters.inactivated, 1);

    microsoft.edit(large.id, &back, |user| user.account_enabled = true);
    microsoft.edit(large.id, &disabled, |user| user.account_enabled = false);
    let domain = large.default_domain();
    microsoft.edit(large.id, &renamed, |user| {
        user.display_name = Some("Renamed Person".to_owned());
        user.mail = Some(format!("renamed.person@{domain}"));
    });
    microsoft.world().remove_user(large.id, object(2)).unwrap();
    "Ola Nord".clone_into(&mut asked_about.values.full_name);
    house.edit(&asked_about).await;
    microsoft.hire(large.id, 5, "New Colleague", &format!("new.colleague@{domain}"), |_| {});
}
