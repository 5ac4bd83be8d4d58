//! Guards: the plain comparisons without which a condition does not hold, laid out flat.
//!
//! Nearly every rule fails on nearly every event, and by a comparison of one thing with a constant. Such
//! comparisons are settled on plain integers, without intervals; a condition that is made of nothing else
//! is settled by them alone.

use super::attributes::Field;
use super::condition::{Condition, Op, Term};

/// A comparison of one thing with a constant, as the numbers for which it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    pub left: Guarded,
    /// Both included; `low` above `high` holds no number.
    low: i64,
    high: i64,
    /// Whether it holds between the two or outside of them.
    within: bool,
}

/// What a guard compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// A signal by its number.
    Signal(usize),
    Field(Field),
}

impl Guard {
    fn new(left: Guarded, op: Op, right: i64) -> Guard {
        // Beyond the last number there is none: such a comparison never holds.
        const NONE: (i64, i64) = (i64::MAX, i64::MIN);
        let (low, high) = match op {
            Op::Lt => right.checked_sub(1).map_or(NONE, |high| (i64::MIN, high)),
            Op::Le => (i64::MIN, right),
            Op::Gt => right.checked_add(1).map_or(NONE, |low| (low, i64::MAX)),
            Op::Ge => (right, i64::MAX),
            Op::Eq | Op::Ne => (right, right),
        };
        Guard { left, low, high, within: op != Op::Ne }
    }

    /// Whether the comparison holds for a certain number.
    #[must_use]
    pub fn holds(&self, value: i64) -> bool {
        (self.low <= value && value <= self.high) == self.within
    }
}

/// The guards of a condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    /// What the event says first, for it costs nothing to read.
    pub all: Box<[Guard]>,
    /// Whether the condition says nothing else.
    pub is_whole: bool,
}

impl Guards {
    #[must_use]
    pub fn of(condition: &Condition) -> Guards {
        let mut all = Vec::new();
        let is_whole = gather(condition, &mut all);
        all.sort_by_key(|guard: &Guard| matches!(guard.left, Guarded::Signal(_)));
        Guards { all: all.into(), is_whole }
    }
}

/// Adds the comparisons that all must hold; gives whether the condition is made of them alone.
fn gather(condition: &Condition, all: &mut Vec<Guard>) -> bool {
    match condition {
        Condition::All(parts) => {
            // Every part is gathered, also after one that is not whole.
            let mut is_whole = true;
            for part in parts {
                is_whole &= gather(part, all);
            }
            is_whole
        }
        Condition::Compare { left, op, right } => {
            let guard = guard_of(left, *op, right);
            all.extend(guard);
            guard.is_some()
        }
        Condition::Any(_) | Condition::Not(_) => false,
    }
}

fn guard_of(left: &Term, op: Op, right: &Term) -> Option<Guard> {
    let Term::Constant(right) = right else { return None };
    let left = match left {
        Term::Signal(number) => Guarded::Signal(*number),
        Term::Field(field) => Guarded::Field(*field),
        _ => return None,
    };
    Some(Guard::new(left, op, *right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::attributes::Attributes;
    use crate::engine::condition::Interval;

    const OPS: [Op; 6] = [Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::Eq, Op::Ne];

    #[test]
    fn a_guard_holds_where_its_comparison_does() {
        let numbers = [i64::MIN, i64::MIN + 1, -1, 0, 1, 2, i64::MAX - 1, i64::MAX];
        for op in OPS {
            for (left, right) in numbers.iter().flat_map(|left| numbers.map(|right| (*left, right))) {
                let guard = Guard::new(Guarded::Signal(0), op, right);
                assert_eq!(guard.holds(left), op.holds(left.into(), right.into()), "{left} {op:?} {right}");
            }
        }
    }

    #[test]
    fn guards_that_all_hold_settle_a_condition_of_nothing_else() {
        let compare = |signal, op, right| Condition::Compare {
            left: Term::Signal(signal),
            op,
            right: Term::Constant(right),
        };
        let plain = Condition::All(vec![
            compare(0, Op::Ge, 3),
            Condition::All(vec![
                Condition::Compare { left: Term::Field(Field::Amount), op: Op::Lt, right: Term::Constant(9) },
                compare(1, Op::Ne, 7),
            ]),
        ]);
        let guards = Guards::of(&plain);
        assert!(guards.is_whole);
        assert_eq!(guards.all[0].left, Guarded::Field(Field::Amount));
        for (first, amount, second) in [(3, 8, 6), (2, 8, 6), (3, 9, 6), (3, 8, 7)] {
            let event = Attributes::default().with(Field::Amount, Some(amount));
            let value = |signal: usize| if signal == 0 { first } else { second };
            let held = guards.all.iter().all(|guard| {
                guard.holds(match guard.left {
                    Guarded::Signal(signal) => value(signal),
                    Guarded::Field(field) => event.get(field).unwrap(),
                })
            });
            let whole = plain.eval(&mut |signal| Interval::point(value(signal).into()), &event);
            assert_eq!(Some(held), whole);
        }
        let mixed = Condition::All(vec![compare(0, Op::Ge, 3), Condition::Not(Box::new(plain.clone()))]);
        let guards = Guards::of(&mixed);
        assert_eq!((guards.all.len(), guards.is_whole), (1, false));
        assert_eq!(Guards::of(&Condition::Any(vec![plain])), Guards::default());
    }
}
