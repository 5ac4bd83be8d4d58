//! Duplicates: which events have been applied, within a declared horizon (DESIGN D10, ARCHITECTURE S4).

use std::collections::{HashMap, VecDeque};

use super::base::{Fingerprint, SpanMs, TimeMs};
use super::state::TokenHash;

/// Fingerprints of applied events with the newest time at which they were applied.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    times: HashMap<Fingerprint, TimeMs, TokenHash>,
    /// In order of application; its times never fall.
    order: VecDeque<(TimeMs, Fingerprint)>,
}

impl Seen {
    /// Whether the event was applied less than `horizon` before `newest`.
    #[must_use]
    pub fn contains(&self, event: Fingerprint, newest: TimeMs, horizon: SpanMs) -> bool {
        self.times.get(&event).is_some_and(|seen| newest.minus(horizon) < *seen)
    }

    /// Remembers an event, and forgets those beyond the horizon.
    pub fn insert(&mut self, event: Fingerprint, newest: TimeMs, horizon: SpanMs) {
        self.times.insert(event, newest);
        self.order.push_back((newest, event));
        while let Some((time, oldest)) = self.order.front().copied() {
            if newest.minus(horizon) < time {
                break;
            }
            self.order.pop_front();
            // The same event may have been applied again after it was forgotten.
            if self.times.get(&oldest) == Some(&time) {
                self.times.remove(&oldest);
            }
        }
    }

    /// In order of application, for snapshots.
    pub fn all(&self) -> impl Iterator<Item = (TimeMs, Fingerprint)> + '_ {
        self.order.iter().copied()
    }

    /// Rebuilds the memory from what a snapshot kept.
    #[must_use]
    pub fn restore(all: impl IntoIterator<Item = (TimeMs, Fingerprint)>) -> Seen {
        let mut seen = Seen::default();
        for (time, event) in all {
            seen.times.insert(event, time);
            seen.order.push_back((time, event));
        }
        seen
    }
}
