//! Conditions: comparisons of what signals and the event say.
//!
//! They are evaluated over *intervals*: a warm signal is a point, a cold one is only known from one
//! side (D16). A comparison is then true, false or unknown, and a rule fires on true alone.

use super::attributes::{Attributes, Field};

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
    /// Whether it holds between two numbers.
    #[must_use]
    pub fn holds(self, left: i128, right: i128) -> bool {
        match self {
            Op::Lt => left < right,
            Op::Le => left <= right,
            Op::Gt => left > right,
            Op::Ge => left >= right,
            Op::Eq => left == right,
            Op::Ne => left != right,
        }
    }

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
    /// Something about the triggering event or its party; unknown when that does not say.
    Field(Field),
    Add(Box<Term>, Box<Term>),
    Sub(Box<Term>, Box<Term>),
    Mul(Box<Term>, Box<Term>),
    /// `condition ? first : second`.
    If(Box<Condition>, Box<Term>, Box<Term>),
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

    /// Nothing is known.
    pub const UNKNOWN: Interval = Interval { low: None, high: None };

    #[must_use]
    pub fn is_point(self) -> bool {
        self.low.is_some() && self.low == self.high
    }

    /// The least interval that holds both.
    #[must_use]
    pub fn hull(self, other: Interval) -> Interval {
        Interval { low: zip(self.low, other.low, i128::min), high: zip(self.high, other.high, i128::max) }
    }

    #[must_use]
    pub fn plus(self, other: Interval) -> Interval {
        Interval {
            low: zip(self.low, other.low, i128::saturating_add),
            high: zip(self.high, other.high, i128::saturating_add),
        }
    }

    #[must_use]
    pub fn minus(self, other: Interval) -> Interval {
        Interval {
            low: zip(self.low, other.high, i128::saturating_sub),
            high: zip(self.high, other.low, i128::saturating_sub),
        }
    }

    /// The product. An unbounded side stays exact when the other factor is a non-negative point and
    /// becomes fully unknown otherwise: the loader admits only such products.
    #[must_use]
    pub fn times(self, other: Interval) -> Interval {
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

/// Gives a signal's interval by its number.
pub type ReadSignal<'a> = dyn FnMut(usize) -> Interval + 'a;

impl Term {
    /// The value given each signal's interval and what is known of the event.
    pub fn eval(&self, signal: &mut ReadSignal<'_>, event: &Attributes) -> Interval {
        match self {
            Term::Constant(value) => Interval::point(i128::from(*value)),
            Term::Signal(number) => signal(*number),
            Term::Field(field) => {
                event.get(*field).map_or(Interval::UNKNOWN, |value| Interval::point(i128::from(value)))
            }
            Term::Add(a, b) => a.eval(signal, event).plus(b.eval(signal, event)),
            Term::Sub(a, b) => a.eval(signal, event).minus(b.eval(signal, event)),
            Term::Mul(a, b) => a.eval(signal, event).times(b.eval(signal, event)),
            Term::If(condition, a, b) => match condition.eval(signal, event) {
                Some(true) => a.eval(signal, event),
                Some(false) => b.eval(signal, event),
                None => a.eval(signal, event).hull(b.eval(signal, event)),
            },
        }
    }

    /// Calls `f` with each leaf of the term, left to right, those inside of conditions too.
    pub fn leaves(&self, f: &mut dyn FnMut(&Term)) {
        match self {
            Term::Add(a, b) | Term::Sub(a, b) | Term::Mul(a, b) => {
                a.leaves(f);
                b.leaves(f);
            }
            Term::If(condition, a, b) => {
                condition.leaves(f);
                a.leaves(f);
                b.leaves(f);
            }
            Term::Constant(_) | Term::Signal(_) | Term::Field(_) => f(self),
        }
    }

    /// Calls `f` with the condition of each `? :` in the term, left to right, the outer before the nested.
    pub fn choices<'a>(&'a self, f: &mut dyn FnMut(&'a Condition)) {
        match self {
            Term::Add(a, b) | Term::Sub(a, b) | Term::Mul(a, b) => {
                a.choices(f);
                b.choices(f);
            }
            Term::If(condition, a, b) => {
                f(condition);
                a.choices(f);
                b.choices(f);
            }
            Term::Constant(_) | Term::Signal(_) | Term::Field(_) => {}
        }
    }

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
            Term::Field(field) => field.name().to_owned(),
            Term::Add(a, b) => format!("{} + {}", a.text(signals), inner(b)),
            Term::Sub(a, b) => format!("{} - {}", a.text(signals), inner(b)),
            Term::Mul(a, b) => format!("{} * {}", inner(a), inner(b)),
            Term::If(condition, a, b) => {
                format!("({} ? {} : {})", condition.text(signals), a.text(signals), b.text(signals))
            }
        }
    }
}

impl Condition {
    /// True, false, or unknown. `&&` and `||` stop at the part that settles them.
    pub fn eval(&self, signal: &mut ReadSignal<'_>, event: &Attributes) -> Option<bool> {
        match self {
            Condition::All(parts) => settled(parts, false, signal, event),
            Condition::Any(parts) => settled(parts, true, signal, event),
            Condition::Not(part) => part.eval(signal, event).map(|holds| !holds),
            Condition::Compare { left, op, right } => {
                left.eval(signal, event).compare(*op, right.eval(signal, event))
            }
        }
    }

    /// Calls `f` with each comparison outside of negations and of `? :`, in order.
    pub fn comparisons<'a>(&'a self, f: &mut dyn FnMut(&'a Condition)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.comparisons(f));
            }
            Condition::Not(_) => {}
            Condition::Compare { .. } => f(self),
        }
    }

    /// Calls `f` with each leaf of its terms, left to right.
    pub fn leaves(&self, f: &mut dyn FnMut(&Term)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.leaves(f)),
            Condition::Not(part) => part.leaves(f),
            Condition::Compare { left, right, .. } => {
                left.leaves(f);
                right.leaves(f);
            }
        }
    }

    /// Calls `f` with each signal number in the condition, left to right.
    pub fn signals(&self, f: &mut dyn FnMut(usize)) {
        self.leaves(&mut |leaf| {
            if let Term::Signal(number) = leaf {
                f(*number);
            }
        });
    }

    /// The condition as text, from names and numbers.
    #[must_use]
    pub fn text(&self, signals: &[super::signal::Signal]) -> String {
        let joined = |parts: &[Condition], by: &str| {
            let inner = |part: &Condition| match part {
                Condition::All(_) | Condition::Any(_) => format!("({})", part.text(signals)),
                _ => part.text(signals),
            };
            parts.iter().map(inner).collect::<Vec<_>>().join(by)
        };
        match self {
            Condition::All(parts) => joined(parts, " && "),
            Condition::Any(parts) => joined(parts, " || "),
            Condition::Not(part) => format!("!({})", part.text(signals)),
            Condition::Compare { left, op, right } => {
                format!("{} {} {}", left.text(signals), op.symbol(), right.text(signals))
            }
        }
    }
}

/// One part that is `by` settles a list; else it is unknown if any part is.
fn settled(parts: &[Condition], by: bool, signal: &mut ReadSignal<'_>, event: &Attributes) -> Option<bool> {
    let mut whole = Some(!by);
    for part in parts {
        match part.eval(signal, event) {
            Some(holds) if holds == by => return Some(by),
            Some(_) => {}
            None => whole = None,
        }
    }
    whole
}
