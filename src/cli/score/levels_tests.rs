//! Scores by hand on a population small enough to count on fingers.

use super::*;

fn label(start: i64, scheme: &str) -> Label {
    Label { start_ms: (start >= 0).then_some(start), scheme: (!scheme.is_empty()).then(|| scheme.to_owned()) }
}

fn labels() -> Labels {
    let mut labels = Labels::default();
    labels.accounts.insert("M1".into(), vec![label(1000, "S1"), label(5000, "S2")]);
    labels.accounts.insert("M2".into(), vec![label(2000, "S1")]);
    labels.accounts.insert("M3".into(), vec![label(-1, "")]);
    labels.accounts.insert("M9".into(), vec![label(1, "S3")]);
    labels.excluded.insert("X1".into());
    labels.events.insert("E1".into(), vec![label(1000, "")]);
    labels.events.insert("E2".into(), vec![label(1000, "")]);
    labels
}

fn population() -> Population {
    Population {
        // M9 is labelled and never seen.
        accounts: ["M1", "M2", "M3", "X1", "N1", "N2"].map(str::to_owned).into(),
        events: 10,
        labelled_events: ["E1".to_owned(), "E2".to_owned()].into(),
        alerted_events: ["E1", "E2", "E3", "E5", "E7", "E8"].map(str::to_owned).into(),
    }
}

fn alert<'a>(event_id: &'a str, at_ms: i64, subject_id: &'a str, mode: &'a str) -> Alert<'a> {
    Alert { event_id, at_ms, subject_kind: "account", subject_id, rule: "r", lane: "anomaly", mode }
}

fn score(alerts: &[Alert<'_>]) -> Scores {
    let (labels, population) = (labels(), population());
    let mut scoring = Scoring::new(&labels, &population);
    alerts.iter().for_each(|alert| scoring.add(alert));
    scoring.finish()
}

#[test]
fn nothing_alerted_is_all_zero_but_the_totals() {
    let scores = score(&[]);
    assert_eq!(scores.levels.account, Level { positives: 3, negatives: 2, excluded: 1, ..Level::default() });
    assert_eq!(scores.levels.event, Level { positives: 2, negatives: 8, ..Level::default() });
    assert_eq!(scores.levels.scheme, SchemeLevel { total: 2, any: 0, half: 0 });
    assert_eq!(scores.time_to_detect, TimeToDetect::default());
    assert_eq!(scores.unscored, Unscored { accounts: 1, ..Unscored::default() });
}

#[test]
fn an_alert_before_the_start_is_a_false_one_and_no_hit() {
    let scores = score(&[alert("E5", 1999, "M2", "shadow")]);
    assert_eq!((scores.levels.account.hit, scores.levels.account.false_count), (0, 1));
    assert_eq!(scores.levels.account.fpr, 0.5);
    let hits = scores.rules[&("r".to_owned(), "shadow".to_owned())];
    assert_eq!(hits, RuleHits { alerts: 1, true_count: 0, false_count: 1 });
    let at_start = score(&[alert("E5", 2000, "M2", "shadow")]);
    assert_eq!((at_start.levels.account.hit, at_start.levels.account.false_count), (1, 0));
}

#[test]
fn excluded_accounts_are_neither_hit_nor_false() {
    let scores = score(&[alert("E5", 1, "X1", "shadow")]);
    assert_eq!((scores.levels.account.hit, scores.levels.account.false_count), (0, 0));
    let hits = scores.rules[&("r".to_owned(), "shadow".to_owned())];
    assert_eq!(hits, RuleHits { alerts: 1, true_count: 0, false_count: 0 });
}

#[test]
fn modes_are_scored_apart_and_together() {
    let scores = score(&[alert("E1", 1000, "M1", "enforced"), alert("E3", 9000, "N1", "shadow")]);
    assert_eq!((scores.levels.account.hit, scores.levels.account.false_count), (1, 1));
    assert_eq!(scores.levels.account.alerts_per_1000, 333.333333);
    let enforced = &scores.levels_by_mode["enforced"];
    assert_eq!((enforced.account.hit, enforced.account.false_count), (1, 0));
    assert_eq!((enforced.event.hit, enforced.event.false_count), (1, 0));
    let shadow = &scores.levels_by_mode["shadow"];
    assert_eq!((shadow.account.hit, shadow.account.false_count), (0, 1));
    assert_eq!((shadow.event.hit, shadow.event.false_count, shadow.event.fpr), (0, 1, 0.125));
}

#[test]
fn each_mode_has_its_levels_alerted_in_or_not() {
    let modes = |alerts: &[Alert<'_>]| score(alerts).levels_by_mode;
    let silent = modes(&[]);
    assert_eq!(silent.keys().collect::<Vec<_>>(), ["braked", "enforced", "shadow"]);
    assert!(silent.values().all(|levels| levels.account.positives == 3 && levels.account.hit == 0));
    let all = modes(&[
        alert("E1", 1000, "M1", "enforced"),
        alert("E2", 3000, "M2", "braked"),
        alert("E3", 9000, "N1", "braked"),
        alert("E5", 9000, "N2", "shadow"),
    ]);
    let found = |mode: &str| (all[mode].account.hit, all[mode].account.false_count);
    assert_eq!([found("enforced"), found("braked"), found("shadow")], [(1, 0), (1, 1), (0, 1)]);
}

#[test]
fn who_was_warned_for_their_protection_is_no_suspect() {
    let warned = Alert { lane: "victim", ..alert("E5", 9000, "N2", "enforced") };
    let lanes = score(&[alert("E1", 1000, "M1", "enforced"), warned]).levels_by_lane;
    assert_eq!(lanes.keys().collect::<Vec<_>>(), ["anomaly", "authority", "limit", "victim"]);
    let found = |lane: &str| (lanes[lane].account.hit, lanes[lane].account.false_count);
    assert_eq!([found("anomaly"), found("victim"), found("limit")], [(1, 0), (0, 1), (0, 0)]);
}

#[test]
fn a_scheme_is_hit_by_alerts_after_its_own_start() {
    // After M1's start in S1, before its start in S2.
    let scores = score(&[alert("E1", 4000, "M1", "shadow")]);
    assert_eq!(scores.levels.scheme, SchemeLevel { total: 2, any: 1, half: 1 });
    let both = score(&[alert("E1", 6000, "M1", "shadow")]);
    assert_eq!(both.levels.scheme, SchemeLevel { total: 2, any: 2, half: 2 });
}

#[test]
fn time_to_detect_counts_from_the_first_start() {
    let scores = score(&[
        alert("E1", 3500, "M1", "shadow"),
        alert("E1", 9500, "M1", "shadow"),
        alert("E7", 2500, "M2", "shadow"),
        alert("E8", 2500, "M3", "shadow"),
    ]);
    assert_eq!(scores.time_to_detect, TimeToDetect { median: 0.5, p90: 2.5, n: 2 });
}

#[test]
fn alerts_on_openings_count_for_no_account() {
    let mut opening = alert("E1", 1000, "M1", "enforced");
    opening.subject_kind = "opening";
    let scores = score(&[opening]);
    assert_eq!(scores.levels.account.hit, 0);
    assert_eq!(scores.levels.event.hit, 1);
}

#[test]
fn an_alert_on_an_event_outside_the_level_is_not_an_alerted_event() {
    let scores = score(&[alert("SPEND", 1000, "M1", "enforced")]);
    assert_eq!((scores.levels.event.false_count, scores.levels.event.alerts_per_1000), (0, 0.0));
    assert_eq!(scores.levels.account.hit, 1);
}
