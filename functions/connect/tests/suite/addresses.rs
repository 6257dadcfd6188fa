//! Addresses of CIPP deployments that lead inside, as people type them and as names resolve: credentials are
//! not sent there, and nothing is stored.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ambient::Clock;
use async_trait::async_trait;
use axum::http::StatusCode;
use directory::{
    CippHttp, CippSettings,
    cipp::{Destinations, Lookup},
};
use domain::ids::ConnectionId;
use jiff::SignedDuration;
use runtime::http::{Limits, builder};
use secrets::{Document, Family, Scope, key};
use serde_json::json;
use store::{Connection, ConnectionKind, ConnectionStatus};
use uuid::Uuid;

use crate::bench::{Answer, Bench, VALIDATE_CIPP, workspace};

const TYPED: [&str; 67] = [
    "",
    "https://",
    "http://cipp.example",
    "ftp://cipp.example",
    "file:///etc/passwd",
    // This service, by the name under which the PSA shows it.
    "https://psa.example",
    "PSA.example",
    // This machine, in every notation.
    "https://127.0.0.1",
    "https://127.1",
    "https://127.0.0.1.",
    "https://2130706433",
    "https://017700000001",
    "https://0177.0.0.1",
    "https://0x7f.0.0.1",
    "https://0x7f000001",
    "https://0",
    "https://0.0.0.0",
    "https://[::]",
    "https://[::1]",
    "https://[0:0:0:0:0:0:0:1]",
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:7f00:1]",
    "https://[::127.0.0.1]",
    "https://１２７.0.0.1",
    "https://localhost",
    "https://LOCALHOST",
    "https://localhost.",
    "https://x.localhost",
    "https://cipp.localdomain",
    // Link-local, and what clouds tell machines about themselves.
    "https://169.254.1.1",
    "https://169.254.169.254",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2",
    "https://2852039166",
    "https://0xa9fea9fe",
    "https://0251.0376.0251.0376",
    "https://0xa9.0xfe.0xa9.0xfe",
    "https://169.16689662",
    "https://[fe80::1]",
    "https://[fe80::1%25eth0]",
    "https://[::ffff:169.254.169.254]",
    "https://[::ffff:a9fe:a9fe]",
    "https://[64:ff9b::a9fe:a9fe]",
    "https://[fd00:ec2::254]",
    "https://metadata.google.internal",
    "https://instance-data.ec2.internal",
    // Private networks.
    "https://10.0.0.1",
    "https://172.16.0.1",
    "https://192.168.1.1",
    "https://100.64.0.1",
    "https://[fd00::1]",
    "https://cipp.lan",
    "https://router.home.arpa",
    "https://cipp",
    // Something before, behind or beside the name.
    "https://user@cipp.example",
    "https://user:pass@cipp.example",
    "https://@cipp.example",
    "https://cipp.example@169.254.169.254",
    "https://cipp.example\\@169.254.169.254",
    "https://cipp.example:8443",
    "https://cipp.example:80",
    "https://cipp.example:22",
    "https://cipp.example/api",
    "https://cipp.example?x=1",
    "https://cipp.example#x",
    "https://cipp.exa\tmple",
    "https://xn--a.example",
];

/// What a name resolves to, the first time and after that.
const RESOLVED: [(&[&str], &[&str]); 18] = [
    (&["127.0.0.1"], &["127.0.0.1"]),
    (&["127.8.8.8"], &["127.8.8.8"]),
    (&["0.0.0.0"], &["0.0.0.0"]),
    (&["::1"], &["::1"]),
    (&["169.254.169.254"], &["169.254.169.254"]),
    (&["169.254.170.2"], &["169.254.170.2"]),
    (&["fe80::1"], &["fe80::1"]),
    (&["fd00:ec2::254"], &["fd00:ec2::254"]),
    (&["168.63.129.16"], &["168.63.129.16"]),
    (&["10.0.0.7"], &["10.0.0.7"]),
    (&["100.64.0.1"], &["100.64.0.1"]),
    (&["::ffff:127.0.0.1"], &["::ffff:127.0.0.1"]),
    (&["::ffff:8.8.8.8"], &["::ffff:8.8.8.8"]),
    (&["64:ff9b::7f00:1"], &["64:ff9b::7f00:1"]),
    // One of many is enough.
    (&["2e00::1", "192.168.1.1"], &["2e00::1", "192.168.1.1"]),
    // Rebinding: at the first look a public address, at which nobody answers, and inside afterwards.
    (&["2e00::1"], &["127.0.0.1"]),
    (&["2e00::1"], &["169.254.169.254"]),
    (&["2e00::1"], &["2e00::1", "::1"]),
];

/// Resolves as it is told, for every address anew.
struct Names {
    first: Vec<IpAddr>,
    afterwards: Vec<IpAddr>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Names {
    async fn addresses(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        let is_first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(if is_first { self.first.clone() } else { self.afterwards.clone() })
    }
}

/// A bench that asks public deployments only, as the service does, and what its names resolve to.
async fn public_only(first: &[&str], afterwards: &[&str]) -> (Bench, Arc<Names>) {
    let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let names =
        Names { first: addresses(first), afterwards: addresses(afterwards), asked: AtomicUsize::new(0) };
    let names = Arc::new(names);
    let limits = Limits { connect: Duration::from_millis(300), ..Limits::default() };
    let http = CippHttp::with_lookup(move || builder(limits), Arc::clone(&names) as Arc<dyn Lookup>);
    (Bench::asking_cipp(CippSettings::new(http, Destinations::PublicOnly)).await, names)
}

async fn connect(bench: &Bench, address: &str) -> Answer {
    let token = bench.fake.cipp_token(SignedDuration::from_mins(50));
    let pasted = json!({ "connectionType": "cipp", "baseUrl": address, "apiToken": token });
    bench.connect_cipp(&pasted).await
}

#[tokio::test]
async fn an_address_that_leads_inside_is_refused_as_it_is_typed_and_nothing_is_stored() {
    let (bench, names) = public_only(&["127.0.0.1"], &["127.0.0.1"]).await;
    for connected in [false, true] {
        if connected {
            bench.connect().await;
        }
        let before = bench.everything().await;
        let requests = bench.fake.requests().total();
        for address in TYPED {
            for credential in ["token", "client"] {
                let answer = if credential == "token" {
                    connect(&bench, address).await
                } else {
                    let mut client = bench.cipp_client();
                    client["baseUrl"] = address.into();
                    bench.connect_cipp(&client).await
                };
                let expected = (StatusCode::BAD_REQUEST, "invalid_base_url".to_owned());
                assert_eq!((answer.status, answer.code()), expected, "{address}");
                assert_eq!(bench.everything().await, before, "{address}: not a byte has changed");
            }
        }
        assert_eq!(bench.fake.requests().total(), requests, "nobody was asked for a token");
        assert_eq!(names.asked.load(Ordering::SeqCst), 0, "no name was looked up");
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to_and_nothing_is_stored() {
    for (first, afterwards) in RESOLVED {
        for connected in [false, true] {
            let (bench, names) = public_only(first, afterwards).await;
            if connected {
                bench.connect().await;
            }
            let before = bench.everything().await;
            let story = format!("{first:?}, then {afterwards:?}");
            let mut answer = connect(&bench, "https://cipp.example").await;
            if first != afterwards {
                // A request asks once. Whoever it is asks again, as one does.
                assert_eq!(answer.json()["details"]["reason"], "cipp_unavailable", "{story}");
                answer = connect(&bench, "https://cipp.example").await;
            }
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{story}");
            assert_eq!(answer.json()["details"]["reason"], "cipp_address_refused", "{story}");
            assert!(!answer.body.contains(afterwards[0]), "{story}: what the network looks like is not told");
            assert_eq!(bench.everything().await, before, "{story}: not a byte has changed");
            let asked = names.asked.load(Ordering::SeqCst);
            assert_eq!(asked, if first == afterwards { 1 } else { 2 }, "{story}");
        }
    }
}

/// Whoever owns the name may turn it inside after it was accepted, and an address may be older than the rules.
#[tokio::test]
async fn a_stored_address_that_leads_inside_gets_no_token() {
    for (base, looked_up) in [("https://cipp.example", 1), ("https://169.254.169.254", 0), ("http://x", 0)] {
        let (bench, names) = public_only(&["127.0.0.1"], &["127.0.0.1"]).await;
        bench.store_cipp(base).await;
        let before = bench.everything().await;
        let answer = bench.ask("POST", VALIDATE_CIPP, "").await;
        assert_eq!(answer.json()["details"]["reason"], "cipp_address_refused", "{answer:?}");
        assert_eq!(names.asked.load(Ordering::SeqCst), looked_up, "{base}");
        assert_eq!(bench.everything().await.documents, before.documents, "{base}");
        assert_eq!(bench.connection().await.unwrap().connection_status, ConnectionStatus::ValidationFailed);
    }
}

impl Bench {
    /// A connection with a token, as if `base` had been accepted.
    async fn store_cipp(&self, base: &str) {
        let token = self.fake.cipp_token(SignedDuration::from_mins(50));
        let document = Document::new().with(key::CIPP_BASE_URL, base).with(key::CIPP_API_TOKEN, &token);
        let scope = Scope::Workspace(workspace(1));
        self.app.secrets.write(scope, Family::EntraCipp, &document, None).await.unwrap();
        let connection = Connection {
            id: ConnectionId::new(Uuid::from_u128(5)),
            kind: ConnectionKind::Cipp,
            connection_status: ConnectionStatus::Connected,
            partner_tenant: Some(self.fake.world().partner().id),
            cipp_base_url: Some(base.to_owned()),
            connected_at: self.clock.now(),
            disconnected_at: None,
            last_validated_at: None,
            last_validation_error: None,
            created_by: None,
        };
        self.app.store.put_connection(workspace(1), None, &connection).await.unwrap();
    }
}
