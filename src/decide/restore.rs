//! State comes back: the newest snapshot that is whole, known and not ahead of what is committed (D12).

use crate::codec::snapshot;
use crate::engine::base::TimeMs;
use crate::engine::partition::{Identity, Partition};
use crate::engine::{LoadRules, SEMANTICS};

use super::snapshot::{Flaw, SnapshotStore, StoreError};

/// How often a list that was out of date is asked for again.
const LOOKS_MAX: usize = 10;

/// A partition to go on with.
pub(super) struct Restored {
    pub state: Partition,
    /// Of the next record it needs.
    pub offset: u64,
    /// When its snapshot was stored; `None` when it begins without one.
    pub stored: Option<TimeMs>,
}

impl Restored {
    /// From the beginning of the facts.
    fn empty(identity: &Identity) -> Restored {
        Restored { state: Partition::new(identity.clone()), offset: 0, stored: None }
    }
}

/// Brings a partition back from the newest snapshot that can be used, or begins it.
pub(super) fn restore(
    store: Option<&SnapshotStore>,
    identity: &Identity,
    committed: Option<u64>,
    loader: &dyn LoadRules,
) -> Result<Restored, StoreError> {
    // Snapshots may be ahead of what is committed, even of nothing: only `decided` records tell a
    // lost offset from a first start, and the loop has asked for them.
    let (Some(store), Some(committed)) = (store, committed) else {
        return Ok(Restored::empty(identity));
    };
    for _ in 0..LOOKS_MAX {
        match newest_usable(store, identity, committed, loader)? {
            Look::Found(restored) => return Ok(*restored),
            Look::Gone => {}
            Look::Nothing => break,
        }
    }
    // From the beginning of the facts; `DecideLog::start` refuses if that is no longer there.
    Ok(Restored::empty(identity))
}

enum Look {
    Found(Box<Restored>),
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
            Ok(state) => {
                let (offset, stored) = (entry.offset, Some(entry.stored));
                return Ok(Look::Found(Box::new(Restored { state, offset, stored })));
            }
            Err(error) => {
                tracing::warn!(partition, offset = entry.offset, %error, "a snapshot is passed over");
            }
        }
    }
    Ok(Look::Nothing)
}
