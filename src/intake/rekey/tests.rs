//! Several old partitions made one order: what each source was read to, and what stood before what.

use std::sync::Arc;

use super::{NextLog, Rekey, Translation};
use crate::codec::keys::Keys;
use crate::codec::keys::generation::GenerationKey;
use crate::config::bundle::Loader;
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::cover::{ConfigVersion, Range, SourceId};
use crate::engine::fact::{Fact, FactBody};
use crate::engine::input::{FactsPack, FactsRecord, PackedFact, TimeMode};
use crate::engine::partition::Partition;
use crate::engine::subject::{Subject, SubjectKind};
use crate::log::LogError;

fn keys(number: u32) -> Arc<Keys> {
    Arc::new(Keys::of_generation(&[7; 32], &GenerationKey::new(number, [number as u8; 32])))
}

fn source(name: &str) -> SourceId {
    SourceId { name: Arc::from(name), generation: 1, partition: 0 }
}

/// A fact for everybody, and one for a holder of the partition that it stands in.
fn facts(partition: u32, offset: i64, time: i64) -> Vec<PackedFact> {
    let fact = |ordinal: u16, token: u128, body| PackedFact {
        range: 0,
        offset,
        ordinal,
        time: TimeMs(time),
        fact: Fact {
            event: Fingerprint(offset as u64),
            at: TimeMs(time),
            route: Subject::new(SubjectKind::Holder, Token(token)),
            body,
        },
    };
    let released = FactBody::AuthorisationRevoked { number: Arc::from("A-1") };
    // The partition of the first side comes second.
    let side = if partition == 0 { 2 } else { 1 };
    vec![fact(0, 0, FactBody::WentLive), fact(side, 1 + u128::from(partition), released)]
}

fn pack(ranges: &[(&str, i64, i64, i64)], facts: Vec<PackedFact>) -> FactsRecord {
    let ranges = ranges.iter().map(|(name, previous, last, through)| Range {
        source: source(name),
        baseline: *previous == -1,
        previous: *previous,
        last: *last,
        timestamps: (TimeMs(*through), TimeMs(*through)),
        through: TimeMs(*through),
    });
    FactsRecord::Facts(FactsPack { version: 1, ranges: ranges.collect(), facts })
}

/// What two old partitions hold: of source `a` a record at 1 s and one at 10 s; source `b` has none, and each heard
/// that it was read meanwhile.
fn two_partitions() -> [Vec<FactsRecord>; 2] {
    [0, 1].map(|partition| {
        vec![
            FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs::MIN, number: 1 }),
            pack(&[("a", -1, 0, 1_000), ("b", -1, -1, 500)], facts(partition, 0, 1_000)),
            pack(&[("b", -1, -1, 5_000 + i64::from(partition))], Vec::new()),
            pack(&[("b", -1, -1, 9_000)], Vec::new()),
            pack(&[("a", 0, 1, 10_000)], facts(partition, 1, 10_000)),
        ]
    })
}

#[derive(Default)]
struct Told(Vec<(u32, FactsRecord)>);

impl NextLog for Told {
    fn append(&mut self, partition: u32, record: &FactsRecord) -> Result<(), LogError> {
        self.0.push((partition, record.clone()));
        Ok(())
    }
}

/// Records by their new partition, and each new partition with its next offset.
type NextGeneration = (Vec<(u32, FactsRecord)>, Vec<(Partition, u64)>);

fn written(old: [Vec<FactsRecord>; 2], partitions: u32) -> NextGeneration {
    let (mut told, loader) = (Told::default(), Loader::new());
    let translation = Translation::new(keys(1), keys(2), partitions).unwrap();
    let mut rekey = Rekey::new(translation, 2, TimeMode::Broker, &loader, &mut told);
    for (partition, records) in (0..).zip(old) {
        records.iter().for_each(|record| rekey.take(partition, record).unwrap());
    }
    let states = rekey.finish().unwrap().states;
    (told.0, states)
}

fn rekeyed(partitions: u32) -> Vec<(u32, FactsRecord)> {
    let (log, states) = written(two_partitions(), partitions);
    for (state, next_offset) in &states {
        assert_eq!(state.partition_time(), TimeMs(9_000), "of the source that is behind");
        let last = |name: &str| state.coverage().sources.get(&source(name)).map(|covered| covered.last);
        assert_eq!((last("a"), last("b")), (Some(1), Some(-1)));
        assert!(*next_offset > 0);
    }
    log
}

#[test]
fn a_source_without_records_moves_time_before_the_next_record_of_another() {
    for partitions in [1, 3] {
        let log = rekeyed(partitions);
        for partition in 0..partitions {
            let packs: Vec<&FactsPack> = log
                .iter()
                .filter(|(to, _)| *to == partition)
                .filter_map(
                    |(_, record)| if let FactsRecord::Facts(pack) = record { Some(pack) } else { None },
                )
                .collect();
            let second =
                packs.iter().position(|pack| pack.facts.iter().any(|fact| fact.offset == 1)).unwrap();
            let through = |pack: &FactsPack| {
                pack.ranges
                    .iter()
                    .filter(|range| range.source == source("b"))
                    .map(|range| range.through)
                    .max()
            };
            let before = packs.iter().take(second).filter_map(|pack| through(pack)).max();
            assert_eq!(before, Some(TimeMs(9_000)), "partition {partition} of {partitions}");
        }
    }
}

#[test]
fn the_facts_of_a_record_stand_in_the_order_in_which_intake_makes_them() {
    let log = rekeyed(1);
    let of_first = log.iter().filter_map(|(_, record)| match record {
        FactsRecord::Facts(pack) => Some(pack.facts.iter().filter(|fact| fact.offset == 0)),
        _ => None,
    });
    let routes: Vec<Token> = of_first.flatten().map(|fact| fact.fact.route.token).collect();
    let token = |number| keys(1).token_in(Token(number), &keys(2));
    assert_eq!(routes, [Token(0), token(2), token(1)], "each once");
}

/// As a first start's rules do that came before records of another source with an earlier time.
#[test]
fn what_every_old_partition_has_before_stands_before_whatever_the_time() {
    let old = [0, 1].map(|partition| {
        vec![
            FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs::MIN, number: 1 }),
            pack(&[("b", -1, 7, 2_000)], facts(partition, 7, 2_000)),
            pack(&[("a", -1, 3, 1_000)], facts(partition, 3, 1_000)),
        ]
    });
    let (log, _) = written(old, 1);
    let packs = log.iter().filter_map(|(_, record)| match record {
        FactsRecord::Facts(pack) => Some(pack.facts.iter().map(|fact| fact.offset)),
        _ => None,
    });
    assert_eq!(packs.flatten().collect::<Vec<i64>>(), [7, 7, 7, 3, 3, 3]);
}
