//! Duplicates: which events have been applied, within a declared horizon (DESIGN D10, ARCHITECTURE S4).

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;

use super::base::{Fingerprint, SpanMs, TimeMs};
use super::state::TokenHash;

/// An event and the newest time at which it was applied.
pub type Sighting = (TimeMs, Fingerprint);

/// Sightings that share a reference, so that copying the order of all copies few.
const BLOCK: usize = 4_096;

/// Fingerprints of applied events with the newest time at which they were applied.
#[derive(Debug, Default)]
pub struct Seen {
    /// The last sighting of each event that is remembered, by the lower half of its number: a quarter of
    /// what fingerprint and time take, which stand in the order anyway.
    last: HashTable<u32>,
    order: Order,
    /// Number of the first sighting that the last copy did not have.
    copied: u64,
}

/// Sightings in order of application, numbered; their times never fall. A copy costs a reference for each block.
#[derive(Clone, Debug, Default)]
struct Order {
    blocks: VecDeque<Arc<Vec<Sighting>>>,
    /// Number of the first sighting of the first block.
    first_of_block: u64,
    /// Number of the first one that is still remembered.
    first: u64,
    /// One past the number of the last.
    end: u64,
}

impl Order {
    fn push(&mut self, sighting: Sighting) {
        if self.blocks.back().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.push_back(Arc::default());
        }
        if let Some(block) = self.blocks.back_mut() {
            Arc::make_mut(block).push(sighting);
        }
        self.end += 1;
    }

    fn front(&self) -> Option<Sighting> {
        self.blocks.front()?.get((self.first - self.first_of_block) as usize).copied()
    }

    /// The sighting whose number ends in these bits, of those from the first block on.
    fn get(&self, number: u32) -> Option<Sighting> {
        // Four thousand million sightings take 64 GiB: memory ends first.
        let place = number.wrapping_sub(self.first_of_block as u32) as usize;
        self.blocks.get(place / BLOCK)?.get(place % BLOCK).copied()
    }

    fn drop_front(&mut self) {
        self.first += 1;
        if self.first - self.first_of_block == BLOCK as u64 {
            self.blocks.pop_front();
            self.first_of_block = self.first;
        }
    }

    fn from(&self, number: u64) -> impl Iterator<Item = Sighting> + '_ {
        let skipped = number.max(self.first) - self.first_of_block;
        let blocks = self.blocks.iter().skip((skipped / BLOCK as u64) as usize);
        blocks.flat_map(|block| block.iter().copied()).skip((skipped % BLOCK as u64) as usize)
    }
}

impl Seen {
    /// Whether the event was applied less than `horizon` before `newest`.
    #[must_use]
    pub fn contains(&self, event: Fingerprint, newest: TimeMs, horizon: SpanMs) -> bool {
        self.time_of(event).is_some_and(|seen| newest.minus(horizon) < seen)
    }

    /// When an event that is remembered was applied last.
    #[must_use]
    pub fn time_of(&self, event: Fingerprint) -> Option<TimeMs> {
        let number = self.last.find(hash(event), |number| self.is_of(*number, event))?;
        self.order.get(*number).map(|(time, _)| time)
    }

    fn is_of(&self, number: u32, event: Fingerprint) -> bool {
        self.order.get(number).is_some_and(|(_, known)| known == event)
    }

    /// Remembers an event, and forgets those beyond the horizon.
    pub fn insert(&mut self, event: Fingerprint, newest: TimeMs, horizon: SpanMs) {
        self.push((newest, event));
        self.forget(newest, horizon);
    }

    /// Forgets events beyond the horizon.
    pub fn forget(&mut self, newest: TimeMs, horizon: SpanMs) {
        while self.order.front().is_some_and(|(time, _)| time <= newest.minus(horizon)) {
            self.forget_first();
        }
    }

    fn push(&mut self, sighting: Sighting) {
        let (number, event) = (self.order.end as u32, sighting.1);
        self.order.push(sighting);
        let (last, order) = (&mut self.last, &self.order);
        let is_same = |known: &u32| order.get(*known).is_some_and(|(_, known)| known == event);
        match last.find_mut(hash(event), is_same) {
            Some(known) => *known = number,
            None => {
                last.insert_unique(hash(event), number, hash_of(order));
            }
        }
    }

    fn forget_first(&mut self) {
        let Some((_, oldest)) = self.order.front() else { return };
        let number = self.order.first as u32;
        // The same event may have been applied again after it was forgotten: then another is its last.
        if let Ok(known) = self.last.find_entry(hash(oldest), |known| *known == number) {
            known.remove();
        }
        self.order.drop_front();
    }

    /// What is remembered now; sightings from here on are new to the next copy.
    pub fn freeze(&mut self) -> FrozenSeen {
        let new_from = std::mem::replace(&mut self.copied, self.order.end);
        FrozenSeen { order: self.order.clone(), new_from }
    }

    /// Takes over what a snapshot says, on top of those before it.
    pub fn restore(&mut self, said: SeenSince) {
        while self.order.first < said.first.min(self.order.end) {
            self.forget_first();
        }
        if self.order.end < said.from {
            // Nothing before it is remembered: numbers go on from there.
            let at = said.from;
            self.order = Order { first_of_block: at, first: at, end: at, ..Order::default() };
        }
        self.last.reserve(said.sightings.len(), hash_of(&self.order));
        for sighting in said.sightings {
            self.push(sighting);
        }
        self.copied = self.order.end;
    }
}

/// Of the sighting with that number.
fn hash_of(order: &Order) -> impl Fn(&u32) -> u64 {
    |number| hash(order.get(*number).map(|(_, event)| event).unwrap_or_default())
}

fn hash(event: Fingerprint) -> u64 {
    TokenHash::default().hash_one(event)
}

/// What was remembered at one moment.
#[derive(Debug)]
pub struct FrozenSeen {
    order: Order,
    new_from: u64,
}

/// What a snapshot says of sightings.
#[derive(Debug, PartialEq, Eq)]
pub struct SeenSince {
    /// Number of the first one that is still remembered.
    pub first: u64,
    /// Number of the first one named.
    pub from: u64,
    pub sightings: Vec<Sighting>,
}

impl FrozenSeen {
    /// All that is remembered, or what is new since the copy before.
    #[must_use]
    pub fn since(&self, new_only: bool) -> SeenSince {
        let from = if new_only { self.new_from.max(self.order.first) } else { self.order.first };
        SeenSince { first: self.order.first, from, sightings: self.order.from(from).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn all(seen: &mut Seen) -> Vec<Sighting> {
        seen.freeze().since(false).sightings
    }

    /// Every event that is found, with its time; the number of them is the table's.
    fn found(seen: &mut Seen) -> BTreeMap<Fingerprint, TimeMs> {
        let events = all(seen).into_iter().map(|(_, event)| event);
        let found: BTreeMap<_, _> = events.map(|event| (event, seen.time_of(event).unwrap())).collect();
        assert_eq!(found.len(), seen.last.len());
        found
    }

    #[test]
    fn copies_add_up_whatever_was_forgotten_between_them() {
        let horizon = SpanMs(5_000);
        let (mut seen, mut restored) = (Seen::default(), Seen::default());
        for number in 0..40_000_i64 {
            // Bursts and gaps; every seventh event comes again.
            let time = TimeMs(number / 3 + if number > 25_000 { 9_000 } else { 0 });
            seen.insert(Fingerprint((number - number % 7) as u64), time, horizon);
            if number % 3_001 == 0 {
                let frozen = seen.freeze();
                restored.restore(frozen.since(true));
                assert_eq!(all(&mut restored), frozen.since(false).sightings, "after {number}");
                let mut anew = Seen::default();
                anew.restore(frozen.since(false));
                assert_eq!(found(&mut anew), found(&mut restored), "after {number}");
                assert_eq!(found(&mut anew), found(&mut seen));
            }
        }
    }

    #[test]
    fn an_event_is_known_for_less_than_the_horizon() {
        let mut seen = Seen::default();
        seen.insert(Fingerprint(1), TimeMs(10), SpanMs(5));
        assert!(seen.contains(Fingerprint(1), TimeMs(14), SpanMs(5)));
        assert!(!seen.contains(Fingerprint(1), TimeMs(15), SpanMs(5)));
        seen.insert(Fingerprint(2), TimeMs(15), SpanMs(5));
        assert_eq!(all(&mut seen), [(TimeMs(15), Fingerprint(2))]);
    }
}
