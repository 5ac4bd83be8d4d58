//! Readings: the value of a signal at a scene, and how much of it is known (S6, DESIGN D16).

use super::rules::Scene;
use super::{Active, Partition};
use crate::engine::base::{TimeMs, Token};
use crate::engine::rule::Interval;
use crate::engine::signal::{Aggregate, Signal};
use crate::engine::subject::{Subject, SubjectKind};
use crate::engine::window::AsOf;

/// A signal's value at a scene.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub value: i64,
    pub interval: Interval,
    pub cold: bool,
    /// The log it was read from, or the shared subject it was reported of.
    pub source: Source,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Log(Subject, AsOf),
    Reported(Option<Token>),
}

impl Reading {
    /// Of a signal that the scene does not have: nothing is known.
    const UNKNOWN: Reading = Reading {
        value: 0,
        interval: Interval { low: None, high: None },
        cold: true,
        source: Source::Reported(None),
    };
}

/// Readings of one scene by signal number: each signal is read once, whatever the number of rules.
#[derive(Debug, Default)]
pub(super) struct Readings {
    by_signal: Vec<Option<Reading>>,
}

impl Partition {
    /// An empty set of readings, in memory that is used again and again.
    pub(super) fn take_readings(&mut self) -> Readings {
        let mut by_signal = std::mem::take(&mut self.scratch.by_signal);
        by_signal.clear();
        Readings { by_signal }
    }

    pub(super) fn keep_readings(&mut self, readings: Readings) {
        self.scratch = readings;
    }

    /// The reading of a signal, taken at most once.
    pub(super) fn reading(
        &mut self,
        number: usize,
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &Active,
        readings: &mut Readings,
    ) -> Reading {
        if let Some(Some(known)) = readings.by_signal.get(number) {
            return *known;
        }
        let reading = self.read(number, scene, bound, active).unwrap_or(Reading::UNKNOWN);
        if readings.by_signal.len() <= number {
            readings.by_signal.resize(number + 1, None);
        }
        if let Some(slot) = readings.by_signal.get_mut(number) {
            *slot = Some(reading);
        }
        reading
    }

    fn read(
        &mut self,
        number: usize,
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &Active,
    ) -> Option<Reading> {
        let signal = active.set.signals.get(number)?;
        let subject = match signal.subject {
            SubjectKind::Holder => Subject::new(SubjectKind::Holder, scene.holder),
            SubjectKind::Pair => {
                Subject::new(SubjectKind::Pair, scene.party.subject.token.pair(scene.other?))
            }
            kind if kind == scene.party.subject.kind => scene.party.subject,
            _ => return Some(self.read_reported(signal, scene, bound)),
        };
        let as_of = AsOf { at: scene.at, horizon: self.horizon(), bound };
        let (value, any) = match (self.logs.get_mut(&subject), active.plans.get(&subject.kind)) {
            (Some(log), Some(plan)) => log.value(number, plan, as_of),
            _ => (0, false),
        };
        let cold = self.is_cold(signal, scene, as_of);
        let interval =
            if cold { cold_interval(signal.aggregate, value, any) } else { Interval::point(value.into()) };
        Some(Reading { value, interval, cold, source: Source::Log(subject, as_of) })
    }

    fn read_reported(&self, signal: &Signal, scene: &Scene<'_>, bound: Option<TimeMs>) -> Reading {
        let holder = self.holders.get(&scene.holder);
        let standing = holder.and_then(|holder| holder.standing(&signal.name, scene.at, bound));
        let value = standing.map_or(0, |standing| i64::try_from(standing.value).unwrap_or(i64::MAX));
        Reading {
            value,
            interval: Interval::point(value.into()),
            cold: false,
            source: Source::Reported(standing.map(|standing| standing.about.token)),
        }
    }

    fn is_cold(&self, signal: &Signal, scene: &Scene<'_>, as_of: AsOf) -> bool {
        let begin = scene.at.minus(signal.window);
        if begin < as_of.horizon {
            return true;
        }
        let since = self.since.get(&signal.name).copied().unwrap_or(self.newest_time);
        let whole_life = || {
            let of_party = !matches!(signal.subject, SubjectKind::Holder);
            let opened =
                self.holders.get(&scene.holder).and_then(|holder| holder.opened_at(scene.party.subject));
            of_party && opened.is_some_and(|opened| opened >= since)
        };
        begin < since && !whole_life()
    }
}

/// What is known of a cold signal (S6, D16).
fn cold_interval(aggregate: Aggregate, value: i64, any: bool) -> Interval {
    let value = i128::from(value);
    match aggregate {
        Aggregate::Count | Aggregate::Sum | Aggregate::Distinct => Interval { low: Some(value), high: None },
        Aggregate::Max if any => Interval { low: Some(value), high: None },
        Aggregate::Min if any => Interval { low: None, high: Some(value) },
        Aggregate::Max | Aggregate::Min | Aggregate::Last => Interval { low: None, high: None },
    }
}
