//! k8s/ against the program: its configurations load, its commands and paths exist, its numbers fit together,
//! and every metric that an alert or panel reads is in the catalogue, with its labels.
//!
//! `scripts/check-k8s` renders and validates the objects; here no tool is needed.

mod commands;
mod metrics;
mod text;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use duecourse::config::Config;
use duecourse::decide::driver::Pace;
use duecourse::telemetry::http::{Server, Shown};
use duecourse::telemetry::metrics::Metrics;

use text::{after, files, values};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("k8s")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An overlay's configuration, with what its containers set besides.
fn config(overlay: &str) -> Config {
    let path = root().join("overlays").join(overlay).join("duecourse.toml");
    let sets: Vec<String> = ["base/intake.yaml", "base/decide.yaml"]
        .iter()
        .flat_map(|file| after(&read(file), "- --set="))
        .map(|set| set.replace("$(POD_NAME)", "duecourse-decide-0"))
        .collect();
    assert_eq!(sets.len(), 2, "both name their instance by the pod");
    Config::load(Some(&path), &sets).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_key_of_the_configurations_is_one_of_the_program_s() {
    for overlay in ["one-node", "production"] {
        let config = config(overlay);
        assert_eq!(config.kafka.instance(), Some("duecourse-decide-0"));
        assert!(config.http.listen.ends_with(":9464"), "probes and Prometheus ask there");
        assert!(read("base/decide.yaml").contains("mountPath: /var/lib/duecourse\n"));
        assert!(config.snapshots.dir.starts_with("/var/lib/duecourse/"), "the volume that all pods share");
    }
    let production = config("production");
    assert!(production.production && production.kafka.replication == 3);
    assert_eq!(production.kafka.properties["security.protocol"], "sasl_ssl");
    assert!(!production.kafka.properties.contains_key("sasl.password"), "secrets come by file");
    let mounted = read("overlays/production/secrets.yaml");
    let secrets = [&production.keys.file, &production.kafka.property_files["sasl.password"]];
    for file in secrets.into_iter().chain([&production.kafka.properties["ssl.ca.location"]]) {
        let folder = Path::new(file).parent().unwrap().display().to_string();
        assert!(mounted.contains(&format!("mountPath: {folder}\n")), "{folder} is mounted");
    }
}

/// Production with a component over it: the configurations that `scripts/check-k8s` renders.
#[test]
fn configurations_with_tokens_or_a_bucket_are_the_program_s_and_their_comments_say_the_same() {
    for (name, keys) in [
        ("oauthbearer", ["oauth_token_file = \"/run/secrets/token/kafka\""].as_slice()),
        (
            "s3",
            &[
                "bucket = \"duecourse-snapshots\"",
                "endpoint = \"http://minio.minio.svc:9000\"",
                "credentials_file = \"/run/secrets/s3/credentials\"",
            ],
        ),
    ] {
        let path = root().join("../tests/k8s").join(name).join("duecourse.toml");
        let config = Config::load(Some(&path), &[]).unwrap_or_else(|error| panic!("{error}"));
        assert!(config.production);
        let text = std::fs::read_to_string(&path).unwrap();
        let component = read(&format!("components/{name}/kustomization.yaml"));
        for key in keys {
            assert!(text.contains(key) && component.contains(key), "{name}: {key}");
        }
    }
}

/// The value of a `Duration` constant in a source file, in seconds.
fn seconds_in_source(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(root().join("..").join(file)).unwrap();
    let found = after(&text, &format!("const {name}: Duration = Duration::from_secs("));
    found[0].split(')').next().unwrap().parse().unwrap()
}

#[test]
fn pods_are_given_the_time_that_leaving_takes() {
    let leave = seconds_in_source("src/log/kafka/joining.rs", "CLOSE_MAX");
    let acknowledged = seconds_in_source("src/log/kafka/intake.rs", "ACKNOWLEDGED_WITHIN_MAX");
    let closed = seconds_in_source("src/intake/run.rs", "CLOSE_WITHIN_MAX");
    let decided = Pace::default().leave_max.as_secs();
    for (file, takes) in
        [("base/decide.yaml", decided + leave), ("base/intake.yaml", acknowledged + closed.max(leave))]
    {
        let text = read(file);
        let given = values(&text, "terminationGracePeriodSeconds").next().unwrap_or_default();
        assert!(given.parse::<u64>().unwrap() >= takes + 10, "{file}: {given} s, and {takes} s are needed");
    }
}

#[test]
fn every_key_that_a_page_or_comment_names_is_one_of_the_program_s() {
    let sections = ["kafka.", "decide.", "intake.", "snapshots.", "rules.", "http.", "keys.", "topics."];
    let printed = run(&["config", "print"]);
    let known: Vec<&str> =
        printed.lines().filter_map(|line| line.split(" = ").next()).map(str::trim).collect();
    for (path, text) in files(&root(), &["md", "yaml", "toml"]) {
        for word in text.split(|c: char| c.is_whitespace() || "`\"'(),;[]=|".contains(c)) {
            let word = word.trim_end_matches(['.', ':']);
            let is_key = sections.iter().any(|section| word.starts_with(section))
                && !word.contains(['/', '*', '_', '-', '<'].as_slice())
                || sections.iter().any(|section| word.starts_with(section)) && word.contains('_');
            let is_free =
                word.starts_with("kafka.propert") || word.ends_with(".svc") || word.contains(".svc:");
            let is_file = [".md", ".yaml", ".toml", ".rs", ".json"].iter().any(|end| word.ends_with(end));
            if is_key && !is_free && !is_file {
                let is_section = known.iter().any(|key| key.starts_with(&format!("{word}.")));
                let is_known = known.contains(&word) || is_section;
                assert!(is_known, "{}: `{word}` is no key of the configuration", path.display());
            }
        }
    }
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_duecourse")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_that_a_container_runs_exists() {
    for command in [vec!["intake"], vec!["decide"], vec!["doctor"], vec!["topics", "create"], vec!["status"]]
    {
        run(&[command.as_slice(), &["--help"]].concat());
    }
    for (file, command) in [("base/intake.yaml", "intake"), ("base/decide.yaml", "decide")] {
        assert!(read(file).contains(&format!("args:\n            - {command}\n")), "{file}");
    }
    assert!(read("overlays/production/doctor.yaml").contains("args: [doctor, --config="));
    assert!(read("overlays/one-node/kustomization.yaml").contains("args: [topics, create, --config="));
}

#[test]
fn every_path_that_is_probed_is_served() {
    let shown = Shown {
        metrics: Arc::new(Metrics::new().unwrap()),
        refresh: None,
        health: Arc::default(),
        view: None,
    };
    let server = Server::start("127.0.0.1:0", shown).unwrap();
    for file in ["base/intake.yaml", "base/decide.yaml"] {
        let paths: Vec<String> =
            after(&read(file), " path: ").into_iter().filter(|path| path.starts_with('/')).collect();
        assert_eq!(paths, ["/startupz", "/livez", "/readyz"], "{file}: startup, liveness, readiness");
        for path in paths {
            assert_ne!(status(&server, &path), 404, "{path}");
        }
    }
    assert_eq!(status(&server, "/metrics"), 200);
    assert!(read("components/monitoring/servicemonitor.yaml").contains("path: /metrics\n"));
}

fn status(server: &Server, path: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_scaler_never_asks_for_more_pods_than_partitions_and_watches_the_right_groups() {
    let config = config("production");
    let text = read("components/autoscaling/scaledobjects.yaml");
    let of = |document: &str, key: &str| values(document, key).next().unwrap_or_default();
    let mut scalers: BTreeMap<String, &str> = BTreeMap::new();
    for document in text.split("---\n").filter(|document| document.contains("kind: ScaledObject\n")) {
        scalers.insert(of(document, "name"), document);
    }
    let cases = [
        (
            "duecourse-intake",
            config.kafka.source_partitions,
            config.kafka.intake_group(),
            config.sources[0].topic.clone(),
        ),
        (
            "duecourse-decide",
            config.kafka.facts_partitions,
            config.kafka.decide_group(),
            config.topics.facts.name.clone(),
        ),
    ];
    assert_eq!(scalers.len(), cases.len());
    for (name, partitions, group, topic) in cases {
        let document = scalers[name];
        assert!(of(document, "maxReplicaCount").parse::<u32>().unwrap() <= partitions, "{name}");
        assert!(of(document, "minReplicaCount").parse::<u32>().unwrap() >= 2, "{name}: one may go");
        assert_eq!(of(document, "allowIdleConsumers"), "\"false\"");
        assert_eq!((of(document, "consumerGroup"), of(document, "topic")), (group, topic));
        assert_eq!(of(document, "bootstrapServers"), config.kafka.bootstrap_servers);
    }
}

#[test]
fn the_network_is_open_where_the_configurations_go() {
    let text = read("base/network.yaml");
    for overlay in ["one-node", "production"] {
        let servers = config(overlay).kafka.bootstrap_servers;
        let (host, port) = servers.rsplit_once(':').unwrap();
        assert!(text.contains(&format!("port: {port}\n")), "{overlay}: {port}");
        let namespace = host.split('.').nth(1).unwrap();
        assert!(
            text.contains(&format!("kubernetes.io/metadata.name: {namespace}\n")),
            "{overlay}: {namespace}"
        );
    }
}

#[test]
fn the_container_is_slim_without_rights_and_runs_what_is_built() {
    let text = std::fs::read_to_string(root().join("../Containerfile")).unwrap();
    let stages: Vec<&str> = text.lines().filter(|line| line.starts_with("FROM ")).collect();
    assert_eq!(stages.len(), 2);
    assert!(stages[1].contains("-slim") && !stages[1].contains(":latest"), "{stages:?}");
    assert!(text.contains("\nUSER 65532:65532\n") && read("base/decide.yaml").contains("runAsUser: 65532\n"));
    let wanted =
        include_str!("../../Cargo.toml").lines().find_map(|line| line.strip_prefix("rust-version = "));
    let rust = wanted.unwrap().trim_matches('"');
    assert!(
        stages[0].contains(&format!("rust:{rust}-slim-bookworm")),
        "built with the oldest Rust that is promised"
    );
    let (root, context) = (root().join(".."), tempfile::tempdir().unwrap());
    let ignore = std::fs::read_to_string(root.join(".containerignore")).unwrap();
    for copied in
        text.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--"))
    {
        let mut words: Vec<&str> = copied.split(' ').collect();
        words.pop();
        for word in words {
            assert!(
                ignore.lines().any(|line| line == format!("!{word}")),
                "{word} is left out of the context"
            );
            let done =
                Command::new("cp").arg("-r").arg(root.join(word)).arg(context.path()).status().unwrap();
            assert!(done.success(), "{word} is copied and not there");
        }
    }
    // What the builder is given is a package to cargo, with a lock that needs no change.
    // Packages of other platforms need not be on this machine.
    let platform = format!("--filter-platform={}-unknown-linux-gnu", std::env::consts::ARCH);
    let line = ["metadata", "--format-version=1", "--locked", "--offline", &platform];
    let output = Command::new(env!("CARGO")).args(line).current_dir(context.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"src_path\":"));
}
