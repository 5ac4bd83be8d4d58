//! Whether one rule makes another useless: it fires whenever that one does, and does at least as much.

use super::never::{conjuncts, narrowed, without_not};
use crate::engine::measure::MeasureKind;
use crate::engine::rule::{Condition, Interval, Op, Rule, RuleOrigin, RuleStatus, Term};

/// Whether `other` fires whenever `rule` does, and does at least as much. Of two that say the same, the
/// later by id is useless.
pub(super) fn shadows(other: &Rule, rule: &Rule) -> bool {
    let counts = other.status == RuleStatus::Enforced
        || other.status == RuleStatus::Shadow && rule.status == RuleStatus::Shadow;
    // A measured rule acts only with its record, so one without does less.
    let measured = other.may_act() || !rule.may_act();
    let of_one_kind =
        matches!(other.origin, RuleOrigin::Measured(_)) && matches!(rule.origin, RuleOrigin::Measured(_));
    let implied = || {
        let (its, own) = (without_not(&other.condition, false), without_not(&rule.condition, false));
        implies(&own, &its) && (other.id < rule.id || !implies(&its, &own))
    };
    other.id != rule.id
        && counts
        && measured
        && of_one_kind
        && other.subject == rule.subject
        && rule.triggers.iter().all(|trigger| other.triggers.contains(trigger))
        && as_hard(other.measure, rule.measure)
        && other.measure_for >= rule.measure_for
        && implied()
}

fn as_hard(other: MeasureKind, than: MeasureKind) -> bool {
    other == than || than.is_milder_than(other)
}

/// Whether each part of the weaker condition follows from one part of the stronger.
fn implies(stronger: &Condition, weaker: &Condition) -> bool {
    let (mut known, mut needed) = (Vec::new(), Vec::new());
    conjuncts(stronger, &mut known);
    conjuncts(weaker, &mut needed);
    needed.into_iter().all(|needed| known.iter().any(|part| follows(part, needed)))
}

/// Whether one part follows from another: from `a || b` what follows from both, `a || b` from what either
/// follows from.
fn follows(part: &Condition, needed: &Condition) -> bool {
    part == needed
        || match (part, needed) {
            (Condition::Any(branches), _) => branches.iter().all(|branch| implies(branch, needed)),
            (_, Condition::Any(branches)) => branches.iter().any(|branch| implies(part, branch)),
            (
                Condition::Compare { left, op, right },
                Condition::Compare { left: its_left, op: its_op, right: its_right },
            ) => left == its_left && is_tighter((*op, right), (*its_op, its_right)),
            _ => false,
        }
}

/// Whether every value that compares so with one constant compares so with the other.
fn is_tighter((op, right): (Op, &Term), (its_op, its_right): (Op, &Term)) -> bool {
    let (Term::Constant(value), Term::Constant(its)) = (right, its_right) else {
        return false;
    };
    let all = narrowed(Interval::UNKNOWN, op, i128::from(*value));
    op != Op::Ne && all.compare(its_op, Interval::point(i128::from(*its))) == Some(true)
}
