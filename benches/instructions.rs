//! A fixed piece of the hot path, for whoever counts its instructions: `make instructions`.
//!
//! The workload of `benches/engine.rs`, small: windows of up to 180 days that are full, then events of
//! which `counted_intake` and `counted_decide` are what valgrind looks at. It prints how many there are.

#[expect(dead_code, reason = "the other benchmarks use the rest")]
mod workload;

use duecourse::engine::base::TimeMs;

use workload::{Events, Pipeline, Population, Spent, Windows, bundle};

const RETAINED: u64 = 12_000;
const COUNTED: usize = 4_000;
/// Events that intake takes together, as under load.
const CHUNK: usize = 500;
const POPULATION: Population = Population {
    accounts: 1_500,
    devices: 1_500,
    payees: 1_500,
    circle: 20,
    gap_us: 180 * 86_400_000_000 / RETAINED,
    hot: false,
};

fn main() {
    let mut events = Events::new(POPULATION);
    let first = events.next().expect("endless");
    let mut pipeline = Pipeline::new(&bundle(Windows::HALF_YEAR, "1d"), first.0);
    let full: Vec<(TimeMs, String)> = events.by_ref().take(RETAINED as usize * 11 / 10).collect();
    pipeline.take(&full, &mut Spent::default());
    let mut spent = Spent::default();
    for _ in 0..COUNTED / CHUNK {
        let chunk: Vec<(TimeMs, String)> = events.by_ref().take(CHUNK).collect();
        let records = counted_intake(&mut pipeline, &chunk, &mut spent);
        counted_decide(&mut pipeline, &records, &mut spent);
    }
    assert_eq!(spent.accepted, COUNTED, "every event is accepted");
    println!("{COUNTED} events, {} dispositions", spent.dispositions);
}

#[inline(never)]
fn counted_intake(pipeline: &mut Pipeline, lines: &[(TimeMs, String)], spent: &mut Spent) -> Vec<Vec<u8>> {
    pipeline.intake(lines, spent)
}

#[inline(never)]
fn counted_decide(pipeline: &mut Pipeline, records: &[Vec<u8>], spent: &mut Spent) {
    pipeline.decide(records, spent);
}
