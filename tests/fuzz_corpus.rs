//! The inputs that fuzzing starts from are what they should be: a corpus of refused bytes finds little.
//! `UPDATE_CORPUS=1 cargo test --test fuzz_corpus` makes those of packed facts and snapshots anew, from the
//! events among them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use duecourse::codec::keys::Keys;
use duecourse::codec::manifest::{InputFile, Manifest};
use duecourse::codec::output::{GENERATION_KEY, GenerationMark, OpenGeneration, OutRecord, Topic};
use duecourse::codec::snapshot::Extent;
use duecourse::codec::{facts, snapshot};
use duecourse::config::bundle::Loader;
use duecourse::config::source::SourceMapping;
use duecourse::engine::base::TimeMs;
use duecourse::engine::cover::{ConfigVersion, Range, Skip, SourceId};
use duecourse::engine::input::{FactsPack, FactsRecord, PackedFact, TimeMode};
use duecourse::engine::partition::{Identity, Partition};
use duecourse::intake::classify::{Classified, Classifier, ClassifierSettings, SourceRecord};
use duecourse::intake::orders::OrderPolicy;
use duecourse::intake::release::ReleasePolicy;
use duecourse::log::Batch;
use duecourse::log::local::{decode_batch, encode_batch};

const AT: TimeMs = TimeMs(1_772_413_200_000);

fn folder(decoder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(decoder)
}

fn seeds(decoder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder(decoder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn identity() -> Identity {
    Identity { partition: 0, partitions: 1, id_key: Keys::development().id_key(), time: TimeMode::Event }
}

/// The events among the seeds that intake takes, as facts.
fn events() -> Vec<Classified> {
    let settings = ClassifierSettings {
        institution: "bank-a".to_owned(),
        facts_partitions: 1,
        ahead_max: None,
        releases: ReleasePolicy::default(),
        orders: OrderPolicy::default(),
    };
    let mapping = Arc::new(SourceMapping::load("native").unwrap());
    let keys = Arc::new(Keys::development());
    let mut classifier = Classifier::new(mapping, keys, settings, Arc::new(Loader::new()));
    let mut classify =
        |bytes: &[u8]| classifier.classify(&SourceRecord { bytes, headers: &[], timestamp: AT }).ok();
    seeds("event").iter().filter_map(|(_, bytes)| classify(bytes)).collect()
}

fn records() -> Vec<FactsRecord> {
    let version = ConfigVersion { from: TimeMs::MIN, number: 1 };
    let mut records = vec![FactsRecord::VersionAnnounced(version)];
    for (event, offset) in events().into_iter().zip(1..) {
        let source = SourceId { name: "s".into(), generation: 1, partition: 0 };
        let range = Range {
            source,
            baseline: offset == 1,
            previous: offset - 1,
            last: offset,
            timestamps: (event.at, event.at),
            through: event.at,
        };
        let facts = event.facts.into_iter().zip(0..).map(|((_, fact), ordinal)| PackedFact {
            range: 0,
            offset,
            ordinal,
            time: event.at,
            fact,
        });
        records.push(FactsRecord::Facts(FactsPack {
            version: 1,
            ranges: vec![range],
            facts: facts.collect(),
        }));
    }
    records.push(FactsRecord::SourceSkipped(Skip {
        source: SourceId { name: "s".into(), generation: 1, partition: 0 },
        to: 10_000,
        blind_until: AT,
        ordered: AT,
        reason: "its retention overtook intake".into(),
    }));
    records
}

#[test]
fn seeds_of_events_are_taken_by_intake() {
    let taken = events();
    assert!(taken.len() >= 6, "only {} events of the corpus are accepted", taken.len());
    assert!(taken.iter().filter(|event| !event.facts.is_empty()).count() >= 5);
}

#[test]
fn seeds_of_packed_facts_and_snapshots_are_such() {
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        write();
    }
    let read = |bytes: &[u8]| facts::decode(bytes).is_ok();
    let facts = seeds("facts");
    assert!(
        facts.iter().filter(|(_, bytes)| read(bytes)).count() >= 5,
        "too few of {} are facts",
        facts.len()
    );
    let restored = |bytes: &[u8]| snapshot::decode([bytes], identity(), &Loader::new()).is_ok();
    let snapshots = seeds("snapshot");
    assert!(
        snapshots.iter().any(|(_, bytes)| restored(bytes)),
        "none of {} is a snapshot of this engine; UPDATE_CORPUS=1 makes some",
        snapshots.len()
    );
}

#[test]
fn seeds_of_journals_manifests_and_marks_are_such() {
    let any = |decoder: &str, read: fn(&[u8]) -> bool| seeds(decoder).iter().any(|(_, bytes)| read(bytes));
    assert!(any("journal", |bytes| decode_batch(bytes, 0).is_some()));
    assert!(any("manifest", |bytes| Manifest::parse(bytes).is_ok()));
    assert!(any("decided", |bytes| GenerationMark::read(bytes).is_some()));
}

/// What `make fuzz` goes through by itself is every decoder that the fuzzer knows.
#[test]
fn every_decoder_is_fuzzed() {
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (fuzzer, script) = (read("tests/fuzz/main.rs"), read("scripts/fuzz"));
    let listed = script.split_once("decoders=${*:-").unwrap().1.split_once('}').unwrap().0;
    let known = fuzzer.split_once("const DECODERS").unwrap().1.split_once("];").unwrap().0;
    let mut known: Vec<&str> =
        known.split("    (\"").skip(1).map(|row| row.split('"').next().unwrap()).collect();
    let mut listed: Vec<&str> = listed.split(' ').collect();
    known.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, known);
}

fn write() {
    let mut batch = Vec::new();
    let record = |topic, value: Option<&str>| {
        let value = value.map(|value| value.as_bytes().to_vec());
        OutRecord { topic, key: b"7c1e".to_vec(), value }
    };
    let outputs = vec![record(Topic::Dispositions, Some("{}")), record(Topic::Measures, None)];
    encode_batch(&Batch { partition: 0, next_offset: 41, records: outputs }, &mut batch);
    put("journal", "batch", &batch);
    let mark =
        GenerationMark::Open(OpenGeneration { number: 2, from: "facts".to_owned(), ..Default::default() });
    put("decided", "mark", &mark.record(GENERATION_KEY).value.unwrap());
    put("manifest", "run", &manifest().to_bytes());
    let mut partition = Partition::new(identity());
    for (record, number) in records().iter().zip(0..) {
        let mut bytes = Vec::new();
        facts::encode(record, &mut bytes);
        put("facts", &format!("record-{number}"), &bytes);
        partition.apply(number, record, &Loader::new(), &mut Vec::new()).unwrap();
    }
    put("snapshot", "whole", &snapshot::encode(&partition.freeze(), Extent::Whole));
}

fn manifest() -> Manifest {
    let input = InputFile { path: "/data/events.csv".into(), bytes: 9, sha256: "0".repeat(64) };
    Manifest {
        schema: Manifest::SCHEMA.to_owned(),
        program: "0.1.0".to_owned(),
        semantics: 3,
        institution: "bank-a".to_owned(),
        source: "labelled-csv".to_owned(),
        source_sha256: "1".repeat(64),
        profile: "strict".to_owned(),
        rules_sha256: "2".repeat(64),
        key: None,
        key_check: "3".repeat(16),
        inputs: vec![input.clone()],
        accounts: Some(input),
        feedback: None,
    }
}

fn put(decoder: &str, name: &str, bytes: &[u8]) {
    std::fs::create_dir_all(folder(decoder)).unwrap();
    std::fs::write(folder(decoder).join(name), bytes).unwrap();
}
