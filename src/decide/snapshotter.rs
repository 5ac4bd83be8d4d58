//! Snapshots of one partition, taken without holding it up (DESIGN D12).
//!
//! The deciding thread freezes its state, which costs a few thousand references, and goes on; a thread
//! of its own writes the frozen state down and stores it. Most snapshots say only what changed since the
//! one before. When their chain has grown long or heavy, or one could not be stored, the next says it all.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crate::codec::snapshot::{self, Extent};
use crate::engine::partition::{Frozen, Identity};

use super::machine::Machine;
use super::observe::Observe;
use super::snapshot::{Entry, Position, SnapshotStore, StoreError};

/// A restore reads a chain from its beginning: no more snapshots of changes than this.
const CHANGES_MAX: usize = 30;

/// The snapshots that the next one of changes would come after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The offset of the last of them; without one, the next must say everything.
    last: Option<u64>,
    /// Bytes of the first of them, which says everything.
    whole_bytes: u64,
    changes_bytes: u64,
    changes: usize,
}

impl Chain {
    /// The chain that a partition was restored from.
    pub(super) fn of(links: &[&Entry]) -> Chain {
        links.iter().fold(Chain::default(), |chain, link| {
            let extent = if link.after.is_some() { Extent::Changes } else { Extent::Whole };
            chain.with(extent, link.offset, link.bytes)
        })
    }

    fn with(self, extent: Extent, offset: u64, bytes: u64) -> Chain {
        match extent {
            Extent::Whole => Chain { last: Some(offset), whole_bytes: bytes, changes_bytes: 0, changes: 0 },
            Extent::Changes => Chain {
                last: Some(offset),
                changes_bytes: self.changes_bytes + bytes,
                changes: self.changes + 1,
                ..self
            },
        }
    }

    /// What the next one comes after, if it should say only what changed. A chain may weigh twice its
    /// beginning: then what is stored and what is restored are each within a factor of the least.
    fn next_after(&self) -> Option<u64> {
        self.last.filter(|_| self.changes < CHANGES_MAX && self.changes_bytes <= self.whole_bytes)
    }
}

pub(super) struct Snapshotter {
    store: Arc<SnapshotStore>,
    observe: Arc<dyn Observe>,
    identity: Identity,
    chain: Chain,
    /// One past the last record in the last snapshot that was begun.
    taken: u64,
    storing: Option<JoinHandle<Chain>>,
}

impl Snapshotter {
    pub(super) fn new(
        store: Arc<SnapshotStore>,
        observe: Arc<dyn Observe>,
        identity: Identity,
        (restored, chain): (u64, Chain),
    ) -> Snapshotter {
        Snapshotter { store, observe, identity, chain, taken: restored, storing: None }
    }

    /// Begins a snapshot, unless the last one is still being stored or nothing was applied since. It may
    /// be ahead of what is committed, and becomes usable when the commit catches up.
    pub(super) fn begin(&mut self, machine: &mut Machine, committed: u64) {
        let offset = machine.next_offset();
        if offset <= self.taken || self.storing.as_ref().is_some_and(|storing| !storing.is_finished()) {
            return;
        }
        self.finish();
        let after = self.chain.next_after();
        let Identity { partition: number, partitions, .. } = self.identity;
        let position = Position { partition: number, partitions, offset, after, committed };
        let began = Instant::now();
        let frozen = machine.freeze();
        self.observe.frozen(number, began.elapsed());
        self.taken = offset;
        let (store, observe, chain) = (Arc::clone(&self.store), Arc::clone(&self.observe), self.chain);
        let work = move || write_down(&store, &*observe, chain, &position, &frozen);
        match std::thread::Builder::new().name(format!("snapshot-{number}")).spawn(work) {
            Ok(storing) => self.storing = Some(storing),
            Err(error) => {
                tracing::warn!(partition = number, %error, "a snapshot could not be begun");
                self.chain = Chain::default();
            }
        }
    }

    /// Waits for what was begun.
    pub(super) fn finish(&mut self) {
        if let Some(storing) = self.storing.take() {
            // One that panicked was not stored.
            self.chain = storing.join().unwrap_or_default();
        }
    }
}

/// Stores a frozen state and gives the chain that the next snapshot goes on from.
fn write_down(
    store: &SnapshotStore,
    observe: &dyn Observe,
    chain: Chain,
    position: &Position,
    frozen: &Frozen,
) -> Chain {
    let turn = store.turn();
    let extent = if position.after.is_some() { Extent::Changes } else { Extent::Whole };
    let bytes = snapshot::encode(frozen, extent);
    let stored: Result<(), StoreError> = store.put(position, &bytes);
    drop(turn);
    match stored {
        Ok(()) => {
            observe.snapshot(position.partition, Some(bytes.len()));
            chain.with(extent, position.offset, bytes.len() as u64)
        }
        Err(error) => {
            tracing::warn!(partition = position.partition, %error, "a snapshot could not be stored");
            observe.snapshot(position.partition, None);
            // What changed in its era is in no snapshot.
            Chain::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_grows_until_it_is_as_heavy_as_its_beginning_or_too_long() {
        let begun = Chain::default().with(Extent::Whole, 10, 1_000);
        assert_eq!(Chain::default().next_after(), None);
        assert_eq!(begun.next_after(), Some(10));
        assert_eq!(begun.with(Extent::Changes, 20, 1_000).next_after(), Some(20));
        assert_eq!(begun.with(Extent::Changes, 20, 1_001).next_after(), None);
        let long = (0..30).fold(begun, |chain, link| chain.with(Extent::Changes, 20 + link, 1));
        assert_eq!(long.next_after(), None);
        assert_eq!(long.with(Extent::Whole, 99, 1_030).next_after(), Some(99));
    }
}
