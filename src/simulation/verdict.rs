//! What must hold after every run: the four checks of `verify`, and the invariants that a log shows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::broker::{Broker, Fate};
use super::deployment::{Config, Deployment};
use crate::codec::facts;
use crate::codec::output::{Topic, decode_decided};
use crate::engine::base::TimeMs;
use crate::engine::cover::Coverage;
use crate::engine::fact::FactBody;
use crate::engine::input::{FactsRecord, TimeMode};
use crate::intake::classify::{Destination, SourceRecord};
use crate::intake::dead_letter::DeadLetter;
use crate::intake::first_start;
use crate::intake::versions::Versions;
use crate::verify::check::{Check, CheckError, Verdict};

/// Everything that was written, judged.
pub fn judge(deployment: &Deployment, broker: &Broker, config: &Config) -> Result<Verdict, String> {
    packs(broker)?;
    progress(broker)?;
    let mut check = Check::new(crate::verify::check::Deployment {
        keys: &deployment.keys,
        institution: super::events::INSTITUTION,
        partitions: deployment.facts,
        time: TimeMode::Broker,
        loader: &*deployment.rules,
        own_source: first_start::source(),
    });
    let excused = recount(deployment, broker, config, &mut check);
    for (partition, log) in (0..).zip(&broker.facts) {
        let mut log: VecDeque<(u64, Vec<u8>)> =
            (0..).zip(log).map(|(offset, (_, bytes))| (offset, bytes.clone())).collect();
        check
            .partition(partition, || -> Result<_, CheckError> { Ok(log.pop_front()) })
            .map_err(|error| error.to_string())?;
    }
    publish(broker, &excused, &mut check);
    let verdict = check.finish();
    if verdict.is_clean() { Ok(verdict) } else { Err(verdict.details.join("; ")) }
}

/// Every source record of every life of the topic, by the version in force at its timestamp. Gives the
/// dead letters of intakes that do not know that version: their ranges are ignored (C3), their letters stay.
fn recount(
    deployment: &Deployment,
    broker: &Broker,
    config: &Config,
    check: &mut Check<'_>,
) -> BTreeSet<String> {
    let mut excused = BTreeSet::new();
    let versions = Versions::new(config.versions.clone()).unwrap();
    let mut classifiers = deployment.classifiers(&config.versions);
    for record in &broker.archive {
        let id = deployment.source_id(record.generation, record.partition);
        let (timestamp, offset) = (TimeMs(record.timestamp_ms), record.offset);
        let version = versions.in_force(timestamp);
        let record = SourceRecord { bytes: &record.value, headers: &[], timestamp };
        let judged = classifiers.get_mut(&version).unwrap().classify(&record);
        for (other, classifier) in classifiers.iter_mut().filter(|(other, _)| **other < version) {
            // One of the same reason says what the version in force says, and may be the only one.
            let refusal = classifier.classify(&record).err();
            let reason = refusal.map(|refusal| refusal.code.name());
            let known = judged.as_ref().err().map(|refusal| refusal.code.name());
            if let Some(reason) = reason.filter(|_| reason != known) {
                let letter = DeadLetter { source: &id, offset, reason, version: *other };
                excused.insert(letter.json());
            }
        }
        match judged {
            Ok(classified) => {
                let facts = classified.facts.iter().map(|(to, fact)| match to {
                    Destination::Partition(partition) => (Some(*partition), fact),
                    Destination::All => (None, fact),
                });
                check.accepted(&id, offset, facts);
            }
            Err(refusal) => {
                let reason = refusal.code.name();
                let letter = DeadLetter { source: &id, offset, reason, version };
                check.refused(Some((&id, offset)), letter.json());
            }
        }
    }
    excused
}

fn publish(broker: &Broker, excused: &BTreeSet<String>, check: &mut Check<'_>) {
    let letters = broker.letters.iter().filter_map(|letter| std::str::from_utf8(letter).ok());
    let letters: BTreeSet<&str> = letters.filter(|letter| !excused.contains(*letter)).collect();
    letters.into_iter().for_each(|letter| check.dead_letter(letter));
    let mut measures: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    let mut last: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
    for (record, _) in broker.outputs.iter().filter(|(_, fate)| *fate == Fate::Committed) {
        let value = record.value.as_deref();
        match record.topic {
            Topic::Decided => {}
            Topic::Measures => match value {
                Some(value) => drop(measures.insert(&record.key, value)),
                None => drop(measures.remove(&*record.key)),
            },
            topic => {
                check.published(topic, value.unwrap_or_default(), last.entry(topic.name()).or_default());
            }
        }
    }
    check.in_force(measures.into_iter());
}

/// P2, P4: one record's facts stand in one pack, and an activation stands alone.
fn packs(broker: &Broker) -> Result<(), String> {
    for (_, bytes) in broker.facts.iter().flatten() {
        let Ok(FactsRecord::Facts(pack)) = facts::decode(bytes) else { continue };
        let activates = |body: &FactBody| matches!(body, FactBody::RuleSetActivated { .. });
        let records: BTreeSet<(u16, i64)> = pack.facts.iter().map(|fact| (fact.range, fact.offset)).collect();
        if pack.facts.iter().any(|fact| activates(&fact.fact.body)) && records.len() > 1 {
            return Err("P4: an activation stands in a pack with others".to_owned());
        }
        for fact in &pack.facts {
            let range = &pack.ranges[usize::from(fact.range)];
            if fact.offset <= range.previous || fact.offset > range.last {
                return Err("P1: a fact stands outside of its range".to_owned());
            }
        }
    }
    Ok(())
}

/// C4, K1: what `decided` says never falls, and ends where the committed offset is.
fn progress(broker: &Broker) -> Result<(), String> {
    let mut known: BTreeMap<u32, (u64, Coverage)> = BTreeMap::new();
    for (record, fate) in broker.outputs.iter().filter(|(record, _)| record.topic == Topic::Decided) {
        if *fate != Fate::Committed {
            continue;
        }
        let value = record.value.as_deref().unwrap_or_default();
        let progress = decode_decided(value).map_err(|error| error.to_string())?;
        let partition = progress.facts_partition;
        if let Some((offset, coverage)) = known.get(&partition) {
            let falls = coverage.sources.iter().any(|(source, covered)| {
                progress.coverage.sources.get(source).is_none_or(|now| now.last < covered.last)
            });
            if falls || progress.next_offset < *offset {
                return Err(format!("C4: what facts partition {partition} has covered falls in `decided`"));
            }
        }
        known.insert(partition, (progress.next_offset, progress.coverage));
    }
    for (partition, committed) in (0..).zip(&broker.committed) {
        let said = known.get(&partition).map(|(offset, _)| *offset);
        if said != *committed {
            return Err(format!(
                "K1: facts partition {partition} is committed to {committed:?} and `decided` says {said:?}"
            ));
        }
    }
    Ok(())
}
