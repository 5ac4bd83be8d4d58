//! Declarations: IoT cards, resellers, owners of units.

use super::events::{accepted, holder, token};
use super::*;
use crate::engine::base::Token;
use crate::engine::declared::{CardFunction, CardRisk, OwnersSource, Scene, TrafficClass};
use crate::engine::fact::{Feed, UsageKind};
use crate::engine::subject::{Subject, SubjectKind};

#[test]
fn a_profile_and_a_use_name_device_and_region_by_the_same_tokens() {
    let card = party("h1", "c1", "iot_card");
    let data = format!(
        r#"{{"card":{card},"data":true,"sms":true,"device":"d1","region":"APN-1","traffic":"directed",
            "scene":"metering","risk":"high"}}"#
    );
    let classified = accepted("iot_card_profiled", &data);
    assert_eq!(classified.facts.len(), 1);
    assert_eq!(classified.facts[0].1.route, holder("h1"));
    let FactBody::CardProfiled { card: of, profile } = &classified.facts[0].1.body else { panic!() };
    assert_eq!(of.subject, Subject::new(SubjectKind::IotCard, token(SubjectKind::IotCard, "c1")));
    let has = |function| profile.functions.has(function);
    assert!(has(CardFunction::Data) && has(CardFunction::Sms) && !has(CardFunction::Voice));
    assert_eq!(profile.device, Some(token(SubjectKind::Device, "d1")));
    assert_eq!((profile.traffic, profile.scene), (TrafficClass::Directed, Scene::Metering));
    assert_eq!(profile.risk, CardRisk::High);

    let usage = |card: &str| {
        let data = format!(r#"{{"card":{card},"usage":"data","region":"APN-1"}}"#);
        // Before it stands the place as data of abnormal customers.
        accepted("card_usage_recorded", &data).facts[1].1.body.clone()
    };
    let FactBody::CardUsage { region, usage: UsageKind::Data, .. } = usage(&card) else { panic!() };
    assert!(region.is_some());
    assert_eq!(region, profile.region);
    // Where a person's phone is, is compared with nothing.
    let phone = party("h1", "p1", "phone_card");
    assert!(matches!(usage(&phone), FactBody::CardUsage { region: None, .. }));
}

#[test]
fn a_device_without_a_recorded_basis_is_dropped_from_a_profile() {
    let mut mapping = SourceMapping::load("native").unwrap();
    mapping.shared_subjects = Default::default();
    let card = party("h1", "c1", "iot_card");
    let data = format!(r#"{{"card":{card},"device":"d1","traffic":"open","scene":"other","risk":"low"}}"#);
    let classified = classify(&mut classifier_of(mapping), &event("iot_card_profiled", &data)).unwrap();
    let FactBody::CardProfiled { profile, .. } = &classified.facts[0].1.body else { panic!() };
    assert_eq!(profile.device, None);
    assert!(!classified.undeclared.is_empty());
}

#[test]
fn an_assessment_names_who_made_it_and_joins_them_with_nobody() {
    let opening = party("h1", "o1", "opening");
    let assessed = |outcome: &str, assessor: &str| {
        let data = format!(r#"{{"opening":{opening},"outcome":"{outcome}","assessor":"{assessor}"}}"#);
        classify(&mut native(), &event("risk_assessed", &data))
    };
    let body = assessed("failed", "h1").unwrap().facts[0].1.body.clone();
    let FactBody::RiskAssessed { opening: of, passed: false, assessor } = body else { panic!() };
    assert_eq!(of, token(SubjectKind::Opening, "o1"));
    assert_ne!(assessor, token(SubjectKind::Holder, "h1"));
    assert_eq!(assessed("passed", ""), Err(RefusalCode::FieldMissing));
    assert_eq!(assessed("maybe", "s1"), Err(RefusalCode::FieldInvalid));
}

#[test]
fn a_sale_is_a_meeting_of_reseller_and_user_and_stock_is_the_resellers_own() {
    let card = party("h1", "c1", "iot_card");
    for (kind, subject, feed) in [
        ("agent", SubjectKind::Agent, Feed::DeviceSaleAgent),
        ("outlet", SubjectKind::Outlet, Feed::DeviceSaleOutlet),
    ] {
        let data = format!(r#"{{"reseller":"s1","reseller_kind":"{kind}","card":{card}}}"#);
        let classified = accepted("device_sale_reported", &data);
        let about = Subject::new(subject, token(subject, "s1"));
        assert_eq!(classified.facts[0].1.route, about);
        let FactBody::Met { feed: seen, holder: user, target, amount: None } = &classified.facts[0].1.body
        else {
            panic!()
        };
        assert_eq!((*seen, *user), (feed, token(SubjectKind::Holder, "h1")));
        assert_eq!(target.subject.kind, SubjectKind::IotCard);
    }
    let stock = |institution: &str| {
        let data = format!(
            r#"{{"institution":"{institution}","reseller":"s1","reseller_kind":"outlet","in_stock":7}}"#
        );
        classify(&mut native(), &event("device_stock_reported", &data))
    };
    let fact = stock("bank-a").unwrap().facts[0].1.clone();
    assert_eq!(fact.route, Subject::new(SubjectKind::Outlet, token(SubjectKind::Outlet, "s1")));
    assert_eq!(fact.body, FactBody::StockReported { feed: Feed::DeviceStockOutlet, count: 7 });
    assert_eq!(stock("bank-b"), Err(RefusalCode::InstitutionUnknown));
}

#[test]
fn owners_are_at_most_a_whole_unit_and_joined_with_no_customer() {
    let unit = party("unit", "a1", "account");
    let declared = |owners: &str| {
        let data = format!(r#"{{"party":{unit},"source":"beneficial_owner_filing","owners":[{owners}]}}"#);
        classify(&mut native(), &event("beneficial_owners_declared", &data))
    };
    let owner = |person: &str, share: u32| format!(r#"{{"person":"{person}","share_per_mille":{share}}}"#);
    let classified = declared(&[owner("h1", 600), owner("h2", 400)].join(",")).unwrap();
    assert_eq!(classified.facts.len(), 1, "the owners hear nothing");
    assert_eq!(classified.facts[0].1.route, holder("unit"));
    let FactBody::OwnersDeclared { owners, source } = &classified.facts[0].1.body else { panic!() };
    assert_eq!(*source, OwnersSource::Filing);
    let of_customer = |person: Token| person == token(SubjectKind::Holder, "h1");
    assert!(!owners.iter().any(|owner| of_customer(owner.person)));
    assert!(declared("").is_ok());
    assert_eq!(declared(&[owner("h1", 600), owner("h2", 401)].join(",")), Err(RefusalCode::FieldInvalid));
    assert_eq!(declared(&[owner("h1", 1), owner("h1", 1)].join(",")), Err(RefusalCode::FieldInvalid));
    assert_eq!(declared(&owner("", 1)), Err(RefusalCode::FieldMissing));
}

#[test]
fn what_protects_the_payer_stays_with_the_payer() {
    let (payer, payee) = (party("h1", "a1", "account"), party("h2", "a2", "account"));
    let data =
        format!(r#"{{"payer":{payer},"payee":{payee},{AMOUNT},"remote_control":true,"after_loan":true}}"#);
    let flags: Vec<(bool, bool)> = accepted("transfer_posted", &data)
        .facts
        .into_iter()
        .map(|(_, fact)| match fact.body {
            FactBody::Transfer { details, .. } => (details.remote_control, details.after_loan),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(flags, [(true, true), (false, false)]);
}

#[test]
fn only_a_unit_has_a_legal_representative() {
    let opening = party("h1", "o1", "opening");
    let met = |kind: &str| {
        let data = format!(
            r#"{{"opening":{opening},"product":"bank_account_i","holder_kind":"{kind}","legal_representative":"r1"}}"#
        );
        let facts = accepted("opening_requested", &data).facts;
        facts.into_iter().filter(|(_, fact)| matches!(fact.body, FactBody::Met { .. })).count()
    };
    assert_eq!((met("unit"), met("person")), (1, 0));
}
