//! How much memory a retained event takes in each of its subjects' logs, by a counting allocator.
//!
//! `cargo bench --bench memory`. What is counted is the whole deciding state (everything that dropping it
//! gives back), divided by the entries in all logs; then its parts, given back one after the other, also by
//! subjects with a log. One event stands in four logs. The first case remembers every event as a possible
//! duplicate, the second those of one day.

#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod workload;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use duecourse::engine::base::TimeMs;

use workload::{Events, Pipeline, Population, Rare, Spent, Windows, bundle};

/// Bytes asked for and not given back.
static HELD: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise about the layout is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise about the place and the layout is passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CHUNK: usize = 5_000;
const RETAINED: u64 = 400_000;
const HALF_YEAR_US: u64 = 180 * 86_400_000_000;

fn main() {
    println!("{:<44} {:>12} {:>9} {:>9}", "", "bytes", "an entry", "a subject");
    let many = Population {
        accounts: 50_000,
        devices: 50_000,
        payees: 50_000,
        circle: 20,
        gap_us: HALF_YEAR_US / RETAINED,
        hot: false,
    };
    let few = Population { accounts: 4_000, devices: 4_000, payees: 4_000, circle: 8, ..many };
    for (name, population) in [("50,000 accounts", many), ("4,000 accounts", few)] {
        row(&format!("{name}, duplicates of 400 days"), population, "400d");
        row(&format!("{name}, duplicates of one day"), population, "1d");
    }
}

fn row(name: &str, population: Population, duplicate_horizon: &str) {
    let mut events = Events::new(population);
    let first = events.next().expect("endless");
    let mut pipeline = Pipeline::new(&bundle(Windows::HALF_YEAR, Rare::Far, duplicate_horizon), first.0);
    for _ in 0..(RETAINED as usize * 11 / 10).div_ceil(CHUNK) {
        let chunk: Vec<(TimeMs, String)> = events.by_ref().take(CHUNK).collect();
        pipeline.take(&chunk, &mut Spent::default());
    }
    let (subjects, entries) = pipeline.retained();
    let partition = pipeline.into_machine().into_partition();
    let mut parts = Vec::with_capacity(32);
    let begun = HELD.load(Ordering::Relaxed);
    partition.take_apart(&mut |part| parts.push((part, HELD.load(Ordering::Relaxed))));
    let bytes = begun - HELD.load(Ordering::Relaxed);
    println!("\n{name}: {subjects} subjects, {entries} entries");
    print_part("all", bytes, (subjects, entries));
    let mut before = begun;
    for (part, left) in parts {
        print_part(part, before - left, (subjects, entries));
        before = left;
    }
}

fn print_part(name: &str, bytes: usize, (subjects, entries): (usize, usize)) {
    let each = |count: usize| bytes as f64 / count as f64;
    println!("{name:<44} {bytes:>12} {:>9.1} {:>9.1}", each(entries), each(subjects));
}
