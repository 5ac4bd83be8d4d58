//! The entries behind a value, and what the value would be without one event (S13).

use std::collections::HashMap;

use super::Entry;
use super::total::{Total, optional};
use crate::engine::base::{Fingerprint, saturate};
use crate::engine::signal::Aggregate;
use crate::engine::state::TokenHash;

/// The entries behind a value, oldest first, and where some events stand among them.
#[derive(Debug, Default)]
pub struct Behind {
    /// The newest of them.
    entries: Vec<Entry>,
    /// Whether there are older ones.
    is_cut: bool,
    total: Total,
    /// Places of the events asked about, by event.
    places: Vec<(Fingerprint, usize)>,
    /// How many entries each `other` has; of a distinct count only.
    others: HashMap<u64, usize, TokenHash>,
}

impl Behind {
    /// Of entries that come oldest first, the newest, at most so many.
    pub fn newest(entries: impl DoubleEndedIterator<Item = Entry>, bound: usize) -> Behind {
        let mut newest_first = entries.rev();
        let mut entries: Vec<Entry> = newest_first.by_ref().take(bound).collect();
        entries.reverse();
        let total = entries.iter().fold(Total::default(), |total, entry| total.plus(minor(entry)));
        Behind { entries, is_cut: newest_first.next().is_some(), total, ..Behind::default() }
    }

    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Finds some events, which come sorted, once for all questions about the value without them.
    pub fn ask_about(&mut self, events: &[Fingerprint], aggregate: Option<Aggregate>) {
        let asked = |entry: &Entry| events.binary_search(&entry.event).is_ok();
        let found = self.entries.iter().enumerate().filter(|(_, entry)| asked(entry));
        self.places = found.map(|(place, entry)| (entry.event, place)).collect();
        self.places.sort_unstable();
        if aggregate == Some(Aggregate::Distinct) {
            for entry in &self.entries {
                *self.others.entry(entry.other).or_default() += 1;
            }
        }
    }

    fn places_of(&self, event: Fingerprint) -> &[(Fingerprint, usize)] {
        let from = self.places.partition_point(|(known, _)| *known < event);
        let to = self.places.partition_point(|(known, _)| *known <= event);
        self.places.get(from..to).unwrap_or(&[])
    }

    /// Whether an event that was asked about stands behind the value.
    #[must_use]
    pub fn has(&self, event: Fingerprint) -> bool {
        !self.places_of(event).is_empty()
    }

    /// The value, which is this with it, without an event that was asked about, and whether any other entry
    /// is left. None where only a look at each entry of the log tells. Where there are older entries, one
    /// event among so many is taken to change nothing but what adds up.
    #[must_use]
    pub fn without(&self, event: Fingerprint, aggregate: Aggregate, value: i64) -> Option<(i64, bool)> {
        let places = self.places_of(event);
        let gone = || places.iter().filter_map(|(_, place)| self.entries.get(*place));
        if self.is_cut {
            let part = match aggregate {
                Aggregate::Count => places.len() as i128,
                Aggregate::Sum => gone().map(|entry| i128::from(minor(entry))).sum(),
                _ => 0,
            };
            return Some((saturate(i128::from(value) - part), true));
        }
        let mut left = self.entries.iter().filter(|entry| entry.event != event);
        let left_count = self.entries.len() - places.len();
        let any = left_count > 0;
        Some(match aggregate {
            Aggregate::Count => (saturate(left_count as i128), any),
            Aggregate::Sum | Aggregate::Average => {
                let sum = self.total.sum - gone().map(|entry| i128::from(minor(entry))).sum::<i128>();
                let total = Total { count: left_count as i128, sum, ..Total::default() };
                (total.value(aggregate), any)
            }
            Aggregate::Max => optional(left.map(minor).max()),
            Aggregate::Min => optional(left.map(minor).min()),
            Aggregate::Last => optional(left.next_back().map(minor)),
            Aggregate::Distinct => {
                let mut gone_others: Vec<u64> = gone().map(|entry| entry.other).collect();
                gone_others.sort_unstable();
                let is_gone = |of_one: &&[u64]| {
                    of_one.first().is_some_and(|other| self.others.get(other) == Some(&of_one.len()))
                };
                let gone_count = gone_others.chunk_by(u64::eq).filter(is_gone).count();
                (saturate(self.others.len() as i128 - gone_count as i128), any)
            }
            Aggregate::Deviation
            | Aggregate::LargestShare
            | Aggregate::Returned
            | Aggregate::SinceLast
            | Aggregate::SinceFirst => return None,
        })
    }
}

fn minor(entry: &Entry) -> i64 {
    entry.amount.map_or(0, |amount| amount.minor)
}
