//! Seeded histories of the whole product: its functions over the real store code (its engine in
//! memory), the real directory code (against a fake Microsoft on loopback), the deployed workflow
//! definition and a virtual clock. After each step the invariants of the domain are asked.
//!
//! See the README beside this file.

#![expect(clippy::unwrap_used, reason = "a history that cannot be set up has failed")]

mod audit;
mod campaign;
mod carrying;
mod coverage;
mod dice;
mod directory_edits;
mod dump;
mod edits;
mod gate;
mod house;
mod kinds;
mod ledger;
mod life;
mod links;
mod microsoft;
mod past;
mod rules;
mod seen;
mod shelf;
mod stage;
mod step;
mod stored;
mod syncing;
mod troubles;
mod twin;
mod worker;

use campaign::{Theatre, Until, run};
use step::History;

/// Histories when nothing else is asked for: enough to notice a break, few enough to wait for.
const HISTORIES: u64 = 150;

/// Histories in which every kind of step and fault is sure to happen.
const EVERYTHING_HAPPENS: u64 = 2_000;

#[test]
fn histories_keep_the_invariants() {
    let until = match (number("SIMULATION_STEPS"), number("SIMULATION_SEEDS")) {
        (Some(steps), _) => Until::Steps(steps),
        (None, histories) => Until::Histories(histories.unwrap_or(HISTORIES)),
    };
    let first = number("SIMULATION_FIRST").unwrap_or(1);
    let report = run(first, until);
    eprintln!("{}", report.coverage);
    let rate = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / report.seconds;
    eprintln!(
        "{} histories from seed {first} on, {} steps, in {:.0} s: {:.1} histories and {:.0} steps a second",
        report.histories,
        report.steps,
        report.seconds,
        rate(report.histories),
        rate(report.steps),
    );
    for (_, story) in &report.failures {
        eprintln!("\n{story}");
    }
    let seeds: Vec<u64> = report.failures.iter().map(|(seed, _)| *seed).collect();
    assert!(seeds.is_empty(), "seeds {seeds:?} break a sentence");
    if report.histories >= EVERYTHING_HAPPENS {
        assert_eq!(report.coverage.missing(), [""; 0], "never happened");
    }
}

/// One history, told step by step.
#[test]
fn replay() {
    let seed = number("SIMULATION_SEED").unwrap_or(1);
    let (theatre, history) = (Theatre::open(), History::of(seed));
    let outcome = theatre.live(&history);
    eprintln!("seed {seed}\n  {}", outcome.story.join("\n  "));
    assert!(outcome.broken.is_none(), "\n{}", theatre.told(&history));
}

#[test]
fn the_same_seed_leaves_the_same_bytes() {
    // One place for both: where Microsoft is found is part of what is stored, and hashed.
    let theatre = Theatre::open();
    for seed in 1..=12 {
        let history = History::of(seed);
        let [one, other] = [(), ()].map(|()| theatre.live(&history));
        assert_eq!(one.story, other.story, "seed {seed}");
        assert!(one.dump.lines().count() > 10, "seed {seed}");
        let differs = one.dump.lines().zip(other.dump.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(one.dump, other.dump, "seed {seed}");
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a campaign takes is the caller's choice")]
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}
