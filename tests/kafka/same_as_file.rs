//! CONTRACT: the file run is Kafka with one partition and `time = event`, byte for byte.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use duecourse::log::kafka::{read_latest, read_topic};

use crate::deployment::Deployment;
use crate::events::Events;

const DONE_WITHIN_MAX: Duration = Duration::from_secs(120);

#[test]
fn one_partition_decides_what_the_file_run_decides() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::generated(folder.path(), 6_000);
    let input = folder.path().join("mixed.csv");
    mix_garbage_in(&events.path, &input);

    let out = folder.path().join("out");
    let done = Command::new(env!("CARGO_BIN_EXE_duecourse"))
        .args(["run", "--source", "labelled-csv", "--input"])
        .arg(&input)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(5), "{}", String::from_utf8_lossy(&done.stderr));

    let deployment = Deployment::prepare(folder.path(), 1);
    let mut feed = deployment.feed(&input, None);
    feed.finish(DONE_WITHIN_MAX);
    deployment.start("intake", &["--until-end"]).finish(DONE_WITHIN_MAX);
    deployment.start("decide", &["--until-end"]).finish(DONE_WITHIN_MAX);
    for kind in ["dispositions", "notices", "shadow"] {
        let file = fs::read(out.join(format!("{kind}.ndjson"))).unwrap();
        assert!(file == published(&deployment, kind), "{kind} differ");
    }
    assert!(!published(&deployment, "dispositions").is_empty());
    let mut in_force: Vec<Vec<u8>> =
        read_latest(&deployment.connection, &deployment.topic("measures")).unwrap().into_values().collect();
    in_force.sort();
    let measures = fs::read_to_string(out.join("measures.ndjson")).unwrap();
    let mut measures: Vec<&[u8]> = measures.lines().map(str::as_bytes).collect();
    measures.sort_unstable();
    assert!(in_force == measures, "measures differ");
    // A line of more than 1 MiB no topic carries: feed itself refuses it.
    let letters = fs::read_to_string(out.join("dead-letters.ndjson")).unwrap();
    let intake_letters = published(&deployment, "dead_letters");
    assert_eq!(letters.lines().count(), 5);
    assert_eq!(BufReader::new(&intake_letters[..]).lines().count(), 4);
    assert!(feed.log().contains("record_too_large"), "{}", feed.log());

    // What was published is explained from the topics as from the folder.
    let first = fs::read_to_string(out.join("notices.ndjson")).unwrap();
    let first: serde_json::Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    let appeal = first["data"]["appeal_reference"].as_str().unwrap();
    let from_topics = deployment.say("explain", &[appeal, "--json"]);
    let from_folder = Command::new(env!("CARGO_BIN_EXE_duecourse"))
        .args(["explain", appeal, "--json", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(from_folder.status.success() && from_folder.stdout == from_topics.stdout);
}

fn mix_garbage_in(from: &Path, to: &Path) {
    let mut out = File::create(to).unwrap();
    for (number, line) in BufReader::new(File::open(from).unwrap()).lines().enumerate() {
        writeln!(out, "{}", line.unwrap()).unwrap();
        match number {
            100 => writeln!(out, "not,six,columns").unwrap(),
            200 => writeln!(out, "X1,1704067202505,A1,A2,-3.00,transfer").unwrap(),
            300 => out.write_all(b"X2,\xff,A1,A2,3.00,transfer\n").unwrap(),
            400 => writeln!(out, "X3,1704067202505,{},A2,3.00,transfer", "a".repeat((1 << 20) - 34)).unwrap(),
            500 => writeln!(out, "X4,1704067202505,{},A2,3.00,transfer", "a".repeat(1 << 20)).unwrap(),
            _ => {}
        }
    }
}

/// The values of a topic, a line each.
fn published(deployment: &Deployment, kind: &str) -> Vec<u8> {
    let mut lines = Vec::new();
    read_topic(&deployment.connection, &deployment.topic(kind), &mut |record| {
        lines.extend_from_slice(record.value.unwrap_or_default());
        lines.push(b'\n');
        ControlFlow::Continue(())
    })
    .unwrap();
    lines
}
