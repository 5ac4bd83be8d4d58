//! `duecourse sources skip`: going on without what a source has lost, on record (DESIGN D8).

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::deployment::{ConfigArguments, connection};
use super::{Exit, Failure};
use crate::config::{Config, Time};
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::cover::SourceId;
use crate::intake::covered::Decided;
use crate::intake::skip::{Held, Order, Reason, SkipError, Skipping, plan};
use crate::log::kafka::{AckedProducer, Connection, OutMessage, read_time, topic_spans};
use crate::telemetry::clock::now;

/// How long the brokers may take to acknowledge the record.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(30);
/// How long deciding is waited for, and how often it is asked.
const DECIDED_WITHIN: Duration = Duration::from_secs(30);
const ASKED_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// Sources: what intake cannot decide by itself.
#[derive(Debug, Subcommand)]
enum What {
    /// Go on without the records that a source has lost, and put that on record
    ///
    /// For when a source's retention has overtaken intake, which then stops and names this command. What was
    /// lost is never decided. The order stands with its reason in every facts partition, `verify` counts it as
    /// `skipped`, and signals that might miss what was lost count as cold until they have seen a full window
    /// again. What the source still holds cannot be skipped.
    #[command(
        after_help = "Example:  duecourse sources skip --config duecourse.toml --source core --partition 0 --to 41200 --reason \"retention of 3 days, intake away for 4\""
    )]
    Skip(SkipArguments),
}

#[derive(Debug, Args)]
struct SkipArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Name of the source, as `[[sources]]` has it
    #[arg(long, value_name = "NAME")]
    source: String,
    /// Its partition
    #[arg(long, value_name = "N")]
    partition: u32,
    /// The first offset that is read again; at most the first that the source still holds
    #[arg(long, value_name = "OFFSET")]
    to: i64,
    /// Why, in a line without anything personal; it is kept with the facts
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// # Errors
/// Exit 2 when there is nothing to skip, 3 for the configuration, 6 when brokers do not answer.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let What::Skip(arguments) = arguments.what;
    let config = arguments.config.load()?;
    if config.time == Time::Event {
        return Err(Failure::configuration(anyhow!(
            "under time = \"event\" nothing tells when what was lost had happened: begin the back-fill anew"
        )));
    }
    let connection = connection(&config, "sources")?;
    let skipping = planned(&arguments, &config, &connection)?;
    record(&skipping, &config, &connection)?;
    for (partition, lost) in (0..).zip(&skipping.lost) {
        if let Some((previous, last)) = lost {
            println!("facts partition {partition}: offsets {} to {last} are skipped", previous + 1);
        }
    }
    if !wait(&skipping, &config, &connection)? {
        eprintln!(
            "note: recorded, but not every facts partition has decided it yet: intake goes on once they have; `duecourse status` shows it"
        );
    }
    Ok(Exit::Done)
}

/// Looks at the source and at what was covered of it.
fn planned(arguments: &SkipArguments, config: &Config, connection: &Connection) -> Result<Skipping, Failure> {
    let SkipArguments { source: name, partition, to, reason, .. } = arguments;
    let reason = Reason::parse(reason).map_err(Failure::usage)?;
    let known = config.sources.iter().find(|source| source.name == *name);
    let source = known.ok_or_else(|| Failure::usage(anyhow!("no source is named `{name}`")))?;
    let spans = topic_spans(connection, &source.topic)?;
    let (low, _) = *spans.get(*partition as usize).ok_or_else(|| {
        Failure::usage(anyhow!("source `{name}` has {} partitions: there is no {partition}", spans.len()))
    })?;
    let resumes = read_time(connection, &source.topic, *partition, *to)?.map(TimeMs);
    let order = Order {
        source: SourceId {
            name: Arc::from(name.as_str()),
            generation: source.generation,
            partition: *partition,
        },
        to: *to,
        reason,
        ordered: now(),
        ahead_max: SpanMs(i64::try_from(config.intake.future_ms_max).unwrap_or(i64::MAX)),
    };
    let decided = decided(config, connection)?;
    plan(order, Held { low, resumes }, &decided).map_err(|error| match error {
        SkipError::StillThere { .. } | SkipError::NothingLost { .. } | SkipError::NotCovered => {
            Failure::usage(anyhow!("source `{name}` partition {partition}: {error}"))
        }
        error => Failure::usage(error),
    })
}

fn decided(config: &Config, connection: &Connection) -> Result<Decided, Failure> {
    Ok(Decided::read(connection, &config.topics.decided.name, config.kafka.facts_partitions)?)
}

/// Writes it to every facts partition. Given up half-way, the same command may be given again: a partition
/// that has heard of it passes over nothing twice.
fn record(skipping: &Skipping, config: &Config, connection: &Connection) -> Result<(), Failure> {
    let bytes = skipping.record();
    let mut producer = AckedProducer::connect(connection, "facts", 0)?;
    for partition in 0..config.kafka.facts_partitions {
        producer.send(OutMessage {
            topic: &config.topics.facts.name,
            partition: Some(partition),
            value: Some(&bytes),
            ..OutMessage::default()
        })?;
    }
    Ok(producer.flush(ACKNOWLEDGED_WITHIN)?)
}

/// True once every facts partition has gone past what is lost.
fn wait(skipping: &Skipping, config: &Config, connection: &Connection) -> Result<bool, Failure> {
    let deadline = Instant::now() + DECIDED_WITHIN;
    loop {
        if skipping.is_done(&decided(config, connection)?) {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        std::thread::sleep(ASKED_EVERY);
    }
}
