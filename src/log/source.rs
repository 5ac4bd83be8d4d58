//! What intake needs of a log: source records in groups, facts out, and a look at what was decided.

use std::time::Duration;

use super::LogError;
use super::kafka::TopicDescription;
use crate::engine::base::TimeMs;

/// Who set a record's timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampKind {
    Append,
    Create,
    Absent,
}

/// A record, borrowed from the client's buffers.
#[derive(Clone, Copy, Debug)]
pub struct SourceRecord<'a> {
    pub topic: &'a str,
    pub partition: u32,
    pub offset: i64,
    pub timestamp_ms: i64,
    pub timestamp_kind: TimestampKind,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// What a source consumer wakes up for.
#[derive(Debug)]
pub enum SourceEvent<'a> {
    /// Ours; delivers nothing until `start`. `committed` is the group's offset.
    Assigned {
        topic: &'a str,
        partition: u32,
        committed: Option<i64>,
    },
    /// To be taken away; ours until `release` is called with the same partitions.
    Revoked {
        partitions: &'a [(String, u32)],
    },
    /// Gone already.
    Lost {
        partitions: &'a [(String, u32)],
    },
    Record(SourceRecord<'a>),
    /// The end of a partition was reached: a hint that arrives at once. Ask `ends` before trusting a clock to it.
    Drained {
        topic: &'a str,
        partition: u32,
    },
}

/// Where an intake reads and writes. One thread calls it.
pub trait IntakeLog {
    /// Serves what has come, waiting up to `wait` for the first thing, and at most `records_max` records.
    /// Returns how many records were served.
    ///
    /// # Errors
    /// When the consumer cannot go on; brokers being away is no error.
    fn poll(
        &mut self,
        wait: Duration,
        records_max: usize,
        serve: &mut dyn FnMut(SourceEvent<'_>),
    ) -> Result<usize, LogError>;

    /// Begins to deliver an assigned partition from `offset`.
    ///
    /// # Errors
    /// When the client refuses.
    fn start(&mut self, topic: &str, partition: u32, offset: i64) -> Result<(), LogError>;

    /// Lets revoked partitions go.
    ///
    /// # Errors
    /// When the client refuses.
    fn release(&mut self, partitions: &[(String, u32)]) -> Result<(), LogError>;

    /// Goes to `offset` in a partition that was started before.
    ///
    /// # Errors
    /// When the client refuses.
    fn seek(&mut self, topic: &str, partition: u32, offset: i64) -> Result<(), LogError>;

    /// Stops or resumes delivery of a partition.
    ///
    /// # Errors
    /// When the client refuses.
    fn pause(&mut self, topic: &str, partition: u32, paused: bool) -> Result<(), LogError>;

    /// The first and the end offset of a partition of any topic now, asked of the broker (the end is
    /// that of committed records). A clock read *before* this call is how far in broker time a source has
    /// been read, if `position` has reached the end.
    ///
    /// # Errors
    /// When brokers do not answer.
    fn watermarks(&self, topic: &str, partition: u32) -> Result<(i64, i64), LogError>;

    /// The next offset to be delivered; past control records too, so that it reaches the end.
    fn position(&self, topic: &str, partition: u32) -> Option<i64>;

    /// Commits the group's offsets: a report of progress.
    ///
    /// # Errors
    /// When the group refuses or brokers do not answer.
    fn commit(&mut self, offsets: &[(&str, u32, i64)]) -> Result<(), LogError>;

    /// The broker's clock, and never ahead of it: the time at which it last took a record of ours, and what
    /// has passed since. `None` before the first. This machine's own clock may jump and does not count.
    fn broker_time(&self) -> Option<TimeMs>;

    /// Hands a facts record over, in the order of its partition, outside any transaction.
    ///
    /// # Errors
    /// When the producer cannot take it; none may be counted as delivered.
    fn send_facts(&mut self, partition: u32, record: &[u8]) -> Result<(), LogError>;

    /// Hands a dead letter over.
    ///
    /// # Errors
    /// When the producer cannot take it.
    fn send_dead_letter(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogError>;

    /// Waits until all that was handed over is acknowledged.
    ///
    /// # Errors
    /// When something was not: what arrived is not known, and later records of a partition may arrive
    /// without earlier ones. The producer is of no use any more then.
    fn settle(&mut self) -> Result<(), LogError>;

    /// A new producer in place of one that failed.
    ///
    /// # Errors
    /// When none can be made.
    fn renew_producer(&mut self) -> Result<(), LogError>;

    /// The latest committed value of each key of the topic `decided`.
    ///
    /// # Errors
    /// When brokers do not answer.
    fn decided(&self) -> Result<Vec<Vec<u8>>, LogError>;

    /// The facts of a partition from `offset` to its end now, oldest first.
    ///
    /// # Errors
    /// When brokers do not answer.
    fn read_facts(&self, partition: u32, offset: i64, on: &mut dyn FnMut(&[u8])) -> Result<(), LogError>;

    /// When the first facts record at or after `offset` was appended, in epoch milliseconds; `None` at the end.
    ///
    /// # Errors
    /// When brokers do not answer.
    fn facts_time(&self, partition: u32, offset: i64) -> Result<Option<i64>, LogError>;

    /// What a topic is; `None` when it does not exist.
    ///
    /// # Errors
    /// When brokers do not answer.
    fn describe(&self, topic: &str) -> Result<Option<TopicDescription>, LogError>;

    /// Leaves the group, giving up after `wait_max`; the process should then end.
    fn close(self, wait_max: Duration);
}
