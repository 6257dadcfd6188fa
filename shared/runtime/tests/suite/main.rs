//! The promises of start-up, kept over loopback and in processes of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod http;
mod processes;
mod settings;

use std::net::SocketAddr;

use axum::Router;

/// Serves `router` on a free loopback port until the test's runtime ends.
async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
