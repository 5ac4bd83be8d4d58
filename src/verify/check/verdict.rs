//! What a verification says.

use serde::Serialize;

/// What came out. The field names are part of the outside contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Input records, refused ones too.
    pub inputs: u64,
    /// Inputs that every facts partition has covered.
    pub covered: u64,
    /// Inputs that some partition has not covered, or whose facts are missing or differ.
    pub lost: u64,
    /// Inputs with a fact applied more often than it should be, or that should not be there.
    pub doubled: u64,
    /// Published dispositions.
    pub dispositions: u64,
    /// Outputs, refusals and reports that are not the recomputed ones.
    pub mismatched: u64,
    /// The first few differences, for people: places, never content.
    #[serde(skip)]
    pub details: Vec<String>,
}

impl Verdict {
    /// Nothing lost, nothing doubled, nothing different.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.mismatched == 0
    }

    pub(super) fn detail(&mut self, detail: impl FnOnce() -> String) {
        if self.details.len() < DETAILS_MAX {
            self.details.push(detail());
        }
    }
}

const DETAILS_MAX: usize = 20;
