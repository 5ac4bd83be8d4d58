//! Golden scenarios: one for each limit, rule, notice text and the way of an appeal. They are the
//! documentation too. `UPDATE_GOLDEN=1 cargo test --test golden` writes them anew; review the change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use duecourse::cli::rules::ablate::{removals, table};
use duecourse::cli::scenario::{Outcome, compare, example_fires, explained, files, played};
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

/// Whoever was given a reference, in whatever life, is told what it was about, in both languages.
#[test]
fn every_reference_is_explained() {
    let bundle = bundle::embedded(bundle::Profile::Strict).unwrap();
    let (mut explained_count, mut missing) = (0, Vec::new());
    let mut lives = BTreeSet::new();
    for path in scenarios() {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        for (reference, said) in explained(&text, &bundle).unwrap() {
            let is_chinese = |text: &str| text.chars().any(|sign| ('一'..='龥').contains(&sign));
            let is_told = said.is_some_and(|said| match said.split_once(&"=".repeat(72)) {
                Some((zh, en)) => {
                    is_chinese(zh)
                        && [zh, en].iter().all(|half| half.contains(&reference) && half.len() > 200)
                }
                // A lead says little, and that in both languages side by side.
                None => reference.starts_with("L-") && is_chinese(&said) && said.contains(&reference),
            });
            match is_told {
                true => explained_count += 1,
                false => missing.push(format!("{name}: {reference}")),
            }
            lives.insert(name.split('_').next().unwrap_or_default().to_owned());
        }
    }
    assert!(missing.is_empty(), "not explained: {missing:#?}");
    assert!(explained_count > 300, "{explained_count} references");
    for life in ["appeal", "correction", "entry", "lead", "life", "limit", "order", "rule", "special"] {
        assert!(lives.contains(life), "no reference is given out in scenarios of {life}");
    }
}

#[test]
fn every_limit_rule_and_reason_has_its_scenario() {
    let checked = bundle::check(&bundle::embedded(bundle::Profile::Strict).unwrap()).unwrap();
    let rules = &checked.rule_set;
    let told: String = scenarios().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let named = |id: &str| told.contains(&format!(", {id} version "));
    let mut missing: BTreeSet<&str> = BTreeSet::new();
    missing.extend(rules.rules.iter().map(|rule| rule.id.as_str()).filter(|id| !named(id)));
    // Those that ship off, too: whoever switches one on has read what it does.
    let limits = checked.paths.iter().filter_map(|path| path.strip_prefix("limits/")?.strip_suffix(".toml"));
    let limits: Vec<&str> = limits.collect();
    assert!(checked.limits_off.iter().all(|id| limits.contains(&id.as_str())), "{:?}", checked.limits_off);
    missing.extend(limits.into_iter().filter(|id| !named(id)));
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

/// The shipped rules with one protection more, for every account, that leaves `softening` of a limit or a stop.
fn protected_by(id: &str, softening: &str) -> String {
    let mut bundle: serde_json::Value =
        serde_json::from_str(&bundle::embedded(bundle::Profile::Strict).unwrap()).unwrap();
    let files = &mut bundle["files"];
    let mut protection = files["protections/salary_account.toml"].clone();
    protection["condition"] = "event.amount >= 0".into();
    protection["softens_to"] = softening.into();
    files[format!("protections/{id}.toml")] = protection;
    bundle.to_string()
}

/// D27: protection may only soften. Wherever a further one stands among the others, whoever was asked for less by them is
/// asked for no more.
#[test]
fn a_further_protection_only_softens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let salary = std::fs::read_to_string(folder.join("protection_salary_account.txt")).unwrap();
    let set = |told: &str, measure: &str, account: &str| {
        told.contains(&format!("= {measure} on account {account} until"))
    };
    for id in ["aaa_general", "zzz_general"] {
        let told = played(&salary, &protected_by(id, "account_delay_settlement")).unwrap();
        assert!(set(&told, "account_reverify_identity", "ACC-1"), "{id}: {told}");
        assert!(
            told.contains("=   softened from account_limit_non_counter by salary_account"),
            "{id}: {told}"
        );
        // Whom nothing else protects, it does protect.
        assert!(set(&told, "account_delay_settlement", "ACC-3"), "{id}: {told}");
        let told = played(&salary, &protected_by(id, "account_verify_transaction")).unwrap();
        assert!(set(&told, "account_verify_transaction", "ACC-1"), "{id}: {told}");
        let told = played(&salary, &protected_by(id, "waive")).unwrap();
        assert!(told.contains("= waived account_limit_non_counter on account ACC-1"), "{id}: {told}");
        assert!(told.contains(&format!("=   waived by {id}")), "{id}: {told}");
    }
}

/// The shipped rules, where a payment that is not confirmed is followed by `harder` at once.
fn where_follows(harder: &str) -> String {
    let mut bundle: serde_json::Value =
        serde_json::from_str(&bundle::embedded(bundle::Profile::Strict).unwrap()).unwrap();
    let life = &mut bundle["files"]["lives/account_verify_transaction.toml"];
    let mut term = life["terms"]["account_limit_non_counter"].clone();
    term["value"] = "24h".into();
    life["terms"] = serde_json::json!({ harder: term });
    life["states"].as_object_mut().unwrap().remove("identity");
    let steps = life["steps"].as_array_mut().unwrap();
    steps.retain(|step| step["to"] != "identity");
    let step = steps.iter_mut().find(|step| step["on"] == "verification_failed").unwrap();
    step.as_object_mut().unwrap().remove("if");
    step["do"] = serde_json::json!([harder.replace("account_", "set_")]);
    bundle.to_string()
}

/// No shipped signal counts by months, so a shipped one is made to: a month ends with its last day, a leap day too,
/// where the institution is.
#[test]
fn a_month_ends_where_the_institution_is() {
    let mut bundle: serde_json::Value =
        serde_json::from_str(&bundle::embedded(bundle::Profile::Strict).unwrap()).unwrap();
    bundle["files"]["signals/limits.toml"]["out_sum_day"]["window"] = "month".into();
    let fires = |zone: &str, paid: &[&str]| {
        let paid: String = paid
            .iter()
            .map(|at| format!("{at} transfer_posted payer=anna/ACC-1 counterparty=A amount=1500.00\n"))
            .collect();
        let text = format!(
            "zone {zone}\nenable class_iii_daily\n\n\
             2023-01-01T09:00 holding_stated holding=anna/ACC-1 product=bank_account_iii holder_kind=person\n{paid}"
        );
        played(&text, &bundle.to_string()).unwrap().contains(", class_iii_daily version 1")
    };
    for zone in ["+05:45", "+08:00", "-03:30"] {
        // The last moment of a month and the first of the next, in years with a leap day and without.
        for (first, last, next) in [
            ("2024-02-01T00:00", "2024-02-29T23:59:59", "2024-03-01T00:00"),
            ("2023-02-01T00:00", "2023-02-28T23:59:59", "2023-03-01T00:00"),
            ("2024-04-01T00:00", "2024-04-30T23:59:59", "2024-05-01T00:00"),
            ("2024-12-01T00:00", "2024-12-31T23:59:59", "2025-01-01T00:00"),
        ] {
            assert!(fires(zone, &[first, last]), "{zone}: {first} and {last} are of one month");
            assert!(!fires(zone, &[last, next]), "{zone}: {last} and {next} are of two months");
        }
        assert!(
            fires(zone, &["2024-02-28T23:59:59", "2024-02-29T00:00"]),
            "{zone}: a leap day ends no month"
        );
    }
}

/// D27: what is carved out of a measure is carved out of what follows a verification, too, of a limit's as well.
#[test]
fn each_protection_holds_for_what_follows_in_a_life() {
    const PAID: &str = "account_verify_transaction on account ACC-1";
    let protections: BTreeSet<String> = bundle::compile(&bundle::embedded(bundle::Profile::Strict).unwrap())
        .unwrap()
        .protections
        .into_iter()
        // One that is for some rules alone holds for what follows on those (`protection_account_in_use.txt`).
        .filter(|protection| protection.rules.is_empty())
        .map(|protection| protection.id)
        .collect();
    let mut held = BTreeSet::new();
    for (before, payment, harder, protection) in [
        ("", "counterparty=A", "account_delay_settlement", None),
        ("", "counterparty=A", "account_limit_non_counter", None),
        ("", "counterparty=A channel=counter", "account_delay_settlement", Some("counter_service")),
        ("", "payee=anna/ACC-2", "account_delay_settlement", Some("own_account")),
        (
            "+1h transfer_posted payee=anna/ACC-1 counterparty=E amount=6000.00 essential=salary\n",
            "counterparty=A",
            "account_limit_non_counter",
            Some("salary_account"),
        ),
    ] {
        let text = format!(
            "enable class_ii_daily\n\n\
             2026-03-02T09:00 holding_stated holding=anna/ACC-1 product=bank_account_ii holder_kind=person\n\
             {before}\
             +1h transfer_posted payer=anna/ACC-1 {payment} amount=10000.01\n\
             +1h verification_failed party=anna/ACC-1 on=@last method=counter\n"
        );
        let told = played(&text, &where_follows(harder)).unwrap();
        assert!(told.contains(&format!("= {PAID} until")), "{told}");
        let follows = told.contains(&format!("= {harder} on account ACC-1 until"));
        assert_eq!(follows, protection.is_none(), "{told}");
        let Some(protection) = protection else { continue };
        held.insert(protection.to_owned());
        if protection == "salary_account" {
            // It asks for identity instead, which is harder than the verification that stands.
            assert!(told.contains("= account_reverify_identity on account ACC-1 until"), "{told}");
            assert!(told.contains(&format!("=   softened from {harder} by {protection}")), "{told}");
        } else {
            assert!(told.contains(&format!("=   held back: protected by {protection}")), "{told}");
            assert!(!told.contains(&format!("= ended {PAID}")), "what stands goes on: {told}");
        }
    }
    assert_eq!(held, protections, "a protection without a case here");
}

/// D28: a spent budget saves hours, with a rule that limits and with one that only verifies. What is set in a scenario
/// lasts for less than with a budget that is never spent, though as many measures are set.
#[test]
fn a_brake_saves_hours() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let bundle = bundle::embedded(bundle::Profile::Strict).unwrap();
    for (name, budget) in [("rule_harm_budget_spent", " 144\n"), ("rule_harm_budget_verifies", " 48\n")] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
        let braked = played(&text, &bundle).unwrap();
        let free = played(&text.replacen(budget, " 100000\n", 1), &bundle).unwrap();
        let ends = |told: &str| -> Vec<String> {
            let lines = told.lines().filter_map(|line| line.split_once(" until ")?.1.split_once(", lane"));
            lines.map(|(end, _)| end.to_owned()).collect()
        };
        let (with, without) = (ends(&braked), ends(&free));
        assert_eq!((with.len(), without.len()), (4, 4), "{braked}");
        // Written times compare as they stand.
        let saved: Vec<bool> = with.iter().zip(&without).map(|(with, without)| with < without).collect();
        assert_eq!(saved, [false, false, true, false], "{braked}{free}");
        assert!(with.iter().zip(&without).all(|(with, without)| with <= without), "{braked}{free}");
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
    assert!(error("show notices\nzone +05:45\n").contains("line 2: a zone stands before all else"));
    assert!(error("zone 5\n").contains("write `zone +05:45`"));
    assert!(error("enforce nothing\n2026-03-02T09:00 went_live\n").contains("have no rules/nothing.toml"));
}
