//! Findings: what a firing rests on, written down when it happens (S13, DESIGN D30).

use sha2::{Digest, Sha256};

use super::readings::{Reading, Readings, Source};
use super::rules::Scene;
use super::{Active, Partition};
use crate::engine::attributes::Attributes;
use crate::engine::base::{Fingerprint, TimeMs};
use crate::engine::evidence::{
    ComparisonEvidence, EVENTS_MAX, EVENTS_PER_SIGNAL_MAX, EventRef, Evidence, NEAR_MISSES_MAX, NearMiss,
    SignalEvidence,
};
use crate::engine::notice::RuleName;
use crate::engine::rule::{Condition, Interval, Op, Rule};
use crate::engine::signal::Signal;
use crate::engine::state::Finding;
use crate::engine::subject::SubjectKind;
use crate::engine::window::Entry;

impl Partition {
    /// Writes down the signals of a rule (`wanted`, in order of first mention), what they show, and what
    /// would clear it.
    pub(super) fn find(
        &mut self,
        rule: &Rule,
        wanted: &[usize],
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &Active,
        readings: &mut Readings,
    ) -> Finding {
        let signals = &active.set.signals;
        let mut digest = Sha256::new();
        let mut purpose = rule.purpose;
        let mut room = EVENTS_MAX;
        let mut evidence = Evidence::default();
        let mut read: Vec<Behind> = Vec::with_capacity(wanted.len());
        for number in wanted {
            let Some(signal) = signals.get(*number) else { continue };
            let reading = self.reading(*number, scene, bound, active, readings);
            purpose = purpose.join(signal.purpose);
            digest.update(signal.name.as_bytes());
            digest.update([0]);
            let entries = self.entries_behind(signal, scene, bound, active);
            for entry in &entries {
                digest.update(entry.event.0.to_be_bytes());
                digest.update(entry.at.0.to_be_bytes());
                digest.update(minor(entry).to_be_bytes());
            }
            let events = listed(&entries, room.min(EVENTS_PER_SIGNAL_MAX));
            room -= events.len();
            let (reported_of, events_count) = match reading.source {
                Source::Log => (None, entries.len() as u64),
                Source::Reported(of) => (of, u64::try_from(reading.value).unwrap_or(0)),
                Source::Made => (None, 0),
            };
            read.push(Behind { number: *number, reading, entries });
            evidence.signals.push(SignalEvidence {
                name: signal.name.clone(),
                subject: signal.subject,
                reported_of,
                value: reading.value,
                cold: reading.cold,
                window: signal.window_longest(signals),
                purpose: signal.purpose,
                events_count,
                events,
            });
        }
        evidence.digest = digest.finalize().into();
        let mut look = |number: usize| self.reading(number, scene, bound, active, readings);
        let all = comparisons(&rule.condition, &mut look, &scene.attributes, signals);
        evidence.comparisons = all.into_iter().filter(|(holds, _)| *holds).map(|(_, shown)| shown).collect();
        evidence.strength_millionths = strength(&evidence.comparisons);
        evidence.signs = signs(&rule.condition, &mut look, &scene.attributes, signals);
        if scene.party.subject.kind != SubjectKind::Opening {
            evidence.cleared_without =
                self.cleared_without(&rule.condition, &evidence.signals, &read, scene, bound, active);
        }
        Finding { evidence, purpose }
    }

    /// The entries that a signal's reading is counted from, oldest first.
    fn entries_behind(
        &self,
        signal: &Signal,
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &Active,
    ) -> Vec<Entry> {
        let Some(subject) = scene.subject_of(signal) else { return Vec::new() };
        let as_of = self.as_of(subject.kind, scene, bound);
        match (self.logs.get(&subject), signal.question()) {
            (Some(log), Some(question)) => {
                log.behind(question, &self.store, &active.set.calendar, as_of).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The listed events each of which, taken out alone, leaves the condition not certain.
    fn cleared_without(
        &mut self,
        condition: &Condition,
        listed: &[SignalEvidence],
        read: &[Behind],
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &Active,
    ) -> Vec<Fingerprint> {
        let mut seen: Vec<Fingerprint> = Vec::new();
        let mut clearing = Vec::new();
        for event in listed.iter().flat_map(|signal| &signal.events).map(|listed| listed.event) {
            if seen.contains(&event) {
                continue;
            }
            seen.push(event);
            // A value behind which the event does not stand is the same without it.
            let mut without = Readings::default();
            for behind in read.iter().filter(|behind| behind.is_the_same_without(event)) {
                without.keep(behind.number, behind.reading);
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
        for (rule, bound) in self.others_of(fired, scene, active) {
            if misses.len() == NEAR_MISSES_MAX {
                break;
            }
            let mut own = Readings::default();
            let readings = if bound.is_some() { &mut own } else { &mut *readings };
            if self.holds(&rule.condition, scene, bound, active, readings) {
                continue;
            }
            let mut look = |number: usize| self.reading(number, scene, bound, active, readings);
            let all = comparisons(&rule.condition, &mut look, &scene.attributes, &active.set.signals);
            let (held, missed): (Vec<_>, Vec<_>) = all.into_iter().partition(|(holds, _)| *holds);
            let is_near =
                |(_, shown): &(bool, ComparisonEvidence)| ratio(shown).is_some_and(|ratio| ratio >= NEAR);
            if !held.is_empty() && missed.iter().all(is_near) {
                let name = RuleName { id: rule.id.clone(), version: rule.version };
                misses.push(NearMiss {
                    rule: name,
                    missed: missed.into_iter().map(|(_, shown)| shown).collect(),
                });
            }
        }
        misses
    }
}

/// A comparison that does not hold is near when its sides are within a fifth, in millionths.
const NEAR: i128 = 800_000;

/// A signal as it was read, and the entries it was counted from.
struct Behind {
    number: usize,
    reading: Reading,
    entries: Vec<Entry>,
}

impl Behind {
    fn is_the_same_without(&self, event: Fingerprint) -> bool {
        match self.reading.source {
            Source::Log => !self.entries.iter().any(|entry| entry.event == event),
            Source::Reported(_) => true,
            Source::Made => false,
        }
    }
}

/// The comparisons of a condition outside of negations, in order: whether each holds for certain, and its
/// sides computed from the values.
fn comparisons(
    condition: &Condition,
    look: &mut dyn FnMut(usize) -> Reading,
    event: &Attributes,
    signals: &[Signal],
) -> Vec<(bool, ComparisonEvidence)> {
    let mut all = Vec::new();
    condition.comparisons(&mut |comparison| {
        let Condition::Compare { left, op, right } = comparison else { return };
        let holds = comparison.eval(&mut |number| look(number).interval, event) == Some(true);
        let mut shown = |number: usize| Interval::point(look(number).value.into());
        let shown = ComparisonEvidence {
            text: comparison.text(signals),
            left: left.eval(&mut shown, event).low.unwrap_or(0),
            op: *op,
            right: right.eval(&mut shown, event).low.unwrap_or(0),
        };
        all.push((holds, shown));
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
        let all = comparisons(choice, look, event, signals);
        signs.extend(all.into_iter().filter(|(holds, _)| *holds).map(|(_, shown)| shown));
    }
    signs
}

/// Value to threshold in millionths, truncated; none unless both are positive.
fn ratio(shown: &ComparisonEvidence) -> Option<i128> {
    (shown.left > 0 && shown.right > 0).then(|| match shown.op {
        Op::Gt | Op::Ge => shown.left.saturating_mul(1_000_000) / shown.right,
        Op::Lt | Op::Le => shown.right.saturating_mul(1_000_000) / shown.left,
        Op::Eq | Op::Ne => 1_000_000,
    })
}

/// The least value-to-threshold ratio, in millionths.
fn strength(comparisons: &[ComparisonEvidence]) -> u64 {
    let least = comparisons.iter().filter_map(ratio).min();
    least.map_or(1_000_000, |ratio| u64::try_from(ratio).unwrap_or(u64::MAX))
}

fn minor(entry: &Entry) -> i64 {
    entry.amount.map_or(0, |amount| amount.minor)
}

/// The first, the last and the largest events without repeats, `room` at most.
fn listed(behind: &[Entry], room: usize) -> Vec<EventRef> {
    let mut by_amount: Vec<usize> = (0..behind.len()).collect();
    by_amount.sort_by_key(|place| (std::cmp::Reverse(behind.get(*place).map_or(0, minor)), *place));
    let mut events: Vec<EventRef> = Vec::new();
    let first_and_last = [Some(0), behind.len().checked_sub(1)].into_iter().flatten();
    for entry in first_and_last.chain(by_amount).filter_map(|place| behind.get(place)) {
        let event = EventRef { event: entry.event, at: entry.at, amount: minor(entry) };
        if events.len() == room {
            break;
        }
        if !events.contains(&event) {
            events.push(event);
        }
    }
    events
}
