//! What is said about appeals, and by rules of themselves.

use super::*;
use crate::engine::appeal::{AppealAnswer, AppealAnswered, Paper, Papers};
use crate::engine::disposition::OrderAnswered;
use crate::engine::life::Word;
use crate::engine::order::{OrderKind, OrderName, Outcome};
use crate::engine::rule::Quality;
use crate::engine::state::{RuleCount, RuleShadowed};

fn answered(keys: &Keys, answer: AppealAnswer) -> Effect {
    Effect::Disposed(Box::new(Disposition::AppealAnswered(AppealAnswered {
        head: head(keys, Lane::Anomaly, SubjectKind::Account, Purpose::ANTI_FRAUD),
        of: DispositionId(0xdef),
        measure: Measure::Account(AccountStep::LimitNonCounter),
        appeal: AppealRef::from_bits(42),
        answer,
        reason: (answer == AppealAnswer::Upheld).then(|| both("why")),
        papers: Papers::default().with(Paper::IncomeProof),
        due: Some(AT.plus(SpanMs::days(15))),
        remedies: both("remedies"),
        utc_offset_minutes: 480,
    })))
}

#[test]
fn every_answer_has_words_of_its_own_and_a_notice() {
    let keys = Keys::development();
    let mut seen = std::collections::BTreeSet::new();
    for answer in AppealAnswer::ALL {
        let records = encoded(&keys, &answered(&keys, *answer)).unwrap();
        let topics: Vec<Topic> = records.iter().map(|record| record.topic).collect();
        assert_eq!(topics, [Topic::Dispositions, Topic::Notices]);
        let [disposition, notice] = [json(&records[0]), json(&records[1])];
        assert_eq!(disposition["data"]["answer"], answer.name());
        assert_eq!(disposition["data"]["notice"], notice["id"]);
        assert!(!disposition.to_string().contains(REF), "a disposition names nobody");
        assert_eq!(notice["data"]["party"]["ref"], REF);
        let text = &notice["data"]["text"];
        for language in ["zh-CN", "en"] {
            assert!(seen.insert(text[language].to_string()), "{answer:?}");
            assert!(text[language].as_str().unwrap().contains(&AppealRef::from_bits(42).to_string()));
        }
    }
}

#[test]
fn a_person_is_told_what_belongs_to_the_answer_and_no_more() {
    let keys = Keys::development();
    let text = |answer| {
        let records = encoded(&keys, &answered(&keys, answer)).unwrap();
        json(&records[1])["data"]["text"]["en"].as_str().unwrap().to_owned()
    };
    let says = |answer: AppealAnswer, what: &str| text(answer).contains(what);
    assert!(says(AppealAnswer::Received, "by 24 October 2025, 16:53"));
    assert!(says(AppealAnswer::PapersAsked, "proof of income"));
    assert!(!says(AppealAnswer::Received, "proof of income"), "papers that were brought are not asked for");
    assert!(says(AppealAnswer::Upheld, "why (English)") && says(AppealAnswer::Upheld, "remedies (English)"));
    assert!(!says(AppealAnswer::Upheld, "24 October"), "a decided appeal has no deadline");
    assert!(!says(AppealAnswer::Accepted, "remedies (English)"));
}

#[test]
fn a_rule_in_shadow_is_told_of_without_anybody() {
    let keys = Keys::development();
    let shadowed = RuleShadowed {
        rule: RuleName { id: "pass-through".to_owned(), version: 2 },
        count: RuleCount {
            version: 2,
            measures: 60,
            overruled: 13,
            restricted_ms: 7_300_000,
            ..RuleCount::default()
        },
        quality: Quality { overturned_per_mille_max: 200, verified_per_mille_max: 900, measures_min: 50 },
    };
    let records = encoded(&keys, &Effect::RuleShadowed(Box::new(shadowed))).unwrap();
    assert_eq!((records.len(), records[0].topic), (1, Topic::Shadow));
    assert_eq!(records[0].key, b"pass-through");
    let told = json(&records[0]);
    assert_eq!(
        (&told["type"], &told["id"]),
        (&"duecourse.rule_shadowed.v1".into(), &"rule-shadowed-pass-through-2".into())
    );
    assert_eq!((&told["data"]["overturned"], &told["data"]["restricted_hours"]), (&13.into(), &2.into()));
    assert!(told.get("time").is_none() && told["data"].get("holder").is_none());
}

#[test]
fn an_authority_is_told_the_case_by_its_name_and_by_the_platform_s_code() {
    let keys = Keys::development();
    let told = |case| {
        let answered = OrderAnswered {
            head: head(&keys, Lane::Authority, SubjectKind::Account, Purpose::AUTHORITY),
            name: OrderName { issuer: Arc::from("city-police"), number: Arc::from("ZF-2") },
            kind: Some(OrderKind::Freeze),
            case,
            outcome: Outcome::Released,
            measure: None,
        };
        let effect = Effect::Disposed(Box::new(Disposition::OrderAnswered(answered)));
        let records = encoded(&keys, &effect).unwrap();
        assert_eq!(records.iter().map(|record| record.topic).collect::<Vec<_>>(), [Topic::Authority]);
        json(&records[0])
    };
    let known = told(Some(CaseKind::VictimReport));
    assert_eq!(known["data"]["case"], "victim_report");
    assert_eq!(known["data"]["case_code"], "3002");
    assert_eq!(told(Some(CaseKind::Other))["data"].get("case_code"), None, "a code that is in no table");
    let without = told(None);
    assert!(without["data"].get("case").is_none() && without["data"].get("case_code").is_none());
}
