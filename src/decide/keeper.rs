//! Storing snapshots while deciding goes on: one upload at a time, each on a thread of its own, because
//! an object store may take long, or be away.

use std::sync::Arc;
use std::thread::JoinHandle;

use crate::codec::snapshot;

use super::machine::Machine;
use super::observe::Observe;
use super::snapshot::SnapshotStore;

/// Keeps the snapshots of one partition.
pub(super) struct Keeper {
    store: Option<Arc<SnapshotStore>>,
    observe: Arc<dyn Observe>,
    /// The newest state that is stored is as of this offset.
    stored: u64,
    /// The upload under way; it ends with the offset stored.
    upload: Option<JoinHandle<Option<u64>>>,
}

impl Keeper {
    pub(super) fn new(store: Option<Arc<SnapshotStore>>, observe: Arc<dyn Observe>, restored: u64) -> Keeper {
        Keeper { store, observe, stored: restored, upload: None }
    }

    /// Begins to store the machine's state, unless it is stored or the last upload still runs: then the
    /// next request is the next chance. A snapshot may be ahead of what is committed; it becomes usable
    /// when the commit catches up.
    pub(super) fn keep(&mut self, machine: &Machine, committed: u64) {
        if self.upload.as_ref().is_some_and(|upload| !upload.is_finished()) {
            tracing::debug!("the last snapshot is still being stored");
            return;
        }
        self.settle();
        let offset = machine.next_offset();
        let Some(store) = self.store.clone().filter(|_| offset > self.stored) else { return };
        let bytes = snapshot::encode(machine.partition());
        let identity = machine.partition().identity();
        let (partition, partitions) = (identity.partition, identity.partitions);
        let observe = Arc::clone(&self.observe);
        let upload = move || {
            let stored = store.put(partition, partitions, (offset, committed), &bytes);
            if let Err(error) = &stored {
                tracing::warn!(partition, %error, "a snapshot could not be stored");
            }
            observe.snapshot(partition, stored.is_ok().then_some(bytes.len()));
            stored.is_ok().then_some(offset)
        };
        match std::thread::Builder::new().name(format!("snapshot-{partition}")).spawn(upload) {
            Ok(thread) => self.upload = Some(thread),
            Err(error) => tracing::warn!(partition, %error, "a snapshot could not be stored"),
        }
    }

    /// Waits for the upload under way.
    pub(super) fn settle(&mut self) {
        if let Some(upload) = self.upload.take() {
            match upload.join() {
                Ok(offset) => self.stored = self.stored.max(offset.unwrap_or(0)),
                Err(_) => tracing::error!("storing a snapshot has panicked"),
            }
        }
    }
}
