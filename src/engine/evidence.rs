//! Evidence: why a disposition was made, stored when it is made (DESIGN D30).

use super::base::{Fingerprint, SpanMs, TimeMs, Token};
use super::purpose::Purpose;
use super::rule::Op;
use super::subject::SubjectKind;

/// One event behind a signal's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRef {
    pub event: Fingerprint,
    pub at: TimeMs,
    /// Minor units; 0 when the event has no amount.
    pub amount: i64,
}

/// The value of one signal at decision time, and the events it was counted from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalEvidence {
    pub name: String,
    pub subject: SubjectKind,
    /// For a signal of another subject, told by a report: that subject's token.
    pub reported_of: Option<Token>,
    pub value: i64,
    /// True when history reaching back a full window had not been seen (D16).
    pub cold: bool,
    pub window: SpanMs,
    pub purpose: Purpose,
    /// Entries in the window.
    pub events_count: u64,
    /// The first, the last and the largest events, in that order and without repeats, at most
    /// `EVENTS_MAX` in one disposition.
    pub events: Vec<EventRef>,
}

/// A comparison that held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparisonEvidence {
    /// As written in the rule, from names and numbers.
    pub text: String,
    pub left: i128,
    pub op: Op,
    pub right: i128,
}

/// What a limit counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountEvidence {
    /// Holdings that are open, stated or reserved, at the time of the request.
    pub held: u32,
    /// Held elsewhere, from the lawful platform; `None` when it was not needed or did not answer.
    pub elsewhere: Option<u32>,
    pub count_max: u32,
}

/// Everything a disposition was decided on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    pub comparisons: Vec<ComparisonEvidence>,
    pub signals: Vec<SignalEvidence>,
    pub count: Option<CountEvidence>,
    /// SHA-256 over all events in all windows named here, not only the listed ones.
    pub digest: [u8; 32],
    /// The smallest value-to-threshold ratio among the comparisons that held, in millionths.
    pub strength_millionths: u64,
}

/// At most this many events are listed in one disposition (D30).
pub const EVENTS_MAX: usize = 50;
/// At most this many events are listed for one signal: first, last and the largest.
pub const EVENTS_PER_SIGNAL_MAX: usize = 8;
