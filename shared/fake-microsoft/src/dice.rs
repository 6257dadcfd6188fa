//! Reproducible choices: the same place in the world always rolls the same numbers.

/// A stream of numbers that depends only on the parts it was made from (SplitMix64).
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// The stream of one thing, such as (seed, tenant, user).
    pub(crate) fn of(parts: [u64; 3]) -> Self {
        let mut state = 0x243f_6a88_85a3_08d3;
        for part in parts {
            state = scramble(state ^ part).wrapping_add(part);
        }
        Self { state }
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.state)
    }

    /// A number in `0..bound`; `bound` is at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    /// True in `per_mille` of 1,000 rolls.
    pub(crate) fn chance(&mut self, per_mille: usize) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of `choices`, which is not empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
