//! The traits of a log, and its two kinds: `kafka` (alone names rdkafka) and `local` (files).

pub mod kafka;
pub mod local;
pub mod source;

use std::time::Duration;

use crate::codec::output::{OutRecord, Topic};

/// What goes wrong with a log, with a hint what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the service is not reachable: {0}")]
    Unreachable(String),
    #[error("{0}")]
    Refused(String),
    #[error("the log is damaged: {0}")]
    Damaged(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A partition's outputs since its last commit: kept, byte for byte, until their outcome is known (D11).
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub partition: u32,
    /// The offset to commit: one past the last facts record applied.
    pub next_offset: u64,
    pub records: Vec<OutRecord>,
}

/// What the deciding loop wakes up for. Rebalances are events like any other.
#[derive(Debug)]
pub enum DecideEvent {
    /// A partition is ours; `committed` is the group's offset, read with stable offset fetch.
    /// Nothing of it is delivered until `DecideLog::start`.
    Assigned {
        partition: u32,
        committed: Option<u64>,
    },
    /// Partitions are being taken away; the member holds them until `DecideLog::release`.
    Revoked {
        partitions: Vec<u32>,
    },
    /// Partitions are gone already: whatever was not committed will be done by their new owner.
    Lost {
        partitions: Vec<u32>,
    },
    Record {
        partition: u32,
        offset: u64,
        bytes: Vec<u8>,
    },
}

/// How a commit came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    Committed,
    /// Not known or not done: a new producer has been made and the committed offsets read anew.
    /// A batch whose `next_offset` is at or below its partition's offset was committed; the others
    /// are resent unchanged.
    Settled {
        committed: Vec<(u32, Option<u64>)>,
    },
}

/// How far a facts partition has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub partition: u32,
    /// The first offset that the log still holds, and the one past its last.
    pub first: u64,
    pub end: u64,
    /// The group's offset, read with stable offset fetch.
    pub committed: Option<u64>,
}

impl Progress {
    /// True when everything below `end` has been decided and committed.
    #[must_use]
    pub fn is_decided(&self, end: u64) -> bool {
        self.committed.unwrap_or(self.first) >= end
    }
}

/// What the deciding loop needs of a log. One thread calls it.
pub trait DecideLog {
    /// Waits up to `wait` for events.
    ///
    /// # Errors
    /// `LogError` when the log cannot go on; time-outs that may pass are no error.
    fn poll(&mut self, wait: Duration) -> Result<Vec<DecideEvent>, LogError>;

    /// Begins to deliver an assigned partition from `offset`.
    ///
    /// # Errors
    /// When the log no longer holds that offset.
    fn start(&mut self, partition: u32, offset: u64) -> Result<(), LogError>;

    /// Lets revoked partitions go, after their outputs have been settled.
    ///
    /// # Errors
    /// When the log refuses.
    fn release(&mut self, partitions: &[u32]) -> Result<(), LogError>;

    /// Stops or resumes delivery of a partition, to bound what waits in memory.
    ///
    /// # Errors
    /// When the log refuses.
    fn pause(&mut self, partition: u32, paused: bool) -> Result<(), LogError>;

    /// Appends reports to facts partitions, outside any transaction, and returns when all are acknowledged.
    ///
    /// # Errors
    /// When one was not acknowledged; the caller commits nothing and calls again.
    fn send_reports(&mut self, reports: &[(u32, Vec<u8>)]) -> Result<(), LogError>;

    /// Writes the outputs and offsets of all batches as one transaction.
    ///
    /// # Errors
    /// When not even a new producer could be made.
    fn commit(&mut self, batches: &[Batch]) -> Result<CommitOutcome, LogError>;

    /// How far every facts partition of the log has come, whoever holds it. `end` is read before
    /// `committed`: what `--until-end` concludes from them depends on it.
    ///
    /// # Errors
    /// When the log cannot tell.
    fn progress(&mut self) -> Result<Vec<Progress>, LogError>;

    /// The end of each facts partition now.
    ///
    /// # Errors
    /// When the log cannot tell.
    fn ends(&mut self) -> Result<Vec<(u32, u64)>, LogError> {
        Ok(self.progress()?.iter().map(|progress| (progress.partition, progress.end)).collect())
    }

    /// Is there a live record of this key in a compacted topic? A missing committed offset beside
    /// an existing `decided` record stops decide (D12).
    ///
    /// # Errors
    /// When the log cannot tell.
    fn holds(&mut self, topic: Topic, key: &[u8]) -> Result<bool, LogError>;

    /// Leaves the group cleanly.
    fn close(self);
}
