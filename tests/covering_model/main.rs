//! The covering protocol (DESIGN D6, D7) in a model checker.
//!
//! Two intakes, two source partitions of four records, two destinations. Intakes read, flush at any
//! point, crash, take sources over from each other without the other noticing, and may hold a wrong
//! idea of when version 2 of the configuration begins. Packs are delayed without limit, reordered,
//! lost and doubled. Decide lags behind the logs, and intakes start from what it has published.
//! The verdicts are those of the engine itself: `Coverage::{admit, advance, announce}`.

mod destination;
mod pieces;
mod symmetry;
mod system;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use pieces::{Bounds, Checks};
use system::{
    ALL_APPLIED, CAN_FINISH, Covering, GAP_MET, NEVER_OVER_GAP, NEVER_TWICE, NEVER_WRONG_VERSION, STALE_MET,
    WRONG_VERSION_MET,
};

/// What the exhaustive search covers.
const EXHAUSTIVE: Bounds = Bounds { restarts: 1, copies: 1, flight: 2, log: 1 };

#[test]
fn every_fact_is_applied_exactly_once_in_order_under_the_right_version() {
    let model = Covering { bounds: EXHAUSTIVE, checks: Checks::ALL };
    let checker = model.checker().threads(2).symmetry().spawn_dfs().join();
    println!(
        "covering protocol: {} distinct states ({} generated, up to renumbering), longest path {}, bounds {EXHAUSTIVE:?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
    );
    checker.assert_properties();
}

#[test]
fn explore() {
    for (restarts, copies, flight, log) in [(1, 0, 1, 0), (1, 1, 1, 0), (0, 1, 2, 0), (1, 0, 1, 1)] {
        let b = Bounds { restarts, copies, flight, log };
        let t = std::time::Instant::now();
        let checker = Covering { bounds: b, checks: Checks::ALL }
            .checker()
            .threads(2)
            .symmetry()
            .timeout(std::time::Duration::from_secs(400))
            .spawn_dfs()
            .join();
        println!(
            "{b:?} {} / {} depth {} {:?} done {}",
            checker.unique_state_count(),
            checker.state_count(),
            checker.max_depth(),
            t.elapsed(),
            checker.is_done()
        );
        for (n, _) in checker.discoveries() {
            println!("   {n}");
        }
    }
}
