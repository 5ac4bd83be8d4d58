//! The entries of all logs of a partition, each kept once: the account, the holder and the pair of one
//! event refer to the same entry (D17).
//!
//! Invariants: an entry stays, under the same number, while any log refers to it; when none does, its
//! number is given out again. Numbers never show outside, so their order decides nothing.

use std::sync::Arc;

use super::Entry;
use super::packed::Packed;
use super::running_values::RunningValues;
use crate::engine::prefetch::prefetch;

/// Entries by number, and the running values of the logs they stand in. Freezing costs a reference for each chunk;
/// writing to a chunk that somebody still holds frozen copies that chunk first.
#[derive(Debug, Default)]
pub struct Store {
    /// Of a fixed size each, so that growing moves nothing and leaves no room empty.
    chunks: Vec<Arc<[Packed]>>,
    /// The first number that was never given out.
    fresh: u32,
    /// The number freed last; each free entry names the one freed before it.
    free: Option<u32>,
    pub(super) running: RunningValues,
}

/// 32 KiB of entries.
const CHUNK: usize = 1 << 10;
const CHUNK_BITS: u32 = 10;

/// An entry that is not there. Logs hold numbers of entries that are, so it is never read.
static NOTHING: Packed = Packed::NOTHING;

impl Store {
    /// The entries as they are now, for a snapshot.
    #[must_use]
    pub fn frozen(&self) -> Store {
        let running = RunningValues::default();
        Store { chunks: self.chunks.clone(), fresh: self.fresh, free: self.free, running }
    }

    /// Takes in an entry that so many logs are about to refer to: each gets its number and none else.
    pub fn add(&mut self, entry: &Entry, held: usize) -> u32 {
        self.add_packed(Packed::new(entry, held as u64))
    }

    pub(super) fn add_packed(&mut self, packed: Packed) -> u32 {
        if let Some(number) = self.free
            && let Some(place) = self.place(number)
        {
            let next = place.next_free();
            *place = packed;
            self.free = next;
            return number;
        }
        let number = self.fresh;
        if number as usize >> CHUNK_BITS == self.chunks.len() {
            self.chunks.push(vec![Packed::NOTHING; CHUNK].into());
        }
        if let Some(place) = self.place(number) {
            *place = packed;
        }
        // Four thousand million entries take 128 GiB: memory ends first.
        self.fresh += 1;
        number
    }

    pub(super) fn get(&self, number: u32) -> &Packed {
        let chunk = self.chunks.get(number as usize >> CHUNK_BITS);
        chunk.and_then(|chunk| chunk.get(number as usize & (CHUNK - 1))).unwrap_or(&NOTHING)
    }

    /// Asks for the memory of an entry.
    pub(super) fn expect(&self, number: u32) {
        prefetch(self.get(number));
    }

    fn place(&mut self, number: u32) -> Option<&mut Packed> {
        let chunk = self.chunks.get_mut(number as usize >> CHUNK_BITS)?;
        Arc::make_mut(chunk).get_mut(number as usize & (CHUNK - 1))
    }

    /// One more log refers to an entry.
    pub(super) fn hold(&mut self, number: u32) {
        if let Some(place) = self.place(number) {
            place.hold();
        }
    }

    /// One log less refers to an entry.
    pub(super) fn release(&mut self, number: u32) {
        let free = self.free;
        if let Some(place) = self.place(number)
            && place.release()
        {
            place.set_next_free(free);
            self.free = Some(number);
        }
    }

    /// Entries that logs refer to.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut free_count = 0;
        let mut free = self.free;
        while let Some(number) = free {
            free_count += 1;
            free = self.get(number).next_free();
        }
        self.fresh as usize - free_count
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::{Fingerprint, TimeMs};
    use crate::engine::fact::Feed;

    #[test]
    fn a_number_is_given_out_again_when_no_log_refers_to_it() {
        let entry = |event| Entry {
            at: TimeMs(5),
            event: Fingerprint(event),
            other: 9,
            amount: None,
            feed: Feed::TransferPayer,
            marks: 3,
        };
        let mut store = Store::default();
        let numbers: Vec<u32> = (0..3000).map(|event| store.add(&entry(event), 1)).collect();
        for number in &numbers {
            store.hold(*number);
        }
        store.release(numbers[7]);
        assert_eq!(store.get(numbers[7]).unpacked(), entry(7));
        store.release(numbers[7]);
        store.release(numbers[9]);
        store.release(numbers[9]);
        assert_eq!(store.len(), 2998);
        assert_eq!([store.add(&entry(1), 1), store.add(&entry(2), 1)], [numbers[9], numbers[7]]);
        assert_eq!(store.add(&entry(3), 1), 3000);
        assert_eq!(store.get(numbers[2999]).unpacked(), entry(2999));
    }
}
