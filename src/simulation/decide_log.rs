//! A deciding worker's log over the model broker: as `log::kafka::decide`, step by step (K1 to K4).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use super::broker::{FACTS, Refusal, To};
use super::group::{GroupEvent, Membership};
use super::scheduler::Sim;
use crate::codec::output::Topic;
use crate::engine::planted::{Planted, is_planted};
use crate::log::{Batch, CommitOutcome, DecideEvent, DecideLog, LogError, Progress};

/// Records of one partition that one poll hands over at most.
const RECORDS_MAX: u64 = 6;
/// As `log::kafka::group`: reading committed offsets gives up after this.
const COMMITTED_MAX_MS: i64 = 30_000;

pub struct SimDecideLog {
    sim: Rc<Sim>,
    process: usize,
    membership: Membership,
    /// The transactional id is the process's place; this is the epoch of its producer.
    epoch: u32,
    reports: u64,
    /// The next offset of each partition that was started.
    started: BTreeMap<u32, u64>,
    paused: BTreeSet<u32>,
}

/// Why a transaction is not known to be committed.
enum Fault {
    Aborted,
    InDoubt,
}

impl SimDecideLog {
    pub fn join(sim: &Rc<Sim>, process: usize) -> SimDecideLog {
        let mut broker = sim.broker.borrow_mut();
        let (epoch, reports) = (broker.init(process as u32), broker.new_producer());
        SimDecideLog {
            sim: Rc::clone(sim),
            process,
            membership: Membership::default(),
            epoch,
            reports,
            started: BTreeMap::new(),
            paused: BTreeSet::new(),
        }
    }

    fn id(&self) -> u32 {
        self.process as u32
    }

    fn heartbeat(&self) {
        self.sim.told_member(self.process, FACTS, self.membership.member);
    }

    /// Waits for transactions that may still move the offset.
    fn committed(&self, partition: u32) -> Result<Option<u64>, LogError> {
        let deadline = self.sim.time.ms() + COMMITTED_MAX_MS;
        while self.sim.broker.borrow().is_unstable(partition) && !is_planted(Planted::StableOffsets) {
            if self.sim.time.ms() > deadline {
                return Err(LogError::Unreachable("a committed offset stays unstable".to_owned()));
            }
            self.sim.pause(self.process, 200)?;
        }
        Ok(self.sim.broker.borrow().committed[partition as usize])
    }

    fn rebalanced(&mut self, event: GroupEvent, events: &mut Vec<DecideEvent>) -> Result<(), LogError> {
        match event {
            GroupEvent::Assigned(partitions) => {
                for partition in partitions {
                    let committed = self.committed(partition)?;
                    events.push(DecideEvent::Assigned { partition, committed });
                }
            }
            GroupEvent::Revoked(partitions) => events.push(DecideEvent::Revoked { partitions }),
            GroupEvent::Lost(partitions) => {
                self.started.retain(|partition, _| !partitions.contains(partition));
                events.push(DecideEvent::Lost { partitions });
            }
        }
        Ok(())
    }

    fn deliver(&mut self, events: &mut Vec<DecideEvent>) {
        let broker = self.sim.broker.borrow();
        for (partition, next) in &mut self.started {
            if self.paused.contains(partition) || !self.membership.held.contains(partition) {
                continue;
            }
            // A record may come twice, never one before its predecessor.
            let first = if *next > 0 && self.sim.lie(40) { *next - 1 } else { *next };
            let count = 1 + self.sim.dice.borrow_mut().below(RECORDS_MAX);
            let log = &broker.facts[*partition as usize];
            for (offset, (_, bytes)) in (first..).zip(log.iter().skip(first as usize).take(count as usize)) {
                *next = (*next).max(offset + 1);
                events.push(DecideEvent::Record { partition: *partition, offset, bytes: bytes.clone() });
            }
        }
    }

    fn point(&self) -> Result<(), LogError> {
        self.sim.point(self.process)
    }

    fn try_commit(&mut self, batches: &[Batch]) -> Result<Result<(), Fault>, LogError> {
        let sim = Rc::clone(&self.sim);
        let (id, epoch) = (self.id(), self.epoch);
        let in_doubt = |_: Refusal| Fault::InDoubt;
        if let Err(refusal) = sim.broker.borrow_mut().begin(id, epoch, sim.time.ms()) {
            return Ok(Err(in_doubt(refusal)));
        }
        for record in batches.iter().flat_map(|batch| &batch.records) {
            if sim.dice.borrow_mut().once_in(4) {
                self.point()?;
            }
            if let Err(refusal) = sim.broker.borrow_mut().write(id, epoch, record.clone()) {
                return Ok(Err(in_doubt(refusal)));
            }
        }
        // The client's own idea of its membership, which may have grown old at the next point.
        let membership = (self.membership.member, self.membership.generation);
        self.point()?;
        if sim.lie(20) {
            return Ok(Err(Fault::InDoubt));
        }
        let offsets: Vec<(u32, u64)> =
            batches.iter().map(|batch| (batch.partition, batch.next_offset)).collect();
        let added = sim.broker.borrow_mut().add_offsets((id, epoch), membership, &offsets);
        match added {
            Ok(()) => {}
            Err(Refusal::Generation) => {
                let aborted = sim.broker.borrow_mut().abort(id, epoch);
                return Ok(Err(aborted.map_or_else(in_doubt, |()| Fault::Aborted)));
            }
            Err(refusal) => return Ok(Err(in_doubt(refusal))),
        }
        self.point()?;
        if sim.lie(12) {
            // The request is lost, or on its way for longer than anybody waits.
            if sim.dice.borrow_mut().once_in(2) {
                sim.broker.borrow_mut().commit_late(id, epoch);
            }
            return Ok(Err(Fault::InDoubt));
        }
        let later = sim.dice.borrow_mut().once_in(3);
        if let Err(refusal) = sim.broker.borrow_mut().commit(id, epoch, later) {
            return Ok(Err(in_doubt(refusal)));
        }
        self.point()?;
        // The answer is lost.
        Ok(if sim.lie(12) { Err(Fault::InDoubt) } else { Ok(()) })
    }
}

impl DecideLog for SimDecideLog {
    fn poll(&mut self, wait: Duration) -> Result<Vec<DecideEvent>, LogError> {
        self.point()?;
        self.heartbeat();
        let mut events = Vec::new();
        self.deliver(&mut events);
        let now_ms = self.sim.time.ms();
        let changes = self.sim.broker.borrow_mut().groups[FACTS].serve(&mut self.membership, now_ms);
        self.heartbeat();
        for change in changes {
            self.rebalanced(change, &mut events)?;
        }
        if events.is_empty() {
            let most = wait.as_millis() as u64 + 1;
            self.sim.time.advance(self.sim.dice.borrow_mut().below(most) as i64);
        }
        Ok(events)
    }

    fn start(&mut self, partition: u32, offset: u64) -> Result<(), LogError> {
        self.point()?;
        let end = self.sim.broker.borrow().facts[partition as usize].len() as u64;
        if offset > end {
            return Err(LogError::Damaged(format!(
                "facts partition {partition} ends at {end}, and {offset} is needed"
            )));
        }
        self.started.insert(partition, offset);
        self.paused.remove(&partition);
        Ok(())
    }

    fn release(&mut self, partitions: &[u32]) -> Result<(), LogError> {
        self.point()?;
        self.started.retain(|partition, _| !partitions.contains(partition));
        self.sim.broker.borrow_mut().groups[FACTS].release(&mut self.membership, partitions);
        Ok(())
    }

    fn pause(&mut self, partition: u32, paused: bool) -> Result<(), LogError> {
        let changed = if paused { self.paused.insert(partition) } else { self.paused.remove(&partition) };
        debug_assert!(changed || !paused);
        Ok(())
    }

    fn send_reports(&mut self, reports: &[(u32, Vec<u8>)]) -> Result<(), LogError> {
        for (partition, bytes) in reports {
            self.sim.broker.borrow_mut().send(self.reports, To::Facts(*partition), bytes.clone());
            if self.sim.dice.borrow_mut().once_in(4) {
                self.point()?;
            }
        }
        self.point()?;
        let now_ms = self.sim.time.ms();
        if !self.sim.lie(8) {
            self.sim.broker.borrow_mut().flush(self.reports, now_ms);
            return Ok(());
        }
        let mut broker = self.sim.broker.borrow_mut();
        broker.fail(self.reports, now_ms, &mut self.sim.dice.borrow_mut());
        broker.abandon(self.reports);
        self.reports = broker.new_producer();
        Err(LogError::Unreachable("reports are not acknowledged".to_owned()))
    }

    fn commit(&mut self, batches: &[Batch]) -> Result<CommitOutcome, LogError> {
        match self.try_commit(batches)? {
            Ok(()) => return Ok(CommitOutcome::Committed),
            Err(Fault::Aborted) => {}
            Err(Fault::InDoubt) if is_planted(Planted::NewProducer) => {}
            Err(Fault::InDoubt) => {
                self.point()?;
                self.epoch = self.sim.broker.borrow_mut().init(self.id());
            }
        }
        self.point()?;
        let mut committed = Vec::new();
        for batch in batches {
            committed.push((batch.partition, self.committed(batch.partition)?));
        }
        Ok(CommitOutcome::Settled { committed })
    }

    fn progress(&mut self) -> Result<Vec<Progress>, LogError> {
        let count = self.sim.broker.borrow().facts.len() as u32;
        for partition in 0..count {
            self.committed(partition)?;
        }
        let broker = self.sim.broker.borrow();
        let progress = |(partition, log): (u32, &Vec<(i64, Vec<u8>)>)| Progress {
            partition,
            first: 0,
            end: log.len() as u64,
            committed: broker.committed[partition as usize],
        };
        Ok((0..).zip(&broker.facts).map(progress).collect())
    }

    fn holds(&mut self, topic: Topic, key: &[u8]) -> Result<bool, LogError> {
        self.point()?;
        let broker = self.sim.broker.borrow();
        let mut visible = broker.outputs.iter().filter(|(record, _)| record.topic == topic);
        Ok(visible.any(|(record, fate)| record.key == key && *fate == super::broker::Fate::Committed))
    }

    fn close(self) {
        let mut broker = self.sim.broker.borrow_mut();
        broker.abandon(self.reports);
        broker.groups[FACTS].leave(&self.membership);
    }
}

impl Drop for SimDecideLog {
    fn drop(&mut self) {
        // What it sent is on its way without it. Its session and its transaction run out by themselves.
        self.sim.broker.borrow_mut().abandon(self.reports);
    }
}
