//! What a row of a labelled CSV file costs on its way into the log: CPU time of one thread.
//!
//! `cargo bench --bench intake -- FILE.csv[.gz]`, or without a file over generated card payments. Each
//! step is timed alone: lines out of the (gzip) file, classify, pack and encode.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::config::bundle::Loader;
use duecourse::config::source::SourceMapping;
use duecourse::engine::base::TimeMs;
use duecourse::engine::cover::SourceId;
use duecourse::engine::input::FactsRecord;
use duecourse::intake::classify::{Classified, Classifier, ClassifierSettings, SourceRecord, TABLE_EVENTS};
use duecourse::intake::lines::{Lines, NextLine};
use duecourse::intake::pack::{PackBounds, Packer, Start};
use duecourse::intake::release::ReleasePolicy;
use duecourse::telemetry::clock::thread_cpu;

const GENERATED_COUNT: u64 = 500_000;
/// Rows held at a time, so that a long file needs no memory.
const CHUNK: usize = 50_000;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let given = std::env::args().nth(1).filter(|argument| !argument.starts_with("--"));
    let path = given.map_or_else(|| generated(&folder.path().join("events.csv")), PathBuf::from);
    let mut lines = Lines::open(&path).expect("a readable file");
    assert_eq!(lines.advance().expect("a header"), NextLine::Line);
    let mut classifier = classifier();
    classifier.set_header(TABLE_EVENTS, lines.bytes()).expect("the header of a labelled CSV");

    let mut packer = Packer::new(1, PackBounds { facts_max: 1024, bytes_max: 256 << 10 });
    let source = SourceId { name: Arc::from("bench"), generation: 1, partition: 0 };
    let start = Start { previous: -1, baseline: true, version: 1, time: TimeMs::MIN };
    let slot = packer.assign(source, start);
    let (mut rows, mut bytes_in, mut bytes_out, mut facts_count) = (0_u64, 0, 0, 0);
    let mut spent = [0.0; 3];
    let mut buffer = Vec::new();
    loop {
        let began = thread_cpu();
        let mut chunk: Vec<Vec<u8>> = Vec::with_capacity(CHUNK);
        while chunk.len() < CHUNK && lines.advance().expect("a line") == NextLine::Line {
            chunk.push(lines.bytes().to_vec());
        }
        let read = thread_cpu();
        let classify = |line: &Vec<u8>| {
            let record = SourceRecord { bytes: line, headers: &[], timestamp: TimeMs::MIN };
            classifier.classify(&record).ok()
        };
        let accepted: Vec<Option<Classified>> = chunk.iter().map(classify).collect();
        let classified = thread_cpu();
        for accepted in accepted.into_iter().flatten() {
            facts_count += accepted.facts.len();
            packer.read(slot, 1, rows as i64, accepted.at, accepted.facts);
            rows += 1;
            for (_, pack) in packer.take_finished() {
                buffer.clear();
                facts::encode(&FactsRecord::Facts(pack), &mut buffer);
                bytes_out += buffer.len();
            }
        }
        let packed = thread_cpu();
        bytes_in += chunk.iter().map(Vec::len).sum::<usize>();
        for (sum, (from, to)) in
            spent.iter_mut().zip([(began, read), (read, classified), (classified, packed)])
        {
            *sum += (to - from).as_secs_f64();
        }
        if chunk.len() < CHUNK {
            break;
        }
    }
    println!("intake: {rows} rows accepted, {bytes_in} bytes; {facts_count} facts, {bytes_out} bytes packed");
    for (name, sum) in ["lines of the file", "classify", "pack and encode"].into_iter().zip(spent) {
        println!("{name:20} {:8.2} us CPU per row", sum * 1e6 / rows.max(1) as f64);
    }
}

fn classifier() -> Classifier {
    let mapping = Arc::new(SourceMapping::load("labelled-csv").expect("shipped"));
    let settings = ClassifierSettings {
        institution: "demo-bank".to_owned(),
        facts_partitions: 1,
        ahead_max: None,
        releases: ReleasePolicy::default(),
        orders: Default::default(),
    };
    Classifier::new(mapping, Arc::new(Keys::development()), settings, Arc::new(Loader::new()))
}

/// Card payments of 5,000 cards at 10,000 terminals, one a second.
fn generated(path: &std::path::Path) -> PathBuf {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).expect("a new file"));
    writeln!(file, "event_id,ts_ms,from_account,to_account,amount,type,terminal").expect("a header");
    for n in 0..GENERATED_COUNT {
        let (card, terminal) = (n * 7919 % 5000, n * 104_729 % 10_000);
        let time = 1_704_067_200_000 + n * 1000;
        writeln!(file, "E{n:07},{time},C{card:05},,{}.{:02},card_payment,T{terminal:05}", n % 300, n % 100)
            .expect("a row");
    }
    file.flush().expect("a whole file");
    path.to_owned()
}
