//! What can be done to a deployment under load. A new fault is a function in one of these files and an
//! entry in `ALL`; seeds pick it from then on, and the table has a row for it.

mod brokers;
pub mod clock;
mod groups;
mod load;
mod processes;
mod snapshots;
mod transactions;

use super::plan::Store;
use super::scene::Scene;

pub struct Fault {
    pub name: &'static str,
    /// In the table.
    pub what: &'static str,
    /// What somebody who reads dispositions sees of it.
    pub seen: &'static str,
    pub needs: Needs,
    /// Strikes, and returns when the cause is gone.
    pub strike: fn(&mut Scene),
}

/// What a round must have for a fault to make sense.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// Snapshots in a folder.
    Folder,
    /// Snapshots in a bucket.
    Bucket,
    /// A clock that can be made to jump.
    Clock,
    /// Brokers that replicate.
    Replicas,
}

impl Needs {
    pub fn store(self) -> Option<Store> {
        match self {
            Needs::Folder => Some(Store::Folder),
            Needs::Bucket => Some(Store::Bucket),
            Needs::Nothing | Needs::Clock | Needs::Replicas => None,
        }
    }

    pub fn nodes_min(self) -> usize {
        if self == Needs::Replicas { 3 } else { 1 }
    }
}

const fn fault(name: &'static str, what: &'static str, seen: &'static str, strike: fn(&mut Scene)) -> Fault {
    Fault { name, what, seen, needs: Needs::Nothing, strike }
}

const fn needing(needs: Needs, fault: Fault) -> Fault {
    Fault { needs, ..fault }
}

/// Every fault there is.
pub const ALL: &[Fault] = &[
    fault(
        "worker-killed",
        "`kill -9` of a worker, started again at once",
        "its partitions pause",
        processes::worker_killed,
    ),
    fault(
        "worker-lost",
        "`kill -9` of a worker that stays away past the session time-out",
        "its partitions pause until another worker takes them",
        processes::worker_lost,
    ),
    fault(
        "intake-killed",
        "`kill -9` of intake, started again at once",
        "everything pauses, nothing is dropped",
        processes::intake_killed,
    ),
    fault(
        "feed-killed",
        "`kill -9` of the feed, started again at once",
        "nothing: what is there is decided",
        processes::feed_killed,
    ),
    fault(
        "worker-paused",
        "a worker stopped past the session time-out, then continued",
        "its partitions pause until another worker takes them; the one that wakes publishes nothing of them",
        processes::worker_paused,
    ),
    fault(
        "intake-paused",
        "intake stopped past the session time-out, then continued",
        "everything waits until intake is back",
        processes::intake_paused,
    ),
    fault(
        "rebalance-storm",
        "four workers and intakes come and go, some killed",
        "partitions pause in turn",
        groups::storm,
    ),
    fault(
        "broker-killed",
        "`kill -9` of a broker, started again at once",
        "its partitions pause",
        brokers::killed,
    ),
    fault(
        "broker-away",
        "`kill -9` of a broker, away longer than a delivery may take (6 s, 4 s)",
        "its partitions pause",
        brokers::away,
    ),
    fault(
        "broker-stopped",
        "a broker shut down in order, back after a moment",
        "its partitions pause",
        brokers::stopped,
    ),
    needing(
        Needs::Replicas,
        fault(
            "broker-left",
            "a broker shut down in order, away for 40 s",
            "its partitions pause until another broker leads them",
            brokers::left,
        ),
    ),
    needing(
        Needs::Replicas,
        fault(
            "all-brokers-killed",
            "`kill -9` of all three brokers at once",
            "everything pauses",
            brokers::all_killed,
        ),
    ),
    fault(
        "reader-hangs",
        "another application reads dispositions in a transaction and hangs in it",
        "nothing",
        transactions::reader_hangs,
    ),
    fault(
        "source-hangs",
        "a bank's producer hangs in a transaction on the source, until the broker ends it",
        "events behind it wait, as Kafka says they must",
        transactions::source_hangs,
    ),
    needing(
        Needs::Folder,
        fault(
            "disk-full",
            "no snapshot can be written, then a worker dies",
            "as a worker killed",
            snapshots::disk_full,
        ),
    ),
    needing(
        Needs::Bucket,
        fault(
            "store-refuses",
            "the object store answers 503, then a worker dies",
            "its partitions pause until the store is back",
            snapshots::store_refuses,
        ),
    ),
    needing(
        Needs::Bucket,
        fault(
            "store-hangs",
            "the object store takes requests and never answers",
            "nothing",
            snapshots::store_hangs,
        ),
    ),
    fault(
        "snapshot-damaged",
        "the newest snapshots of all partitions damaged or cut short, then a worker dies",
        "as a worker killed; it replays more",
        snapshots::damaged,
    ),
    needing(
        Needs::Clock,
        fault(
            "clock-jumps",
            "the clock of all processes jumps an hour ahead, then ten minutes back, then right",
            "nothing",
            clock::jumps,
        ),
    ),
    fault(
        "garbage",
        "1 % of records are garbage, at full load",
        "each is a dead letter; the others flow",
        load::garbage,
    ),
    fault("hot-key", "half of all payments go to one receiver, at twice the load", "nothing", load::hot_key),
    fault("burst", "ten times the load", "dispositions come later", load::burst),
];
