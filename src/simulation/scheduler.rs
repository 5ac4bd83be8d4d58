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
use super::seen::{Seen, Sight};
use super::store::LyingStore;
use crate::codec::output::Topic;
use crate::engine::base::TimeMs;
use crate::engine::cover::ConfigVersion;
use crate::log::LogError;

/// What a call says when the process is to die there.
pub(super) const CRASH: &str = "the process dies here";
/// What a lead's record says as it leaves.
const SENT: &str = "lead.sent.v1";
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
    events: RefCell<Events>,
    events_left: Cell<u64>,
    pub(super) has_faults: Cell<bool>,
    depth: Cell<u32>,
    /// Points at which trouble is near: it seldom comes alone.
    nervous: Cell<u32>,
    /// Ends of the source topic's partitions before it was made anew.
    pub(super) old_ends: RefCell<Option<Vec<i64>>>,
    /// Measures of orders that were in force when a deciding process died.
    orders_at_crash: RefCell<BTreeSet<Vec<u8>>>,
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

    /// What a deciding process leaves undone as it dies.
    fn note_in_flight(&self, process: usize) {
        if self.seats.borrow()[process].kind != Kind::Decide {
            return;
        }
        let orders = self.broker.borrow().orders_in_force();
        let (appeals, verifications) = self.events.borrow_mut().lives.crash();
        let broker = self.broker.borrow();
        let leads = broker.published(Topic::Leads, SENT);
        let undone = self.events.borrow_mut().dealings.crash(self.time.ms(), leads);
        let found = [
            (Sight::OrderAtCrash, !orders.is_empty()),
            (Sight::AppealAtCrash, appeals),
            (Sight::VerificationAtCrash, verifications),
            (Sight::LeadAtCrash, undone.leads > 0),
            (Sight::AuthorisationAtCrash, undone.authorisations > 0),
            (Sight::SpecialAtCrash, undone.specials > 0),
            (Sight::HoldAtCrash, undone.holds > 0),
        ];
        for (sight, _) in found.into_iter().filter(|(sight, is_so)| *is_so && self.seen.get().of(*sight) == 0)
        {
            self.see(sight);
        }
        self.orders_at_crash.borrow_mut().extend(orders);
    }

    /// What came of it, and what else was published, once all is over. The error says which promise was broken.
    pub fn look_back(&self) -> Result<(), String> {
        let broker = self.broker.borrow();
        let in_force = broker.orders_in_force();
        let is_over = self.orders_at_crash.borrow().iter().any(|order| !in_force.contains(order));
        let (appeals, verifications) = self.events.borrow().lives.decided_after;
        let after = self.events.borrow().dealings.after;
        self.see_so_often(Sight::OrderOverAfter, u64::from(is_over));
        self.see_so_often(Sight::AppealDecidedAfter, appeals.min(1));
        self.see_so_often(Sight::VerificationAfter, verifications.min(1));
        self.see_so_often(Sight::LeadAnsweredAfter, after.leads.min(1));
        self.see_so_often(Sight::AuthorisationRevokedAfter, after.authorisations.min(1));
        self.see_so_often(Sight::SpecialReleasedAfter, after.specials.min(1));
        self.see_so_often(Sight::HoldReleasedAfter, after.holds.min(1));
        for (sight, topic, text) in Sight::TOLD {
            self.see_so_often(sight, broker.published(topic, text).count() as u64);
        }
        let (broken, restored) = self.deployment.heard.take();
        self.see_so_often(Sight::Restored, restored);
        if broken > 0 { Err(format!("{broken} promises were broken (engine::invariant)")) } else { Ok(()) }
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
        self.events_left.set(0);
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

    fn event_in(&self, partition: u32) {
        let now_ms = self.time.ms();
        let mut dice = self.dice.borrow_mut();
        let mut broker = self.broker.borrow_mut();
        let is_full = self.old_ends.borrow().as_ref().is_some_and(|ends| {
            let place = partition as usize;
            broker.sources[place].end + 3 > ends[place]
        });
        if is_full {
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
            3..=5 => {
                let count = self.seats.borrow().len() as u64;
                let place = self.roll(count) as usize;
                self.stop(place);
            }
            _ => {}
        }
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
