//! `duecourse doctor`: whether a real cluster is as this deployment needs it, and how to mend what is not.
//!
//! It looks and changes nothing. `checks` judges what was seen; each of its findings says what is wrong, why it
//! matters and what to type.

mod brokers;
mod checks;
mod topics;

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::deployment::{ConfigArguments, connection};
use super::{Exit, Failure};
use crate::config::Config;
use crate::log::LogError;
use crate::log::kafka::{Admin, Allowed, Connection, TopicState, try_transactions};

/// Check a cluster against the configuration: topics, retention, acknowledgements, time-outs, ACLs.
///
/// Changes nothing. Each finding comes with its mend. Run it with the credentials of intake and decide:
/// what is allowed is asked for whoever asks. Exit 1 if something must be mended.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// Something is lost, doubled or does not run.
    Error,
    /// It runs, and the next fault costs more than it should.
    Warning,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
        }
    }
}

/// What is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    level: Level,
    /// Name of the check, for scripts.
    check: &'static str,
    /// The topic, group, setting or key it is about.
    about: String,
    found: String,
    /// What to do, as a command where there is one.
    mend: String,
}

/// What was seen of a cluster.
#[derive(Debug)]
struct Seen {
    /// By name; `None` where there is none, `Err` where it may not be described.
    topics: BTreeMap<String, Result<Option<TopicState>, String>>,
    broker: Result<(BTreeMap<String, String>, usize), String>,
    on_topics: Allowed,
    on_groups: Allowed,
    /// Whether transactions under this deployment's prefix are allowed.
    transactions: Result<(), String>,
    /// Age of the oldest newest snapshot in milliseconds; `None` where there is none yet.
    snapshot_age_ms: Result<Option<i64>, String>,
}

/// # Errors
/// Exit 6 when brokers do not answer.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let seen = look(&config, &connection(&config, "doctor")?)?;
    let (findings, count) = checks::all(&config, &seen);
    if arguments.json {
        println!("{}", as_json(&findings, count));
    } else {
        print!("{}", as_text(&findings, count));
    }
    let is_ill = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if is_ill { Exit::Mismatch } else { Exit::Done })
}

fn look(config: &Config, connection: &Connection) -> Result<Seen, Failure> {
    let admin = Admin::connect(connection)?;
    let mut topics = BTreeMap::new();
    for need in topics::needs(config) {
        topics.insert(need.name.clone(), told(admin.inspect(&need.name))?);
    }
    let there: Vec<&str> = topics
        .iter()
        .filter(|(_, state)| !matches!(state, Ok(None)))
        .map(|(name, _)| name.as_str())
        .collect();
    let groups = topics::groups(config);
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let (on_topics, on_groups) = admin.allowed(&there, &groups)?;
    let id = topics::trial_id(config);
    Ok(Seen {
        broker: told(admin.broker())?,
        on_topics,
        on_groups,
        transactions: told(try_transactions(connection, &id, config.kafka.transaction_timeout_ms))?,
        snapshot_age_ms: topics::snapshot_age_ms(config),
        topics,
    })
}

/// What brokers refuse is a finding; brokers that do not answer are the end.
fn told<T>(asked: Result<T, LogError>) -> Result<Result<T, String>, Failure> {
    match asked {
        Ok(seen) => Ok(Ok(seen)),
        Err(LogError::Refused(why)) => Ok(Err(why)),
        Err(error) => Err(error.into()),
    }
}

fn as_json(findings: &[Finding], count: usize) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "level": finding.level.name(),
            "check": finding.check,
            "about": finding.about,
            "found": finding.found,
            "mend": finding.mend,
        })
    };
    json!({
        "schema": "duecourse.doctor/1",
        "checked": count,
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn as_text(findings: &[Finding], count: usize) -> String {
    let mut text = String::new();
    for Finding { level, check, about, found, mend } in findings {
        text.push_str(&format!("{} [{check}] {about}: {found}\n    mend: {mend}\n", level.name()));
    }
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    let warnings = findings.len() - errors;
    text.push_str(&format!("{count} checks: {errors} errors, {warnings} warnings\n"));
    text
}
