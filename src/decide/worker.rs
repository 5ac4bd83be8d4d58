//! The thread of one partition: restores its state, then applies what it is handed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::engine::partition::Identity;

use super::machine::{Machine, MachineError, Portion, Surroundings};
use super::observe::Standing;
use super::restore::{Restored, restore};
use super::snapshot::{SnapshotStore, StoreError};
use super::snapshotter::Snapshotter;

/// Batches a partition's thread may have waiting; more wait with the loop, which then pauses delivery.
const WORK_MAX: usize = 4;

/// What a partition's thread is asked to do, in order.
#[derive(Debug)]
pub(super) enum Work {
    Records(Vec<(u64, Vec<u8>)>),
    /// Write a progress record.
    Progress,
    /// Store a snapshot; what is committed decides which older ones may go.
    Snapshot {
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
        let loader = &*self.surroundings.loader;
        let restored = restore(self.store.as_deref(), &self.identity, self.committed, loader);
        let Restored { partition, offset, chain } = match restored {
            Ok(restored) => restored,
            Err(error) => return self.answer(Done::NotRestored(error)),
        };
        let committed = self.committed.unwrap_or(0);
        self.surroundings.observe.restored(self.identity.partition, offset, committed, began.elapsed());
        self.answer(Done::Restored(offset));
        let mut machine = Machine::new(partition, offset, committed, self.surroundings.clone());
        let mut snapshotter = self.store.clone().map(|store| {
            let observe = Arc::clone(&self.surroundings.observe);
            Snapshotter::new(store, observe, self.identity.clone(), (offset, chain))
        });
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
                Work::Snapshot { committed } => {
                    if let Some(snapshotter) = &mut snapshotter {
                        snapshotter.begin(&mut machine, committed);
                    }
                }
            }
        }
        if let Some(snapshotter) = &mut snapshotter {
            snapshotter.finish();
        }
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

    fn answer(&self, done: Done) {
        // When the loop is gone nobody needs the answer.
        let _ = self.answers.send((self.tenure, self.identity.partition, done));
    }
}
