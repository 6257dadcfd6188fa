//! Where in the product a code belongs, in the order of the page.

use crate::{
    Entry, access, cipp, connection, discovery, doctor, explain, flags, forecast, line, mapping, people,
    reading, request, review, secrets, service, settings, sign_in, sync, task, tenant, token, tool,
};

/// The part of the product a code belongs to. A code that several parts use is in the first one that an
/// operator would look in, and its texts hold for all of them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Area {
    /// What a request may hold, whatever its route.
    Request,
    /// Who may call the routes.
    Access,
    /// Why a token of the PSA was refused.
    Token,
    /// Making and changing feature flags.
    Flags,
    /// This service itself.
    Service,
    /// Signing in at Microsoft.
    SignIn,
    /// The connection to Microsoft.
    Connection,
    /// Connecting and reading through CIPP.
    Cipp,
    /// The secret store.
    Secrets,
    /// What of a connection ends by itself.
    Forecast,
    /// Discovering tenants.
    Discovery,
    /// Mapping tenants to clients.
    Mapping,
    /// Importing and exporting clients and contacts.
    People,
    /// Who is synced and which fields are written.
    Settings,
    /// Starting runs and working with their plans.
    Sync,
    /// Why one tenant was not read or synced.
    Tenant,
    /// Reading a directory.
    Reading,
    /// Lines of a plan that failed, were left, or were not carried out.
    Line,
    /// Answering questions about people.
    Review,
    /// Explaining one person.
    Explain,
    /// Examining everything a sync needs.
    Doctor,
    /// Errors on which the state machines branch, as far as a task reports them.
    Task,
    /// What only the command line says.
    Tool,
}

impl Area {
    /// Every area, in the order of the page.
    pub const ALL: [Self; 23] = [
        Self::Request,
        Self::Access,
        Self::Token,
        Self::Flags,
        Self::Service,
        Self::SignIn,
        Self::Connection,
        Self::Cipp,
        Self::Secrets,
        Self::Forecast,
        Self::Discovery,
        Self::Mapping,
        Self::People,
        Self::Settings,
        Self::Sync,
        Self::Tenant,
        Self::Reading,
        Self::Line,
        Self::Review,
        Self::Explain,
        Self::Doctor,
        Self::Task,
        Self::Tool,
    ];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Request => "What a request may hold",
            Self::Access => "Who may call",
            Self::Token => "Why a token was refused",
            Self::Flags => "Feature flags",
            Self::Service => "This service itself",
            Self::SignIn => "Signing in at Microsoft",
            Self::Connection => "The connection to Microsoft",
            Self::Cipp => "Connecting and reading through CIPP",
            Self::Secrets => "The secret store",
            Self::Forecast => "What ends by itself",
            Self::Discovery => "Discovering tenants",
            Self::Mapping => "Mapping tenants to clients",
            Self::People => "Importing and exporting clients and contacts",
            Self::Settings => "Settings",
            Self::Sync => "Starting runs and working with their plans",
            Self::Tenant => "Why a tenant was not read or synced",
            Self::Reading => "Reading a directory",
            Self::Line => "Lines that failed, were left, or were not carried out",
            Self::Review => "Answering questions about people",
            Self::Explain => "Explaining one person",
            Self::Doctor => "Examining everything a sync needs",
            Self::Task => "Errors of the workflow",
            Self::Tool => "The command line",
        }
    }

    /// Where its codes are met.
    pub const fn introduction(self) -> &'static str {
        match self {
            Self::Request => "Any route answers these when it cannot take the request as it was sent.",
            Self::Access => {
                "The guards of the routes answer these, in this order: edition, sign-in, portal users, \
                 permission, feature flags."
            }
            Self::Token => {
                "These stand in the log of whoever checks the PSA's tokens. The caller is not told which: \
                 the gateway answers 403, `entra-sync serve` answers `not_authenticated`. Where flags are \
                 decided about, a key may still let the request in."
            }
            Self::Flags => "The routes below `/api/v1/platform-feature-flags` answer these.",
            Self::Service => "Any route and any command may answer these.",
            Self::SignIn => {
                "A sign-in that did not become a connection ends with one of these: in the address of the \
                 settings page, or on the command line."
            }
            Self::Connection => {
                "Connecting, validating and renewing answer these. A sync whose sign-in or app is refused \
                 like this stops for all tenants."
            }
            Self::Cipp => "A connection through a CIPP deployment has these besides those of Microsoft.",
            Self::Secrets => "Whatever reads or writes the connection's secrets may answer these.",
            Self::Forecast => {
                "The status of the connection forecasts these ends under `expiryForecast`, each with the \
                 days that are left."
            }
            Self::Discovery => {
                "`POST` and `GET /api/integrations/entra/discovery` and `entra-sync discover` answer \
                 these."
            }
            Self::Mapping => {
                "The routes below `/api/integrations/entra/mappings` answer these, for the whole request \
                 or for one of its decisions."
            }
            Self::People => {
                "An import answers these for the whole document or, with its line, for one row; an export \
                 has some of them, too."
            }
            Self::Settings => {
                "Saving settings answers these; those about one rule stand in the details of \
                 `invalid_scope_rules` and `invalid_field_rules`."
            }
            Self::Sync => {
                "The routes below `/api/integrations/entra/sync` and the commands `preview`, `sync` and \
                 `runs` answer these; the failure of a whole run has some of them, too."
            }
            Self::Tenant => {
                "The result of a tenant in a run has these; so do a discovered tenant that is blocked, and \
                 an explanation."
            }
            Self::Reading => {
                "Reading from Microsoft or CIPP may end like this; most of it is tried again by itself \
                 before anybody is told."
            }
            Self::Line => {
                "One line of a run has these. They are told in words there; `entra-sync runs person` and \
                 the timeline show them for one person."
            }
            Self::Review => {
                "The routes below `/api/integrations/entra/reconciliation-queue` and `entra-sync review` \
                 answer these."
            }
            Self::Explain => {
                "`GET /api/integrations/entra/sync/explain` and `entra-sync explain` answer these, besides \
                 the codes of reading a directory."
            }
            Self::Doctor => "`entra-sync doctor` finds these, besides the codes of the parts it looks at.",
            Self::Task => {
                "The diagnostics of a run that ended early and the history of a workflow execution name \
                 these. They are the names on which the state machines branch."
            }
            Self::Tool => "`entra-sync` alone says these, on standard error.",
        }
    }

    /// Its codes, sorted.
    pub const fn entries(self) -> &'static [Entry] {
        match self {
            Self::Request => request::ENTRIES,
            Self::Access => access::ENTRIES,
            Self::Token => token::ENTRIES,
            Self::Flags => flags::ENTRIES,
            Self::Service => service::ENTRIES,
            Self::SignIn => sign_in::ENTRIES,
            Self::Connection => connection::ENTRIES,
            Self::Cipp => cipp::ENTRIES,
            Self::Secrets => secrets::ENTRIES,
            Self::Forecast => forecast::ENTRIES,
            Self::Discovery => discovery::ENTRIES,
            Self::Mapping => mapping::ENTRIES,
            Self::People => people::ENTRIES,
            Self::Settings => settings::ENTRIES,
            Self::Sync => sync::ENTRIES,
            Self::Tenant => tenant::ENTRIES,
            Self::Reading => reading::ENTRIES,
            Self::Line => line::ENTRIES,
            Self::Review => review::ENTRIES,
            Self::Explain => explain::ENTRIES,
            Self::Doctor => doctor::ENTRIES,
            Self::Task => task::ENTRIES,
            Self::Tool => tool::ENTRIES,
        }
    }
}
