//! What a facts partition holds, record by record, and what applying it gives.

use super::base::{Fingerprint, TimeMs};
use super::cover::{ConfigVersion, Range};
use super::disposition::{Disposition, Observation};
use super::fact::Fact;
use super::report::Report;

/// One record of a facts partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactsRecord {
    Facts(FactsPack),
    Reports(Vec<Report>),
    /// A new version of the intake configuration begins at a time in the future (D6).
    VersionAnnounced(ConfigVersion),
}

/// Facts of several sources for one destination, with the source ranges they cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactsPack {
    /// Version of the intake configuration that made this pack.
    pub version: u32,
    pub ranges: Vec<Range>,
    pub facts: Vec<PackedFact>,
}

/// A fact and where it came from. Facts of one source record stand together, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedFact {
    /// Place of its source in `FactsPack::ranges`.
    pub range: u16,
    pub offset: i64,
    /// Place among the facts of its event: payer, payee, then the others in mapping order.
    pub ordinal: u16,
    /// The record's timestamp in broker time (event time under `time = event`).
    pub time: TimeMs,
    pub fact: Fact,
}

/// What applying one facts record gives, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A disposition, its notice and its entry among the measures in force: one effect, one transaction.
    Disposed(Box<Disposition>),
    /// What would have been done: goes to `shadow` and nowhere else.
    Observed(Box<Observation>),
    /// An event that refers to something this partition does not have. Goes to `dead-letters`.
    Unmatched { event: Fingerprint, reason: UnmatchedReason },
    /// A report for another partition. Those for the own partition are applied and not seen here.
    Reported(Box<Report>),
}

/// Why an accepted event could not be matched to anything when it was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnmatchedReason {
    /// No measure of this holder has that appeal reference, or its time to appeal has passed.
    AppealUnknown,
    /// The appeal was decided for the person before; nothing is left to lift.
    AppealSettled,
    /// A rule set whose version is not above the active one's, without a rollback reason.
    RulesNotNewer,
    /// The account or card was closed before that time.
    HoldingClosed,
    /// An order or entry, and the active rule set has no table of their life.
    OrdersNotConfigured,
    /// An appeal against an authority's measure was decided by somebody else: the authority releases it.
    AppealNotOurs,
}

impl UnmatchedReason {
    pub const ALL: [UnmatchedReason; 6] = [
        UnmatchedReason::AppealUnknown,
        UnmatchedReason::AppealSettled,
        UnmatchedReason::RulesNotNewer,
        UnmatchedReason::HoldingClosed,
        UnmatchedReason::OrdersNotConfigured,
        UnmatchedReason::AppealNotOurs,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UnmatchedReason::AppealUnknown => "appeal_unknown",
            UnmatchedReason::AppealSettled => "appeal_settled",
            UnmatchedReason::RulesNotNewer => "rules_not_newer",
            UnmatchedReason::HoldingClosed => "holding_closed",
            UnmatchedReason::OrdersNotConfigured => "orders_not_configured",
            UnmatchedReason::AppealNotOurs => "appeal_not_ours",
        }
    }
}

/// How many things of which kind happened while applying; for metrics, never for decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub facts_applied: u64,
    pub facts_duplicate: u64,
    pub facts_late: u64,
    pub ranges_stale: u64,
    pub ranges_gap: u64,
    pub ranges_wrong_version: u64,
    pub reports_applied: u64,
    pub reports_stale: u64,
    pub reports_gap: u64,
    pub timers_fired: u64,
}

/// How partition time moves (D9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeMode {
    /// Record timestamps set by the broker; idle sources move by read-through times.
    Broker,
    /// Files and back-fill: the largest accepted event time so far, and nothing else.
    Event,
}
