//! Coverage-guided fuzzing of every decoder: whatever the bytes, a value or an error, never a panic, and a
//! value that is written and read again is the same. `make fuzz` runs each for long, `make test` for a while.
//!
//! libFuzzer is the main function; `DUECOURSE_FUZZ` names the decoder (`scripts/fuzz` lists them by it).
#![no_main]

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use duecourse::codec::keys::{Keys, parse_master};
use duecourse::codec::manifest::Manifest;
use duecourse::codec::output::{GENERATION_KEY, GenerationMark, decode_decided};
use duecourse::codec::signing::{KeyFile, SignatureFile};
use duecourse::codec::{facts, snapshot};
use duecourse::config::bundle::{self, Loader};
use duecourse::config::{expression, source::SourceMapping};
use duecourse::engine::base::{SpanMs, TimeMs};
use duecourse::engine::disposition::AppealRef;
use duecourse::engine::ident::IdKey;
use duecourse::engine::input::TimeMode;
use duecourse::engine::partition::Identity;
use duecourse::intake::classify::{Classifier, ClassifierSettings, SourceRecord, TABLE_EVENTS};
use duecourse::intake::orders::OrderPolicy;
use duecourse::intake::release::ReleasePolicy;
use duecourse::log::local::{decode_batch, encode_batch};
use libfuzzer_sys::fuzz_target;

type Decoder = (&'static str, fn(&[u8]));

/// Every decoder by name.
const DECODERS: [Decoder; 11] = [
    ("facts", decode_facts),
    ("snapshot", decode_snapshot),
    ("event", decode_event),
    ("row", decode_row),
    ("decided", decode_progress),
    ("journal", decode_journal),
    ("manifest", |bytes| drop(Manifest::parse(bytes))),
    ("condition", |bytes| text(bytes, |text| drop(expression::parse(text)))),
    ("mapping", |bytes| text(bytes, |text| drop(SourceMapping::parse(text)))),
    ("bundle", |bytes| text(bytes, |text| drop(bundle::compile(text)))),
    ("secrets", |bytes| text(bytes, decode_secrets)),
];

static DECODER: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("DUECOURSE_FUZZ").unwrap_or_default();
    let names: Vec<&str> = DECODERS.iter().map(|(name, _)| *name).collect();
    let found = DECODERS.iter().find(|(name, _)| *name == wanted);
    found.unwrap_or_else(|| panic!("DUECOURSE_FUZZ is one of {}", names.join(" "))).1
});

fuzz_target!(|bytes: &[u8]| DECODER(bytes));

fn text(bytes: &[u8], decode: impl Fn(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        decode(text);
    }
}

/// What was read is written and read again as the same. The checksum is made to fit: it would stop nearly
/// everything before the decoder proper.
fn decode_facts(bytes: &[u8]) {
    let mut sealed = bytes.to_vec();
    sealed.truncate(bytes.len().saturating_sub(4));
    sealed.extend_from_slice(&crc32c::crc32c(&sealed).to_le_bytes());
    let Ok(record) = facts::decode(&sealed) else { return };
    let mut written = Vec::new();
    facts::encode(&record, &mut written);
    assert_eq!(facts::decode(&written).as_ref(), Ok(&record));
}

/// What stands in the topic `decided`: progress, and marks of generations.
fn decode_progress(bytes: &[u8]) {
    drop(decode_decided(bytes));
    if let Some(mark) = GenerationMark::read(bytes) {
        let written = mark.record(GENERATION_KEY).value.unwrap();
        assert_eq!(GenerationMark::read(&written), Some(mark));
    }
}

/// A frame of the local log's journal, whose checksum held.
fn decode_journal(bytes: &[u8]) {
    let Some(batch) = decode_batch(bytes, 3) else { return };
    let mut written = Vec::new();
    encode_batch(&batch, &mut written);
    assert_eq!(written, bytes);
}

fn decode_snapshot(bytes: &[u8]) {
    let id_key = IdKey::new([7; 32]);
    let identity = Identity { partition: 0, partitions: 4, id_key, time: TimeMode::Broker };
    drop(snapshot::decode([bytes], identity, &Loader::new()));
}

thread_local! {
    static NATIVE: RefCell<Classifier> = RefCell::new(classifier("native"));
    static LABELLED: RefCell<Classifier> = RefCell::new({
        let mut classifier = classifier("labelled-csv");
        let header = b"event_id,ts_ms,from_account,to_account,amount,type,terminal";
        classifier.set_header(TABLE_EVENTS, header).unwrap();
        classifier
    });
}

const AT: TimeMs = TimeMs(1_772_413_200_000);

fn classifier(mapping: &str) -> Classifier {
    let settings = ClassifierSettings {
        institution: "bank-a".to_owned(),
        facts_partitions: 4,
        ahead_max: Some(SpanMs(60_000)),
        releases: ReleasePolicy::default(),
        orders: OrderPolicy::default(),
    };
    let mapping = Arc::new(SourceMapping::load(mapping).unwrap());
    Classifier::new(mapping, Arc::new(Keys::development()), settings, Arc::new(Loader::new()))
}

fn decode_event(bytes: &[u8]) {
    let record = SourceRecord { bytes, headers: &[], timestamp: AT };
    NATIVE.with_borrow_mut(|native| drop(native.classify(&record)));
}

fn decode_row(bytes: &[u8]) {
    let record = SourceRecord { bytes, headers: &[], timestamp: AT };
    LABELLED.with_borrow_mut(|labelled| drop(labelled.classify(&record)));
}

/// Keys, signatures and references as people hand them in.
fn decode_secrets(text: &str) {
    drop(KeyFile::parse(text));
    drop(SignatureFile::parse(text));
    drop(parse_master(text));
    if let Some(reference) = AppealRef::parse(text) {
        assert_eq!(AppealRef::parse(&reference.to_string()), Some(reference));
    }
}
