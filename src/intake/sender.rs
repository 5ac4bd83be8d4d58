//! What intake writes: packs, announcements and dead letters, acknowledged before offsets are committed.

use std::time::Duration;

use crate::codec::facts;
use crate::engine::base::TimeMs;
use crate::engine::input::FactsRecord;
use crate::log::LogError;
use crate::log::kafka::{AckedProducer, Connection, OutMessage};

use super::dead_letter::DeadLetter;
use super::pack::Packed;

/// Longer than the producer's own message time-out, so that it is the producer that gives up.
const ACKNOWLEDGED_WITHIN_MAX: Duration = Duration::from_secs(40);

/// The topics that intake writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderTopics {
    pub facts: String,
    pub dead_letters: String,
}

/// An idempotent producer, never transactional: an open transaction would hold back every reader (D7).
pub struct Sender {
    producer: AckedProducer,
    topics: SenderTopics,
    buffer: Vec<u8>,
}

impl Sender {
    /// # Errors
    /// When the connection's properties are refused.
    pub fn connect(connection: &Connection, topics: SenderTopics) -> Result<Sender, LogError> {
        // Packs wait for each other in intake already; the producer adds only what fills a request.
        let producer = AckedProducer::connect(connection, "facts", 2)?;
        Ok(Sender { producer, topics, buffer: Vec::new() })
    }

    /// Hands packs over, in order.
    ///
    /// # Errors
    /// When the producer cannot take one; none may be counted as delivered.
    pub fn send_packs(&mut self, packs: Vec<Packed>) -> Result<(), LogError> {
        for (partition, pack) in packs {
            self.send_facts_record(partition, &FactsRecord::Facts(pack))?;
        }
        Ok(())
    }

    /// Hands one facts record over.
    ///
    /// # Errors
    /// When the producer cannot take it.
    pub fn send_facts_record(&mut self, partition: u32, record: &FactsRecord) -> Result<(), LogError> {
        self.buffer.clear();
        facts::encode(record, &mut self.buffer);
        self.producer.send(OutMessage {
            topic: &self.topics.facts,
            partition: Some(partition),
            value: Some(&self.buffer),
            ..OutMessage::default()
        })
    }

    /// Hands a dead letter over.
    ///
    /// # Errors
    /// When the producer cannot take it.
    pub fn send_dead_letter(&mut self, letter: &DeadLetter<'_>) -> Result<(), LogError> {
        self.producer.send(OutMessage {
            topic: &self.topics.dead_letters,
            key: Some(letter.key().as_bytes()),
            value: Some(letter.json().as_bytes()),
            ..OutMessage::default()
        })
    }

    /// The broker's clock, and never ahead of it: the time at which it last took a record of ours, and what
    /// has passed since. `None` before the first. This machine's own clock may jump and does not count.
    #[must_use]
    pub fn broker_time(&self) -> Option<TimeMs> {
        self.producer.broker_time_ms().map(TimeMs)
    }

    /// Waits until all that was handed over is acknowledged.
    ///
    /// # Errors
    /// When something was not: what arrived is not known, and the sender is of no use any more.
    pub fn settle(&mut self) -> Result<(), LogError> {
        self.producer.flush(ACKNOWLEDGED_WITHIN_MAX)
    }
}
