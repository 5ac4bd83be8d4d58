//! The journal of outputs: one frame a commit, so that outputs and offset are atomic (L1).

use std::path::Path;

use super::frames::{FrameReader, FrameWriter};
use crate::codec::output::{OutRecord, Topic};
use crate::log::{Batch, LogError};

const TOPICS: [(u8, Topic); 8] = [
    (1, Topic::Dispositions),
    (2, Topic::Notices),
    (3, Topic::Measures),
    (4, Topic::Decided),
    (5, Topic::Shadow),
    (6, Topic::DeadLetters),
    (7, Topic::Authority),
    (8, Topic::Leads),
];

/// A partition's journal, open for commits.
#[derive(Debug)]
pub struct Journal {
    frames: FrameWriter,
    committed: Option<u64>,
    buffer: Vec<u8>,
}

impl Journal {
    /// Opens or creates a journal and reads what was committed.
    ///
    /// # Errors
    /// `Damaged`, `Io`.
    pub fn open(path: &Path) -> Result<Journal, LogError> {
        let frames = FrameWriter::open(path)?;
        let mut committed = None;
        committed_batches(path, 0, |batch| {
            committed = Some(batch.next_offset);
            Ok(())
        })?;
        Ok(Journal { frames, committed, buffer: Vec::new() })
    }

    /// The `next_offset` of the last commit.
    #[must_use]
    pub fn committed(&self) -> Option<u64> {
        self.committed
    }

    /// Commits a batch: all of it or none.
    ///
    /// # Errors
    /// `Refused` when the batch is above 64 MiB or goes back; `Io`.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), LogError> {
        if self.committed.is_some_and(|committed| batch.next_offset < committed) {
            return Err(LogError::Refused("a commit must not go back".to_owned()));
        }
        self.buffer.clear();
        encode_batch(batch, &mut self.buffer);
        self.frames.append(&self.buffer)?;
        self.committed = Some(batch.next_offset);
        Ok(())
    }

    /// Forces all commits to disk.
    ///
    /// # Errors
    /// `Io`.
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.frames.sync()
    }
}

/// Calls `each` with every committed batch of a journal, in order; `partition` is put into them.
///
/// # Errors
/// `Damaged`, `Io`, and whatever `each` gives.
pub fn committed_batches(
    path: &Path,
    partition: u32,
    mut each: impl FnMut(Batch) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let mut reader = FrameReader::open(path)?;
    while let Some(payload) = reader.next_payload()? {
        let batch = decode_batch(payload, partition)
            .ok_or_else(|| LogError::Damaged("a journal frame does not hold a batch".to_owned()))?;
        each(batch)?;
    }
    Ok(())
}

/// Appends the payload of a batch's frame.
pub fn encode_batch(batch: &Batch, out: &mut Vec<u8>) {
    out.extend_from_slice(&batch.next_offset.to_le_bytes());
    // Lengths fit: the frame refuses payloads above 64 MiB.
    out.extend_from_slice(&(batch.records.len() as u32).to_le_bytes());
    for record in &batch.records {
        let code = TOPICS.iter().find(|(_, topic)| *topic == record.topic).map_or(0, |(code, _)| *code);
        out.push(code);
        put_bytes(&record.key, out);
        out.push(u8::from(record.value.is_some()));
        if let Some(value) = &record.value {
            put_bytes(value, out);
        }
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// `None` when the bytes are no batch, or hold more than one.
#[must_use]
pub fn decode_batch(bytes: &[u8], partition: u32) -> Option<Batch> {
    let mut rest = bytes;
    let next_offset = u64::from_le_bytes(take(&mut rest)?);
    let count = u32::from_le_bytes(take(&mut rest)?);
    let mut records = Vec::new();
    for _ in 0..count {
        let [code] = take(&mut rest)?;
        let (_, topic) = TOPICS.iter().find(|(known, _)| *known == code)?;
        let key = take_bytes(&mut rest)?;
        let value = match take(&mut rest)? {
            [0] => None,
            [1] => Some(take_bytes(&mut rest)?),
            _ => return None,
        };
        records.push(OutRecord { topic: *topic, key, value });
    }
    rest.is_empty().then_some(Batch { partition, next_offset, records })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn take_bytes(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head.to_vec())
}
