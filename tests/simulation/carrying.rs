//! One run, and what goes wrong while it is carried.

use std::{future::Future, pin::Pin, pin::pin};

use ambient::VirtualClock;
use domain::run::RunKind;
use fake_microsoft::Route;
use jiff::SignedDuration;
use store::{RunScope, probe::Fault as StoreFault};
use tokio::sync::oneshot;
use workflow::payloads::RunInput;

use crate::{
    audit::{self, Audit, Ended, failed},
    dice::Dice,
    gate::Gate,
    kinds::{ContactEdit, DirectoryEdit, Meanwhile, Mishap, Operation, Seen},
    life::{Life, Told, told},
    microsoft::WORKSPACE,
    step::Around,
};

/// Longer than a worker may be silent before its tenant is handed to another one.
const PAST_THE_LEASE: SignedDuration = SignedDuration::from_secs(91);

/// How a run went.
pub(crate) struct Carried {
    pub(crate) audit: Audit,
    /// `None` when its worker has died for good.
    pub(crate) ended: Option<Ended>,
    /// Whether something else happened while its worker slept.
    pub(crate) was_disturbed: bool,
    /// For the story.
    pub(crate) told: String,
}

impl Life {
    /// Carries a run with everything that goes wrong with it.
    pub(crate) async fn carried(&mut self, run: RunInput, around: &Around, dice: &mut Dice) -> Told<Carried> {
        let faults = around.faults.iter().flat_map(|fault| self.set(fault, dice)).collect::<Vec<_>>();
        let mut audit = Audit::begin(&mut self.house, vec![run]).await?;
        let asked = self.asked_for_people();
        let happened = self.carry(run, around, &mut audit, dice).await;
        let troubles = self.note_faults(&faults);
        self.house.microsoft.fake.faults().clear();
        let happened = happened?;
        audit.check(&mut self.house, &mut self.written).await?;
        let name = if happened { around.mishap.name() } else { Mishap::None.name() };
        self.coverage.note(name);
        if happened && around.mishap == Mishap::DiesForGood {
            self.note_back(&audit::kept(&self.house, run).await?);
            let told = format!("dies for good at write {} {troubles:?}", around.write);
            return Ok(Carried { audit, ended: None, was_disturbed: false, told });
        }
        let ended = self.close(run, &mut audit).await?;
        let was_disturbed = happened && around.mishap == Mishap::Sleeps;
        let meanwhile = if was_disturbed { around.meanwhile.name() } else { "" };
        let now = self.asked_for_people();
        if now.0 == asked.0 && now.1 > asked.1 {
            self.coverage.note(Seen::ByChanges.name());
        }
        let told = format!("{} {troubles:?} {name} ({}) {meanwhile}", told(&ended), around.write);
        Ok(Carried { audit, ended: Some(ended), was_disturbed, told })
    }

    /// How often everybody was asked for, and how often who has changed.
    fn asked_for_people(&self) -> (u64, u64) {
        let requests = self.house.microsoft.fake.requests();
        (requests.of(Route::Users).requests, requests.of(Route::UsersDelta).requests)
    }

    /// Carries `run`, to its end unless its worker dies for good. Answers whether the mishap happened.
    async fn carry(
        &mut self,
        run: RunInput,
        around: &Around,
        audit: &mut Audit,
        dice: &mut Dice,
    ) -> Told<bool> {
        let once = |fault| Some(fault);
        match around.mishap {
            Mishap::None => self.stumble(run, around.write, None, SignedDuration::ZERO).await,
            Mishap::FailsOnce => {
                self.stumble(run, around.write, once(StoreFault::Before), SignedDuration::ZERO).await
            }
            Mishap::LosesAnswer => {
                self.stumble(run, around.write, once(StoreFault::After), SignedDuration::ZERO).await
            }
            Mishap::ArrivesTwice => {
                self.stumble(run, around.write, once(StoreFault::Twice), SignedDuration::ZERO).await
            }
            Mishap::ClockJumps => self.stumble(run, around.write, None, SignedDuration::from_hours(2)).await,
            Mishap::ClockJumpsBack => {
                self.stumble(run, around.write, None, SignedDuration::from_secs(-100)).await
            }
            Mishap::DiesBefore | Mishap::DiesAfter | Mishap::DiesForGood => {
                let fault = match around.mishap {
                    Mishap::DiesBefore => StoreFault::Before,
                    Mishap::DiesAfter => StoreFault::After,
                    _ if dice.percent(50) => StoreFault::Before,
                    _ => StoreFault::After,
                };
                let died = self.die(run, around.write, fault).await?;
                if died && around.mishap == Mishap::DiesForGood {
                    self.cut_off = true;
                    return Ok(true);
                }
                if died {
                    audit.check(&mut self.house, &mut self.written).await?;
                    self.house.worker().carry(run).await?;
                }
                Ok(died)
            }
            Mishap::Interleaves => self.interleave(run, around.write, 1 + dice.below(12), audit).await,
            Mishap::Sleeps => self.sleep(run, around, audit, dice).await,
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
        around: &Around,
        audit: &mut Audit,
        dice: &mut Dice,
    ) -> Told<bool> {
        let (gate, http) = Gate::before(around.write, &self.house.engine);
        let worker = self.house.worker_over(http);
        let mut sleeping = pin!(worker.carry(run));
        tokio::select! {
            biased;
            () = gate.arrived() => {}
            carried = &mut sleeping => return carried.map(|()| false),
        }
        audit.check(&mut self.house, &mut self.written).await?;
        let other = self.meanwhile(run, around.meanwhile, audit, dice).await?;
        self.coverage.note(around.meanwhile.name());
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
                if let Ok(begun) = self.house.start(kind, scope, None).await {
                    self.remember_decisions(begun);
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
        Ok((RunKind::SingleTenant, RunScope { client, tenant: None, ..RunScope::default() }))
    }
}
