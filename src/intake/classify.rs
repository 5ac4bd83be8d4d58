//! A record to facts, or a refusal: a pure function of its bytes, headers, timestamp and configuration.
//!
//! `row` takes a record apart, `confirmed` turns a label and its row into an event, `facts` makes facts of its event (`opening` and `lives` of theirs), `look_alike` tests refs. A
//! classifier holds buffers and the header in force, and nothing that one record leaves for the next.

mod appeal;
mod confirmed;
mod correction;
mod declared;
pub mod entry;
mod facts;
pub mod hold;
mod lead;
mod lives;
pub(super) mod look_alike;
mod opening;
pub mod order;
mod party;
mod row;
pub mod special;
mod traces;

use std::sync::Arc;

use crate::codec::csv;
use crate::codec::event::{Event, Undeclared};
use crate::codec::keys::Keys;
use crate::config::source::{Columns, SourceMapping};
use crate::engine::LoadRules;
use crate::engine::base::{Fingerprint, SpanMs, TimeMs};
use crate::engine::fact::Fact;

use super::orders::OrderPolicy;
use super::refusal::{Refusal, RefusalCode};
use super::release::ReleasePolicy;
use facts::Maker;

/// The largest record, in bytes.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// The record header that carries a CSV source's header line on a topic.
pub const HEADER_CSV_HEADER: &str = "duecourse_csv_header";
/// The record header that names the table of a CSV or JSON source; `events` without it.
pub const HEADER_TABLE: &str = "duecourse_table";
/// The table of a source that a record belongs to unless it says otherwise.
pub const TABLE_EVENTS: &str = "events";
/// The table of labels; `feedback_line` writes its rows.
pub const TABLE_FEEDBACK: &str = "feedback";
/// The header of the lines that `feedback_line` writes.
pub const FEEDBACK_HEADER: &str = "kind,id,label_available_ts_ms,from_account,from_holder,to_account,to_holder,\
     counterparty,terminal,amount_minor,currency";

/// One record of a source, or one line of a file.
#[derive(Clone, Copy, Debug)]
pub struct SourceRecord<'a> {
    /// The value, or the line without its line feed.
    pub bytes: &'a [u8],
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The broker's timestamp; the event's own time where there is no broker.
    pub timestamp: TimeMs,
}

/// Which facts partitions a fact goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Partition(u32),
    All,
}

/// What an accepted record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    pub event_id: String,
    pub event: Fingerprint,
    pub at: TimeMs,
    /// Payer, payee, then the others in mapping order. Empty for types that nothing here uses.
    pub facts: Vec<(Destination, Fact)>,
    /// Names of dropped fields, once for each time they occurred.
    pub undeclared: Vec<String>,
}

/// What a classifier needs to know besides its source's mapping and the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassifierSettings {
    /// The only institution whose parties are ours.
    pub institution: String,
    pub facts_partitions: u32,
    /// How far an event's time may lie past its record's timestamp; `None` without a broker's clock.
    pub ahead_max: Option<SpanMs>,
    /// What is demanded of rule releases.
    pub releases: ReleasePolicy,
    /// Whose orders are obeyed.
    pub orders: OrderPolicy,
}

/// A line of a feedback file that names an event and since when it is known to be fraud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRow {
    pub event_id: String,
    pub available_at: TimeMs,
}

/// Classifies the records of one source, or the lines of one file.
pub struct Classifier {
    mapping: Arc<SourceMapping>,
    keys: Arc<Keys>,
    settings: ClassifierSettings,
    rules: Arc<dyn LoadRules + Send + Sync>,
    header: Option<HeaderInForce>,
    /// Fields of the line being read.
    fields: csv::Fields,
}

/// The CSV header that lines are read by.
struct HeaderInForce {
    table: usize,
    line: Vec<u8>,
    columns: Columns,
    /// It came with a record of a topic, and holds for that record only.
    is_of_record: bool,
}

impl Classifier {
    #[must_use]
    pub fn new(
        mapping: Arc<SourceMapping>,
        keys: Arc<Keys>,
        settings: ClassifierSettings,
        rules: Arc<dyn LoadRules + Send + Sync>,
    ) -> Classifier {
        Classifier { mapping, keys, settings, rules, header: None, fields: csv::Fields::default() }
    }

    /// The header line of a CSV file, before its first line. Records with a header of their own
    /// need none.
    ///
    /// # Errors
    /// `csv_header_invalid` when it does not fit the table; `SourceMapping::table` and
    /// `Table::columns` say what is wrong with it.
    pub fn set_header(&mut self, table: &str, line: &[u8]) -> Result<(), Refusal> {
        Ok(self.put_header(table, line, false)?)
    }

    /// Classifies one record.
    ///
    /// # Errors
    /// A refusal with its code; the record moves nothing.
    pub fn classify(&mut self, record: &SourceRecord<'_>) -> Result<Classified, Refusal> {
        let mut at = None;
        self.read(record, &mut at).map_err(|code| Refusal { code, at })
    }

    /// Reads a line of a feedback file under the header of the table `feedback`. `None` when it is
    /// not about an event or says no time.
    ///
    /// # Errors
    /// As `classify`.
    pub fn label(&mut self, line: &[u8]) -> Result<Option<LabelRow>, Refusal> {
        Ok(self.read_label(line)?)
    }

    /// The feedback line of an accepted row, under `FEEDBACK_HEADER`: what a topic or `classify` is
    /// given to say that the row's event was fraud and that this became known at `available_at`. It
    /// repeats the row's parties, terminal and amount, so that nothing has to be looked up.
    ///
    /// # Errors
    /// As `classify`, and `type_not_accepted` for a row that moved no money.
    pub fn feedback_line(&mut self, row: &[u8], available_at: TimeMs) -> Result<String, Refusal> {
        Ok(self.read_confirmed(row, available_at)?)
    }

    fn read(
        &mut self,
        record: &SourceRecord<'_>,
        at: &mut Option<TimeMs>,
    ) -> Result<Classified, RefusalCode> {
        let text = row::text(record.bytes)?;
        self.take_header(record)?;
        let mut undeclared = Undeclared::default();
        let mapping = Arc::clone(&self.mapping);
        let (header, fields) = (self.header.as_ref(), &mut self.fields);
        let read = row::Reading { mapping: &mapping, header, record, text };
        read.event(fields, &mut undeclared, at, |draft, undeclared| {
            let maker = Maker {
                mapping: &mapping,
                keys: &self.keys,
                settings: &self.settings,
                rules: &*self.rules,
                event: self.keys.fingerprint(&draft.id),
                undeclared,
            };
            maker.classified(draft, record.timestamp)
        })
        .map(|classified| Classified { undeclared: undeclared.into_names(), ..classified })
    }
}

/// An event as its record tells it, before anything of it is tested.
struct Draft<'a> {
    id: String,
    time: TimeMs,
    event: Box<Event<'a>>,
}

#[cfg(test)]
mod tests;
