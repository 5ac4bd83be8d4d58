//! The amounts inside one window, by size: how many lie between two bounds, without a look at each.
//!
//! Invariants: amounts never fall, inside a block and from one block to the next; no block is empty, and
//! none holds more than `BLOCK`. So an amount finds its place by two searches and moves few others.

/// 4 KiB of amounts: moving half of them costs less than one wait for memory.
const BLOCK: usize = 512;

/// Amounts in minor units; equal ones stand as often as they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Amounts {
    blocks: Vec<Vec<i64>>,
}

impl Amounts {
    pub fn of(amounts: impl Iterator<Item = i64>) -> Amounts {
        let mut sorted: Vec<i64> = amounts.collect();
        sorted.sort_unstable();
        // Half full, so that those that come do not split every block at once.
        Amounts { blocks: sorted.chunks(BLOCK / 2).map(<[i64]>::to_vec).collect() }
    }

    /// The first block whose last amount is not below.
    fn block_of(&self, minor: i64) -> usize {
        self.blocks.partition_point(|block| block.last().is_some_and(|last| *last < minor))
    }

    pub fn insert(&mut self, minor: i64) {
        // Larger than all there is: at the end of the last block.
        let number = self.block_of(minor).min(self.blocks.len().saturating_sub(1));
        let Some(block) = self.blocks.get_mut(number) else {
            self.blocks.push(vec![minor]);
            return;
        };
        if block.len() == block.capacity() {
            block.reserve_exact(block.len() / 8 + 4);
        }
        block.insert(block.partition_point(|known| *known < minor), minor);
        if block.len() > BLOCK {
            let upper = block.split_off(BLOCK / 2);
            self.blocks.insert(number + 1, upper);
        }
    }

    /// Takes out an amount that is there.
    pub fn remove(&mut self, minor: i64) {
        let number = self.block_of(minor);
        let Some(block) = self.blocks.get_mut(number) else { return };
        let place = block.partition_point(|known| *known < minor);
        if block.get(place) == Some(&minor) {
            block.remove(place);
        }
        let left = block.len();
        // Few are left: they join their neighbour if that leaves it room.
        if left == 0 {
            self.blocks.remove(number);
        } else if left < BLOCK / 8
            && self.blocks.get(number + 1).is_some_and(|next| left + next.len() <= BLOCK / 2)
        {
            let next = self.blocks.remove(number + 1);
            self.blocks.get_mut(number).into_iter().for_each(|block| block.extend_from_slice(&next));
        }
    }

    /// How many lie between two bounds, both included.
    pub fn count(&self, low: i64, high: i64) -> usize {
        if low > high {
            return 0;
        }
        self.rank(|known| known <= high) - self.rank(|known| known < low)
    }

    /// How many come before the others, by a test that holds for the smallest, up to some size.
    fn rank(&self, is_before: impl Fn(i64) -> bool) -> usize {
        let whole = self.blocks.partition_point(|block| block.last().is_some_and(|last| is_before(*last)));
        let before: usize = self.blocks.iter().take(whole).map(Vec::len).sum();
        before + self.blocks.get(whole).map_or(0, |block| block.partition_point(|known| is_before(*known)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(amounts: &Amounts) {
        let flat: Vec<i64> = amounts.blocks.iter().flatten().copied().collect();
        assert!(flat.is_sorted(), "in order over all blocks");
        assert!(amounts.blocks.iter().all(|block| !block.is_empty() && block.len() <= BLOCK));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// A window that fills and empties, of amounts that often are equal.
        #[test]
        fn what_lies_between_two_bounds_is_counted(
            first in prop::collection::vec(0_i64..400, 0..1_200),
            steps in prop::collection::vec((0_i64..400, -20_i64..420, -20_i64..420), 1..1_500),
            out in 0_usize..3,
        ) {
            let (mut amounts, mut plain) = (Amounts::of(first.iter().copied()), first);
            check(&amounts);
            for (number, (minor, low, high)) in steps.into_iter().enumerate() {
                amounts.insert(minor);
                plain.push(minor);
                for _ in 0..out.min(plain.len()) {
                    amounts.remove(plain.swap_remove(number % plain.len().max(1)));
                }
                if number % 16 == 0 {
                    check(&amounts);
                    let between = plain.iter().filter(|known| low <= **known && **known <= high).count();
                    prop_assert_eq!(amounts.count(low, high), between);
                }
            }
            prop_assert_eq!(amounts.count(i64::MIN, i64::MAX), plain.len());
            prop_assert_eq!(amounts.count(i64::MAX, i64::MIN), 0);
        }
    }
}
