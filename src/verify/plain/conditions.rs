//! Conditions and terms over what is certain and over what is shown, and the evidence of them (S7, S13).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::engine::attributes::Attributes;
use crate::engine::base::Fingerprint;
use crate::engine::evidence::{
    ComparisonEvidence, EVENTS_MAX, EVENTS_PER_SIGNAL_MAX, EventRef, Evidence, SignalEvidence,
};
use crate::engine::rule::{Condition, Interval, Op, Term};
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::Reads;

use super::Plain;
use super::signals::Entry;
use super::values::{Reading, Value, Without};

/// From where a condition is looked at.
pub(super) struct Sight<'a> {
    pub plain: &'a Plain,
    pub rules: &'a RuleSet,
    pub reading: Reading,
    /// What the event says besides.
    pub said: Attributes,
}

/// What is taken for a signal: what is certain of it, or the value that was found.
#[derive(Clone, Copy)]
enum Taken {
    Certain,
    Found,
}

/// What is known of a comparison: over what is certain of its signals, and over the values found.
#[derive(Clone, Copy)]
pub(super) struct Truth {
    certain: Option<bool>,
    found: Option<bool>,
}

impl Truth {
    pub fn holds(self) -> bool {
        self.certain == Some(true)
    }

    /// Nobody can say.
    pub fn is_open(self) -> bool {
        self.certain.is_none()
    }

    /// The values say, whether or not history is complete.
    pub fn is_found(self) -> bool {
        self.found.is_some()
    }
}

impl Sight<'_> {
    fn value(&self, number: usize) -> Option<Value> {
        self.plain.value(self.rules, number, self.reading)
    }

    fn term(&self, term: &Term, taken: Taken) -> Interval {
        match term {
            Term::Constant(value) => Interval::point(i128::from(*value)),
            Term::Signal(number) => match (self.value(*number), taken) {
                (Some(value), Taken::Certain) => value.interval,
                (Some(value), Taken::Found) => Interval::point(value.value),
                (None, Taken::Certain) => Interval::UNKNOWN,
                (None, Taken::Found) => Interval::point(0),
            },
            Term::Field(field) => match self.said.get(*field) {
                Some(value) => Interval::point(i128::from(value)),
                None => Interval::UNKNOWN,
            },
            Term::Add(a, b) => self.term(a, taken).plus(self.term(b, taken)),
            Term::Sub(a, b) => self.term(a, taken).minus(self.term(b, taken)),
            Term::Mul(a, b) => self.term(a, taken).times(self.term(b, taken)),
            Term::If(condition, a, b) => {
                let (a, b) = (self.term(a, taken), self.term(b, taken));
                match self.truth(condition, taken) {
                    Some(true) => a,
                    Some(false) => b,
                    None => a.hull(b),
                }
            }
        }
    }

    /// True, false, or not certain.
    fn truth(&self, condition: &Condition, taken: Taken) -> Option<bool> {
        let truths =
            |parts: &[Condition]| -> Vec<_> { parts.iter().map(|part| self.truth(part, taken)).collect() };
        match condition {
            Condition::All(parts) => {
                let truths = truths(parts);
                if truths.contains(&Some(false)) {
                    Some(false)
                } else {
                    (!truths.contains(&None)).then_some(true)
                }
            }
            Condition::Any(parts) => {
                let truths = truths(parts);
                if truths.contains(&Some(true)) {
                    Some(true)
                } else {
                    (!truths.contains(&None)).then_some(false)
                }
            }
            Condition::Not(part) => self.truth(part, taken).map(|holds| !holds),
            Condition::Compare { left, op, right } => {
                self.term(left, taken).compare(*op, self.term(right, taken))
            }
        }
    }

    pub fn is_certain(&self, condition: &Condition) -> bool {
        self.truth(condition, Taken::Certain) == Some(true)
    }

    /// The comparisons outside of `!` and `? :`, left to right, as shown, and what is known of each.
    pub fn comparisons(&self, condition: &Condition) -> Vec<(ComparisonEvidence, Truth)> {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().flat_map(|part| self.comparisons(part)).collect()
            }
            Condition::Not(_) => Vec::new(),
            Condition::Compare { left, op, right } => {
                let names = &self.rules.signals;
                let side = |term| self.term(term, Taken::Found).low.unwrap_or(0);
                let text = format!("{} {} {}", left.text(names), op.symbol(), right.text(names));
                let shown = ComparisonEvidence { text, left: side(left), op: *op, right: side(right) };
                let truth = |taken| self.truth(condition, taken);
                vec![(shown, Truth { certain: truth(Taken::Certain), found: truth(Taken::Found) })]
            }
        }
    }

    /// What holds inside of the `? :` of the comparisons that hold, left to right.
    fn signs(&self, condition: &Condition) -> Vec<ComparisonEvidence> {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().flat_map(|part| self.signs(part)).collect()
            }
            Condition::Compare { left, right, .. } if self.is_certain(condition) => {
                let choices = [choices(left), choices(right)].concat();
                let true_ones = choices.into_iter().filter(|choice| self.is_certain(choice));
                let all = true_ones.flat_map(|choice| self.comparisons(choice));
                all.filter(|(_, truth)| truth.holds()).map(|(shown, _)| shown).collect()
            }
            Condition::Compare { .. } | Condition::Not(_) => Vec::new(),
        }
    }

    /// Signals, comparisons and what would clear it. Near misses are of other rules.
    pub fn evidence(&self, condition: &Condition) -> Evidence {
        let mut signals = Vec::new();
        let mut listed = 0;
        let mut digest = Sha256::new();
        for number in self.signals_shown(condition) {
            let (Some(declared), Some(value)) = (self.rules.signals.get(number), self.value(number)) else {
                continue;
            };
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
                window: declared.window_longest(&self.rules.signals),
                purpose: declared.purpose,
                authorisation: self.plain.authorisation(declared, self.reading),
                events_count: value.events_count,
                events,
            });
        }
        let all = self.comparisons(condition).into_iter();
        let comparisons: Vec<_> = all.filter(|(_, truth)| truth.holds()).map(|(shown, _)| shown).collect();
        Evidence {
            strength_millionths: strength(&comparisons),
            cleared_without: self.cleared_without(condition, &signals),
            signs: self.signs(condition),
            comparisons,
            signals,
            digest: digest.finalize().into(),
            ..Evidence::default()
        }
    }

    /// The authorisations under which a condition is read, each once.
    pub fn authorisations(&self, condition: &Condition) -> Vec<Arc<str>> {
        let mut numbers = Vec::new();
        for number in self.signals_shown(condition) {
            let signal = self.rules.signals.get(number).filter(|_| self.value(number).is_some());
            if let Some(by) = signal.and_then(|signal| self.plain.authorisation(signal, self.reading))
                && !numbers.contains(&by)
            {
                numbers.push(by);
            }
        }
        numbers
    }

    /// In order of first mention, each made one followed by its parts unless it was told.
    fn signals_shown(&self, condition: &Condition) -> Vec<usize> {
        let mut shown = Vec::new();
        for number in mentioned(condition) {
            let mut show = |number| {
                if !shown.contains(&number) {
                    shown.push(number);
                }
            };
            show(number);
            let own = self.rules.signals.get(number).filter(|signal| signal.subject.lives_with_holder());
            if let Some(Reads::Ratio { of, to, .. } | Reads::Difference { of, to }) = own.map(|s| s.reads) {
                show(of);
                show(to);
            }
        }
        shown
    }

    /// Of the listed events those without which the condition would not be certain.
    fn cleared_without(&self, condition: &Condition, signals: &[SignalEvidence]) -> Vec<Fingerprint> {
        let mut events: Vec<Fingerprint> = Vec::new();
        for listed in signals.iter().flat_map(|signal| &signal.events) {
            if !events.contains(&listed.event) {
                events.push(listed.event);
            }
        }
        events.retain(|event| {
            let reading = Reading { without: Some(Without::ForEvidence(*event)), ..self.reading };
            !Sight { reading, ..*self }.is_certain(condition)
        });
        events
    }
}

/// The signals of a condition, left to right, with repeats.
pub(super) fn mentioned(condition: &Condition) -> Vec<usize> {
    fn in_term(term: &Term) -> Vec<usize> {
        match term {
            Term::Constant(_) | Term::Field(_) => Vec::new(),
            Term::Signal(number) => vec![*number],
            Term::Add(a, b) | Term::Sub(a, b) | Term::Mul(a, b) => [in_term(a), in_term(b)].concat(),
            Term::If(condition, a, b) => [mentioned(condition), in_term(a), in_term(b)].concat(),
        }
    }
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().flat_map(mentioned).collect(),
        Condition::Not(part) => mentioned(part),
        Condition::Compare { left, right, .. } => [in_term(left), in_term(right)].concat(),
    }
}

/// What a term's `? :` ask, left to right, the outer before what is in its branches.
fn choices(term: &Term) -> Vec<&Condition> {
    match term {
        Term::Constant(_) | Term::Field(_) | Term::Signal(_) => Vec::new(),
        Term::Add(a, b) | Term::Sub(a, b) | Term::Mul(a, b) => [choices(a), choices(b)].concat(),
        Term::If(condition, a, b) => [vec![&**condition], choices(a), choices(b)].concat(),
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

const ONE: i128 = 1_000_000;

/// How far a comparison goes beyond its threshold, in millionths; only of positive sides.
pub(super) fn ratio(comparison: &ComparisonEvidence) -> Option<i128> {
    let (left, right) = (comparison.left, comparison.right);
    if left <= 0 || right <= 0 {
        return None;
    }
    Some(match comparison.op {
        Op::Gt | Op::Ge => left.saturating_mul(ONE) / right,
        Op::Lt | Op::Le => right.saturating_mul(ONE) / left,
        Op::Eq | Op::Ne => ONE,
    })
}

/// The least ratio of value to threshold, in millionths.
fn strength(comparisons: &[ComparisonEvidence]) -> u64 {
    let least = comparisons.iter().filter_map(ratio).min().unwrap_or(ONE);
    u64::try_from(least).unwrap_or(u64::MAX)
}
