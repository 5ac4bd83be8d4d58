//! Orders of authorities: signed by their issuer's key in its time, complete, or refused.

use super::*;
use crate::codec::authority::{AuthorityKey, AuthoritySecret};
use crate::codec::event::Event;
use crate::codec::event::EventType;
use crate::config::orders::{Codes, Means, Reported};
use crate::engine::notice::Telling;
use crate::engine::order::{Level, OrderKind, OrderSays, OrderTerms};
use crate::intake::classify::order;
use RefusalCode as Code;

/// What is changed in a sound order before it is signed, and why it is refused then.
pub(super) fn order_cases() -> [(Code, &'static str, &'static str); 13] {
    const END: &str = r#""end":"2024-01-03T08:00:00+08:00","#;
    [
        (Code::OrderUnsigned, r#""signing_key":"city","#, ""),
        (Code::OrderKeyUnknown, r#""signing_key":"city""#, r#""signing_key":"stranger""#),
        (Code::OrderKeyNotValid, r#""signing_key":"city""#, r#""signing_key":"ended""#),
        (Code::OrderKeyNotValid, r#""signing_key":"city""#, r#""signing_key":"early""#),
        (Code::OrderKeyOfAnother, r#""signing_key":"city""#, r#""signing_key":"town""#),
        (Code::OrderKeyOfAnother, r#""level":"prefecture""#, r#""level":"provincial""#),
        (Code::OrderSignatureInvalid, r#""signing_key":"city""#, r#""signing_key":"twin""#),
        (Code::OrderWithoutEnd, END, ""),
        (Code::OrderTermInvalid, "2024-01-03T08", "2024-01-02T08"),
        (Code::OrderCodeUnknown, r#""code":"100201""#, r#""code":"100203""#),
        (Code::OrderCodeUnknown, r#""code":"100201""#, r#""code":"100101""#),
        (Code::OrderNoticeInvalid, r#""kind":"freeze""#, r#""kind":"freeze","notice":"deferred""#),
        (Code::OrderNoticeInvalid, r#""kind":"freeze""#, r#""kind":"freeze","notice_clause":"c""#),
    ]
}

/// An event's data as intake reads it.
pub(super) fn when_read(kind: EventType, data: &str) -> Event<'_> {
    Event::from_json(kind, data, "", &mut Undeclared::default()).unwrap()
}

const ORDER: &str = r#"{"number":"DJ-1","issuer":"city police","level":"prefecture","kind":"freeze","code":"100201","party":PARTY,"start":"2024-01-02T08:00:00+08:00","end":"2024-01-03T08:00:00+08:00","signing_key":"city","signature":"SIGNATURE"}"#;

pub(super) fn ordering() -> (Classifier, AuthoritySecret) {
    let secret = |algorithm, seed| AuthoritySecret::from_bytes(algorithm, &[seed; 32]).unwrap();
    let key = |id: &str, issuer: &str, (algorithm, seed), (from, to): (i64, i64)| {
        let named = (id, issuer, Level::Prefecture);
        let term = (TimeMs(AT.0 + from), TimeMs(AT.0 + to));
        AuthorityKey::new(named, algorithm, &secret(algorithm, seed).public(), term).unwrap()
    };
    let mut classifier = native();
    classifier.settings.orders.keys = vec![
        key("city", "city police", ("sm2", 5), (0, 1)),
        key("twin", "city police", ("ed25519", 5), (0, 1)),
        key("town", "town police", ("sm2", 5), (0, 1)),
        key("ended", "city police", ("sm2", 5), (-9, 0)),
        key("early", "city police", ("sm2", 5), (1, 9)),
    ];
    (classifier, secret("sm2", 5))
}

/// An order with a change, signed by the city's key.
fn ordered(secret: &AuthoritySecret, from: &str, to: &str) -> String {
    assert!(ORDER.contains(from), "{from}");
    let data = ORDER.replacen(from, to, 1).replace("PARTY", &party("h", "a", "account"));
    let unsigned = data.clone();
    let Event::OrderIssued(read) =
        Event::from_json(EventType::OrderIssued, &unsigned, "", &mut Undeclared::default()).unwrap()
    else {
        panic!()
    };
    let canonical = order::issued("bank-a", &read, OrderKind::Freeze);
    event("order_issued", &data.replace("SIGNATURE", &secret.sign(&canonical).unwrap()))
}

#[test]
fn an_order_is_taken_by_its_signature_and_nothing_else() {
    let (mut classifier, secret) = ordering();
    let classified = classify(&mut classifier, &ordered(&secret, "{", "{")).unwrap();
    let [(_, Fact { body: FactBody::Order(said), .. })] = &classified.facts[..] else { panic!() };
    assert_eq!((&*said.name.issuer, &*said.name.number), ("city police", "DJ-1"));
    let (start, end) = (TimeMs(AT.0 + 86_400_000), TimeMs(AT.0 + 2 * 86_400_000));
    let (kind, level, telling) = (OrderKind::Freeze, Level::Prefecture, Telling::Now);
    let terms = OrderTerms { kind, level, start, end, telling, case: None };
    assert_eq!(said.says, OrderSays::Issued(terms));
    for (code, from, to) in order_cases() {
        let refused = classify(&mut classifier, &ordered(&secret, from, to)).map(|_| ());
        assert_eq!(refused, Err(code), "{from} -> {to}");
    }
    // One that was changed after it was signed.
    for (from, to) in [("DJ-1", "DJ-2"), ("2024-01-03T08", "2024-01-03T09"), (r#""ref":"a""#, r#""ref":"b""#)]
    {
        let changed = ordered(&secret, "{", "{").replacen(from, to, 1);
        assert_eq!(
            classify(&mut classifier, &changed).map(|_| ()),
            Err(Code::OrderSignatureInvalid),
            "{from}"
        );
    }
}

/// An event about an order of the city's, signed.
fn about(secret: &AuthoritySecret, kind: EventType, more: &str) -> String {
    let data = format!(
        r#"{{"number":"DJ-1","issuer":"city police","party":{},{more}"signing_key":"city","signature":"SIGNATURE"}}"#,
        party("h", "a", "account")
    );
    let canonical = match when_read(kind, &data) {
        Event::OrderIssued(read) => {
            let coded = read.code.as_deref().and_then(|code| Codes::shipped().order(code, AT));
            let kind = read.kind.map(|kind| kind.0).or(coded.map(|(_, kind)| kind)).unwrap();
            order::issued("bank-a", &read, kind)
        }
        Event::OrderExtended(read) => order::extended("bank-a", &read),
        Event::OrderReleased(read) => order::released("bank-a", &read),
        other => panic!("{other:?}"),
    };
    event(kind.name(), &data.replace("SIGNATURE", &secret.sign(&canonical).unwrap()))
}

/// Each code of the table is read in the events that it belongs to, and refused in the others.
#[test]
fn each_code_of_the_platform_is_read_where_it_belongs() {
    const TERM: &str =
        r#""level":"prefecture","start":"2024-01-02T08:00:00+08:00","end":"2024-01-03T08:00:00+08:00","#;
    const END: &str = r#""end":"2024-01-09T08:00:00+08:00","#;
    let (mut classifier, secret) = ordering();
    let mut said = |kind, more: &str| {
        let classified = classify(&mut classifier, &about(&secret, kind, more))?;
        let FactBody::Order(said) = &classified.facts[0].1.body else { panic!() };
        Ok(said.says.clone())
    };
    let (orders, reports) = (Codes::shipped().orders(), Codes::shipped().reports());
    let (orders, reports): (Vec<_>, Vec<_>) = (orders.collect(), reports.collect());
    assert_eq!((orders.len(), reports.len()), (8, 7), "a code of the table was added or lost");
    for (code, means, kind) in orders {
        let code = format!(r#""code":"{code}","#);
        let issued = said(EventType::OrderIssued, &format!("{code}{TERM}"));
        match (means, issued) {
            (Means::Issued, Ok(OrderSays::Issued(terms))) => {
                assert_eq!((terms.kind, terms.case), (kind, None))
            }
            (Means::Issued, other) => panic!("{code}: {other:?}"),
            (_, issued) => assert_eq!(issued, Err(Code::OrderCodeUnknown), "{code}"),
        }
        let extended = said(EventType::OrderExtended, &format!("{code}{END}"));
        assert_eq!(extended.is_ok(), means == Means::Extended, "{code}");
        let released = said(EventType::OrderReleased, &code);
        assert_eq!(released.is_ok(), means == Means::Released, "{code}");
    }
    for (code, reported) in reports {
        let code = format!(r#""code":"{code}","#);
        let issued = said(EventType::OrderIssued, &format!(r#"{code}"kind":"freeze",{TERM}"#));
        match (reported, issued) {
            (Reported::Case(case), Ok(OrderSays::Issued(terms))) => {
                assert_eq!((terms.kind, terms.case), (OrderKind::Freeze, Some(case)));
            }
            (Reported::Cancelled, issued) => assert_eq!(issued, Err(Code::OrderCodeUnknown), "{code}"),
            (_, other) => panic!("{code}: {other:?}"),
        }
        assert_eq!(
            said(EventType::OrderExtended, &format!("{code}{END}")),
            Err(Code::OrderCodeUnknown),
            "{code}"
        );
        let released = said(EventType::OrderReleased, &code);
        match reported {
            Reported::Cancelled => assert_eq!(released, Ok(OrderSays::Released)),
            Reported::Case(_) => assert_eq!(released, Err(Code::OrderCodeUnknown), "{code}"),
        }
    }
}

/// The case is signed with the order: another one does not fit its signature.
#[test]
fn the_case_of_an_order_cannot_be_put_in_afterwards() {
    const TERM: &str = r#""kind":"freeze","level":"prefecture","start":"2024-01-02T08:00:00+08:00","end":"2024-01-03T08:00:00+08:00","#;
    let (mut classifier, secret) = ordering();
    let signed = about(&secret, EventType::OrderIssued, &format!(r#""code":"3002",{TERM}"#));
    assert!(classify(&mut classifier, &signed).is_ok());
    for changed in [signed.replacen("3002", "3005", 1), signed.replacen(r#""code":"3002","#, "", 1)] {
        let refused = classify(&mut classifier, &changed).map(|_| ());
        assert_eq!(refused, Err(Code::OrderSignatureInvalid));
    }
}

#[test]
fn without_a_registry_no_order_is_taken() {
    let (_, secret) = ordering();
    let refused = classify(&mut native(), &ordered(&secret, "{", "{")).map(|_| ());
    assert_eq!(refused, Err(Code::OrderKeyUnknown));
}

#[test]
fn a_signature_for_an_order_is_none_for_its_release_or_extension() {
    let (mut classifier, secret) = ordering();
    let data = |more: &str| {
        format!(
            r#"{{"number":"DJ-1","issuer":"city police","party":{},{more}"signing_key":"city","signature":"SIGNATURE"}}"#,
            party("h", "a", "account")
        )
    };
    let release = data("");
    let Event::OrderReleased(read) =
        Event::from_json(EventType::OrderReleased, &release, "", &mut Undeclared::default()).unwrap()
    else {
        panic!()
    };
    let signature = secret.sign(&order::released("bank-a", &read)).unwrap();
    let released = event("order_released", &release.replace("SIGNATURE", &signature));
    let classified = classify(&mut classifier, &released).unwrap();
    let FactBody::Order(said) = &classified.facts[0].1.body else { panic!() };
    assert_eq!(said.says, OrderSays::Released);
    let extension = data(r#""end":"2024-01-09T08:00:00+08:00","#).replace("SIGNATURE", &signature);
    let refused = classify(&mut classifier, &event("order_extended", &extension)).map(|_| ());
    assert_eq!(refused, Err(Code::OrderSignatureInvalid));
    let without_end = event("order_extended", &release.replace("SIGNATURE", &signature));
    assert_eq!(classify(&mut classifier, &without_end).map(|_| ()), Err(Code::OrderWithoutEnd));
    let coded = event("order_released", &data(r#""code":"100201","#));
    assert_eq!(classify(&mut classifier, &coded).map(|_| ()), Err(Code::OrderCodeUnknown));
}
