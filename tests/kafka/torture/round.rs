//! One round: load, faults one after the other, an end to the load, and the count.

use std::time::{Duration, Instant};

use super::faults::Fault;
use super::plan::Plan;
use super::scene::Scene;
use super::table::{Outcome, Struck};

/// Load before the first fault and between faults, so that there is something to lose.
const LOAD_BETWEEN: Duration = Duration::from_secs(4);
/// So long at most a fault waits for something of each kind to be in flight.
const RICH_WITHIN_MAX: Duration = Duration::from_secs(30);
/// Much longer than anything that recovers needs, on a machine that does much else.
const FLOWS_WITHIN_MAX: Duration = Duration::from_secs(240);

/// # Panics
/// When something is lost, doubled or decided otherwise, or does not come back. The folder with all
/// logs is kept then.
pub fn run(mut plan: Plan) -> Outcome {
    let began = Instant::now();
    let faults = std::mem::take(&mut plan.faults);
    let mut scene = Scene::start(plan);
    scene.await_that(FLOWS_WITHIN_MAX, "dispositions flow at first", |scene| {
        scene.flow.has_flowed_since(began)
    });
    let struck = faults.into_iter().map(|fault| strike(&mut scene, fault)).collect();
    let written = scene.finish();
    let counts = scene.verify();
    scene.flow.end();
    let restarts = scene.restarts;
    println!("  {:.0} s: {counts}, {restarts} ended by themselves", began.elapsed().as_secs_f64());
    let count = |name: &str| counts[name].as_u64().unwrap_or_else(|| panic!("verify does not say {name}"));
    // Nothing was skipped here, and no source has lost anything: then each input can be counted again.
    for nothing in ["lost", "doubled", "mismatched", "skipped", "unrecounted"] {
        assert_eq!(count(nothing), 0, "{nothing}");
    }
    let inputs = scene.rows() + scene.events_beside(written);
    assert_eq!(count("inputs"), inputs, "each row fed once, and each event beside them");
    assert_eq!(count("covered"), inputs, "each of them decided");
    assert!(count("dispositions") > 0, "a round without dispositions shows nothing");
    let settled = scene.settled();
    println!("  {written} events beside the rows: {settled:?}");
    scene.forget();
    Outcome { inputs: count("inputs"), dispositions: count("dispositions"), restarts, settled, struck }
}

fn strike(scene: &mut Scene, fault: &'static Fault) -> Struck {
    scene.pass(LOAD_BETWEEN);
    // Where time is the broker's what the rows say is long past, and orders are over as they come.
    let until = Instant::now() + RICH_WITHIN_MAX;
    while !scene.cases.in_flight().is_rich() && Instant::now() < until {
        scene.pass(Duration::from_millis(200));
    }
    let in_flight = scene.cases.in_flight();
    let began = Instant::now();
    (fault.strike)(scene);
    let gone = Instant::now();
    let ends = scene.flow.source_ends();
    scene.await_that(FLOWS_WITHIN_MAX, "dispositions flow again", |scene| scene.flow.has_flowed_since(gone));
    let silence = scene.flow.longest_silence(began, Instant::now());
    scene.await_that(FLOWS_WITHIN_MAX, "what came meanwhile is decided", |scene| {
        scene.flow.has_covered(&ends)
    });
    let caught_up = gone.elapsed();
    let [orders, appeals, verifications, leads, authorisations] = in_flight.counts();
    println!(
        "  {}: {orders} orders, {appeals} appeals, {verifications} verifications, {leads} leads, {authorisations} authorisations in flight; struck for {:.1} s, longest silence {:.1} s, caught up after {:.1} s",
        fault.name,
        (gone - began).as_secs_f64(),
        silence.as_secs_f64(),
        caught_up.as_secs_f64()
    );
    Struck { fault: fault.name, lasted: gone - began, silence, caught_up, in_flight }
}
