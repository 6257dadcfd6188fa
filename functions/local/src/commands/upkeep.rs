//! What happens by itself while `serve` runs: syncs that are due, and the renewal of the sign-in.

use ::connect::RenewalInput;
use assembly::FeatureGate;
use jiff::{SignedDuration, Timestamp};

use crate::{House, output::Talk};

/// Between two looks for syncs that are due.
const TICK: SignedDuration = SignedDuration::from_secs(30);

/// Between two looks at the sign-in.
const RENEWAL: SignedDuration = SignedDuration::from_hours(6);

/// How long one look may take.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Sign-ins of this age are renewed, as in a deployment.
const OLDER_THAN_DAYS: u16 = 7;

/// Never ends. What fails is in the log and tried again with the next look.
pub(crate) async fn upkeep(house: &House, gate: FeatureGate) {
    let mut renewed_at: Option<Timestamp> = None;
    loop {
        let now = house.clock.now();
        match house.sync.tick(&gate, now + PATIENCE).await {
            Ok(outcome) if outcome.started > 0 => Talk::say("A sync that was due has begun."),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "it is not known which syncs are due"),
        }
        if renewed_at.is_none_or(|at| now.duration_since(at) >= RENEWAL) {
            renewed_at = Some(now);
            let input = RenewalInput { older_than_days: OLDER_THAN_DAYS };
            match house.connect.renew_due(input, now + PATIENCE).await {
                Ok(outcome) if outcome.renewed > 0 => Talk::say("The sign-in is renewed."),
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "it is not known whether the sign-in is due"),
            }
        }
        house.clock.sleep(TICK).await;
    }
}
