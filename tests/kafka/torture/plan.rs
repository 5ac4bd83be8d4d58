//! What a seed stands for: which faults strike in a round, in which order, and what the round needs for them.

use std::fmt;

use super::faults::{self, Fault, Needs};
use crate::brokers::Brokers;
use crate::events::Dice;

const FAULTS_A_ROUND: usize = 3;

/// Where snapshots go in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    Folder,
    Bucket,
}

pub struct Plan {
    pub seed: u64,
    pub faults: Vec<&'static Fault>,
    pub store: Store,
    /// Processes run under a clock that can be made to jump, and time is the broker's.
    pub clock: bool,
    /// Decides everything else: whom a fault hits, for how long.
    pub dice: Dice,
    /// Given by name, not picked by the seed.
    named: bool,
}

impl Plan {
    /// Successive seeds begin with one fault after the other, so that all are met equally often.
    pub fn from_seed(seed: u64, nodes: usize) -> Plan {
        let mut dice = Dice::new(seed);
        let possible: Vec<&'static Fault> =
            faults::ALL.iter().filter(|fault| nodes >= fault.needs.nodes_min()).collect();
        let first = usize::try_from(seed).unwrap() % possible.len();
        let mut picked = vec![possible[first]];
        while picked.len() < FAULTS_A_ROUND {
            let next = possible[usize::try_from(dice.below(possible.len() as u64)).unwrap()];
            // A round has one store.
            if picked.iter().all(|other| {
                next.needs.store().is_none_or(|store| other.needs.store() != Some(store.other()))
            }) {
                picked.push(next);
            }
        }
        Plan::new(seed, picked, dice, false)
    }

    /// These faults, in this order.
    pub fn of(seed: u64, names: &[&str]) -> Plan {
        let nodes = Brokers::find().count();
        let fault = |name: &&str| {
            let found = faults::ALL.iter().find(|fault| fault.name == *name);
            let found = found.unwrap_or_else(|| panic!("there is no fault `{name}`"));
            assert!(nodes >= found.needs.nodes_min(), "`{name}` needs more brokers: KAFKA_NODES=3");
            found
        };
        Plan::new(seed, names.iter().map(fault).collect(), Dice::new(seed), true)
    }

    fn new(seed: u64, faults: Vec<&'static Fault>, mut dice: Dice, named: bool) -> Plan {
        let any = if dice.below(2) == 0 { Store::Folder } else { Store::Bucket };
        let store = faults.iter().find_map(|fault| fault.needs.store()).unwrap_or(any);
        let clock = faults.iter().any(|fault| fault.needs == Needs::Clock);
        Plan { seed, faults, store, clock, dice, named }
    }

    /// What to type to see this round again.
    pub fn replay(&self) -> String {
        let nodes = Brokers::find().count();
        let faults = if self.named { format!(" FAULTS={}", self.names()) } else { String::new() };
        format!("make torture SEED={} ROUNDS=1 NODES={nodes}{faults}", self.seed)
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.faults.iter().map(|fault| fault.name).collect();
        names.join(",")
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = if self.clock { ", a clock that jumps" } else { "" };
        write!(f, "seed {}: {} (snapshots in a {:?}{clock})", self.seed, self.names(), self.store)
    }
}

impl Store {
    fn other(self) -> Store {
        match self {
            Store::Folder => Store::Bucket,
            Store::Bucket => Store::Folder,
        }
    }
}
