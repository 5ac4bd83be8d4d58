//! Facts in, committed outputs out, exactly once (DESIGN D9 to D14).
//!
//! * `driver` the deciding loop, and its invariants;
//! * `held` the partitions a worker holds: their threads, what they are behind with, what is kept;
//! * `kept` outputs whose commit is not known yet, and what an outcome does to them;
//! * `worker` the thread of one partition;
//! * `machine` one partition as a pure state machine from record bytes to output bytes;
//! * `snapshotter` takes snapshots beside deciding, `snapshot` stores them in a folder or a `bucket`,
//!   `restore` brings state back;
//! * `view` what is in force, for readers; `observe` what metrics hear.

pub mod bucket;
pub mod driver;
mod ending;
mod held;
mod kept;
pub mod machine;
pub mod observe;
mod restore;
pub mod snapshot;
mod snapshotter;
#[cfg(test)]
mod tests;
pub mod view;
pub mod worker;

use crate::log::LogError;

pub use snapshotter::CHANGES_MAX;

/// Why deciding stopped.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(
        "facts partition {0} was decided before, but its group has no committed offset: the group expired, another one is configured, or `rekey` has not finished these facts. Going on would publish everything again. Finish `rekey`, restore the group's offset from the last `decided` record, or start new facts with `rekey`"
    )]
    OffsetMissing(u32),
    #[error("facts partition {partition}: {error}")]
    Snapshot { partition: u32, error: snapshot::StoreError },
    #[error("facts partition {partition} stopped: {error}")]
    Partition { partition: u32, error: machine::MachineError },
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}
