//! Answers without end: however much a server sends, only so much of it is read.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ambient::{SeededEntropy, VirtualClock};
use directory::{
    Code, Credentials, Directory, GraphDirectory, GraphSettings, Login,
    protocol::{retry::RetryPolicy, token::AppCredentials},
};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;

use crate::server::{CUSTOMER, Stored, client};

/// What the systems' buffers may hold beyond what was read.
pub(crate) const BUFFERS: usize = 12 * 1024 * 1024;

/// A server that answers every request with `status` and blanks until the client goes away; and how many
/// bytes it got rid of. Token requests are answered properly where `tokens`.
pub(crate) async fn endless(status: u16, tokens: bool) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut request = vec![0; 16 * 1024];
                let length = stream.read(&mut request).await.unwrap_or_default();
                if tokens && request[..length].starts_with(b"POST") {
                    let grant = r#"{"access_token":"a","expires_in":3600}"#;
                    let head =
                        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", grant.len());
                    let _ = stream.write_all(format!("{head}\r\n\r\n{grant}").as_bytes()).await;
                    return;
                }
                let head = format!("HTTP/1.1 {status} X\r\ntransfer-encoding: chunked\r\n\r\n");
                let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
                let mut piece = head;
                while stream.write_all(piece.as_bytes()).await.is_ok() {
                    count.fetch_add(piece.len(), Ordering::Relaxed);
                    piece.clone_from(&chunk);
                }
            });
        }
    });
    (base.parse().unwrap(), sent)
}

fn settings(base: &Url) -> GraphSettings {
    let retry = RetryPolicy { attempts_max: 1, wait_max: SignedDuration::from_secs(1) };
    GraphSettings { retry, ..GraphSettings::new(base, base.clone()).unwrap() }
}

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::starting_at(Timestamp::UNIX_EPOCH))
}

#[tokio::test]
async fn a_token_answer_without_end_is_refused_after_a_megabyte() {
    for (status, expected) in [
        (200, Code::AnswerTooLarge),
        (400, Code::AnswerTooLarge),
        (503, Code::LoginUnavailable),
        (429, Code::LoginThrottled),
    ] {
        let (base, sent) = endless(status, false).await;
        let login = Login::new(settings(&base), client(), clock(), Arc::new(SeededEntropy::new(1)));
        let app = AppCredentials { client_id: "app".into(), client_secret: "s".into() };
        let redeemed =
            login.redeem_code(app, "code".into(), "verifier".into(), "https://a.example/cb".into());
        assert_eq!(redeemed.await.unwrap_err().code(), expected, "{status}");
        assert!(sent.load(Ordering::Relaxed) < 1024 * 1024 + BUFFERS, "{status}");
    }
}

#[tokio::test]
async fn a_page_without_end_is_refused_at_the_limit() {
    for (status, limit, expected) in [
        (200, 32 * 1024 * 1024, Code::AnswerTooLarge),
        (404, 256 * 1024, Code::ResourceUnknown),
        (403, 256 * 1024, Code::RoleMissing),
    ] {
        let (base, sent) = endless(status, true).await;
        let credentials = Arc::new(Stored { refresh_token: "refresh-1".to_owned().into() });
        let directory = GraphDirectory::new(
            settings(&base),
            client(),
            credentials as Arc<dyn Credentials>,
            clock(),
            Arc::new(SeededEntropy::new(1)),
        );
        let error = directory.users_page(CUSTOMER.parse().unwrap(), None).await.unwrap_err();
        assert_eq!(error.code(), expected, "{status}");
        assert!(sent.load(Ordering::Relaxed) < limit + BUFFERS, "{status}");
    }
}
