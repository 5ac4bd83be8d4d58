//! `duecourse status`: how far every facts partition and every source has come, asked of the cluster itself.
//!
//! No process of ours needs to run for it: offsets, `decided` and the snapshots tell.

mod shown;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;

use super::deployment::{ConfigArguments, connection};
use super::{Exit, Failure, snapshots};
use crate::config::destinations::{Threshold, applying};
use crate::config::{Config, Time};
use crate::engine::base::TimeMs;
use crate::engine::cover::{Coverage, SourceId};
use crate::engine::life::Word;
use crate::engine::reached::Destination;
use crate::intake::covered::Decided;
use crate::log::kafka::{Admin, Connection, group_offsets, read_time, topic_spans};
use crate::telemetry::clock::now;

/// How far deciding has come in every facts partition: lag, gap, timers, snapshots.
///
/// Reads offsets, progress records and snapshots; no process needs to run, and nothing is changed.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct Status {
    at: TimeMs,
    /// False under `time = "event"`: nothing can be compared with a clock then.
    has_clock: bool,
    /// How long the brokers keep facts, in milliseconds; -1 is for ever.
    retention_ms: i64,
    /// Why the snapshots cannot be seen from here.
    unseen_snapshots: Option<String>,
    /// Facts partitions by the configuration, where the topic has another number.
    partitions_configured: Option<u32>,
    partitions: Vec<Partition>,
    sources: Vec<Source>,
    destinations: Vec<Named>,
}

/// Distinct persons who were named at a destination in a calendar year, over all partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    year: i64,
    destination: &'static str,
    jurisdiction: String,
    persons: u64,
    /// The duties that begin at no more persons than that.
    duties: Vec<&'static Threshold>,
}

/// A facts partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Partition {
    /// Offsets that the topic still holds: the first, and the one past its last.
    span: (i64, i64),
    committed: Option<i64>,
    /// When the oldest record that is not decided was appended.
    oldest_undecided: Option<TimeMs>,
    partition_time: Option<TimeMs>,
    next_timer: Option<TimeMs>,
    live_since: Option<TimeMs>,
    rules_version: Option<u32>,
    /// Records of sources that another facts partition has covered and this one waits for.
    gap_records: i64,
    snapshot: Option<Snapshot>,
}

/// The newest snapshot of a facts partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    offset: i64,
    stored: TimeMs,
    bytes: u64,
}

/// A partition of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    name: String,
    partition: u32,
    span: (i64, i64),
    /// The last offset that every facts partition has covered; `None` while one has covered nothing.
    covered: Option<i64>,
}

impl Partition {
    fn undecided(&self) -> i64 {
        (self.span.1 - self.committed.unwrap_or(self.span.0)).max(0)
    }

    /// Whether the facts after the snapshot are all still there.
    fn is_usable(&self, snapshot: &Snapshot) -> bool {
        snapshot.offset >= self.span.0 && self.committed.is_some_and(|committed| snapshot.offset <= committed)
    }
}

impl Source {
    /// Records that some facts partition has not covered yet.
    fn unread(&self) -> i64 {
        (self.span.1 - 1 - self.covered.unwrap_or(self.span.0 - 1)).max(0)
    }

    /// Records that are gone and that some facts partition never covered.
    fn lost(&self) -> i64 {
        self.covered.map_or(0, |covered| (self.span.0 - 1 - covered).max(0))
    }
}

/// # Errors
/// Exit 3 when a topic does not exist, 6 when brokers do not answer.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let status = look(&config, &connection(&config, "status")?)?;
    if arguments.json {
        println!("{}", shown::json(&status));
    } else {
        print!("{}", shown::text(&status));
    }
    Ok(Exit::Done)
}

fn look(config: &Config, connection: &Connection) -> Result<Status, Failure> {
    let facts = config.topics.facts.name.as_str();
    let described = Admin::connect(connection)?.describe(facts)?.ok_or_else(|| {
        Failure::configuration(anyhow::anyhow!(
            "topic `{facts}` does not exist; `duecourse topics create` makes it"
        ))
    })?;
    // Ends before offsets before progress: what is seen is never further than what it is compared with.
    let spans = topic_spans(connection, facts)?;
    let committed = group_offsets(connection, &config.kafka.decide_group(), facts, described.partitions)?;
    let decided = Decided::read(connection, &config.topics.decided.name, described.partitions)?;
    let (snapshots, unseen_snapshots) = match newest_snapshots(config, described.partitions) {
        Ok(snapshots) => (snapshots, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let gaps = gaps(config, connection, &decided)?;
    let mut partitions = Vec::with_capacity(spans.len());
    for (number, (span, committed)) in (0..).zip(spans.into_iter().zip(committed)) {
        let mut partition = Partition { span, committed, ..Partition::default() };
        if partition.undecided() > 0 {
            let from = committed.unwrap_or(span.0);
            partition.oldest_undecided = read_time(connection, facts, number, from)?.map(TimeMs);
        }
        partition.snapshot = snapshots.get(number as usize).copied().flatten();
        if partition.undecided() == 0 {
            // Else what is missing may stand in what is not decided yet.
            partition.gap_records = gaps.get(number as usize).copied().unwrap_or(0);
        }
        add_progress(&mut partition, number, &decided);
        partitions.push(partition);
    }
    Ok(Status {
        at: now(),
        has_clock: config.time == Time::Broker,
        retention_ms: described.retention_ms,
        unseen_snapshots,
        partitions_configured: Some(config.kafka.facts_partitions)
            .filter(|count| *count != described.partitions),
        partitions,
        sources: sources(config, connection, &decided)?,
        destinations: destinations(config, &decided),
    })
}

/// What the progress record of the partition says.
fn add_progress(partition: &mut Partition, number: u32, decided: &Decided) {
    let progress = |number: u32| decided.partitions().get(number as usize).and_then(Option::as_ref);
    let Some(own) = progress(number) else { return };
    partition.partition_time = Some(own.partition_time).filter(|time| *time > TimeMs::MIN);
    partition.next_timer = own.deciding.next_timer;
    partition.live_since = own.deciding.live_since;
    partition.rules_version = own.deciding.rules.as_ref().map(|rules| rules.version);
}

/// A person lives in one partition, so the sums are exact.
fn destinations(config: &Config, decided: &Decided) -> Vec<Named> {
    let mut sums: BTreeMap<(i64, Destination), u64> = BTreeMap::new();
    for (year, destination, count) in
        decided.partitions().iter().flatten().flat_map(|one| &one.deciding.persons)
    {
        *sums.entry((*year, *destination)).or_default() += count;
    }
    let named = |((year, destination), persons): ((i64, Destination), u64)| {
        let jurisdiction = config.jurisdiction_of(destination.name()).to_owned();
        let mut duties = applying(&jurisdiction);
        duties.retain(|threshold| persons >= threshold.persons);
        Named { year, destination: destination.name(), jurisdiction, persons, duties }
    };
    sums.into_iter().map(named).collect()
}

/// For each facts partition the source records that another has covered and this one has not, where that does
/// not change: every partition is told of every source each `intake.idle_cover_ms`, so one that stands still
/// while others are ahead waits for something that is missing.
fn gaps(config: &Config, connection: &Connection, decided: &Decided) -> Result<Vec<i64>, Failure> {
    let before = behind(decided);
    if before.iter().all(BTreeMap::is_empty) {
        return Ok(Vec::new());
    }
    let told_within_ms = 2 * config.intake.idle_cover_ms + config.decide.idle_commit_interval_ms;
    std::thread::sleep(Duration::from_millis(told_within_ms + 500));
    let partitions = u32::try_from(before.len()).unwrap_or(u32::MAX);
    let later = behind(&Decided::read(connection, &config.topics.decided.name, partitions)?);
    let standing = |(before, later): (&Behind, &Behind)| -> i64 {
        let stands =
            before.iter().filter(|(source, (last, _))| later.get(*source).is_some_and(|now| now.0 == *last));
        stands.map(|(_, (_, records))| records).sum()
    };
    Ok(before.iter().zip(&later).map(standing).collect())
}

/// Sources in which a facts partition is behind others: the last offset it covered, and by how many records.
type Behind = BTreeMap<SourceId, (i64, i64)>;

fn behind(decided: &Decided) -> Vec<Behind> {
    let coverages: Vec<Option<&Coverage>> =
        decided.partitions().iter().map(|progress| progress.as_ref().map(|one| &one.coverage)).collect();
    let furthest = |source: &SourceId| {
        let lasts = coverages.iter().flatten().filter_map(|one| one.sources.get(source));
        lasts.map(|covered| covered.last).max()
    };
    let of = |coverage: &Option<&Coverage>| -> Behind {
        let sources = coverage.iter().flat_map(|coverage| &coverage.sources);
        let behind = sources.filter_map(|(source, covered)| {
            let records = furthest(source)? - covered.last;
            (records > 0).then(|| (source.clone(), (covered.last, records)))
        });
        behind.collect()
    };
    coverages.iter().map(of).collect()
}

/// The newest snapshot of each partition, or why they cannot be seen from here.
fn newest_snapshots(config: &Config, partitions: u32) -> Result<Vec<Option<Snapshot>>, String> {
    let store = snapshots::look(config).map_err(|error| error.to_string())?;
    let newest = |partition: u32| {
        let entries = store.list(partition).map_err(|error| error.to_string())?;
        Ok(entries.first().map(|entry| Snapshot {
            offset: i64::try_from(entry.offset).unwrap_or(i64::MAX),
            stored: entry.stored,
            bytes: entry.bytes,
        }))
    };
    (0..partitions).map(newest).collect()
}

fn sources(config: &Config, connection: &Connection, decided: &Decided) -> Result<Vec<Source>, Failure> {
    let mut found = Vec::new();
    for source in &config.sources {
        for (partition, span) in (0..).zip(topic_spans(connection, &source.topic)?) {
            let id = SourceId { name: source.name.as_str().into(), generation: source.generation, partition };
            let lasts = decided.partitions().iter().map(|progress| {
                progress.as_ref().and_then(|progress| progress.coverage.sources.get(&id)).map(|one| one.last)
            });
            let covered = lasts.reduce(|a, b| Some(a?.min(b?))).flatten();
            found.push(Source { name: source.name.clone(), partition, span, covered });
        }
    }
    Ok(found)
}
