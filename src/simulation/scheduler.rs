//! Who moves next: processes, their workers, the world; and what befalls them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use super::broker::Broker;
use super::deployment::{Config, Deployment};
use super::dice::Dice;
use super::events::Events;
use super::host::{SimHost, Time};
use super::processes::{Kind, Seat};
use super::rules::{EARLIER_SEMANTICS, LATER};
use super::seen::{SENT, Seen, Sight};
use super::store::LyingStore;
use crate::codec::output::Topic;
use crate::engine::SEMANTICS;
use crate::engine::base::TimeMs;
use crate::engine::cover::ConfigVersion;
use crate::log::LogError;

/// What a call says when the process is to die there.
pub(super) const CRASH: &str = "the process dies here";
/// Processes that stand still in the middle of a call at one time.
const DEPTH_MAX: u32 = 3;

pub struct Sim {
    pub time: Time,
    pub dice: RefCell<Dice>,
    pub broker: RefCell<Broker>,
    pub seen: Cell<Seen>,
    pub(super) deployment: Rc<Deployment>,
    pub(super) config: RefCell<Config>,
    pub(super) seats: RefCell<Vec<Seat>>,
    pub(super) events: RefCell<Events>,
    events_left: Cell<u64>,
    pub(super) has_faults: Cell<bool>,
    depth: Cell<u32>,
    /// Points at which trouble is near: it seldom comes alone.
    nervous: Cell<u32>,
    /// Ends of the source topic's partitions before it was made anew.
    pub(super) old_ends: RefCell<Option<Vec<i64>>>,
    /// The next rule set was released.
    is_released: Cell<bool>,
    /// Measures of orders that were in force when a deciding process died.
    pub(super) orders_at_crash: RefCell<BTreeSet<Vec<u8>>>,
}

impl Sim {
    pub fn new(seed: u64, deployment: &Rc<Deployment>) -> Rc<Sim> {
        let mut dice = Dice::new(seed);
        let time = Time::new();
        let (intakes, decides) = (1 + dice.below(2), 1 + dice.below(3));
        let kinds = (0..intakes).map(|_| Kind::Intake).chain((0..decides).map(|_| Kind::Decide));
        let seats = kinds
            .map(|kind| Seat {
                kind,
                // Most clocks are within what intake allows for; some are well ahead.
                host: SimHost::new(time.clone(), dice.pick(&[0, 0, 300, -300, 4_000])),
                process: None,
                is_running: false,
                is_frozen: false,
                back_at_ms: 0,
                member: (0, None),
                // A rolling upgrade is under way, or is over.
                speaks: if kind == Kind::Decide {
                    dice.pick(&[EARLIER_SEMANTICS, SEMANTICS])
                } else {
                    SEMANTICS
                },
            })
            .collect();
        let events_left = 20 + dice.below(30);
        let rules = dice.below(2) as usize;
        Rc::new(Sim {
            time,
            broker: RefCell::new(Broker::new(deployment.sources, deployment.facts)),
            seen: Cell::default(),
            deployment: Rc::clone(deployment),
            config: RefCell::new(Config::first(rules)),
            seats: RefCell::new(seats),
            events: RefCell::new(Events::new(rules == 1)),
            events_left: Cell::new(events_left),
            has_faults: Cell::new(true),
            depth: Cell::new(0),
            nervous: Cell::new(0),
            old_ends: RefCell::new(None),
            is_released: Cell::new(false),
            orders_at_crash: RefCell::default(),
            dice: RefCell::new(dice),
        })
    }

    /// The configuration in the end: all that was ever announced.
    pub fn config(&self) -> Config {
        self.config.borrow().clone()
    }

    pub(super) fn roll(&self, sides: u64) -> u64 {
        self.dice.borrow_mut().below(sides)
    }

    pub(super) fn see(&self, sight: Sight) {
        self.see_so_often(sight, 1);
    }

    pub(super) fn see_so_often(&self, sight: Sight, count: u64) {
        let mut seen = self.seen.get();
        seen.add(sight, count);
        self.seen.set(seen);
    }

    /// True once in `sides`, while there are faults.
    pub fn lie(&self, sides: u64) -> bool {
        let lie = self.has_faults.get() && self.roll(sides) == 0;
        if lie {
            self.nervous.set(6);
            self.see(Sight::Lies);
        }
        lie
    }

    /// A lie that is no sign of more trouble: what it is about is seldom asked and matters little.
    pub fn fib(&self, sides: u64) -> bool {
        self.has_faults.get() && self.roll(sides) == 0
    }

    // Called from within a process's calls.

    /// Between two steps of a call: time passes, others move, and the process may die.
    pub fn point(self: &Rc<Self>, process: usize) -> Result<(), LogError> {
        let ms = self.roll(12) as i64;
        self.pass(ms);
        if !self.has_faults.get() {
            return Ok(());
        }
        let near = self.nervous.get();
        self.nervous.set(near.saturating_sub(1));
        if self.roll(if near > 0 { 25 } else { 400 }) == 0 {
            self.see(Sight::Crashes);
            self.note_in_flight(process);
            return Err(LogError::Damaged(CRASH.to_owned()));
        }
        if self.roll(if near > 0 { 15 } else { 50 }) == 0 {
            self.stand_still(process);
        }
        Ok(())
    }

    /// A call that waits.
    pub fn pause(self: &Rc<Self>, process: usize, ms: i64) -> Result<(), LogError> {
        self.pass(ms);
        self.point(process)
    }

    pub fn told_member(&self, process: usize, group: usize, member: Option<u64>) {
        self.seats.borrow_mut()[process].member = (group, member);
    }

    /// Others go on while this process does not.
    fn stand_still(self: &Rc<Self>, process: usize) {
        if self.depth.get() >= DEPTH_MAX {
            return;
        }
        self.depth.set(self.depth.get() + 1);
        let is_frozen = self.roll(2) == 0;
        let steps = self.dice.borrow_mut().pick(&[3, 10, 40, 120]);
        if is_frozen {
            self.see(Sight::Freezes);
        }
        self.seats.borrow_mut()[process].is_frozen = is_frozen;
        if self.roll(3) == 0 {
            let (group, member) = self.seats.borrow()[process].member;
            self.broker.borrow_mut().groups[group].take_one(member);
        }
        (0..steps).for_each(|_| self.step());
        self.seats.borrow_mut()[process].is_frozen = false;
        self.depth.set(self.depth.get() - 1);
    }

    fn pass(&self, ms: i64) {
        self.time.advance(ms);
        let now_ms = self.time.ms();
        let mut broker = self.broker.borrow_mut();
        for seat in self.seats.borrow().iter() {
            let is_alive = seat.is_running || seat.process.is_some();
            if is_alive && !seat.is_frozen {
                broker.groups[seat.member.0].heard(seat.member.1, now_ms);
            }
        }
        broker.tick(now_ms, &mut self.dice.borrow_mut(), self.has_faults.get());
    }

    // The schedule.

    /// The whole run: trouble, then calm until everything is done. The error says what was not.
    pub fn run(self: &Rc<Self>, store: &LyingStore) -> Result<(), String> {
        let steps = 250 + self.roll(350);
        for _ in 0..steps {
            self.step();
            self.is_sound()?;
        }
        self.has_faults.set(false);
        store.is_honest_now();
        self.see_so_often(Sight::StoreLies, store.told());
        self.events_left.set(0);
        self.upgrade_all();
        self.end_all(Kind::Intake);
        self.until("all sources are covered everywhere", |sim| sim.is_covered())?;
        self.leave_all(Kind::Intake)?;
        self.broker.borrow_mut().settle_everything();
        self.until("all facts are decided and committed", |sim| sim.is_decided())?;
        self.leave_all(Kind::Decide)?;
        (0..200).for_each(|_| self.pass(100));
        self.is_sound()
    }

    /// Lets go of all processes; they hold this simulation, and it holds them.
    pub fn clear(&self) {
        let places = self.seats.borrow().len();
        for place in 0..places {
            let process = self.seats.borrow_mut()[place].process.take();
            self.seats.borrow()[place].host.kill();
            drop(process);
        }
    }

    pub(super) fn is_sound(&self) -> Result<(), String> {
        self.broker.borrow().violations.first().map_or(Ok(()), |violation| Err(violation.clone()))
    }

    fn until(self: &Rc<Self>, what: &str, is_done: impl Fn(&Sim) -> bool) -> Result<(), String> {
        for turn in 0..40_000 {
            self.step();
            self.is_sound()?;
            if turn % 8 == 0 && is_done(self) {
                return Ok(());
            }
        }
        Err(format!("it does not come to this: {what}"))
    }

    fn is_covered(&self) -> bool {
        let generation = self.config.borrow().generation;
        let broker = self.broker.borrow();
        generation == broker.generation
            && (0..).zip(&broker.sources).all(|(partition, source)| {
                let covered = broker.covered(&self.deployment.source_id(generation, partition));
                covered.iter().all(|last| last + 1 >= source.end)
            })
    }

    fn is_decided(&self) -> bool {
        let broker = self.broker.borrow();
        let said = broker.said();
        (0..).zip(&broker.facts).all(|(partition, log)| {
            let end = Some(log.len() as u64);
            broker.committed[partition as usize] == end && said.get(&partition).copied() == end
        })
    }

    /// One thing happens.
    fn step(self: &Rc<Self>) {
        let ms = match self.roll(40) {
            0 => 3_000,
            1..=6 => 400,
            _ => self.roll(60),
        };
        self.pass(ms as i64);
        if self.events_left.get() > 0 && self.roll(8) == 0 {
            self.event();
        }
        if self.has_faults.get() && self.depth.get() == 0 {
            self.trouble();
        }
        let count = self.seats.borrow().len() as u64;
        let place = self.roll(count) as usize;
        let throw = self.roll(64);
        if self.roll(3) > 0 {
            let host = {
                let seats = self.seats.borrow();
                (!seats[place].is_frozen).then(|| seats[place].host.clone())
            };
            if let Some(host) = host {
                host.work(throw);
            }
        }
        self.turn(place);
    }

    fn event(&self) {
        self.event_in(self.roll(u64::from(self.deployment.sources)) as u32);
    }

    /// With more in it, a source made anew would be taken for the one before.
    fn is_full(&self, broker: &Broker, partition: u32) -> bool {
        let place = partition as usize;
        self.old_ends.borrow().as_ref().is_some_and(|ends| broker.sources[place].end + 3 > ends[place])
    }

    fn event_in(&self, partition: u32) {
        let now_ms = self.time.ms();
        let mut dice = self.dice.borrow_mut();
        let mut broker = self.broker.borrow_mut();
        if self.is_full(&broker, partition) {
            return;
        }
        let hole = i64::from(dice.once_in(6));
        let value = self.events.borrow_mut().next(now_ms, &self.deployment.keys, &mut dice, |dice, topic| {
            let text = match topic {
                Topic::Leads => SENT,
                // Mostly of accounts, for those have lives of their own.
                _ if dice.below(5) > 0 => r#""kind":"account""#,
                _ => "",
            };
            let all: Vec<&[u8]> = broker.published(topic, text).collect();
            let recent = &all[all.len().saturating_sub(6)..];
            (!recent.is_empty()).then(|| dice.pick(recent).to_vec())
        });
        broker.append_source(partition, now_ms, value, hole);
        self.events_left.set(self.events_left.get().saturating_sub(1));
    }

    fn trouble(self: &Rc<Self>) {
        match self.roll(600) {
            0 => self.plan_version(),
            1..=2 => self.recreate(),
            6 => self.forget(),
            10..=12 => self.set_a_clock(),
            7..=8 => self.release(),
            9 => {
                let count = self.seats.borrow().len() as u64;
                let place = self.roll(count) as usize;
                self.upgrade(place);
            }
            3..=5 => {
                let count = self.seats.borrow().len() as u64;
                let place = self.roll(count) as usize;
                self.stop(place);
            }
            _ => {}
        }
    }

    /// A machine's clock is set, forward or back: by less than intake allows for, or by more.
    fn set_a_clock(&self) {
        let count = self.seats.borrow().len() as u64;
        let place = self.roll(count) as usize;
        let skew_ms = self.dice.borrow_mut().pick(&[0, 300, -300, 4_000, -4_000, 60_000, -60_000]);
        self.seats.borrow()[place].host.set_clock(skew_ms);
        self.see(Sight::Jumps);
    }

    /// The operator releases the next rule set, whoever may not speak it.
    fn release(&self) {
        let partition = self.roll(u64::from(self.deployment.sources)) as u32;
        let mut broker = self.broker.borrow_mut();
        if self.is_released.get() || self.is_full(&broker, partition) {
            return;
        }
        let now_ms = self.time.ms();
        let bundle = LATER[self.config.borrow().rules];
        let value = self.events.borrow_mut().release(now_ms, bundle);
        broker.append_source(partition, now_ms, value, 0);
        self.is_released.set(true);
        self.see(Sight::Releases);
    }

    /// A second version of the intake configuration, announced while the operator looks on.
    fn plan_version(self: &Rc<Self>) {
        if self.config.borrow().versions.len() > 1 {
            return;
        }
        let from = TimeMs(self.time.ms() + 15_000 + self.roll(20_000) as i64);
        self.config.borrow_mut().versions.push(ConfigVersion { from, number: 2 });
        self.has_faults.set(false);
        self.kill(0);
        self.seats.borrow_mut()[0].back_at_ms = 0;
        self.turn(0);
        self.has_faults.set(true);
        let is_up = self.seats.borrow()[0].process.is_some();
        if is_up {
            self.see(Sight::Versions);
        } else {
            self.config.borrow_mut().versions.pop();
        }
    }

    /// Retention takes records of a source that some facts partition has not covered yet, the newest of which
    /// nobody can have read. Each partition has covered something of it: a first coverage begins behind the loss
    /// by itself, and there would be nothing to tell.
    fn forget(&self) {
        let generation = self.config.borrow().generation;
        let partition = self.roll(u64::from(self.deployment.sources)) as u32;
        let covered = self.broker.borrow().covered(&self.deployment.source_id(generation, partition));
        let lowest = covered.iter().copied().min().unwrap_or(-1);
        if generation != self.broker.borrow().generation || lowest < 0 {
            return;
        }
        (0..2).for_each(|_| self.event_in(partition));
        let mut broker = self.broker.borrow_mut();
        let end = broker.sources[partition as usize].end;
        let back = self.roll((end - lowest) as u64) as i64;
        let low = if self.roll(2) == 0 { end } else { end - back };
        if low < lowest + 2 {
            return;
        }
        broker.forget_source(partition, low);
        drop(broker);
        self.see(Sight::Losses);
    }

    /// Somebody deletes the source topic and makes it again, once all of it is covered.
    fn recreate(&self) {
        let is_grown = self.broker.borrow().sources.iter().all(|source| source.end >= 6);
        if self.old_ends.borrow().is_none() && is_grown && self.is_covered() {
            let ends = self.broker.borrow().sources.iter().map(|source| source.end).collect();
            *self.old_ends.borrow_mut() = Some(ends);
            self.broker.borrow_mut().recreate_source();
            self.see(Sight::Recreations);
        }
    }
}
