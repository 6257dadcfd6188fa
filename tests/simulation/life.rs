//! One history, lived from its first step to its last or to the first sentence that breaks.

use domain::{
    ids::{ClientId, EntraTenantId},
    invariants,
    mapping::Decision,
};
use fake_microsoft::WorldConfig;
use jiff::SignedDuration;
use store::TenantRun;

use crate::{
    audit::{self, Written},
    coverage::Coverage,
    dice::Dice,
    edits::{Hands, add_contact, any_address},
    house::House,
    kinds::Jump,
    microsoft::WORKSPACE,
    past::Past,
    rules,
    stage::Stage,
    step::{History, Step, What},
};

/// What came of something; otherwise what broke.
pub(crate) type Told<T> = Result<T, String>;

/// How a history ended.
pub(crate) struct Outcome {
    /// What happened, a line for each step.
    pub(crate) story: Vec<String>,
    /// The sentence that broke with the last step.
    pub(crate) broken: Option<String>,
    pub(crate) coverage: Coverage,
    /// Everything that was stored in the end.
    pub(crate) dump: String,
}

/// A history on its way.
pub(crate) struct Life {
    pub(crate) house: House,
    pub(crate) hands: Hands,
    pub(crate) coverage: Coverage,
    pub(crate) written: Written,
    pub(crate) past: Past,
    /// Whether a worker has died for good, or a tenant been given up, in the middle of a write.
    pub(crate) cut_off: bool,
    /// Whether a read has ever looked complete without being so.
    pub(crate) lied_to: bool,
}

/// Lives `history` on this thread's stage.
pub(crate) async fn live(stage: &Stage, history: &History) -> Outcome {
    let (mut life, told) = Life::new(stage, history.seed).await;
    let mut story = vec![told];
    let mut broken = None;
    for (step, number) in history.steps.iter().zip(1..) {
        let told = life.step(step).await;
        let text = match &told {
            Ok(text) => text.clone(),
            Err(sentence) => format!("{} {:?}: BROKEN: {sentence}", step.what.name(), step.what),
        };
        story.push(format!("{number}. {text}"));
        if let Err(sentence) = told {
            broken = Some(sentence);
            break;
        }
    }
    let dump = life.house.dump().await.text(stage.base.as_str());
    Outcome { story, broken, coverage: life.coverage, dump }
}

impl Life {
    async fn new(stage: &Stage, seed: u64) -> (Self, String) {
        let mut dice = Dice::of(seed);
        let tenants = 1 + dice.below(4);
        let sizes: Vec<u32> = (0..tenants)
            .map(|_| dice.weighted(&[(5, 0), (15, 1), (25, 3), (30, 6), (20, 10), (5, 25)]))
            .collect();
        let page_size = dice.weighted(&[(30, 2), (30, 4), (25, 8), (15, 50)]);
        let config = WorldConfig { messy: dice.percent(80), ..WorldConfig::sample(dice.next(), &sizes) };
        let clients = 1 + dice.below(3);
        let mut house = House::new(stage, config, page_size, clients).await;
        for (number, tenant) in house.tenants.clone().into_iter().enumerate() {
            if let Some(client) = dice.pick(&house.clients).filter(|_| dice.percent(90)) {
                house.decide(tenant, Decision::Mapped { client }).await;
                known_contacts(&house, &mut dice, client, number).await;
            }
        }
        odd_contacts(&house, &mut dice).await;
        rules::found_groups(&mut dice, house.microsoft.world(), &house.tenants);
        if dice.percent(70) {
            let settings = rules::settings(&mut dice, house.microsoft.world(), &house.tenants);
            house.store.put_settings(WORKSPACE, &settings).await.unwrap();
        }
        let told = format!("{sizes:?} users in pages of {page_size}, {clients} clients");
        let life = Self {
            house,
            hands: Hands::default(),
            coverage: Coverage::default(),
            written: Written::new(),
            past: Past::default(),
            cut_off: false,
            lied_to: false,
        };
        (life, told)
    }

    async fn step(&mut self, step: &Step) -> Told<String> {
        let dice = &mut Dice::of(step.seed);
        let told = match &step.what {
            What::Contact(edit) => {
                let told = self.hands.contact(&self.house, *edit, dice).await;
                let people = audit::people(&mut self.house, &[]).await?;
                audit::at_rest(&self.house, &people, self.cut_off).await?;
                told
            }
            What::Directory(edit) => self.hands.directory(&self.house, *edit, dice),
            What::Operation(operation) => self.hands.operation(&mut self.house, *operation, dice).await,
            What::Preview => self.preview().await?,
            What::Settle => self.settle().await?,
            What::Stored(stored, around) => self.stored(*stored, around, dice).await?,
            What::Sync(scope, around) => self.sync(*scope, around, dice).await?,
            What::Time(jump) => Some(self.jump(*jump, dice)),
            What::Twin => self.twin(dice).await?,
        };
        Ok(match told {
            Some(told) => {
                self.coverage.note(step.what.name());
                told
            }
            None => format!("(nothing: {})", step.what.name()),
        })
    }

    fn jump(&mut self, jump: Jump, dice: &mut Dice) -> String {
        let by = match jump {
            Jump::Back => -SignedDuration::from_secs(i64::try_from(dice.below(120)).unwrap_or_default()),
            Jump::Days => {
                SignedDuration::from_hours(24 * (1 + i64::try_from(dice.below(5)).unwrap_or_default()))
            }
            Jump::Hours => SignedDuration::from_hours(1 + i64::try_from(dice.below(12)).unwrap_or_default()),
        };
        self.house.clock.advance(by);
        format!("the time jumps by {by:#}")
    }

    /// A preview writes nothing, and the sync after it does what the preview said.
    async fn preview(&mut self) -> Told<Option<String>> {
        // What is going on would come between the two.
        self.take_over_what_is_left().await?;
        let before = (audit::people(&mut self.house, &[]).await?, self.house.dump().await);
        let Some(preview) = self.undisturbed(domain::run::RunKind::Preflight).await? else { return Ok(None) };
        let people = audit::people(&mut self.house, &[]).await?;
        invariants::people_are_unchanged(&before.0, &people).map_err(audit::failed)?;
        let after = self.house.dump().await;
        let rows = ["#RUN", "#PLAN#", "#STATE"];
        let foreign = after
            .changed_since(&before.1)
            .into_iter()
            .find(|(pk, _)| !rows.iter().any(|row| pk.contains(row)));
        if let Some(key) = foreign {
            return Err(format!("a preview wrote {key:?}"));
        }
        let Some(run) = self.undisturbed(domain::run::RunKind::AllTenants).await? else {
            return Err("a preview was possible and the sync was not".to_owned());
        };
        // A preview shows everybody; a run may read only who has changed.
        let reads_everybody = run.run.settings.complete_read_hours.0 == 0;
        if reads_everybody && preview.is_whole() && run.is_whole() {
            // What two tenants of one client have in common goes to the one that is carried out first.
            let is_alone = |tenant: &&TenantRun| {
                run.tenants.iter().filter(|other| other.client == tenant.client).count() == 1
            };
            for tenant in run.tenants.iter().filter(is_alone) {
                let (planned, done) = (preview.pages_of(tenant), run.pages_of(tenant));
                invariants::plans_are_equal(&planned, &done).map_err(audit::failed)?;
            }
        }
        Ok(Some(format!("a preview, and the sync it promised: {}", told(&run))))
    }

    /// On unchanged input a sync soon has nothing left to do, and at once when the one before it left
    /// nothing to do.
    async fn settle(&mut self) -> Told<Option<String>> {
        const ROUNDS_MAX: usize = 9;
        self.take_over_what_is_left().await?;
        let mut before = audit::people(&mut self.house, &[]).await?;
        let mut leaves_work = true;
        for round in 1..=ROUNDS_MAX {
            let Some(run) = self.undisturbed(domain::run::RunKind::AllTenants).await? else {
                return Ok(None);
            };
            let after = audit::people(&mut self.house, &[]).await?;
            let unchanged = invariants::people_are_unchanged(&before, &after);
            if unchanged.is_ok() {
                return Ok(Some(format!("after {round} syncs nothing changes any more")));
            }
            if !leaves_work {
                let broken = unchanged.map_err(audit::failed);
                return broken.map(|()| None).map_err(|broken| format!("sync {round} of the same: {broken}"));
            }
            // A read of changes does not see everything that is left to do.
            let by_changes = run.run.settings.complete_read_hours.0 > 0;
            (before, leaves_work) = (after, run.leaves_work() || by_changes);
        }
        Err(format!("after {ROUNDS_MAX} syncs of the same there is still something to do"))
    }
}

pub(crate) fn told(ended: &audit::Ended) -> String {
    let counters = serde_json::to_value(ended.run.counters).unwrap_or_default();
    let counters = counters.as_object().into_iter().flatten().filter(|(_, count)| **count != 0);
    let counters: Vec<String> = counters.map(|(name, count)| format!("{name} {count}")).collect();
    let failures = ended.tenants.iter().filter_map(|tenant| tenant.failure.as_ref());
    let failures: Vec<&str> = failures.map(|failure| failure.code.as_str()).collect();
    format!("{:?}, {} {failures:?}", ended.run.run_status, counters.join(", "))
}

/// Contacts the PSA has of a tenant's people, most of them at the tenant's client.
async fn known_contacts(house: &House, dice: &mut Dice, client: ClientId, number: usize) {
    let seeds = house.microsoft.world().psa_seed();
    let contacts = seeds.get(number).map(|seed| seed.contacts.as_slice()).unwrap_or_default();
    for (contact, position) in contacts.iter().zip(0_u64..) {
        let elsewhere = dice.percent(8);
        if !dice.percent(60) {
            continue;
        }
        let client = if elsewhere { dice.pick(&house.clients).unwrap_or(client) } else { client };
        let number = 1_000 * (number as u64 + 1) + position;
        add_contact(house, client, number, &contact.full_name, contact.email.parse().ok()).await;
    }
}

/// Contacts with other names at addresses of directory users, and contacts without an address.
async fn odd_contacts(house: &House, dice: &mut Dice) {
    for number in 0..dice.below(4) {
        let client = dice.pick(&house.clients).expect("there is a client");
        let email = if dice.percent(80) { any_address(house, dice) } else { None };
        add_contact(house, client, 9_000 + number, &format!("Odd {number}"), email).await;
    }
}

/// A tenant by its number in the story.
pub(crate) fn number_of(house: &House, tenant: EntraTenantId) -> usize {
    house.tenants.iter().position(|known| *known == tenant).unwrap_or_default() + 1
}
