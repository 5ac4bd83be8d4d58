//! `duecourse subject-access`: what is held of one person, for their own request (PIPL 44 to 50; law.md P9).
//!
//! One person a call, a purpose and a case each time, and every access stands in a journal before its answer
//! is given. There is no list of persons and no pattern.

mod held;
mod journal;
mod kinds;
mod store;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde_json::Value;

use super::deployment::ConfigArguments;
use super::{Exit, Failure};
use crate::codec::output::Topic;
use crate::config::bundle::Loader;
use crate::engine::subject::SubjectKind;
use crate::telemetry::clock::now;

use held::Held;
use journal::Access;
use store::Store;

/// The one purpose of this command.
const PURPOSE: &str = "subject_access";

/// Say what is held of one person, since when, why, and what was decided about them
#[derive(Debug, Args)]
#[command(
    after_help = "Example:  duecourse subject-access --holder CUST-00007 --purpose subject_access \\\n\
    \x20             --case SAR-2026-14 --out out/\n\
    \x20         duecourse subject-access --holder CUST-00007 --purpose subject_access \\\n\
    \x20             --case SAR-2026-14 --config duecourse.toml --journal accesses.ndjson\n\n\
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
/// Exit 2 without a purpose and a case, 1 when the journal's chain is broken, 3 for configuration and key, 4 when
/// something cannot be read, 6 when brokers do not answer.
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
    let store = Store::open(arguments.out.as_deref(), &arguments.deployment)?;
    let keys = store.keys(arguments.key.as_deref())?;
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
    let mut held = Held::new(&keys, holder, &loader);
    let own = holder.partition(store.partitions());
    store.facts(&mut |partition, fact| held.see(partition == own, fact))?;
    store.published(Topic::Dispositions, &mut |text| held.published(text))?;
    let told = told_of(&store, &held.ordered())?;
    held.settle(&told);
    if arguments.json {
        let all = held.json(case, PURPOSE);
        println!("{}", serde_json::to_string_pretty(&all).map_err(Failure::unreachable)?);
    } else {
        print!("{}", held.text(case));
    }
    Ok(Exit::Done)
}

/// Those of these references that were on a notice.
fn told_of(store: &Store, references: &BTreeSet<String>) -> Result<BTreeSet<String>, Failure> {
    let mut told = BTreeSet::new();
    if !references.is_empty() {
        store.published(Topic::Notices, &mut |text| {
            // A cheap look first: most notices are of others.
            if !references.iter().any(|reference| text.contains(reference)) {
                return;
            }
            let notice = serde_json::from_str::<Value>(text).unwrap_or_default();
            let reference = field(&notice, "/data/appeal_reference");
            told.extend(reference.filter(|reference| references.contains(*reference)).map(str::to_owned));
        })?;
    }
    Ok(told)
}

/// A field of a published record.
fn field<'v>(record: &'v Value, pointer: &str) -> Option<&'v str> {
    record.pointer(pointer).and_then(Value::as_str)
}
