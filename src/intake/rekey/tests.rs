//! Records stay in their places, whoever they speak of is said anew, and what differs is found.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::{Differences, NextLog, Rekey, RekeyError, Translation};
use crate::codec::keys::Keys;
use crate::codec::keys::generation::GenerationKey;
use crate::config::bundle::Loader;
use crate::engine::base::{Currency, Fingerprint, Money, TimeMs};
use crate::engine::cover::{ConfigVersion, Range, Skip, SourceId};
use crate::engine::disposition::DispositionId;
use crate::engine::fact::{Fact, FactBody, Feed};
use crate::engine::input::{FactsPack, FactsRecord, PackedFact, TimeMode};
use crate::engine::report::{Report, ReportBody, ReportPos, Standing};
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::log::LogError;

const PARTITIONS: u32 = 3;

fn keys(number: u32, partitions: u32) -> Arc<Keys> {
    let own = GenerationKey::new(number, [number as u8; 32]).over(NonZeroU32::new(partitions).unwrap());
    Arc::new(Keys::of_generation(&[7; 32], &own))
}

fn source() -> SourceId {
    SourceId { name: Arc::from("a"), generation: 1, partition: 0 }
}

/// The first holder of a partition under a key, with an account.
fn holder_of(keys: &Keys, partition: u32) -> (Subject, Party) {
    let id = (0..)
        .map(|number| format!("H-{number}"))
        .find(|id| keys.token(SubjectKind::Holder, id).partition(PARTITIONS) == partition);
    let id = id.unwrap();
    let (account, sealed) = keys.party(SubjectKind::Account, &id);
    let party = Party { subject: Subject::new(SubjectKind::Account, account), sealed };
    (Subject::new(SubjectKind::Holder, keys.token(SubjectKind::Holder, &id)), party)
}

/// A pack that covers nothing new, twice; a range of another version; a skip; and reports of everything.
fn records(keys: &Keys, partition: u32) -> Vec<FactsRecord> {
    let (route, target) = holder_of(keys, partition);
    let fact = |offset: i64, ordinal: u16| PackedFact {
        range: 0,
        offset,
        ordinal,
        time: TimeMs(1_000),
        fact: Fact {
            event: Fingerprint(offset as u64),
            at: TimeMs(1_000),
            route,
            body: FactBody::Met {
                feed: Feed::CardPaymentTerminal,
                holder: route.token,
                target: target.clone(),
                amount: None,
            },
        },
    };
    let pack = |version: u32, previous: i64, last: i64| {
        let range = Range {
            source: source(),
            baseline: previous == -1,
            previous,
            last,
            timestamps: (TimeMs(1_000), TimeMs(1_000)),
            through: TimeMs(1_000),
        };
        FactsRecord::Facts(FactsPack {
            version,
            ranges: vec![range],
            facts: vec![fact(last, 0), fact(last, 1)],
        })
    };
    let origin = (partition + 1) % PARTITIONS;
    let (about, _) = holder_of(keys, origin);
    let report = |offset: u64, body| Report {
        origin,
        destination: partition,
        pos: ReportPos { offset, ordinal: 0 },
        previous: None,
        body,
    };
    let standing = Standing {
        signal: Arc::from("many_meet"),
        about,
        holder: route.token,
        target: target.clone(),
        value: 3,
        until: TimeMs(9_000),
        event: Fingerprint(77),
        at: TimeMs(1_000),
        reply: true,
        amount: Some(Money { minor: 5, currency: Currency::CNY }),
        untold_count: 2,
    };
    let fallen = ReportBody::Fallen {
        signal: Arc::from("many_meet"),
        about,
        holder: route.token,
        event: Fingerprint(78),
        at: TimeMs(2_000),
    };
    vec![
        FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs::MIN, number: 1 }),
        pack(1, -1, 0),
        pack(1, -1, 0),
        pack(9, 0, 1),
        FactsRecord::SourceSkipped(Skip {
            source: source(),
            to: 4,
            blind_until: TimeMs(1_500),
            ordered: TimeMs(2_000),
            reason: Arc::from("lost"),
        }),
        FactsRecord::Reports(vec![report(1, ReportBody::Standing(standing)), report(2, fallen)]),
    ]
}

#[derive(Default)]
struct Told(Vec<(u32, FactsRecord)>);

impl NextLog for Told {
    fn append(&mut self, partition: u32, record: &FactsRecord) -> Result<(), LogError> {
        self.0.push((partition, record.clone()));
        Ok(())
    }
}

#[test]
fn each_record_stays_where_it_is_and_says_the_same_under_the_other_key() {
    let (then, now) = (keys(1, PARTITIONS), keys(2, PARTITIONS));
    let (mut told, loader) = (Told::default(), Loader::new());
    let translation = Translation::new(Arc::clone(&then), Arc::clone(&now), PARTITIONS).unwrap();
    let mut rekey = Rekey::new(translation, TimeMode::Event, &loader, &mut told);
    // In any order.
    for partition in [2, 0, 1] {
        let mut one = rekey.partition(partition);
        let records = records(&then, partition);
        records.iter().for_each(|record| one.take(record).unwrap());
        let (state, next_offset) = one.finish();
        assert_eq!(next_offset, records.len() as u64);
        assert_eq!(state.coverage().sources.get(&source()).map(|covered| covered.last), Some(3));
    }
    let (_, differences) = rekey.finish();
    assert!(differences.are_none());
    // The same holders, refs and events, said by whoever has the other key from the first.
    let back = Translation::new(Arc::clone(&now), Arc::clone(&then), PARTITIONS).unwrap();
    for partition in 0..PARTITIONS {
        let of_it: Vec<&FactsRecord> =
            told.0.iter().filter(|(to, _)| *to == partition).map(|(_, record)| record).collect();
        let old = records(&then, partition);
        assert_eq!(of_it.len(), old.len());
        let (holder, account) = holder_of(&now, partition);
        let FactsRecord::Facts(pack) = of_it[1] else { panic!("a pack") };
        assert_eq!(pack.facts[1].fact.route, holder, "the same holder is found again");
        assert!(matches!(&pack.facts[1].fact.body, FactBody::Met { target, .. } if *target == account));
        let FactsRecord::Reports(reports) = of_it[5] else { panic!("reports") };
        let (about, _) = holder_of(&now, (partition + 1) % PARTITIONS);
        let ReportBody::Standing(standing) = &reports[0].body else { panic!("one that stands") };
        assert_eq!((standing.about, standing.holder, &standing.target), (about, holder.token, &account));
        assert_eq!(standing.event, then.fingerprint_in(Fingerprint(77), &now));
        for (new, old) in of_it.into_iter().zip(&old) {
            assert_eq!(back.record(new).unwrap(), *old);
        }
    }
}

#[test]
fn a_key_for_another_number_of_partitions_is_refused() {
    let tried = |old: u32, new: u32, partitions| Translation::new(keys(1, old), keys(2, new), partitions);
    assert!(tried(3, 3, 3).is_ok());
    assert!(matches!(tried(1, 3, 3), Err(RekeyError::OldKeyOfOthers { partitions: 3, .. })));
    assert!(matches!(tried(3, 1, 3), Err(RekeyError::NewKeyOfOthers { partitions: 3, .. })));
    assert!(matches!(tried(3, 3, 4), Err(RekeyError::OldKeyOfOthers { partitions: 4, .. })));
    // A root alone permutes nothing.
    let root = Arc::new(Keys::derive(&[7; 32]));
    assert!(Translation::new(root, keys(2, 3), 3).is_ok());
}

#[test]
fn measures_of_one_generation_alone_are_told() {
    let ids = |numbers: &[u128]| numbers.iter().copied().map(DispositionId).collect();
    let mut differences = Differences::default();
    differences.note(&ids(&[1, 2]), &ids(&[1, 2]));
    assert!(differences.are_none());
    differences.note(&ids(&[3, 4]), &ids(&[4, 5]));
    assert_eq!(
        (&differences.missing[..], &differences.added[..]),
        (&[DispositionId(3)][..], &[DispositionId(5)][..])
    );
    let reported = Differences { reported: vec![(0, 7)], ..Differences::default() };
    assert!(!differences.are_none() && !reported.are_none());
}
