//! A finished folder of `run` or `demo`, checked against its inputs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, anyhow};

use crate::cli::inputs::Inputs;
use crate::cli::keys::load_keys;
use crate::cli::{Failure, run};
use crate::codec::hex::hex;
use crate::codec::manifest::{Manifest, facts_folder};
use crate::codec::output::Topic;
use crate::config::bundle::Loader;
use crate::engine::cover::SourceId;
use crate::engine::input::{TimeMode, UnmatchedReason};
use crate::intake::classify::Destination;
use crate::intake::first_start;
use crate::log::local::{FrameReader, facts_path};
use crate::verify::check::{Check, Deployment, Verdict};

/// Checks a folder.
///
/// # Errors
/// `InputUnreadable` when the folder or its inputs cannot be read, or an input has changed since.
pub fn verify(out: &Path) -> Result<Verdict, Failure> {
    let manifest = Manifest::read(out).map_err(Failure::input)?;
    let keys = load_keys(manifest.key.as_deref())?;
    if hex(&keys.check()) != manifest.key_check {
        return Err(Failure::configuration(anyhow!("the key is not the one this folder was made with")));
    }
    for file in manifest.inputs.iter().chain(&manifest.accounts).chain(&manifest.feedback) {
        if !file.is_unchanged().map_err(Failure::input)? {
            return Err(Failure::input(anyhow!(
                "{} is not what it was: its digest differs",
                file.path.display()
            )));
        }
    }
    let loader = Loader::new();
    let mut check = Check::new(Deployment {
        keys: &keys,
        institution: &manifest.institution,
        partitions: 1,
        time: TimeMode::Event,
        loader: &loader,
        own_source: first_start::source(),
    });
    recount(&manifest, &keys, &mut check)?;
    recompute(out, &mut check)?;
    compare(out, &mut check)?;
    Ok(check.finish())
}

/// Reads the inputs again, in their merged order.
fn recount(
    manifest: &Manifest,
    keys: &std::sync::Arc<crate::codec::keys::Keys>,
    check: &mut Check<'_>,
) -> Result<(), Failure> {
    let rows: Vec<_> = manifest.inputs.iter().map(|file| file.path.clone()).collect();
    let path = |file: &Option<crate::codec::manifest::InputFile>| file.as_ref().map(|file| file.path.clone());
    let (accounts, feedback) = (path(&manifest.accounts), path(&manifest.feedback));
    let inputs = Inputs::new(&manifest.source, &manifest.institution, &rows, &accounts, &feedback)?;
    let source = SourceId { name: inputs.source_name.as_str().into(), generation: 1, partition: 0 };
    let mut files = inputs.open(keys)?;
    let mut offset = 0;
    while let Some(merged) = files.next().map_err(|error| run::unreadable(&error))? {
        match merged.outcome {
            Ok(accepted) => {
                let facts = accepted.item.facts.iter().map(|(to, fact)| {
                    let to = match to {
                        Destination::Partition(partition) => Some(*partition),
                        Destination::All => None,
                    };
                    (to, fact)
                });
                check.accepted(&source, offset, facts);
                offset += 1;
            }
            Err(refusal) => {
                check.refused(None, letter(merged.input.into(), merged.line, refusal.code.name()));
            }
        }
    }
    Ok(())
}

fn letter(input: u64, line: u64, reason: &str) -> String {
    format!("{input}/{line}/{reason}")
}

fn recompute(out: &Path, check: &mut Check<'_>) -> Result<(), Failure> {
    let mut reader = FrameReader::open(&facts_path(&facts_folder(out), 0)).map_err(Failure::input)?;
    check.partition(0, || -> Result<_, Failure> {
        let offset = reader.number();
        let payload = reader.next_payload().map_err(Failure::input)?;
        Ok(payload.map(|payload| (offset, payload.to_vec())))
    })
}

/// The files as a user has them, not the journal behind them.
fn compare(out: &Path, check: &mut Check<'_>) -> Result<(), Failure> {
    for topic in [Topic::Dispositions, Topic::Notices, Topic::Shadow, Topic::Leads] {
        let mut last = BTreeMap::new();
        for line in lines(&out.join(format!("{}.ndjson", topic.name())))? {
            check.published(
                topic,
                line.context("an output cannot be read").map_err(Failure::input)?.as_bytes(),
                &mut last,
            );
        }
    }
    let measures: Vec<String> =
        lines(&out.join("measures.ndjson"))?.collect::<Result<_, _>>().map_err(Failure::input)?;
    check.in_force_unkeyed(measures.iter().map(String::as_bytes));
    let mut unmatched = 0;
    for line in lines(&out.join("dead-letters.ndjson"))? {
        let line = line.map_err(Failure::input)?;
        let value: serde_json::Value = serde_json::from_str(&line).map_err(Failure::input)?;
        let number = |name: &str| value.get(name).and_then(serde_json::Value::as_u64).unwrap_or(u64::MAX);
        let reason = value.get("reason").and_then(serde_json::Value::as_str).unwrap_or_default();
        if UnmatchedReason::ALL.iter().any(|known| reason == known.name()) {
            unmatched += 1;
        } else {
            check.dead_letter(&letter(number("input"), number("line"), reason));
        }
    }
    if unmatched == check.unmatched_count() {
        check.unmatched_counted();
    }
    Ok(())
}

fn lines(path: &Path) -> Result<impl Iterator<Item = std::io::Result<String>>, Failure> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()));
    Ok(BufReader::new(file.map_err(Failure::input)?).lines())
}
