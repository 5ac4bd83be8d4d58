//! Writing input rows to a source topic, each once, however often the writing is killed.
//!
//! Every row has a number in the merged order of the inputs, and that number is in its record's key.
//! Records of one partition arrive in the order in which they were sent, so what a partition's last
//! key says has been written with everything before it that belongs there, and nothing after it. That
//! holds only while no row is given up and later ones still arrive: the producer is gapless.
//! A row that was on its way when a feed was killed may still arrive; therefore a new feed waits
//! until the ends of the partitions stand still.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::engine::base::TimeMs;
use crate::log::LogError;
use crate::log::kafka::{AckedProducer, Connection, OutMessage, read_topic};

const STANDS_STILL_FOR: Duration = Duration::from_millis(300);
const ACKNOWLEDGED_WITHIN_MAX: Duration = Duration::from_secs(60);

/// A row to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Place in the merged order of all lines, from 0; the same in every run over the same inputs.
    pub number: u64,
    pub at: TimeMs,
    pub partition: u32,
    pub value: &'a [u8],
    /// How intake is to read it; see `classify`.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// Writes rows to one topic.
pub struct Feeder {
    producer: AckedProducer,
    topic: String,
    /// Tells this feed's keys from those of others.
    name: String,
    /// Number of the last row written to each partition.
    written: Vec<Option<u64>>,
}

impl Feeder {
    /// Finds out what has been written already.
    ///
    /// # Errors
    /// When the topic does not exist or brokers do not answer.
    pub fn resume(connection: &Connection, topic: &str, name: &str) -> Result<Feeder, LogError> {
        let mut written = read_written(connection, topic, name)?;
        loop {
            std::thread::sleep(STANDS_STILL_FOR);
            let again = read_written(connection, topic, name)?;
            if again == written {
                break;
            }
            written = again;
        }
        let producer = AckedProducer::connect_gapless(connection, "feed", 5)?;
        Ok(Feeder { producer, topic: topic.to_owned(), name: name.to_owned(), written: written.numbers })
    }

    /// Whether no row up to this one is missing once it is written. A feed that was killed may have left out rows of
    /// one partition and written later ones of another.
    #[must_use]
    pub fn is_whole_up_to(&self, number: u64) -> bool {
        self.written.iter().flatten().all(|last| *last <= number)
    }

    #[must_use]
    pub fn partitions(&self) -> u32 {
        u32::try_from(self.written.len()).unwrap_or(u32::MAX)
    }

    /// Writes a row unless it has been written. True if it was written now.
    ///
    /// # Errors
    /// When the producer cannot take it.
    pub fn write(&mut self, row: &Row<'_>) -> Result<bool, LogError> {
        let last = self.written.get(row.partition as usize).copied().flatten();
        if last.is_some_and(|last| row.number <= last) {
            return Ok(false);
        }
        let key = format!("{}/{}", self.name, row.number);
        self.producer.send(OutMessage {
            topic: &self.topic,
            partition: Some(row.partition),
            key: Some(key.as_bytes()),
            value: Some(row.value),
            timestamp_ms: Some(row.at.0.max(0)),
            headers: row.headers,
        })?;
        Ok(true)
    }

    /// Waits until everything is acknowledged.
    ///
    /// # Errors
    /// When something was not; started again, the feed writes what is missing.
    pub fn settle(&mut self) -> Result<(), LogError> {
        self.producer.flush(ACKNOWLEDGED_WITHIN_MAX)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Written {
    numbers: Vec<Option<u64>>,
    ends: Vec<i64>,
}

fn read_written(connection: &Connection, topic: &str, name: &str) -> Result<Written, LogError> {
    let mut found: Vec<(u32, u64)> = Vec::new();
    let spans = read_topic(connection, topic, &mut |record| {
        if let Some(number) = number_of(record.key, name) {
            match found.iter_mut().find(|(partition, _)| *partition == record.partition) {
                Some((_, last)) => *last = (*last).max(number),
                None => found.push((record.partition, number)),
            }
        }
        ControlFlow::Continue(())
    })?;
    let number = |partition: u32| found.iter().find(|(known, _)| *known == partition).map(|(_, last)| *last);
    let numbers = (0..).zip(&spans).map(|(partition, _)| number(partition)).collect();
    Ok(Written { numbers, ends: spans.into_iter().map(|(_, end)| end).collect() })
}

fn number_of(key: Option<&[u8]>, name: &str) -> Option<u64> {
    let text = std::str::from_utf8(key?).ok()?;
    text.strip_prefix(name)?.strip_prefix('/')?.parse().ok()
}

/// Holds a steady pace.
#[derive(Debug)]
pub struct Pace {
    rows_per_s: Option<u32>,
    started: Instant,
    rows: u64,
}

impl Pace {
    /// `None` is as fast as it goes.
    #[must_use]
    pub fn new(rows_per_s: Option<u32>) -> Pace {
        Pace { rows_per_s, started: Instant::now(), rows: 0 }
    }

    /// Counts a row, and waits when it comes too early.
    pub fn wait(&mut self) {
        self.rows += 1;
        let Some(rows_per_s) = self.rows_per_s.filter(|rate| *rate > 0) else { return };
        let due = Duration::from_secs_f64(self.rows as f64 / f64::from(rows_per_s));
        let early = due.saturating_sub(self.started.elapsed());
        // Short naps cost more than they save.
        if early > Duration::from_millis(5) {
            std::thread::sleep(early);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_feeds_keys_count() {
        assert_eq!(number_of(Some(b"f1/42"), "f1"), Some(42));
        assert_eq!(number_of(Some(b"f12/42"), "f1"), None);
        assert_eq!(number_of(Some(b"42"), "f1"), None);
        assert_eq!(number_of(None, "f1"), None);
        assert_eq!(number_of(Some(b"\xff/1"), "f1"), None);
    }
}
