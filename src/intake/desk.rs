//! Where records of the assigned sources are classified and wait in their lanes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::base::TimeMs;
use crate::engine::cover::SourceId;
use crate::engine::fact::Fact;
use crate::engine::input::TimeMode;
use crate::log::source;

use super::classify::{Classifier, Destination, SourceRecord};
use super::lanes::{LaneBounds, Lanes, Waiting};
use super::pack::Slot;
use super::refusal::{Refusal, RefusalCode};
use super::versions::Versions;

/// A source topic, and how its records are read under each version of the intake configuration.
pub struct SourceSetup {
    pub name: Arc<str>,
    pub topic: String,
    pub generation: u32,
    pub partitions: u32,
    pub classifiers: BTreeMap<u32, Classifier>,
}

/// A record that was judged, under the version in force at its timestamp.
pub struct Judged {
    pub version: u32,
    pub outcome: Result<Vec<(Destination, Fact)>, RefusalCode>,
}

/// An assigned source partition.
#[derive(Debug)]
pub struct Assigned {
    pub slot: Slot,
    pub id: SourceId,
    pub topic: String,
    /// The group's offset when it was assigned: dead letters before it have been delivered.
    pub committed: i64,
    /// The end when it was assigned; `--until-end` stops there.
    pub end: i64,
    /// The next offset to be pushed.
    next: i64,
}

/// How many records came and what became of them, since the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub accepted: u64,
    pub refused: BTreeMap<&'static str, u64>,
    pub undeclared: BTreeMap<String, u64>,
    pub packs: u64,
    pub facts: u64,
    /// Deliveries that failed, after which reading began anew.
    pub restarts: u64,
}

/// Distinct names of undeclared fields that are counted one by one; the rest is counted together.
const UNDECLARED_NAMES_MAX: usize = 100;

/// Classifiers, lanes and the assignment. One thread owns it.
pub struct Desk {
    sources: Vec<SourceSetup>,
    time: TimeMode,
    versions: Versions,
    bounds: LaneBounds,
    pub lanes: Lanes<Judged>,
    pub assigned: Vec<Assigned>,
    pub tally: Tally,
}

impl Desk {
    #[must_use]
    pub fn new(sources: Vec<SourceSetup>, time: TimeMode, versions: Versions, bounds: LaneBounds) -> Desk {
        let lanes = Lanes::new(bounds);
        Desk { sources, time, versions, bounds, lanes, assigned: Vec::new(), tally: Tally::default() }
    }

    #[must_use]
    pub fn source_id(&self, topic: &str, partition: u32) -> Option<SourceId> {
        let source = self.sources.iter().find(|source| source.topic == topic)?;
        Some(SourceId { name: Arc::clone(&source.name), generation: source.generation, partition })
    }

    /// Takes up a partition whose reading begins at `next`.
    pub fn open(&mut self, slot: Slot, id: SourceId, topic: &str, next: i64, committed: i64, end: i64) {
        self.lanes.open(slot);
        self.assigned.push(Assigned { slot, id, topic: topic.to_owned(), committed, end, next });
    }

    /// Lets a partition go. Gives its slot if it was assigned.
    pub fn close(&mut self, topic: &str, partition: u32) -> Option<Slot> {
        let place = self.assigned.iter().position(|one| one.is(topic, partition))?;
        let slot = self.assigned.swap_remove(place).slot;
        self.lanes.close(slot);
        Some(slot)
    }

    /// Lets everything go.
    pub fn clear(&mut self) {
        self.lanes = Lanes::new(self.bounds);
        self.assigned.clear();
    }

    #[must_use]
    pub fn by_slot(&self, slot: Slot) -> Option<&Assigned> {
        self.assigned.iter().find(|one| one.slot == slot)
    }

    /// Classifies a record and puts it into its lane.
    pub fn receive(&mut self, record: &source::SourceRecord<'_>) {
        let Some(assigned) = self.assigned.iter_mut().find(|one| one.is(record.topic, record.partition))
        else {
            return;
        };
        if record.offset < assigned.next {
            return;
        }
        assigned.next = record.offset + 1;
        let slot = assigned.slot;
        let Some(source) = self.sources.iter_mut().find(|source| source.topic == record.topic) else {
            return;
        };
        // Without a clock there is one version only, whatever the time.
        let timestamp = TimeMs(record.timestamp_ms);
        let version = self.versions.in_force(timestamp);
        let before = self.lanes.newest(slot).unwrap_or(TimeMs::MIN);
        let (outcome, at) = match judge(source, version, record) {
            Ok(classified) => {
                self.tally.accepted += 1;
                for name in classified.undeclared {
                    count_undeclared(&mut self.tally.undeclared, name);
                }
                (Ok(classified.facts), classified.at)
            }
            Err(refusal) => {
                *self.tally.refused.entry(refusal.code.name()).or_default() += 1;
                // A refused record moves nothing, time included.
                (Err(refusal.code), before)
            }
        };
        let time = match self.time {
            TimeMode::Broker => timestamp,
            TimeMode::Event => at,
        };
        self.lanes.push(slot, Waiting { offset: record.offset, time, item: Judged { version, outcome } });
    }

    pub fn drained(&mut self, topic: &str, partition: u32) {
        if let Some(assigned) = self.assigned.iter().find(|one| one.is(topic, partition)) {
            self.lanes.drained(assigned.slot);
        }
    }
}

impl Assigned {
    fn is(&self, topic: &str, partition: u32) -> bool {
        self.id.partition == partition && self.topic == topic
    }
}

fn judge(
    source: &mut SourceSetup,
    version: u32,
    record: &source::SourceRecord<'_>,
) -> Result<super::classify::Classified, Refusal> {
    let bytes = record.value.ok_or(RefusalCode::RecordEmpty)?;
    // Every version of the list has a classifier for every source; see `run::Setup`.
    let classifier = source.classifiers.get_mut(&version).ok_or(RefusalCode::TypeNotAccepted)?;
    classifier.classify(&SourceRecord {
        bytes,
        headers: record.headers,
        timestamp: TimeMs(record.timestamp_ms),
    })
}

/// Names come from outside: their number is bounded.
fn count_undeclared(undeclared: &mut BTreeMap<String, u64>, name: String) {
    let known = undeclared.len() < UNDECLARED_NAMES_MAX || undeclared.contains_key(&name);
    *undeclared.entry(if known { name } else { "(others)".to_owned() }).or_default() += 1;
}
