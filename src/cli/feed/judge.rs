//! What a feed makes of lines: whether they are accepted, and the records that carry them.

use std::sync::Arc;

use crate::cli::Failure;
use crate::cli::deployment::keys;
use crate::config::Config;
use crate::config::bundle::Loader;
use crate::config::source::SourceMapping;
use crate::engine::base::TimeMs;
use crate::intake::classify::{
    Classified, Classifier, ClassifierSettings, Destination, FEEDBACK_HEADER, HEADER_CSV_HEADER,
    HEADER_TABLE, SourceRecord, TABLE_EVENTS, TABLE_FEEDBACK,
};
use crate::intake::files::{Accepted, Judge, Label, OrderRefusal};
use crate::intake::orders::OrderPolicy;
use crate::intake::refusal::{Refusal, RefusalCode};
use crate::intake::release::ReleasePolicy;

/// A line on its way to a record.
pub struct Item {
    pub value: Vec<u8>,
    /// The header line to read it by, and its table unless it is an event.
    header: Option<Arc<[u8]>>,
    is_feedback: bool,
    /// Of an accepted line.
    classified: Option<Classified>,
}

/// A refused line. What a topic can carry is carried, and refused by intake with the same code.
#[derive(Debug)]
pub struct FeedRefusal {
    pub code: RefusalCode,
    pub carried: Option<Item>,
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Item(..)")
    }
}

impl Item {
    /// By the holder of its first fact, so that one holder's rows stay in order.
    pub fn partition(&self, partitions: u32) -> u32 {
        let routed = self.classified.iter().flat_map(|classified| &classified.facts);
        let mut holders = routed.filter_map(|(to, fact)| match to {
            Destination::Partition(_) => Some(fact.route.token),
            Destination::All => None,
        });
        holders.next().map_or(0, |holder| holder.partition(partitions))
    }

    pub fn headers(&self) -> Vec<(&str, &[u8])> {
        let mut headers = Vec::new();
        if let Some(header) = &self.header {
            headers.push((HEADER_CSV_HEADER, &**header));
        }
        if self.is_feedback {
            headers.push((HEADER_TABLE, TABLE_FEEDBACK.as_bytes()));
        }
        headers
    }
}

/// One classifier an input, since each has a header of its own; the last one reads the feedback.
pub struct FeedJudge {
    classifiers: Vec<Classifier>,
    headers: Vec<Option<Arc<[u8]>>>,
    feedback_header: Arc<[u8]>,
}

impl FeedJudge {
    /// # Errors
    /// Exit 3 when the keys cannot be had.
    pub fn new(config: &Config, mapping: Arc<SourceMapping>, inputs: usize) -> Result<FeedJudge, Failure> {
        let keys = Arc::new(keys(config)?);
        let settings = ClassifierSettings {
            institution: config.institution.clone(),
            facts_partitions: config.kafka.facts_partitions,
            ahead_max: None,
            // Feeding refuses only what a topic cannot carry; intake asks for signatures.
            releases: ReleasePolicy::default(),
            orders: OrderPolicy::default(),
        };
        let classifier = || {
            Classifier::new(
                Arc::clone(&mapping),
                Arc::clone(&keys),
                settings.clone(),
                Arc::new(Loader::new()),
            )
        };
        let classifiers = (0..=inputs).map(|_| classifier()).collect();
        let feedback_header = Arc::from(FEEDBACK_HEADER.as_bytes());
        Ok(FeedJudge { classifiers, headers: vec![None; inputs], feedback_header })
    }

    fn item(&self, input: u32, line: &[u8], classified: Option<Classified>) -> Item {
        let header = self.headers.get(input as usize).cloned().flatten();
        Item { value: line.to_vec(), header, is_feedback: false, classified }
    }

    #[expect(clippy::result_large_err, reason = "asked once for a file")]
    fn labels(&mut self) -> Result<&mut Classifier, FeedRefusal> {
        self.classifiers.last_mut().ok_or_else(|| refusal(RefusalCode::CsvHeaderInvalid))
    }
}

fn refusal(code: RefusalCode) -> FeedRefusal {
    FeedRefusal { code, carried: None }
}

impl From<Refusal> for FeedRefusal {
    fn from(refused: Refusal) -> FeedRefusal {
        refusal(refused.code)
    }
}

impl Judge for FeedJudge {
    type Item = Item;
    type Refusal = FeedRefusal;

    fn header(&mut self, input: u32, line: &[u8]) -> Result<(), FeedRefusal> {
        let Some(place) = self.headers.get_mut(input as usize) else {
            return Ok(self.labels()?.set_header(TABLE_FEEDBACK, line)?);
        };
        *place = Some(Arc::from(line));
        let classifier = self.classifiers.get_mut(input as usize);
        let classifier = classifier.ok_or_else(|| refusal(RefusalCode::CsvHeaderInvalid))?;
        Ok(classifier.set_header(TABLE_EVENTS, line)?)
    }

    fn row(&mut self, input: u32, line: &[u8]) -> Result<Accepted<Item>, FeedRefusal> {
        let classifier = self.classifiers.get_mut(input as usize);
        let classifier = classifier.ok_or_else(|| refusal(RefusalCode::TypeNotAccepted))?;
        match classifier.classify(&SourceRecord { bytes: line, headers: &[], timestamp: TimeMs::MIN }) {
            Ok(classified) => {
                Ok(Accepted { at: classified.at, item: self.item(input, line, Some(classified)) })
            }
            Err(refused) => {
                Err(FeedRefusal { code: refused.code, carried: Some(self.item(input, line, None)) })
            }
        }
    }

    fn account(&mut self, _: u32, _: &[u8], _: TimeMs) -> Result<Accepted<Item>, FeedRefusal> {
        Err(refusal(RefusalCode::TypeNotAccepted))
    }

    fn label(&mut self, _: u32, line: &[u8]) -> Result<Option<Label>, FeedRefusal> {
        let label = self.labels()?.label(line)?;
        Ok(label.map(|label| Label { event_id: label.event_id, available_at: label.available_at }))
    }

    fn confirmed(
        &mut self,
        input: u32,
        line: &[u8],
        row: &Item,
        at: TimeMs,
    ) -> Result<Accepted<Item>, FeedRefusal> {
        let classified = row.classified.clone().ok_or_else(|| refusal(RefusalCode::FieldMissing))?;
        let rows = self.classifiers.get_mut(input as usize);
        let rows = rows.ok_or_else(|| refusal(RefusalCode::TypeNotAccepted))?;
        let value = rows.feedback_line(line, at)?.into_bytes();
        let header = Some(Arc::clone(&self.feedback_header));
        Ok(Accepted { at, item: Item { value, header, is_feedback: true, classified: Some(classified) } })
    }

    fn event_id<'a>(&self, item: &'a Item) -> &'a str {
        item.classified.as_ref().map_or("", |classified| &classified.event_id)
    }

    fn order_refusal(&self, refused: OrderRefusal) -> FeedRefusal {
        refusal(match refused {
            OrderRefusal::LineTooLong => RefusalCode::RecordTooLarge,
            OrderRefusal::TimeLeap => RefusalCode::TimeJump,
            OrderRefusal::FeedbackUnmatched => RefusalCode::FeedbackUnmatched,
        })
    }
}
