//! What was read a moment ago.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{Family, ProviderName, Scope, Stored};

/// One document in one provider.
type Slot = (Scope, Family, ProviderName);

/// Documents found, for a short time. Absence is never kept: a workspace that was just connected
/// by another process must not stay unconnected here.
#[derive(Debug)]
pub(crate) struct Cache {
    time_to_live: SignedDuration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Slot, (Timestamp, Stored)>,
    /// Counts forgettings: a read that began before one must not bring back what was forgotten.
    generation: u64,
}

impl Cache {
    /// Keeps documents for `time_to_live`; not at all when that is not positive.
    pub(crate) fn new(time_to_live: SignedDuration) -> Self {
        Self { time_to_live, state: Mutex::default() }
    }

    pub(crate) fn find(&self, slot: Slot, now: Timestamp) -> Option<Stored> {
        self.with(|state| {
            let (read_at, stored) = state.entries.get(&slot)?;
            let age = now.duration_since(*read_at);
            // A clock that was set back must not keep a secret alive.
            (age < self.time_to_live && !age.is_negative()).then(|| stored.clone())
        })
    }

    /// To be asked before reading, for [`Cache::keep`].
    pub(crate) fn generation(&self) -> u64 {
        self.with(|state| state.generation)
    }

    pub(crate) fn keep(&self, slot: Slot, found: Option<&Stored>, generation: u64, now: Timestamp) {
        self.with(|state| match found {
            Some(stored) if state.generation == generation && self.time_to_live.is_positive() => {
                state.entries.insert(slot, (now, stored.clone()));
            }
            _ => {
                state.entries.remove(&slot);
            }
        });
    }

    pub(crate) fn forget(&self, scope: Scope, family: Family) {
        self.with(|state| {
            state.generation += 1;
            state.entries.retain(|slot, _| (slot.0, slot.1) != (scope, family));
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Version};

    const SLOT: Slot = (Scope::App, Family::Service, ProviderName::Memory);

    fn stored() -> Stored {
        let document = Document::new().with("a", "b");
        Stored { version: Version::of_contents(ProviderName::Memory, &document), document }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn entries_live_for_their_time_only() {
        let cache = Cache::new(SignedDuration::from_secs(30));
        cache.keep(SLOT, Some(&stored()), 0, at(100));
        for (second, found) in [(100, true), (129, true), (130, false), (99, false)] {
            assert_eq!(cache.find(SLOT, at(second)).is_some(), found, "{second}");
        }
    }

    #[test]
    fn a_read_that_began_before_a_write_is_not_kept() {
        let cache = Cache::new(SignedDuration::from_secs(30));
        let generation = cache.generation();
        cache.forget(Scope::App, Family::Service);
        cache.keep(SLOT, Some(&stored()), generation, at(0));
        assert!(cache.find(SLOT, at(0)).is_none());
    }

    #[test]
    fn absence_and_a_cache_without_time_keep_nothing() {
        let cache = Cache::new(SignedDuration::from_secs(30));
        cache.keep(SLOT, Some(&stored()), 0, at(0));
        cache.keep(SLOT, None, 0, at(1));
        assert!(cache.find(SLOT, at(1)).is_none());
        let off = Cache::new(SignedDuration::ZERO);
        off.keep(SLOT, Some(&stored()), 0, at(0));
        assert!(off.find(SLOT, at(0)).is_none());
    }
}
