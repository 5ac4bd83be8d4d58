//! A folder of facts under the keys of the next generation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::{told, write_names};
use crate::cli::{Exit, Failure};
use crate::codec::facts;
use crate::codec::keys::{KeyFile, Keys};
use crate::codec::manifest::facts_folder;
use crate::codec::output::{Deciding, encode_decided};
use crate::config::bundle::Loader;
use crate::engine::SEMANTICS;
use crate::engine::input::{FactsRecord, TimeMode};
use crate::intake::rekey::{Rekey, RekeyPartition, Translation};
use crate::log::local::{FrameReader, LocalLog, SyncPolicy, facts_path};
use crate::log::{Batch, DecideLog};

pub(super) struct Folders {
    pub out: PathBuf,
    pub to: PathBuf,
    pub key: PathBuf,
    pub new_key: PathBuf,
}

/// # Errors
/// Exit 1 when the generations differ, 2 when the new folder exists, 3 when a key does not fit, 4 when the old facts cannot be read.
pub(super) fn rekey(folders: &Folders) -> Result<Exit, Failure> {
    if folders.to.exists() {
        return Err(Failure::usage(anyhow!("{} exists; name a new folder", folders.to.display())));
    }
    let keys =
        |path: &Path| Keys::from_provider(&KeyFile(path)).map(Arc::new).map_err(Failure::configuration);
    let (old_keys, new_keys) = (keys(&folders.key)?, keys(&folders.new_key)?);
    let old = [facts_folder(&folders.out), folders.out.clone()];
    let old = old
        .into_iter()
        .find(|folder| facts_path(folder, 0).exists())
        .ok_or_else(|| Failure::input(anyhow!("{} holds no facts", folders.out.display())))?;
    let count = (0..).take_while(|partition| facts_path(&old, *partition).exists()).count();
    let partitions = u32::try_from(count).unwrap_or(u32::MAX);

    let loader = Loader::new();
    let translation = Translation::new(Arc::clone(&old_keys), Arc::clone(&new_keys), partitions)?;
    // Under another name until it is whole.
    let unfinished = unfinished(&folders.to);
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(Failure::unreachable)?;
    }
    let log = LocalLog::open(&facts_folder(&unfinished), partitions, SyncPolicy::EveryCommit)?;
    let (appended, mut buffer) = (log.facts(), Vec::new());
    let mut sink = |partition: u32, record: &FactsRecord| {
        buffer.clear();
        facts::encode(record, &mut buffer);
        appended.append(partition, &buffer).map(drop)
    };
    let mut rekey = Rekey::new(translation, TimeMode::Event, &loader, &mut sink);
    let (mut decided, mut facts_count) = (Vec::new(), 0);
    for partition in 0..partitions {
        let mut one = rekey.partition(partition);
        read(&old, partition, &mut one)
            .with_context(|| format!("facts partition {partition}"))
            .map_err(Failure::input)?;
        let (state, next_offset) = one.finish();
        let deciding = Deciding::of(&state, None, SEMANTICS);
        let (coverage, time) = (state.coverage(), state.partition_time());
        let record = encode_decided(partition, next_offset, coverage, time, &deciding);
        decided.push(Batch { partition, next_offset, records: vec![record] });
        facts_count += state.tally().facts_applied;
    }
    let (translation, differences) = rekey.finish();
    log.facts().sync()?;
    // What was decided was published by the old generation: the new one goes on behind it.
    log.decide()?.commit(&decided)?;
    drop((appended, log));
    if told(&differences) {
        return Ok(Exit::Mismatch);
    }
    let names = translation.names().after(old_keys.names());
    write_names(&folders.new_key, &names)?;
    std::fs::rename(&unfinished, &folders.to)
        .with_context(|| format!("cannot make {}", folders.to.display()))
        .map_err(Failure::usage)?;
    println!(
        "generation {} has {facts_count} facts in {partitions} partitions; {} appeal references stay good",
        new_keys.generation(),
        names.appeals.len()
    );
    Ok(Exit::Done)
}

fn unfinished(to: &Path) -> PathBuf {
    let mut path = to.as_os_str().to_owned();
    path.push(".unfinished");
    PathBuf::from(path)
}

/// Hands over all records of an old partition.
fn read(folder: &Path, partition: u32, one: &mut RekeyPartition<'_, '_>) -> anyhow::Result<()> {
    let mut reader = FrameReader::open(&facts_path(folder, partition))?;
    while let Some(payload) = reader.next_payload()? {
        let record = facts::decode(payload).context("a facts record cannot be read")?;
        one.take(&record)?;
    }
    Ok(())
}
