//! A child process and the CPU time of each of its threads.

use std::collections::BTreeMap;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two looks at the threads; what a thread uses after the last look before its end is counted in
/// the whole and in no stage.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Threads that do the same work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The process's own loop.
    Loop,
    /// Threads of facts partitions.
    Partitions,
    /// Threads of the Kafka client.
    Client,
    /// All others.
    Others,
}

/// CPU by stage, and as a whole.
#[derive(Clone, Debug, Default)]
pub struct Used {
    pub stages: BTreeMap<Stage, Duration>,
    pub whole: Duration,
}

/// A running process that is watched.
pub struct Watched {
    child: Child,
    stop: Arc<AtomicBool>,
    looking: JoinHandle<BTreeMap<String, (Stage, Duration)>>,
}

impl Watched {
    pub fn new(child: Child) -> Watched {
        let (stop, pid) = (Arc::new(AtomicBool::new(false)), child.id());
        let looking = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || look(pid, &stop)
        });
        Watched { child, stop, looking }
    }

    /// Asks it to end, as a cluster would.
    pub fn terminate(&self) {
        // SAFETY: the process was started by us and has not been waited for, so its id is its own.
        unsafe { libc::kill(self.child.id().cast_signed(), libc::SIGTERM) };
    }

    /// Waits for its end, which must be a success.
    pub fn wait(self, name: &str) -> Used {
        let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
        // SAFETY: the child is ours and not waited for; both places live through the call.
        let waited =
            unsafe { libc::wait4(self.child.id().cast_signed(), &raw mut status, 0, usage.as_mut_ptr()) };
        assert!(waited > 0 && libc::WIFEXITED(status), "{name} did not end by itself");
        assert!(libc::WEXITSTATUS(status) == 0, "{name} ended with {}", libc::WEXITSTATUS(status));
        // SAFETY: zeroed is a valid `rusage`, and the call has filled it.
        let usage = unsafe { usage.assume_init() };
        let duration = |time: libc::timeval| {
            Duration::from_micros((time.tv_sec * 1_000_000 + time.tv_usec).unsigned_abs())
        };
        self.stop.store(true, Ordering::SeqCst);
        let mut used = Used { whole: duration(usage.ru_utime) + duration(usage.ru_stime), ..Used::default() };
        for (stage, cpu) in self.looking.join().expect("the watcher ends").into_values() {
            *used.stages.entry(stage).or_default() += cpu;
        }
        used
    }
}

/// The last figures of every thread there was.
fn look(pid: u32, stop: &AtomicBool) -> BTreeMap<String, (Stage, Duration)> {
    let mut threads = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        for thread in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let text = |file: &str| std::fs::read_to_string(thread.path().join(file)).unwrap_or_default();
            let spent = text("schedstat").split(' ').next().and_then(|first| first.parse().ok());
            if let Some(ns) = spent {
                let id = thread.file_name().to_string_lossy().into_owned();
                let is_main = id == pid.to_string();
                threads.insert(id, (stage(&text("comm"), is_main), Duration::from_nanos(ns)));
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
    threads
}

fn stage(name: &str, is_main: bool) -> Stage {
    if is_main {
        Stage::Loop
    } else if name.starts_with("rdk:") || name.starts_with("producer") {
        Stage::Client
    } else if name.starts_with("facts-") {
        Stage::Partitions
    } else {
        Stage::Others
    }
}
