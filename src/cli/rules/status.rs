//! `rules status`: which rule set decides in which facts partition, as `decided` says.

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::deployment::{ConfigArguments, connection};
use crate::cli::{Exit, Failure};
use crate::codec::event::EventTime;
use crate::codec::output::DecidedProgress;
use crate::config::Config;
use crate::engine::base::TimeMs;
use crate::intake::covered::Decided;

/// Which rule set decides where, since which position, and whether it is live.
#[derive(Debug, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// # Errors
/// Exit 6 when brokers do not answer.
pub fn status(arguments: &StatusArguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let decided = read(&config)?;
    if arguments.json {
        let partitions: Vec<Value> =
            (0..).zip(decided.partitions()).map(|(at, one)| shown(at, one)).collect();
        println!("{}", json!({ "agree": agree(&decided), "partitions": partitions }));
    } else {
        print!("{}", table(&decided));
    }
    Ok(Exit::Done)
}

/// How far every facts partition has come.
///
/// # Errors
/// Exit 6 when brokers do not answer.
pub fn read(config: &Config) -> Result<Decided, Failure> {
    let connection = connection(config, "rules")?;
    Ok(Decided::read(&connection, &config.topics.decided.name, config.kafka.facts_partitions)?)
}

/// Whether all partitions decide by the same rule set.
#[must_use]
pub fn agree(decided: &Decided) -> bool {
    let digest = |one: &Option<DecidedProgress>| {
        one.as_ref().and_then(|one| one.deciding.rules.as_ref()).map(|rules| rules.sha256.clone())
    };
    let mut digests = decided.partitions().iter().map(digest);
    let first = digests.next().flatten();
    first.is_some() && digests.all(|other| other == first)
}

/// Rules that moved themselves to shadow, with their versions.
fn shadowed(progress: &Option<DecidedProgress>) -> Vec<String> {
    let of = progress.iter().flat_map(|progress| &progress.deciding.shadowed);
    of.map(|(rule, version)| format!("{rule} version {version}")).collect()
}

fn shown(partition: u32, progress: &Option<DecidedProgress>) -> Value {
    let rules = progress.as_ref().and_then(|progress| progress.deciding.rules.as_ref());
    json!({
        "partition": partition,
        "version": rules.map(|rules| rules.version),
        "sha256": rules.map(|rules| rules.sha256.as_str()),
        "profile": rules.and_then(|rules| rules.profile.as_deref()),
        "activated_offset": rules.map(|rules| rules.activated.0),
        "activated_at": rules.map(|rules| EventTime(rules.activated.1)),
        "live_since": progress.as_ref().and_then(|progress| progress.deciding.live_since).map(EventTime),
        "shadowed": shadowed(progress),
        "speaks": progress.as_ref().and_then(|progress| progress.deciding.speaks),
        "next_offset": progress.as_ref().map(|progress| progress.next_offset),
    })
}

/// One line for each facts partition.
#[must_use]
pub fn table(decided: &Decided) -> String {
    let mut text = format!(
        "{:>9}  {:>7}  {:<12}  {:<7}  {:<38}  {}\n",
        "partition", "version", "sha256", "profile", "decides since (facts offset, time)", "live since"
    );
    for (partition, progress) in decided.partitions().iter().enumerate() {
        let deciding = progress.as_ref().map(|progress| &progress.deciding);
        let live = deciding.and_then(|deciding| deciding.live_since);
        let live = live.map_or_else(|| "only observes".to_owned(), time);
        match deciding.and_then(|deciding| deciding.rules.as_ref()) {
            None => text.push_str(&format!("{partition:>9}  {:>7}  no rule set yet\n", "-")),
            Some(rules) => text.push_str(&format!(
                "{partition:>9}  {:>7}  {:<12}  {:<7}  {:<38}  {live}\n",
                rules.version,
                rules.sha256.get(..12).unwrap_or(&rules.sha256),
                rules.profile.as_deref().unwrap_or("-"),
                format!("{}, {}", rules.activated.0, time(rules.activated.1)),
            )),
        }
    }
    let mut all: Vec<String> = decided.partitions().iter().flat_map(shadowed).collect();
    all.sort_unstable();
    all.dedup();
    for rule in all {
        text.push_str(&format!(
            "{rule} moved itself to shadow and only observes; release a later version of it\n"
        ));
    }
    if !agree(decided) {
        text.push_str("the partitions do not decide by the same rule set (yet)\n");
    }
    text
}

fn time(at: TimeMs) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| "ever".to_owned(), |time| time.to_string())
}

/// The time of a control event when nobody gives one: now, or without a clock the newest time so far.
///
/// # Errors
/// Exit 2 when there is neither.
pub fn moment(config: &Config, decided: &Decided, given: Option<&str>) -> Result<TimeMs, Failure> {
    if let Some(text) = given {
        let time = EventTime::parse(text).map_err(|_| {
            Failure::usage(anyhow!("--at `{text}` is no time; write it as 2026-05-03T09:00:00+08:00"))
        })?;
        return Ok(time.0);
    }
    if config.time == crate::config::Time::Broker {
        return Ok(crate::telemetry::clock::now());
    }
    let times = decided.partitions().iter().flatten().map(|progress| progress.partition_time);
    times.max().filter(|time| *time > TimeMs::MIN).ok_or_else(|| {
        Failure::usage(anyhow!("`time = \"event\"` has no clock and nothing is decided yet: give --at TIME"))
    })
}
