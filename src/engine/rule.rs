//! Rules: a condition over signals, and the measure it asks for.
//!
//! A condition is evaluated over *intervals*: a warm signal is a point, a cold one is only known
//! from one side (D16). A comparison is then true, false or unknown, and a rule fires on true alone.

use super::base::{Bilingual, SpanMs};
use super::measure::MeasureKind;
use super::purpose::Purpose;
use super::subject::SubjectKind;

/// Rules that ship disabled, observe, or act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleStatus {
    Enforced,
    /// Its output is another type on another topic and cannot act (D28).
    Shadow,
    Off,
}

/// Measured precision that a rule ships with; without it the rule runs in shadow (D28, APL 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrecisionRecord {
    pub data: String,
    /// ISO date of the measurement.
    pub date: String,
    /// True alerts per thousand alerts.
    pub per_mille: u32,
}

/// What a rule is evaluated on: an event that feeds the subject, or a report about another subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    Feed(super::fact::Feed),
    /// A report of this signal (its number in `RuleSet::signals`).
    Report(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    pub version: u32,
    pub title: Bilingual,
    pub status: RuleStatus,
    /// Kind of party the rule is about; its measure acts on that party (or on its transfer).
    pub subject: SubjectKind,
    pub triggers: Vec<Trigger>,
    pub condition: Condition,
    pub measure: MeasureKind,
    /// How long the measure lasts; every measure ends (D26).
    pub measure_for: SpanMs,
    pub purpose: Purpose,
    pub basis: String,
    /// Key into the table of disclosable reasons.
    pub reason: String,
    pub precision: Option<PrecisionRecord>,
}

/// A typed condition: booleans above, comparisons of integers below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare { left: Term, op: Op, right: Term },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
}

impl Op {
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Eq => "==",
            Op::Ne => "!=",
        }
    }
}

/// An integer expression. Arithmetic is in `i128`; the loader bounds depth and constants so that
/// it cannot overflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    Constant(i64),
    /// A signal by its number in `RuleSet::signals`.
    Signal(usize),
    /// Amount of the triggering event in minor units; 0 when it has none.
    EventAmount,
    Add(Box<Term>, Box<Term>),
    Sub(Box<Term>, Box<Term>),
    Mul(Box<Term>, Box<Term>),
}

/// A closed interval of `i128`; `None` is unbounded on that side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub low: Option<i128>,
    pub high: Option<i128>,
}

impl Interval {
    #[must_use]
    pub fn point(value: i128) -> Interval {
        Interval { low: Some(value), high: Some(value) }
    }

    #[must_use]
    pub fn add(self, other: Interval) -> Interval {
        Interval {
            low: zip(self.low, other.low, i128::saturating_add),
            high: zip(self.high, other.high, i128::saturating_add),
        }
    }

    #[must_use]
    pub fn sub(self, other: Interval) -> Interval {
        Interval {
            low: zip(self.low, other.high, i128::saturating_sub),
            high: zip(self.high, other.low, i128::saturating_sub),
        }
    }

    /// The product. An unbounded side stays exact when the other factor is a non-negative point and
    /// becomes fully unknown otherwise: the loader admits only such products.
    #[must_use]
    pub fn mul(self, other: Interval) -> Interval {
        if let (Some(a), Some(b), Some(c), Some(d)) = (self.low, self.high, other.low, other.high) {
            let corners =
                [a.saturating_mul(c), a.saturating_mul(d), b.saturating_mul(c), b.saturating_mul(d)];
            return Interval { low: corners.iter().min().copied(), high: corners.iter().max().copied() };
        }
        let (open, factor) = if other.low.is_some() && other.low == other.high {
            (self, other.low)
        } else {
            (other, self.low)
        };
        let factor_is_point =
            (self.low.is_some() && self.low == self.high) || (other.low.is_some() && other.low == other.high);
        match factor {
            Some(0) if factor_is_point => Interval::point(0),
            Some(k) if factor_is_point && k > 0 => Interval {
                low: open.low.map(|x| x.saturating_mul(k)),
                high: open.high.map(|x| x.saturating_mul(k)),
            },
            Some(k) if factor_is_point => Interval {
                low: open.high.map(|x| x.saturating_mul(k)),
                high: open.low.map(|x| x.saturating_mul(k)),
            },
            _ => Interval { low: None, high: None },
        }
    }

    /// Whether the comparison holds for all, none or some values of the two intervals.
    #[must_use]
    pub fn compare(self, op: Op, other: Interval) -> Option<bool> {
        match op {
            Op::Lt => lt(self, other),
            Op::Ge => lt(self, other).map(|holds| !holds),
            Op::Gt => lt(other, self),
            Op::Le => lt(other, self).map(|holds| !holds),
            Op::Eq => equal(self, other),
            Op::Ne => equal(self, other).map(|holds| !holds),
        }
    }
}

fn zip(a: Option<i128>, b: Option<i128>, f: impl Fn(i128, i128) -> i128) -> Option<i128> {
    Some(f(a?, b?))
}

fn lt(a: Interval, b: Interval) -> Option<bool> {
    if matches!((a.high, b.low), (Some(high), Some(low)) if high < low) {
        return Some(true);
    }
    if matches!((a.low, b.high), (Some(low), Some(high)) if low >= high) {
        return Some(false);
    }
    None
}

fn equal(a: Interval, b: Interval) -> Option<bool> {
    if lt(a, b) == Some(true) || lt(b, a) == Some(true) {
        return Some(false);
    }
    let both_points = a.low.is_some() && a.low == a.high && b.low.is_some() && b.low == b.high;
    both_points.then_some(true)
}

impl Term {
    /// The value given each signal's interval and the event's amount.
    pub fn eval(&self, signal: &mut dyn FnMut(usize) -> Interval, amount: i64) -> Interval {
        match self {
            Term::Constant(value) => Interval::point(i128::from(*value)),
            Term::Signal(number) => signal(*number),
            Term::EventAmount => Interval::point(i128::from(amount)),
            Term::Add(a, b) => a.eval(signal, amount).add(b.eval(signal, amount)),
            Term::Sub(a, b) => a.eval(signal, amount).sub(b.eval(signal, amount)),
            Term::Mul(a, b) => a.eval(signal, amount).mul(b.eval(signal, amount)),
        }
    }

    /// Calls `f` with each signal number in the term, left to right.
    pub fn signals(&self, f: &mut dyn FnMut(usize)) {
        match self {
            Term::Signal(number) => f(*number),
            Term::Add(a, b) | Term::Sub(a, b) | Term::Mul(a, b) => {
                a.signals(f);
                b.signals(f);
            }
            Term::Constant(_) | Term::EventAmount => {}
        }
    }
}

impl Term {
    /// The term as text, from names and numbers; a sum inside a product keeps its parentheses.
    #[must_use]
    pub fn text(&self, signals: &[super::signal::Signal]) -> String {
        let inner = |term: &Term| match term {
            Term::Add(..) | Term::Sub(..) => format!("({})", term.text(signals)),
            _ => term.text(signals),
        };
        match self {
            Term::Constant(value) => value.to_string(),
            Term::Signal(number) => signals.get(*number).map_or_else(|| "?".to_owned(), |s| s.name.clone()),
            Term::EventAmount => "event.amount".to_owned(),
            Term::Add(a, b) => format!("{} + {}", a.text(signals), inner(b)),
            Term::Sub(a, b) => format!("{} - {}", a.text(signals), inner(b)),
            Term::Mul(a, b) => format!("{} * {}", inner(a), inner(b)),
        }
    }
}

impl Condition {
    /// Calls `f` with each signal number in the condition, left to right.
    pub fn signals(&self, f: &mut dyn FnMut(usize)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.signals(f)),
            Condition::Not(part) => part.signals(f),
            Condition::Compare { left, right, .. } => {
                left.signals(f);
                right.signals(f);
            }
        }
    }
}
