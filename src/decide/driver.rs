//! The deciding loop (DESIGN D11, D12, D14). Its invariants:
//!
//! * I1 A partition's records are applied in order, once, by the one thread of its present tenure.
//! * I2 What was decided is kept until its commit is known: then it is dropped, or sent again as it was.
//! * I3 Reports are acknowledged before the offset that covers their origin is committed.
//! * I4 A revoked partition is let go only after its outputs are settled.
//! * I5 A batch is sent only while its partition is held: the broker checks generations, not owners.
//! * I6 What waits in memory is bounded: beyond it delivery is paused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use crate::engine::input::TimeMode;
use crate::engine::partition::Identity;
use crate::engine::planted::{Planted, is_planted};
use crate::log::{Batch, CommitOutcome, DecideEvent, DecideLog, LogError};
use crate::telemetry::clock::{Clock, MachineClock};

use super::DecideError;
use super::ending::Ending;
use super::held::Held;
use super::kept::Kept;
use super::machine::Surroundings;
use super::observe::Outcome;
use super::snapshot::SnapshotStore;
use super::view::ReadView;
use super::worker::{Answer, Assignment, Crew, Done, Threads, spawn};

/// How often things are done, and how much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the begin of one transaction to the next with output, or in a hurry to the end: so that the first output
    /// after a pause leaves at once.
    pub commit_every: Duration,
    /// Without output.
    pub commit_idle: Duration,
    pub progress_every: Duration,
    pub snapshot_every: Duration,
    /// What a partition may hold in memory besides its state, in bytes.
    pub waiting_bytes_max: usize,
    /// After a transaction that came to nothing, before the next.
    pub retry_after: Duration,
    /// What stopping may take.
    pub leave_max: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            commit_every: Duration::from_millis(20),
            commit_idle: Duration::from_secs(1),
            progress_every: Duration::from_millis(200),
            snapshot_every: Duration::from_secs(60),
            waiting_bytes_max: 16 << 20,
            retry_after: Duration::from_millis(100),
            leave_max: Duration::from_secs(20),
        }
    }
}

/// Where a worker runs: its clock, and who gives its partitions time.
#[derive(Clone)]
pub struct Host {
    pub clock: Arc<dyn Clock>,
    pub crew: Arc<dyn Crew>,
}

impl Default for Host {
    /// This machine, with a thread for each partition and each snapshot under way.
    fn default() -> Host {
        Host { clock: Arc::new(MachineClock), crew: Arc::new(Threads) }
    }
}

/// What a deciding worker is.
#[derive(Clone)]
pub struct Setup {
    pub partitions: u32,
    pub time: TimeMode,
    pub surroundings: Surroundings,
    pub snapshots: Option<Arc<SnapshotStore>>,
    pub view: Arc<ReadView>,
    pub pace: Pace,
    pub host: Host,
    /// Stop once what was present at start is decided, and the reports it caused.
    pub until_end: bool,
}

/// Decides until `stop` is set, or the end is reached with `until_end`; then drains, commits, takes
/// snapshots and leaves the group.
///
/// # Errors
/// `DecideError`. What was not committed is decided again, to the same bytes, by whoever comes next.
pub fn decide<L: DecideLog>(log: L, setup: Setup, stop: &AtomicBool) -> Result<(), DecideError> {
    Driver::new(log, setup).run(stop)
}

pub(crate) struct Driver<L> {
    log: L,
    setup: Setup,
    held: BTreeMap<u32, Held>,
    sender: Sender<Answer>,
    answers: Receiver<Answer>,
    tenures: u64,
    /// When the last transaction began.
    settled: Instant,
    /// No transaction before this.
    not_before: Instant,
    /// Why a partition stopped; told when the worker ends.
    failure: Option<DecideError>,
}

impl<L: DecideLog> Driver<L> {
    pub(crate) fn new(log: L, setup: Setup) -> Driver<L> {
        let (sender, answers) = mpsc::channel();
        let now = setup.host.clock.now();
        Driver {
            log,
            setup,
            held: BTreeMap::new(),
            sender,
            answers,
            tenures: 0,
            settled: now,
            not_before: now,
            failure: None,
        }
    }

    fn run(mut self, stop: &AtomicBool) -> Result<(), DecideError> {
        let mut ending = if self.setup.until_end { Some(Ending::new(&mut self.log)?) } else { None };
        while !stop.load(Ordering::SeqCst) {
            self.turn()?;
            if let Some(ending) = &mut ending {
                let idle = self.held.values().all(|held| !held.is_busy() && held.kept.waiting().is_none());
                if self.failure.is_some() || (idle && ending.is_over(&mut self.log)?) {
                    break;
                }
            }
        }
        self.leave()
    }

    /// Takes what has come, asks for what is due, and settles what has waited long enough.
    pub(crate) fn turn(&mut self) -> Result<(), DecideError> {
        let events = self.log.poll(self.wait())?;
        self.setup.surroundings.observe.turned();
        self.take(events)?;
        self.collect()?;
        self.ask();
        if self.is_due() {
            self.settle()?;
        }
        self.bound_memory()
    }

    fn now(&self) -> Instant {
        self.setup.host.clock.now()
    }

    /// Short while partitions' threads owe answers, for nobody wakes this loop for them.
    fn wait(&self) -> Duration {
        let busy = self.held.values().any(|held| held.is_busy() || held.kept.waiting().is_some());
        Duration::from_millis(if busy { 1 } else { 20 })
    }

    fn take(&mut self, events: Vec<DecideEvent>) -> Result<(), DecideError> {
        let mut records: BTreeMap<u32, Vec<(u64, Vec<u8>)>> = BTreeMap::new();
        let mut events = VecDeque::from(events);
        while let Some(event) = events.pop_front() {
            match event {
                DecideEvent::Record { partition, offset, bytes } => {
                    records.entry(partition).or_default().push((offset, bytes));
                }
                DecideEvent::Assigned { partition, committed } => self.assigned(partition, committed)?,
                DecideEvent::Revoked { partitions } => {
                    // What was lost together with this revocation must not be sent either (I5).
                    if !is_planted(Planted::LostTogether) {
                        self.let_go(&lost_among(&events));
                    }
                    if is_planted(Planted::SettleOnRevoke) {
                        self.log.release(&partitions)?;
                    }
                    self.collect()?;
                    self.settle()?;
                    self.let_go(&partitions);
                    self.log.release(&partitions)?;
                }
                DecideEvent::Lost { partitions } => self.let_go(&partitions),
            }
        }
        for (partition, records) in records {
            if let Some(held) = self.held.get_mut(&partition) {
                held.take_records(records);
            }
        }
        Ok(())
    }

    fn assigned(&mut self, partition: u32, committed: Option<u64>) -> Result<(), DecideError> {
        let committed = match committed {
            None => self.committed_anew(partition)?,
            committed => committed,
        };
        self.tenures += 1;
        let surroundings = self.setup.surroundings.clone();
        surroundings.observe.assigned(partition);
        let identity = Identity {
            partition,
            partitions: self.setup.partitions,
            id_key: surroundings.keys.id_key(),
            time: self.setup.time,
        };
        let (store, answers) = (self.setup.snapshots.clone(), self.sender.clone());
        let (tenure, crew) = (self.tenures, Arc::clone(&self.setup.host.crew));
        let assignment = Assignment { identity, tenure, committed, store, surroundings, crew, answers };
        let worker = spawn(assignment).map_err(DecideError::Thread)?;
        let kept = Kept::new(partition, committed.unwrap_or(0));
        self.held.insert(partition, Held::new(self.tenures, kept, worker, self.now()));
        Ok(())
    }

    /// The offset of a partition that has none. It must never have been decided then; if it was, somebody
    /// may have begun after our offset was read.
    fn committed_anew(&mut self, partition: u32) -> Result<Option<u64>, DecideError> {
        let key = partition.to_string();
        if !self.log.holds(crate::codec::output::Topic::Decided, key.as_bytes())? {
            return Ok(None);
        }
        let progress = self.log.progress()?;
        let now = progress.iter().find(|progress| progress.partition == partition);
        let committed = now.and_then(|progress| progress.committed);
        committed.map(Some).ok_or(DecideError::OffsetMissing(partition))
    }

    /// Forgets partitions and whatever of them was not committed: their next owner decides it again.
    fn let_go(&mut self, partitions: &[u32]) {
        for partition in partitions {
            // Its thread ends by itself; what it still answers belongs to no present tenure.
            if self.held.remove(partition).is_some() {
                self.setup.view.forget(*partition);
                self.setup.surroundings.observe.released(*partition);
            }
        }
    }

    fn collect(&mut self) -> Result<(), DecideError> {
        while let Ok(answer) = self.answers.try_recv() {
            self.answered(answer)?;
        }
        self.held.values_mut().for_each(Held::hand_over);
        Ok(())
    }

    fn answered(&mut self, (tenure, partition, done): Answer) -> Result<(), DecideError> {
        let now = self.now();
        let Some(held) = self.held.get_mut(&partition).filter(|held| held.tenure == tenure) else {
            return Ok(());
        };
        match done {
            Done::Restored(offset) => {
                held.restored(offset);
                self.log.start(partition, offset)?;
            }
            Done::NotRestored(error) => return Err(DecideError::Snapshot { partition, error }),
            Done::Decided(portion) | Done::Progressed(portion) => {
                let visible = held.decided(portion, now);
                self.setup.view.publish(partition, visible);
            }
            Done::Stopped(error) => {
                tracing::error!(partition, %error, "a facts partition has stopped; the others go on");
                held.stop();
                self.setup.surroundings.observe.failed(partition);
                self.failure.get_or_insert(DecideError::Partition { partition, error });
            }
        }
        Ok(())
    }

    fn ask(&mut self) {
        let now = self.now();
        for held in self.held.values_mut() {
            held.ask_progress(self.setup.pace.progress_every, now);
            held.ask_snapshot(self.setup.pace.snapshot_every, now);
        }
    }

    fn is_due(&self) -> bool {
        let (pace, now) = (&self.setup.pace, self.now());
        let due = |(since, output): (Instant, bool)| match output || self.setup.until_end {
            true => now - self.settled >= pace.commit_every,
            false => now - since >= pace.commit_idle,
        };
        now >= self.not_before && self.held.values().filter_map(|held| held.kept.waiting()).any(due)
    }

    /// Reports, then one transaction for all partitions held, until its outcome is known.
    fn settle(&mut self) -> Result<(), DecideError> {
        if !self.send_reports()? {
            self.not_before = self.now() + self.setup.pace.retry_after;
        }
        let batches: Vec<Batch> = self.held.values_mut().filter_map(|held| held.kept.take_batch()).collect();
        if batches.is_empty() {
            return Ok(());
        }
        self.settled = self.now();
        let outcome = self.log.commit(&batches)?;
        self.setup.surroundings.observe.transaction(self.now() - self.settled);
        for batch in batches {
            let Some(held) = self.held.get_mut(&batch.partition) else { continue };
            let outcome = match &outcome {
                CommitOutcome::Committed => Outcome::Committed,
                CommitOutcome::Settled { committed } => {
                    let found = committed.iter().find(|(partition, _)| *partition == batch.partition);
                    match held.kept.was_committed(&batch, found.and_then(|(_, offset)| *offset)) {
                        true => Outcome::FoundCommitted,
                        false => Outcome::Resent,
                    }
                }
            };
            let observe = &self.setup.surroundings.observe;
            if outcome == Outcome::Resent {
                observe.settled(batch.partition, outcome, 0, &[]);
                held.kept.put_back(batch);
                self.not_before = self.now() + self.setup.pace.retry_after;
            } else {
                let visible = held.kept.resolved(&batch);
                observe.settled(batch.partition, outcome, visible.records, &visible.packs);
                self.setup.view.publish(batch.partition, visible.changes);
            }
        }
        Ok(())
    }

    /// False when they were not acknowledged: their partitions commit nothing until they are.
    fn send_reports(&mut self) -> Result<bool, DecideError> {
        let reports: Vec<(u32, Vec<u8>)> =
            self.held.values().flat_map(|held| held.kept.reports()).cloned().collect();
        if reports.is_empty() {
            return Ok(true);
        }
        match self.log.send_reports(&reports) {
            Ok(()) => {
                self.held.values_mut().for_each(|held| held.kept.reports_acknowledged());
                self.setup.surroundings.observe.reports_sent(reports.len());
                Ok(true)
            }
            Err(LogError::Unreachable(why)) => {
                tracing::warn!(why, "reports are not acknowledged; they are sent again");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn bound_memory(&mut self) -> Result<(), DecideError> {
        let max = self.setup.pace.waiting_bytes_max;
        for (partition, held) in &mut self.held {
            let paused = held.stopped || held.bytes() > if held.paused { max / 2 } else { max };
            if paused != held.paused {
                self.log.pause(*partition, paused)?;
                held.paused = paused;
                self.setup.surroundings.observe.paused(*partition, paused);
            }
        }
        Ok(())
    }

    pub(crate) fn leave(mut self) -> Result<(), DecideError> {
        let deadline = self.now() + self.setup.pace.leave_max;
        self.finish_work(deadline)?;
        let now = self.now();
        self.held.values_mut().for_each(|held| held.ask_progress(Duration::ZERO, now));
        self.finish_work(deadline)?;
        while self.held.values().any(|held| held.kept.waiting().is_some()) && self.now() < deadline {
            self.settle()?;
            self.setup.host.clock.sleep(self.not_before.saturating_duration_since(self.now()));
        }
        for (_, mut held) in std::mem::take(&mut self.held) {
            held.ask_last_snapshot();
            held.join(&*self.setup.host.clock);
        }
        self.log.close();
        self.failure.map_or(Ok(()), Err)
    }

    fn finish_work(&mut self, deadline: Instant) -> Result<(), DecideError> {
        while self.held.values().any(Held::is_busy) && self.now() < deadline {
            self.setup.host.clock.sleep(Duration::from_millis(1));
            self.collect()?;
            if self.is_due() {
                self.settle()?;
            }
        }
        Ok(())
    }
}

/// Partitions that events still to be taken say are lost, as far as none was assigned anew before.
fn lost_among(events: &VecDeque<DecideEvent>) -> Vec<u32> {
    let mut lost = Vec::new();
    for event in events {
        match event {
            DecideEvent::Lost { partitions } => lost.extend_from_slice(partitions),
            DecideEvent::Assigned { .. } => break,
            DecideEvent::Record { .. } | DecideEvent::Revoked { .. } => {}
        }
    }
    lost
}
