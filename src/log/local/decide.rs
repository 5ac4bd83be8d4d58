//! The deciding side of a local log: `DecideLog` over files.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::facts::LocalFacts;
use super::frames::FrameReader;
use super::journal::Journal;
use super::{SyncPolicy, outputs_path};
use crate::codec::output::Topic;
use crate::log::{Batch, CommitOutcome, DecideEvent, DecideLog, LogError, Progress};

/// At most this many records come with one poll, so that the caller can commit in between.
const RECORDS_PER_POLL_MAX: usize = 64;

/// All partitions of a log folder, assigned at once and for good.
#[derive(Debug)]
pub struct LocalDecide {
    facts: Arc<LocalFacts>,
    partitions: Vec<Following>,
    sync: SyncPolicy,
    synced: Instant,
    announced: bool,
    /// Appends seen before the last poll that found nothing.
    seen: u64,
}

#[derive(Debug)]
struct Following {
    journal: Journal,
    /// Absent until started and after release.
    reader: Option<FrameReader>,
    paused: bool,
}

impl LocalDecide {
    pub(super) fn open(
        folder: &Path,
        partitions: u32,
        sync: SyncPolicy,
        facts: Arc<LocalFacts>,
    ) -> Result<LocalDecide, LogError> {
        let partitions = (0..partitions)
            .map(|partition| {
                let journal = Journal::open(&outputs_path(folder, partition))?;
                Ok(Following { journal, reader: None, paused: false })
            })
            .collect::<Result<_, LogError>>()?;
        Ok(LocalDecide { facts, partitions, sync, synced: Instant::now(), announced: false, seen: 0 })
    }

    /// The committed offset of a partition.
    #[must_use]
    pub fn committed(&self, partition: u32) -> Option<u64> {
        self.partitions.get(partition as usize)?.journal.committed()
    }

    fn following(&mut self, partition: u32) -> Result<&mut Following, LogError> {
        self.partitions
            .get_mut(partition as usize)
            .ok_or_else(|| LogError::Refused(format!("there is no facts partition {partition}")))
    }

    fn read_more(&mut self) -> Result<Vec<DecideEvent>, LogError> {
        let mut events = Vec::new();
        for (partition, following) in (0..).zip(&mut self.partitions) {
            let (Some(reader), false) = (&mut following.reader, following.paused) else { continue };
            // The end is taken first: a frame that is being written is not there yet.
            let end = self.facts.end(partition)?;
            while reader.number() < end && events.len() < RECORDS_PER_POLL_MAX {
                let offset = reader.number();
                let Some(bytes) = reader.next_payload()? else {
                    return Err(LogError::Damaged(format!("facts record {offset} cannot be read back")));
                };
                events.push(DecideEvent::Record { partition, offset, bytes: bytes.to_vec() });
            }
        }
        Ok(events)
    }

    /// Facts first, then the journals that refer to them (L4).
    fn sync_all(&mut self) -> Result<(), LogError> {
        self.facts.sync()?;
        self.partitions.iter_mut().try_for_each(|following| following.journal.sync())?;
        self.synced = Instant::now();
        Ok(())
    }
}

impl DecideLog for LocalDecide {
    fn poll(&mut self, wait: Duration) -> Result<Vec<DecideEvent>, LogError> {
        if !self.announced {
            self.announced = true;
            return Ok((0..)
                .zip(&self.partitions)
                .map(|(partition, following)| DecideEvent::Assigned {
                    partition,
                    committed: following.journal.committed(),
                })
                .collect());
        }
        self.seen = self.facts.appends();
        let events = self.read_more()?;
        if !events.is_empty() || wait.is_zero() {
            return Ok(events);
        }
        self.facts.wait_beyond(self.seen, wait);
        self.read_more()
    }

    fn start(&mut self, partition: u32, offset: u64) -> Result<(), LogError> {
        let mut reader = self.facts.read(partition)?;
        while reader.number() < offset {
            if reader.next_payload()?.is_none() {
                return Err(LogError::Refused(format!(
                    "facts partition {partition} ends before offset {offset}"
                )));
            }
        }
        self.following(partition)?.reader = Some(reader);
        Ok(())
    }

    fn release(&mut self, partitions: &[u32]) -> Result<(), LogError> {
        partitions.iter().try_for_each(|partition| {
            self.following(*partition)?.reader = None;
            Ok(())
        })
    }

    fn pause(&mut self, partition: u32, paused: bool) -> Result<(), LogError> {
        self.following(partition)?.paused = paused;
        Ok(())
    }

    fn send_reports(&mut self, reports: &[(u32, Vec<u8>)]) -> Result<(), LogError> {
        reports.iter().try_for_each(|(partition, bytes)| self.facts.append(*partition, bytes).map(drop))
    }

    /// Each batch is atomic by itself; a partition has at most one batch in a call.
    fn commit(&mut self, batches: &[Batch]) -> Result<CommitOutcome, LogError> {
        let due = match self.sync {
            SyncPolicy::EveryCommit => true,
            SyncPolicy::Interval(interval) => self.synced.elapsed() >= interval,
        };
        for batch in batches {
            self.following(batch.partition)?.journal.commit(batch)?;
        }
        if due {
            self.sync_all()?;
        }
        Ok(CommitOutcome::Committed)
    }

    fn progress(&mut self) -> Result<Vec<Progress>, LogError> {
        (0..)
            .zip(&self.partitions)
            .map(|(partition, following)| {
                let end = self.facts.end(partition)?;
                Ok(Progress { partition, first: 0, end, committed: following.journal.committed() })
            })
            .collect()
    }

    /// Outputs and offsets share a journal here: where there is no offset there is no record either.
    fn holds(&mut self, _: Topic, _: &[u8]) -> Result<bool, LogError> {
        Ok(false)
    }

    fn close(mut self) {
        if let Err(error) = self.sync_all() {
            tracing::warn!(%error, "the log could not be forced to disk on close");
        }
    }
}
