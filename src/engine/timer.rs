//! Timers: what happens when nothing happens (DESIGN D9, ARCHITECTURE S3).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::base::{Fingerprint, TimeMs, Token};
use super::disposition::DispositionId;
use super::entry::EntryMoment;
use super::lead::LeadMoment;
use super::order::OrderMoment;
use super::planted::{Planted, is_planted};
use super::special::SpecialMoment;
use super::subject::Subject;

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
    /// The deadline of an appeal's state, from the how-manieth entering; void after a later one.
    AppealDue {
        measure: DispositionId,
        entered: u32,
        worsens: bool,
    },
    /// The deadline of a measure's state, if it is still the one that was entered as the how-manieth.
    MeasureDue {
        measure: DispositionId,
        entered: u32,
        worsens: bool,
    },
    /// Orders to hold what is kept of a holder end.
    HoldsEnd(Token),
    /// Something is due in the life of an authority order (S15).
    Order {
        holder: Token,
        /// The event by which the order was first heard of.
        order: Fingerprint,
        moment: OrderMoment,
    },
    /// Something is due in the life of a list entry (S16).
    Entry {
        holder: Token,
        /// The event by which the entry was first heard of.
        entry: Fingerprint,
        moment: EntryMoment,
    },
    /// Something is due in the life of a lead (S23).
    Lead {
        route: Subject,
        lead: DispositionId,
        moment: LeadMoment,
    },
    /// A special measure begins or ends, which is told and changes nothing (S25).
    Special {
        /// The event that brought its text.
        heard: Fingerprint,
        moment: SpecialMoment,
    },
}

impl Timer {
    /// Whether it worsens somebody's position and therefore waits until every source has been read.
    #[must_use]
    pub fn worsens(self) -> bool {
        matches!(
            self,
            Timer::ReservationLapses { .. }
                | Timer::AppealDue { worsens: true, .. }
                | Timer::MeasureDue { worsens: true, .. }
                | Timer::Order { moment: OrderMoment::Starts, .. }
                | Timer::Entry { moment: EntryMoment::Starts, .. }
                // An answer that waits to be read comes first.
                | Timer::Lead { moment: LeadMoment::AnswerDue | LeadMoment::GivenUp, .. }
        )
    }
}

/// When a timer is due, and the how-manieth it was to be set.
type Place = (TimeMs, u64);

/// Timers of one hour of due times share a reference, so that copying all of them copies a few thousand, and the
/// first to be set after that copies those of its hour: of a day's it would be hundreds of thousands.
const HOUR_MS: i64 = 3_600_000;

/// Timers in the order (due, set). A copy costs a reference for each hour.
#[derive(Clone, Debug, Default)]
struct Queue {
    hours: BTreeMap<i64, Arc<BTreeMap<Place, Timer>>>,
}

impl Queue {
    fn insert(&mut self, place: Place, timer: Timer) {
        Arc::make_mut(self.hours.entry(place.0.0.div_euclid(HOUR_MS)).or_default()).insert(place, timer);
    }

    fn cancel(&mut self, due: TimeMs, timer: Timer) {
        let std::collections::btree_map::Entry::Occupied(mut hour) =
            self.hours.entry(due.0.div_euclid(HOUR_MS))
        else {
            return;
        };
        let of_time = hour.get().range((due, 0)..=(due, u64::MAX));
        let place = of_time.filter(|(_, known)| **known == timer).map(|(place, _)| *place).next();
        if let Some(place) = place {
            Arc::make_mut(hour.get_mut()).remove(&place);
        }
        if hour.get().is_empty() {
            hour.remove();
        }
    }

    fn first(&self) -> Option<Place> {
        let (_, hour) = self.hours.first_key_value()?;
        hour.first_key_value().map(|(place, _)| *place)
    }

    fn take_first(&mut self) -> Option<(Place, Timer)> {
        let mut hour = self.hours.first_entry()?;
        let taken = Arc::make_mut(hour.get_mut()).pop_first();
        if hour.get().is_empty() {
            hour.remove();
        }
        taken
    }

    fn all(&self) -> impl Iterator<Item = (&Place, &Timer)> {
        self.hours.values().flat_map(|hour| hour.iter())
    }
}

/// Timers of a partition.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    easing: Queue,
    worsening: Queue,
    set_count: u64,
}

impl Timers {
    pub fn set(&mut self, due: TimeMs, timer: Timer) {
        let place = (due, self.set_count);
        self.set_count += 1;
        self.queue(timer).insert(place, timer);
    }

    fn queue(&mut self, timer: Timer) -> &mut Queue {
        if timer.worsens() { &mut self.worsening } else { &mut self.easing }
    }

    /// Takes one timer out again before its time.
    pub fn cancel(&mut self, due: TimeMs, timer: Timer) {
        self.queue(timer).cancel(due, timer);
    }

    /// The next timer that is due, with the time it was due at, taken out.
    pub fn next_due(&mut self, partition_time: TimeMs, newest_time: TimeMs) -> Option<(TimeMs, Timer)> {
        let partition_time = if is_planted(Planted::TimerClock) { newest_time } else { partition_time };
        let easing = self.easing.first().filter(|(due, _)| *due <= newest_time);
        let worsening = self.worsening.first().filter(|(due, _)| *due <= partition_time);
        let queue = match (easing, worsening) {
            (Some(easing), Some(worsening)) if worsening < easing => &mut self.worsening,
            (Some(_), _) => &mut self.easing,
            (None, Some(_)) => &mut self.worsening,
            (None, None) => return None,
        };
        queue.take_first().map(|((due, _), timer)| (due, timer))
    }

    /// When the next timer of all is due.
    #[must_use]
    pub fn first_due(&self) -> Option<TimeMs> {
        let first = [self.easing.first(), self.worsening.first()];
        first.into_iter().flatten().map(|(due, _)| due).min()
    }

    /// All timers with the count that orders them, for snapshots.
    pub fn all(&self) -> impl Iterator<Item = (TimeMs, u64, Timer)> + '_ {
        self.easing.all().chain(self.worsening.all()).map(|((due, set), timer)| (*due, *set, *timer))
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
            let is_left_out = (is_planted(Planted::LifeTimer) && matches!(timer, Timer::MeasureDue { .. }))
                || (is_planted(Planted::LeadTimer) && matches!(timer, Timer::Lead { .. }));
            if is_left_out {
                continue;
            }
            timers.queue(timer).insert((due, set), timer);
        }
        timers
    }
}
