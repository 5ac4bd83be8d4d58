//! The batch keeper: outputs whose commit is not known yet (DESIGN D11). Its invariants:
//!
//! * H1 What is kept leaves by a known commit and in no other way; known not to be committed it comes back as it was.
//! * H2 A batch's offset is that of the last record whose outputs it holds, and never falls.
//! * H3 There is no batch while a report waits for its acknowledgement (I3).
//! * H4 What others look at (the view, latencies) hears of outputs with their known commit; of replayed ones, which
//!   were committed long ago, at once, and nothing of those is sent again.
//! * H5 A batch in doubt counts as committed only if the committed offset has come to its own, and moved by it.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::output::Topic;
    use crate::engine::disposition::AppealRef;

    fn record(text: &str) -> OutRecord {
        OutRecord { topic: Topic::Dispositions, key: Vec::new(), value: Some(text.as_bytes().to_vec()) }
    }

    fn decided(next_offset: u64, texts: &[&str]) -> Portion {
        let records = texts.iter().map(|text| record(text)).collect();
        Portion { next_offset, records, packs: vec![(TimeMs(1), 1)], ..Portion::default() }
    }

    #[test]
    fn what_was_not_committed_is_sent_again_as_it_was_and_goes_with_its_commit() {
        let mut kept = Kept::new(0, 10);
        kept.add(decided(11, &["a", "b"]), Instant::now());
        let first = kept.take_batch().unwrap();
        let sent = (first.next_offset, first.records.clone());
        kept.put_back(first);
        let again = kept.take_batch().unwrap();
        assert_eq!((again.next_offset, again.records.clone()), sent, "H1");
        kept.put_back(again);
        // A portion that applied nothing has no offset, and takes none back.
        kept.add(decided(0, &["c"]), Instant::now());
        let more = kept.take_batch().unwrap();
        assert_eq!((more.next_offset, more.records.len()), (11, 3), "H2");
        let visible = kept.resolved(&more);
        assert_eq!((visible.records, visible.packs.len(), kept.committed()), (3, 2, 11), "H4");
        assert!(kept.take_batch().is_none() && kept.waiting().is_none() && kept.output_bytes() == 0, "H1");
    }

    #[test]
    fn a_batch_waits_for_its_reports_and_a_replay_leaves_nothing_to_send() {
        let mut kept = Kept::new(0, 10);
        kept.add(Portion { reports: vec![(1, vec![1])], ..decided(11, &["a"]) }, Instant::now());
        assert!(kept.take_batch().is_none(), "H3");
        kept.reports_acknowledged();
        assert!(kept.take_batch().is_some(), "H3");
        let change = Change::Extended { appeal: AppealRef::from_bits(1), disposition: Box::default() };
        let mut replaying = Kept::new(0, 10);
        let replayed = Portion { changes: vec![change], ..decided(10, &[]) };
        assert_eq!(replaying.add(replayed, Instant::now()).len(), 1, "H4");
        assert!(replaying.take_batch().is_none(), "H4");
    }

    #[test]
    fn a_batch_in_doubt_is_committed_only_where_its_own_offset_was_reached() {
        let mut kept = Kept::new(0, 10);
        kept.add(decided(12, &["a"]), Instant::now());
        let batch = kept.take_batch().unwrap();
        for (found, is_committed) in [(None, false), (Some(10), false), (Some(11), false), (Some(12), true)] {
            assert_eq!(kept.was_committed(&batch, found), is_committed, "H5: {found:?}");
        }
        let unmoved = Batch { next_offset: 10, ..batch };
        assert!(!kept.was_committed(&unmoved, Some(10)), "H5: its offset tells nothing");
    }
}
