//! One fact: which logs it feeds and what it sets off (S5, S7).

use std::sync::Arc;

use super::rules::Scene;
use super::{Active, EngineError, Out, Partition};
use crate::engine::LoadRules;
use crate::engine::base::{Money, TimeMs, Token};
use crate::engine::fact::{Fact, FactBody, Feed, Side};
use crate::engine::holder::PlatformAnswer;
use crate::engine::rule::Trigger;
use crate::engine::signal::Signal;
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::engine::window::Entry;

/// What a fact adds to logs and on which party rules are evaluated. Derived from its body alone, so
/// that a correction can take out exactly what the original put in.
pub(super) struct Feeding<'a> {
    pub feed: Feed,
    pub subjects: Vec<Subject>,
    pub other: Token,
    pub amount: Option<Money>,
    /// The party on which rules are evaluated; none for shared subjects.
    pub party: Option<&'a Party>,
}

/// What a body of a routing subject feeds; `None` for bodies that feed nothing.
pub(super) fn feeding<'a>(route: Subject, body: &'a FactBody) -> Option<Feeding<'a>> {
    let with_holder = |party: &Party| vec![party.subject, route];
    match body {
        FactBody::Transfer { protected: true, .. } => None,
        FactBody::Transfer { side, account, counterparty, amount, .. } => {
            let mut subjects = with_holder(account);
            subjects.push(Subject::new(SubjectKind::Pair, account.subject.token.pair(*counterparty)));
            let feed = if *side == Side::Payer { Feed::TransferPayer } else { Feed::TransferPayee };
            Some(Feeding {
                feed,
                subjects,
                other: *counterparty,
                amount: Some(*amount),
                party: Some(account),
            })
        }
        FactBody::CardPayment { account, terminal, amount } => {
            let mut subjects = with_holder(account);
            subjects.push(Subject::new(SubjectKind::Pair, account.subject.token.pair(*terminal)));
            let feed = Feed::CardPaymentCard;
            Some(Feeding { feed, subjects, other: *terminal, amount: Some(*amount), party: Some(account) })
        }
        FactBody::CardUsage { card, device } => Some(Feeding {
            feed: Feed::CardUsageCard,
            subjects: with_holder(card),
            other: *device,
            amount: None,
            party: Some(card),
        }),
        FactBody::Met { feed, holder, amount, .. } => {
            Some(Feeding { feed: *feed, subjects: vec![route], other: *holder, amount: *amount, party: None })
        }
        FactBody::Opening {
            step: crate::engine::fact::OpeningStep::Requested,
            opening,
            co_holder: false,
            ..
        } => Some(Feeding {
            feed: Feed::OpeningRequestedHolder,
            subjects: vec![route],
            other: opening.subject.token,
            amount: None,
            party: Some(opening),
        }),
        _ => None,
    }
}

impl Partition {
    pub(super) fn apply_fact(
        &mut self,
        fact: &Fact,
        loader: &dyn LoadRules,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        match &fact.body {
            FactBody::RuleSetActivated { bundle } => self.activate(bundle, loader),
            FactBody::WentLive => {
                self.live = true;
                Ok(())
            }
            FactBody::AppealDecided { appeal, outcome, override_for } => {
                self.decide_appeal(fact, *appeal, *outcome, *override_for, out)
            }
            FactBody::Corrected { original, before, after } => {
                self.correct(fact, *original, before.as_ref(), after.as_ref(), out)
            }
            body => self.apply_body(fact, body, fact.at, fact.event, out),
        }
    }

    /// Feeds logs and sets off rules, reports or answers. `entry_event` names the entry: a
    /// correction's replacement keeps the original's name.
    pub(super) fn apply_body(
        &mut self,
        fact: &Fact,
        body: &FactBody,
        at: TimeMs,
        entry_event: crate::engine::base::Fingerprint,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let feeding = feeding(fact.route, body);
        let active = self.rules.clone();
        if let (Some(feeding), Some(active)) = (&feeding, &active) {
            self.feed(feeding, at, entry_event, active);
        }
        match body {
            FactBody::Opening { .. } => self.apply_opening(fact, body, at, entry_event, out),
            FactBody::HoldingsAnswered { opening, product, elsewhere_count } => {
                let holder = self.holders.entry(fact.route.token).or_default();
                holder.answers.push(PlatformAnswer {
                    event: entry_event,
                    opening: *opening,
                    product: *product,
                    at,
                    count: *elsewhere_count,
                });
                self.answer_again(fact.route.token, fact.event, fact.at, out)
            }
            FactBody::Met { .. } => self.meet(fact, body, at, entry_event, out),
            _ => match (feeding, active) {
                (Some(Feeding { party: Some(party), feed, other, amount, .. }), Some(active)) => {
                    let scene = Scene {
                        trigger: Trigger::Feed(feed),
                        party,
                        holder: fact.route.token,
                        other: Some(other),
                        amount: amount.map_or(0, |amount| amount.minor),
                        event: fact.event,
                        at,
                    };
                    self.run_rules(&scene, &active, out)
                }
                _ => Ok(()),
            },
        }
    }

    fn feed(
        &mut self,
        feeding: &Feeding<'_>,
        at: TimeMs,
        event: crate::engine::base::Fingerprint,
        active: &Active,
    ) {
        let horizon = self.horizon();
        let entry =
            Entry { at, event, other: feeding.other.short(), amount: feeding.amount, feed: feeding.feed };
        for subject in &feeding.subjects {
            let Some(plan) = active.plans.get(&subject.kind).filter(|plan| plan.reads(feeding.feed)) else {
                continue;
            };
            self.logs.entry(*subject).or_default().insert(entry, plan, horizon);
        }
    }

    /// A rule set begins to decide here (S6, S5: `since` and `floor`).
    fn activate(&mut self, bundle: &Arc<str>, loader: &dyn LoadRules) -> Result<(), EngineError> {
        let set = loader.load(bundle).map_err(EngineError::Rules)?;
        self.floor = self.horizon();
        let old = self.rules.take();
        let unchanged = |signal: &Signal| {
            let before = old.as_ref()?.set.signals.iter().find(|known| known.name == signal.name)?;
            (Signal { title: signal.title.clone(), ..before.clone() } == *signal)
                .then(|| self.since.get(&signal.name).copied())
                .flatten()
        };
        let since: Vec<(String, TimeMs)> = set
            .signals
            .iter()
            .map(|signal| (signal.name.clone(), unchanged(signal).unwrap_or(self.newest_time)))
            .collect();
        self.since = since.into_iter().collect();
        let epoch =
            old.as_ref().and_then(|active| active.plans.values().next()).map_or(0, |plan| plan.epoch() + 1);
        self.rules = Some(Arc::new(Active::new(set, Arc::clone(bundle), epoch)));
        Ok(())
    }
}
