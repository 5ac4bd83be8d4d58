//! Special measures: heard by all partitions, answered by the first (S25); and who was named where (S24).

use super::authority::Answer;
use super::rules::Scene;
use super::{Active, Out, Partition};
use crate::engine::attributes::Field;
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::fact::Fact;
use crate::engine::notice::RuleName;
use crate::engine::order::{OrderName, Outcome};
use crate::engine::reached::{Destination, year_of};
use crate::engine::special::{SpecialFact, SpecialMoment, SpecialSays, SpecialState};
use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};
use crate::engine::timer::Timer;

/// The rule name of answers about special measures.
const SPECIAL: &str = "special-measure";

impl Partition {
    /// The special measures that are known, in the order in which they were heard of.
    #[must_use]
    pub fn special_measures(&self) -> &[SpecialState] {
        &self.specials
    }

    /// Distinct persons who were named, by calendar year and destination (S24).
    pub fn persons_named(&self) -> impl Iterator<Item = (i64, Destination, u64)> + '_ {
        let forgotten = self.horizons.persons_counted;
        let since = self.rules.as_ref().map_or(i64::MIN, |active| year_of(forgotten, &active.set.calendar));
        self.reached.counts(since)
    }

    pub(super) fn apply_special(&mut self, fact: &Fact, said: &SpecialFact, out: Out<'_>) {
        let newest = self.newest_time;
        self.forget_specials();
        let place = match self.specials.iter().position(|known| known.name == said.name) {
            Some(place) => place,
            None => {
                let (heard, name) = (fact.event, said.name.clone());
                self.specials.push(SpecialState { heard, name, terms: None, released_at: None });
                self.specials.len() - 1
            }
        };
        let Some(known) = self.specials.get_mut(place) else { return };
        let outcome = match &said.says {
            SpecialSays::Ordered(_) if known.terms.is_some() => Outcome::Known,
            SpecialSays::Ordered(terms) => {
                known.terms = Some(terms.clone());
                match known.released_at {
                    Some(_) => Outcome::Released,
                    None if terms.end <= fact.at || terms.end <= newest => Outcome::Over,
                    None if fact.at < terms.start => Outcome::Waits,
                    None => Outcome::Set,
                }
            }
            SpecialSays::Released => {
                let at = known.released_at.map_or(fact.at, |before| before.min(fact.at));
                known.released_at = Some(at);
                if known.terms.is_some() { Outcome::Released } else { Outcome::Remembered }
            }
        };
        if self.identity.partition != 0 {
            return;
        }
        self.answer_special(&said.name, outcome, (fact.event, fact.at), out);
        if let SpecialSays::Ordered(terms) = &said.says {
            let mut tell = |due, moment| self.timers.set(due, Timer::Special { heard: fact.event, moment });
            if outcome == Outcome::Waits {
                tell(terms.start, SpecialMoment::Starts);
            }
            if matches!(outcome, Outcome::Waits | Outcome::Set) {
                tell(terms.end, SpecialMoment::Ends);
            }
        }
    }

    /// Those that are over, and the releases of such as were never heard of (S20, S25).
    pub(super) fn forget_specials(&mut self) {
        let horizons = self.horizons;
        self.specials.retain(|known| !known.is_forgotten(&horizons));
    }

    /// Its start or end has come, which is told, unless it was released.
    pub(super) fn special_due(&self, heard: Fingerprint, moment: SpecialMoment, due: TimeMs, out: Out<'_>) {
        let standing = |known: &&SpecialState| known.heard == heard && known.released_at.is_none();
        let Some(known) = self.specials.iter().find(standing) else { return };
        let outcome = match moment {
            SpecialMoment::Starts => Outcome::Set,
            SpecialMoment::Ends => Outcome::Expired,
        };
        self.answer_special(&known.name, outcome, (heard, due), out);
    }

    fn answer_special(&self, name: &OrderName, outcome: Outcome, cause: (Fingerprint, TimeMs), out: Out<'_>) {
        let rule = RuleName { id: SPECIAL.to_owned(), version: 0 };
        let nobody = Subject::new(SubjectKind::Holder, Token::default());
        let party = Party { subject: nobody, sealed: SealedRef::default() };
        let (holder, name, kind, measure) = (nobody.token, name.clone(), None, None);
        let answer = Answer { rule, party, holder, name, outcome, kind, case: None, measure };
        self.answer_authority(answer, cause, out);
    }

    /// Whether a rule may be asked on a scene: one that needs a special measure only while that reaches it.
    pub(super) fn special_stands(&self, rule: usize, scene: &Scene<'_>, active: &Active) -> bool {
        let Some(measure) = active.index.special(rule) else { return true };
        let product = scene.attributes.get(Field::Product);
        self.specials.iter().any(|known| {
            !known.is_forgotten(&self.horizons) && known.reaches(measure, scene.at, scene.place, product)
        })
    }
}
