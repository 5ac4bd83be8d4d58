//! What standing measures rest on, looked at again after a correction (S18).

use crate::engine::base::{Fingerprint, TimeMs};
use crate::engine::disposition::{DispositionId, EndCause};
use crate::engine::fact::{Dated, FactBody, Feed};
use crate::engine::rule::Rule;
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::Reads;
use crate::engine::subject::{Subject, SubjectKind};

use super::conditions::{Sight, mentioned};
use super::retention::Class;
use super::signals::entries_of;
use super::values::Reading;
use super::{Cause, Occasion, Plain};

/// A firing that set a measure, as it saw its event.
#[derive(Clone, Copy)]
pub(super) struct Ground {
    pub reading: Reading,
    pub said: crate::engine::attributes::Attributes,
}

/// An entry that a correction took out or put in.
pub(super) struct Touched {
    pub subject: Subject,
    pub feed: Feed,
    pub at: TimeMs,
}

impl Plain {
    /// The event as it was told did not happen: the measures that rules set for it on its party end.
    pub(super) fn end_caused(
        &mut self,
        occasion: Occasion,
        before: &Dated,
        original: Fingerprint,
        cause: Cause,
    ) {
        let party = match &*before.body {
            FactBody::Transfer { account, .. }
            | FactBody::CardPayment { account, .. }
            | FactBody::FraudConfirmed { account, .. } => account.subject,
            FactBody::CardUsage { card, .. } => card.subject,
            _ => return,
        };
        for id in self.standing_by_rules(occasion) {
            let ground = self.measures.get(&id).and_then(|held| held.ground.as_ref());
            let of =
                ground.map(|ground| (ground.reading.asker.source, ground.reading.party, ground.reading.at));
            if let Some((source, of, at)) = of
                && (source, of) == (original, party)
            {
                self.end_measure(id, EndCause::Corrected, cause.not_before(at), None);
            }
        }
    }

    /// The conditions of what stands are asked again, where they read what was touched.
    pub(super) fn look_again(&mut self, occasion: Occasion, touched: &[Touched], cause: Cause) {
        let Some(rules) = self.rules.clone() else { return };
        for id in self.standing_by_rules(occasion) {
            let Some(held) = self.measures.get(&id) else { continue };
            let Some(ground) = &held.ground else { continue };
            let name = &held.set.head().rule;
            let by = |rule: &&Rule| (&rule.id, rule.version) == (&name.id, name.version);
            let Some(rule) = rules.rules.iter().find(by) else { continue };
            let (reading, at) = (ground.reading, ground.reading.at);
            let sight = Sight { plain: self, rules: &rules, reading, said: ground.said };
            let is_of_now = held.set.head().event == occasion.event;
            if !is_of_now
                && touched.iter().any(|touched| reads(&rules, rule, reading, touched))
                && !sight.is_certain(&rule.condition)
            {
                self.end_measure(id, EndCause::Corrected, cause.not_before(at), None);
            }
        }
    }

    /// The holder's standing measures that rules set, but for answers to openings, as they were set.
    fn standing_by_rules(&self, occasion: Occasion) -> Vec<DispositionId> {
        let mut standing: Vec<(u64, DispositionId)> = Vec::new();
        for (id, held) in &self.measures {
            let head = held.set.head();
            let is_asked = held.ground.is_some() && head.party.subject.kind != SubjectKind::Opening;
            if is_asked && held.ended.is_none() && head.holder == occasion.route.token {
                standing.push((held.order, *id));
            }
        }
        standing.sort_unstable_by_key(|(order, _)| *order);
        standing.into_iter().map(|(_, id)| id).collect()
    }

    /// The entries that the right form of an event makes, those that count.
    pub(super) fn put_in(&self, occasion: Occasion, after: &Dated) -> Vec<Touched> {
        let occasion = Occasion { at: after.at, ..occasion };
        let is_trace = matches!(&*after.body, FactBody::TracesSeen { .. });
        if is_trace && !self.takes_traces(occasion.route.token, after.at) {
            return Vec::new();
        }
        let entries = entries_of(occasion, &after.body).into_iter();
        let all = entries.map(|(subject, entry)| Touched { subject, feed: entry.feed, at: entry.at });
        all.filter(|touched| touched.at > self.horizon(Class::Log(touched.subject.kind))).collect()
    }
}

/// Whether a firing of a rule read an entry, by itself or through what its signals are made of.
fn reads(rules: &RuleSet, rule: &Rule, reading: Reading, touched: &Touched) -> bool {
    fn asks(rules: &RuleSet, number: usize, reading: Reading, touched: &Touched) -> bool {
        let Some(signal) = rules.signals.get(number) else { return false };
        if !signal.subject.lives_with_holder() {
            return false;
        }
        match &signal.reads {
            Reads::SinceOpened | Reads::MeasuresStanding => false,
            Reads::Ratio { of, to, .. } | Reads::Difference { of, to } => {
                asks(rules, *of, reading, touched) || asks(rules, *to, reading, touched)
            }
            Reads::Log(question) => {
                let of = match signal.subject {
                    SubjectKind::Holder => touched.subject.token == reading.holder,
                    SubjectKind::Pair => reading
                        .asker
                        .other
                        .is_some_and(|other| touched.subject.token == reading.party.token.pair(other)),
                    _ => touched.subject == reading.party,
                };
                of && touched.subject.kind == signal.subject
                    && (question.feeds | question.returned_by) & touched.feed.bit() != 0
            }
        }
    }
    touched.at <= reading.at
        && mentioned(&rule.condition).into_iter().any(|number| asks(rules, number, reading, touched))
}
