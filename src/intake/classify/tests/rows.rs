//! Mapped rows: the labelled CSV form, and somebody's own JSON.

use super::*;
use crate::engine::base::Token;
use crate::engine::fact::{Feed, OpeningStep, Product};
use crate::engine::subject::SubjectKind;

const HEADER: &str = "event_id,ts_ms,from_account,to_account,amount,type";

fn token(kind: SubjectKind, id: &str) -> Token {
    Keys::development().token(kind, id)
}

fn row(line: &str) -> Classified {
    classify(&mut labelled(HEADER), line).unwrap()
}

fn sides(classified: &Classified) -> Vec<(Side, Token, bool)> {
    let side = |fact: &Fact| match &fact.body {
        FactBody::Transfer { side, counterparty, details, .. } => {
            (*side, *counterparty, details.essential == Essential::Salary)
        }
        other => panic!("{other:?}"),
    };
    classified.facts.iter().map(|(_, fact)| side(fact)).collect()
}

#[test]
fn the_holder_of_an_account_is_the_account() {
    let classified = row("E1,1704067202505,A1,A2,149.67,transfer");
    assert_eq!((classified.event_id.as_str(), classified.at), ("E1", TimeMs(1_704_067_202_505)));
    assert_eq!(
        sides(&classified),
        [
            (Side::Payer, token(SubjectKind::Account, "A2"), false),
            (Side::Payee, token(SubjectKind::Account, "A1"), false)
        ]
    );
    assert_eq!(classified.facts[0].1.route.token, token(SubjectKind::Holder, "A1"));
    assert_eq!(classified.facts[1].1.route.token, token(SubjectKind::Holder, "A2"));
}

#[test]
fn the_outside_has_no_state() {
    let spend = row("E1,1704067202505,A1,EXT_OUT,1,spend");
    assert_eq!(sides(&spend), [(Side::Payer, token(SubjectKind::Account, "EXT_OUT"), false)]);
    let salary = row("E1,1704067202505,EXT_IN,A1,0,salary");
    assert_eq!(sides(&salary), [(Side::Payee, token(SubjectKind::Account, "EXT_IN"), true)]);
}

#[test]
fn ids_are_opaque() {
    for id in ["13800138000", "4111111111111111", "11010519491231002X", " ", "账户", &"x".repeat(64)] {
        assert_eq!(row(&format!("{id},1704067202505,{id},A2,1,transfer")).facts.len(), 2, "{id}");
    }
}

#[test]
fn a_card_payment_may_know_no_terminal() {
    let mut with = labelled("event_id,ts_ms,from_account,to_account,amount,type,terminal");
    let known = classify(&mut with, "E1,1704067202505,C1,,5.5,card_payment,T1").unwrap();
    assert_eq!(known.facts.len(), 2);
    let unknown = classify(&mut with, "E1,1704067202505,C1,,5.5,card_payment,").unwrap();
    let without = row("E1,1704067202505,C1,,5.5,card_payment");
    assert_eq!(unknown, without);
    assert!(matches!(without.facts[0].1.body, FactBody::CardPayment { terminal: Token(0), .. }));
}

#[test]
fn the_order_of_columns_and_undeclared_ones_change_nothing_else() {
    let expected = row("E1,1704067202505,A1,A2,149.67,transfer");
    let mut shuffled = labelled("is_fraud,to_account,amount,type,from_bank,event_id,from_account,ts_ms,x");
    let classified =
        classify(&mut shuffled, "1,A2,149.67,transfer,bank_b,E1,A1,1704067202505,\"y,z\"\r").unwrap();
    assert_eq!(classified.undeclared, ["is_fraud", "x"]);
    assert_eq!(Classified { undeclared: Vec::new(), ..classified }, expected);
}

#[test]
fn accounts_are_stated_at_their_records_time() {
    let mut classifier = labelled(HEADER);
    classifier.set_header("accounts", b"account_id,bank,age,monthly_salary,city,opening_balance").unwrap();
    let classified = classify(&mut classifier, "A1,bank_b,76,36309.12,city_1,228066.35").unwrap();
    assert_eq!(classified.at, AT);
    assert_eq!(classified.undeclared, ["age", "monthly_salary", "city"]);
    assert_eq!(classified.facts[0].1.route.token, token(SubjectKind::Holder, "A1"));
    assert!(matches!(
        &classified.facts[0].1.body,
        FactBody::Opening { step: OpeningStep::Stated, product: Product::BankAccountI, co_holder: false, .. }
    ));
    assert_ne!(classified.event, Keys::development().fingerprint("A1"));
    assert_eq!(classify(&mut classifier, ",b,1,1,c,1"), Err(RefusalCode::EventIdMissing));
}

#[test]
fn a_label_is_joined_to_its_row() {
    let mut labels = labelled(HEADER);
    let header = b"kind,id,typology,role,start_ts_ms,label_available_ts_ms";
    labels.set_header(TABLE_FEEDBACK, header).unwrap();
    let label = labels.label(b"event,E1,S1,fraud_payment,1522577863000,1523182663000").unwrap().unwrap();
    assert_eq!(label, LabelRow { event_id: "E1".to_owned(), available_at: TimeMs(1_523_182_663_000) });
    assert_eq!(labels.label(b"event,E1,S1,fraud_payment,1522577863000,"), Ok(None));
    assert_eq!(labels.label(b"account,A1,S1,mule,1522577863000,1523182663000"), Ok(None));
    assert_eq!(labels.label(b"event,,S1,x,1,1523182663000").unwrap_err().code, RefusalCode::EventIdMissing);
    assert_eq!(labels.label(b"event,E1,S1,x,1,soon").unwrap_err().code, RefusalCode::TimeUnreadable);
    labels.set_header(TABLE_FEEDBACK, b"kind,id,typology,role,start_ts_ms").unwrap();
    assert_eq!(labels.label(b"event,E1,S1,x,1"), Ok(None));

    let header = format!("{HEADER},terminal");
    for (line, joined, feeds) in [
        (
            "E1,1704067202505,A1,A2,1,transfer,",
            "event,E1,1523182663000,A1,,A2,,,,100,CNY",
            &[Feed::FraudConfirmedPayer, Feed::FraudConfirmedPayee][..],
        ),
        (
            "E1,1704067202505,\"A,1\",,1.5,card_payment,T1",
            "event,E1,1523182663000,\"A,1\",,,,,T1,150,CNY",
            &[Feed::FraudConfirmedPayer, Feed::FraudConfirmedTerminal],
        ),
        (
            "E1,1704067202505,EXT_IN,A2,1,salary,",
            "event,E1,1523182663000,EXT_IN,,A2,,,,100,CNY",
            &[Feed::FraudConfirmedPayee],
        ),
    ] {
        let mut rows = labelled(&header);
        let row = classify(&mut rows, line).unwrap();
        let text = rows.feedback_line(line.as_bytes(), label.available_at).unwrap();
        assert_eq!(text, joined);
        let mut classifier = labelled(HEADER);
        classifier.set_header(TABLE_FEEDBACK, FEEDBACK_HEADER.as_bytes()).unwrap();
        let confirmed = classify(&mut classifier, &text).unwrap();
        assert_eq!(confirmed.at, label.available_at);
        assert_ne!(confirmed.event, row.event);
        assert!(confirmed.undeclared.is_empty());
        // Fact for fact what the row had, in its roles: the same routes, others and amounts.
        assert_eq!(confirmed.facts.len(), row.facts.len());
        for (((_, said), (_, was)), feed) in confirmed.facts.iter().zip(&row.facts).zip(feeds) {
            assert_eq!(said.route, was.route);
            match (&said.body, &was.body) {
                (
                    FactBody::FraudConfirmed { feed: seen, account, other, amount },
                    FactBody::Transfer { account: known, counterparty: with, amount: sum, .. }
                    | FactBody::CardPayment { account: known, terminal: with, amount: sum },
                ) => assert_eq!((seen, account, other, *amount), (feed, known, with, Some(*sum))),
                (
                    FactBody::Met { feed: seen, holder, target, amount },
                    FactBody::Met { holder: known, target: of, amount: sum, .. },
                ) => assert_eq!((seen, holder, target, amount), (feed, known, of, sum)),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_label_of_a_row_that_moved_no_money_is_refused() {
    let mut classifier = labelled(HEADER);
    classifier.set_header("accounts", b"account_id,bank,opening_balance").unwrap();
    let refused = classifier.feedback_line(b"A1,b,1", AT).unwrap_err();
    assert_eq!(refused.code, RefusalCode::TypeNotAccepted);
}

#[test]
fn a_topics_record_brings_its_header_and_leaves_none_behind() {
    let line = b"A2,E1,1704067202505,A1,149.67,transfer";
    let header = b"to_account,event_id,ts_ms,from_account,amount,type";
    let with: [(&str, &[u8]); 1] = [(HEADER_CSV_HEADER, header)];
    let mut classifier = classifier_of(SourceMapping::load("labelled-csv").unwrap());
    let record = SourceRecord { bytes: line, headers: &with, timestamp: TimeMs(1_704_067_202_505) };
    let expected = row("E1,1704067202505,A1,A2,149.67,transfer");
    assert_eq!(classifier.classify(&record), Ok(expected.clone()));
    let bare = SourceRecord { headers: &[], ..record };
    assert_eq!(classifier.classify(&bare).unwrap_err().code, RefusalCode::CsvHeaderInvalid);
    assert_eq!(classifier.classify(&record), Ok(expected));
}

#[test]
fn somebodys_json_is_read_by_pointers() {
    let mapping = r#"
        schema = "duecourse.source/1"
        name = "core-banking"
        format = "json"
        [shared_subjects]
        device = "recorded assessment 2024-7"
        [tables.events]
        id = "/txn/id"
        time = "/txn/at"
        unused = ["/meta"]
        [[tables.events.events]]
        when = { "/txn/kind" = "P2P" }
        type = "transfer_posted"
        [tables.events.events.data]
        "payer.ref" = "/from/ref"
        "payer.holder" = "/from/customer"
        "counterparty.account" = "/to/number"
        "amount.minor" = { field = "/txn/amount", as = "decimal", digits = 2 }
        "amount.currency" = "/txn/ccy"
        "device" = "/from/device"
    "#;
    let mut classifier = classifier_of(SourceMapping::parse(mapping).unwrap());
    let text = r#"{"txn":{"id":"x1","at":"2024-01-01T00:00:00Z","kind":"P2P","amount":10.50,"ccy":"CNY","memo":"hi"},
        "from":{"ref":"acc-1","customer":"h1","device":"d1"},"to":{"number":"6222"},"meta":{"a":1}}"#;
    let classified = classify(&mut classifier, text).unwrap();
    assert_eq!(classified.undeclared, ["txn.memo"]);
    assert_eq!(sides(&Classified { facts: classified.facts[..1].to_vec(), ..classified.clone() }).len(), 1);
    assert_eq!(classified.facts.len(), 2);
    let FactBody::Transfer { amount, .. } = &classified.facts[0].1.body else { panic!("not a transfer") };
    assert_eq!(amount.minor, 1050);
    for (from, to, code) in [
        ("P2P", "ATM", RefusalCode::TypeUnknown),
        ("10.50", "10.505", RefusalCode::AmountOverPrecise),
        (r#""customer":"h1","#, "", RefusalCode::HolderMissing),
        ("acc-1", "13800138000", RefusalCode::RefLooksLikePhone),
        (r#""ref":"acc-1""#, r#""ref":{}"#, RefusalCode::FieldInvalid),
        ("2024-01-01T00:00:00Z", "yesterday", RefusalCode::TimeUnreadable),
    ] {
        assert_eq!(classify(&mut classifier, &text.replacen(from, to, 1)).map(|_| ()), Err(code), "{to}");
    }
}
