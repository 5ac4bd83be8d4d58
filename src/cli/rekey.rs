//! `duecourse rekey`: the facts of a folder under the keys of the next generation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;

use super::{Exit, Failure};
use crate::codec::facts;
use crate::codec::keys::names::Names;
use crate::codec::keys::{KeyFile, Keys};
use crate::codec::manifest::facts_folder;
use crate::codec::output::{Deciding, encode_decided};
use crate::config::bundle::Loader;
use crate::engine::SEMANTICS;
use crate::engine::input::{FactsRecord, TimeMode};
use crate::intake::rekey::{History, Translation, identity};
use crate::log::local::{FrameReader, LocalLog, SyncPolicy, facts_path};
use crate::log::{Batch, DecideLog};

/// Write the facts of a folder anew, under the keys of the next generation
///
/// Tokens and references of the old facts are said in the new ones, so that everything goes on to join; what
/// was decided stays decided, and is not published again. Afterwards `keys destroy` ends the old generation.
/// Persons who hold a notice keep their appeal reference: `<new key>.names` tells intake what it is now.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder of a run, or of a local log
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder for the new generation; it must not exist
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Key of the old generation
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Key of the new generation, made by `keys next`
    #[arg(long, value_name = "FILE")]
    new_key: PathBuf,
    /// Facts partitions of the new generation [default: as many as the old one has]
    #[arg(long, value_name = "N")]
    partitions: Option<u32>,
}

/// # Errors
/// Exit 2 when the new folder exists, 3 when a key does not fit, 4 when the old facts cannot be read.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    if arguments.to.exists() {
        return Err(Failure::usage(anyhow!("{} exists; name a new folder", arguments.to.display())));
    }
    let keys =
        |path: &Path| Keys::from_provider(&KeyFile(path)).map(Arc::new).map_err(Failure::configuration);
    let (old_keys, new_keys) = (keys(&arguments.key)?, keys(&arguments.new_key)?);
    let old = [facts_folder(&arguments.out), arguments.out.clone()];
    let old = old
        .into_iter()
        .find(|folder| facts_path(folder, 0).exists())
        .ok_or_else(|| Failure::input(anyhow!("{} holds no facts", arguments.out.display())))?;
    let count = (0..).take_while(|partition| facts_path(&old, *partition).exists()).count();
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let partitions = arguments.partitions.unwrap_or(count).max(1);

    let loader = Loader::new();
    let mut translation = Translation::new(Arc::clone(&old_keys), Arc::clone(&new_keys), partitions)
        .map_err(Failure::configuration)?;
    let mut history = History::default();
    for partition in 0..count {
        let own = identity(&old_keys, partition, count, TimeMode::Event);
        history
            .read(own, records(&old, partition)?, &loader, &mut translation)
            .with_context(|| format!("facts partition {partition}"))
            .map_err(Failure::input)?;
    }

    let folder = facts_folder(&arguments.to);
    let log = LocalLog::open(&folder, partitions, SyncPolicy::EveryCommit)?;
    let (appended, mut buffer) = (log.facts(), Vec::new());
    let mut sink = |partition: u32, record: &FactsRecord| {
        buffer.clear();
        facts::encode(record, &mut buffer);
        appended.append(partition, &buffer).map(drop).map_err(|error| error.to_string())
    };
    let own = identity(&new_keys, 0, partitions, TimeMode::Event);
    let states = history.write(&translation, &own, &loader, &mut sink).map_err(Failure::input)?;
    log.facts().sync()?;
    // What was decided was published by the old generation: the new one goes on behind it.
    let mut decide = log.decide()?;
    let mut facts_count = 0;
    for (partition, (state, next_offset)) in (0..).zip(&states) {
        let (coverage, time) = (state.coverage(), state.partition_time());
        let decided =
            encode_decided(partition, *next_offset, coverage, time, &Deciding::of(state, None, SEMANTICS));
        decide.commit(&[Batch { partition, next_offset: *next_offset, records: vec![decided] }])?;
        facts_count += state.tally().facts_applied;
    }
    let names = translation.names().after(old_keys.names());
    let path = Names::path(&arguments.new_key);
    std::fs::write(&path, names.text())
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(Failure::usage)?;
    println!(
        "generation {} has {facts_count} facts in {partitions} partitions; {} appeal references stay good",
        new_keys.generation(),
        names.appeals.len()
    );
    Ok(Exit::Done)
}

/// All records of an old partition.
fn records(folder: &Path, partition: u32) -> Result<Vec<FactsRecord>, Failure> {
    let mut reader = FrameReader::open(&facts_path(folder, partition)).map_err(Failure::input)?;
    let mut records = Vec::new();
    while let Some(payload) = reader.next_payload().map_err(Failure::input)? {
        records
            .push(facts::decode(payload).context("a facts record cannot be read").map_err(Failure::input)?);
    }
    Ok(records)
}
