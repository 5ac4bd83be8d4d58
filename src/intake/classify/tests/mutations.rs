//! Mutated bytes: either facts or a refusal, never a panic, and the same the second time.

use proptest::prelude::*;

use super::*;

/// One change to a record's bytes.
#[derive(Clone, Debug)]
enum Mutation {
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Truncate(prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<prop::sample::Index>;
    let token = prop::sample::select(vec![
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\\",
        "\\u0000",
        "null",
        "-1",
        "1e999",
        "0.001",
        "99999999999999999999",
        "\u{feff}",
        "\r",
        "\n",
        "张",
        "true",
        "\"ref\":",
        "\0",
    ]);
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (place(), token).prop_map(|(at, token)| Mutation::Insert(at, token.as_bytes().to_vec())),
        (place(), prop::collection::vec(any::<u8>(), 1..4))
            .prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (place(), 1..20usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (place(), 1..20usize).prop_map(|(at, count)| Mutation::Repeat(at, count)),
        place().prop_map(Mutation::Truncate),
    ]
}

fn mutated(text: &str, mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for mutation in mutations {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match mutation {
            Mutation::Set(at, byte) => bytes[at.index(length)] = *byte,
            Mutation::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Mutation::Remove(at, count) => {
                let at = at.index(length);
                bytes.drain(at..(at + count).min(length));
            }
            Mutation::Repeat(at, count) => {
                let at = at.index(length);
                let part = bytes[at..(at + count).min(length)].to_vec();
                bytes.splice(at..at, part);
            }
            Mutation::Truncate(at) => bytes.truncate(at.index(length)),
        }
    }
    bytes
}

fn natives() -> Vec<String> {
    let own = |kind: &str| party("h1", "r1", kind);
    vec![
        event(
            "transfer_posted",
            &format!(
                r#"{{"payer":{},"counterparty":{{"account":"x"}},{AMOUNT},"device":"d","channel":"mobile",
                    "essential":"tax","cash":true,"payer_balance_after":-7,"agreed_daily_sum":9}}"#,
                own("account")
            ),
        ),
        event(
            "opening_requested",
            &format!(
                r#"{{"opening":{},"product":"phone_card","holder_kind":"person","co_holders":["h2"],"agent":"g",
                    "address":"x","identity_channels":2}}"#,
                own("opening")
            ),
        ),
        event(
            "fraud_confirmed",
            &format!(r#"{{"event_id":"x","payer":{},"terminal":"t",{AMOUNT}}}"#, own("account")),
        ),
        event(
            "card_usage_recorded",
            &format!(r#"{{"card":{},"usage":"call_placed","peer":"n","device":"d"}}"#, own("phone_card")),
        ),
        event(
            "event_corrected",
            &format!(
                r#"{{"original_event_id":"x","original_type":"card_payment_posted","before":{{"time":"2024-01-01T00:00:00Z","data":{{"card":{},{AMOUNT}}}}}}}"#,
                own("account")
            ),
        ),
        event(
            "appeal_decided",
            &format!(r#"{{"party":{},"appeal_ref":"0000-0000-0000","outcome":"upheld"}}"#, own("account")),
        ),
        event(
            "verification_passed",
            &format!(
                r#"{{"party":{},"disposition_id":"0123456789abcdef0123456789abcdef","method":"counter"}}"#,
                own("phone_card")
            ),
        ),
        event(
            "settlement_recorded",
            &format!(r#"{{"event_id":"x","payer":{},"terminal":"t",{AMOUNT}}}"#, own("account")),
        ),
    ]
}

/// Either way out is fine; going the same way twice is asked for.
fn twice(make: impl Fn() -> Classifier, bytes: &[u8]) -> Result<(), TestCaseError> {
    let record = SourceRecord { bytes, headers: &[], timestamp: AT };
    let mut used = make();
    let first = used.classify(&record);
    prop_assert_eq!(&first, &used.classify(&record));
    prop_assert_eq!(&first, &make().classify(&record));
    if let Ok(classified) = first {
        prop_assert!(TimeMs::EARLIEST <= classified.at && classified.at < TimeMs::LATEST);
        prop_assert!(!classified.event_id.is_empty());
    }
    Ok(())
}

proptest! {
    #[test]
    fn mutated_native_records(which in 0..8usize, mutations in prop::collection::vec(mutation(), 0..6)) {
        twice(native, &mutated(&natives()[which], &mutations))?;
    }

    #[test]
    fn mutated_csv_lines(mutations in prop::collection::vec(mutation(), 0..6)) {
        let line = "E1,1704067202505,A1,\"A,2\",149.67,card_payment,T1";
        let header = "event_id,ts_ms,from_account,to_account,amount,type,terminal";
        twice(|| labelled(header), &mutated(line, &mutations))?;
    }

    #[test]
    fn mutated_csv_headers(mutations in prop::collection::vec(mutation(), 0..4)) {
        let header = mutated("event_id,ts_ms,from_account,to_account,amount,type,terminal", &mutations);
        let mut classifier = classifier_of(SourceMapping::load("labelled-csv").unwrap());
        if classifier.set_header(TABLE_EVENTS, &header).is_ok() {
            let line = b"E1,1704067202505,A1,A2,149.67,transfer,";
            let record = SourceRecord { bytes: line, headers: &[], timestamp: AT };
            prop_assert_eq!(classifier.classify(&record), classifier.classify(&record));
        }
    }

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        twice(native, &bytes)?;
    }
}
