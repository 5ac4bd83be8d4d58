//! What is the same in every world: keys, rules, mappings, and how processes are set up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::events::INSTITUTION;
use super::host::SimHost;
use super::intake_log::{FACTS_TOPIC, SOURCE_TOPIC};
use super::lives::authority_key;
use super::rules::{BUNDLES, EARLIER_SEMANTICS, Rules, Speaking};
use super::store::LyingStore;
use crate::codec::authority::AuthorityKey;
use crate::codec::keys::Keys;
use crate::config::source::SourceMapping;
use crate::decide;
use crate::decide::driver::{Host, Pace};
use crate::decide::machine::Surroundings;
use crate::decide::observe::{Observe, Standing};
use crate::decide::snapshot::SnapshotStore;
use crate::decide::view::ReadView;
use crate::engine::SEMANTICS;
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::cover::{ConfigVersion, SourceId};
use crate::engine::input::TimeMode;
use crate::engine::ruleset::RuleSet;
use crate::intake;
use crate::intake::classify::{Classifier, ClassifierSettings};
use crate::intake::desk::SourceSetup;
use crate::intake::first_start::FirstStart;
use crate::intake::orders::OrderPolicy;
use crate::intake::pack::PackBounds;
use crate::intake::release::ReleasePolicy;
use crate::intake::sender::SenderTopics;
use crate::intake::versions::Versions;
use crate::log::kafka::Connection;

/// What an operator may change while everything runs.
#[derive(Clone, Debug)]
pub struct Config {
    pub versions: Vec<ConfigVersion>,
    pub generation: u32,
    /// Which of the rule sets decides.
    pub rules: usize,
}

impl Config {
    pub fn first(rules: usize) -> Config {
        Config { versions: vec![ConfigVersion { from: TimeMs::MIN, number: 1 }], generation: 1, rules }
    }
}

/// What deciding tells of itself.
#[derive(Debug, Default)]
pub struct Heard {
    /// Promises that were broken (`engine::invariant`).
    broken: AtomicU64,
    /// Partitions that came back out of a snapshot.
    restored: AtomicU64,
    /// Partitions that stopped before a record.
    stopped: AtomicU64,
}

/// What was heard since it was last asked.
#[derive(Clone, Copy, Debug)]
pub struct HeardOf {
    pub broken: u64,
    pub restored: u64,
    pub stopped: u64,
}

impl Heard {
    /// All counts since they were last taken.
    pub fn take(&self) -> HeardOf {
        let [broken, restored, stopped] =
            [&self.broken, &self.restored, &self.stopped].map(|count| count.swap(0, Ordering::Relaxed));
        HeardOf { broken, restored, stopped }
    }
}

impl Observe for Heard {
    fn advanced(&self, standing: Standing, _: Option<&RuleSet>) {
        self.broken.fetch_add(standing.tally.broken.iter().sum(), Ordering::Relaxed);
    }

    fn snapshot_found(&self, _: u32, _: TimeMs) {
        self.restored.fetch_add(1, Ordering::Relaxed);
    }

    fn failed(&self, _: u32) {
        self.stopped.fetch_add(1, Ordering::Relaxed);
    }
}

pub struct Deployment {
    pub sources: u32,
    pub facts: u32,
    pub keys: Arc<Keys>,
    pub rules: Arc<Rules>,
    pub store: Arc<LyingStore>,
    /// The key by which the authority signs.
    authority: AuthorityKey,
    pub heard: Arc<Heard>,
    /// As workers of the release before store them, and as those of this one do.
    snapshots: BTreeMap<u32, Arc<SnapshotStore>>,
    mappings: [Arc<SourceMapping>; 2],
}

impl Deployment {
    pub fn new() -> Deployment {
        let first = SourceMapping::load("native").unwrap();
        // The second version gives other facts of the same record: devices are no subjects any more.
        let mut second = first.clone();
        second.shared_subjects.device = None;
        let store = Arc::new(LyingStore::new());
        Deployment {
            sources: 2,
            facts: 3,
            keys: Arc::new(Keys::development()),
            rules: Arc::new(Rules::new()),
            authority: authority_key(),
            heard: Arc::default(),
            snapshots: [EARLIER_SEMANTICS, SEMANTICS]
                .map(|semantics| {
                    let snapshots = SnapshotStore::new(Arc::clone(&store) as _, "facts", 2).unwrap();
                    (semantics, Arc::new(snapshots.of_semantics(semantics)))
                })
                .into(),
            store,
            mappings: [Arc::new(first), Arc::new(second)],
        }
    }

    pub fn source_id(&self, generation: u32, partition: u32) -> SourceId {
        SourceId { name: Arc::from(SOURCE_TOPIC), generation, partition }
    }

    pub fn classifiers(&self, versions: &[ConfigVersion]) -> BTreeMap<u32, Classifier> {
        let classifier = |version: &ConfigVersion| {
            let settings = ClassifierSettings {
                institution: INSTITUTION.to_owned(),
                facts_partitions: self.facts,
                ahead_max: Some(SpanMs(60_000)),
                releases: ReleasePolicy::default(),
                orders: OrderPolicy { keys: vec![self.authority.clone()] },
            };
            let mapping = Arc::clone(&self.mappings[version.number as usize - 1]);
            let rules = Arc::clone(&self.rules);
            (version.number, Classifier::new(mapping, Arc::clone(&self.keys), settings, rules))
        };
        versions.iter().map(classifier).collect()
    }

    pub fn intake(&self, config: &Config) -> intake::run::Setup {
        intake::run::Setup {
            connection: Connection::default(),
            group: String::new(),
            instance: None,
            session_timeout_ms: 6_000,
            queue_kib: 1,
            topics: SenderTopics { facts: FACTS_TOPIC.to_owned(), dead_letters: "letters".to_owned() },
            decided_topic: "decided".to_owned(),
            facts_partitions: self.facts,
            sources: vec![SourceSetup {
                name: Arc::from(SOURCE_TOPIC),
                topic: SOURCE_TOPIC.to_owned(),
                generation: config.generation,
                partitions: self.sources,
                classifiers: self.classifiers(&config.versions),
            }],
            versions: Versions::new(config.versions.clone()).unwrap(),
            first_start: Some(FirstStart { bundle: Arc::from(BUNDLES[config.rules]), goes_live: true }),
            keys: Arc::clone(&self.keys),
            time: TimeMode::Broker,
            skew_max: SpanMs(1_000),
            pack: PackBounds { facts_max: 3, ..PackBounds::default() },
            linger: Duration::from_millis(20),
            cover_every: Duration::from_secs(3),
            until_end: false,
        }
    }

    pub fn decide(&self, host: &SimHost, speaks: u32) -> decide::driver::Setup {
        decide::driver::Setup {
            partitions: self.facts,
            time: TimeMode::Broker,
            surroundings: Surroundings {
                keys: Arc::clone(&self.keys),
                institution: Arc::from(INSTITUTION),
                loader: Arc::new(Speaking { rules: Arc::clone(&self.rules), speaks }),
                observe: Arc::clone(&self.heard) as _,
            },
            snapshots: self.snapshots.get(&speaks).cloned(),
            view: Arc::new(ReadView::default()),
            pace: Pace {
                commit_every: Duration::from_millis(20),
                commit_idle: Duration::from_secs(1),
                progress_every: Duration::from_secs(2),
                snapshot_every: Duration::from_secs(3),
                waiting_bytes_max: 4_096,
                retry_after: Duration::from_millis(100),
                leave_max: Duration::from_secs(20),
            },
            host: Host { clock: Arc::new(host.clone()), crew: Arc::new(host.clone()) },
            until_end: false,
        }
    }
}
