//! Snapshots of partitions in an object store (DESIGN D12): immutable, checksummed, in chains.
//!
//! ```text
//! name   <partition, 5 digits>/<offset, 20 digits>.v<engine semantics>.snapshot
//!        <partition, 5 digits>/<offset, 20 digits>.v<engine semantics>.after.<offset, 20 digits>.snapshot
//! bytes  "DCSS" | partition u32 | partitions u32 | semantics u32 | offset u64 | crc32c u32 | snapshot
//! ```
//! Integers are little-endian. The checksum covers everything else. The offset is one past the last
//! facts record in the snapshot. The first form holds all of the state, the second what changed after
//! another one. State is a function of the log (E1), so it does not matter who stored which link of a chain.

use std::cmp::Reverse;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectMeta, ObjectStore, PutMode, PutOptions};

use super::bucket::Bucket;
use crate::engine::SEMANTICS;
use crate::engine::base::TimeMs;

const MAGIC: [u8; 4] = *b"DCSS";
const HEADER_BYTES: usize = 4 + 4 + 4 + 4 + 8 + 4;
const CHECKSUM_AT: std::ops::Range<usize> = 24..28;

/// What a store could not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the snapshot store cannot be used: {0}")]
    Store(#[from] object_store::Error),
    #[error("the snapshot store cannot be used: {0}")]
    Io(#[from] std::io::Error),
    #[error(
        "a snapshot was made for {found} facts partitions, and there are {expected}: their number never changes under live state"
    )]
    OtherPartitions { found: u32, expected: u32 },
}

/// Why one snapshot is passed over.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Flaw {
    #[error("it is torn or its checksum does not match")]
    Damaged,
    #[error("its name and its contents disagree")]
    Misnamed,
    #[error("another worker has dropped it for a newer one")]
    Gone,
}

/// A snapshot that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub offset: u64,
    pub semantics: u32,
    /// Of changes: the offset of the snapshot they come after.
    pub after: Option<u64>,
    /// By the store's clock.
    pub stored: TimeMs,
    pub bytes: u64,
    path: ObjectPath,
}

/// Where in the log of which partition a snapshot was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub partition: u32,
    pub partitions: u32,
    pub offset: u64,
    /// Of changes: the offset of the snapshot they come after.
    pub after: Option<u64>,
    /// What was committed when it was asked for.
    pub committed: u64,
    /// The engine semantics that the active rule set asks for: workers that speak no more may still come (D13).
    pub asked: u32,
}

/// Where snapshots are. Blocking; not to be called from an async task.
pub struct SnapshotStore {
    store: Arc<dyn ObjectStore>,
    runtime: tokio::runtime::Runtime,
    prefix: ObjectPath,
    kept: usize,
    /// Of the engine whose snapshots are stored here.
    semantics: u32,
    turn: Mutex<()>,
}

impl SnapshotStore {
    /// Snapshots of the facts named `facts` in a folder, which is made. `kept`: how many of each partition.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn in_folder(folder: &Path, facts: &str, kept: usize) -> Result<SnapshotStore, StoreError> {
        std::fs::create_dir_all(folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(false);
        SnapshotStore::new(Arc::new(store), facts, kept)
    }

    /// Snapshots in a bucket of an S3-compatible store.
    ///
    /// # Errors
    /// When the bucket's endpoint or credentials cannot be used. The store itself may be away.
    pub fn in_bucket(bucket: &Bucket, facts: &str, kept: usize) -> Result<SnapshotStore, StoreError> {
        SnapshotStore::new(Arc::new(bucket.open()?), facts, kept)
    }

    /// Snapshots in any object store.
    ///
    /// # Errors
    /// When no runtime can be made.
    pub fn new(store: Arc<dyn ObjectStore>, facts: &str, kept: usize) -> Result<SnapshotStore, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(SnapshotStore {
            store,
            runtime,
            prefix: ObjectPath::from(facts),
            kept: kept.max(2),
            semantics: SEMANTICS,
            turn: Mutex::new(()),
        })
    }

    /// Stores as an engine of these semantics does.
    #[must_use]
    pub fn of_semantics(self, semantics: u32) -> SnapshotStore {
        SnapshotStore { semantics, ..self }
    }

    #[must_use]
    pub fn semantics(&self) -> u32 {
        self.semantics
    }

    /// Stores a snapshot; one that exists is left as it is. Of the whole ones at or below what is committed,
    /// which a restore can use whatever happens next, the newest are kept, and what is older is dropped.
    ///
    /// # Errors
    /// When the store refuses.
    pub fn put(&self, position: &Position, snapshot: &[u8]) -> Result<(), StoreError> {
        let path = self.folder(position.partition).child(name(position, self.semantics));
        let bytes = frame(position, self.semantics, snapshot);
        let create = PutOptions::from(PutMode::Create);
        match self.runtime.block_on(self.store.put_opts(&path, bytes.into(), create)) {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let entries = self.list(position.partition)?;
        for old in superfluous(&entries, position, self.kept) {
            // Another worker may have been quicker.
            match self.runtime.block_on(self.store.delete(&old.path)) {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Only one snapshot is written down at a time, so that the bytes of one are in memory.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The snapshots of a partition, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn list(&self, partition: u32) -> Result<Vec<Entry>, StoreError> {
        let folder = self.folder(partition);
        let found = self.runtime.block_on(self.store.list_with_delimiter(Some(&folder)))?;
        let mut entries: Vec<Entry> = found.objects.into_iter().filter_map(entry).collect();
        entries.sort_by_key(|entry| Reverse(entry.rank()));
        Ok(entries)
    }

    /// Reads a snapshot back: the bytes that were put, or what is wrong with them.
    ///
    /// # Errors
    /// When the store does not answer, or the snapshot is of another number of partitions.
    pub fn get(
        &self,
        partition: u32,
        partitions: u32,
        entry: &Entry,
    ) -> Result<Result<Bytes, Flaw>, StoreError> {
        let read = self.runtime.block_on(async { self.store.get(&entry.path).await?.bytes().await });
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(object_store::Error::NotFound { .. }) => return Ok(Err(Flaw::Gone)),
            Err(error) => return Err(error.into()),
        };
        let Some(header) = unframe(&bytes) else { return Ok(Err(Flaw::Damaged)) };
        if header.partitions != partitions {
            return Err(StoreError::OtherPartitions { found: header.partitions, expected: partitions });
        }
        if (header.partition, header.offset, header.semantics) != (partition, entry.offset, entry.semantics) {
            return Ok(Err(Flaw::Misnamed));
        }
        Ok(Ok(bytes.slice(HEADER_BYTES..)))
    }

    fn folder(&self, partition: u32) -> ObjectPath {
        self.prefix.child(format!("{partition:05}"))
    }
}

impl Entry {
    /// Of one moment, a whole snapshot is better than a chain.
    fn rank(&self) -> (u64, u32, bool) {
        (self.offset, self.semantics, self.after.is_none())
    }
}

/// The snapshots that make one usable, it included: all of the state first, then changes in order.
/// None when a link is missing.
#[must_use]
pub fn chain<'e>(entries: &'e [Entry], last: &'e Entry) -> Option<Vec<&'e Entry>> {
    let mut links = vec![last];
    let mut link = last;
    while let Some(after) = link.after {
        let before = |entry: &&Entry| entry.offset == after && entry.semantics == last.semantics;
        // Changes come after something older, so this ends.
        link = entries.iter().find(before).filter(|_| after < link.offset)?;
        links.push(link);
    }
    links.reverse();
    Some(links)
}

/// What comes before the oldest of the newest `kept` whole snapshots at or below what is committed: any of those
/// can be restored by itself, and so can what builds on it. Each engine semantics that the active rule set may be
/// decided by has its own: in a rolling upgrade a partition may come back to an earlier worker. Those of semantics
/// that it asks more than are of no use once there are enough others.
fn superfluous<'e>(entries: &'e [Entry], position: &Position, kept: usize) -> Vec<&'e Entry> {
    let Position { committed, asked, .. } = *position;
    let oldest_of = |is_meant: &dyn Fn(u32) -> bool| {
        let meant = entries.iter().filter(|entry| is_meant(entry.semantics));
        let whole = meant.filter(|entry| entry.offset <= committed && entry.after.is_none());
        whole.map(|entry| entry.offset).nth(kept.saturating_sub(1))
    };
    let is_enough = oldest_of(&|semantics| semantics >= asked).is_some();
    let is_before = |entry: &Entry| {
        let oldest = oldest_of(&|semantics| semantics == entry.semantics);
        oldest.is_some_and(|oldest| entry.offset < oldest)
    };
    let is_old = |entry: &&Entry| if entry.semantics >= asked { is_before(entry) } else { is_enough };
    entries.iter().filter(is_old).collect()
}

fn name(position: &Position, semantics: u32) -> String {
    let offset = position.offset;
    match position.after {
        None => format!("{offset:020}.v{semantics}.snapshot"),
        Some(after) => format!("{offset:020}.v{semantics}.after.{after:020}.snapshot"),
    }
}

struct Header {
    partition: u32,
    partitions: u32,
    semantics: u32,
    offset: u64,
}

fn frame(position: &Position, semantics: u32, snapshot: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + snapshot.len());
    bytes.extend_from_slice(&MAGIC);
    for number in [position.partition, position.partitions, semantics] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&position.offset.to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes), snapshot);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(snapshot);
    bytes
}

fn unframe(bytes: &[u8]) -> Option<Header> {
    let covered = bytes.get(..CHECKSUM_AT.start)?;
    let checksum = u32::from_le_bytes(bytes.get(CHECKSUM_AT)?.try_into().ok()?);
    let snapshot = bytes.get(HEADER_BYTES..)?;
    let whole = crc32c::crc32c_append(crc32c::crc32c(covered), snapshot) == checksum;
    if !whole || covered.get(..4)? != MAGIC {
        return None;
    }
    let number = |at: usize| Some(u32::from_le_bytes(covered.get(at..at + 4)?.try_into().ok()?));
    Some(Header {
        partition: number(4)?,
        partitions: number(8)?,
        semantics: number(12)?,
        offset: u64::from_le_bytes(covered.get(16..24)?.try_into().ok()?),
    })
}

fn entry(object: ObjectMeta) -> Option<Entry> {
    let name = object.location.filename()?.strip_suffix(".snapshot")?;
    let (offset, rest) = name.split_once(".v")?;
    let (semantics, after) = match rest.split_once(".after.") {
        Some((semantics, after)) => (semantics, Some(after.parse().ok()?)),
        None => (rest, None),
    };
    Some(Entry {
        offset: offset.parse().ok()?,
        semantics: semantics.parse().ok()?,
        after,
        stored: TimeMs(object.last_modified.timestamp_millis()),
        bytes: object.size,
        path: object.location,
    })
}
