//! A queue of entry numbers with little slack: most subjects have a few entries, some have very many.

use std::collections::VecDeque;

use crate::engine::prefetch::prefetch;

/// Entry numbers, oldest first. A few stand in place, more on the heap.
#[derive(Clone, Debug)]
pub(super) enum Numbers {
    Few { len: u8, numbers: [u32; FEW] },
    Many(Box<VecDeque<u32>>),
}

const FEW: usize = 3;

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers::Few { len: 0, numbers: [0; FEW] }
    }
}

impl Numbers {
    pub fn slices(&self) -> (&[u32], &[u32]) {
        match self {
            Numbers::Few { len, numbers } => (numbers.get(..usize::from(*len)).unwrap_or(&[]), &[]),
            Numbers::Many(queue) => queue.as_slices(),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Numbers::Few { len, .. } => usize::from(*len),
            Numbers::Many(queue) => queue.len(),
        }
    }

    pub fn get(&self, place: usize) -> Option<u32> {
        match self {
            Numbers::Few { len, numbers } if place < usize::from(*len) => numbers.get(place).copied(),
            Numbers::Few { .. } => None,
            Numbers::Many(queue) => queue.get(place).copied(),
        }
    }

    /// Asks for the memory of the queue, if there is one.
    pub fn expect_queue(&self) {
        if let Numbers::Many(queue) = self {
            prefetch(&**queue);
        }
    }

    /// Asks for the memory of a place.
    pub fn expect(&self, place: usize) {
        if let Numbers::Many(queue) = self {
            queue.get(place).into_iter().for_each(prefetch);
        }
    }

    /// The numbers at some places, as far as they are there.
    pub fn range(&self, from: usize, to: usize) -> impl DoubleEndedIterator<Item = u32> {
        let (front, back) = self.slices();
        let cut = |part: &'_ [u32], begins: usize| {
            let place = |place: usize| place.saturating_sub(begins).min(part.len());
            (place(from), place(to))
        };
        let ((from_front, to_front), (from_back, to_back)) = (cut(front, 0), cut(back, front.len()));
        let front = front.get(from_front..to_front).unwrap_or(&[]);
        let back = back.get(from_back..to_back).unwrap_or(&[]);
        front.iter().chain(back).copied()
    }

    pub fn insert(&mut self, place: usize, number: u32) {
        match self {
            Numbers::Few { len, numbers } if usize::from(*len) < FEW => {
                let end = usize::from(*len);
                numbers.copy_within(place..end, place + 1);
                if let Some(slot) = numbers.get_mut(place) {
                    *slot = number;
                }
                *len += 1;
            }
            Numbers::Few { numbers, .. } => {
                let mut queue = VecDeque::with_capacity(2 * FEW);
                queue.extend(*numbers);
                queue.insert(place, number);
                *self = Numbers::Many(Box::new(queue));
            }
            Numbers::Many(queue) => {
                if queue.len() == queue.capacity() {
                    // By an eighth at a time: moving numbers is cheap, keeping empty room is not.
                    queue.reserve_exact(queue.len() / 8 + 2);
                }
                queue.insert(place, number);
            }
        }
    }

    pub fn pop_front(&mut self) -> Option<u32> {
        match self {
            Numbers::Few { len: 0, .. } => None,
            Numbers::Few { len, numbers } => {
                let [first, ..] = *numbers;
                numbers.copy_within(1.., 0);
                *len -= 1;
                Some(first)
            }
            Numbers::Many(queue) => {
                let first = queue.pop_front();
                self.shrink();
                first
            }
        }
    }

    /// Keeps the numbers for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        let (front, back) = self.slices();
        let kept: VecDeque<u32> = front.iter().chain(back).copied().filter(|number| keep(*number)).collect();
        *self = Numbers::Many(Box::new(kept));
        self.shrink();
    }

    /// Gives room back when less than half of it is used.
    fn shrink(&mut self) {
        let Numbers::Many(queue) = self else { return };
        if queue.len() < FEW {
            let mut few = Numbers::default();
            for (place, number) in queue.iter().enumerate() {
                few.insert(place, *number);
            }
            *self = few;
        } else if queue.len() < queue.capacity() / 2 {
            queue.shrink_to(queue.len() + queue.len() / 8 + 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_queue_of_numbers_is_a_queue(steps in prop::collection::vec((0_u8..6, 0_usize..40), 0..120)) {
            let (mut numbers, mut plain) = (Numbers::default(), VecDeque::new());
            for (step, (action, place)) in steps.into_iter().enumerate() {
                match action {
                    0 | 1 => prop_assert_eq!(numbers.pop_front(), plain.pop_front()),
                    2 => {
                        numbers.retain(|number| number % 5 != 0);
                        plain.retain(|number| number % 5 != 0);
                    }
                    _ => {
                        let place = place.min(plain.len());
                        numbers.insert(place, step as u32);
                        plain.insert(place, step as u32);
                    }
                }
                prop_assert_eq!(numbers.len(), plain.len());
                prop_assert_eq!(numbers.range(0, plain.len()).collect::<VecDeque<_>>(), plain.clone());
                prop_assert_eq!(numbers.get(plain.len()), None);
                let (from, to) = (place % 7, place);
                let cut = plain.iter().skip(from).take(to.saturating_sub(from)).copied();
                prop_assert_eq!(numbers.range(from, to).collect::<Vec<_>>(), cut.collect::<Vec<_>>());
            }
        }
    }
}
