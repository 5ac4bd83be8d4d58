//! Readings: the value of a signal at a scene, and how much of it is known (S6, DESIGN D16).

use super::rules::Scene;
use super::sieve::Places;
use super::traces::Access;
use super::{Active, Partition};
use crate::engine::attributes::Field;
use crate::engine::base::{SpanMs, TimeMs, Token, saturate};
use crate::engine::calendar::Calendar;
use crate::engine::holder::AskedOf;
use crate::engine::rule::Interval;
use crate::engine::signal::{Aggregate, Question, Reads, Signal, Window};
use crate::engine::subject::{Subject, SubjectKind};
use crate::engine::window::{AsOf, AskedFor, Store, SubjectLog, Values};

/// A signal's value at a scene.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub value: i64,
    pub interval: Interval,
    pub cold: bool,
    pub source: Source,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The log of one of the scene's own subjects.
    Log,
    /// The shared subject it was reported of.
    Reported(Option<Token>),
    /// Made of other signals, which are listed themselves, or of what is known of the party.
    Made,
}

impl Reading {
    /// Of a signal that the scene does not have: nothing is known.
    const UNKNOWN: Reading =
        Reading { value: 0, interval: Interval::UNKNOWN, cold: true, source: Source::Made };

    /// The same signal of the same scene where its log holds something else.
    pub fn with_value(self, aggregate: Aggregate, (value, any): (i64, bool)) -> Reading {
        Reading { value, interval: interval(self.cold, aggregate, value, any), ..self }
    }

    /// Of a signal made of two others: certain where both are.
    fn combined(self, other: Reading, f: impl Fn(i128, i128) -> i128) -> Reading {
        let value = f(self.value.into(), other.value.into());
        let certain = self.interval.is_point() && other.interval.is_point();
        Reading {
            value: saturate(value),
            interval: if certain { Interval::point(value) } else { Interval::UNKNOWN },
            cold: self.cold || other.cold,
            source: Source::Made,
        }
    }
}

/// Readings of one scene by signal number: each signal is read once, whatever the number of rules.
#[derive(Debug)]
pub(super) struct Readings {
    /// Which scene this is; what was kept of another does not count.
    scene: u32,
    slots: Vec<(u32, Reading)>,
    /// Values that are certain, once that was found out: most are compared by several rules.
    certain: Vec<(u32, i64)>,
    /// What was answered along with the values that were asked for.
    pub values: Values,
    /// Whether anything at all is told of the holder at the scene's time, once that was looked up.
    told: Option<bool>,
    /// Memory for the places of the rules that may hold, and for what tells which these are.
    pub places: Places,
    pub ceilings: Vec<i64>,
}

/// By which way a signal's certain value is found fastest; worked out once for a rule set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// A sliding window over a log of the scene's own: warm from a time on, and this far back.
    Sliding { of: SubjectKind, warm_from: TimeMs, reach: SpanMs },
    /// Told by reports.
    Told,
    /// By a whole reading.
    Other,
}

impl Way {
    /// Of a signal that has been fed since a time.
    pub fn of(signal: &Signal, since: TimeMs) -> Way {
        match signal.question() {
            _ if !signal.subject.lives_with_holder() => Way::Told,
            // Asked each time whether it may be read at all.
            Some(question) if question.is_of_abnormal() => Way::Other,
            Some(question) if matches!(question.window, Window::Sliding(_)) => {
                let reach = question.reach();
                Way::Sliding { of: signal.subject, warm_from: since.plus(reach), reach }
            }
            _ => Way::Other,
        }
    }
}

impl Default for Readings {
    fn default() -> Readings {
        Readings {
            scene: 1,
            slots: Vec::new(),
            values: Values::default(),
            told: None,
            places: Places::default(),
            ceilings: Vec::new(),
            certain: Vec::new(),
        }
    }
}

impl Readings {
    /// Forgets the scene, and keeps its memory for the next.
    pub fn clear(&mut self) {
        self.values.clear();
        self.told = None;
        self.scene = self.scene.wrapping_add(1);
        if self.scene == 0 {
            *self = Readings::default();
        }
    }

    fn get(&self, number: usize) -> Option<&Reading> {
        self.slots.get(number).filter(|(scene, _)| *scene == self.scene).map(|(_, reading)| reading)
    }

    fn certain(&self, number: usize) -> Option<i64> {
        self.certain.get(number).filter(|(scene, _)| *scene == self.scene).map(|(_, value)| *value)
    }

    fn keep_certain(&mut self, number: usize, value: i64) {
        if self.certain.len() <= number {
            self.certain.resize(number + 1, (0, 0));
        }
        if let Some(slot) = self.certain.get_mut(number) {
            *slot = (self.scene, value);
        }
    }

    /// Keeps a reading for the rest of the scene.
    pub fn keep(&mut self, number: usize, reading: Reading) {
        if self.slots.len() <= number {
            self.slots.resize(number + 1, (0, Reading::UNKNOWN));
        }
        if let Some(slot) = self.slots.get_mut(number) {
            *slot = (self.scene, reading);
        }
    }
}

impl Scene<'_> {
    /// Whose log answers a signal, if the scene has such a subject; shared ones are known by reports.
    pub(super) fn subject_of(&self, signal: &Signal) -> Option<Subject> {
        self.subject_of_kind(signal.subject)
    }

    /// The scene's subject of a kind, if it has one and it lives here.
    pub(super) fn subject_of_kind(&self, kind: SubjectKind) -> Option<Subject> {
        match kind {
            SubjectKind::Holder => Some(Subject::new(SubjectKind::Holder, self.holder)),
            SubjectKind::Pair => {
                Some(Subject::new(SubjectKind::Pair, self.party.subject.token.pair(self.other?)))
            }
            kind => Some(self.party.subject).filter(|party| party.kind == kind),
        }
    }
}

impl Partition {
    /// An empty set of readings, in memory that is used again and again.
    pub(super) fn take_readings(&mut self) -> Box<Readings> {
        let mut readings = self.scratch.take().unwrap_or_default();
        readings.clear();
        readings
    }

    pub(super) fn keep_readings(&mut self, readings: Box<Readings>) {
        self.scratch = Some(readings);
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
        if let Some(known) = readings.get(number) {
            return *known;
        }
        let reading = self.read(number, scene, bound, active, readings).unwrap_or(Reading::UNKNOWN);
        readings.keep(number, reading);
        reading
    }

    /// The value of a signal, where that is certain; of a scene without bound.
    pub(super) fn certain(
        &mut self,
        number: usize,
        scene: &Scene<'_>,
        active: &Active,
        readings: &mut Readings,
    ) -> Option<i64> {
        if let Some(value) = readings.certain(number) {
            return Some(value);
        }
        let value = self.found_certain(number, scene, active, readings)?;
        readings.keep_certain(number, value);
        Some(value)
    }

    fn found_certain(
        &mut self,
        number: usize,
        scene: &Scene<'_>,
        active: &Active,
        readings: &mut Readings,
    ) -> Option<i64> {
        match self.ways.get(number) {
            Some(Way::Sliding { of, warm_from, reach }) => {
                // Read along with another signal of its set, and warm (S6): then it is a point.
                let known = readings
                    .values
                    .get(number)
                    .filter(|_| *warm_from <= scene.at && self.horizons.log(*of) <= scene.at.minus(*reach));
                if let Some((value, _)) = known {
                    return Some(value);
                }
            }
            Some(Way::Told) if !self.is_told_anything(scene, readings) => return Some(0),
            _ => {}
        }
        let interval = self.reading(number, scene, None, active, readings).interval;
        interval.low.filter(|_| interval.is_point()).and_then(|value| i64::try_from(value).ok())
    }

    /// Whether any standing of the holder holds at the scene's time.
    pub(super) fn is_told_anything(&self, scene: &Scene<'_>, readings: &mut Readings) -> bool {
        *readings.told.get_or_insert_with(|| {
            let holder = self.holders.get(&scene.holder);
            holder.is_some_and(|holder| holder.standings.iter().any(|told| told.holds_at(scene.at)))
        })
    }

    /// As of when, how far back and for which event a scene asks the log of a kind of subject.
    pub(super) fn as_of(&self, of: SubjectKind, scene: &Scene<'_>, bound: Option<TimeMs>) -> AsOf {
        AsOf { at: scene.at, horizon: self.horizons.log(of), bound, event: asked_for(scene) }
    }

    fn read(
        &mut self,
        number: usize,
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &Active,
        readings: &mut Readings,
    ) -> Option<Reading> {
        let signal = active.set.signals.get(number)?;
        // A shared subject is read in its own partition by what is referred about it alone (S23).
        if !signal.subject.lives_with_holder() && signal.subject != scene.party.subject.kind {
            return Some(self.read_reported(signal, scene, bound));
        }
        let subject = scene.subject_of(signal)?;
        let as_of = self.as_of(subject.kind, scene, bound);
        Some(match signal.reads {
            Reads::Log(question) => {
                let values = &mut readings.values;
                self.read_log(number, signal, &question, subject, scene, as_of, active, values)
            }
            Reads::SinceOpened => self.read_since_opened(scene),
            // Of a counterparty only, so it is told and never read here.
            Reads::MeasuresStanding => return None,
            Reads::Ratio { of, to, scale } => {
                let of = self.reading(of, scene, bound, active, readings);
                let to = self.reading(to, scene, bound, active, readings);
                of.combined(to, |of, to| ratio(of, to, scale))
            }
            Reads::Difference { of, to } => {
                let of = self.reading(of, scene, bound, active, readings);
                let to = self.reading(to, scene, bound, active, readings);
                let value = of.combined(to, |of, to| of - to);
                Reading { interval: of.interval.minus(to.interval), ..value }
            }
        })
    }

    #[expect(clippy::too_many_arguments, reason = "one question: which, of whom, as of when")]
    fn read_log(
        &mut self,
        number: usize,
        signal: &Signal,
        question: &Question,
        subject: Subject,
        scene: &Scene<'_>,
        as_of: AsOf,
        active: &Active,
        values: &mut Values,
    ) -> Reading {
        let mut held_since = TimeMs::MIN;
        if question.is_of_abnormal() {
            match self.access(signal, question, scene) {
                Access::Closed => return Reading::UNKNOWN,
                Access::Open { since, .. } => held_since = since,
            }
        }
        let (value, any) = self.log_value(number, question, subject, as_of, active, values);
        let calendar = &active.set.calendar;
        let begin = question.window.begin(scene.at.minus(question.delay), calendar);
        let cold = begin < held_since || self.is_cold(number, signal, question, scene, as_of, calendar);
        Reading { value, interval: interval(cold, question.aggregate, value, any), cold, source: Source::Log }
    }

    /// The value of a question over the log of a subject, and whether any entry was in its window.
    /// `values` are of that log as of the same moment.
    pub(super) fn log_value(
        &mut self,
        number: usize,
        question: &Question,
        of: Subject,
        as_of: AsOf,
        active: &Active,
        values: &mut Values,
    ) -> (i64, bool) {
        if let Some(known) = values.get(number) {
            return known;
        }
        let (Some(log), Some(plan)) = (self.logs.get(&of), active.plans.get(of.kind)) else {
            return (nothing_in(question, &active.set.calendar, as_of), false);
        };
        if let Some(value) = log.value(number, &self.store, plan, as_of, values) {
            return value;
        }
        let log = self.logs.get_derived_mut(&of);
        log.map_or((0, false), |log| log.value_moved(number, &mut self.store, plan, as_of, values))
    }

    /// How long ago the party was opened; one that was stated is older than that.
    fn read_since_opened(&self, scene: &Scene<'_>) -> Reading {
        let holder = self.holders.get(&scene.holder);
        let Some((since, seen)) = holder.and_then(|holder| holder.held_since(scene.party.subject)) else {
            return Reading::UNKNOWN;
        };
        let value = scene.at.0.saturating_sub(since.0).max(0);
        let interval = Interval { low: Some(value.into()), high: seen.then_some(value.into()) };
        Reading { value, interval, cold: !seen, source: Source::Made }
    }

    fn read_reported(&self, signal: &Signal, scene: &Scene<'_>, bound: Option<TimeMs>) -> Reading {
        let holder = self.holders.get(&scene.holder);
        // What is told of the other side counts for the transfer with that side alone.
        let of = match signal.subject {
            SubjectKind::Counterparty => Some(scene.other),
            _ => None,
        };
        let standing = match of {
            Some(None) => None,
            of => holder.and_then(|holder| {
                let asked = AskedOf { of: of.flatten(), at: scene.at, bound, out: self.horizons.telling };
                holder.standing(&signal.name, asked)
            }),
        };
        let value = standing.map_or(0, |standing| i64::try_from(standing.value).unwrap_or(i64::MAX));
        Reading {
            value,
            interval: Interval::point(value.into()),
            cold: false,
            source: Source::Reported(standing.map(|standing| standing.about.token)),
        }
    }

    fn is_cold(
        &self,
        number: usize,
        signal: &Signal,
        question: &Question,
        scene: &Scene<'_>,
        as_of: AsOf,
        calendar: &Calendar,
    ) -> bool {
        let begin = question.window.begin(scene.at.minus(question.delay), calendar);
        if begin < as_of.horizon {
            return true;
        }
        let since = self.since_of.get(number).copied().unwrap_or(self.newest_time);
        let whole_life = || {
            let of_party = !matches!(signal.subject, SubjectKind::Holder);
            let opened =
                self.holders.get(&scene.holder).and_then(|holder| holder.opened_at(scene.party.subject));
            of_party && opened.is_some_and(|opened| opened >= since)
        };
        begin < since && !whole_life()
    }
}

/// The event that a scene asks its values for.
fn asked_for(scene: &Scene<'_>) -> AskedFor {
    AskedFor {
        entry: Some(scene.entry),
        amount: scene.attributes.get(Field::Amount),
        other: scene.other.map(Token::short),
        left_out: scene.left_out,
    }
}

/// The value of an empty log.
fn nothing_in(question: &Question, calendar: &Calendar, as_of: AsOf) -> i64 {
    SubjectLog::default().scan(question, &Store::default(), calendar, as_of).0
}

/// `of * scale / to`, rounded down; 0 when `to` is not positive.
pub(super) fn ratio(of: i128, to: i128, scale: u32) -> i128 {
    if to <= 0 { 0 } else { of.saturating_mul(i128::from(scale)).div_euclid(to) }
}

fn interval(cold: bool, aggregate: Aggregate, value: i64, any: bool) -> Interval {
    if cold { cold_interval(aggregate, value, any) } else { Interval::point(value.into()) }
}

/// What is known of a cold signal (S6, D16).
fn cold_interval(aggregate: Aggregate, value: i64, any: bool) -> Interval {
    let value = i128::from(value);
    match aggregate {
        Aggregate::Count | Aggregate::Sum | Aggregate::Distinct => Interval { low: Some(value), high: None },
        Aggregate::Max if any => Interval { low: Some(value), high: None },
        Aggregate::Min if any => Interval { low: None, high: Some(value) },
        // More may have been returned, and the oldest may be older: never less.
        Aggregate::Returned => Interval { low: Some(value), high: None },
        Aggregate::SinceFirst if any => Interval { low: Some(value), high: None },
        // The newest that was seen is the newest: what was not seen is older.
        Aggregate::SinceLast if any => Interval::point(value),
        Aggregate::Max
        | Aggregate::Min
        | Aggregate::Last
        | Aggregate::Average
        | Aggregate::Deviation
        | Aggregate::LargestShare
        | Aggregate::SinceFirst
        | Aggregate::SinceLast => Interval::UNKNOWN,
    }
}
