//! Placeholder until the contracts branch is merged.

/// Which facts partitions a fact goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Partition(u32),
    All,
}
