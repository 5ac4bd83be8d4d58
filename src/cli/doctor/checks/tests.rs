//! A cluster that is well has no finding; each thing put wrong has its own, with its mend.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const ALL: [Operation; 4] =
    [Operation::Read, Operation::Write, Operation::Describe, Operation::DescribeConfigs];

fn config() -> Config {
    let mut config = Config::load(None, &["time=broker".to_owned()]).unwrap();
    config.sources.push(crate::config::Source {
        name: "payments".to_owned(),
        topic: "bank.payments".to_owned(),
        mapping: "native".to_owned(),
        generation: 1,
        jurisdiction: "mainland".to_owned(),
        assessment: String::new(),
    });
    config
}

/// A cluster of three brokers on which everything is as it should be.
fn well(config: &Config) -> Seen {
    let facts_ms = config.facts_retention_ms().unwrap().to_string();
    let mut topics = BTreeMap::new();
    let mut on_topics = Allowed::new();
    for need in topics::needs(config) {
        let kept_ms = need.kept.map_or(facts_ms.clone(), |(_, kept_ms)| kept_ms.to_string());
        let settings = [
            ("cleanup.policy", need.cleanup.policy()),
            ("message.timestamp.type", "LogAppendTime"),
            ("min.insync.replicas", "2"),
            ("retention.ms", &kept_ms),
            ("retention.bytes", "-1"),
            ("max.compaction.lag.ms", "86400000"),
            ("max.message.bytes", "1048588"),
            ("unclean.leader.election.enable", "false"),
        ];
        let config = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let state = TopicState { partitions: need.partitions, copies: 3, copies_in_sync: 3, config };
        topics.insert(need.name.clone(), Ok(Some(state)));
        on_topics.insert(need.name, Ok(BTreeSet::from(ALL)));
    }
    let groups = topics::groups(config);
    let broker = [
        ("transaction.max.timeout.ms", "900000"),
        ("group.min.session.timeout.ms", "6000"),
        ("group.max.session.timeout.ms", "1800000"),
        ("offsets.topic.replication.factor", "3"),
        ("transaction.state.log.replication.factor", "3"),
        ("transaction.state.log.min.isr", "2"),
        ("offsets.retention.minutes", "10080"),
    ];
    let broker = broker.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Seen {
        topics,
        broker: Ok((broker, 3)),
        on_topics,
        on_groups: groups.into_iter().map(|group| (group, Ok(BTreeSet::from(ALL)))).collect(),
        transactions: Ok(()),
        snapshot_age_ms: Ok(Some(60_000)),
    }
}

fn set(seen: &mut Seen, topic: &str, name: &str, value: &str) {
    let state = seen.topics.get_mut(topic).unwrap().as_mut().unwrap().as_mut().unwrap();
    state.config.insert(name.to_owned(), value.to_owned());
}

fn topic_state<'a>(seen: &'a mut Seen, topic: &str) -> &'a mut TopicState {
    seen.topics.get_mut(topic).unwrap().as_mut().unwrap().as_mut().unwrap()
}

#[test]
fn a_cluster_that_is_well_has_no_finding() {
    let config = config();
    let (findings, count) = all(&config, &well(&config));
    assert_eq!(findings, []);
    assert!(count > 60, "{count}");
}

#[test]
fn each_thing_put_wrong_is_found_with_its_mend() {
    type Wrong = fn(&mut Seen, &mut Config);
    let cases: [(&str, &str, &str, Wrong); 25] = [
        ("topic", "duecourse.facts", "topics create", |seen, _| {
            seen.topics.insert("duecourse.facts".to_owned(), Ok(None));
        }),
        ("partitions", "duecourse.facts", "never changes", |seen, _| {
            topic_state(seen, "duecourse.facts").partitions = 5;
        }),
        ("retention", "duecourse.shadow", "--add-config retention.ms=2592000000", |seen, _| {
            set(seen, "duecourse.shadow", "retention.ms", "-1");
        }),
        ("cleanup_policy", "duecourse.measures", "--add-config cleanup.policy=compact", |seen, _| {
            set(seen, "duecourse.measures", "cleanup.policy", "delete");
        }),
        ("cleanup_policy", "bank.payments", "--add-config cleanup.policy=delete", |seen, _| {
            set(seen, "bank.payments", "cleanup.policy", "compact,delete");
        }),
        ("compaction", "duecourse.measures", "--add-config max.compaction.lag.ms=86400000", |seen, _| {
            set(seen, "duecourse.measures", "max.compaction.lag.ms", "9223372036854775807");
        }),
        ("timestamps", "bank.payments", "message.timestamp.type=LogAppendTime", |seen, _| {
            set(seen, "bank.payments", "message.timestamp.type", "CreateTime");
        }),
        ("min_insync", "duecourse.notices", "min.insync.replicas=2", |seen, _| {
            set(seen, "duecourse.notices", "min.insync.replicas", "1");
        }),
        ("min_insync", "duecourse.notices", "min.insync.replicas=2", |seen, _| {
            set(seen, "duecourse.notices", "min.insync.replicas", "4");
        }),
        ("min_insync", "duecourse.notices", "add a copy", |seen, _| {
            set(seen, "duecourse.notices", "min.insync.replicas", "3");
        }),
        ("copies", "duecourse.decided", "three copies", |seen, _| {
            let state = topic_state(seen, "duecourse.decided");
            (state.copies, state.copies_in_sync) = (2, 2);
            state.config.insert("min.insync.replicas".to_owned(), "2".to_owned());
        }),
        ("in_sync", "duecourse.decided", "bring it back", |seen, _| {
            topic_state(seen, "duecourse.decided").copies_in_sync = 2;
        }),
        ("unclean_election", "duecourse.facts", "enable=false", |seen, _| {
            set(seen, "duecourse.facts", "unclean.leader.election.enable", "true");
        }),
        ("retention", "duecourse.facts", "retention.ms=2592000000", |seen, _| {
            set(seen, "duecourse.facts", "retention.ms", "3600000");
        }),
        ("retention", "duecourse.facts", "retention.bytes=-1", |seen, _| {
            set(seen, "duecourse.facts", "retention.bytes", "1000000");
        }),
        ("record_size", "duecourse.facts", "max.message.bytes=131072", |seen, _| {
            set(seen, "duecourse.facts", "max.message.bytes", "65536");
        }),
        ("snapshot_age", "snapshots.dir", "DuecourseSnapshotOld", |seen, _| {
            seen.snapshot_age_ms = Ok(Some(20 * 86_400_000));
        }),
        ("acl", "duecourse.decided", "--operation Write --topic duecourse.decided", |seen, _| {
            let allowed = seen.on_topics.get_mut("duecourse.decided").unwrap().as_mut().unwrap();
            allowed.remove(&Operation::Write);
        }),
        ("acl", "duecourse.intake", "--operation Read --group duecourse.intake", |seen, _| {
            seen.on_groups.insert("duecourse.intake".to_owned(), Err("not authorised".to_owned()));
        }),
        ("acl", "duecourse.decide.doctor", "--resource-pattern-type prefixed", |seen, _| {
            seen.transactions = Err("not authorised".to_owned());
        }),
        ("acl", "duecourse.reader", "--operation Read --group duecourse.reader", |seen, _| {
            seen.on_groups.insert("duecourse.reader".to_owned(), Err("not authorised".to_owned()));
        }),
        ("acl", "mine.doctor", "--transactional-id mine --resource-pattern-type prefixed", |seen, config| {
            config.kafka.transactional_id = "mine".to_owned();
            seen.transactions = Err("not authorised".to_owned());
        }),
        ("snapshot_age", "snapshots", "reaches the snapshot store", |seen, _| {
            seen.snapshot_age_ms = Err("connection refused".to_owned());
        }),
        ("acks", "kafka.properties.\"acks\"", "out of [kafka.properties]", |_, config| {
            config.kafka.properties.insert("acks".to_owned(), "1".to_owned());
        }),
        ("timeouts", "kafka.session_timeout_ms", "within those bounds", |_, config| {
            config.kafka.session_timeout_ms = 2_000;
        }),
    ];
    for (check, about, mend, wrong) in cases {
        let mut config = config();
        let mut seen = well(&config);
        wrong(&mut seen, &mut config);
        let (findings, _) = all(&config, &seen);
        let found: Vec<(&str, &str)> =
            findings.iter().map(|finding| (finding.check, finding.about.as_str())).collect();
        assert!(found.contains(&(check, about)), "{check} of {about} is not in {findings:?}");
        let finding =
            findings.iter().find(|finding| finding.about == about && finding.check == check).unwrap();
        assert!(finding.mend.contains(mend), "{finding:?}");
        let others = findings.iter().filter(|finding| finding.about != about).count();
        assert_eq!(others, 0, "{findings:?}");
    }
}

#[test]
fn production_asks_more() {
    let mut config = config();
    let mut seen = well(&config);
    topic_state(&mut seen, "duecourse.shadow").copies = 2;
    topic_state(&mut seen, "duecourse.shadow").copies_in_sync = 2;
    let level = |config: &Config, seen: &Seen, check: &str| {
        let (findings, _) = all(config, seen);
        findings.iter().find(|finding| finding.check == check).map(|finding| finding.level)
    };
    assert_eq!(level(&config, &seen, "copies"), Some(Level::Warning));
    assert_eq!(level(&config, &seen, "transport"), None);
    config.production = true;
    assert_eq!(level(&config, &seen, "copies"), Some(Level::Error));
    assert_eq!(level(&config, &seen, "transport"), Some(Level::Error));
    let over = |protocol: &str| {
        let mut config = config.clone();
        config.kafka.properties.insert("security.protocol".to_owned(), protocol.to_owned());
        level(&config, &seen, "transport")
    };
    assert_eq!([over("sasl_plaintext"), over("SASL_SSL"), over("ssl")], [Some(Level::Error), None, None]);
}
