//! A fixed piece of the hot path, for whoever counts its instructions: `make instructions`.
//!
//! The workload of `benches/engine.rs`, small: windows of up to 180 days that are full, then events of
//! which `counted_intake` and `counted_decide` are what valgrind looks at, or, with the argument `asked`,
//! `counted_asked`, under rules that ask for every window. It prints how many there are.

#[expect(dead_code, reason = "the other benchmarks use the rest")]
mod workload;

use duecourse::engine::base::TimeMs;

use workload::{Events, Pipeline, Population, Rare, Spent, Windows, bundle};

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
    let asked = std::env::args().any(|argument| argument == "asked");
    let (rare, decide): (Rare, Decide) =
        if asked { (Rare::Asked, counted_asked) } else { (Rare::Far, counted_decide) };
    let mut events = Events::new(POPULATION);
    let first = events.next().expect("endless");
    let mut pipeline = Pipeline::new(&bundle(Windows::HALF_YEAR, rare, "1d"), first.0);
    let full: Vec<(TimeMs, String)> = events.by_ref().take(RETAINED as usize * 11 / 10).collect();
    pipeline.take(&full, &mut Spent::default());
    let mut spent = Spent::default();
    for _ in 0..COUNTED / CHUNK {
        let chunk: Vec<(TimeMs, String)> = events.by_ref().take(CHUNK).collect();
        let records = counted_intake(&mut pipeline, &chunk, &mut spent);
        decide(&mut pipeline, &records, &mut spent);
    }
    assert_eq!(spent.accepted, COUNTED, "every event is accepted");
    println!("{COUNTED} events, {} dispositions", spent.dispositions);
}

type Decide = fn(&mut Pipeline, &[Vec<u8>], &mut Spent);

#[inline(never)]
fn counted_intake(pipeline: &mut Pipeline, lines: &[(TimeMs, String)], spent: &mut Spent) -> Vec<Vec<u8>> {
    pipeline.intake(lines, spent)
}

#[inline(never)]
fn counted_decide(pipeline: &mut Pipeline, records: &[Vec<u8>], spent: &mut Spent) {
    pipeline.decide(records, spent);
}

#[inline(never)]
fn counted_asked(pipeline: &mut Pipeline, records: &[Vec<u8>], spent: &mut Spent) {
    // Says something of its own, or the linker makes one function of the two.
    std::hint::black_box("asked");
    pipeline.decide(records, spent);
}
