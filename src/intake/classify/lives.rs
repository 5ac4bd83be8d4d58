//! Events in the life of a measure, explanations of a shared number, and settlements (ARCHITECTURE S14).

use super::facts::{ACCOUNT, ANY_KIND, Facts, Maker};
use super::party::Own;
use crate::codec::event::settlement::SettlementRecorded;
use crate::codec::event::verification::SharingExplained;
use crate::codec::event::{Amount, Counterparty, Event, OwnParty, Text};
use crate::engine::base::TimeMs;
use crate::engine::disposition::DispositionId;
use crate::engine::fact::{FactBody, Feed, MeasureNews};
use crate::engine::subject::SubjectKind;
use crate::intake::refusal::RefusalCode;

impl Maker<'_> {
    /// One fact for the holder of the measure's party. Whether there is such a measure is known there.
    pub fn of_life(&mut self, event: &Event<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let (party, id, news) = match event {
            Event::NoticeDelivered(event) => {
                (&event.party, &event.disposition_id, MeasureNews::NoticeDelivered(event.channel.0))
            }
            Event::NoticeUndeliverable(event) => {
                (&event.party, &event.disposition_id, MeasureNews::NoticeUndeliverable(event.channel.0))
            }
            Event::VerificationPassed(event) => {
                (&event.party, &event.disposition_id, MeasureNews::VerificationPassed(event.method.0))
            }
            Event::VerificationFailed(event) => {
                (&event.party, &event.disposition_id, MeasureNews::VerificationFailed(event.method.0))
            }
            Event::SettlementCancelled(event) => {
                (&event.party, &event.disposition_id, MeasureNews::Cancelled)
            }
            Event::SharingExplained(event) => return self.sharing(event, at),
            Event::SettlementRecorded(event) => return self.settlement(event, at),
            _ => return Err(RefusalCode::TypeNotAccepted),
        };
        let own = self.own(party, &ANY_KIND)?;
        let measure = self.keys.names().measure(disposition_id(id)?);
        Ok(vec![self.to_holder(own.holder, at, FactBody::MeasureHappened { measure, news })])
    }

    /// A number is a subject of its own only on a recorded basis (D18): without one nothing was told of
    /// it, so there is nothing to explain either.
    fn sharing(&mut self, explained: &SharingExplained<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let own = self.own(&explained.party, &ANY_KIND)?;
        if explained.phone_number.is_empty() {
            return Err(RefusalCode::FieldMissing);
        }
        let number = self.shared(SubjectKind::PhoneNumber, &Some(explained.phone_number.clone()))?;
        let body = number.map(|number| FactBody::SharingExplained { number: number.token });
        Ok(body.map(|body| self.to_holder(own.holder, at, body)).into_iter().collect())
    }

    /// Each side of ours compares what it asked for.
    fn settlement(&mut self, settled: &SettlementRecorded<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        if settled.event_id.is_empty() {
            return Err(RefusalCode::FieldMissing);
        }
        let initiated_by = self.keys.fingerprint(self.bounded(&settled.event_id)?);
        let named = settled.counterparty.as_ref().map(|Counterparty { account }| &**account);
        if named.is_some_and(str::is_empty) {
            return Err(RefusalCode::RefMissing);
        }
        if named.is_some() && settled.payer.is_some() && settled.payee.is_some() {
            return Err(RefusalCode::PartiesIncomplete);
        }
        let (payer, payer_outside) = self.inside(settled.payer.as_ref());
        let (payee, payee_outside) = self.inside(settled.payee.as_ref());
        if payer.is_none() && payee.is_none() {
            return Err(RefusalCode::OwnPartyMissing);
        }
        let own = |side: Option<&OwnParty<'_>>| side.map(|party| self.own(party, &ACCOUNT)).transpose();
        let (payer, payee) = (own(payer)?, own(payee)?);
        let outside = match named.or(payer_outside).or(payee_outside) {
            Some(id) => Some(self.keys.token(SubjectKind::Account, self.bounded(id)?)),
            None => None,
        };
        // A payment with a card is told by its terminal, even where a terminal's number is dropped.
        let is_of_card = settled.terminal.as_ref().is_some_and(|terminal| !terminal.is_empty());
        let terminal = self.shared(SubjectKind::Terminal, &settled.terminal)?;
        let amount = settled.amount.map(Amount::money);
        let token_of = |own: &Option<Own>| own.as_ref().map(|own| own.party.subject.token).or(outside);
        let (payer_feed, of_payer) = if is_of_card {
            (Feed::CardPaymentCard, terminal.map(|terminal| terminal.token))
        } else {
            (Feed::TransferPayer, token_of(&payee))
        };
        let mut facts = Vec::with_capacity(2);
        for (feed, own, other) in
            [(payer_feed, &payer, of_payer), (Feed::TransferPayee, &payee, token_of(&payer))]
        {
            if let Some(own) = own {
                let account = own.party.clone();
                let body = FactBody::SettlementRecorded { feed, account, initiated_by, other, amount };
                facts.push(self.to_holder(own.holder, at, body));
            }
        }
        Ok(facts)
    }
}

/// A disposition id as it is published: 32 hex digits.
pub fn disposition_id(text: &Text<'_>) -> Result<DispositionId, RefusalCode> {
    if text.is_empty() {
        return Err(RefusalCode::FieldMissing);
    }
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok().filter(|_| is_hex);
    number.map(DispositionId).ok_or(RefusalCode::FieldInvalid)
}
