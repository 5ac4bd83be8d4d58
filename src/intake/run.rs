//! The intake process over Kafka: read, classify, pack, send, and only then commit (DESIGN D5 to D10).
//!
//! One thread. The group's offsets are a report of progress; where reading begins is said by
//! `decided` alone. A failed delivery begins reading anew from there: receivers skip what they have.

mod assignment;
mod progress;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::codec::keys::Keys;
use crate::engine::base::SpanMs;
use crate::engine::input::TimeMode;
use crate::log::LogError;
use crate::log::kafka::{Connection, IntakeTopics, KafkaIntakeLog, SourceOptions};
use crate::log::source::{IntakeLog, SourceEvent};
use crate::telemetry::clock::{Clock, MachineClock};

use super::announce::{AnnounceError, announce};
use super::covered::{Decided, StartError};
use super::dead_letter::DeadLetter;
use assignment::{Change, Held};

use super::desk::{Desk, SourceSetup, Tally};
use super::first_start::FirstStart;
use super::lanes::LaneBounds;
use super::pack::{Flush, PackBounds, Packed, Packer, Slot};
use super::refusal::RefusalCode;
use super::sender::{Sender, SenderTopics, send_dead_letter};
use super::versions::{Versions, VersionsError};
use super::watch::{RetentionWatch, WatchError};

/// Records taken from the client between two looks at the clock.
const RECORDS_PER_TURN_MAX: usize = 2000;
/// Packs that wait together for the dead letters before them.
const PACKS_BEHIND_LETTERS_MAX: usize = 64;
/// Records of one source that wait for the others.
const RECORDS_PER_LANE_MAX: usize = 8192;
/// Between two attempts to start anew while brokers are away.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// The clocks of two brokers differ by less.
const CLOCKS_DIFFER_MAX: SpanMs = SpanMs(500);
const CLOSE_WITHIN_MAX: Duration = Duration::from_secs(10);
/// With `until_end` and other members in the group: how long the assignment must have stood.
const ASSIGNMENT_SETTLED_AFTER: Duration = Duration::from_secs(5);

/// Everything an intake needs to know.
pub struct Setup {
    pub connection: Connection,
    pub group: String,
    pub instance: Option<String>,
    pub session_timeout_ms: u32,
    pub queue_kib: u32,
    pub topics: SenderTopics,
    pub decided_topic: String,
    pub facts_partitions: u32,
    pub sources: Vec<SourceSetup>,
    pub versions: Versions,
    /// Written when no facts partition has been told of any rules.
    pub first_start: Option<FirstStart>,
    pub keys: Arc<Keys>,
    pub time: TimeMode,
    pub skew_max: SpanMs,
    pub pack: PackBounds,
    /// How long facts wait for company.
    pub linger: Duration,
    /// How often idle destinations are covered and offsets committed.
    pub cover_every: Duration,
    /// Stop once what was present at the start has been delivered.
    pub until_end: bool,
}

/// Why an intake stopped.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error(transparent)]
    Log(#[from] LogError),
    /// The consumer's own trouble, which another try would meet again.
    #[error(transparent)]
    Consumer(LogError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Announce(#[from] AnnounceError),
    #[error(transparent)]
    Versions(#[from] VersionsError),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error("topic `{topic}` does not exist; `duecourse topics create` makes it")]
    NoTopic { topic: String },
    /// A later program takes it in: to refuse it here would be another fact than the one written there (D6).
    #[error(
        "record {offset} of {topic}-{partition} releases a rule set for engine semantics that this program does not \
         speak: upgrade intake first, then the workers, then release"
    )]
    Unspoken { topic: String, partition: u32, offset: i64 },
    #[error("topic `{topic}` has {found} partitions and the configuration says {configured}")]
    Partitions { topic: String, found: u32, configured: u32 },
}

/// Runs until `stop`, the end (`until_end`) or an error. `observe` is called about once a second.
///
/// # Errors
/// When going on would lose or invent something, or nothing can be reached at the start.
pub fn run(setup: Setup, stop: &AtomicBool, observe: &mut dyn FnMut(&Tally)) -> Result<Tally, IntakeError> {
    let sources = SourceOptions {
        group: setup.group.clone(),
        instance: setup.instance.clone(),
        topics: setup.sources.iter().map(|source| source.topic.clone()).collect(),
        session_timeout_ms: setup.session_timeout_ms,
        queue_kib: setup.queue_kib,
    };
    let topics = IntakeTopics {
        facts: setup.topics.facts.clone(),
        dead_letters: setup.topics.dead_letters.clone(),
        decided: setup.decided_topic.clone(),
    };
    let log = KafkaIntakeLog::join(&setup.connection, &sources, topics)?;
    let mut intake = Intake::start(log, setup, Arc::new(MachineClock))?;
    let outcome = intake.turns(stop, observe);
    let tally = intake.desk.tally.clone();
    intake.log.close(CLOSE_WITHIN_MAX);
    outcome.map(|()| tally)
}

pub(crate) struct Intake<L> {
    plan: Plan,
    log: L,
    clock: Arc<dyn Clock>,
    sender: Sender,
    packer: Packer,
    desk: Desk,
    watch: RetentionWatch,
    /// Dead letters have been handed over and not been acknowledged yet.
    has_letters_open: bool,
    /// The source of a first start, and whether its records still have to be written.
    start_slot: Option<(Slot, bool)>,
    /// What the group gave us, taken up or not yet.
    held: Vec<Held>,
    /// When the assignment last changed; `None` before the first.
    assigned_since: Option<Instant>,
    flushed: Instant,
    covered: Instant,
}

/// What of the setup is needed again.
struct Plan {
    decided_topic: String,
    facts_partitions: u32,
    source_partitions: u32,
    versions: Versions,
    first_start: Option<FirstStart>,
    keys: Arc<Keys>,
    time: TimeMode,
    pack: PackBounds,
    linger: Duration,
    cover_every: Duration,
    until_end: bool,
}

impl<L: IntakeLog> Intake<L> {
    pub(crate) fn start(mut log: L, setup: Setup, clock: Arc<dyn Clock>) -> Result<Intake<L>, IntakeError> {
        if setup.time == TimeMode::Event && setup.versions.list().len() > 1 {
            return Err(VersionsError::EventTime.into());
        }
        let watch = check_topics(&log, &setup)?;
        let mut sender = Sender::default();
        let decided = Decided::of(log.decided()?, &setup.decided_topic, setup.facts_partitions)?;
        let facts = &setup.topics.facts;
        announce(&mut log, &mut sender, facts, &decided, &setup.versions, clock.wall())?;
        let bounds = LaneBounds { skew_max: setup.skew_max, records_max: RECORDS_PER_LANE_MAX };
        let plan = Plan {
            source_partitions: setup.sources.iter().map(|source| source.partitions).sum(),
            decided_topic: setup.decided_topic,
            facts_partitions: setup.facts_partitions,
            versions: setup.versions.clone(),
            first_start: setup.first_start,
            keys: setup.keys,
            time: setup.time,
            pack: setup.pack,
            linger: setup.linger,
            cover_every: setup.cover_every,
            until_end: setup.until_end,
        };
        let packer = Packer::new(plan.facts_partitions, plan.pack);
        let desk = Desk::new(setup.sources, setup.time, setup.versions, bounds);
        let now = clock.now();
        Ok(Intake {
            plan,
            log,
            clock,
            sender,
            packer,
            desk,
            watch,
            has_letters_open: false,
            start_slot: None,
            held: Vec::new(),
            assigned_since: None,
            flushed: now,
            covered: now,
        })
    }

    #[cfg(test)]
    pub(crate) fn into_log(self) -> L {
        self.log
    }

    fn turns(&mut self, stop: &AtomicBool, observe: &mut dyn FnMut(&Tally)) -> Result<(), IntakeError> {
        loop {
            let stopping = stop.load(Ordering::SeqCst);
            if self.round(stop, observe)? {
                observe(&self.desk.tally);
                if stopping || (self.plan.until_end && self.is_at_end()) {
                    return Ok(());
                }
            }
        }
    }

    /// One turn, and what it takes to go on after a failed delivery. True when all has been covered.
    pub(crate) fn round(
        &mut self,
        stop: &AtomicBool,
        observe: &mut dyn FnMut(&Tally),
    ) -> Result<bool, IntakeError> {
        let stopping = stop.load(Ordering::SeqCst);
        let due = stopping || self.clock.now() - self.covered >= self.plan.cover_every;
        let turn = self.turn().and_then(|()| if due { self.cover() } else { Ok(()) });
        match turn {
            Ok(()) => {}
            Err(IntakeError::Log(LogError::Unreachable(why))) if !stopping => {
                tracing::warn!(why, "a delivery failed; reading begins anew at what has been covered");
                self.begin_anew(stop, observe)?;
            }
            Err(error) => return Err(error),
        }
        if due {
            self.covered = self.clock.now();
            self.look_at_retention()?;
        }
        Ok(due)
    }

    /// Takes what has come, in the order of time, and sends what is ready.
    fn turn(&mut self) -> Result<(), IntakeError> {
        let mut changes = Vec::new();
        let desk = &mut self.desk;
        let served = self.log.poll(self.plan.linger, RECORDS_PER_TURN_MAX, &mut |event| match event {
            SourceEvent::Record(record) => desk.receive(&record),
            SourceEvent::Drained { topic, partition } => desk.drained(topic, partition),
            SourceEvent::Assigned { topic, partition, committed } => {
                let committed = committed.unwrap_or(0);
                changes.push(Change::Assigned(Held {
                    topic: topic.to_owned(),
                    partition,
                    committed,
                    is_begun: false,
                }));
            }
            SourceEvent::Revoked { partitions } => changes.push(Change::Revoked(partitions.to_vec())),
            SourceEvent::Lost { partitions } => changes.push(Change::Lost(partitions.to_vec())),
        });
        // A rebalance is a fact whatever fails next: what it changed is noted before anything is sent.
        served.map_err(IntakeError::Consumer)?;
        self.rebalance(changes)?;
        self.take_records()?;
        if self.clock.now() - self.flushed >= self.plan.linger {
            let packs = self.packer.flush(Flush::WithFacts);
            self.send(packs)?;
            self.flushed = self.clock.now();
        }
        for (slot, paused) in self.desk.lanes.turns() {
            if let Some(assigned) = self.desk.by_slot(slot) {
                self.log.pause(&assigned.topic, assigned.id.partition, paused)?;
            }
        }
        Ok(())
    }

    /// Packs leave as they fill up; those behind dead letters that have not arrived (P5) wait for each other, so
    /// that what is refused costs a wait for the brokers in each turn and not for each pack.
    fn take_records(&mut self) -> Result<(), IntakeError> {
        let mut packs = Vec::new();
        while let Some((slot, record)) = self.desk.lanes.take() {
            let judged = record.item;
            if matches!(judged.outcome, Err(RefusalCode::RulesUnspoken))
                && let Some(assigned) = self.desk.by_slot(slot)
            {
                let (topic, partition) = (assigned.topic.clone(), assigned.id.partition);
                self.send(packs)?;
                return Err(IntakeError::Unspoken { topic, partition, offset: record.offset });
            }
            if judged.outcome.is_ok() {
                self.start_first(record.time);
            }
            if let (Err(code), Some(assigned)) = (&judged.outcome, self.desk.by_slot(slot))
                && record.offset >= assigned.committed
            {
                let letter = DeadLetter {
                    source: &assigned.id,
                    offset: record.offset,
                    reason: code.name(),
                    version: judged.version,
                };
                send_dead_letter(&mut self.log, &letter)?;
                self.has_letters_open = true;
            }
            let facts = judged.outcome.unwrap_or_default();
            self.packer.read(slot, judged.version, record.offset, record.time, facts);
            packs.extend(self.packer.take_finished());
            if !self.has_letters_open || packs.len() >= PACKS_BEHIND_LETTERS_MAX {
                self.send(std::mem::take(&mut packs))?;
            }
        }
        self.send(packs)
    }

    /// A range that passes over a refused record must not be covered before its letter has arrived: whoever
    /// comes after a crash begins behind it (P5).
    fn send(&mut self, packs: Vec<Packed>) -> Result<(), IntakeError> {
        if self.has_letters_open && !packs.is_empty() {
            self.log.settle()?;
            self.has_letters_open = false;
        }
        self.desk.tally.packs += packs.len() as u64;
        self.desk.tally.facts += packs.iter().map(|(_, pack)| pack.facts.len() as u64).sum::<u64>();
        Ok(self.sender.send_packs(&mut self.log, packs)?)
    }

    fn read_decided(&self) -> Result<Decided, LogError> {
        Decided::of(self.log.decided()?, &self.plan.decided_topic, self.plan.facts_partitions)
    }
}

/// Refuses topics that cannot serve. Gives the watch over the facts' retention.
fn check_topics<L: IntakeLog>(log: &L, setup: &Setup) -> Result<RetentionWatch, IntakeError> {
    let describe =
        |topic: &str| log.describe(topic)?.ok_or_else(|| IntakeError::NoTopic { topic: topic.to_owned() });
    let facts = describe(&setup.topics.facts)?;
    let sources = setup.sources.iter().map(|source| (source.topic.as_str(), source.partitions));
    let facts_too = std::iter::once((setup.topics.facts.as_str(), setup.facts_partitions));
    for (topic, configured) in sources.clone().chain(facts_too) {
        let found = describe(topic)?.partitions;
        if found != configured {
            return Err(IntakeError::Partitions { topic: topic.to_owned(), found, configured });
        }
    }
    for (topic, _) in sources {
        describe(topic)?.check_source(setup.time == TimeMode::Event)?;
    }
    // Their timestamps are the broker's clock to us.
    facts.check_source(setup.time == TimeMode::Event)?;
    describe(&setup.decided_topic)?;
    describe(&setup.topics.dead_letters)?;
    Ok(RetentionWatch::new(SpanMs(facts.retention_ms)))
}

#[cfg(test)]
mod tests;
