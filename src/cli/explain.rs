//! `explain`: why a measure was set, from what was published: the notice, the rule and the evidence.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::{Value, json};

use super::{Exit, Failure};
use crate::engine::disposition::AppealRef;

mod text;

/// Explain a measure by the appeal reference on its notice.
#[derive(Debug, Args)]
#[command(after_help = "Example:  duecourse explain 7K2M-Q0ZT-4XBH --out out/\n\n\
    Reads what was published and nothing else, so it says what the person could be told, and the \
    signals behind it. Dashes, spaces and case of the reference do not matter.")]
pub struct Arguments {
    /// Reference on the notice, twelve symbols
    #[arg(value_name = "APPEAL-REF")]
    appeal_ref: String,
    /// Output folder of a `run` or `demo`
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the published records as JSON
    #[arg(long)]
    json: bool,
}

/// All that was published about one measure, in order.
#[derive(Debug, Default)]
pub struct Published {
    pub dispositions: Vec<Value>,
    pub notices: Vec<Value>,
}

/// Does it.
///
/// # Errors
/// `Usage` when the reference is mistyped or names nothing here, `InputUnreadable`.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let appeal = AppealRef::parse(&arguments.appeal_ref).ok_or_else(|| {
        Failure::usage(anyhow!(
            "`{}` is not an appeal reference: twelve symbols, the last of which checks the others; \
             please compare it with the notice",
            arguments.appeal_ref
        ))
    })?;
    let published = Published::read(&arguments.out, appeal)?;
    if published.dispositions.is_empty() {
        return Err(Failure::usage(anyhow!(
            "no measure with reference {appeal} was published in {}",
            arguments.out.display()
        )));
    }
    if arguments.json {
        let all = json!({ "appeal_reference": appeal.to_string(), "dispositions": published.dispositions,
            "notices": published.notices });
        println!("{}", serde_json::to_string_pretty(&all).map_err(Failure::unreachable)?);
    } else {
        print!("{}", text::explanation(&published));
    }
    Ok(Exit::Done)
}

impl Published {
    /// Reads the records about one measure from an output folder.
    ///
    /// # Errors
    /// `InputUnreadable`.
    pub fn read(out: &Path, appeal: AppealRef) -> Result<Published, Failure> {
        let of = |name: &str| records_with(&out.join(name), &appeal.to_string()).map_err(Failure::input);
        Ok(Published { dispositions: of("dispositions.ndjson")?, notices: of("notices.ndjson")? })
    }

    /// The text of the first notice, in Chinese and in English.
    #[must_use]
    pub fn notice_texts(&self) -> Option<(&str, &str)> {
        let text = self.notices.first()?.pointer("/data/text")?;
        Some((text.get("zh-CN")?.as_str()?, text.get("en")?.as_str()?))
    }
}

/// The records of a file whose data carries that appeal reference.
fn records_with(path: &Path, appeal: &str) -> anyhow::Result<Vec<Value>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut records = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        // A cheap look first: most lines are about something else.
        if !line.contains(appeal) {
            continue;
        }
        // A folder of an unfinished run may end in half a line; it is not published yet.
        let Ok(record) = serde_json::from_str::<Value>(&line) else { continue };
        if record.pointer("/data/appeal_reference").and_then(Value::as_str) == Some(appeal) {
            records.push(record);
        }
    }
    Ok(records)
}
