//! As banks run Kafka: TLS, credentials by secret file, SCRAM or signed tokens, ACLs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::deployment::Deployment;
use crate::events::Events;
use crate::serving::wait_for;
use crate::tools::kafka_tool;

const EVENTS: usize = 500;
const WITHIN_MAX: Duration = Duration::from_secs(60);

/// The folder in which scripts/with-kafka has put keys, passwords and tokens.
fn secrets() -> PathBuf {
    Path::new(&std::env::var("DUECOURSE_KAFKA_BROKER").unwrap()).join("tls")
}

fn scram(user: &str) -> String {
    let secrets = secrets();
    format!(
        r#"
[kafka.properties]
"security.protocol" = "sasl_ssl"
"ssl.ca.location" = "{ca}"
"sasl.mechanism" = "SCRAM-SHA-512"
"sasl.username" = "{user}"

[kafka.property_files]
"sasl.password" = "{password}"
"#,
        ca = secrets.join("ca.crt").display(),
        password = secrets.join(format!("{user}.password")).display(),
    )
}

/// The whole way, every client of it: topics, feed, intake, decide, verify.
fn decides(folder: &Path, deployment: &Deployment) {
    feed(folder, deployment);
    take_in_and_decide(deployment);
    assert_all_decided(deployment);
}

fn feed(folder: &Path, deployment: &Deployment) {
    let events = Events::generated(folder, EVENTS);
    deployment.feed(&events.path, None).finish(WITHIN_MAX);
}

fn take_in_and_decide(deployment: &Deployment) {
    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);
}

fn assert_all_decided(deployment: &Deployment) {
    let counts = deployment.verify();
    assert_eq!(counts["covered"], EVENTS, "{counts}");
    for nothing in ["lost", "doubled", "mismatched"] {
        assert_eq!(counts[nothing], 0, "{counts}");
    }
}

#[test]
fn scram_over_tls_with_the_password_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::prepare_secured(folder.path(), 1, &scram("duecourse"));
    decides(folder.path(), &deployment);
}

#[test]
fn oauthbearer_over_tls_with_the_token_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let properties = format!(
        "\n[kafka.properties]\n\"security.protocol\" = \"sasl_ssl\"\n\"ssl.ca.location\" = \"{}\"\n",
        secrets().join("ca.crt").display()
    );
    let token = secrets().join("duecourse.token");
    let deployment = Deployment::prepare_with_token(folder.path(), 1, &properties, &token);
    decides(folder.path(), &deployment);
}

/// A token that ends soon, put in place of the one before at once, as Kubernetes does it.
fn put_token(path: &Path, life_s: u32) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka/broker/token");
    let output =
        Command::new(script).arg(secrets()).args(["duecourse", &life_s.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let next = path.with_extension("next");
    std::fs::write(&next, &output.stdout).unwrap();
    std::fs::rename(&next, path).unwrap();
}

#[test]
fn a_token_is_read_again_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    put_token(&token, 3_600);
    let properties = format!(
        "\n[kafka.properties]\n\"security.protocol\" = \"sasl_ssl\"\n\"ssl.ca.location\" = \"{}\"\n",
        secrets().join("ca.crt").display()
    );
    let deployment = Deployment::prepare_with_token(folder.path(), 1, &properties, &token);
    put_token(&token, 15);
    let decide = deployment.start_logging("decide", "duecourse=debug");
    std::thread::sleep(Duration::from_secs(3));
    put_token(&token, 3_600);
    // Its clients ask again at four fifths of the first token's life.
    wait_for("every client of decide reads the new token", || {
        decide.log().matches("a new token was read").count() >= 2
    });
    assert!(!decide.log().contains("no new token"), "{}", decide.log());
}

#[test]
fn what_doctor_would_have_allowed_is_enough_for_everything() {
    let folder = tempfile::tempdir().unwrap();
    // An administrator makes the topics, the bank writes its events; who runs the processes may do nothing yet.
    let deployment = Deployment::prepare_secured(folder.path(), 1, &scram("duecourse"));
    assert_eq!(findings(&deployment, 0), Vec::<Value>::new());
    feed(folder.path(), &deployment);
    let administrator = std::fs::read_to_string(deployment.config()).unwrap();
    let outsider = administrator
        .replace("\"duecourse\"", "\"outsider\"")
        .replace("duecourse.password", "outsider.password");
    std::fs::write(deployment.config(), outsider).unwrap();
    let refused = deployment.say("status", &[]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{why}");
    assert!(why.contains("duecourse doctor") && !why.contains("does not exist"), "{why}");

    // What may not be described at first is asked about again once it may be.
    for _ in 0..3 {
        let mends = mends(&findings_of(&deployment));
        if mends.is_empty() {
            break;
        }
        for mend in mends {
            kafka_tool(&as_administrator(&mend));
        }
    }
    assert_eq!(mends(&findings(&deployment, 0)), Vec::<String>::new());
    take_in_and_decide(&deployment);
    let status = deployment.say("status", &[]);
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let rules = deployment.say("rules", &["status"]);
    assert!(rules.status.success(), "{}", String::from_utf8_lossy(&rules.stderr));

    // Outputs are read by others than write them.
    std::fs::write(deployment.config(), administrator).unwrap();
    assert_all_decided(&deployment);
}

/// A mend as an administrator types it: at the listener that lets everybody do all, for the user who lacks it.
fn as_administrator(mend: &str) -> String {
    let secure = std::env::var("DUECOURSE_KAFKA_SECURE").unwrap();
    let plain = std::env::var("DUECOURSE_KAFKA").unwrap();
    mend.replace(&secure, &plain).replace("User:NAME", "User:outsider")
}

/// Findings, after `doctor` has ended with this code.
fn findings(deployment: &Deployment, code: i32) -> Vec<Value> {
    let output = deployment.say("doctor", &["--json"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{said} {}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_str(&said).unwrap();
    told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["level"] == "error")
        .cloned()
        .collect()
}

fn findings_of(deployment: &Deployment) -> Vec<Value> {
    let output = deployment.say("doctor", &["--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["findings"].as_array().unwrap().clone()
}

/// The mends of what is not allowed.
fn mends(findings: &[Value]) -> Vec<String> {
    let not_allowed = findings.iter().filter(|finding| finding["check"] == "acl");
    not_allowed.map(|finding| finding["mend"].as_str().unwrap().to_owned()).collect()
}
