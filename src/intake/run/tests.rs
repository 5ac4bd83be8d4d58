//! What refused records cost: a letter each, acknowledged before anything covers them (P5), and no more waits for
//! the brokers than turns.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::*;
use crate::config::bundle;
use crate::config::source::SourceMapping;
use crate::engine::base::TimeMs;
use crate::engine::cover::ConfigVersion;
use crate::intake::classify::{Classifier, ClassifierSettings};
use crate::intake::orders::OrderPolicy;
use crate::intake::release::ReleasePolicy;
use crate::log::kafka::TopicDescription;
use crate::log::source::{SourceRecord, TimestampKind};

const TOPIC: &str = "events";
const AT_MS: i64 = 1_704_067_200_000;
const FACTS_PARTITIONS: u32 = 4;

/// One source partition with everything in it already, and brokers that take whatever comes.
struct FullLog {
    records: Vec<String>,
    is_assigned: bool,
    next: usize,
    announced: Vec<Vec<Vec<u8>>>,
    letters: usize,
    letters_open: usize,
    /// Packs that were handed over while a letter before them had not been acknowledged.
    early: usize,
    packs: usize,
    waits: Cell<usize>,
}

impl FullLog {
    fn new(records: Vec<String>) -> FullLog {
        FullLog {
            records,
            is_assigned: false,
            next: 0,
            announced: vec![Vec::new(); FACTS_PARTITIONS as usize],
            letters: 0,
            letters_open: 0,
            early: 0,
            packs: 0,
            waits: Cell::new(0),
        }
    }
}

impl IntakeLog for FullLog {
    fn poll(
        &mut self,
        _: Duration,
        records_max: usize,
        serve: &mut dyn FnMut(SourceEvent<'_>),
    ) -> Result<usize, LogError> {
        if !self.is_assigned {
            self.is_assigned = true;
            serve(SourceEvent::Assigned { topic: TOPIC, partition: 0, committed: None });
            return Ok(0);
        }
        let served = self.records.iter().enumerate().skip(self.next).take(records_max);
        let mut count = 0;
        for (offset, value) in served {
            count += 1;
            serve(SourceEvent::Record(SourceRecord {
                topic: TOPIC,
                partition: 0,
                offset: offset as i64,
                timestamp_ms: AT_MS + offset as i64,
                timestamp_kind: TimestampKind::Append,
                key: None,
                value: Some(value.as_bytes()),
                headers: &[],
            }));
        }
        self.next += count;
        Ok(count)
    }

    fn start(&mut self, _: &str, _: u32, offset: i64) -> Result<(), LogError> {
        self.next = usize::try_from(offset).unwrap();
        Ok(())
    }

    fn release(&mut self, _: &[(String, u32)]) -> Result<(), LogError> {
        Ok(())
    }

    fn seek(&mut self, topic: &str, partition: u32, offset: i64) -> Result<(), LogError> {
        self.start(topic, partition, offset)
    }

    fn pause(&mut self, _: &str, _: u32, _: bool) -> Result<(), LogError> {
        Ok(())
    }

    fn watermarks(&self, topic: &str, partition: u32) -> Result<(i64, i64), LogError> {
        let count =
            if topic == TOPIC { self.records.len() } else { self.announced[partition as usize].len() };
        Ok((0, count as i64))
    }

    fn position(&self, _: &str, _: u32) -> Option<i64> {
        Some(self.next as i64)
    }

    fn commit(&mut self, _: &[(&str, u32, i64)]) -> Result<(), LogError> {
        Ok(())
    }

    fn broker_time(&self) -> Option<TimeMs> {
        Some(TimeMs(AT_MS))
    }

    fn send_facts(&mut self, partition: u32, record: &[u8]) -> Result<(), LogError> {
        self.packs += 1;
        self.early += usize::from(self.letters_open > 0);
        self.announced[partition as usize].push(record.to_vec());
        Ok(())
    }

    fn send_dead_letter(&mut self, _: &[u8], _: &[u8]) -> Result<(), LogError> {
        self.letters += 1;
        self.letters_open += 1;
        Ok(())
    }

    fn settle(&mut self) -> Result<(), LogError> {
        self.waits.set(self.waits.get() + 1);
        self.letters_open = 0;
        Ok(())
    }

    fn renew_producer(&mut self) -> Result<(), LogError> {
        Ok(())
    }

    fn decided(&self) -> Result<Vec<Vec<u8>>, LogError> {
        Ok(Vec::new())
    }

    fn read_facts(&self, partition: u32, offset: i64, on: &mut dyn FnMut(&[u8])) -> Result<(), LogError> {
        let from = usize::try_from(offset).unwrap();
        self.announced[partition as usize].iter().skip(from).for_each(|bytes| on(bytes));
        Ok(())
    }

    fn facts_time(&self, _: u32, _: i64) -> Result<Option<i64>, LogError> {
        Ok(None)
    }

    fn describe(&self, topic: &str) -> Result<Option<TopicDescription>, LogError> {
        Ok(Some(TopicDescription {
            name: topic.to_owned(),
            partitions: if topic == TOPIC { 1 } else { FACTS_PARTITIONS },
            compacted: false,
            log_append_time: true,
            retention_ms: -1,
        }))
    }

    fn close(self, _: Duration) {}
}

fn setup() -> Setup {
    let keys = Arc::new(Keys::development());
    let settings = ClassifierSettings {
        institution: "demo-bank".to_owned(),
        facts_partitions: FACTS_PARTITIONS,
        ahead_max: None,
        releases: ReleasePolicy::default(),
        orders: OrderPolicy::default(),
    };
    let mapping = Arc::new(SourceMapping::load("native").unwrap());
    let loader = Arc::new(bundle::Loader::default());
    let classifier = Classifier::new(mapping, Arc::clone(&keys), settings, loader);
    Setup {
        connection: Connection::default(),
        group: String::new(),
        instance: None,
        session_timeout_ms: 6_000,
        queue_kib: 1,
        topics: SenderTopics { facts: "facts".to_owned(), dead_letters: "letters".to_owned() },
        decided_topic: "decided".to_owned(),
        facts_partitions: FACTS_PARTITIONS,
        sources: vec![SourceSetup {
            name: Arc::from(TOPIC),
            topic: TOPIC.to_owned(),
            generation: 1,
            partitions: 1,
            classifiers: BTreeMap::from([(1, classifier)]),
        }],
        versions: Versions::new(vec![ConfigVersion { from: TimeMs::MIN, number: 1 }]).unwrap(),
        first_start: None,
        keys,
        time: TimeMode::Broker,
        skew_max: SpanMs(1_000),
        pack: PackBounds { facts_max: 8, ..PackBounds::default() },
        linger: Duration::from_millis(20),
        cover_every: Duration::from_secs(3_600),
        until_end: false,
    }
}

/// Every tenth one is garbage.
fn records(count: usize) -> Vec<String> {
    let record = |number: usize| match number % 10 {
        9 => "{garbage".to_owned(),
        _ => format!(
            r#"{{"specversion":"1.0","id":"e{number}","source":"/t","type":"authorisation_revoked","time":"2024-01-01T00:00:00Z","data":{{"party":{{"institution":"demo-bank","holder":"h{number}","ref":"a{number}","kind":"account"}},"number":"A1"}}}}"#
        ),
    };
    (0..count).map(record).collect()
}

#[test]
fn what_is_refused_costs_a_wait_a_turn_and_not_a_wait_a_pack() {
    const RECORDS: usize = 2 * RECORDS_PER_TURN_MAX;
    let mut intake = Intake::start(FullLog::new(records(RECORDS)), setup(), Arc::new(MachineClock)).unwrap();
    let stop = AtomicBool::new(false);
    intake.round(&stop, &mut |_| ()).unwrap();
    let before = (intake.log.packs, intake.log.waits.get());
    for _ in 0..2 {
        intake.round(&stop, &mut |_| ()).unwrap();
    }
    let (packs, waits) = (intake.log.packs - before.0, intake.log.waits.get() - before.1);
    assert_eq!(intake.log.letters, RECORDS / 10);
    assert_eq!(intake.log.early, 0, "a pack left before the letter of what it passes over had arrived (P5)");
    let turns_and_bounds = 2 + packs / PACKS_BEHIND_LETTERS_MAX + 1;
    assert!(packs > 400, "{packs} packs show little");
    assert!(waits <= turns_and_bounds, "{waits} waits for {packs} packs");
}
