//! Announcing versions of the intake configuration in every facts partition, before any record is
//! classified by them (DESIGN D6).

use std::collections::BTreeSet;

use crate::codec::facts;
use crate::engine::base::TimeMs;
use crate::engine::cover::{ConfigVersion, Coverage};
use crate::engine::input::FactsRecord;
use crate::log::LogError;
use crate::log::source::IntakeLog;

use super::covered::Decided;
use super::sender::Sender;
use super::versions::{Versions, VersionsError};

/// Why versions could not be announced.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Versions(#[from] VersionsError),
    #[error(
        "facts partition {partition} does not hold the announcement of version {number} that was written to it"
    )]
    NotReadBack { partition: u32, number: u32 },
}

/// Writes what a facts partition has not heard of, and reads it back in each.
///
/// # Errors
/// When the list changes the past, a new version starts too early, or brokers do not answer.
pub fn announce<L: IntakeLog>(
    log: &mut L,
    sender: &mut Sender,
    facts_topic: &str,
    decided: &Decided,
    versions: &Versions,
    now: TimeMs,
) -> Result<(), AnnounceError> {
    let nothing_heard = Coverage::default();
    let heard_of = decided.partitions().iter().flatten().flat_map(|progress| &progress.coverage.versions);
    let elsewhere: BTreeSet<ConfigVersion> = heard_of.copied().collect();
    let mut written = Vec::new();
    for (partition, progress) in (0..).zip(decided.partitions()) {
        let heard = progress.as_ref().map_or(&nothing_heard, |progress| &progress.coverage);
        let missing = versions.unannounced(heard, &elsewhere, now)?;
        if missing.is_empty() {
            continue;
        }
        let (_, end_before) = log.watermarks(facts_topic, partition)?;
        for version in &missing {
            sender.send_facts_record(log, partition, &FactsRecord::VersionAnnounced(*version))?;
        }
        written.push((partition, end_before, missing));
    }
    log.settle()?;
    for (partition, end_before, missing) in written {
        read_back(log, partition, end_before, missing)?;
        tracing::info!(partition, "versions of the intake configuration announced");
    }
    Ok(())
}

/// By offset: decide appends reports meanwhile, so how far from the end it is changes.
fn read_back<L: IntakeLog>(
    log: &L,
    partition: u32,
    end_before: i64,
    mut missing: Vec<ConfigVersion>,
) -> Result<(), AnnounceError> {
    log.read_facts(partition, end_before, &mut |record| {
        if let Ok(FactsRecord::VersionAnnounced(heard)) = facts::decode(record) {
            missing.retain(|version| *version != heard);
        }
    })?;
    match missing.first() {
        Some(version) => Err(AnnounceError::NotReadBack { partition, number: version.number }),
        None => Ok(()),
    }
}
