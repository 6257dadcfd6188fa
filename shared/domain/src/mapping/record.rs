//! The decision that holds for a tenant, and those before it.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{
    decision::{Decision, RequestedDecision},
    score::Confidence,
};
use crate::ids::{ManagedTenantId, MappingId, UserId};

/// The layout that is written today.
pub const MAPPING_RECORD_FORMAT: u16 = 1;

/// Most earlier decisions kept of one tenant.
pub const HISTORY_MAX: usize = 50;

/// All decisions about one tenant, as stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MappingRecord {
    /// Layout of the record. A later one than [`MAPPING_RECORD_FORMAT`] is not read: writing it back
    /// would lose what this version does not know.
    #[serde(deserialize_with = "known_format")]
    pub format: u16,
    /// The tenant.
    pub managed_tenant: ManagedTenantId,
    /// The decision that holds.
    pub current: ActiveDecision,
    /// The decisions before it, newest first, at most [`HISTORY_MAX`].
    pub history: Vec<ActiveDecision>,
}

/// A decision that was made.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveDecision {
    /// Its id.
    pub mapping_id: MappingId,
    /// What was decided.
    #[serde(flatten)]
    pub decision: Decision,
    /// The score the operator was shown.
    pub confidence: Option<Confidence>,
    /// Who decided; `None` for the product itself.
    pub decided_by: Option<UserId>,
    /// When.
    pub decided_at: Timestamp,
}

/// The record after `requested`, or `None` when nothing changes: the decision holds already, or
/// there is none to take back.
///
/// The same decision with another score stays the same decision with its id; a different one gets
/// `new_id`, and the one before goes into the history. An absent score leaves the known one of the
/// same decision. `current` is the record of the tenant that is decided about.
pub fn decide(
    current: Option<&MappingRecord>,
    requested: &RequestedDecision,
    actor: Option<UserId>,
    now: Timestamp,
    new_id: MappingId,
) -> Option<MappingRecord> {
    let managed_tenant = requested.managed_tenant;
    debug_assert!(current.is_none_or(|record| record.managed_tenant == managed_tenant));
    let mut next = ActiveDecision {
        mapping_id: new_id,
        decision: requested.decision,
        confidence: requested.confidence,
        decided_by: actor,
        decided_at: now,
    };
    let history = match current {
        None if next.decision == Decision::Unmapped => return None,
        None => Vec::new(),
        Some(record) if record.current.decision == next.decision => {
            if next.confidence.is_none_or(|score| record.current.confidence == Some(score)) {
                return None;
            }
            next.mapping_id = record.current.mapping_id;
            record.history.clone()
        }
        Some(record) => {
            let before = [&record.current].into_iter().chain(&record.history);
            before.take(HISTORY_MAX).cloned().collect()
        }
    };
    Some(MappingRecord { format: MAPPING_RECORD_FORMAT, managed_tenant, current: next, history })
}

fn known_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let format = u16::deserialize(deserializer)?;
    if (1..=MAPPING_RECORD_FORMAT).contains(&format) {
        Ok(format)
    } else {
        Err(D::Error::custom(format_args!("mapping record of unknown format {format}")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::ids::ClientId;

    const TENANT: ManagedTenantId = ManagedTenantId::new(Uuid::from_u128(1));
    const ACTOR: UserId = UserId::new(Uuid::from_u128(2));

    fn mapped(client: u128) -> Decision {
        Decision::Mapped { client: ClientId::new(Uuid::from_u128(client)) }
    }

    /// Decides at second `step`, which is also the new id.
    fn step(
        record: Option<&MappingRecord>,
        step: u32,
        decision: Decision,
        score: Option<f64>,
    ) -> Option<MappingRecord> {
        let confidence = score.map(|score| Confidence::try_from(score).unwrap());
        let requested = RequestedDecision { managed_tenant: TENANT, decision, confidence };
        let now = Timestamp::from_second(i64::from(step)).unwrap();
        decide(record, &requested, Some(ACTOR), now, MappingId::new(Uuid::from_u128(step.into())))
    }

    #[test]
    fn what_changes_and_what_does_not() {
        let first = step(None, 1, mapped(7), Some(0.9)).unwrap();
        assert_eq!(first.history, []);
        assert_eq!(step(Some(&first), 2, mapped(7), Some(0.9)), None);
        assert_eq!(step(Some(&first), 2, mapped(7), None), None);

        let other_score = step(Some(&first), 2, mapped(7), Some(0.5)).unwrap();
        assert_eq!(other_score.current.mapping_id, first.current.mapping_id);
        assert_ne!(other_score.current.decided_at, first.current.decided_at);
        assert_eq!(other_score.history, []);

        let other_client = step(Some(&first), 3, mapped(8), None).unwrap();
        assert_ne!(other_client.current.mapping_id, first.current.mapping_id);
        assert_eq!(other_client.current.confidence, None);
        assert_eq!(other_client.history, [first.current]);

        assert_eq!(step(None, 1, Decision::Unmapped, None), None);
        let unmapped = step(Some(&other_client), 4, Decision::Unmapped, None).unwrap();
        assert_eq!(unmapped.current.decision.client(), None);
        assert_eq!(unmapped.history.len(), 2);
        assert_eq!(step(Some(&unmapped), 5, Decision::Unmapped, None), None);
    }

    #[test]
    fn stored_form() {
        let record =
            step(step(None, 1, Decision::SkipForNow, None).as_ref(), 2, mapped(7), Some(0.8667)).unwrap();
        let stored = json!({
            "format": 1,
            "managedTenant": "00000000-0000-0000-0000-000000000001",
            "current": {
                "mappingId": "00000000-0000-0000-0000-000000000002",
                "state": "mapped",
                "clientId": "00000000-0000-0000-0000-000000000007",
                "confidence": 0.87,
                "decidedBy": "00000000-0000-0000-0000-000000000002",
                "decidedAt": "1970-01-01T00:00:02Z",
            },
            "history": [{
                "mappingId": "00000000-0000-0000-0000-000000000001",
                "state": "skip_for_now",
                "confidence": null,
                "decidedBy": "00000000-0000-0000-0000-000000000002",
                "decidedAt": "1970-01-01T00:00:01Z",
            }],
        });
        assert_eq!(serde_json::to_value(&record).unwrap(), stored);
        assert_eq!(serde_json::from_value::<MappingRecord>(stored.clone()).unwrap(), record);
        for format in [0, 2] {
            let mut later = stored.clone();
            later["format"] = json!(format);
            assert!(serde_json::from_value::<MappingRecord>(later).is_err(), "{format}");
        }
    }

    fn decisions() -> impl Strategy<Value = Decision> {
        prop_oneof![
            (1..4_u128).prop_map(mapped),
            Just(Decision::CreateNew),
            Just(Decision::NeedsReview),
            Just(Decision::SkipForNow),
            Just(Decision::Unmapped),
        ]
    }

    proptest! {
        #[test]
        fn the_history_is_what_held_before(sequence in prop::collection::vec(decisions(), 1..130)) {
            let mut record: Option<MappingRecord> = None;
            let mut held: Vec<ActiveDecision> = Vec::new();
            for (number, decision) in (1..).zip(sequence) {
                if let Some(next) = step(record.as_ref(), number, decision, None) {
                    prop_assert_eq!(step(Some(&next), number + 1, decision, None), None);
                    held.insert(0, next.current.clone());
                    held.truncate(HISTORY_MAX + 1);
                    record = Some(next);
                }
            }
            if let Some(record) = record {
                prop_assert_eq!(&record.current, &held[0]);
                prop_assert_eq!(&record.history[..], &held[1..]);
            }
        }
    }
}
