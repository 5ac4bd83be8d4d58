//! What is true, whatever the log says: facts, committed offsets and committed outputs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::codec::facts;
use crate::codec::keys::Keys;
use crate::codec::output::{OutRecord, Topic, decode_decided};
use crate::config::bundle;
use crate::decide::machine::{Machine, Portion};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::cover::{ConfigVersion, Range, SourceId};
use crate::engine::fact::{Fact, FactBody, Feed, HolderKind, OpeningStep, Product, Release};
use crate::engine::input::{FactsPack, FactsRecord, PackedFact, TimeMode};
use crate::engine::partition::{Identity, Partition};
use crate::engine::subject::{Party, Subject, SubjectKind};

use super::lying_log::Dice;

#[derive(Clone)]
pub struct World(Arc<Mutex<Truth>>);

#[derive(Default)]
pub struct Truth {
    pub facts: Vec<Vec<Vec<u8>>>,
    pub committed: Vec<Option<u64>>,
    pub outputs: Vec<Vec<OutRecord>>,
    pub lies_told: u64,
}

impl World {
    /// Requests above a limit, and devices that several customers use: their partitions report to
    /// the customers' partitions, where a rule observes.
    pub fn with_facts(partitions: u32, packs: u32, seed: u64) -> World {
        let count = partitions as usize;
        let mut truth =
            Truth { committed: vec![None; count], outputs: vec![Vec::new(); count], ..Truth::default() };
        let keys = Keys::development();
        let mut dice = Dice::new(seed);
        for partition in 0..partitions {
            let mut writer = Writer::new(partition, partitions);
            writer.begin();
            for _ in 0..packs {
                let facts = (0..=dice.roll(3)).map(|_| writer.next(&keys, &mut dice)).collect();
                writer.pack(facts);
            }
            truth.facts.push(writer.records);
        }
        World(Arc::new(Mutex::new(truth)))
    }

    pub fn truth(&self) -> MutexGuard<'_, Truth> {
        self.0.lock().unwrap()
    }

    pub fn partitions(&self) -> u32 {
        self.truth().facts.len() as u32
    }

    pub fn lies_told(&self) -> u64 {
        self.truth().lies_told
    }

    pub fn committed(&self, partition: usize) -> Option<u64> {
        self.truth().committed[partition]
    }

    pub fn forget_committed_offsets(&self) {
        self.truth().committed.fill(None);
    }

    pub fn spoil(&self, partition: usize) {
        self.truth().facts[partition][12] = b"no facts".to_vec();
    }

    /// Everything decided, once, in order, and every report delivered.
    pub fn check(&self) {
        let truth = self.truth();
        let mut topics = BTreeSet::new();
        for partition in 0..truth.facts.len() {
            let (records, reports) = recomputed(&truth.facts, partition, usize::MAX);
            let outputs = without_progress(&truth.outputs[partition]);
            assert_eq!(outputs, records, "outputs of facts partition {partition}");
            topics.extend(outputs.iter().map(|record| record.topic));
            assert_delivered(&truth.facts, &reports);
        }
        let all = [Topic::Dispositions, Topic::Notices, Topic::Measures, Topic::Shadow];
        assert!(all.iter().all(|topic| topics.contains(topic)), "a world of {topics:?} only shows little");
        drop(truth);
        self.check_progress();
    }

    /// What is committed is exactly what the committed prefix of the facts gives.
    pub fn check_prefixes(&self) {
        let truth = self.truth();
        for partition in 0..truth.facts.len() {
            let end = truth.committed[partition].unwrap_or(0) as usize;
            let (records, reports) = recomputed(&truth.facts, partition, end);
            assert_eq!(without_progress(&truth.outputs[partition]), records, "facts partition {partition}");
            assert_delivered(&truth.facts, &reports);
        }
    }

    /// The last progress record of each partition is where its committed offset is; where partitions were
    /// taken away it may be behind, for who holds one next writes it.
    pub fn check_progress(&self) {
        let truth = self.truth();
        for (partition, outputs) in truth.outputs.iter().enumerate() {
            let last = outputs.iter().rev().find(|record| record.topic == Topic::Decided);
            let progress = last.map(|record| decode_decided(record.value.as_ref().unwrap()).unwrap());
            let (offset, committed) =
                (progress.map(|progress| progress.next_offset), truth.committed[partition]);
            let is_there = committed.is_none() || offset == committed;
            let is_behind = truth.lies_told > 0 && offset <= committed;
            assert!(is_there || is_behind, "facts partition {partition}: {committed:?}, progress {offset:?}");
        }
    }
}

fn without_progress(outputs: &[OutRecord]) -> Vec<OutRecord> {
    outputs.iter().filter(|record| record.topic != Topic::Decided).cloned().collect()
}

/// What a partition's facts give when they are simply applied from the first to the one before `end`.
fn recomputed(facts: &[Vec<Vec<u8>>], partition: usize, end: usize) -> (Vec<OutRecord>, Vec<(u32, Vec<u8>)>) {
    let surroundings = super::surroundings();
    let identity = Identity {
        partition: partition as u32,
        partitions: facts.len() as u32,
        id_key: surroundings.keys.id_key(),
        time: TimeMode::Event,
    };
    let mut machine = Machine::new(Partition::new(identity), 0, 0, surroundings);
    let mut portion = Portion::default();
    for (offset, bytes) in facts[partition].iter().take(end).enumerate() {
        machine.apply(offset as u64, bytes, &mut portion).unwrap();
    }
    (portion.records, portion.reports)
}

fn assert_delivered(facts: &[Vec<Vec<u8>>], reports: &[(u32, Vec<u8>)]) {
    for (destination, bytes) in reports {
        let arrived: BTreeSet<&[u8]> = facts[*destination as usize].iter().map(Vec::as_slice).collect();
        assert!(arrived.contains(bytes.as_slice()), "a report to facts partition {destination} is lost");
    }
}

/// Writes one facts partition as intake would.
struct Writer {
    partition: u32,
    partitions: u32,
    records: Vec<Vec<u8>>,
    offset: i64,
    now: i64,
    events: u64,
}

impl Writer {
    fn new(partition: u32, partitions: u32) -> Writer {
        Writer { partition, partitions, records: Vec::new(), offset: -1, now: 1_700_000_000_000, events: 0 }
    }

    fn begin(&mut self) {
        let version = ConfigVersion { from: TimeMs(0), number: 1 };
        self.append(&FactsRecord::VersionAnnounced(version));
        let bundle = FactBody::RuleSetActivated {
            bundle: bundle::embedded(bundle::Profile::Strict).unwrap().into(),
            release: Release::default(),
        };
        let broadcast = Subject::new(SubjectKind::Holder, Token(0));
        let facts = [bundle, FactBody::WentLive].map(|body| self.fact(broadcast, body));
        self.pack(facts.to_vec());
    }

    fn next(&mut self, keys: &Keys, dice: &mut Dice) -> Fact {
        self.now += 60_000 * i64::try_from(dice.roll(20)).unwrap();
        if dice.roll(3) == 0 { self.requested(keys, dice) } else { self.met(keys, dice) }
    }

    /// A request for one more phone card: soon above the limit.
    fn requested(&mut self, keys: &Keys, dice: &mut Dice) -> Fact {
        let holder = self.own(keys, SubjectKind::Holder, dice.roll(3));
        let (opening, sealed) =
            keys.party(SubjectKind::Opening, &format!("o{}-{}", self.partition, self.events));
        let body = FactBody::Opening {
            step: OpeningStep::Requested,
            opening: Party { subject: Subject::new(SubjectKind::Opening, opening), sealed },
            holding: None,
            product: Product::PhoneCard,
            holder_kind: HolderKind::Person,
            co_holder: false,
            identity_channels: None,
            outlet: None,
        };
        self.fact(holder, body)
    }

    fn met(&mut self, keys: &Keys, dice: &mut Dice) -> Fact {
        let device = self.own(keys, SubjectKind::Device, dice.roll(4));
        let customer = dice.roll(12);
        let holder = keys.token(SubjectKind::Holder, &format!("h{customer}"));
        let (account, sealed) = keys.party(SubjectKind::Account, &format!("a{customer}"));
        let target = Party { subject: Subject::new(SubjectKind::Account, account), sealed };
        let body = FactBody::Met { feed: Feed::TransferDevice, holder, target, amount: None };
        self.fact(device, body)
    }

    /// A subject whose partition this is.
    fn own(&self, keys: &Keys, kind: SubjectKind, number: u64) -> Subject {
        let token = (0..)
            .map(|salt| keys.token(kind, &format!("{number}-{salt}")))
            .find(|token| token.partition(self.partitions) == self.partition);
        Subject::new(kind, token.unwrap())
    }

    fn fact(&mut self, route: Subject, body: FactBody) -> Fact {
        self.events += 1;
        let event = Fingerprint(u64::from(self.partition) << 32 | self.events);
        Fact { event, at: TimeMs(self.now), route, body }
    }

    fn pack(&mut self, facts: Vec<Fact>) {
        let previous = self.offset;
        let facts: Vec<PackedFact> = facts
            .into_iter()
            .map(|fact| {
                self.offset += 1;
                PackedFact { range: 0, offset: self.offset, ordinal: 0, time: fact.at, fact }
            })
            .collect();
        let range = Range {
            source: SourceId { name: "s".into(), generation: 1, partition: 0 },
            baseline: previous < 0,
            previous,
            last: self.offset,
            timestamps: (facts[0].time, TimeMs(self.now)),
            through: TimeMs(self.now),
        };
        self.append(&FactsRecord::Facts(FactsPack { version: 1, ranges: vec![range], facts }));
    }

    fn append(&mut self, record: &FactsRecord) {
        let mut bytes = Vec::new();
        facts::encode(record, &mut bytes);
        self.records.push(bytes);
    }
}
