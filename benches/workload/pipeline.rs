//! Intake and decide without Kafka in between: the same steps, on one thread, timed by its CPU clock.

use std::sync::Arc;
use std::time::Duration;

use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::codec::output::Topic;
use duecourse::config::bundle::Loader;
use duecourse::config::source::SourceMapping;
use duecourse::decide::machine::{Machine, Portion, Surroundings};
use duecourse::decide::observe::Silent;
use duecourse::engine::base::TimeMs;
use duecourse::engine::cover::{ConfigVersion, SourceId};
use duecourse::engine::input::{FactsRecord, TimeMode};
use duecourse::engine::partition::{Identity, Partition};
use duecourse::intake::classify::{Classifier, ClassifierSettings, SourceRecord};
use duecourse::intake::first_start::{self, FirstStart};
use duecourse::intake::pack::{Flush, PackBounds, Packed, Packer, Slot, Start};
use duecourse::intake::release::ReleasePolicy;
use duecourse::telemetry::clock::thread_cpu;

pub const INSTITUTION: &str = "demo-bank";
/// The one version of the intake configuration.
const VERSION: u32 = 1;

/// What some events cost and gave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub intake: Duration,
    pub decide: Duration,
    pub accepted: usize,
    pub dispositions: usize,
    pub bytes_out: usize,
}

pub struct Pipeline {
    classifier: Classifier,
    packer: Packer,
    slot: Slot,
    /// Offset of the next event in its source, and of the next facts record.
    next: (i64, u64),
    machine: Machine,
}

impl Pipeline {
    /// Rules that are active and live from the first event, which is of `first`.
    pub fn new(bundle: &str, first: TimeMs) -> Pipeline {
        let keys = Arc::new(Keys::development());
        let mut packer = Packer::new(1, PackBounds::default());
        let start = |time| Start { previous: -1, baseline: true, version: VERSION, time };
        let control = packer.assign(first_start::source(), start(first));
        let records = FirstStart { bundle: Arc::from(bundle), goes_live: true }.records(&keys, first);
        for (offset, record) in (0..).zip(records) {
            packer.read(control, VERSION, offset, first, [record]);
        }
        let source = SourceId { name: Arc::from("bench"), generation: 1, partition: 0 };
        let slot = packer.assign(source, start(first));
        let mut announced = Vec::new();
        let version = ConfigVersion { from: TimeMs::MIN, number: VERSION };
        facts::encode(&FactsRecord::VersionAnnounced(version), &mut announced);
        let mut beginning = vec![announced];
        beginning.extend(encode(packer.flush(Flush::All)));
        let identity = Identity { partition: 0, partitions: 1, id_key: keys.id_key(), time: TimeMode::Event };
        let surroundings = Surroundings {
            keys: Arc::clone(&keys),
            institution: Arc::from(INSTITUTION),
            loader: Arc::new(Loader::new()),
            observe: Arc::new(Silent),
        };
        let machine = Machine::new(Partition::new(identity), 0, 0, surroundings);
        let classifier = classifier(&keys);
        let mut pipeline = Pipeline { classifier, packer, slot, next: (0, 0), machine };
        pipeline.decide(&beginning, &mut Spent::default());
        assert!(pipeline.machine.partition().is_live(), "the rules are active and live");
        pipeline
    }

    /// JSON bytes to disposition bytes.
    pub fn take(&mut self, lines: &[(TimeMs, String)], spent: &mut Spent) {
        let began = thread_cpu();
        let records = self.intake(lines, spent);
        let taken = thread_cpu();
        self.decide(&records, spent);
        spent.intake += taken - began;
        spent.decide += thread_cpu() - taken;
    }

    /// JSON bytes to facts records.
    pub fn intake(&mut self, lines: &[(TimeMs, String)], spent: &mut Spent) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        for (at, line) in lines {
            let record = SourceRecord { bytes: line.as_bytes(), headers: &[], timestamp: *at };
            let facts = self.classifier.classify(&record).map(|classified| classified.facts);
            let facts = facts.unwrap_or_default();
            spent.accepted += usize::from(!facts.is_empty());
            self.packer.read(self.slot, VERSION, self.next.0, *at, facts);
            self.next.0 += 1;
            records.extend(encode(self.packer.take_finished()));
        }
        records.extend(encode(self.packer.flush(Flush::All)));
        records
    }

    /// Facts records to disposition bytes.
    pub fn decide(&mut self, records: &[Vec<u8>], spent: &mut Spent) {
        for record in records {
            let mut portion = Portion::default();
            self.machine.apply(self.next.1, record, &mut portion).expect("our own records can be applied");
            self.next.1 += 1;
            spent.dispositions +=
                portion.records.iter().filter(|out| out.topic == Topic::Dispositions).count();
            spent.bytes_out +=
                portion.records.iter().filter_map(|out| out.value.as_ref()).map(Vec::len).sum::<usize>();
        }
    }

    /// Subjects with a log, and entries in all logs.
    pub fn retained(&self) -> (usize, usize) {
        self.machine.partition().retained()
    }

    /// The deciding half alone; what intake holds is dropped.
    #[allow(dead_code, reason = "one of the two benches measures memory")]
    pub fn into_machine(self) -> Machine {
        self.machine
    }
}

fn classifier(keys: &Arc<Keys>) -> Classifier {
    let mapping = Arc::new(SourceMapping::load("native").expect("shipped"));
    let settings = ClassifierSettings {
        institution: INSTITUTION.to_owned(),
        facts_partitions: 1,
        ahead_max: None,
        releases: ReleasePolicy::default(),
        orders: Default::default(),
    };
    Classifier::new(mapping, Arc::clone(keys), settings, Arc::new(Loader::new()))
}

fn encode(packs: Vec<Packed>) -> Vec<Vec<u8>> {
    let encoded = packs.into_iter().map(|(_, pack)| {
        let mut bytes = Vec::new();
        facts::encode(&FactsRecord::Facts(pack), &mut bytes);
        bytes
    });
    encoded.collect()
}
