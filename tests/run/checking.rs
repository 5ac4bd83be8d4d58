//! `rules check` over folders that load and deserve a look: findings, doubts, and how it ends.

use std::path::{Path, PathBuf};

use super::support::*;

/// The shipped folder, for a test to change.
fn shipped(place: &Place) -> PathBuf {
    let folder = place.path("shipped");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config"), &folder);
    folder
}

/// A rule on accounts with this condition in a folder.
fn rule(folder: &Path, id: &str, condition: &str) {
    let text = format!(
        r#"version = 1
title = {{ zh = "测试用规则", en = "A rule of this test" }}
status = "enforced"
subject = "account"
triggers = ["transfer_posted.payer"]
condition = '{condition}'
measure = "account_verify_transaction"
measure_for = "24h"
purpose = "anti_fraud"
basis = "apl_18"
reason = "paid_to_many"
source = "these tests"
harm_budget = {{ hours_max = 1000, per = "1d" }}
"#
    );
    std::fs::write(folder.join(format!("rules/{id}.toml")), text).unwrap();
}

fn check(folder: Option<&Path>, more: &[&str]) -> Ran {
    let mut command = duecourse();
    command.args(["rules", "check"]).args(more);
    if let Some(folder) = folder {
        command.arg("--rules").arg(folder);
    }
    ran(&mut command)
}

fn findings(of: &Ran) -> Vec<&str> {
    of.stdout.lines().filter_map(|line| line.strip_prefix("finding: ")).collect()
}

#[test]
fn the_shipped_rules_have_no_finding_at_either_operating_point() {
    for profile in ["strict", "wide"] {
        let checked = check(None, &["--strict", "--profile", profile]);
        assert_eq!((checked.code, findings(&checked)), (0, vec![]), "{profile}");
    }
}

#[test]
fn a_finding_is_exit_1_where_that_was_asked_for() {
    let place = Place::new();
    let folder = shipped(&place);
    rule(&folder, "a_dead", "silent_days >= duration(\"5000h\")");
    rule(&folder, "a_weak", "event.cash && (out_count_7d >= 6 || event.amount > 300)");
    rule(&folder, "a_wide", "event.cash && (event.amount > 200 || out_count_7d >= 5)");
    let checked = check(Some(&folder), &[]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert_eq!(
        findings(&checked),
        [
            "rules/a_dead.toml:6: a_dead: never_fires: no value of `silent_days` meets all of its bounds",
            "rules/a_weak.toml:6: a_weak: shadowed: whenever it fires, `a_wide` fires too and does as much; one of the two can go",
        ]
    );
    let strict = check(Some(&folder), &["--strict"]);
    assert_eq!((strict.code, findings(&strict)), (1, findings(&checked)));
    // Warnings are no findings: what is unconfirmed may be switched on, and says so.
    for id in ["a_dead", "a_weak", "a_wide"] {
        std::fs::remove_file(folder.join(format!("rules/{id}.toml"))).unwrap();
    }
    let warned = check(Some(&folder), &["--strict"]);
    assert!(warned.code == 0 && warned.stdout.contains("\nwarning: limits/bank_accounts_ii.toml"));
}

#[test]
fn a_rule_that_reads_what_this_source_does_not_feed_is_named() {
    let checked = check(None, &["--strict", "--source", "labelled-csv"]);
    assert_eq!(checked.code, 1);
    let named = |what: &str| findings(&checked).iter().any(|line| line.contains(what));
    assert!(
        named(
            "rules/calls_spread_unreturned.toml:8: calls_spread_unreturned: reads_unfed: reads `callees_30d`, `callees_returned_30d` and `calls_placed_30d`, which no source feeds"
        ),
        "{:#?}",
        findings(&checked)
    );
    assert!(!named("rules/pass_through.toml"), "{:#?}", findings(&checked));
}

/// The lines that `rules check` prints of doubtful figures.
fn doubts(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("warning: limits/")).collect()
}

#[test]
fn what_is_only_practice_is_off_by_default_and_says_so_when_it_is_switched_on() {
    let place = Place::new();
    let folder = shipped(&place);
    let limit = folder.join("limits/cards_cumulative.toml");
    let written = std::fs::read_to_string(&limit).unwrap();
    std::fs::write(&limit, written.replace("enabled = false\n", "")).unwrap();
    let unsaid = check(Some(&folder), &[]);
    assert!(unsaid.stdout.contains("\n  limit  cards_cumulative: off\n"), "{}", unsaid.stdout);
    std::fs::write(&limit, written.replace("enabled = false\n", "enabled = true\n")).unwrap();
    let on = check(Some(&folder), &[]);
    let said = "warning: limits/cards_cumulative.toml: enabled: is in force and was read in the code of bank systems alone, which is practice and no law; have counsel find the text";
    assert!(doubts(&on.stdout).contains(&said), "{:?}", doubts(&on.stdout));
}

#[test]
fn a_release_says_the_doubts_of_what_it_releases() {
    let place = Place::new();
    let config = "[rules]\ncontrol_source = \"control\"\n[[sources]]\nname = \"control\"\n\
                  topic = \"control\"\nmapping = \"control\"\ngeneration = 1\n";
    let config = place.file("duecourse.toml", config);
    let mut activate = duecourse();
    activate.args(["rules", "activate", "--config"]).arg(config);
    let released = ran(activate.args(["--set", "kafka.bootstrap_servers=127.0.0.1:1"]));
    // Before anybody is asked: there is no broker here.
    assert_eq!(released.code, 6, "{}", released.stderr);
    assert_eq!(doubts(&released.stderr), doubts(&check(None, &[]).stdout));
}

#[test]
fn a_run_says_the_doubts_of_the_rules_that_it_decides_by() {
    let place = Place::new();
    let input = place.file("events.csv", csv(&rows(10)));
    let rules = place.rules();
    let of_check = check(Some(&rules), &[]);
    assert!(!doubts(&of_check.stdout).is_empty(), "{}", of_check.stdout);
    let decided = run(&place, &[&input], &place.path("out"), &[], 0);
    assert_eq!(doubts(&decided.stderr), doubts(&of_check.stdout));
    // The built-in ones too, and machines read standard output alone.
    let mut embedded = duecourse();
    embedded.arg("run").arg("--input").arg(&input).args(["--source", "labelled-csv", "--json", "--out"]);
    let embedded = ran(embedded.arg(place.path("embedded")));
    assert_eq!(doubts(&embedded.stderr), doubts(&check(None, &[]).stdout));
}
