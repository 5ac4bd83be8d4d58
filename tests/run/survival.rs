//! Killed at any moment and started again with the same arguments: the same final bytes.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::support::*;

fn spawn(input: &Path, out: &Path, rules: &Path) -> Child {
    let mut command = duecourse();
    command.arg("run").arg("--input").arg(input).args(["--source", "labelled-csv", "--out"]).arg(out);
    command.arg("--rules").arg(rules).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Kills the run as soon as `file` has grown to `bytes`; false when the run was done before.
fn killed_at(mut child: Child, file: &Path, bytes: u64) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if size(file) >= bytes {
            // SIGKILL: nothing of it gets to tidy up.
            child.kill().unwrap();
            return child.wait().unwrap().code().is_none();
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn killed_at_any_moment_and_started_again_gives_the_same_bytes() {
    let place = Place::new();
    let input = place.gzip("events.csv.gz", csv(&rows(20_000)));
    let rules = place.rules();
    let whole = place.path("whole");
    assert_eq!(spawn(&input, &whole, &rules).wait().unwrap().code(), Some(0));
    assert_alerts(&whole);
    let out = place.path("out");
    let mut kills = 0;
    // Moments by how far a file has come, so that they are the same on any machine.
    for (file, percent) in [
        ("facts/run.json", 1),
        ("facts/facts-0.log", 5),
        ("facts/outputs-0.log", 20),
        ("facts/facts-0.log", 60),
        ("facts/outputs-0.log", 70),
        ("dispositions.ndjson", 90),
        ("measures.ndjson", 100),
        ("alerts.csv", 50),
    ] {
        let bytes = (size(&whole.join(file)) * percent / 100).max(1);
        let child = spawn(&input, &out, &rules);
        if !killed_at(child, &out.join(file), bytes) {
            break;
        }
        kills += 1;
    }
    if !out.join("report.json").exists() {
        assert_eq!(spawn(&input, &out, &rules).wait().unwrap().code(), Some(0));
    }
    assert!(kills >= 4, "only {kills} of the kills met a run at work");
    assert_same(&whole, &out);
}

#[test]
fn a_torn_log_is_taken_up_and_gives_the_same_bytes() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(5000)));
    let rules = place.rules();
    let whole = place.path("whole");
    assert_eq!(spawn(&input, &whole, &rules).wait().unwrap().code(), Some(0));
    for (name, keep) in
        [("facts-0.log", 0.5), ("outputs-0.log", 0.7), ("outputs-0.log", 0.0), ("facts-0.log", 0.99)]
    {
        let out = place.path("torn");
        copy(&whole, &out);
        std::fs::remove_file(out.join("report.json")).unwrap();
        let log = out.join("facts").join(name);
        let bytes = std::fs::read(&log).unwrap();
        std::fs::write(&log, &bytes[..(bytes.len() as f64 * keep) as usize]).unwrap();
        assert_eq!(spawn(&input, &out, &rules).wait().unwrap().code(), Some(0), "{name} {keep}");
        assert_same(&whole, &out);
        std::fs::remove_dir_all(&out).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_folder_of_other_arguments_or_of_somebody_else_is_left_alone() {
    let place = Place::new();
    let rows = rows(500);
    let input = place.file("events.csv", csv(&rows));
    let other = place.file("other.csv", csv(&rows[..400]));
    let out = place.path("out");
    run(&place, &[&input], &out, &[], 0);
    let finished = outputs(&out);
    assert!(run(&place, &[&input], &out, &[], 2).stderr.contains("finished run"));
    std::fs::remove_file(out.join("report.json")).unwrap();
    for (inputs, more, named) in [
        (&other, &[][..], "--input"),
        (&input, &["--profile", "wide"][..], "--profile"),
        (&input, &["--institution", "elsewhere"][..], "--institution"),
    ] {
        let refused = run(&place, &[inputs], &out, more, 2);
        assert!(refused.stderr.contains(named), "{}", refused.stderr);
    }
    run(&place, &[&input], &out, &[], 0);
    assert!(outputs(&out) == finished);

    let foreign = place.path("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.txt"), "years of work").unwrap();
    run(&place, &[&input], &foreign, &[], 2);
    assert_eq!(std::fs::read_dir(&foreign).unwrap().count(), 1);
}

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let place = Place::new();
    let input = place.gzip("events.csv.gz", csv(&rows(20_000)));
    let out = place.path("out");
    let rules = place.rules();
    let mut first = spawn(&input, &out, &rules);
    while size(&out.join("facts/facts-0.log")) < 1000 && first.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    let second = spawn(&input, &out, &rules).wait().unwrap().code();
    // Configuration (the folder is in use); or usage, if the first was done by then.
    assert!(matches!(second, Some(2 | 3)), "{second:?}");
    assert_eq!(first.wait().unwrap().code(), Some(0));
}
