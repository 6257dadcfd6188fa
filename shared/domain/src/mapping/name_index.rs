//! Finding the names that are alike among many, without comparing every pair.

use std::collections::BTreeMap;

use super::{
    name::{Gram, company_key, grams},
    score::Score,
};

/// Half the threshold in percent: names are alike from a Dice coefficient of 0.58 on, that is from
/// `shared ≥ 29 % · (|A| + |B|)`, in whole numbers and before any rounding.
const HALF_THRESHOLD_PERCENT: usize = 29;

/// The gram sets of many names, by gram.
///
/// Names are numbered by the size of their gram set, so that the sizes that can reach the threshold
/// at all are one range of every posting list.
pub(super) struct NameIndex {
    /// The numbers of the names that contain a gram, ascending.
    postings: BTreeMap<Gram, Vec<usize>>,
    /// Size of each name's gram set, ascending.
    sizes: Vec<usize>,
    /// The position at which each name was given.
    positions: Vec<usize>,
}

/// A name that is alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AlikeName {
    /// The position at which it was given.
    pub(super) position: usize,
    /// How alike, rounded; the threshold was applied before.
    pub(super) score: Score,
}

impl NameIndex {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut sets: Vec<(usize, Vec<Gram>)> = names
            .map(|name| grams(&company_key(name)))
            .enumerate()
            .filter(|(_, set)| !set.is_empty())
            .collect();
        sets.sort_by_key(|(_, set)| set.len());
        let mut postings: BTreeMap<Gram, Vec<usize>> = BTreeMap::new();
        for (number, (_, set)) in sets.iter().enumerate() {
            for gram in set {
                postings.entry(*gram).or_default().push(number);
            }
        }
        Self {
            postings,
            sizes: sets.iter().map(|(_, set)| set.len()).collect(),
            positions: sets.iter().map(|(position, _)| *position).collect(),
        }
    }

    /// Every name alike `name`, in no particular order.
    pub(super) fn alike(&self, name: &str) -> Vec<AlikeName> {
        let set = grams(&company_key(name));
        let (first, end) = self.comparable(set.len());
        let Some(smallest) = self.sizes[first..end].first() else { return Vec::new() };
        // No name in the range gets by with fewer, so only the few that get here are looked at again.
        let least = shared_needed(set.len(), *smallest);
        let mut shared = vec![0_usize; end - first];
        let mut reached = Vec::new();
        for numbers in set.iter().map(|gram| self.numbers(*gram, first, end)) {
            for number in numbers {
                let count = &mut shared[*number - first];
                *count += 1;
                if *count == least {
                    reached.push(*number);
                }
            }
        }
        reached
            .into_iter()
            .map(|number| (number, shared[number - first], self.sizes[number]))
            .filter(|(_, shared, size)| *shared >= shared_needed(set.len(), *size))
            .map(|(number, shared, size)| AlikeName {
                position: self.positions[number],
                score: Score::dice(shared, set.len() + size),
            })
            .collect()
    }

    /// The range of names whose gram sets are neither too small nor too large for a set of `size`:
    /// `2 · min(a, b) / (a + b)` is the best that two sizes allow.
    fn comparable(&self, size: usize) -> (usize, usize) {
        let rest = 100 - HALF_THRESHOLD_PERCENT;
        let first = self.sizes.partition_point(|other| other * rest < size * HALF_THRESHOLD_PERCENT);
        let end = self.sizes.partition_point(|other| other * HALF_THRESHOLD_PERCENT <= size * rest);
        (first, end)
    }

    /// The names from `first` to before `end` that contain `gram`.
    fn numbers(&self, gram: Gram, first: usize, end: usize) -> &[usize] {
        let Some(numbers) = self.postings.get(&gram) else { return &[] };
        let from = numbers.partition_point(|number| *number < first);
        let to = numbers.partition_point(|number| *number < end);
        &numbers[from..to]
    }
}

/// How many grams two sets of these sizes must share to be alike; at least one.
fn shared_needed(size: usize, other: usize) -> usize {
    ((size + other) * HALF_THRESHOLD_PERCENT).div_ceil(100).max(1)
}

#[cfg(test)]
impl NameIndex {
    /// How many postings [`Self::alike`] reads for `name`.
    pub(super) fn postings_read(&self, name: &str) -> usize {
        let set = grams(&company_key(name));
        let (first, end) = self.comparable(set.len());
        set.iter().map(|gram| self.numbers(*gram, first, end).len()).sum()
    }
}
