//! State comes back: the newest snapshot that is whole, known and not ahead of what is committed (D12).

use crate::codec::snapshot;
use crate::engine::partition::{Identity, Partition};
use crate::engine::planted::{Planted, is_planted};
use crate::engine::{LoadRules, SEMANTICS};

use super::snapshot::{Flaw, SnapshotStore, StoreError};

/// How often a list that was out of date is asked for again.
const LOOKS_MAX: usize = 10;

/// A partition to go on with: its state, and the offset of the next record it needs.
pub(super) fn restore(
    store: Option<&SnapshotStore>,
    identity: &Identity,
    committed: Option<u64>,
    loader: &dyn LoadRules,
) -> Result<(Partition, u64), StoreError> {
    // Snapshots may be ahead of what is committed, even of nothing: only `decided` records tell a
    // lost offset from a first start, and the loop has asked for them.
    let (Some(store), Some(committed)) = (store, committed) else {
        return Ok((Partition::new(identity.clone()), 0));
    };
    for _ in 0..LOOKS_MAX {
        match newest_usable(store, identity, committed, loader)? {
            Look::Found(state, offset) => return Ok((state, offset)),
            Look::Gone => {}
            Look::Nothing => break,
        }
    }
    // From the beginning of the facts; `DecideLog::start` refuses if that is no longer there.
    Ok((Partition::new(identity.clone()), 0))
}

enum Look {
    Found(Partition, u64),
    /// The list was out of date: whoever dropped a snapshot has stored a newer one.
    Gone,
    Nothing,
}

fn newest_usable(
    store: &SnapshotStore,
    identity: &Identity,
    committed: u64,
    loader: &dyn LoadRules,
) -> Result<Look, StoreError> {
    let partition = identity.partition;
    let entries = store.list(partition)?;
    let committed = if is_planted(Planted::SnapshotBeyondCommit) { u64::MAX } else { committed };
    let usable = entries.iter().filter(|entry| entry.offset <= committed && entry.semantics == SEMANTICS);
    for entry in usable {
        let bytes = match store.get(partition, identity.partitions, entry)? {
            Ok(bytes) => bytes,
            Err(Flaw::Gone) => return Ok(Look::Gone),
            Err(flaw) => {
                tracing::warn!(partition, offset = entry.offset, %flaw, "a snapshot is passed over");
                continue;
            }
        };
        match snapshot::decode(&bytes, identity.clone(), loader) {
            Ok(state) => return Ok(Look::Found(state, entry.offset)),
            Err(error) => {
                tracing::warn!(partition, offset = entry.offset, %error, "a snapshot is passed over");
            }
        }
    }
    Ok(Look::Nothing)
}
