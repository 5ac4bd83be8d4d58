//! Findings: what a firing rests on, written down when it happens (S13, DESIGN D30).

use std::cmp::Reverse;

use sha2::{Digest, Sha256};

use super::readings::{Reading, Readings, Source};
use super::rules::Scene;
use super::{Active, Partition};
use crate::engine::attributes::Attributes;
use crate::engine::base::{Fingerprint, TimeMs};
use crate::engine::evidence::{
    ComparisonEvidence, ENTRIES_MAX, EVENTS_MAX, EVENTS_PER_SIGNAL_MAX, EventRef, Evidence, Missed, NEAR,
    NEAR_MISSES_MAX, NearMiss, SignalEvidence,
};
use crate::engine::notice::RuleName;
use crate::engine::purpose::Purpose;
use crate::engine::rule::{Condition, Interval, Op};
use crate::engine::signal::{Aggregate, Signal};
use crate::engine::state::Finding;
use crate::engine::subject::SubjectKind;
use crate::engine::window::{Behind, Entry};

impl Partition {
    /// Writes down the signals of a rule (`wanted`, in order of first mention), what they show, and what
    /// would clear it.
    #[expect(clippy::too_many_arguments, reason = "one firing: of what, on what, and how it was read")]
    pub(super) fn find(
        &mut self,
        condition: &Condition,
        own: Purpose,
        wanted: &[usize],
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &Active,
        readings: &mut Readings,
    ) -> Finding {
        let signals = &active.set.signals;
        let mut digest = Sha256::new();
        let mut purpose = own;
        let mut room = EVENTS_MAX;
        let mut evidence = Evidence::default();
        let mut read: Vec<Read> = Vec::with_capacity(wanted.len());
        for number in wanted {
            let Some(signal) = signals.get(*number) else { continue };
            let reading = self.reading(*number, scene, bound, active, readings);
            purpose = purpose.join(signal.purpose);
            digest.update(signal.name.as_bytes());
            digest.update([0]);
            let behind = self.behind(signal, scene, bound, active);
            let entries = behind.entries();
            digest_entries(&mut digest, entries);
            let events = listed(entries, room.min(EVENTS_PER_SIGNAL_MAX));
            room -= events.len();
            let (reported_of, events_count) = match reading.source {
                Source::Log => (None, entries.len() as u64),
                Source::Reported(of) => (of, u64::try_from(reading.value).unwrap_or(0)),
                Source::Made => (None, 0),
            };
            let aggregate = signal.question().map(|question| question.aggregate);
            read.push(Read { number: *number, reading, aggregate, behind });
            evidence.signals.push(SignalEvidence {
                name: signal.name.clone(),
                subject: signal.subject,
                reported_of,
                value: reading.value,
                cold: reading.cold,
                window: signal.window_longest(signals),
                purpose: signal.purpose,
                authorisation: self.authorisation_of(signal, scene),
                events_count,
                events,
            });
        }
        evidence.digest = digest.finalize().into();
        let mut look = |number: usize| self.reading(number, scene, bound, active, readings);
        evidence.comparisons = holding(condition, &mut look, &scene.attributes, signals);
        evidence.strength_millionths = strength(&evidence.comparisons);
        evidence.signs = signs(condition, &mut look, &scene.attributes, signals);
        if scene.party.subject.kind != SubjectKind::Opening {
            evidence.cleared_without =
                self.cleared_without(condition, &evidence.signals, &mut read, scene, bound, active);
        }
        Finding { evidence, purpose }
    }

    /// The entries that a signal's reading is counted from, the newest of them where they are many.
    fn behind(&self, signal: &Signal, scene: &Scene<'_>, bound: Option<TimeMs>, active: &Active) -> Behind {
        let Some(subject) = scene.subject_of(signal) else { return Behind::default() };
        if signal.question().is_some_and(|question| self.is_closed_to(signal, question, scene)) {
            return Behind::default();
        }
        let as_of = self.as_of(subject.kind, scene, bound);
        match (self.logs.get(&subject), signal.question()) {
            (Some(log), Some(question)) => {
                Behind::newest(log.behind(question, &self.store, &active.set.calendar, as_of), ENTRIES_MAX)
            }
            _ => Behind::default(),
        }
    }

    /// The listed events each of which, taken out alone, leaves the condition not certain.
    fn cleared_without(
        &mut self,
        condition: &Condition,
        listed: &[SignalEvidence],
        read: &mut [Read],
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &Active,
    ) -> Vec<Fingerprint> {
        let listed = listed.iter().flat_map(|signal| &signal.events).map(|listed| listed.event);
        let mut events: Vec<Fingerprint> = listed.clone().collect();
        events.sort_unstable();
        events.dedup();
        read.iter_mut().for_each(|read| read.behind.ask_about(&events, read.aggregate));
        let mut is_asked = vec![false; events.len()];
        let mut without = Readings::default();
        let mut clearing = Vec::new();
        for event in listed {
            let place = events.binary_search(&event).ok();
            let Some(asked) = place.and_then(|place| is_asked.get_mut(place)).filter(|asked| !**asked) else {
                continue;
            };
            *asked = true;
            without.clear();
            for read in &*read {
                if let Some(reading) = read.without(event) {
                    without.keep(read.number, reading);
                }
            }
            let scene = Scene { left_out: Some(event), ..*scene };
            if !self.holds(condition, &scene, bound, active, &mut without) {
                clearing.push(event);
            }
        }
        clearing
    }

    /// Other rules that came near on the same event (S13).
    pub(super) fn near_misses(
        &mut self,
        fired: usize,
        scene: &Scene<'_>,
        active: &Active,
        readings: &mut Readings,
    ) -> Vec<NearMiss> {
        let mut misses = Vec::new();
        for (rule, bound) in self.others_near(fired, scene, active, readings) {
            if misses.len() == NEAR_MISSES_MAX {
                break;
            }
            let mut own = Readings::default();
            let readings = if bound.is_some() { &mut own } else { &mut *readings };
            let mut look = |number: usize| self.reading(number, scene, bound, active, readings);
            let (mut held_any, mut is_near) = (false, true);
            let mut missed = Vec::new();
            rule.condition.comparisons(&mut |comparison| {
                // One that is far settles it.
                if let Some(compared) =
                    is_near.then(|| Compared::of(comparison, &mut look, &scene.attributes)).flatten()
                {
                    held_any |= compared.holds;
                    if !compared.holds {
                        is_near = compared.is_near();
                        missed.push(compared);
                    }
                }
            });
            if held_any && is_near && !self.holds(&rule.condition, scene, bound, active, readings) {
                let name = RuleName { id: rule.id.clone(), version: rule.version };
                let missed = missed.into_iter().map(|missed| missed.missed(&active.set.signals)).collect();
                misses.push(NearMiss { rule: name, missed });
            }
        }
        misses
    }
}

/// A signal as it was read, and the entries it was counted from.
struct Read {
    number: usize,
    reading: Reading,
    /// Of a question to a log.
    aggregate: Option<Aggregate>,
    behind: Behind,
}

impl Read {
    /// The reading without an event, where it need not be taken anew.
    fn without(&self, event: Fingerprint) -> Option<Reading> {
        match self.reading.source {
            // A value behind which the event does not stand is the same without it.
            Source::Log if !self.behind.has(event) => Some(self.reading),
            Source::Log => {
                let aggregate = self.aggregate?;
                let without = self.behind.without(event, aggregate, self.reading.value)?;
                Some(self.reading.with_value(aggregate, without))
            }
            Source::Reported(_) => Some(self.reading),
            Source::Made => None,
        }
    }
}

/// A comparison of a condition: whether it holds for certain, and its sides computed from the values.
struct Compared<'a> {
    comparison: &'a Condition,
    holds: bool,
    /// It is not certain either way: history is missing (D16).
    uncertain: bool,
    /// All that it reads has a value, so that its sides can be shown.
    is_shown: bool,
    left: i128,
    op: Op,
    right: i128,
}

impl<'a> Compared<'a> {
    fn of(
        comparison: &'a Condition,
        look: &mut dyn FnMut(usize) -> Reading,
        event: &Attributes,
    ) -> Option<Compared<'a>> {
        let Condition::Compare { left, op, right } = comparison else { return None };
        let certain = comparison.eval(&mut |number| look(number).interval, event);
        let mut shown = |number: usize| Interval::point(look(number).value.into());
        Some(Compared {
            comparison,
            holds: certain == Some(true),
            uncertain: certain.is_none(),
            is_shown: comparison.eval(&mut shown, event).is_some(),
            left: left.eval(&mut shown, event).low.unwrap_or(0),
            op: *op,
            right: right.eval(&mut shown, event).low.unwrap_or(0),
        })
    }

    fn missed(&self, signals: &[Signal]) -> Missed {
        Missed { shown: self.shown(signals), uncertain: self.uncertain }
    }

    fn shown(&self, signals: &[Signal]) -> ComparisonEvidence {
        let Compared { left, op, right, .. } = *self;
        ComparisonEvidence { text: self.comparison.text(signals), left, op, right }
    }

    fn is_near(&self) -> bool {
        self.is_shown && ratio(self.left, self.op, self.right).is_some_and(|ratio| ratio >= NEAR)
    }
}

/// The comparisons of a condition, outside of negations, that hold for certain, in order.
fn holding(
    condition: &Condition,
    look: &mut dyn FnMut(usize) -> Reading,
    event: &Attributes,
    signals: &[Signal],
) -> Vec<ComparisonEvidence> {
    let mut all = Vec::new();
    condition.comparisons(&mut |comparison| {
        let compared = Compared::of(comparison, look, event).filter(|compared| compared.holds);
        all.extend(compared.map(|compared| compared.shown(signals)));
    });
    all
}

/// The comparisons that hold inside of the `? :` of those that hold, in order.
fn signs(
    condition: &Condition,
    look: &mut dyn FnMut(usize) -> Reading,
    event: &Attributes,
    signals: &[Signal],
) -> Vec<ComparisonEvidence> {
    let mut holds = |part: &Condition| part.eval(&mut |number| look(number).interval, event) == Some(true);
    let mut decided: Vec<&Condition> = Vec::new();
    condition.comparisons(&mut |comparison| {
        let Condition::Compare { left, right, .. } = comparison else { return };
        if holds(comparison) {
            left.choices(&mut |choice| decided.push(choice));
            right.choices(&mut |choice| decided.push(choice));
        }
    });
    decided.retain(|choice| holds(choice));
    let mut signs = Vec::new();
    for choice in decided {
        signs.extend(holding(choice, look, event, signals));
    }
    signs
}

/// Value to threshold in millionths, truncated; none unless both are positive.
fn ratio(left: i128, op: Op, right: i128) -> Option<i128> {
    (left > 0 && right > 0).then(|| match op {
        Op::Gt | Op::Ge => left.saturating_mul(1_000_000) / right,
        Op::Lt | Op::Le => right.saturating_mul(1_000_000) / left,
        Op::Eq | Op::Ne => 1_000_000,
    })
}

/// The least value-to-threshold ratio, in millionths.
fn strength(comparisons: &[ComparisonEvidence]) -> u64 {
    let least = comparisons.iter().filter_map(|shown| ratio(shown.left, shown.op, shown.right)).min();
    least.map_or(1_000_000, |ratio| u64::try_from(ratio).unwrap_or(u64::MAX))
}

fn minor(entry: &Entry) -> i64 {
    entry.amount.map_or(0, |amount| amount.minor)
}

/// Event, time and amount of each entry; many of them at a time, for a digest takes long stretches faster.
fn digest_entries(digest: &mut Sha256, entries: &[Entry]) {
    const TOGETHER: usize = 64;
    let mut bytes = Vec::with_capacity(24 * TOGETHER.min(entries.len()));
    for entries in entries.chunks(TOGETHER) {
        bytes.clear();
        for entry in entries {
            bytes.extend_from_slice(&entry.event.0.to_be_bytes());
            bytes.extend_from_slice(&entry.at.0.to_be_bytes());
            bytes.extend_from_slice(&minor(entry).to_be_bytes());
        }
        digest.update(&bytes);
    }
}

/// The first, the last and the largest events without repeats, `room` at most.
fn listed(behind: &[Entry], room: usize) -> Vec<EventRef> {
    /// More than are ever listed, repeats of a few aside.
    const LARGEST: usize = 2 * EVENTS_PER_SIGNAL_MAX;
    let mut events: Vec<EventRef> = Vec::new();
    let mut list = |place: usize| {
        if let Some(entry) = behind.get(place).filter(|_| events.len() < room) {
            let event = EventRef { event: entry.event, at: entry.at, amount: minor(entry) };
            if !events.contains(&event) {
                events.push(event);
            }
        }
        events.len() < room
    };
    list(0);
    behind.len().checked_sub(1).into_iter().for_each(|last| {
        list(last);
    });
    let mut by_amount: Vec<(Reverse<i64>, usize)> =
        behind.iter().enumerate().map(|(place, entry)| (Reverse(minor(entry)), place)).collect();
    if by_amount.len() > LARGEST {
        by_amount.select_nth_unstable(LARGEST);
    }
    let (largest, rest) = by_amount.split_at_mut(LARGEST.min(behind.len()));
    largest.sort_unstable();
    if largest.iter().all(|(_, place)| list(*place)) {
        rest.sort_unstable();
        rest.iter().all(|(_, place)| list(*place));
    }
    events
}
