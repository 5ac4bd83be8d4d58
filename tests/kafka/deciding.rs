//! The deciding loop on a real broker: workers come, die and go, and each fact is decided once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::codec::output::{OutRecord, Topic, decode_decided};
use duecourse::config::bundle::{self, Loader};
use duecourse::decide::DecideError;
use duecourse::decide::driver::{Host, Pace, Setup, decide};
use duecourse::decide::machine::Surroundings;
use duecourse::decide::observe::Silent;
use duecourse::decide::snapshot::SnapshotStore;
use duecourse::decide::view::ReadView;
use duecourse::engine::base::{Fingerprint, TimeMs, Token};
use duecourse::engine::cover::{ConfigVersion, Range, SourceId};
use duecourse::engine::disposition::AppealRef;
use duecourse::engine::fact::{AppealOutcome, Fact, FactBody, Release};
use duecourse::engine::input::{FactsPack, FactsRecord, PackedFact, TimeMode};
use duecourse::engine::subject::{Subject, SubjectKind};
use duecourse::log::{Batch, CommitOutcome, DecideEvent, DecideLog, LogError, Progress};

use crate::cluster::Cluster;

const PARTITIONS: u32 = 4;
const DIES: &str = "dies here";

/// A worker that dies after or before a commit, and never learns which.
struct Mortal<L> {
    log: L,
    commits_left: u32,
    commits_first: bool,
}

impl<L: DecideLog> DecideLog for Mortal<L> {
    fn poll(&mut self, wait: Duration) -> Result<Vec<DecideEvent>, LogError> {
        self.log.poll(wait)
    }

    fn start(&mut self, partition: u32, offset: u64) -> Result<(), LogError> {
        self.log.start(partition, offset)
    }

    fn release(&mut self, partitions: &[u32]) -> Result<(), LogError> {
        self.log.release(partitions)
    }

    fn pause(&mut self, partition: u32, paused: bool) -> Result<(), LogError> {
        self.log.pause(partition, paused)
    }

    fn send_reports(&mut self, reports: &[(u32, Vec<u8>)]) -> Result<(), LogError> {
        self.log.send_reports(reports)
    }

    fn commit(&mut self, batches: &[Batch]) -> Result<CommitOutcome, LogError> {
        if self.commits_left == 0 {
            if self.commits_first {
                self.log.commit(batches)?;
            }
            return Err(LogError::Damaged(DIES.to_owned()));
        }
        self.commits_left -= 1;
        self.log.commit(batches)
    }

    fn progress(&mut self) -> Result<Vec<Progress>, LogError> {
        self.log.progress()
    }

    fn holds(&mut self, topic: Topic, key: &[u8]) -> Result<bool, LogError> {
        self.log.holds(topic, key)
    }

    fn close(self) {
        self.log.close();
    }
}

fn setup(store: &Arc<SnapshotStore>, until_end: bool) -> Setup {
    let surroundings = Surroundings {
        keys: Arc::new(Keys::development()),
        institution: "bank_0".into(),
        loader: Arc::new(Loader::new()),
        observe: Arc::new(Silent),
    };
    Setup {
        partitions: PARTITIONS,
        time: TimeMode::Event,
        surroundings,
        snapshots: Some(Arc::clone(store)),
        view: Arc::new(ReadView::default()),
        pace: Pace {
            snapshot_every: Duration::from_millis(100),
            waiting_bytes_max: 64 << 10,
            ..Pace::default()
        },
        host: Host::default(),
        until_end,
    }
}

/// One partition's facts, each of which gives one dead letter: appeals against measures that nobody
/// has heard of. The first two records announce a version and activate rules.
fn appeal(partition: u32, number: u64) -> Vec<u8> {
    let body = match number {
        0 => return encoded(&FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs(0), number: 1 })),
        1 => FactBody::RuleSetActivated {
            bundle: bundle::embedded(bundle::Profile::Strict).unwrap().into(),
            release: Release::default(),
        },
        _ => FactBody::AppealDecided {
            appeal: AppealRef::from_bits(number),
            outcome: AppealOutcome::Overturned,
            override_for: None,
            decider: None,
            reason: None,
        },
    };
    let (at, offset) = (TimeMs(1_700_000_000_000 + number as i64), number as i64);
    let fact = Fact {
        event: Fingerprint(u64::from(partition) << 32 | number),
        at,
        route: Subject::new(SubjectKind::Holder, Token(u128::from(partition))),
        body,
    };
    let range = Range {
        source: SourceId { name: "s".into(), generation: 1, partition },
        baseline: number == 1,
        previous: offset - 1,
        last: offset,
        timestamps: (at, at),
        through: at,
    };
    let packed = PackedFact { range: 0, offset, ordinal: 0, time: at, fact };
    encoded(&FactsRecord::Facts(FactsPack { version: 1, ranges: vec![range], facts: vec![packed] }))
}

/// Writes facts to all partitions, a little at a time, until told to stop; returns how many each got.
fn feed(cluster: &Cluster, stop: &AtomicBool) -> u64 {
    let mut next = 0;
    let mut producer = cluster.producer();
    while !stop.load(Ordering::SeqCst) {
        for partition in 0..PARTITIONS {
            let facts = (next..next + 5).map(|number| appeal(partition, number));
            cluster.write_facts_by(&mut producer, partition, facts);
        }
        next += 5;
        std::thread::sleep(Duration::from_millis(10));
    }
    next
}

fn encoded(record: &FactsRecord) -> Vec<u8> {
    let mut bytes = Vec::new();
    facts::encode(record, &mut bytes);
    bytes
}

#[test]
fn workers_die_around_commits_and_take_over_from_each_other_and_each_fact_is_decided_once() {
    let cluster = Cluster::with_topics(PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap());
    let (fed, stop_first, stop_second) =
        (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
    let facts = std::thread::scope(|scope| {
        let feeder = scope.spawn(|| feed(&cluster, &fed));
        // Lives of one worker that end around a commit.
        for life in 0..6 {
            let log = Mortal {
                log: cluster.worker("a", "a"),
                commits_left: life * 10,
                commits_first: life % 2 == 0,
            };
            match decide(log, setup(&store, false), &AtomicBool::new(false)) {
                Err(DecideError::Log(LogError::Damaged(why))) if why == DIES => {}
                other => panic!("{other:?}"),
            }
        }
        // Two together: the second one comes, then the first one goes.
        let first = scope.spawn(|| decide(cluster.worker("a", "a"), setup(&store, false), &stop_first));
        std::thread::sleep(Duration::from_millis(1_500));
        let second = scope.spawn(|| decide(cluster.worker("b", "b"), setup(&store, false), &stop_second));
        std::thread::sleep(Duration::from_millis(3_000));
        stop_first.store(true, Ordering::SeqCst);
        first.join().unwrap().unwrap();
        std::thread::sleep(Duration::from_millis(1_000));
        fed.store(true, Ordering::SeqCst);
        let facts = feeder.join().unwrap();
        stop_second.store(true, Ordering::SeqCst);
        second.join().unwrap().unwrap();
        facts
    });
    // The last one finds the rest, and the end.
    decide(cluster.worker("b", "b"), setup(&store, true), &AtomicBool::new(false)).unwrap();

    let letters = cluster.values("dead-letters");
    let mut times: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    for letter in letters {
        *times.entry(letter).or_default() += 1;
    }
    assert_eq!(times.len() as u64, u64::from(PARTITIONS) * (facts - 2), "lost");
    assert!(times.values().all(|count| *count == 1), "doubled");
    let mut ends = BTreeMap::new();
    for value in cluster.values("decided") {
        let progress = decode_decided(&value).unwrap();
        ends.insert(progress.facts_partition, progress.next_offset);
    }
    assert!(ends.len() == PARTITIONS as usize && ends.values().all(|end| *end == facts), "{ends:?}");
}

#[test]
fn a_null_value_and_a_key_reach_the_compacted_topic() {
    let cluster = Cluster::with_topics(1);
    let mut log = cluster.worker("a", "a");
    crate::cluster::poll_until(&mut log, |_, event| matches!(event, DecideEvent::Assigned { .. }));
    let record = |key: &[u8], value: Option<&[u8]>| OutRecord {
        topic: Topic::Measures,
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
    };
    let records = vec![record(b"x", Some(b"1")), record(b"y", Some(b"2")), record(b"x", None)];
    assert_eq!(
        log.commit(&[Batch { partition: 0, next_offset: 0, records }]).unwrap(),
        CommitOutcome::Committed
    );
    assert!(!log.holds(Topic::Measures, b"x").unwrap());
    assert!(log.holds(Topic::Measures, b"y").unwrap());
    log.close();
}
