//! An event to facts: one for each subject it concerns, payer, payee, then the others in mapping order.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::order::When;
use super::party::{Own, given};
use super::row::in_range;
use super::{Classified, ClassifierSettings, Destination, Draft};
use crate::codec::event::card_usage::CardUsageRecorded;
use crate::codec::event::control::RuleSetActivated;
use crate::codec::event::review::FraudConfirmed;
use crate::codec::event::transfer::{CardPaymentPosted, TransferPosted};
use crate::codec::event::{Amount, Counterparty, Event, EventType, OwnParty, PartyKind, Undeclared};
use crate::codec::hex::hex;
use crate::codec::keys::Keys;
use crate::config::source::SourceMapping;
use crate::engine::LoadRules;
use crate::engine::base::{Fingerprint, Money, TimeMs, Token};
use crate::engine::fact::{
    Channel, Essential, Fact, FactBody, Feed, OtherParty, Side, TransferDetails, UsageKind,
};
use crate::engine::subject::{Subject, SubjectKind};
use crate::intake::refusal::RefusalCode;

/// Makes the facts of one event.
pub struct Maker<'c> {
    pub mapping: &'c SourceMapping,
    pub keys: &'c Keys,
    pub settings: &'c ClassifierSettings,
    pub rules: &'c dyn LoadRules,
    pub event: Fingerprint,
    pub undeclared: &'c mut Undeclared,
}

/// Facts and where they go.
pub type Facts = Vec<(Destination, Fact)>;

/// A party of any kind of ours.
pub(super) const ANY_KIND: [PartyKind; 4] =
    [PartyKind::Account, PartyKind::PhoneCard, PartyKind::IotCard, PartyKind::Opening];
pub(super) const ACCOUNT: [PartyKind; 1] = [PartyKind::Account];

/// A transfer's sides: those that are ours, and who is outside.
struct Sides<'t, 'a> {
    payer: Option<&'t OwnParty<'a>>,
    payee: Option<&'t OwnParty<'a>>,
    outside: Option<&'t str>,
}

impl Maker<'_> {
    /// Tests the event as a whole and makes its facts.
    pub fn classified(mut self, draft: Draft<'_>, record_time: TimeMs) -> Result<Classified, RefusalCode> {
        let at = in_range(draft.time)?;
        self.not_ahead(at, record_time)?;
        let is_control = matches!(
            *draft.event,
            Event::RuleSetActivated(_) | Event::WentLive(_) | Event::HoldOrdered(_) | Event::HoldReleased(_)
        );
        if !self.mapping.accepts(draft.event.event_type()) || (is_control && self.settings.releases.elsewhere)
        {
            return Err(RefusalCode::TypeNotAccepted);
        }
        let facts = match &*draft.event {
            Event::EventCorrected(corrected) => self.correction(corrected, at, record_time)?,
            Event::RuleSetActivated(activated) => self.rule_set(activated, at, record_time)?,
            Event::WentLive(event) => {
                self.settings.releases.go_live(event)?;
                vec![self.to_all(at, FactBody::WentLive)]
            }
            Event::OrderIssued(issued) => self.order_issued(issued, self.when(at, record_time))?,
            Event::OrderExtended(extended) => self.order_extended(extended, self.when(at, record_time))?,
            Event::OrderReleased(released) => self.order_released(released, self.when(at, record_time))?,
            Event::OrderAnswered(answered) => self.order_answered(answered, at)?,
            Event::EntryListed(listed) => self.entry_listed(listed, self.when(at, record_time))?,
            Event::EntryRevoked(revoked) => self.entry_revoked(revoked, self.when(at, record_time))?,
            Event::SpecialMeasureOrdered(ordered) => {
                self.special_ordered(ordered, self.when(at, record_time))?
            }
            Event::SpecialMeasureReleased(released) => {
                self.special_released(released, self.when(at, record_time))?
            }
            Event::HoldOrdered(ordered) => self.hold_ordered(ordered, self.when(at, record_time))?,
            Event::HoldReleased(released) => self.hold_released(released, self.when(at, record_time))?,
            event => self.facts(event, at)?,
        };
        Ok(Classified { event_id: draft.id, event: self.event, at, facts, undeclared: Vec::new() })
    }

    /// When an event happened, and when a signature on it is tested: an event may claim any time, so the
    /// broker's clock is believed where there is one.
    fn when(&self, at: TimeMs, record_time: TimeMs) -> When {
        When { at, signed_at: if self.settings.ahead_max.is_some() { record_time } else { at } }
    }

    /// Tests a time against its record's, where there is a broker's clock.
    pub fn not_ahead(&self, at: TimeMs, record_time: TimeMs) -> Result<(), RefusalCode> {
        match self.settings.ahead_max {
            Some(ahead_max) if at > record_time.plus(ahead_max) => Err(RefusalCode::TimeAheadOfRecord),
            _ => Ok(()),
        }
    }

    /// The facts of any event but a correction.
    pub fn facts(&mut self, event: &Event<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        match event {
            Event::TransferPosted(transfer) => self.transfer(transfer, at),
            Event::CardPaymentPosted(payment) => self.card_payment(payment, at),
            Event::OpeningRequested(_)
            | Event::OpeningOpened(_)
            | Event::OpeningAbandoned(_)
            | Event::OpeningClosed(_)
            | Event::OpeningChanged(_)
            | Event::HoldingStated(_)
            | Event::HoldingsAnswered(_) => self.opening(event, at),
            Event::CardUsageRecorded(usage) => self.card_usage(usage, at),
            Event::AppealDecided(_)
            | Event::AppealFiled(_)
            | Event::AppealAccepted(_)
            | Event::AppealPapersAsked(_)
            | Event::AppealPapersGiven(_)
            | Event::HumanDecisionRequested(_)
            | Event::HumanDecisionMade(_) => self.appeal(event, at),
            Event::FraudConfirmed(confirmed) => self.fraud(confirmed, at),
            Event::IotCardProfiled(profiled) => self.profiled(profiled, at),
            Event::RiskAssessed(assessed) => self.assessed(assessed, at),
            Event::DeviceSaleReported(sold) => self.device_sale(sold, at),
            Event::DeviceStockReported(stock) => self.device_stock(stock, at),
            Event::BeneficialOwnersDeclared(declared) => self.owners(declared, at),
            Event::VerificationPassed(_)
            | Event::VerificationFailed(_)
            | Event::NoticeDelivered(_)
            | Event::NoticeUndeliverable(_)
            | Event::SettlementCancelled(_)
            | Event::SettlementRecorded(_)
            | Event::SharingExplained(_) => self.of_life(event, at),
            Event::LeadAnswered(answered) => self.lead_answered(answered, at),
            Event::AuthorisationGranted(granted) => self.authorisation_granted(granted, at),
            Event::AuthorisationRevoked(revoked) => self.authorisation_revoked(revoked, at),
            // These stand by themselves and are not corrected: what an authority said, it says anew.
            Event::EventCorrected(_)
            | Event::RuleSetActivated(_)
            | Event::WentLive(_)
            | Event::OrderIssued(_)
            | Event::OrderExtended(_)
            | Event::OrderReleased(_)
            | Event::OrderAnswered(_)
            | Event::EntryListed(_)
            | Event::EntryRevoked(_)
            | Event::SpecialMeasureOrdered(_)
            | Event::SpecialMeasureReleased(_)
            | Event::HoldOrdered(_)
            | Event::HoldReleased(_) => Err(RefusalCode::CorrectionTypeUnsupported),
        }
    }

    fn transfer(&mut self, transfer: &TransferPosted<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let sides = self.sides(transfer)?;
        let own = |side: Option<&OwnParty<'_>>| side.map(|party| self.own(party, &ACCOUNT)).transpose();
        let (payer, payee) = (own(sides.payer)?, own(sides.payee)?);
        let outside = sides.outside.map(|id| self.bounded(id)).transpose()?;
        let traces = payer.as_ref().map(|payer| self.traces(payer, &transfer.device, &transfer.region, at));
        let traces = traces.transpose()?.flatten();
        let device = self.own_device(&transfer.device)?;
        if given(&transfer.region).is_some() && !self.holds_locations() {
            self.undeclared.add("region");
        }
        let [outside, device] = self.keys.tokens([
            outside.map(|id| (SubjectKind::Account, id)),
            device.map(|id| (SubjectKind::Device, id)),
        ]);
        let device = device.map(|token| Subject::new(SubjectKind::Device, token));
        let amount = transfer.amount.money();
        let details = details(transfer, &payer, &payee);
        let token_of = |own: &Option<Own>| own.as_ref().map(|own| own.party.subject.token).or(outside);
        // One of two sides that are given is ours or outside, so neither is ever the fallback.
        let (payer_token, payee_token) =
            (token_of(&payer).unwrap_or_default(), token_of(&payee).unwrap_or_default());
        let mut facts = Vec::with_capacity(3);
        facts.extend(traces);
        let (payer_balance, payee_balance) = (transfer.payer_balance_after, transfer.payee_balance_after);
        for (side, own, other, counterparty, balance) in [
            (Side::Payer, &payer, &payee, payee_token, payer_balance),
            (Side::Payee, &payee, &payer, payer_token, payee_balance),
        ] {
            if let Some(own) = own {
                let account = own.party.clone();
                // What protects the payer stays with the payer.
                let is_payer = side == Side::Payer;
                let details = TransferDetails {
                    balance_after: balance.map(|balance| balance.0),
                    remote_control: details.remote_control && is_payer,
                    after_loan: details.after_loan && is_payer,
                    ..details
                };
                // About an essential transfer nobody is told anything.
                let other_side = other.as_ref().filter(|_| details.essential == Essential::No);
                let other_side = other_side
                    .map(|own| Box::new(OtherParty { holder: own.holder, account: own.party.clone() }));
                let body = FactBody::Transfer { side, account, counterparty, amount, details, other_side };
                facts.push(self.to_holder(own.holder, at, body));
            }
        }
        if let (Some(device), Some(payer)) = (device, &payer) {
            facts.push(self.met(Feed::TransferDevice, device, payer, Some(amount), at));
        }
        Ok(facts)
    }

    /// Sorts out who is ours. A source's names for the world outside count as counterparties.
    fn sides<'t, 'a>(&self, transfer: &'t TransferPosted<'a>) -> Result<Sides<'t, 'a>, RefusalCode> {
        let named = transfer.counterparty.as_ref().map(|Counterparty { account }| &**account);
        if named.is_some_and(str::is_empty) {
            return Err(RefusalCode::RefMissing);
        }
        let given = usize::from(transfer.payer.is_some())
            + usize::from(transfer.payee.is_some())
            + usize::from(named.is_some());
        if given != 2 {
            return Err(RefusalCode::PartiesIncomplete);
        }
        let (payer, payer_outside) = self.inside(transfer.payer.as_ref());
        let (payee, payee_outside) = self.inside(transfer.payee.as_ref());
        if payer.is_none() && payee.is_none() {
            return Err(RefusalCode::OwnPartyMissing);
        }
        Ok(Sides { payer, payee, outside: named.or(payer_outside).or(payee_outside) })
    }

    /// The same of a confirmed fraud, which may know one side only.
    fn fraud_sides<'t, 'a>(&self, confirmed: &'t FraudConfirmed<'a>) -> Result<Sides<'t, 'a>, RefusalCode> {
        let named = confirmed.counterparty.as_ref().map(|Counterparty { account }| &**account);
        if named.is_some_and(str::is_empty) {
            return Err(RefusalCode::RefMissing);
        }
        if named.is_some() && confirmed.payer.is_some() && confirmed.payee.is_some() {
            return Err(RefusalCode::PartiesIncomplete);
        }
        let (payer, payer_outside) = self.inside(confirmed.payer.as_ref());
        let (payee, payee_outside) = self.inside(confirmed.payee.as_ref());
        if payer.is_none() && payee.is_none() {
            return Err(RefusalCode::OwnPartyMissing);
        }
        Ok(Sides { payer, payee, outside: named.or(payer_outside).or(payee_outside) })
    }

    /// A party if it is ours, or the name by which the source means the world outside.
    pub(super) fn inside<'t, 'a>(
        &self,
        party: Option<&'t OwnParty<'a>>,
    ) -> (Option<&'t OwnParty<'a>>, Option<&'t str>) {
        match party.and_then(|party| given(&party.reference)) {
            Some(reference) if self.mapping.is_outside(reference) => (None, Some(reference)),
            _ => (party, None),
        }
    }

    fn card_payment(&mut self, payment: &CardPaymentPosted<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let (card, _) = self.inside(Some(&payment.card));
        let own = self.own(card.ok_or(RefusalCode::OwnPartyMissing)?, &ACCOUNT)?;
        let terminal = self.shared(SubjectKind::Terminal, &payment.terminal)?;
        let amount = payment.amount.money();
        // A payment whose terminal is unknown, or dropped for want of a basis, has the token 0.
        let token = terminal.map_or(Token::default(), |terminal| terminal.token);
        let body = FactBody::CardPayment { account: own.party.clone(), terminal: token, amount };
        let mut facts = vec![self.to_holder(own.holder, at, body)];
        facts.extend(
            terminal.map(|terminal| self.met(Feed::CardPaymentTerminal, terminal, &own, Some(amount), at)),
        );
        Ok(facts)
    }

    fn card_usage(&mut self, usage: &CardUsageRecorded<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let own = self.own(&usage.card, &[PartyKind::PhoneCard, PartyKind::IotCard])?;
        let traces = self.traces(&own, &usage.device, &usage.region, at)?;
        let device = self.own_device(&usage.device)?;
        let device =
            device.map(|id| Subject::new(SubjectKind::Device, self.keys.token(SubjectKind::Device, id)));
        // As with terminals: 0 where it is unknown or dropped.
        let token = device.map_or(Token::default(), |device| device.token);
        let kind = usage.usage.map_or(UsageKind::Unstated, |usage| usage.0);
        let peer = match given(&usage.peer).filter(|_| kind.peer_feed().is_some()) {
            // A kind of its own, so that a peer is never joined with a contact number or a card.
            Some(peer) => Some(self.keys.token(SubjectKind::Counterparty, self.bounded(peer)?)),
            None => None,
        };
        let open_mb = usage.month_open_megabytes;
        let is_iot = own.party.subject.kind == SubjectKind::IotCard;
        let region = self.region(usage.region.as_ref().filter(|_| is_iot))?;
        let card = own.party.clone();
        let body = FactBody::CardUsage { card, device: token, usage: kind, peer, open_mb, region };
        let mut facts: Facts = traces.into_iter().collect();
        facts.push(self.to_holder(own.holder, at, body));
        facts.extend(device.map(|device| self.met(Feed::CardUsageDevice, device, &own, None, at)));
        Ok(facts)
    }

    fn rule_set(
        &self,
        activated: &RuleSetActivated<'_>,
        at: TimeMs,
        record_time: TimeMs,
    ) -> Result<Facts, RefusalCode> {
        let digest = Sha256::digest(activated.bundle.as_bytes());
        if hex(&digest) != *activated.sha256 {
            return Err(RefusalCode::RulesDigestMismatch);
        }
        let signed_at = self.when(at, record_time).signed_at;
        let release = self.settings.releases.activation(activated, &self.settings.institution, signed_at)?;
        if self.rules.asked(&activated.bundle) > self.rules.speaks() {
            return Err(RefusalCode::RulesUnspoken);
        }
        // Last, for it is the dearest: what nobody vouches for is not compiled.
        self.rules.load(&activated.bundle).map_err(|_| RefusalCode::RulesDoNotCompile)?;
        let bundle = Arc::from(&*activated.bundle);
        Ok(vec![self.to_all(at, FactBody::RuleSetActivated { bundle, release })])
    }

    /// Each side of ours learns of it, and the terminal where a card was used.
    fn fraud(&mut self, confirmed: &FraudConfirmed<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        if confirmed.event_id.is_empty() {
            return Err(RefusalCode::FieldMissing);
        }
        self.bounded(&confirmed.event_id)?;
        let sides = self.fraud_sides(confirmed)?;
        let own = |side: Option<&OwnParty<'_>>| side.map(|party| self.own(party, &ACCOUNT)).transpose();
        let (payer, payee) = (own(sides.payer)?, own(sides.payee)?);
        let outside = match sides.outside {
            Some(id) => Some(self.keys.token(SubjectKind::Account, self.bounded(id)?)),
            None => None,
        };
        let terminal = self.shared(SubjectKind::Terminal, &confirmed.terminal)?;
        let amount = confirmed.amount.map(Amount::money);
        let token_of = |own: &Option<Own>| own.as_ref().map(|own| own.party.subject.token).or(outside);
        // As with card payments: 0 where the other side is not known.
        let payee_token = token_of(&payee).or(terminal.map(|terminal| terminal.token)).unwrap_or_default();
        let payer_token = token_of(&payer).unwrap_or_default();
        let mut facts = Vec::with_capacity(3);
        for (feed, own, other) in [
            (Feed::FraudConfirmedPayer, &payer, payee_token),
            (Feed::FraudConfirmedPayee, &payee, payer_token),
        ] {
            if let Some(own) = own {
                let body = FactBody::FraudConfirmed { feed, account: own.party.clone(), other, amount };
                facts.push(self.to_holder(own.holder, at, body));
            }
        }
        if let (Some(terminal), Some(payer)) = (terminal, &payer) {
            facts.push(self.met(Feed::FraudConfirmedTerminal, terminal, payer, amount, at));
        }
        Ok(facts)
    }

    /// A fact for the holder of one of our parties.
    pub fn to_holder(&self, holder: Token, at: TimeMs, body: FactBody) -> (Destination, Fact) {
        self.to_subject(Subject::new(SubjectKind::Holder, holder), at, body)
    }

    /// A shared subject was met by one of our holders; `own` is what of theirs a report may act on.
    pub fn met(
        &self,
        feed: Feed,
        subject: Subject,
        own: &Own,
        amount: Option<Money>,
        at: TimeMs,
    ) -> (Destination, Fact) {
        let body = FactBody::Met { feed, holder: own.holder, target: own.party.clone(), amount };
        self.to_subject(subject, at, body)
    }

    /// A fact for a subject's own partition.
    pub fn to_subject(&self, route: Subject, at: TimeMs, body: FactBody) -> (Destination, Fact) {
        let destination = Destination::Partition(route.token.partition(self.settings.facts_partitions));
        (destination, Fact { event: self.event, at, route, body })
    }

    pub fn to_all(&self, at: TimeMs, body: FactBody) -> (Destination, Fact) {
        let route = Subject::new(SubjectKind::Holder, Token::default());
        (Destination::All, Fact { event: self.event, at, route, body })
    }
}

/// What a transfer says beside its parties and amount, but for the balances, which are each side's own.
fn details(transfer: &TransferPosted<'_>, payer: &Option<Own>, payee: &Option<Own>) -> TransferDetails {
    // What a source only calls protected is treated as salary: it feeds and triggers nothing else.
    let protected = if transfer.protected { Essential::Salary } else { Essential::No };
    let same_holder = matches!((payer, payee), (Some(payer), Some(payee)) if payer.holder == payee.holder);
    TransferDetails {
        channel: transfer.channel.map_or(Channel::Unstated, |channel| channel.0),
        essential: transfer.essential.map_or(protected, |essential| essential.0),
        to_bound_account: transfer.to_bound_account,
        to_own_account: transfer.to_own_account || same_holder,
        cash: transfer.cash,
        strong_auth: transfer.strong_auth,
        remote_control: transfer.remote_control,
        after_loan: transfer.after_loan,
        balance_after: None,
        agreed_daily_sum: transfer.agreed_daily_sum.map(|sum| sum.0),
    }
}

/// Whether events of this type can be corrected: those that leave what a correction can take out again.
pub fn is_correctable(kind: EventType) -> bool {
    matches!(
        kind,
        EventType::TransferPosted
            | EventType::CardPaymentPosted
            | EventType::CardUsageRecorded
            | EventType::FraudConfirmed
            | EventType::OpeningRequested
            | EventType::OpeningOpened
            | EventType::OpeningAbandoned
            | EventType::OpeningClosed
            | EventType::OpeningChanged
            | EventType::HoldingStated
            | EventType::HoldingsAnswered
            | EventType::IotCardProfiled
            | EventType::RiskAssessed
            | EventType::DeviceSaleReported
            | EventType::DeviceStockReported
            | EventType::BeneficialOwnersDeclared
            // What was taken back stays so: a revocation is not corrected.
            | EventType::AuthorisationGranted
    )
}
