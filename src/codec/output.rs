//! What leaves: topics, and effects as the JSON records that go to them.

/// The topics that duecourse writes, besides its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Dispositions,
    Notices,
    /// Compacted: what is in force, keyed by disposition id; an ended measure is a null value.
    Measures,
    /// Progress per facts partition and source partition; compacted, keyed by facts partition.
    Decided,
    Shadow,
    DeadLetters,
}

/// One record for an output topic. `value` is `None` for a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutRecord {
    pub topic: Topic,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}
