//! The fake itself: its state, its router, and serving it on a socket.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use ambient::{Clock, Entropy, SeededEntropy};
use axum::{
    Router,
    routing::{any, get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::ids::EntraTenantId;
use jiff::SignedDuration;
use tokio::{net::TcpListener, task::JoinHandle};
use uuid::Uuid;

use crate::{
    cipp,
    counts::{Counter, RequestCounts},
    delta::PAGE_SIZE,
    faults::Faults,
    graph, login,
    login::Code,
    seal::Sealer,
    secrets::{Confidential, Kind},
    token_endpoint,
    world::World,
};

/// Codes are forgotten an hour after they were issued.
const CODE_MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// Who answers the next sign-in, and how. The first user of the partner's tenant is the one who
/// signs in.
#[derive(Clone, Debug, Default)]
pub enum SignIn {
    /// The partner's technician signs in and consents.
    #[default]
    Consent,
    /// The technician, or the customer's administrator, declines.
    Deny,
    /// The technician consents, but only these permissions are granted.
    Limited {
        /// Bare names, such as `User.Read.All`.
        permissions: Vec<String>,
    },
    /// Somebody of this tenant signs in instead of the partner's technician.
    AsTenant(EntraTenantId),
    /// The callback is told this.
    Fail {
        /// The `error`, such as `server_error`.
        error: String,
        /// The `error_description`.
        description: String,
    },
}

/// A fake of the Microsoft identity platform, of Graph v1.0 and of a CIPP deployment. Clones share
/// everything.
#[derive(Clone)]
pub struct Fake {
    pub(crate) inner: Arc<Inner>,
}

/// What every handler shares.
pub(crate) struct Inner {
    pub(crate) world: World,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: SeededEntropy,
    pub(crate) faults: Faults,
    pub(crate) confidential: Confidential,
    pub(crate) counter: Counter,
    pub(crate) sealer: Sealer,
    delta_page_size: AtomicU32,
    sign_in: Mutex<SignIn>,
    signed_in: AtomicBool,
    codes: Mutex<HashMap<String, Code>>,
    generation: AtomicU32,
    serial: AtomicU64,
}

impl Fake {
    /// A fake of `world` whose time is `clock`.
    pub fn new(world: World, clock: Arc<dyn Clock>) -> Self {
        let config = world.config();
        let (entropy, sealer) =
            (SeededEntropy::new(config.seed), Sealer::new(config.seed, &config.application.client_id));
        let inner = Inner {
            world,
            clock,
            entropy,
            faults: Faults::default(),
            confidential: Confidential::default(),
            counter: Counter::default(),
            sealer,
            delta_page_size: AtomicU32::new(PAGE_SIZE),
            sign_in: Mutex::default(),
            signed_in: AtomicBool::new(false),
            codes: Mutex::default(),
            generation: AtomicU32::new(0),
            serial: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The world, to be read and edited.
    pub fn world(&self) -> &World {
        &self.inner.world
    }

    /// The script of faults.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// What was asked since the start or the last reset.
    pub fn requests(&self) -> RequestCounts {
        self.inner.counter.read()
    }

    /// Begins counting anew.
    pub fn reset_requests(&self) {
        self.inner.counter.reset();
    }

    /// Decides how many rows a page of the change feed has from now on, at least one; 200 before.
    pub fn set_delta_page_size(&self, rows: u32) {
        self.inner.delta_page_size.store(rows.max(1), Ordering::SeqCst);
    }

    /// Decides how sign-ins and admin consents end from now on.
    pub fn script_sign_in(&self, sign_in: SignIn) {
        *self.inner.sign_in.lock().unwrap_or_else(PoisonError::into_inner) = sign_in;
    }

    /// Revokes every refresh token issued so far, as `revokeSignInSessions` does.
    pub fn revoke_sign_ins(&self) {
        self.inner.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Login, Graph and a CIPP deployment below one base. Links and issuers begin with `http://` and the request's
    /// `Host`, so the router must be mounted at the root.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/{tenant}/oauth2/v2.0/authorize", get(login::authorize))
            .route("/{tenant}/oauth2/v2.0/token", post(token_endpoint::handle))
            .route("/{tenant}/v2.0/adminconsent", get(login::admin_consent))
            .route("/{tenant}/v2.0/.well-known/openid-configuration", get(login::metadata))
            .route("/{tenant}/discovery/v2.0/keys", get(login::keys))
            .route("/v1.0/{*path}", any(graph::handle))
            .route("/api/{function}", any(cipp::handle))
            .fallback(graph::handle_unknown)
            .with_state(self.inner.clone())
    }

    /// Serves the router on the loopback interface; port 0 takes a free one.
    pub async fn serve(&self, port: u16) -> io::Result<FakeServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let router = self.router();
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(FakeServer { address, task })
    }
}

/// A fake on a socket; it stops when this is dropped.
#[derive(Debug)]
pub struct FakeServer {
    address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl FakeServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of login, of Graph and of the CIPP deployment alike, such as `http://127.0.0.1:4711`, without a final slash.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inner {
    pub(crate) async fn wait(&self, delay: Duration) {
        if let Ok(delay) = SignedDuration::try_from(delay)
            && delay.is_positive()
        {
            self.clock.sleep(delay).await;
        }
    }

    pub(crate) fn sign_in(&self) -> SignIn {
        self.sign_in.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn has_signed_in(&self) -> bool {
        self.signed_in.load(Ordering::SeqCst)
    }

    pub(crate) fn delta_page_size(&self) -> u32 {
        self.delta_page_size.load(Ordering::SeqCst)
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(crate) fn serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn entropy_id(&self) -> Uuid {
        self.entropy.time_ordered_id(self.clock.now())
    }

    /// Between 60 and 90 minutes, in seconds
    /// (learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes).
    pub(crate) fn access_token_lifetime(&self) -> i64 {
        let mut random = [0; 2];
        self.entropy.fill(&mut random);
        3_600 + i64::from(u16::from_be_bytes(random)) % 1_800
    }

    pub(crate) fn issue_code(&self, code: Code) -> String {
        let mut random = [0; 48];
        self.entropy.fill(&mut random);
        let text = format!("0.AX{}", URL_SAFE_NO_PAD.encode(random));
        self.confidential.note(Kind::Code, &text);
        self.signed_in.store(true, Ordering::SeqCst);
        let now = code.issued;
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, code| now.duration_since(code.issued) < CODE_MEMORY);
        codes.insert(text.clone(), code);
        text
    }

    pub(crate) fn code(&self, text: &str) -> Option<Code> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned()
    }

    /// Marks a code as used; false when somebody else was faster.
    pub(crate) fn redeem_code(&self, text: &str) -> bool {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.get_mut(text).is_some_and(|code| !std::mem::replace(&mut code.redeemed, true))
    }
}
