//! Timers: what happens when nothing happens (DESIGN D9, ARCHITECTURE S3).

use std::collections::BTreeMap;

use super::base::{TimeMs, Token};
use super::disposition::DispositionId;
use super::planted::{Planted, is_planted};

/// What a timer does when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    MeasureExpires(DispositionId),
    /// The time to appeal against an ended measure has passed.
    MeasureForgotten(DispositionId),
    ReservationLapses {
        holder: Token,
        opening: Token,
    },
}

impl Timer {
    /// Whether it worsens somebody's position and therefore waits until every source has been read.
    #[must_use]
    pub fn worsens(self) -> bool {
        matches!(self, Timer::ReservationLapses { .. })
    }
}

/// Timers in the order (due, set).
#[derive(Clone, Debug, Default)]
pub struct Timers {
    easing: BTreeMap<(TimeMs, u64), Timer>,
    worsening: BTreeMap<(TimeMs, u64), Timer>,
    set_count: u64,
}

impl Timers {
    pub fn set(&mut self, due: TimeMs, timer: Timer) {
        let key = (due, self.set_count);
        self.set_count += 1;
        if timer.worsens() {
            self.worsening.insert(key, timer);
        } else {
            self.easing.insert(key, timer);
        }
    }

    /// The next timer that is due, with the time it was due at, taken out.
    pub fn next_due(&mut self, partition_time: TimeMs, newest_time: TimeMs) -> Option<(TimeMs, Timer)> {
        let easing =
            self.easing.first_key_value().map(|(key, _)| *key).filter(|(due, _)| *due <= newest_time);
        let partition_time = if is_planted(Planted::TimerClock) { newest_time } else { partition_time };
        let worsening =
            self.worsening.first_key_value().map(|(key, _)| *key).filter(|(due, _)| *due <= partition_time);
        let worsening_first = match (easing, worsening) {
            (Some(easing), Some(worsening)) => worsening < easing,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let queue = if worsening_first { &mut self.worsening } else { &mut self.easing };
        let key = if worsening_first { worsening } else { easing }?;
        queue.remove(&key).map(|timer| (key.0, timer))
    }

    /// All timers with the count that orders them, for snapshots.
    pub fn all(&self) -> impl Iterator<Item = (TimeMs, u64, Timer)> + '_ {
        self.easing.iter().chain(&self.worsening).map(|((due, set), timer)| (*due, *set, *timer))
    }

    #[must_use]
    pub fn set_count(&self) -> u64 {
        self.set_count
    }

    /// Rebuilds the queues from what a snapshot kept.
    #[must_use]
    pub fn restore(set_count: u64, all: impl IntoIterator<Item = (TimeMs, u64, Timer)>) -> Timers {
        let mut timers = Timers { set_count, ..Timers::default() };
        for (due, set, timer) in all {
            let queue = if timer.worsens() { &mut timers.worsening } else { &mut timers.easing };
            queue.insert((due, set), timer);
        }
        timers
    }
}
