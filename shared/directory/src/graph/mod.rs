//! The `direct` connection: Microsoft Graph, one access token per customer tenant, redeemed from
//! the partner's refresh token. The decisions are made in [`protocol`](crate::protocol).

mod credentials;
mod login;
mod pause;
mod settings;
mod tokens;
pub(crate) mod transport;
mod usage;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use ambient::{Clock, Entropy};
use async_trait::async_trait;
use domain::{
    ids::{EntraTenantId, GroupId},
    user::DirectoryUser,
};
use jiff::SignedDuration;

pub use credentials::{Credentials, PartnerAccess, Renewal};
pub use login::Login;
pub use settings::{Cloud, GraphSettings};
pub use usage::Usage;

use crate::{
    Cursor,
    error::{Code, ErrorClass, ReadError},
    port::{
        ChangePage, ChangesNext, Directory, Group, MembersPage, PublicTenant, TenantList, TenantProof,
        UserKey, UserPage,
    },
    protocol::{
        Input, Step,
        changes::Changes,
        groups::{GroupMembers, SecurityGroups, sorted},
        is_missing, is_throttled_for_the_whole_app,
        listing::{Page, Place, Reading, RequestSpec},
        organization::{Organization, proof},
        page::Shape,
        public_tenant::PublicInformation,
        relationships::{Relationships, listed},
        retry::retry_after,
        users::{OneUser, Users},
    },
};
use pause::Pause;
use tokens::{Owner, Tokens};
use transport::Transport;

/// Rest of a throttled app that was not told how long.
const APP_REST_UNTOLD: SignedDuration = SignedDuration::from_secs(10);

/// Reads customer tenants through Microsoft Graph. One per connection; holds access tokens in
/// memory, so it is worth keeping between calls.
pub struct GraphDirectory {
    settings: GraphSettings,
    transport: Arc<Transport>,
    credentials: Arc<dyn Credentials>,
    tokens: Tokens,
    pause: Pause,
    /// Page sizes of tenants that were too slow for the configured one.
    smaller_pages: Mutex<BTreeMap<EntraTenantId, u16>>,
}

impl GraphDirectory {
    /// A directory over `http`, which must not follow redirects and should limit its time.
    pub fn new(
        settings: GraphSettings,
        http: reqwest::Client,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let transport = Arc::new(Transport::new(http, clock, entropy, settings.body_bytes_max));
        let login = Login::over(settings.clone(), Arc::clone(&transport));
        let tokens = Tokens::new(login, Arc::clone(&credentials));
        let smaller_pages = Mutex::default();
        Self { settings, transport, credentials, tokens, pause: Pause::default(), smaller_pages }
    }

    /// What was used since this value was made.
    pub fn usage(&self) -> Usage {
        self.transport.usage.read()
    }

    fn reading<S: Shape>(&self, shape: S, owner: Owner, page_size: u16) -> Reading<S> {
        let place = match owner {
            Owner::Customer(_) => Place::Customer,
            Owner::Partner => Place::Partner,
        };
        Reading::new(
            self.settings.graph_base.clone(),
            shape,
            place,
            page_size,
            self.transport.retry(self.settings.retry),
        )
    }

    /// Drives a machine to its next page.
    async fn read<S: Shape>(
        &self,
        reading: &mut Reading<S>,
        owner: Owner,
    ) -> Result<Page<S::Content>, ReadError> {
        let clock = &self.transport.clock;
        let mut input = Input::Begin;
        let mut refused = None;
        loop {
            match reading.step(input, clock.now()) {
                Step::Page(page) => return Ok(page),
                Step::Fail(error) => {
                    self.failed(owner, &error);
                    return Err(error);
                }
                Step::Wait(wait) => {
                    self.transport.usage.retried();
                    clock.sleep(wait).await;
                    input = Input::Waited;
                }
                Step::Request(RequestSpec { url, renew_token, eventual }) => {
                    self.pause.pass(&**clock, self.settings.retry.wait_max).await?;
                    let refused_now = refused.take().filter(|_| renew_token);
                    let token = self.tokens.bearer(owner, refused_now.as_ref()).await?;
                    input = self.transport.get(url, &token, eventual).await;
                    refused = Some(token);
                    self.heed(&input);
                }
            }
        }
    }

    /// Drives a machine through all its pages.
    async fn read_all<S: Shape<Content = Vec<T>>, T: Send>(
        &self,
        shape: S,
        owner: Owner,
    ) -> Result<Vec<T>, ReadError> {
        let mut reading = self.reading(shape, owner, self.settings.page_size);
        let mut rows = Vec::new();
        loop {
            let page = self.read(&mut reading, owner).await?;
            rows.extend(page.content);
            match page.next {
                Some(next) => reading.follow(&next)?,
                None => return Ok(rows),
            }
        }
    }

    /// One page of a listing whose pages may have to be smaller than configured.
    async fn read_page<S: Shape>(
        &self,
        shape: S,
        tenant: EntraTenantId,
        cursor: Option<&Cursor>,
    ) -> Result<Page<S::Content>, ReadError> {
        let owner = Owner::Customer(tenant);
        let page_size = self.page_size(tenant);
        let mut reading = self.reading(shape, owner, page_size);
        if let Some(cursor) = cursor {
            reading.follow(cursor)?;
        }
        let outcome = self.read(&mut reading, owner).await;
        match &outcome {
            Ok(_) if cursor.is_none() && reading.page_size() < page_size => {
                self.remember_page_size(tenant, reading.page_size());
            }
            Err(error) if error.code() == Code::PageTooLarge => {
                self.remember_page_size(tenant, reading.smaller_page_size());
            }
            _ => {}
        }
        outcome
    }

    /// Lets a throttled app rest as a whole, when the service says that all of it is meant.
    fn heed(&self, input: &Input) {
        let Input::Answered(answer) = input else { return };
        let now = self.transport.clock.now();
        if is_throttled_for_the_whole_app(answer) {
            let wait = retry_after(&answer.headers, now).unwrap_or(APP_REST_UNTOLD);
            self.pause.rest_until(now.saturating_add(wait).unwrap_or(now));
        }
    }

    /// A cached token does not gain rights that are granted later: the next attempt gets its own.
    fn failed(&self, owner: Owner, error: &ReadError) {
        let diagnostics = error.diagnostics();
        // A person who is not there is an answer; whoever takes it for a failure says so.
        if error.code() == Code::ResourceUnknown {
            tracing::debug!(%owner, request_id = diagnostics.request_id, "what was asked for is not there");
            return;
        }
        tracing::warn!(
            %owner,
            code = %error.code(),
            status = diagnostics.status,
            request_id = diagnostics.request_id,
            client_request_id = diagnostics.client_request_id,
            "a directory read failed"
        );
        if let (Owner::Customer(tenant), ErrorClass::AccessLost | ErrorClass::TenantProofFailed) =
            (owner, error.class())
        {
            self.tokens.forget(tenant);
        }
    }

    fn page_size(&self, tenant: EntraTenantId) -> u16 {
        let sizes = self.smaller_pages.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(&tenant).copied().unwrap_or(self.settings.page_size)
    }

    fn remember_page_size(&self, tenant: EntraTenantId, size: u16) {
        self.smaller_pages.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, size);
    }
}

#[async_trait]
impl Directory for GraphDirectory {
    async fn managed_tenants(&self) -> Result<TenantList, ReadError> {
        let rows = match self.read_all(Relationships, Owner::Partner).await {
            // A role that was given back meanwhile is not in a token from before.
            Err(error) if error.code() == Code::PartnerRoleMissing && self.tokens.renew_kept().await? => {
                self.read_all(Relationships, Owner::Partner).await?
            }
            rows => rows?,
        };
        let listed = listed(rows, self.credentials.partner_tenant(), self.transport.clock.now());
        listed.map_err(|_| Code::AnswerUnreadable.into())
    }

    async fn prove(&self, tenant: EntraTenantId) -> Result<TenantProof, ReadError> {
        let owner = Owner::Customer(tenant);
        let page = self.read(&mut self.reading(Organization, owner, 1), owner).await?;
        proof(page.content, tenant).map_err(|code| {
            let error = ReadError::new(code);
            self.failed(owner, &error);
            error
        })
    }

    async fn users_page(
        &self,
        tenant: EntraTenantId,
        cursor: Option<&Cursor>,
    ) -> Result<UserPage, ReadError> {
        let page = self.read_page(Users, tenant, cursor).await?;
        Ok(UserPage {
            users: page.content.users,
            bad_rows: page.content.bad_rows,
            next: page.next,
            bytes: page.bytes,
            requests: page.requests,
        })
    }

    /// What comes along with the link happened before it, so the complete read that follows sees it.
    async fn changes_from_now(&self, tenant: EntraTenantId) -> Result<Option<Cursor>, ReadError> {
        let owner = Owner::Customer(tenant);
        let mut reading = self.reading(Changes, owner, self.settings.page_size);
        loop {
            let page = self.read(&mut reading, owner).await?;
            match page.next {
                Some(next) => reading.follow(&next)?,
                None => return Ok(page.delta),
            }
        }
    }

    async fn changes_page(&self, tenant: EntraTenantId, cursor: &Cursor) -> Result<ChangePage, ReadError> {
        let owner = Owner::Customer(tenant);
        let mut reading = self.reading(Changes, owner, self.settings.page_size);
        reading.follow(cursor)?;
        let page = self.read(&mut reading, owner).await?;
        let next = page.next.map(ChangesNext::More).or(page.delta.map(ChangesNext::Complete));
        Ok(ChangePage {
            users: page.content.users,
            removed: page.content.removed,
            bad_rows: page.content.bad_rows,
            next: next.ok_or(Code::AnswerUnreadable)?,
            bytes: page.bytes,
            requests: page.requests,
        })
    }

    async fn group_members_page(
        &self,
        tenant: EntraTenantId,
        group: GroupId,
        cursor: Option<&Cursor>,
    ) -> Result<MembersPage, ReadError> {
        let page = self.read_page(GroupMembers(group), tenant, cursor).await?;
        Ok(MembersPage { members: page.content, next: page.next, bytes: page.bytes, requests: page.requests })
    }

    async fn security_groups(&self, tenant: EntraTenantId) -> Result<Vec<Group>, ReadError> {
        self.read_all(SecurityGroups, Owner::Customer(tenant)).await.map(sorted)
    }

    async fn user(&self, tenant: EntraTenantId, who: &UserKey) -> Result<Option<DirectoryUser>, ReadError> {
        let owner = Owner::Customer(tenant);
        let Some(shape) = OneUser::of(who) else { return Ok(None) };
        match self.read(&mut self.reading(shape, owner, 1), owner).await {
            Ok(page) => page.content.map(Some).map_err(|_| Code::RecordUnreadable.into()),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn public_tenant(&self, tenant: EntraTenantId) -> Result<Option<PublicTenant>, ReadError> {
        let owner = Owner::Partner;
        match self.read(&mut self.reading(PublicInformation(tenant), owner, 1), owner).await {
            Ok(page) => Ok(Some(page.content)),
            // A look-up that the app may not make says nothing about the connection.
            Err(error) if matches!(error.code(), Code::ResourceUnknown | Code::PartnerRoleMissing) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
