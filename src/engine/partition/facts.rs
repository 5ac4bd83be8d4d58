//! One fact: which logs it feeds and what it sets off (S5, S7).

use std::sync::Arc;

use super::appeals::Decided;
use super::rules::Scene;
use super::{Active, EngineError, Out, Partition};
use crate::engine::LoadRules;
use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Currency, Fingerprint, Money, TimeMs, Token};
use crate::engine::declared::CardUse;
use crate::engine::fact::{Essential, Fact, FactBody, Feed, OpeningStep, Release, Side, UsageKind};
use crate::engine::holder::{Holder, PlatformAnswer};
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::rule::Trigger;
use crate::engine::signal::{Mark, Signal};
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::engine::window::Entry;

/// One entry that a fact adds to logs. Derived from its body alone, so that a correction can take out
/// exactly what the original put in.
#[derive(Clone, Copy)]
pub(super) struct Feeding {
    pub feed: Feed,
    /// At most three logs: of the party, of its holder, and of the pair.
    pub(super) subjects: [Option<Subject>; 3],
    pub other: Token,
    pub amount: Option<Money>,
    pub marks: u8,
}

impl Feeding {
    pub fn subjects(&self) -> impl Iterator<Item = Subject> + use<> {
        self.subjects.into_iter().flatten()
    }
}

/// What a body of a routing subject feeds; nothing for bodies that are no measurement.
pub(super) fn feedings(route: Subject, body: &FactBody) -> [Option<Feeding>; 2] {
    let with_pair = |party: &Party, other: Token| {
        let pair = Subject::new(SubjectKind::Pair, party.subject.token.pair(other));
        [Some(party.subject), Some(route), Some(pair)]
    };
    let of_party = |party: &Party| [Some(party.subject), Some(route), None];
    let of_route = [Some(route), None, None];
    let one = |feed, subjects, other, amount| Some(Feeding { feed, subjects, other, amount, marks: 0 });
    match body {
        FactBody::Transfer { side, account, counterparty, amount, details, .. } => {
            let plain = |feed| {
                let subjects = with_pair(account, *counterparty);
                let (amount, marks) = (Some(*amount), Mark::of(details));
                Some(Feeding { feed, subjects, other: *counterparty, amount, marks })
            };
            match (side, details.essential) {
                (Side::Payer, Essential::No) => [plain(Feed::TransferPayer), None],
                (Side::Payee, Essential::No) => [plain(Feed::TransferPayee), None],
                (side, essential) => {
                    let received = (*side == Side::Payee && essential.is_livelihood())
                        .then(|| one(Feed::LivelihoodPayee, of_party(account), *counterparty, Some(*amount)));
                    let of_account = [Some(account.subject), None, None];
                    [received.flatten(), one(Feed::EssentialPosted, of_account, Token::default(), None)]
                }
            }
        }
        FactBody::CardPayment { account, terminal, amount } => {
            [one(Feed::CardPaymentCard, with_pair(account, *terminal), *terminal, Some(*amount)), None]
        }
        FactBody::FraudConfirmed { feed, account, other, amount } => {
            [one(*feed, with_pair(account, *other), *other, *amount), None]
        }
        FactBody::CardUsage { card, device, usage, peer, .. } => {
            let at_peer = usage.peer_feed().zip(*peer);
            [
                one(Feed::CardUsageCard, of_party(card), *device, None),
                at_peer.and_then(|(feed, peer)| one(feed, of_party(card), peer, None)),
            ]
        }
        FactBody::TracesSeen { party, device, location } => {
            let seen =
                |feed, token: &Option<Token>| token.and_then(|token| one(feed, of_party(party), token, None));
            [seen(Feed::DeviceSeenCustomer, device), seen(Feed::LocationSeenCustomer, location)]
        }
        FactBody::Met { feed, holder, amount, .. } => [one(*feed, of_route, *holder, *amount), None],
        FactBody::StockReported { feed, count } => {
            let pieces = Money { minor: i64::from(*count), currency: Currency::NONE };
            [one(*feed, of_route, Token::default(), Some(pieces)), None]
        }
        FactBody::Opening { step: OpeningStep::Requested, opening, co_holder: false, .. } => {
            [one(Feed::OpeningRequestedHolder, of_route, opening.subject.token, None), None]
        }
        _ => [None, None],
    }
}

/// What rules are evaluated on because of a body: the trigger, the party, the other side, and what the
/// event says. Essential payments, shared subjects and openings set no rule off here.
fn set_off<'a>(
    holder: Option<&Holder>,
    body: &'a FactBody,
    at: TimeMs,
) -> Option<(Feed, &'a Party, Token, Attributes)> {
    let of_party =
        |party: &Party, attributes: Attributes| Holder::said_of(holder, party.subject, at, attributes);
    match body {
        FactBody::Transfer { side, account, counterparty, amount, details, .. }
            if details.essential == Essential::No =>
        {
            let feed = if *side == Side::Payer { Feed::TransferPayer } else { Feed::TransferPayee };
            let attributes = of_party(account, Attributes::of_transfer(*amount, details));
            Some((feed, account, *counterparty, attributes))
        }
        FactBody::CardPayment { account, terminal, amount } => {
            let attributes = of_party(account, Attributes::of_card_payment(*amount));
            Some((Feed::CardPaymentCard, account, *terminal, attributes))
        }
        FactBody::FraudConfirmed { feed, account, other, amount } => {
            let known = Attributes::default().with(Field::Amount, amount.and_then(Money::fen));
            Some((*feed, account, *other, of_party(account, known)))
        }
        FactBody::CardUsage { card, device, usage, open_mb, region, .. } => {
            let kind = (*usage != UsageKind::Unstated).then_some(*usage as i64);
            let known = Attributes::default()
                .with(Field::Usage, kind)
                .with(Field::MonthOpenMegabytes, open_mb.map(i64::from));
            let used = CardUse { usage: *usage, device: *device, region: *region };
            let profile = holder.and_then(|holder| holder.profile(card.subject, at));
            let known = known.with(Field::CardProfiled, Some(i64::from(profile.is_some())));
            let known = profile.map_or(known, |profile| profile.said_of(used, known));
            Some((Feed::CardUsageCard, card, *device, of_party(card, known)))
        }
        _ => None,
    }
}

/// Where an event happened, as it says itself: at a terminal, or in a region of use (S25).
pub(super) fn place_of(body: &FactBody) -> Option<Token> {
    match body {
        FactBody::CardPayment { terminal, .. } => Some(*terminal),
        FactBody::CardUsage { region, .. } => *region,
        FactBody::Opening { outlet, .. } => *outlet,
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
            FactBody::RuleSetActivated { bundle, release } => {
                self.activate(fact, bundle, release, loader, out)
            }
            FactBody::WentLive => {
                self.live = true;
                self.in_force.live_since.get_or_insert(fact.at);
                Ok(())
            }
            FactBody::AppealDecided { appeal, outcome, override_for, decider, reason } => {
                let (outcome, override_for, decider) = (*outcome, *override_for, *decider);
                let decided = Decided { outcome, override_for, decider, reason: reason.as_deref() };
                self.decide_appeal(fact, *appeal, &decided, out)
            }
            FactBody::Appeal { appeal, step } => self.step_of_appeal(fact, *appeal, step, out),
            FactBody::MeasureHappened { measure, news } => self.measure_happened(fact, *measure, *news, out),
            FactBody::SharingExplained { number } => {
                self.holders.get_or_default(fact.route.token).declared_mut().explain(*number, fact.at);
                Ok(())
            }
            FactBody::SettlementRecorded { .. } => self.compare_settlement(fact, out),
            FactBody::Corrected { original, before, after } => {
                self.correct(fact, *original, before.as_ref(), after.as_ref(), out)
            }
            FactBody::HoldOrdered { name, class, until } => {
                self.order_hold(fact, name, *class, *until, out);
                Ok(())
            }
            FactBody::HoldReleased { name } => {
                self.release_hold(fact, name, out);
                Ok(())
            }
            FactBody::AuthorisationRevoked { number } => {
                self.revoke(fact, number, out);
                Ok(())
            }
            FactBody::Special(said) => {
                self.apply_special(fact, said, out);
                Ok(())
            }
            FactBody::LeadAnswered { lead, outcome } => self.lead_answered(fact, *lead, *outcome, out),
            FactBody::Order(said) => self.apply_order(fact, said, out),
            FactBody::Entry(said) => self.apply_entry(fact, said, out),
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
        entry_event: Fingerprint,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        if let FactBody::TracesSeen { .. } = body {
            self.trace(fact, body, at, entry_event);
            return Ok(());
        }
        if self.is_closed(fact.route, body, at) {
            out.push(Effect::Unmatched { event: fact.event, reason: UnmatchedReason::HoldingClosed });
            return Ok(());
        }
        self.recall_by(fact.route.token, body, at, out)?;
        let active = self.rules.clone();
        if let Some(active) = &active {
            for feeding in feedings(fact.route, body).iter().flatten() {
                self.feed(feeding, at, entry_event, active);
            }
        }
        match body {
            FactBody::Opening { .. } => self.apply_opening(fact, body, at, entry_event, out),
            FactBody::HoldingsAnswered { opening, product, elsewhere_count } => {
                let holder = self.holders.get_or_default(fact.route.token);
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
            FactBody::CardProfiled { .. }
            | FactBody::RiskAssessed { .. }
            | FactBody::OwnersDeclared { .. } => self.declare(fact, body, at, entry_event, out),
            FactBody::AuthorisationGranted { .. } => {
                self.grant(fact, body, at, entry_event, out);
                Ok(())
            }
            _ => {
                let holder = self.holders.get(&fact.route.token);
                let (Some((feed, party, other, attributes)), Some(active)) =
                    (set_off(holder, body, at), active)
                else {
                    return Ok(());
                };
                let scene = Scene {
                    trigger: Trigger::Feed(feed),
                    party,
                    holder: fact.route.token,
                    other: Some(other),
                    place: place_of(body),
                    attributes,
                    event: fact.event,
                    entry: entry_event,
                    at,
                    left_out: None,
                };
                self.run_rules(&scene, &active, out)?;
                self.run_leads(&scene, Some(fact.route.token), &active, out)?;
                self.tell_other_side(fact, body, at, entry_event, &active, out)
            }
        }
    }

    /// Whether the body is a payment or use of an account or card that was closed by then.
    fn is_closed(&self, route: Subject, body: &FactBody, at: TimeMs) -> bool {
        let (FactBody::Transfer { account: party, .. }
        | FactBody::CardPayment { account: party, .. }
        | FactBody::CardUsage { card: party, .. }) = body
        else {
            return false;
        };
        let holder = self.holders.get(&route.token);
        holder.is_some_and(|holder| holder.is_closed_at(party.subject, at))
    }

    pub(super) fn feed(&mut self, feeding: &Feeding, at: TimeMs, event: Fingerprint, active: &Active) {
        let entry = Entry {
            at,
            event,
            other: feeding.other.short(),
            amount: feeding.amount,
            feed: feeding.feed,
            marks: feeding.marks,
        };
        // One entry, whichever logs take it.
        let plan_of = |subject: Subject| {
            let plan = active.plans.get(subject.kind).filter(|plan| plan.reads(feeding.feed))?;
            (at > self.horizons.log(subject.kind)).then_some((subject, plan))
        };
        let taken = feeding.subjects.map(|subject| subject.and_then(plan_of));
        let count = taken.iter().flatten().count();
        if count == 0 {
            return;
        }
        let number = self.store.add(&entry, count);
        for (subject, plan) in taken.into_iter().flatten() {
            let horizon = self.horizons.log(subject.kind);
            let (store, horizons) = (&mut self.store, &self.horizons);
            // What is forgotten is in no window and in no snapshot, so when it goes does not show.
            self.logs.make_room(&subject, |other, log| {
                log.forget(store, horizons.log(other.kind));
                !log.is_empty()
            });
            self.logs.get_or_default(subject).insert(number, store, plan, horizon);
        }
    }

    /// A rule set begins to decide here (S1; S6, S5: `since` and `floor`).
    fn activate(
        &mut self,
        fact: &Fact,
        bundle: &Arc<str>,
        release: &Release,
        loader: &dyn LoadRules,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let set = loader.load(bundle).map_err(EngineError::Rules)?;
        let is_newer = self.rules.as_ref().is_none_or(|active| set.version > active.set.version);
        if !is_newer && release.rollback.is_none() {
            // Every partition comes to this, and the event has one dead letter.
            if self.identity.partition == 0 {
                out.push(Effect::Unmatched { event: fact.event, reason: UnmatchedReason::RulesNotNewer });
            }
            return Ok(());
        }
        self.in_force.activated = Some((self.offset, fact.at));
        self.floor = self.horizons;
        let old = self.rules.take();
        let unchanged = |signal: &Signal| {
            let old = &old.as_ref()?.set.signals;
            let before = old.iter().find(|known| known.name == signal.name)?;
            signal.measures_alike(&set.signals, before, old).then(|| self.since.get(&signal.name).copied())?
        };
        let since: Vec<(String, TimeMs)> = set
            .signals
            .iter()
            .map(|signal| (signal.name.clone(), unchanged(signal).unwrap_or(self.newest_time)))
            .collect();
        self.since = since.into_iter().collect();
        self.forget_counts(&set);
        let epoch = old.as_ref().map_or(0, |active| active.plans.epoch() + 1);
        self.rules = Some(Arc::new(Active::new(set, Arc::clone(bundle), epoch)));
        self.number_since();
        self.move_horizons();
        self.sweep_due = TimeMs::MIN;
        Ok(())
    }
}
