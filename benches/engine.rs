//! What an event costs from JSON bytes to disposition bytes, without Kafka: CPU time of one thread.
//!
//! `cargo bench --bench engine` prints a table; `-- minute`, `small`, `half-year`, `hot`, `asked` or `shipped` one row of it. The thread's CPU clock is the measure, so a busy machine
//! counts little; Criterion times by the wall and was left out for that. Windows are full before anything
//! is timed; a figure is the median of chunks of events.

mod workload;

use duecourse::cli::generate::{self, Size, Step};
use duecourse::config::bundle as shipped;
use duecourse::engine::base::TimeMs;

use workload::{Events, INSTITUTION, Pipeline, Population, Rare, Spent, Windows, bundle};

/// Events timed together.
const CHUNK: usize = 5_000;
const CHUNKS_TIMED: usize = 60;
/// Events inside the longest window once it is full.
const RETAINED: u64 = 400_000;
/// A minute of one partition's traffic at 1,000 events a second.
const RETAINED_MINUTE: u64 = 60_000;

const DAY_US: u64 = 86_400_000_000;
const PLAIN: Population = Population {
    accounts: 50_000,
    devices: 50_000,
    payees: 50_000,
    circle: 20,
    gap_us: 180 * DAY_US / RETAINED,
    hot: false,
};

fn main() {
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|one| one == name);
    println!("4 subjects an event (account, holder, pair, device), 6 windows x 4 aggregates each, 100 rules");
    println!("us of CPU an event: intake = classify, pack, encode; decide = decode, apply, encode outputs\n");
    println!(
        "{:<34} {:>7} {:>7} {:>7} {:>7}  {:>9} {:>9} {:>8}",
        "", "intake", "decide", "all", "worst", "subjects", "entries", "out/1000"
    );
    if is_chosen("minute") {
        let minute = Population { gap_us: 60_000_000 / RETAINED_MINUTE, ..PLAIN };
        row("windows of 1 to 6 minutes", (Windows::MINUTE, Rare::Far), minute, RETAINED_MINUTE);
    }
    if is_chosen("small") {
        let few = Population { accounts: 1_000, devices: 1_000, payees: 1_000, ..PLAIN };
        let small = Population { gap_us: 60_000_000 / RETAINED_MINUTE, ..few };
        row("the same, a fiftieth of all subjects", (Windows::MINUTE, Rare::Far), small, RETAINED_MINUTE);
    }
    if is_chosen("half-year") {
        row("windows of up to 180 days", (Windows::HALF_YEAR, Rare::Far), PLAIN, RETAINED);
    }
    if is_chosen("hot") {
        let hot = Population { hot: true, ..PLAIN };
        row("180 days, half from one account", (Windows::HALF_YEAR, Rare::Far), hot, RETAINED);
    }
    if is_chosen("asked") {
        row("180 days, all windows asked", (Windows::HALF_YEAR, Rare::Asked), PLAIN, RETAINED);
    }
    if is_chosen("shipped") {
        shipped_rules();
    }
}

/// Fills the windows, times what comes then, and prints it.
fn row(name: &str, rules: (Windows, Rare), population: Population, retained: u64) {
    let mut events = Events::new(population);
    let first = events.next().expect("endless");
    let mut pipeline = Pipeline::new(&bundle(rules.0, rules.1, "1d"), first.0);
    let mut warm_up = Spent::default();
    for _ in 0..(retained as usize * 11 / 10).div_ceil(CHUNK) {
        let chunk: Vec<(TimeMs, String)> = events.by_ref().take(CHUNK).collect();
        pipeline.take(&chunk, &mut warm_up);
    }
    let chunks = (0..CHUNKS_TIMED).map(|_| {
        let chunk: Vec<(TimeMs, String)> = events.by_ref().take(CHUNK).collect();
        let mut spent = Spent::default();
        pipeline.take(&chunk, &mut spent);
        assert_eq!(spent.accepted, CHUNK, "every event is accepted");
        spent
    });
    let chunks: Vec<Spent> = chunks.collect();
    print_row(name, &chunks, CHUNK, pipeline.retained());
}

/// A generated month and day under the shipped rules.
fn shipped_rules() {
    let steps = generate::day(1, Size { customers: 3000, history_daily: 3000, day: 120_000 }, INSTITUTION);
    let lines = steps.into_iter().filter_map(|timed| match timed.step {
        Step::Line(line) => Some((timed.at, line)),
        Step::AppealDecided { .. } | Step::Told(_) => None,
    });
    let lines: Vec<(TimeMs, String)> = lines.collect();
    let text = shipped::embedded(shipped::Profile::Strict).expect("the built-in rules are a bundle");
    let mut pipeline = Pipeline::new(&text, lines.first().map_or(TimeMs::MIN, |(at, _)| *at));
    let chunks = lines.chunks_exact(CHUNK).map(|chunk| {
        let mut spent = Spent::default();
        pipeline.take(chunk, &mut spent);
        spent
    });
    let chunks: Vec<Spent> = chunks.collect();
    print_row("a made-up month, shipped rules", &chunks, CHUNK, pipeline.retained());
}

fn print_row(name: &str, chunks: &[Spent], events: usize, (subjects, entries): (usize, usize)) {
    let each = |cost: &dyn Fn(&Spent) -> f64| {
        let mut costs: Vec<f64> = chunks.iter().map(|spent| cost(spent) * 1e6 / events as f64).collect();
        costs.sort_by(f64::total_cmp);
        (costs[costs.len() / 2], costs[costs.len() - 1])
    };
    let (intake, _) = each(&|spent| spent.intake.as_secs_f64());
    let (decide, _) = each(&|spent| spent.decide.as_secs_f64());
    let (all, worst) = each(&|spent| (spent.intake + spent.decide).as_secs_f64());
    let dispositions: usize = chunks.iter().map(|spent| spent.dispositions).sum();
    let per_thousand = dispositions as f64 * 1000.0 / (chunks.len() * events) as f64;
    println!(
        "{name:<34} {intake:>7.2} {decide:>7.2} {all:>7.2} {worst:>7.2}  {subjects:>9} {entries:>9} {per_thousand:>8.2}"
    );
}
