//! When is a worker with `--until-end` done? When nothing that was there is undecided anywhere.
//!
//! Reports cross partitions, and other workers decide too, so the question is put to the whole log:
//! `progress` reads every partition's end first and then its committed offset. If all offsets have
//! reached those ends, every record written before was decided and the reports it caused were
//! acknowledged (they are before the offset is committed). If the ends are still the same afterwards,
//! no report was among what came meanwhile. Then nothing is under way.

use std::time::{Duration, Instant};

use crate::log::{DecideLog, LogError, Progress};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Somebody may go on writing facts: this long after the ends at start were reached, enough is enough.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(5);

/// The state of that question.
pub(super) struct Ending {
    at_start: Vec<Progress>,
    reached: Option<Instant>,
    looked: Instant,
}

impl Ending {
    pub(super) fn new<L: DecideLog>(log: &mut L) -> Result<Ending, LogError> {
        Ok(Ending { at_start: log.progress()?, reached: None, looked: Instant::now() })
    }

    pub(super) fn is_over<L: DecideLog>(&mut self, log: &mut L) -> Result<bool, LogError> {
        if self.looked.elapsed() < LOOK_EVERY {
            return Ok(false);
        }
        self.looked = Instant::now();
        let now = log.progress()?;
        let reached = |start: &Progress| {
            now.iter().any(|now| now.partition == start.partition && now.is_decided(start.end))
        };
        if !self.at_start.iter().all(reached) {
            return Ok(false);
        }
        let since = *self.reached.get_or_insert_with(Instant::now);
        let caught_up = now.iter().all(|progress| progress.is_decided(progress.end));
        let quiet = caught_up && ends(&log.progress()?) == ends(&now);
        Ok(quiet || since.elapsed() > QUIET_WAIT_MAX)
    }
}

fn ends(progress: &[Progress]) -> Vec<(u32, u64)> {
    progress.iter().map(|progress| (progress.partition, progress.end)).collect()
}
