//! A run over a file full of identifiers, logged at the finest level: none of them reaches the logs,
//! the terminal or the dead letters.

use std::process::Command;

const PHONE: &str = "13812345678";
const CARD: &str = "6222021234567890128";
const IDENTITY: &str = "11010519491231002X";
const NAME: &str = "Zhang-San-of-Haidian";

/// Rows that are accepted and rows that are refused, each naming somebody.
fn rows() -> String {
    format!(
        "event_id,ts_ms,from_account,to_account,amount,type\n\
         e1,1767225600000,{CARD},{PHONE},10.00,transfer\n\
         e2,1767225601000,{NAME},{IDENTITY},20.00,transfer\n\
         {IDENTITY},1767225602000,{NAME},{PHONE},-5,transfer\n\
         e4,{PHONE}x,{NAME},{CARD},5,transfer\n\
         e5,1767225603000,{CARD},{NAME},5,{NAME}\n\
         e6,1767225604000,{CARD}\n"
    )
}

#[test]
fn no_identifier_of_a_run_is_logged_shown_or_dead_lettered() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("events.csv");
    std::fs::write(&input, rows()).unwrap();
    for format in ["text", "json"] {
        let out = folder.path().join(format);
        let run = Command::new(env!("CARGO_BIN_EXE_duecourse"))
            .args(["run", "--source", "labelled-csv", "--input"])
            .arg(&input)
            .arg("--out")
            .arg(&out)
            .env("DUECOURSE_LOG", "trace")
            .env("DUECOURSE_LOG_FORMAT", format)
            .output()
            .unwrap();
        let logged = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(5), "done, with dead letters: {logged}");
        assert!(logged.contains("started"), "the finest level was on: {logged}");
        let dead_letters = std::fs::read_to_string(out.join("dead-letters.ndjson")).unwrap();
        assert_eq!(dead_letters.lines().count(), 4, "{dead_letters}");
        let shown = String::from_utf8(run.stdout).unwrap();
        for text in [&logged, &shown, &dead_letters] {
            for identifier in [PHONE, CARD, IDENTITY, NAME] {
                assert!(!text.contains(identifier), "{identifier} in {text}");
            }
        }
    }
}
