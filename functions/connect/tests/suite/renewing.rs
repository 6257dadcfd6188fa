//! Renewing the stored sign-in: when it is done, and what a failure leaves behind.

use std::sync::atomic::Ordering;

use connect::Renewed;
use fake_microsoft::{Effect, Match, Route};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use secrets::{DirectTokens, WorkspaceSecret};
use store::ConnectionStatus;

use crate::bench::{Bench, CLIENT_SECRET, workspace};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn refresh_token(bench: &Bench) -> String {
    bench.tokens().await.unwrap().refresh_token.expose_secret().to_owned()
}

#[tokio::test]
async fn a_sign_in_is_renewed_when_it_is_a_week_old_and_not_before() {
    let bench = Bench::new().await;
    let renew = async || bench.app.renew(workspace(1), WEEK).await.unwrap();
    assert_eq!(renew().await, Renewed::NoDirectConnection);
    bench.connect().await;
    let connected_at = bench.connection().await.unwrap().connected_at;
    let first = refresh_token(&bench).await;
    bench.fake.reset_requests();

    bench.clock.advance(WEEK - SignedDuration::from_secs(1));
    assert_eq!(renew().await, Renewed::NotDue { since: connected_at });
    bench.clock.advance(SignedDuration::from_secs(1));
    let at = bench.app.clock.now();
    assert_eq!(renew().await, Renewed::Done { at });
    let second = refresh_token(&bench).await;
    assert_ne!(first, second);
    bench.clock.advance(DAY);
    assert_eq!(renew().await, Renewed::NotDue { since: at });
    assert_eq!(bench.fake.requests().of(Route::Token).requests, 1);

    bench.clock.advance(WEEK);
    assert!(matches!(renew().await, Renewed::Done { .. }));
    // Whoever signs in anew has a new week, and who disconnects has nothing to renew.
    bench.clock.advance(WEEK);
    bench.connect().await;
    let connected_at = bench.connection().await.unwrap().connected_at;
    assert_eq!(renew().await, Renewed::NotDue { since: connected_at });
    bench.clock.advance(WEEK);
    bench.app.disconnect(workspace(1)).await.unwrap();
    assert_eq!(renew().await, Renewed::NoDirectConnection);
}

/// Without renewal a sign-in would end after 90 days, however often it is used.
#[tokio::test]
async fn a_renewed_sign_in_outlives_the_ninety_days_of_a_token() {
    let bench = Bench::new().await;
    bench.connect().await;
    for _ in 0..30 {
        bench.clock.advance(WEEK);
        assert!(matches!(bench.app.renew(workspace(1), WEEK).await.unwrap(), Renewed::Done { .. }));
    }
    assert_eq!(bench.app.validate_direct(workspace(1)).await.unwrap().managed_tenants, 2);
}

#[tokio::test]
async fn a_renewal_takes_back_what_a_failed_one_noted_and_nothing_else() {
    for (of_renewal, code) in [(true, "refresh_failed"), (false, "post_refresh_validation_failed")] {
        let bench = Bench::new().await;
        bench.connect().await;
        bench.clock.advance(WEEK);
        if of_renewal {
            bench.set_app(workspace(1), &bench.client_id(), "expired").await;
            bench.app.renew(workspace(1), WEEK).await.unwrap_err();
            bench.set_app(workspace(1), &bench.client_id(), CLIENT_SECRET).await;
        } else {
            bench.fake.faults().on(Match::route(Route::Relationships), Effect::status(401), None);
            bench.app.validate_direct(workspace(1)).await.unwrap_err();
        }
        let failed = bench.connection().await.unwrap();
        assert_eq!(failed.last_validation_error.map(|failure| failure.code).as_deref(), Some(code));
        bench.clock.advance(WEEK);
        assert!(matches!(bench.app.renew(workspace(1), WEEK).await.unwrap(), Renewed::Done { .. }));
        let renewed = bench.connection().await.unwrap();
        assert_eq!(renewed.connection_status == ConnectionStatus::Connected, of_renewal);
        assert_eq!(renewed.last_validation_error.is_none(), of_renewal);
        assert_eq!(renewed.last_validated_at, failed.last_validated_at, "nothing was validated");
    }
}

#[tokio::test]
async fn a_failure_says_what_it_means_and_leaves_the_rest_as_it_was() {
    // What goes wrong, the code, and whether it is kept with the connection.
    for (trouble, code, kept) in [
        ("revoked", "refresh_failed", true),
        ("no tokens", "missing_access_token", true),
        ("secrets down", "credentials_unavailable", false),
        ("no answer", "upstream_error", false),
    ] {
        let bench = Bench::new().await;
        bench.connect().await;
        let before = bench.kept().await;
        bench.clock.advance(WEEK);
        match trouble {
            "revoked" => bench.fake.revoke_sign_ins(),
            "no tokens" => DirectTokens::clear(&bench.app.secrets, workspace(1)).await.unwrap(),
            "secrets down" => bench.keeper.refuses_writes.store(true, Ordering::Relaxed),
            _ => _ = bench.fake.faults().on(Match::route(Route::Token), Effect::status(503), None),
        }
        let error = bench.app.renew(workspace(1), WEEK).await.unwrap_err();
        assert_eq!(error.code(), code, "{trouble}");
        assert!(error.what_happened().contains("ontacts") && !error.remedy().is_empty(), "{trouble}");
        let connection = bench.connection().await.unwrap();
        assert_eq!(connection.connection_status == ConnectionStatus::ValidationFailed, kept, "{trouble}");
        assert_eq!(
            connection.last_validation_error.map(|failure| failure.code).as_deref(),
            kept.then_some(code)
        );
        if !kept {
            assert_eq!(bench.kept().await, before, "{trouble}");
        }
        // The next one may try at once.
        bench.keeper.refuses_writes.store(false, Ordering::Relaxed);
        bench.fake.faults().clear();
        let again = bench.app.renew(workspace(1), WEEK).await;
        assert_eq!(again.is_ok(), !kept, "{trouble}: {again:?}");
    }
}
