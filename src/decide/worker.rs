//! The thread of one partition: restores its state, then applies what it is handed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::engine::partition::Identity;

use super::machine::{Machine, MachineError, Portion, Surroundings};
use super::observe::Standing;
use super::restore::{Restored, restore};
use super::snapshot::{SnapshotStore, StoreError};
use super::snapshotter::Snapshotter;

/// Batches a partition's thread may have waiting; more wait with the loop, which then pauses delivery.
const WORK_MAX: usize = 4;

/// How soon a snapshot store that is away is asked again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// What a partition's thread is asked to do, in order.
#[derive(Debug)]
pub(super) enum Work {
    Records(Vec<(u64, Vec<u8>)>),
    /// Write a progress record.
    Progress,
    /// Begin to store a snapshot; what is committed decides which older ones may go.
    Snapshot {
        committed: u64,
    },
    /// The same on leaving, after the snapshot under way.
    LastSnapshot {
        committed: u64,
    },
}

/// What it answers.
#[derive(Debug)]
pub(super) enum Done {
    /// Begin to deliver from this offset.
    Restored(u64),
    NotRestored(StoreError),
    Decided(Portion),
    Progressed(Portion),
    /// The thread has stopped on a record.
    Stopped(MachineError),
}

/// An answer, with the tenure it belongs to: answers of an earlier one are ignored.
pub(super) type Answer = (u64, u32, Done);

/// What a thread begins with.
pub(super) struct Assignment {
    pub identity: Identity,
    pub tenure: u64,
    pub committed: Option<u64>,
    pub store: Option<Arc<SnapshotStore>>,
    pub surroundings: Surroundings,
    pub crew: Arc<dyn Crew>,
    pub answers: Sender<Answer>,
}

/// Gives workers the time they need.
pub trait Crew: Send + Sync {
    /// Begins a task, which goes on until it has ended.
    ///
    /// # Errors
    /// When no thread can be started.
    fn begin(&self, name: String, task: Box<dyn Task>) -> std::io::Result<Box<dyn Running>>;
}

/// Something done in turns.
pub trait Task: Send {
    /// Does one thing; with `wait`, waits until there is one to do.
    fn turn(&mut self, wait: bool) -> Turn;
}

/// How a turn went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Done,
    /// There was nothing to do.
    Idle,
    /// There never will be again.
    Ended,
}

/// A task under way.
pub trait Running: Send {
    /// Waits for its end.
    fn join(self: Box<Self>);
}

/// A thread for each task.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

impl Crew for Threads {
    fn begin(&self, name: String, mut task: Box<dyn Task>) -> std::io::Result<Box<dyn Running>> {
        let run = move || while task.turn(true) != Turn::Ended {};
        Ok(Box::new(std::thread::Builder::new().name(name).spawn(run)?))
    }
}

impl Running for JoinHandle<()> {
    fn join(self: Box<Self>) {
        if JoinHandle::join(*self).is_err() {
            tracing::error!("a thread has panicked");
        }
    }
}

/// Starts the worker of a partition. It ends when the sender of its work is dropped.
pub(super) fn spawn(assignment: Assignment) -> std::io::Result<(SyncSender<Work>, Box<dyn Running>)> {
    let (sender, work) = sync_channel(WORK_MAX);
    let crew = Arc::clone(&assignment.crew);
    let name = format!("facts-{}", assignment.identity.partition);
    let running = crew.begin(name, Box::new(Worker { assignment, work, deciding: None }))?;
    Ok((sender, running))
}

/// The worker of one partition: restores first, then does what it is asked.
struct Worker {
    assignment: Assignment,
    work: Receiver<Work>,
    deciding: Option<Deciding>,
}

struct Deciding {
    machine: Machine,
    /// None without a store.
    snapshotter: Option<Snapshotter>,
}

impl Task for Worker {
    fn turn(&mut self, wait: bool) -> Turn {
        let Some(deciding) = &mut self.deciding else {
            return self.restore(wait);
        };
        let work = match self.work.try_recv() {
            Err(TryRecvError::Empty) if !wait => return Turn::Idle,
            Err(TryRecvError::Empty) => self.work.recv().ok(),
            work => work.ok(),
        };
        match work {
            Some(work) => self.assignment.work(work, deciding),
            None => {
                deciding.snapshotter.as_mut().map(Snapshotter::finish);
                Turn::Ended
            }
        }
    }
}

impl Worker {
    /// State from the store, which may be away: the partition waits for it, and the others do not.
    fn restore(&mut self, wait: bool) -> Turn {
        match self.assignment.restore() {
            Ok(deciding) => self.deciding = Some(deciding),
            Err(error @ StoreError::Store(_)) => {
                let partition = self.assignment.identity.partition;
                tracing::warn!(partition, %error, "waiting for the snapshot store");
                // Nothing that matters is asked of a partition that is not restored: this waits, or ends.
                let wait = if wait { STORE_RETRY } else { Duration::ZERO };
                return match self.work.recv_timeout(wait) {
                    Err(RecvTimeoutError::Disconnected) => Turn::Ended,
                    _ => Turn::Idle,
                };
            }
            Err(error) => {
                self.assignment.answer(Done::NotRestored(error));
                return Turn::Ended;
            }
        }
        Turn::Done
    }
}

impl Assignment {
    fn restore(&self) -> Result<Deciding, StoreError> {
        let began = Instant::now();
        let loader = &*self.surroundings.loader;
        let restored = restore(self.store.as_deref(), &self.identity, self.committed, loader)?;
        let Restored { state: partition, offset, stored, chain } = restored;
        if let Some(stored) = stored {
            self.surroundings.observe.snapshot_found(self.identity.partition, stored);
        }
        let committed = self.committed.unwrap_or(0);
        self.surroundings.observe.restored(self.identity.partition, offset, committed, began.elapsed());
        self.answer(Done::Restored(offset));
        let machine = Machine::new(partition, offset, committed, self.surroundings.clone());
        let snapshotter = self.store.clone().map(|store| {
            let (crew, observe) = (Arc::clone(&self.crew), Arc::clone(&self.surroundings.observe));
            Snapshotter::new(store, crew, observe, self.identity.clone(), chain)
        });
        Ok(Deciding { machine, snapshotter })
    }

    fn work(&self, work: Work, Deciding { machine, snapshotter }: &mut Deciding) -> Turn {
        match work {
            Work::Records(records) => match self.decide(machine, &records) {
                Ok(portion) => self.answer(Done::Decided(portion)),
                Err(error) => {
                    self.answer(Done::Stopped(error));
                    return Turn::Ended;
                }
            },
            Work::Progress => {
                let records = vec![machine.progress()];
                let next_offset = machine.next_offset();
                self.answer(Done::Progressed(Portion { next_offset, records, ..Portion::default() }));
            }
            Work::Snapshot { committed } => {
                if let Some(snapshotter) = snapshotter {
                    snapshotter.begin(machine, committed);
                }
            }
            Work::LastSnapshot { committed } => {
                if let Some(snapshotter) = snapshotter {
                    snapshotter.finish();
                    snapshotter.begin(machine, committed);
                }
            }
        }
        Turn::Done
    }

    fn decide(&self, machine: &mut Machine, records: &[(u64, Vec<u8>)]) -> Result<Portion, MachineError> {
        let mut portion = Portion::default();
        for (offset, bytes) in records {
            machine.apply(*offset, bytes, &mut portion)?;
        }
        let partition = machine.partition();
        let standing = Standing {
            partition: self.identity.partition,
            next_offset: machine.next_offset(),
            partition_time: partition.partition_time(),
            newest_time: partition.newest_time(),
            next_timer: partition.next_timer(),
            is_live: partition.is_live(),
            tally: partition.tally(),
        };
        let observe = &self.surroundings.observe;
        observe.advanced(standing, partition.rules().map(|rules| &**rules));
        if let Some(rules) = partition.rules() {
            observe.rule_totals(rules, standing.newest_time, &mut partition.rule_totals());
            observe.rules_shadowed(rules, &mut partition.rules_shadowed());
            observe.persons_named(standing.partition, &mut partition.persons_named());
        }
        Ok(portion)
    }

    fn answer(&self, done: Done) {
        // When the loop is gone nobody needs the answer.
        let _ = self.answers.send((self.tenure, self.identity.partition, done));
    }
}
