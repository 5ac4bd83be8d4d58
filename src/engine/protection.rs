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

impl Softening {
    /// Whether this leaves less of one and the same measure than `other` does.
    #[must_use]
    pub fn is_milder_than(self, other: Softening) -> bool {
        match (self, other) {
            (_, Softening::Waive) => false,
            (Softening::Waive, Softening::AtMost(_)) => true,
            (Softening::AtMost(own), Softening::AtMost(its)) => own.is_milder_than(its),
        }
    }

    /// Whether it would change what is asked for.
    #[must_use]
    pub fn changes(self, asked: MeasureKind) -> bool {
        self.is_milder_than(Softening::AtMost(asked))
    }
}

/// A declared protection. Those of a rule set are in the order of their ids; of those that certainly hold, the
/// one that leaves the person the mildest measure is applied, so that a further one can only soften.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    pub id: String,
    pub version: u32,
    pub title: Bilingual,
    /// The kind of party it protects.
    pub subject: SubjectKind,
    /// The measures that it meets.
    pub measures: Vec<MeasureKind>,
    /// The rules and limits that it meets; all, if none is named.
    pub rules: Vec<String>,
    pub condition: Condition,
    pub softening: Softening,
    pub basis: String,
}

impl Protection {
    /// Whether it is asked about a measure of a rule or limit on a kind of party.
    #[must_use]
    pub fn meets(&self, party: SubjectKind, measure: MeasureKind, rule: &str) -> bool {
        let is_meant = self.rules.is_empty() || self.rules.iter().any(|named| named == rule);
        is_meant && self.subject == party && self.measures.contains(&measure)
    }
}
