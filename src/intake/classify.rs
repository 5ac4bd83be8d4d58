//! Placeholder until the contracts branch is merged.
use super::refusal::Refusal;
use crate::engine::base::{Fingerprint, TimeMs};
use crate::engine::fact::Fact;

/// Which facts partitions a fact goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Partition(u32),
    All,
}
pub struct SourceRecord<'a> {
    pub bytes: &'a [u8],
    pub headers: &'a [(&'a str, &'a [u8])],
    pub timestamp: TimeMs,
}
pub struct Classified {
    pub event_id: String,
    pub event: Fingerprint,
    pub at: TimeMs,
    pub facts: Vec<(Destination, Fact)>,
    pub undeclared: Vec<String>,
}
pub struct Classifier;
impl Classifier {
    pub fn classify(&mut self, _r: &SourceRecord<'_>) -> Result<Classified, Refusal> {
        Err(Refusal::from(super::refusal::RefusalCode::RecordEmpty))
    }
}
