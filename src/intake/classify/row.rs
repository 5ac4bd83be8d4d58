//! A record taken apart: whose form it has, and which event it is.

use std::borrow::Cow;

use super::{
    Classifier, Draft, HEADER_CSV_HEADER, HEADER_TABLE, HeaderInForce, RECORD_BYTES_MAX, SourceRecord,
    TABLE_EVENTS,
};
use crate::codec::csv;
use crate::codec::event::envelope::{Envelope, SPEC_VERSION};
use crate::codec::event::plain::Whole;
use crate::codec::event::{Event, EventTime, EventType, Undeclared};
use crate::config::source::{Format, SourceMapping, Table, Values};
use crate::engine::base::TimeMs;
use crate::intake::refusal::RefusalCode;

/// The record's text.
pub fn text(bytes: &[u8]) -> Result<&str, RefusalCode> {
    if bytes.is_empty() {
        return Err(RefusalCode::RecordEmpty);
    }
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(RefusalCode::RecordTooLarge);
    }
    std::str::from_utf8(bytes).map_err(|_| RefusalCode::NotUtf8)
}

/// A record on its way to an event.
pub struct Reading<'a> {
    pub mapping: &'a SourceMapping,
    pub header: Option<&'a HeaderInForce>,
    pub record: &'a SourceRecord<'a>,
    pub text: &'a str,
}

impl Reading<'_> {
    /// Hands the record's event to `take`. `at` is set as soon as its time is known.
    pub fn event<T>(
        &self,
        fields: &mut csv::Fields,
        undeclared: &mut Undeclared,
        at: &mut Option<TimeMs>,
        take: impl FnOnce(Draft<'_>, &mut Undeclared) -> Result<T, RefusalCode>,
    ) -> Result<T, RefusalCode> {
        match self.mapping.format {
            Format::Native => take(self.native(undeclared, at)?, undeclared),
            Format::Csv => {
                let (table, row) = self.line(fields)?;
                let header = self.header.ok_or(RefusalCode::CsvHeaderInvalid)?;
                header.columns.undeclared.iter().for_each(|name| undeclared.add(name));
                take(self.mapped(table, row, at)?, undeclared)
            }
            Format::Json => {
                let name = self.record.headers.iter().find(|(name, _)| *name == HEADER_TABLE);
                let name = name.map_or(TABLE_EVENTS.as_bytes(), |(_, name)| name);
                let named = self.mapping.tables.iter().find(|table| table.name.as_bytes() == name);
                let table = named.ok_or(RefusalCode::TypeUnknown)?;
                let values = table.pointers.read(self.text, table.fields.len(), undeclared)?;
                take(self.mapped(table, JsonRow(&values), at)?, undeclared)
            }
        }
    }

    fn native(&self, undeclared: &mut Undeclared, at: &mut Option<TimeMs>) -> Result<Draft<'_>, RefusalCode> {
        if let Some(draft) = self.plain() {
            *at = in_range(draft.time).ok();
            return Ok(draft);
        }
        let envelope = Envelope::open(self.text, self.record.headers, undeclared)?;
        if &*envelope.spec_version != SPEC_VERSION {
            return Err(RefusalCode::EnvelopeVersionUnknown);
        }
        let time = EventTime::parse(&envelope.time)?.0;
        *at = in_range(time).ok();
        let kind = EventType::from_name(&envelope.event_type).ok_or(RefusalCode::TypeUnknown)?;
        let id = self.event_id("", &envelope.id)?;
        let event = Box::new(Event::from_json(kind, envelope.data, "", undeclared)?);
        Ok(Draft { id, time, event })
    }

    /// A structured event with nothing unusual about it, nor wrong.
    fn plain(&self) -> Option<Draft<'_>> {
        if self.record.headers.iter().any(|(name, _)| name.starts_with("ce_")) {
            return None;
        }
        let whole = Whole::read(self.text).filter(|whole| whole.spec_version == SPEC_VERSION)?;
        let (time, id) = (EventTime::parse(whole.time).ok()?.0, self.event_id("", whole.id).ok()?);
        Some(Draft { id, time, event: whole.event })
    }

    fn mapped<'r>(
        &self,
        table: &'r Table,
        row: impl Values<'r>,
        at: &mut Option<TimeMs>,
    ) -> Result<Draft<'r>, RefusalCode> {
        let time = table.time.time(row, self.record.timestamp)?;
        *at = in_range(time).ok();
        let (prefix, id) = table.id.id(row).ok_or(RefusalCode::EventIdMissing)?;
        let id = self.event_id(prefix, id)?;
        let mapping = table.events.iter().find(|mapping| mapping.matches(row));
        let event = Box::new(mapping.ok_or(RefusalCode::TypeUnknown)?.event(row)?);
        Ok(Draft { id, time, event })
    }

    pub fn event_id(&self, prefix: &str, id: &str) -> Result<String, RefusalCode> {
        if id.is_empty() {
            return Err(RefusalCode::EventIdMissing);
        }
        if id.len() > self.mapping.id_bytes_max {
            return Err(RefusalCode::IdTooLong);
        }
        Ok([prefix, id].concat())
    }

    /// The line's table and values.
    pub fn line<'r>(&'r self, fields: &'r mut csv::Fields) -> Result<(&'r Table, CsvRow<'r>), RefusalCode> {
        let header = self.header.ok_or(RefusalCode::CsvHeaderInvalid)?;
        let table = self.mapping.tables.get(header.table).ok_or(RefusalCode::CsvHeaderInvalid)?;
        fields.split(self.text).map_err(|csv::CsvFault::QuoteOpen| RefusalCode::CsvQuoteOpen)?;
        if fields.count() != header.columns.count {
            return Err(RefusalCode::CsvColumnCount);
        }
        Ok((table, CsvRow { fields, line: self.text, places: &header.columns.places }))
    }
}

/// Tests an event's time against what is accepted at all.
pub fn in_range(time: TimeMs) -> Result<TimeMs, RefusalCode> {
    let holds = TimeMs::EARLIEST <= time && time < TimeMs::LATEST;
    if holds { Ok(time) } else { Err(RefusalCode::TimeOutOfRange) }
}

#[derive(Clone, Copy)]
pub struct CsvRow<'r> {
    fields: &'r csv::Fields,
    line: &'r str,
    places: &'r [Option<usize>],
}

impl<'r> Values<'r> for CsvRow<'r> {
    fn value(self, field: usize) -> Option<&'r str> {
        let place = (*self.places.get(field)?)?;
        self.fields.get(self.line, place).filter(|value| !value.is_empty())
    }
}

#[derive(Clone, Copy)]
struct JsonRow<'r>(&'r [Option<Cow<'r, str>>]);

impl<'r> Values<'r> for JsonRow<'r> {
    fn value(self, field: usize) -> Option<&'r str> {
        self.0.get(field)?.as_deref().filter(|value| !value.is_empty())
    }
}

impl Classifier {
    /// Puts the header in force that a record of a topic brings with it.
    pub(super) fn take_header(&mut self, record: &SourceRecord<'_>) -> Result<(), RefusalCode> {
        let of =
            |wanted: &str| record.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        let Some(line) = of(HEADER_CSV_HEADER) else {
            // A header that came with one record is not that of the next.
            self.header.take_if(|known| known.is_of_record);
            return Ok(());
        };
        let table = of(HEADER_TABLE).map_or(Ok(TABLE_EVENTS), std::str::from_utf8);
        self.put_header(table.map_err(|_| RefusalCode::CsvHeaderInvalid)?, line, true)
    }

    pub(super) fn put_header(
        &mut self,
        table: &str,
        line: &[u8],
        is_of_record: bool,
    ) -> Result<(), RefusalCode> {
        let invalid = RefusalCode::CsvHeaderInvalid;
        let place = self.mapping.tables.iter().position(|known| known.name == table).ok_or(invalid)?;
        if self.header.as_ref().is_some_and(|known| known.table == place && known.line == line) {
            return Ok(());
        }
        let text = std::str::from_utf8(line).map_err(|_| invalid)?;
        // The place was just found.
        let columns = self.mapping.tables[place].columns(text).map_err(|_| invalid)?;
        self.header = Some(HeaderInForce { table: place, line: line.to_vec(), columns, is_of_record });
        Ok(())
    }
}
