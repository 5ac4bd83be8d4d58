//! What the group gives and takes, and where reading begins: at what has been covered.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Intake, IntakeError, RETRY_EVERY};
use crate::engine::planted::{Planted, is_planted};
use crate::intake::desk::Tally;
use crate::intake::pack::{Flush, Packer};
use crate::log::LogError;
use crate::log::source::IntakeLog;

/// A partition that the group gave us.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub topic: String,
    pub partition: u32,
    pub committed: i64,
    /// It has been started before, so that going back in it is a seek.
    pub is_begun: bool,
}

/// A rebalance, noted while records are served and acted on afterwards.
pub(super) enum Change {
    Assigned(Held),
    Revoked(Vec<(String, u32)>),
    Lost(Vec<(String, u32)>),
}

impl<L: IntakeLog> Intake<L> {
    pub(super) fn rebalance(&mut self, changes: Vec<Change>) -> Result<(), IntakeError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.assigned_since = Some(self.clock.now());
        let mut delivered = Ok(());
        for change in changes {
            match change {
                Change::Assigned(held) => self.held.push(held),
                Change::Revoked(partitions) => {
                    delivered = delivered.and(self.take_records()).and(self.cover());
                    self.let_go(&partitions);
                    self.log.release(&partitions).map_err(IntakeError::Consumer)?;
                }
                Change::Lost(partitions) => self.let_go(&partitions),
            }
        }
        delivered?;
        self.take_up()
    }

    fn let_go(&mut self, partitions: &[(String, u32)]) {
        self.held.retain(|held| !partitions.iter().any(|(topic, number)| held.is(topic, *number)));
        for (topic, partition) in partitions {
            if let Some(slot) = self.desk.close(topic, *partition) {
                self.packer.release(slot);
            }
        }
    }

    /// Takes up what is held and not being read yet, where its destinations need it. The baseline of a
    /// source reaches every destination before anything else of it: one whose first coverage comes
    /// too late sees a gap then, and never skips what retention took in between.
    fn take_up(&mut self) -> Result<(), IntakeError> {
        let new: Vec<usize> = (0..self.held.len())
            .filter(|place| self.held.get(*place).is_some_and(|held| !self.is_open(held)))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let decided = self.read_decided()?;
        if self.start_slot.is_none() && self.plan.first_start.is_some() {
            self.start_slot = Some(self.take_up_start(&decided));
        }
        let mut begins = Vec::new();
        for place in new {
            let Some(Held { topic, partition, committed, .. }) = self.held.get(place) else { continue };
            let Some(id) = self.desk.source_id(topic, *partition) else { continue };
            let watermarks = self.log.watermarks(topic, *partition)?;
            let start = decided.start(&id, watermarks, &self.plan.versions)?;
            tracing::info!(
                topic,
                partition,
                after = start.previous,
                baseline = start.baseline,
                "source taken up"
            );
            let slot = self.packer.assign(id.clone(), start);
            self.desk.open(slot, id, topic, start.previous + 1, *committed, watermarks.1);
            let begin = match is_planted(Planted::GroupStart) {
                true => (start.previous + 1).max(*committed),
                false => start.previous + 1,
            };
            begins.push((place, begin));
        }
        let packs = self.packer.flush(Flush::All);
        self.send(packs)?;
        self.log.settle()?;
        for (place, offset) in begins {
            let Some(held) = self.held.get_mut(place) else { continue };
            let begin = if held.is_begun { L::seek } else { L::start };
            begin(&mut self.log, &held.topic, held.partition, offset)?;
            held.is_begun = true;
        }
        Ok(())
    }

    fn is_open(&self, held: &Held) -> bool {
        self.desk.assigned.iter().any(|one| held.is(&one.topic, one.id.partition))
    }

    /// After a failed delivery: what arrived is not known, so a new producer sends everything again
    /// that no destination is known to have covered.
    pub(super) fn begin_anew(
        &mut self,
        stop: &AtomicBool,
        observe: &mut dyn FnMut(&Tally),
    ) -> Result<(), IntakeError> {
        self.desk.tally.restarts += 1;
        loop {
            match self.try_anew() {
                Err(IntakeError::Log(LogError::Unreachable(why))) if !stop.load(Ordering::SeqCst) => {
                    tracing::warn!(why, "brokers are still away");
                    // Whoever watches this loop hears that it comes round: their absence is no death of ours.
                    observe(&self.desk.tally);
                    self.clock.sleep(RETRY_EVERY);
                }
                outcome => return outcome,
            }
        }
    }

    fn try_anew(&mut self) -> Result<(), IntakeError> {
        // A half-done attempt before this one leaves nothing behind.
        self.packer = Packer::new(self.plan.facts_partitions, self.plan.pack);
        self.desk.clear();
        self.start_slot = None;
        self.log.renew_producer()?;
        for held in self.held.iter().filter(|held| held.is_begun) {
            self.log.pause(&held.topic, held.partition, false)?;
        }
        self.take_up()
    }
}

impl Held {
    fn is(&self, topic: &str, partition: u32) -> bool {
        self.partition == partition && self.topic == topic
    }
}
