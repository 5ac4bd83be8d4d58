//! Whole topics, read once from start to end: for verify, for `decided` at start-up, for feed.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::connection::{Connection, LogContext, consuming, partition_count_of, refused, watermarks};
use crate::log::LogError;

/// A whole-topic read that hears nothing for this long gives up.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A record of a topic that is read to its end.
#[derive(Clone, Copy, Debug)]
pub struct ReadRecord<'a> {
    pub partition: u32,
    pub offset: i64,
    pub timestamp_ms: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// Reads every committed record that a topic holds now, each partition in order, partitions
/// interleaved. `on` may break off. Returns the offset range `[first, end)` of each partition.
///
/// # Errors
/// When the topic does not exist, brokers do not answer, or a partition falls silent before its end.
pub fn read_topic(
    connection: &Connection,
    topic: &str,
    on: &mut dyn FnMut(ReadRecord<'_>) -> ControlFlow<()>,
) -> Result<Vec<(i64, i64)>, LogError> {
    let consumer = connection.plain_consumer("read_committed")?;
    let spans = spans(&consumer, topic)?;
    read_spans(&consumer, topic, &spans, on)?;
    Ok(spans)
}

/// The latest value of each key of a compacted topic. Keys with a tombstone are left out.
///
/// # Errors
/// As `read_topic`.
pub fn read_latest(connection: &Connection, topic: &str) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, LogError> {
    let mut latest = BTreeMap::new();
    read_topic(connection, topic, &mut |record| {
        let key = record.key.unwrap_or_default().to_vec();
        match record.value {
            Some(value) => latest.insert(key, value.to_vec()),
            None => latest.remove(&key),
        };
        ControlFlow::Continue(())
    })?;
    Ok(latest)
}

/// The records of one partition from `offset` to its end now, oldest first. `on` may break off.
///
/// # Errors
/// As `read_topic`.
pub fn read_from(
    connection: &Connection,
    topic: &str,
    partition: u32,
    offset: i64,
    on: &mut dyn FnMut(ReadRecord<'_>) -> ControlFlow<()>,
) -> Result<(), LogError> {
    let consumer = connection.plain_consumer("read_committed")?;
    let mut spans = spans(&consumer, topic)?;
    for (place, span) in spans.iter_mut().enumerate() {
        let wanted = place == partition as usize;
        span.0 = if wanted { span.0.max(offset) } else { span.1 };
    }
    read_spans(&consumer, topic, &spans, on)
}

/// When the first record at or after `offset` was appended, in epoch milliseconds; `None` at the end.
///
/// # Errors
/// As `read_topic`.
pub fn read_time(
    connection: &Connection,
    topic: &str,
    partition: u32,
    offset: i64,
) -> Result<Option<i64>, LogError> {
    let mut time = None;
    read_from(connection, topic, partition, offset, &mut |record| {
        time = Some(record.timestamp_ms);
        ControlFlow::Break(())
    })?;
    Ok(time)
}

/// Partitions of these topics in which a transaction is open now: committed records end before
/// records do. Counts what a `kill -9` interrupted, when asked between the kill and the restart.
///
/// # Errors
/// As `read_topic`.
pub fn open_transactions(connection: &Connection, topics: &[&str]) -> Result<Vec<(String, u32)>, LogError> {
    let committed = connection.plain_consumer("read_committed")?;
    let all = connection.plain_consumer("read_uncommitted")?;
    let mut open = Vec::new();
    for topic in topics {
        let stable = spans(&committed, topic)?;
        for (partition, ((_, end), (_, stable_end))) in
            spans(&all, topic)?.into_iter().zip(stable).enumerate()
        {
            if stable_end < end {
                open.push(((*topic).to_owned(), u32::try_from(partition).unwrap_or(u32::MAX)));
            }
        }
    }
    Ok(open)
}

pub(super) fn spans(consumer: &BaseConsumer<LogContext>, topic: &str) -> Result<Vec<(i64, i64)>, LogError> {
    let count = partition_count_of(consumer, topic)?;
    (0..i32::try_from(count).unwrap_or(i32::MAX))
        .map(|partition| watermarks(consumer, topic, partition))
        .collect()
}

fn read_spans(
    consumer: &BaseConsumer<LogContext>,
    topic: &str,
    spans: &[(i64, i64)],
    on: &mut dyn FnMut(ReadRecord<'_>) -> ControlFlow<()>,
) -> Result<(), LogError> {
    let mut assignment = TopicPartitionList::new();
    // The end of each partition that is still being read.
    let mut open = BTreeMap::new();
    for (partition, (first, end)) in (0..).zip(spans) {
        if first < end {
            assignment.add_partition_offset(topic, partition, Offset::Offset(*first)).map_err(refused)?;
            open.insert(partition, *end);
        }
    }
    consumer.assign(&assignment).map_err(refused)?;
    let mut heard = Instant::now();
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let Some(end) = open.get(&message.partition()).copied() else { continue };
                let headers = super::source::headers(&message);
                if message.offset() < end && on(read_record(&message, &headers)).is_break() {
                    return Ok(());
                }
                if message.offset() + 1 >= end {
                    open.remove(&message.partition());
                }
            }
            // The last offsets may be control records, which are never delivered.
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                heard = Instant::now();
                open.remove(&partition);
            }
            Some(Err(error)) => {
                if let Some(error) = consuming(&error) {
                    return Err(error);
                }
            }
            None if heard.elapsed() > SILENCE_MAX => {
                return Err(LogError::Unreachable(format!("topic `{topic}` fell silent before its end")));
            }
            None => {}
        }
    }
    Ok(())
}

fn read_record<'a>(message: &'a impl Message, headers: &'a [(&'a str, &'a [u8])]) -> ReadRecord<'a> {
    ReadRecord {
        // Partitions from a broker are never negative.
        partition: u32::try_from(message.partition()).unwrap_or_default(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(0),
        key: message.key(),
        value: message.payload(),
        headers,
    }
}
