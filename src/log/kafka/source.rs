//! A group consumer over source topics: what intake reads (DESIGN D6 to D10).

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message, Timestamp};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::connection::{ASK_MAX, Connection, consuming, refused, unreachable};
use super::group::{self, GroupEvent, Member, Place};
use super::joining::Joining;
use super::positions::Positions;
use crate::log::LogError;
use crate::log::source::{SourceEvent, SourceRecord, TimestampKind};

/// Membership of an intake.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    pub group: String,
    /// Static membership: distinct for each live process, stable over its restarts.
    pub instance: Option<String>,
    pub topics: Vec<String>,
    pub session_timeout_ms: u32,
    /// What librdkafka may hold of each partition before it stops fetching, in KiB.
    pub queue_kib: u32,
}

/// The consumer. One thread calls it; it must be polled at least every few minutes.
pub struct SourceConsumer {
    consumer: Member,
    positions: Positions,
}

impl SourceConsumer {
    /// Joins the group.
    ///
    /// # Errors
    /// When the connection's properties are refused.
    pub fn join(connection: &Connection, options: &SourceOptions) -> Result<SourceConsumer, LogError> {
        let joining = Joining {
            role: "source",
            group: &options.group,
            instance: options.instance.as_deref(),
            session_timeout_ms: options.session_timeout_ms,
            queue_kib: options.queue_kib,
            queue_records: 20_000,
            tells_end: true,
        };
        let consumer = joining.member(connection)?;
        let topics: Vec<&str> = options.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(refused)?;
        Ok(SourceConsumer { consumer, positions: Positions::default() })
    }

    /// Serves what has come, waiting up to `wait` for the first thing, and at most `records_max` records.
    /// Returns how many records were served.
    ///
    /// # Errors
    /// When the consumer cannot go on; brokers being away is no error.
    pub fn poll(
        &mut self,
        wait: Duration,
        records_max: usize,
        serve: &mut dyn FnMut(SourceEvent<'_>),
    ) -> Result<usize, LogError> {
        let deadline = Instant::now() + wait;
        let mut served = 0;
        while served < records_max {
            // Only the first record is waited for.
            let left =
                if served == 0 { deadline.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            match self.consumer.next(left) {
                Some(Ok(message)) => {
                    self.positions.advance(message.topic(), message.partition(), message.offset());
                    serve_record(&message, serve);
                    served += 1;
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => self.serve_drained(partition, serve),
                Some(Err(error)) => match consuming(&error) {
                    Some(error) => return Err(error),
                    None => tracing::debug!(%error, "consuming goes on"),
                },
                None if served > 0 || Instant::now() >= deadline => break,
                None => {}
            }
            if self.consumer.context().has_event() {
                break;
            }
        }
        while let Some(event) = self.consumer.context().take_event() {
            self.serve_group(event, serve)?;
        }
        Ok(served)
    }

    /// Begins to deliver an assigned partition from `offset`.
    ///
    /// # Errors
    /// When the client refuses.
    pub fn start(&mut self, topic: &str, partition: u32, offset: i64) -> Result<(), LogError> {
        let place = place(topic, partition)?;
        group::start(&self.consumer, &place, offset)?;
        self.positions.begin(&place, offset);
        Ok(())
    }

    /// Lets revoked partitions go.
    ///
    /// # Errors
    /// When the client refuses.
    pub fn release(&mut self, partitions: &[(String, u32)]) -> Result<(), LogError> {
        let places: Vec<Place> =
            partitions.iter().map(|(topic, partition)| place(topic, *partition)).collect::<Result<_, _>>()?;
        for place in &places {
            self.positions.forget(place);
        }
        group::release(&self.consumer, &places)
    }

    /// Goes back to `offset`, after a failed delivery of facts.
    ///
    /// # Errors
    /// When the client refuses.
    pub fn seek(&mut self, topic: &str, partition: u32, offset: i64) -> Result<(), LogError> {
        let place = place(topic, partition)?;
        self.consumer.seek(topic, place.1, Offset::Offset(offset), ASK_MAX).map_err(unreachable)?;
        self.positions.begin(&place, offset);
        Ok(())
    }

    /// Stops or resumes delivery of a partition.
    ///
    /// # Errors
    /// When the client refuses.
    pub fn pause(&mut self, topic: &str, partition: u32, paused: bool) -> Result<(), LogError> {
        group::pause(&self.consumer, &place(topic, partition)?, paused)
    }

    /// The first and the end offset of a partition now, asked of the broker (the end is that of
    /// committed records). A clock read *before* this call is how far in broker time the partition
    /// has been read, if `position` has reached the end.
    ///
    /// # Errors
    /// When brokers do not answer.
    pub fn watermarks(&self, topic: &str, partition: u32) -> Result<(i64, i64), LogError> {
        super::connection::watermarks(&self.consumer, topic, place(topic, partition)?.1)
    }

    /// The next offset to be delivered; past control records too, so that it reaches the end.
    #[must_use]
    pub fn position(&self, topic: &str, partition: u32) -> Option<i64> {
        let number = i32::try_from(partition).ok()?;
        let position = self.positions.get(topic, number)?;
        if !position.delivered {
            return Some(position.next);
        }
        match self.consumer.position().ok()?.find_partition(topic, number)?.offset() {
            Offset::Offset(offset) => Some(offset.max(position.next)),
            _ => Some(position.next),
        }
    }

    /// Commits the group's offsets: a report of progress; intake starts from `decided`, not from here.
    ///
    /// # Errors
    /// When the group refuses or brokers do not answer.
    pub fn commit(&mut self, offsets: &[(&str, u32, i64)]) -> Result<(), LogError> {
        let mut list = TopicPartitionList::new();
        for (topic, partition, offset) in offsets {
            list.add_partition_offset(topic, place(topic, *partition)?.1, Offset::Offset(*offset))
                .map_err(refused)?;
        }
        self.consumer.commit(&list, rdkafka::consumer::CommitMode::Sync).map_err(unreachable)
    }

    /// Closes, giving up after `wait_max`; the process should then end.
    pub fn close(mut self, wait_max: Duration) {
        self.consumer.close_max = wait_max;
        drop(self);
    }

    fn serve_drained(&self, partition: i32, serve: &mut dyn FnMut(SourceEvent<'_>)) {
        // The crate tells the partition and not the topic: it is the one whose position is at its end.
        let topics = self.positions.topics_with(partition);
        for topic in &topics {
            let sure = topics.len() == 1 || self.at_known_end(topic, partition);
            if let (true, Ok(partition)) = (sure, u32::try_from(partition)) {
                serve(SourceEvent::Drained { topic, partition });
            }
        }
    }

    fn at_known_end(&self, topic: &str, number: i32) -> bool {
        let Ok(partition) = u32::try_from(number) else { return false };
        let end = group::known_end(&self.consumer, topic, number);
        matches!((self.position(topic, partition), end), (Some(next), Some(end)) if next >= end)
    }

    fn serve_group(
        &mut self,
        event: GroupEvent,
        serve: &mut dyn FnMut(SourceEvent<'_>),
    ) -> Result<(), LogError> {
        match event {
            GroupEvent::Assigned(places) if places.is_empty() => {}
            GroupEvent::Assigned(places) => {
                for (place, committed) in group::committed(&self.consumer, &places)? {
                    let partition = number(place.1)?;
                    serve(SourceEvent::Assigned { topic: &place.0, partition, committed });
                }
            }
            GroupEvent::Revoked(places) => serve(SourceEvent::Revoked { partitions: &named(&places)? }),
            GroupEvent::Lost(places) => {
                for place in &places {
                    self.positions.forget(place);
                }
                serve(SourceEvent::Lost { partitions: &named(&places)? });
            }
        }
        Ok(())
    }
}

fn serve_record(message: &BorrowedMessage<'_>, serve: &mut dyn FnMut(SourceEvent<'_>)) {
    let (timestamp_ms, timestamp_kind) = match message.timestamp() {
        Timestamp::LogAppendTime(ms) => (ms, TimestampKind::Append),
        Timestamp::CreateTime(ms) => (ms, TimestampKind::Create),
        Timestamp::NotAvailable => (0, TimestampKind::Absent),
    };
    let headers = headers(message);
    // Offsets and partitions from a broker are never negative.
    let partition = u32::try_from(message.partition()).unwrap_or_default();
    serve(SourceEvent::Record(SourceRecord {
        topic: message.topic(),
        partition,
        offset: message.offset(),
        timestamp_ms,
        timestamp_kind,
        key: message.key(),
        value: message.payload(),
        headers: &headers,
    }));
}

/// A message's headers, borrowed.
pub(super) fn headers<'a>(message: &'a BorrowedMessage<'_>) -> Vec<(&'a str, &'a [u8])> {
    let all = message.headers().into_iter().flat_map(|headers| headers.iter());
    all.map(|header| (header.key, header.value.unwrap_or_default())).collect()
}

fn place(topic: &str, partition: u32) -> Result<Place, LogError> {
    let number = i32::try_from(partition)
        .map_err(|_| LogError::Refused(format!("partition {partition} of topic `{topic}` cannot be")))?;
    Ok((topic.to_owned(), number))
}

fn number(partition: i32) -> Result<u32, LogError> {
    u32::try_from(partition).map_err(|_| LogError::Damaged("a broker named a negative partition".to_owned()))
}

fn named(places: &[Place]) -> Result<Vec<(String, u32)>, LogError> {
    places.iter().map(|(topic, partition)| Ok((topic.clone(), number(*partition)?))).collect()
}
