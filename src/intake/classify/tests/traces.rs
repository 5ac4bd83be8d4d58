//! Data of abnormal customers, and authorisations.

use super::events::{accepted, holder, token};
use super::*;
use crate::engine::authorisation::{AuthorisedUse, TraceClass};
use crate::engine::subject::{Subject, SubjectKind};

/// The shipped source, with devices as data of abnormal customers.
fn of_abnormal() -> Classifier {
    let mut mapping = SourceMapping::load("native").unwrap();
    mapping.abnormal_customers.device = mapping.shared_subjects.device.take();
    classifier_of(mapping)
}

fn transfer(more: &str) -> String {
    let (payer, payee) = (party("h1", "a1", "account"), party("h2", "a2", "account"));
    event("transfer_posted", &format!(r#"{{"payer":{payer},"payee":{payee},{AMOUNT}{more}}}"#))
}

#[test]
fn they_go_to_the_payers_holder_before_anything_else_and_make_no_subject_of_their_own() {
    let text = transfer(r#","device":"d1","region":"r1""#);
    let classified = classify(&mut of_abnormal(), &text).unwrap();
    let bodies: Vec<&FactBody> = classified.facts.iter().map(|(_, fact)| &fact.body).collect();
    let [FactBody::TracesSeen { party, device, location }, sides @ ..] = &bodies[..] else { panic!() };
    assert_eq!(classified.facts[0].1.route, holder("h1"));
    assert_eq!(party.subject, Subject::new(SubjectKind::Account, token(SubjectKind::Account, "a1")));
    assert_eq!(*device, Some(token(SubjectKind::Device, "d1")));
    assert!(location.is_some());
    assert_eq!(sides.len(), 2, "payer and payee, and no meeting of the device");
    assert!(classified.undeclared.is_empty());
    // Where devices are subjects of their own, only the place is data of abnormal customers.
    let classified = classify(&mut native(), &text).unwrap();
    let FactBody::TracesSeen { device: None, location: Some(_), .. } = classified.facts[0].1.body else {
        panic!()
    };
    assert!(matches!(classified.facts[3].1.body, FactBody::Met { .. }));
    // What says neither makes no such fact.
    assert_eq!(classify(&mut of_abnormal(), &transfer("")).unwrap().facts.len(), 2);
}

#[test]
fn without_a_basis_a_place_is_dropped_and_counted() {
    let mut mapping = SourceMapping::load("native").unwrap();
    mapping.abnormal_customers = Default::default();
    let text = transfer(r#","region":"r1""#);
    let classified = classify(&mut classifier_of(mapping), &text).unwrap();
    assert_eq!(classified.facts.len(), 2);
    assert_eq!(classified.undeclared, ["region"]);
}

#[test]
fn of_a_card_they_are_those_of_its_use() {
    for kind in ["phone_card", "iot_card"] {
        let card = party("h1", "c1", kind);
        let data = format!(r#"{{"card":{card},"usage":"data","device":"d1","region":"r1"}}"#);
        let classified = classify(&mut of_abnormal(), &event("card_usage_recorded", &data)).unwrap();
        assert_eq!(classified.facts.len(), 2, "{kind}");
        let [(_, seen), (_, used)] = &classified.facts[..] else { panic!() };
        assert!(matches!(seen.body, FactBody::TracesSeen { device: Some(_), location: Some(_), .. }));
        let FactBody::CardUsage { device, .. } = used.body else { panic!() };
        assert_eq!(device, Default::default(), "no log keeps it otherwise");
    }
}

#[test]
fn a_correction_pairs_them_with_themselves_and_puts_them_first() {
    let state = |region: &str| {
        let payer = party("h1", "a1", "account");
        format!(
            r#"{{"time":"2024-01-01T08:00:00+08:00","data":{{"payer":{payer},"counterparty":{{"account":"x"}},{AMOUNT},"region":"{region}"}}}}"#
        )
    };
    let data = format!(
        r#"{{"original_event_id":"e0","original_type":"transfer_posted","before":{},"after":{}}}"#,
        state("r1"),
        state("r2")
    );
    let classified = accepted("event_corrected", &data);
    assert_eq!(classified.facts.len(), 2);
    let FactBody::Corrected { before: Some(before), after: Some(after), .. } = &classified.facts[0].1.body
    else {
        panic!()
    };
    let place = |body: &FactBody| match body {
        FactBody::TracesSeen { location, .. } => *location,
        _ => None,
    };
    assert!(place(&before.body).is_some() && place(&after.body).is_some());
    assert_ne!(place(&before.body), place(&after.body));
}

fn granted(purpose: &str, number: &str, data: &str, until: &str) -> String {
    let party = party("h1", "a1", "account");
    let data = format!(
        r#"{{"party":{party},"number":"{number}","purpose":"{purpose}","data":{data},"until":"{until}"}}"#
    );
    event("authorisation_granted", &data)
}

const YEAR: &str = "2025-01-01T08:00:00+08:00";

#[test]
fn an_authorisation_names_a_use_some_data_and_its_end() {
    let classified =
        classify(&mut native(), &granted("victim", "A-1", r#"["device","device"]"#, YEAR)).unwrap();
    let [(_, fact)] = &classified.facts[..] else { panic!() };
    assert_eq!(fact.route, holder("h1"));
    let FactBody::AuthorisationGranted { number, opens, data, until } = &fact.body else { panic!() };
    assert_eq!((&**number, *opens), ("A-1", AuthorisedUse::Victim));
    assert!(data.has(TraceClass::Device) && !data.has(TraceClass::Location));
    assert_eq!(*until, AT.plus(SpanMs::days(366)));

    let party = party("h1", "a1", "account");
    let revoked = accepted("authorisation_revoked", &format!(r#"{{"party":{party},"number":"A-1"}}"#));
    assert!(
        matches!(&revoked.facts[0].1.body, FactBody::AuthorisationRevoked { number } if &**number == "A-1")
    );
}

#[test]
fn what_nobody_can_authorise_is_refused() {
    let refused = |text: String| classify(&mut native(), &text).unwrap_err();
    for purpose in ["marketing", "credit_scoring", "shared_count", "anti_fraud", "aml", ""] {
        let code = refused(granted(purpose, "A-1", r#"["device"]"#, YEAR));
        assert_eq!(code, RefusalCode::AuthorisationPurposeNotGrantable, "{purpose}");
    }
    let all = r#"["device"]"#;
    assert_eq!(refused(granted("victim", " ", all, YEAR)), RefusalCode::FieldMissing);
    assert_eq!(refused(granted("victim", "A-1", "[]", YEAR)), RefusalCode::FieldMissing);
    assert_eq!(refused(granted("victim", "A-1", r#"["mood"]"#, YEAR)), RefusalCode::FieldInvalid);
    let before = "2024-01-01T08:00:00+08:00";
    assert_eq!(refused(granted("victim", "A-1", all, before)), RefusalCode::FieldInvalid);
    // The number leaves with evidence, so it names nobody.
    assert_eq!(refused(granted("victim", "13800138000", all, YEAR)), RefusalCode::RefLooksLikePhone);
    // What was taken back stays so.
    let revocation = r#"{"original_event_id":"x","original_type":"authorisation_revoked","before":{"time":"2024-01-01T08:00:00+08:00","data":{}}}"#;
    assert_eq!(
        classify(&mut native(), &event("event_corrected", revocation)).unwrap_err(),
        RefusalCode::CorrectionTypeUnsupported
    );
}
