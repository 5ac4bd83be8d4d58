//! The wall clock of our processes jumps, by a small library put under them; brokers keep the right time.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::torture::scene::Scene;

const STAYS: Duration = Duration::from_secs(3);
const LIBRARY: &str = "clock.so";

/// A clock that can be put under processes. It is right at first.
pub struct Clock {
    folder: PathBuf,
    offset: File,
}

impl Clock {
    /// Builds it in this folder.
    pub fn build(folder: &Path) -> Clock {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka/torture/faults/clock.c");
        let library = folder.join(LIBRARY);
        let built =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(library).arg(source).status();
        assert!(built.unwrap().success(), "cc could not build {source}");
        let clock = Clock { folder: folder.to_owned(), offset: File::create(folder.join("clock")).unwrap() };
        clock.set(0);
        clock
    }

    pub fn put_under(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", self.folder.join(LIBRARY))
            .env("DUECOURSE_TEST_CLOCK", self.folder.join("clock"));
    }

    /// In place, for the processes have the file mapped.
    fn set(&self, off_s: i64) {
        self.offset.write_all_at(&off_s.to_ne_bytes(), 0).unwrap();
    }
}

pub fn jumps(scene: &mut Scene) {
    for off_s in [3_600, -600, 0] {
        scene.clock.as_ref().expect("the plan gave this round a clock").set(off_s);
        scene.pass(STAYS);
        // Or deadlines would pass before their time.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        assert!(i128::from(scene.flow.newest_time_ms()) <= i128::try_from(now).unwrap(), "time ran ahead");
    }
}
