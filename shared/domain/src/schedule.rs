//! When all tenants are synced by themselves.
//!
//! Time is cut into slots of one length, from the moment on at which the schedule was turned on or its length
//! was changed. So workspaces are spread over the day as their operators are, and a slot has one name however
//! often somebody looks.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How often all tenants are synced by themselves.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Whether they are at all.
    pub sync_enabled: bool,
    /// How often.
    pub sync_interval_minutes: Interval,
    /// When the first slot began to be waited for.
    pub since: Timestamp,
}

/// Minutes between two syncs: 15 to 43,200 (30 days), as the PSA has them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Interval(u32);

impl Interval {
    /// Shortest and longest.
    const BOUNDS: std::ops::RangeInclusive<u32> = 15..=43_200;

    /// The nearest one there is.
    pub fn nearest(minutes: f64) -> Self {
        let (least, most) = (*Self::BOUNDS.start(), *Self::BOUNDS.end());
        let within = minutes.clamp(f64::from(least), f64::from(most));
        // What is no number is the default.
        let whole = SignedDuration::try_from_secs_f64(within.trunc()).map(|whole| whole.as_secs());
        let whole = whole.ok().and_then(|whole| u32::try_from(whole).ok());
        whole.map_or_else(Self::default, Self)
    }

    /// In minutes.
    pub fn minutes(self) -> u32 {
        self.0
    }

    fn duration(self) -> SignedDuration {
        // What is stored may be older than the bounds.
        SignedDuration::from_mins(i64::from(self.0.max(*Self::BOUNDS.start())))
    }
}

impl Default for Interval {
    /// Once a day.
    fn default() -> Self {
        Self(1_440)
    }
}

impl Schedule {
    /// The schedule of a workspace that has none.
    pub fn none(now: Timestamp) -> Self {
        Self { sync_enabled: false, sync_interval_minutes: Interval::default(), since: now }
    }

    /// This schedule as an operator changes it. Said again, it stays as it is.
    #[must_use]
    pub fn changed(self, sync_enabled: bool, sync_interval_minutes: Interval, now: Timestamp) -> Self {
        let is_same =
            self.sync_enabled == sync_enabled && self.sync_interval_minutes == sync_interval_minutes;
        if is_same { self } else { Self { sync_enabled, sync_interval_minutes, since: now } }
    }

    /// The newest slot that has begun by `now`. Of those that nobody has served only that one counts: a sync
    /// that is done once does what several would have done.
    pub fn slot(&self, now: Timestamp) -> Option<Timestamp> {
        let slots = self.slots_until(now)?;
        (slots > 0).then(|| self.nth(slots))
    }

    /// When the next slot begins after `now`.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.slots_until(now).map(|slots| self.nth(slots + 1))
    }

    fn slots_until(&self, now: Timestamp) -> Option<i64> {
        let waited = now.duration_since(self.since).as_secs().max(0);
        self.sync_enabled.then(|| waited / self.sync_interval_minutes.duration().as_secs())
    }

    fn nth(&self, slot: i64) -> Timestamp {
        let seconds = self.sync_interval_minutes.duration().as_secs().saturating_mul(slot);
        self.since.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minute * 60).unwrap()
    }

    fn every(minutes: f64) -> Schedule {
        Schedule { sync_enabled: true, sync_interval_minutes: Interval::nearest(minutes), since: at(0) }
    }

    #[test]
    fn minutes_are_whole_and_within_bounds() {
        for (given, taken) in [
            (60.0, 60),
            (60.9, 60),
            (14.0, 15),
            (0.0, 15),
            (-5.0, 15),
            (43_201.0, 43_200),
            (f64::INFINITY, 43_200),
            (f64::NAN, 1_440),
        ] {
            assert_eq!(Interval::nearest(given).minutes(), taken, "{given}");
        }
    }

    #[test]
    fn a_slot_begins_when_its_time_has_come_and_those_that_were_missed_are_one() {
        for (minute, slot, next) in [
            (-3, None, 60),
            (0, None, 60),
            (59, None, 60),
            (60, Some(60), 120),
            (119, Some(60), 120),
            (600, Some(600), 660),
        ] {
            let schedule = every(60.0);
            assert_eq!(schedule.slot(at(minute)), slot.map(at), "{minute}");
            assert_eq!(schedule.next(at(minute)), Some(at(next)), "{minute}");
        }
        let off = Schedule { sync_enabled: false, ..every(60.0) };
        assert_eq!((off.slot(at(600)), off.next(at(600))), (None, None));
    }

    #[test]
    fn who_says_the_same_again_postpones_nothing() {
        let schedule = every(60.0);
        assert_eq!(schedule.changed(true, Interval::nearest(60.0), at(50)), schedule);
        let longer = schedule.changed(true, Interval::nearest(240.0), at(50));
        assert_eq!((longer.since, longer.next(at(50))), (at(50), Some(at(290))));
        let off = schedule.changed(false, Interval::nearest(60.0), at(50));
        assert_eq!(off.changed(true, Interval::nearest(60.0), at(70)).slot(at(125)), None);
    }

    proptest! {
        #[test]
        fn slots_are_in_order_and_none_is_named_twice(
            minutes in 0_u32..50_000,
            looks in prop::collection::vec(0_i64..200_000, 1..40),
        ) {
            let schedule = every(f64::from(minutes));
            let mut looks = looks;
            looks.sort_unstable();
            let slots: Vec<Timestamp> = looks.iter().filter_map(|minute| schedule.slot(at(*minute))).collect();
            prop_assert!(slots.is_sorted());
            for minute in looks {
                let (slot, next) = (schedule.slot(at(minute)), schedule.next(at(minute)).unwrap());
                prop_assert!(slot.is_none_or(|slot| slot <= at(minute)) && next > at(minute));
                prop_assert_eq!(schedule.slot(next), Some(next));
            }
        }
    }
}
