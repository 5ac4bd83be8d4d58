//! W1 to W5 of the snapshotter, with a crew that writes when it is told to.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::decide::machine::Machine;
use crate::decide::observe::Silent;
use crate::decide::snapshot::SnapshotStore;
use crate::decide::snapshotter::{Chain, Snapshotter};
use crate::decide::worker::{Crew, Running, Task, Turn};
use crate::engine::partition::Partition;

use super::stores::identity;
use super::surroundings;

#[derive(Default)]
struct Later(Mutex<Vec<Box<dyn Task>>>);

impl Later {
    fn waiting(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn write(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap());
        tasks.into_iter().for_each(|mut task| while task.turn(false) != Turn::Ended {});
    }
}

impl Crew for Later {
    fn begin(&self, _: String, task: Box<dyn Task>) -> std::io::Result<Box<dyn Running>> {
        self.0.lock().unwrap().push(task);
        Ok(Box::new(Begun))
    }
}

struct Begun;

impl Running for Begun {
    fn join(self: Box<Self>) {}
}

/// A machine that has come to an offset.
fn at(offset: u64) -> Machine {
    Machine::new(Partition::new(identity(1)), offset, offset, surroundings())
}

/// Offsets of what is stored, newest first, each with what it comes after.
fn stored(store: &SnapshotStore) -> Vec<(u64, Option<u64>)> {
    store.list(1).unwrap().iter().map(|entry| (entry.offset, entry.after)).collect()
}

#[test]
fn one_at_a_time_and_changes_only_after_what_is_known_to_be_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshots");
    let store = Arc::new(SnapshotStore::in_folder(&path, "facts", 9).unwrap());
    let later = Arc::new(Later::default());
    let crew = Arc::clone(&later) as Arc<dyn Crew>;
    let mut snapshotter =
        Snapshotter::new(Arc::clone(&store), crew, Arc::new(Silent), identity(1), Chain::default());

    snapshotter.begin(&mut at(5), 5);
    snapshotter.begin(&mut at(6), 6);
    assert_eq!(later.waiting(), 1, "W1: the first is not stored yet");
    later.write();
    assert_eq!(stored(&store), [(5, None)], "W4: as of where it was frozen");
    snapshotter.begin(&mut at(5), 5);
    assert_eq!(later.waiting(), 0, "W5: nothing was applied since");
    snapshotter.begin(&mut at(7), 6);
    later.write();
    assert_eq!(stored(&store), [(7, Some(5)), (5, None)], "W2, and W5: ahead of what is committed");

    // What the one of 8 would have said is in no snapshot: 9 says it all.
    let aside = folder.path().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    std::fs::write(&path, "in the way").unwrap();
    snapshotter.begin(&mut at(8), 8);
    later.write();
    put_back(&path, &aside);
    snapshotter.begin(&mut at(9), 9);
    later.write();
    assert_eq!(stored(&store), [(9, None), (7, Some(5)), (5, None)], "W2");

    // Nor is anything known of one that ended without a word.
    snapshotter.begin(&mut at(10), 10);
    later.0.lock().unwrap().clear();
    snapshotter.begin(&mut at(11), 11);
    later.write();
    assert_eq!(stored(&store).first(), Some(&(11, None)), "W2");
}

fn put_back(path: &Path, aside: &Path) {
    std::fs::remove_file(path).unwrap();
    std::fs::rename(aside, path).unwrap();
}
