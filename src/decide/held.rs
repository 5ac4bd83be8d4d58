//! One partition that this worker holds: its thread, what it is behind with, and what is kept of it.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

use super::kept::Kept;
use super::machine::Portion;
use super::view::Change;
use super::worker::{Running, Work};
use crate::telemetry::clock::Clock;

/// A partition from its assignment to its release.
pub(super) struct Held {
    pub tenure: u64,
    pub kept: Kept,
    /// The thread has stopped on a record; what it decided before is still committed.
    pub stopped: bool,
    pub paused: bool,
    work: SyncSender<Work>,
    thread: Box<dyn Running>,
    /// Not handed over yet, because the thread has enough.
    waiting: VecDeque<Work>,
    /// Of records delivered and not applied yet.
    unapplied_bytes: usize,
    unanswered: usize,
    /// One past the last record applied, by this tenure or before the state was stored.
    next_offset: u64,
    progress: Mark,
    snapshot: Mark,
}

/// When something was last asked for, and at which offset.
struct Mark {
    offset: u64,
    at: Instant,
}

impl Held {
    pub(super) fn new(
        tenure: u64,
        kept: Kept,
        (work, thread): (SyncSender<Work>, Box<dyn Running>),
        now: Instant,
    ) -> Held {
        let offset = kept.committed();
        Held {
            tenure,
            kept,
            stopped: false,
            paused: false,
            work,
            thread,
            waiting: VecDeque::new(),
            unapplied_bytes: 0,
            unanswered: 0,
            next_offset: 0,
            // Whoever held it before may have died between a commit and its progress record.
            progress: Mark { offset: 0, at: now },
            snapshot: Mark { offset, at: now },
        }
    }

    /// Its state has come back as it was before `offset`.
    pub(super) fn restored(&mut self, offset: u64) {
        self.next_offset = self.next_offset.max(offset);
    }

    pub(super) fn take_records(&mut self, records: Vec<(u64, Vec<u8>)>) {
        self.unapplied_bytes += records.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        self.ask(Work::Records(records));
    }

    /// Asks for a progress record if records were applied since the last one, or none was written in this
    /// tenure, and not within `every`. None while replaying: the last one written is ahead of it.
    pub(super) fn ask_progress(&mut self, every: Duration, now: Instant) {
        let applied = self.next_offset > self.progress.offset && self.next_offset >= self.kept.committed();
        if applied && now - self.progress.at >= every && !self.stopped {
            self.progress = Mark { offset: self.next_offset, at: now };
            self.ask(Work::Progress);
        }
    }

    /// Asks for a snapshot if records were applied since the last one, and not within `every`.
    pub(super) fn ask_snapshot(&mut self, every: Duration, now: Instant) {
        if self.next_offset > self.snapshot.offset && now - self.snapshot.at >= every && !self.stopped {
            self.snapshot = Mark { offset: self.next_offset, at: now };
            self.ask(Work::Snapshot { committed: self.kept.committed() });
        }
    }

    /// On leaving: a snapshot of what was applied since the last one that was stored.
    pub(super) fn ask_last_snapshot(&mut self) {
        self.ask(Work::LastSnapshot { committed: self.kept.committed() });
    }

    /// Hands over what the thread has room for.
    pub(super) fn hand_over(&mut self) {
        while let Some(work) = self.waiting.pop_front() {
            match self.work.try_send(work) {
                Ok(()) => {}
                Err(TrySendError::Full(work)) => {
                    self.waiting.push_front(work);
                    return;
                }
                // It has stopped, and has said why.
                Err(TrySendError::Disconnected(_)) => self.waiting.clear(),
            }
        }
    }

    /// Keeps what the thread decided; returns what of it is visible already.
    pub(super) fn decided(&mut self, portion: Portion, now: Instant) -> Vec<Change> {
        self.unanswered = self.unanswered.saturating_sub(1);
        self.unapplied_bytes = self.unapplied_bytes.saturating_sub(portion.input_bytes);
        self.next_offset = self.next_offset.max(portion.next_offset);
        self.kept.add(portion, now)
    }

    /// Nothing more will be answered.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.unanswered = 0;
        self.unapplied_bytes = 0;
        self.waiting.clear();
    }

    /// True while the thread owes answers.
    pub(super) fn is_busy(&self) -> bool {
        self.unanswered > 0
    }

    /// What this partition holds in memory besides its state.
    pub(super) fn bytes(&self) -> usize {
        self.unapplied_bytes + self.kept.output_bytes()
    }

    /// Lets the thread finish what it was handed, and waits for it.
    pub(super) fn join(mut self, clock: &dyn Clock) {
        while !self.waiting.is_empty() {
            clock.sleep(Duration::from_millis(1));
            self.hand_over();
        }
        drop(self.work);
        self.thread.join();
    }

    fn ask(&mut self, work: Work) {
        if self.stopped {
            return;
        }
        if !matches!(work, Work::Snapshot { .. } | Work::LastSnapshot { .. }) {
            self.unanswered += 1;
        }
        self.waiting.push_back(work);
        self.hand_over();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Running for Nobody {
        fn join(self: Box<Self>) {}
    }

    #[test]
    fn a_tenure_that_has_caught_up_writes_progress_once_even_with_nothing_new() {
        let (work, asked) = std::sync::mpsc::sync_channel(4);
        let now = Instant::now();
        let mut held = Held::new(1, Kept::new(0, 8), (work, Box::new(Nobody)), now);
        let asks = |held: &mut Held| {
            held.ask_progress(Duration::ZERO, now);
            asked.try_iter().filter(|work| matches!(work, Work::Progress)).count()
        };
        assert_eq!(asks(&mut held), 0, "not restored yet");
        held.restored(5);
        assert_eq!(asks(&mut held), 0, "still replaying");
        held.restored(8);
        assert_eq!(asks(&mut held), 1);
        assert_eq!(asks(&mut held), 0, "nothing new since");
    }
}
