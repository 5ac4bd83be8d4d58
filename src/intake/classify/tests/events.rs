//! Each native event and the facts it gives.

use super::*;
use crate::engine::base::{Currency, Money, Token};
use crate::engine::fact::{AppealOutcome, Channel, Feed, OpeningStep, OtherParty, Product, UsageKind};
use crate::engine::subject::{Subject, SubjectKind};

pub(super) fn token(kind: SubjectKind, id: &str) -> Token {
    Keys::development().token(kind, id)
}

pub(super) fn holder(id: &str) -> Subject {
    Subject::new(SubjectKind::Holder, token(SubjectKind::Holder, id))
}

pub(super) fn accepted(kind: &str, data: &str) -> Classified {
    classify(&mut native(), &event(kind, data)).unwrap()
}

pub(super) const MONEY: Money = Money { minor: 1050, currency: Currency::CNY };

#[test]
fn a_transfer_between_two_of_ours_gives_both_sides_and_the_device() {
    let (payer, payee) = (party("h1", "a1", "account"), party("h2", "a2", "account"));
    let classified = accepted(
        "transfer_posted",
        &format!(r#"{{"payer":{payer},"payee":{payee},{AMOUNT},"device":"d1","protected":true}}"#),
    );
    assert_eq!((classified.event_id.as_str(), classified.at), ("e1", AT));
    assert_eq!(classified.event, Keys::development().fingerprint("e1"));
    assert!(classified.undeclared.is_empty());
    let routes: Vec<Subject> = classified.facts.iter().map(|(_, fact)| fact.route).collect();
    let device = Subject::new(SubjectKind::Device, token(SubjectKind::Device, "d1"));
    assert_eq!(routes, [holder("h1"), holder("h2"), device]);
    for (destination, fact) in &classified.facts {
        assert_eq!(*destination, Destination::Partition(fact.route.token.partition(7)));
        assert_eq!((fact.event, fact.at), (classified.event, AT));
    }
    let FactBody::Transfer { side, account, counterparty, amount, details, other_side } =
        &classified.facts[0].1.body
    else {
        panic!("not a transfer")
    };
    assert_eq!((*side, *amount), (Side::Payer, MONEY));
    assert_eq!(*details, TransferDetails { essential: Essential::Salary, ..TransferDetails::default() });
    assert_eq!(*other_side, None);
    assert_eq!(account.subject, Subject::new(SubjectKind::Account, token(SubjectKind::Account, "a1")));
    assert_eq!(Keys::development().open(&account.sealed).as_deref(), Some("a1"));
    assert_eq!(*counterparty, token(SubjectKind::Account, "a2"));
    let FactBody::Met { feed, holder: met, target, amount } = &classified.facts[2].1.body else {
        panic!("not met")
    };
    assert_eq!((*feed, *met, *amount), (Feed::TransferDevice, holder("h1").token, Some(MONEY)));
    assert_eq!(target, account);
}

/// Details and other side of both facts of a transfer from `payer` to `payee`.
fn told(payer: &str, payee: &str, more: &str) -> Vec<(TransferDetails, Option<OtherParty>)> {
    let data = format!(r#"{{"payer":{payer},"payee":{payee},{AMOUNT}{more}}}"#);
    let facts = accepted("transfer_posted", &data).facts;
    facts
        .into_iter()
        .map(|(_, fact)| match fact.body {
            FactBody::Transfer { details, other_side, .. } => (details, other_side.map(|other| *other)),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn each_side_of_a_transfer_knows_its_balance_and_the_other_side() {
    let (payer, payee) = (party("h1", "a1", "account"), party("h2", "a2", "account"));
    let more = r#","channel":"self_service_machine","to_bound_account":true,"cash":true,"strong_auth":true,
        "payer_balance_after":-5,"payee_balance_after":7,"agreed_daily_sum":100"#;
    let said = TransferDetails {
        channel: Channel::SelfServiceMachine,
        to_bound_account: true,
        cash: true,
        strong_auth: true,
        agreed_daily_sum: Some(100),
        ..TransferDetails::default()
    };
    let sides = told(&payer, &payee, more);
    let other = |id: &str, reference: &str, (_, other): &(TransferDetails, Option<OtherParty>)| {
        let other = other.as_ref().unwrap();
        assert_eq!(other.holder, token(SubjectKind::Holder, id));
        assert_eq!(other.account.subject.token, token(SubjectKind::Account, reference));
        assert_eq!(Keys::development().open(&other.account.sealed).as_deref(), Some(reference));
    };
    assert_eq!(sides[0].0, TransferDetails { balance_after: Some(-5), ..said });
    assert_eq!(sides[1].0, TransferDetails { balance_after: Some(7), ..said });
    other("h2", "a2", &sides[0]);
    other("h1", "a1", &sides[1]);

    for (name, essential) in [
        ("salary", Essential::Salary),
        ("pension", Essential::Pension),
        ("tax", Essential::Tax),
        ("social_insurance", Essential::SocialInsurance),
        ("utility", Essential::Utility),
        ("medical", Essential::Medical),
    ] {
        // The kind goes before what is only called protected, and neither side is told of the other.
        for (details, other) in told(&payer, &payee, &format!(r#","protected":true,"essential":"{name}""#)) {
            assert_eq!((details.essential, other), (essential, None));
        }
    }
    let same = told(&payer, &party("h1", "a3", "account"), "");
    assert!(same.iter().all(|(details, _)| details.to_own_account));
    assert!(told(&payer, &payee, r#","to_own_account":true"#).iter().all(|(d, _)| d.to_own_account));
    assert!(told(&payer, &payee, "").iter().all(|(details, _)| *details == TransferDetails::default()));
}

#[test]
fn a_transfer_with_the_outside_gives_our_side_only() {
    let payee = party("h2", "a2", "account");
    let data = format!(
        r#"{{"counterparty":{{"account":"6222020000000000008"}},"payee":{payee},{AMOUNT},"device":"d1"}}"#
    );
    let classified = accepted("transfer_posted", &data);
    assert_eq!(classified.facts.len(), 1);
    let FactBody::Transfer { side, counterparty, other_side: None, .. } = &classified.facts[0].1.body else {
        panic!("not a transfer with the outside")
    };
    assert_eq!((*side, *counterparty), (Side::Payee, token(SubjectKind::Account, "6222020000000000008")));
}

#[test]
fn a_card_payment_and_a_card_usage_meet_their_machines() {
    let card = party("h1", "c1", "account");
    let classified =
        accepted("card_payment_posted", &format!(r#"{{"card":{card},{AMOUNT},"terminal":"t1"}}"#));
    let terminal = token(SubjectKind::Terminal, "t1");
    assert!(
        matches!(classified.facts[0].1.body, FactBody::CardPayment { terminal: seen, .. } if seen == terminal)
    );
    assert_eq!(classified.facts[1].1.route, Subject::new(SubjectKind::Terminal, terminal));
    assert!(matches!(
        classified.facts[1].1.body,
        FactBody::Met { feed: Feed::CardPaymentTerminal, amount: Some(MONEY), .. }
    ));

    let card = party("h1", "p1", "phone_card");
    let data = format!(r#"{{"card":{card},"device":"d1","month_open_megabytes":101}}"#);
    let classified = accepted("card_usage_recorded", &data);
    let device = token(SubjectKind::Device, "d1");
    let FactBody::CardUsage { card, device: seen, usage, peer, open_mb, .. } = &classified.facts[0].1.body
    else {
        panic!("not a usage")
    };
    assert_eq!((card.subject.kind, *seen), (SubjectKind::PhoneCard, device));
    assert_eq!((*usage, *peer, *open_mb), (UsageKind::Unstated, None, Some(101)));
    assert!(matches!(
        classified.facts[1].1.body,
        FactBody::Met { feed: Feed::CardUsageDevice, amount: None, .. }
    ));
}

#[test]
fn a_peer_is_kept_for_calls_and_messages_and_is_joined_with_nothing() {
    let card = party("h1", "p1", "phone_card");
    let peer = token(SubjectKind::Counterparty, "13800138000");
    assert_ne!(peer, token(SubjectKind::PhoneNumber, "13800138000"));
    for (name, usage, kept) in [
        ("call_placed", UsageKind::CallPlaced, Some(peer)),
        ("call_received", UsageKind::CallReceived, Some(peer)),
        ("message_sent", UsageKind::MessageSent, Some(peer)),
        ("data", UsageKind::Data, None),
    ] {
        let data = format!(r#"{{"card":{card},"usage":"{name}","peer":"13800138000"}}"#);
        let classified = accepted("card_usage_recorded", &data);
        let [(_, fact)] = &classified.facts[..] else { panic!("one fact") };
        assert!(
            matches!(&fact.body, FactBody::CardUsage { usage: seen, peer, .. } if (*seen, *peer) == (usage, kept))
        );
    }
}

#[test]
fn a_confirmed_fraud_reaches_each_of_its_parties_and_the_terminal() {
    let (payer, payee) = (party("h1", "a1", "account"), party("h2", "a2", "account"));
    let confirmed = |parties: &str, more: &str| {
        accepted("fraud_confirmed", &format!(r#"{{"event_id":"e0",{parties}{more}}}"#)).facts
    };
    let fraud = |facts: &[(Destination, Fact)], place: usize| match &facts[place].1.body {
        FactBody::FraudConfirmed { feed, account, other, amount } => {
            (facts[place].1.route, *feed, account.subject.token, *other, *amount)
        }
        other => panic!("{other:?}"),
    };
    let account = |id: &str| token(SubjectKind::Account, id);
    let (paid, was_paid) = (Feed::FraudConfirmedPayer, Feed::FraudConfirmedPayee);
    let both = confirmed(&format!(r#""payer":{payer},"payee":{payee},"#), AMOUNT);
    assert_eq!(both.len(), 2);
    assert_eq!(fraud(&both, 0), (holder("h1"), paid, account("a1"), account("a2"), Some(MONEY)));
    assert_eq!(fraud(&both, 1), (holder("h2"), was_paid, account("a2"), account("a1"), Some(MONEY)));

    let outside = confirmed(&format!(r#""payee":{payee}"#), r#","counterparty":{"account":"x"}"#);
    assert_eq!(outside.len(), 1);
    assert_eq!(fraud(&outside, 0), (holder("h2"), was_paid, account("a2"), account("x"), None));

    let card = confirmed(&format!(r#""payer":{payer},"terminal":"t1","#), AMOUNT);
    let terminal = token(SubjectKind::Terminal, "t1");
    assert_eq!(card.len(), 2);
    assert_eq!(fraud(&card, 0), (holder("h1"), paid, account("a1"), terminal, Some(MONEY)));
    assert_eq!(card[1].1.route, Subject::new(SubjectKind::Terminal, terminal));
    assert!(matches!(&card[1].1.body,
        FactBody::Met { feed: Feed::FraudConfirmedTerminal, holder: met, target, amount: Some(MONEY) }
            if *met == holder("h1").token && target.subject.token == account("a1")));

    let alone = confirmed(&format!(r#""payer":{payer}"#), "");
    assert_eq!(fraud(&alone, 0), (holder("h1"), paid, account("a1"), Token(0), None));

    let mut mapping = SourceMapping::load("native").unwrap();
    mapping.shared_subjects = Default::default();
    let text = event("fraud_confirmed", &format!(r#"{{"event_id":"e0","payer":{payer},"terminal":"t1"}}"#));
    let without = classify(&mut classifier_of(mapping), &text).unwrap();
    assert_eq!(without.undeclared, ["terminal"]);
    assert_eq!(without.facts.len(), 1);
    assert_eq!(fraud(&without.facts, 0).3, Token(0));
}

#[test]
fn a_request_counts_for_every_holder_and_meets_what_brought_it() {
    let opening = party("h1", "o1", "opening");
    let address = "路".repeat(170);
    let data = format!(
        r#"{{"opening":{opening},"product":"phone_card","holder_kind":"person","co_holders":["h2","h1","h2"],
            "agent":"g1","device":"d1","phone_number":"13800138000","outlet":"u1","address":"{address}",
            "identity_channels":3}}"#
    );
    let classified = accepted("opening_requested", &data);
    let kinds: Vec<SubjectKind> = classified.facts.iter().map(|(_, fact)| fact.route.kind).collect();
    use SubjectKind::{Address, Agent, Device, Holder, Outlet, PhoneNumber};
    assert_eq!(kinds, [Holder, Holder, Device, Agent, PhoneNumber, Outlet, Address]);
    assert_eq!(classified.facts[6].1.route.token, token(Address, &address));
    for (place, co) in [(0, false), (1, true)] {
        let FactBody::Opening { step, opening, holding, product, co_holder, identity_channels, .. } =
            &classified.facts[place].1.body
        else {
            panic!("not an opening")
        };
        assert_eq!(*identity_channels, Some(3));
        assert_eq!((*step, *product, *co_holder), (OpeningStep::Requested, Product::PhoneCard, co));
        assert_eq!(opening.subject.token, token(SubjectKind::Opening, "o1"));
        assert!(holding.is_none());
    }
    assert_eq!(classified.facts[1].1.route, holder("h2"));
    for (_, fact) in &classified.facts[2..] {
        assert!(matches!(&fact.body, FactBody::Met { holder: met, target, .. }
            if *met == holder("h1").token && target.subject.kind == SubjectKind::Opening));
    }
}

#[test]
fn every_step_of_an_opening_gives_its_fact() {
    let (opening, holding) = (party("h1", "o1", "opening"), party("h1", "a1", "account"));
    let about = r#""product":"bank_account_ii","holder_kind":"unit""#;
    for (kind, parties, step, ref_of_opening) in [
        ("opening_opened", format!(r#""opening":{opening},"holding":{holding}"#), OpeningStep::Opened, "o1"),
        ("opening_abandoned", format!(r#""opening":{opening}"#), OpeningStep::Abandoned, "o1"),
        ("opening_closed", format!(r#""opening":{opening},"holding":{holding}"#), OpeningStep::Closed, "o1"),
        ("opening_closed", format!(r#""holding":{holding}"#), OpeningStep::Closed, "a1"),
        ("opening_changed", format!(r#""holding":{holding}"#), OpeningStep::Changed, "a1"),
        ("holding_stated", format!(r#""holding":{holding}"#), OpeningStep::Stated, "a1"),
    ] {
        let classified = accepted(kind, &format!("{{{parties},{about}}}"));
        let FactBody::Opening { step: seen, opening, holding, .. } = &classified.facts[0].1.body else {
            panic!("not an opening")
        };
        assert_eq!(*seen, step);
        assert_eq!(opening.subject.token, token(SubjectKind::Opening, ref_of_opening));
        assert_eq!(holding.is_some(), step != OpeningStep::Abandoned);
    }
    let data = format!(r#"{{"opening":{opening},"product":"phone_card","elsewhere_count":3}}"#);
    let classified = accepted("holdings_answered", &data);
    assert!(matches!(classified.facts[0].1.body, FactBody::HoldingsAnswered { elsewhere_count: 3, .. }));
}

#[test]
fn an_appeal_goes_to_its_holder() {
    let reference = crate::engine::disposition::AppealRef::from_bits(77);
    let party = party("h1", "a1", "account");
    let data = format!(
        r#"{{"party":{party},"appeal_ref":"{reference}","outcome":"overturned","override_days":30}}"#
    );
    let classified = accepted("appeal_decided", &data);
    assert_eq!(classified.facts[0].1.route, holder("h1"));
    assert_eq!(
        classified.facts[0].1.body,
        FactBody::AppealDecided {
            appeal: reference,
            outcome: AppealOutcome::Overturned,
            override_for: Some(SpanMs::days(30)),
            decider: None,
            reason: None,
        }
    );
}

#[test]
fn rules_and_go_live_go_to_every_partition() {
    let digest: String = Sha256::digest(b"{}").iter().map(|byte| format!("{byte:02x}")).collect();
    use sha2::{Digest, Sha256};
    let classified = accepted("rule_set_activated", &format!(r#"{{"bundle":"{{}}","sha256":"{digest}"}}"#));
    assert_eq!(classified.facts[0].0, Destination::All);
    assert!(
        matches!(&classified.facts[0].1.body, FactBody::RuleSetActivated { bundle, .. } if &**bundle == "{}")
    );
    let classified = accepted("went_live", "{}");
    assert_eq!(classified.facts.len(), 1);
    assert_eq!((classified.facts[0].0, &classified.facts[0].1.body), (Destination::All, &FactBody::WentLive));
}

#[test]
fn attributes_may_come_as_headers() {
    let data = format!(r#"{{"card":{},{AMOUNT}}}"#, party("h1", "c1", "account"));
    let headers: [(&str, &[u8]); 5] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e1"),
        ("ce_source", b"core"),
        ("ce_type", b"card_payment_posted"),
        ("ce_time", b"2024-01-01T00:00:00Z"),
    ];
    let binary = SourceRecord { bytes: data.as_bytes(), headers: &headers, timestamp: AT };
    let structured = classify(&mut native(), &event("card_payment_posted", &data)).unwrap();
    assert_eq!(native().classify(&binary).unwrap(), structured);
    for missing in 0..headers.len() {
        let rest: Vec<(&str, &[u8])> = headers
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != missing)
            .map(|(_, header)| *header)
            .collect();
        let record = SourceRecord { headers: &rest, ..binary };
        assert_eq!(native().classify(&record).unwrap_err().code, RefusalCode::EnvelopeAttributeMissing);
    }
}

#[test]
fn what_is_written_is_read_back() {
    let classified = accepted(
        "opening_abandoned",
        &format!(
            r#"{{"opening":{},"product":"iot_card","holder_kind":"unit"}}"#,
            party("h1", "o1", "opening")
        ),
    );
    let data = crate::codec::event::opening::OpeningAbandoned {
        opening: crate::codec::event::OwnParty::new(
            "bank-a",
            "h1",
            "o1",
            crate::codec::event::PartyKind::Opening,
        ),
        product: crate::codec::event::field::ProductName(Product::IotCard),
        holder_kind: crate::codec::event::field::HolderKindName(crate::engine::fact::HolderKind::Unit),
        co_holders: Vec::new(),
    };
    let time = crate::codec::event::EventTime(AT);
    let line =
        crate::codec::event::envelope::to_structured("e1", "core", time, &Event::OpeningAbandoned(data));
    assert_eq!(classify(&mut native(), &line).unwrap(), classified);
}

#[test]
fn undeclared_fields_are_counted_at_any_depth_and_change_nothing() {
    let plain = format!(r#"{{"card":{},{AMOUNT}}}"#, party("h1", "c1", "account"));
    let more = plain.replace(r#""kind":"account""#, r#""kind":"account","name":"张三","13800138000":[1]"#);
    let more = event("card_payment_posted", &more.replacen('{', r#"{"memo":{"a":1},"#, 1));
    let more = more.replacen('{', r#"{"ext":1,"subject":"known","#, 1);
    let classified = classify(&mut native(), &more).unwrap();
    assert_eq!(classified.undeclared, ["ext", "memo", "card.name", "(other)"]);
    let expected = classify(&mut native(), &event("card_payment_posted", &plain)).unwrap();
    assert_eq!(Classified { undeclared: Vec::new(), ..classified }, expected);
}

#[test]
fn without_a_recorded_basis_a_shared_subject_is_dropped_and_counted() {
    let mut mapping = SourceMapping::load("native").unwrap();
    mapping.shared_subjects = Default::default();
    let card = party("h1", "p1", "phone_card");
    let text = event("card_usage_recorded", &format!(r#"{{"card":{card},"device":"d1"}}"#));
    let classified = classify(&mut classifier_of(mapping), &text).unwrap();
    assert_eq!(classified.undeclared, ["device"]);
    assert_eq!(classified.facts.len(), 1);
    assert!(matches!(classified.facts[0].1.body, FactBody::CardUsage { device: Token(0), .. }));
}
