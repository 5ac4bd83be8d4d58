//! Which holders were told that a signal of a shared subject stands at its level: they hear when it falls (S9).
//!
//! A payee that everybody pays has told everybody, so telling one more must not look at all the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::base::{TimeMs, Token};

/// One holder was told of one signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub signal: Arc<str>,
    pub holder: Token,
    /// When it ends if nothing more happens.
    pub until: TimeMs,
}

/// All who were told of one shared subject.
#[derive(Clone, Debug, Default)]
pub struct ToldHolders {
    by_signal: BTreeMap<Arc<str>, BTreeMap<Token, Place>>,
    /// How many tellings there have been.
    tellings: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    until: TimeMs,
    /// In the order of the last telling.
    order: u64,
}

impl ToldHolders {
    /// Takes the place of what the holder was told of the signal before.
    pub fn note(&mut self, told: Told) {
        let place = Place { until: told.until, order: self.tellings };
        self.tellings += 1;
        self.by_signal.entry(told.signal).or_default().insert(told.holder, place);
    }

    /// Takes out those who were told of a signal, in the order in which they were last told.
    pub fn take(&mut self, signal: &str) -> Vec<Told> {
        in_order(self.by_signal.remove_entry(signal).into_iter())
    }

    /// All of them, in the order in which they were last told.
    #[must_use]
    pub fn all(&self) -> Vec<Told> {
        in_order(self.by_signal.iter().map(|(signal, holders)| (Arc::clone(signal), holders.clone())))
    }

    /// Whether nothing of it ends at or before a time.
    #[must_use]
    pub fn is_later_than(&self, horizon: TimeMs) -> bool {
        self.by_signal.values().flat_map(BTreeMap::values).all(|place| place.until > horizon)
    }

    /// Drops what ends at or before a time.
    pub fn forget(&mut self, horizon: TimeMs) {
        self.by_signal.retain(|_, holders| {
            holders.retain(|_, place| place.until > horizon);
            !holders.is_empty()
        });
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_signal.is_empty()
    }
}

impl FromIterator<Told> for ToldHolders {
    fn from_iter<I: IntoIterator<Item = Told>>(all: I) -> ToldHolders {
        let mut told = ToldHolders::default();
        all.into_iter().for_each(|one| told.note(one));
        told
    }
}

fn in_order(signals: impl Iterator<Item = (Arc<str>, BTreeMap<Token, Place>)>) -> Vec<Told> {
    let holders = signals.flat_map(|(signal, holders)| {
        let told = move |(holder, Place { until, order })| {
            (order, Told { signal: Arc::clone(&signal), holder, until })
        };
        holders.into_iter().map(told)
    });
    let mut all: Vec<(u64, Told)> = holders.collect();
    all.sort_unstable_by_key(|(order, _)| *order);
    all.into_iter().map(|(_, told)| told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_again_comes_last_and_holds_longer() {
        let told = |signal: &str, holder, until| Told {
            signal: signal.into(),
            holder: Token(holder),
            until: TimeMs(until),
        };
        let mut all: ToldHolders =
            [told("a", 1, 10), told("a", 2, 20), told("b", 1, 30), told("a", 1, 40)].into_iter().collect();
        assert_eq!(all.all(), [told("a", 2, 20), told("b", 1, 30), told("a", 1, 40)]);
        assert!(all.is_later_than(TimeMs(19)) && !all.is_later_than(TimeMs(20)));
        all.forget(TimeMs(20));
        assert_eq!(all.take("a"), [told("a", 1, 40)]);
        assert_eq!(all.take("a"), []);
        assert_eq!(all.take("b"), [told("b", 1, 30)]);
        assert!(all.is_empty());
    }
}
