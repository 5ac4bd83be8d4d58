//! Protections: what keeps somebody from the harder measure (S7, S14, DESIGN D27).

use super::readings::Readings;
use super::rules::{Asked, Scene};
use super::{Active, Partition};
use crate::engine::base::TimeMs;
use crate::engine::evidence::Softened;
use crate::engine::measure::MeasureKind;
use crate::engine::notice::RuleName;
use crate::engine::protection::{Protection, Softening};
use crate::engine::rule::{Rule, RuleOrigin};

/// From these semantics on all protections are asked, and for what only observes too; before, the first that holds
/// decided, and only for what acts (D13).
const ALL_ARE_ASKED: u32 = 3;

/// What protections are asked about: a measure, and the rule or limit in whose name it would be set.
#[derive(Clone, Copy)]
pub(super) struct Harder<'a> {
    pub measure: MeasureKind,
    pub rule: &'a str,
}

impl Partition {
    /// The protection that certainly holds and leaves the mildest of a measure; of equals the first by id.
    pub(super) fn protection_against<'a>(
        &mut self,
        harder: Harder<'_>,
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &'a Active,
        readings: &mut Readings,
    ) -> Option<&'a Protection> {
        let mut mildest: Option<&Protection> = None;
        for protection in &active.set.protections {
            let left = mildest.map_or(Softening::AtMost(harder.measure), |found| found.softening);
            let is_met = protection.meets(scene.party.subject.kind, harder.measure, harder.rule);
            if !is_met || !protection.softening.is_milder_than(left) {
                continue;
            }
            if self.holds(&protection.condition, scene, bound, active, readings) {
                mildest = Some(protection);
                if active.set.semantics < ALL_ARE_ASKED {
                    break;
                }
            }
        }
        mildest
    }

    /// Applies protections to what a rule asks for, whether it acts or only observes; false if it is waived (S7).
    pub(super) fn protect(
        &mut self,
        rule: &Rule,
        acts: bool,
        asked: &mut Asked,
        scene: &Scene<'_>,
        active: &Active,
        readings: &mut Readings,
    ) -> bool {
        let is_figure = matches!(rule.origin, RuleOrigin::Limit { .. }) && !rule.measure.denies();
        if is_figure || (!acts && active.set.semantics < ALL_ARE_ASKED) {
            return true;
        }
        let harder = Harder { measure: rule.measure, rule: &rule.id };
        let Some(protection) = self.protection_against(harder, scene, asked.bound, active, readings) else {
            return true;
        };
        let softened = self.softened_by(protection, rule.measure, scene, active);
        let waived = softened.waived;
        asked.finding.evidence.softened = Some(softened);
        if let Softening::AtMost(milder) = protection.softening {
            asked.measure = milder;
        }
        !waived
    }

    /// What evidence says of a protection that made a measure milder.
    pub(super) fn softened_by(
        &mut self,
        protection: &Protection,
        asked: MeasureKind,
        scene: &Scene<'_>,
        active: &Active,
    ) -> Softened {
        Softened {
            by: RuleName { id: protection.id.clone(), version: protection.version },
            asked,
            waived: protection.softening == Softening::Waive,
            authorisations: self.authorisations_of(&protection.condition, scene, active),
        }
    }
}
