//! Whether a condition can hold at all: what its values can be, in intervals, narrowed by the parts that must
//! hold together. Conservative: it may miss a condition that never holds, and never names one that can.

use super::order::{at_most, widest_of_signal};
use crate::engine::attributes::{Field, FieldType};
use crate::engine::fact::Product;
use crate::engine::rule::{Condition, Interval, Op, Term};
use crate::engine::signal::Signal;
use crate::engine::subject::SubjectKind;

/// The signals that a condition reads, and the kind of party that it is about.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub signals: &'a [Signal],
    pub subject: SubjectKind,
}

impl Setting<'_> {
    /// What a signal or field can be at all.
    fn widest(self, leaf: &Term) -> Interval {
        let not_negative = Interval { low: Some(0), high: None };
        match leaf {
            Term::Signal(number) => widest_of_signal(*number, self.signals),
            Term::Field(Field::Product) => of_products(self.subject),
            Term::Field(field) => match field.value_type() {
                FieldType::Flag => Interval { low: Some(0), high: Some(1) },
                FieldType::Money if *field == Field::BalanceAfter => Interval::UNKNOWN,
                FieldType::Money | FieldType::Count | FieldType::Word(_) => not_negative,
            },
            _ => Interval::UNKNOWN,
        }
    }
}

/// The numbers of the products that a kind of party can be of.
fn of_products(subject: SubjectKind) -> Interval {
    let numbers = Product::ALL.into_iter().filter(|product| is_of(*product, subject));
    let numbers = numbers.map(|product| i128::from(product as u8));
    Interval { low: numbers.clone().min(), high: numbers.max() }
}

fn is_of(product: Product, subject: SubjectKind) -> bool {
    match subject {
        SubjectKind::PhoneCard => product == Product::PhoneCard,
        SubjectKind::IotCard => product == Product::IotCard,
        SubjectKind::Account => !matches!(product, Product::PhoneCard | Product::IotCard),
        _ => true,
    }
}

/// What is known of signals and fields while some parts of a condition hold.
#[derive(Clone)]
struct Bounds<'a> {
    setting: Setting<'a>,
    known: Vec<(&'a Term, Interval)>,
}

impl<'a> Bounds<'a> {
    fn none(setting: Setting<'a>) -> Bounds<'a> {
        Bounds { setting, known: Vec::new() }
    }

    fn of(&self, leaf: &Term) -> Interval {
        let known = self.known.iter().find(|(known, _)| *known == leaf);
        known.map_or_else(|| self.setting.widest(leaf), |(_, interval)| *interval)
    }

    /// Takes in that a part holds; whether some value can still meet what is known of this one.
    fn narrow(&mut self, leaf: &'a Term, op: Op, value: i128) -> bool {
        let interval = narrowed(self.of(leaf), op, value);
        self.known.retain(|(known, _)| *known != leaf);
        self.known.push((leaf, interval));
        !matches!((interval.low, interval.high), (Some(low), Some(high)) if low > high)
    }
}

/// Why a condition can never hold: bounds on one value that contradict each other, or a part that is false
/// whatever the values within those bounds are.
pub(super) fn contradiction(condition: &Condition, setting: Setting<'_>) -> Option<String> {
    never(&without_not(condition, false), &Bounds::none(setting))
}

pub(super) fn holds_always(condition: &Condition, setting: Setting<'_>) -> bool {
    // Where a field is read it may be unsaid, and then nothing holds.
    super::super::condition::fields(condition).is_empty()
        && ranged(&without_not(condition, false), &Bounds::none(setting)) == Some(true)
}

fn never<'a>(condition: &'a Condition, around: &Bounds<'a>) -> Option<String> {
    let mut parts = Vec::new();
    conjuncts(condition, &mut parts);
    let signals = around.setting.signals;
    let mut bounds = around.clone();
    for part in &parts {
        if let Some((leaf, op, value)) = bound(part)
            && !bounds.narrow(leaf, op, value)
        {
            return Some(format!("no value of `{}` meets all of its bounds", leaf.text(signals)));
        }
    }
    for part in &parts {
        if let Condition::Any(branches) = part {
            let why: Option<Vec<String>> = branches.iter().map(|branch| never(branch, &bounds)).collect();
            if let Some(why) = why {
                return Some(format!("no side of its `||` can hold: {}", why.join("; ")));
            }
        } else if ranged(part, &bounds) == Some(false) {
            let alone = ranged(part, &Bounds::none(around.setting)) == Some(false);
            let beside = if alone { "" } else { " beside the other parts" };
            return Some(format!("`{}` never holds{beside}", part.text(signals)));
        }
    }
    None
}

/// The same condition, each `!` taken into the comparisons: what is certainly not so is certainly otherwise.
pub(super) fn without_not(condition: &Condition, negated: bool) -> Condition {
    let all = |parts: &[Condition]| parts.iter().map(|part| without_not(part, negated)).collect();
    match condition {
        Condition::Not(part) => without_not(part, !negated),
        Condition::All(parts) if negated => Condition::Any(all(parts)),
        Condition::Any(parts) if negated => Condition::All(all(parts)),
        Condition::All(parts) => Condition::All(all(parts)),
        Condition::Any(parts) => Condition::Any(all(parts)),
        Condition::Compare { left, op, right } => {
            let op = if negated { opposite(*op) } else { *op };
            Condition::Compare { left: left.clone(), op, right: right.clone() }
        }
    }
}

fn opposite(op: Op) -> Op {
    match op {
        Op::Lt => Op::Ge,
        Op::Le => Op::Gt,
        Op::Gt => Op::Le,
        Op::Ge => Op::Lt,
        Op::Eq => Op::Ne,
        Op::Ne => Op::Eq,
    }
}

/// The parts that must all hold.
pub(super) fn conjuncts<'a>(condition: &'a Condition, into: &mut Vec<&'a Condition>) {
    match condition {
        Condition::All(parts) => parts.iter().for_each(|part| conjuncts(part, into)),
        other => into.push(other),
    }
}

/// A comparison of one value with a constant, the value on the left.
fn bound(part: &Condition) -> Option<(&Term, Op, i128)> {
    let Condition::Compare { left, op, right } = part else {
        return None;
    };
    let is_leaf = |term: &Term| matches!(term, Term::Signal(_) | Term::Field(_));
    match (left, right) {
        (leaf, Term::Constant(value)) if is_leaf(leaf) => Some((leaf, *op, i128::from(*value))),
        (Term::Constant(value), leaf) if is_leaf(leaf) => Some((leaf, mirrored(*op), i128::from(*value))),
        _ => None,
    }
}

fn mirrored(op: Op) -> Op {
    match op {
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        Op::Eq | Op::Ne => op,
    }
}

/// The values of an interval that compare so with a value.
pub(super) fn narrowed(interval: Interval, op: Op, value: i128) -> Interval {
    let higher = |value| Some(interval.low.map_or(value, |low| low.max(value)));
    let lower = |value| Some(interval.high.map_or(value, |high| high.min(value)));
    match op {
        Op::Lt => Interval { high: lower(value - 1), ..interval },
        Op::Le => Interval { high: lower(value), ..interval },
        Op::Gt => Interval { low: higher(value + 1), ..interval },
        Op::Ge => Interval { low: higher(value), ..interval },
        Op::Eq => Interval { low: higher(value), high: lower(value) },
        // Only an end can be left out of an interval.
        Op::Ne if interval.low == Some(value) => Interval { low: Some(value + 1), ..interval },
        Op::Ne if interval.high == Some(value) => Interval { high: Some(value - 1), ..interval },
        Op::Ne => interval,
    }
}

/// The condition over the ranges of its values; true and false are certain.
fn ranged(condition: &Condition, bounds: &Bounds<'_>) -> Option<bool> {
    match condition {
        Condition::All(parts) => settled(parts.iter().map(|part| ranged(part, bounds)), false),
        Condition::Any(parts) => settled(parts.iter().map(|part| ranged(part, bounds)), true),
        Condition::Not(part) => ranged(part, bounds).map(|holds| !holds),
        Condition::Compare { left, op, right } => {
            let mut apart = Linear::default();
            let known = apart.add(left, 1).and_then(|()| apart.add(right, -1)).map(|()| apart.range(bounds));
            known.unwrap_or(Interval::UNKNOWN).compare(*op, Interval::point(0))
        }
    }
}

fn settled(parts: impl Iterator<Item = Option<bool>>, by: bool) -> Option<bool> {
    let mut whole = Some(!by);
    for part in parts {
        match part {
            Some(holds) if holds == by => return Some(by),
            Some(_) => {}
            None => whole = None,
        }
    }
    whole
}

/// A sum of values, each so many times, and a number: what stands on both sides of a comparison cancels.
#[derive(Default)]
struct Linear<'a> {
    parts: Vec<(&'a Term, i128)>,
    number: i128,
}

impl<'a> Linear<'a> {
    /// Adds a term so many times; `None` when a factor grows beyond all numbers.
    fn add(&mut self, term: &'a Term, times: i128) -> Option<()> {
        match term {
            Term::Constant(value) => {
                self.number = self.number.checked_add(i128::from(*value).checked_mul(times)?)?;
            }
            Term::Add(a, b) => {
                self.add(a, times)?;
                self.add(b, times)?;
            }
            Term::Sub(a, b) => {
                self.add(a, times)?;
                self.add(b, times.checked_neg()?)?;
            }
            Term::Mul(a, b) => match (&**a, &**b) {
                (Term::Constant(factor), other) | (other, Term::Constant(factor)) => {
                    self.add(other, times.checked_mul(i128::from(*factor))?)?;
                }
                _ => self.add_value(term, times)?,
            },
            Term::Signal(_) | Term::Field(_) | Term::If(..) => self.add_value(term, times)?,
        }
        Some(())
    }

    fn add_value(&mut self, value: &'a Term, times: i128) -> Option<()> {
        match self.parts.iter_mut().find(|(known, _)| *known == value) {
            Some((_, known)) => *known = known.checked_add(times)?,
            None => self.parts.push((value, times)),
        }
        Some(())
    }

    /// What the sum can be. Of two signals of which one is never above the other, the difference is bounded
    /// on one side by that, whatever each of them can be.
    fn range(mut self, bounds: &Bounds<'_>) -> Interval {
        let signals = bounds.setting.signals;
        let mut sum = Interval::point(self.number);
        while let Some((value, times)) = self.parts.pop() {
            if times == 0 {
                continue;
            }
            let own = of_term(value, bounds);
            let mirror = |(_, its): &(&Term, i128)| *its == -times;
            let under = |(other, _): &(&Term, i128)| at_most(value, other, signals);
            let over = |(other, _): &(&Term, i128)| at_most(other, value, signals);
            let pair = self.parts.iter().position(|part| mirror(part) && (under(part) || over(part)));
            let Some((other, _)) = pair.map(|place| self.parts.swap_remove(place)) else {
                sum = sum.plus(own.times(Interval::point(times)));
                continue;
            };
            let apart = own.minus(of_term(other, bounds));
            let apart = if at_most(value, other, signals) {
                Interval { high: Some(apart.high.map_or(0, |high| high.min(0))), ..apart }
            } else {
                Interval { low: Some(apart.low.map_or(0, |low| low.max(0))), ..apart }
            };
            sum = sum.plus(apart.times(Interval::point(times)));
        }
        sum
    }
}

/// What a value that is no sum can be.
fn of_term(term: &Term, bounds: &Bounds<'_>) -> Interval {
    match term {
        Term::Signal(_) | Term::Field(_) => bounds.of(term),
        Term::Constant(value) => Interval::point(i128::from(*value)),
        Term::Add(a, b) => of_term(a, bounds).plus(of_term(b, bounds)),
        Term::Sub(a, b) => of_term(a, bounds).minus(of_term(b, bounds)),
        Term::Mul(a, b) => of_term(a, bounds).times(of_term(b, bounds)),
        Term::If(_, a, b) => of_term(a, bounds).hull(of_term(b, bounds)),
    }
}
