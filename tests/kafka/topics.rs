//! Topics that brokers do not know: not yet, or not at all.

use std::time::Duration;

use crate::deployment::Deployment;

const DONE_WITHIN_MAX: Duration = Duration::from_secs(60);

#[test]
fn a_topic_that_brokers_know_only_in_a_moment_is_waited_for_and_one_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::prepare(folder.path(), 1);
    for (command, setting) in [("intake", "topics.dead_letters.name"), ("decide", "topics.measures.name")] {
        let later = format!("later-for-{command}");
        let name = format!("{setting}={}", deployment.topic(&later));
        let another = ["--set", &name];
        let until_end = [&["--until-end"], &another[..]].concat();

        let mut process = deployment.start(command, &until_end);
        process.ends_well(DONE_WITHIN_MAX);
        assert!(!process.is_done());
        let log = process.log();
        assert!(
            log.contains(&format!("{later}` does not exist; `duecourse topics create` makes it")),
            "{log}"
        );

        let mut process = deployment.start(command, &until_end);
        std::thread::sleep(Duration::from_secs(1));
        let created = deployment.say("topics", &[&["create"], &another[..]].concat());
        assert!(created.status.success(), "{created:?}");
        process.finish(DONE_WITHIN_MAX);
    }
}
