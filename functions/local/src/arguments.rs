//! What can be typed.

mod links;
mod review;
mod runs;
mod settings;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{
    flags::Feature,
    ids::{ClientId, ManagedTenantId},
};

pub(crate) use links::{DuplicatesArguments, LinksArguments, LinksCommand, WhoseLinks};
pub(crate) use review::{AnswerToAll, QuestionStatus, ReviewArguments, ReviewCommand};
pub(crate) use runs::{RunsArguments, RunsCommand, WhichLines};
pub(crate) use settings::{FieldName, Policy, SettingsArguments};

/// Keeps the contacts of an MSP's PSA in step with the Microsoft Entra directories of its
/// customers.
#[derive(Clone, Debug, Parser)]
#[command(name = "entra-sync", version, propagate_version = true)]
pub struct Arguments {
    /// Folder that holds everything: the database, the secrets, the profile
    #[arg(long, global = true, default_value = "data", env = "ENTRA_SYNC_DATA", value_name = "DIR")]
    pub data: PathBuf,

    /// How results are written to standard output
    #[arg(long, global = true, value_enum, default_value_t = OutputForm::Table)]
    pub output: OutputForm,

    /// Make every commit reach the disk before it counts (slower; survives a power cut)
    #[arg(long, global = true)]
    pub durable: bool,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum OutputForm {
    /// One JSON document.
    Json,
    /// Tables for people.
    Table,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Show the whole path on an invented MSP: connect, discover, map, preview, sync, sync again
    Demo(DemoArguments),
    /// Serve the HTTP API on this machine
    Serve(ServeArguments),
    /// Take in clients or contacts from a file (JSON lines, a JSON array, or CSV)
    Import(ImportArguments),
    /// Write clients or contacts to standard output
    Export(ExportArguments),
    /// Connect to Microsoft
    Connect(ConnectArguments),
    /// Renew the stored sign-in before it ends; does nothing when it is young
    Renew(RenewArguments),
    /// Examine everything a sync needs: table, secrets, clock, connection, permissions, what ends, and every
    /// mapped customer
    Doctor,
    /// Say what the codes of failures mean, what that means for contacts, and what to do
    Codes(CodesArguments),
    /// Find the customer tenants of the connection
    Discover,
    /// Show and decide which tenant belongs to which client
    Map(MapArguments),
    /// Plan a sync and show every line; writes nothing
    Preview(PreviewArguments),
    /// Sync contacts
    Sync(SyncArguments),
    /// Tell why one person is treated as they are, and what would change that; writes nothing
    Explain(ExplainArguments),
    /// List links between people and contacts; end them, move them, or match their people anew
    Links(LinksArguments),
    /// Find contacts that are most likely one person, and propose which to keep; writes nothing
    Duplicates(DuplicatesArguments),
    /// Answer questions about people
    Review(ReviewArguments),
    /// Look at runs
    Runs(RunsArguments),
    /// Show and change whether, and how often, all tenants are synced by themselves
    Schedule(ScheduleArguments),
    /// Show and change who is synced and which fields are written
    Settings(SettingsArguments),
    /// Show and switch what the HTTP API shows; the commands of this machine ask for no flag
    Flags(FlagsArguments),
    /// Measure a sync of invented users and print the result as JSON
    Bench(BenchArguments),
    /// What `bench --apart` starts beside itself
    #[command(hide = true)]
    BenchPeers(BenchArguments),
}

/// Of `demo`.
#[derive(Args, Clone, Copy, Debug)]
pub struct DemoArguments {
    /// Number of customer tenants
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub tenants: u32,
    /// Number of users in all tenants together
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub users: u32,
    /// The same seed gives the same people
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
}

/// Of `serve`.
#[derive(Args, Clone, Copy, Debug)]
pub struct ServeArguments {
    /// Port on the loopback interface
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
}

/// Clients or contacts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum What {
    /// Customer companies.
    Clients,
    /// People.
    Contacts,
}

/// Of `import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArguments {
    /// What the file holds
    pub what: What,
    /// The file; `-` for standard input. `.csv` is read as CSV, everything else as JSON
    pub file: PathBuf,
}

/// Of `export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArguments {
    /// What to write
    pub what: What,
    /// Only contacts of this client
    #[arg(long)]
    pub client: Option<ClientId>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = ExportForm::Jsonl)]
    pub format: ExportForm,
}

/// Form of an export.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum ExportForm {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// Of `connect`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ConnectArguments {
    /// Another way than Microsoft's own
    #[command(subcommand)]
    pub through: Option<ConnectThrough>,
    /// Take a refresh token from this file (`-` for standard input) instead of signing in
    #[arg(long, value_name = "FILE")]
    pub refresh_token: Option<PathBuf>,
    /// Port of the redirect address that is registered for the app
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Accept another partner tenant than the one connected before
    #[arg(long)]
    pub change_partner: bool,
}

/// Ways to connect that are not a sign-in at Microsoft.
#[derive(Clone, Debug, Subcommand)]
pub enum ConnectThrough {
    /// Connect through a CIPP deployment
    Cipp(CippArguments),
}

/// Of `connect cipp`.
#[derive(Args, Clone, Debug)]
pub struct CippArguments {
    /// Address of the function app behind CIPP; without it the invented one, where there is one
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Your own tenant, in which CIPP registered the API client
    #[arg(long, value_name = "TENANT")]
    pub tenant_id: Option<String>,
    /// Application id of the API client
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// Take the secret of the API client from this file (`-` for standard input)
    #[arg(long, value_name = "FILE")]
    pub client_secret: Option<PathBuf>,
    /// The day on which that secret ends, to be told in time
    #[arg(long, value_name = "DATE")]
    pub client_secret_expires: Option<String>,
    /// Take a token from this file (`-` for standard input) instead; it ends after about an hour
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tenant_id", "client_id", "client_secret"])]
    pub token: Option<PathBuf>,
    /// Accept another partner tenant than the one connected before
    #[arg(long)]
    pub change_partner: bool,
}

/// Of `renew`.
#[derive(Args, Clone, Copy, Debug)]
pub struct RenewArguments {
    /// Only when it is this many days old
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub older_than: u16,
}

/// Of `schedule`.
#[derive(Args, Clone, Copy, Debug)]
pub struct ScheduleArguments {
    /// Turn it on
    #[arg(long, conflicts_with = "off")]
    pub on: bool,
    /// Turn it off
    #[arg(long)]
    pub off: bool,
    /// How often: minutes, or hours or days such as 4h or 1d, from 15 minutes to 30 days; turns it on
    #[arg(long, value_name = "TIME", value_parser = interval, conflicts_with = "off")]
    pub every: Option<u32>,
}

fn interval(text: &str) -> Result<u32, String> {
    let unit = [('d', 1_440), ('h', 60), ('m', 1)].into_iter().find(|(unit, _)| text.ends_with(*unit));
    let (number, factor) = unit.map_or((text, 1), |(_, factor)| (&text[..text.len() - 1], factor));
    let minutes = number.parse::<u32>().ok().and_then(|number| number.checked_mul(factor));
    let minutes = minutes.filter(|minutes| (15..=43_200).contains(minutes));
    minutes.ok_or_else(|| "from 15 minutes to 30 days is expected, such as 60, 4h or 1d".to_owned())
}

/// Of `codes`.
#[derive(Args, Clone, Debug)]
pub struct CodesArguments {
    /// Only this one
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Of `map`.
#[derive(Args, Clone, Debug)]
pub struct MapArguments {
    /// Confirm every match about which there is no doubt
    #[arg(long)]
    pub auto: bool,
    /// Map a tenant to a client; may be repeated
    #[arg(long, value_name = "TENANT=CLIENT", value_parser = pair)]
    pub confirm: Vec<(ManagedTenantId, ClientId)>,
    /// Put a tenant off; may be repeated
    #[arg(long, value_name = "TENANT")]
    pub skip: Vec<ManagedTenantId>,
    /// Take the decision about a tenant back; may be repeated
    #[arg(long, value_name = "TENANT")]
    pub unmap: Vec<ManagedTenantId>,
}

/// Of `preview`, `sync` and `runs undo`.
#[derive(Args, Clone, Copy, Debug)]
pub struct ScopeArguments {
    /// Only the tenants of this client
    #[arg(long)]
    pub client: Option<ClientId>,
    /// Only this tenant
    #[arg(long)]
    pub tenant: Option<ManagedTenantId>,
}

/// Of `sync`.
#[derive(Args, Clone, Debug)]
pub struct SyncArguments {
    /// What to sync
    #[command(flatten)]
    pub scope: ScopeArguments,
    /// Only this person: the Entra object id, sign-in name, or any address. The tenant is found as by `explain`
    #[arg(long, conflicts_with = "client")]
    pub person: Option<String>,
}

/// Of `preview`.
#[derive(Args, Clone, Debug)]
pub struct PreviewArguments {
    /// What to plan
    #[command(flatten)]
    pub scope: ScopeArguments,
    /// Only this person: the Entra object id, sign-in name, or any address. The tenant is found as by `explain`
    #[arg(long, conflicts_with = "client")]
    pub person: Option<String>,
    /// Show people who are left out, too (JSON always does)
    #[arg(long)]
    pub all: bool,
    /// Try out rules that are not saved, from a JSON file (`-` for standard input) with `fieldSyncConfig`, `scope`
    /// or both in the form that `settings --output json` shows; of one client, they hold instead of its own
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

/// Of `flags`.
#[derive(Args, Clone, Debug)]
pub struct FlagsArguments {
    /// What to do; lists flags when left out
    #[command(subcommand)]
    pub command: Option<FlagsCommand>,
}

/// What to do with flags.
#[derive(Clone, Debug, Subcommand)]
pub enum FlagsCommand {
    /// List the flags and how they stand for the workspace of the data folder
    List,
    /// Switch flags on
    On {
        /// Only these; all of them when left out
        flags: Vec<Feature>,
    },
    /// Switch flags off: what they show is hidden, and everything is kept
    Off {
        /// Only these; all of them when left out
        flags: Vec<Feature>,
    },
}

/// Of `explain`.
#[derive(Args, Clone, Debug)]
pub struct ExplainArguments {
    /// The person's Entra object id, sign-in name, or any address
    pub person: String,
    /// The person's tenant; not needed when the address has a domain of one of the tenants, or when only
    /// one tenant is mapped
    #[arg(long)]
    pub tenant: Option<ManagedTenantId>,
}

/// Of `bench`.
#[derive(Args, Clone, Copy, Debug)]
pub struct BenchArguments {
    /// Users in all tenants together
    #[arg(long, default_value_t = 10_000)]
    pub users: u32,
    /// Tenants they are spread over
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub tenants: u32,
    /// The same seed gives the same people
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Keep the directory and the database in another process: the memory counted is then the worker's alone
    #[arg(long)]
    pub apart: bool,
}

fn pair(text: &str) -> Result<(ManagedTenantId, ClientId), String> {
    let (tenant, client) = text.split_once('=').ok_or("TENANT=CLIENT is expected")?;
    let tenant = tenant.parse().map_err(|error: domain::ids::InvalidId| error.to_string())?;
    let client = client.parse().map_err(|error: domain::ids::InvalidId| error.to_string())?;
    Ok((tenant, client))
}
