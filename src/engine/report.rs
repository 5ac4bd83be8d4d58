//! Reports: what one subject's partition tells another's (DESIGN D3).

use std::sync::Arc;

use super::base::{Fingerprint, Money, TimeMs, Token};
use super::state::RuleCount;
use super::subject::{Party, Subject};

/// Where in its origin's facts partition a report was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportPos {
    /// Offset of the facts record that caused it.
    pub offset: u64,
    /// Its place among the reports that record caused, over all destinations.
    pub ordinal: u32,
}

/// A report on its way. A receiver skips what it has and treats a missing predecessor as a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub origin: u32,
    pub destination: u32,
    pub pos: ReportPos,
    /// The report before this one from the same origin to the same destination.
    pub previous: Option<ReportPos>,
    pub body: ReportBody,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportBody {
    /// Kinds (i) and (ii): a declared signal of `about` stands at or above its level.
    Standing(Standing),
    /// The signal fell earlier than was said, because an event behind it was corrected.
    Fallen { signal: Arc<str>, about: Subject, holder: Token, event: Fingerprint, at: TimeMs },
    /// Kind (iii), first leg: what a rule did in the origin so far.
    RuleCounted { rule: Arc<str>, count: RuleCount },
    /// Kind (iii), second leg: the rule's own partition tells all what they add up to.
    RuleTotalled { rule: Arc<str>, count: RuleCount },
}

/// A signal of another subject that a holder is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub signal: Arc<str>,
    pub about: Subject,
    /// The receiver.
    pub holder: Token,
    /// What of the holder's the rule may act on: the account, card or opening that met `about`.
    pub target: Party,
    pub value: u64,
    /// The signal stays at its level until then if nothing more happens.
    pub until: TimeMs,
    /// The event that caused the report, and its time.
    pub event: Fingerprint,
    pub at: TimeMs,
    /// True for the reply to the holder whose own event this is, false for a crossing.
    pub reply: bool,
    /// Of a reply: the amount of that event, if it has one.
    pub amount: Option<Money>,
    /// Of a crossing: holders beyond the first 64, who were counted and not told.
    pub untold_count: u32,
}

impl Standing {
    /// Whether it is known and holds at a time.
    #[must_use]
    pub fn holds_at(&self, at: TimeMs) -> bool {
        self.at <= at && at < self.until
    }
}

/// A crossing is told to at most this many holders, last seen first (D3).
pub const CROSSING_RECEIVERS_MAX: usize = 64;
