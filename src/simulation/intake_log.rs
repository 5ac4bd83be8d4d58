//! An intake's log over the model broker: as `log::kafka::intake`, step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use super::broker::{SOURCES, To};
use super::group::{GroupEvent, Membership};
use super::scheduler::Sim;
use super::seen::Sight;
use crate::engine::base::TimeMs;
use crate::engine::planted::{Planted, is_planted};
use crate::log::LogError;
use crate::log::kafka::TopicDescription;
use crate::log::source::{IntakeLog, SourceEvent, SourceRecord, TimestampKind};

pub const SOURCE_TOPIC: &str = "events";
pub const FACTS_TOPIC: &str = "facts";

/// A record with its partition, offset and time.
type Fetched = (u32, i64, i64, Vec<u8>);

pub struct SimIntakeLog {
    sim: Rc<Sim>,
    process: usize,
    membership: Membership,
    producer: u64,
    failed: bool,
    /// The next offset of each partition that was started.
    next: BTreeMap<u32, i64>,
    paused: BTreeSet<u32>,
}

impl SimIntakeLog {
    pub fn join(sim: &Rc<Sim>, process: usize) -> SimIntakeLog {
        let mut broker = sim.broker.borrow_mut();
        SimIntakeLog {
            sim: Rc::clone(sim),
            process,
            membership: Membership::default(),
            producer: broker.new_producer(),
            failed: false,
            next: BTreeMap::new(),
            paused: BTreeSet::new(),
        }
    }

    fn point(&self) -> Result<(), LogError> {
        self.sim.point(self.process)
    }

    fn heartbeat(&self) {
        self.sim.told_member(self.process, SOURCES, self.membership.member);
    }

    /// What the group has committed, as this client is told: now and then an older offset, or that there is none.
    fn read_so_far(&self, partition: u32) -> Option<i64> {
        let read = self.sim.broker.borrow().read.get(&partition).copied()?;
        if !self.sim.fib(5) {
            return Some(read);
        }
        self.sim.see(Sight::OldOffsets);
        let older = self.sim.roll(read as u64 + 1) as i64;
        (self.sim.roll(2) == 0).then_some(older)
    }

    /// Records that a poll hands over, with their partitions, and whether each partition then is drained.
    fn fetch(&mut self, most: usize) -> Result<(Vec<Fetched>, Vec<u32>), LogError> {
        let broker = self.sim.broker.borrow();
        let (mut records, mut drained) = (Vec::new(), Vec::new());
        for (partition, next) in &mut self.next {
            let source = &broker.sources[*partition as usize];
            if *next < source.low {
                return Err(LogError::Damaged(format!("offset {next} of a source is out of range")));
            }
            if *next > source.end && is_planted(Planted::RewoundSource) {
                continue;
            }
            if *next > source.end {
                // As `auto.offset.reset = error` has it.
                return Err(LogError::Damaged(format!("offset {next} of a source is out of range")));
            }
            if self.paused.contains(partition) || !self.membership.held.contains(partition) {
                continue;
            }
            let count = (1 + self.sim.dice.borrow_mut().below(4) as usize).min(most);
            for (offset, at, value) in source.records.iter().filter(|(offset, ..)| offset >= next).take(count)
            {
                records.push((*partition, *offset, *at, value.clone()));
            }
            if let Some((_, offset, ..)) = records.last().filter(|(of, ..)| of == partition) {
                *next = offset + 1;
            }
            if !source.records.iter().any(|(offset, ..)| offset >= next) {
                *next = source.end;
                drained.push(*partition);
            }
        }
        Ok((records, drained))
    }
}

fn places(partitions: &[u32]) -> Vec<(String, u32)> {
    partitions.iter().map(|partition| (SOURCE_TOPIC.to_owned(), *partition)).collect()
}

impl IntakeLog for SimIntakeLog {
    fn poll(
        &mut self,
        wait: Duration,
        records_max: usize,
        serve: &mut dyn FnMut(SourceEvent<'_>),
    ) -> Result<usize, LogError> {
        self.point()?;
        self.heartbeat();
        let (records, drained) = self.fetch(records_max)?;
        for (partition, offset, timestamp_ms, value) in &records {
            serve(SourceEvent::Record(SourceRecord {
                topic: SOURCE_TOPIC,
                partition: *partition,
                offset: *offset,
                timestamp_ms: *timestamp_ms,
                timestamp_kind: TimestampKind::Append,
                key: None,
                value: Some(value),
                headers: &[],
            }));
        }
        for partition in drained {
            serve(SourceEvent::Drained { topic: SOURCE_TOPIC, partition });
        }
        let now_ms = self.sim.time.ms();
        let changes = self.sim.broker.borrow_mut().groups[SOURCES].serve(&mut self.membership, now_ms);
        self.heartbeat();
        for change in changes {
            match change {
                GroupEvent::Assigned(partitions) => partitions.iter().for_each(|partition| {
                    serve(SourceEvent::Assigned {
                        topic: SOURCE_TOPIC,
                        partition: *partition,
                        committed: self.read_so_far(*partition),
                    });
                }),
                GroupEvent::Revoked(partitions) => {
                    serve(SourceEvent::Revoked { partitions: &places(&partitions) });
                }
                GroupEvent::Lost(partitions) => {
                    self.next.retain(|partition, _| !partitions.contains(partition));
                    serve(SourceEvent::Lost { partitions: &places(&partitions) });
                }
            }
        }
        if records.is_empty() {
            let most = wait.as_millis() as u64 + 1;
            self.sim.time.advance(self.sim.dice.borrow_mut().below(most) as i64);
        }
        Ok(records.len())
    }

    fn start(&mut self, _: &str, partition: u32, offset: i64) -> Result<(), LogError> {
        self.point()?;
        self.next.insert(partition, offset);
        self.paused.remove(&partition);
        Ok(())
    }

    fn release(&mut self, partitions: &[(String, u32)]) -> Result<(), LogError> {
        self.point()?;
        let partitions: Vec<u32> = partitions.iter().map(|(_, partition)| *partition).collect();
        self.next.retain(|partition, _| !partitions.contains(partition));
        self.sim.broker.borrow_mut().groups[SOURCES].release(&mut self.membership, &partitions);
        Ok(())
    }

    fn seek(&mut self, _: &str, partition: u32, offset: i64) -> Result<(), LogError> {
        self.point()?;
        self.next.insert(partition, offset);
        Ok(())
    }

    fn pause(&mut self, _: &str, partition: u32, paused: bool) -> Result<(), LogError> {
        match paused {
            true => drop(self.paused.insert(partition)),
            false => drop(self.paused.remove(&partition)),
        }
        Ok(())
    }

    fn watermarks(&self, topic: &str, partition: u32) -> Result<(i64, i64), LogError> {
        self.point()?;
        let broker = self.sim.broker.borrow();
        let place = partition as usize;
        Ok(match topic {
            FACTS_TOPIC => (0, broker.facts[place].len() as i64),
            _ => (broker.sources[place].low, broker.sources[place].end),
        })
    }

    fn position(&self, _: &str, partition: u32) -> Option<i64> {
        self.next.get(&partition).copied()
    }

    fn commit(&mut self, positions: &[(&str, u32, i64)]) -> Result<(), LogError> {
        self.point()?;
        let mut broker = self.sim.broker.borrow_mut();
        if !broker.groups[SOURCES].admits(self.membership.member, self.membership.generation) {
            return Err(LogError::Unreachable("offsets of an earlier generation of the group".to_owned()));
        }
        if !self.sim.fib(10) {
            // Whatever the topic holds by now: the coordinator does not look.
            broker.read.extend(positions.iter().map(|(_, partition, offset)| (*partition, *offset)));
        }
        Ok(())
    }

    fn broker_time(&self) -> Option<TimeMs> {
        Some(TimeMs(self.sim.time.ms()))
    }

    fn send_facts(&mut self, partition: u32, record: &[u8]) -> Result<(), LogError> {
        self.sim.broker.borrow_mut().send(self.producer, To::Facts(partition), record.to_vec());
        if self.sim.dice.borrow_mut().once_in(4) { self.point() } else { Ok(()) }
    }

    fn send_dead_letter(&mut self, _: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.sim.broker.borrow_mut().send(self.producer, To::Letters, value.to_vec());
        Ok(())
    }

    fn settle(&mut self) -> Result<(), LogError> {
        self.point()?;
        let now_ms = self.sim.time.ms();
        if self.sim.lie(15) {
            self.failed = true;
            let mut broker = self.sim.broker.borrow_mut();
            broker.fail(self.producer, now_ms, &mut self.sim.dice.borrow_mut());
        }
        if self.failed {
            return Err(LogError::Unreachable("facts are not acknowledged".to_owned()));
        }
        self.sim.broker.borrow_mut().flush(self.producer, now_ms);
        Ok(())
    }

    fn renew_producer(&mut self) -> Result<(), LogError> {
        self.point()?;
        let mut broker = self.sim.broker.borrow_mut();
        broker.abandon(self.producer);
        self.producer = broker.new_producer();
        self.failed = false;
        Ok(())
    }

    fn decided(&self) -> Result<Vec<Vec<u8>>, LogError> {
        self.point()?;
        let decided = self.sim.broker.borrow().decided();
        // What was read is old by the time it is used.
        self.point()?;
        Ok(decided)
    }

    fn read_facts(&self, partition: u32, offset: i64, on: &mut dyn FnMut(&[u8])) -> Result<(), LogError> {
        self.point()?;
        let broker = self.sim.broker.borrow();
        broker.facts[partition as usize].iter().skip(offset as usize).for_each(|(_, bytes)| on(bytes));
        Ok(())
    }

    fn facts_time(&self, partition: u32, offset: i64) -> Result<Option<i64>, LogError> {
        let broker = self.sim.broker.borrow();
        Ok(broker.facts[partition as usize].get(offset as usize).map(|(at, _)| *at))
    }

    fn describe(&self, topic: &str) -> Result<Option<TopicDescription>, LogError> {
        let broker = self.sim.broker.borrow();
        let is_source = topic == SOURCE_TOPIC;
        let partitions = if is_source { broker.sources.len() } else { broker.facts.len() };
        Ok(Some(TopicDescription {
            name: topic.to_owned(),
            partitions: partitions as u32,
            compacted: false,
            log_append_time: true,
            retention_ms: -1,
        }))
    }

    fn close(self, _: Duration) {
        self.sim.broker.borrow_mut().groups[SOURCES].leave(&self.membership);
    }
}

impl Drop for SimIntakeLog {
    fn drop(&mut self) {
        // What it sent is on its way without it, and its session runs out by itself.
        self.sim.broker.borrow_mut().abandon(self.producer);
    }
}
