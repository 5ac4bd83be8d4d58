//! Where simulated processes run: one clock for all, each wrong in its own way, and workers that move
//! when they are told to.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use crate::decide::worker::{Crew, Running, Task, Turn};
use crate::engine::base::TimeMs;
use crate::telemetry::clock::Clock;

/// 2024-01-01T00:00:00Z.
pub const START_MS: i64 = 1_704_067_200_000;

/// Only differences of it are ever looked at.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Simulated time in epoch milliseconds.
#[derive(Clone, Debug)]
pub struct Time(Arc<AtomicI64>);

impl Time {
    pub fn new() -> Time {
        Time(Arc::new(AtomicI64::new(START_MS)))
    }

    pub fn ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

type Tasks = Arc<Mutex<Vec<(u64, Box<dyn Task>)>>>;

/// One process's clock and workers.
#[derive(Clone)]
pub struct SimHost {
    time: Time,
    /// How far its clock is ahead of the broker's, until somebody sets it.
    skew_ms: Arc<AtomicI64>,
    tasks: Tasks,
}

impl SimHost {
    pub fn new(time: Time, skew_ms: i64) -> SimHost {
        SimHost { time, skew_ms: Arc::new(AtomicI64::new(skew_ms)), tasks: Arc::default() }
    }

    /// Its clock jumps, for every process here and in the middle of whatever they do. What measures how long
    /// something takes goes on as before: that is another clock, and a monotonic one.
    pub fn set_clock(&self, skew_ms: i64) {
        self.skew_ms.store(skew_ms, Ordering::Relaxed);
    }

    /// Gives the worker at `place`, modulo their number, one turn. False when nobody did anything.
    pub fn work(&self, place: u64) -> bool {
        let mut tasks = self.tasks.lock().unwrap();
        if tasks.is_empty() {
            return false;
        }
        let place = (place % tasks.len() as u64) as usize;
        let (number, mut task) = tasks.remove(place);
        // A task may begin another, or wait for one.
        drop(tasks);
        let turn = task.turn(false);
        let mut tasks = self.tasks.lock().unwrap();
        if turn != Turn::Ended {
            let place = place.min(tasks.len());
            tasks.insert(place, (number, task));
        }
        turn == Turn::Done
    }

    /// The process is gone, and all its threads.
    pub fn kill(&self) {
        self.tasks.lock().unwrap().clear();
    }
}

impl Clock for SimHost {
    fn now(&self) -> Instant {
        *EPOCH + Duration::from_millis((self.time.ms() - START_MS) as u64)
    }

    fn wall(&self) -> TimeMs {
        TimeMs(self.time.ms() + self.skew_ms.load(Ordering::Relaxed))
    }

    fn sleep(&self, wait: Duration) {
        self.time.advance(wait.as_millis() as i64);
        let count = self.tasks.lock().unwrap().len() as u64;
        (0..count).for_each(|place| while self.work(place) {});
    }
}

impl Crew for SimHost {
    fn begin(&self, _: String, task: Box<dyn Task>) -> std::io::Result<Box<dyn Running>> {
        static NEXT: AtomicI64 = AtomicI64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed) as u64;
        self.tasks.lock().unwrap().push((number, task));
        Ok(Box::new(Joining { number, tasks: Arc::clone(&self.tasks) }))
    }
}

struct Joining {
    number: u64,
    tasks: Tasks,
}

impl Running for Joining {
    fn join(self: Box<Self>) {
        let mut tasks = self.tasks.lock().unwrap();
        let Some(place) = tasks.iter().position(|(number, _)| *number == self.number) else { return };
        let (_, mut task) = tasks.remove(place);
        drop(tasks);
        while task.turn(true) != Turn::Ended {}
    }
}
