//! How far sources have been read: told to every destination, acknowledged, and only then committed.

use super::{ASSIGNMENT_SETTLED_AFTER, CLOCKS_DIFFER_MAX, Intake, IntakeError, Plan};
use crate::codec::output::DecidedProgress;
use crate::engine::base::TimeMs;
use crate::engine::cover::Covered;
use crate::engine::input::TimeMode;
use crate::engine::planted::{Planted, is_planted};
use crate::intake::covered::{Decided, StartError};
use crate::intake::desk::Desk;
use crate::intake::first_start;
use crate::intake::pack::{Flush, Packer, Slot, Start};
use crate::intake::watch::WatchError;
use crate::log::LogError;
use crate::log::source::IntakeLog;

impl<L: IntakeLog> Intake<L> {
    /// Tells every destination how far every source has been read, waits for acknowledgement, commits.
    pub(super) fn cover(&mut self) -> Result<(), IntakeError> {
        // Read before the broker is asked for any end; a little is taken off for brokers that differ.
        let clock = self.log.broker_time().map(|time| time.minus(CLOCKS_DIFFER_MAX));
        for index in 0..self.desk.assigned.len() {
            let Some(assigned) = self.desk.assigned.get(index) else { break };
            if self.desk.lanes.is_empty(assigned.slot) {
                read_through(&self.log, &mut self.desk, &mut self.packer, &self.plan, (index, clock))?;
            }
        }
        self.move_start_source();
        let packs = self.packer.flush(Flush::All);
        self.send(packs)?;
        self.log.settle()?;
        self.commit();
        Ok(())
    }

    /// A report of progress only: a rebalance in between may refuse it, and nothing is lost by that.
    fn commit(&mut self) {
        let positions: Vec<(&str, u32, i64)> = self
            .desk
            .assigned
            .iter()
            .filter_map(|one| {
                Some((one.topic.as_str(), one.id.partition, self.packer.position(one.slot)? + 1))
            })
            .collect();
        if positions.is_empty() {
            return;
        }
        if let Err(error) = self.log.commit(&positions) {
            tracing::info!(%error, "the group's offsets were not committed");
        }
    }

    /// Nothing more comes of a first start. It keeps pace with the slowest of the others, so that it
    /// neither holds partition time back nor makes time newer than they do.
    fn move_start_source(&mut self) {
        let throughs = self.desk.assigned.iter().filter_map(|one| self.packer.through(one.slot));
        if let (Some((slot, false)), Some(slowest)) = (self.start_slot, throughs.min()) {
            let last = self.packer.position(slot).unwrap_or(-1);
            self.packer.read_through(slot, self.plan.versions.in_force(slowest), last, slowest);
        }
    }

    pub(super) fn look_at_retention(&mut self) -> Result<(), IntakeError> {
        let Plan { decided_topic, facts_partitions, .. } = &self.plan;
        let decided = || Decided::of(self.log.decided()?, decided_topic, *facts_partitions);
        match self.watch.look(&self.log, self.clock.wall(), decided) {
            // Nobody to ask; deliveries will tell when the brokers are really away.
            Err(WatchError::Log(LogError::Unreachable(why))) => {
                tracing::warn!(why, "retention was not checked")
            }
            looked => looked?,
        }
        Ok(())
    }

    /// Takes up the source of a first start: due while some destination has not covered it.
    pub(super) fn take_up_start(&mut self, decided: &Decided) -> (Slot, bool) {
        let source = first_start::source();
        let covered = |progress: &Option<DecidedProgress>| {
            progress.as_ref().and_then(|progress| progress.coverage.sources.get(&source).copied())
        };
        let lowest = decided.partitions().iter().map(covered).reduce(|a, b| match (a, b) {
            (Some(a), Some(b)) => Some(Covered::new(a.last.min(b.last), a.time.min(b.time))),
            _ => None,
        });
        let (previous, time) = match lowest.flatten() {
            Some(covered) => (covered.last, covered.time),
            None => (-1, TimeMs::MIN),
        };
        let is_due = previous < 0;
        let version = self.plan.versions.in_force(time);
        (self.packer.assign(source, Start { previous, baseline: is_due, version, time }), is_due)
    }

    /// Before the first record of all: the rules that decide about it.
    pub(super) fn start_first(&mut self, first: TimeMs) {
        let (Some((slot, is_due @ true)), Some(start)) = (&mut self.start_slot, &self.plan.first_start)
        else {
            return;
        };
        *is_due = false;
        let version = self.plan.versions.in_force(first);
        for (offset, record) in (0..).zip(start.records(&self.plan.keys, first)) {
            self.packer.read(*slot, version, offset, first, [record]);
        }
    }

    /// True when all that was present when the partitions were assigned has been read.
    pub(super) fn is_at_end(&self) -> bool {
        let Some(since) = self.assigned_since else { return false };
        let has_all = self.desk.assigned.len() == self.plan.source_partitions as usize;
        let is_settled = has_all || self.clock.now() - since > ASSIGNMENT_SETTLED_AFTER;
        let mut assigned = self.desk.assigned.iter();
        is_settled
            && assigned.all(|one| self.packer.position(one.slot).is_some_and(|last| last + 1 >= one.end))
    }
}

/// Moves a source on to the broker's clock, if it holds nothing that has not been read. Before the first
/// acknowledgement that clock is not known, and the source stays where it is.
fn read_through<L: IntakeLog>(
    log: &L,
    desk: &mut Desk,
    packer: &mut Packer,
    plan: &Plan,
    (index, clock): (usize, Option<TimeMs>),
) -> Result<(), IntakeError> {
    let Some(assigned) = desk.assigned.get(index) else { return Ok(()) };
    let (slot, partition) = (assigned.slot, assigned.id.partition);
    let (_, end) = log.watermarks(&assigned.topic, partition)?;
    let last = packer.position(slot).unwrap_or(-1);
    if end <= last && !is_planted(Planted::RewoundSource) {
        let name = assigned.id.name.to_string();
        return Err(StartError::Rewound { name, partition, covered: last, high: end }.into());
    }
    // Control records are never delivered, but the client's position passes them.
    let position = log.position(&assigned.topic, partition).unwrap_or(0);
    if position < end {
        return Ok(());
    }
    desk.lanes.drained(slot);
    let through = match (plan.time, clock) {
        (TimeMode::Broker, Some(clock)) => clock,
        _ => packer.through(slot).unwrap_or(TimeMs::MIN),
    };
    packer.read_through(slot, plan.versions.in_force(through), end - 1, through);
    Ok(())
}
