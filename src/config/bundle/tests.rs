//! Tests of the whole bundle: what ships loads, and what must not load does not.

mod lives;
mod purposes;

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::engine::LoadRules;
use crate::engine::limit::{Demand, LimitForce, SharedCount};
use crate::engine::measure::Lane;
use crate::engine::purpose::Use;

/// The shipped bundle with one value changed: `pointer` is a JSON pointer below `/files`.
fn with(file: &str, pointer: &str, value: Value) -> Result<Checked, BundleError> {
    changed(|document| {
        let table = document.get_mut("files").unwrap().get_mut(file).unwrap();
        match pointer.rsplit_once('/') {
            Some((above, key)) if table.pointer(pointer).is_none() => {
                table.pointer_mut(above).unwrap()[key] = value;
            }
            _ => *table.pointer_mut(pointer).unwrap() = value,
        }
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> Result<Checked, BundleError> {
    let mut document: Value = serde_json::from_str(&embedded(Profile::Strict).unwrap()).unwrap();
    change(&mut document);
    check(&gather::canonical(&document))
}

/// The one problem of a changed bundle.
fn refused(file: &str, pointer: &str, value: Value) -> String {
    let error = with(file, pointer, value).expect_err(pointer);
    error.to_string()
}

const PASS: &str = "rules/pass_through.toml";
const FLOW: &str = "signals/account_flow.toml";
const SHARED: &str = "signals/shared_subjects.toml";

#[test]
fn what_ships_loads() {
    let checked = check_embedded(Profile::Strict).unwrap();
    assert!(checked.rule_set.rules.len() >= 8);
    // By each customer's authorisation, and by no assessment of ours.
    assert!(checked.relabelled.iter().all(|change| change.authorisation == "customer"));
    assert_eq!(checked.relabelled.len(), 1);
    assert!(checked.limits_off.iter().any(|id| id == "phone_cards_all_carriers"));
    let rule_set = checked.rule_set;
    assert!(rule_set.rules.is_sorted_by(|a, b| a.id < b.id));
    assert!(rule_set.limits.is_sorted_by(|a, b| a.id < b.id));
    assert!(rule_set.signals.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(rule_set.notices.utc_offset_minutes, 480);
}

#[test]
fn the_list_of_embedded_files_is_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    assert_eq!(
        from_dir(&folder, Profile::Strict).unwrap(),
        embedded(Profile::Strict).unwrap(),
        "mend src/config/bundle/embedded.rs"
    );
}

#[test]
fn the_shipped_limits_are_the_law() {
    let rule_set = compile(&embedded(Profile::Strict).unwrap()).unwrap();
    let figures: Vec<_> = rule_set
        .limits
        .iter()
        .filter_map(|limit| match limit.demand {
            Demand::Count { max, shared } => Some((limit.id.as_str(), max, limit.force, shared)),
            Demand::Assessment { .. } => None,
        })
        .collect();
    let own = SharedCount::NotNeeded;
    assert_eq!(
        figures,
        [
            ("bank_accounts_i", 1, LimitForce::Refuse, own),
            ("bank_accounts_ii", 5, LimitForce::CheckFurther, own),
            ("bank_accounts_iii", 5, LimitForce::CheckFurther, own),
            ("debit_cards", 4, LimitForce::CheckFurther, own),
            ("payment_accounts_iii", 1, LimitForce::Refuse, own),
            ("phone_cards_per_carrier", 5, LimitForce::Refuse, own),
        ]
    );
}

#[test]
fn every_notice_that_can_be_reached_can_be_composed() {
    use crate::engine::base::TimeMs;
    use crate::engine::disposition::AppealRef;
    use crate::engine::measure::{Measure, MeasureKind};
    use crate::engine::notice::{Answering, NoticeOf, Recourse, RuleName};
    let rule_set = compile(&embedded(Profile::Strict).unwrap()).unwrap();
    let compose = |reason: &str, basis: &str, measure: MeasureKind, lane: Lane| {
        let of = NoticeOf {
            reason,
            basis,
            rule: RuleName { id: String::new(), version: 1 },
            measure: &Measure::from(measure),
            lane,
            start: TimeMs(0),
            end: TimeMs(1),
            appeal: AppealRef::from_bits(1),
            verify: crate::engine::verifying::HowToVerify::NotAsked,
            recourse: Recourse { answering: Answering::PassedOn, person_on_request: false },
        };
        rule_set.notices.compose(of).unwrap();
    };
    for rule in &rule_set.rules {
        compose(&rule.reason, &rule.basis, rule.measure, rule.measure.lane());
    }
    for limit in &rule_set.limits {
        for measure in [MeasureKind::OpeningRefuse, MeasureKind::OpeningCheckFurther] {
            compose(&limit.reason, &limit.basis, measure, Lane::Limit);
        }
    }
}

#[test]
fn the_purpose_of_a_rule_is_the_stricter_of_all_it_reads() {
    let rule_set = compile(&embedded(Profile::Strict).unwrap()).unwrap();
    let rule = rule_set.rules.iter().find(|rule| rule.id == "shared_device_account").unwrap();
    assert!(rule.purpose.permits(Use::AnomalyMeasure));
    assert!(!rule.purpose.permits(Use::VictimProtection));
}

#[test]
fn clashing_purposes_do_not_load() {
    let message = refused(FLOW, "/in_sum_1h/purpose", json!("shared_count"));
    assert!(message.contains("signal `in_sum_1h` does not permit anomaly_measure"), "{message}");
    let message = refused("rules/new_payee_large_payment.toml", "/purpose", json!("shared_subject"));
    assert!(message.contains("own purpose does not permit victim_protection"), "{message}");
    let message = refused(PASS, "/purpose", json!("marketing"));
    assert!(message.contains("unknown purpose `marketing`"), "{message}");
}

#[test]
fn relabelling_is_recorded_and_never_opens_shared_counts() {
    let change = json!({"to": "anti_fraud", "authorisation": "2026-17", "decided_on": "2026-11-23"});
    let checked = with(SHARED, "/device_holders_30d/relabel", change.clone()).unwrap();
    let assessed = checked.relabelled.iter().filter(|change| change.authorisation == "2026-17");
    assert_eq!(assessed.map(|change| &*change.signal).collect::<Vec<_>>(), ["device_holders_30d"]);
    let error = changed(|document| {
        let signal = &mut document["files"][SHARED]["device_holders_30d"];
        signal["purpose"] = json!("shared_count");
        signal["relabel"] = change;
    });
    assert!(error.unwrap_err().to_string().contains("no authorisation opens another use"));
}

#[test]
fn a_rule_never_refuses_an_opening_and_a_measure_fits_its_subject() {
    let opening = "rules/agent_opening_burst.toml";
    assert!(refused(opening, "/measure", json!("opening_refuse")).contains("only a statutory limit can"));
    assert!(refused(opening, "/measure", json!("account_delay_settlement")).contains("acts on `account`"));
    assert!(refused(PASS, "/measure", json!("phone_card_reverify")).contains("acts on `phone_card`"));
    assert!(refused(PASS, "/measure", json!("phone_card_suspend")).contains("unknown measure"));
    assert!(refused(PASS, "/triggers", json!(["transfer_posted.payee"])).contains("only the payer's side"));
}

#[test]
fn what_a_trigger_cannot_give_cannot_be_read() {
    let shared = "rules/shared_device_account.toml";
    let reads = |condition: &str| refused(shared, "/condition", json!(condition));
    assert!(reads("device_holders_30d >= 3 && event.amount > 1").contains("has no amount"));
    assert!(reads("device_holders_30d >= 3 && pair_payment_count_30d > 1").contains("names no other side"));
    let opening = "rules/agent_opening_burst.toml";
    assert!(
        refused(opening, "/condition", json!("in_sum_1h > 1")).contains("reads `in_sum_1h` of `account`")
    );
    assert!(
        refused(opening, "/triggers", json!(["report:device_holder_30d"]))
            .contains("did you mean `device_holders_30d`")
    );
    assert!(refused(opening, "/triggers", json!(["report:in_sum_1h"])).contains("never reported"));
    assert!(refused(shared, "/triggers", json!(["report:agent_openings_3d"])).contains("never name a party"));
    assert!(refused(opening, "/triggers", json!(["transfer_posted.payer"])).contains("unknown trigger"));
    assert!(refused(opening, "/triggers", json!([])).contains("is empty"));
}

#[test]
fn signals_are_checked() {
    assert!(refused(FLOW, "/in_sum_1h/report_level", json!(3)).contains("only shared subjects"));
    assert!(refused(SHARED, "/agent_openings_3d/report_level", json!(1)).contains("at least 2"));
    assert!(refused(SHARED, "/agent_openings_3d/aggregate", json!("sum")).contains("add `currency"));
    assert!(refused(FLOW, "/in_sum_1h/window", json!("181d")).contains("at most 180d"));
    assert!(refused(FLOW, "/in_sum_1h/window", json!("59s")).contains("at least 1m"));
    assert!(
        refused(FLOW, "/in_sum_1h/feeds", json!(["opening_requested.holder"]))
            .contains("unknown feed of `account`")
    );
    assert!(refused(FLOW, "/in_sum_1h/subject", json!("opening")).contains("nothing is logged"));
    assert!(refused(FLOW, "/in_sum_1h/currency", json!("yuan")).contains("is no currency"));
    assert!(refused(FLOW, "/payers_distinct_1d/currency", json!("CNY")).contains("leave the currency out"));
    assert!(refused(FLOW, "/in_sum_1h/basis", json!("apl_188")).contains("did you mean `apl_18`"));
    assert!(
        refused(FLOW, "/in_sum_1h/windw", json!("1d"))
            .contains("unknown key `windw`; did you mean `window`?")
    );
}

#[test]
fn a_signal_is_declared_once() {
    let error = changed(|document| {
        let copy = document["files"][FLOW]["in_sum_1h"].clone();
        document["files"][SHARED]["in_sum_1h"] = copy;
    });
    assert!(error.unwrap_err().to_string().contains("is declared in signals/account_flow.toml too"));
}

#[test]
fn limits_are_dated_and_do_not_overlap() {
    let file = "limits/phone_cards_per_carrier.toml";
    let error = changed(|document| {
        let dated = document["files"][file]["dated"].as_array_mut().unwrap();
        let mut later = dated[0].clone();
        later["version"] = json!(2);
        later["effective_from"] = json!("2026-01-01");
        dated.push(later);
    });
    assert!(error.unwrap_err().to_string().contains("versions 1 and 2 overlap"));
    assert!(refused(file, "/dated/0/count_max", json!(6)).contains("does not name 6"));
    assert!(refused(file, "/dated/0/status", json!("verified_web")).contains("needs a figure with status"));
    assert!(refused(file, "/dated/0/effective_from", json!("23.9.2016")).contains("is no date"));
    assert!(refused(file, "/products", json!(["phone_crad"])).contains("did you mean `phone_card`"));
    assert!(
        refused("limits/bank_accounts_ii.toml", "/dated/0/force", json!("refuse")).contains("verified_text")
    );
}

#[test]
fn a_later_figure_takes_over_on_its_day() {
    let file = "limits/phone_cards_per_carrier.toml";
    let checked = changed(|document| {
        let dated = document["files"][file]["dated"].as_array_mut().unwrap();
        let mut later = dated[0].clone();
        dated[0]["effective_to"] = json!("2027-01-01");
        later["version"] = json!(2);
        later["effective_from"] = json!("2027-01-01");
        dated.push(later);
    });
    let limits = checked.unwrap().rule_set.limits;
    let cards: Vec<_> = limits.iter().filter(|limit| limit.id == "phone_cards_per_carrier").collect();
    assert_eq!(cards.len(), 2);
    assert_eq!(cards[0].effective_to, Some(cards[1].effective_from));
}

#[test]
fn notices_are_whole_in_both_languages() {
    let file = "notices/reasons.toml";
    assert!(refused(file, "/device_shared/en", json!("")).contains("too short"));
    assert!(
        refused(file, "/device_shared/zh", json!("several customers share it")).contains("not in Chinese")
    );
    assert!(
        refused(file, "/device_shared/zh", json!("触发规则 shared_device_account")).contains("code words")
    );
    let missing = changed(|document| {
        document["files"]["notices/measures.toml"]
            .as_object_mut()
            .unwrap()
            .remove("account_delay_settlement");
    });
    assert!(missing.unwrap_err().to_string().contains("this measure has no text"));
    let missing = changed(|document| {
        document["files"]["notices/remedies.toml"].as_object_mut().unwrap().remove("victim");
    });
    assert!(missing.unwrap_err().to_string().contains("this lane has no remedies"));
    assert!(
        refused(PASS, "/reason", json!("money_past_on_quickly"))
            .contains("did you mean `money_passed_on_quickly`")
    );
}

#[test]
fn a_rule_without_measured_precision_loads_and_says_that_it_only_observes() {
    let checked = changed(|document| {
        document["files"][PASS].as_object_mut().unwrap().remove("precision");
    })
    .unwrap();
    assert!(
        checked
            .warnings
            .iter()
            .any(|warning| warning.file == PASS && warning.message.contains("only observes"))
    );
}

#[test]
fn settings_keep_within_the_law() {
    let file = "settings.toml";
    assert!(refused(file, "/answer_within/value", json!("16d")).contains("at most 15d"));
    assert!(refused(file, "/zone/value", json!("Asia/Shanghai")).contains("offset from UTC"));
    assert!(refused(file, "/lateness/basis", json!("")).contains("say where the figure comes from"));
    assert!(refused(file, "/version", json!(0)).contains("versions count from 1"));
}

#[test]
fn another_text_of_the_same_bundle_is_refused() {
    let text = embedded(Profile::Strict).unwrap();
    assert!(compile(&format!(" {text}")).unwrap_err().to_string().contains("not canonical"));
    assert!(compile("{").unwrap_err().to_string().contains("is no JSON"));
    assert!(
        compile("{\"files\":{},\"schema\":\"x\"}").unwrap_err().to_string().contains("this program reads")
    );
    let empty = compile("{\"files\":{},\"profile\":\"wide\",\"schema\":\"duecourse.bundle/2\"}")
        .unwrap_err()
        .to_string();
    assert!(empty.contains("settings.toml: this file is missing"), "{empty}");
}

#[test]
fn the_loader_compiles_a_text_once() {
    let text = embedded(Profile::Strict).unwrap();
    let loader = Loader::new();
    let first = loader.load(&text).unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &loader.load(&text).unwrap()));
    assert!(loader.load("nonsense").is_err());
}

#[test]
fn the_loader_tells_once_what_is_in_force_and_deserves_a_look() {
    static TOLD: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    let text = embedded(Profile::Strict).unwrap();
    let loader = Loader::new().telling(|warning| TOLD.lock().unwrap().push(warning.to_string()));
    loader.load(&text).unwrap();
    loader.load(&text).unwrap();
    let told = TOLD.lock().unwrap();
    let warnings: Vec<String> = check(&text).unwrap().warnings.iter().map(ToString::to_string).collect();
    assert_eq!(*told, warnings);
    assert!(told.iter().any(|line| line.contains("bank_accounts_ii.toml: enabled: is in force")), "{told:?}");
}

#[test]
fn problems_of_a_folder_name_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let place = folder.path().join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, text).unwrap();
    };
    embedded::FILES.iter().for_each(|(path, text)| write(path, text));
    assert!(check_dir(folder.path(), Profile::Strict).is_ok());

    let rule = embedded::FILES.iter().find(|(path, _)| *path == PASS).unwrap().1;
    write(PASS, &rule.replace("transfer_posted.payer", "transfer_posted.payr"));
    let line = rule.lines().position(|line| line.starts_with("triggers")).unwrap() + 1;
    let problems = check_dir(folder.path(), Profile::Strict).unwrap_err().problems;
    assert_eq!((problems[0].line, problems[0].key.as_str()), (Some(line), "triggers"));
    assert!(problems[0].to_string().contains("did you mean `transfer_posted.payer`?"));

    write(PASS, &rule.replace("triggers =", "trigger ="));
    let problems = check_dir(folder.path(), Profile::Strict).unwrap_err().problems;
    assert_eq!(problems[0].line, Some(line));
    assert!(problems[0].message.contains("did you mean `triggers`?"), "{}", problems[0]);

    std::fs::remove_file(folder.path().join("settings.toml")).unwrap();
    assert!(
        check_dir(folder.path(), Profile::Strict)
            .unwrap_err()
            .to_string()
            .contains("settings.toml: cannot be read")
    );
}

#[test]
fn a_bundle_names_the_engine_semantics_that_it_asks_for_and_no_earlier_worker_loads_it() {
    use crate::engine::{SEMANTICS, SEMANTICS_UNNAMED};
    let shipped = embedded(Profile::Strict).unwrap();
    assert_eq!(semantics_asked(&shipped), SEMANTICS);
    let earlier = Loader::speaking(SEMANTICS - 1);
    assert!(earlier.load(&shipped).unwrap_err().contains("another that does goes on here"));
    let mut document: Value = serde_json::from_str(&shipped).unwrap();
    document["files"]["settings.toml"].as_object_mut().unwrap().remove("semantics");
    let unnamed = gather::canonical(&document);
    assert_eq!(semantics_asked(&unnamed), SEMANTICS_UNNAMED);
    assert!(earlier.load(&unnamed).is_ok());
    // What else a later program says in it does not matter for that.
    document["files"]["later.toml"] = json!({ "anything": 1 });
    document["files"]["settings.toml"]["semantics"] = json!(SEMANTICS + 1);
    let later = gather::canonical(&document);
    assert_eq!(semantics_asked(&later), SEMANTICS + 1);
    assert!(Loader::new().load(&later).unwrap_err().contains(&format!("speaks up to {SEMANTICS}")));
    assert!(refused("settings.toml", "/semantics", json!(SEMANTICS + 1)).contains("speaks up to"));
    assert!(refused("settings.toml", "/semantics", json!(1)).contains("count from"));
}
