//! Rules: a condition over signals, and the measure it asks for.

use super::base::{Bilingual, SpanMs, TimeMs};
pub use super::condition::{Condition, Interval, Op, ReadSignal, Term};
use super::measure::{Lane, MeasureKind};
use super::purpose::Purpose;
use super::state::RuleCount;
use super::subject::SubjectKind;
use super::verifying::Risk;

/// Rules that ship disabled, observe, or act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleStatus {
    Enforced,
    /// Its output is another type on another topic and cannot act (D28).
    Shadow,
    Off,
}

/// Measured precision that a rule ships with; without it the rule runs in shadow (D28, APL 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrecisionRecord {
    pub data: String,
    /// ISO date of the measurement.
    pub date: String,
    /// True alerts per thousand alerts.
    pub per_mille: u32,
}

/// What a rule is evaluated on: an event that feeds the subject, or a report about another subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    Feed(super::fact::Feed),
    /// A report of this signal (its number in `RuleSet::signals`).
    Report(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    pub version: u32,
    pub title: Bilingual,
    pub status: RuleStatus,
    /// Kind of party the rule is about; its measure acts on that party (or on its transfer).
    pub subject: SubjectKind,
    pub triggers: Vec<Trigger>,
    pub condition: Condition,
    pub measure: MeasureKind,
    /// How long the measure lasts; every measure ends (D26).
    pub measure_for: SpanMs,
    pub purpose: Purpose,
    pub basis: String,
    /// Key into the table of disclosable reasons.
    pub reason: String,
    pub origin: RuleOrigin,
    /// Restricted person-hours that its measures may cost; beyond them they fall back to verification.
    pub harm_budget: Option<HarmBudget>,
    /// It grades how somebody is verified, and what follows when they were not.
    pub risk: Risk,
    /// How often it may be wrong before it moves itself to shadow; none: it does not watch itself.
    pub quality: Option<Quality>,
}

/// Bounds of a rule's quality (D28): a policy of the institution, no figure of a law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// Measures overturned, of a thousand.
    pub overturned_per_mille_max: u32,
    /// Measures whose verification was passed, of a thousand.
    pub verified_per_mille_max: u32,
    /// With fewer measures nothing is concluded.
    pub measures_min: u32,
}

impl Quality {
    /// Whether what a rule did lies beyond a bound. At the bound it does not.
    #[must_use]
    pub fn is_passed_by(self, count: &RuleCount) -> bool {
        let beyond =
            |wrong: u64, max: u32| u128::from(wrong) * 1_000 > u128::from(count.measures) * u128::from(max);
        count.measures >= u64::from(self.measures_min)
            && (beyond(count.overruled, self.overturned_per_mille_max)
                || beyond(count.verified, self.verified_per_mille_max))
    }
}

/// What a rule rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleOrigin {
    /// Observation: it acts only with a record of measured precision (D28).
    Measured(Option<PrecisionRecord>),
    /// A dated figure of a law or notice about what may go through an account or card: it needs no
    /// record, acts in the lane of limits, and only while it is in force.
    Limit { effective_from: TimeMs, effective_to: Option<TimeMs> },
}

/// Harm that a rule may do in one interval, over all partitions (D28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HarmBudget {
    /// Whole hours for which its measures of one interval may stand, added up over persons.
    pub hours_max: u32,
    /// Intervals are counted from 1970-01-01T00:00:00Z.
    pub per: SpanMs,
}

impl Rule {
    /// Whether it is in force for an event of that time.
    #[must_use]
    pub fn is_in_force(&self, at: TimeMs) -> bool {
        match self.origin {
            RuleOrigin::Measured(_) => true,
            RuleOrigin::Limit { effective_from, effective_to } => {
                effective_from <= at && effective_to.is_none_or(|to| at < to)
            }
        }
    }

    /// Whether it may act rather than only observe.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.status == RuleStatus::Enforced && !matches!(self.origin, RuleOrigin::Measured(None))
    }

    #[must_use]
    pub fn lane(&self) -> Lane {
        match self.origin {
            RuleOrigin::Measured(_) => self.measure.lane(),
            RuleOrigin::Limit { .. } => Lane::Limit,
        }
    }
}
