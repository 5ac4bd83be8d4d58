//! The covering protocol (DESIGN D6, D7) in a model checker.
//!
//! Two intakes, two source partitions of four records, two destinations. Intakes read, flush at any
//! point, crash, take sources over from each other without the other noticing (a zombie goes on
//! writing), and may hold a wrong idea of when version 2 of the configuration begins. Packs are
//! delayed without limit, overtaken, lost and doubled. Intakes start from what decide has published,
//! which lags the logs. The verdicts are those of the engine itself: `Coverage::{admit, advance, announce}`.
//!
//! What is bounded: crashes and take-overs, copies, packs that are delayed at one time, records that
//! wait in a log (`Bounds`). A delay in flight and a wait in a log differ in two things only, the order
//! of what waits and whether an intake may have read a waiting announcement; so one search bounds the
//! log at nothing and lets packs fly, and the other the other way round. A third lets retention take records that
//! are not covered yet, which an operator's order then skips in one log after the other.

mod destination;
mod pieces;
mod symmetry;
mod system;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use pieces::{Bounds, Checks, Configuration};
use system::{CAN_FINISH, Covering, NEVER_OVER_GAP, NEVER_TWICE, NEVER_WRONG_VERSION};

/// Packs are delayed and doubled; decide applies what arrives.
const DELAYS: Bounds = Bounds {
    others: &[Configuration::Right, Configuration::Unaware, Configuration::Early],
    restarts: 1,
    copies: 1,
    flight: 1,
    log: 0,
    losses: false,
};
/// Packs arrive or are lost; decide lags behind its logs.
const LAG: Bounds =
    Bounds { others: &[Configuration::Unaware], restarts: 1, copies: 0, flight: 0, log: 1, losses: false };
/// Retention takes records before they are covered, and an operator says so, while packs are delayed.
const LOSSES: Bounds =
    Bounds { others: &[Configuration::Right], restarts: 1, copies: 0, flight: 1, log: 0, losses: true };

/// Set by `make model`: search every state within the bounds. Without it a search stops after
/// `STATES_MAX` states, so that an unoptimised build is done in a minute.
const EXHAUSTIVE: &str = "DUECOURSE_MODEL_EXHAUSTIVE";
const STATES_MAX: usize = 2_000_000;

/// Searches states within the bounds, up to renumbering, and demands every property of each.
fn search(name: &str, bounds: Bounds, states_min: usize) {
    let model = Covering { bounds, checks: Checks::ALL };
    let exhaustive = std::env::var_os(EXHAUSTIVE).is_some();
    let mut builder = model.checker().threads(2).symmetry();
    if !exhaustive {
        builder = builder.target_state_count(STATES_MAX);
    }
    let states_min = if exhaustive { states_min } else { 50_000 };
    let checker = builder.spawn_dfs().join();
    println!(
        "covering protocol, {name}{}: {} distinct states up to renumbering, {} generated, longest path {}; {bounds:?}",
        if exhaustive { ", exhaustive" } else { ", bounded search" },
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
    );
    if exhaustive {
        checker.assert_properties();
    } else {
        // What must never be is not met so far; what must be reachable takes the whole search.
        for property in [NEVER_TWICE, NEVER_OVER_GAP, NEVER_WRONG_VERSION] {
            checker.assert_no_discovery(property);
        }
    }
    // A model that stopped moving would satisfy every `always`.
    assert!(checker.unique_state_count() >= states_min);
}

#[test]
fn facts_are_applied_exactly_once_whatever_is_delayed_doubled_or_lost() {
    search("delays", DELAYS, 2_000_000);
}

#[test]
fn facts_are_applied_exactly_once_while_decide_lags_behind_its_logs() {
    search("lag", LAG, 1_000_000);
}

#[test]
fn what_is_lost_is_passed_over_by_an_order_alone_and_all_else_applied_exactly_once() {
    search("losses", LOSSES, 1_000_000);
}

#[test]
fn without_the_order_to_skip_nothing_goes_on_behind_a_loss() {
    fails_within(LOSSES, Checks { skip: false, ..Checks::ALL }, CAN_FINISH);
}

/// Demands that without one of the checks a property does not hold, and prints the shortest way there.
fn fails(checks: Checks, property: &'static str) {
    fails_within(DELAYS, checks, property);
}

fn fails_within(bounds: Bounds, checks: Checks, property: &'static str) {
    let model = Covering { bounds, checks };
    let found = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    let checker = model.checker().finish_when(found).spawn_bfs().join();
    let counterexample = checker.discovery(property);
    let path =
        counterexample.unwrap_or_else(|| panic!("`{property}` holds although a check is out: {checks:?}"));
    println!("without the check, not \"{property}\": {:?}", path.into_actions());
}

#[test]
fn without_the_covered_check_a_fact_is_applied_twice() {
    fails(Checks { covered: false, ..Checks::ALL }, NEVER_TWICE);
}

#[test]
fn without_the_gap_check_a_fact_is_skipped() {
    fails(Checks { gap: false, ..Checks::ALL }, NEVER_OVER_GAP);
}

#[test]
fn without_the_version_check_a_fact_of_a_wrong_version_is_applied() {
    fails(Checks { version: false, ..Checks::ALL }, NEVER_WRONG_VERSION);
}

#[test]
fn a_version_that_begins_before_it_is_announced_everywhere_is_not_safe() {
    fails(Checks { announced_before_start: false, ..Checks::ALL }, NEVER_WRONG_VERSION);
}

#[test]
fn an_intake_that_starts_beyond_the_lowest_covered_offset_leaves_a_gap_for_ever() {
    fails(Checks { lowest_start: false, ..Checks::ALL }, CAN_FINISH);
}
