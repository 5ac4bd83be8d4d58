//! The deciding loop over a log that lies: nothing lost, nothing doubled, nothing out of order.

mod lying_log;
mod snapshotting;
mod stores;
mod world;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::codec::keys::Keys;
use crate::config::bundle::Loader;
use crate::engine::input::TimeMode;
use crate::log::LogError;

use super::DecideError;
use super::driver::{Host, Pace, Setup, decide};
use super::machine::Surroundings;
use super::observe::Silent;
use super::snapshot::SnapshotStore;
use super::view::ReadView;

use lying_log::{CRASH, Lies, LyingLog};
use world::World;

fn surroundings() -> Surroundings {
    Surroundings {
        keys: Arc::new(Keys::development()),
        institution: Arc::from("bank_0"),
        loader: Arc::new(Loader::new()),
        observe: Arc::new(Silent),
    }
}

fn setup(partitions: u32, snapshots: Option<Arc<SnapshotStore>>) -> Setup {
    Setup {
        partitions,
        time: TimeMode::Event,
        surroundings: surroundings(),
        snapshots,
        view: Arc::new(ReadView::default()),
        pace: Pace {
            commit_every: Duration::from_millis(1),
            commit_idle: Duration::from_millis(2),
            progress_every: Duration::from_millis(2),
            snapshot_every: Duration::from_millis(4),
            waiting_bytes_max: 4_096,
            retry_after: Duration::from_millis(1),
            leave_max: Duration::from_secs(5),
        },
        host: Host::default(),
        until_end: true,
    }
}

/// Lives until one ends well; returns how many there were.
fn live(world: &World, lies: Lies, seed: u64, snapshots: Option<&Arc<SnapshotStore>>) -> u64 {
    for life in 1.. {
        let log = LyingLog::new(world.clone(), lies, seed.wrapping_mul(1_000).wrapping_add(life));
        match decide(log, setup(world.partitions(), snapshots.cloned()), &AtomicBool::new(false)) {
            Ok(()) => return life,
            Err(DecideError::Log(LogError::Damaged(why))) if why == CRASH => {}
            Err(error) => panic!("seed {seed}, life {life}: {error}"),
        }
    }
    unreachable!("lives are counted without end")
}

#[test]
fn an_honest_log_is_decided_once() {
    let world = World::with_facts(3, 60, 7);
    assert_eq!(live(&world, Lies::NONE, 1, None), 1);
    world.check();
}

#[test]
fn unknown_outcomes_crashes_and_rebalances_lose_nothing_and_double_nothing() {
    let (mut lives, mut lies_told) = (0, 0);
    for seed in 0..15 {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap());
        let world = World::with_facts(3, 60, seed);
        lives += live(&world, Lies::ALL, seed, Some(&store));
        lies_told += world.lies_told();
        world.check();
    }
    assert!(lives > 30, "{lives} lives: crashes must be among the lies");
    assert!(lies_told > 300, "only {lies_told} lies were told");
}

#[test]
fn a_lost_committed_offset_stops_deciding_instead_of_publishing_again() {
    let world = World::with_facts(1, 60, 3);
    live(&world, Lies::NONE, 1, None);
    world.forget_committed_offsets();
    let log = LyingLog::new(world.clone(), Lies::NONE, 1);
    let error = decide(log, setup(1, None), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, DecideError::OffsetMissing(0)), "{error}");
    world.check();
}

#[test]
fn a_record_that_cannot_be_read_stops_its_partition_and_not_the_others() {
    let world = World::with_facts(3, 30, 5);
    world.spoil(1);
    let log = LyingLog::new(world.clone(), Lies::NONE, 1);
    let error = decide(log, setup(3, None), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, DecideError::Partition { partition: 1, .. }), "{error}");
    world.check_prefixes();
}

#[test]
fn a_stop_signal_drains_commits_and_leaves_progress_behind() {
    let world = World::with_facts(2, 40, 9);
    let stop = Arc::new(AtomicBool::new(false));
    let stopper = {
        let (stop, world) = (Arc::clone(&stop), world.clone());
        std::thread::spawn(move || {
            while world.committed(0).is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            stop.store(true, std::sync::atomic::Ordering::SeqCst);
        })
    };
    let endless = Setup { until_end: false, ..setup(2, None) };
    decide(LyingLog::new(world.clone(), Lies::NONE, 1), endless, &stop).unwrap();
    stopper.join().unwrap();
    world.check_prefixes();
    world.check_progress();
}
