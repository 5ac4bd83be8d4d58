//! A log in a folder: facts and outputs of one process, without a broker (DESIGN section 9).
//!
//! # The files
//!
//! ```text
//! facts-<p>.log     the facts of partition p: one frame a record; its number is its offset
//! outputs-<p>.log   the journal of partition p: one frame a commit
//! lock              held while a process has the folder open
//! ```
//!
//! Both are *frame files*. All integers are little-endian.
//!
//! ```text
//! file    "duecourse-log/1\n" (16 bytes), then frames
//! frame   length u32 | checksum u32 | number u64 | durable u64 | payload (length bytes)
//! ```
//!
//! `number` counts frames from 0. `durable` is how many frames were known to be on disk when this
//! one was written. The checksum is CRC-32C over length, number, durable and payload. A payload has
//! at most 64 MiB.
//!
//! The payload of a facts frame is one packed facts record (`codec::facts`). The payload of a journal
//! frame is one committed batch:
//!
//! ```text
//! batch   next_offset u64 | count u32 | count times record
//! record  topic u8 | key length u32 | key | 0 u8                            a tombstone
//!                                         | 1 u8 | value length u32 | value
//! topic   1 dispositions, 2 notices, 3 measures, 4 decided, 5 shadow, 6 dead-letters, 7 authority
//! ```
//!
//! # What is promised
//!
//! * L1 Outputs and offset are atomic: a batch is one frame, and a frame is whole or absent. The
//!   committed offset is the `next_offset` of the last whole frame of the journal.
//! * L2 A torn tail is cut off on open: bytes after the last whole frame, none of which was ever
//!   known to be durable. Damage before that is an error and is never repaired by forgetting: a bad
//!   frame followed by a good one that says it was durable means the medium lost something.
//! * L3 What was appended survives the death of the process at any instruction (`kill -9`).
//! * L4 What was synced survives the death of the machine. `SyncPolicy` says when that is. Facts are
//!   synced before the journal that refers to them, so no committed offset outlives its facts.
//!
//! Not promised: that a flipped bit in the very last frame is told apart from a torn write. It is cut
//! off. `run` appends it again; `verify` counts what is missing.

mod decide;
mod facts;
mod frames;
mod journal;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::LogError;

pub use decide::LocalDecide;
pub use facts::LocalFacts;
pub use frames::FrameReader;
pub use journal::{Journal, committed_batches, decode_batch, encode_batch};

/// When appended bytes are forced to disk. They survive a killed process under each policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Before a commit returns.
    EveryCommit,
    /// At the first commit after this much time, and on close: a power cut costs at most that much work.
    Interval(Duration),
}

/// An open log folder. One process at a time.
#[derive(Debug)]
pub struct LocalLog {
    folder: PathBuf,
    partitions: u32,
    sync: SyncPolicy,
    facts: Arc<LocalFacts>,
    // Dropping it unlocks the folder.
    _lock: File,
}

impl LocalLog {
    /// Opens or creates the log in `folder`, and cuts off torn tails (L2).
    ///
    /// # Errors
    /// `Refused` when another process has it open; `Damaged` when more than a tail is bad; `Io`.
    pub fn open(folder: &Path, partitions: u32, sync: SyncPolicy) -> Result<LocalLog, LogError> {
        std::fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => {
                LogError::Refused("another process has this log folder open".to_owned())
            }
            std::fs::TryLockError::Error(error) => LogError::Io(error),
        })?;
        let facts = Arc::new(LocalFacts::open(folder, partitions)?);
        sync_folder(folder)?;
        Ok(LocalLog { folder: folder.to_owned(), partitions, sync, facts, _lock: lock })
    }

    /// The facts, to append to and to read; may be shared between threads.
    #[must_use]
    pub fn facts(&self) -> Arc<LocalFacts> {
        Arc::clone(&self.facts)
    }

    /// The deciding side: all partitions are assigned to it at once.
    ///
    /// # Errors
    /// `Damaged` when a journal is, `Io`.
    pub fn decide(&self) -> Result<LocalDecide, LogError> {
        let decide = LocalDecide::open(&self.folder, self.partitions, self.sync, self.facts())?;
        sync_folder(&self.folder)?;
        Ok(decide)
    }
}

/// Makes new files durable under their names (L4).
fn sync_folder(folder: &Path) -> Result<(), LogError> {
    Ok(File::open(folder)?.sync_all()?)
}

/// Path of a partition's facts inside a log folder.
#[must_use]
pub fn facts_path(folder: &Path, partition: u32) -> PathBuf {
    folder.join(format!("facts-{partition}.log"))
}

/// Path of a partition's journal of outputs inside a log folder.
#[must_use]
pub fn outputs_path(folder: &Path, partition: u32) -> PathBuf {
    folder.join(format!("outputs-{partition}.log"))
}

#[cfg(test)]
mod tests;
