//! The packed form: round trips, damage of every kind, and sizes.

mod appeals;
mod declared;
mod lives;
mod reports;
mod traces;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{DecodeError, VERSION, decode, encode};
use crate::engine::base::{Currency, Fingerprint, Money, TimeMs, Token};
use crate::engine::cover::{ConfigVersion, Range, Skip, SourceId};
use crate::engine::fact::{
    Channel, Dated, Essential, Fact, FactBody, Feed, HolderKind, OpeningStep, OtherParty, Product, Release,
    Side, TransferDetails, UsageKind,
};
use crate::engine::input::{FactsPack, FactsRecord, PackedFact};
use crate::engine::kept::HoldClass;
use crate::engine::order::OrderName;
use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};

fn packed(record: &FactsRecord) -> Vec<u8> {
    let mut out = Vec::new();
    encode(record, &mut out);
    out
}

/// Gives damaged bytes a checksum that matches, so that what lies behind the checksum is reached.
fn sealed_again(mut bytes: Vec<u8>) -> Vec<u8> {
    let covered = bytes.len().saturating_sub(4);
    bytes.truncate(covered);
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn token() -> impl Strategy<Value = Token> {
    any::<u128>().prop_map(Token)
}

pub(super) fn time() -> impl Strategy<Value = TimeMs> {
    prop_oneof![
        4 => (TimeMs::EARLIEST.0..TimeMs::LATEST.0).prop_map(TimeMs),
        1 => any::<i64>().prop_map(TimeMs),
    ]
}

fn subject() -> impl Strategy<Value = Subject> {
    (prop::sample::select(SubjectKind::ALL.to_vec()), token())
        .prop_map(|(kind, token)| Subject { kind, token })
}

pub(super) fn party() -> impl Strategy<Value = Party> {
    (subject(), vec(any::<u8>(), 0..40))
        .prop_map(|(subject, sealed)| Party { subject, sealed: SealedRef(sealed.into()) })
}

fn money() -> impl Strategy<Value = Money> {
    let minor = prop_oneof![0..10_000_000_i64, any::<i64>()];
    let currency = prop_oneof![3 => Just("CNY".to_owned()), 1 => "[A-Z]{3}"];
    (minor, currency).prop_map(|(minor, code)| Money { minor, currency: Currency::parse(&code).unwrap() })
}

/// Details of every kind, those that are not written at all among them.
fn details() -> impl Strategy<Value = TransferDetails> {
    let said = (
        prop::sample::select(Channel::ALL.to_vec()),
        prop::sample::select(Essential::ALL.to_vec()),
        any::<[bool; 6]>(),
        option::of(any::<i64>()),
        option::of(any::<i64>()),
    )
        .prop_map(
            |(
                channel,
                essential,
                [bound, own, cash, strong, remote, loan],
                balance_after,
                agreed_daily_sum,
            )| {
                TransferDetails {
                    channel,
                    essential,
                    to_bound_account: bound,
                    to_own_account: own,
                    cash,
                    strong_auth: strong,
                    remote_control: remote,
                    after_loan: loan,
                    balance_after,
                    agreed_daily_sum,
                }
            },
        );
    prop_oneof![1 => Just(TransferDetails::default()), 2 => said]
}

fn plain_body() -> BoxedStrategy<FactBody> {
    let other_side =
        (token(), party()).prop_map(|(holder, account)| Box::new(OtherParty { holder, account }));
    let transfer = (any::<bool>(), party(), token(), money(), details(), option::of(other_side)).prop_map(
        |(payee, account, counterparty, amount, details, other_side)| FactBody::Transfer {
            side: if payee { Side::Payee } else { Side::Payer },
            account,
            counterparty,
            amount,
            details,
            other_side,
        },
    );
    let fraud = (prop::sample::select(Feed::ALL.to_vec()), party(), token(), option::of(money()))
        .prop_map(|(feed, account, other, amount)| FactBody::FraudConfirmed { feed, account, other, amount });
    let payment = (party(), token(), money()).prop_map(|(account, terminal, amount)| FactBody::CardPayment {
        account,
        terminal,
        amount,
    });
    let kinds = prop::sample::select(UsageKind::ALL.to_vec());
    let seen = (option::of(token()), option::of(any::<u32>()), option::of(token()));
    let usage = (party(), token(), kinds, seen).prop_map(|(card, device, usage, (peer, open_mb, region))| {
        FactBody::CardUsage { card, device, usage, peer, open_mb, region }
    });
    let met = (prop::sample::select(Feed::ALL.to_vec()), token(), party(), option::of(money()))
        .prop_map(|(feed, holder, target, amount)| FactBody::Met { feed, holder, target, amount });
    let steps = vec![
        OpeningStep::Requested,
        OpeningStep::Opened,
        OpeningStep::Abandoned,
        OpeningStep::Closed,
        OpeningStep::Changed,
        OpeningStep::Stated,
    ];
    let product = prop::sample::select(Product::ALL.to_vec());
    let opening = (
        prop::sample::select(steps),
        party(),
        option::of(party()),
        product.clone(),
        any::<bool>(),
        any::<bool>(),
        option::of(any::<u8>()),
    )
        .prop_map(|(step, opening, holding, product, unit, co_holder, identity_channels)| {
            FactBody::Opening {
                step,
                opening,
                holding,
                product,
                holder_kind: if unit { HolderKind::Unit } else { HolderKind::Person },
                co_holder,
                identity_channels,
                outlet: identity_channels.map(|count| Token(u128::from(count))),
            }
        });
    let answered = (token(), product, any::<u32>()).prop_map(|(opening, product, elsewhere_count)| {
        FactBody::HoldingsAnswered { opening, product, elsewhere_count }
    });
    let text = || proptest::option::of(".{0,9}".prop_map(Arc::from));
    let rules = (".{0,60}", text(), text(), text()).prop_map(|(bundle, signed_by, assessment, rollback)| {
        let release = Release { signed_by, assessment, rollback };
        FactBody::RuleSetActivated { bundle: Arc::from(bundle), release }
    });
    let number = || ".{0,9}".prop_map(Arc::from);
    let name = || (number(), number()).prop_map(|(issuer, number)| OrderName { issuer, number });
    let ordered = (name(), any::<bool>(), time()).prop_map(|(name, aml, until)| {
        let class = if aml { HoldClass::Aml } else { HoldClass::All };
        FactBody::HoldOrdered { name, class, until }
    });
    let released = name().prop_map(|name| FactBody::HoldReleased { name });
    prop_oneof![
        transfer,
        payment,
        usage,
        fraud,
        met,
        opening,
        answered,
        appeals::decided(),
        appeals::stepped(),
        rules,
        lives::happened(),
        lives::explained(),
        lives::settled(),
        ordered,
        released,
        declared::body(),
        traces::body(),
        super::authority::tests::any_order().prop_map(|said| FactBody::Order(Box::new(said))),
        Just(FactBody::WentLive)
    ]
    .boxed()
}

fn body() -> impl Strategy<Value = FactBody> {
    let dated = || (time(), plain_body()).prop_map(|(at, body)| Dated { at, body: Box::new(body) });
    let corrected =
        (any::<u64>(), option::of(dated()), option::of(dated())).prop_map(|(original, before, after)| {
            FactBody::Corrected { original: Fingerprint(original), before, after }
        });
    prop_oneof![6 => plain_body(), 1 => corrected]
}

fn range() -> impl Strategy<Value = Range> {
    ("[a-z]{1,3}", any::<u32>(), any::<u32>(), any::<bool>(), any::<(i64, i64)>(), time(), time(), time())
        .prop_map(|(name, generation, partition, baseline, (previous, last), low, high, through)| Range {
            source: SourceId { name: Arc::from(name), generation, partition },
            baseline,
            previous,
            last,
            timestamps: (low, high),
            through,
        })
}

fn pack() -> impl Strategy<Value = FactsRecord> {
    vec(range(), 1..4).prop_flat_map(|ranges| {
        let places = ranges.len() as u16;
        let fact = (0..places, any::<i64>(), any::<u16>(), time(), any::<u64>(), time(), subject(), body())
            .prop_map(|(range, offset, ordinal, time, event, at, route, body)| PackedFact {
                range,
                offset,
                ordinal,
                time,
                fact: Fact { event: Fingerprint(event), at, route, body },
            });
        (any::<u32>(), Just(ranges), vec(fact, 0..6))
            .prop_map(|(version, ranges, facts)| FactsRecord::Facts(FactsPack { version, ranges, facts }))
    })
}

fn skipped() -> impl Strategy<Value = FactsRecord> {
    let source = ("[a-z]{0,9}", any::<u32>(), any::<u32>());
    (source, any::<[i64; 3]>(), "\\PC{0,40}").prop_map(
        |((name, generation, partition), [to, until, at], reason)| {
            FactsRecord::SourceSkipped(Skip {
                source: SourceId { name: Arc::from(name), generation, partition },
                to,
                blind_until: TimeMs(until),
                ordered: TimeMs(at),
                reason: Arc::from(reason),
            })
        },
    )
}

fn record() -> impl Strategy<Value = FactsRecord> {
    let announced = (any::<i64>(), any::<u32>()).prop_map(|(from, number)| {
        FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs(from), number })
    });
    let reports = vec(reports::report(), 0..5).prop_map(FactsRecord::Reports);
    prop_oneof![6 => pack(), 3 => reports, 1 => announced, 1 => skipped()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read_and_one_record_has_one_form(record in record()) {
        let bytes = packed(&record);
        let read = decode(&bytes).unwrap();
        prop_assert_eq!(&read, &record);
        prop_assert_eq!(packed(&read), bytes);
    }

    #[test]
    fn every_flipped_bit_is_noticed(record in record(), place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = packed(&record);
        let place = place.index(bytes.len());
        bytes[place] ^= 1_u8 << bit;
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn damage_behind_a_matching_checksum_never_panics(
        record in record(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = packed(&record);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        // Either refused, or read as some record that is then written again as one.
        if let Ok(read) = decode(&sealed_again(bytes)) {
            prop_assert_eq!(decode(&packed(&read)).unwrap(), read);
        }
    }

    #[test]
    fn a_record_cut_short_is_refused(record in record(), place in any::<prop::sample::Index>()) {
        let bytes = packed(&record);
        let cut = place.index(bytes.len());
        prop_assert!(decode(&bytes[..cut]).is_err());
        // With a checksum that matches what is left, the structure itself notices.
        let body = bytes.len() - 4;
        if cut > 3 && cut < body {
            let mut short = bytes[..cut].to_vec();
            short.extend_from_slice(&[0; 4]);
            prop_assert!(decode(&sealed_again(short)).is_err());
        }
    }

    #[test]
    fn any_bytes_at_all_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let framed = [vec![super::MAGIC, VERSION], bytes.clone(), vec![0; 4]].concat();
        let _ = decode(&bytes);
        let _ = decode(&sealed_again(framed));
    }
}

fn framed(payload: &[u8]) -> Vec<u8> {
    sealed_again([&[super::MAGIC, VERSION], payload, &[0; 4]].concat())
}

#[test]
fn another_version_is_refused_by_its_number() {
    let mut bytes = packed(&FactsRecord::Reports(Vec::new()));
    bytes[1] = 7;
    assert_eq!(decode(&sealed_again(bytes)), Err(DecodeError::UnknownVersion(7)));
}

#[test]
fn bytes_left_over_are_refused() {
    let mut payload = packed(&FactsRecord::Reports(Vec::new()));
    let end = payload.len() - 4;
    payload.truncate(end);
    payload.extend_from_slice(&[9, 9]);
    assert_eq!(decode(&framed(&payload[2..])), Err(DecodeError::TrailingBytes(2)));
}

#[test]
fn a_count_beyond_the_bytes_left_is_refused_before_it_is_reserved() {
    // 2^62 names, 2^62 facts: as a reservation either would end the process.
    let huge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40];
    let names = [&[2][..], &huge].concat();
    assert_eq!(decode(&framed(&names)), Err(DecodeError::Truncated("the names")));
    let facts = [&[1, 0, 0, 0][..], &huge].concat();
    assert_eq!(decode(&framed(&facts)), Err(DecodeError::Truncated("the facts")));
}

#[test]
fn numbers_have_one_form() {
    // An announced version from 0 with number 1, then with needless and with too many bytes.
    assert!(decode(&framed(&[3, 0, 1])).is_ok());
    assert!(decode(&framed(&[3, 0, 0x81, 0])).is_err());
    assert!(decode(&framed(&[3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 1])).is_err());
    // A currency that has a short form is not accepted in the long one.
    let mut bytes = packed(&one_transfer("CNY"));
    let body = bytes.len() - 4;
    // The last byte says that there is no other side.
    bytes.splice(body - 2..body - 1, *b"CNY");
    assert_eq!(decode(&sealed_again(bytes)), Err(DecodeError::Malformed("the amount of a transfer")));
}

#[test]
fn details_that_say_nothing_are_refused_and_others_are_not() {
    let mut bytes = packed(&one_transfer("CNY"));
    let end = bytes.len() - 4;
    // Before the sealed reference stand its length, the account's kind and token, and the flags.
    let flags = bytes.windows(28).position(|sealed| sealed == [7; 28]).unwrap() - 1 - 17 - 1;
    assert_eq!(bytes[flags], 0);
    bytes[flags] = 2;
    let with = |details: [u8; 5]| [&bytes[..end], &details, &[0; 4]].concat();
    let malformed = Err(DecodeError::Malformed("the details of a transfer"));
    assert_eq!(decode(&sealed_again(with([0; 5]))), malformed);
    assert_eq!(decode(&sealed_again(with([0, 7, 0, 0, 0]))), malformed);
    assert_eq!(decode(&sealed_again(with([0, 0, 64, 0, 0]))), malformed);
    assert!(decode(&sealed_again(with([0, 1, 0, 0, 0]))).is_ok());
}

#[test]
fn a_correction_inside_a_correction_is_refused() {
    let inner = FactBody::Corrected { original: Fingerprint(1), before: None, after: None };
    let dated = Dated { at: TimeMs(0), body: Box::new(inner) };
    let outer = FactBody::Corrected { original: Fingerprint(2), before: Some(dated), after: None };
    let FactsRecord::Facts(mut pack) = one_transfer("CNY") else { unreachable!() };
    pack.facts[0].fact.body = outer;
    assert_eq!(decode(&packed(&FactsRecord::Facts(pack))), Err(DecodeError::Malformed("the kind of a body")));
}

#[test]
fn a_usual_transfer_takes_about_a_hundred_bytes() {
    let alone = packed(&one_transfer("CNY"));
    let FactsRecord::Facts(mut pack) = one_transfer("CNY") else { unreachable!() };
    let second = PackedFact { offset: 9, ..pack.facts[0].clone() };
    pack.facts.push(second);
    let both = packed(&FactsRecord::Facts(pack));
    assert!(both.len() - alone.len() <= 110, "{} bytes a fact", both.len() - alone.len());
}

fn one_transfer(currency: &str) -> FactsRecord {
    let at = TimeMs(1_760_000_000_000);
    let account = Subject::new(SubjectKind::Account, Token(2));
    FactsRecord::Facts(FactsPack {
        version: 1,
        ranges: vec![Range {
            source: SourceId { name: Arc::from("transfers"), generation: 1, partition: 3 },
            baseline: false,
            previous: 7,
            last: 9,
            timestamps: (at, at),
            through: at,
        }],
        facts: vec![PackedFact {
            range: 0,
            offset: 8,
            ordinal: 0,
            time: at,
            fact: Fact {
                event: Fingerprint(5),
                at,
                route: Subject::new(SubjectKind::Holder, Token(1)),
                body: FactBody::Transfer {
                    side: Side::Payer,
                    account: Party { subject: account, sealed: SealedRef(Arc::new([7; 28])) },
                    counterparty: Token(3),
                    amount: Money { minor: 123_456, currency: Currency::parse(currency).unwrap() },
                    details: TransferDetails::default(),
                    other_side: None,
                },
            },
        }],
    })
}
