//! What a history is made of. A step says what is done; to whom is decided by its dice when it is
//! done, so that a step means something whatever the steps before it were.

use crate::{
    dice::Dice,
    kinds::{ContactEdit, DirectoryEdit, Jump, Meanwhile, Mishap, Operation, Scope, Stored, Trouble},
};

/// One thing that goes wrong at Microsoft during a run.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) trouble: Trouble,
    /// At which of the requests that fit.
    pub(crate) nth: u32,
    /// How often; more often than any retry, at times.
    pub(crate) times: u32,
}

/// What goes wrong with a run.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub(crate) faults: Vec<Fault>,
    pub(crate) mishap: Mishap,
    /// At which write.
    pub(crate) write: u64,
    pub(crate) meanwhile: Meanwhile,
}

/// What is done.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Contact(ContactEdit),
    Directory(DirectoryEdit),
    Operation(Operation),
    /// A preview, and the sync it promises.
    Preview,
    /// Syncs until nothing changes any more.
    Settle,
    /// Something is done with a plan that is stored.
    Stored(Stored, Around),
    Sync(Scope, Around),
    Time(Jump),
    /// A read of changes finds what a complete read finds.
    Twin,
}

impl What {
    pub(crate) const PREVIEW: &str = "sync: a preview and the sync it promises";
    pub(crate) const SETTLE: &str = "sync: until nothing changes any more";
    pub(crate) const TWIN: &str = "sync: by changes, held against a twin that reads everybody";

    /// The name under which it is counted.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Contact(edit) => edit.name(),
            Self::Directory(edit) => edit.name(),
            Self::Operation(operation) => operation.name(),
            Self::Preview => Self::PREVIEW,
            Self::Settle => Self::SETTLE,
            Self::Stored(stored, _) => stored.name(),
            Self::Sync(scope, _) => scope.name(),
            Self::Time(jump) => jump.name(),
            Self::Twin => Self::TWIN,
        }
    }

    /// What goes wrong with its run.
    pub(crate) fn around_mut(&mut self) -> Option<&mut Around> {
        match self {
            Self::Stored(_, around) | Self::Sync(_, around) => Some(around),
            _ => None,
        }
    }
}

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) what: What,
    /// Decides everything the step leaves open.
    pub(crate) seed: u64,
}

/// A small world and what happens in it.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

impl History {
    /// The history of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed ^ 0x57e9_5000_0000_0000);
        let length = 4 + dice.below(9);
        let steps = (0..length).map(|_| Step { what: what(&mut dice), seed: dice.next() }).collect();
        Self { seed, steps }
    }
}

fn what(dice: &mut Dice) -> What {
    #[derive(Clone)]
    enum Kind {
        Contact,
        Directory,
        Operation,
        Preview,
        Settle,
        Stored,
        Sync,
        Time,
        Twin,
    }
    let kind = dice.weighted(&[
        (30, Kind::Sync),
        (23, Kind::Directory),
        (13, Kind::Contact),
        (10, Kind::Operation),
        (12, Kind::Stored),
        (4, Kind::Preview),
        (3, Kind::Settle),
        (4, Kind::Time),
        (1, Kind::Twin),
    ]);
    match kind {
        Kind::Contact => What::Contact(one_of(dice, ContactEdit::ALL)),
        Kind::Directory => {
            // Leavers are what most of the rest is about.
            let leaving = [DirectoryEdit::Delete, DirectoryEdit::HireAsLeaver, DirectoryEdit::Restore];
            let edits = if dice.percent(25) { &leaving[..] } else { DirectoryEdit::ALL };
            What::Directory(one_of(dice, edits))
        }
        Kind::Operation => What::Operation(one_of(dice, Operation::ALL)),
        Kind::Preview => What::Preview,
        Kind::Settle => What::Settle,
        Kind::Stored => What::Stored(one_of(dice, Stored::ALL), around(dice)),
        Kind::Sync => {
            let scope = if dice.percent(75) { Scope::Everything } else { Scope::OneClient };
            What::Sync(scope, around(dice))
        }
        Kind::Time => What::Time(one_of(dice, Jump::ALL)),
        Kind::Twin => What::Twin,
    }
}

fn around(dice: &mut Dice) -> Around {
    let faults = (0..dice.weighted(&[(45, 0), (40, 1), (15, 2)])).map(|_| fault(dice)).collect();
    let mishap = if dice.percent(30) { Mishap::None } else { one_of(dice, Mishap::ALL) };
    // Most runs have few writes, and the first ones are the most dangerous.
    let write = 1 + if dice.percent(70) { dice.below(12) } else { dice.below(60) };
    Around { faults, mishap, write, meanwhile: one_of(dice, Meanwhile::ALL) }
}

fn fault(dice: &mut Dice) -> Fault {
    let trouble = one_of(dice, Trouble::ALL);
    let nth = dice.weighted(&[(60, 1), (25, 2), (10, 3), (5, 4)]);
    let times = dice.weighted(&[(70, 1), (15, 3), (15, 1_000)]);
    Fault { trouble, nth, times }
}

fn one_of<T: Clone>(dice: &mut Dice, all: &[T]) -> T {
    dice.pick(all).expect("every kind has variants")
}
