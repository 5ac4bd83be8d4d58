//! What operators look at, over a real broker: `status`, `doctor`, and the metrics that alerts read.

use serde_json::Value;

use duecourse::codec::facts;
use duecourse::engine::base::TimeMs;
use duecourse::engine::cover::{Range, SourceId};
use duecourse::engine::input::{FactsPack, FactsRecord};
use duecourse::log::kafka::{AckedProducer, OutMessage};

use crate::deployment::Deployment;
use crate::events::Events;
use crate::serving::{WITHIN_MAX, free_address, get, wait_for};
use crate::tools::kafka_tool;

const EVENTS: usize = 2_000;
const PARTITIONS: u32 = 2;

fn status(deployment: &Deployment) -> Value {
    let output = deployment.say("status", &["--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn sum(status: &Value, list: &str, field: &str) -> u64 {
    status[list].as_array().unwrap().iter().map(|one| one[field].as_u64().unwrap()).sum()
}

#[test]
fn status_follows_records_from_the_source_to_the_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::generated(folder.path(), EVENTS);
    let deployment = Deployment::prepare(folder.path(), PARTITIONS);
    deployment.feed(&events.path, None).finish(WITHIN_MAX);
    let fed = status(&deployment);
    assert_eq!(sum(&fed, "sources", "unread_records"), EVENTS as u64, "{fed}");
    assert_eq!(fed["partitions"][0]["snapshot"], Value::Null);

    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    let read = status(&deployment);
    for partition in read["partitions"].as_array().unwrap() {
        assert!(partition["undecided_records"].as_u64().unwrap() > 0, "{read}");
        assert!(partition["undecided_age_s"].is_null(), "`time = event` has no clock: {read}");
    }

    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);
    let decided = status(&deployment);
    assert_eq!(sum(&decided, "partitions", "undecided_records"), 0, "{decided}");
    assert_eq!(sum(&decided, "partitions", "gap_records"), 0, "{decided}");
    assert_eq!(sum(&decided, "sources", "unread_records"), 0, "{decided}");
    assert_eq!(sum(&decided, "sources", "lost_records"), 0, "{decided}");
    for partition in decided["partitions"].as_array().unwrap() {
        assert_eq!(partition["snapshot"]["usable"], true, "{decided}");
        assert!(partition["snapshot"]["of_retention"].as_f64().unwrap() < 0.001, "{decided}");
        assert!(!partition["live_since"].is_null() && !partition["partition_time"].is_null(), "{decided}");
    }
    let told = String::from_utf8(deployment.say("status", &[]).stdout).unwrap();
    assert_eq!(told.lines().filter(|line| line.ends_with("  live")).count(), PARTITIONS as usize, "{told}");
}

/// Exit code, and the findings that are errors.
fn doctor(deployment: &Deployment) -> (Option<i32>, Vec<Value>) {
    let output = deployment.say("doctor", &["--json"]);
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let findings = told["findings"].as_array().unwrap().iter().filter(|one| one["level"] == "error");
    (output.status.code(), findings.cloned().collect())
}

#[test]
fn doctor_finds_topics_that_were_set_wrong_and_its_mends_mend_them() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::prepare(folder.path(), 1);
    assert_eq!(doctor(&deployment), (Some(0), Vec::new()), "as `topics create` makes them");

    let alter = |topic: &str, setting: &str| {
        kafka_tool(&format!(
            "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config {setting}",
            deployment.connection.bootstrap_servers,
            deployment.topic(topic)
        ));
    };
    alter("measures", "cleanup.policy=delete,max.compaction.lag.ms=9223372036854775807");
    alter("facts", "message.timestamp.type=CreateTime,retention.ms=7200000,min.insync.replicas=2");
    let (code, findings) = doctor(&deployment);
    assert_eq!(code, Some(1));
    let mut found: Vec<(&str, &str)> =
        findings.iter().map(|one| (one["check"].as_str().unwrap(), one["about"].as_str().unwrap())).collect();
    found.sort_unstable();
    let (facts, measures) = (deployment.topic("facts"), deployment.topic("measures"));
    let wanted = [
        ("cleanup_policy", &*measures),
        ("compaction", &*measures),
        ("min_insync", &*facts),
        ("retention", &*facts),
        ("timestamps", &*facts),
    ];
    assert_eq!(found, wanted, "{findings:?}");
    for finding in &findings {
        kafka_tool(finding["mend"].as_str().unwrap());
    }
    assert_eq!(doctor(&deployment), (Some(0), Vec::new()), "mended");
}

/// The value of a metric with these labels, or of the sum of all that begin so.
fn metric(address: &str, name: &str) -> Option<f64> {
    let (_, text) = get(address, "/metrics")?;
    let values: Vec<f64> = text
        .lines()
        .filter(|line| line.starts_with(name))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse().ok())
        .collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

/// Facts of the source `events` that follow on this offset, made under this version of the configuration.
fn pack(version: u32, previous: i64) -> Vec<u8> {
    let source = SourceId { name: "events".into(), generation: 1, partition: 0 };
    let time = TimeMs(1_900_000_000_000);
    let range = Range {
        source,
        baseline: false,
        previous,
        last: previous + 1,
        timestamps: (time, time),
        through: time,
    };
    let mut bytes = Vec::new();
    facts::encode(
        &FactsRecord::Facts(FactsPack { version, ranges: vec![range], facts: Vec::new() }),
        &mut bytes,
    );
    bytes
}

/// Each of these is tried here and told in a page of k8s/runbook.
#[test]
fn what_alerts_read_moves_when_things_go_wrong_and_moves_back() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::generated(folder.path(), EVENTS);
    let deployment = Deployment::prepare(folder.path(), PARTITIONS);
    let (intake_at, decide_at) = (free_address(), free_address());
    let listen = |address: &str| format!("http.listen={address}");
    let shared = ["--set", "time=broker", "--set", "snapshots.interval_ms=1000"];
    let with = |address: &str| -> Vec<String> {
        shared.iter().map(|word| (*word).to_owned()).chain(["--set".to_owned(), listen(address)]).collect()
    };
    let start = |command: &str, address: &str| {
        let arguments = with(address);
        deployment.start(command, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let intake = start("intake", &intake_at);
    let mut decide = start("decide", &decide_at);
    deployment.feed(&events.path, None).finish(WITHIN_MAX);
    let at = |name: &str| metric(&decide_at, name);
    wait_for("all held, recovered, snapshots stored, little lag", || {
        at("duecourse_partition_recovered{") == Some(f64::from(PARTITIONS))
            && at("duecourse_snapshots_total{outcome=\"stored\"}").is_some_and(|stored| stored >= 2.0)
            && at("duecourse_covered_lag_seconds{partition=\"0\"}").is_some_and(|lag| 0.0 < lag && lag < 5.0)
    });
    assert_eq!(get(&decide_at, "/startupz").unwrap().0, 200);
    assert_eq!(at("duecourse_partition_stopped{"), Some(0.0));

    // DuecourseCoveredLag: intake stands still. The probes of decide do not mind.
    intake.freeze();
    wait_for("covered lag grows", || {
        at("duecourse_covered_lag_seconds{partition=\"0\"}").is_some_and(|lag| lag > 6.0)
    });
    assert_eq!((get(&decide_at, "/livez").unwrap().0, get(&decide_at, "/readyz").unwrap().0), (200, 200));
    intake.thaw();
    wait_for("and falls", || {
        at("duecourse_covered_lag_seconds{partition=\"0\"}").is_some_and(|lag| lag < 5.0)
    });

    // DuecourseRefusals: garbage from a source.
    let mut producer = AckedProducer::connect(&deployment.connection, "garbage", 0).unwrap();
    let mut put = |topic: &str, value: &[u8]| {
        let topic = deployment.topic(topic);
        let message =
            OutMessage { topic: &topic, partition: Some(0), value: Some(value), ..OutMessage::default() };
        producer.send(message).unwrap();
        producer.flush(WITHIN_MAX).unwrap();
    };
    put("events", b"\xff\xfe");
    wait_for("the refusal is counted", || {
        metric(&intake_at, "duecourse_events_total{outcome=\"refused\"}") == Some(1.0)
            && metric(&intake_at, "duecourse_refusals_total{") == Some(1.0)
    });

    // DuecourseGap and DuecourseWrongVersion: packs of somebody who is no intake of this deployment.
    put("facts", &pack(1, 1_000_000));
    wait_for("the gap is counted", || at("duecourse_ranges_ignored_total{verdict=\"gap\"}") == Some(1.0));
    put("facts", &pack(9, 1_000_000));
    wait_for("the version is", || {
        at("duecourse_ranges_ignored_total{verdict=\"wrong_version\"}") == Some(1.0)
    });

    // DuecourseSnapshotsFail: the store takes nothing, as a full or detached volume.
    let store = folder.path().join("snapshots");
    let aside = folder.path().join("aside");
    std::fs::rename(&store, &aside).unwrap();
    std::fs::write(&store, "in the way").unwrap();
    wait_for("failures are counted", || {
        at("duecourse_snapshots_total{outcome=\"failed\"}").is_some_and(|failed| failed >= 1.0)
    });
    std::fs::remove_file(&store).unwrap();
    std::fs::rename(&aside, &store).unwrap();
    let stored = at("duecourse_snapshots_total{outcome=\"stored\"}").unwrap();
    wait_for("and it stores again", || {
        at("duecourse_snapshots_total{outcome=\"stored\"}").is_some_and(|now| now > stored)
    });

    // DuecourseNothingCommitted: decide stands still while facts are written; let go on, it decides them.
    let committed = || at("duecourse_transactions_total{outcome=\"committed\"}");
    let (before, waiting) = (committed().unwrap(), undecided(&deployment));
    decide.freeze();
    wait_for("what is not decided grows", || undecided(&deployment) > waiting + 1);
    decide.thaw();
    wait_for("and is committed", || committed().is_some_and(|now| now > before));

    // DuecourseNobodyDecides: killed, and back from its snapshots.
    decide.kill();
    assert!(get(&decide_at, "/metrics").is_none());
    decide.restart();
    wait_for("back", || {
        at("duecourse_partition_recovered{") == Some(f64::from(PARTITIONS))
            && at("duecourse_snapshot_timestamp_seconds{partition=\"0\"}").is_some_and(|time| time > 0.0)
            && at("duecourse_recovery_duration_seconds_count") == Some(f64::from(PARTITIONS))
    });

    // DuecoursePartitionUnheld: of two workers one is killed. The other holds what it held once its session is over.
    let other_at = free_address();
    let arguments = with(&other_at);
    let words = arguments.iter().map(String::as_str).chain(["--set", "kafka.instance_id=demo-1"]);
    let mut other = deployment.start("decide", &words.collect::<Vec<_>>());
    wait_for("each holds one", || {
        [&decide_at, &other_at].iter().all(|of| metric(of, "duecourse_partition_recovered{") == Some(1.0))
    });
    other.kill();
    wait_for("one holds both", || at("duecourse_partition_recovered{") == Some(f64::from(PARTITIONS)));

    // DuecoursePartitionStopped: bytes that are no facts record. The others go on; the process is not ready.
    put("facts", b"no facts record");
    wait_for("one partition stops", || at("duecourse_partition_stopped{") == Some(1.0));
    assert_eq!((get(&decide_at, "/livez").unwrap().0, get(&decide_at, "/readyz").unwrap().0), (200, 503));
    assert!(decide.log().contains("cannot be read"), "{}", decide.log());
    let seen = undecided(&deployment);
    assert!(seen >= 1, "status sees what is not decided");
}

fn undecided(deployment: &Deployment) -> u64 {
    let output = deployment.say("status", &["--json", "--set", "time=broker"]);
    sum(&serde_json::from_slice(&output.stdout).unwrap(), "partitions", "undecided_records")
}
