//! Grounds: what standing measures rest on, asked again when a source corrects what it said (S18).

use super::facts::feedings;
use super::readings::Readings;
use super::rules::Scene;
use super::{Active, Out, Partition};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::{DispositionId, EndCause};
use crate::engine::fact::{Dated, Fact, FactBody, Feed};
use crate::engine::signal::Reads;
use crate::engine::state::{Ground, MeasureState};
use crate::engine::subject::{Party, Subject, SubjectKind};

/// An entry that was taken out or put in.
#[derive(Clone, Copy)]
pub(super) struct Touched {
    pub subject: Subject,
    pub feed: Feed,
    pub at: TimeMs,
}

impl Partition {
    /// What a firing rests on; answers to openings are answered again in their own way (S10).
    pub(super) fn ground_of(&self, scene: &Scene<'_>, bound: Option<TimeMs>) -> Option<Box<Ground>> {
        let is_asked = scene.party.subject.kind != SubjectKind::Opening;
        is_asked.then(|| {
            Box::new(Ground {
                // Its expiry is the next timer that is set.
                order: self.timers.set_count(),
                attributes: scene.attributes,
                other: scene.other,
                entry: scene.entry,
                at: scene.at,
                bound,
            })
        })
    }

    /// What a measure that takes another's place rests on: the same firing.
    pub(super) fn ground_again(&self, before: &MeasureState) -> Option<Box<Ground>> {
        let order = self.timers.set_count();
        before.ground.as_deref().map(|ground| Box::new(Ground { order, ..ground.clone() }))
    }

    /// Finds a standing measure by its holder from here on.
    pub(super) fn note_ground(&mut self, id: DispositionId) {
        if let Some(measure) = self.measures.get(&id).filter(|measure| measure.ground.is_some()) {
            let of_holder = self.grounded.entry(measure.holder).or_default();
            // An event that is evaluated again sets its own measure once more.
            if !of_holder.contains(&id) {
                of_holder.push(id);
            }
        }
    }

    pub(super) fn drop_ground(&mut self, holder: Token, id: DispositionId) {
        if let Some(of_holder) = self.grounded.get_mut(&holder) {
            of_holder.retain(|known| *known != id);
            if of_holder.is_empty() {
                self.grounded.remove(&holder);
            }
        }
    }

    /// The holder's standing measures that rest on a firing, in the order in which they were set.
    fn standing_on_grounds(&self, holder: Token) -> Vec<(DispositionId, &MeasureState, &Ground)> {
        let ids = self.grounded.get(&holder).into_iter().flatten();
        let mut all: Vec<_> = ids
            .filter_map(|id| {
                let measure = self.measures.get(id)?;
                Some((*id, measure, measure.ground.as_deref()?))
            })
            .collect();
        all.sort_by_key(|(_, _, ground)| ground.order);
        all
    }

    /// The corrected event did not happen as it was told: what rules set on its party for it ends.
    pub(super) fn end_what_it_caused(
        &mut self,
        fact: &Fact,
        original: Fingerprint,
        before: &FactBody,
        out: Out<'_>,
    ) {
        let Some(party) = party_of(before) else { return };
        let caused = self.standing_on_grounds(fact.route.token).into_iter();
        let caused = caused.filter(|(_, measure, ground)| {
            ground.entry == original && measure.party.subject == party.subject
        });
        let ids: Vec<_> = caused.map(|(id, _, ground)| (id, ground.at)).collect();
        for (id, at) in ids {
            self.end_measure(id, EndCause::Corrected, fact.event, fact.at.max(at), None, out);
        }
    }

    /// Asks again the conditions of the standing measures whose firing read what was touched.
    pub(super) fn ask_again(&mut self, fact: &Fact, touched: &[Touched], out: Out<'_>) {
        let (Some(active), false) = (self.rules.clone(), touched.is_empty()) else { return };
        let standing = self.standing_on_grounds(fact.route.token).into_iter();
        let before = standing.filter(|(_, measure, _)| measure.event != fact.event);
        let all: Vec<_> = before.map(|(id, measure, ground)| (id, measure.clone(), ground.clone())).collect();
        for (id, measure, ground) in all {
            if self.stands_no_more(&measure, &ground, touched, &active) {
                self.end_measure(id, EndCause::Corrected, fact.event, fact.at.max(ground.at), None, out);
            }
        }
    }

    fn stands_no_more(
        &mut self,
        measure: &MeasureState,
        ground: &Ground,
        touched: &[Touched],
        active: &Active,
    ) -> bool {
        let named = |rule: &crate::engine::rule::Rule| {
            rule.id == measure.rule.id && rule.version == measure.rule.version
        };
        let Some(number) = active.set.rules.iter().position(named) else { return false };
        let Some(rule) = active.set.rules.get(number) else { return false };
        // What set the rule off is not read by its condition.
        let Some(trigger) = rule.triggers.first() else { return false };
        let scene = Scene {
            trigger: *trigger,
            party: &measure.party,
            holder: measure.holder,
            other: ground.other,
            place: None,
            attributes: ground.attributes,
            event: measure.event,
            entry: ground.entry,
            at: ground.at,
            left_out: None,
        };
        let read = active.index.signals(number).iter().filter_map(|signal| active.set.signals.get(*signal));
        let mut reads_touched = false;
        for signal in read {
            let (Some(subject), Reads::Log(question)) = (scene.subject_of(signal), &signal.reads) else {
                continue;
            };
            reads_touched |= touched
                .iter()
                .any(|one| one.subject == subject && question.reads(one.feed) && one.at <= ground.at);
        }
        reads_touched && !self.holds(&rule.condition, &scene, ground.bound, active, &mut Readings::default())
    }

    /// The entries that a body of a correction would put in, those that count.
    pub(super) fn touched_by(&self, route: Subject, dated: &Dated) -> Vec<Touched> {
        if matches!(*dated.body, FactBody::TracesSeen { .. }) && !self.holds_traces(route.token, dated.at) {
            return Vec::new();
        }
        let horizons = &self.horizons;
        let entries = feedings(route, &dated.body).into_iter().flatten();
        let all = entries.flat_map(|feeding| {
            let (feed, at) = (feeding.feed, dated.at);
            feeding.subjects().map(move |subject| Touched { subject, feed, at }).collect::<Vec<_>>()
        });
        all.filter(|touched| touched.at > horizons.log(touched.subject.kind)).collect()
    }
}

/// The account or card that a body is about.
fn party_of(body: &FactBody) -> Option<&Party> {
    match body {
        FactBody::Transfer { account, .. }
        | FactBody::CardPayment { account, .. }
        | FactBody::FraudConfirmed { account, .. } => Some(account),
        FactBody::CardUsage { card, .. } => Some(card),
        _ => None,
    }
}
