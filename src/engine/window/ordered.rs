//! The amounts inside one window, by size, or by other side and size: how many lie between two bounds, without
//! a look at each.
//!
//! Invariants: keys never fall, inside a block and from one block to the next; none holds more than
//! `BLOCK`, and none but a first one that is alone is empty. So a key finds its place by two searches
//! and moves few others. Most windows have one block, which is reached without a look at a list of blocks.

use crate::engine::prefetch::prefetch;

/// 4 KiB of amounts: moving half of them costs less than one wait for memory.
const BLOCK: usize = 512;

/// Keys of entries in order; equal ones stand as often as they came.
#[derive(Clone, Debug)]
pub(super) struct Ordered<K> {
    first: Vec<K>,
    more: Vec<Vec<K>>,
}

impl<K: Copy + Ord> Ordered<K> {
    pub fn of(keys: impl Iterator<Item = K>) -> Ordered<K> {
        let mut sorted: Vec<K> = keys.collect();
        sorted.sort_unstable();
        if sorted.len() <= BLOCK {
            return Ordered { first: sorted, more: Vec::new() };
        }
        // Half full, so that those that come do not split every block at once.
        let mut blocks = sorted.chunks(BLOCK / 2).map(<[K]>::to_vec);
        Ordered { first: blocks.next().unwrap_or_default(), more: blocks.collect() }
    }

    /// Asks for the memory of the keys of a window that has not very many.
    pub fn expect(&self) {
        const LINE: usize = 64;
        self.first.iter().step_by((LINE / size_of::<K>()).max(1)).take(16).for_each(prefetch);
    }

    /// The first block whose last key is not below; the last block, if all are below.
    fn block_of(&self, key: K) -> usize {
        let is_below = |block: &Vec<K>| block.last().is_some_and(|last| *last < key);
        if self.more.is_empty() || !is_below(&self.first) {
            return 0;
        }
        1 + self.more.partition_point(is_below).min(self.more.len() - 1)
    }

    fn block(&mut self, number: usize) -> Option<&mut Vec<K>> {
        match number.checked_sub(1) {
            None => Some(&mut self.first),
            Some(number) => self.more.get_mut(number),
        }
    }

    pub fn insert(&mut self, key: K) {
        let number = self.block_of(key);
        let Some(block) = self.block(number) else { return };
        if block.len() == block.capacity() {
            block.reserve_exact(block.len() / 8 + 4);
        }
        block.insert(block.partition_point(|known| *known < key), key);
        if block.len() > BLOCK {
            let upper = block.split_off(BLOCK / 2);
            self.more.insert(number, upper);
        }
    }

    /// Takes out a key that is there.
    pub fn remove(&mut self, key: K) {
        let number = self.block_of(key);
        let Some(block) = self.block(number) else { return };
        let place = block.partition_point(|known| *known < key);
        if block.get(place) == Some(&key) {
            block.remove(place);
        }
        // Few are left: the next block joins them if that leaves room.
        let left = block.len();
        if left < BLOCK / 8 && self.more.get(number).is_some_and(|next| left + next.len() <= BLOCK / 2) {
            let next = self.more.remove(number);
            self.block(number).into_iter().for_each(|block| block.extend_from_slice(&next));
        } else if left == 0 && !self.more.is_empty() {
            let next = self.more.remove(number.saturating_sub(1));
            if number == 0 {
                self.first = next;
            }
        }
    }

    /// How many lie between two bounds, both included.
    pub fn count(&self, low: K, high: K) -> usize {
        if low > high {
            return 0;
        }
        self.rank(|known| known <= high) - self.rank(|known| known < low)
    }

    /// How many come before the others, by a test that holds for the smallest, up to some size.
    fn rank(&self, is_before: impl Fn(K) -> bool) -> usize {
        let of_first = self.first.partition_point(|known| is_before(*known));
        if of_first < self.first.len() {
            return of_first;
        }
        let whole = self.more.partition_point(|block| block.last().is_some_and(|last| is_before(*last)));
        let before: usize = self.more.iter().take(whole).map(Vec::len).sum();
        let within = self.more.get(whole).map_or(0, |block| block.partition_point(|known| is_before(*known)));
        of_first + before + within
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(amounts: &Ordered<i64>) {
        let blocks = || std::iter::once(&amounts.first).chain(&amounts.more);
        assert!(blocks().flatten().is_sorted(), "in order over all blocks");
        assert!(blocks().all(|block| block.len() <= BLOCK));
        assert!(amounts.more.is_empty() || blocks().all(|block| !block.is_empty()));
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
            let (mut amounts, mut plain) = (Ordered::of(first.iter().copied()), first);
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
