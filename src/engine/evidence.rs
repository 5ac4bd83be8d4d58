//! Evidence: why a disposition was made, stored when it is made (DESIGN D30).

use std::sync::Arc;

use super::base::{Fingerprint, TimeMs, Token};
use super::disposition::DispositionId;
use super::measure::MeasureKind;
use super::notice::RuleName;
use super::purpose::Purpose;
use super::rule::Op;
use super::signal::Window;
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
    /// Of a signal made of two others, the longer of theirs; of the time since opening, none.
    pub window: Option<Window>,
    pub purpose: Purpose,
    /// Of data that serves another use than it was collected for: the number of the holder's authorisation
    /// under which it was read (S22). None if it was closed.
    pub authorisation: Option<Arc<str>>,
    /// Entries in the window, `ENTRIES_MAX` at most.
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
    /// Comparisons that hold inside of the `? :` of those above: the signs behind a sum of points.
    pub signs: Vec<ComparisonEvidence>,
    pub signals: Vec<SignalEvidence>,
    pub count: Option<CountEvidence>,
    /// Other rules that came near on the same event, at most `NEAR_MISSES_MAX`.
    pub near_misses: Vec<NearMiss>,
    /// What would clear it: each of these events alone, taken out, leaves the condition not certain.
    pub cleared_without: Vec<Fingerprint>,
    /// The protection that softened or waived the measure, and what the rule had asked for.
    pub softened: Option<Softened>,
    /// The rule's harm budget was spent, so the measure is the verification of its ladder (D28).
    pub braked: bool,
    /// The rule moved itself to shadow, so it only observes (D28).
    pub shadowed: bool,
    /// The measure that this one follows, whose verification was not passed (S14).
    pub follows: Option<DispositionId>,
    /// How a settlement differs from the payment's initiation (APL 19).
    pub settlement: Option<SettlementEvidence>,
    /// SHA-256 over all events in all windows named here, not only the listed ones.
    pub digest: [u8; 32],
    /// The smallest value-to-threshold ratio among the comparisons that held, in millionths.
    pub strength_millionths: u64,
}

/// A payment that was settled otherwise than it was asked for (APL 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementEvidence {
    /// The event that asked for it.
    pub initiated_by: Fingerprint,
    /// The other side is another.
    pub other_differs: bool,
    /// Minor units as asked for and as settled, if they differ.
    pub amounts: Option<(i64, i64)>,
}

/// A rule that did not fire on the event, although each of its comparisons came within a fifth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    pub rule: RuleName,
    /// The comparisons that did not hold, in order.
    pub missed: Vec<Missed>,
}

/// A comparison of a near miss, which did not hold for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    pub shown: ComparisonEvidence,
    /// Nobody could say whether it held, because the history behind its values was not yet complete (D16). So it may
    /// well hold by the numbers shown.
    pub uncertain: bool,
}

/// A measure that a protection met (D27).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Softened {
    pub by: RuleName,
    /// What the rule had asked for.
    pub asked: MeasureKind,
    /// Nothing is done to the person at all, instead of something milder.
    pub waived: bool,
    /// Numbers of the authorisations under which the protection read data of abnormal customers, in order of
    /// first mention of the signals, each once.
    pub authorisations: Vec<Arc<str>>,
}

/// A comparison that does not hold is near when its sides are within a fifth, in millionths.
pub const NEAR: i128 = 800_000;
/// At most this many rules are named as near misses.
pub const NEAR_MISSES_MAX: usize = 5;
/// At most this many events are listed in one disposition (D30).
pub const EVENTS_MAX: usize = 50;
/// Evidence is worked out from at most this many of the newest entries behind a value: what a firing costs
/// does not grow with how busy an account is.
pub const ENTRIES_MAX: usize = 1_000;
/// At most this many events are listed for one signal: first, last and the largest.
pub const EVENTS_PER_SIGNAL_MAX: usize = 8;
