//! CONTRACT: the file run is Kafka with one partition and `time = event`, byte for byte.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use duecourse::log::kafka::read_topic;

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
    deployment.feed(&input, None).finish(DONE_WITHIN_MAX);
    deployment.start("intake", &["--until-end"]).finish(DONE_WITHIN_MAX);
    deployment.start("decide", &["--until-end"]).finish(DONE_WITHIN_MAX);
    for kind in ["dispositions", "notices", "shadow"] {
        let file = fs::read(out.join(format!("{kind}.ndjson"))).unwrap();
        assert!(file == published(&deployment, kind), "{kind} differ");
    }
    assert!(!published(&deployment, "dispositions").is_empty());
    let letters = fs::read_to_string(out.join("dead-letters.ndjson")).unwrap();
    let intake_letters = published(&deployment, "dead_letters");
    assert_eq!(letters.lines().count(), 3);
    assert_eq!(BufReader::new(&intake_letters[..]).lines().count(), 3);
}

fn mix_garbage_in(from: &Path, to: &Path) {
    let mut out = File::create(to).unwrap();
    for (number, line) in BufReader::new(File::open(from).unwrap()).lines().enumerate() {
        writeln!(out, "{}", line.unwrap()).unwrap();
        match number {
            100 => writeln!(out, "not,six,columns").unwrap(),
            200 => writeln!(out, "X1,1704067202505,A1,A2,-3.00,transfer").unwrap(),
            300 => out.write_all(b"X2,\xff,A1,A2,3.00,transfer\n").unwrap(),
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
