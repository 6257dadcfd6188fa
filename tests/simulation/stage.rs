//! What the histories of one thread share: a socket, and an HTTP client. Opening either anew for each
//! of thousands of histories costs more than most histories.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{Router, body::Body, extract::Request, response::IntoResponse, serve::ListenerExt};
use fake_microsoft::Fake;
use runtime::http::{Limits, client};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::ServiceExt;
use url::Url;

/// A server on loopback that answers as the fake on stage.
pub(crate) struct Stage {
    pub(crate) base: Url,
    pub(crate) http: reqwest::Client,
    plays: Arc<Mutex<Router>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Stage {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let plays: Arc<Mutex<Router>> = Arc::default();
        let shown = Arc::clone(&plays);
        let router = Router::new().fallback(move |request: Request<Body>| {
            let router = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
            async move { router.oneshot(request).await.into_response() }
        });
        // Small answers in two parts would wait for each other's acknowledgement.
        let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, http: client(Limits::default()).unwrap(), plays, server }
    }

    /// From now on `fake` answers.
    pub(crate) fn show(&self, fake: &Fake) {
        *self.plays.lock().unwrap_or_else(PoisonError::into_inner) = fake.router();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.abort();
    }
}
