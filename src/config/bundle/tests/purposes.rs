//! What may be read for what: victims, and traits that nobody is judged by.

use super::*;
use crate::codec::event::{EventType, schema};
use crate::engine::attributes::Field;
use crate::engine::purpose::Purpose;

const VICTIMS: &str = "signals/victims.toml";

#[test]
fn data_of_victims_serves_no_measure_on_an_anomaly() {
    // The flags.
    for field in ["event.remote_control", "event.after_loan"] {
        let message = refused(PASS, "/condition", json!(format!("in_sum_1h > 1 && {field}")));
        assert!(message.contains("may only protect likely victims"), "{message}");
        let protection = "protections/own_account.toml";
        assert!(refused(protection, "/condition", json!(field)).contains("may only protect likely victims"));
    }
    // The warnings and the standing measures.
    let message = refused(PASS, "/condition", json!("in_sum_1h > 1 && victim_warnings_1d >= 1"));
    assert!(message.contains("does not permit anomaly_measure"), "{message}");
    let message = refused(
        "rules/chain_hop.toml",
        "/condition",
        json!("payee_measures_standing >= 1 && event.amount > 1"),
    );
    assert!(message.contains("does not permit anomaly_measure"), "{message}");
    // And no purpose opens them.
    for signal in ["victim_warnings_1d", "payee_measures_standing"] {
        let message = refused(VICTIMS, &format!("/{signal}/purpose"), json!("anti_fraud"));
        assert!(message.contains("purpose `victim`"), "{message}");
    }
    let rule_set = check_embedded(Profile::Wide).unwrap().rule_set;
    let of_victims: Vec<&str> = rule_set
        .signals
        .iter()
        .filter(|signal| signal.purpose == Purpose::VICTIM)
        .map(|signal| signal.name.as_str())
        .collect();
    assert!(of_victims.len() >= 4, "{of_victims:?}");
    for rule in rule_set.rules.iter().filter(|rule| rule.lane() != Lane::Victim) {
        rule.condition.signals(&mut |number| {
            assert!(!of_victims.contains(&rule_set.signals[number].name.as_str()), "{}", rule.id);
        });
    }
}

#[test]
fn who_pays_is_told_of_the_payee_and_nobody_else() {
    let change = |report: &str| refused(VICTIMS, "/payee_measures_standing/report", json!(report));
    assert!(change("event").contains("to the payer of a transfer alone"));
    assert!(
        refused(VICTIMS, "/payee_measures_standing/subject", json!("account")).contains("`counterparty`")
    );
    assert!(refused(SHARED, "/agent_openings_3d/report", json!("payer")).contains("only a counterparty"));
}

/// DESIGN D20, law.md X12: age and origin were seen in practice as rules about units.
const BANNED: [&str; 16] = [
    "age",
    "birth",
    "sex",
    "gender",
    "ethnic",
    "nation",
    "belief",
    "religion",
    "origin",
    "native_place",
    "hometown",
    "occupation",
    "health",
    "marital",
    "kin",
    "family",
];

#[test]
fn no_field_says_what_nobody_may_be_judged_by() {
    let is_banned = |name: &str| {
        let parts: Vec<&str> = name.split(['_', '.']).collect();
        BANNED.iter().any(|banned| parts.contains(banned) || name.split('.').any(|part| part == *banned))
    };
    assert!(is_banned("event.age") && is_banned("representative_age") && is_banned("native_place"));
    assert!(!is_banned("event.usage") && !is_banned("event.agent"));
    for field in Field::ALL {
        assert!(!is_banned(field.name()), "{}", field.name());
    }
    for kind in EventType::ALL {
        let schema = schema::structured(*kind).to_value();
        let mut names = Vec::new();
        collect(&schema, &mut names);
        assert!(names.len() > 3, "{}", kind.name());
        for name in names {
            // An event named for its original is not where somebody comes from.
            assert!(!is_banned(&name) || name.starts_with("original"), "{}: {name}", kind.name());
        }
    }
    let rule = "rules/unit_opening_burst.toml";
    for field in ["event.age", "event.representative_age", "event.origin"] {
        let message =
            refused(rule, "/condition", json!(format!("openings_requested_1d >= 1 && {field} > 60")));
        assert!(message.contains("unknown"), "{message}");
    }
}

/// The names of all properties in a schema.
fn collect(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                if let ("properties", Value::Object(properties)) = (key.as_str(), value) {
                    names.extend(properties.keys().cloned());
                }
                collect(value, names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
        _ => {}
    }
}

#[test]
fn an_assessment_is_a_limit_of_its_own_kind() {
    let file = "limits/iot_card_assessed.toml";
    assert!(refused(file, "/demand", json!("count")).contains("a count has `count_max`"));
    assert!(refused(file, "/dated/0/count_max", json!(5)).contains("neither `count_max`"));
    assert!(refused(file, "/reason_missing", json!("nothing")).contains("nothing"));
    let rule_set = check_embedded(Profile::Strict).unwrap().rule_set;
    let limit = rule_set.limits.iter().find(|limit| limit.id == "iot_card_assessed").unwrap();
    assert_eq!(limit.force, LimitForce::Refuse);
    assert!(
        matches!(&limit.demand, Demand::Assessment { reason_missing } if reason_missing != &limit.reason)
    );
}
