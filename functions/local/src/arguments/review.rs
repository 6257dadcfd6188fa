//! What can be typed about questions.

use clap::{Args, Subcommand, ValueEnum};
use domain::{
    ids::{ClientId, ContactId, ManagedTenantId, ReviewItemId},
    plan::Conflict,
};

/// Of `review`.
#[derive(Args, Clone, Debug)]
pub struct ReviewArguments {
    /// What to do
    #[command(subcommand)]
    pub command: ReviewCommand,
}

/// What to do with questions.
#[derive(Clone, Debug, Subcommand)]
pub enum ReviewCommand {
    /// List questions, the newest first
    List {
        /// Where they stand
        #[arg(long, value_enum, default_value_t = QuestionStatus::Open)]
        status: QuestionStatus,
        /// Only of this client
        #[arg(long)]
        client: Option<ClientId>,
        /// Only of this tenant
        #[arg(long)]
        tenant: Option<ManagedTenantId>,
        /// Most questions in a list
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
        limit: u16,
    },
    /// Show one question, with what speaks for each contact and what each answer would do
    Show {
        /// The question
        item: ReviewItemId,
    },
    /// The person is a contact that is there
    Link {
        /// The question
        item: ReviewItemId,
        /// The contact
        contact: ContactId,
    },
    /// The person is a new contact
    Create {
        /// The question; may be repeated
        #[arg(required = true)]
        items: Vec<ReviewItemId>,
    },
    /// The person is not to be synced
    Dismiss {
        /// The question; may be repeated
        #[arg(required = true)]
        items: Vec<ReviewItemId>,
        /// Why, in your own words
        #[arg(long)]
        note: Option<String>,
    },
    /// Answer all open questions that fit alike; without `--apply` it is only shown what each would get
    All {
        /// The answer
        #[arg(value_enum)]
        answer: AnswerToAll,
        /// Only of this client
        #[arg(long)]
        client: Option<ClientId>,
        /// Only of this tenant
        #[arg(long)]
        tenant: Option<ManagedTenantId>,
        /// Only where this is unclear, as the questions in JSON name it, such as `alias_only`
        #[arg(long, value_parser = conflict)]
        conflict: Option<Conflict>,
        /// Only about people in whose name or address this is found
        #[arg(long, value_name = "TEXT")]
        find: Option<String>,
        /// Why, in your own words; of `dismiss`
        #[arg(long)]
        note: Option<String>,
        /// Answer them
        #[arg(long)]
        apply: bool,
    },
}

/// An answer to many questions.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum AnswerToAll {
    /// Each person is a new contact.
    Create,
    /// None of the people is to be synced.
    Dismiss,
    /// Each person is the one contact that has an address of theirs.
    Link,
}

fn conflict(text: &str) -> Result<Conflict, String> {
    let name = text.replace('-', "_").to_lowercase();
    serde_json::from_value(name.into()).map_err(|_| "it is nothing that can be unclear".to_owned())
}

/// Where a question stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum QuestionStatus {
    /// Somebody has decided that the person is not to be synced.
    Dismissed,
    /// Waiting.
    Open,
    /// Answered.
    Resolved,
}
