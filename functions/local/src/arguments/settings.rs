//! What can be typed about settings.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use domain::{
    fields::{Clear, Field, Overwrite, UnknownField},
    ids::ClientId,
    policy::Timing,
};

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
pub(super) fn contact_field(text: &str) -> Result<Field, UnknownField> {
    text.parse().or_else(|unknown| field_name(text).ok().and_then(FieldName::field).ok_or(unknown))
}

fn field_name(text: &str) -> Result<FieldName, String> {
    FieldName::from_str(text, true).map_err(|_| format!("the fields are {}", names::<FieldName>()))
}

fn names<T: ValueEnum>() -> String {
    let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    names.map(|name| name.get_name().to_owned()).collect::<Vec<_>>().join(", ")
}
