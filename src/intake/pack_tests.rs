//! What a destination sees of packs: each fact once, whoever packed it and wherever packs were cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::engine::base::{Fingerprint, Token};
use crate::engine::cover::{Admission, ConfigVersion, Coverage};
use crate::engine::fact::Release;
use crate::engine::subject::{Subject, SubjectKind};

const PARTITIONS: u32 = 3;

fn source(partition: u32) -> SourceId {
    SourceId { name: Arc::from("transfers"), generation: 1, partition }
}

fn fact(event: u64) -> Fact {
    let route = Subject::new(SubjectKind::Holder, Token(0));
    Fact { event: Fingerprint(event), at: TimeMs(0), route, body: FactBody::WentLive }
}

fn start(previous: i64) -> Start {
    Start { previous, baseline: true, version: 1, time: TimeMs(0) }
}

/// A facts partition that keeps what it applied: (source partition, offset, ordinal).
#[derive(Default)]
struct Receiver {
    coverage: Coverage,
    applied: Vec<(u32, i64, u16)>,
    gaps: usize,
    wrong_versions: usize,
}

impl Receiver {
    fn new(versions: &[(i64, u32)]) -> Receiver {
        let mut receiver = Receiver::default();
        for (from, number) in versions {
            receiver.coverage.announce(ConfigVersion { from: TimeMs(*from), number: *number });
        }
        receiver
    }

    fn apply(&mut self, pack: &FactsPack) {
        let verdicts: Vec<Admission> =
            pack.ranges.iter().map(|range| self.coverage.admit(pack.version, range)).collect();
        for packed in &pack.facts {
            let (range, verdict) = (&pack.ranges[packed.range as usize], verdicts[packed.range as usize]);
            if let Admission::Apply { after } = verdict
                && packed.offset > after
            {
                self.applied.push((range.source.partition, packed.offset, packed.ordinal));
            }
        }
        for (range, verdict) in pack.ranges.iter().zip(&verdicts) {
            match verdict {
                Admission::Apply { .. } => self.coverage.advance(range),
                Admission::Gap => self.gaps += 1,
                Admission::WrongVersion => self.wrong_versions += 1,
                Admission::Stale => {}
            }
        }
    }

    fn covered(&self, source: &SourceId) -> Option<i64> {
        self.coverage.sources.get(source).map(|covered| covered.last)
    }
}

#[test]
fn a_pack_covers_what_was_read_and_the_next_begins_there() {
    let mut packer = Packer::new(2, PackBounds::default());
    let slot = packer.assign(source(0), start(-1));
    packer.read(slot, 1, 0, TimeMs(10), [(Destination::Partition(0), fact(1))]);
    packer.read(slot, 1, 1, TimeMs(12), []);
    let first = packer.flush(Flush::WithFacts);
    assert_eq!(first.len(), 1);
    let (destination, pack) = &first[0];
    assert_eq!((*destination, pack.version, pack.facts.len()), (0, 1, 1));
    let range = &pack.ranges[0];
    assert_eq!((range.previous, range.last, range.baseline), (-1, 1, true));
    assert_eq!((range.timestamps, range.through), ((TimeMs(10), TimeMs(12)), TimeMs(12)));

    let all = packer.flush(Flush::All);
    assert_eq!(all.len(), 1, "only the destination that was not told");
    assert_eq!((all[0].0, all[0].1.ranges[0].last, all[0].1.facts.len()), (1, 1, 0));
    assert!(packer.flush(Flush::All).is_empty());

    packer.read(slot, 1, 5, TimeMs(13), [(Destination::All, fact(2))]);
    let packs = packer.flush(Flush::WithFacts);
    assert_eq!(packs.len(), 2, "a broadcast fact goes to every destination");
    assert!(packs.iter().all(|(_, pack)| (pack.ranges[0].previous, pack.ranges[0].baseline) == (1, false)));
}

#[test]
fn a_baseline_is_told_even_when_nothing_was_read() {
    let mut packer = Packer::new(2, PackBounds::default());
    packer.assign(source(0), start(41));
    let packs = packer.flush(Flush::All);
    assert_eq!(packs.len(), 2);
    for (_, pack) in packs {
        assert_eq!((pack.ranges[0].baseline, pack.ranges[0].previous, pack.ranges[0].last), (true, 41, 41));
    }
}

#[test]
fn a_pack_is_cut_at_its_bounds_but_never_inside_a_record() {
    let bounds = PackBounds { facts_max: 3, ..PackBounds::default() };
    let mut packer = Packer::new(1, bounds);
    let slot = packer.assign(source(0), start(-1));
    for offset in 0..3 {
        let facts = [fact(1), fact(1)].map(|fact| (Destination::Partition(0), fact));
        packer.read(slot, 1, offset, TimeMs(offset), facts);
    }
    let cut = packer.take_finished();
    assert_eq!(cut.iter().map(|(_, pack)| pack.facts.len()).collect::<Vec<_>>(), [4]);
    let big: Arc<str> = "x".repeat(PackBounds::default().bytes_max).into();
    let bundle = Fact { body: activation(big), ..fact(2) };
    packer.read(slot, 1, 3, TimeMs(3), [(Destination::All, bundle)]);
    let cut = packer.take_finished();
    assert_eq!(cut.iter().map(|(_, pack)| pack.facts.len()).collect::<Vec<_>>(), [2, 1]);
}

fn activation(bundle: Arc<str>) -> FactBody {
    FactBody::RuleSetActivated { bundle, release: Release::default() }
}

#[test]
fn an_activation_stands_in_packs_of_its_own() {
    let mut packer = Packer::new(2, PackBounds::default());
    let slot = packer.assign(source(0), start(-1));
    packer.read(slot, 1, 0, TimeMs(0), [(Destination::Partition(0), fact(1))]);
    let rules = Fact { body: activation("{}".into()), ..fact(2) };
    packer.read(slot, 1, 1, TimeMs(1), [(Destination::All, rules)]);
    packer.read(slot, 1, 2, TimeMs(2), [(Destination::Partition(0), fact(3))]);
    let packs = packer.flush(Flush::WithFacts);
    let events = |destination: u32| -> Vec<Vec<u64>> {
        let of = packs.iter().filter(|(to, _)| *to == destination);
        of.map(|(_, pack)| pack.facts.iter().map(|packed| packed.fact.event.0).collect()).collect()
    };
    assert_eq!(events(0), [[1], [2], [3]]);
    assert_eq!(events(1), [[2]]);
}

#[test]
fn a_change_of_version_splits_packs() {
    let mut packer = Packer::new(1, PackBounds::default());
    let (a, b) = (packer.assign(source(0), start(-1)), packer.assign(source(1), start(-1)));
    packer.read(a, 1, 0, TimeMs(90), [(Destination::Partition(0), fact(1))]);
    packer.read(a, 2, 1, TimeMs(100), [(Destination::Partition(0), fact(2))]);
    packer.read(b, 1, 0, TimeMs(95), [(Destination::Partition(0), fact(3))]);
    packer.read_through(b, 2, 0, TimeMs(101));
    let packs = packer.flush(Flush::All);
    assert_eq!(packs.iter().map(|(_, pack)| pack.version).collect::<Vec<_>>(), [1, 2, 1, 2]);
    let mut receiver = Receiver::new(&[(0, 1), (100, 2)]);
    packs.iter().for_each(|(_, pack)| receiver.apply(pack));
    assert_eq!(receiver.applied, [(0, 0, 0), (0, 1, 0), (1, 0, 0)]);
    assert_eq!((receiver.gaps, receiver.wrong_versions), (0, 0));
}

#[test]
fn a_released_source_leaves_nothing_behind() {
    let mut packer = Packer::new(1, PackBounds::default());
    let (a, b) = (packer.assign(source(0), start(-1)), packer.assign(source(1), start(-1)));
    packer.read(a, 1, 0, TimeMs(1), [(Destination::Partition(0), fact(1))]);
    packer.read(b, 1, 0, TimeMs(1), [(Destination::Partition(0), fact(2))]);
    packer.release(a);
    assert_eq!((packer.position(a), packer.position(b)), (None, Some(0)));
    let packs = packer.flush(Flush::All);
    assert_eq!(packs.len(), 1);
    assert_eq!(packs[0].1.ranges.len(), 1);
    assert_eq!(packs[0].1.facts.iter().map(|packed| packed.fact.event.0).collect::<Vec<_>>(), [2]);
    assert_eq!(packer.assign(source(2), start(7)), a, "its slot is used again");
}

/// A source partition's content: for each offset, the destinations of its facts and its version.
fn record(partition: u32, offset: i64) -> (u32, Vec<Destination>) {
    let mixed = (partition as i64 * 7 + offset * 13) as u32;
    let destinations = match mixed % 5 {
        0 => vec![],
        1 => vec![Destination::All],
        2 => {
            vec![Destination::Partition(mixed % PARTITIONS), Destination::Partition((mixed + 1) % PARTITIONS)]
        }
        3 => vec![Destination::Partition(mixed % PARTITIONS), Destination::Partition(mixed % PARTITIONS)],
        _ => vec![Destination::Partition(mixed % PARTITIONS)],
    };
    (if offset < SPLIT_AT { 1 } else { 2 }, destinations)
}

const SOURCES: u32 = 2;
const RECORDS: i64 = 24;
/// Version 2 begins at the timestamp of this offset; a record's timestamp is its offset here.
const SPLIT_AT: i64 = 15;

/// An intake that may be killed, stand still and wake up as a zombie.
struct Intake {
    packer: Packer,
    slots: Vec<(Slot, i64)>,
}

impl Intake {
    /// Starts at the lowest offset any destination has covered, at the baseline if one has covered nothing.
    fn start(receivers: &[Receiver]) -> Intake {
        let mut packer = Packer::new(PARTITIONS, PackBounds { facts_max: 4, ..PackBounds::default() });
        let mut slots = Vec::new();
        for partition in 0..SOURCES {
            let covered: Vec<Option<i64>> = receivers.iter().map(|r| r.covered(&source(partition))).collect();
            let baseline = covered.contains(&None);
            let previous = covered.into_iter().map(|last| last.unwrap_or(-1)).min().unwrap_or(-1);
            let version = if previous < SPLIT_AT { 1 } else { 2 };
            let slot = packer.assign(
                source(partition),
                Start { previous, baseline, version, time: TimeMs(previous.max(0)) },
            );
            slots.push((slot, previous));
        }
        Intake { packer, slots }
    }

    fn read(&mut self, partition: usize) {
        let (slot, last) = &mut self.slots[partition];
        if *last + 1 >= RECORDS {
            return;
        }
        *last += 1;
        let (version, destinations) = record(partition as u32, *last);
        let facts = destinations.into_iter().map(|destination| (destination, fact(*last as u64)));
        self.packer.read(*slot, version, *last, TimeMs(*last), facts);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Read {
        intake: usize,
        partition: usize,
    },
    Flush {
        intake: usize,
        all: bool,
    },
    /// What was flushed and not yet delivered to one destination arrives.
    Deliver {
        intake: usize,
        destination: u32,
    },
    /// Killed: undelivered packs may or may not have been sent; here the later ones are lost.
    Kill {
        intake: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let intake = 0_usize..2;
    prop_oneof![
        8 => (intake.clone(), 0..SOURCES as usize).prop_map(|(intake, partition)| Step::Read { intake, partition }),
        2 => (intake.clone(), any::<bool>()).prop_map(|(intake, all)| Step::Flush { intake, all }),
        4 => (intake.clone(), 0..PARTITIONS).prop_map(|(intake, destination)| Step::Deliver { intake, destination }),
        1 => intake.prop_map(|intake| Step::Kill { intake }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Two intakes over the same sources, killed and delayed at will: nothing twice, nothing out of
    /// order, and once one of them reads to the end, nothing lost.
    #[test]
    fn each_fact_is_applied_exactly_once(steps in proptest::collection::vec(step(), 0..120)) {
        let mut receivers: Vec<Receiver> =
            (0..PARTITIONS).map(|_| Receiver::new(&[(0, 1), (SPLIT_AT, 2)])).collect();
        let mut intakes = [Intake::start(&receivers), Intake::start(&receivers)];
        let mut flying: [Vec<Packed>; 2] = [Vec::new(), Vec::new()];
        for step in steps {
            match step {
                Step::Read { intake, partition } => intakes[intake].read(partition),
                Step::Flush { intake, all } => {
                    let flush = if all { Flush::All } else { Flush::WithFacts };
                    flying[intake].extend(intakes[intake].packer.flush(flush));
                }
                Step::Deliver { intake, destination } => {
                    let place = flying[intake].iter().position(|(to, _)| *to == destination);
                    if let Some((_, pack)) = place.map(|place| flying[intake].remove(place)) {
                        receivers[destination as usize].apply(&pack);
                    }
                }
                Step::Kill { intake } => {
                    flying[intake].clear();
                    intakes[intake] = Intake::start(&receivers);
                }
            }
        }
        let mut last = Intake::start(&receivers);
        for _ in 0..RECORDS {
            (0..SOURCES as usize).for_each(|partition| last.read(partition));
        }
        for (destination, pack) in last.packer.flush(Flush::All) {
            receivers[destination as usize].apply(&pack);
        }
        let mut expected: BTreeMap<u32, Vec<(u32, i64, u16)>> = BTreeMap::new();
        for partition in 0..SOURCES {
            for offset in 0..RECORDS {
                for (ordinal, destination) in (0..).zip(record(partition, offset).1) {
                    for number in 0..PARTITIONS {
                        if destination == Destination::All || destination == Destination::Partition(number) {
                            expected.entry(number).or_default().push((partition, offset, ordinal));
                        }
                    }
                }
            }
        }
        for (number, receiver) in (0..).zip(&receivers) {
            for partition in 0..SOURCES {
                prop_assert_eq!(receiver.covered(&source(partition)), Some(RECORDS - 1));
                let of = |facts: &[(u32, i64, u16)]| -> Vec<(u32, i64, u16)> {
                    facts.iter().filter(|(from, ..)| *from == partition).copied().collect()
                };
                prop_assert_eq!(of(&receiver.applied), of(expected.get(&number).map_or(&[][..], Vec::as_slice)));
            }
            prop_assert_eq!(receiver.wrong_versions, 0);
        }
    }
}
