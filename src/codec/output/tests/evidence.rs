//! Evidence as it is written: what it says, its bound, and what gives way first.

use super::super::EVIDENCE_BYTES_MAX;
use super::*;
use crate::engine::evidence::{EVENTS_MAX, Missed, NEAR_MISSES_MAX, NearMiss, Softened};

#[test]
fn evidence_is_never_longer_than_its_bound() {
    let keys = Keys::development();
    let long = "x".repeat(2_000);
    let listed: Vec<SignalEvidence> = (0..5).map(|_| signal(&long, EVENTS_MAX / 5)).collect();
    let cases = [evidence(listed.clone()), {
        let mut overfull = evidence(listed);
        let comparison = overfull.comparisons[0].clone();
        overfull.comparisons = vec![ComparisonEvidence { text: "y".repeat(9_000), ..comparison }; 3];
        overfull
    }];
    for (case, evidence) in cases.into_iter().enumerate() {
        let head = head(&keys, Lane::Anomaly, SubjectKind::Account, Purpose::ANTI_FRAUD);
        let effect = set_with(head, Measure::Account(AccountStep::LimitNonCounter), evidence);
        let once = encoded(&keys, &effect).unwrap();
        assert_eq!(once, encoded(&keys, &effect).unwrap());
        let written = &json(&once[0])["data"]["evidence"];
        assert_eq!(written["shortened"], case == 1);
        assert!(serde_json::to_vec(written).unwrap().len() <= EVIDENCE_BYTES_MAX);
        assert_eq!(written["digest"].as_str().unwrap().len(), 64);
    }
}

#[test]
fn the_longest_list_gives_way_first() {
    let keys = Keys::development();
    let padding = "x".repeat(13_000);
    let head = head(&keys, Lane::Anomaly, SubjectKind::Account, Purpose::ANTI_FRAUD);
    let signals = vec![signal(&padding, 0), signal("few", 2), signal("many", 48)];
    let effect = set_with(head, Measure::Account(AccountStep::LimitNonCounter), evidence(signals));
    let written = json(&encoded(&keys, &effect).unwrap()[0])["data"]["evidence"].clone();
    let listed = |place: usize| written["signals"][place]["events"].as_array().unwrap().len();
    assert_eq!(listed(1), 2);
    assert!(listed(2) > 2 && listed(2) < 48, "{} events", listed(2));
    // From the end: what is left is the beginning of the list.
    assert_eq!(written["signals"][2]["events"][0]["event"], "0000000000000000");
    assert_eq!(written["signals"][2]["events_count"], 400);
}

/// A rule that came near, with comparisons of that many bytes.
fn near_miss(rule: &str, bytes: usize) -> NearMiss {
    let missed = ComparisonEvidence { text: "z".repeat(bytes), left: 9, op: Op::Ge, right: 10 };
    NearMiss {
        rule: RuleName { id: rule.to_owned(), version: 4 },
        missed: vec![Missed { shown: missed, uncertain: bytes == 3 }],
    }
}

#[test]
fn evidence_says_what_came_near_what_would_clear_it_and_what_softened_it() {
    let keys = Keys::development();
    let head = head(&keys, Lane::Anomaly, SubjectKind::Account, Purpose::ANTI_FRAUD);
    let evidence = Evidence {
        near_misses: vec![near_miss("fan_out", 3), near_miss("fan_in", 4)],
        softened: Some(Softened {
            authorisations: vec![Arc::from("A-7")],
            by: RuleName { id: "salary_account".to_owned(), version: 1 },
            asked: MeasureKind::Account(AccountStep::StopNonCounter),
            waived: false,
        }),
        braked: true,
        signs: vec![ComparisonEvidence { text: "in_1d >= 3".to_owned(), left: 4, op: Op::Ge, right: 3 }],
        ..evidence(vec![signal("out_1d", 1)])
    };
    let effect = set_with(head, Measure::Account(AccountStep::VerifyTransaction), evidence);
    let written = json(&encoded(&keys, &effect).unwrap()[0])["data"]["evidence"].clone();
    assert_eq!(written["signals"][0]["window"], "1d");
    assert_eq!(written["softened"]["by"]["id"], "salary_account");
    assert_eq!(written["softened"]["asked"], "account_stop_non_counter");
    assert_eq!(written["braked"], true);
    assert_eq!(written["signs"][0]["text"], "in_1d >= 3");
    assert_eq!(written["near_misses"][0]["rule"]["version"], 4);
    assert_eq!(written["near_misses"][0]["missed"][0]["operator"], ">=");
    assert_eq!(written["near_misses"][0]["missed"][0]["uncertain"], true);
    assert!(written["near_misses"][1]["missed"][0].get("uncertain").is_none(), "a miss by the numbers");
    assert_eq!(written["cleared_without"][0], "0000000000000003");
    let bare = json(&encoded(&keys, &set(&keys)).unwrap()[0])["data"]["evidence"].clone();
    assert!(bare.get("signs").is_none(), "no points, no signs");
    assert!(bare.get("softened").is_none() && bare["braked"] == false);
}

#[test]
fn near_misses_give_way_after_events_and_before_what_decided() {
    let keys = Keys::development();
    let head = head(&keys, Lane::Anomaly, SubjectKind::Account, Purpose::ANTI_FRAUD);
    let near_misses = (0..NEAR_MISSES_MAX).map(|n| near_miss(&format!("r{n}"), 4_000)).collect();
    let evidence = Evidence { near_misses, ..evidence(vec![signal("out_1d", 8)]) };
    let effect = set_with(head, Measure::Account(AccountStep::LimitNonCounter), evidence);
    let written = json(&encoded(&keys, &effect).unwrap()[0])["data"]["evidence"].clone();
    let kept: Vec<&str> = written["near_misses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|miss| miss["rule"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(kept, ["r0", "r1", "r2"]);
    assert_eq!(written["signals"][0]["events"].as_array().unwrap().len(), 0);
    assert_eq!(written["signals"][0]["value"], 12);
    assert_eq!(written["comparisons"].as_array().unwrap().len(), 1);
    assert!(serde_json::to_vec(&written).unwrap().len() <= EVIDENCE_BYTES_MAX);
}
