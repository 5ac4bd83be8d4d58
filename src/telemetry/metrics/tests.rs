//! The metrics as Prometheus sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::catalogue::{self, Kind};
use super::*;
use crate::config::bundle;
use crate::engine::base::{Fingerprint, SpanMs, TimeMs};
use crate::engine::input::{Effect, Tally, UnmatchedReason};
use crate::engine::purpose::Use;
use crate::engine::rule::{HarmBudget, Quality};
use crate::engine::ruleset::RuleSet;
use crate::engine::state::RuleCount;

/// The embedded rules, the first with a budget of one hour a day.
fn budgeted() -> RuleSet {
    let mut rules = bundle::compile(&bundle::embedded(bundle::Profile::Strict).unwrap()).unwrap();
    rules.rules[0].harm_budget = Some(HarmBudget { hours_max: 1, per: SpanMs::DAY });
    rules
}

#[test]
fn a_rule_is_braked_while_its_budget_of_this_interval_is_spent() {
    let metrics = Metrics::new().unwrap();
    let rules = budgeted();
    let id = rules.rules[0].id.as_str();
    let spent = RuleCount { interval: 2, harm_ms: 3_600_000, ..RuleCount::default() };
    let shown_on_day = |day: i64| {
        let newest = TimeMs(day * SpanMs::DAY.0);
        metrics.rules.show(&rules, newest, &mut std::iter::once((id, spent)));
        metrics.text()
    };
    let now = shown_on_day(2);
    for line in [
        format!("duecourse_rule_harm_seconds{{rule=\"{id}\"}} 3600"),
        format!("duecourse_rule_harm_budget_seconds{{rule=\"{id}\"}} 3600"),
        format!("duecourse_rule_braked{{rule=\"{id}\"}} 1"),
    ] {
        assert!(now.lines().any(|found| found == line), "{line} is not in\n{now}");
    }
    let next = shown_on_day(3);
    assert!(next.contains(&format!("duecourse_rule_braked{{rule=\"{id}\"}} 0\n")), "{next}");
    assert!(next.contains(&format!("duecourse_rule_info{{rule=\"{id}\",")), "{next}");
}

#[test]
fn a_version_of_a_rule_that_moved_to_shadow_is_shown_until_a_later_one_decides() {
    let metrics = Metrics::new().unwrap();
    let mut rules = budgeted();
    let id = rules.rules[0].id.clone();
    rules.rules[0].quality =
        Some(Quality { overturned_per_mille_max: 200, verified_per_mille_max: 900, measures_min: 50 });
    let version = rules.rules[0].version;
    let shown = |version: u32| {
        metrics.rules.show_shadowed(&rules, &mut std::iter::once((id.as_str(), version)));
        let line = format!("duecourse_rule_shadowed{{rule=\"{id}\"}} 1");
        metrics.text().lines().any(|found| found == line)
    };
    assert!(shown(version));
    assert!(!shown(version - 1), "what an earlier version did is none of this one's");
}

/// Metrics with every family touched at least once, and what they show while a partition is held: one that
/// is let go takes its gauges along.
fn touched() -> (Metrics, String) {
    let metrics = Metrics::new().unwrap();
    metrics.intake.update(&IntakeTotals {
        accepted: 7,
        refused: BTreeMap::from([("time_jump", 2)]),
        undeclared_fields: 3,
        facts: 14,
        packs: 2,
        restarts: 1,
    });
    let mut partition = metrics.decide.partition(3, Tally::default());
    partition.update(Tally { facts_applied: 5, ranges_gap: 1, ..Tally::default() });
    partition.progress(TimeMs(1_500), true, TimeMs(4_000));
    partition.snapshot_at(TimeMs(9_000));
    partition.snapshot_size(1_024);
    partition.timers(Some(TimeMs(1_000)), TimeMs(4_000));
    partition.recovered(Duration::from_millis(700));
    partition.persons(2026, "leads", 12);
    metrics.decide.persons_threshold("leads", 10);
    metrics.decide.snapshot(true);
    metrics.decide.frozen(Duration::from_micros(300));
    metrics.decide.facts_retention(None);
    metrics.decide.batch_settled("committed");
    metrics.decide.transaction(Duration::from_millis(4));
    metrics.decide.latency(Duration::from_millis(30));
    metrics
        .decide
        .effect(&Effect::Unmatched { event: Fingerprint(1), reason: UnmatchedReason::AppealUnknown });
    metrics.decide.dispositions.with_label_values(&["measure_set", "r", "anomaly", "m"]).inc();
    // The partition's own is let go at the end of this function.
    metrics.decide.rule_set.with_label_values(&["3", "1", "00"]).set(1.0);
    metrics.rules.show(&budgeted(), TimeMs(0), &mut std::iter::empty());
    metrics.rules.show_shadowed(&budgeted(), &mut std::iter::empty());
    metrics.rules.measures_braked.with_label_values(&["r"]).inc();
    metrics.rules.measures_softened.with_label_values(&["r", "p"]).inc();
    metrics.query_refused(Refused::OtherPurpose(Use::AmlReview));
    metrics.sink_refused("notices");
    let text = metrics.text();
    (metrics, text)
}

#[test]
fn a_partition_shows_the_one_rule_set_it_decides_by_until_it_is_let_go() {
    let metrics = Metrics::new().unwrap();
    let shown = || -> Vec<String> {
        let text = metrics.text();
        let lines = text.lines().filter(|line| line.starts_with("duecourse_rule_set_info{"));
        lines
            .map(|line| line.split('"').skip(1).step_by(2).step_by(2).collect::<Vec<_>>().join("/"))
            .collect()
    };
    let mut partitions = [0, 1].map(|number| metrics.decide.partition(number, Tally::default()));
    partitions.iter_mut().for_each(|partition| partition.rule_set(1, &[1; 32]));
    partitions[1].rule_set(2, &[2; 32]);
    partitions[1].rule_set(2, &[2; 32]);
    assert_eq!(shown(), ["0/1", "1/2"]);
    let [first, _second] = partitions;
    drop(first);
    assert_eq!(shown(), ["1/2"]);
}

#[test]
fn the_registry_shows_exactly_the_catalogue_with_its_help_and_kinds() {
    let (_, text) = touched();
    let mut shown = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let metric = catalogue::ALL.iter().find(|metric| metric.name == name).unwrap();
        assert_eq!(format!("{:?}", metric.kind).to_lowercase(), kind, "{name}");
        assert!(text.contains(&format!("# HELP {name} {}", metric.help)), "{name}");
        shown.insert(name);
    }
    assert_eq!(shown, catalogue::ALL.iter().map(|metric| metric.name).collect());
}

#[test]
fn names_follow_the_conventions() {
    for metric in catalogue::ALL {
        assert!(metric.name.starts_with("duecourse_"));
        assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
        assert!(metric.help.ends_with('.') && metric.help.len() > 12, "{}", metric.name);
        let units = ["_ms", "_millis", "_minutes", "_kb"];
        assert!(!units.iter().any(|unit| metric.name.ends_with(unit)), "base units only: {}", metric.name);
        // No label may carry an identifier.
        let identifiers = ["token", "account", "holder", "event_id", "appeal", "ref", "subject"];
        assert!(metric.labels.iter().all(|label| !identifiers.contains(label)), "{}", metric.name);
    }
}

#[test]
fn totals_are_handed_over_as_differences() {
    let (metrics, _) = touched();
    let totals = IntakeTotals {
        accepted: 10,
        refused: BTreeMap::from([("time_jump", 2), ("not_utf8", 5)]),
        ..IntakeTotals::default()
    };
    metrics.intake.update(&totals);
    metrics.intake.update(&totals);
    let text = metrics.text();
    for line in [
        "duecourse_events_total{outcome=\"accepted\"} 10",
        "duecourse_events_total{outcome=\"refused\"} 7",
        "duecourse_refusals_total{reason=\"not_utf8\"} 5",
        "duecourse_refusals_total{reason=\"time_jump\"} 2",
        "duecourse_ranges_ignored_total{verdict=\"gap\"} 1",
        "duecourse_covered_lag_seconds{partition=\"3\"} 2.5",
        "duecourse_snapshot_timestamp_seconds{partition=\"3\"} 9",
        "duecourse_snapshot_bytes{partition=\"3\"} 1024",
        "duecourse_timer_lag_seconds{partition=\"3\"} 3",
        "duecourse_partition_recovered{partition=\"3\"} 1",
        "duecourse_partition_stopped{partition=\"3\"} 0",
        "duecourse_recovery_duration_seconds_count 1",
        "duecourse_facts_retention_seconds inf",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn what_a_snapshot_brought_along_is_not_counted_again_and_a_lost_partition_is_not_shown() {
    let metrics = Metrics::new().unwrap();
    let before = Tally { facts_applied: 100, ..Tally::default() };
    metrics.decide.partition(8, before).update(Tally { facts_applied: 103, ..before });
    let text = metrics.text();
    assert!(text.contains("duecourse_facts_total{outcome=\"applied\"} 3\n"), "{text}");
    assert!(text.contains("partition=\"8\""));
    metrics.decide.forget_partition(8);
    assert!(!metrics.text().contains("partition=\"8\""));
}

#[test]
fn a_label_stays_within_its_bound() {
    let label = BoundedLabel::default();
    for number in 0..LABEL_VALUES_MAX {
        let rule = format!("rule_{number}");
        assert_eq!(label.admit(&rule), rule);
    }
    assert_eq!(label.admit("one_more"), OTHER);
    assert_eq!(label.admit("rule_7"), "rule_7");
}

#[test]
fn the_readme_table_is_the_catalogue() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let (start, end) = ("<!-- metrics: generated -->\n", "<!-- /metrics -->");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(start).expect("README.md marks where the table begins");
    let (found, after) = rest.split_once(end).expect("README.md marks where the table ends");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, format!("{before}{start}{}{end}{after}", catalogue::table())).unwrap();
        return;
    }
    assert_eq!(found, catalogue::table(), "UPDATE_README=1 rewrites it");
}
