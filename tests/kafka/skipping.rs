//! A source whose retention overtakes intake (DESIGN D8): nothing goes on by itself, and everything does once
//! somebody has put on record what is lost.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use duecourse::log::kafka::topic_spans;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;

use crate::deployment::Deployment;
use crate::events::{Events, Shape};

const WITHIN_MAX: Duration = Duration::from_secs(90);
const FIRST: usize = 3_000;
const MORE: usize = 3_000;

/// As retention does it: what lies before an offset is gone.
fn delete_before(deployment: &Deployment, partition: i32, offset: i64) {
    let client: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &deployment.connection.bootstrap_servers)
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&deployment.topic("events"), partition, Offset::Offset(offset)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let deleted = runtime.block_on(client.delete_records(&list, &AdminOptions::new())).unwrap();
    assert_eq!(deleted.elements()[0].offset(), Offset::Offset(offset));
}

fn rows(deployment: &Deployment, folder: &Path, name: &'static str, count: usize) {
    let events = Events::shaped(folder, Shape { name, count, ..Shape::PLAIN });
    deployment.feed(&events.path, None).finish(WITHIN_MAX);
}

fn exits(output: &Output, code: i32, word: &str) -> String {
    let all = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(code) && all.contains(word), "{:?}: {all}", output.status);
    all
}

fn spans(deployment: &Deployment) -> Vec<(i64, i64)> {
    topic_spans(&deployment.connection, &deployment.topic("events")).unwrap()
}

#[test]
fn what_retention_took_is_skipped_on_record_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let deployment =
        Deployment::made(folder.path(), 2, |text, _| text.replace("time = \"event\"", "time = \"broker\""));
    rows(&deployment, folder.path(), "A", FIRST);
    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);
    let covered = spans(&deployment);
    rows(&deployment, folder.path(), "B", MORE);

    // Of partition 0 forty records go that nobody has read, and before them all that was read.
    let (end, low) = (covered[0].1, covered[0].1 + 40);
    assert!(spans(&deployment)[0].1 > low + 100, "there is more behind what is lost");
    delete_before(&deployment, 0, low);
    let skip = |to: i64, reason: &str| {
        let to = to.to_string();
        let arguments = ["skip", "--source", "events", "--partition", "0", "--to", &to, "--reason", reason];
        deployment.say("sources", &arguments)
    };
    let stopped = exits(&deployment.say("intake", &["--until-end"]), 3, "retention overtook the intake");
    let command = format!("duecourse sources skip --config FILE --source events --partition 0 --to {low}");
    assert!(stopped.contains(&command), "{stopped}");
    let status: Value = serde_json::from_slice(&deployment.say("status", &["--json"]).stdout).unwrap();
    assert!(status.to_string().contains("40"), "{status}");

    let reason = "retention of an hour, intake away for two";
    exits(&skip(low + 1, reason), 2, "is still there");
    exits(&skip(low, "card 4111 1111 1111 1111"), 2, "looks like");
    exits(&skip(low, " "), 2, "reason");
    exits(&skip(end, reason), 2, "nothing is lost");
    exits(&deployment.say("intake", &["--until-end"]), 3, "retention overtook the intake");

    let mut decide = deployment.start("decide", &[]);
    let told = exits(&skip(low, reason), 0, "are skipped");
    let lost = format!("facts partition 1: offsets {end} to {} are skipped", low - 1);
    assert!(told.contains(&lost) && !told.contains("note"), "{told}");
    exits(&skip(low, reason), 2, "nothing is lost");
    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    decide.terminate();
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);

    let counts = deployment.verify();
    for nothing in ["lost", "doubled", "mismatched"] {
        assert_eq!(counts[nothing], 0, "{counts}");
    }
    assert_eq!(counts["skipped"], 40, "{counts}");
    assert_eq!(counts["unrecounted"], end, "{counts}");
    let left: i64 = spans(&deployment).iter().map(|(first, end)| end - first).sum();
    assert_eq!((counts["inputs"].as_i64(), counts["covered"].as_i64()), (Some(left), Some(left)), "{counts}");
}

/// Under `time = "event"` nobody knows when what was lost had happened.
#[test]
fn a_back_fill_that_lost_records_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::made(folder.path(), 1, |text, _| text);
    let arguments =
        ["skip", "--source", "events", "--partition", "0", "--to", "1", "--reason", "they are gone"];
    exits(&deployment.say("sources", &arguments), 3, "begin the back-fill anew");
}
