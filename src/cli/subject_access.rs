//! `duecourse subject-access`: what is held of one person, for their own request (PIPL 44 to 50; law.md P9).
//!
//! One person a call, a purpose and a case each time, and every access stands in a journal before its answer
//! is given. There is no list of persons and no pattern.

mod held;
mod journal;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::Value;

use super::deployment::{self, ConfigArguments};
use super::keys::load_keys;
use super::{Exit, Failure};
use crate::codec::facts;
use crate::codec::keys::Keys;
use crate::codec::manifest::facts_folder;
use crate::config::bundle::Loader;
use crate::engine::base::Token;
use crate::engine::subject::SubjectKind;
use crate::log::kafka::read_topic;
use crate::log::local::{FrameReader, facts_path};
use crate::telemetry::clock::now;

use held::Held;
use journal::Access;

/// The one purpose of this command.
const PURPOSE: &str = "subject_access";

/// Say what is held of one person, since when, why, and what was decided about them
#[derive(Debug, Args)]
#[command(
    after_help = "Example:  duecourse subject-access --holder CUST-00007 --purpose subject_access \\\n\
    \x20             --case SAR-2026-14 --out out/\n\n\
    For the person's own request to see or correct what is held of them. Each access is written to the \
    journal first, in a chain of hashes; without purpose and case nothing is read. Chinese first, then English."
)]
pub struct Arguments {
    /// The person's holder reference, as events carry it
    #[arg(long, value_name = "REF")]
    holder: String,
    /// Why: `subject_access`, and nothing else
    #[arg(long, value_name = "PURPOSE")]
    purpose: String,
    /// Number of the person's request
    #[arg(long, value_name = "CASE")]
    case: String,
    /// Output folder of a `run` or `demo`
    #[arg(long, value_name = "DIR", required_unless_present = "config", conflicts_with = "config")]
    out: Option<PathBuf>,
    #[command(flatten)]
    deployment: ConfigArguments,
    /// File of the key, with --out [default: the fixed development key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where accesses are recorded [default: subject-access.ndjson in the output folder]
    #[arg(long, value_name = "FILE", required_unless_present = "out")]
    journal: Option<PathBuf>,
    /// One JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// # Errors
/// Exit 2 without a purpose and a case, 1 when the journal's chain is broken, 4 when nothing can be read.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    if arguments.purpose != PURPOSE {
        return Err(Failure::usage(anyhow!(
            "purpose `{}` is refused: what is held of a person is shown for `{PURPOSE}` alone",
            arguments.purpose
        )));
    }
    let case = arguments.case.trim();
    if case.is_empty() || case.len() > 64 || case.chars().any(char::is_control) {
        return Err(Failure::usage(anyhow!(
            "--case is the number of the person's request, 64 bytes at most"
        )));
    }
    if arguments.holder.trim().is_empty() {
        return Err(Failure::usage(anyhow!("--holder names one person")));
    }
    let (keys, partitions) = match &arguments.out {
        Some(_) => (load_keys(arguments.key.as_deref())?, 1),
        None => {
            let config = arguments.deployment.load()?;
            (std::sync::Arc::new(deployment::keys(&config)?), config.kafka.facts_partitions)
        }
    };
    let holder = keys.token(SubjectKind::Holder, &arguments.holder);
    let journal = match (&arguments.journal, &arguments.out) {
        (Some(journal), _) => journal.clone(),
        (None, Some(out)) => out.join("subject-access.ndjson"),
        (None, None) => return Err(Failure::usage(anyhow!("--journal names where accesses are recorded"))),
    };
    let access = Access { at: now(), purpose: PURPOSE, case, about: holder };
    if !journal::append(&journal, &access)? {
        eprintln!(
            "duecourse: the chain of {} is broken: somebody changed it; nothing is shown",
            journal.display()
        );
        return Ok(Exit::Mismatch);
    }
    let loader = Loader::new();
    let held = match &arguments.out {
        Some(out) => of_folder(out, &keys, holder, &loader)?,
        None => of_topics(&arguments.deployment, &keys, holder, partitions, &loader)?,
    };
    if arguments.json {
        let all = held.json(case, PURPOSE);
        println!("{}", serde_json::to_string_pretty(&all).map_err(Failure::unreachable)?);
    } else {
        print!("{}", held.text(case));
    }
    Ok(Exit::Done)
}

fn of_folder<'k>(out: &Path, keys: &'k Keys, holder: Token, loader: &'k Loader) -> Result<Held<'k>, Failure> {
    let mut held = Held::new(keys, holder, loader);
    let mut reader = FrameReader::open(&facts_path(&facts_folder(out), 0)).map_err(Failure::input)?;
    while let Some(payload) = reader.next_payload().map_err(Failure::input)? {
        held.see(&facts::decode(payload).context("a facts record cannot be read").map_err(Failure::input)?);
    }
    let path = out.join("dispositions.ndjson");
    let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()));
    for line in BufReader::new(file.map_err(Failure::input)?).lines() {
        held.published(&line.map_err(Failure::input)?);
    }
    Ok(held)
}

fn of_topics<'k>(
    arguments: &ConfigArguments,
    keys: &'k Keys,
    holder: Token,
    partitions: u32,
    loader: &'k Loader,
) -> Result<Held<'k>, Failure> {
    let config = arguments.load()?;
    let connection = deployment::connection(&config, "subject-access")?;
    let mut held = Held::new(keys, holder, loader);
    let own = i64::from(holder.partition(partitions));
    read_topic(&connection, &config.topics.facts.name, &mut |record| {
        // Rule sets stand in every partition; what is of the holder in one.
        let value = record.value.filter(|_| i64::from(record.partition) == own);
        if let Some(Ok(record)) = value.map(facts::decode) {
            held.see(&record);
        }
        ControlFlow::Continue(())
    })?;
    read_topic(&connection, &config.topics.dispositions.name, &mut |record| {
        if let Some(text) = record.value.and_then(|value| std::str::from_utf8(value).ok()) {
            held.published(text);
        }
        ControlFlow::Continue(())
    })?;
    Ok(held)
}

/// A field of a published record.
fn field<'v>(record: &'v Value, pointer: &str) -> Option<&'v str> {
    record.pointer(pointer).and_then(Value::as_str)
}
