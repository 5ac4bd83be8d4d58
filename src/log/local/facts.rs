//! The facts side of a local log: partitions to append to, and to follow as they grow.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::facts_path;
use super::frames::{FrameReader, FrameWriter};
use crate::log::LogError;

/// All facts partitions of a folder. Shared: intake appends, decide reads and appends reports.
#[derive(Debug)]
pub struct LocalFacts {
    folder: PathBuf,
    writers: Vec<Mutex<FrameWriter>>,
    /// Appends so far in this process; a reader that has read all waits for it to move.
    appends: Mutex<u64>,
    appended: Condvar,
}

impl LocalFacts {
    pub(super) fn open(folder: &Path, partitions: u32) -> Result<LocalFacts, LogError> {
        let mut writers = Vec::new();
        for partition in 0..partitions {
            writers.push(Mutex::new(FrameWriter::open(&facts_path(folder, partition))?));
        }
        Ok(LocalFacts {
            folder: folder.to_owned(),
            writers,
            appends: Mutex::new(0),
            appended: Condvar::new(),
        })
    }

    /// Appends a packed facts record and returns its offset.
    ///
    /// # Errors
    /// `Refused` for a partition that does not exist or a record above 64 MiB; `Io`.
    pub fn append(&self, partition: u32, record: &[u8]) -> Result<u64, LogError> {
        let offset = self.writer(partition)?.append(record)?;
        *lock(&self.appends) += 1;
        self.appended.notify_all();
        Ok(offset)
    }

    /// One past the last offset of a partition.
    ///
    /// # Errors
    /// `Refused` for a partition that does not exist.
    pub fn end(&self, partition: u32) -> Result<u64, LogError> {
        Ok(self.writer(partition)?.frames())
    }

    /// Reads a partition from its beginning.
    ///
    /// # Errors
    /// `Damaged`, `Io`.
    pub fn read(&self, partition: u32) -> Result<FrameReader, LogError> {
        FrameReader::open(&facts_path(&self.folder, partition))
    }

    /// Forces all partitions to disk.
    ///
    /// # Errors
    /// `Io`.
    pub fn sync(&self) -> Result<(), LogError> {
        self.writers.iter().try_for_each(|writer| lock(writer).sync())
    }

    /// How many appends there have been; give it to `wait_beyond`.
    pub(super) fn appends(&self) -> u64 {
        *lock(&self.appends)
    }

    /// Waits until there are more appends than `seen`, for at most `wait`.
    pub(super) fn wait_beyond(&self, seen: u64, wait: Duration) {
        let appends = lock(&self.appends);
        // Whether it moved or timed out is the same to the caller, who reads again.
        drop(self.appended.wait_timeout_while(appends, wait, |appends| *appends <= seen));
    }

    fn writer(&self, partition: u32) -> Result<MutexGuard<'_, FrameWriter>, LogError> {
        let writer = self.writers.get(partition as usize);
        writer.map(lock).ok_or_else(|| LogError::Refused(format!("there is no facts partition {partition}")))
    }
}

/// A thread that panicked while it held a lock left whole frames or a tail that the next open cuts.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
