//! The precision that rules ship with, measured again. The labelled sets are no part of the project, so this runs by name:
//!
//! ```text
//! DUECOURSE_DATASETS=DIR cargo test --release --test run -- --ignored precision
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::{Place, duecourse, ran, read};

/// Folders under `DUECOURSE_DATASETS`, and where each set is from.
const SETS: [(&str, &str); 3] = [
    ("aml-transfers", "AMLGentex, seed 311"),
    ("card-terminals", "Fraud Detection Handbook"),
    ("mule-chains", "synthfin-aml 9.2.0, seed 11"),
];
const PROFILES: [&str; 2] = ["strict", "wide"];

/// Alerts of one rule on one set, one figure for each profile.
#[derive(Clone, Copy, Default)]
struct Alerts {
    all: [u64; 2],
    on_labelled: [u64; 2],
}

#[test]
#[ignore = "needs the labelled sets"]
fn records_of_precision_are_what_the_sets_show() {
    let sets = std::env::var("DUECOURSE_DATASETS").expect("DUECOURSE_DATASETS names the folder of the sets");
    let measured = measured(Path::new(&sets));
    let mut complaints = Vec::new();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules");
    for entry in std::fs::read_dir(rules).unwrap() {
        let path = entry.unwrap().path();
        let rule: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let id = path.file_stem().unwrap().to_str().unwrap();
        let Some(record) = rule.get("precision") else { continue };
        let (data, per_mille) = expected(measured.get(id).map_or(&[], Vec::as_slice));
        let recorded = PROFILES.map(|profile| record["per_mille"][profile].as_integer());
        if record["data"].as_str() != Some(&data) || recorded != per_mille {
            let [strict, wide] =
                per_mille.map(|known| known.map_or("-".to_owned(), |known| known.to_string()));
            complaints
                .push(format!("{id}\ndata = \"{data}\"\nper_mille = {{ strict = {strict}, wide = {wide} }}"));
        }
    }
    assert!(complaints.is_empty(), "these records ought to be\n{}", complaints.join("\n"));
}

/// The alerts of each rule, set by set.
fn measured(sets: &Path) -> BTreeMap<String, Vec<(usize, Alerts)>> {
    let mut found: BTreeMap<String, BTreeMap<usize, Alerts>> = BTreeMap::new();
    for (set, (name, _)) in SETS.iter().enumerate() {
        for (profile, named) in PROFILES.iter().enumerate() {
            for rule in rules_of(&sets.join(name), named) {
                let alerts =
                    found.entry(rule["id"].as_str().unwrap().to_owned()).or_default().entry(set).or_default();
                alerts.all[profile] = rule["alerts"].as_u64().unwrap();
                alerts.on_labelled[profile] = rule["true"].as_u64().unwrap();
            }
        }
    }
    found.into_iter().map(|(rule, sets)| (rule, sets.into_iter().collect())).collect()
}

/// The rules of the report of a run over a set.
fn rules_of(folder: &Path, profile: &str) -> Vec<Value> {
    let place = Place::new();
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
    let labels = file("labels.csv.gz").unwrap();
    let mut command = duecourse();
    command.args(["run", "--source", "labelled-csv", "--profile", profile, "--input"]);
    command.arg(folder.join("events.csv.gz")).arg("--labels").arg(&labels);
    match file("accounts.csv.gz") {
        Some(accounts) => command.arg("--accounts").arg(accounts),
        // Cards have no accounts file; their frauds are confirmed as time passes.
        None => command.arg("--feedback").arg(&labels),
    };
    let ran = ran(command.arg("--out").arg(place.path("out")));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&read(&place.path("out"), "report.json")).unwrap();
    report["rules"].as_array().unwrap().clone()
}

/// How a record names its data, and true alerts in a thousand over all sets; none without an alert.
fn expected(sets: &[(usize, Alerts)]) -> (String, [Option<i64>; 2]) {
    let named = sets.iter().map(|(set, alerts)| {
        let (name, origin) = SETS[*set];
        let [strict, wide] = [0, 1].map(|at| format!("{} of {}", alerts.on_labelled[at], alerts.all[at]));
        format!("{name} ({origin}): strict {strict}, wide {wide}")
    });
    let per_mille = [0, 1].map(|profile| {
        let sum =
            |part: fn(&Alerts) -> [u64; 2]| sets.iter().map(|(_, alerts)| part(alerts)[profile]).sum::<u64>();
        (sum(|alerts| alerts.on_labelled) * 1_000)
            .checked_div(sum(|alerts| alerts.all))
            .map(|known| known as i64)
    });
    (named.collect::<Vec<_>>().join("; "), per_mille)
}
