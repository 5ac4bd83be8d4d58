//! A deployment's topics, checked against its source topics.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::anyhow;

use crate::cli::Failure;
use crate::cli::deployment::{connection, keys, opened_generation, time_mode};
use crate::cli::intake;
use crate::codec::output::{OpenGeneration, Topic};
use crate::config::Config;
use crate::config::bundle::Loader;
use crate::engine::base::TimeMs;
use crate::engine::cover::SourceId;
use crate::intake::classify::{Destination, SourceRecord};
use crate::intake::dead_letter::DeadLetter;
use crate::intake::first_start;
use crate::intake::refusal::RefusalCode;
use crate::log::kafka::{Connection, read_latest, read_topic};
use crate::verify::check::{Check, Deployment, Verdict};

/// Reads every topic once from its start.
///
/// # Errors
/// Exit 6 when brokers do not answer, 3 for the configuration.
pub fn verify(config: &Config) -> Result<Verdict, Failure> {
    let keys = Arc::new(keys(config)?);
    let connection = connection(config, "verify")?;
    let loader = Loader::new();
    let mut check = Check::new(Deployment {
        keys: &keys,
        institution: &config.institution,
        partitions: config.kafka.facts_partitions,
        time: time_mode(config),
        loader: &loader,
        own_source: first_start::source(),
    });
    let opened = opened_generation(config, &connection)?;
    for (partition, offset) in (0..).zip(&opened.facts) {
        check.published_from(partition, *offset);
    }
    recount(config, &keys, &connection, &mut check)?;
    recompute(config, &connection, &mut check)?;
    compare(config, &connection, &opened, &mut check)?;
    Ok(check.finish())
}

/// Every source record again through the classifier of the version in force at its timestamp.
fn recount(
    config: &Config,
    keys: &Arc<crate::codec::keys::Keys>,
    connection: &Connection,
    check: &mut Check<'_>,
) -> Result<(), Failure> {
    let versions = intake::versions(config)?;
    for mut source in intake::sources(config, keys)? {
        let topic = source.topic.clone();
        let spans = read_topic(connection, &topic, &mut |record| {
            let id = SourceId {
                name: Arc::clone(&source.name),
                generation: source.generation,
                partition: record.partition,
            };
            let timestamp = TimeMs(record.timestamp_ms);
            let version = versions.in_force(timestamp);
            let outcome = match (record.value, source.classifiers.get_mut(&version)) {
                (None, _) => Err(RefusalCode::RecordEmpty),
                (Some(_), None) => Err(RefusalCode::TypeNotAccepted),
                (Some(bytes), Some(classifier)) => {
                    let record = SourceRecord { bytes, headers: record.headers, timestamp };
                    classifier.classify(&record).map_err(|refusal| refusal.code)
                }
            };
            match outcome {
                Ok(classified) => {
                    let facts = classified.facts.iter().map(|(to, fact)| match to {
                        Destination::Partition(partition) => (Some(*partition), fact),
                        Destination::All => (None, fact),
                    });
                    check.accepted(&id, record.offset, facts);
                }
                Err(code) => {
                    let letter =
                        DeadLetter { source: &id, offset: record.offset, reason: code.name(), version };
                    check.refused(Some((&id, record.offset)), letter.json());
                }
            }
            ControlFlow::Continue(())
        })
        .map_err(Failure::reading)?;
        for (partition, (first, _)) in (0..).zip(spans) {
            let (name, generation) = (Arc::clone(&source.name), source.generation);
            check.begins(&SourceId { name, generation, partition }, first);
        }
    }
    Ok(())
}

fn recompute(config: &Config, connection: &Connection, check: &mut Check<'_>) -> Result<(), Failure> {
    let mut logs: BTreeMap<u32, VecDeque<(u64, Vec<u8>)>> = BTreeMap::new();
    let facts = &config.topics.facts.name;
    let spans = read_topic(connection, facts, &mut |record| {
        let value = record.value.unwrap_or_default().to_vec();
        logs.entry(record.partition).or_default().push_back((record.offset.unsigned_abs(), value));
        ControlFlow::Continue(())
    })
    .map_err(Failure::reading)?;
    if let Some(place) = spans.iter().position(|(first, _)| *first > 0) {
        return Err(Failure::input(anyhow!(
            "facts partition {place} begins at offset {}: retention has taken what is to be recomputed",
            spans.get(place).map_or(0, |(first, _)| *first)
        )));
    }
    for partition in 0..config.kafka.facts_partitions {
        let mut log = logs.remove(&partition).unwrap_or_default();
        check.partition(partition, || -> Result<_, Failure> { Ok(log.pop_front()) })?;
    }
    Ok(())
}

fn compare(
    config: &Config,
    connection: &Connection,
    opened: &OpenGeneration,
    check: &mut Check<'_>,
) -> Result<(), Failure> {
    let topics = &config.topics;
    for (topic, name) in [
        (Topic::Dispositions, &topics.dispositions.name),
        (Topic::Notices, &topics.notices.name),
        (Topic::Shadow, &topics.shadow.name),
        (Topic::Authority, &topics.authority.name),
        (Topic::Leads, &topics.leads.name),
        (Topic::DeadLetters, &topics.dead_letters.name),
    ] {
        let mut last: BTreeMap<u32, BTreeMap<u32, u64>> = BTreeMap::new();
        let of_before = opened.outputs.get(name);
        let is_of_before = |partition: u32, offset: i64| {
            let from = of_before.and_then(|ends| ends.get(partition as usize));
            from.is_some_and(|from| offset.unsigned_abs() < *from)
        };
        read_topic(connection, name, &mut |record| {
            let value = record.value.unwrap_or_default();
            let text = std::str::from_utf8(value).unwrap_or_default();
            if topic == Topic::DeadLetters && text.contains("\"intake_version\"") {
                check.dead_letter(text);
            } else if !is_of_before(record.partition, record.offset) {
                check.published(topic, value, last.entry(record.partition).or_default());
            }
            ControlFlow::Continue(())
        })
        .map_err(Failure::reading)?;
    }
    let measures = read_latest(connection, &topics.measures.name).map_err(Failure::reading)?;
    check.in_force(measures.iter().map(|(key, value)| (key.as_slice(), value.as_slice())));
    Ok(())
}
