//! What can be typed about links and duplicates.

use ::sync::LinkStanding;
use clap::{Args, Subcommand, ValueEnum};
use domain::ids::{ClientId, ContactId, ManagedTenantId};

/// Of `duplicates`.
#[derive(Args, Clone, Copy, Debug)]
pub struct DuplicatesArguments {
    /// Only of this client
    #[arg(long)]
    pub client: Option<ClientId>,
}

/// Of `links`.
#[derive(Args, Clone, Debug)]
pub struct LinksArguments {
    /// What to do
    #[command(subcommand)]
    pub command: LinksCommand,
}

/// What to do with links.
#[derive(Clone, Debug, Subcommand)]
pub enum LinksCommand {
    /// List links, with both of their ends
    List {
        /// Only of this tenant
        #[arg(long)]
        tenant: Option<ManagedTenantId>,
        /// Only those that lead to this client
        #[arg(long)]
        client: Option<ClientId>,
        /// Only those that stand so
        #[arg(long, value_enum)]
        standing: Option<Standing>,
        /// Only where this is part of a name or an address
        #[arg(long)]
        text: Option<String>,
        /// Most links in a list
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
    },
    /// End links; the contacts stay, and no sync links the people again
    Cut {
        /// Whose
        #[command(flatten)]
        whose: WhoseLinks,
        /// Let the next sync decide about the people as if they had never been linked
        #[arg(long)]
        forget: bool,
        /// Show the lines and write nothing
        #[arg(long)]
        preview: bool,
    },
    /// Link somebody to another contact
    Move {
        /// The tenant
        #[arg(long)]
        tenant: ManagedTenantId,
        /// The person's object id, or address when last seen
        #[arg(long)]
        person: String,
        /// The contact the person is
        #[arg(long)]
        contact: ContactId,
        /// Show the lines and write nothing
        #[arg(long)]
        preview: bool,
    },
    /// Decide about people anew, as if they were not linked
    Rematch {
        /// Whose
        #[command(flatten)]
        whose: WhoseLinks,
        /// Show the lines and write nothing
        #[arg(long)]
        preview: bool,
    },
}

/// Whose links are changed.
#[derive(Args, Clone, Debug)]
pub struct WhoseLinks {
    /// The tenant
    #[arg(long)]
    pub tenant: ManagedTenantId,
    /// A person's object id, or address when last seen; may be repeated
    #[arg(long, value_name = "PERSON")]
    pub person: Vec<String>,
    /// Everybody whose link stands so
    #[arg(long, value_enum, conflicts_with = "person")]
    pub standing: Option<Standing>,
    /// Everybody whose link leads to this client
    #[arg(long, conflicts_with = "person")]
    pub client: Option<ClientId>,
    /// Everybody where this is part of a name or an address
    #[arg(long, conflicts_with = "person")]
    pub text: Option<String>,
    /// Every link of the tenant
    #[arg(long, conflicts_with_all = ["person", "standing", "client", "text"])]
    pub all: bool,
}

/// How a link stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Standing {
    /// In force
    Active,
    /// An operator has ended it, and no sync makes another one
    Cut,
    /// It leads to no contact, or to one that belongs to another account
    Dead,
    /// It leads to a contact of another client than the tenant is mapped to
    Elsewhere,
    /// It has ended, and the next sync decides anew
    Ended,
    /// The sync has made the contact inactive
    Inactive,
    /// The person is leaving, and given grace
    Leaving,
    /// What is stored cannot be read
    Unreadable,
}

impl From<Standing> for LinkStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Active => Self::Active,
            Standing::Cut => Self::Cut,
            Standing::Dead => Self::Dead,
            Standing::Elsewhere => Self::Elsewhere,
            Standing::Ended => Self::Ended,
            Standing::Inactive => Self::Inactive,
            Standing::Leaving => Self::Leaving,
            Standing::Unreadable => Self::Unreadable,
        }
    }
}
