//! A deployment goes on under the key of the next generation: nothing is lost, nothing published twice, what people
//! hold stays good, and nobody can begin with a generation that is not whole.

mod unchanged;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use duecourse::codec::keys::names::Names;
use duecourse::codec::keys::{KeyFile, Keys};
use duecourse::codec::output::Topic;
use duecourse::engine::base::{Fingerprint, Token};
use duecourse::engine::disposition::{AppealRef, DispositionId};
use duecourse::engine::subject::SubjectKind;
use duecourse::log::kafka::{AckedProducer, OutMessage, group_members, read_latest, read_topic, topic_spans};
use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::events::{Events, Shape};
use crate::releasing::{exits, text};
use unchanged::{Unchanged, facts_of, logs_of, reports_in};

const WITHIN_MAX: Duration = Duration::from_secs(180);
/// 2025-01-01T00:00:00Z, and four days later: after the last row before.
const START_MS: u64 = Shape::PLAIN.start_ms;
const LATER_MS: u64 = START_MS + 4 * 86_400_000;
/// Facts partitions, and as many of each source.
const PARTITIONS: u32 = 3;
const KEYS: (&str, &str) = ("g1.key", "g2.key");
/// The topics that must be others.
const OWN: [&str; 3] = ["facts", "decided", "measures"];

/// Fields that depend on the key and are said nowhere else: ids of what sets nothing, and digests.
const NOT_SAID: [&str; 4] = ["id", "notice", "disposition", "digest"];

/// The keys of two generations for so many facts partitions, in a folder.
fn make_keys(folder: &Path, partitions: u32) {
    let made = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_duecourse"))
            .current_dir(folder)
            .arg("keys")
            .args(arguments)
            .output()
            .unwrap();
        exits(&output, 0, "generation");
    };
    made(&["new", "--partitions", &partitions.to_string(), "--out", KEYS.0]);
    made(&["next", "--key", KEYS.0, "--out", KEYS.1]);
}

fn keys(folder: &Path, name: &str) -> Arc<Keys> {
    Arc::new(Keys::from_provider(&KeyFile(&folder.join(name))).unwrap())
}

/// With a key of a first generation, and a source for what people say.
fn prepare(folder: &Path, partitions: u32) -> Deployment {
    Deployment::made(folder, partitions, |text, prefix| {
        let further = format!(
            "\n[[sources]]\nname = \"cases\"\ntopic = \"{prefix}.cases\"\nmapping = \"native\"\ngeneration = 1\n\n\
             [keys]\nfile = \"{}\"\n",
            KEYS.0
        );
        // Members that were stopped are waited for, for as long as a session lasts.
        text.replace("[kafka]\n", "[kafka]\nsession_timeout_ms = 6_000\n") + &further
    })
}

fn rekey(old: &Deployment, next: &Deployment, more: &[&str]) -> Output {
    old.say("rekey", &[&["--new-config", next.config().to_str().unwrap()], more].concat())
}

/// Intake and decide, to the end of what is there.
fn work(deployment: &Deployment) {
    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);
}

fn feed(deployment: &Deployment, events: &Events) {
    deployment.feed(&events.path, None).finish(WITHIN_MAX);
}

fn generated(folder: &Path, name: &'static str, count: usize, start_ms: u64) -> Events {
    let seed = u64::from(name.as_bytes()[0]);
    Events::shaped(folder, Shape { name, count, start_ms, seed, garbage_percent: 2, ..Shape::PLAIN })
}

/// The values of a topic, by partition.
fn values(deployment: &Deployment, topic: &str) -> Vec<Value> {
    let mut values = Vec::new();
    read_topic(&deployment.connection, topic, &mut |record| {
        values.push(serde_json::from_slice(record.value.unwrap_or_default()).unwrap());
        ControlFlow::Continue(())
    })
    .unwrap();
    values
}

/// In one order, whichever partitions they stand in.
fn sorted(values: impl IntoIterator<Item = Value>) -> Vec<String> {
    let mut all: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    all.sort();
    all
}

/// What of `all` is not in `some`, which is part of it.
fn rest_of(all: &[Value], some: &[Value]) -> Vec<Value> {
    let mut rest = all.to_vec();
    for one in some {
        let place = rest.iter().position(|other| other == one);
        rest.swap_remove(place.unwrap_or_else(|| panic!("nobody else would have published {one}")));
    }
    rest
}

/// An output of the old generation as the new one says it, without `NOT_SAID`.
fn said(value: &Value, old: &Keys, new: &Keys) -> Value {
    let hexadecimal =
        |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !NOT_SAID.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), said(value, old, new))).collect())
        }
        Value::Array(values) => values.iter().map(|value| said(value, old, new)).collect(),
        Value::String(text) if hexadecimal(text, 32) => {
            let number = u128::from_str_radix(text, 16).unwrap();
            let measure = new.names().measures.get(&DispositionId(number)).map(|now| now.0);
            json!(format!("{:032x}", measure.unwrap_or_else(|| old.token_in(Token(number), new).0)))
        }
        Value::String(text) if hexadecimal(text, 16) => {
            let number = u64::from_str_radix(text, 16).unwrap();
            json!(format!("{:016x}", old.fingerprint_in(Fingerprint(number), new).0))
        }
        Value::String(text) => {
            let mut said = text.clone();
            for (then, now) in &new.names().appeals {
                let then = AppealRef::from_bits(*then).to_string();
                if said.contains(&then) {
                    said = said.replace(&then, &now.to_string());
                }
            }
            json!(said)
        }
        other => other.clone(),
    }
}

/// The same, of the new generation itself.
fn left_out(value: &Value) -> Value {
    let nobody = Keys::development();
    said(value, &nobody, &nobody)
}

/// Somebody is decided for, by the reference of the first notice that went out.
fn overturn(deployment: &Deployment, notice: &Value, at: &str) {
    let party = &notice["data"]["party"];
    let reference = party["ref"].as_str().unwrap();
    let event = json!({
        "specversion": "1.0", "id": "APPEAL-1", "source": "/desk", "type": "appeal_decided", "time": at,
        "data": {
            "party": {
                "institution": "demo-bank", "holder": reference, "ref": reference, "kind": party["kind"],
            },
            "appeal_ref": notice["data"]["appeal_reference"], "outcome": "overturned", "decider": "staff-7",
        },
    });
    let mut producer = AckedProducer::connect(&deployment.connection, "desk", 0).unwrap();
    let value = event.to_string();
    let topic = deployment.topic("cases");
    producer
        .send(OutMessage {
            topic: &topic,
            partition: Some(0),
            value: Some(value.as_bytes()),
            ..OutMessage::default()
        })
        .unwrap();
    producer.flush(Duration::from_secs(30)).unwrap();
}

fn clean(deployment: &Deployment, inputs: usize) -> Value {
    let counts = deployment.verify();
    for nothing in ["lost", "doubled", "mismatched"] {
        assert_eq!(counts[nothing], 0, "{counts}");
    }
    assert_eq!(counts["covered"], inputs, "{counts}");
    counts
}

#[test]
fn under_the_next_key_it_goes_on_as_if_the_key_had_never_changed() {
    const BEFORE: usize = 4_000;
    const AFTER: usize = 2_000;
    const PUBLISHED: [(&str, Topic); 2] =
        [("dispositions", Topic::Dispositions), ("notices", Topic::Notices)];
    let folder = tempfile::tempdir().unwrap();
    make_keys(folder.path(), PARTITIONS);
    let before = generated(folder.path(), "E", BEFORE, START_MS);
    let after = generated(folder.path(), "F", AFTER, LATER_MS);
    let deployed = |name: &str| {
        let own = folder.path().join(name);
        std::fs::create_dir(&own).unwrap();
        for key in [KEYS.0, KEYS.1] {
            std::fs::copy(folder.path().join(key), own.join(key)).unwrap();
        }
        let deployment = prepare(&own, PARTITIONS);
        feed(&deployment, &before);
        deployment
    };
    let changes = deployed("changes");
    work(&changes);
    let next = changes.next_generation(KEYS, &OWN);
    let published = |kind: &str| values(&changes, &changes.topic(kind));
    let published_before = PUBLISHED.map(|(kind, _)| published(kind));
    assert!(published_before[0].len() > 10, "{}", published_before[0].len());
    exits(&rekey(&changes, &next, &[]), 0, "in 3 partitions");
    for ((kind, _), before) in PUBLISHED.iter().zip(&published_before) {
        assert_eq!(published(kind).len(), before.len(), "what was decided is not published again");
    }

    // Somebody who holds a notice of before is decided for, and things go on.
    let notice = published_before[1][0].clone();
    overturn(&changes, &notice, "2025-01-04T00:00:00Z");
    work(&next);
    feed(&changes, &after);
    work(&next);
    let counts = clean(&next, BEFORE + AFTER + 1);

    // Its facts and what they lead to, under the key that it had before.
    let [then, now] = [KEYS.0, KEYS.1].map(|name| keys(changes.folder(), name));
    let new_logs = logs_of(&changes, &format!("{}-2", changes.topic("facts")));
    let (unchanged, names_back) = Unchanged::of(&new_logs, &then, &now);
    let reports: Vec<usize> = unchanged.logs.iter().map(|log| reports_in(log)).collect();
    assert!(reports.iter().all(|count| *count > 0), "each partition hears of the others: {reports:?}");
    for (of_all, of_first) in unchanged.logs.iter().zip(logs_of(&changes, &changes.topic("facts"))) {
        assert!(!of_first.is_empty() && of_first.len() < of_all.len());
        assert!(of_all.starts_with(&of_first), "the same bytes as before the change");
    }
    let names = Names {
        appeals: names_back
            .appeals
            .iter()
            .map(|(now, then)| (then.number(), AppealRef::from_bits(*now)))
            .collect(),
        measures: names_back.measures.iter().map(|(now, then)| (*then, *now)).collect(),
        ..Names::default()
    };
    for (then, is_now) in &now.names().appeals {
        assert_eq!(names.appeals.get(then), Some(is_now), "what intake takes a reference for");
    }
    let now = Arc::new(Keys::clone(&now).knowing(names));
    for ((kind, topic), before) in PUBLISHED.iter().zip(&published_before) {
        let expected = rest_of(unchanged.of_topic(*topic), before);
        let found = rest_of(&published(kind), before);
        assert!(expected.len() > 5, "{kind}: {}", expected.len());
        let expected = sorted(expected.iter().map(|value| said(value, &then, &now)));
        assert_eq!(sorted(found.iter().map(left_out)), expected, "{kind}");
    }
    let lifted = published("dispositions");
    assert!(
        lifted.iter().any(|one| one["data"]["cause"] == "overturned"),
        "the old reference was understood"
    );
    let in_force = read_latest(&next.connection, &format!("{}-2", next.topic("measures"))).unwrap();
    let in_force = in_force.values().map(|value| left_out(&serde_json::from_slice(value).unwrap()));
    assert!(!unchanged.in_force.is_empty());
    assert_eq!(sorted(in_force), sorted(unchanged.in_force.values().map(|value| said(value, &then, &now))));

    // And the facts are those that an intake makes that never changed its key.
    let stays = deployed("stays");
    overturn(&stays, &notice, "2025-01-04T00:00:00Z");
    feed(&stays, &after);
    stays.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    let facts_of_all = |logs: &[Vec<Vec<u8>>]| logs.iter().map(|log| facts_of(log)).collect::<Vec<_>>();
    let stayed = facts_of_all(&logs_of(&stays, &stays.topic("facts")));
    assert!(stayed.iter().all(|facts| facts.len() > 500));
    assert!(facts_of_all(&unchanged.logs) == stayed, "facts differ");
    println!("{counts}, reports {reports:?}");
}

#[test]
fn killed_half_way_it_goes_on_and_nobody_begins_before_it_is_whole() {
    const EVENTS: usize = 20_000;
    const FURTHER: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    make_keys(folder.path(), PARTITIONS);
    let events = generated(folder.path(), "E", EVENTS, START_MS);
    let deployment = prepare(folder.path(), PARTITIONS);
    let next = deployment.next_generation(KEYS, &OWN);
    feed(&deployment, &events);
    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    exits(&rekey(&deployment, &next, &[]), 2, "decide --until-end");
    // With another number of facts partitions than its key is for, nothing is begun.
    let other = ["--set", "kafka.facts_partitions=2"];
    exits(&deployment.say("intake", &other), 3, "made for facts partitions: 3");
    exits(&rekey(&deployment, &next, &other), 3, "made for facts partitions: 3");
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);
    let mut decide = deployment.start("decide", &[]);
    let group = format!("{}.decide", deployment.topic("x").trim_end_matches(".x"));
    while group_members(&deployment.connection, &group).unwrap() == 0 {
        assert!(decide.is_running(), "{}", decide.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    exits(&rekey(&deployment, &next, &[]), 2, "processes are at work");
    decide.terminate();

    let new_facts = format!("{}-2", deployment.topic("facts"));
    let written = || {
        let spans = topic_spans(&deployment.connection, &new_facts).unwrap_or_default();
        spans.iter().map(|(_, end)| *end).sum::<i64>()
    };
    let mut running = deployment.start("rekey", &["--new-config", next.config().to_str().unwrap()]);
    let deadline = Instant::now() + WITHIN_MAX;
    while written() < 5 {
        assert!(running.is_running() && Instant::now() < deadline, "{}", running.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(running.is_running(), "{}", running.log());
    running.kill();
    let half = written();
    exits(&next.say("intake", &["--until-end"]), 3, "not whole");
    exits(&next.say("decide", &["--until-end"]), 3, "has not finished these facts");
    exits(&next.say("verify", &[]), 4, "not whole");
    let published = values(&deployment, &deployment.topic("dispositions")).len();

    exits(&rekey(&deployment, &next, &[]), 0, "generation 2 has");
    assert!(written() > half, "{half}");
    exits(&rekey(&deployment, &next, &[]), 2, "is closed");
    exits(&deployment.say("intake", &["--until-end"]), 3, "goes on in topic");
    // There and back.
    exits(&rekey(&deployment, &next, &["--back"]), 0, "is open again");
    exits(&next.say("intake", &["--until-end"]), 3, "not whole");
    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);
    exits(&rekey(&deployment, &next, &[]), 0, "generation 2 has");
    work(&next);
    assert_eq!(values(&deployment, &deployment.topic("dispositions")).len(), published);
    feed(&next, &generated(folder.path(), "F", FURTHER, LATER_MS + 4 * 86_400_000));
    work(&next);
    exits(&rekey(&deployment, &next, &["--back"]), 2, "facts were written to");
    clean(&next, EVENTS + FURTHER);
}

#[test]
fn old_tokens_are_nowhere_in_the_new_facts_and_their_key_can_go() {
    const EVENTS: usize = 2_000;
    let folder = tempfile::tempdir().unwrap();
    make_keys(folder.path(), 1);
    let deployment = prepare(folder.path(), 1);
    let next = deployment.next_generation(KEYS, &OWN);
    feed(&deployment, &generated(folder.path(), "E", EVENTS, START_MS));
    work(&deployment);
    let partitioned = rekey(&deployment, &next, &["--set", "kafka.facts_partitions=2"]);
    exits(&partitioned, 3, "no next generation can be made of these facts");
    exits(&rekey(&deployment, &next, &[]), 0, "generation 2 has");

    let [then, now] = [KEYS.0, KEYS.1].map(|name| keys(folder.path(), name));
    let mut bytes = Vec::new();
    let topic = format!("{}-2", deployment.topic("facts"));
    read_topic(&deployment.connection, &topic, &mut |record| {
        bytes.extend_from_slice(record.value.unwrap_or_default());
        ControlFlow::Continue(())
    })
    .unwrap();
    let has = |token: Token| bytes.windows(16).any(|window| window == token.0.to_le_bytes());
    let accounts: Vec<String> = (0..40).map(|number| format!("G{number:05}")).collect();
    let of = |keys: &Keys| accounts.iter().filter(|id| has(keys.token(SubjectKind::Account, id))).count();
    assert_eq!(of(&then), 0, "old tokens are nowhere");
    assert!(of(&now) > 20, "{}", of(&now));
    let destroyed = Command::new(env!("CARGO_BIN_EXE_duecourse"))
        .current_dir(folder.path())
        .args(["keys", "destroy", "--key", KEYS.0, "--next", KEYS.1])
        .output()
        .unwrap();
    exits(&destroyed, 0, "destroyed");
    let gone = deployment.say("verify", &[]);
    exits(&gone, 3, "destroyed");
    assert!(!text(&gone.stderr).contains("root"), "{}", text(&gone.stderr));
    clean(&next, EVENTS);
}
