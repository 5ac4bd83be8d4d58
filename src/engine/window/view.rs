//! The entries of a log, oldest first.

use super::packed::Packed;
use super::store::Store;
use crate::engine::base::TimeMs;

/// The entries of a log: numbers in two stretches, and where the entries are.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub front: &'a [u32],
    pub back: &'a [u32],
    pub store: &'a Store,
}

impl<'a> View<'a> {
    pub fn len(self) -> usize {
        self.front.len() + self.back.len()
    }

    pub fn number(self, place: usize) -> Option<&'a u32> {
        match place.checked_sub(self.front.len()) {
            None => self.front.get(place),
            Some(place) => self.back.get(place),
        }
    }

    pub fn get(self, place: usize) -> Option<&'a Packed> {
        Some(self.store.get(*self.number(place)?))
    }

    /// The entries at some places, as far as they are there.
    pub fn range(self, from: usize, to: usize) -> Entries<'a> {
        let cut = |part: &'a [u32], begins: usize| {
            let place = |place: usize| place.saturating_sub(begins).min(part.len());
            part.get(place(from)..place(to)).unwrap_or(&[])
        };
        let (front, back) = (cut(self.front, 0), cut(self.back, self.front.len()));
        Entries { front, back, store: self.store }
    }

    pub fn newest(self) -> Option<&'a Packed> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The place of the first entry later than a time.
    pub fn place_after(self, at: TimeMs) -> usize {
        if self.newest().is_none_or(|newest| newest.at() <= at) {
            return self.len();
        }
        let is_before = |number: &u32| self.store.get(*number).at() <= at;
        match self.front.partition_point(is_before) {
            inside if inside < self.front.len() => inside,
            all => all + self.back.partition_point(is_before),
        }
    }
}

/// So many entries before one is looked at, its memory is asked for.
const AHEAD: usize = 12;

/// Entries of a log one after the other, from either end. Each lies wherever there was room when it came, so
/// their memory is asked for in advance.
#[derive(Clone)]
pub(super) struct Entries<'a> {
    front: &'a [u32],
    back: &'a [u32],
    store: &'a Store,
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a Packed;

    fn next(&mut self) -> Option<&'a Packed> {
        if self.front.is_empty() {
            self.front = std::mem::take(&mut self.back);
        }
        let (number, left) = self.front.split_first()?;
        self.front = left;
        if let Some(later) = left.get(AHEAD - 1) {
            self.store.expect(*later);
        }
        Some(self.store.get(*number))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.front.len() + self.back.len();
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Entries<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.back.is_empty() {
            self.back = std::mem::take(&mut self.front);
        }
        let (number, left) = self.back.split_last()?;
        self.back = left;
        if let Some(sooner) = left.len().checked_sub(AHEAD).and_then(|place| left.get(place)) {
            self.store.expect(*sooner);
        }
        Some(self.store.get(*number))
    }
}
