//! What follows a measure: whether it may be set, what softens it, and setting it (S14).

use sha2::{Digest, Sha256};

use crate::engine::attributes::Attributes;
use crate::engine::base::{SpanMs, TimeMs, Token};
use crate::engine::disposition::HeldBack;
use crate::engine::evidence::{Evidence, Softened};
use crate::engine::measure::Measure;
use crate::engine::protection::Softening;
use crate::engine::rule::RuleStatus;
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::Party;

use super::conditions::Sight;
use super::measures::{Asked, Held, Name};
use super::retention::Class;
use super::rules::{Case, Softens, mildest};
use super::values::{Asker, Reading};
use super::{Cause, Plain, PlainError};

impl Plain {
    /// What may be set after a measure: as asked, softened, or nothing, and why.
    pub(super) fn may_follow(
        &self,
        rules: &RuleSet,
        held: &Held,
        measure: Measure,
        cause: Cause,
    ) -> Result<(Measure, Option<Softened>), HeldBack> {
        let head = held.set.head();
        let rule = rules.rules.iter().find(|rule| rule.id == head.rule.id);
        let acts = match rule {
            Some(rule) => {
                let is_measured = !matches!(rule.origin, crate::engine::rule::RuleOrigin::Measured(None));
                rule.status == RuleStatus::Enforced && is_measured
            }
            None => head.rule.id == "settlement-inconsistent",
        };
        if !acts {
            return Err(HeldBack::RuleSilent);
        }
        if held.proceeding.as_ref().is_some_and(|proceeding| proceeding.awaits_human) {
            return Err(HeldBack::AwaitsHuman);
        }
        let lifted = self.overrides.get(&(head.rule.id.clone(), head.party.subject));
        let lifted = lifted.filter(|lifted| lifted.until > self.horizon(Class::Overrides));
        if lifted.is_some_and(|lifted| cause.at < lifted.until && head.at <= lifted.lift) {
            return Err(HeldBack::Override);
        }
        let allowed = match self.protection_of(rules, held, &measure, cause) {
            None => (measure, None),
            Some((by, softening, authorisations)) => {
                let (Some(asked), Some(standing)) = (measure.kind(), held.set.measure().kind()) else {
                    return Err(HeldBack::Protected(by));
                };
                match softening {
                    Softening::AtMost(kind) if standing.is_milder_than(kind) => {
                        (Measure::from(kind), Some(Softened { by, asked, waived: false, authorisations }))
                    }
                    _ => return Err(HeldBack::Protected(by)),
                }
            }
        };
        if rule.is_some_and(|rule| self.is_braked(rule, cause.at)) {
            return Err(HeldBack::BudgetSpent);
        }
        Ok(allowed)
    }

    /// The protection that holds for what would follow and leaves least of it: now, and for the event
    /// that it all began with.
    fn protection_of(
        &self,
        rules: &RuleSet,
        held: &Held,
        measure: &Measure,
        cause: Cause,
    ) -> Option<Softens> {
        let asked = measure.kind()?;
        let head = held.set.head();
        let (party, holder, at) = (head.party.subject, head.holder, cause.at);
        let (amount, other) = held
            .ground
            .map_or((None, None), |ground| (ground.reading.asker.amount, ground.reading.asker.other));
        let asker = Asker { source: cause.event, amount, other };
        let reading = Reading { party, holder, at, bound: TimeMs::MIN, asker, without: None };
        let said = held.ground.map_or_else(Attributes::default, |ground| ground.said);
        let said = self.with_party(said, holder, party, at);
        let sight = Sight { plain: self, rules, reading, said };
        mildest(rules, asked, &sight, |protection| {
            protection.subject == party.kind
                && protection.measures.contains(&asked)
                && (protection.rules.is_empty() || protection.rules.contains(&head.rule.id))
        })
    }

    pub(super) fn set_follow_up(
        &mut self,
        before: &Held,
        (measure, softened): (Measure, Option<Softened>),
        (reason, basis): (&str, &str),
        lasts: SpanMs,
        cause: Cause,
    ) -> Result<(), PlainError> {
        let head = before.set.head();
        let asked = Asked {
            name: Name { rule: head.rule.clone(), lane: head.lane, purpose: head.purpose },
            reason: reason.to_owned(),
            basis: basis.to_owned(),
            measure,
            lasts,
            is_of_rule: before.is_of_rule,
            risk: before.risk,
            root: Some(before.root),
        };
        let evidence = Evidence {
            follows: Some(head.id),
            softened,
            digest: Sha256::digest([]).into(),
            strength_millionths: 1_000_000,
            ..Evidence::default()
        };
        let party = head.party.clone();
        let case = Case::of_party(&party, head.holder, cause);
        let set = self.set_measure(&asked, case, evidence)?;
        if let Some(held) = self.measures.get_mut(&set) {
            held.ground = before.ground;
        }
        // What was found is spoken for until the last of its measures is over, unless it was forgotten.
        let forgotten = self.horizon(Class::Firings);
        let firing = self.last_firings.get_mut(&(head.rule.id.clone(), party.subject));
        if let Some(firing) = firing.filter(|one| one.measure == Some(before.root) && one.end > forgotten) {
            firing.end = firing.end.max(cause.at.plus(lasts));
        }
        let rules = self.rules.clone();
        let rule = rules.iter().flat_map(|rules| &rules.rules).find(|rule| rule.id == head.rule.id);
        match rule {
            Some(rule) => self.count_measure(rule, lasts, cause.at),
            None => Ok(()),
        }
    }
}

impl<'a> Case<'a> {
    /// Of something that happened to a party and was no payment.
    pub(super) fn of_party(party: &'a Party, holder: Token, cause: Cause) -> Case<'a> {
        Case {
            event: cause.event,
            source: cause.event,
            at: cause.at,
            holder,
            party,
            other: None,
            place: None,
            amount: None,
            said: Attributes::default(),
        }
    }
}
