//! The processes under fire, and their keeper: whatever ends by itself is started again, as a cluster would.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use duecourse::log::kafka::read_topic;

use super::bucket::BucketServer;
use super::cases::{self, Cases};
use super::counts::{Settled, settled};
use super::faults::clock::Clock;
use super::flow::Flow;
use super::load::{self, Stream};
use super::plan::{Plan, Store};
use crate::brokers::Brokers;
use crate::deployment::Deployment;
use crate::events::{Dice, Events, Shape};
use crate::process::Process;

const PARTITIONS: u32 = 4;
const WORKERS: usize = 2;
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(6);
/// A record is given up after 4 s here, not 30, so that a broker need not be away for longer.
const IMPATIENT: &str = "[kafka.properties]\n\"message.timeout.ms\" = \"4000\"\n";
const CATCH_UP_WITHIN_MAX: Duration = Duration::from_secs(240);
const NOTICED_WITHIN_MAX: Duration = Duration::from_secs(30);
/// A process that does not get through is started again this often, and then it is a failure.
const TRIES_MAX: u32 = 5;

/// Who can be hit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Feed,
    Intake,
    Worker(usize),
}

pub struct Scene {
    pub deployment: Deployment,
    pub brokers: Brokers,
    pub flow: Flow,
    pub dice: Dice,
    pub bucket: Option<BucketServer>,
    pub clock: Option<Clock>,
    pub restarts: u32,
    pub cases: Cases,
    feed: Process,
    intake: Process,
    workers: Vec<Process>,
    /// Held down by a fault: not to be started again.
    down: Vec<Role>,
    streams: Vec<Stream>,
    /// What all streams of this round have in common.
    shape: Shape,
    folder: Option<tempfile::TempDir>,
}

impl Scene {
    pub fn start(plan: Plan) -> Scene {
        let folder = tempfile::Builder::new().prefix(&format!("torture-{}-", plan.seed)).tempdir().unwrap();
        let bucket =
            (plan.store == Store::Bucket).then(|| BucketServer::start(&folder.path().join("snapshots")));
        let deployment = Deployment::made(folder.path(), PARTITIONS, |text, prefix| {
            let time = if plan.clock { "broker" } else { "event" };
            let text = text.replace("time = \"event\"", &format!("time = \"{time}\"")).replace(
                "[kafka]\n",
                &format!("[kafka]\nsession_timeout_ms = {}\n", SESSION_TIMEOUT.as_millis()),
            );
            let bucket =
                bucket.as_ref().map_or_else(String::new, |bucket| bucket.configuration(folder.path()));
            // Tables first, then what is listed.
            text + IMPATIENT + &bucket + &cases::configuration(prefix)
        });
        let (start_ms, faster) = match plan.clock {
            true => (load::start_of_broker_time_ms(), load::FASTER_IN_BROKER_TIME),
            false => (load::MAIN.start_ms, load::MAIN.faster),
        };
        let shape = Shape { start_ms, faster, seed: plan.seed, ..load::MAIN };
        let main = stream(folder.path(), shape);
        let flow = Flow::watch(
            &deployment.connection,
            &deployment.topic("decided"),
            &deployment.topic("events"),
            PARTITIONS,
        );
        let hour_ms = i64::try_from(3_600_000 / faster).unwrap();
        let cases = Cases::start(&deployment, PARTITIONS, hour_ms, plan.seed);
        let clock = plan.clock.then(|| Clock::build(folder.path()));
        let start = |name: &str, command: &str, instance: &str| {
            start_one(&deployment, name, command, instance, clock.as_ref())
        };
        Scene {
            feed: deployment.feed(&main.events.path, Some(load::RATE)),
            intake: start("intake", "intake", "intake-0"),
            workers: (0..WORKERS)
                .map(|n| start(&format!("decide-{n}"), "decide", &format!("decide-{n}")))
                .collect(),
            brokers: Brokers::find(),
            flow,
            dice: plan.dice,
            bucket,
            cases,
            restarts: 0,
            down: Vec::new(),
            streams: vec![main],
            shape,
            clock,
            folder: Some(folder),
            deployment,
        }
    }

    pub fn process(&mut self, role: Role) -> &mut Process {
        match role {
            Role::Feed => &mut self.feed,
            Role::Intake => &mut self.intake,
            Role::Worker(number) => &mut self.workers[number],
        }
    }

    /// kill -9; it stays down until `revive`.
    pub fn kill(&mut self, role: Role) {
        self.down.push(role);
        self.process(role).kill();
    }

    pub fn revive(&mut self, role: Role) {
        self.down.retain(|down| *down != role);
        self.process(role).restart();
    }

    pub fn any_worker(&mut self) -> Role {
        Role::Worker(usize::try_from(self.dice.below(WORKERS as u64)).unwrap())
    }

    /// A further process of a command, under a name of its own.
    pub fn further(&self, command: &str, instance: &str) -> Process {
        start_one(&self.deployment, instance, command, instance, self.clock.as_ref())
    }

    /// Between `low` and `high`, by the seed.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = u64::try_from((high - low).as_millis()).unwrap();
        low + Duration::from_millis(self.dice.below(span + 1))
    }

    /// Feeds these rows instead, at this rate (as fast as it goes without), from where they were left.
    pub fn feed(&mut self, shape: Shape, rate: Option<u32>) {
        self.stop_feed();
        if !self.streams.iter().any(|stream| stream.shape == shape.name) {
            let Shape { start_ms, faster, seed, .. } = self.shape;
            let shape = Shape { start_ms, faster, seed, ..shape };
            self.streams.push(stream(self.deployment.folder(), shape));
        }
        let found = self.streams.iter().find(|stream| stream.shape == shape.name).unwrap();
        self.feed = self.deployment.feed(&found.events.path, rate);
    }

    /// How often workers have said this so far.
    pub fn said(&self, phrase: &str) -> usize {
        let logs = (0..WORKERS).map(|number| self.deployment.folder().join(format!("decide-{number}.log")));
        logs.map(|log| String::from_utf8_lossy(&fs::read(log).unwrap()).matches(phrase).count()).sum()
    }

    /// Waits until workers say this once more; false if they do not: what nobody notices has not struck.
    pub fn is_said(&mut self, phrase: &str, before: usize) -> bool {
        let deadline = Instant::now() + NOTICED_WITHIN_MAX;
        while self.said(phrase) <= before && Instant::now() < deadline {
            self.pass(Duration::from_millis(200));
        }
        self.said(phrase) > before
    }

    /// The folder with all snapshots, in whichever store they are.
    pub fn snapshots(&self) -> PathBuf {
        self.deployment.folder().join("snapshots")
    }

    /// Lets time pass, starting again what has ended.
    pub fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.tend();
            std::thread::sleep(
                Duration::from_millis(200).min(until.saturating_duration_since(Instant::now())),
            );
        }
    }

    /// Waits for something, starting again what has ended.
    pub fn await_that(&mut self, within: Duration, what: &str, is_so: impl Fn(&Scene) -> bool) {
        let deadline = Instant::now() + within;
        while !is_so(self) {
            if Instant::now() >= deadline {
                let standing = self.flow.standing();
                let folder = self.keep_folder();
                panic!("not within {within:?}: {what}; partitions stand at {standing}; see {folder}");
            }
            self.tend();
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn tend(&mut self) {
        let workers = (0..self.workers.len()).map(Role::Worker);
        for role in [Role::Feed, Role::Intake].into_iter().chain(workers) {
            if self.down.contains(&role) {
                continue;
            }
            let process = self.process(role);
            let is_over = role == Role::Feed && process.is_done();
            if !is_over && !process.is_running() {
                // As a cluster would: not at once, or it spins.
                std::thread::sleep(Duration::from_millis(500));
                println!("  one ended by itself: {}", process.last_line());
                process.restart();
                self.restarts += 1;
            }
        }
    }

    /// Stops the load, and lets everything be decided. Gives how many events there were beside the rows.
    pub fn finish(&mut self) -> u64 {
        self.stop_feed();
        let written = self.cases.end();
        self.intake.leave(CATCH_UP_WITHIN_MAX);
        // Under the names they had, or the group would wait for those that left.
        self.through("intake", |scene| scene.to_the_end("intake", "intake-0"));
        for worker in &mut self.workers {
            worker.leave(CATCH_UP_WITHIN_MAX);
        }
        self.through("decide", |scene| scene.to_the_end("decide", "decide-0"));
        written
    }

    /// What became of orders, verifications, appeals and leads.
    pub fn settled(&self) -> Settled {
        settled(&self.deployment)
    }

    /// It settles what it has handed over, so what it wrote are its first rows without a hole.
    fn stop_feed(&mut self) {
        for _ in 0..TRIES_MAX {
            if self.feed.leave(CATCH_UP_WITHIN_MAX) {
                return;
            }
            self.restarts += 1;
            self.feed.restart();
            self.pass(Duration::from_secs(2));
        }
        panic!("the feed does not settle; see {}", self.keep_folder());
    }

    fn to_the_end(&self, command: &str, instance: &str) -> Process {
        let instance = format!("kafka.instance_id={instance}");
        self.deployment.start(command, &["--until-end", "--set", &instance])
    }

    /// Runs a process to its end; one that gives up on the way is started again.
    fn through(&mut self, what: &str, start: impl Fn(&Scene) -> Process) {
        for _ in 0..TRIES_MAX {
            let mut process = start(self);
            if process.ends_well(CATCH_UP_WITHIN_MAX) {
                return;
            }
            self.restarts += 1;
            std::thread::sleep(Duration::from_millis(500));
        }
        panic!("{what} does not get through; see {}", self.keep_folder());
    }

    pub fn verify(&self) -> serde_json::Value {
        self.deployment.verify()
    }

    /// How many rows are in the source, after a look whether each stream's first rows are there, each once.
    pub fn rows(&self) -> u64 {
        let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        read_topic(&self.deployment.connection, &self.deployment.topic("events"), &mut |record| {
            let key = std::str::from_utf8(record.key.unwrap()).unwrap();
            let (stream, number) = key.split_once('/').unwrap();
            numbers.entry(stream.to_owned()).or_default().push(number.parse().unwrap());
            ControlFlow::Continue(())
        })
        .unwrap();
        for (stream, numbers) in &mut numbers {
            numbers.sort_unstable();
            assert!(
                (0..).zip(&*numbers).all(|(wanted, number)| wanted == *number),
                "stream {stream}: not each row once"
            );
        }
        numbers.values().map(|numbers| numbers.len() as u64).sum()
    }

    /// How many records the events beside the rows are, of which there are so many: each is there, and hardly ever
    /// twice. An idempotent producer of the client may write a record again when a broker was away in between
    /// (seed 541 saw it); deciding takes the second for the duplicate that it is.
    pub fn events_beside(&self, written: u64) -> u64 {
        let mut ids: BTreeMap<String, u64> = BTreeMap::new();
        read_topic(&self.deployment.connection, &self.deployment.topic("cases"), &mut |record| {
            let event: serde_json::Value = serde_json::from_slice(record.value.unwrap()).unwrap();
            *ids.entry(event["id"].as_str().unwrap().to_owned()).or_default() += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(ids.len() as u64, written, "events beside the rows, each by its own id");
        let records: u64 = ids.values().sum();
        if records > written {
            println!("  {} events beside the rows were written twice", records - written);
        }
        records
    }

    /// The round came out well: its folder may go.
    pub fn forget(&mut self) {
        self.folder = None;
    }

    fn keep_folder(&mut self) -> String {
        self.folder.take().map_or_else(String::new, |folder| folder.keep().display().to_string())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() && self.folder.is_some() {
            println!("  its logs and configuration are in {}", self.keep_folder());
        }
    }
}

fn stream(folder: &Path, shape: Shape) -> Stream {
    Stream { shape: shape.name, events: Events::shaped(folder, shape) }
}

fn start_one(
    deployment: &Deployment,
    name: &str,
    command: &str,
    instance: &str,
    clock: Option<&Clock>,
) -> Process {
    let instance = format!("kafka.instance_id={instance}");
    let mut command = deployment.command(command, &["--set", &instance]);
    if let Some(clock) = clock {
        clock.put_under(&mut command);
    }
    ignore_file_limit_signal(&mut command);
    Process::start(name, command, deployment.folder())
}

/// A write beyond the limit is to fail, as on a full disk, not to kill.
fn ignore_file_limit_signal(command: &mut Command) {
    // SAFETY: `signal` may be called between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            Ok(())
        });
    }
}
