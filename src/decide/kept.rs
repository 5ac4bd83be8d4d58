//! Outputs whose commit is not known yet (DESIGN D11): kept byte for byte, dropped once they are
//! known to be committed, sent again unchanged once they are known not to be.

use std::time::Instant;

use super::machine::Portion;
use super::view::Change;
use crate::codec::output::OutRecord;
use crate::engine::base::TimeMs;
use crate::engine::planted::{Planted, is_planted};
use crate::log::Batch;

/// What one partition has decided since its last commit.
#[derive(Debug, Default)]
pub(super) struct Kept {
    batch: Batch,
    /// Reports that are not acknowledged yet.
    reports: Vec<(u32, Vec<u8>)>,
    changes: Vec<Change>,
    packs: Vec<(TimeMs, u32)>,
    /// When the oldest of this was decided.
    since: Option<Instant>,
    output_bytes: usize,
    /// The offset known to be committed.
    committed: u64,
}

/// What a known commit made visible.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Visible {
    pub changes: Vec<Change>,
    pub packs: Vec<(TimeMs, u32)>,
    pub records: usize,
}

impl Kept {
    pub(super) fn new(partition: u32, committed: u64) -> Kept {
        let batch = Batch { partition, next_offset: committed, records: Vec::new() };
        Kept { batch, committed, ..Kept::default() }
    }

    /// Adds what was decided. Of replayed records only the view's changes come, and are visible
    /// already: they are returned.
    pub(super) fn add(&mut self, portion: Portion, now: Instant) -> Vec<Change> {
        if portion.next_offset <= self.committed && portion.records.is_empty() && portion.reports.is_empty() {
            return portion.changes;
        }
        self.since.get_or_insert(now);
        self.batch.next_offset = self.batch.next_offset.max(portion.next_offset);
        self.output_bytes += portion.records.iter().map(size).sum::<usize>();
        self.batch.records.extend(portion.records);
        self.reports.extend(portion.reports);
        self.changes.extend(portion.changes);
        self.packs.extend(portion.packs);
        Vec::new()
    }

    pub(super) fn committed(&self) -> u64 {
        self.committed
    }

    pub(super) fn output_bytes(&self) -> usize {
        self.output_bytes
    }

    /// How long it has waited, and whether it holds anything a reader waits for.
    pub(super) fn waiting(&self) -> Option<(Instant, bool)> {
        self.since.map(|since| (since, !self.batch.records.is_empty() || !self.reports.is_empty()))
    }

    pub(super) fn reports(&self) -> &[(u32, Vec<u8>)] {
        &self.reports
    }

    pub(super) fn reports_acknowledged(&mut self) {
        self.reports.clear();
    }

    /// The batch, for a transaction; it comes back by `resolved` or `put_back`. `None` when there is
    /// nothing to commit, or reports it must wait for.
    pub(super) fn take_batch(&mut self) -> Option<Batch> {
        if self.since.is_none() || (!self.reports.is_empty() && !is_planted(Planted::ReportsFirst)) {
            return None;
        }
        let next_offset = self.batch.next_offset;
        let records = std::mem::take(&mut self.batch.records);
        Some(Batch { partition: self.batch.partition, next_offset, records })
    }

    /// The transaction's outcome is known: committed.
    pub(super) fn resolved(&mut self, batch: &Batch) -> Visible {
        self.committed = self.committed.max(batch.next_offset);
        self.since = None;
        self.output_bytes = 0;
        Visible {
            changes: std::mem::take(&mut self.changes),
            packs: std::mem::take(&mut self.packs),
            records: batch.records.len(),
        }
    }

    /// The committed offset was read after a transaction that was in doubt. True: it was committed.
    /// A batch that moved no offset tells nothing by its offset; it holds progress only, which may
    /// be written twice, so it counts as not committed.
    pub(super) fn was_committed(&self, batch: &Batch, found: Option<u64>) -> bool {
        batch.next_offset > self.committed && found.is_some_and(|found| found >= batch.next_offset)
    }

    /// The transaction's outcome is known: not committed. The batch is kept as it was.
    pub(super) fn put_back(&mut self, batch: Batch) {
        if !is_planted(Planted::KeptBatch) {
            self.batch.records = batch.records;
        }
    }
}

fn size(record: &OutRecord) -> usize {
    record.key.len() + record.value.as_ref().map_or(0, Vec::len)
}
