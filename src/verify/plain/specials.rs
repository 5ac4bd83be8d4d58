//! Special measures in areas (S25).

use crate::engine::attributes::Field;
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::notice::RuleName;
use crate::engine::order::{OrderName, Outcome};
use crate::engine::rule::Rule;
use crate::engine::ruleset::RuleSet;
use crate::engine::special::{SpecialFact, SpecialSays, SpecialTerms};
use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};

use super::authority::Heard;
use super::retention::Class;
use super::rules::Case;
use super::time::Timer;
use super::{Cause, Occasion, Plain};

/// Everything that was heard of one special measure.
pub(super) struct Special {
    name: OrderName,
    terms: Option<SpecialTerms>,
    /// The event of its text.
    ordered_by: Option<Fingerprint>,
    /// Event times of its releases.
    releases: Vec<TimeMs>,
    /// Its end had passed when others were heard of.
    is_forgotten: bool,
}

impl Special {
    /// Its end lies further back than any event may, or only releases were heard, long ago.
    fn is_over(&self, late: TimeMs, word: TimeMs) -> bool {
        match (&self.terms, self.releases.iter().min()) {
            (Some(terms), _) => terms.end <= late,
            (None, Some(released)) => *released <= word,
            (None, None) => false,
        }
    }
}

impl Plain {
    pub(super) fn hear_special(&mut self, occasion: Occasion, said: &SpecialFact) {
        let (late, word) = (self.horizon(Class::Telling), self.horizon(Class::Orders));
        for known in &mut self.specials {
            known.is_forgotten |= known.is_over(late, word);
        }
        let same = |known: &Special| known.name == said.name && !known.is_forgotten;
        let place = self.specials.iter().position(same).unwrap_or(self.specials.len());
        if place == self.specials.len() {
            let name = said.name.clone();
            let (terms, ordered_by, releases) = (None, None, Vec::new());
            self.specials.push(Special { name, terms, ordered_by, releases, is_forgotten: false });
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
                known.ordered_by = Some(occasion.event);
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
        let cause = Cause { event: occasion.event, at: occasion.at };
        self.let_hear_of_special(said.name.clone(), outcome, cause);
        // What is still to be told of it: that it begins, and that it is over.
        if let SpecialSays::Ordered(SpecialTerms { start, end, .. }) = &said.says {
            if outcome == Outcome::Waits {
                self.set_timer(*start, Timer::SpecialStarts(place));
            }
            if outcome == Outcome::Waits || outcome == Outcome::Set {
                self.set_timer(*end, Timer::SpecialEnds(place));
            }
        }
    }

    pub(super) fn tell_of_special(&mut self, place: usize, outcome: Outcome, due: TimeMs) {
        let Some(known) = self.specials.get(place) else { return };
        if let (Some(event), true) = (known.ordered_by, known.releases.is_empty()) {
            self.let_hear_of_special(known.name.clone(), outcome, Cause { event, at: due });
        }
    }

    fn let_hear_of_special(&mut self, name: OrderName, outcome: Outcome, cause: Cause) {
        let rule = RuleName { id: "special-measure".to_owned(), version: 0 };
        let subject = Subject::new(SubjectKind::Holder, Token(0));
        let party = Party { subject, sealed: SealedRef::default() };
        let (holder, set) = (Token(0), (None, None));
        self.let_hear(Heard { rule, party, holder, name, set, case: None }, outcome, cause);
    }

    /// Whether the special measure that a rule waits for, if it waits for one, stands where and for what a case is.
    pub(super) fn may_ask(&self, rules: &RuleSet, rule: &Rule, case: Case<'_>) -> bool {
        let Some(wanted) = rules.specials.get(&rule.id) else { return true };
        let product = case.said.get(Field::Product);
        let (late, word) = (self.horizon(Class::Telling), self.horizon(Class::Orders));
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
                && !known.is_over(late, word)
                && names_place
                && names_class
        })
    }
}
