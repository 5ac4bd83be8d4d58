//! A rule set that is released in the middle of a log: decided alike by every run and by `verify`.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::*;

const VERIFIED: [&str; 3] = ["lost", "doubled", "mismatched"];

/// Transfers between own accounts as native events.
fn transfers(rows: &[Row]) -> Vec<String> {
    let party = |account: &str| json!({ "institution": "demo-bank", "holder": format!("H{account}"), "ref": account, "kind": "account" });
    let transfer = |row: &Row| {
        let (yuan, fen) = row.amount.split_once('.').unwrap_or((&row.amount, "00"));
        let minor: i64 = format!("{yuan}{fen}").parse().unwrap();
        let amount = json!({ "minor": minor, "currency": "CNY" });
        let data = json!({ "payer": party(&row.from), "payee": party(&row.to), "amount": amount });
        event(&row.id, row.ts_ms, "transfer_posted", data)
    };
    rows.iter().filter(|row| row.kind == "transfer").map(transfer).collect()
}

fn event(id: &str, ts_ms: i64, kind: &str, data: Value) -> String {
    let time = jiff::Timestamp::from_millisecond(ts_ms).unwrap().to_string();
    json!({ "specversion": "1.0", "id": id, "source": "test", "type": kind, "time": time, "data": data })
        .to_string()
}

/// The bundle of these tests' rules at another version of the whole.
fn bundle(place: &Place, version: u64) -> String {
    let rules = place.rules();
    let printed = ran(duecourse().args(["rules", "check", "--bundle", "--rules"]).arg(rules));
    let mut bundle: Value = serde_json::from_str(&printed.stdout).unwrap();
    bundle["files"]["settings.toml"]["version"] = json!(version);
    bundle.to_string()
}

fn activation(id: &str, ts_ms: i64, bundle: &str, rollback: Option<&str>) -> String {
    let sha256: String = Sha256::digest(bundle).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut data = json!({ "bundle": bundle, "sha256": sha256 });
    if let Some(reason) = rollback {
        data["rollback"] = json!(reason);
    }
    event(id, ts_ms, "rule_set_activated", data)
}

fn run_native(place: &Place, lines: &[String], name: &str, code: i32) -> std::path::PathBuf {
    let input = place.file(&format!("{name}.ndjson"), lines.join("\n") + "\n");
    let out = place.path(name);
    run_source(place, &input, &out, code);
    out
}

#[track_caller]
fn run_source(place: &Place, input: &Path, out: &Path, code: i32) {
    let mut command = duecourse();
    command.arg("run").arg("--input").arg(input).args(["--source", "native", "--out"]).arg(out);
    let ran = ran(command.arg("--rules").arg(place.rules()));
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
}

#[track_caller]
fn verified(out: &Path) -> Value {
    let ran = ran(duecourse().arg("verify").arg("--out").arg(out));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let counts: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(VERIFIED.iter().all(|name| counts[name] == 0), "{counts}");
    counts
}

/// `rules_version` of each disposition, in order.
fn versions(out: &Path) -> Vec<u64> {
    let of = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        value["data"]["rules_version"].as_u64().unwrap()
    };
    read(out, "dispositions.ndjson").lines().map(of).collect()
}

#[test]
fn a_release_in_the_middle_names_its_version_keeps_counts_and_replays_identically() {
    let place = Place::new();
    let rows = rows(3000);
    let without = transfers(&rows);
    let newer = 1_000;
    let mut with = without.clone();
    // Many accounts are halfway to a threshold here: what they have counted must stay.
    let middle = with.len() / 2;
    let at = rows.iter().filter(|row| row.kind == "transfer").nth(middle).unwrap().ts_ms;
    with.insert(middle, activation("release", at, &bundle(&place, newer), None));
    let quiet = run_native(&place, &without, "without", 0);
    let once = run_native(&place, &with, "with", 0);
    let again = run_native(&place, &with, "again", 0);
    assert_alerts(&once);
    assert!(decisions(&once) == decisions(&again));

    let versions = versions(&once);
    let before = versions[0];
    assert!(before < newer && versions.is_sorted(), "{versions:?}");
    for version in [before, newer] {
        assert!(versions.iter().filter(|found| **found == version).count() > 3, "{versions:?}");
    }
    // The new set differs in its version alone, so nothing else may differ from a log without it.
    let blind = |out: &Path| {
        let rules_version = |version: u64| format!("\"rules_version\":{version}");
        read(out, "dispositions.ndjson").replace(&rules_version(newer), &rules_version(before))
    };
    assert!(blind(&once) == blind(&quiet), "unchanged signals did not keep their state");
    assert!(read(&once, "alerts.csv") == read(&quiet, "alerts.csv"));

    let counts = verified(&once);
    let seen: Vec<(u64, u64)> = counts["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rules| {
            (rules["version"].as_u64().unwrap(), rules["partitions"].as_array().unwrap().len() as u64)
        })
        .collect();
    assert_eq!(seen, [(before, 1), (newer, 1)]);
    assert_eq!(verified(&quiet)["rules"].as_array().unwrap().len(), 1);
}

#[test]
fn a_version_comes_back_only_for_a_reason() {
    let place = Place::new();
    let rows: Vec<Row> = rows(3000).into_iter().filter(|row| row.kind == "transfer").collect();
    let mut lines = transfers(&rows);
    let (first, second) = (lines.len() / 3, lines.len() * 2 / 3);
    let (newer, older) = (bundle(&place, 1_000), bundle(&place, 900));
    lines.insert(second, activation("back", rows[second].ts_ms, &older, Some("wide alerts in branch 7")));
    lines.insert(second, activation("refused", rows[second].ts_ms, &older, None));
    lines.insert(first, activation("newer", rows[first].ts_ms, &newer, None));
    let out = run_native(&place, &lines, "out", 5);
    // One line more stands before it by then.
    assert_eq!(dead_letters(&out), [(0, second as u64 + 2, "rules_not_newer".to_owned())]);
    let mut versions = versions(&out);
    versions.dedup();
    assert_eq!(versions[1..], [1_000, 900]);
    assert_eq!(verified(&out)["rules"].as_array().unwrap().len(), 3);
}
