//! Snapshots: what is kept, what is passed over, what is refused.

use std::sync::Arc;

use crate::config::bundle::Loader;
use crate::decide::restore::restore;
use crate::decide::snapshot::{SnapshotStore, StoreError};
use crate::engine::input::TimeMode;
use crate::engine::partition::{Identity, Partition};

fn identity(partition: u32) -> Identity {
    let id_key = crate::codec::keys::Keys::development().id_key();
    Identity { partition, partitions: 4, id_key, time: TimeMode::Event }
}

fn image() -> Vec<u8> {
    crate::codec::snapshot::encode(&Partition::new(identity(1)))
}

fn restored(store: &SnapshotStore, committed: Option<u64>) -> Result<u64, StoreError> {
    restore(Some(store), &identity(1), committed, &Loader::new()).map(|restored| restored.offset)
}

#[test]
fn the_newest_snapshot_not_ahead_of_what_is_committed_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap());
    for offset in [5, 10, 20, 30] {
        store.put(1, 4, (offset, 25), &image()).unwrap();
        store.put(2, 4, (offset + 100, 25), &image()).unwrap();
    }
    let offsets: Vec<u64> = store.list(1).unwrap().iter().map(|entry| entry.offset).collect();
    assert_eq!(offsets, [30, 20, 10], "two that are committed, and one that is ahead");
    assert_eq!(restored(&store, Some(40)).unwrap(), 30);
    assert_eq!(restored(&store, Some(30)).unwrap(), 30);
    assert_eq!(restored(&store, Some(29)).unwrap(), 20);
    assert_eq!(restored(&store, Some(9)).unwrap(), 0, "from the beginning of the facts");
    assert_eq!(restored(&store, None).unwrap(), 0, "all of them are ahead of the first commit");
}

#[test]
fn every_damaged_byte_and_every_torn_end_is_noticed_and_an_older_snapshot_serves() {
    let folder = tempfile::tempdir().unwrap();
    let store = SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap();
    store.put(1, 4, (10, 10), &image()).unwrap();
    store.put(1, 4, (20, 20), &image()).unwrap();
    let path = walk(folder.path()).into_iter().find(|path| path.contains("00000000000000000020.v")).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        assert_eq!(restored(&store, Some(25)).unwrap(), 10, "byte {place}");
        std::fs::write(&path, &whole[..place]).unwrap();
        assert_eq!(restored(&store, Some(25)).unwrap(), 10, "torn at {place}");
    }
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(restored(&store, Some(25)).unwrap(), 20);
}

#[test]
fn a_snapshot_of_another_number_of_partitions_is_refused_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap();
    store.put(1, 8, (10, 10), &image()).unwrap();
    assert!(matches!(restored(&store, Some(10)), Err(StoreError::OtherPartitions { found: 8, expected: 4 })));
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { paths.extend(walk(&path)) } else { paths.push(path.display().to_string()) }
    }
    paths
}
