//! A record for every refusal, and that it moves nothing.

use super::*;
use RefusalCode as Code;

/// Native records and why they are refused.
fn native_cases() -> Vec<(Code, String)> {
    let account = |holder: &str, reference: &str| party(holder, reference, "account");
    let payment = |card: &str, amount: &str| {
        event(
            "card_payment_posted",
            &format!(r#"{{"card":{card},"amount":{{"minor":{amount},"currency":"CNY"}}}}"#),
        )
    };
    let good = payment(&account("h", "c"), "1");
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let at = |time: &str| with("2024-01-01T08:00:00+08:00", time);
    let special = |more: &str| {
        event(
            "special_measure_ordered",
            &format!(
                r#"{{"institution":"bank-a","number":"T-1","issuer":"i","level":"national",{more}"measure":"m","start":"2024-01-01T08:00:00+08:00","end":"2024-02-01T08:00:00+08:00"}}"#
            ),
        )
    };
    let request = |opening: &str, more: &str| {
        event(
            "opening_requested",
            &format!(r#"{{"opening":{opening},"product":"phone_card","holder_kind":"person"{more}}}"#),
        )
    };
    let transfer_with = |field: &str| {
        let payer = account("h", "a");
        let data = format!(r#"{{"payer":{payer},"counterparty":{{"account":"x"}},{AMOUNT},{field}}}"#);
        event("transfer_posted", &data)
    };
    let requested_with = |field: &str| request(&party("h", "o", "opening"), &format!(",{field}"));
    let used_with = |field: &str| {
        let card = party("h", "p", "phone_card");
        event("card_usage_recorded", &format!(r#"{{"card":{card},{field}}}"#))
    };
    let opened = |opening: &str, holding: &str| {
        event(
            "opening_opened",
            &format!(
                r#"{{"opening":{opening},"holding":{holding},"product":"phone_card","holder_kind":"person"}}"#
            ),
        )
    };
    let opening = party("h", "o", "opening");
    let appeal = |reference: &str, more: &str| {
        event(
            "appeal_decided",
            &format!(
                r#"{{"party":{},"appeal_ref":"{reference}","outcome":"upheld"{more}}}"#,
                account("h", "a")
            ),
        )
    };
    let rules = |bundle: &str, digest_of: &str| {
        use sha2::{Digest, Sha256};
        let digest: String = Sha256::digest(digest_of).iter().map(|byte| format!("{byte:02x}")).collect();
        event("rule_set_activated", &format!(r#"{{"bundle":"{bundle}","sha256":"{digest}"}}"#))
    };
    let corrected = |kind: &str, more: &str| {
        event("event_corrected", &format!(r#"{{"original_event_id":"x","original_type":"{kind}"{more}}}"#))
    };
    let state = |time: &str, data: &str| format!(r#""before":{{"time":"{time}","data":{data}}}"#);
    vec![
        (Code::SpecialWithoutApproval, special("")),
        (Code::SpecialUnbounded, special(r#""approval":"G-1","#)),
        (Code::RecordEmpty, String::new()),
        (
            Code::AuthorisationPurposeNotGrantable,
            event(
                "authorisation_granted",
                &format!(
                    r#"{{"party":{},"number":"A-1","purpose":"marketing","data":["device"],"until":"2025-01-01T08:00:00+08:00"}}"#,
                    account("h", "a")
                ),
            ),
        ),
        (Code::RecordTooLarge, good.clone() + &" ".repeat(RECORD_BYTES_MAX)),
        (Code::RecordTooLarge, "x".repeat(10 << 20)),
        (Code::JsonMalformed, good[..good.len() - 1].to_owned()),
        (Code::JsonMalformed, good[..good.len() / 2].to_owned()),
        (Code::JsonMalformed, good.clone() + "x"),
        (Code::FieldInvalid, "[".repeat(10_000)),
        (Code::JsonMalformed, with(r#"{"sp"#, &format!(r#"{{"x":{},"sp"#, "[".repeat(10_000)))),
        (Code::FieldInvalid, with(&account("h", "c"), r#"["bank-a","h","c","account"]"#)),
        (Code::FieldInvalid, event("went_live", "[]")),
        (Code::JsonMalformed, " ".to_owned()),
        (Code::FieldInvalid, "[1]".to_owned()),
        (Code::FieldInvalid, "null".to_owned()),
        (Code::EnvelopeAttributeMissing, "{}".to_owned()),
        (Code::EnvelopeAttributeMissing, with(r#""source":"core","#, "")),
        (Code::EnvelopeAttributeMissing, with(r#""data""#, r#""payload""#)),
        (Code::EnvelopeVersionUnknown, with(r#""1.0""#, r#""0.3""#)),
        (Code::FieldInvalid, with(r#""1.0""#, "1.0")),
        (Code::FieldInvalid, with(r#""id":"e1""#, r#""id":"e1","id":"e2""#)),
        (Code::EventIdMissing, with(r#""e1""#, r#""""#)),
        (Code::IdTooLong, with("e1", &"e".repeat(129))),
        (Code::TypeUnknown, with("card_payment_posted", "coffee_bought")),
        (Code::TimeUnreadable, at("2024-01-01 08:00")),
        (Code::TimeUnreadable, at("1704067200000")),
        (Code::TimeOutOfRange, at("1999-12-31T23:59:59.999Z")),
        (Code::TimeOutOfRange, at("2100-01-01T00:00:00Z")),
        (Code::TimeAheadOfRecord, at("2024-01-01T00:01:00.001Z")),
        (Code::AmountNegative, payment(&account("h", "c"), "-1")),
        (Code::AmountNegative, payment(&account("h", "c"), "-0.5")),
        (Code::AmountOverPrecise, payment(&account("h", "c"), "1.5")),
        (Code::AmountOverflow, payment(&account("h", "c"), "9007199254740992")),
        (Code::AmountOverflow, payment(&account("h", "c"), "99999999999999999999999")),
        (Code::FieldInvalid, payment(&account("h", "c"), r#""1""#)),
        (Code::CurrencyUnknown, with("CNY", "yuan")),
        (Code::FieldMissing, with(r#""currency":"CNY""#, r#""ccy":"CNY""#)),
        (Code::FieldMissing, with(r#""card""#, r#""cart""#)),
        (Code::FieldMissing, with(r#""institution":"bank-a","#, "")),
        (Code::FieldMissing, with(r#","kind":"account""#, "")),
        (Code::InstitutionUnknown, with("bank-a", "bank-b")),
        (Code::HolderMissing, with(r#""holder":"h","#, "")),
        (Code::HolderMissing, payment(&account("", "c"), "1")),
        (Code::RefMissing, payment(&account("h", ""), "1")),
        (Code::IdTooLong, payment(&account(&"h".repeat(129), "c"), "1")),
        (Code::RefLooksLikeIdentity, payment(&account("h", "11010519491231002X"), "1")),
        (Code::RefLooksLikeCard, payment(&account("h", "4111111111111111"), "1")),
        (Code::RefLooksLikePhone, payment(&account("h", "+8613800138000"), "1")),
        (Code::PartyKindMismatch, payment(&party("h", "c", "phone_card"), "1")),
        (Code::FieldInvalid, payment(&party("h", "c", "wallet"), "1")),
        (
            Code::PartiesIncomplete,
            event("transfer_posted", &format!(r#"{{"payer":{},{AMOUNT}}}"#, account("h", "a"))),
        ),
        (
            Code::PartiesIncomplete,
            event(
                "transfer_posted",
                &format!(
                    r#"{{"payer":{0},"payee":{0},"counterparty":{{"account":"x"}},{AMOUNT}}}"#,
                    account("h", "a")
                ),
            ),
        ),
        (
            Code::RefMissing,
            event(
                "transfer_posted",
                &format!(r#"{{"payer":{},"counterparty":{{"account":""}},{AMOUNT}}}"#, account("h", "a")),
            ),
        ),
        (Code::FieldInvalid, request(&opening, r#","holder_kind":"person""#)),
        (Code::FieldInvalid, request(&opening, r#","co_holders":"h2""#)),
        (Code::HolderMissing, request(&opening, r#","co_holders":[""]"#)),
        (Code::FieldInvalid, request(&opening, &format!(r#","co_holders":[{}"x"]"#, r#""x","#.repeat(32)))),
        (Code::FieldInvalid, request(&opening, "").replace("phone_card", "credit_card")),
        (Code::HolderMismatch, opened(&opening, &party("h2", "p", "phone_card"))),
        (Code::PartyKindMismatch, opened(&opening, &account("h", "p"))),
        (Code::AppealRefInvalid, appeal("0000-0000-0001", "")),
        (Code::FieldInvalid, appeal("0000-0000-0000", r#","override_days":0"#)),
        (Code::FieldInvalid, appeal("0000-0000-0000", r#","override_days":70000"#)),
        (Code::RulesDigestMismatch, rules("{}", "{ }")),
        (Code::RulesDoNotCompile, rules("broken", "broken")),
        (Code::RulesUnspoken, rules("of a later engine", "of a later engine")),
        (Code::CorrectionEmpty, corrected("transfer_posted", "")),
        (
            Code::CorrectionTypeUnsupported,
            corrected("went_live", &format!(",{}", state("2024-01-01T00:00:00Z", "{}"))),
        ),
        (Code::TypeUnknown, corrected("coffee_bought", "")),
        (
            Code::FieldMissing,
            corrected("transfer_posted", &format!(",{}", state("2024-01-01T00:00:00Z", "{}"))),
        ),
        (
            Code::TimeOutOfRange,
            corrected("transfer_posted", &format!(",{}", state("1990-01-01T00:00:00Z", "{}"))),
        ),
        (
            Code::TimeAheadOfRecord,
            corrected(
                "transfer_posted",
                &format!(",{}", state("2025-01-01T00:00:00Z", "{}").replace("before", "after")),
            ),
        ),
        (Code::OwnPartyMissing, event("fraud_confirmed", r#"{"event_id":"x"}"#)),
        (
            Code::PartiesIncomplete,
            event(
                "fraud_confirmed",
                &format!(
                    r#"{{"event_id":"x","payer":{0},"payee":{0},"counterparty":{{"account":"x"}}}}"#,
                    account("h", "a")
                ),
            ),
        ),
        (
            Code::RefMissing,
            event(
                "fraud_confirmed",
                &format!(
                    r#"{{"event_id":"x","payer":{},"counterparty":{{"account":""}}}}"#,
                    account("h", "a")
                ),
            ),
        ),
        (Code::FieldInvalid, transfer_with(r#""channel":"carrier_pigeon""#)),
        (Code::FieldInvalid, transfer_with(r#""essential":"no""#)),
        (Code::FieldInvalid, transfer_with(r#""cash":1"#)),
        (Code::AmountOverPrecise, transfer_with(r#""payer_balance_after":-1.5"#)),
        (Code::AmountOverflow, transfer_with(r#""payee_balance_after":-9007199254740992"#)),
        (Code::AmountNegative, transfer_with(r#""agreed_daily_sum":-1"#)),
        (Code::FieldInvalid, requested_with(r#""identity_channels":256"#)),
        (Code::IdTooLong, requested_with(&format!(r#""address":"{}""#, "x".repeat(513)))),
        (Code::FieldInvalid, used_with(r#""usage":"fax""#)),
        (Code::IdTooLong, used_with(&format!(r#""usage":"call_placed","peer":"{}""#, "1".repeat(129)))),
        (
            Code::FieldMissing,
            event(
                "verification_passed",
                &format!(r#"{{"party":{},"disposition_id":"","method":"counter"}}"#, account("h", "a")),
            ),
        ),
    ]
}

const HEADER: &str = "event_id,ts_ms,from_account,to_account,amount,type,terminal";

/// CSV lines and why they are refused.
fn csv_cases() -> Vec<(Code, String)> {
    let id = |id: &str| format!("{id},1704067200000,A1,A2,1.00,transfer,");
    let time = |time: &str| format!("E1,{time},A1,A2,1.00,transfer,");
    let amount = |amount: &str| format!("E1,1704067200000,A1,A2,{amount},transfer,");
    let row = |from: &str, to: &str, kind: &str| format!("E1,1704067200000,{from},{to},1.00,{kind},");
    vec![
        (Code::CsvColumnCount, "E1,1704067200000,A1".to_owned()),
        (Code::CsvColumnCount, row("A1", "A2", "transfer,x")),
        (Code::CsvQuoteOpen, id("\"E1")),
        (Code::EventIdMissing, id("")),
        (Code::IdTooLong, id(&"e".repeat(65))),
        (Code::TimeUnreadable, time("")),
        (Code::TimeUnreadable, time("soon")),
        (Code::TimeUnreadable, time("+1704067200000")),
        (Code::TimeUnreadable, time("1704067200000.5")),
        (Code::TimeUnreadable, time("99999999999999999999")),
        (Code::TimeOutOfRange, time("946684799999")),
        (Code::TimeOutOfRange, time("4102444800000")),
        (Code::TimeOutOfRange, time("-5")),
        (Code::FieldMissing, amount("")),
        (Code::AmountUnreadable, amount("ten")),
        (Code::AmountUnreadable, amount("1e3")),
        (Code::AmountNegative, amount("-1.00")),
        (Code::AmountOverPrecise, amount("1.001")),
        (Code::AmountOverflow, amount("99999999999999999999")),
        (Code::PartiesIncomplete, row("", "A2", "transfer")),
        (Code::PartiesIncomplete, row("A1", "", "spend")),
        (Code::FieldMissing, row("", "", "card_payment")),
        (Code::OwnPartyMissing, row("EXT_IN", "EXT_OUT", "transfer")),
        (Code::OwnPartyMissing, row("EXT_IN", "", "card_payment")),
        (Code::IdTooLong, row(&"a".repeat(65), "A2", "transfer")),
        (Code::TypeUnknown, row("A1", "A2", "gift")),
        (Code::TypeUnknown, row("A1", "A2", "")),
    ]
}

#[test]
fn every_native_record_is_refused_with_its_code() {
    let mut classifier = native();
    for (code, text) in native_cases() {
        let shown: String = text.chars().take(300).collect();
        assert_eq!(classify(&mut classifier, &text).map(|_| ()), Err(code), "{shown}");
    }
}

#[test]
fn every_csv_line_is_refused_with_its_code() {
    let mut classifier = labelled(HEADER);
    for (code, text) in csv_cases() {
        assert_eq!(classify(&mut classifier, &text).map(|_| ()), Err(code), "{text}");
    }
}

#[test]
fn every_code_has_a_case() {
    let of_readers = [Code::TimeJump, Code::FeedbackUnmatched];
    let elsewhere = [Code::NotUtf8, Code::CsvHeaderInvalid, Code::TypeNotAccepted];
    let of_releases = super::releases::release_cases().map(|(code, ..)| code);
    let of_orders = super::orders::order_cases().map(|(code, ..)| code);
    let of_entries = super::entries::entry_cases().map(|(code, ..)| code);
    let seen: Vec<Code> = native_cases().into_iter().chain(csv_cases()).map(|(code, _)| code).collect();
    for code in Code::ALL {
        assert!(
            seen.contains(code)
                || of_readers.contains(code)
                || elsewhere.contains(code)
                || of_releases.contains(code)
                || of_orders.contains(code)
                || of_entries.contains(code),
            "{}",
            code.name()
        );
    }
}

#[test]
fn bytes_that_are_no_text_and_headers_that_do_not_fit_are_refused() {
    let refused = |classifier: &mut Classifier, bytes: &[u8], headers: &[(&str, &[u8])]| {
        classifier.classify(&SourceRecord { bytes, headers, timestamp: AT }).unwrap_err().code
    };
    assert_eq!(refused(&mut native(), b"{\"id\":\"\xff\"}", &[]), Code::NotUtf8);
    let line = b"E1,1704067200000,A1,A2,1.00,transfer,";
    let mut without = classifier_of(SourceMapping::load("labelled-csv").unwrap());
    assert_eq!(refused(&mut without, line, &[]), Code::CsvHeaderInvalid);
    assert_eq!(refused(&mut without, line, &[(HEADER_CSV_HEADER, b"event_id")]), Code::CsvHeaderInvalid);
    let table: [(&str, &[u8]); 2] = [(HEADER_CSV_HEADER, HEADER.as_bytes()), (HEADER_TABLE, b"nothing")];
    assert_eq!(refused(&mut without, line, &table), Code::CsvHeaderInvalid);
    assert_eq!(refused(&mut labelled(HEADER), b"E\xff", &[]), Code::NotUtf8);
}

#[test]
fn a_source_may_list_what_it_sends() {
    let mut mapping = SourceMapping::load("native").unwrap();
    mapping.accepted = vec![crate::codec::event::EventType::TransferPosted];
    let mut classifier = classifier_of(mapping);
    assert_eq!(classify(&mut classifier, &event("went_live", "{}")), Err(Code::TypeNotAccepted));
    let before = r#"{"time":"2024-01-01T00:00:00Z","data":{}}"#;
    let data =
        format!(r#"{{"original_event_id":"x","original_type":"card_payment_posted","before":{before}}}"#);
    assert_eq!(classify(&mut classifier, &event("event_corrected", &data)), Err(Code::TypeNotAccepted));
}

#[test]
fn a_refused_record_moves_nothing() {
    let good =
        event("card_payment_posted", &format!(r#"{{"card":{},{AMOUNT}}}"#, party("h", "c", "account")));
    let expected = classify(&mut native(), &good).unwrap();
    let mut classifier = native();
    for (_, text) in native_cases() {
        assert!(classify(&mut classifier, &text).is_err());
        assert_eq!(classify(&mut classifier, &good).unwrap(), expected);
    }
    let good = "E9,1704067200000,A1,\"A,2\",1.00,transfer,";
    let expected = classify(&mut labelled(HEADER), good).unwrap();
    let mut classifier = labelled(HEADER);
    for (_, text) in csv_cases() {
        assert!(classify(&mut classifier, &text).is_err());
        assert_eq!(classify(&mut classifier, good).unwrap(), expected);
    }
}

#[test]
fn a_refusal_tells_the_time_it_could_read() {
    let at = |text: &str| {
        let record = SourceRecord { bytes: text.as_bytes(), headers: &[], timestamp: AT };
        labelled(HEADER).classify(&record).unwrap_err().at
    };
    assert_eq!(at("E1,1704067200007,A1,A2,ten,transfer,"), Some(TimeMs(1_704_067_200_007)));
    assert_eq!(at("E1,1704067200007,A1,A2,1,gift,"), Some(TimeMs(1_704_067_200_007)));
    assert_eq!(at("E1,5,A1,A2,1,transfer,"), None);
    assert_eq!(at("E1,x,A1,A2,1,transfer,"), None);
}
