//! The wall clock of our processes jumps, through libfaketime; brokers keep the right time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::torture::scene::Scene;

const STAYS: Duration = Duration::from_secs(3);

/// Makes a process read its clock's offset from this file, again and again.
pub fn put_under(command: &mut Command, clock: &Path) {
    command
        .env("LD_PRELOAD", library())
        .env("FAKETIME_TIMESTAMP_FILE", clock)
        .env("FAKETIME_CACHE_DURATION", "1")
        // Only the wall clock jumps; the machine's own time runs on.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
}

pub fn jumps(scene: &mut Scene) {
    let clock = scene.clock().expect("the plan gave this round a clock");
    for offset in ["+1h", "-10m", "+0"] {
        std::fs::write(&clock, format!("{offset}\n")).unwrap();
        scene.pass(STAYS);
    }
}

fn library() -> PathBuf {
    let places = std::fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let mut found = places.map(|place| place.join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).expect("libfaketime: scripts/install-missing installs it")
}
