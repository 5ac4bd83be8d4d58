//! The processes of a world: how they begin, get their turn, end by themselves or are ended.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::decide_log::SimDecideLog;
use super::host::SimHost;
use super::intake_log::SimIntakeLog;
use super::rules::UNSPOKEN;
use super::scheduler::{CRASH, Sim};
use super::seen::Sight;
use crate::decide::DecideError;
use crate::decide::driver::Driver;
use crate::decide::snapshot::StoreError;
use crate::engine::SEMANTICS;
use crate::engine::base::{SpanMs, TimeMs};
use crate::intake::covered::Decided;
use crate::intake::run::{Intake, IntakeError};
use crate::intake::skip::{Held, Order, Reason, plan};
use crate::intake::versions::VersionsError;
use crate::log::LogError;
use crate::log::source::IntakeLog as _;

pub(super) enum Process {
    Intake(Box<Intake<SimIntakeLog>>),
    Decide(Box<Driver<SimDecideLog>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Intake,
    Decide,
}

/// A place for one process after the other.
pub(super) struct Seat {
    pub kind: Kind,
    pub host: SimHost,
    pub process: Option<Process>,
    /// In the middle of a call.
    pub is_running: bool,
    /// Stopped altogether: neither its workers move nor does its session live.
    pub is_frozen: bool,
    pub back_at_ms: i64,
    /// The engine semantics of its program.
    pub speaks: u32,
    /// Its group, and what it was last known as there.
    pub member: (usize, Option<u64>),
}

impl Sim {
    pub(super) fn turn(self: &Rc<Self>, place: usize) {
        let process = {
            let mut seats = self.seats.borrow_mut();
            let seat = &mut seats[place];
            if seat.is_running || (seat.process.is_none() && self.time.ms() < seat.back_at_ms) {
                return;
            }
            seat.is_running = true;
            seat.process.take()
        };
        let outcome = match process {
            None => self.begin(place),
            Some(Process::Intake(mut intake)) => match intake.round(&AtomicBool::new(false), &mut |_| {}) {
                Ok(_) => Ok(Process::Intake(intake)),
                Err(error) => {
                    self.intake_ended(&error);
                    Err(())
                }
            },
            Some(Process::Decide(mut driver)) => match driver.turn() {
                Ok(()) => Ok(Process::Decide(driver)),
                Err(error) => {
                    self.decide_ended(&error);
                    Err(())
                }
            },
        };
        self.seats.borrow_mut()[place].is_running = false;
        match outcome {
            Ok(process) => self.seats.borrow_mut()[place].process = Some(process),
            Err(()) => self.ended(place),
        }
    }

    fn begin(self: &Rc<Self>, place: usize) -> Result<Process, ()> {
        let (kind, host, speaks) = {
            let seats = self.seats.borrow();
            (seats[place].kind, seats[place].host.clone(), seats[place].speaks)
        };
        match kind {
            Kind::Intake => {
                let setup = self.deployment.intake(&self.config.borrow());
                let log = SimIntakeLog::join(self, place);
                let begun = Intake::start(log, setup, Arc::new(host));
                begun
                    .map(|intake| Process::Intake(Box::new(intake)))
                    .map_err(|error| self.intake_ended(&error))
            }
            Kind::Decide => {
                let setup = self.deployment.decide(&host, speaks);
                Ok(Process::Decide(Box::new(Driver::new(SimDecideLog::join(self, place), setup))))
            }
        }
    }

    /// Whatever ends an intake by itself is either meant to, or a bug.
    fn intake_ended(&self, error: &IntakeError) {
        let told = error.to_string();
        let is_rewound = told.contains("was recreated or truncated") || told.contains("is out of range");
        if is_rewound && self.old_ends.borrow().is_some() {
            // The operator gives the source its next generation, as the message says.
            self.config.borrow_mut().generation = self.broker.borrow().generation;
            self.see(Sight::Stops);
            return;
        }
        if told.contains("duecourse sources skip") {
            return self.skip(&told);
        }
        let has_lost = self.broker.borrow().sources.iter().any(|source| source.low > 0);
        let will_pass = told.contains("is not reachable")
            || (has_lost && told.contains("is out of range"))
            || told.contains(&VersionsError::StartsInPast(2).to_string())
            || told.contains(&VersionsError::PastForgotten(2).to_string());
        if !told.contains(CRASH) && !will_pass {
            self.broker.borrow_mut().violations.push(format!("an intake stopped: {told}"));
        }
    }

    /// The operator does what the message says, and gets it to some of the facts partitions or to all.
    fn skip(&self, told: &str) {
        let number = |after: &str| -> Option<i64> {
            let (_, rest) = told.split_once(after)?;
            rest.split(' ').next()?.parse().ok()
        };
        let mut broker = self.broker.borrow_mut();
        let (Some(partition), Some(to)) = (number("--partition "), number("--to ")) else {
            broker.violations.push(format!("the message names no partition or offset: {told}"));
            return;
        };
        let (generation, now_ms) = (self.config.borrow().generation, self.time.ms());
        let order = Order {
            source: self.deployment.source_id(generation, partition as u32),
            to,
            reason: Reason::parse("retention overtook intake").unwrap(),
            ordered: TimeMs(now_ms),
            ahead_max: SpanMs(60_000),
        };
        let source = &broker.sources[partition as usize];
        let resumes = source.records.iter().find(|(offset, ..)| *offset >= to).map(|(_, at, _)| TimeMs(*at));
        let held = Held { low: source.low, resumes };
        let decided = Decided::of(broker.decided(), "decided", self.deployment.facts).unwrap();
        // What deciding published meanwhile may leave nothing to skip.
        let Ok(skipping) = plan(order, held, &decided) else { return };
        let is_whole = !self.has_faults.get() || self.roll(3) > 0;
        for facts in 0..self.deployment.facts {
            if is_whole || self.roll(2) == 0 {
                broker.append_facts(facts, now_ms, skipping.record());
            }
        }
        drop(broker);
        self.see(Sight::Skips);
    }

    fn decide_ended(&self, error: &DecideError) {
        let will_pass = match error {
            DecideError::Log(LogError::Damaged(why)) => why == CRASH,
            DecideError::Log(LogError::Unreachable(_)) => true,
            DecideError::Snapshot { error: StoreError::Store(_), .. } => true,
            // It stopped before rules that it does not speak, as it should.
            DecideError::Partition { error, .. } => error.to_string().contains(UNSPOKEN),
            _ => false,
        };
        if !will_pass {
            self.broker.borrow_mut().violations.push(format!("a decide stopped: {error}"));
        }
    }

    fn ended(&self, place: usize) {
        let wait_ms = if self.has_faults.get() { self.roll(4_000) as i64 } else { 0 };
        let mut seats = self.seats.borrow_mut();
        seats[place].host.kill();
        seats[place].back_at_ms = self.time.ms() + wait_ms;
    }

    pub(super) fn kill(&self, place: usize) {
        let process = self.seats.borrow_mut()[place].process.take();
        if process.is_some() {
            self.ended(place);
        }
    }

    /// Where it runs, the next program is put, and begun when its turn comes.
    pub(super) fn upgrade(self: &Rc<Self>, place: usize) {
        self.seats.borrow_mut()[place].speaks = SEMANTICS;
        self.stop(place);
    }

    pub(super) fn upgrade_all(self: &Rc<Self>) {
        for place in self.places(Kind::Decide) {
            let is_earlier = self.seats.borrow()[place].speaks < SEMANTICS;
            if is_earlier {
                self.upgrade(place);
            }
        }
    }

    pub(super) fn end_all(&self, kind: Kind) {
        let places: Vec<usize> = self.places(kind);
        places.into_iter().for_each(|place| self.kill(place));
    }

    fn places(&self, kind: Kind) -> Vec<usize> {
        let seats = self.seats.borrow();
        (0..seats.len()).filter(|place| seats[*place].kind == kind).collect()
    }

    pub(super) fn leave_all(self: &Rc<Self>, kind: Kind) -> Result<(), String> {
        for place in self.places(kind) {
            self.stop(place);
            self.seats.borrow_mut()[place].back_at_ms = i64::MAX;
        }
        self.is_sound()
    }

    /// SIGTERM: it drains, commits and leaves.
    pub(super) fn stop(self: &Rc<Self>, place: usize) {
        let process = {
            let mut seats = self.seats.borrow_mut();
            let process = seats[place].process.take();
            seats[place].is_running = process.is_some();
            process
        };
        match process {
            None => return,
            Some(Process::Intake(mut intake)) => {
                let outcome = intake.round(&AtomicBool::new(true), &mut |_| {});
                match outcome {
                    Ok(_) => intake.into_log().close(Duration::ZERO),
                    Err(error) => self.intake_ended(&error),
                }
            }
            Some(Process::Decide(driver)) => {
                if let Err(error) = driver.leave() {
                    self.decide_ended(&error);
                }
            }
        }
        self.seats.borrow_mut()[place].is_running = false;
        self.ended(place);
    }
}
