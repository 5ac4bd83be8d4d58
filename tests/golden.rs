//! Golden scenarios: one for each limit, rule, notice text and the way of an appeal. They are the
//! documentation too. `UPDATE_GOLDEN=1 cargo test --test golden` writes them anew; review the change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use duecourse::cli::rules::ablate::{removals, table};
use duecourse::cli::scenario::{Outcome, compare, example_fires, files, played};
use duecourse::config::bundle;

#[path = "support/docs.rs"]
mod docs;

fn scenarios() -> Vec<PathBuf> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).unwrap()
}

#[test]
fn scenarios_decide_as_they_say() {
    let bundle = bundle::embedded(bundle::Profile::Strict).unwrap();
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    for path in scenarios() {
        match compare(&path, &bundle, update).unwrap_or_else(|error| panic!("{error:#}")) {
            Outcome::Same => {}
            Outcome::Differs { line, written, played } => {
                differing
                    .push(format!("{}:{line}\n  written: {written}\n  played:  {played}", path.display()));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_limit_rule_and_reason_has_its_scenario() {
    let rules = bundle::compile(&bundle::embedded(bundle::Profile::Strict).unwrap()).unwrap();
    let told: String = scenarios().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let named = |id: &str| told.contains(&format!(", {id} version "));
    let mut missing: BTreeSet<&str> = BTreeSet::new();
    missing.extend(rules.rules.iter().map(|rule| rule.id.as_str()).filter(|id| !named(id)));
    missing.extend(rules.limits.iter().map(|limit| limit.id.as_str()).filter(|id| !named(id)));
    missing.extend(["phone_cards_all_carriers"].into_iter().filter(|id| !named(id)));
    for (key, reason) in &rules.notices.reasons {
        if !told.contains(&reason.zh) || !told.contains(&reason.en) {
            missing.insert(key);
        }
    }
    assert!(missing.is_empty(), "no scenario in tests/golden shows {missing:?}");
}

#[test]
fn every_rule_has_an_example_that_fires_and_one_that_does_not_and_they_come_out_so() {
    for profile in bundle::Profile::ALL {
        let text = bundle::embedded(profile).unwrap();
        let checked = bundle::check(&text).unwrap();
        for expects in [true, false] {
            let with: BTreeSet<&str> = checked
                .examples
                .iter()
                .filter(|example| example.fires == expects)
                .map(|example| example.rule.as_str())
                .collect();
            let is_limit = |id: &str| checked.paths.contains(&format!("limits/{id}.toml"));
            let lacking: Vec<&str> = checked
                .rule_set
                .rules
                .iter()
                .map(|rule| rule.id.as_str())
                .filter(|id| !is_limit(id) && !with.contains(id))
                .collect();
            assert!(lacking.is_empty(), "no example that expects {expects}: {lacking:?}");
        }
        for example in checked.examples.iter().filter(|example| example.profile == profile) {
            let fires = example_fires(example, &text).unwrap();
            assert_eq!(fires, example.fires, "{} example {}", example.file, example.place + 1);
        }
    }
}

/// `UPDATE_DOCS=1 cargo test --test golden` writes the table of docs/rules.md anew.
#[test]
fn removing_any_rule_changes_a_disposition() {
    let text = bundle::embedded(bundle::Profile::Strict).unwrap();
    let checked = bundle::check(&text).unwrap();
    let texts: Vec<String> = scenarios().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let removals = removals(&checked, &text, &texts).unwrap();
    let idle: Vec<&String> =
        removals.iter().filter(|(_, (_, removal))| removal.lost == 0).map(|(id, _)| id).collect();
    assert!(idle.is_empty(), "removing these changes nothing: {idle:?}");
    docs::hold("rules.md", "removal", &table(&removals));
}

#[test]
fn every_end_of_a_measure_is_shown() {
    let told: String = scenarios().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for cause in
        ["overturned", "expired", "superseded", "opening_settled", "followed", "verified", "cancelled"]
    {
        assert!(
            told.contains(&format!(": {cause}")),
            "no scenario in tests/golden ends a measure as {cause}"
        );
    }
}

#[test]
fn a_scenario_that_cannot_be_read_says_where() {
    let bundle = bundle::embedded(bundle::Profile::Strict).unwrap();
    let error = |text: &str| format!("{:#}", played(text, &bundle).unwrap_err());
    assert!(
        error("# a\n2026-03-02T09:00 transfer_postd\n")
            .contains("line 2: unknown event type `transfer_postd`; did you mean `transfer_posted`?")
    );
    assert!(error("+10m transfer_posted\n").contains("needs a time of its own"));
    assert!(error("2026-03-02T09:00 transfer_posted payer=anna\n").contains("write `holder/ref`"));
    assert!(error("enforce nothing\n2026-03-02T09:00 went_live\n").contains("have no rules/nothing.toml"));
}
