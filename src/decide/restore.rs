//! State comes back: the newest snapshot that is whole, known and not ahead of what is committed (D12).

use bytes::Bytes;

use crate::codec::snapshot::{self, SEMANTICS_OLDEST};
use crate::engine::LoadRules;
use crate::engine::base::TimeMs;
use crate::engine::partition::{Identity, Partition};
use crate::engine::planted::{Planted, is_planted};

use super::snapshot::{Entry, Flaw, SnapshotStore, StoreError, chain};
use super::snapshotter::Chain;

/// How often a list that was out of date is asked for again.
const LOOKS_MAX: usize = 10;

/// A partition to go on with.
pub(super) struct Restored {
    pub state: Partition,
    /// Of the next record it needs.
    pub offset: u64,
    /// When its newest snapshot was stored; `None` when it begins without one.
    pub stored: Option<TimeMs>,
    /// The snapshots that it came from.
    pub chain: Chain,
}

impl Restored {
    /// From the beginning of the facts; `DecideLog::start` refuses if that is no longer there.
    fn nothing(identity: &Identity) -> Restored {
        let state = Partition::new(identity.clone());
        Restored { state, offset: 0, stored: None, chain: Chain::default() }
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
        return Ok(Restored::nothing(identity));
    };
    for _ in 0..LOOKS_MAX {
        match newest_usable(store, identity, committed, loader)? {
            Look::Found(restored) => return Ok(*restored),
            Look::Gone => {}
            Look::Nothing => break,
        }
    }
    Ok(Restored::nothing(identity))
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
    let committed = if is_planted(Planted::SnapshotBeyondCommit) { u64::MAX } else { committed };
    let usable = entries.iter().filter(|entry| {
        entry.offset <= committed && (SEMANTICS_OLDEST..=store.semantics()).contains(&entry.semantics)
    });
    for entry in usable {
        let Some(links) = chain(&entries, entry) else { continue };
        let snapshots = match read(store, identity, &links)? {
            Ok(snapshots) => snapshots,
            Err(Flaw::Gone) => return Ok(Look::Gone),
            Err(flaw) => {
                tracing::warn!(partition, offset = entry.offset, %flaw, "a snapshot is passed over");
                continue;
            }
        };
        match snapshot::decode(snapshots.iter().map(|bytes| &**bytes), identity.clone(), loader) {
            Ok(state) => {
                // What earlier semantics wrote no changes of ours build on: a whole one comes next.
                let chain =
                    if entry.semantics == store.semantics() { Chain::of(&links) } else { Chain::default() };
                let (offset, stored) = (entry.offset, Some(entry.stored));
                return Ok(Look::Found(Box::new(Restored { state, offset, stored, chain })));
            }
            Err(error) => {
                tracing::warn!(partition, offset = entry.offset, %error, "a snapshot is passed over");
            }
        }
    }
    Ok(Look::Nothing)
}

/// The bytes of a chain, or what is wrong with one of its links.
fn read(
    store: &SnapshotStore,
    identity: &Identity,
    links: &[&Entry],
) -> Result<Result<Vec<Bytes>, Flaw>, StoreError> {
    let read = |entry: &&Entry| store.get(identity.partition, identity.partitions, entry);
    links.iter().map(read).collect()
}
