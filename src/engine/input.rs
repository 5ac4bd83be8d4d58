//! What a facts partition holds, record by record, and what applying it gives.

use super::base::{Fingerprint, TimeMs};
use super::cover::{ConfigVersion, Range, Skip};
use super::disposition::{Disposition, Observation};
use super::fact::Fact;
use super::invariant::Invariant;
use super::lead::LeadNews;
use super::report::Report;
use super::state::RuleShadowed;

/// One record of a facts partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactsRecord {
    Facts(FactsPack),
    Reports(Vec<Report>),
    /// A new version of the intake configuration begins at a time in the future (D6).
    VersionAnnounced(ConfigVersion),
    /// A range of a source is lost, and deciding goes on without it (D8).
    SourceSkipped(Skip),
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
    /// A rule moved itself to shadow, from the rule's own partition (D28).
    RuleShadowed(Box<RuleShadowed>),
    /// What is referred to an authority, or would have been (S23). It restricts nobody.
    Lead(Box<LeadNews>),
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
    /// An order to hold that had ended when it was read.
    HoldOver,
    /// The release of an order to hold that is not known of this holder, or has ended.
    HoldUnknown,
    /// An appeal against this measure is open, or lies with the authority.
    AppealOpen,
    /// It was decided, and nothing is brought that was not decided on.
    AppealNoNewEvidence,
    /// Nothing follows on it in the state that the appeal is in.
    AppealStepUnknown,
    /// The measure is an authority's: we cannot decide about it.
    AppealNotOurs,
    /// Who decides is who set or confirmed the measure, or is not named where a person did.
    AppealDeciderIsSetter,
    /// The rule set has no such reason for an answer.
    AppealReasonUnknown,
    /// What is to take its place is no milder measure of the same ladder, or the measure has ended.
    HumanDecisionNotMilder,
    /// No measure of this holder has that id, or its time to appeal has passed.
    MeasureUnknown,
    /// Nothing follows on this event where the measure is in its life, or it has ended.
    MeasureStepUnknown,
    /// This method of verification is not enough for the measure's risk.
    VerificationMethodWeak,
    /// Nothing is known of the payment that was settled.
    SettlementUnknown,
    /// An order or entry, and the active rule set has no table of their life.
    OrdersNotConfigured,
    /// An authorisation of that number was granted before.
    AuthorisationKnown,
    /// An authorisation that was revoked before.
    AuthorisationOver,
    /// No lead about this subject has that reference, or it is forgotten.
    LeadUnknown,
    /// The lead was answered before, or nothing follows where it is in its life.
    LeadSettled,
}

impl UnmatchedReason {
    pub const ALL: [UnmatchedReason; 22] = [
        UnmatchedReason::AppealUnknown,
        UnmatchedReason::AppealSettled,
        UnmatchedReason::RulesNotNewer,
        UnmatchedReason::HoldingClosed,
        UnmatchedReason::AppealOpen,
        UnmatchedReason::AppealNoNewEvidence,
        UnmatchedReason::AppealStepUnknown,
        UnmatchedReason::AppealNotOurs,
        UnmatchedReason::AppealDeciderIsSetter,
        UnmatchedReason::AppealReasonUnknown,
        UnmatchedReason::HumanDecisionNotMilder,
        UnmatchedReason::MeasureUnknown,
        UnmatchedReason::MeasureStepUnknown,
        UnmatchedReason::VerificationMethodWeak,
        UnmatchedReason::SettlementUnknown,
        UnmatchedReason::HoldOver,
        UnmatchedReason::HoldUnknown,
        UnmatchedReason::OrdersNotConfigured,
        UnmatchedReason::AuthorisationKnown,
        UnmatchedReason::AuthorisationOver,
        UnmatchedReason::LeadUnknown,
        UnmatchedReason::LeadSettled,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UnmatchedReason::AppealUnknown => "appeal_unknown",
            UnmatchedReason::AppealSettled => "appeal_settled",
            UnmatchedReason::RulesNotNewer => "rules_not_newer",
            UnmatchedReason::HoldingClosed => "holding_closed",
            UnmatchedReason::AppealOpen => "appeal_open",
            UnmatchedReason::AppealNoNewEvidence => "appeal_no_new_evidence",
            UnmatchedReason::AppealStepUnknown => "appeal_step_unknown",
            UnmatchedReason::AppealNotOurs => "appeal_not_ours",
            UnmatchedReason::AppealDeciderIsSetter => "appeal_decider_is_setter",
            UnmatchedReason::AppealReasonUnknown => "appeal_reason_unknown",
            UnmatchedReason::HumanDecisionNotMilder => "human_decision_not_milder",
            UnmatchedReason::MeasureUnknown => "measure_unknown",
            UnmatchedReason::MeasureStepUnknown => "measure_step_unknown",
            UnmatchedReason::VerificationMethodWeak => "verification_method_weak",
            UnmatchedReason::SettlementUnknown => "settlement_unknown",
            UnmatchedReason::HoldOver => "hold_over",
            UnmatchedReason::HoldUnknown => "hold_unknown",
            UnmatchedReason::OrdersNotConfigured => "orders_not_configured",
            UnmatchedReason::AuthorisationKnown => "authorisation_known",
            UnmatchedReason::AuthorisationOver => "authorisation_over",
            UnmatchedReason::LeadUnknown => "lead_unknown",
            UnmatchedReason::LeadSettled => "lead_settled",
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
    /// Lost ranges that were passed over, by an operator's word.
    pub ranges_skipped: u64,
    pub reports_applied: u64,
    pub reports_stale: u64,
    pub reports_gap: u64,
    pub timers_fired: u64,
    /// Promises that were broken, by `Invariant::ALL`; anything but zero is a defect.
    pub broken: [u64; Invariant::ALL.len()],
}

impl Tally {
    pub fn breaks(&mut self, invariant: Invariant) {
        if let Some(count) = self.broken.get_mut(invariant as usize) {
            *count += 1;
        }
    }
}

/// How partition time moves (D9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeMode {
    /// Record timestamps set by the broker; idle sources move by read-through times.
    Broker,
    /// Files and back-fill: the largest accepted event time so far, and nothing else.
    Event,
}
