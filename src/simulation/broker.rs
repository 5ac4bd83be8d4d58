//! A broker as the protocols describe it: an idempotent producer's writes, transactions, offsets.
//!
//! * What an idempotent producer sent arrives in order within a partition, or is given up; what comes
//!   after something given up may still arrive, also when its sender is long dead (KIP-98).
//! * A transaction's records and offsets become visible together, when its markers are written, which
//!   may be later than the answer to the commit. A new producer of the same id shuts out the old one and
//!   aborts what it left open; one open for too long is aborted. Offsets are taken only under the
//!   group's present generation (KIP-447).
//! * A `read_committed` reader sees nothing at or beyond the first record of an open transaction.

use std::collections::{BTreeMap, BTreeSet};

use super::dice::Dice;
use super::group::Group;
use crate::codec::output::{OutRecord, Topic, decode_decided};
use crate::engine::cover::SourceId;

/// As `transaction.timeout.ms`.
const TRANSACTION_MS: i64 = 10_000;

pub const SOURCES: usize = 0;
pub const FACTS: usize = 1;

/// A partition of the source topic as it is now.
#[derive(Debug, Default)]
pub struct SourcePartition {
    /// Offset, timestamp, value. Offsets have holes: control records.
    pub records: Vec<(i64, i64, Vec<u8>)>,
    /// The first offset that retention has left.
    pub low: i64,
    pub end: i64,
}

/// A source record that was ever appended, in any life of its topic.
#[derive(Debug)]
pub struct Archived {
    pub generation: u32,
    pub partition: u32,
    pub offset: i64,
    pub timestamp_ms: i64,
    pub value: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Facts(u32),
    Letters,
}

/// A record on its way from an idempotent producer.
#[derive(Debug)]
struct Flight {
    producer: u64,
    to: To,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Open,
    Committed,
    Aborted,
}

#[derive(Debug, Default)]
struct Transactional {
    epoch: u32,
    open: Option<Transaction>,
}

#[derive(Debug, Default)]
struct Transaction {
    since_ms: i64,
    entries: Vec<usize>,
    offsets: BTreeMap<u32, u64>,
    /// Its commit is decided; its markers are not written yet.
    is_completing: bool,
}

/// Why the broker refuses a step of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Fenced,
    Generation,
}

#[derive(Debug)]
pub struct Broker {
    pub sources: Vec<SourcePartition>,
    /// Of the source topic: counts its recreations, from 1.
    pub generation: u32,
    pub archive: Vec<Archived>,
    /// Time of append and bytes.
    pub facts: Vec<Vec<(i64, Vec<u8>)>>,
    pub letters: Vec<Vec<u8>>,
    /// All output topics in order of writing, each of one partition.
    pub outputs: Vec<(OutRecord, Fate)>,
    pub committed: Vec<Option<u64>>,
    /// Offsets that the group of intakes has committed, in this life of the source topic.
    pub read: BTreeMap<u32, i64>,
    pub groups: [Group; 2],
    /// What must never be and was.
    pub violations: Vec<String>,
    transactional: BTreeMap<u32, Transactional>,
    flights: Vec<Flight>,
    dead: BTreeSet<u64>,
    late_commits: Vec<(u32, u32)>,
    producers: u64,
}

impl Broker {
    pub fn new(sources: u32, facts: u32) -> Broker {
        Broker {
            sources: (0..sources).map(|_| SourcePartition::default()).collect(),
            generation: 1,
            archive: Vec::new(),
            facts: vec![Vec::new(); facts as usize],
            letters: Vec::new(),
            outputs: Vec::new(),
            committed: vec![None; facts as usize],
            read: BTreeMap::new(),
            groups: [Group::new(sources), Group::new(facts)],
            violations: Vec::new(),
            transactional: BTreeMap::new(),
            flights: Vec::new(),
            dead: BTreeSet::new(),
            late_commits: Vec::new(),
            producers: 0,
        }
    }

    pub fn append_source(&mut self, partition: u32, now_ms: i64, value: Vec<u8>, hole: i64) {
        let source = &mut self.sources[partition as usize];
        let offset = source.end;
        source.records.push((offset, now_ms, value.clone()));
        source.end = offset + 1 + hole;
        let generation = self.generation;
        self.archive.push(Archived { generation, partition, offset, timestamp_ms: now_ms, value });
    }

    /// Deletes the source topic and makes it again: offsets begin at 0.
    pub fn recreate_source(&mut self) {
        self.generation += 1;
        self.sources.iter_mut().for_each(|source| *source = SourcePartition::default());
        // A group coordinator forgets what was committed of a topic that is deleted.
        self.read.clear();
    }

    /// Retention takes what lies before an offset.
    pub fn forget_source(&mut self, partition: u32, low: i64) {
        let source = &mut self.sources[partition as usize];
        source.low = source.low.max(low);
        source.records.retain(|(offset, ..)| *offset >= low);
    }

    /// A facts record that an operator writes.
    pub fn append_facts(&mut self, partition: u32, now_ms: i64, bytes: Vec<u8>) {
        self.facts[partition as usize].push((now_ms, bytes));
    }

    /// Values that hold a text of what was published in a topic, oldest first.
    pub fn published<'a>(&'a self, topic: Topic, text: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let committed = self.outputs.iter().filter(|(_, fate)| *fate == Fate::Committed);
        let of_topic = committed.filter(move |(record, _)| record.topic == topic);
        let values = of_topic.filter_map(|(record, _)| record.value.as_deref());
        values.filter(|value| holds(value, text.as_bytes()))
    }

    /// Keys of orders' measures that are published as in force now.
    pub fn orders_in_force(&self) -> BTreeSet<Vec<u8>> {
        let mut keys = BTreeSet::new();
        let committed = self.outputs.iter().filter(|(_, fate)| *fate == Fate::Committed);
        for (record, _) in committed.filter(|(record, _)| record.topic == Topic::Measures) {
            match &record.value {
                None => {
                    keys.remove(&record.key);
                }
                Some(value) if holds(value, br#""lane":"authority""#) => {
                    keys.insert(record.key.clone());
                }
                Some(_) => {}
            }
        }
        keys
    }

    /// What happens by itself: records arrive, markers are written, time-outs pass.
    pub fn tick(&mut self, now_ms: i64, dice: &mut Dice, lies: bool) {
        for group in &mut self.groups {
            group.expire(now_ms);
        }
        self.fly(now_ms, dice, lies);
        let ids: Vec<u32> = self.transactional.keys().copied().collect();
        for id in ids {
            let Some(open) = self.transactional.get(&id).and_then(|one| one.open.as_ref()) else { continue };
            if open.is_completing {
                if dice.once_in(4) {
                    self.complete(id, Fate::Committed);
                }
            } else if now_ms - open.since_ms > TRANSACTION_MS {
                self.complete(id, Fate::Aborted);
                self.transactional.entry(id).or_default().epoch += 1;
            }
        }
        if !self.late_commits.is_empty() && dice.once_in(6) {
            let (id, epoch) = self.late_commits.remove(0);
            // A fenced request is refused, and nobody is there to hear it.
            let _ = self.commit(id, epoch, true);
        }
    }

    /// Nothing is on its way any more.
    pub fn settle_everything(&mut self) {
        self.late_commits.clear();
        let dead = std::mem::take(&mut self.dead);
        self.flights.retain(|flight| !dead.contains(&flight.producer));
    }

    // Idempotent producers.

    pub fn new_producer(&mut self) -> u64 {
        self.producers += 1;
        self.producers
    }

    /// Its process is gone, or it was given up: what it sent may still arrive.
    pub fn abandon(&mut self, producer: u64) {
        self.dead.insert(producer);
    }

    pub fn send(&mut self, producer: u64, to: To, bytes: Vec<u8>) {
        self.flights.push(Flight { producer, to, bytes });
    }

    /// Everything of a producer arrives.
    pub fn flush(&mut self, producer: u64, now_ms: i64) {
        let (ours, others) = std::mem::take(&mut self.flights)
            .into_iter()
            .partition(|flight: &Flight| flight.producer == producer);
        self.flights = others;
        let ours: Vec<Flight> = ours;
        ours.into_iter().for_each(|flight| self.arrive(flight, now_ms));
    }

    /// Some records of a producer arrive, some never do, and some are on their way still.
    pub fn fail(&mut self, producer: u64, now_ms: i64, dice: &mut Dice) {
        let mut stuck: Vec<To> = Vec::new();
        for flight in std::mem::take(&mut self.flights) {
            if flight.producer != producer {
                self.flights.push(flight);
                continue;
            }
            match dice.below(4) {
                _ if stuck.contains(&flight.to) => self.flights.push(flight),
                0 => {}
                1 => {
                    stuck.push(flight.to);
                    self.flights.push(flight);
                }
                _ => self.arrive(flight, now_ms),
            }
        }
    }

    fn fly(&mut self, now_ms: i64, dice: &mut Dice, lies: bool) {
        let mut passed: Vec<(u64, To)> = Vec::new();
        for flight in std::mem::take(&mut self.flights) {
            let lane = (flight.producer, flight.to);
            let is_dead = self.dead.contains(&flight.producer);
            if passed.contains(&lane) || !dice.once_in(if is_dead { 8 } else { 2 }) {
                passed.push(lane);
                self.flights.push(flight);
                continue;
            }
            if is_dead && dice.once_in(3) {
                continue;
            }
            if lies && dice.once_in(30) {
                // A copy of its own, much later: a broker that has forgotten the producer.
                let (to, bytes) = (flight.to, flight.bytes.clone());
                let producer = self.new_producer();
                self.dead.insert(producer);
                self.flights.push(Flight { producer, to, bytes });
            }
            self.arrive(flight, now_ms);
        }
    }

    fn arrive(&mut self, flight: Flight, now_ms: i64) {
        match flight.to {
            To::Facts(partition) => self.facts[partition as usize].push((now_ms, flight.bytes)),
            To::Letters => self.letters.push(flight.bytes),
        }
    }

    // Transactions.

    /// A new producer of an id: its epoch.
    pub fn init(&mut self, id: u32) -> u32 {
        let completing =
            self.transactional.get(&id).and_then(|one| one.open.as_ref()).map(|open| open.is_completing);
        match completing {
            Some(true) => self.complete(id, Fate::Committed),
            Some(false) => self.complete(id, Fate::Aborted),
            None => {}
        }
        let one = self.transactional.entry(id).or_default();
        one.epoch += 1;
        one.epoch
    }

    pub fn begin(&mut self, id: u32, epoch: u32, now_ms: i64) -> Result<(), Refusal> {
        // A producer waits until the markers of its last transaction are written.
        if self.current(id, epoch)?.open.as_ref().is_some_and(|open| open.is_completing) {
            self.complete(id, Fate::Committed);
        }
        let one = self.current(id, epoch)?;
        one.open.get_or_insert(Transaction { since_ms: now_ms, ..Transaction::default() });
        Ok(())
    }

    pub fn write(&mut self, id: u32, epoch: u32, record: OutRecord) -> Result<(), Refusal> {
        let place = self.outputs.len();
        let open = self.current(id, epoch)?.open.as_mut().ok_or(Refusal::Fenced)?;
        open.entries.push(place);
        self.outputs.push((record, Fate::Open));
        Ok(())
    }

    pub fn add_offsets(
        &mut self,
        (id, epoch): (u32, u32),
        (member, generation): (Option<u64>, u32),
        offsets: &[(u32, u64)],
    ) -> Result<(), Refusal> {
        if !self.groups[FACTS].admits(member, generation) {
            return Err(Refusal::Generation);
        }
        self.current(id, epoch)?
            .open
            .as_mut()
            .ok_or(Refusal::Fenced)?
            .offsets
            .extend(offsets.iter().copied());
        Ok(())
    }

    /// With `later`, its markers are written some time after the answer.
    pub fn commit(&mut self, id: u32, epoch: u32, later: bool) -> Result<(), Refusal> {
        let open = self.current(id, epoch)?.open.as_mut().ok_or(Refusal::Fenced)?;
        open.is_completing = true;
        if !later {
            self.complete(id, Fate::Committed);
        }
        Ok(())
    }

    pub fn abort(&mut self, id: u32, epoch: u32) -> Result<(), Refusal> {
        self.current(id, epoch)?;
        self.complete(id, Fate::Aborted);
        Ok(())
    }

    /// The request to commit is still on its way.
    pub fn commit_late(&mut self, id: u32, epoch: u32) {
        self.late_commits.push((id, epoch));
    }

    fn current(&mut self, id: u32, epoch: u32) -> Result<&mut Transactional, Refusal> {
        self.transactional.get_mut(&id).filter(|one| one.epoch == epoch).ok_or(Refusal::Fenced)
    }

    fn complete(&mut self, id: u32, fate: Fate) {
        let Some(done) = self.transactional.get_mut(&id).and_then(|one| one.open.take()) else { return };
        for entry in done.entries {
            self.outputs[entry].1 = fate;
        }
        if fate != Fate::Committed {
            return;
        }
        for (partition, offset) in done.offsets {
            let place = &mut self.committed[partition as usize];
            if place.is_some_and(|before| before > offset) {
                let before = place.unwrap_or(0);
                self.violations.push(format!(
                    "I1: the committed offset of facts partition {partition} fell from {before} to {offset}"
                ));
            }
            *place = Some(offset);
        }
    }

    /// True while an open transaction may still move a partition's offset.
    pub fn is_unstable(&self, partition: u32) -> bool {
        let open = self.transactional.values().filter_map(|one| one.open.as_ref());
        open.into_iter().any(|open| open.offsets.contains_key(&partition))
    }

    /// Committed values of `decided` below the first open record, the last of each key.
    pub fn decided(&self) -> Vec<Vec<u8>> {
        let mut latest: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
        for (record, fate) in self.outputs.iter().filter(|(record, _)| record.topic == Topic::Decided) {
            match fate {
                Fate::Open => break,
                Fate::Committed => {
                    latest.insert(&record.key, record.value.as_deref().unwrap_or_default());
                }
                Fate::Aborted => {}
            }
        }
        latest.into_values().map(<[u8]>::to_vec).collect()
    }

    /// How far each facts partition has come, as far as it is published.
    pub fn said(&self) -> BTreeMap<u32, u64> {
        let progress = self.decided().into_iter().filter_map(|value| decode_decided(&value).ok());
        progress.map(|progress| (progress.facts_partition, progress.next_offset)).collect()
    }

    /// The last covered offset of a source at each facts partition, as far as it is published.
    pub fn covered(&self, source: &SourceId) -> Vec<i64> {
        let mut covered = vec![-1; self.facts.len()];
        for progress in self.decided().iter().filter_map(|value| decode_decided(value).ok()) {
            let last = progress.coverage.sources.get(source).map_or(-1, |covered| covered.last);
            covered[progress.facts_partition as usize] = last;
        }
        covered
    }
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}
