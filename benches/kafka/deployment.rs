//! Topics, rules and a configuration of their own on the broker.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::Watched;
use crate::traffic::{self, Windows};

const PROGRAM: &str = env!("CARGO_BIN_EXE_duecourse");
/// Of the source topic and of the facts.
pub const PARTITIONS: u32 = 4;

pub struct Deployment {
    folder: PathBuf,
    pub name: String,
}

impl Deployment {
    pub fn prepare(folder: &Path, servers: &str, name: &str, windows: Windows) -> Deployment {
        let name = format!("bench-{name}-{}", uuid::Uuid::new_v4().simple());
        let folder = folder.join(&name);
        std::fs::create_dir(&folder).expect("a new folder");
        traffic::write_folder(&folder, windows, "1d");
        let deployment = Deployment { folder, name };
        std::fs::write(deployment.config(), deployment.configuration(servers)).expect("a configuration");
        deployment.start("topics", &["create"]).wait("topics create");
        deployment
    }

    pub fn source_topic(&self) -> String {
        format!("{}.events", self.name)
    }

    pub fn dispositions_topic(&self) -> String {
        format!("{}.dispositions", self.name)
    }

    fn config(&self) -> PathBuf {
        self.folder.join("config.toml")
    }

    fn configuration(&self, servers: &str) -> String {
        let (name, folder) = (&self.name, self.folder.display());
        let topics = ["facts", "dispositions", "notices", "measures", "decided", "shadow", "dead_letters"]
            .map(|topic| format!("[topics.{topic}]\nname = \"{name}.{topic}\"\n"))
            .concat();
        format!(
            "time = \"event\"\n[rules]\ndir = \"{folder}/rules\"\ngo_live_on_first_start = true\n\
             [kafka]\nbootstrap_servers = \"{servers}\"\nreplication = 1\nfacts_retention = \"-1\"\n\
             group = \"{name}\"\ninstance_id = \"bench\"\nsource_partitions = {PARTITIONS}\n\
             facts_partitions = {PARTITIONS}\n{}[http]\nlisten = \"\"\n[snapshots]\ndir = \"{folder}/snapshots\"\n\
             {topics}[[sources]]\nname = \"events\"\ntopic = \"{name}.events\"\nmapping = \"native\"\n\
             generation = 1\n",
            properties()
        )
    }

    /// Starts one of our commands.
    pub fn start(&self, command: &str, arguments: &[&str]) -> Watched {
        let mut line = Command::new(PROGRAM);
        line.arg(command).args(arguments).arg("--config").arg(self.config());
        if matches!(command, "intake" | "decide") {
            for setting in settings() {
                line.args(["--set", &setting]);
            }
        }
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let log = log.expect("a log file");
        line.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        Watched::new(line.env("DUECOURSE_LOG", "warn").spawn().expect("our own program starts"))
    }
}

/// `DUECOURSE_BENCH_SETTINGS=name=value,name=value`: settings of intake and decide to try.
fn settings() -> Vec<String> {
    let written = std::env::var("DUECOURSE_BENCH_SETTINGS").unwrap_or_default();
    written.split(',').filter(|pair| !pair.is_empty()).map(str::to_owned).collect()
}

/// `DUECOURSE_BENCH_PROPERTIES=name=value,name=value`: librdkafka properties to try.
fn properties() -> String {
    let Ok(written) = std::env::var("DUECOURSE_BENCH_PROPERTIES") else { return String::new() };
    let mut text = String::from("[kafka.properties]\n");
    for (name, value) in written.split(',').filter_map(|pair| pair.split_once('=')) {
        writeln!(text, "\"{name}\" = \"{value}\"").expect("text grows");
    }
    text
}
