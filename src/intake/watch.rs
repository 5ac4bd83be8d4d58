//! The watch over undecided facts: they wait in Kafka, and its retention must not overtake `decide`
//! (DESIGN D7). At half of it there is an alarm, before its end intake stops.

use crate::engine::base::{SpanMs, TimeMs};
use crate::log::LogError;
use crate::log::source::IntakeLog;

use super::covered::Decided;

const LOOK_EVERY: SpanMs = SpanMs(60_000);

/// Why intake stops writing facts.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(
        "the oldest undecided fact of facts partition {partition} is {age_s} s old and facts are kept for {retention_s} s: \
         start `duecourse decide`, or lengthen the retention, before intake goes on"
    )]
    RetentionNear { partition: u32, age_s: i64, retention_s: i64 },
}

/// How old undecided facts are, compared with how long they are kept.
#[derive(Debug)]
pub struct RetentionWatch {
    /// Negative: facts are kept for ever.
    retention: SpanMs,
    looked: TimeMs,
}

impl RetentionWatch {
    #[must_use]
    pub fn new(retention: SpanMs) -> RetentionWatch {
        RetentionWatch { retention, looked: TimeMs::MIN }
    }

    /// Looks, if a minute has passed since the last time.
    ///
    /// # Errors
    /// When nine tenths of the retention have passed over an undecided fact, or brokers do not answer.
    pub fn look<L: IntakeLog>(
        &mut self,
        log: &L,
        now: TimeMs,
        decided: impl FnOnce() -> Result<Decided, LogError>,
    ) -> Result<(), WatchError> {
        if self.retention.0 < 0 || now < self.looked.plus(LOOK_EVERY) {
            return Ok(());
        }
        self.looked = now;
        for (partition, progress) in (0..).zip(decided()?.partitions()) {
            let next = progress.as_ref().map_or(0, |progress| progress.next_offset);
            let next = i64::try_from(next).unwrap_or(i64::MAX);
            if let Some(oldest_ms) = log.facts_time(partition, next)? {
                self.judge(partition, SpanMs(now.0.saturating_sub(oldest_ms)))?;
            }
        }
        Ok(())
    }

    /// Alarms or stops by the age of a partition's oldest undecided fact.
    fn judge(&self, partition: u32, age: SpanMs) -> Result<(), WatchError> {
        let (age_s, retention_s) = (age.0 / 1000, self.retention.0 / 1000);
        if age.0 > self.retention.0 / 10 * 9 {
            return Err(WatchError::RetentionNear { partition, age_s, retention_s });
        }
        if age.0 > self.retention.0 / 2 {
            tracing::error!(
                partition,
                age_s,
                retention_s,
                "undecided facts have passed half of their retention"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intake_stops_before_retention_takes_undecided_facts() {
        let watch = RetentionWatch::new(SpanMs(100_000));
        assert!(watch.judge(0, SpanMs(60_000)).is_ok());
        assert!(watch.judge(0, SpanMs(90_000)).is_ok());
        let stopped = watch.judge(3, SpanMs(90_001));
        assert!(matches!(stopped, Err(WatchError::RetentionNear { partition: 3, age_s: 90, .. })));
    }
}
