//! Needs: what a condition cannot hold without, found out before any window is looked at.
//!
//! Nearly every rule fails on nearly every event because something is far too small. A window shows no
//! more than the log it looks at (`window::Most`), so a log that is too short, or whose amounts are too
//! small, settles all comparisons with its windows at once; so does an event that says too little, and a
//! holder of whom nothing is told. A need that is met says nothing: then the condition is evaluated.

use super::attributes::Field;
use super::condition::{Condition, Op, Term};
use super::evidence::NEAR;
use super::signal::Signal;
use super::subject::SubjectKind;
use super::window::{Bound, Most};

/// What is known at once of a scene, and is no less than what is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    Field(Field),
    /// Whatever is told of the holder by reports: 0 if nothing is.
    Told,
    /// The most that any window over the log of a kind of subject shows.
    Log(SubjectKind, Bound),
}

/// Without at least so much a condition does not hold for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub of: Known,
    pub least: i64,
    /// Without at least so much it does not come near either (S13).
    pub near: i64,
}

impl Need {
    /// The needs of a condition, those that cost least to find out first.
    #[must_use]
    pub fn all_of(condition: &Condition, signals: &[Signal]) -> Vec<Need> {
        let mut all = needs(condition, signals);
        all.sort_by_key(|need| need.of);
        all
    }

    fn of_comparison(left: &Term, op: Op, right: &Term, signals: &[Signal]) -> Option<Need> {
        let Term::Constant(right) = *right else { return None };
        let of = match left {
            Term::Field(field) => Known::Field(*field),
            Term::Signal(number) => known_of(signals.get(*number)?)?,
            _ => return None,
        };
        let least = match op {
            Op::Ge | Op::Eq => right,
            // Above the last number there is none: such a comparison never holds.
            Op::Gt => right.saturating_add(1),
            Op::Lt | Op::Le | Op::Ne => return None,
        };
        // Both sides of one that is near are positive; one of equality is near whatever they are then.
        let near = match op {
            _ if right <= 0 => least,
            Op::Eq => 1,
            _ => i64::try_from(i128::from(right) * NEAR / 1_000_000).unwrap_or(right).max(1),
        };
        Some(Need { of, least, near })
    }
}

/// What bounds a signal's value from above, in whatever scene, and under an override too.
fn known_of(signal: &Signal) -> Option<Known> {
    if !signal.subject.lives_with_holder() {
        return Some(Known::Told);
    }
    Some(Known::Log(signal.subject, Most::bound(signal.question()?.aggregate)?))
}

fn needs(condition: &Condition, signals: &[Signal]) -> Vec<Need> {
    match condition {
        Condition::All(parts) => parts.iter().flat_map(|part| needs(part, signals)).collect(),
        Condition::Any(parts) => {
            // What each of them needs at the least.
            let mut of_parts = parts.iter().map(|part| needs(part, signals));
            let first = of_parts.next().unwrap_or_default();
            of_parts.fold(first, |common, of_part| {
                let shared = common.iter().filter_map(|need| {
                    let other = of_part.iter().find(|other| other.of == need.of)?;
                    Some(Need {
                        of: need.of,
                        least: need.least.min(other.least),
                        near: need.near.min(other.near),
                    })
                });
                shared.collect()
            })
        }
        Condition::Not(_) => Vec::new(),
        Condition::Compare { left, op, right } => {
            Need::of_comparison(left, *op, right, signals).into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(left: Term, op: Op, right: i64) -> Condition {
        Condition::Compare { left, op, right: Term::Constant(right) }
    }

    fn amount(op: Op, right: i64) -> Condition {
        compare(Term::Field(Field::Amount), op, right)
    }

    fn needed(condition: &Condition) -> Vec<(i64, i64)> {
        Need::all_of(condition, &[]).iter().map(|need| (need.least, need.near)).collect()
    }

    #[test]
    fn a_comparison_from_below_needs_its_bound_and_comes_near_within_a_fifth() {
        assert_eq!(needed(&amount(Op::Ge, 100)), [(100, 80)]);
        assert_eq!(needed(&amount(Op::Gt, 100)), [(101, 80)]);
        assert_eq!(needed(&amount(Op::Eq, 100)), [(100, 1)]);
        assert_eq!(needed(&amount(Op::Ge, 1)), [(1, 1)], "nothing is not near to one");
        assert_eq!(needed(&amount(Op::Ge, 0)), [(0, 0)]);
        assert_eq!(needed(&amount(Op::Gt, -1)), [(0, 0)]);
        assert_eq!(needed(&amount(Op::Gt, i64::MAX)).len(), 1);
        for op in [Op::Lt, Op::Le, Op::Ne] {
            assert_eq!(needed(&amount(op, 100)), []);
        }
    }

    #[test]
    fn all_parts_are_needed_and_of_any_parts_what_each_needs() {
        let both = Condition::All(vec![amount(Op::Ge, 100), amount(Op::Ge, 7)]);
        assert_eq!(needed(&both), [(100, 80), (7, 5)]);
        let either = Condition::Any(vec![amount(Op::Ge, 100), amount(Op::Ge, 7)]);
        assert_eq!(needed(&either), [(7, 5)]);
        let other = compare(Term::Field(Field::Cash), Op::Eq, 1);
        assert_eq!(needed(&Condition::Any(vec![amount(Op::Ge, 100), other])), []);
        assert_eq!(needed(&Condition::Any(vec![])), []);
        assert_eq!(needed(&Condition::Not(Box::new(both))), []);
    }
}
