//! Runs, and what goes wrong with them.

use std::{future::Future, pin::Pin, pin::pin};

use ambient::VirtualClock;
use domain::{ids::EntraTenantId, run::RunKind, run::TenantStatus};
use fake_microsoft::{BadRow, Effect, FaultId, Match, Route, TokenQuirk};
use jiff::SignedDuration;
use store::{RunScope, probe::Fault as StoreFault};
use sync::NotBegun;
use tokio::sync::oneshot;
use workflow::payloads::RunInput;

use crate::{
    audit::{self, Audit, Ended, failed},
    dice::Dice,
    gate::Gate,
    life::{Life, Told, number_of, told},
    microsoft::WORKSPACE,
    step::{ContactEdit, DirectoryEdit, Fault, Meanwhile, Mishap, Operation, Scope, SyncStep, Trouble},
};

/// Longer than a worker may be silent before its tenant is handed to another one.
const PAST_THE_LEASE: SignedDuration = SignedDuration::from_secs(91);

impl Life {
    /// One sync with everything that goes wrong with it.
    pub(crate) async fn sync(&mut self, step: &SyncStep, dice: &mut Dice) -> Told<Option<String>> {
        let (kind, scope) = match step.scope {
            Scope::Everything if dice.percent(20) => (RunKind::Initial, RunScope::default()),
            Scope::Everything => (RunKind::AllTenants, RunScope::default()),
            Scope::OneClient => {
                let client = dice.pick(&self.house.clients);
                (RunKind::SingleTenant, RunScope { client, tenant: None })
            }
        };
        let Some(run) = self.begin(kind, scope).await? else { return Ok(None) };
        let faults: Vec<(FaultId, Trouble, Option<EntraTenantId>)> =
            step.faults.iter().map(|fault| self.set(fault, dice)).collect();
        let mut audit = Audit::begin(&mut self.house, vec![run]).await?;
        let happened = self.carry(run, step, &mut audit, dice).await;
        let troubles = self.note_faults(&faults);
        self.house.microsoft.fake.faults().clear();
        let happened = happened?;
        audit.check(&mut self.house, &mut self.written).await?;
        let name = if happened { step.mishap.name() } else { Mishap::None.name() };
        self.coverage.note(name);
        if happened && step.mishap == Mishap::DiesForGood {
            return Ok(Some(format!("{kind:?} dies for good at write {} {troubles:?}", step.write)));
        }
        let ended = self.close(run, &mut audit).await?;
        let meanwhile = if happened && step.mishap == Mishap::Sleeps { step.meanwhile.name() } else { "" };
        if meanwhile.is_empty() && !self.lied_to {
            ended.check_against_the_world(&self.house)?;
        }
        Ok(Some(format!("{kind:?}: {} {troubles:?} {name} ({}) {meanwhile}", told(&ended), step.write)))
    }

    /// One sync with which nothing goes wrong.
    pub(crate) async fn undisturbed(&mut self, kind: RunKind) -> Told<Option<Ended>> {
        let Some(run) = self.begin(kind, RunScope::default()).await? else { return Ok(None) };
        let mut audit = Audit::begin(&mut self.house, vec![run]).await?;
        self.house.worker().carry(run).await?;
        audit.check(&mut self.house, &mut self.written).await?;
        let ended = self.close(run, &mut audit).await?;
        if !self.lied_to {
            ended.check_against_the_world(&self.house)?;
        }
        Ok(Some(ended))
    }

    /// Carries runs to their end whose workers have died.
    pub(crate) async fn take_over_what_is_left(&mut self) -> Told<()> {
        let runs = self.house.store.runs(WORKSPACE, None, 100).await.map_err(failed)?;
        for run in runs.into_iter().filter(|run| !run.run_status.is_terminal()) {
            self.take_over(RunInput { workspace_id: WORKSPACE, run_id: run.id }).await?;
        }
        Ok(())
    }

    async fn take_over(&mut self, run: RunInput) -> Told<()> {
        let mut audit = Audit::begin(&mut self.house, vec![run]).await?;
        self.house.worker().carry(run).await?;
        audit.check(&mut self.house, &mut self.written).await?;
        self.close(run, &mut audit).await.map(|_| ())
    }

    /// Starts a run; `None` when there is nothing to sync. One that nobody carries any more is taken
    /// over first.
    async fn begin(&mut self, kind: RunKind, scope: RunScope) -> Told<Option<RunInput>> {
        self.house.clock.advance(SignedDuration::from_secs(10));
        for _ in 0..3 {
            match self.house.start(kind, scope).await {
                Ok(run) => return Ok(Some(run)),
                Err(NotBegun::NothingMapped) => return Ok(None),
                Err(NotBegun::AlreadyRunning(run)) => {
                    self.take_over(RunInput { workspace_id: WORKSPACE, run_id: run }).await?;
                }
                Err(error) => return Err(format!("a sync was refused: {error}")),
            }
        }
        Err("a run that was carried to its end is still going on".to_owned())
    }

    async fn close(&mut self, run: RunInput, audit: &mut Audit) -> Told<Ended> {
        let ended = audit::ended(&self.house, run, audit.people(), &self.written).await?;
        self.cut_off |= ended
            .tenants
            .iter()
            .any(|tenant| matches!(tenant.tenant_status, TenantStatus::Failed | TenantStatus::Cancelled));
        audit::at_rest(&self.house, audit.people(), self.cut_off).await?;
        Ok(ended)
    }

    /// Carries `run`, to its end unless its worker dies for good. Answers whether the mishap happened.
    async fn carry(
        &mut self,
        run: RunInput,
        step: &SyncStep,
        audit: &mut Audit,
        dice: &mut Dice,
    ) -> Told<bool> {
        let once = |fault| Some(fault);
        match step.mishap {
            Mishap::None => self.stumble(run, step.write, None, SignedDuration::ZERO).await,
            Mishap::FailsOnce => {
                self.stumble(run, step.write, once(StoreFault::Before), SignedDuration::ZERO).await
            }
            Mishap::LosesAnswer => {
                self.stumble(run, step.write, once(StoreFault::After), SignedDuration::ZERO).await
            }
            Mishap::ArrivesTwice => {
                self.stumble(run, step.write, once(StoreFault::Twice), SignedDuration::ZERO).await
            }
            Mishap::ClockJumps => self.stumble(run, step.write, None, SignedDuration::from_hours(2)).await,
            Mishap::ClockJumpsBack => {
                self.stumble(run, step.write, None, SignedDuration::from_secs(-100)).await
            }
            Mishap::DiesBefore | Mishap::DiesAfter | Mishap::DiesForGood => {
                let fault = match step.mishap {
                    Mishap::DiesBefore => StoreFault::Before,
                    Mishap::DiesAfter => StoreFault::After,
                    _ if dice.percent(50) => StoreFault::Before,
                    _ => StoreFault::After,
                };
                let died = self.die(run, step.write, fault).await?;
                if died && step.mishap == Mishap::DiesForGood {
                    self.cut_off = true;
                    return Ok(true);
                }
                if died {
                    audit.check(&mut self.house, &mut self.written).await?;
                    self.house.worker().carry(run).await?;
                }
                Ok(died)
            }
            Mishap::Interleaves => self.interleave(run, step.write, 1 + dice.below(12), audit).await,
            Mishap::Sleeps => self.sleep(run, step, audit, dice).await,
        }
    }

    /// Something happens at one write, and the worker goes on.
    async fn stumble(
        &mut self,
        run: RunInput,
        write: u64,
        fault: Option<StoreFault>,
        jump: SignedDuration,
    ) -> Told<bool> {
        let clock: VirtualClock = self.house.clock.clone();
        self.house.probe.reset();
        self.house.probe.script(move |call| {
            let now = call.write == Some(write);
            if now {
                clock.advance(jump);
            }
            fault.filter(|_| now)
        });
        let carried = self.house.worker().carry(run).await;
        let happened = self.house.probe.counts().writes >= write;
        self.house.probe.clear();
        carried.map(|()| happened)
    }

    /// The worker dies with one write: from then on nothing of it reaches the table.
    async fn die(&mut self, run: RunInput, write: u64, fault: StoreFault) -> Told<bool> {
        let (send, death) = oneshot::channel();
        let mut alive = Some(send);
        self.house.probe.reset();
        self.house.probe.script(move |call| {
            if alive.is_some() && call.write == Some(write) {
                alive.take()?.send(()).ok();
                return Some(fault);
            }
            alive.is_none().then_some(StoreFault::Before)
        });
        let worker = self.house.worker();
        let died = tokio::select! {
            biased;
            _ = death => Ok(true),
            carried = worker.carry(run) => carried.map(|()| false),
        };
        self.house.probe.clear();
        died
    }

    /// Two workers carry the run: the first one sleeps at its write until the second one sleeps at its
    /// own or has ended, then goes on to the end, and the second one after it.
    async fn interleave(&mut self, run: RunInput, write: u64, other: u64, audit: &mut Audit) -> Told<bool> {
        let (first_gate, http) = Gate::before(write, &self.house.engine);
        let first = self.house.worker_over(http);
        let (second_gate, http) = Gate::before(other, &self.house.engine);
        let second = self.house.worker_over(http);
        let mut sleeping = pin!(first.carry(run));
        tokio::select! {
            biased;
            () = first_gate.arrived() => {}
            carried = &mut sleeping => return carried.map(|()| false),
        }
        self.house.clock.advance(PAST_THE_LEASE);
        let mut other: Pin<Box<dyn Future<Output = Told<()>>>> = Box::pin(second.carry(run));
        let waits = tokio::select! {
            biased;
            () = second_gate.arrived() => true,
            carried = &mut other => { carried?; false }
        };
        audit.check(&mut self.house, &mut self.written).await?;
        first_gate.open();
        if waits {
            self.house.clock.advance(PAST_THE_LEASE);
        }
        sleeping.await?;
        audit.check(&mut self.house, &mut self.written).await?;
        if waits {
            second_gate.open();
            other.await?;
        }
        Ok(true)
    }

    /// The worker sleeps in front of one write while something else happens.
    async fn sleep(
        &mut self,
        run: RunInput,
        step: &SyncStep,
        audit: &mut Audit,
        dice: &mut Dice,
    ) -> Told<bool> {
        let (gate, http) = Gate::before(step.write, &self.house.engine);
        let worker = self.house.worker_over(http);
        let mut sleeping = pin!(worker.carry(run));
        tokio::select! {
            biased;
            () = gate.arrived() => {}
            carried = &mut sleeping => return carried.map(|()| false),
        }
        audit.check(&mut self.house, &mut self.written).await?;
        let other = self.meanwhile(run, step.meanwhile, audit, dice).await?;
        self.coverage.note(step.meanwhile.name());
        gate.open();
        sleeping.await?;
        if let Some(other) = other {
            audit.check(&mut self.house, &mut self.written).await?;
            self.close(other, audit).await?;
        }
        Ok(true)
    }

    /// Answers the other run there was.
    async fn meanwhile(
        &mut self,
        run: RunInput,
        meanwhile: Meanwhile,
        audit: &mut Audit,
        dice: &mut Dice,
    ) -> Told<Option<RunInput>> {
        let house = &mut self.house;
        let mut other = None;
        match meanwhile {
            Meanwhile::AnotherWorker => house.worker().carry(run).await?,
            Meanwhile::AnotherSync | Meanwhile::Preview => {
                let (kind, scope) = match meanwhile {
                    Meanwhile::Preview => (RunKind::Preflight, RunScope::default()),
                    _ => self.other_scope(run, dice).await?,
                };
                if let Ok(begun) = self.house.start(kind, scope).await {
                    audit.join(&self.house, begun).await?;
                    self.house.worker().carry(begun).await?;
                    other = Some(begun);
                }
            }
            Meanwhile::Cancel => {
                house.store.cancel_run(WORKSPACE, run.run_id).await.map_err(failed)?;
                house.clock.advance(PAST_THE_LEASE);
            }
            Meanwhile::DirectoryEdit => {
                let edit = dice.pick(DirectoryEdit::ALL).unwrap_or(DirectoryEdit::Hire);
                self.hands.directory(house, edit, dice);
            }
            Meanwhile::HumanEdit => {
                let edit = dice.pick(ContactEdit::ALL).unwrap_or(ContactEdit::Create);
                self.hands.contact(house, edit, dice).await;
                audit.forgive(house).await?;
            }
            Meanwhile::Remap => {
                self.hands.operation(house, Operation::Remap, dice).await;
            }
            Meanwhile::Settings => {
                self.hands.operation(house, Operation::Settings, dice).await;
            }
        }
        Ok(other)
    }

    /// A sync that may run beside `run`: of one client beside everything, and the reverse.
    async fn other_scope(&self, run: RunInput, dice: &mut Dice) -> Told<(RunKind, RunScope)> {
        let row = audit::run_row(&self.house, run).await?;
        if row.scope.client.is_some() {
            return Ok((RunKind::AllTenants, RunScope::default()));
        }
        let client = dice.pick(&self.house.clients);
        Ok((RunKind::SingleTenant, RunScope { client, tenant: None }))
    }

    fn set(&self, fault: &Fault, dice: &mut Dice) -> (FaultId, Trouble, Option<EntraTenantId>) {
        let (route, effect) = effect(fault.trouble);
        let tenant = dice.pick(&self.house.tenants).filter(|_| dice.percent(50));
        let matching = Match { tenant, ..Match::route(route).from(fault.nth) };
        (self.house.microsoft.fake.faults().on(matching, effect, fault.times), fault.trouble, tenant)
    }

    /// What went wrong at Microsoft, for the story.
    fn note_faults(&mut self, faults: &[(FaultId, Trouble, Option<EntraTenantId>)]) -> Vec<String> {
        let mut troubles = Vec::new();
        for (id, trouble, tenant) in faults {
            let times = self.house.microsoft.fake.faults().fired(*id);
            if times == 0 {
                continue;
            }
            self.lied_to |= matches!(trouble, Trouble::CutListing | Trouble::EmptyAnswer);
            self.coverage.note(trouble.name());
            let at = tenant.map(|tenant| format!(" at tenant {}", number_of(&self.house, tenant)));
            troubles.push(format!("{} {times} times{}", trouble.name(), at.unwrap_or_default()));
        }
        troubles
    }
}

fn effect(trouble: Trouble) -> (Route, Effect) {
    let wait = |seconds: &str| Some(seconds.to_owned());
    match trouble {
        Trouble::AccessLost => (Route::Users, Effect::status(403)),
        Trouble::AppThrottled => (Route::Users, Effect::ThrottleApplication { retry_after: wait("7") }),
        Trouble::BadRow => (Route::Users, Effect::BadRow(BadRow::WrongTypes)),
        Trouble::ConsentMissing => (Route::Token, Effect::aadsts(65_001)),
        Trouble::CutListing => (Route::Users, Effect::CutListing),
        Trouble::Dropped => (Route::Users, Effect::DropConnection),
        Trouble::EmptyAnswer => (Route::Users, Effect::EmptyAnswer),
        Trouble::EmptyPage => (Route::Users, Effect::EmptyPageWithNext),
        Trouble::ExpiredPage => (Route::Users, Effect::ExpiredPage),
        Trouble::ForeignLink => (Route::Users, Effect::ForeignNextLink("evil.example".to_owned())),
        Trouble::GatewayTimeout => (Route::Users, Effect::plain_text(504, "Gateway Timeout")),
        Trouble::LinkLoop => (Route::Users, Effect::NextLinkLoop),
        Trouble::LongThrottle => (Route::Users, Effect::Throttle { retry_after: wait("300") }),
        Trouble::Malformed => (Route::Users, Effect::Malformed),
        Trouble::NamelessRow => (Route::Users, Effect::BadRow(BadRow::WithoutId)),
        Trouble::RepeatedRow => (Route::Users, Effect::RepeatedRow),
        Trouble::ServerError => (Route::Users, Effect::status(500)),
        Trouble::Slow => (Route::Users, Effect::Delay(std::time::Duration::from_secs(40))),
        Trouble::Throttle => (Route::Users, Effect::Throttle { retry_after: wait("3.5") }),
        Trouble::TokenExpires => (Route::Token, Effect::TokenQuirk(TokenQuirk::Lifetime(1))),
        Trouble::WrongTenant => (Route::Organization, Effect::WrongTenant),
    }
}
