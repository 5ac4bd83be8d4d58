//! `explain`: why a measure was set, for a person in both languages: what was done, on which facts,
//! against which thresholds, what softened it, what came near, what would clear it, how to appeal.
//!
//! It reads what was published, and the rule set that decided from the facts log; it recomputes nothing.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::{Value, json};

use super::deployment::{self, ConfigArguments};
use super::{Exit, Failure};
use crate::config::Config;
use crate::engine::disposition::AppealRef;
use crate::engine::lead::LeadRef;
use crate::engine::ruleset::RuleSet;
use crate::log::kafka::read_topic;

mod deciding;
pub mod evidence;
mod fields;
mod history;
mod lead;
mod text;
pub mod told;
pub mod words;

pub use deciding::of_folder as rules_of_folder;
pub use lead::text as text_of_lead;
use told::Explanation;

/// Explain a measure by the appeal reference on its notice, or a lead by its own reference.
#[derive(Debug, Args)]
#[command(after_help = "Example:  duecourse explain 7K2M-Q0ZT-4XBH --out out/\n\n\
    Reads what was published, and titles and units from the rule set that decided. Chinese first, then \
    English. Dashes, spaces and case of the reference do not matter. A lead's reference begins with `L-`.")]
pub struct Arguments {
    /// Reference on the notice, twelve symbols
    #[arg(value_name = "APPEAL-REF")]
    appeal_ref: String,
    /// Output folder of a `run` or `demo`
    #[arg(long, value_name = "DIR", required_unless_present = "config", conflicts_with = "config")]
    out: Option<PathBuf>,
    #[command(flatten)]
    deployment: ConfigArguments,
    /// Print the explanation and the published records as JSON
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
    if let Some(reference) = LeadRef::parse(&arguments.appeal_ref) {
        return explain_lead(&arguments, reference);
    }
    let appeal = AppealRef::parse(&arguments.appeal_ref).ok_or_else(|| {
        Failure::usage(anyhow!(
            "`{}` is not an appeal reference: twelve symbols, the last of which checks the others; \
             please compare it with the notice",
            arguments.appeal_ref
        ))
    })?;
    let published = match &arguments.out {
        Some(out) => Published::read(out, appeal)?,
        None => Published::read_topics(&arguments.deployment, appeal)?,
    };
    if published.dispositions.is_empty() {
        return Err(Failure::usage(anyhow!("no measure with reference {appeal} was published there")));
    }
    let explanation = published.explain(&arguments)?;
    if arguments.json {
        let all = json!({ "appeal_reference": appeal.to_string(), "explanation": explanation,
            "dispositions": published.dispositions, "notices": published.notices });
        println!("{}", serde_json::to_string_pretty(&all).map_err(Failure::unreachable)?);
    } else if let Some(explanation) = explanation {
        print!("{}", text::explanation(&explanation));
    } else {
        return Err(Failure::usage(anyhow!("how measure {appeal} began is not retained there any more")));
    }
    Ok(Exit::Done)
}

/// What was referred, and what came of it.
fn explain_lead(arguments: &Arguments, reference: LeadRef) -> Result<Exit, Failure> {
    let name = reference.to_string();
    let records = match &arguments.out {
        Some(out) => records_with(&out.join("leads.ndjson"), &name).map_err(Failure::input)?,
        None => {
            let config = arguments.deployment.load()?;
            topic_records(&config, &config.topics.leads.name, &name)?
        }
    };
    let Some(text) = lead::text(&records) else {
        return Err(Failure::usage(anyhow!("no lead with reference {name} was published there")));
    };
    if arguments.json {
        let all = json!({ "reference": name, "leads": records });
        println!("{}", serde_json::to_string_pretty(&all).map_err(Failure::unreachable)?);
    } else {
        print!("{text}");
    }
    Ok(Exit::Done)
}

/// The records of a topic that carry a reference, by their own time: partitions come interleaved.
fn topic_records(config: &Config, topic: &str, reference: &str) -> Result<Vec<Value>, Failure> {
    let connection = deployment::connection(config, "explain")?;
    let mut records = Vec::new();
    read_topic(&connection, topic, &mut |record| {
        let value = record.value.and_then(|value| std::str::from_utf8(value).ok());
        records.extend(value.and_then(|value| record_with(value, reference)));
        ControlFlow::Continue(())
    })?;
    records.sort_by_key(|record| record["time"].as_str().map(str::to_owned));
    Ok(records)
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

    /// Reads the records about one measure from the topics of a deployment, as far as they hold.
    ///
    /// # Errors
    /// `Configuration`, `Unreachable`.
    pub fn read_topics(deployment: &ConfigArguments, appeal: AppealRef) -> Result<Published, Failure> {
        let config = deployment.load()?;
        let of = |topic: &str| topic_records(&config, topic, &appeal.to_string());
        Ok(Published {
            dispositions: of(&config.topics.dispositions.name)?,
            notices: of(&config.topics.notices.name)?,
        })
    }

    /// The explanation, in the words of the rule set that decided.
    fn explain(&self, arguments: &Arguments) -> Result<Option<Explanation>, Failure> {
        let version = |record: &Value| record.pointer("/data/rules_version").and_then(Value::as_u64);
        let version = self.dispositions.first().and_then(version).unwrap_or(0);
        let rules = match &arguments.out {
            Some(out) => deciding::of_folder(out, version)?,
            None => deciding::of_topic(&arguments.deployment, version)?,
        };
        Ok(Explanation::of(self, rules.as_deref()))
    }

    /// The explanation as text, in the words of a rule set; none without the record of how the measure began.
    #[must_use]
    pub fn text(&self, rules: Option<&RuleSet>) -> Option<String> {
        Explanation::of(self, rules).map(|explanation| text::explanation(&explanation))
    }

    /// The text of the first notice, in Chinese and in English.
    #[must_use]
    pub fn notice_texts(&self) -> Option<(&str, &str)> {
        let text = self.notices.first()?.pointer("/data/text")?;
        Some((text.get("zh-CN")?.as_str()?, text.get("en")?.as_str()?))
    }
}

/// The records of a file whose data carries that reference.
fn records_with(path: &Path, appeal: &str) -> anyhow::Result<Vec<Value>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut records = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        records.extend(record_with(&line, appeal));
    }
    Ok(records)
}

/// The record of a line, if it carries that reference. Half a line, as the folder of an
/// unfinished run may end in, is not published yet.
#[must_use]
pub fn record_with(line: &str, appeal: &str) -> Option<Value> {
    // A cheap look first: most lines are about something else.
    let record: Value = line.contains(appeal).then(|| serde_json::from_str(line).ok())??;
    let bears = |pointer| record.pointer(pointer).and_then(Value::as_str) == Some(appeal);
    (bears("/data/appeal_reference") || bears("/data/reference")).then_some(record)
}
