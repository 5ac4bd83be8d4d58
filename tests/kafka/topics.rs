//! Topics that brokers do not know: not yet, or not at all.

use std::time::Duration;

use crate::deployment::Deployment;

const DONE_WITHIN_MAX: Duration = Duration::from_secs(60);

#[test]
fn a_topic_that_brokers_know_only_in_a_moment_is_waited_for_and_one_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::prepare(folder.path(), 1);
    let name = format!("topics.measures.name={}", deployment.topic("later"));
    let another = ["--set", &name];

    let mut decide = deployment.start("decide", &[&["--until-end"], &another[..]].concat());
    decide.ends_well(DONE_WITHIN_MAX);
    assert!(!decide.is_done());
    let log = decide.log();
    assert!(log.contains("later` does not exist; `duecourse topics create` makes it"), "{log}");

    let mut decide = deployment.start("decide", &[&["--until-end"], &another[..]].concat());
    std::thread::sleep(Duration::from_secs(1));
    let created = deployment.say("topics", &[&["create"], &another[..]].concat());
    assert!(created.status.success(), "{created:?}");
    decide.finish(DONE_WITHIN_MAX);
}
