//! Intake over a real broker: each fact once whatever happens, and sources that lie refused.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::codec::output::{Deciding, encode_decided};
use duecourse::config::bundle::Loader;
use duecourse::config::source::SourceMapping;
use duecourse::engine::base::{SpanMs, TimeMs};
use duecourse::engine::cover::{Admission, ConfigVersion, Coverage, SourceId};
use duecourse::engine::input::{FactsRecord, TimeMode};
use duecourse::intake::classify::{Classifier, ClassifierSettings, HEADER_CSV_HEADER};
use duecourse::intake::desk::{SourceSetup, Tally};
use duecourse::intake::feed::{Feeder, Row};
use duecourse::intake::pack::PackBounds;
use duecourse::intake::release::ReleasePolicy;
use duecourse::intake::run::{IntakeError, Setup, run};
use duecourse::intake::sender::SenderTopics;
use duecourse::intake::versions::Versions;
use duecourse::log::kafka::{AckedProducer, Admin, OutMessage, TopicSpec, read_topic};

use crate::cluster::Cluster;

const HEADER: &[u8] = b"event_id,ts_ms,from_account,to_account,amount,type";
const SOURCE_PARTITIONS: u32 = 2;
const FACTS_PARTITIONS: u32 = 3;

/// A deployment with a source topic.
struct Deployment {
    cluster: Cluster,
    versions: Vec<ConfigVersion>,
    time: TimeMode,
    generation: u32,
}

const SINCE_EVER: ConfigVersion = ConfigVersion { from: TimeMs::MIN, number: 1 };

impl Deployment {
    fn new() -> Deployment {
        Deployment::over(|topic| TopicSpec::stream(topic, SOURCE_PARTITIONS, 1, -1))
    }

    fn over(source: impl Fn(&str) -> TopicSpec) -> Deployment {
        let cluster = Cluster::with_topics(FACTS_PARTITIONS);
        let admin = Admin::connect(&cluster.connection).unwrap();
        admin.create_topics(&[source(&cluster.topic("events"))]).unwrap();
        Deployment { cluster, versions: vec![SINCE_EVER], time: TimeMode::Broker, generation: 1 }
    }

    fn setup(&self, member: &str) -> Setup {
        let keys = Arc::new(Keys::development());
        let classifier = || {
            let mapping = Arc::new(SourceMapping::load("labelled-csv").unwrap());
            let settings = ClassifierSettings {
                institution: "demo-bank".into(),
                facts_partitions: FACTS_PARTITIONS,
                ahead_max: None,
                releases: ReleasePolicy::default(),
                orders: Default::default(),
            };
            Classifier::new(mapping, Arc::clone(&keys), settings, Arc::new(Loader::new()))
        };
        Setup {
            connection: self.cluster.connection.clone(),
            group: self.cluster.topic("intake"),
            instance: Some(self.cluster.topic(member)),
            session_timeout_ms: 6_000,
            queue_kib: 16_384,
            topics: SenderTopics {
                facts: self.cluster.topic("facts"),
                dead_letters: self.cluster.topic("dead-letters"),
            },
            decided_topic: self.cluster.topic("decided"),
            facts_partitions: FACTS_PARTITIONS,
            sources: vec![SourceSetup {
                name: Arc::from("events"),
                topic: self.cluster.topic("events"),
                generation: self.generation,
                partitions: SOURCE_PARTITIONS,
                classifiers: self.versions.iter().map(|version| (version.number, classifier())).collect(),
            }],
            versions: Versions::new(self.versions.clone()).unwrap(),
            first_start: None,
            keys: Arc::clone(&keys),
            time: self.time,
            skew_max: SpanMs(1_000),
            pack: PackBounds { facts_max: 40, ..PackBounds::default() },
            linger: Duration::from_millis(5),
            cover_every: Duration::from_millis(100),
            until_end: true,
        }
    }

    fn run_to_end(&self) -> Result<Tally, IntakeError> {
        run(self.setup("a"), &AtomicBool::new(false), &mut |_| {})
    }

    /// Rows `numbers`, each a transfer between two accounts, spread over the source partitions.
    fn write_rows(&self, numbers: std::ops::Range<u64>) {
        let mut feeder =
            Feeder::resume(&self.cluster.connection, &self.cluster.topic("events"), "rows").unwrap();
        for number in numbers {
            let at = 1_700_000_000_000 + number * 1000;
            let line = format!("E{number},{at},A{},B{},12.50,transfer", number % 17, number % 23);
            let headers = [(HEADER_CSV_HEADER, HEADER)];
            let partition = u32::try_from(number % u64::from(SOURCE_PARTITIONS)).unwrap();
            let at = TimeMs(i64::try_from(at).unwrap());
            feeder.write(&Row { number, at, partition, value: line.as_bytes(), headers: &headers }).unwrap();
        }
        feeder.settle().unwrap();
    }

    fn write_value(&self, value: &[u8]) {
        let topic = self.cluster.topic("events");
        let mut producer = AckedProducer::connect(&self.cluster.connection, "test", 0).unwrap();
        let message =
            OutMessage { topic: &topic, partition: Some(0), value: Some(value), ..OutMessage::default() };
        producer.send(message).unwrap();
        producer.flush(Duration::from_secs(30)).unwrap();
    }

    /// What each facts partition applies: its coverage at the end, and how often each fact.
    fn applied(&self) -> Vec<(Coverage, BTreeMap<(u32, i64, u16), u32>)> {
        let mut partitions = vec![(Coverage::default(), BTreeMap::new()); FACTS_PARTITIONS as usize];
        read_topic(&self.cluster.connection, &self.cluster.topic("facts"), &mut |record| {
            let (coverage, applied) = &mut partitions[record.partition as usize];
            apply(coverage, applied, facts::decode(record.value.unwrap()).unwrap());
            ControlFlow::Continue(())
        })
        .unwrap();
        partitions
    }

    fn source(&self, partition: u32) -> SourceId {
        SourceId { name: Arc::from("events"), generation: self.generation, partition }
    }

    /// Every row's two facts applied once, and every partition told how far both sources go.
    fn assert_each_fact_once(&self, rows: u64) {
        let mut total = 0;
        for (coverage, applied) in self.applied() {
            assert!(applied.values().all(|count| *count == 1));
            total += applied.len() as u64;
            for partition in 0..SOURCE_PARTITIONS {
                let last = i64::try_from(rows / u64::from(SOURCE_PARTITIONS)).unwrap() - 1;
                assert_eq!(coverage.sources[&self.source(partition)].last, last);
            }
        }
        assert_eq!(total, rows * 2);
    }

    /// Says in `decided` that everything in the facts topic has been decided.
    fn decide_all(&self) {
        let mut producer = AckedProducer::connect(&self.cluster.connection, "test", 0).unwrap();
        let topic = self.cluster.topic("decided");
        for (partition, (coverage, _)) in (0..).zip(self.applied()) {
            let record = encode_decided(partition, 1, &coverage, TimeMs(0), &Deciding::default());
            let value = record.value.as_deref();
            let message =
                OutMessage { topic: &topic, key: Some(&record.key), value, ..OutMessage::default() };
            producer.send(message).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
    }
}

fn apply(coverage: &mut Coverage, applied: &mut BTreeMap<(u32, i64, u16), u32>, record: FactsRecord) {
    let pack = match record {
        FactsRecord::Facts(pack) => pack,
        FactsRecord::VersionAnnounced(version) => return coverage.announce(version),
        FactsRecord::SourceSkipped(skip) => {
            coverage.skip(&skip);
            return;
        }
        FactsRecord::Reports(_) => return,
    };
    let verdicts: Vec<Admission> =
        pack.ranges.iter().map(|range| coverage.admit(pack.version, range)).collect();
    for fact in &pack.facts {
        let (range, verdict) = (&pack.ranges[fact.range as usize], verdicts[fact.range as usize]);
        if matches!(verdict, Admission::Apply { after } if fact.offset > after) {
            *applied.entry((range.source.partition, fact.offset, fact.ordinal)).or_default() += 1;
        }
    }
    for (range, verdict) in pack.ranges.iter().zip(verdicts) {
        match verdict {
            Admission::Apply { .. } => coverage.advance(range),
            Admission::Stale => {}
            refused => panic!("{refused:?}: {range:?}"),
        }
    }
}

#[test]
fn what_is_sent_again_is_applied_once() {
    let deployment = Deployment::new();
    deployment.write_rows(0..300);
    assert_eq!(deployment.run_to_end().unwrap().accepted, 300);
    deployment.assert_each_fact_once(300);
    // Nothing was decided: all of it is sent again, and more.
    deployment.write_rows(0..400);
    assert_eq!(deployment.run_to_end().unwrap().accepted, 400);
    deployment.assert_each_fact_once(400);
    // Decided: reading begins after it.
    deployment.decide_all();
    deployment.write_rows(0..420);
    assert_eq!(deployment.run_to_end().unwrap().accepted, 20);
    deployment.assert_each_fact_once(420);
}

#[test]
fn two_intakes_share_the_sources_and_one_takes_over() {
    let deployment = Deployment::new();
    let stops = [AtomicBool::new(false), AtomicBool::new(false)];
    std::thread::scope(|scope| {
        let start = |member: &'static str, stop| {
            let setup = Setup { until_end: false, ..deployment.setup(member) };
            scope.spawn(move || run(setup, stop, &mut |_| {}).unwrap())
        };
        let first = start("a", &stops[0]);
        deployment.write_rows(0..200);
        let second = start("b", &stops[1]);
        for end in [300, 400, 500] {
            std::thread::sleep(Duration::from_secs(2));
            deployment.write_rows(0..end);
        }
        stops[0].store(true, Ordering::SeqCst);
        first.join().unwrap();
        deployment.write_rows(0..600);
        // A static member that left is waited for: the other takes over when its session has ended.
        std::thread::sleep(Duration::from_secs(10));
        stops[1].store(true, Ordering::SeqCst);
        assert!(second.join().unwrap().accepted > 0);
    });
    deployment.assert_each_fact_once(600);
}

#[test]
fn refused_records_become_dead_letters_without_content() {
    let deployment = Deployment::new();
    deployment.write_rows(0..2);
    deployment.write_value(b"6217000010001234567 is nobody's business");
    deployment.write_value(&vec![b'x'; 900_000]);
    deployment.write_value(&[0xff, 0xfe]);
    let tally = deployment.run_to_end().unwrap();
    assert_eq!((tally.accepted, tally.refused.values().sum::<u64>()), (2, 3));
    let letters = deployment.cluster.values("dead-letters");
    assert_eq!(letters.len(), 3);
    for (offset, letter) in (1..).zip(&letters) {
        let text = std::str::from_utf8(letter).unwrap();
        assert!(!text.contains("6217") && text.len() < 200, "{text}");
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!((value["partition"].as_i64(), value["offset"].as_i64()), (Some(0), Some(offset)));
        assert_eq!(value["intake_version"], 1);
    }
}

#[test]
fn sources_that_lie_are_refused() {
    let compacted = Deployment::over(|topic| TopicSpec::compacted(topic, SOURCE_PARTITIONS, 1));
    assert!(compacted.run_to_end().unwrap_err().to_string().contains("compacted"));

    let producers_time = |topic: &str| TopicSpec {
        config: vec![("message.timestamp.type".into(), "CreateTime".into())],
        ..TopicSpec::stream(topic, SOURCE_PARTITIONS, 1, -1)
    };
    let mut unclocked = Deployment::over(producers_time);
    assert!(unclocked.run_to_end().unwrap_err().to_string().contains("LogAppendTime"));
    unclocked.time = TimeMode::Event;
    unclocked.write_rows(0..4);
    assert_eq!(unclocked.run_to_end().unwrap().accepted, 4);
}

#[test]
fn a_recreated_topic_stops_intake_until_it_is_a_new_generation() {
    let mut deployment = Deployment::new();
    deployment.write_rows(0..40);
    deployment.run_to_end().unwrap();
    deployment.decide_all();
    let admin = Admin::connect(&deployment.cluster.connection).unwrap();
    let topic = deployment.cluster.topic("events");
    admin.delete_topics(&[&topic]).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    admin.create_topics(&[TopicSpec::stream(&topic, SOURCE_PARTITIONS, 1, -1)]).unwrap();
    deployment.write_rows(0..10);
    let stopped = deployment.run_to_end().unwrap_err().to_string();
    assert!(stopped.contains("recreated") && stopped.contains("generation"), "{stopped}");
    deployment.generation = 2;
    assert_eq!(deployment.run_to_end().unwrap().accepted, 10);
}

#[test]
fn versions_are_announced_everywhere_before_they_begin() {
    let mut deployment = Deployment::new();
    deployment.write_rows(0..4);
    deployment.run_to_end().unwrap();
    deployment.decide_all();
    let later = |hours: i64, number| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_millis()).unwrap();
        ConfigVersion { from: TimeMs(now + hours * 3_600_000), number }
    };
    let planned = later(1, 2);
    deployment.versions = vec![SINCE_EVER, planned];
    deployment.run_to_end().unwrap();
    for (coverage, _) in deployment.applied() {
        assert_eq!(coverage.versions, [SINCE_EVER, planned]);
    }
    deployment.decide_all();
    deployment.versions = vec![SINCE_EVER, later(2, 2)];
    assert!(deployment.run_to_end().unwrap_err().to_string().contains("past"));
    deployment.versions = vec![SINCE_EVER];
    assert!(deployment.run_to_end().unwrap_err().to_string().contains("announced before"));
}
