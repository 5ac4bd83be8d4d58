//! Protections: what is carved out before any measure is set (DESIGN D27, law.md A2, A10, J5).
//!
//! A protection may only soften: its data carry the purpose `protection`, and the only thing that a
//! condition of one can do is to replace a measure by a milder one, or to leave the person alone.

use super::base::Bilingual;
use super::measure::MeasureKind;
use super::rule::Condition;
use super::subject::SubjectKind;

/// What becomes of a measure that a protection meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Softening {
    /// Nothing is done to the person; the firing is observed.
    Waive,
    /// The measure is this one, if that is milder.
    AtMost(MeasureKind),
}

/// A declared protection. Those of a rule set are in the order of their ids, and the first that
/// certainly holds is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    pub id: String,
    pub version: u32,
    pub title: Bilingual,
    /// The kind of party it protects.
    pub subject: SubjectKind,
    /// The measures that it meets.
    pub measures: Vec<MeasureKind>,
    pub condition: Condition,
    pub softening: Softening,
    pub basis: String,
}
