//! State comes back: the newest snapshot that is whole, known and not ahead of what is committed (D12).

use crate::codec::snapshot;
use crate::engine::partition::{Identity, Partition};
use crate::engine::{LoadRules, SEMANTICS};

use super::snapshot::{SnapshotStore, StoreError};

/// A partition to go on with: its state, and the offset of the next record it needs.
pub(super) fn restore(
    store: Option<&SnapshotStore>,
    identity: &Identity,
    committed: Option<u64>,
    loader: &dyn LoadRules,
) -> Result<(Partition, u64), StoreError> {
    let partition = identity.partition;
    let entries = match store {
        Some(store) => store.list(partition)?,
        None => Vec::new(),
    };
    let Some(committed) = committed else {
        // An offset that is gone beside snapshots that are not: everything would be published again.
        return match entries.first().filter(|newest| newest.offset > 0) {
            Some(newest) => Err(StoreError::WithoutOffset(newest.offset)),
            None => Ok((Partition::new(identity.clone()), 0)),
        };
    };
    let usable = entries.iter().filter(|entry| entry.offset <= committed && entry.semantics == SEMANTICS);
    for (entry, store) in usable.zip(std::iter::repeat(store)) {
        let Some(store) = store else { break };
        let bytes = match store.get(partition, identity.partitions, entry)? {
            Ok(bytes) => bytes,
            Err(flaw) => {
                tracing::warn!(partition, offset = entry.offset, %flaw, "a snapshot is passed over");
                continue;
            }
        };
        match snapshot::decode(&bytes, identity.clone(), loader) {
            Ok(state) => return Ok((state, entry.offset)),
            Err(error) => {
                tracing::warn!(partition, offset = entry.offset, %error, "a snapshot is passed over");
            }
        }
    }
    // From the beginning of the facts; `DecideLog::start` refuses if that is no longer there.
    Ok((Partition::new(identity.clone()), 0))
}
