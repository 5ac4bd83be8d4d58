//! `config` and `rules`: what they print and how they end.

use std::path::Path;
use std::process::Command;

use crate::support::{Place, copy};

/// Exit code, standard output and standard error of a command, run in the project's folder.
fn said(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_duecourse"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn config_print_names_the_origin_of_every_value() {
    let place = Place::new();
    let file = place.file("duecourse.toml", "[kafka]\ngroup = \"bank-a\"\n");
    let file = file.to_str().unwrap();
    let (code, printed, _) =
        said(&["config", "print", "--config", file, "--set", "decide.commit_interval_ms=40"]);
    assert_eq!(code, Some(0));
    let line = |key: &str| printed.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("kafka.group = \"bank-a\"").ends_with(&format!("# {file}:2")));
    assert!(line("decide.commit_interval_ms = 40").ends_with("# --set"));
    assert!(line("http.listen").ends_with("# default"));
}

#[test]
fn an_unknown_key_is_exit_3_with_the_nearest_name() {
    let (code, _, why) = said(&["config", "check", "--set", "kafka.facts_partition=8"]);
    assert_eq!(code, Some(3));
    assert!(why.contains("did you mean `kafka.facts_partitions`?"), "{why}");
    assert_eq!(said(&["config", "check", "--set", "rules.dir=/nowhere"]).0, Some(3));
    assert_eq!(said(&["config", "check", "--set", "keys.file=/nowhere"]).0, Some(3));
    assert_eq!(said(&["config", "check"]).0, Some(0));
}

#[test]
fn rules_check_says_what_only_observes_and_where_a_rule_is_wrong() {
    let (code, printed, _) = said(&["rules", "check"]);
    assert_eq!(code, Some(0));
    assert!(printed.contains("limit  phone_cards_all_carriers: off"), "{printed}");
    assert!(printed.contains("rule   agent_opening_burst 1: observes only"), "{printed}");
    let bundle = duecourse::config::bundle::embedded(duecourse::config::bundle::Profile::Strict).unwrap();
    assert_eq!(said(&["rules", "check", "--bundle"]).1.trim_end(), bundle);

    let place = Place::new();
    let folder = place.path("broken");
    copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("config").as_path(), &folder);
    let rule = folder.join("rules/fan_in_sudden.toml");
    let text = std::fs::read_to_string(&rule).unwrap();
    std::fs::write(&rule, text.replace("payers_distinct_1d", "payer_distinct_1d")).unwrap();
    let (code, _, why) = said(&["rules", "check", "--rules", folder.to_str().unwrap()]);
    assert_eq!(code, Some(3));
    assert!(
        why.contains("rules/fan_in_sudden.toml:") && why.contains("did you mean `payers_distinct_1d`?"),
        "{why}"
    );
}

#[test]
fn rules_test_ends_with_1_where_a_scenario_says_otherwise() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/appeal_settled.txt");
    let text = std::fs::read_to_string(golden).unwrap();
    let place = Place::new();
    let same = place.file("same.txt", &text);
    let other =
        place.file("other.txt", text.replace("= unmatched: appeal_settled", "= unmatched: appeal_unknown"));
    assert_eq!(said(&["rules", "test", same.to_str().unwrap()]).0, Some(0));
    let (code, printed, _) = said(&["rules", "test", other.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(printed.contains("written:   = unmatched: appeal_unknown"), "{printed}");
    assert_eq!(said(&["rules", "test", "--update", other.to_str().unwrap()]).0, Some(0));
    assert_eq!(std::fs::read_to_string(&other).unwrap(), text);
    assert_eq!(said(&["rules", "test", "/nowhere"]).0, Some(4));
}
