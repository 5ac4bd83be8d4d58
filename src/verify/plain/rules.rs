//! Rules: when one fires, and the evidence it leaves (S7, S13).

use sha2::{Digest, Sha256};

use crate::engine::attributes::Attributes;
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::DispositionId;
use crate::engine::evidence::{
    ComparisonEvidence, EVENTS_MAX, EVENTS_PER_SIGNAL_MAX, EventRef, Evidence, SignalEvidence,
};
use crate::engine::fact::Feed;
use crate::engine::rule::{Condition, Interval, Op, Rule, RuleStatus, Term, Trigger};
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::{Party, SubjectKind};

use super::measures::Asked;
use super::signals::{Entry, Reading, Value};
use super::{Occasion, Plain, PlainError};

/// The last time a rule fired on a party.
pub(super) struct Firing {
    pub event: Fingerprint,
    pub end: TimeMs,
    /// The measure it set; an observed firing set none.
    pub measure: Option<DispositionId>,
}

/// What rules are evaluated on.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub event: Fingerprint,
    pub at: TimeMs,
    pub holder: Token,
    pub party: &'a Party,
    pub other: Option<Token>,
    pub amount: i64,
}

impl Plain {
    /// Evaluates the rules of a feed on an account or a phone card.
    pub(super) fn trigger(
        &mut self,
        feed: Feed,
        occasion: Occasion,
        party: &Party,
        other: Option<Token>,
        amount: i64,
    ) -> Result<(), PlainError> {
        let case = Case {
            event: occasion.event,
            at: occasion.at,
            holder: occasion.route.token,
            party,
            other,
            amount,
        };
        self.evaluate_rules(Trigger::Feed(feed), case)
    }

    /// Evaluates the rules of a trigger in id order; those that fire act or are observed.
    pub(super) fn evaluate_rules(&mut self, trigger: Trigger, case: Case<'_>) -> Result<(), PlainError> {
        if case.party.subject.kind == SubjectKind::Opening {
            return self.evaluate_on_opening(trigger, case);
        }
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        for rule in &rules.rules {
            let Some(evidence) = self.fires(&rules, rule, trigger, case) else { continue };
            if self.is_enforced(rule) {
                self.fire(rule, case, evidence)?;
            } else {
                self.observe_firing(rule, case, evidence);
            }
        }
        Ok(())
    }

    /// The evidence of a rule that fires, or nothing.
    pub(super) fn fires(
        &self,
        rules: &RuleSet,
        rule: &Rule,
        trigger: Trigger,
        case: Case<'_>,
    ) -> Option<Evidence> {
        let party = case.party.subject;
        let is_asked =
            rule.status != RuleStatus::Off && rule.subject == party.kind && rule.triggers.contains(&trigger);
        if !is_asked || self.last_firing_stands(rule, case) {
            return None;
        }
        let mut bound = TimeMs::MIN;
        let set_aside = self.overrides.get(&(rule.id.clone(), party));
        if let Some(set_aside) = set_aside.filter(|set_aside| case.at < set_aside.until) {
            if case.at <= set_aside.lift {
                return None;
            }
            bound = set_aside.lift;
        }
        let reading = Reading { party, other: case.other, holder: case.holder, at: case.at, bound };
        let signal = |number| self.value(rules, number, reading);
        (holds(&rule.condition, &signal, case.amount) == Some(true))
            .then(|| evidence_of(rules, &rule.condition, &signal, case.amount))
    }

    fn last_firing_stands(&self, rule: &Rule, case: Case<'_>) -> bool {
        let Some(last) = self.last_firings.get(&(rule.id.clone(), case.party.subject)) else {
            return false;
        };
        let was_ended = last.measure.is_some_and(|id| self.was_ended_early(id));
        last.event == case.event || (!rule.measure.is_per_event() && case.at < last.end && !was_ended)
    }

    pub(super) fn is_enforced(&self, rule: &Rule) -> bool {
        rule.may_act() && self.is_live
    }

    /// An enforced firing: sets the measure and tells the rule's own partition.
    pub(super) fn fire(
        &mut self,
        rule: &Rule,
        case: Case<'_>,
        evidence: Evidence,
    ) -> Result<DispositionId, PlainError> {
        let id = self.set_measure(&Asked::by_rule(rule, &evidence.signals), case, evidence)?;
        self.remember_firing(rule, case, Some(id));
        self.count_measure(&rule.id)?;
        Ok(id)
    }

    pub(super) fn observe_firing(&mut self, rule: &Rule, case: Case<'_>, evidence: Evidence) {
        self.observe(&Asked::by_rule(rule, &evidence.signals), case, evidence);
        self.remember_firing(rule, case, None);
    }

    fn remember_firing(&mut self, rule: &Rule, case: Case<'_>, measure: Option<DispositionId>) {
        let firing = Firing { event: case.event, end: case.at.plus(rule.measure_for), measure };
        self.last_firings.insert((rule.id.clone(), case.party.subject), firing);
    }
}

type ValueOf<'a> = dyn Fn(usize) -> Option<Value> + 'a;

/// The interval of a term; a signal that cannot be read is unknown.
fn interval(term: &Term, signal: &ValueOf<'_>, amount: i64) -> Interval {
    let unknown = Interval { low: None, high: None };
    let event = Attributes::of_amount(amount);
    term.eval(&mut |number| signal(number).map_or(unknown, |value| value.interval), &event)
}

/// True, false, or not certain.
fn holds(condition: &Condition, signal: &ValueOf<'_>, amount: i64) -> Option<bool> {
    let parts = |parts: &[Condition]| -> Vec<Option<bool>> {
        parts.iter().map(|part| holds(part, signal, amount)).collect()
    };
    // Whether a list of parts is settled by one of them, by all of them, or not at all.
    let settle = |parts: Vec<Option<bool>>, by_one: bool| {
        if parts.contains(&Some(by_one)) { Some(by_one) } else { (!parts.contains(&None)).then_some(!by_one) }
    };
    match condition {
        Condition::All(all) => settle(parts(all), false),
        Condition::Any(any) => settle(parts(any), true),
        Condition::Not(part) => holds(part, signal, amount).map(|holds| !holds),
        Condition::Compare { left, op, right } => {
            interval(left, signal, amount).compare(*op, interval(right, signal, amount))
        }
    }
}

fn evidence_of(rules: &RuleSet, condition: &Condition, signal: &ValueOf<'_>, amount: i64) -> Evidence {
    let mut numbers: Vec<usize> = Vec::new();
    condition.signals(&mut |number| {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    });
    let mut signals = Vec::new();
    let mut listed = 0;
    let mut digest = Sha256::new();
    for number in numbers {
        let (Some(declared), Some(value)) = (rules.signals.get(number), signal(number)) else { continue };
        digest.update(declared.name.as_bytes());
        digest.update([0]);
        for entry in &value.entries {
            digest.update(entry.event.0.to_be_bytes());
            digest.update(entry.at.0.to_be_bytes());
            digest.update(entry.minor().to_be_bytes());
        }
        let mut events = listed_events(&value.entries);
        events.truncate(EVENTS_MAX - listed);
        listed += events.len();
        signals.push(SignalEvidence {
            name: declared.name.clone(),
            subject: declared.subject,
            reported_of: value.reported_of,
            value: i64::try_from(value.value).unwrap_or(i64::MAX),
            cold: value.is_cold,
            window: declared.question().map(|question| question.window),
            purpose: declared.purpose,
            events_count: value.events_count,
            events,
        });
    }
    let mut comparisons = Vec::new();
    comparisons_that_hold(rules, condition, signal, amount, &mut comparisons);
    let strength_millionths = strength(&comparisons);
    Evidence {
        comparisons,
        signals,
        digest: digest.finalize().into(),
        strength_millionths,
        ..Evidence::default()
    }
}

/// First, last and largest, without repeats.
fn listed_events(entries: &[Entry]) -> Vec<EventRef> {
    let reference = |entry: &Entry| EventRef { event: entry.event, at: entry.at, amount: entry.minor() };
    let mut by_amount: Vec<&Entry> = entries.iter().collect();
    by_amount.sort_by_key(|entry| std::cmp::Reverse(entry.minor()));
    let mut events: Vec<EventRef> = Vec::new();
    for entry in entries.first().into_iter().chain(entries.last()).chain(by_amount) {
        if events.len() < EVENTS_PER_SIGNAL_MAX && !events.contains(&reference(entry)) {
            events.push(reference(entry));
        }
    }
    events
}

/// Comparisons that hold for certain, left to right, none from inside a `!`.
fn comparisons_that_hold(
    rules: &RuleSet,
    condition: &Condition,
    signal: &ValueOf<'_>,
    amount: i64,
    found: &mut Vec<ComparisonEvidence>,
) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                comparisons_that_hold(rules, part, signal, amount, found);
            }
        }
        Condition::Not(_) => {}
        Condition::Compare { left, op, right } => {
            if holds(condition, signal, amount) == Some(true) {
                let names = &rules.signals;
                let text = format!("{} {} {}", left.text(names), op.symbol(), right.text(names));
                let side = |term: &Term| {
                    let value = |number| signal(number).map_or(0, |value: Value| value.value);
                    term.eval(&mut |number| Interval::point(value(number)), &Attributes::of_amount(amount))
                        .low
                        .unwrap_or(0)
                };
                found.push(ComparisonEvidence { text, left: side(left), op: *op, right: side(right) });
            }
        }
    }
}

/// The least ratio of value to threshold, in millionths.
fn strength(comparisons: &[ComparisonEvidence]) -> u64 {
    const ONE: i128 = 1_000_000;
    let ratio = |comparison: &ComparisonEvidence| {
        let (left, right) = (comparison.left, comparison.right);
        if left <= 0 || right <= 0 {
            return None;
        }
        Some(match comparison.op {
            Op::Gt | Op::Ge => left.saturating_mul(ONE) / right,
            Op::Lt | Op::Le => right.saturating_mul(ONE) / left,
            Op::Eq | Op::Ne => ONE,
        })
    };
    let least = comparisons.iter().filter_map(ratio).min().unwrap_or(ONE);
    u64::try_from(least).unwrap_or(u64::MAX)
}
