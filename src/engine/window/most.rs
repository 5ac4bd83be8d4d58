//! The most that any window over a log can show: what tells that a comparison does not hold without a
//! look at the windows.

use super::packed::Packed;
use crate::engine::signal::Aggregate;

/// What no window over a log exceeds, whatever it counts: not less than the truth, and often more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Most {
    /// Entries.
    pub count: i64,
    /// Sum of their amounts in minor units.
    pub sum: i64,
    /// Largest amount.
    pub largest: i64,
}

impl Most {
    pub(super) fn of<'a>(entries: impl Iterator<Item = &'a Packed>) -> Most {
        entries.fold(Most::default(), |most, entry| Most {
            count: most.count + 1,
            sum: most.sum.saturating_add(entry.minor()),
            largest: most.largest.max(entry.minor()),
        })
    }

    /// The bound for an aggregate; none if there is none. The least of amounts, their mean and how far
    /// they lie from it are no more than the largest.
    #[must_use]
    pub fn bound(aggregate: Aggregate) -> Option<Bound> {
        match aggregate {
            Aggregate::Count | Aggregate::Distinct | Aggregate::Returned => Some(Bound::Count),
            Aggregate::Sum => Some(Bound::Sum),
            Aggregate::Max | Aggregate::Min | Aggregate::Last | Aggregate::Average | Aggregate::Deviation => {
                Some(Bound::Largest)
            }
            Aggregate::LargestShare | Aggregate::SinceLast | Aggregate::SinceFirst => None,
        }
    }

    #[must_use]
    pub fn value(&self, bound: Bound) -> i64 {
        match bound {
            Bound::Count => self.count,
            Bound::Sum => self.sum,
            Bound::Largest => self.largest,
        }
    }
}

/// Which of them bounds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    Count,
    Sum,
    Largest,
}

/// Sum and largest amount of a long log, kept as it changes.
///
/// Invariant: `older` is at least the amounts of the first `boundary` entries, `newer` those of the rest.
/// So a large amount is let go of when the entries that were there with it have gone, without a search.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ceiling {
    /// Unless amounts exceeded the type once: then it stays at the largest number.
    sum: u64,
    older: i64,
    newer: i64,
    boundary: u32,
}

impl Ceiling {
    pub fn of<'a>(entries: impl Iterator<Item = &'a Packed>) -> Ceiling {
        let mut ceiling = Ceiling::default();
        entries.for_each(|entry| ceiling.insert(usize::MAX, entry));
        ceiling
    }

    pub fn insert(&mut self, place: usize, entry: &Packed) {
        let minor = entry.minor();
        self.sum = self.sum.saturating_add(minor.unsigned_abs());
        if place < self.boundary as usize {
            self.older = self.older.max(minor);
            self.boundary += 1;
        } else {
            self.newer = self.newer.max(minor);
        }
    }

    /// The oldest entry went; so many are left.
    pub fn drop_front(&mut self, entry: &Packed, left: usize) {
        if self.sum != u64::MAX {
            self.sum = self.sum.saturating_sub(entry.minor().unsigned_abs());
        }
        match self.boundary.checked_sub(1) {
            Some(boundary) if boundary > 0 => self.boundary = boundary,
            _ => {
                (self.older, self.newer) = (self.newer, 0);
                self.boundary = u32::try_from(left).unwrap_or(u32::MAX);
            }
        }
    }

    pub fn most(&self, count: usize) -> Most {
        Most {
            count: i64::try_from(count).unwrap_or(i64::MAX),
            sum: i64::try_from(self.sum).unwrap_or(i64::MAX),
            largest: self.older.max(self.newer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::{Currency, Fingerprint, Money, TimeMs};
    use crate::engine::fact::Feed;
    use crate::engine::window::Entry;
    use std::collections::VecDeque;

    fn entry(minor: i64) -> Packed {
        let amount = Some(Money { minor, currency: Currency::CNY });
        let (event, feed) = (Fingerprint(0), Feed::TransferPayer);
        Packed::new(&Entry { at: TimeMs(0), event, other: 0, amount, feed, marks: 0 }, 1)
    }

    #[test]
    fn the_largest_amount_is_let_go_of_after_it_went() {
        let mut ceiling = Ceiling::default();
        let mut log: VecDeque<i64> = VecDeque::new();
        let push = |ceiling: &mut Ceiling, log: &mut VecDeque<i64>, minor: i64| {
            ceiling.insert(log.len(), &entry(minor));
            log.push_back(minor);
            if log.len() > 10 {
                let gone = log.pop_front().unwrap();
                ceiling.drop_front(&entry(gone), log.len());
            }
            let most = ceiling.most(log.len());
            assert_eq!((most.count, most.sum), (log.len() as i64, log.iter().sum()));
            assert!(log.iter().all(|minor| *minor <= most.largest));
            most.largest
        };
        assert_eq!(push(&mut ceiling, &mut log, 1_000), 1_000);
        let after: Vec<i64> = (0..30).map(|_| push(&mut ceiling, &mut log, 5)).collect();
        assert_eq!(after[29], 5, "two lengths of the log later nothing is left of it");
    }

    #[test]
    fn a_sum_beyond_the_type_stays_the_largest_number() {
        let mut ceiling = Ceiling::default();
        for place in 0..4_000 {
            ceiling.insert(place, &entry((1 << 53) - 1));
        }
        ceiling.drop_front(&entry((1 << 53) - 1), 3_999);
        assert_eq!(ceiling.most(3_999).sum, i64::MAX);
    }
}
