//! What a deployment says that it holds of one person, by `subject-access`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::deployment::Deployment;

/// Asks for one person. Each access is recorded beside the configuration.
pub fn ask(deployment: &Deployment, holder: &str, more: &[&str]) -> Output {
    let asked = ["--holder", holder, "--purpose", "subject_access", "--case", "SAR-7"];
    deployment.say("subject-access", &[&asked[..], &["--journal", "accesses.ndjson"], more].concat())
}

/// How many transfers of one customer it holds, each side one.
pub fn transfers_held(deployment: &Deployment, holder: &str) -> u64 {
    let output = ask(deployment, holder, &["--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let held: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kinds = held["facts"].as_array().unwrap().iter();
    let transfers = kinds.filter(|kind| kind["event"] == "transfer_posted");
    transfers.map(|kind| kind["count"].as_u64().unwrap()).sum()
}

/// The customer with most rows of transfers, and how many sides of them are theirs.
pub fn busiest(events: &Path) -> (String, u64) {
    let mut sides = std::collections::BTreeMap::<String, u64>::new();
    for line in BufReader::new(File::open(events).unwrap()).lines().skip(1) {
        let line = line.unwrap();
        let fields: Vec<&str> = line.split(',').collect();
        if let [_, _, from, to, _, "transfer"] = fields[..] {
            for account in [from, to].into_iter().filter(|account| !account.starts_with("EXT_")) {
                *sides.entry(account.to_owned()).or_default() += 1;
            }
        }
    }
    sides.into_iter().max_by_key(|(_, count)| *count).unwrap()
}
