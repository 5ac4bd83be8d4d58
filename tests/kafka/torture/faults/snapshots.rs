//! Snapshots cannot be written, cannot be read, or are not what they were.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::processes::worker_killed;
use crate::torture::bucket::Mood;
use crate::torture::scene::{Role, Scene};

/// Several snapshot intervals (2 s).
const AWAY: Duration = Duration::from_secs(7);
/// Less than any snapshot.
const FULL_AT_BYTES: u64 = 256;
/// What workers say of a snapshot that did not get into its store, and of one that they cannot use.
const NOT_STORED: &str = "a snapshot could not be stored";
const PASSED_OVER: &str = "a snapshot is passed over";
/// What an upload takes that has left its worker.
const ON_ITS_WAY_MAX: Duration = Duration::from_secs(1);
const WORKERS: [Role; 2] = [Role::Worker(0), Role::Worker(1)];

/// Writing beyond a few bytes fails, as on a full disk; there is room again only after a worker has died.
pub fn disk_full(scene: &mut Scene) {
    let before = scene.said(NOT_STORED);
    for worker in WORKERS {
        scene.process(worker).limit_files(Some(FULL_AT_BYTES));
    }
    scene.pass(AWAY);
    assert!(scene.is_said(NOT_STORED, before), "every snapshot was stored");
    worker_killed(scene);
    for worker in WORKERS {
        scene.process(worker).limit_files(None);
    }
}

pub fn store_refuses(scene: &mut Scene) {
    let before = scene.said(NOT_STORED);
    store(scene).set(Mood::Refuses);
    scene.pass(AWAY);
    assert!(scene.is_said(NOT_STORED, before), "every snapshot was stored");
    worker_killed(scene);
    scene.pass(Duration::from_secs(3));
    store(scene).set(Mood::Well);
}

pub fn store_hangs(scene: &mut Scene) {
    let before = scene.said(NOT_STORED);
    store(scene).set(Mood::Hangs);
    scene.pass(AWAY);
    assert!(scene.is_said(NOT_STORED, before), "every snapshot was stored");
    store(scene).set(Mood::Well);
}

fn store(scene: &Scene) -> &crate::torture::bucket::BucketServer {
    let bucket = scene.bucket.as_ref().expect("the plan gave this round a bucket");
    assert!(bucket.served() > 0, "snapshots do not go to the bucket");
    bucket
}

pub fn damaged(scene: &mut Scene) {
    let before = scene.said(PASSED_OVER);
    let first = scene.any_worker();
    let [one, two] = WORKERS;
    // One that holds no partition at the moment has nothing to restore: then the other.
    for worker in [first, if first == one { two } else { one }] {
        // Stopped meanwhile, or they would store newer ones.
        WORKERS.into_iter().for_each(|stopped| scene.process(stopped).freeze());
        // What they had sent to a bucket is stored yet, and would be the newest then.
        std::thread::sleep(ON_ITS_WAY_MAX);
        damage_newest(&scene.snapshots());
        scene.kill(worker);
        WORKERS.into_iter().filter(|other| *other != worker).for_each(|other| scene.process(other).thaw());
        scene.revive(worker);
        if scene.is_said(PASSED_OVER, before) {
            return;
        }
    }
    panic!("no damaged snapshot was met");
}

/// Flips a bit in the middle of one, cuts the next short, and so on.
fn damage_newest(folder: &Path) {
    let newest = newest(folder);
    assert!(!newest.is_empty(), "no snapshot was written yet");
    for (number, path) in newest.iter().enumerate() {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        if number % 2 == 0 {
            bytes[middle] ^= 1;
        } else {
            bytes.truncate(middle);
        }
        fs::write(path, bytes).unwrap();
    }
}

/// The newest snapshot in each folder: names are made of offsets with leading zeros.
fn newest(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut here = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(newest(&path));
        } else if path.extension().is_some_and(|extension| extension == "snapshot") {
            here.push(path);
        }
    }
    found.extend(here.into_iter().max());
    found
}
