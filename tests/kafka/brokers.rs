//! The brokers that `scripts/with-kafka` keeps alive: killed, stopped, held down, let back.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const UP_WITHIN_MAX: Duration = Duration::from_secs(180);

/// How a broker is made to go.
#[derive(Clone, Copy)]
pub enum Going {
    Killed,
    /// It hands over what it leads and leaves.
    Stopped,
}

pub struct Brokers {
    folder: PathBuf,
    addresses: Vec<String>,
}

impl Brokers {
    pub fn find() -> Brokers {
        let variable =
            |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name}: see scripts/with-kafka"));
        Brokers {
            folder: PathBuf::from(variable("DUECOURSE_KAFKA_BROKER")),
            addresses: variable("DUECOURSE_KAFKA").split(',').map(str::to_owned).collect(),
        }
    }

    pub fn count(&self) -> usize {
        self.addresses.len()
    }

    /// These nodes go together and stay down for at least `down_for`; returns once they are up again.
    pub fn lose(&self, nodes: &[usize], going: Going, down_for: Duration) {
        for node in nodes {
            fs::write(self.file(*node, "hold"), "").unwrap();
            self.signal(*node, going);
        }
        nodes.iter().for_each(|node| self.wait(*node, false));
        std::thread::sleep(down_for);
        for node in nodes {
            fs::remove_file(self.file(*node, "hold")).unwrap();
        }
        nodes.iter().for_each(|node| self.wait(*node, true));
    }

    fn signal(&self, node: usize, going: Going) {
        let id: libc::pid_t = fs::read_to_string(self.file(node, "pid")).unwrap().trim().parse().unwrap();
        let signal = match going {
            Going::Killed => libc::SIGKILL,
            Going::Stopped => libc::SIGTERM,
        };
        // SAFETY: the process is a broker of this very run; its keeper wrote the id.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }

    fn wait(&self, node: usize, up: bool) {
        let deadline = Instant::now() + UP_WITHIN_MAX;
        while TcpStream::connect(&self.addresses[node]).is_ok() != up {
            assert!(Instant::now() < deadline, "broker {node}: not {}", if up { "up" } else { "down" });
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Nodes are counted from 0 here and from 1 there.
    fn file(&self, node: usize, name: &str) -> PathBuf {
        self.folder.join(format!("node-{}", node + 1)).join(name)
    }
}
