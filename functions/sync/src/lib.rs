//! Starting, previewing, watching and cancelling runs.
//!
//! A run is stored first and carried by the workflow afterwards; whoever asks for it gets the id
//! under which it can be watched. Nothing here touches a contact.
//!
//! [`Explain`] reads one person from Microsoft and tells what the next sync would do with them, and why.

mod explain;
mod lines;
mod links;
mod plans;
mod progress;
mod reap;
pub mod routes;
mod schedule;
mod start;
mod unsaved;
mod verify;
pub mod views;
mod words;

use std::sync::Arc;

use ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use runtime::Foundation;
use store::Store;
use workflow::Executions;

pub use explain::{
    Explain, Explained, ExplainedFieldView, ExplainedView, NotExplained, PATIENCE, PersonKey, StepView, Told,
    Writer,
};
pub use lines::{
    LineCount, LineFilter, LinePage, LinesFound, NotDone, RunLine, Tally, count_lines, find_lines, lines,
    not_done,
};
pub use links::{
    ChangeRequest, ChangeStarted, LinkFilter, LinkPlace, LinkStanding, LinkView, LinksListed, NotChanged,
    PEOPLE_MAX as LINKS_PER_RUN, change, links,
};
pub use plans::{LookedThrough, Moment, Timeline, has_waiting_lines, reconsider, reject, timeline};
pub use progress::{RunProgress, progress};
pub use schedule::{SavedScheduleView, ScheduleView, TickInput, TickOutcome};
pub use start::{Begun, LinkOrder, NotBegun, StartRequest, Unusable, start};
pub use unsaved::{InvalidRules, UnsavedRules};
pub use verify::{Finding, PlanCheck, RunCheck, verify};
pub use words::not_carried_out;

/// Everything the use cases need.
pub struct Sync {
    /// The table.
    pub store: Store,
    /// The workflow engine.
    pub executions: Arc<dyn Executions>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For run ids.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Sync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sync")
    }
}

impl Sync {
    /// The use cases as the Lambda function runs them.
    pub fn on_aws(foundation: &Foundation) -> Self {
        Self {
            store: assembly::store(foundation),
            executions: Arc::new(assembly::step_functions(foundation)),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}
