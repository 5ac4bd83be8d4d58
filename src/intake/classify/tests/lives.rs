//! News of measures, explanations of a shared number, settlements.

use super::events::accepted;
use super::*;
use crate::engine::disposition::DispositionId;
use crate::engine::fact::{Feed, MeasureNews};
use crate::engine::verifying::{DeliveryChannel, VerificationMethod};

#[test]
fn news_of_a_measure_goes_to_its_holder() {
    let party = party("h1", "a1", "account");
    let id = "0123456789abcdef0123456789ABCDEF";
    let (app, reading) = (DeliveryChannel::App, VerificationMethod::OnlineReading);
    for (kind, field, news) in [
        ("notice_delivered", r#","channel":"app""#, MeasureNews::NoticeDelivered(app)),
        ("notice_undeliverable", r#","channel":"app""#, MeasureNews::NoticeUndeliverable(app)),
        ("verification_passed", r#","method":"online_reading""#, MeasureNews::VerificationPassed(reading)),
        ("verification_failed", r#","method":"online_reading""#, MeasureNews::VerificationFailed(reading)),
        ("settlement_cancelled", "", MeasureNews::Cancelled),
    ] {
        let data = |id: &str| format!(r#"{{"party":{party},"disposition_id":"{id}"{field}}}"#);
        let classified = accepted(kind, &data(id));
        let measure = DispositionId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(classified.facts.len(), 1);
        assert_eq!(classified.facts[0].1.body, FactBody::MeasureHappened { measure, news });
        for wrong in ["", "ab", "0123456789abcdef0123456789abcdeg", "+123456789abcdef0123456789abcdef"] {
            assert!(classify(&mut native(), &event(kind, &data(wrong))).is_err(), "{kind} {wrong}");
        }
        let wrong = event(kind, &format!(r#"{{"party":{{}},"disposition_id":"{id}"{field}}}"#));
        assert!(classify(&mut native(), &wrong).is_err());
    }
}

#[test]
fn a_settlement_goes_to_each_side_of_ours_and_names_the_other() {
    let (payer, payee) = (party("h1", "a1", "account"), party("h2", "a2", "account"));
    let data = format!(r#"{{"event_id":"E1","payer":{payer},"payee":{payee},{AMOUNT}}}"#);
    let classified = accepted("settlement_recorded", &data);
    let sides: Vec<(Feed, bool)> = classified
        .facts
        .iter()
        .map(|(_, fact)| match &fact.body {
            FactBody::SettlementRecorded { feed, other, .. } => (*feed, other.is_some()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sides, [(Feed::TransferPayer, true), (Feed::TransferPayee, true)]);
    let by_card = format!(r#"{{"event_id":"E1","payer":{payer},"terminal":"T1"}}"#);
    assert!(matches!(
        accepted("settlement_recorded", &by_card).facts[0].1.body,
        FactBody::SettlementRecorded { feed: Feed::CardPaymentCard, other: Some(_), amount: None, .. }
    ));
    for wrong in [r#"{"event_id":"E1"}"#.to_owned(), format!(r#"{{"event_id":"","payer":{payer}}}"#)] {
        assert!(classify(&mut native(), &event("settlement_recorded", &wrong)).is_err());
    }
}

#[test]
fn an_explained_number_goes_to_its_holder() {
    let party = party("h1", "a1", "account");
    let classified = accepted("sharing_explained", &format!(r#"{{"party":{party},"phone_number":"139"}}"#));
    assert!(matches!(classified.facts[0].1.body, FactBody::SharingExplained { .. }));
    let wrong = event("sharing_explained", &format!(r#"{{"party":{party},"phone_number":""}}"#));
    assert!(classify(&mut native(), &wrong).is_err());
}
