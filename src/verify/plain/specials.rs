//! Special measures in areas (S25).

use crate::engine::attributes::Field;
use crate::engine::base::{TimeMs, Token};
use crate::engine::notice::RuleName;
use crate::engine::order::{OrderName, Outcome};
use crate::engine::rule::Rule;
use crate::engine::ruleset::RuleSet;
use crate::engine::special::{SpecialFact, SpecialSays, SpecialTerms};
use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};

use super::authority::Heard;
use super::rules::Case;
use super::{Cause, Occasion, Plain};

/// Everything that was heard of one special measure.
pub(super) struct Special {
    name: OrderName,
    terms: Option<SpecialTerms>,
    /// Event times of its releases.
    releases: Vec<TimeMs>,
    /// Its end had passed when others were heard of.
    is_forgotten: bool,
}

impl Plain {
    pub(super) fn hear_special(&mut self, occasion: Occasion, said: &SpecialFact) {
        for known in &mut self.specials {
            known.is_forgotten |= known.terms.as_ref().is_some_and(|terms| terms.end <= self.newest_time);
        }
        let same = |known: &Special| known.name == said.name && !known.is_forgotten;
        let place = self.specials.iter().position(same).unwrap_or(self.specials.len());
        if place == self.specials.len() {
            let name = said.name.clone();
            self.specials.push(Special { name, terms: None, releases: Vec::new(), is_forgotten: false });
        }
        let newest = self.newest_time;
        let Some(known) = self.specials.get_mut(place) else { return };
        let outcome = match &said.says {
            SpecialSays::Released => {
                known.releases.push(occasion.at);
                if known.terms.is_none() { Outcome::Remembered } else { Outcome::Released }
            }
            SpecialSays::Ordered(_) if known.terms.is_some() => Outcome::Known,
            SpecialSays::Ordered(terms) => {
                let (start, end) = (terms.start, terms.end);
                known.terms = Some(terms.clone());
                if !known.releases.is_empty() {
                    Outcome::Released
                } else if end <= occasion.at.max(newest) {
                    Outcome::Over
                } else if start > occasion.at {
                    Outcome::Waits
                } else {
                    Outcome::Set
                }
            }
        };
        if self.identity.partition != 0 {
            return;
        }
        let rule = RuleName { id: "special-measure".to_owned(), version: 0 };
        let subject = Subject::new(SubjectKind::Holder, Token(0));
        let party = Party { subject, sealed: SealedRef::default() };
        let (holder, name, set) = (Token(0), said.name.clone(), (None, None));
        let cause = Cause { event: occasion.event, at: occasion.at };
        self.let_hear(Heard { rule, party, holder, name, set }, outcome, cause);
    }

    /// Whether the special measure that a rule waits for, if it waits for one, stands where and for what a case is.
    pub(super) fn may_ask(&self, rules: &RuleSet, rule: &Rule, case: Case<'_>) -> bool {
        let Some(wanted) = rules.specials.get(&rule.id) else { return true };
        let product = case.said.get(Field::Product);
        self.specials.iter().any(|known| {
            let Some(terms) = &known.terms else { return false };
            let names_place =
                terms.places.is_empty() || case.place.is_some_and(|at| terms.places.contains(&at));
            let names_class = terms.products.is_empty()
                || terms.products.iter().any(|class| product == Some(*class as i64));
            *terms.measure == **wanted
                && (terms.start..terms.end).contains(&case.at)
                && known.releases.iter().all(|released| case.at < *released)
                && !known.is_forgotten
                && names_place
                && names_class
        })
    }
}
