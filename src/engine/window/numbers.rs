//! Queues of entry numbers with little slack: most subjects have a few entries, some have very many.

use std::collections::VecDeque;
use std::num::NonZeroU8;

/// Entry numbers, oldest first, in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Few {
    numbers: [u32; FEW],
    /// One more than there are: of the value that is left over a log makes its other form, without a byte more.
    end: NonZeroU8,
}

/// As many as make 24 bytes of a log.
pub(super) const FEW: usize = 5;

impl Default for Few {
    fn default() -> Few {
        Few { numbers: [0; FEW], end: NonZeroU8::MIN }
    }
}

impl Few {
    pub fn len(&self) -> usize {
        usize::from(self.end.get() - 1)
    }

    pub fn numbers(&self) -> &[u32] {
        self.numbers.get(..self.len()).unwrap_or(&[])
    }

    /// `FEW` at most, so it fits.
    fn set_len(&mut self, len: usize) {
        self.end = NonZeroU8::MIN.saturating_add(len as u8);
    }

    /// Puts a number in its place; false if there is no room.
    pub fn insert(&mut self, place: usize, number: u32) -> bool {
        let end = self.len();
        let Some(slot) = self.numbers.get_mut(place).filter(|_| end < FEW && place <= end) else {
            return false;
        };
        let moved = std::mem::replace(slot, number);
        if place < end {
            self.numbers.copy_within(place + 1..end, place + 2);
            if let Some(next) = self.numbers.get_mut(place + 1) {
                *next = moved;
            }
        }
        self.set_len(end + 1);
        true
    }

    pub fn pop_front(&mut self) -> Option<u32> {
        let first = self.numbers().first().copied()?;
        self.numbers.copy_within(1.., 0);
        self.set_len(self.len() - 1);
        Some(first)
    }

    /// Keeps the numbers for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        let mut kept = Few::default();
        for number in self.numbers().iter().filter(|number| keep(**number)) {
            kept.insert(kept.len(), *number);
        }
        *self = kept;
    }
}

impl FromIterator<u32> for Few {
    /// Of `FEW` numbers at most.
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Few {
        let mut few = Few::default();
        for number in numbers {
            few.insert(few.len(), number);
        }
        few
    }
}

/// Puts a number in its place. Room grows by an eighth at a time: moving numbers is cheap, keeping empty
/// room is not.
pub(super) fn insert(queue: &mut VecDeque<u32>, place: usize, number: u32) {
    if queue.len() == queue.capacity() {
        queue.reserve_exact(queue.len() / 8 + 2);
    }
    queue.insert(place, number);
}

/// Gives room back when less than half of it is used.
pub(super) fn shrink(queue: &mut VecDeque<u32>) {
    if queue.len() < queue.capacity() / 2 {
        queue.shrink_to(queue.len() + queue.len() / 8 + 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_queue_of_numbers_is_a_queue(steps in prop::collection::vec((0_u8..6, 0_usize..40), 0..120)) {
            let (mut few, mut plain) = (Few::default(), VecDeque::new());
            for (step, (action, place)) in steps.into_iter().enumerate() {
                match action {
                    0 | 1 => prop_assert_eq!(few.pop_front(), plain.pop_front()),
                    2 => {
                        few.retain(|number| number % 5 != 0);
                        plain.retain(|number| number % 5 != 0);
                    }
                    _ => {
                        let place = place.min(plain.len());
                        let fits = few.insert(place, step as u32);
                        prop_assert_eq!(fits, plain.len() < FEW);
                        if fits {
                            plain.insert(place, step as u32);
                        }
                    }
                }
                prop_assert_eq!(few.numbers().to_vec(), Vec::from(plain.clone()));
                let copy: Few = few.numbers().iter().copied().collect();
                prop_assert_eq!(copy.numbers(), few.numbers());
            }
        }
    }
}
