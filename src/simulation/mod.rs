//! The simulator: intakes and deciders, the real ones, in one thread, over a broker, an object store and
//! clocks that lie (ARCHITECTURE.md, "The simulator"). A seed is a world; the same seed is the same world.
//!
//! # What is real and what is modelled
//!
//! Real: `intake::run` with desk, lanes, packer, classifier and versions; `decide::driver` with held and kept
//! batches, workers, machine, restore and snapshots; the engine; `verify`. Modelled: what stands behind
//! `IntakeLog`, `DecideLog`, `Clock`, `Crew` and `ObjectStore`. The model follows `log::kafka`, which talks
//! through librdkafka and cannot be held in one thread; `tests/kafka` tries that against a real broker.
//!
//! # Steps
//!
//! Everything a process does between two calls of its log is one step. Within a call there are points
//! (`Sim::point`): time passes there, records arrive, markers are written, sessions and transactions run
//! out, the process may die (its call never returns; what it sent may still arrive), and it may stand still while others go
//! on, for longer than its session, in the middle of a poll, of a transaction, of reports, of a restart.
//! Then it goes on as if nothing had happened: a zombie. A partition's worker is a process of its own.
//!
//! # What goes wrong
//!
//! | where | what |
//! |---|---|
//! | processes | crash at every point, standing still, SIGTERM, two of three of them at once |
//! | produce | lost, late, doubled; later records without earlier ones; after their sender's death |
//! | transactions | aborted for an old generation, fenced, timed out; commit lost, late, or done and not answered; markers later than the answer |
//! | groups | rebalances by joining, leaving, silence; revocations in the middle of work; loss together with a revocation |
//! | records | delivered twice; offsets with holes; late, doubled and unreadable events |
//! | snapshots | torn, not stored and said to be, stored and said not to be, lists of yesterday; not read, read in part, not found although listed; not dropped although said to be |
//! | clocks | apart by less than intake allows for, and by more; set forward and back while processes run |
//! | intake's offsets | not stored and said to be, refused, older ones or none read back |
//! | operators | a second intake configuration, intakes that do not know it; a source topic made anew |
//! | upgrades | workers of two engine semantics (D13); rules that only the later ones speak, released too early |
//! | sources | retention takes records that are not covered yet; the order to skip them reaches some partitions, or all |
//!
//! # What is in flight
//!
//! Measures with deadlines in their lives, notices delivered and not, verifications passed and failed, signed
//! orders that wait, act, are extended, released and end, list entries, appeals and requests for a human decision
//! on their way, corrections of transfers that measures rest on. Leads and their answers, authorisations granted and
//! taken back, special measures with an end, orders to hold what is kept. `seen` counts what of it trouble met.
//!
//! # What is checked
//!
//! In every run, that all comes to an end once the trouble is over, and `verdict`: the four checks of
//! `verify` (exactly once into the facts, through the state and out of it, in order; reports whole), and the
//! invariants that a log shows (I1, C4, K1, P1, P2, P4); and no promise of `engine::invariant` is broken.

mod broker;
mod dealings;
mod decide_log;
mod deployment;
mod dice;
mod events;
mod group;
mod host;
mod intake_log;
mod lives;
mod processes;
mod rules;
mod scheduler;
mod seen;
mod store;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use crate::engine::planted::{Planted, plant};
use deployment::Deployment;
use scheduler::Sim;
use seen::{Seen, Sight};

/// How many worlds, instead of `SEEDS`: `make sim` sets it.
const SEEDS_VARIABLE: &str = "DUECOURSE_SEEDS";
/// One world alone: what a failure tells to set. With `PLANTED_VARIABLE`, a world with that bug.
const SEED_VARIABLE: &str = "DUECOURSE_SEED";
const PLANTED_VARIABLE: &str = "DUECOURSE_PLANTED";
/// Of `cargo test`.
const SEEDS: u64 = 10_000;
/// A planted bug that is not found in so many worlds counts as not found.
const SEEDS_OF_A_BUG_MAX: u64 = 2_000;
const THREADS: usize = 2;

/// One world from a seed, to its end, and what went wrong in it.
fn simulate(seed: u64, deployment: &Rc<Deployment>, bug: Option<Planted>) -> (Rc<Sim>, Result<(), String>) {
    deployment.store.begin(seed, true);
    deployment.heard.take();
    let sim = Sim::new(seed, deployment);
    plant(bug);
    let outcome = catch_unwind(AssertUnwindSafe(|| sim.run(&deployment.store)));
    plant(None);
    sim.clear();
    (sim, outcome.unwrap_or_else(|_| Err("something panicked".to_owned())))
}

/// How many dispositions a world published, or what does not hold; and what was seen on the way.
fn judged(seed: u64, deployment: &Rc<Deployment>, bug: Option<Planted>) -> (Result<u64, String>, Seen) {
    let (sim, outcome) = simulate(seed, deployment, bug);
    let outcome = outcome.and_then(|()| sim.look_back());
    let verdict = outcome.and_then(|()| verdict::judge(deployment, &sim.broker.borrow(), &sim.config()));
    if let Ok(verdict) = &verdict {
        sim.see_so_often(Sight::Skipped, verdict.skipped);
    }
    (verdict.map(|verdict| verdict.dispositions), sim.seen.get())
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Does every `THREADS`th piece of the work on a thread of its own, and gives back what each came to.
fn shared<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..THREADS).map(|place| scope.spawn(move || work(place))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, T>| {
            thread.join().unwrap_or_else(|why| std::panic::resume_unwind(why))
        };
        threads.into_iter().map(join).collect()
    })
}

#[test]
fn worlds_of_trouble_end_well() {
    if std::env::var_os(PLANTED_VARIABLE).is_some() {
        return;
    }
    let seeds = match variable(SEED_VARIABLE) {
        Some(seed) => seed..seed + 1,
        None => 0..variable(SEEDS_VARIABLE).unwrap_or(SEEDS),
    };
    let sums = shared(|place| {
        let deployment = Rc::new(Deployment::new());
        let mut sum = (Seen::default(), 0);
        for seed in seeds.clone().skip(place).step_by(THREADS) {
            match judged(seed, &deployment, None) {
                (Ok(dispositions), seen) => sum = (sum.0.and(seen), sum.1 + dispositions),
                (Err(why), seen) => panic!(
                    "seed {seed}: {why}\n{seen:?}\nagain: {SEED_VARIABLE}={seed} cargo test --lib simulation::worlds -- --nocapture"
                ),
            }
        }
        sum
    });
    let (seen, dispositions) =
        sums.into_iter().fold((Seen::default(), 0), |sum, one| (sum.0.and(one.0), sum.1 + one.1));
    let count = seeds.end - seeds.start;
    println!("{count} worlds, {dispositions} dispositions, {seen:?}");
    if count >= 200 {
        assert_rich(count, &seen, dispositions);
    }
}

/// Worlds without trouble, or with nothing in flight when it comes, would prove nothing.
fn assert_rich(worlds: u64, seen: &Seen, dispositions: u64) {
    let at_least = |of: &[Sight], count: u64| {
        let poor: Vec<_> = of.iter().filter(|sight| seen.of(**sight) < count).collect();
        assert!(poor.is_empty(), "seen less than {count} times in {worlds} worlds: {poor:?}; {seen:?}");
    };
    at_least(&[Sight::Crashes, Sight::Freezes, Sight::Lies], worlds);
    at_least(&[Sight::Recreations, Sight::Stops, Sight::Versions, Sight::Losses], worlds / 20);
    at_least(&[Sight::Restored, Sight::StoreLies], worlds);
    at_least(&[Sight::Jumps, Sight::OldOffsets], worlds / 5);
    at_least(&[Sight::Releases], worlds / 5);
    at_least(&[Sight::Unspoken], worlds / 20);
    let at_crash = [Sight::OrderAtCrash, Sight::AppealAtCrash, Sight::VerificationAtCrash];
    at_least(&at_crash, worlds / 10);
    at_least(&[Sight::LeadAtCrash, Sight::AuthorisationAtCrash], worlds / 10);
    at_least(&[Sight::SpecialAtCrash, Sight::HoldAtCrash], worlds / 20);
    at_least(&[Sight::OrderOverAfter], worlds / 10);
    at_least(&[Sight::LeadAnsweredAfter, Sight::AuthorisationRevokedAfter], worlds / 20);
    at_least(&[Sight::SpecialReleasedAfter, Sight::HoldReleasedAfter], worlds / 200);
    at_least(&[Sight::LeadsSent, Sight::LeadsAnswered, Sight::LeadsOverdue], worlds / 20);
    at_least(&[Sight::LeadsBraked, Sight::Authorised, Sight::AreaChecks, Sight::Places], worlds / 100);
    at_least(&[Sight::AppealDecidedAfter, Sight::VerificationAfter, Sight::Skipped], worlds / 20);
    at_least(&[Sight::Corrected, Sight::Expired], worlds / 20);
    at_least(&[Sight::Lifted, Sight::OpeningsOfListed], worlds / 40);
    at_least(&[Sight::AppealsAnswered, Sight::AppealsOverdue], worlds / 20);
    at_least(&[Sight::Verified, Sight::Followed, Sight::Released], worlds / 100);
    assert!(dispositions > 10 * worlds, "{dispositions} dispositions; {seen:?}");
}

#[test]
fn every_planted_bug_is_found() {
    let only = std::env::var(PLANTED_VARIABLE).ok();
    let first = variable(SEED_VARIABLE).unwrap_or(0);
    let bugs: Vec<Planted> = (Planted::ALL.into_iter())
        .filter(|bug| only.as_ref().is_none_or(|only| *only == format!("{bug:?}")))
        .collect();
    let found = shared(|place| {
        let deployment = Rc::new(Deployment::new());
        let find = |bug: Planted| {
            let worlds = first..first + SEEDS_OF_A_BUG_MAX;
            let shows = |seed| Some((seed, judged(seed, &deployment, Some(bug)).0.err()?));
            (bug, worlds.clone().find_map(shows))
        };
        bugs.iter().copied().skip(place).step_by(THREADS).map(find).collect::<Vec<_>>()
    });
    let mut missed = Vec::new();
    for (bug, found) in found.into_iter().flatten() {
        match found {
            Some((seed, why)) => {
                println!("{bug:?}: seed {seed}: {}", why.split("; ").next().unwrap_or_default());
            }
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "not found in {SEEDS_OF_A_BUG_MAX} worlds: {missed:?}");
}

/// The documents name every one of them, and no more.
#[test]
fn planted_bugs_are_told_as_they_are() {
    let told = include_str!("../../ARCHITECTURE.md").split("| planted bug |").nth(1).unwrap_or_default();
    let rows: Vec<&str> =
        told.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let names: Vec<String> = Planted::ALL.iter().map(|bug| format!("{bug:?}")).collect();
    assert_eq!(
        rows.get(..names.len()),
        Some(names.iter().map(String::as_str).collect::<Vec<_>>().as_slice())
    );
    let count = format!("; {} planted bugs are each found", names.len());
    assert!(include_str!("../../README.md").contains(&count), "README.md: {count}");
}

/// Nothing but the seed decides: no thread, no clock, no order of a map.
#[test]
fn a_seed_is_the_same_world_every_time() {
    let deployment = Rc::new(Deployment::new());
    for seed in 0..10 {
        let [once, again] = [(); 2].map(|()| simulate(seed, &deployment, None).0);
        let (once, again) = (once.broker.borrow(), again.broker.borrow());
        assert_eq!(once.facts, again.facts, "seed {seed}");
        assert_eq!(once.outputs, again.outputs, "seed {seed}");
    }
}
