//! What can be typed about runs and their lines.

use clap::{Args, Subcommand};
use domain::{
    fields::Field,
    ids::{EntraObjectId, LineId, ManagedTenantId, RunId},
};

use super::{ScopeArguments, settings::contact_field};

/// Of `runs`.
#[derive(Args, Clone, Debug)]
pub struct RunsArguments {
    /// What to do; lists runs when left out
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    /// Most runs in a list
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=50))]
    pub limit: u16,
}

/// What to do with runs.
#[derive(Clone, Debug, Subcommand)]
pub enum RunsCommand {
    /// Show one run and its tenants
    Show {
        /// The run
        run: RunId,
    },
    /// Show every line of a run
    Lines {
        /// The run
        run: RunId,
        /// Only of this tenant
        #[arg(long)]
        tenant: Option<ManagedTenantId>,
        /// Show people who are left out, too (JSON always does)
        #[arg(long)]
        all: bool,
        /// Which lines
        #[command(flatten)]
        which: WhichLines,
        /// Count them by what happens and why, instead of showing them
        #[arg(long)]
        count: bool,
    },
    /// Apply the plan of a preview, exactly as it was shown
    Apply {
        /// The preview
        run: RunId,
    },
    /// Take back what a run has done, as far as nobody has changed it since
    Undo {
        /// The run
        run: RunId,
        /// Only for this person (Entra object id); may be repeated
        #[arg(long)]
        person: Vec<EntraObjectId>,
        /// Only this field, by its name in the lines or the settings; may be repeated
        #[arg(long, value_parser = contact_field)]
        field: Vec<Field>,
        /// Only plan it: every line, and nothing is written; `runs apply` of the preview carries out exactly that
        #[arg(long)]
        preview: bool,
        /// What of it
        #[command(flatten)]
        scope: ScopeArguments,
    },
    /// Let what waits in a run through
    Allow {
        /// The run
        run: RunId,
        /// Only this line; may be repeated
        #[arg(long)]
        line: Vec<LineId>,
    },
    /// Take back that lines of a run were rejected: the next sync decides about those people anew
    Reconsider {
        /// The run whose lines were rejected
        run: RunId,
        /// Only this line; may be repeated
        #[arg(long)]
        line: Vec<LineId>,
    },
    /// Reject what waits in a run, until it is reconsidered
    Reject {
        /// The run
        run: RunId,
        /// Only this line; may be repeated
        #[arg(long)]
        line: Vec<LineId>,
    },
    /// Say that a tenant whose read was taken for a wrong answer has really become so small
    AcceptSize {
        /// The tenant
        #[arg(long)]
        tenant: ManagedTenantId,
    },
    /// Check that nobody has changed the stored plan of a run
    Verify {
        /// The run
        run: RunId,
    },
    /// Tell what the newest runs said about one person
    Person {
        /// The tenant
        #[arg(long)]
        tenant: ManagedTenantId,
        /// The person's Entra object id
        object: EntraObjectId,
        /// How many runs to look through, of whatever tenants
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        runs: u16,
        /// Go on after this run, with those that are older
        #[arg(long, value_name = "RUN")]
        after: Option<RunId>,
        /// Look through all runs
        #[arg(long, conflicts_with_all = ["runs", "after"])]
        all: bool,
    },
    /// Stop a run after the page it is at
    Cancel {
        /// The run
        run: RunId,
    },
}

/// Which lines are looked for; those that fit everything that is said.
#[derive(Args, Clone, Debug)]
pub struct WhichLines {
    /// Only with this action, such as `exclude`, `update` or `hold`
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// Only with this code, such as the rule that leaves somebody out (`guest`, `service_account`)
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only about people in whose name or address this is found
    #[arg(long, value_name = "TEXT")]
    pub find: Option<String>,
    /// Only what was planned and not done
    #[arg(long)]
    pub not_done: bool,
}
