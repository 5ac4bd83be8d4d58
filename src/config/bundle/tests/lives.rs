//! Tables of lives, ways of verification and longest terms: what must not load does not.

use super::*;

const REVERIFY: &str = "lives/phone_card_reverify.toml";
const DELAY: &str = "lives/account_delay_settlement.toml";
const VERIFYING: &str = "notices/verifying.toml";

/// Where a step of a shipped table stands, by the state it is taken from and its event: the first such.
fn step(file: &str, from: &str, on: &str) -> String {
    let document: Value = serde_json::from_str(&embedded(Profile::Strict).unwrap()).unwrap();
    let steps = document["files"][file]["steps"].as_array().unwrap();
    let fits = |step: &Value| step["on"] == on && step["from"].as_array().unwrap().contains(&json!(from));
    format!("/steps/{}", steps.iter().position(fits).unwrap())
}

#[test]
fn the_network_identity_is_an_offer_and_never_the_only_one() {
    let none = json!([]);
    let message = changed(|document| {
        let methods = document["files"][VERIFYING]["methods"].as_object_mut().unwrap();
        methods.retain(|name, _| name == "network_identity");
    })
    .unwrap_err()
    .to_string();
    for risk in ["low", "medium", "high"] {
        let wanted = format!("risk `{risk}` is served by nothing but a voluntary service");
        assert!(message.contains(&wanted), "{message}");
    }
    // Whoever has no phone is verified in person, at every risk.
    let message = refused(VERIFYING, "/methods/counter/risks", none);
    assert!(message.contains("cannot be verified in person"), "{message}");
    let message = refused(VERIFYING, "/methods/network_identity/voluntary", json!(false));
    assert!(message.contains("is voluntary by law (APL 33)"), "{message}");
    let message = refused(VERIFYING, "/methods/counter/voluntary", json!(true));
    assert!(message.contains("is not the voluntary service"), "{message}");
}

#[test]
fn nobody_is_restricted_by_a_deadline_that_runs_from_a_notice_which_may_not_have_come() {
    let message = changed(|document| {
        let life = &mut document["files"][REVERIFY];
        life["states"]["told"]["due"] = json!("verify");
        let from_told =
            json!({ "from": ["told"], "on": "due", "to": "limited", "do": ["set_phone_card_limit"] });
        life["steps"].as_array_mut().unwrap().push(from_told);
    })
    .unwrap_err()
    .to_string();
    assert!(message.contains("although no notice may have come"), "{message}");
}

#[test]
fn what_follows_is_of_the_same_ladder_is_told_and_ends() {
    let failed = step(REVERIFY, "delivered", "verification_failed");
    let message = refused(REVERIFY, &format!("{failed}/do"), json!(["set_stop_non_counter"]));
    assert!(message.contains("does not follow on each of `of`"), "{message}");
    let message = changed(|document| {
        document["files"][REVERIFY]["terms"].as_object_mut().unwrap().remove("phone_card_limit");
    })
    .unwrap_err()
    .to_string();
    assert!(message.contains("every measure ends (D26)"), "{message}");
    // What ends a measure ends its life, and the other way round.
    let passed = step(REVERIFY, "told", "verification_passed");
    let message = refused(REVERIFY, &format!("{passed}/do"), json!([]));
    assert!(message.contains("a measure ends exactly where its life does"), "{message}");
}

#[test]
fn a_table_is_one_that_every_state_is_reached_in_and_left_of() {
    let message =
        refused(REVERIFY, &format!("{}/to", step(REVERIFY, "told", "notice_undeliverable")), json!("gone"));
    assert!(message.contains("unknown state `gone`"), "{message}");
    let message = changed(|document| {
        let life = &mut document["files"][REVERIFY];
        life["states"]["lost"] = life["states"]["told"].clone();
    })
    .unwrap_err()
    .to_string();
    assert!(message.contains("is never reached from the first state"), "{message}");
    let message = refused(REVERIFY, "/states/delivered/due", json!("nothing"));
    assert!(message.contains("unknown span `nothing`"), "{message}");
}

#[test]
fn no_delay_outlasts_its_cap_and_no_measure_the_longest_term() {
    let file = "limits/machine_transfers.toml";
    assert!(with(file, "/measure_for", json!("96h")).is_ok());
    let message = refused(file, "/measure_for", json!("97h"));
    assert!(message.contains("is longer than 4d (lives/account_delay_settlement.toml)"), "{message}");
    assert!(with(DELAY, "/caps/account_delay_settlement/value", json!("23h")).is_err());
    // The longest term of all is a figure with its basis, and holds for rules, limits, caps and what follows.
    for (file, pointer) in [
        ("rules/confirmed_fraud_receiver.toml", "/measure_for"),
        ("limits/six_months_unused.toml", "/measure_for"),
        (DELAY, "/caps/account_delay_settlement/value"),
        (REVERIFY, "/terms/phone_card_limit/value"),
    ] {
        assert!(refused(file, pointer, json!("93d")).contains("at most 92d"), "{file}");
    }
    let message = refused("settings.toml", "/measure_for_max/value", json!("91d"));
    assert!(
        message.contains("limits/six_months_unused.toml") && message.contains("at most 91d"),
        "{message}"
    );
    assert!(refused("settings.toml", "/measure_for_max/basis", json!("")).contains("say where the figure"));
}

#[test]
fn an_answer_is_promised_within_what_the_law_allows() {
    assert!(refused("settings.toml", "/answer_within/value", json!("16d")).contains("at most 15d"));
    assert!(with("settings.toml", "/answer_within/value", json!("10d")).is_ok());
    // What a notice promises is what the table gives an appeal: its deadlines are held to the same bound.
    let appeal = "lives/appeal.toml";
    assert!(
        refused(appeal, "/spans/answer/value", json!("16d")).contains("later here than `answer_within_max`")
    );
    let filed = step(appeal, "none", "filed");
    let forward = refused(appeal, &format!("{filed}/if"), json!([]));
    assert!(forward.contains("`forward` needs the guard `of_authority`"), "{forward}");
    let earlier = changed(|document| {
        let settings = document["files"]["settings.toml"].as_object_mut().unwrap();
        settings.retain(|key, _| key != "answer_within_max" && key != "measure_for_max");
    });
    assert!(earlier.is_ok(), "rule sets that were released before go on to load");
}
