//! What loads and makes no sense: rules that can never fire, rules that another makes useless, and
//! signals that nobody feeds or reads. `rules check` prints them.

use std::collections::BTreeSet;
use std::fmt;

use super::triggers::feeds_read;
use crate::engine::attributes::{Attributes, Field, FieldType};
use crate::engine::fact::Feed;
use crate::engine::measure::MeasureKind;
use crate::engine::rule::{Condition, Interval, Op, Rule, RuleOrigin, RuleStatus, Term, Trigger};
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Reads, Signal};

/// What is the matter with a file that loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    NeverFires,
    AlwaysHolds,
    NeverTriggered,
    Shadowed,
    /// An enforced rule that nothing brakes (D28).
    NoHarmBudget,
    SignalNotFed,
    SignalNotRead,
}

impl Finding {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Finding::NeverFires => "never_fires",
            Finding::AlwaysHolds => "always_holds",
            Finding::NeverTriggered => "never_triggered",
            Finding::Shadowed => "shadowed",
            Finding::NoHarmBudget => "no_harm_budget",
            Finding::SignalNotFed => "signal_not_fed",
            Finding::SignalNotRead => "signal_not_read",
        }
    }
}

/// A finding about a rule (by its id) or signal (by its name).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub what: Finding,
    /// Rule or limit id, or signal name.
    pub about: String,
    pub message: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what.name(), self.message)
    }
}

/// Everything found, by kind and name. `off` are limits kept on file, `produced` the feeds that some
/// source gives.
#[must_use]
pub fn findings(rules: &RuleSet, off: &[Rule], produced: &dyn Fn(Feed) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in rules.rules.iter().filter(|rule| rule.status != RuleStatus::Off) {
        let add = |what, message: String| Found { what, about: rule.id.clone(), message };
        found.extend(contradiction(&rule.condition, &rules.signals).map(|why| add(Finding::NeverFires, why)));
        if holds_always(&rule.condition, &rules.signals) {
            let why = "its condition holds whatever happens: every trigger fires it".to_owned();
            found.push(add(Finding::AlwaysHolds, why));
        }
        if !rule.triggers.iter().any(|trigger| is_produced(*trigger, &rules.signals, produced)) {
            let why = "no source gives an event that triggers it".to_owned();
            found.push(add(Finding::NeverTriggered, why));
        }
        let is_own = matches!(rule.origin, RuleOrigin::Measured(_));
        if is_own && rule.status == RuleStatus::Enforced && rule.harm_budget.is_none() {
            let why =
                "nothing brakes it or raises an alarm, however many people it meets; give it a harm budget";
            found.push(add(Finding::NoHarmBudget, why.to_owned()));
        }
        // One that waits for a special measure is hardly ever asked.
        let mut always = rules.rules.iter().filter(|other| !rules.specials.contains_key(&other.id));
        if let Some(other) = always.find(|other| shadows(other, rule, &rules.signals)) {
            let why = format!(
                "whenever it fires, `{}` fires too and does as much; one of the two can go",
                other.id
            );
            found.push(add(Finding::Shadowed, why));
        }
    }
    let read = signals_read(rules, off);
    for (number, signal) in rules.signals.iter().enumerate() {
        let add =
            |what, message: &str| Found { what, about: signal.name.clone(), message: message.to_owned() };
        if !read.contains(&number) {
            found.push(add(Finding::SignalNotRead, "no rule, limit, protection or other signal reads it"));
        }
        let asks = signal.questions(&rules.signals).next().is_some();
        if asks && !feeds_read(signal, &rules.signals).any(produced) {
            found.push(add(Finding::SignalNotFed, "no source gives an event that feeds it"));
        }
    }
    found.sort();
    found
}

fn is_produced(trigger: Trigger, signals: &[Signal], produced: &dyn Fn(Feed) -> bool) -> bool {
    match trigger {
        Trigger::Feed(feed) => produced(feed),
        Trigger::Report(number) => {
            signals.get(number).is_some_and(|signal| feeds_read(signal, signals).any(produced))
        }
    }
}

/// Numbers of the signals that something reads: conditions, triggers, and those that others are made of.
fn signals_read(rules: &RuleSet, off: &[Rule]) -> BTreeSet<usize> {
    let mut read = BTreeSet::new();
    let conditions = rules.rules.iter().chain(off).map(|rule| &rule.condition);
    for condition in conditions.chain(rules.protections.iter().map(|protection| &protection.condition)) {
        condition.signals(&mut |number| {
            read.insert(number);
        });
    }
    for trigger in rules.rules.iter().flat_map(|rule| &rule.triggers) {
        if let Trigger::Report(number) = trigger {
            read.insert(*number);
        }
    }
    let made: Vec<usize> = read.iter().copied().collect();
    for number in made {
        if let Some(Reads::Ratio { of, to, .. } | Reads::Difference { of, to }) =
            rules.signals.get(number).map(|signal| signal.reads)
        {
            read.extend([of, to]);
        }
    }
    read
}

/// A leaf that a comparison bounds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaf {
    Signal(usize),
    Field(Field),
}

impl Leaf {
    fn of(term: &Term) -> Option<Leaf> {
        match term {
            Term::Signal(number) => Some(Leaf::Signal(*number)),
            Term::Field(field) => Some(Leaf::Field(*field)),
            _ => None,
        }
    }

    /// What it can be at all.
    fn widest(self, signals: &[Signal]) -> Interval {
        let not_negative = Interval { low: Some(0), high: None };
        match self {
            Leaf::Signal(number) => match signals.get(number).map(|signal| signal.reads) {
                Some(Reads::Difference { .. }) | None => Interval::UNKNOWN,
                Some(_) => not_negative,
            },
            Leaf::Field(field) => match field.value_type() {
                FieldType::Flag => Interval { low: Some(0), high: Some(1) },
                FieldType::Money if field == Field::BalanceAfter => Interval::UNKNOWN,
                FieldType::Money | FieldType::Count | FieldType::Word(_) => not_negative,
            },
        }
    }

    fn name(self, signals: &[Signal]) -> String {
        match self {
            Leaf::Signal(number) => {
                signals.get(number).map_or_else(String::new, |signal| signal.name.clone())
            }
            Leaf::Field(field) => field.name().to_owned(),
        }
    }
}

/// Why a condition can never hold: bounds on one value that contradict each other, or a part that is
/// false whatever the values within those bounds are. Conservative: it may miss one.
fn contradiction(condition: &Condition, signals: &[Signal]) -> Option<String> {
    let parts = conjuncts(condition);
    let mut bounds: Vec<(Leaf, Interval)> = Vec::new();
    for part in &parts {
        let Some((leaf, op, value)) = bound(part) else {
            continue;
        };
        let place = match bounds.iter().position(|(known, _)| *known == leaf) {
            Some(place) => place,
            None => {
                bounds.push((leaf, leaf.widest(signals)));
                bounds.len() - 1
            }
        };
        let Some((_, interval)) = bounds.get_mut(place) else {
            continue;
        };
        *interval = narrowed(*interval, op, value);
        if matches!((interval.low, interval.high), (Some(low), Some(high)) if low > high) {
            return Some(format!("no value of `{}` meets all of its bounds", leaf.name(signals)));
        }
    }
    let of = |leaf: Leaf| {
        bounds
            .iter()
            .find(|(known, _)| *known == leaf)
            .map_or_else(|| leaf.widest(signals), |(_, known)| *known)
    };
    let never = parts.iter().find(|part| ranged(part, &of) == Some(false))?;
    Some(format!("`{}` never holds", never.text(signals)))
}

fn holds_always(condition: &Condition, signals: &[Signal]) -> bool {
    // Where a field is read it may be unsaid, and then nothing holds.
    super::condition::fields(condition).is_empty()
        && ranged(condition, &|leaf: Leaf| leaf.widest(signals)) == Some(true)
}

/// The condition over the ranges of its leaves; true and false are certain.
fn ranged(condition: &Condition, of: &dyn Fn(Leaf) -> Interval) -> Option<bool> {
    match condition {
        Condition::All(parts) => settled(parts.iter().map(|part| ranged(part, of)), false),
        Condition::Any(parts) => settled(parts.iter().map(|part| ranged(part, of)), true),
        Condition::Not(part) => ranged(part, of).map(|holds| !holds),
        Condition::Compare { left, op, right } => {
            // A value compared with itself is the one case in which two ranges move together.
            if left == right {
                return Some(matches!(op, Op::Le | Op::Ge | Op::Eq));
            }
            range(left, of).compare(*op, range(right, of))
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

fn range(term: &Term, of: &dyn Fn(Leaf) -> Interval) -> Interval {
    match term {
        Term::Signal(number) => of(Leaf::Signal(*number)),
        Term::Field(field) => of(Leaf::Field(*field)),
        Term::Constant(_) => term.eval(&mut |_| Interval::UNKNOWN, &Attributes::default()),
        Term::Add(a, b) => range(a, of).plus(range(b, of)),
        Term::Sub(a, b) => range(a, of).minus(range(b, of)),
        Term::Mul(a, b) => range(a, of).times(range(b, of)),
        Term::If(_, a, b) => range(a, of).hull(range(b, of)),
    }
}

/// The parts that must all hold.
fn conjuncts(condition: &Condition) -> Vec<&Condition> {
    match condition {
        Condition::All(parts) => parts.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// A comparison of one value with a constant, the value on the left.
fn bound(part: &Condition) -> Option<(Leaf, Op, i128)> {
    let Condition::Compare { left, op, right } = part else {
        return None;
    };
    match (left, right) {
        (term, Term::Constant(value)) => Some((Leaf::of(term)?, *op, i128::from(*value))),
        (Term::Constant(value), term) => Some((Leaf::of(term)?, mirrored(*op), i128::from(*value))),
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

fn narrowed(interval: Interval, op: Op, value: i128) -> Interval {
    let higher = |value| Some(interval.low.map_or(value, |low| low.max(value)));
    let lower = |value| Some(interval.high.map_or(value, |high| high.min(value)));
    match op {
        Op::Lt => Interval { high: lower(value - 1), ..interval },
        Op::Le => Interval { high: lower(value), ..interval },
        Op::Gt => Interval { low: higher(value + 1), ..interval },
        Op::Ge => Interval { low: higher(value), ..interval },
        Op::Eq => Interval { low: higher(value), high: lower(value) },
        Op::Ne => interval,
    }
}

/// Whether `other` fires whenever `rule` does, and does at least as much. Of two that say the same, the
/// later by id is useless.
fn shadows(other: &Rule, rule: &Rule, signals: &[Signal]) -> bool {
    let counts = other.status == RuleStatus::Enforced
        || other.status == RuleStatus::Shadow && rule.status == RuleStatus::Shadow;
    // A measured rule acts only with its record, so one without does less.
    let measured = other.may_act() || !rule.may_act();
    let of_one_kind =
        matches!(other.origin, RuleOrigin::Measured(_)) && matches!(rule.origin, RuleOrigin::Measured(_));
    other.id != rule.id
        && counts
        && measured
        && of_one_kind
        && other.subject == rule.subject
        && rule.triggers.iter().all(|trigger| other.triggers.contains(trigger))
        && as_hard(other.measure, rule.measure)
        && other.measure_for >= rule.measure_for
        && implies(&rule.condition, &other.condition, signals)
        && (other.id < rule.id || !implies(&other.condition, &rule.condition, signals))
}

fn as_hard(other: MeasureKind, than: MeasureKind) -> bool {
    other == than || than.is_milder_than(other)
}

/// Whether each part of the weaker condition follows from one part of the stronger.
fn implies(stronger: &Condition, weaker: &Condition, signals: &[Signal]) -> bool {
    let known = conjuncts(stronger);
    conjuncts(weaker).into_iter().all(|needed| known.iter().any(|part| follows(part, needed, signals)))
}

fn follows(part: &Condition, needed: &Condition, signals: &[Signal]) -> bool {
    if part == needed {
        return true;
    }
    let (
        Condition::Compare { left, op, right },
        Condition::Compare { left: its_left, op: its_op, right: its_right },
    ) = (part, needed)
    else {
        // `a || b` follows from `a`.
        return matches!(needed, Condition::Any(parts) if parts.iter().any(|any| implies(part, any, signals)));
    };
    let (Term::Constant(value), Term::Constant(its)) = (right, its_right) else {
        return false;
    };
    if left != its_left {
        return false;
    }
    let all = narrowed(Interval::UNKNOWN, *op, i128::from(*value));
    *op != Op::Ne && all.compare(*its_op, Interval::point(i128::from(*its))) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::super::{Profile, compile, embedded};
    use super::*;

    fn shipped() -> RuleSet {
        compile(&embedded(Profile::Strict).unwrap()).unwrap()
    }

    fn kinds(rules: &RuleSet, about: &str) -> Vec<Finding> {
        let found = findings(rules, &[], &|_| true);
        found.into_iter().filter(|found| found.about == about).map(|found| found.what).collect()
    }

    fn at_least(number: usize, op: Op, value: i64) -> Condition {
        Condition::Compare { left: Term::Signal(number), op, right: Term::Constant(value) }
    }

    /// The shipped set with one more rule of a condition.
    fn with(id: &str, condition: Condition) -> RuleSet {
        let mut rules = shipped();
        let mut rule = rules.rules.iter().find(|rule| rule.id == "pass_through").unwrap().clone();
        rule.id = id.to_owned();
        rule.condition = condition;
        rules.rules.push(rule);
        rules
    }

    #[test]
    fn what_ships_can_fire_and_is_fed() {
        let rules = shipped();
        for found in findings(&rules, &[], &|_| true) {
            assert_eq!(found.what, Finding::SignalNotRead, "{}: {found}", found.about);
        }
    }

    #[test]
    fn bounds_that_contradict_never_hold() {
        let both = |a, b| Condition::All(vec![a, b]);
        for never in [
            both(at_least(0, Op::Ge, 5), at_least(0, Op::Lt, 5)),
            both(at_least(0, Op::Eq, 5), at_least(0, Op::Gt, 6)),
            at_least(0, Op::Lt, 0),
            both(
                at_least(0, Op::Le, 3),
                Condition::Any(vec![at_least(0, Op::Gt, 3), at_least(0, Op::Gt, 4)]),
            ),
        ] {
            assert!(
                kinds(&with("broken", never.clone()), "broken").contains(&Finding::NeverFires),
                "{never:?}"
            );
        }
        let fine = both(at_least(0, Op::Ge, 5), at_least(0, Op::Le, 5));
        assert_eq!(kinds(&with("broken", fine), "broken"), []);
        assert_eq!(kinds(&with("broken", at_least(0, Op::Ge, 0)), "broken"), [Finding::AlwaysHolds]);
    }

    #[test]
    fn a_rule_within_another_is_shadowed() {
        let rules = |weak: Condition, strong: Condition| {
            let mut rules = with("broken_a", weak);
            rules.rules.extend(with("broken_b", strong).rules.pop());
            rules
        };
        let tighter = Condition::All(vec![at_least(0, Op::Ge, 7), at_least(1, Op::Ge, 1)]);
        let found = rules(at_least(0, Op::Gt, 5), tighter.clone());
        assert_eq!(kinds(&found, "broken_b"), [Finding::Shadowed]);
        assert_eq!(kinds(&found, "broken_a"), []);
        assert_eq!(kinds(&rules(at_least(0, Op::Gt, 7), tighter), "broken_b"), []);
        // Of two alike the later is useless, not both.
        let alike = rules(at_least(0, Op::Gt, 5), at_least(0, Op::Gt, 5));
        assert_eq!((kinds(&alike, "broken_a"), kinds(&alike, "broken_b")), (vec![], vec![Finding::Shadowed]));
    }

    #[test]
    fn without_a_source_nothing_is_triggered_or_fed() {
        let rules = shipped();
        let found = findings(&rules, &[], &|_| false);
        let count = |what| found.iter().filter(|found| found.what == what).count();
        assert_eq!(
            count(Finding::NeverTriggered),
            rules.rules.iter().filter(|rule| rule.status != RuleStatus::Off).count()
        );
        assert!(count(Finding::SignalNotFed) > 0);
    }
}
