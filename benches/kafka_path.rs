//! What an event costs over real Kafka: CPU time of feed, intake and decide, each a process of its own,
//! and how long it takes from a source record's broker timestamp to the commit of what was decided.
//!
//! `scripts/with-kafka cargo bench --bench kafka_path` (or `make bench`). The broker's CPU is not counted.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use duecourse::cli::generate::Random;
use duecourse::telemetry::clock::now;

const THROUGHPUT_COUNT: u64 = 200_000;
const STEADY_COUNT: u64 = 50_000;
/// Rows a second while latency is measured.
const STEADY_RATE: u64 = 5_000;
const ACCOUNTS: u64 = 20_000;
/// Processes are given this long to join their groups, and to decide the last row.
const SETTLE: Duration = Duration::from_secs(8);
const PROGRAM: &str = env!("CARGO_BIN_EXE_duecourse");

fn main() {
    let Ok(servers) = std::env::var("DUECOURSE_KAFKA") else {
        println!("kafka_path: no broker; `scripts/with-kafka cargo bench --bench kafka_path` starts one");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    throughput(&Deployment::prepare(folder.path(), &servers, "throughput"));
    latency(&Deployment::prepare(folder.path(), &servers, "latency"));
}

/// All rows are there before intake starts, and all facts before decide starts.
fn throughput(deployment: &Deployment) {
    let input = deployment.write_rows(THROUGHPUT_COUNT, u64::MAX);
    println!("kafka path, one after the other: {THROUGHPUT_COUNT} events");
    let feed = deployment.run("feed", &deployment.feed_arguments(&input, None));
    let intake = deployment.run("intake", &["--until-end"]);
    let decide = deployment.run("decide", &["--until-end"]);
    for (name, used) in [("feed", &feed), ("intake", &intake), ("decide", &decide)] {
        used.print(name, THROUGHPUT_COUNT);
    }
    let both = Used { cpu: intake.cpu + decide.cpu, wall: intake.wall + decide.wall };
    both.print("intake and decide", THROUGHPUT_COUNT);
}

/// Intake and decide are up while rows come at a steady rate; `decide` prints its percentiles.
fn latency(deployment: &Deployment) {
    let running = ["intake", "decide"].map(|name| (name, deployment.spawn(name, &[]), Instant::now()));
    std::thread::sleep(SETTLE);
    let input = deployment.write_rows(STEADY_COUNT, STEADY_RATE);
    println!("kafka path, steady: {STEADY_COUNT} events at {STEADY_RATE} a second");
    let rate = STEADY_RATE.to_string();
    deployment.run("feed", &deployment.feed_arguments(&input, Some(&rate)));
    std::thread::sleep(SETTLE);
    for (name, child, began) in running {
        // SAFETY: the process was started here and has not been waited for, so its id is its own.
        unsafe { libc::kill(child.id().cast_signed(), libc::SIGTERM) };
        wait(name, child, began).print(name, STEADY_COUNT);
    }
}

/// What a process used.
struct Used {
    cpu: Duration,
    wall: Duration,
}

impl Used {
    fn print(&self, name: &str, events: u64) {
        let each_us = self.cpu.as_secs_f64() * 1e6 / events as f64;
        println!("  {name:18} {each_us:7.2} us CPU per event ({:.2?} CPU, {:.2?} wall)", self.cpu, self.wall);
    }
}

/// Waits for a child and asks the system what it used.
fn wait(name: &str, child: Child, began: Instant) -> Used {
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: the child is ours and not waited for; both places live through the call.
    let waited = unsafe { libc::wait4(child.id().cast_signed(), &raw mut status, 0, usage.as_mut_ptr()) };
    assert!(waited > 0 && libc::WIFEXITED(status), "{name} did not end by itself");
    assert!(libc::WEXITSTATUS(status) == 0, "{name} ended with {}", libc::WEXITSTATUS(status));
    // SAFETY: zeroed is a valid `rusage`, and the call has filled it.
    let usage = unsafe { usage.assume_init() };
    let duration =
        |time: libc::timeval| Duration::from_micros((time.tv_sec * 1_000_000 + time.tv_usec).unsigned_abs());
    Used { cpu: duration(usage.ru_utime) + duration(usage.ru_stime), wall: began.elapsed() }
}

/// Topics and a configuration of their own on the broker.
struct Deployment {
    folder: PathBuf,
    name: String,
}

impl Deployment {
    fn prepare(folder: &Path, servers: &str, name: &str) -> Deployment {
        let name = format!("bench-{name}-{}", uuid::Uuid::new_v4().simple());
        let deployment = Deployment { folder: folder.to_owned(), name };
        std::fs::write(deployment.config(), deployment.configuration(servers)).expect("a configuration");
        deployment.run("topics", &["create"]);
        deployment
    }

    fn config(&self) -> PathBuf {
        self.folder.join(format!("{}.toml", self.name))
    }

    fn configuration(&self, servers: &str) -> String {
        let name = &self.name;
        let topics = ["facts", "dispositions", "notices", "measures", "decided", "shadow", "dead_letters"]
            .map(|topic| format!("[topics.{topic}]\nname = \"{name}.{topic}\"\n"))
            .concat();
        let snapshots = self.folder.join(format!("{name}-snapshots"));
        format!(
            "[rules]\ngo_live_on_first_start = true\n[kafka]\nbootstrap_servers = \"{servers}\"\n\
             replication = 1\ngroup = \"{name}\"\ninstance_id = \"bench\"\n[http]\nlisten = \"\"\n\
             [snapshots]\ndir = \"{}\"\n{topics}[[sources]]\nname = \"events\"\ntopic = \"{name}.events\"\n\
             mapping = \"native\"\ngeneration = 1\n",
            snapshots.display()
        )
    }

    fn spawn(&self, command: &str, arguments: &[&str]) -> Child {
        let mut line = Command::new(PROGRAM);
        line.arg(command).args(arguments).arg("--config").arg(self.config());
        line.stdin(Stdio::null()).stdout(Stdio::inherit()).env("DUECOURSE_LOG", "warn");
        line.spawn().expect("our own program starts")
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Used {
        let began = Instant::now();
        wait(command, self.spawn(command, arguments), began)
    }

    fn feed_arguments<'a>(&'a self, input: &'a str, rate: Option<&'a str>) -> Vec<&'a str> {
        let topic: &str = Box::leak(format!("{}.events", self.name).into_boxed_str());
        let mut arguments = vec!["--input", input, "--source", "native", "--topic", topic];
        arguments.extend(rate.into_iter().flat_map(|rate| ["--rate", rate]));
        arguments
    }

    /// Transfers between customers, dated from now on, `per_second` of them in each second.
    fn write_rows(&self, count: u64, per_second: u64) -> String {
        let (mut random, mut text, first) = (Random::new(7), String::new(), now().0);
        for number in 0..count {
            let at = jiff::Timestamp::from_millisecond(first + (number * 1000 / per_second).cast_signed());
            let at = at.expect("a time of this century");
            let (payer, payee) = (random.below(ACCOUNTS), random.below(ACCOUNTS));
            let party = |number: u64| {
                format!(
                    r#"{{"institution":"demo-bank","holder":"CUST-{number:05}","ref":"ACC-{number:05}","kind":"account"}}"#
                )
            };
            writeln!(
                text,
                r#"{{"specversion":"1.0","id":"EV-{number:07}","source":"/bench/core","type":"transfer_posted","time":"{at}","data":{{"payer":{},"payee":{},"amount":{{"minor":{},"currency":"CNY"}}}}}}"#,
                party(payer),
                party(payee),
                500 + random.below(200_000),
            )
            .expect("text grows");
        }
        let path = self.folder.join(format!("{}.ndjson", self.name));
        std::fs::write(&path, text).expect("a file of rows");
        path.display().to_string()
    }
}
