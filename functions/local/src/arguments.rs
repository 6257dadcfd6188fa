//! What can be typed.

mod links;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{
    fields::{Clear, Field, Overwrite, UnknownField},
    flags::Feature,
    ids::{ClientId, ContactId, EntraObjectId, LineId, ManagedTenantId, ReviewItemId, RunId},
    plan::Conflict,
    policy::Timing,
};

pub(crate) use links::{DuplicatesArguments, LinksArguments, LinksCommand, WhoseLinks};

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

/// A field rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum FieldName {
    /// People who are active in the directory make contacts active that a human made inactive.
    ActiveWhenEnabled,
    /// Company name.
    Company,
    /// Department.
    Department,
    /// Full name from the display name.
    DisplayName,
    /// Address.
    Email,
    /// Contacts of disabled accounts become inactive.
    InactiveWhenDisabled,
    /// Office location.
    Office,
    /// Phone list.
    Phone,
    /// Role from the job title.
    Role,
    /// Sign-in name.
    Upn,
}

impl FieldName {
    /// The key of its rule in a configuration.
    pub fn key(self) -> &'static str {
        match self {
            Self::ActiveWhenEnabled => "markActiveWhenEnabled",
            _ => self.field().map_or("markInactiveWhenDisabled", Field::key),
        }
    }

    /// The field of the contact; `None` for the rules about active and disabled accounts.
    pub fn field(self) -> Option<Field> {
        match self {
            Self::Company => Some(Field::Company),
            Self::Department => Some(Field::Department),
            Self::DisplayName => Some(Field::FullName),
            Self::Email => Some(Field::Email),
            Self::ActiveWhenEnabled | Self::InactiveWhenDisabled => None,
            Self::Office => Some(Field::Office),
            Self::Phone => Some(Field::Phones),
            Self::Role => Some(Field::Role),
            Self::Upn => Some(Field::UserPrincipalName),
        }
    }
}

/// When somebody who is leaving becomes inactive.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum When {
    /// Once as many syncs and hours have confirmed it as `--gone-after` and `--gone-hours` ask for.
    AfterGrace,
    /// With the sync that sees it first.
    AtOnce,
    /// Not at all.
    Never,
}

impl From<When> for Timing {
    fn from(when: When) -> Self {
        match when {
            When::AfterGrace => Self::AfterGrace,
            When::AtOnce => Self::AtOnce,
            When::Never => Self::Never,
        }
    }
}

/// When the directory's value of a field is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Policy {
    /// The directory's value is written.
    #[value(alias = "on")]
    Always,
    /// The contact's value stays.
    #[value(alias = "off")]
    Never,
    /// The directory's value fills an empty field.
    OnlyIfEmpty,
    /// What changes in the directory is written, unless somebody has edited the field.
    UnlessEdited,
    /// What changes in the directory is written, over an edit, too.
    WhenSourceChanges,
}

impl From<Policy> for Overwrite {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Always => Self::Always,
            Policy::Never => Self::Never,
            Policy::OnlyIfEmpty => Self::OnlyIfEmpty,
            Policy::UnlessEdited => Self::UnlessEdited,
            Policy::WhenSourceChanges => Self::WhenSourceChanges,
        }
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Switch {
    /// Off.
    Off,
    /// On.
    On,
}

impl From<Switch> for bool {
    fn from(switch: Switch) -> Self {
        switch == Switch::On
    }
}

/// Of `settings`.
#[derive(Args, Clone, Debug)]
pub struct SettingsArguments {
    /// What holds for this client instead of the settings of all
    #[arg(long, value_name = "CLIENT")]
    pub client: Option<ClientId>,
    /// Give the client back to the settings of all
    #[arg(long, requires = "client")]
    pub inherit: bool,
    /// When the directory writes a field: on (always), off (never), only-if-empty,
    /// when-source-changes or unless-edited; may be repeated
    #[arg(long, value_name = "FIELD=WHEN", value_parser = field)]
    pub field: Vec<(FieldName, Policy)>,
    /// Let the directory clear a field whose value it has lost, where it may write it: at once, or with
    /// `FIELD=after-grace` once as many reads and hours have confirmed it as for people who are gone;
    /// `FIELD=off` takes that back; may be repeated; needs `--allow-clearing`, too
    #[arg(long, value_name = "FIELD", value_parser = clearing)]
    pub clear: Vec<(Field, Clear)>,
    /// Let fields be cleared at all; `--allow-clearing=off` takes that back
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub allow_clearing: Option<Switch>,
    /// Let it take two users of the PSA to let through what waits, and to widen what lets it wait; the
    /// operator of this machine is asked for nobody else
    #[arg(long, value_enum, conflicts_with = "client")]
    pub four_eyes: Option<Switch>,
    /// Do not show the values of this field in lines, explanations and stories of people; `FIELD=off` shows them
    /// again; may be repeated
    #[arg(long, value_name = "FIELD", value_parser = hiding, conflicts_with = "client")]
    pub hide: Vec<(Field, bool)>,
    /// Take guests, too
    #[arg(long, value_enum)]
    pub guests: Option<Switch>,
    /// Take accounts that look like service accounts, too
    #[arg(long, value_enum)]
    pub service_accounts: Option<Switch>,
    /// In how many complete reads in a row a person has to be missing to become inactive
    #[arg(long, value_name = "READS", value_parser = clap::value_parser!(u8).range(1..=20))]
    pub gone_after: Option<u8>,
    /// How many hours have to lie between the first of those reads and the last
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(0..=2160))]
    pub gone_hours: Option<u32>,
    /// When contacts of people whose sign-in is blocked become inactive, where `inactive-when-disabled` is on
    #[arg(long, value_enum, value_name = "WHEN")]
    pub when_disabled: Option<When>,
    /// When contacts of people become inactive who are no longer among those who are synced
    #[arg(long, value_enum, value_name = "WHEN")]
    pub when_out_of_scope: Option<When>,
    /// How many people may become inactive at once whatever the share; more wait for you
    #[arg(long, value_name = "PEOPLE")]
    pub gone_allowed: Option<u32>,
    /// What share of a tenant may become inactive at once; more wait for you
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub gone_percent: Option<u8>,
    /// How many new contacts one sync may make in a tenant that has people linked already, whatever
    /// the share; more wait for you
    #[arg(long, value_name = "PEOPLE")]
    pub new_allowed: Option<u32>,
    /// What share of the linked people may be new in one sync; more wait for you
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub new_percent: Option<u8>,
    /// How many contacts one sync may give from an account that is gone to another one, whatever the
    /// share; more wait for you
    #[arg(long, value_name = "CONTACTS")]
    pub moved_allowed: Option<u32>,
    /// What share of the linked contacts may go to another account in one sync; more wait for you
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub moved_percent: Option<u8>,
    /// How many people may become inactive in all tenants of one sync together, whatever the share; more
    /// wait for you
    #[arg(long, value_name = "PEOPLE")]
    pub run_gone_allowed: Option<u32>,
    /// What share of all linked people may become inactive in one sync; more wait for you
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub run_gone_percent: Option<u8>,
    /// How many new contacts one sync may make in all tenants together, whatever the share; more wait for
    /// you
    #[arg(long, value_name = "PEOPLE")]
    pub run_new_allowed: Option<u32>,
    /// What share of all linked people may be new in one sync; more wait for you
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub run_new_percent: Option<u8>,
    /// How many contacts may go from an account that is gone to another one in all tenants of one sync
    /// together, whatever the share; more wait for you
    #[arg(long, value_name = "CONTACTS")]
    pub run_moved_allowed: Option<u32>,
    /// What share of all linked contacts may go to another account in one sync; more wait for you
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub run_moved_percent: Option<u8>,
    /// A complete read with less than this share of the people of the last one is taken for a wrong
    /// answer
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub short_percent: Option<u8>,
    /// After how many hours everybody is read again, not only who has changed; 0 is every time
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(0..=168))]
    pub read_everybody_after: Option<u32>,
    /// Take only people who have a licence
    #[arg(long, value_enum)]
    pub licensed_only: Option<Switch>,
    /// All rules about who is taken, from a JSON file (`-` for standard input) in the form that
    /// `settings --output json` shows under `scope`
    #[arg(long, value_name = "FILE")]
    pub scope: Option<PathBuf>,
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

fn field(text: &str) -> Result<(FieldName, Policy), String> {
    let (name, policy) = text.split_once('=').ok_or("FIELD=on, FIELD=off or FIELD=POLICY is expected")?;
    let name = field_name(name)?;
    let policy = Policy::from_str(policy, true)
        .map_err(|_| format!("on, off or a policy is expected: {}", names::<Policy>()))?;
    if name.field().is_none() && !matches!(policy, Policy::Always | Policy::Never) {
        return Err("this one is on or off".to_owned());
    }
    Ok((name, policy))
}

fn hiding(text: &str) -> Result<(Field, bool), String> {
    let (name, switch) = text.split_once('=').unwrap_or((text, "on"));
    let field = contact_field(name).map_err(|unknown| unknown.to_string())?;
    let switch = Switch::from_str(switch, true).map_err(|_| "on or off is expected")?;
    Ok((field, switch.into()))
}

fn clearing(text: &str) -> Result<(Field, Clear), String> {
    let (name, when) = text.split_once('=').unwrap_or((text, "on"));
    let name = field_name(name)?;
    let clear = match when.to_ascii_lowercase().as_str() {
        "on" => Clear::AtOnce,
        "after-grace" => Clear::AfterGrace,
        "off" => Clear::Never,
        _ => return Err("on, after-grace or off is expected".to_owned()),
    };
    let field = name.field().filter(|field| field.is_clearable());
    field.map(|field| (field, clear)).ok_or_else(|| "this one is never cleared".to_owned())
}

/// A field of a contact by any of its names, or as the settings of this command call it.
fn contact_field(text: &str) -> Result<Field, UnknownField> {
    text.parse().or_else(|unknown| field_name(text).ok().and_then(FieldName::field).ok_or(unknown))
}

fn field_name(text: &str) -> Result<FieldName, String> {
    FieldName::from_str(text, true).map_err(|_| format!("the fields are {}", names::<FieldName>()))
}

fn names<T: ValueEnum>() -> String {
    let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    names.map(|name| name.get_name().to_owned()).collect::<Vec<_>>().join(", ")
}

fn pair(text: &str) -> Result<(ManagedTenantId, ClientId), String> {
    let (tenant, client) = text.split_once('=').ok_or("TENANT=CLIENT is expected")?;
    let tenant = tenant.parse().map_err(|error: domain::ids::InvalidId| error.to_string())?;
    let client = client.parse().map_err(|error: domain::ids::InvalidId| error.to_string())?;
    Ok((tenant, client))
}
