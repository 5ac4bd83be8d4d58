//! Rule sets released through the log while everything runs: signed, at one position in every facts
//! partition, exactly once whoever dies.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use duecourse::config::bundle::{Profile, embedded};
use duecourse::engine::SEMANTICS;
use duecourse::log::kafka::{AckedProducer, OutMessage, read_topic};
use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::events::Events;

const EVENTS: usize = 4_000;
const WITHIN_MAX: Duration = Duration::from_secs(90);

/// A registered key: its file, and its entry in the configuration.
pub fn keygen(folder: &Path) -> (PathBuf, String) {
    let file = folder.join("risk.key");
    let made = Command::new(env!("CARGO_BIN_EXE_duecourse"))
        .args(["rules", "keygen", "--id", "risk", "--out"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let entry =
        text(&made.stdout).trim().replace("2026-01-01", "2020-01-01").replace("2027-01-01", "2090-01-01");
    (file, entry)
}

fn bundle(folder: &Path, version: u64) -> String {
    bundle_of(folder, version, SEMANTICS)
}

/// The built-in rules at another version of the whole, for these engine semantics, in a file.
pub fn bundle_of(folder: &Path, version: u64, semantics: u32) -> String {
    let mut bundle: Value = serde_json::from_str(&embedded(Profile::Strict).unwrap()).unwrap();
    bundle["files"]["settings.toml"]["version"] = json!(version);
    bundle["files"]["settings.toml"]["semantics"] = json!(semantics);
    let path = folder.join(format!("bundle-{version}.json"));
    std::fs::write(&path, bundle.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
pub fn exits(output: &Output, code: i32, word: &str) {
    let all = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.code() == Some(code) && all.contains(word), "{:?}: {all}", output.status);
}

#[test]
fn rule_sets_are_released_signed_while_everything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (key, entry) = keygen(folder.path());
    let key = key.to_str().unwrap();
    let [first, second, third] = [101, 102, 103].map(|version| bundle(folder.path(), version));
    let events = Events::generated(folder.path(), EVENTS);
    let deployment = Deployment::prepare_signed(folder.path(), 2, &entry);
    let say = |arguments: &[&str]| deployment.say("rules", arguments);
    let mut intake = deployment.start("intake", &[]);
    let mut decide = deployment.start("decide", &[]);

    // Nothing is decided yet, so there is no time to go by.
    exits(&say(&["activate", "--bundle", &first, "--sign-key", key]), 2, "--at");
    let at = ["--at", "2025-01-01T00:00:00Z"];
    exits(&say(&["activate", "--bundle", &first, at[0], at[1]]), 3, "rules_unsigned");
    let signed = ["activate", "--bundle", &first, "--sign-key", key, "--assessment", "PIA-1", at[0], at[1]];
    exits(&say(&signed), 0, "rule set 101");
    exits(&say(&["status"]), 0, "only observes");
    exits(&say(&["go-live", "--reason", "a test"]), 0, "going live");

    let mut feed = deployment.feed(&events.path, Some(500));
    std::thread::sleep(Duration::from_secs(3));
    let signature = folder.path().join("bundle-102.sig");
    let signature = signature.to_str().unwrap();
    let sign = Command::new(env!("CARGO_BIN_EXE_duecourse"))
        .args([
            "rules",
            "sign",
            "--key",
            key,
            "--bundle",
            &second,
            "--institution",
            "demo-bank",
            "--out",
            signature,
        ])
        .output()
        .unwrap();
    assert!(sign.status.success(), "{}", text(&sign.stderr));
    exits(&say(&["activate", "--bundle", &third, "--signature", signature]), 3, "rules_signature_invalid");
    exits(&say(&["activate", "--bundle", &second, "--signature", signature]), 0, "rule set 102");
    assert!(feed.is_running(), "the release came while rows did");
    decide.kill();
    decide.restart();
    exits(&say(&["activate", "--bundle", &second, "--sign-key", key]), 0, "decides already");
    exits(&say(&["activate", "--bundle", &first, "--sign-key", key]), 3, "not above 102");
    slip_past(&deployment, &third);

    feed.finish(WITHIN_MAX);
    intake.terminate();
    decide.terminate();
    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);

    let status: Value = serde_json::from_slice(&say(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["agree"], true, "{status}");
    for partition in status["partitions"].as_array().unwrap() {
        assert_eq!(partition["version"], 102, "{status}");
        assert_eq!(partition["profile"], "strict", "{status}");
        assert!(partition["activated_offset"].as_u64().unwrap() > 1, "{status}");
        assert_eq!(partition["live_since"], "2025-01-01T00:00:00Z", "{status}");
    }
    let counts = deployment.verify();
    for nothing in ["lost", "doubled", "mismatched"] {
        assert_eq!(counts[nothing], 0, "{counts}");
    }
    // Two releases, going live, and what slipped past the command.
    assert_eq!(counts["covered"], EVENTS + 4, "{counts}");
    assert_eq!(seen_by(&counts), [(&json!(101), &json!([0, 1])), (&json!(102), &json!([0, 1]))]);
    assert_eq!(deciders(&deployment), [101, 102]);
    assert_eq!(reasons(&deployment), ["rules_unsigned"]);
}

/// Which rule sets `verify` saw, and in which partitions.
pub fn seen_by(counts: &Value) -> Vec<(&Value, &Value)> {
    let all = counts["rules"].as_array().unwrap().iter();
    all.map(|seen| (&seen["version"], &seen["partitions"])).collect()
}

/// Writes an activation without signature to the topic, as whoever may write there could.
fn slip_past(deployment: &Deployment, bundle: &str) {
    use sha2::{Digest, Sha256};
    let bundle = std::fs::read_to_string(bundle).unwrap();
    let sha256: String = Sha256::digest(&bundle).iter().map(|byte| format!("{byte:02x}")).collect();
    let event = json!({ "specversion": "1.0", "id": "slip", "source": "test", "type": "rule_set_activated",
        "time": "2025-01-01T00:00:00Z", "data": { "bundle": bundle, "sha256": sha256 } });
    let mut producer = AckedProducer::connect(&deployment.connection, "test", 0).unwrap();
    let (topic, value) = (deployment.topic("control"), event.to_string());
    let message = OutMessage {
        topic: &topic,
        partition: Some(0),
        value: Some(value.as_bytes()),
        ..OutMessage::default()
    };
    producer.send(message).unwrap();
    producer.flush(Duration::from_secs(30)).unwrap();
}

fn values(deployment: &Deployment, kind: &str) -> Vec<Value> {
    let mut values = Vec::new();
    read_topic(&deployment.connection, &deployment.topic(kind), &mut |record| {
        values.push(serde_json::from_slice(record.value.unwrap_or_default()).unwrap());
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    values
}

/// Versions that published dispositions and observations name, each once.
pub fn deciders(deployment: &Deployment) -> Vec<u64> {
    let all = ["dispositions", "shadow"].into_iter().flat_map(|kind| values(deployment, kind));
    let mut versions: Vec<u64> = all.map(|value| value["data"]["rules_version"].as_u64().unwrap()).collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

/// Reasons of intake's dead letters, each once: one may be sent again after a crash.
pub fn reasons(deployment: &Deployment) -> Vec<String> {
    let letters = values(deployment, "dead_letters");
    let mut reasons: Vec<String> =
        letters.iter().map(|letter| letter["reason"].as_str().unwrap().to_owned()).collect();
    reasons.dedup();
    reasons
}
