//! A log that loses answers, dies in the middle of calls, takes partitions away and gives them back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::codec::output::Topic;
use crate::log::{Batch, CommitOutcome, DecideEvent, DecideLog, LogError, Progress};

use super::world::World;

/// What a call says when the process is to die there.
pub const CRASH: &str = "the process dies here";

/// Seeded, so that a failure can be seen again (but for the timing of threads).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// Whether it lies at all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lies(bool);

impl Lies {
    pub const NONE: Lies = Lies(false);
    pub const ALL: Lies = Lies(true);
}

/// A life's lies come to an end, so that the life does.
const LIES_MAX: u64 = 40;
/// Lives that crash come to an end too.
const LIES_OF_A_WORLD_MAX: u64 = 400;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tenure {
    /// Nobody's; given back some time.
    Away,
    /// Ours; delivered from its position once started.
    Ours(Option<usize>),
    /// Being taken away until it is released.
    Revoked,
}

pub struct LyingLog {
    world: World,
    lies: Lies,
    dice: Dice,
    told: u64,
    tenures: BTreeMap<u32, Tenure>,
    paused: BTreeSet<u32>,
}

impl LyingLog {
    pub fn new(world: World, lies: Lies, seed: u64) -> LyingLog {
        let tenures = (0..world.partitions()).map(|partition| (partition, Tenure::Away)).collect();
        LyingLog { world, lies, dice: Dice::new(seed), told: 0, tenures, paused: BTreeSet::new() }
    }

    /// True once in `sides`, while lies last.
    fn lie(&mut self, sides: u64) -> bool {
        let lasting =
            self.lies == Lies::ALL && self.told < LIES_MAX && self.world.lies_told() < LIES_OF_A_WORLD_MAX;
        let lie = lasting && self.dice.roll(sides) == 0;
        if lie {
            self.told += 1;
            self.world.truth().lies_told += 1;
        }
        lie
    }

    fn crash<T>() -> Result<T, LogError> {
        Err(LogError::Damaged(CRASH.to_owned()))
    }

    fn rebalance(&mut self, events: &mut Vec<DecideEvent>) {
        for partition in 0..self.world.partitions() {
            let tenure = self.tenures[&partition];
            match tenure {
                Tenure::Away if self.dice.roll(3) == 0 => {
                    let committed = self.world.committed(partition as usize);
                    events.push(DecideEvent::Assigned { partition, committed });
                    self.tenures.insert(partition, Tenure::Ours(None));
                }
                Tenure::Ours(_) if self.lie(60) => {
                    events.push(DecideEvent::Revoked { partitions: vec![partition] });
                    self.tenures.insert(partition, Tenure::Revoked);
                }
                Tenure::Ours(_) if self.lie(60) => {
                    events.push(DecideEvent::Lost { partitions: vec![partition] });
                    self.tenures.insert(partition, Tenure::Away);
                }
                _ => {}
            }
        }
    }

    fn deliver(&mut self, events: &mut Vec<DecideEvent>) {
        for partition in 0..self.world.partitions() {
            let Tenure::Ours(Some(position)) = self.tenures[&partition] else { continue };
            if self.paused.contains(&partition) {
                continue;
            }
            // A record may come twice, never one before its predecessor.
            let from = if position > 0 && self.lie(30) { position - 1 } else { position };
            let count = 1 + self.dice.roll(6) as usize;
            let records: Vec<Vec<u8>> =
                self.world.truth().facts[partition as usize].iter().skip(from).take(count).cloned().collect();
            self.tenures.insert(partition, Tenure::Ours(Some(position.max(from + records.len()))));
            for (offset, bytes) in (from as u64..).zip(records) {
                events.push(DecideEvent::Record { partition, offset, bytes });
            }
        }
    }

    fn write(&self, batches: &[Batch]) {
        let mut truth = self.world.truth();
        for batch in batches {
            let place = batch.partition as usize;
            assert!(batch.next_offset >= truth.committed[place].unwrap_or(0), "offsets never go back");
            truth.committed[place] = Some(batch.next_offset);
            truth.outputs[place].extend(batch.records.iter().cloned());
        }
    }

    fn committed_of(&self, batches: &[Batch]) -> CommitOutcome {
        let committed = |batch: &Batch| (batch.partition, self.world.committed(batch.partition as usize));
        CommitOutcome::Settled { committed: batches.iter().map(committed).collect() }
    }
}

impl DecideLog for LyingLog {
    fn poll(&mut self, wait: Duration) -> Result<Vec<DecideEvent>, LogError> {
        if self.lie(200) {
            return LyingLog::crash();
        }
        let mut events = Vec::new();
        self.deliver(&mut events);
        self.rebalance(&mut events);
        if events.is_empty() {
            std::thread::sleep(wait.min(Duration::from_micros(200)));
        }
        Ok(events)
    }

    fn start(&mut self, partition: u32, offset: u64) -> Result<(), LogError> {
        if let Some(Tenure::Ours(position)) = self.tenures.get_mut(&partition) {
            assert_eq!(*position, None, "started twice");
            *position = Some(offset as usize);
            self.paused.remove(&partition);
        }
        Ok(())
    }

    fn release(&mut self, partitions: &[u32]) -> Result<(), LogError> {
        for partition in partitions {
            assert!(self.tenures.insert(*partition, Tenure::Away) == Some(Tenure::Revoked));
        }
        Ok(())
    }

    fn pause(&mut self, partition: u32, paused: bool) -> Result<(), LogError> {
        if paused {
            self.paused.insert(partition)
        } else {
            self.paused.remove(&partition)
        };
        Ok(())
    }

    fn send_reports(&mut self, reports: &[(u32, Vec<u8>)]) -> Result<(), LogError> {
        let (fails, dies) = (self.lie(6), self.lie(30));
        let arrive =
            if fails || dies { self.dice.roll(reports.len() as u64 + 1) } else { reports.len() as u64 };
        for (destination, bytes) in reports.iter().take(arrive as usize) {
            self.world.truth().facts[*destination as usize].push(bytes.clone());
        }
        match (fails, dies) {
            (_, true) => LyingLog::crash(),
            (true, false) => Err(LogError::Unreachable("not acknowledged".to_owned())),
            (false, false) => Ok(()),
        }
    }

    fn commit(&mut self, batches: &[Batch]) -> Result<CommitOutcome, LogError> {
        for batch in batches {
            let tenure = self.tenures[&batch.partition];
            assert!(tenure != Tenure::Away, "a batch of a partition that is not held");
        }
        if self.lie(4) {
            let settled = self.committed_of(batches);
            return if self.lie(4) { LyingLog::crash() } else { Ok(settled) };
        }
        self.write(batches);
        if self.lie(4) {
            let settled = self.committed_of(batches);
            return if self.lie(4) { LyingLog::crash() } else { Ok(settled) };
        }
        Ok(CommitOutcome::Committed)
    }

    fn progress(&mut self) -> Result<Vec<Progress>, LogError> {
        let truth = self.world.truth();
        Ok((0..)
            .zip(&truth.facts)
            .map(|(partition, facts)| Progress {
                partition,
                first: 0,
                end: facts.len() as u64,
                committed: truth.committed[partition as usize],
            })
            .collect())
    }

    fn holds(&mut self, topic: Topic, key: &[u8]) -> Result<bool, LogError> {
        let truth = self.world.truth();
        Ok(truth.outputs.iter().flatten().any(|record| record.topic == topic && record.key == key))
    }

    fn close(self) {}
}
