//! The thread of one partition: restores its state, then applies what it is handed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::engine::partition::{Identity, Partition};

use super::keeper::Keeper;
use super::machine::{Machine, MachineError, Portion, Surroundings};
use super::observe::Standing;
use super::restore::restore;
use super::snapshot::{SnapshotStore, StoreError};

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
    pub answers: Sender<Answer>,
}

/// Starts the thread. It ends when the sender of its work is dropped.
pub(super) fn spawn(assignment: Assignment) -> std::io::Result<(SyncSender<Work>, JoinHandle<()>)> {
    let (sender, work) = sync_channel(WORK_MAX);
    let name = format!("facts-{}", assignment.identity.partition);
    let thread = std::thread::Builder::new().name(name).spawn(move || assignment.run(&work))?;
    Ok((sender, thread))
}

impl Assignment {
    fn run(self, work: &Receiver<Work>) {
        let began = Instant::now();
        let (partition, offset) = match self.restore(work) {
            Some(Ok(restored)) => restored,
            Some(Err(error)) => return self.answer(Done::NotRestored(error)),
            None => return,
        };
        let committed = self.committed.unwrap_or(0);
        self.surroundings.observe.restored(self.identity.partition, offset, committed, began.elapsed());
        self.answer(Done::Restored(offset));
        let mut machine = Machine::new(partition, offset, committed, self.surroundings.clone());
        let observe = Arc::clone(&self.surroundings.observe);
        let mut keeper = Keeper::new(self.store.clone(), observe, offset);
        while let Ok(work) = work.recv() {
            match work {
                Work::Records(records) => match self.decide(&mut machine, &records) {
                    Ok(portion) => self.answer(Done::Decided(portion)),
                    Err(error) => return self.answer(Done::Stopped(error)),
                },
                Work::Progress => {
                    let records = vec![machine.progress()];
                    let next_offset = machine.next_offset();
                    self.answer(Done::Progressed(Portion { next_offset, records, ..Portion::default() }));
                }
                Work::Snapshot { committed } => keeper.keep(&machine, committed),
                Work::LastSnapshot { committed } => {
                    keeper.settle();
                    keeper.keep(&machine, committed);
                }
            }
        }
        keeper.settle();
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
            is_live: partition.is_live(),
            tally: partition.tally(),
        };
        let observe = &self.surroundings.observe;
        observe.advanced(standing, partition.rules().map(|rules| &**rules));
        if let Some(rules) = partition.rules() {
            observe.rule_totals(rules, standing.newest_time, &mut partition.rule_totals());
        }
        Ok(portion)
    }

    /// State from the store, which may be away: the partition waits for it, and the others do not.
    /// `None` when nobody wants the partition any more.
    fn restore(&self, work: &Receiver<Work>) -> Option<Result<(Partition, u64), StoreError>> {
        let loader = &*self.surroundings.loader;
        loop {
            match restore(self.store.as_deref(), &self.identity, self.committed, loader) {
                Err(error @ StoreError::Store(_)) => {
                    let partition = self.identity.partition;
                    tracing::warn!(partition, %error, "waiting for the snapshot store");
                }
                restored => return Some(restored),
            }
            // Nothing that matters is asked of a partition that is not restored: this waits, or ends.
            if matches!(work.recv_timeout(STORE_RETRY), Err(RecvTimeoutError::Disconnected)) {
                return None;
            }
        }
    }

    fn answer(&self, done: Done) {
        // When the loop is gone nobody needs the answer.
        let _ = self.answers.send((self.tenure, self.identity.partition, done));
    }
}
