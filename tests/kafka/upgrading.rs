//! A rolling upgrade under load (DESIGN D13): workers of two engine semantics in one group, and the switch as a fact
//! at one position in every facts partition. The earlier worker is ours with `rules.semantics_max` lowered: it takes
//! no rule set that asks for more, and neither reads nor writes snapshots of later semantics.

use std::time::{Duration, Instant};

use duecourse::engine::SEMANTICS;
use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::events::Events;
use crate::releasing::{bundle_of, deciders, exits, keygen, reasons, seen_by, text};

const EVENTS: usize = 9_000;
const RATE: u32 = 250;
const PARTITIONS: u32 = 4;
const WITHIN_MAX: Duration = Duration::from_secs(120);
const EARLIER: u32 = SEMANTICS - 1;

/// One entry for each facts partition.
fn status(deployment: &Deployment) -> Vec<Value> {
    let output = deployment.say("rules", &["status", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    told["partitions"].as_array().unwrap().clone()
}

/// Looks at the partitions until they are so.
#[track_caller]
fn await_status(deployment: &Deployment, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + WITHIN_MAX;
    loop {
        let status = status(deployment);
        if is_so(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "not within {WITHIN_MAX:?}: {what}; {status:?}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn of_speakers(status: &[Value], speaks: u32) -> impl Iterator<Item = &Value> {
    status.iter().filter(move |one| one["speaks"] == speaks)
}

#[test]
fn workers_of_two_engine_semantics_decide_the_same_before_and_after_the_switch() {
    let folder = tempfile::tempdir().unwrap();
    let (key, entry) = keygen(folder.path());
    let key = key.to_str().unwrap();
    let before = bundle_of(folder.path(), 101, EARLIER);
    let after = bundle_of(folder.path(), 102, SEMANTICS);
    let events = Events::generated(folder.path(), EVENTS);
    let deployment = Deployment::prepare_signed(folder.path(), PARTITIONS, &entry);
    let say = |arguments: &[&str]| deployment.say("rules", arguments);
    let cap = format!("rules.semantics_max={EARLIER}");
    let mut intake = deployment.start("intake", &[]);
    let mut earlier =
        deployment.start("decide", &["--set", "kafka.instance_id=decide-0", "--set", cap.as_str()]);
    let mut later = deployment.start("decide", &["--set", "kafka.instance_id=decide-1"]);
    let first = ["activate", "--bundle", &before, "--sign-key", key, "--at", "2025-01-01T00:00:00Z"];
    exits(&say(&first), 0, "rule set 101");
    exits(&say(&["go-live", "--reason", "a test"]), 0, "going live");

    let mut feed = deployment.feed(&events.path, Some(RATE));
    let is_shared = |status: &[Value]| {
        [EARLIER, SEMANTICS].iter().all(|speaks| of_speakers(status, *speaks).count() == 2)
            && status.iter().all(|one| one["next_offset"].as_u64() > Some(20))
    };
    await_status(&deployment, "both workers decide", is_shared);
    let release = ["activate", "--bundle", &after, "--sign-key", key];
    exits(&say(&release), 3, "do not speak");
    assert!(status(&deployment).iter().all(|one| one["version"] == 101), "what was refused was not written");

    // Too early, and on purpose: who does not speak it stops before it, who does goes on past it.
    exits(&say(&[release.as_slice(), &["--before-all-workers", "--wait", "0"]].concat()), 0, "written");
    let split = await_status(&deployment, "the later worker's partitions have switched", |status| {
        of_speakers(status, SEMANTICS).count() == 2
            && of_speakers(status, SEMANTICS).all(|one| one["version"] == 102)
    });
    assert!(feed.is_running(), "the switch came while rows did");
    assert!(of_speakers(&split, EARLIER).all(|one| one["version"] == 101), "{split:?}");
    std::thread::sleep(Duration::from_secs(2));
    let stands = |status: &[Value]| -> Vec<Value> {
        of_speakers(status, EARLIER).map(|one| one["next_offset"].clone()).collect()
    };
    let (then, now) = (stands(&status(&deployment)), {
        std::thread::sleep(Duration::from_secs(2));
        stands(&status(&deployment))
    });
    assert_eq!((then.len(), &then), (2, &now), "the earlier worker's partitions stand before the switch");
    assert!(earlier.is_running(), "it says so and keeps what else it holds");

    // The upgrade of the last worker: killed, and another program under its name.
    earlier.kill();
    let mut upgraded = deployment.start("decide", &["--set", "kafka.instance_id=decide-0"]);
    await_status(&deployment, "all have switched", |status| {
        status.iter().all(|one| one["version"] == 102 && one["speaks"] == SEMANTICS)
    });
    feed.finish(WITHIN_MAX);
    intake.terminate();
    later.terminate();
    upgraded.terminate();
    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);

    let counts = deployment.verify();
    for nothing in ["lost", "doubled", "mismatched"] {
        assert_eq!(counts[nothing], 0, "{counts}");
    }
    // Two releases and going live.
    assert_eq!(counts["covered"], EVENTS + 3, "{counts}");
    assert!(counts["dispositions"].as_u64() > Some(50), "{counts}");
    let all = json!((0..PARTITIONS).collect::<Vec<_>>());
    assert_eq!(seen_by(&counts), [(&json!(101), &all), (&json!(102), &all)]);
    assert_eq!(deciders(&deployment), [101, 102]);
    assert_eq!(reasons(&deployment), [""; 0]);
    println!("{EVENTS} rows, {} dispositions, the switch at {:?}", counts["dispositions"], {
        status(&deployment).iter().map(|one| one["activated_offset"].clone()).collect::<Vec<_>>()
    });
}
