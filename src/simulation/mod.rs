//! The simulator.

mod broker;
mod decide_log;
mod deployment;
mod dice;
mod events;
mod group;
mod host;
mod intake_log;
mod rules;
mod scheduler;
mod store;
mod verdict;

use std::rc::Rc;

use crate::engine::planted::{Planted, plant};
use deployment::Deployment;
use scheduler::{Seen, Sim};

/// One world from a seed. The error says what does not hold.
fn run(seed: u64, deployment: &Rc<Deployment>, bug: Option<Planted>) -> (Result<u64, String>, Seen) {
    plant(bug);
    deployment.store.begin(seed, true);
    let sim = Sim::new(seed, deployment);
    let outcome = sim.run(&deployment.store);
    sim.clear();
    let judged = outcome.and_then(|()| {
        plant(None);
        let broker = sim.broker.borrow();
        verdict::judge(deployment, &broker, &sim.config()).map(|verdict| verdict.dispositions)
    });
    plant(None);
    (judged, sim.seen.get())
}

#[test]
fn a_world() {
    let deployment = Rc::new(Deployment::new());
    let began = std::time::Instant::now();
    let first: u64 = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let n: u64 = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(100);
    let mut bad = 0;
    let mut total = 0;
    let mut all = Seen::default();
    for seed in first..first + n {
        let (outcome, seen) = run(seed, &deployment, None);
        all.crashes += seen.crashes;
        all.freezes += seen.freezes;
        all.lies += seen.lies;
        all.stops += seen.stops;
        all.recreations += seen.recreations;
        all.versions += seen.versions;
        match outcome {
            Ok(dispositions) => total += dispositions,
            Err(why) => {
                bad += 1;
                println!("seed {seed}: {why} {seen:?}");
            }
        }
    }
    println!("{n} seeds, {bad} bad, {total} dispositions, {all:?}, {:?}", began.elapsed());
    assert_eq!(bad, 0);
}
