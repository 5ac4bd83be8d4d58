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
use crate::held::ask;

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
    a_person_is_told_the_same(&deployment, &out, first["data"]["party"]["ref"].as_str().unwrap());
}

/// What is held of a person is told from the topics as from the folder, and names nobody else.
fn a_person_is_told_the_same(deployment: &Deployment, out: &Path, customer: &str) {
    let from_topics = ask(deployment, customer, &["--json"]);
    assert!(from_topics.status.success(), "{}", String::from_utf8_lossy(&from_topics.stderr));
    let from_folder = Command::new(env!("CARGO_BIN_EXE_duecourse"))
        .args([
            "subject-access",
            "--holder",
            customer,
            "--purpose",
            "subject_access",
            "--case",
            "SAR-7",
            "--json",
        ])
        .arg("--out")
        .arg(out)
        .output()
        .unwrap();
    assert!(from_folder.status.success() && from_folder.stdout == from_topics.stdout);
    let told = String::from_utf8(from_topics.stdout).unwrap();
    let held: serde_json::Value = serde_json::from_str(&told).unwrap();
    let own = held["decided"][0]["data"]["holder"].as_str().expect("something was decided about them");
    let (mut theirs, mut of_others) = (0, 0);
    for line in fs::read_to_string(out.join("dispositions.ndjson")).unwrap().lines() {
        let disposition: serde_json::Value = serde_json::from_str(line).unwrap();
        if disposition["data"]["holder"] == own {
            theirs += 1;
            continue;
        }
        of_others += 1;
        for pointer in ["/id", "/data/holder", "/data/subject/token"] {
            let name = disposition.pointer(pointer).unwrap().as_str().unwrap();
            assert!(!told.contains(name), "{pointer} of another: {name}");
        }
    }
    assert_eq!(held["decided"].as_array().unwrap().len(), theirs, "all that was decided about them");
    assert!(of_others > 0 && !told.contains("reported_of"));

    let nobody = ask(deployment, "NOBODY", &[]);
    assert!(String::from_utf8_lossy(&nobody.stdout).contains("Nothing is held of you here"));
    let marketing = deployment.say(
        "subject-access",
        &["--holder", customer, "--purpose", "marketing", "--case", "1", "--journal", "accesses.ndjson"],
    );
    assert!(marketing.status.code() == Some(2) && marketing.stdout.is_empty());
    let journal = fs::read_to_string(deployment.folder().join("accesses.ndjson")).unwrap();
    assert!(journal.lines().count() == 2 && !journal.contains(customer), "{journal}");
    let away = ask(deployment, customer, &["--set", "kafka.bootstrap_servers=127.0.0.1:1"]);
    assert!(away.status.code() == Some(6) && away.stdout.is_empty(), "{:?}", away.status);
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
