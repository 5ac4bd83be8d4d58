//! What an event costs from JSON bytes to disposition bytes, without Kafka: CPU time of one thread.
//!
//! `cargo bench --bench engine`. A generated month and day of native JSON events goes through the same
//! steps as on Kafka: classify, pack, encode (intake); decode, apply, encode outputs (decide). Each step
//! is timed by the thread's CPU clock, so a busy machine does not count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use duecourse::cli::generate::{self, Size, Step};
use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::codec::output::Topic;
use duecourse::config::bundle::{self, Loader};
use duecourse::config::source::SourceMapping;
use duecourse::decide::machine::{Machine, Portion, Surroundings};
use duecourse::decide::observe::Silent;
use duecourse::engine::base::TimeMs;
use duecourse::engine::cover::SourceId;
use duecourse::engine::input::{FactsRecord, TimeMode};
use duecourse::engine::partition::{Identity, Partition};
use duecourse::intake::classify::{Classifier, ClassifierSettings, SourceRecord};
use duecourse::intake::first_start::{self, FirstStart};
use duecourse::intake::pack::{Flush, PackBounds, Packed, Packer, Slot, Start};
use duecourse::intake::release::ReleasePolicy;
use duecourse::telemetry::clock::thread_cpu;
use duecourse::telemetry::latency::Latencies;

const INSTITUTION: &str = "demo-bank";
/// The one version of the intake configuration.
const VERSION: u32 = 1;
const SIZE: Size = Size { customers: 3000, history_daily: 3000, day: 120_000 };

fn main() {
    let lines = lines();
    let bytes: usize = lines.iter().map(|(_, line)| line.len()).sum();
    println!("engine: {} native JSON events, {} bytes each", lines.len(), bytes / lines.len());

    let began = thread_cpu();
    let (records, accepted) = intake(&lines);
    let intake_cpu = thread_cpu() - began;
    let began = thread_cpu();
    let decided = decide(&records);
    let decide_cpu = thread_cpu() - began;

    println!("accepted {accepted}, facts records {}, {decided}", records.len());
    let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / lines.len() as f64;
    println!("classify, pack, encode facts   {:8.2} us CPU per event", each(intake_cpu));
    println!("decode, apply, encode outputs  {:8.2} us CPU per event", each(decide_cpu));
    println!("JSON bytes to output bytes     {:8.2} us CPU per event", each(intake_cpu + decide_cpu));
}

/// The generated events, in order, with their times.
fn lines() -> Vec<(TimeMs, String)> {
    let steps = generate::day(1, SIZE, INSTITUTION);
    let lines = steps.into_iter().filter_map(|timed| match timed.step {
        Step::Line(line) => Some((timed.at, line)),
        Step::AppealDecided { .. } | Step::Told(_) => None,
    });
    lines.collect()
}

/// JSON bytes to encoded facts records of one facts partition; and how many events were accepted.
fn intake(lines: &[(TimeMs, String)]) -> (Vec<Vec<u8>>, usize) {
    let keys = Arc::new(Keys::development());
    let mut classifier = classifier(&keys);
    let mut packer = Packer::new(1, PackBounds::default());
    let start = |time| Start { previous: -1, baseline: true, version: VERSION, time };
    let first = lines.first().map_or(TimeMs::MIN, |(at, _)| *at);
    activate(&mut packer, &keys, first, start(first));
    let source = SourceId { name: Arc::from("bench"), generation: 1, partition: 0 };
    let slot = packer.assign(source, start(first));
    let (mut records, mut accepted) = (encode(packer.flush(Flush::All)), 0);
    for (offset, (at, line)) in (0..).zip(lines) {
        let record = SourceRecord { bytes: line.as_bytes(), headers: &[], timestamp: *at };
        let facts = classifier.classify(&record).map(|classified| classified.facts).unwrap_or_default();
        accepted += usize::from(!facts.is_empty());
        packer.read(slot, VERSION, offset, *at, facts);
        records.extend(encode(packer.take_finished()));
    }
    records.extend(encode(packer.flush(Flush::All)));
    (records, accepted)
}

fn classifier(keys: &Arc<Keys>) -> Classifier {
    let mapping = Arc::new(SourceMapping::load("native").expect("shipped"));
    let settings = ClassifierSettings {
        institution: INSTITUTION.to_owned(),
        facts_partitions: 1,
        ahead_max: None,
        releases: ReleasePolicy::default(),
    };
    Classifier::new(mapping, Arc::clone(keys), settings, Arc::new(Loader::new()))
}

/// The built-in rules, live from the first event.
fn activate(packer: &mut Packer, keys: &Keys, first: TimeMs, start: Start) {
    let bundle =
        Arc::from(bundle::embedded(bundle::Profile::Strict).expect("the built-in rules are a bundle"));
    let slot: Slot = packer.assign(first_start::source(), start);
    let records = FirstStart { bundle, goes_live: true }.records(keys, first);
    for (offset, record) in (0..).zip(records) {
        packer.read(slot, VERSION, offset, first, [record]);
    }
}

fn encode(packs: Vec<Packed>) -> Vec<Vec<u8>> {
    let encoded = packs.into_iter().map(|(_, pack)| {
        let mut bytes = Vec::new();
        facts::encode(&FactsRecord::Facts(pack), &mut bytes);
        bytes
    });
    encoded.collect()
}

/// Facts records to output bytes. Gives what came out, and how long a record took.
fn decide(records: &[Vec<u8>]) -> String {
    let keys = Arc::new(Keys::development());
    let identity = Identity { partition: 0, partitions: 1, id_key: keys.id_key(), time: TimeMode::Event };
    let surroundings = Surroundings {
        keys,
        institution: Arc::from(INSTITUTION),
        loader: Arc::new(Loader::new()),
        observe: Arc::new(Silent),
    };
    let mut machine = Machine::new(Partition::new(identity), 0, 0, surroundings);
    let (mut dispositions, mut bytes, mut latencies) = (0, 0, Latencies::default());
    for (offset, record) in (0..).zip(records) {
        let (began, mut portion) = (Instant::now(), Portion::default());
        machine.apply(offset, record, &mut portion).expect("our own records can be applied");
        latencies.record(began.elapsed());
        dispositions += portion.records.iter().filter(|out| out.topic == Topic::Dispositions).count();
        bytes += portion.records.iter().filter_map(|out| out.value.as_ref()).map(Vec::len).sum::<usize>();
    }
    let facts = machine.partition().tally().facts_applied;
    format!(
        "{facts} facts, {dispositions} dispositions, {bytes} output bytes\nwall per facts record: {latencies}"
    )
}
