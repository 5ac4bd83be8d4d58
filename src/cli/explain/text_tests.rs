//! What an explanation says, in both languages.

use serde_json::{Value, json};

use super::*;
use crate::cli::explain::Published;
use crate::config::bundle;
use crate::engine::base::{Bilingual, SpanMs};
use crate::engine::fact::Feed;
use crate::engine::purpose::Purpose;
use crate::engine::rule::{Condition, Op, Rule, Term};
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Aggregate, Question, Reads, Signal};
use crate::engine::subject::SubjectKind;

/// A measure by `fan_in` as it is published, with that evidence.
fn published(evidence: &Value) -> Published {
    let texts = |text: &str| json!({"zh-CN": format!("{text}（中文）"), "en": text});
    Published {
        dispositions: vec![
            json!({"id": "d1", "type": "set", "time": "2025-10-09T16:53:20.123+08:00", "data": {
                "lane": "anomaly", "rule": {"id": "fan_in", "version": 1}, "rules_version": 1,
                "subject": {"kind": "account", "token": "00"}, "measure": "account_verify_transaction",
                "reason": texts("a reason"), "basis": texts("a basis"),
                "start": "2025-10-09T16:53:20.123+08:00", "end": "2025-10-12T16:53:20.123+08:00",
                "appeal_reference": "0000-0000-0000", "evidence": evidence}}),
            json!({"time": "2025-10-10T08:00:00.000+08:00",
                "data": {"cause": "overturned", "overruled": true, "appeal_reference": "0000-0000-0000"}}),
        ],
        notices: vec![
            json!({"data": {"how_to_appeal": {"offline": texts("the counter"), "online": texts("the app")},
            "papers": texts("papers"), "answer_due": "2025-10-24T16:53:20.123+08:00",
            "answer_within_ms": 1_296_000_000,
            "remedies": texts("remedies"), "still_works": texts("the rest")}}),
        ],
    }
}

fn evidence() -> Value {
    let event =
        json!({"event": "00000000000000aa", "at": "2025-10-09T16:00:00.000+08:00", "amount": 150_000});
    json!({
        "strength_millionths": 1_400_000,
        "comparisons": [{"text": "payers_distinct_1d >= 5", "left": 7, "operator": ">=", "right": 5}],
        "signs": [{"text": "in_sum_1d >= 5", "left": 412_345, "operator": ">=", "right": 5}],
        "signals": [{"name": "in_sum_1d", "subject": "account", "value": 412_345, "cold": true, "window": "1d",
            "events_count": 7, "events": [event]}],
        "softened": {"by": {"id": "some_protection", "version": 1}, "asked": "account_stop_non_counter"},
        "braked": true,
        "near_misses": [{"rule": {"id": "fan_out", "version": 1},
            "missed": [{"text": "payees_distinct_1d >= 5", "left": 4, "operator": ">=", "right": 5},
                {"text": "payers_distinct_1d == 7", "left": 7, "operator": "==", "right": 7, "uncertain": true}]}],
        "cleared_without": ["00000000000000aa"],
        "digest": "ab", "shortened": false
    })
}

fn told(evidence: &Value) -> Explanation {
    Explanation::of(&published(evidence), Some(&rules())).unwrap()
}

/// Two rules over three signals, whatever the shipped ones are.
fn rules() -> RuleSet {
    let mut rules = bundle::compile(&bundle::embedded(bundle::Profile::Strict).unwrap()).unwrap();
    let signal = |name: &str, aggregate: Aggregate, zh: &str, en: &str| Signal {
        name: name.to_owned(),
        subject: SubjectKind::Account,
        reads: Reads::Log(Question::sliding(Feed::TransferPayee.bit(), aggregate, SpanMs::DAY)),
        purpose: Purpose::ANTI_FRAUD,
        basis: "apl_18".to_owned(),
        report: None,
        title: Bilingual { zh: zh.to_owned(), en: en.to_owned() },
    };
    rules.signals = vec![
        signal(
            "payers_distinct_1d",
            Aggregate::Distinct,
            "一天内不同付款人数量",
            "Different payers in a day",
        ),
        signal(
            "payees_distinct_1d",
            Aggregate::Distinct,
            "一天内不同收款人数量",
            "Different payees in a day",
        ),
        signal("in_sum_1d", Aggregate::Sum, "一天内转入金额", "Sum received in a day"),
    ];
    let rule = |id: &str, signal: usize| Rule {
        id: id.to_owned(),
        condition: Condition::Compare { left: Term::Signal(signal), op: Op::Ge, right: Term::Constant(5) },
        ..rules.rules[0].clone()
    };
    rules.rules = vec![rule("fan_in", 0), rule("fan_out", 1)];
    rules
}

#[test]
fn an_explanation_answers_each_question_in_both_languages() {
    let text = explanation(&told(&evidence()));
    let (zh, en) = text.split_once("====").unwrap();
    let parts = [
        // What was done, on which facts, in their units.
        ("处理：交易核实", "Measure: transaction to be verified"),
        ("4,123.45 元（历史尚不完整", "4,123.45 yuan (history not yet complete"),
        ("2025年10月9日 16:00:00  1,500.00 元", "9 October 2025, 16:00:00  1,500.00 yuan"),
        // Against which thresholds, in the words of the signal.
        ("一天内不同付款人数量 不低于 5", "Different payers in a day is at least 5"),
        ("当时 7，对照 5", "it was 7, against 5"),
        // The signs behind a sum of points.
        ("其中成立的迹象\n", "Which signs held\n"),
        // Protections and brake.
        ("规则要求“暂停非柜面业务”", "The rule asked for \"business outside the counter stopped\""),
        ("影响预算已用完", "harm budget was spent"),
        // What came near.
        (
            "差在：一天内不同收款人数量 不低于 5；当时 4",
            "missed: Different payees in a day is at least 5; it was 4\n",
        ),
        // By its numbers it holds: what it misses is history.
        ("当时 7（历史尚不完整，不能确定）", "it was 7 (history not yet complete, so it is not certain)"),
        // What would clear it.
        ("通过：对该笔交易的核实", "Passing: verification of this transaction"),
        ("低于 5，而不是 7", "less than 5 instead of 7"),
        (
            "以下任一笔事项被更正：\n    2025年10月9日",
            "Any one of these events being corrected:\n    9 October",
        ),
        // How long, how to appeal, and what came of it.
        ("至2025年10月12日 16:53:20", "until 12 October 2025, 16:53:20"),
        ("线下：the counter（中文）", "Offline: the counter\n"),
        ("申诉成立，撤销", "overturned on appeal"),
    ];
    for (in_zh, in_en) in parts {
        assert!(zh.contains(in_zh), "{in_zh} in\n{zh}");
        assert!(en.contains(in_en), "{in_en} in\n{en}");
    }
    assert!(!en.contains("payers_distinct_1d is"), "signals are said by their titles");
}

#[test]
fn without_the_rules_of_then_names_stand_for_titles() {
    let told = Explanation::of(&published(&evidence()), None).unwrap();
    let text = explanation(&told);
    assert!(text.contains("names stand for titles") && text.contains("payers_distinct_1d >= 5"), "{text}");
}

#[test]
fn a_limit_says_what_was_counted_and_has_nothing_to_pass() {
    let mut published = published(&json!({"count": {"held": 5, "elsewhere": null, "count_max": 5}}));
    published.dispositions[0]["data"]["measure"] = json!("opening_refuse");
    let text = explanation(&Explanation::of(&published, None).unwrap());
    for part in ["held or reserved 5; the limit allows 5", "已有或已预留 5，上限 5", "fewer than 5 held"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("Passing") && !text.contains("harm budget"));
}

#[test]
fn what_only_ended_here_is_not_explained() {
    let mut published = published(&evidence());
    published.dispositions.remove(0);
    assert!(Explanation::of(&published, None).is_none());
}
