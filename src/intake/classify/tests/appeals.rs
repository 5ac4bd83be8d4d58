//! Appeals and requests for a human decision, as they come.

use super::events::{accepted, holder};
use super::*;
use crate::engine::appeal::{AppealReason, AppealStep, HumanDecision, Paper, Papers};
use crate::engine::disposition::AppealRef;
use crate::engine::fact::FactBody;
use crate::engine::measure::{AccountStep, MeasureKind};
use crate::engine::subject::SubjectKind;
use crate::intake::refusal::RefusalCode;

fn of(more: &str) -> String {
    let (party, reference) = (party("h1", "a1", "account"), AppealRef::from_bits(77));
    format!(r#"{{"party":{party},"appeal_ref":"{reference}"{more}}}"#)
}

fn step(kind: &str, more: &str) -> AppealStep {
    let classified = accepted(kind, &of(more));
    assert_eq!(classified.facts.len(), 1);
    assert_eq!(classified.facts[0].1.route, holder("h1"));
    match &classified.facts[0].1.body {
        FactBody::Appeal { appeal, step } => {
            assert_eq!(*appeal, AppealRef::from_bits(77));
            step.clone()
        }
        other => panic!("{other:?}"),
    }
}

fn refused(kind: &str, more: &str) -> RefusalCode {
    classify(&mut native(), &event(kind, &of(more))).unwrap_err()
}

#[test]
fn an_appeal_keeps_words_and_fingerprints_only() {
    let filed = step(
        "appeal_filed",
        r#","reason":"needed_for_living","papers":["other","income_proof"],"evidence_id":"doc-1""#,
    );
    let papers = Papers::default().with(Paper::IncomeProof).with(Paper::Other);
    let AppealStep::Filed { reason, papers: brought, evidence: Some(evidence) } = filed else {
        panic!("{filed:?}")
    };
    assert_eq!((reason, brought), (AppealReason::NeededForLiving, papers));
    // An id of evidence is no id of an event.
    assert_ne!(evidence, Keys::development().fingerprint("doc-1"));
    let plain = step("appeal_filed", r#","reason":"other""#);
    assert!(matches!(plain, AppealStep::Filed { evidence: None, .. }));
    assert_eq!(step("appeal_accepted", ""), AppealStep::Accepted);
    let one = Papers::default().with(Paper::PoliceReceipt);
    assert_eq!(step("appeal_papers_asked", r#","papers":["police_receipt"]"#), AppealStep::PapersAsked(one));
    assert_eq!(step("appeal_papers_given", r#","papers":["police_receipt"]"#), AppealStep::PapersGiven(one));
    assert_eq!(step("human_decision_requested", ""), AppealStep::HumanRequested);
}

#[test]
fn a_human_decision_names_its_measure_and_a_token_of_its_decider() {
    let decided = |more: &str| match step("human_decision_made", more) {
        AppealStep::HumanDecided { decision, decider, reason } => (decision, decider, reason),
        other => panic!("{other:?}"),
    };
    let (decision, decider, reason) = decided(
        r#","decision":"milder","measure":"account_verify_transaction","decider":"s7","reason":"r_1""#,
    );
    assert_eq!(decision, HumanDecision::Milder(MeasureKind::Account(AccountStep::VerifyTransaction)));
    assert_eq!((decider, reason.as_deref()), (Keys::development().staff("s7"), Some("r_1")));
    assert_ne!(decider, Keys::development().token(SubjectKind::Holder, "s7"));
    assert_eq!(decided(r#","decision":"confirm","decider":"s7""#).0, HumanDecision::Confirm);
    assert_eq!(decided(r#","decision":"lift","decider":"s7""#).0, HumanDecision::Lift);
}

#[test]
fn what_says_too_little_or_too_much_is_refused() {
    let made = |more: &str| refused("human_decision_made", more);
    assert_eq!(made(r#","decision":"milder","decider":"s7""#), RefusalCode::FieldMissing);
    assert_eq!(
        made(r#","decision":"lift","measure":"victim_warn","decider":"s7""#),
        RefusalCode::FieldInvalid
    );
    assert_eq!(
        made(r#","decision":"milder","measure":"phone_card_suspend","decider":"s7""#),
        RefusalCode::FieldInvalid
    );
    assert_eq!(made(r#","decision":"lift","decider":"""#), RefusalCode::FieldMissing);
    assert_eq!(
        made(r#","decision":"lift","decider":"s7","reason":"Anna is my aunt""#),
        RefusalCode::FieldInvalid
    );
    assert_eq!(refused("appeal_papers_asked", r#","papers":[]"#), RefusalCode::FieldMissing);
    assert_eq!(refused("appeal_filed", r#","reason":"because""#), RefusalCode::FieldInvalid);
    assert_eq!(
        refused("appeal_filed", r#","reason":"other","papers":["my cat"]"#),
        RefusalCode::FieldInvalid
    );
}
