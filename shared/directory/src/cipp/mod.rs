//! The `cipp` connection: a CIPP deployment of the partner's, which reads Graph on our behalf. The
//! decisions are made in [`protocol::cipp`](crate::protocol::cipp).

mod address;
mod credentials;
mod http;
mod tokens;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ambient::{Clock, Entropy};
use async_trait::async_trait;
use domain::{
    ids::{EntraTenantId, GroupId},
    user::DirectoryUser,
};
use jiff::SignedDuration;
use tokio::sync::Semaphore;

pub use address::{AddressRefusal, CippBase, Destinations, is_public};
pub use credentials::{CippAccess, CippCredential, CippCredentials};
pub(crate) use http::is_not_public;
pub use http::{CippHttp, Lookup, SystemLookup};

use crate::{
    Cursor,
    cursor::{Endless, Trail},
    error::{Code, ErrorClass, ReadError},
    graph::{GraphSettings, Login, transport::Transport},
    port::{Directory, MembersPage, TenantList, TenantProof, UserKey, UserPage},
    protocol::{
        Input, Step,
        cipp::{
            call::{CippCall, Place, Received, Send},
            me::Me,
            members, organization, tenants, users,
        },
        retry::RetryPolicy,
    },
};
use tokens::CippTokens;

/// Requests under way at once: a deployment shares its few workers with the people who use it.
const CALLS_MAX: usize = 3;

/// Most bytes of one answer, decompressed.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Rows of one page of users.
const PAGE_SIZE: u16 = 999;

/// Functions of the API, in their own letter case.
const GRAPH_REQUEST: &str = "ListGraphRequest";
const LIST_TENANTS: &str = "ListTenants";
const ME: &str = "me";

/// How a CIPP deployment is asked.
#[derive(Clone, Debug)]
pub struct CippSettings {
    /// The way there, guarded.
    pub http: CippHttp,
    /// Where it may lead.
    pub destinations: Destinations,
    /// How long one request may take. Functions that were asleep take tens of seconds.
    pub request_limit: Duration,
    /// How long a request is tried for.
    pub retry: RetryPolicy,
    /// Rows of one page of users, 1 to 999.
    pub page_size: u16,
}

impl CippSettings {
    /// For reading in the background: patient.
    pub fn new(http: CippHttp, destinations: Destinations) -> Self {
        Self {
            http,
            destinations,
            request_limit: Duration::from_secs(75),
            retry: RetryPolicy { attempts_max: 2, wait_max: SignedDuration::from_secs(20) },
            page_size: PAGE_SIZE,
        }
    }

    /// For somebody who waits for the answer.
    #[must_use]
    pub fn for_a_probe(&self) -> Self {
        Self {
            request_limit: Duration::from_secs(12),
            retry: RetryPolicy { attempts_max: 1, ..self.retry },
            ..self.clone()
        }
    }
}

/// Reads customer tenants through a CIPP deployment. One per connection; holds access tokens in
/// memory, so it is worth keeping between calls.
pub struct CippDirectory {
    settings: CippSettings,
    transport: Transport,
    credentials: Arc<dyn CippCredentials>,
    tokens: CippTokens,
    calls: Semaphore,
    /// Tenants that have proven themselves to this value.
    proven: Mutex<BTreeMap<EntraTenantId, Arc<TenantProof>>>,
}

impl CippDirectory {
    /// A directory over `settings`; `login` with its own client is where Microsoft makes the tokens.
    ///
    /// # Errors
    /// When the system's root certificates cannot be read.
    pub fn new(
        settings: CippSettings,
        login: &GraphSettings,
        login_http: reqwest::Client,
        credentials: Arc<dyn CippCredentials>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, ReadError> {
        let http = settings.http.client().map_err(|error| {
            tracing::error!(error = %error.without_url(), "the HTTP client for CIPP was not made");
            Code::CippUnavailable
        })?;
        let login = Login::new(login.clone(), login_http, Arc::clone(&clock), Arc::clone(&entropy));
        let transport = Transport::new(http, clock, entropy, BODY_BYTES_MAX);
        Ok(Self {
            settings,
            transport,
            credentials,
            tokens: CippTokens::new(login),
            calls: Semaphore::new(CALLS_MAX),
            proven: Mutex::default(),
        })
    }

    /// Whether the credential opens the API: who CIPP says it is, and the customers it sees.
    ///
    /// # Errors
    /// When it does not.
    pub async fn probe(&self) -> Result<TenantList, ReadError> {
        let access = self.credentials.access().await?;
        match self.call(&access, ME, &[], Place::Connection).await {
            Ok(received) => {
                let me = Me::read(&received.body)?;
                if me.may_read == Some(false) {
                    return Err(Code::CippForbidden.into());
                }
            }
            // Versions that do not tell; the listing decides.
            Err(error) if error.diagnostics().status == Some(404) => {}
            Err(error) => return Err(error),
        }
        self.managed_tenants().await
    }

    /// One call of a function, with the access that was read for it.
    async fn call(
        &self,
        access: &CippAccess,
        function: &str,
        query: &[(&str, &str)],
        place: Place,
    ) -> Result<Received, ReadError> {
        let Ok(_permit) = self.calls.acquire().await else { return Err(Code::CippUnavailable.into()) };
        let url = access.base.endpoint(function, query);
        let mut call = CippCall::new(place, self.transport.retry(self.settings.retry));
        let clock = &self.transport.clock;
        let mut input = Input::Begin;
        let mut refused = None;
        loop {
            match call.step(input, clock.now()) {
                Step::Page(received) => return Ok(received),
                Step::Fail(error) => {
                    let diagnostics = error.diagnostics();
                    tracing::warn!(function, code = %error.code(), status = diagnostics.status, "a read of CIPP failed");
                    return Err(error);
                }
                Step::Wait(wait) => {
                    clock.sleep(wait).await;
                    input = Input::Waited;
                }
                Step::Request(Send { renew_token }) => {
                    let refused_now = refused.take().filter(|_| renew_token);
                    let token = self.tokens.bearer(&access.credential, refused_now.as_ref()).await?;
                    input = self.transport.get_plain(url.clone(), &token, self.settings.request_limit).await;
                    refused = Some(token);
                }
            }
        }
    }

    /// Graph's answer about `tenant`.
    async fn graph(
        &self,
        tenant: EntraTenantId,
        query: &[(&str, &str)],
        resumed: bool,
    ) -> Result<(CippAccess, Received), ReadError> {
        let access = self.credentials.access().await?;
        if access.credential.partner_tenant() == Some(tenant) {
            return Err(Code::PartnerTenantAnswered.into());
        }
        let tenant = tenant.to_string();
        // Exactly this name: without it CIPP answers for the partner's own tenant.
        let mut all = vec![("tenantFilter", tenant.as_str()), ("version", "v1.0")];
        all.extend_from_slice(query);
        let received = self.call(&access, GRAPH_REQUEST, &all, Place::Customer { resumed }).await?;
        Ok((access, received))
    }

    /// One page of a listing of Graph, from its beginning or at `link`.
    async fn page(
        &self,
        tenant: EntraTenantId,
        endpoint: &str,
        select: &str,
        link: Option<&str>,
    ) -> Result<Received, ReadError> {
        let size = self.settings.page_size.clamp(1, PAGE_SIZE).to_string();
        let mut query = vec![
            ("Endpoint", endpoint),
            ("manualPagination", "true"),
            ("$select", select),
            ("$top", size.as_str()),
        ];
        query.extend(link.map(|link| ("nextLink", link)));
        let (_, received) = self.graph(tenant, &query, link.is_some()).await?;
        Ok(received)
    }

    /// The proof of `tenant`, asked for unless it was given to this value before.
    async fn proof(&self, tenant: EntraTenantId) -> Result<(Arc<TenantProof>, u32), ReadError> {
        let known = self.proven.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned();
        if let Some(proof) = known {
            return Ok((proof, 0));
        }
        self.prove_anew(tenant).await
    }

    async fn prove_anew(&self, tenant: EntraTenantId) -> Result<(Arc<TenantProof>, u32), ReadError> {
        let query = [("Endpoint", "organization"), ("$select", "id,displayName,verifiedDomains")];
        let (access, received) = self.graph(tenant, &query, false).await?;
        let partner = access.credential.partner_tenant();
        let proof =
            organization::proof(&received.body, tenant, partner).map_err(|code| self.failed(tenant, code))?;
        let proof = Arc::new(proof);
        self.proven.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, Arc::clone(&proof));
        Ok((proof, received.requests))
    }

    /// What was proven of a tenant does not hold any longer when an answer contradicts it.
    fn failed(&self, tenant: EntraTenantId, code: Code) -> ReadError {
        if code.class() == ErrorClass::TenantProofFailed {
            self.proven.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
        }
        tracing::warn!(%tenant, %code, "an answer of CIPP is of no use");
        code.into()
    }
}

/// Where a listing goes on, not checked yet.
fn place(cursor: Option<&Cursor>) -> Result<(Trail, Option<&str>), Code> {
    let Some(cursor) = cursor else { return Ok((Trail::default(), None)) };
    let (trail, link) = cursor.parts().ok_or(Code::CursorUnreadable)?;
    Ok((trail, Some(link)))
}

/// The cursor of `next`, which came with the page at `link`.
fn following(trail: Trail, link: Option<&str>, next: &str) -> Result<Cursor, Code> {
    if Some(next) == link {
        return Err(Code::NextLinkLoop);
    }
    trail.follow(next).map_err(|endless| match endless {
        Endless::Loop => Code::NextLinkLoop,
        Endless::TooManyPages => Code::ListingEndless,
    })
}

#[async_trait]
impl Directory for CippDirectory {
    async fn managed_tenants(&self) -> Result<TenantList, ReadError> {
        let access = self.credentials.access().await?;
        let received = self.call(&access, LIST_TENANTS, &[], Place::Connection).await?;
        let partner = access.credential.partner_tenant();
        Ok(tenants::tenants(&received.body, partner, self.transport.clock.now())?)
    }

    async fn prove(&self, tenant: EntraTenantId) -> Result<TenantProof, ReadError> {
        let (proof, _) = self.prove_anew(tenant).await?;
        Ok(TenantProof::clone(&proof))
    }

    async fn users_page(
        &self,
        tenant: EntraTenantId,
        cursor: Option<&Cursor>,
    ) -> Result<UserPage, ReadError> {
        let (trail, link) = place(cursor)?;
        link.map(users::checked).transpose()?;
        let (proof, asked) = self.proof(tenant).await?;
        let received = self.page(tenant, "users", users::SELECTED, link).await?;
        let page = users::users(&received.body, &proof).map_err(|code| self.failed(tenant, code))?;
        let next = page.next.map(|next| following(trail, link, &next)).transpose()?;
        Ok(UserPage {
            users: page.rows.users,
            bad_rows: page.rows.bad_rows,
            next,
            bytes: received.bytes,
            requests: received.requests + asked,
        })
    }

    async fn group_members_page(
        &self,
        tenant: EntraTenantId,
        group: GroupId,
        cursor: Option<&Cursor>,
    ) -> Result<MembersPage, ReadError> {
        let (trail, link) = place(cursor)?;
        link.map(|link| members::checked(link, group)).transpose()?;
        let (proof, asked) = self.proof(tenant).await?;
        let received = self.page(tenant, &members::endpoint(group), "id", link).await?;
        let page =
            members::members(&received.body, group, &proof).map_err(|code| self.failed(tenant, code))?;
        let next = page.next.map(|next| following(trail, link, &next)).transpose()?;
        let requests = received.requests + asked;
        Ok(MembersPage { members: page.members, next, bytes: received.bytes, requests })
    }

    /// By a filter and not by an address: CIPP does not tell a person who is not there from a failure.
    async fn user(&self, tenant: EntraTenantId, who: &UserKey) -> Result<Option<DirectoryUser>, ReadError> {
        let (proof, _) = self.proof(tenant).await?;
        let filter = match who {
            UserKey::Object(object) => format!("id eq '{object}'"),
            // Quotes are doubled within a text of OData.
            UserKey::SignInName(name) => {
                format!("userPrincipalName eq '{}'", name.trim().replace('\'', "''"))
            }
        };
        let query = [("Endpoint", "users"), ("$select", users::SELECTED), ("$filter", filter.as_str())];
        let (_, received) = self.graph(tenant, &query, false).await?;
        let page = users::users(&received.body, &proof).map_err(|code| self.failed(tenant, code))?;
        if !page.rows.bad_rows.is_empty() {
            return Err(Code::RecordUnreadable.into());
        }
        let is_asked = |user: &DirectoryUser| match who {
            UserKey::Object(object) => user.object == *object,
            UserKey::SignInName(name) => {
                user.user_principal_name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name.trim()))
            }
        };
        match page.rows.users.into_iter().next() {
            None => Ok(None),
            Some(user) if is_asked(&user) => Ok(Some(user)),
            Some(_) => Err(Code::CippAnswerUnreadable.into()),
        }
    }
}
