//! The broker is killed under load, once briefly and once for longer than a delivery may take.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::deployment::Deployment;
use crate::events::Events;
use crate::process::Process;

const EVENTS: usize = 12_000;
const RATE: u32 = 200;
/// A record is given up after 4 s here, not 30, so that the broker need not be away for longer.
const IMPATIENT: &str = "[kafka.properties]\n\"message.timeout.ms\" = \"4000\"\n";
const LONGER_THAN_A_DELIVERY: Duration = Duration::from_secs(6);
const LOAD_BETWEEN: Duration = Duration::from_secs(5);
const BROKER_UP_WITHIN_MAX: Duration = Duration::from_secs(60);
const CATCH_UP_WITHIN_MAX: Duration = Duration::from_secs(120);

#[test]
#[ignore = "kills the broker under everybody's feet; `make test` runs it after the others"]
fn a_lost_broker_loses_and_doubles_nothing() {
    let began = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let events = Events::generated(folder.path(), EVENTS);
    let deployment = Deployment::prepare_with(folder.path(), 4, IMPATIENT);
    let mut processes = [
        deployment.feed(&events.path, Some(RATE)),
        deployment.start("intake", &[]),
        deployment.start("decide", &[]),
    ];
    let broker = Broker::find();
    let mut restarts = 0;
    for down_for in [Duration::ZERO, LONGER_THAN_A_DELIVERY] {
        restarts += supervise(&mut processes, LOAD_BETWEEN);
        let away = broker.lose(down_for);
        println!("{:.1} s: the broker was away for {away:.1?}", began.elapsed().as_secs_f64());
        restarts += supervise(&mut processes, LOAD_BETWEEN);
    }
    println!("the broker was lost twice; {restarts} processes ended by themselves and were started again");

    let [mut feed, mut intake, mut decide] = processes;
    feed.kill();
    deployment.feed(&events.path, None).finish(CATCH_UP_WITHIN_MAX);
    intake.terminate();
    deployment.start("intake", &["--until-end"]).finish(CATCH_UP_WITHIN_MAX);
    decide.terminate();
    deployment.start("decide", &["--until-end"]).finish(CATCH_UP_WITHIN_MAX);
    println!("{:.1} s: caught up", began.elapsed().as_secs_f64());
    let counts = deployment.verify();
    println!("{counts}");
    assert_eq!(counts["inputs"], EVENTS);
    assert_eq!(counts["covered"], EVENTS);
    for nothing in ["lost", "doubled", "mismatched"] {
        assert_eq!(counts[nothing], 0, "{nothing}");
    }
    assert!(counts["dispositions"].as_u64().is_some_and(|count| count > 0));
}

/// Starts again whatever has ended, as a cluster would. Returns how often.
fn supervise(processes: &mut [Process], time: Duration) -> u32 {
    let until = Instant::now() + time;
    let mut restarts = 0;
    while Instant::now() < until {
        for process in processes.iter_mut() {
            if !process.is_running() {
                process.restart();
                restarts += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    restarts
}

/// The broker that `scripts/with-kafka` keeps alive.
struct Broker {
    folder: PathBuf,
    address: String,
}

impl Broker {
    fn find() -> Broker {
        let variable =
            |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name}: see scripts/with-kafka"));
        Broker {
            folder: PathBuf::from(variable("DUECOURSE_KAFKA_BROKER")),
            address: variable("DUECOURSE_KAFKA"),
        }
    }

    /// kill -9, and no start before `down_for` is over. Returns how long nobody answered.
    fn lose(&self, down_for: Duration) -> Duration {
        let gone = Instant::now();
        let hold = self.folder.join("hold");
        fs::write(&hold, "").unwrap();
        let id: libc::pid_t = fs::read_to_string(self.folder.join("pid")).unwrap().trim().parse().unwrap();
        // SAFETY: the process is the broker of this very run; its keeper wrote the id.
        assert_eq!(unsafe { libc::kill(id, libc::SIGKILL) }, 0);
        while TcpStream::connect(&self.address).is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(down_for);
        fs::remove_file(&hold).unwrap();
        let deadline = Instant::now() + BROKER_UP_WITHIN_MAX;
        while TcpStream::connect(&self.address).is_err() {
            assert!(Instant::now() < deadline, "the broker did not come back");
            std::thread::sleep(Duration::from_millis(200));
        }
        gone.elapsed()
    }
}
