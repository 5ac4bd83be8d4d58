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
    pub fn range(
        self,
        from: usize,
        to: usize,
    ) -> impl DoubleEndedIterator<Item = &'a Packed> + Clone + use<'a> {
        let cut = |part: &'a [u32], begins: usize| {
            let place = |place: usize| place.saturating_sub(begins).min(part.len());
            part.get(place(from)..place(to)).unwrap_or(&[])
        };
        let (front, back) = (cut(self.front, 0), cut(self.back, self.front.len()));
        front.iter().chain(back).map(move |number| self.store.get(*number))
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
