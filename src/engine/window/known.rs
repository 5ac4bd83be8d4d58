//! Logs as a snapshot brings them, and which of their entries are there already, for logs share them (D17).
//!
//! State that comes back is far larger than any cache, and where an entry stands only its hash says. So logs
//! are taken over some at a time, and the slots and entries of those that follow are asked for ahead.

use std::hash::BuildHasher;

use super::packed::Packed;
use super::{Entry, Store, SubjectLog};
use crate::engine::prefetch::prefetch;
use crate::engine::state::TokenHash;
use crate::engine::subject::Subject;

/// Entries ahead of the one taken over whose slots are asked for, and whose own places are.
const SLOTS_AHEAD: usize = 24;
const ENTRIES_AHEAD: usize = 12;

/// Entries of one batch: only of the first few are slots waited for.
const BATCH_ENTRIES: usize = 1 << 12;

/// Some logs of a snapshot, in its order.
#[derive(Debug, Default)]
pub struct LogBatch {
    /// Each with the end of its entries among all.
    logs: Vec<(Subject, usize)>,
    entries: Vec<(u32, Packed)>,
}

impl LogBatch {
    /// A log follows; one without entries went.
    pub fn begin(&mut self, subject: Subject) {
        self.logs.push((subject, self.entries.len()));
    }

    /// The next entry of the log begun last.
    pub fn add(&mut self, entry: &Entry) {
        let packed = Packed::new(entry, 1);
        self.entries.push((tag(&packed), packed));
        if let Some((_, end)) = self.logs.last_mut() {
            *end = self.entries.len();
        }
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        self.logs.len().max(self.entries.len()) >= BATCH_ENTRIES
    }

    pub fn clear(&mut self) {
        self.logs.clear();
        self.entries.clear();
    }

    /// Each subject, with where its entries begin and end.
    pub fn logs(&self) -> impl Iterator<Item = (Subject, (usize, usize))> {
        let mut begin = 0;
        self.logs.iter().map(move |(subject, end)| (*subject, (std::mem::replace(&mut begin, *end), *end)))
    }
}

/// Numbers of the entries that earlier logs of a snapshot brought, by what tells entries apart: slots in the order
/// of tags, each a tag and, in the lower half, a number plus one. 0 is a free slot.
#[derive(Debug, Default)]
pub struct Known {
    slots: Vec<u64>,
    taken: usize,
}

impl Known {
    /// With room for so many, so that it need not grow.
    #[must_use]
    pub fn with_room(entries: usize) -> Known {
        Known { slots: vec![0; entries.max(16) / 3 * 4], taken: 0 }
    }

    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.slots.len() as u64) >> 32) as usize
    }

    /// From the tag's own slot to the first free one, around the end.
    fn taken_from(&self, tag: u32) -> impl Iterator<Item = u64> {
        let (before, from) = self.slots.split_at(self.home(tag).min(self.slots.len()));
        from.iter().chain(before).copied().take_while(|slot| *slot != 0)
    }

    /// Of entries that may be the one.
    fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> {
        self.taken_from(tag).filter(move |slot| (slot >> 32) as u32 == tag).map(|slot| slot as u32 - 1)
    }

    fn expect(&self, tag: u32) {
        if let Some(slot) = self.slots.get(self.home(tag)) {
            prefetch(slot);
        }
    }

    fn insert(&mut self, tag: u32, number: u32) {
        if self.taken * 4 >= self.slots.len() * 3 {
            let mut larger = Known { slots: vec![0; self.slots.len() * 2 + 16], taken: 0 };
            self.slots.iter().filter(|slot| **slot != 0).for_each(|slot| larger.put(*slot));
            *self = larger;
        }
        // Numbers end far below the last one: entries are of 32 bytes.
        self.put(u64::from(tag) << 32 | u64::from(number.wrapping_add(1)));
    }

    fn put(&mut self, slot: u64) {
        let home = self.home((slot >> 32) as u32);
        let free = (home..self.slots.len()).chain(0..home).find(|at| self.slots.get(*at) == Some(&0));
        if let Some(place) = free.and_then(|at| self.slots.get_mut(at)) {
            *place = slot;
            self.taken += 1;
        }
    }
}

impl Store {
    /// Rebuilds a log of a batch from its entries; `known` is one for all batches.
    pub fn restore(
        &mut self,
        batch: &LogBatch,
        (begin, end): (usize, usize),
        known: &mut Known,
    ) -> SubjectLog {
        let mut log = SubjectLog::default();
        for at in begin..end {
            let Some((tag, entry)) = batch.entries.get(at) else { break };
            self.look_ahead(batch, at, known);
            // A place that was freed since may hold another entry by now: it is compared whole.
            let is_it = |number: &u32| {
                let there = self.get(*number);
                there.may_be_shared() && there.is_same(entry)
            };
            let number = known.numbers(*tag).find(is_it);
            let number = match number {
                Some(number) => {
                    self.hold(number);
                    number
                }
                None => {
                    let number = self.add_packed(*entry);
                    known.insert(*tag, number);
                    number
                }
            };
            log.append(number, self);
        }
        log
    }

    fn look_ahead(&self, batch: &LogBatch, at: usize, known: &Known) {
        if let Some((tag, _)) = batch.entries.get(at + SLOTS_AHEAD) {
            known.expect(*tag);
        }
        if let Some((tag, _)) = batch.entries.get(at + ENTRIES_AHEAD)
            && let Some(number) = known.numbers(*tag).next()
        {
            self.expect(number);
        }
    }
}

/// The upper half of its hash.
fn tag(entry: &Packed) -> u32 {
    let hash =
        TokenHash::default().hash_one((entry.event().0, entry.feed_bit(), entry.other(), entry.at().0));
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::{Fingerprint, TimeMs, Token};
    use crate::engine::fact::Feed;
    use crate::engine::subject::SubjectKind;

    fn entry(at: i64) -> Entry {
        Entry {
            at: TimeMs(at),
            event: Fingerprint(at as u64),
            // As a place looks that was freed when place 0 was free already.
            other: 0,
            amount: None,
            feed: Feed::CardUsageCard,
            marks: 0,
        }
    }

    fn restored(store: &mut Store, entries: &[Entry], known: &mut Known) -> SubjectLog {
        let mut batch = LogBatch::default();
        batch.begin(Subject { kind: SubjectKind::Account, token: Token(7) });
        entries.iter().for_each(|entry| batch.add(entry));
        store.restore(&batch, (0, entries.len()), known)
    }

    #[test]
    fn a_restored_log_shares_no_entry_that_was_given_up() {
        let (mut store, mut known) = (Store::default(), Known::default());
        // The snapshot before.
        let mut before = restored(&mut store, &[entry(1), entry(2)], &mut known);
        before.forget(&mut store, TimeMs(i64::MAX));
        // The changes since: the log is brought anew.
        let log = restored(&mut store, &[entry(2), entry(3)], &mut known);
        assert_eq!(log.entries(&store).collect::<Vec<_>>(), [entry(2), entry(3)]);
    }

    #[test]
    fn what_two_logs_bring_is_kept_once_however_often_the_table_grew() {
        let (mut store, mut known) = (Store::default(), Known::with_room(0));
        let entries: Vec<Entry> = (0..5_000).map(entry).collect();
        let first = restored(&mut store, &entries, &mut known);
        let second = restored(&mut store, &entries, &mut known);
        assert_eq!(store.len(), entries.len());
        assert_eq!(second.entries(&store).collect::<Vec<_>>(), entries);
        assert_eq!(first.entries(&store).collect::<Vec<_>>(), entries);
    }

    #[test]
    fn tags_that_are_alike_are_told_apart_and_wrap_around_the_end() {
        let mut known = Known { slots: vec![0; 8], taken: 0 };
        for number in 0..3 {
            known.insert(u32::MAX, number);
        }
        known.insert(u32::MAX - 1, 9);
        assert_eq!(known.numbers(u32::MAX).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(known.numbers(u32::MAX - 1).collect::<Vec<_>>(), [9]);
        assert_eq!(known.numbers(0).count(), 0);
    }
}
