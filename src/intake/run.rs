//! The intake process over Kafka: read, classify, pack, send, and only then commit (DESIGN D5 to D10).
//!
//! One thread. The group's offsets are a report of progress; where reading begins is said by
//! `decided` alone. A failed delivery begins reading anew from there: receivers skip what they have.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::codec::keys::Keys;
use crate::codec::output::DecidedProgress;
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::cover::Covered;
use crate::engine::input::TimeMode;
use crate::log::LogError;
use crate::log::kafka::{Admin, Connection, SourceConsumer, SourceEvent, SourceOptions};

use super::announce::{AnnounceError, announce};
use super::covered::{Decided, StartError};
use super::dead_letter::DeadLetter;
use super::desk::{Desk, SourceSetup, Tally};
use super::first_start::{self, FirstStart};
use super::lanes::LaneBounds;
use super::pack::{Flush, PackBounds, Packer, Slot, Start};
use super::sender::{Sender, SenderTopics};
use super::versions::{Versions, VersionsError};
use super::watch::{RetentionWatch, WatchError};

/// Records taken from the client between two looks at the clock.
const RECORDS_PER_TURN_MAX: usize = 2000;
/// Records of one source that wait for the others.
const RECORDS_PER_LANE_MAX: usize = 8192;
/// Between two attempts to start anew while brokers are away.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Our clock and the broker's differ by less.
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
    pub keys: Keys,
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
    #[error("topic `{topic}` has {found} partitions and the configuration says {configured}")]
    Partitions { topic: String, found: u32, configured: u32 },
}

/// Runs until `stop`, the end (`until_end`) or an error. `observe` is called about once a second.
///
/// # Errors
/// When going on would lose or invent something, or nothing can be reached at the start.
pub fn run(setup: Setup, stop: &AtomicBool, observe: &mut dyn FnMut(&Tally)) -> Result<Tally, IntakeError> {
    let mut intake = Intake::start(setup)?;
    let outcome = intake.turns(stop, observe);
    let tally = intake.desk.tally.clone();
    intake.consumer.close(CLOSE_WITHIN_MAX);
    outcome.map(|()| tally)
}

struct Intake {
    plan: Plan,
    consumer: SourceConsumer,
    sender: Sender,
    packer: Packer,
    desk: Desk,
    watch: RetentionWatch,
    /// The source of a first start, and whether its records still have to be written.
    start_slot: Option<(Slot, bool)>,
    /// What the group gave us, taken up or not yet.
    held: Vec<Held>,
    /// When the assignment last changed; `None` before the first.
    assigned_since: Option<Instant>,
}

/// A partition that the group gave us.
#[derive(Clone, Debug)]
struct Held {
    topic: String,
    partition: u32,
    committed: i64,
    /// It has been started before, so that going back in it is a seek.
    is_begun: bool,
}

/// What of the setup is needed again.
struct Plan {
    connection: Connection,
    topics: SenderTopics,
    decided_topic: String,
    facts_partitions: u32,
    source_partitions: u32,
    versions: Versions,
    first_start: Option<FirstStart>,
    keys: Keys,
    time: TimeMode,
    pack: PackBounds,
    linger: Duration,
    cover_every: Duration,
    until_end: bool,
}

/// A rebalance, noted while records are served and acted on afterwards.
enum Change {
    Assigned(Held),
    Revoked(Vec<(String, u32)>),
    Lost(Vec<(String, u32)>),
}

impl Intake {
    fn start(setup: Setup) -> Result<Intake, IntakeError> {
        if setup.time == TimeMode::Event && setup.versions.list().len() > 1 {
            return Err(VersionsError::EventTime.into());
        }
        let admin = Admin::connect(&setup.connection)?;
        let watch = check_topics(&admin, &setup)?;
        let mut sender = Sender::connect(&setup.connection, setup.topics.clone())?;
        let consumer = SourceConsumer::join(
            &setup.connection,
            &SourceOptions {
                group: setup.group,
                instance: setup.instance,
                topics: setup.sources.iter().map(|source| source.topic.clone()).collect(),
                session_timeout_ms: setup.session_timeout_ms,
                queue_kib: setup.queue_kib,
            },
        )?;
        let decided = Decided::read(&setup.connection, &setup.decided_topic, setup.facts_partitions)?;
        let facts = &setup.topics.facts;
        announce(&setup.connection, &consumer, &mut sender, facts, &decided, &setup.versions, now())?;
        let bounds = LaneBounds { skew_max: setup.skew_max, records_max: RECORDS_PER_LANE_MAX };
        let plan = Plan {
            source_partitions: setup.sources.iter().map(|source| source.partitions).sum(),
            connection: setup.connection,
            topics: setup.topics,
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
        Ok(Intake {
            plan,
            consumer,
            sender,
            packer,
            desk,
            watch,
            start_slot: None,
            held: Vec::new(),
            assigned_since: None,
        })
    }

    fn turns(&mut self, stop: &AtomicBool, observe: &mut dyn FnMut(&Tally)) -> Result<(), IntakeError> {
        let mut flushed = Instant::now();
        let mut covered = Instant::now();
        loop {
            let stopping = stop.load(Ordering::SeqCst);
            let due = stopping || covered.elapsed() >= self.plan.cover_every;
            let turn = self.turn(&mut flushed).and_then(|()| if due { self.cover() } else { Ok(()) });
            match turn {
                Ok(()) => {}
                Err(IntakeError::Log(LogError::Unreachable(why))) if !stopping => {
                    tracing::warn!(why, "a delivery failed; reading begins anew at what has been covered");
                    self.begin_anew(stop)?;
                }
                Err(error) => return Err(error),
            }
            if due {
                covered = Instant::now();
                observe(&self.desk.tally);
                self.look_at_retention()?;
                if stopping || (self.plan.until_end && self.is_at_end()) {
                    return Ok(());
                }
            }
        }
    }

    /// Takes what has come, in the order of time, and sends what is ready.
    fn turn(&mut self, flushed: &mut Instant) -> Result<(), IntakeError> {
        let mut changes = Vec::new();
        let desk = &mut self.desk;
        let served = self.consumer.poll(self.plan.linger, RECORDS_PER_TURN_MAX, &mut |event| match event {
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
        if flushed.elapsed() >= self.plan.linger {
            let packs = self.packer.flush(Flush::WithFacts);
            self.send(packs)?;
            *flushed = Instant::now();
        }
        for (slot, paused) in self.desk.lanes.turns() {
            if let Some(assigned) = self.desk.by_slot(slot) {
                self.consumer.pause(&assigned.topic, assigned.id.partition, paused)?;
            }
        }
        Ok(())
    }

    fn take_records(&mut self) -> Result<(), IntakeError> {
        while let Some((slot, record)) = self.desk.lanes.take() {
            self.start_first(record.time);
            let judged = record.item;
            if let (Err(code), Some(assigned)) = (&judged.outcome, self.desk.by_slot(slot))
                && record.offset >= assigned.committed
            {
                self.sender.send_dead_letter(&DeadLetter {
                    source: &assigned.id,
                    offset: record.offset,
                    reason: code.name(),
                    version: judged.version,
                })?;
            }
            let facts = judged.outcome.unwrap_or_default();
            self.packer.read(slot, judged.version, record.offset, record.time, facts);
            let packs = self.packer.take_finished();
            self.send(packs)?;
        }
        Ok(())
    }

    /// Before the first record of all: the rules that decide about it.
    fn start_first(&mut self, first: TimeMs) {
        let (Some((slot, is_due @ true)), Some(start)) = (&mut self.start_slot, &self.plan.first_start)
        else {
            return;
        };
        *is_due = false;
        let at = match self.plan.time {
            TimeMode::Broker => now(),
            TimeMode::Event => first,
        };
        let version = self.plan.versions.in_force(at);
        for (offset, record) in (0..).zip(start.records(&self.plan.keys, at)) {
            self.packer.read(*slot, version, offset, at, [record]);
        }
    }

    fn send(&mut self, packs: Vec<super::pack::Packed>) -> Result<(), IntakeError> {
        self.desk.tally.packs += packs.len() as u64;
        self.desk.tally.facts += packs.iter().map(|(_, pack)| pack.facts.len() as u64).sum::<u64>();
        Ok(self.sender.send_packs(packs)?)
    }

    /// Tells every destination how far every source has been read, waits for acknowledgement, commits.
    fn cover(&mut self) -> Result<(), IntakeError> {
        for index in 0..self.desk.assigned.len() {
            let Some(assigned) = self.desk.assigned.get(index) else { break };
            if self.desk.lanes.is_empty(assigned.slot) {
                read_through(&self.consumer, &mut self.desk, &mut self.packer, &self.plan, index)?;
            }
        }
        if let (Some((slot, false)), TimeMode::Broker) = (self.start_slot, self.plan.time) {
            // Nothing more will come of a first start; without this it would hold partition time back.
            let clock = now().minus(CLOCKS_DIFFER_MAX);
            let last = self.packer.position(slot).unwrap_or(-1);
            self.packer.read_through(slot, self.plan.versions.in_force(clock), last, clock);
        }
        let packs = self.packer.flush(Flush::All);
        self.send(packs)?;
        self.sender.settle()?;
        let positions: Vec<(&str, u32, i64)> = self
            .desk
            .assigned
            .iter()
            .filter_map(|one| {
                Some((one.topic.as_str(), one.id.partition, self.packer.position(one.slot)? + 1))
            })
            .collect();
        if positions.is_empty() {
            return Ok(());
        }
        // A report of progress only: a rebalance in between may refuse it, and nothing is lost by that.
        if let Err(error) = self.consumer.commit(&positions) {
            tracing::info!(%error, "the group's offsets were not committed");
        }
        Ok(())
    }

    fn rebalance(&mut self, changes: Vec<Change>) -> Result<(), IntakeError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.assigned_since = Some(Instant::now());
        let mut delivered = Ok(());
        for change in changes {
            match change {
                Change::Assigned(held) => self.held.push(held),
                Change::Revoked(partitions) => {
                    delivered = delivered.and(self.take_records()).and(self.cover());
                    self.let_go(&partitions);
                    self.consumer.release(&partitions).map_err(IntakeError::Consumer)?;
                }
                Change::Lost(partitions) => self.let_go(&partitions),
            }
        }
        delivered?;
        self.take_up()
    }

    fn let_go(&mut self, partitions: &[(String, u32)]) {
        self.held.retain(|held| !partitions.iter().any(|(topic, number)| held.is(topic, *number)));
        for (topic, partition) in partitions {
            if let Some(slot) = self.desk.close(topic, *partition) {
                self.packer.release(slot);
            }
        }
    }

    /// Takes up what is held and not being read yet, where its destinations need it. The baseline of a
    /// source reaches every destination before anything else of it: one whose first coverage comes
    /// too late sees a gap then, and never skips what retention took in between.
    fn take_up(&mut self) -> Result<(), IntakeError> {
        let new: Vec<usize> = (0..self.held.len())
            .filter(|place| self.held.get(*place).is_some_and(|held| !self.is_open(held)))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let decided = self.read_decided()?;
        if self.start_slot.is_none() && self.plan.first_start.is_some() {
            self.start_slot = Some(self.take_up_start(&decided));
        }
        let mut begins = Vec::new();
        for place in new {
            let Some(Held { topic, partition, committed, .. }) = self.held.get(place) else { continue };
            let Some(id) = self.desk.source_id(topic, *partition) else { continue };
            let watermarks = self.consumer.watermarks(topic, *partition)?;
            let start = decided.start(&id, watermarks, &self.plan.versions)?;
            tracing::info!(
                topic,
                partition,
                after = start.previous,
                baseline = start.baseline,
                "source taken up"
            );
            let slot = self.packer.assign(id.clone(), start);
            self.desk.open(slot, id, topic, start.previous + 1, *committed, watermarks.1);
            begins.push((place, start.previous + 1));
        }
        let packs = self.packer.flush(Flush::All);
        self.send(packs)?;
        self.sender.settle()?;
        for (place, offset) in begins {
            let Some(held) = self.held.get_mut(place) else { continue };
            let begin = if held.is_begun { SourceConsumer::seek } else { SourceConsumer::start };
            begin(&mut self.consumer, &held.topic, held.partition, offset)?;
            held.is_begun = true;
        }
        Ok(())
    }

    /// Takes up the source of a first start: due while some destination has not covered it.
    fn take_up_start(&mut self, decided: &Decided) -> (Slot, bool) {
        let source = first_start::source();
        let covered = |progress: &Option<DecidedProgress>| {
            progress.as_ref().and_then(|progress| progress.coverage.sources.get(&source).copied())
        };
        let lowest = decided.partitions().iter().map(covered).reduce(|a, b| match (a, b) {
            (Some(a), Some(b)) => Some(Covered { last: a.last.min(b.last), time: a.time.min(b.time) }),
            _ => None,
        });
        let (previous, time) = match lowest.flatten() {
            Some(covered) => (covered.last, covered.time),
            None => (-1, TimeMs::MIN),
        };
        let is_due = previous < 0;
        let version = self.plan.versions.in_force(time);
        (self.packer.assign(source, Start { previous, baseline: is_due, version, time }), is_due)
    }

    fn is_open(&self, held: &Held) -> bool {
        self.desk.assigned.iter().any(|one| held.is(&one.topic, one.id.partition))
    }

    /// After a failed delivery: what arrived is not known, so a new producer sends everything again
    /// that no destination is known to have covered.
    fn begin_anew(&mut self, stop: &AtomicBool) -> Result<(), IntakeError> {
        self.desk.tally.restarts += 1;
        loop {
            match self.try_anew() {
                Err(IntakeError::Log(LogError::Unreachable(why))) if !stop.load(Ordering::SeqCst) => {
                    tracing::warn!(why, "brokers are still away");
                    std::thread::sleep(RETRY_EVERY);
                }
                outcome => return outcome,
            }
        }
    }

    fn try_anew(&mut self) -> Result<(), IntakeError> {
        // A half-done attempt before this one leaves nothing behind.
        self.packer = Packer::new(self.plan.facts_partitions, self.plan.pack);
        self.desk.clear();
        self.start_slot = None;
        self.sender = Sender::connect(&self.plan.connection, self.plan.topics.clone())?;
        for held in self.held.iter().filter(|held| held.is_begun) {
            self.consumer.pause(&held.topic, held.partition, false)?;
        }
        self.take_up()
    }

    fn look_at_retention(&mut self) -> Result<(), IntakeError> {
        let Plan { connection, topics, decided_topic, facts_partitions, .. } = &self.plan;
        let decided = || Decided::read(connection, decided_topic, *facts_partitions);
        match self.watch.look(connection, &topics.facts, now(), decided) {
            // Nobody to ask; deliveries will tell when the brokers are really away.
            Err(WatchError::Log(LogError::Unreachable(why))) => {
                tracing::warn!(why, "retention was not checked")
            }
            looked => looked?,
        }
        Ok(())
    }

    fn read_decided(&self) -> Result<Decided, LogError> {
        Decided::read(&self.plan.connection, &self.plan.decided_topic, self.plan.facts_partitions)
    }

    /// True when all that was present when the partitions were assigned has been read.
    fn is_at_end(&self) -> bool {
        let Some(since) = self.assigned_since else { return false };
        let has_all = self.desk.assigned.len() == self.plan.source_partitions as usize;
        let is_settled = has_all || since.elapsed() > ASSIGNMENT_SETTLED_AFTER;
        let mut assigned = self.desk.assigned.iter();
        is_settled
            && assigned.all(|one| self.packer.position(one.slot).is_some_and(|last| last + 1 >= one.end))
    }
}

impl Held {
    fn is(&self, topic: &str, partition: u32) -> bool {
        self.partition == partition && self.topic == topic
    }
}

/// Moves a source on to the clock, if it holds nothing that has not been read. The clock is read before
/// the broker is asked for the end, and a little is taken off it for clocks that differ.
fn read_through(
    consumer: &SourceConsumer,
    desk: &mut Desk,
    packer: &mut Packer,
    plan: &Plan,
    index: usize,
) -> Result<(), IntakeError> {
    let clock = now().minus(CLOCKS_DIFFER_MAX);
    let Some(assigned) = desk.assigned.get(index) else { return Ok(()) };
    let (slot, partition) = (assigned.slot, assigned.id.partition);
    let (_, end) = consumer.watermarks(&assigned.topic, partition)?;
    let last = packer.position(slot).unwrap_or(-1);
    if end <= last {
        let name = assigned.id.name.to_string();
        return Err(StartError::Rewound { name, partition, covered: last, high: end }.into());
    }
    // Control records are never delivered, but the client's position passes them.
    let position = consumer.position(&assigned.topic, partition).unwrap_or(0);
    if position < end {
        return Ok(());
    }
    desk.lanes.drained(slot);
    let through = match plan.time {
        TimeMode::Broker => clock,
        TimeMode::Event => packer.through(slot).unwrap_or(TimeMs::MIN),
    };
    packer.read_through(slot, plan.versions.in_force(through), end - 1, through);
    Ok(())
}

/// Refuses topics that cannot serve. Gives the watch over the facts' retention.
fn check_topics(admin: &Admin, setup: &Setup) -> Result<RetentionWatch, IntakeError> {
    let describe =
        |topic: &str| admin.describe(topic)?.ok_or_else(|| IntakeError::NoTopic { topic: topic.to_owned() });
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
    describe(&setup.decided_topic)?;
    describe(&setup.topics.dead_letters)?;
    Ok(RetentionWatch::new(SpanMs(facts.retention_ms)))
}

fn now() -> TimeMs {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
