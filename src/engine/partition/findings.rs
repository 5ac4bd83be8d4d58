//! Findings: what a firing rests on, written down when it happens (S13, DESIGN D30).

use sha2::{Digest, Sha256};

use super::readings::{Reading, Readings, Source};
use super::rules::Scene;
use super::{Active, Partition};
use crate::engine::attributes::Attributes;
use crate::engine::base::TimeMs;
use crate::engine::evidence::{
    ComparisonEvidence, EVENTS_MAX, EVENTS_PER_SIGNAL_MAX, EventRef, Evidence, SignalEvidence,
};
use crate::engine::rule::{Condition, Interval, Op, Rule};
use crate::engine::signal::Signal;
use crate::engine::state::Finding;
use crate::engine::window::Entry;

impl Partition {
    /// Writes down the signals of a rule (`wanted`, in order of first mention) and what they show.
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
        for number in wanted {
            let Some(signal) = signals.get(*number) else { continue };
            let reading = self.reading(*number, scene, bound, active, readings);
            purpose = purpose.join(signal.purpose);
            digest.update(signal.name.as_bytes());
            digest.update([0]);
            let behind: Vec<&Entry> = match reading.source {
                Source::Log(subject, as_of) => match (self.logs.get(&subject), signal.question()) {
                    (Some(log), Some(question)) => {
                        log.behind(question, &active.set.calendar, as_of).collect()
                    }
                    _ => Vec::new(),
                },
                Source::Reported(_) | Source::Made => Vec::new(),
            };
            for entry in &behind {
                digest.update(entry.event.0.to_be_bytes());
                digest.update(entry.at.0.to_be_bytes());
                digest.update(entry.amount.map_or(0, |amount| amount.minor).to_be_bytes());
            }
            let events = listed(&behind, room.min(EVENTS_PER_SIGNAL_MAX));
            room -= events.len();
            let (reported_of, events_count) = match reading.source {
                Source::Log(..) => (None, behind.len() as u64),
                Source::Reported(of) => (of, u64::try_from(reading.value).unwrap_or(0)),
                Source::Made => (None, 0),
            };
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
        let values: Vec<(usize, Reading)> = wanted
            .iter()
            .map(|number| (*number, self.reading(*number, scene, bound, active, readings)))
            .collect();
        let known =
            |number: usize| values.iter().find(|(signal, _)| *signal == number).map(|(_, reading)| *reading);
        let mut interval =
            |number: usize| known(number).map_or(Interval::UNKNOWN, |reading| reading.interval);
        let mut shown =
            |number: usize| Interval::point(known(number).map_or(0, |reading| reading.value.into()));
        comparisons(
            &rule.condition,
            &mut interval,
            &mut shown,
            &scene.attributes,
            signals,
            &mut evidence.comparisons,
        );
        evidence.strength_millionths = strength(&evidence.comparisons);
        Finding { evidence, purpose }
    }
}

/// Lists the comparisons that hold, outside of negations, in order.
fn comparisons(
    condition: &Condition,
    interval: &mut dyn FnMut(usize) -> Interval,
    shown: &mut dyn FnMut(usize) -> Interval,
    event: &Attributes,
    signals: &[Signal],
    into: &mut Vec<ComparisonEvidence>,
) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                comparisons(part, interval, shown, event, signals, into);
            }
        }
        Condition::Not(_) => {}
        Condition::Compare { left, op, right } => {
            if condition.eval(interval, event) == Some(true) {
                into.push(ComparisonEvidence {
                    text: format!("{} {} {}", left.text(signals), op.symbol(), right.text(signals)),
                    left: left.eval(shown, event).low.unwrap_or(0),
                    op: *op,
                    right: right.eval(shown, event).low.unwrap_or(0),
                });
            }
        }
    }
}

/// The least value-to-threshold ratio, in millionths.
fn strength(comparisons: &[ComparisonEvidence]) -> u64 {
    let ratios = comparisons.iter().filter(|c| c.left > 0 && c.right > 0).map(|c| match c.op {
        Op::Gt | Op::Ge => c.left.saturating_mul(1_000_000) / c.right,
        Op::Lt | Op::Le => c.right.saturating_mul(1_000_000) / c.left,
        Op::Eq | Op::Ne => 1_000_000,
    });
    ratios.min().map_or(1_000_000, |ratio| u64::try_from(ratio).unwrap_or(u64::MAX))
}

/// The first, the last and the largest events without repeats, `room` at most.
fn listed(behind: &[&Entry], room: usize) -> Vec<EventRef> {
    let minor = |entry: &Entry| entry.amount.map_or(0, |amount| amount.minor);
    let mut by_amount: Vec<usize> = (0..behind.len()).collect();
    by_amount.sort_by_key(|place| (std::cmp::Reverse(behind.get(*place).map_or(0, |e| minor(e))), *place));
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
