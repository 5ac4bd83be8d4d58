//! Labels of rows: a row that turned out to be fraud becomes the line of an event of its own.

use super::row::{self, Reading, in_range};
use super::{Classifier, LabelRow, SourceRecord};
use crate::codec::csv;
use crate::codec::event::{Amount, Event, OwnParty, Undeclared};
use crate::engine::base::TimeMs;
use crate::intake::refusal::RefusalCode;

/// What a confirmation repeats of its row.
#[derive(Default)]
struct Repeated<'e> {
    from: Option<&'e OwnParty<'e>>,
    to: Option<&'e OwnParty<'e>>,
    counterparty: &'e str,
    terminal: &'e str,
    amount: Option<Amount>,
}

impl<'e> Repeated<'e> {
    fn of(event: &'e Event<'e>) -> Option<Repeated<'e>> {
        match event {
            Event::TransferPosted(transfer) => Some(Repeated {
                from: transfer.payer.as_ref(),
                to: transfer.payee.as_ref(),
                counterparty: transfer.counterparty.as_ref().map_or("", |other| &other.account),
                terminal: "",
                amount: Some(transfer.amount),
            }),
            Event::CardPaymentPosted(payment) => Some(Repeated {
                from: Some(&payment.card),
                terminal: payment.terminal.as_deref().unwrap_or_default(),
                amount: Some(payment.amount),
                ..Repeated::default()
            }),
            _ => None,
        }
    }

    fn line(&self, event_id: &str, available_at: TimeMs) -> String {
        let (time, minor) =
            (available_at.0.to_string(), self.amount.map(|amount| amount.minor.0.to_string()));
        let currency = self.amount.map(|amount| amount.currency.0);
        let reference = |party: Option<&'e OwnParty<'e>>| {
            party.and_then(|party| party.reference.as_deref()).unwrap_or_default()
        };
        let holder = |party: Option<&'e OwnParty<'e>>| {
            party.and_then(|party| party.holder.as_deref()).unwrap_or_default()
        };
        csv::line([
            "event",
            event_id,
            &time,
            reference(self.from),
            holder(self.from),
            reference(self.to),
            holder(self.to),
            self.counterparty,
            self.terminal,
            minor.as_deref().unwrap_or_default(),
            currency.as_ref().map_or("", |currency| currency.as_str()),
        ])
    }
}

impl Classifier {
    pub(super) fn read_label(&mut self, line: &[u8]) -> Result<Option<LabelRow>, RefusalCode> {
        let record = SourceRecord { bytes: line, headers: &[], timestamp: TimeMs::MIN };
        let text = row::text(line)?;
        let reading = Reading { mapping: &self.mapping, header: self.header.as_ref(), record: &record, text };
        let (table, row) = reading.line(&mut self.fields)?;
        if !table.events.iter().any(|mapping| mapping.matches(row)) || !table.time.is_given(row) {
            return Ok(None);
        }
        let available_at = in_range(table.time.time(row, record.timestamp)?)?;
        let (_, id) = table.id.id(row).ok_or(RefusalCode::EventIdMissing)?;
        Ok(Some(LabelRow { event_id: reading.event_id("", id)?, available_at }))
    }

    pub(super) fn read_confirmed(
        &mut self,
        line: &[u8],
        available_at: TimeMs,
    ) -> Result<String, RefusalCode> {
        let record = SourceRecord { bytes: line, headers: &[], timestamp: TimeMs::MIN };
        let text = row::text(line)?;
        let reading = Reading { mapping: &self.mapping, header: self.header.as_ref(), record: &record, text };
        // What the row says beside was counted when the row was read.
        reading.event(&mut self.fields, &mut Undeclared::default(), &mut None, |draft, _| {
            let repeated = Repeated::of(&draft.event).ok_or(RefusalCode::TypeNotAccepted)?;
            Ok(repeated.line(&draft.id, available_at))
        })
    }
}
