//! Snapshots: what is kept, what is passed over, what is refused.

use std::sync::Arc;

use crate::codec::snapshot::{Extent, encode};
use crate::config::bundle::Loader;
use crate::decide::restore::restore;
use crate::decide::snapshot::{Position, SnapshotStore, StoreError};
use crate::engine::SEMANTICS;
use crate::engine::input::TimeMode;
use crate::engine::partition::{Identity, Partition};

pub(super) fn identity(partition: u32) -> Identity {
    let id_key = crate::codec::keys::Keys::development().id_key();
    Identity { partition, partitions: 4, id_key, time: TimeMode::Event }
}

fn state(extent: Extent) -> Vec<u8> {
    encode(&Partition::new(identity(1)).freeze(), extent)
}

fn put(store: &SnapshotStore, offset: u64, after: Option<u64>, committed: u64) {
    put_asked(store, offset, after, committed, SEMANTICS);
}

fn put_asked(store: &SnapshotStore, offset: u64, after: Option<u64>, committed: u64, asked: u32) {
    let position = Position { partition: 1, partitions: 4, offset, after, committed, asked };
    let extent = if after.is_some() { Extent::Changes } else { Extent::Whole };
    store.put(&position, &state(extent)).unwrap();
}

fn offsets(store: &SnapshotStore) -> Vec<u64> {
    store.list(1).unwrap().iter().map(|entry| entry.offset).collect()
}

fn restored(store: &SnapshotStore, committed: Option<u64>) -> Result<u64, StoreError> {
    restore(Some(store), &identity(1), committed, &Loader::new()).map(|restored| restored.offset)
}

#[test]
fn the_newest_snapshot_not_ahead_of_what_is_committed_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap());
    for offset in [5, 10, 20, 30] {
        put(&store, offset, None, 25);
        let other = Position {
            partition: 2,
            partitions: 4,
            offset: offset + 100,
            after: None,
            committed: 25,
            asked: SEMANTICS,
        };
        store.put(&other, &state(Extent::Whole)).unwrap();
    }
    assert_eq!(offsets(&store), [30, 20, 10], "two that are committed, and one that is ahead");
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
    put(&store, 10, None, 10);
    put(&store, 20, None, 20);
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
    let position =
        Position { partition: 1, partitions: 8, offset: 10, after: None, committed: 10, asked: SEMANTICS };
    store.put(&position, &state(Extent::Whole)).unwrap();
    assert!(matches!(restored(&store, Some(10)), Err(StoreError::OtherPartitions { found: 8, expected: 4 })));
}

#[test]
fn two_whole_snapshots_are_kept_with_what_builds_on_them_and_a_broken_chain_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap();
    put(&store, 10, None, 10);
    put(&store, 20, Some(10), 20);
    put(&store, 30, Some(20), 30);
    put(&store, 40, Some(30), 40);
    assert_eq!(restored(&store, Some(45)).unwrap(), 40);
    put(&store, 50, None, 50);
    put(&store, 60, Some(50), 60);
    assert_eq!(offsets(&store), [60, 50, 40, 30, 20, 10], "should the one at 50 be damaged, 40 serves");
    put(&store, 70, None, 70);
    assert_eq!(offsets(&store), [70, 60, 50]);
    put(&store, 80, Some(75), 80);
    assert_eq!(restored(&store, Some(85)).unwrap(), 70, "nothing is stored at 75");
}

#[test]
fn until_the_switch_of_semantics_an_earlier_worker_finds_its_own_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let store = || SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap();
    let (earlier, later) = (store().of_semantics(SEMANTICS - 1), store());
    put_asked(&earlier, 10, None, 10, SEMANTICS - 1);
    put_asked(&earlier, 20, None, 20, SEMANTICS - 1);
    for offset in [30, 40, 50] {
        put_asked(&later, offset, None, offset, SEMANTICS - 1);
    }
    assert_eq!(offsets(&later), [50, 40, 20, 10], "each of them has two");
    assert_eq!(restored(&earlier, Some(55)).unwrap(), 20, "what a later worker stored it does not read");
    assert_eq!(restored(&later, Some(45)).unwrap(), 40);
    assert_eq!(restored(&later, Some(25)).unwrap(), 20, "what an earlier worker stored it reads");
    put_asked(&later, 60, None, 60, SEMANTICS);
    assert_eq!(offsets(&later), [60, 50], "after the switch the earlier ones are of no use");
}

#[test]
fn a_damaged_link_costs_what_comes_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap();
    put(&store, 10, None, 10);
    put(&store, 20, Some(10), 20);
    put(&store, 30, Some(20), 30);
    let link = walk(folder.path()).into_iter().find(|path| path.contains("00000000000000000020.v")).unwrap();
    let mut bytes = std::fs::read(&link).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&link, bytes).unwrap();
    assert_eq!(restored(&store, Some(35)).unwrap(), 10);
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { paths.extend(walk(&path)) } else { paths.push(path.display().to_string()) }
    }
    paths
}
