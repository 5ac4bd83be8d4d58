//! The facts topic of a deployment under the keys of the next generation.
//!
//! * G1 Nobody begins with a generation that is not whole: before its first fact is written, a mark stands in its
//!   topic `decided` that intake and decide refuse.
//! * G2 One transaction opens it, with the offsets from which it is decided, and closes the one before.
//! * G3 It begins with all that the old one decided, and with nothing that it did not: intake and decide are away,
//!   and decide has come to the end of the old facts.
//! * G4 Given again, the command goes on where it stopped, or says that it is done.

mod generations;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};

use self::generations::{Side, fits, wait_until_away};
use super::{told, write_names};
use crate::cli::deployment::{keys, time_mode};
use crate::cli::topics::specs;
use crate::cli::{Exit, Failure};
use crate::codec::facts;
use crate::codec::keys::Keys;
use crate::codec::output::{
    CLOSED_KEY, Deciding, GENERATION_KEY, GenerationMark, OpenGeneration, OutRecord, Topic, encode_decided,
};
use crate::config::Config;
use crate::config::bundle::Loader;
use crate::intake::rekey::{Differences, NextTopic, Rekey, RekeyPartition, Translation, Written};
use crate::log::LogError;
use crate::log::kafka::{Admin, HandOver, hand_over, read_from, read_latest, topic_spans};

/// Makes the next generation of a deployment's facts and hands over to it.
///
/// # Errors
/// As `rekey`'s `execute`.
pub(super) fn rekey(old: &Config, next: &Config) -> Result<Exit, Failure> {
    fits(old, next)?;
    let (old_keys, next_keys) = (Arc::new(keys(old)?), Arc::new(keys(next)?));
    let partitions = next.kafka.facts_partitions;
    let translation = Translation::new(Arc::clone(&old_keys), Arc::clone(&next_keys), partitions)?;
    let (old, next) = (Side::new(old)?, Side::new(next)?);
    old.is_not_closed()?;
    Admin::connect(&next.connection)?.create_topics(&specs(next.config)?)?;
    next.may_become_of(&old)?;
    wait_until_away(&[&old, &next])?;
    old.decided_to_its_end()?;

    next.write(&next.unfinished(&old))?;
    let Made { partitions, translation, differences, written } = make(&old, &next, &next_keys, translation)?;
    if told(&differences) {
        return Ok(Exit::Mismatch);
    }
    let names = translation.names().after(old_keys.names());
    write_names(Path::new(&next.config.keys.file), &names)?;
    put_in_force(&next, &written)?;

    // Whoever came meanwhile wrote what is not taken over, or still may.
    wait_until_away(&[&old, &next])?;
    old.is_not_closed()?;
    let offsets: Vec<u64> = partitions.iter().map(|one| one.next_offset).collect();
    if old.decided_to_its_end()? != offsets {
        return Err(Failure::usage(anyhow!(
            "the old facts went on meanwhile: stop intake and decide, and give the command again"
        )));
    }
    let open = OpenGeneration {
        number: next_keys.generation(),
        from: old.facts().to_owned(),
        facts: offsets.clone(),
        outputs: ends_of_outputs(&next)?,
    };
    let facts_count: u64 = partitions.iter().map(|one| one.facts_count).sum();
    let mut records: Vec<(&str, OutRecord)> =
        partitions.into_iter().map(|one| (next.decided(), one.progress)).collect();
    records.push((next.decided(), GenerationMark::Open(open.clone()).record(GENERATION_KEY)));
    let closed = GenerationMark::Closed { next: next.facts().to_owned() };
    records.push((old.decided(), closed.record(CLOSED_KEY)));
    next.settle(next.hand_over(&offsets, &records), |marks| {
        marks.get(GENERATION_KEY) == Some(&GenerationMark::Open(open.clone()))
    })?;

    println!(
        "generation {} has {facts_count} facts in {} partitions of {} ({} records were there from before); \
         {} appeal references stay good, {} measures are in force",
        next_keys.generation(),
        offsets.len(),
        next.facts(),
        written.found,
        names.appeals.len(),
        written.in_force.len()
    );
    println!("{} is closed: intake and decide go on with the new configuration", old.facts());
    Ok(Exit::Done)
}

/// A generation whose facts are written.
struct Made {
    partitions: Vec<MadePartition>,
    translation: Translation,
    differences: Differences,
    written: Written,
}

/// What is left of a partition once all of it is decided.
struct MadePartition {
    next_offset: u64,
    /// As the deciding process would say that it came to there.
    progress: OutRecord,
    facts_count: u64,
}

/// Writes the facts of the new generation and decides them, partition by partition.
fn make(
    old: &Side<'_>,
    next: &Side<'_>,
    next_keys: &Arc<Keys>,
    translation: Translation,
) -> Result<Made, Failure> {
    let loader = Loader::speaking(next.config.rules.speaks());
    let mut topic = NextTopic::open(&next.connection, next.facts(), next_keys, &next.config.institution)?;
    let mut rekey = Rekey::new(translation, time_mode(old.config), &loader, &mut topic);
    let mut partitions = Vec::new();
    for partition in 0..next.config.kafka.facts_partitions {
        let mut one = rekey.partition(partition);
        take_all(old, partition, &mut one)?;
        let (state, next_offset) = one.finish();
        let deciding = Deciding::of(&state, None, next.config.rules.speaks());
        let (coverage, time) = (state.coverage(), state.partition_time());
        partitions.push(MadePartition {
            next_offset,
            progress: encode_decided(partition, next_offset, coverage, time, &deciding),
            facts_count: state.tally().facts_applied,
        });
    }
    let (translation, differences) = rekey.finish();
    Ok(Made { partitions, translation, differences, written: topic.finish()? })
}

/// Hands over all records of an old partition.
fn take_all(old: &Side<'_>, partition: u32, one: &mut RekeyPartition<'_, '_>) -> Result<(), Failure> {
    let mut next_offset = 0;
    let mut failure = None;
    read_from(&old.connection, old.facts(), partition, 0, &mut |record| {
        let taken = if record.offset == next_offset {
            facts::decode(record.value.unwrap_or_default())
                .context("it cannot be read")
                .map_err(Failure::input)
                .and_then(|read| one.take(&read).map_err(Failure::from))
        } else {
            // Reports name offsets, and what is written anew has no such gap.
            Err(Failure::input(anyhow!("offsets from {next_offset} hold no records of facts")))
        };
        next_offset += 1;
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some((record.offset, error));
                ControlFlow::Break(())
            }
        }
    })?;
    match failure {
        None => Ok(()),
        Some((offset, error)) => {
            eprintln!("at facts partition {partition}, offset {offset}:");
            Err(error)
        }
    }
}

/// The topic `measures` of the new generation holds what is in force, as if it had decided all of it.
fn put_in_force(next: &Side<'_>, written: &Written) -> Result<(), Failure> {
    let measures = &next.config.topics.measures.name;
    let there = read_latest(&next.connection, measures)?;
    let record = |key: &Vec<u8>, value| OutRecord { topic: Topic::Measures, key: key.clone(), value };
    // From an attempt before, of what has ended since.
    let over = there.keys().filter(|key| !written.in_force.contains_key(*key)).map(|key| record(key, None));
    let in_force = written.in_force.iter().map(|(key, value)| record(key, Some(value.clone())));
    let records: Vec<(&str, OutRecord)> =
        over.chain(in_force).map(|record| (measures.as_str(), record)).collect();
    next.write(&records)
}

/// Where each output topic ends now.
fn ends_of_outputs(next: &Side<'_>) -> Result<std::collections::BTreeMap<String, Vec<u64>>, Failure> {
    let topics = &next.config.topics;
    let outputs = [
        &topics.dispositions,
        &topics.notices,
        &topics.shadow,
        &topics.authority,
        &topics.leads,
        &topics.dead_letters,
    ];
    outputs
        .into_iter()
        .map(|output| {
            let spans = topic_spans(&next.connection, &output.name)?;
            let ends = spans.into_iter().map(|(_, end)| end.unsigned_abs()).collect();
            Ok((output.name.clone(), ends))
        })
        .collect()
}

/// Goes back to the old generation.
///
/// # Errors
/// Exit 2 when the new one is not the one that goes on, or has gone on already.
pub(super) fn back(old: &Config, next: &Config) -> Result<Exit, Failure> {
    fits(old, next)?;
    let (old, next) = (Side::new(old)?, Side::new(next)?);
    let (closed, opened) = (old.marks()?, next.marks()?);
    let goes_on = match (closed.get(CLOSED_KEY), opened.get(GENERATION_KEY)) {
        (Some(GenerationMark::Closed { next: to }), Some(GenerationMark::Open(open))) => {
            (to == next.facts() && open.from == old.facts()).then_some(open)
        }
        _ => None,
    };
    let open = goes_on.ok_or_else(|| {
        Failure::usage(anyhow!(
            "{} is not the generation that goes on where {} ended",
            next.facts(),
            old.facts()
        ))
    })?;
    wait_until_away(&[&old, &next])?;
    let spans = topic_spans(&next.connection, next.facts())?;
    if !spans.iter().map(|(_, end)| end.unsigned_abs()).eq(open.facts.iter().copied()) {
        return Err(Failure::usage(anyhow!(
            "facts were written to {} since it was opened: what it published would be published again by {}",
            next.facts(),
            old.facts()
        )));
    }
    let ends = old.decided_to_its_end()?;
    let mut records = next.unfinished(&old);
    let open_again = OutRecord { topic: Topic::Decided, key: CLOSED_KEY.to_vec(), value: None };
    records.push((old.decided(), open_again));
    old.settle(old.hand_over(&ends, &records), |marks| !marks.contains_key(CLOSED_KEY))?;
    println!("{} is open again; {} is unfinished", old.facts(), next.facts());
    Ok(Exit::Done)
}

impl Side<'_> {
    fn hand_over(&self, offsets: &[u64], records: &[(&str, OutRecord)]) -> Result<(), LogError> {
        let kafka = &self.config.kafka;
        let transactional_id = match kafka.transactional_id.as_str() {
            "" => format!("{}.rekey", kafka.decide_group()),
            own => format!("{own}.rekey"),
        };
        let what = HandOver {
            transactional_id: &transactional_id,
            timeout_ms: kafka.transaction_timeout_ms,
            group: &kafka.decide_group(),
            facts_topic: self.facts(),
            offsets,
            records,
        };
        hand_over(&self.connection, &what)
    }
}
