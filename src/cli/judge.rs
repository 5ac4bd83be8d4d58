//! What the lines of files mean: a classifier for each file, by the source's mapping.

use std::sync::Arc;

use crate::codec::keys::Keys;
use crate::config::bundle::Loader;
use crate::config::source::SourceMapping;
use crate::engine::base::TimeMs;
use crate::intake::classify::{
    Classified, Classifier, ClassifierSettings, FEEDBACK_HEADER, SourceRecord, TABLE_EVENTS, TABLE_FEEDBACK,
};
use crate::intake::files::{Accepted, Judge, Label, OrderRefusal};
use crate::intake::orders::OrderPolicy;
use crate::intake::refusal::{Refusal, RefusalCode};
use crate::intake::release::ReleasePolicy;

/// The table of a source that the accounts file belongs to.
pub const TABLE_ACCOUNTS: &str = "accounts";

/// Judges the lines of a run's files.
pub struct FileJudge {
    /// One for each `--input` file: each has a header of its own.
    rows: Vec<Classifier>,
    accounts: Classifier,
    labels: Classifier,
    confirmed: Classifier,
}

impl FileJudge {
    /// For `inputs` files of rows, and one each of accounts and feedback, should they be given.
    #[must_use]
    pub fn new(
        mapping: &Arc<SourceMapping>,
        institution: &str,
        keys: &Arc<Keys>,
        inputs: usize,
    ) -> FileJudge {
        // Files have no broker's clock to be ahead of.
        let settings = ClassifierSettings {
            institution: institution.to_owned(),
            facts_partitions: 1,
            ahead_max: None,
            releases: ReleasePolicy::default(),
            orders: OrderPolicy::default(),
        };
        let loader = Arc::new(Loader::new());
        let classifier =
            || Classifier::new(Arc::clone(mapping), Arc::clone(keys), settings.clone(), loader.clone());
        FileJudge {
            rows: (0..inputs).map(|_| classifier()).collect(),
            accounts: classifier(),
            labels: classifier(),
            confirmed: classifier(),
        }
    }
}

impl Judge for FileJudge {
    type Item = Classified;
    type Refusal = Refusal;

    fn header(&mut self, input: u32, line: &[u8]) -> Result<(), Refusal> {
        let inputs = self.rows.len();
        match self.rows.get_mut(input as usize) {
            Some(classifier) => classifier.set_header(TABLE_EVENTS, line),
            None if input as usize == inputs => self.accounts.set_header(TABLE_ACCOUNTS, line),
            None => {
                self.confirmed.set_header(TABLE_FEEDBACK, FEEDBACK_HEADER.as_bytes())?;
                self.labels.set_header(TABLE_FEEDBACK, line)
            }
        }
    }

    fn row(&mut self, input: u32, line: &[u8]) -> Result<Accepted<Classified>, Refusal> {
        // The reader numbers the files it was given, and there is a classifier for each.
        let classifier = self.rows.get_mut(input as usize).ok_or(RefusalCode::CsvHeaderInvalid)?;
        accepted(classifier, line, TimeMs::MIN)
    }

    fn account(&mut self, _: u32, line: &[u8], at: TimeMs) -> Result<Accepted<Classified>, Refusal> {
        accepted(&mut self.accounts, line, at)
    }

    fn label(&mut self, _: u32, line: &[u8]) -> Result<Option<Label>, Refusal> {
        let label = self.labels.label(line)?;
        Ok(label.map(|label| Label { event_id: label.event_id, available_at: label.available_at }))
    }

    fn confirmed(
        &mut self,
        input: u32,
        line: &[u8],
        _: &Classified,
        at: TimeMs,
    ) -> Result<Accepted<Classified>, Refusal> {
        let rows = self.rows.get_mut(input as usize).ok_or(RefusalCode::CsvHeaderInvalid)?;
        let line = rows.feedback_line(line, at)?;
        accepted(&mut self.confirmed, line.as_bytes(), at)
    }

    fn event_id<'a>(&self, item: &'a Classified) -> &'a str {
        &item.event_id
    }

    fn order_refusal(&self, refusal: OrderRefusal) -> Refusal {
        let code = match refusal {
            OrderRefusal::LineTooLong => RefusalCode::RecordTooLarge,
            OrderRefusal::TimeLeap => RefusalCode::TimeJump,
            OrderRefusal::FeedbackUnmatched => RefusalCode::FeedbackUnmatched,
        };
        code.into()
    }
}

fn accepted(
    classifier: &mut Classifier,
    line: &[u8],
    timestamp: TimeMs,
) -> Result<Accepted<Classified>, Refusal> {
    let classified = classifier.classify(&SourceRecord { bytes: line, headers: &[], timestamp })?;
    Ok(Accepted { at: classified.at, item: classified })
}
