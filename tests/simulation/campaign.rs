//! Many histories on all processors, and the story of one that fails.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use ambient::{Clock, SystemClock};
use tokio::runtime::{Builder, Runtime};

use crate::{
    coverage::Coverage,
    kinds::Mishap,
    life::{Outcome, live},
    stage::Stage,
    step::{Around, History},
};

/// How often a failing history is tried with a step less.
const TRIES_MAX: usize = 120;

/// When a campaign ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Histories(u64),
    Steps(u64),
}

/// What came of a campaign.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) histories: u64,
    pub(crate) steps: u64,
    pub(crate) seconds: f64,
    pub(crate) coverage: Coverage,
    /// Seeds that failed, each with its story.
    pub(crate) failures: Vec<(u64, String)>,
}

/// Failures after which a campaign gives up: more of them say nothing new.
const FAILURES_MAX: usize = 5;

/// Histories from one word about progress to the next.
const HISTORIES_PER_WORD: u64 = 500;

/// Lives the histories of the seeds from `first` on, on every processor.
pub(crate) fn run(first: u64, until: Until) -> Report {
    let (next, steps) = (AtomicU64::new(0), AtomicU64::new(0));
    let gave_up = AtomicBool::new(false);
    let report = Mutex::new(Report::default());
    let began = SystemClock.now();
    let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                let theatre = Theatre::open();
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let done = match until {
                        Until::Histories(most) => number >= most,
                        Until::Steps(most) => steps.load(Ordering::SeqCst) >= most,
                    };
                    if done || gave_up.load(Ordering::SeqCst) {
                        break;
                    }
                    let history = History::of(first.wrapping_add(number));
                    let outcome = theatre.live(&history);
                    let lived = outcome.story.len() as u64 - 1;
                    steps.fetch_add(lived, Ordering::SeqCst);
                    let story = outcome.broken.is_some().then(|| theatre.told(&history));
                    let mut report = report.lock().unwrap();
                    report.histories += 1;
                    report.steps += lived;
                    report.coverage.add(&outcome.coverage);
                    report.failures.extend(story.map(|story| (history.seed, story)));
                    tell_of_progress(&report);
                    gave_up.store(report.failures.len() >= FAILURES_MAX, Ordering::SeqCst);
                }
            });
        }
    });
    let mut report = report.into_inner().unwrap();
    report.seconds = SystemClock.now().duration_since(began).as_secs_f64();
    report
}

/// A campaign that is stopped has still said how far it was.
#[expect(clippy::print_stderr, reason = "whoever runs a campaign looks at it while it runs")]
fn tell_of_progress(report: &Report) {
    if report.histories.is_multiple_of(HISTORIES_PER_WORD) {
        let broken: Vec<u64> = report.failures.iter().map(|(seed, _)| *seed).collect();
        eprintln!("{} histories, {} steps, broken so far: {broken:?}", report.histories, report.steps);
    }
}

/// A thread's own stage.
pub(crate) struct Theatre {
    runtime: Runtime,
    stage: Stage,
}

impl Theatre {
    pub(crate) fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let stage = runtime.block_on(Stage::open());
        Self { runtime, stage }
    }

    /// Lives one history; a panic in it is its failure.
    pub(crate) fn live(&self, history: &History) -> Outcome {
        let lived = catch_unwind(AssertUnwindSafe(|| self.runtime.block_on(live(&self.stage, history))));
        lived.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            let broken = format!("panicked: {}", text.unwrap_or_default());
            let story = vec![String::new(), broken.clone()];
            Outcome { story, broken: Some(broken), coverage: Coverage::default(), dump: String::new() }
        })
    }

    /// The story of a failing history, without the steps that it fails without.
    pub(crate) fn told(&self, history: &History) -> String {
        let shrunk = self.shrink(history);
        let outcome = self.live(&shrunk);
        let broken = outcome.broken.unwrap_or_else(|| "it does not fail a second time".to_owned());
        format!(
            "seed {} ({} of {} steps needed): {broken}\n  {}\nreplay it: SIMULATION_SEED={} cargo nextest run \
             -p tests --test simulation replay --no-capture\n",
            history.seed,
            shrunk.steps.len(),
            history.steps.len(),
            outcome.story.join("\n  "),
            history.seed,
        )
    }

    fn shrink(&self, history: &History) -> History {
        let mut best = history.clone();
        let mut tries = 0;
        loop {
            let smaller = simpler(&best).find(|candidate| {
                tries += 1;
                tries <= TRIES_MAX && self.live(candidate).broken.is_some()
            });
            match smaller {
                Some(smaller) => best = smaller,
                None => return best,
            }
        }
    }
}

/// The history with a step less, the last ones first; then with a step to which less happens.
fn simpler(history: &History) -> impl Iterator<Item = History> {
    let without = (0..history.steps.len()).rev().map(|position| {
        let mut steps = history.steps.clone();
        steps.remove(position);
        History { seed: history.seed, steps }
    });
    let calmer = (0..history.steps.len()).flat_map(move |position| {
        let calmed = |calm: &dyn Fn(&mut Around) -> bool| {
            let mut history = history.clone();
            let around = history.steps[position].what.around_mut();
            around.is_some_and(calm).then_some(history)
        };
        let fewer_faults = calmed(&|around| around.faults.pop().is_some());
        let no_mishap = calmed(&|around| std::mem::replace(&mut around.mishap, Mishap::None) != Mishap::None);
        [fewer_faults, no_mishap].into_iter().flatten().collect::<Vec<_>>()
    });
    without.chain(calmer)
}
