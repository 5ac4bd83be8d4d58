//! Rules: which are evaluated, on what values, and what they found (S6, S7, S13).

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Active, EngineError, Out, Partition};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::evidence::{
    ComparisonEvidence, EVENTS_MAX, EVENTS_PER_SIGNAL_MAX, EventRef, Evidence, SignalEvidence,
};
use crate::engine::measure::Measure;
use crate::engine::rule::{Condition, Interval, Op, Rule, RuleStatus, Trigger};
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Aggregate, Signal};
use crate::engine::state::{Finding, Firing, RuleParty};
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::engine::window::{AsOf, Entry};

/// Rules by what sets them off, in id order, and the signals each reads, in order of first mention.
#[derive(Debug, Default)]
pub(crate) struct RuleIndex {
    by_trigger: BTreeMap<Trigger, Vec<usize>>,
    signals: Vec<Vec<usize>>,
    names: Vec<Arc<str>>,
}

impl RuleIndex {
    pub fn new(set: &RuleSet) -> RuleIndex {
        let mut index = RuleIndex::default();
        for (number, rule) in set.rules.iter().enumerate() {
            if rule.status != RuleStatus::Off {
                for trigger in &rule.triggers {
                    index.by_trigger.entry(*trigger).or_default().push(number);
                }
            }
            let mut signals = Vec::new();
            rule.condition.signals(&mut |signal| {
                if !signals.contains(&signal) {
                    signals.push(signal);
                }
            });
            index.signals.push(signals);
            index.names.push(Arc::from(rule.id.as_str()));
        }
        index
    }

    fn triggered(&self, trigger: Trigger) -> &[usize] {
        self.by_trigger.get(&trigger).map_or(&[], Vec::as_slice)
    }

    fn signals(&self, rule: usize) -> &[usize] {
        self.signals.get(rule).map_or(&[], Vec::as_slice)
    }
}

/// What rules are evaluated on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    pub trigger: Trigger,
    pub party: &'a Party,
    pub holder: Token,
    /// The other side, for signals of the pair.
    pub other: Option<Token>,
    pub amount: i64,
    pub event: Fingerprint,
    pub at: TimeMs,
}

/// A signal's value at a scene.
#[derive(Clone, Copy, Debug)]
struct Reading {
    value: i64,
    interval: Interval,
    cold: bool,
    /// The log it was read from, or the shared subject it was reported of.
    source: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Log(Subject, AsOf),
    Reported(Option<Token>),
}

/// A rule that fired.
pub(super) struct Fired<'a> {
    pub rule: &'a Rule,
    pub name: Arc<str>,
    pub enforced: bool,
    pub finding: Finding,
}

impl Partition {
    /// Evaluates the rules that a scene sets off and publishes what they ask for.
    pub(super) fn run_rules(
        &mut self,
        scene: &Scene<'_>,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        for number in active.index.triggered(scene.trigger) {
            if let Some(fired) = self.evaluate(*number, scene, active) {
                self.act(fired, scene, active, out)?;
            }
        }
        Ok(())
    }

    /// Evaluates the rules of a request to open. The first that fires enforced checks the opening;
    /// later ones are not asked, observed ones are observed.
    pub(super) fn run_opening_rules(
        &mut self,
        scene: &Scene<'_>,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<bool, EngineError> {
        let mut checked = false;
        for number in active.index.triggered(scene.trigger) {
            let Some(fired) = self.evaluate(*number, scene, active) else { continue };
            if fired.enforced && checked {
                continue;
            }
            checked |= fired.enforced;
            self.act(fired, scene, active, out)?;
        }
        Ok(checked)
    }

    /// Publishes a firing and remembers it while it lasts.
    fn act(
        &mut self,
        fired: Fired<'_>,
        scene: &Scene<'_>,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let rule = fired.rule;
        let key: RuleParty = (Arc::clone(&fired.name), scene.party.subject);
        self.firings.insert(key, Firing { until: scene.at.plus(rule.measure_for), event: scene.event });
        let disposition = if fired.enforced {
            Some(self.set_measure_by_rule(rule, scene, fired.finding, active, out)?)
        } else {
            self.observe(rule, scene, fired.finding, out);
            None
        };

        if let (Some(id), SubjectKind::Opening) = (disposition, scene.party.subject.kind) {
            self.check_opening(scene.holder, scene.party.subject.token, id);
        }
        Ok(())
    }

    /// Whether a rule fires on a scene, and why.
    fn evaluate<'a>(
        &mut self,
        number: usize,
        scene: &Scene<'_>,
        active: &'a Arc<Active>,
    ) -> Option<Fired<'a>> {
        let rule = active.set.rules.get(number)?;
        let name = active.index.names.get(number)?;
        if rule.subject != scene.party.subject.kind {
            return None;
        }
        let bound = if self.firings.is_empty() && self.overrides.is_empty() {
            None
        } else {
            self.bound(rule, name, scene)?
        };
        let signals = active.index.signals(number);
        let readings: Vec<(usize, Reading)> = signals
            .iter()
            .filter_map(|signal| Some((*signal, self.read(*signal, scene, bound, active)?)))
            .collect();
        let mut value = |wanted: usize| {
            let known = readings.iter().find(|(signal, _)| *signal == wanted);
            known.map_or(Interval { low: None, high: None }, |(_, reading)| reading.interval)
        };
        if holds(&rule.condition, &mut value, scene.amount) != Some(true) {
            return None;
        }
        let enforced = rule.status == RuleStatus::Enforced && rule.precision.is_some() && self.live;
        let finding = self.find(rule, scene, &readings, active);
        Some(Fired { rule, name: Arc::clone(name), enforced, finding })
    }

    /// `None` when the rule may not fire here now; else the bound of an override, if there is one.
    fn bound(&self, rule: &Rule, name: &Arc<str>, scene: &Scene<'_>) -> Option<Option<TimeMs>> {
        let key: RuleParty = (Arc::clone(name), scene.party.subject);
        let holds = |firing: &Firing| !rule.measure.is_per_event() && scene.at < firing.until;
        if self.firings.get(&key).is_some_and(|firing| holds(firing) || firing.event == scene.event) {
            return None;
        }
        match self.overrides.get(&key).filter(|lifted| scene.at < lifted.until) {
            Some(lifted) if scene.at <= lifted.lift => None,
            Some(lifted) => Some(Some(lifted.lift)),
            None => Some(None),
        }
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

    /// Writes down what a firing rests on (S13).
    fn find(
        &self,
        rule: &Rule,
        scene: &Scene<'_>,
        readings: &[(usize, Reading)],
        active: &Active,
    ) -> Finding {
        let signals = &active.set.signals;
        let mut digest = Sha256::new();
        let mut purpose = rule.purpose;
        let mut room = EVENTS_MAX;
        let mut evidence = Evidence::default();
        for (number, reading) in readings {
            let Some(signal) = signals.get(*number) else { continue };
            purpose = purpose.join(signal.purpose);
            digest.update(signal.name.as_bytes());
            digest.update([0]);
            let behind: Vec<&Entry> = match reading.source {
                Source::Log(subject, as_of) => {
                    self.logs.get(&subject).map(|log| log.behind(signal, as_of).collect()).unwrap_or_default()
                }
                Source::Reported(_) => Vec::new(),
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
            };
            evidence.signals.push(SignalEvidence {
                name: signal.name.clone(),
                subject: signal.subject,
                reported_of,
                value: reading.value,
                cold: reading.cold,
                window: signal.window,
                purpose: signal.purpose,
                events_count,
                events,
            });
        }
        evidence.digest = digest.finalize().into();
        let mut interval = |wanted: usize| {
            let known = readings.iter().find(|(signal, _)| *signal == wanted);
            known.map_or(Interval { low: None, high: None }, |(_, reading)| reading.interval)
        };
        let mut shown = |wanted: usize| {
            let known = readings.iter().find(|(signal, _)| *signal == wanted);
            Interval::point(known.map_or(0, |(_, reading)| i128::from(reading.value)))
        };
        comparisons(
            &rule.condition,
            &mut interval,
            &mut shown,
            scene.amount,
            signals,
            &mut evidence.comparisons,
        );
        evidence.strength_millionths = strength(&evidence.comparisons);
        Finding { evidence, purpose }
    }

    pub(super) fn measure_of(rule: &Rule) -> Measure {
        Measure::from(rule.measure)
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

/// True, false, or unknown.
fn holds(condition: &Condition, value: &mut dyn FnMut(usize) -> Interval, amount: i64) -> Option<bool> {
    match condition {
        Condition::All(parts) => {
            let mut all = Some(true);
            for part in parts {
                match holds(part, value, amount) {
                    Some(true) => {}
                    Some(false) => return Some(false),
                    None => all = None,
                }
            }
            all
        }
        Condition::Any(parts) => {
            let mut any = Some(false);
            for part in parts {
                match holds(part, value, amount) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => any = None,
                }
            }
            any
        }
        Condition::Not(part) => holds(part, value, amount).map(|held| !held),
        Condition::Compare { left, op, right } => {
            left.eval(value, amount).compare(*op, right.eval(value, amount))
        }
    }
}

/// Lists the comparisons that hold, outside of negations, in order.
fn comparisons(
    condition: &Condition,
    interval: &mut dyn FnMut(usize) -> Interval,
    shown: &mut dyn FnMut(usize) -> Interval,
    amount: i64,
    signals: &[Signal],
    into: &mut Vec<ComparisonEvidence>,
) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                comparisons(part, interval, shown, amount, signals, into);
            }
        }
        Condition::Not(_) => {}
        Condition::Compare { left, op, right } => {
            if left.eval(interval, amount).compare(*op, right.eval(interval, amount)) == Some(true) {
                into.push(ComparisonEvidence {
                    text: format!("{} {} {}", left.text(signals), op.symbol(), right.text(signals)),
                    left: left.eval(shown, amount).low.unwrap_or(0),
                    op: *op,
                    right: right.eval(shown, amount).low.unwrap_or(0),
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
