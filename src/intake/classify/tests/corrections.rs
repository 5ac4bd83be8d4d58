//! Corrections: what was and what is, side by side.

use super::events::{accepted, holder, token};
use super::*;
use crate::engine::subject::{Subject, SubjectKind};

#[test]
fn a_correction_pairs_what_was_with_what_is() {
    let side = |holder: &str, reference: &str| party(holder, reference, "account");
    let transfer = |payee: &str, device: &str| {
        format!(r#"{{"payer":{},"payee":{payee},{AMOUNT}{device}}}"#, side("h1", "a1"))
    };
    let state = |time: &str, data: &str| format!(r#"{{"time":"{time}","data":{data}}}"#);
    let data = format!(
        r#"{{"original_event_id":"e0","original_type":"transfer_posted","before":{},"after":{}}}"#,
        state("2023-12-31T00:00:00Z", &transfer(&side("h2", "a2"), r#","device":"d1""#)),
        state("2023-12-30T00:00:00Z", &transfer(&side("h3", "a3"), r#","nickname":"x""#)),
    );
    let classified = accepted("event_corrected", &data);
    assert_eq!(classified.undeclared, ["after.data.nickname"]);
    let seen: Vec<(Subject, bool, bool)> = classified
        .facts
        .iter()
        .map(|(_, fact)| match &fact.body {
            FactBody::Corrected { original, before, after } => {
                assert_eq!(*original, Keys::development().fingerprint("e0"));
                assert_eq!((fact.event, fact.at), (classified.event, AT));
                (fact.route, before.is_some(), after.is_some())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let device = Subject::new(SubjectKind::Device, token(SubjectKind::Device, "d1"));
    assert_eq!(
        seen,
        [
            (holder("h1"), true, true),
            (holder("h2"), true, false),
            (holder("h3"), false, true),
            (device, true, false)
        ]
    );
    let withdrawn = format!(
        r#"{{"original_event_id":"e0","original_type":"transfer_posted","before":{}}}"#,
        state("2023-12-31T00:00:00Z", &transfer(&side("h2", "a2"), "")),
    );
    assert_eq!(accepted("event_corrected", &withdrawn).facts.len(), 2);
}

#[test]
fn a_correction_of_a_confirmed_fraud_pairs_its_roles() {
    let data = |payee: &str| {
        format!(
            r#"{{"event_id":"e0","payer":{},"payee":{payee},"terminal":"t1"}}"#,
            party("h1", "a1", "account")
        )
    };
    let (was, is) = (data(&party("h2", "a2", "account")), data(&party("h3", "a3", "account")));
    let text = format!(
        r#"{{"original_event_id":"f0","original_type":"fraud_confirmed",
            "before":{{"time":"2023-12-31T00:00:00Z","data":{was}}},
            "after":{{"time":"2023-12-31T00:00:00Z","data":{is}}}}}"#
    );
    let terminal = Subject::new(SubjectKind::Terminal, token(SubjectKind::Terminal, "t1"));
    let seen: Vec<(Subject, bool, bool)> = accepted("event_corrected", &text)
        .facts
        .iter()
        .map(|(_, fact)| match &fact.body {
            FactBody::Corrected { before, after, .. } => (fact.route, before.is_some(), after.is_some()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        seen,
        [
            (holder("h1"), true, true),
            (holder("h2"), true, false),
            (holder("h3"), false, true),
            (terminal, true, true)
        ]
    );
}
