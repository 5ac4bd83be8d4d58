//! A deployment of our own processes on the broker: its configuration, topics and commands.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use duecourse::log::kafka::{Connection, open_transactions};

use crate::process::Process;

pub struct Deployment {
    folder: PathBuf,
    config: PathBuf,
    pub connection: Connection,
    prefix: String,
}

impl Deployment {
    /// With as many source as facts partitions, and topics that no other has.
    pub fn prepare(folder: &Path, partitions: u32) -> Deployment {
        Deployment::prepare_with(folder, partitions, "")
    }

    /// With rules that are released by signed events on a topic `control`, and nothing at a first start.
    pub fn prepare_signed(folder: &Path, partitions: u32, signing_key: &str) -> Deployment {
        let rules = format!(
            "activate_on_first_start = false\ncontrol_source = \"control\"\nsigning_keys = [{signing_key}]\n"
        );
        Deployment::made(folder, partitions, |text, prefix| {
            let control = format!(
                "\n[[sources]]\nname = \"control\"\ntopic = \"{prefix}.control\"\nmapping = \"control\"\ngeneration = 1\n"
            );
            text.replace("go_live_on_first_start = true\n", &rules) + &control
        })
    }

    /// With further lines at the end of its configuration.
    pub fn prepare_with(folder: &Path, partitions: u32, further: &str) -> Deployment {
        Deployment::made(folder, partitions, |text, _| text + further)
    }

    /// Through the listener with TLS, SASL and ACLs, with these lines of credentials. What a test asks the
    /// broker itself goes through the other one.
    pub fn prepare_secured(folder: &Path, partitions: u32, credentials: &str) -> Deployment {
        let plain = std::env::var("DUECOURSE_KAFKA").expect("DUECOURSE_KAFKA=host:port names a broker");
        let secure =
            std::env::var("DUECOURSE_KAFKA_SECURE").expect("DUECOURSE_KAFKA_SECURE names its listener");
        Deployment::made(folder, partitions, |text, _| text.replace(&plain, &secure) + credentials)
    }

    /// As `prepare_secured`, with the token of a file.
    pub fn prepare_with_token(folder: &Path, partitions: u32, properties: &str, token: &Path) -> Deployment {
        let secure =
            std::env::var("DUECOURSE_KAFKA_SECURE").expect("DUECOURSE_KAFKA_SECURE names its listener");
        let kafka = format!("[kafka]\noauth_token_file = \"{}\"\n", token.display());
        Deployment::made(folder, partitions, |text, _| {
            let plain = text.lines().find(|line| line.starts_with("bootstrap_servers")).unwrap_or_default();
            let secured = text.replace(plain, &format!("bootstrap_servers = \"{secure}\""));
            secured.replace("[kafka]\n", &kafka) + properties
        })
    }

    /// With a configuration that `change` makes of the usual one and the prefix of topics.
    pub fn made(folder: &Path, partitions: u32, change: impl FnOnce(String, &str) -> String) -> Deployment {
        let servers = std::env::var("DUECOURSE_KAFKA").expect("DUECOURSE_KAFKA=host:port names a broker");
        let copies = servers.split(',').count();
        let prefix = format!("d{}", uuid::Uuid::new_v4().simple());
        let config = folder.join("duecourse.toml");
        let text = change(configuration(&servers, &prefix, folder, partitions, copies), &prefix);
        std::fs::write(&config, text).unwrap();
        let connection = Connection {
            bootstrap_servers: servers,
            client_id: prefix.clone(),
            reader_group: prefix.clone(),
            ..Connection::default()
        };
        let deployment = Deployment { folder: folder.to_owned(), config, connection, prefix };
        let made = deployment.command("topics", &["create"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        deployment
    }

    /// The next generation of its facts: another key, and other topics of these kinds.
    pub fn next_generation(&self, (key, new_key): (&str, &str), kinds: &[&str]) -> Deployment {
        let mut text = std::fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(key), "its key is in a file of its own");
        text = text.replace(key, new_key);
        for kind in kinds {
            let name = format!("name = \"{}.{kind}", self.prefix);
            assert!(text.contains(&name), "{kind}");
            text = text.replace(&format!("{name}\""), &format!("{name}-2\""));
        }
        let config = self.folder.join("duecourse-2.toml");
        std::fs::write(&config, text).unwrap();
        let (folder, connection, prefix) =
            (self.folder.clone(), self.connection.clone(), self.prefix.clone());
        Deployment { folder, config, connection, prefix }
    }

    pub fn config(&self) -> &Path {
        &self.config
    }

    pub fn topic(&self, kind: &str) -> String {
        format!("{}.{kind}", self.prefix)
    }

    pub fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut line = Command::new(env!("CARGO_BIN_EXE_duecourse"));
        line.arg(command).args(arguments).arg("--config").arg(&self.config).current_dir(&self.folder);
        line
    }

    pub fn start(&self, command: &str, arguments: &[&str]) -> Process {
        Process::start(command, self.command(command, arguments), &self.folder)
    }

    /// As `start`, with its log at this level.
    pub fn start_logging(&self, command: &str, level: &str) -> Process {
        let mut line = self.command(command, &[]);
        line.env("DUECOURSE_LOG", level);
        Process::start(command, line, &self.folder)
    }

    pub fn feed(&self, input: &Path, rate: Option<u32>) -> Process {
        let topic = self.topic("events");
        let rate = rate.map(|rate| rate.to_string());
        let input = input.to_str().unwrap();
        let mut arguments = vec!["--input", input, "--source", "labelled-csv", "--topic", &topic];
        if let Some(rate) = &rate {
            arguments.extend(["--rate", rate]);
        }
        self.start("feed", &arguments)
    }

    /// The processes' working folder, with their logs and configuration.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// True if the broker knows of a transaction that is neither committed nor aborted.
    pub fn has_open_transaction(&self) -> bool {
        // Every transaction writes its progress, so one topic tells.
        !open_transactions(&self.connection, &[&self.topic("decided")]).unwrap().is_empty()
    }

    /// Runs a command to its end.
    pub fn say(&self, command: &str, arguments: &[&str]) -> Output {
        self.command(command, arguments).output().unwrap()
    }

    /// What `verify` counts.
    pub fn verify(&self) -> serde_json::Value {
        let output = self.say("verify", &[]);
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().rfind(|line| line.starts_with('{'));
        let counts = last.and_then(|line| serde_json::from_str(line).ok());
        counts.unwrap_or_else(|| panic!("verify: {text} {}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn configuration(servers: &str, prefix: &str, folder: &Path, partitions: u32, copies: usize) -> String {
    let topics = [
        "facts",
        "dispositions",
        "notices",
        "measures",
        "decided",
        "shadow",
        "authority",
        "leads",
        "dead_letters",
    ]
    .map(|topic| format!("[topics.{topic}]\nname = \"{prefix}.{topic}\"\n"))
    .concat();
    format!(
        r#"institution = "demo-bank"
time = "event"

[rules]
go_live_on_first_start = true

[kafka]
bootstrap_servers = "{servers}"
source_partitions = {partitions}
facts_partitions = {partitions}
replication = {copies}
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
