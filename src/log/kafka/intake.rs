//! An intake's log on Kafka: one group consumer of sources, one idempotent producer of facts.

use std::ops::ControlFlow;
use std::time::Duration;

use super::admin::{Admin, TopicDescription};
use super::connection::Connection;
use super::producer::{AckedProducer, OutMessage};
use super::reader::{read_from, read_latest, read_time};
use super::source::{SourceConsumer, SourceOptions};
use crate::engine::base::TimeMs;
use crate::log::LogError;
use crate::log::source::{IntakeLog, SourceEvent};

/// Longer than the producer's own message time-out, so that it is the producer that gives up.
const ACKNOWLEDGED_WITHIN_MAX: Duration = Duration::from_secs(40);

/// The topics besides its sources that an intake reads and writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeTopics {
    pub facts: String,
    pub dead_letters: String,
    pub decided: String,
}

/// The log of one intake. Its producer is idempotent, never transactional: an open transaction would
/// hold back every reader (DESIGN D7).
pub struct KafkaIntakeLog {
    connection: Connection,
    topics: IntakeTopics,
    consumer: SourceConsumer,
    producer: AckedProducer,
}

impl KafkaIntakeLog {
    /// Joins the group of the sources.
    ///
    /// # Errors
    /// When the connection's properties are refused.
    pub fn join(
        connection: &Connection,
        sources: &SourceOptions,
        topics: IntakeTopics,
    ) -> Result<KafkaIntakeLog, LogError> {
        Ok(KafkaIntakeLog {
            connection: connection.clone(),
            topics,
            producer: producer(connection)?,
            consumer: SourceConsumer::join(connection, sources)?,
        })
    }
}

fn producer(connection: &Connection) -> Result<AckedProducer, LogError> {
    // Packs wait for each other in intake already; the producer adds only what fills a request.
    AckedProducer::connect(connection, "facts", 2)
}

impl IntakeLog for KafkaIntakeLog {
    fn poll(
        &mut self,
        wait: Duration,
        records_max: usize,
        serve: &mut dyn FnMut(SourceEvent<'_>),
    ) -> Result<usize, LogError> {
        self.consumer.poll(wait, records_max, serve)
    }

    fn start(&mut self, topic: &str, partition: u32, offset: i64) -> Result<(), LogError> {
        self.consumer.start(topic, partition, offset)
    }

    fn release(&mut self, partitions: &[(String, u32)]) -> Result<(), LogError> {
        self.consumer.release(partitions)
    }

    fn seek(&mut self, topic: &str, partition: u32, offset: i64) -> Result<(), LogError> {
        self.consumer.seek(topic, partition, offset)
    }

    fn pause(&mut self, topic: &str, partition: u32, paused: bool) -> Result<(), LogError> {
        self.consumer.pause(topic, partition, paused)
    }

    fn watermarks(&self, topic: &str, partition: u32) -> Result<(i64, i64), LogError> {
        self.consumer.watermarks(topic, partition)
    }

    fn position(&self, topic: &str, partition: u32) -> Option<i64> {
        self.consumer.position(topic, partition)
    }

    fn commit(&mut self, offsets: &[(&str, u32, i64)]) -> Result<(), LogError> {
        self.consumer.commit(offsets)
    }

    fn broker_time(&self) -> Option<TimeMs> {
        self.producer.broker_time_ms().map(TimeMs)
    }

    fn send_facts(&mut self, partition: u32, record: &[u8]) -> Result<(), LogError> {
        self.producer.send(OutMessage {
            topic: &self.topics.facts,
            partition: Some(partition),
            value: Some(record),
            ..OutMessage::default()
        })
    }

    fn send_dead_letter(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.producer.send(OutMessage {
            topic: &self.topics.dead_letters,
            key: Some(key),
            value: Some(value),
            ..OutMessage::default()
        })
    }

    fn settle(&mut self) -> Result<(), LogError> {
        self.producer.flush(ACKNOWLEDGED_WITHIN_MAX)
    }

    fn renew_producer(&mut self) -> Result<(), LogError> {
        self.producer = producer(&self.connection)?;
        Ok(())
    }

    fn decided(&self) -> Result<Vec<Vec<u8>>, LogError> {
        Ok(read_latest(&self.connection, &self.topics.decided)?.into_values().collect())
    }

    fn read_facts(&self, partition: u32, offset: i64, on: &mut dyn FnMut(&[u8])) -> Result<(), LogError> {
        let facts = &self.topics.facts;
        read_from(&self.connection, facts, partition, offset, &mut |record| {
            on(record.value.unwrap_or_default());
            ControlFlow::Continue(())
        })
    }

    fn facts_time(&self, partition: u32, offset: i64) -> Result<Option<i64>, LogError> {
        read_time(&self.connection, &self.topics.facts, partition, offset)
    }

    fn describe(&self, topic: &str) -> Result<Option<TopicDescription>, LogError> {
        Admin::connect(&self.connection)?.describe(topic)
    }

    fn close(self, wait_max: Duration) {
        self.consumer.close(wait_max);
    }
}
