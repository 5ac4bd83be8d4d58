//! Snapshots of one partition, taken without holding it up (DESIGN D12).
//!
//! The deciding thread freezes its state, which costs a few thousand references, and goes on; a thread
//! of its own writes the frozen state down and stores it. Most snapshots say only what changed since the
//! one before. Its invariants:
//!
//! * W1 A partition has one snapshot under way at most, and one process writes down one at a time.
//! * W2 Changes come after a snapshot that is known to be stored and from which on they were counted; while the last
//!   one's end is not known, or it could not be stored, the next says it all.
//! * W3 A chain has `CHANGES_MAX` changes at most, and begins anew once they weigh more than its beginning.
//! * W4 What is stored under an offset is the state at that offset, whatever was applied meanwhile.
//! * W5 Nothing is stored where nothing was applied since. What is ahead of what is committed may be, for a restore
//!   takes nothing ahead of that.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Instant;

use crate::codec::snapshot::{self, Extent};
use crate::engine::partition::{Frozen, Identity};
use crate::engine::planted::{Planted, is_planted};

use super::machine::Machine;
use super::observe::Observe;
use super::snapshot::{Entry, Position, SnapshotStore};
use super::worker::{Crew, Running, Task, Turn};

/// A restore reads a chain from its beginning: no more snapshots of changes than this.
pub const CHANGES_MAX: usize = 12;

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
    crew: Arc<dyn Crew>,
    observe: Arc<dyn Observe>,
    identity: Identity,
    chain: Chain,
    storing: Option<Storing>,
}

/// A snapshot under way, and where the chain that it ends will be told.
struct Storing {
    running: Box<dyn Running>,
    chain: Receiver<Chain>,
}

impl Snapshotter {
    pub(super) fn new(
        store: Arc<SnapshotStore>,
        crew: Arc<dyn Crew>,
        observe: Arc<dyn Observe>,
        identity: Identity,
        chain: Chain,
    ) -> Snapshotter {
        Snapshotter { store, crew, observe, identity, chain, storing: None }
    }

    /// Begins a snapshot, unless the last one is still being stored or nothing was applied since one that
    /// was. It may be ahead of what is committed, and becomes usable when the commit catches up.
    pub(super) fn begin(&mut self, machine: &mut Machine, committed: u64) {
        let offset = machine.next_offset();
        if self.is_storing() || offset <= self.chain.last.unwrap_or(0) {
            return;
        }
        let after = self.chain.next_after();
        let Identity { partition, partitions, .. } = self.identity;
        let asked = machine.asked();
        let position = Position { partition, partitions, offset, after, committed, asked };
        let began = Instant::now();
        let frozen = machine.freeze();
        self.observe.frozen(partition, began.elapsed());
        let (told, chain) = channel();
        let (store, observe) = (Arc::clone(&self.store), Arc::clone(&self.observe));
        let writing = Writing { store, observe, chain: self.chain, position, frozen, told };
        // Until its end is known: what changed up to here may be in no snapshot.
        self.chain = Chain::default();
        match self.crew.begin(format!("snapshot-{partition}"), Box::new(writing)) {
            Ok(running) => self.storing = Some(Storing { running, chain }),
            Err(error) => tracing::warn!(partition, %error, "a snapshot could not be begun"),
        }
    }

    /// Whether the last one is under way; takes note of its end.
    fn is_storing(&mut self) -> bool {
        let Some(storing) = &self.storing else { return false };
        match storing.chain.try_recv() {
            Ok(chain) => self.chain = chain,
            Err(TryRecvError::Empty) => return true,
            // It panicked, and was not stored.
            Err(TryRecvError::Disconnected) => {}
        }
        self.storing = None;
        false
    }

    /// Waits for what was begun.
    pub(super) fn finish(&mut self) {
        if let Some(Storing { running, chain }) = self.storing.take() {
            running.join();
            self.chain = chain.try_recv().unwrap_or_default();
        }
    }
}

/// Writes a frozen state down, stores it, and tells the chain that the next snapshot goes on from.
struct Writing {
    store: Arc<SnapshotStore>,
    observe: Arc<dyn Observe>,
    chain: Chain,
    position: Position,
    frozen: Frozen,
    told: Sender<Chain>,
}

impl Task for Writing {
    fn turn(&mut self, _: bool) -> Turn {
        let (position, partition) = (&self.position, self.position.partition);
        let extent = if position.after.is_some() { Extent::Changes } else { Extent::Whole };
        let turn = self.store.turn();
        let bytes = snapshot::encode(&self.frozen, extent);
        let stored = self.store.put(position, &bytes);
        drop(turn);
        let chain = match stored {
            Ok(()) => {
                self.observe.snapshot(partition, Some(bytes.len()));
                self.chain.with(extent, position.offset, bytes.len() as u64)
            }
            Err(error) => {
                tracing::warn!(partition, %error, "a snapshot could not be stored");
                self.observe.snapshot(partition, None);
                if is_planted(Planted::BrokenChain) { self.chain } else { Chain::default() }
            }
        };
        // When the partition is gone nobody needs it.
        let _ = self.told.send(chain);
        Turn::Ended
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
        let long = (0..12).fold(begun, |chain, link| chain.with(Extent::Changes, 20 + link, 1));
        assert_eq!(long.next_after(), None);
        assert_eq!(long.with(Extent::Whole, 99, 1_012).next_after(), Some(99));
    }
}
