//! What an execution tells while it runs, and how it treats late tasks.

use jiff::SignedDuration;

use super::ExecutionFailure;

/// How the `TimeoutSeconds` of a task are enforced.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TimeoutRule {
    /// Not at all. For simulations whose concurrent sleeps add up on one virtual clock.
    Ignore,
    /// By the clock, before and after the call: the late answer is thrown away, as on AWS, but only
    /// once it is there. Right for every clock.
    #[default]
    Measure,
    /// The call is dropped when the time is over. Only for a clock that really waits: on a virtual
    /// clock every sleep is over at once.
    Interrupt,
}

/// What an [`Observer`] is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Event<'a> {
    /// The state it happened in.
    pub state: &'a str,
    /// Which item of the innermost `Map` it happened to, from 0; `None` outside of maps.
    pub item: Option<usize>,
    /// What happened.
    pub happening: Happening<'a>,
}

/// What can happen in a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Happening<'a> {
    /// An error was caught; the state `next` follows.
    Caught {
        /// The error.
        failure: &'a ExecutionFailure,
        /// The state that handles it.
        next: &'a str,
    },
    /// The state begins.
    Entered,
    /// The state is over, without an error that nothing caught.
    Left,
    /// An error will be tried again.
    Retrying {
        /// The error.
        failure: &'a ExecutionFailure,
        /// The number of the retry, from 1.
        retry: u32,
        /// How long is waited before it.
        delay: SignedDuration,
    },
    /// A `Wait` begins.
    Waiting {
        /// How long it takes.
        duration: SignedDuration,
    },
}

/// Is told what happens in an execution, while it happens; for progress and for transcripts.
pub trait Observer: Send + Sync {
    /// Takes note of `event`. Must not block.
    fn observe(&self, event: Event<'_>);
}

impl<F: Fn(Event<'_>) + Send + Sync> Observer for F {
    fn observe(&self, event: Event<'_>) {
        self(event);
    }
}
