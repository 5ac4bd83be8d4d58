//! The finish line: feed, intake and decide as processes of their own over a real broker, each killed
//! with SIGKILL again and again; then `verify` counts what was lost, doubled or decided otherwise.
//!
//! A kill of `decide` counts as one that met an open transaction only if the broker says so after the
//! kill and before the restart: then nothing can still be on its way to end it.

mod events;
mod process;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use duecourse::log::kafka::{Connection, open_transactions};

use events::Events;
use process::Process;

/// What a run of the demonstration is to reach.
struct Scale {
    /// `None`: all there are.
    events_max: Option<usize>,
    /// Rows a second while processes are being killed.
    rate: u32,
    kills_each: u32,
    open_transactions_min: u32,
}

const SMALL: Scale = Scale { events_max: Some(20_000), rate: 200, kills_each: 2, open_transactions_min: 3 };
const FULL: Scale = Scale { events_max: None, rate: 1_000, kills_each: 4, open_transactions_min: 5 };

/// A transaction must be found open within this time, or something is wrong.
const OPEN_TRANSACTION_WITHIN_MAX: Duration = Duration::from_secs(60);
/// From the last kill to the end of everything.
const CATCH_UP_WITHIN_MAX: Duration = Duration::from_secs(600);

#[test]
fn killed_at_any_time() {
    let scale = match std::env::var("DUECOURSE_DEMO_EVENTS").as_deref() {
        Ok("all") => FULL,
        _ => SMALL,
    };
    let folder = tempfile::tempdir().unwrap();
    let events = Events::prepare(folder.path(), scale.events_max);
    println!("{} events of {}", events.count, events.origin);
    let demo = Demo::prepare(folder.path(), events.path);
    let mut feed = demo.feed(Some(scale.rate));
    let mut intake = demo.start("intake", &[]);
    let mut decide = demo.start("decide", &[]);

    let mut kills = Kills::default();
    for round in 0..scale.kills_each.max(scale.open_transactions_min) {
        if demo.kill_in_transaction(&mut decide) {
            kills.open_transactions += 1;
        }
        kills.decide += 1;
        decide.restart();
        if round < scale.kills_each {
            pause(round, 300);
            intake.kill();
            kills.intake += 1;
            intake.restart();
            pause(round, 700);
            assert!(feed.is_running(), "feed ended before it could be killed: {}", feed.log());
            feed.kill();
            kills.feed += 1;
            feed.restart();
        }
        assert!(intake.is_running(), "intake ended by itself: {}", intake.log());
        assert!(decide.is_running(), "decide ended by itself: {}", decide.log());
    }

    feed.kill();
    kills.feed += 1;
    let catching_up = Instant::now();
    let mut feed = demo.feed(None);
    feed.finish(CATCH_UP_WITHIN_MAX);
    intake.terminate();
    demo.start("intake", &["--until-end"]).finish(CATCH_UP_WITHIN_MAX);
    decide.terminate();
    demo.start("decide", &["--until-end"]).finish(CATCH_UP_WITHIN_MAX);
    println!("caught up in {:.1} s after the last kill", catching_up.elapsed().as_secs_f64());

    let counts = demo.verify();
    println!("{counts}");
    println!(
        "kill -9: feed {}, intake {}, decide {}; met an open transaction: {}",
        kills.feed, kills.intake, kills.decide, kills.open_transactions
    );
    let count = |name: &str| counts.get(name).and_then(serde_json::Value::as_u64);
    assert_eq!(count("inputs"), Some(events.count as u64), "inputs");
    assert_eq!(count("covered"), Some(events.count as u64), "covered");
    assert_eq!(count("lost"), Some(0), "lost");
    assert_eq!(count("doubled"), Some(0), "doubled");
    assert_eq!(count("mismatched"), Some(0), "mismatched");
    assert!(count("dispositions").is_some_and(|dispositions| dispositions > 0), "no dispositions");
    assert!(kills.open_transactions >= scale.open_transactions_min, "too few kills met an open transaction");
}

#[derive(Default)]
struct Kills {
    feed: u32,
    intake: u32,
    decide: u32,
    open_transactions: u32,
}

/// A deployment of its own on the broker.
struct Demo {
    folder: PathBuf,
    config: PathBuf,
    input: PathBuf,
    connection: Connection,
    prefix: String,
}

impl Demo {
    fn prepare(folder: &Path, input: PathBuf) -> Demo {
        let servers = std::env::var("DUECOURSE_KAFKA").expect("DUECOURSE_KAFKA=host:port names a broker");
        let prefix = format!("d{}", uuid::Uuid::new_v4().simple());
        let config = folder.join("duecourse.toml");
        std::fs::write(&config, configuration(&servers, &prefix, folder)).unwrap();
        let connection =
            Connection { bootstrap_servers: servers, client_id: prefix.clone(), ..Connection::default() };
        let demo = Demo { folder: folder.to_owned(), config, input, connection, prefix };
        let made = demo.command("topics", &["create"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        demo
    }

    fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut line = Command::new(env!("CARGO_BIN_EXE_duecourse"));
        line.arg(command).args(arguments).arg("--config").arg(&self.config).current_dir(&self.folder);
        line
    }

    fn start(&self, command: &str, arguments: &[&str]) -> Process {
        Process::start(command, self.command(command, arguments), &self.folder)
    }

    fn feed(&self, rate: Option<u32>) -> Process {
        let input = self.input.to_str().unwrap();
        let topic = format!("{}.events", self.prefix);
        let rate = rate.map(|rate| rate.to_string());
        let mut arguments = vec!["--input", input, "--source", "labelled-csv", "--topic", &topic];
        if let Some(rate) = &rate {
            arguments.extend(["--rate", rate]);
        }
        self.start("feed", &arguments)
    }

    /// Stops `decide` in its tracks until the broker says that a transaction is open, and kills it.
    /// True if the transaction was still open after the kill.
    fn kill_in_transaction(&self, decide: &mut Process) -> bool {
        let deadline = Instant::now() + OPEN_TRANSACTION_WITHIN_MAX;
        let mut looks = 0;
        while Instant::now() < deadline {
            assert!(decide.is_running(), "decide ended by itself: {}", decide.log());
            decide.freeze();
            looks += 1;
            if self.has_open_transaction() {
                decide.kill();
                let is_open = self.has_open_transaction();
                println!("killed decide; a transaction was open: {is_open} (looked {looks} times)");
                return is_open;
            }
            decide.thaw();
            std::thread::sleep(Duration::from_millis(13));
        }
        println!("no open transaction in {looks} looks: {}", decide.log());
        decide.kill();
        false
    }

    fn has_open_transaction(&self) -> bool {
        // Every transaction writes its progress, so one topic tells.
        let decided = format!("{}.decided", self.prefix);
        !open_transactions(&self.connection, &[&decided]).unwrap().is_empty()
    }

    fn verify(&self) -> serde_json::Value {
        let output = self.command("verify", &[]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().rfind(|line| line.starts_with('{'));
        let counts = last.and_then(|line| serde_json::from_str(line).ok());
        counts.unwrap_or_else(|| panic!("verify: {text} {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Some milliseconds that differ from round to round.
fn pause(round: u32, base_ms: u64) {
    std::thread::sleep(Duration::from_millis(base_ms + u64::from(round) * 137 % 400));
}

fn configuration(servers: &str, prefix: &str, folder: &Path) -> String {
    let topics = ["facts", "dispositions", "notices", "measures", "decided", "shadow", "dead_letters"]
        .map(|topic| format!("[topics.{topic}]\nname = \"{prefix}.{topic}\"\n"))
        .concat();
    format!(
        r#"institution = "demo-bank"
time = "event"

[rules]
go_live_on_first_start = true

[kafka]
bootstrap_servers = "{servers}"
source_partitions = 4
facts_partitions = 4
replication = 1
group = "{prefix}"
instance_id = "demo-0"

[intake]
idle_cover_ms = 200

[snapshots]
dir = "{snapshots}"
interval_ms = 2_000

[http]
listen = ""

{topics}
[[sources]]
name = "events"
topic = "{prefix}.events"
mapping = "labelled-csv"
generation = 1
"#,
        snapshots = folder.join("snapshots").display(),
    )
}
