//! Tests of what `rules check` finds.

use super::super::{Profile, compile, embedded};
use super::*;
use crate::config::expression::{self, Scope};
use crate::engine::rule::{Op, Term};
use crate::engine::subject::SubjectKind;

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
fn nothing_is_found_in_what_ships() {
    for profile in Profile::ALL {
        let checked = super::super::check(&embedded(profile).unwrap()).unwrap();
        assert_eq!(findings(&checked.rule_set, &checked.rules_off, &|_| true), [], "{}", profile.name());
    }
}

#[test]
fn bounds_that_contradict_never_hold() {
    let both = |a, b| Condition::All(vec![a, b]);
    for never in [
        both(at_least(0, Op::Ge, 5), at_least(0, Op::Lt, 5)),
        both(at_least(0, Op::Eq, 5), at_least(0, Op::Gt, 6)),
        at_least(0, Op::Lt, 0),
        both(at_least(0, Op::Le, 3), Condition::Any(vec![at_least(0, Op::Gt, 3), at_least(0, Op::Gt, 4)])),
    ] {
        assert!(kinds(&with("broken", never.clone()), "broken").contains(&Finding::NeverFires), "{never:?}");
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

/// The condition over the shipped signals.
fn reading(rules: &RuleSet, text: &str) -> Condition {
    expression::compile(text, Scope { signals: &rules.signals, constants: &[] }).expect(text)
}

/// What is found about a rule on accounts with this condition, by name.
fn about(text: &str) -> Vec<&'static str> {
    let rules = with("broken", reading(&shipped(), text));
    kinds(&rules, "broken").into_iter().map(Finding::name).collect()
}

fn why_never(text: &str) -> String {
    let rules = with("broken", reading(&shipped(), text));
    let found = findings(&rules, &[], &|_| true);
    let of = |found: &Found| found.about == "broken" && found.what == Finding::NeverFires;
    found.into_iter().find(of).expect(text).message
}

#[test]
fn what_no_value_of_a_signal_can_meet_never_fires() {
    for never in [
        // A window of 180 days has 4320 hours.
        "silent_days >= duration(\"5000h\")",
        "silent_days > duration(\"4320h\")",
        // Shares are thousandths.
        "in_share_7d > 1000",
        // There are no more payees than payments.
        "payee_variety_7d > 1000",
        "payees_distinct_7d > out_count_7d",
        // What a short window holds the longer one holds too.
        "payees_distinct_6h > payees_distinct_7d",
        "payees_distinct_6h - payees_distinct_7d >= 1",
        "in_sum_1h * 2 > in_sum_6h * 2",
        "out_sum_day - out_sum_day > 5",
        "out_sum_day * 3 < out_sum_day + out_sum_day + out_sum_day",
        "event.cash && event.cash != true",
    ] {
        assert_eq!(about(never), ["never_fires"], "{never}");
    }
    for may in [
        "silent_days >= duration(\"4320h\")",
        "in_share_7d >= 1000",
        "payee_variety_7d >= 1000",
        "payees_distinct_7d > payees_distinct_6h",
        "payees_distinct_6h >= payees_distinct_7d && event.amount > 1",
        // Delays, bounds or other feeds: nothing follows.
        "payees_distinct_1d > payees_distinct_earlier_7d",
        "out_large_count_7d > out_count_1d",
        "payers_distinct_7d > out_count_7d",
        "out_sum_day * 3 > out_sum_day + out_sum_day",
    ] {
        assert_eq!(about(may), [""; 0], "{may}");
    }
}

#[test]
fn a_product_that_a_rules_subject_never_is_never_fires() {
    assert_eq!(about("party.product == \"phone_card\" && event.amount > 1"), ["never_fires"]);
    assert_eq!(about("party.product == \"debit_card\" && event.amount > 1"), [""; 0]);
    assert_eq!(about("party.product != \"phone_card\" && event.amount > 1"), [""; 0]);
    let mut rules = with("broken", reading(&shipped(), "party.product == \"iot_card\""));
    let rule = rules.rules.iter_mut().find(|rule| rule.id == "broken").unwrap();
    rule.subject = SubjectKind::PhoneCard;
    assert!(kinds(&rules, "broken").contains(&Finding::NeverFires));
    let rule = rules.rules.iter_mut().find(|rule| rule.id == "broken").unwrap();
    rule.subject = SubjectKind::Opening;
    assert!(!kinds(&rules, "broken").contains(&Finding::NeverFires));
}

#[test]
fn an_or_whose_branches_all_contradict_themselves_never_fires() {
    let dead =
        "(event.cash && out_sum_day > 5 && out_sum_day < 3) || (event.amount > 10 && event.amount < 5)";
    assert_eq!(about(dead), ["never_fires"]);
    let beside = format!("event.cash && ({dead})");
    assert_eq!(about(&beside), ["never_fires"]);
    assert_eq!(about(&format!("{dead} || event.amount > 1")), [""; 0]);
    // What is said beside it counts in each branch.
    assert_eq!(
        about("out_sum_day < 3 && (out_sum_day > 5 || (event.cash && out_sum_day > 4))"),
        ["never_fires"]
    );
    assert_eq!(about("!(out_sum_day < 3 || out_sum_day >= 3)"), ["never_fires"]);
}

#[test]
fn a_part_that_fails_beside_others_is_not_said_to_fail_alone() {
    assert_eq!(
        why_never("out_sum_day < 3 && !(out_sum_day < 5)"),
        "no value of `out_sum_day` meets all of its bounds"
    );
    assert_eq!(
        why_never("out_sum_day < 3 && out_sum_day * 2 > 5 + out_sum_day"),
        "`out_sum_day * 2 > 5 + out_sum_day` never holds beside the other parts"
    );
    assert_eq!(why_never("in_share_7d > 1000"), "no value of `in_share_7d` meets all of its bounds");
    assert_eq!(
        why_never("out_sum_day - out_sum_day > 5 && event.amount > 1"),
        "`out_sum_day - out_sum_day > 5` never holds"
    );
}

#[test]
fn an_or_shadows_and_is_shadowed_by_its_branches() {
    let two = |first: &str, second: &str| {
        let mut rules = with("broken_a", reading(&shipped(), first));
        rules.rules.extend(with("broken_b", reading(&shipped(), second)).rules.pop());
        (kinds(&rules, "broken_a"), kinds(&rules, "broken_b"))
    };
    let shadowed = vec![Finding::Shadowed];
    let weak = "event.amount > 200 || out_count_7d >= 5";
    assert_eq!(two("out_count_7d >= 6 || event.amount > 300", weak), (shadowed.clone(), vec![]));
    assert_eq!(
        two("event.cash && (out_count_7d >= 6 || event.amount > 300)", weak),
        (shadowed.clone(), vec![])
    );
    assert_eq!(two("out_count_7d >= 6 || event.amount > 100", weak), (vec![], vec![]));
    assert_eq!(two("out_count_7d >= 6 || event.cash", weak), (vec![], vec![]));
    assert_eq!(two(weak, weak), (vec![], shadowed));
}

#[test]
fn a_rule_is_named_that_reads_what_nobody_feeds() {
    let rules = with("broken", reading(&shipped(), "card_count_14d >= 3 && event.amount > 1"));
    let unfed = |feed: Feed| feed != Feed::CardPaymentCard;
    let found = findings(&rules, &[], &unfed);
    let of: Vec<&Found> = found.iter().filter(|found| found.about == "broken").collect();
    assert_eq!(of.len(), 1, "{of:?}");
    assert_eq!(of[0].to_string(), "reads_unfed: reads `card_count_14d`, which no source feeds");
}

#[test]
fn a_signal_made_of_one_that_nobody_feeds_is_not_fed() {
    let mut rules = with("broken", reading(&shipped(), "payee_variety_7d >= 3 && event.amount > 1"));
    let number = |rules: &RuleSet, name: &str| rules.signals.iter().position(|one| one.name == name).unwrap();
    let (made, cards) = (number(&rules, "payee_variety_7d"), number(&rules, "card_count_14d"));
    if let Reads::Ratio { to, .. } = &mut rules.signals[made].reads {
        *to = cards;
    }
    let found = findings(&rules, &[], &|feed| feed != Feed::CardPaymentCard);
    let of = |about: &str| -> Vec<String> {
        found.iter().filter(|found| found.about == about).map(ToString::to_string).collect()
    };
    assert_eq!(
        of("payee_variety_7d"),
        ["signal_not_fed: no source gives an event that feeds its part `card_count_14d`"]
    );
    assert_eq!(of("broken"), ["reads_unfed: reads `payee_variety_7d`, which no source feeds"]);
}
