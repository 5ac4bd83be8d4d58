//! Real Kafka under fire: rounds of load in which a seed picks what is done to whom, and after each of
//! which `verify` recomputes everything: nothing lost, nothing doubled, nothing decided otherwise.
//!
//! * `faults` what can be done: one entry each; the next one is added there and nowhere else;
//! * `plan` which of them a seed picks, and what the round needs for them;
//! * `scene` the processes under fire, tended as a cluster would; `load` what they are fed; `cases` what goes on
//!   beside: orders, verifications, appeals, leads and authorisations in flight; `counts` of those;
//! * `flow` what a reader of the outputs sees; `table` that, over the rounds;
//! * `round` from start to count; `bucket` an S3-compatible store to take away.
//!
//! `make torture` runs 100 rounds; `ROUNDS=` and `SEED=` change how many and which, `FAULTS=` names some, and
//! with `MINUTES=` no round begins later than that.

mod bucket;
mod cases;
mod counts;
mod faults;
mod flow;
mod load;
mod plan;
mod round;
mod scene;
mod table;

use std::time::{Duration, Instant};

use crate::brokers::Brokers;
use plan::Plan;
use table::Table;

/// What `make test` runs: a worker, intake and feed killed; a worker paused; the broker killed twice,
/// once for longer than a record's delivery may take.
#[test]
#[ignore = "kills the broker under everybody's feet; `make test` runs it after the others"]
fn short() {
    run([
        Plan::of(1, &["worker-killed", "intake-killed", "feed-killed"]),
        Plan::of(2, &["worker-paused"]),
        Plan::of(3, &["broker-killed", "broker-away"]),
    ]);
}

#[test]
#[ignore = "takes long: `make torture`"]
fn rounds() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
    };
    let (first, count) = (number("SEED", 1), number("ROUNDS", 100));
    // No round begins later than that.
    let until = Instant::now() + Duration::from_secs(60 * number("MINUTES", 7 * 24 * 60));
    let seeds = (first..first + count).take_while(|_| Instant::now() < until);
    match std::env::var("FAULTS") {
        Ok(names) if !names.is_empty() => {
            let names: Vec<&str> = names.split(',').collect();
            run(seeds.map(|seed| Plan::of(seed, &names)));
        }
        _ => {
            let nodes = Brokers::find().count();
            run(seeds.map(|seed| Plan::from_seed(seed, nodes)));
        }
    }
}

/// All of them, whatever becomes of one, and then the table.
fn run(plans: impl IntoIterator<Item = Plan>) {
    let mut table = Table::default();
    let mut failed = Vec::new();
    for plan in plans {
        println!("{plan}");
        let replay = plan.replay();
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| round::run(plan))) {
            Ok(outcome) => table.add(outcome),
            Err(_) => failed.push(replay),
        }
    }
    println!("\n{table}");
    table.assert_rich();
    assert!(failed.is_empty(), "failed; to see it again:\n  {}", failed.join("\n  "));
}
