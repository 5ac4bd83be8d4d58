//! The wall clock and this process's use of the machine: for lag, health and reports, never for decisions.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::engine::base::TimeMs;

/// The time now. Only what is shown to operators may use it.
#[must_use]
pub fn now() -> TimeMs {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Time as a worker's loop sees it: what it paces itself by and how it waits. Never what it decides by.
pub trait Clock: Send + Sync {
    fn now(&self) -> Instant;
    /// As in records' timestamps.
    fn wall(&self) -> TimeMs;
    fn sleep(&self, wait: Duration);
}

/// This machine's.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> TimeMs {
        now()
    }

    fn sleep(&self, wait: Duration) {
        std::thread::sleep(wait);
    }
}

/// CPU time that the calling thread has used.
#[must_use]
pub fn thread_cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one timespec, and the clock id is a constant of the platform.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if done != 0 {
        return Duration::ZERO;
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
