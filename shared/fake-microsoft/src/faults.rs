//! What goes wrong, when, and how often.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::ids::EntraTenantId;
use serde_json::Value;

/// What a request asks for; the unit of counting and of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// `/{tenant}/oauth2/v2.0/authorize`
    Authorize,
    /// `/{tenant}/v2.0/adminconsent`
    AdminConsent,
    /// `/{tenant}/v2.0/.well-known/openid-configuration`
    Metadata,
    /// `/{tenant}/discovery/v2.0/keys`
    Keys,
    /// `/{tenant}/oauth2/v2.0/token`
    Token,
    /// `/v1.0/tenantRelationships/delegatedAdminRelationships`
    Relationships,
    /// `/v1.0/tenantRelationships/delegatedAdminCustomers`
    Customers,
    /// `/v1.0/tenantRelationships/findTenantInformationByTenantId(…)`
    TenantInformation,
    /// `/v1.0/organization`
    Organization,
    /// `/v1.0/users`
    Users,
    /// `/v1.0/users/delta`
    UsersDelta,
    /// `/v1.0/users/{id or sign-in name}`
    User,
    /// `/v1.0/groups`
    Groups,
    /// `/v1.0/groups/{id}/transitiveMembers/microsoft.graph.user`
    GroupMembers,
    /// `/api/me` of the CIPP deployment
    CippMe,
    /// `/api/ListTenants` of the CIPP deployment
    CippTenants,
    /// `/api/ListUsers` of the CIPP deployment
    CippUsers,
    /// `/api/ListGraphRequest` of the CIPP deployment
    CippGraphRequest,
    /// Everything this fake does not serve.
    Unknown,
}

/// Which requests a fault is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Match {
    /// Requests for this tenant: the one the bearer token is bound to, the token endpoint's authority
    /// (`organizations` and `common` are the partner), or the one that CIPP's filter names. None: any.
    pub tenant: Option<EntraTenantId>,
    /// Requests for this route. None: any.
    pub route: Option<Route>,
    /// Which of the requests that fit, counted from the moment the fault was set.
    pub calls: Calls,
}

impl Match {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Every request for `route`.
    pub fn route(route: Route) -> Self {
        Self { route: Some(route), ..Self::default() }
    }

    /// Only those for `tenant`.
    #[must_use]
    pub fn tenant(self, tenant: EntraTenantId) -> Self {
        Self { tenant: Some(tenant), ..self }
    }

    /// Only number `nth` of them, counted from 1.
    #[must_use]
    pub fn nth(self, nth: u32) -> Self {
        Self { calls: Calls::Nth(nth), ..self }
    }

    /// Only number `first` of them, counted from 1, and later ones.
    #[must_use]
    pub fn from(self, first: u32) -> Self {
        Self { calls: Calls::From(first), ..self }
    }
}

/// Which of the fitting requests are hit, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Calls {
    /// All of them.
    #[default]
    All,
    /// One of them.
    Nth(u32),
    /// This one and the later ones.
    From(u32),
}

/// What happens to a request that is hit.
#[derive(Clone, Debug)]
pub enum Effect {
    /// 429 for this tenant alone; `retry_after` is the header's text (`2.128`, an HTTP date, …).
    /// JSON from Graph, plain text from the login host.
    Throttle {
        /// The header, left out when None.
        retry_after: Option<String>,
    },
    /// 429 whose `x-ms-throttle-scope` says that the application as a whole is throttled.
    ThrottleApplication {
        /// The header, left out when None.
        retry_after: Option<String>,
    },
    /// This status. [`Effect::status`] and [`Effect::plain_text`] make the usual ones.
    Status {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header, if any.
        retry_after: Option<String>,
        /// The body.
        body: FaultBody,
    },
    /// The clock sleeps, then the request is answered, or hit by the next fault that fits.
    Delay(Duration),
    /// No rows, and a link to the same place in the listing.
    EmptyPageWithNext,
    /// No rows and no link: a short read that looks complete.
    EmptyAnswer,
    /// The page without its link: a listing cut off that looks complete.
    CutListing,
    /// The next page begins with the last row of this one.
    RepeatedRow,
    /// `/organization` answers with another tenant's id.
    WrongTenant,
    /// The link leads to `https://{host}`.
    ForeignNextLink(String),
    /// The link leads to this page again.
    NextLinkLoop,
    /// The JSON of Graph or of the token endpoint ends in the middle.
    Malformed,
    /// The first row is not what the contract says.
    BadRow(BadRow),
    /// The connection to Graph or to the token endpoint is dropped in the middle of the body.
    DropConnection,
    /// 400 `Directory_ExpiredPageToken`.
    ExpiredPage,
    /// The link of a change feed is not known any more.
    LostSyncState(SyncStateLoss),
    /// A link of a change feed is answered from the beginning of the history, or of the round when
    /// everybody is listed: with rows that were delivered before.
    ReplayedChanges,
    /// The rows of the page in the opposite order.
    ReorderedRows,
    /// The last user of a page of changes is on it three times: first as removed, when it is not,
    /// and as it is at the end.
    RepeatedChange,
    /// The first user of a page of changes is left out of the round, and comes in the next one.
    DelayedChange,
    /// The first user of a page of changes is left out of the round, and of every later one.
    LostChange,
    /// An answer of the token endpoint. [`Effect::aadsts`] makes the documented ones.
    TokenError {
        /// The HTTP status.
        status: u16,
        /// The whole body.
        body: Value,
    },
    /// A refusal of the token endpoint by its AADSTS number, with fresh trace ids.
    Aadsts(u32),
    /// A token answer that is odd but allowed.
    TokenQuirk(TokenQuirk),
    /// This status, with everything that was sent in each place of the answer where a text can stand, as
    /// some proxies do.
    Echo(u16),
    /// Something of the CIPP deployment's own.
    Cipp(CippFault),
}

impl Effect {
    /// `status` with the JSON Graph sends for it.
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None, body: FaultBody::Graph }
    }

    /// `status` with a plain text body, as gateways send it.
    pub fn plain_text(status: u16, text: &str) -> Self {
        Self::Status { status, retry_after: None, body: FaultBody::Text(text.to_owned()) }
    }

    /// A refusal of the token endpoint by its number, such as 65001 or 50173.
    pub fn aadsts(number: u32) -> Self {
        Self::Aadsts(number)
    }
}

/// What only a CIPP deployment does wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CippFault {
    /// 200 with a list of one row that holds the text of a failure.
    FailureRow,
    /// 200 with the text of a failure in place of the rows.
    FailureText,
    /// 200 with `null`.
    Nothing,
    /// Rows of the tenant that was asked for, said to be another's.
    OtherEcho,
    /// 200 with a web page, as the wrong host answers.
    Page,
    /// The filter is lost: the partner's own tenant answers, under the name of the one asked for.
    PartnerAnswers,
    /// 200 without rows: they are loading.
    Queued,
    /// 302 to this address.
    RedirectTo(String),
    /// 302 to the page of the sign-in.
    SignIn,
}

/// The body of [`Effect::Status`].
#[derive(Clone, Debug)]
pub enum FaultBody {
    /// The error JSON Graph sends for the status; plain text from the login host.
    Graph,
    /// The error JSON with this code and message; `error` and `error_description` from the login
    /// host.
    GraphCode {
        /// Graph's `code`.
        code: String,
        /// Graph's `message`.
        message: String,
    },
    /// Plain text.
    Text(String),
}

/// The forms in which Graph says that it no longer knows the link of a change feed
/// (learn.microsoft.com/graph/delta-query-overview).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStateLoss {
    /// 400 `syncStateNotFound`.
    NotFound,
    /// 400 `resyncRequired`.
    ResyncRequired,
    /// 400 `Directory_ExpiredPageToken`.
    ExpiredPageToken,
    /// 410 `syncStateNotFound`.
    GoneNotFound,
    /// 410 `SyncStateNotFound`: the same with a capital letter, as it has been seen.
    GoneCapital,
    /// 410 `resyncRequired`.
    GoneResyncRequired,
    /// 410 with a `Location` that begins anew.
    GoneElsewhere,
}

impl SyncStateLoss {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NotFound,
        Self::ResyncRequired,
        Self::ExpiredPageToken,
        Self::GoneNotFound,
        Self::GoneCapital,
        Self::GoneResyncRequired,
        Self::GoneElsewhere,
    ];

    pub(crate) fn status_and_code(self) -> (u16, &'static str) {
        match self {
            Self::NotFound => (400, "syncStateNotFound"),
            Self::ResyncRequired => (400, "resyncRequired"),
            Self::ExpiredPageToken => (400, "Directory_ExpiredPageToken"),
            Self::GoneNotFound => (410, "syncStateNotFound"),
            Self::GoneCapital => (410, "SyncStateNotFound"),
            Self::GoneResyncRequired => (410, "resyncRequired"),
            Self::GoneElsewhere => (410, "Gone"),
        }
    }
}

/// How a row breaks the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRow {
    /// Its `id` is text, and no GUID.
    IdNotGuid,
    /// It is no object.
    NotAnObject,
    /// It is larger than any record is.
    TooLarge,
    /// It says that somebody was removed, in a way that nobody knows.
    UnknownRemoval,
    /// It has no `id`.
    WithoutId,
    /// Numbers, objects and texts where others belong.
    WrongTypes,
    /// A member has a type it cannot have; the id can be read.
    WrongMember,
}

/// Oddities of token answers that the protocol allows or that have been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenQuirk {
    /// `scope` is left out.
    WithoutScope,
    /// `refresh_token` is left out.
    WithoutRefreshToken,
    /// `expires_in` is text.
    ExpiresInText,
    /// The access token lives this many seconds.
    Lifetime(u32),
}

/// A fault that was set; names it to [`Faults::remove`] and [`Faults::fired`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(u64);

/// The script of faults. Faults are tried in the order they were set; delays add up, and the first
/// other effect decides the answer.
#[derive(Debug, Default)]
pub struct Faults {
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    next_id: u64,
    faults: Vec<Fault>,
}

#[derive(Debug)]
struct Fault {
    id: FaultId,
    matching: Match,
    effect: Effect,
    left: Option<u32>,
    seen: u32,
    fired: u32,
}

impl Faults {
    /// Sets a fault that hits at most `times` requests; None: until removed.
    pub fn on(&self, matching: Match, effect: Effect, times: impl Into<Option<u32>>) -> FaultId {
        let mut script = self.lock();
        let id = FaultId(script.next_id);
        script.next_id += 1;
        script.faults.push(Fault { id, matching, effect, left: times.into(), seen: 0, fired: 0 });
        id
    }

    /// Takes one fault back.
    pub fn remove(&self, id: FaultId) {
        self.lock().faults.retain(|fault| fault.id != id);
    }

    /// Takes every fault back.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// How many requests a fault has hit; 0 once it was removed.
    pub fn fired(&self, id: FaultId) -> u32 {
        self.lock().faults.iter().find(|fault| fault.id == id).map_or(0, |fault| fault.fired)
    }

    /// The effects on one request: delays, and after them at most one other.
    pub(crate) fn strike(&self, route: Route, tenant: Option<EntraTenantId>) -> Strike {
        let mut strike = Strike { delay: Duration::ZERO, effect: None };
        for fault in &mut self.lock().faults {
            let decided = strike.effect.is_some();
            if !fault.fits(route, tenant) || !fault.is_due(decided) {
                continue;
            }
            match &fault.effect {
                Effect::Delay(delay) => strike.delay += *delay,
                effect => strike.effect = Some(effect.clone()),
            }
        }
        strike
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens to one request.
pub(crate) struct Strike {
    pub(crate) delay: Duration,
    pub(crate) effect: Option<Effect>,
}

impl Fault {
    fn fits(&self, route: Route, tenant: Option<EntraTenantId>) -> bool {
        self.matching.route.is_none_or(|wanted| wanted == route)
            && (self.matching.tenant.is_none() || self.matching.tenant == tenant)
    }

    /// Counts a request that fits; true when this fault hits it. A request that another fault
    /// already `decided` is counted but not hit.
    fn is_due(&mut self, decided: bool) -> bool {
        self.seen += 1;
        let due = match self.matching.calls {
            Calls::All => true,
            Calls::Nth(nth) => self.seen == nth,
            Calls::From(first) => self.seen >= first,
        };
        let is_delay = matches!(self.effect, Effect::Delay(_));
        if !due || self.left == Some(0) || (decided && !is_delay) {
            return false;
        }
        self.left = self.left.map(|left| left - 1);
        self.fired += 1;
        true
    }
}
