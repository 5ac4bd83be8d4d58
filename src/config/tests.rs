//! Tests of layering, origins and bounds.

use std::io::Write as _;

use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn refused(text: &str) -> String {
    Config::load(Some(file(text).path()), &[]).expect_err(text).to_string()
}

fn refused_set(set: &str) -> String {
    Config::load(None, &[set.to_owned()]).expect_err(set).to_string()
}

#[test]
fn the_defaults_load() {
    let config = Config::load(None, &[]).unwrap();
    assert_eq!(config.time, Time::Broker);
    assert_eq!(config.kafka.facts_partitions, 4);
    assert_eq!(config.intake_versions().unwrap().len(), 1);
    assert_eq!(config.facts_retention_ms(), Ok(30 * 86_400_000));
}

#[test]
fn a_set_wins_over_a_file_and_a_file_over_the_default() {
    let file = file("institution = \"bank-a\"\n\n[kafka]\nfacts_partitions = 8\nsource_partitions = 2\n");
    let loaded = Loaded::load(Some(file.path()), &["kafka.facts_partitions=16".to_owned()]).unwrap();
    assert_eq!(loaded.config.kafka.facts_partitions, 16);
    assert_eq!(loaded.config.kafka.source_partitions, 2);
    let printed = loaded.print();
    let line = |key: &str| printed.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("kafka.facts_partitions = 16").ends_with("# --set"));
    assert!(line("kafka.source_partitions = 2").ends_with(":5"));
    assert!(line("kafka.group").ends_with("# default"));
}

#[test]
fn what_is_printed_can_be_loaded_again() {
    let first = Loaded::load(None, &["institution=bank-b".to_owned()]).unwrap();
    let file = file(&first.print());
    assert_eq!(Config::load(Some(file.path()), &[]).unwrap(), first.config);
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_name() {
    assert!(
        refused("[kafka]\nbootstrap_server = \"a:1\"\n")
            .contains(":2: unknown key `kafka.bootstrap_server`; did you mean `kafka.bootstrap_servers`?")
    );
    assert!(refused_set("kafka.group_id=x").contains("did you mean `kafka.group`?"));
    assert!(refused_set("kafka=x").contains("is a section"));
    assert!(refused_set("nonsense").contains("has no `=`"));
    let source = "[[sources]]\nname = \"a\"\ntopic = \"t\"\nmaping = \"native\"\ngeneration = 1\n";
    assert!(refused(source).contains("did you mean `mapping`?"));
}

#[test]
fn wrong_types_are_named() {
    assert!(
        refused("[kafka]\nfacts_partitions = \"four\"\n")
            .contains("takes a whole number, and this is a text")
    );
    assert!(refused_set("kafka.facts_partitions=four").contains("kafka.facts_partitions"));
    assert!(refused_set("time=sundial").contains("unknown value `sundial`"));
    assert!(refused("= 1").contains(":1:"));
}

#[test]
fn texts_need_no_quotes_in_a_set() {
    let sets = ["kafka.bootstrap_servers=127.0.0.1:9092", "kafka.group=\"7\"", "kafka.instance_id=7"];
    let config = Config::load(None, &sets.map(str::to_owned)).unwrap();
    assert_eq!(config.kafka.bootstrap_servers, "127.0.0.1:9092");
    assert_eq!((config.kafka.group.as_str(), config.kafka.instance()), ("7", Some("7")));
}

#[test]
fn client_properties_are_free_and_never_printed() {
    let file = file("[kafka.properties]\n\"sasl.password\" = \"hunter2\"\n");
    let loaded =
        Loaded::load(Some(file.path()), &["kafka.properties.sasl.username=anna".to_owned()]).unwrap();
    assert_eq!(loaded.config.kafka.properties["sasl.password"], "hunter2");
    assert_eq!(loaded.config.kafka.properties["sasl.username"], "anna");
    let printed = loaded.print();
    assert!(printed.contains("sasl.password") && !printed.contains("hunter2") && !printed.contains("anna"));
}

#[test]
fn data_leaves_the_mainland_only_with_an_assessment() {
    let message = refused_set("topics.notices.jurisdiction=singapore");
    assert!(
        message.contains("`topics.notices.jurisdiction` is `singapore` without an assessment"),
        "{message}"
    );
    let sets = ["topics.notices.jurisdiction=singapore", "topics.notices.assessment=CAC-2026-41"];
    assert!(Config::load(None, &sets.map(str::to_owned)).is_ok());
    assert!(refused_set("snapshots.jurisdiction=").contains("without an assessment"));
    // Whatever leaves, and wherever it goes to: a place that is not named has no assessment that would do.
    let topics = Config::load(None, &[]).unwrap().topics.all().map(|(name, _)| format!("topics.{name}"));
    for place in topics.into_iter().chain(["snapshots".to_owned()]) {
        let abroad = format!("{place}.jurisdiction=singapore");
        assert!(refused_set(&abroad).contains(&format!("`{place}.jurisdiction` is `singapore`")), "{place}");
        let nowhere = [format!("{place}.jurisdiction="), format!("{place}.assessment=CAC-2026-41")];
        let refused = Config::load(None, &nowhere).expect_err("a destination without a jurisdiction");
        assert!(refused.to_string().contains(&format!("`{place}.jurisdiction` is ``")), "{refused}");
    }
}

#[test]
fn bounds_are_held() {
    for (set, word) in [
        ("kafka.facts_partitions=0", "at least 1"),
        ("kafka.replication=0", "is 0"),
        ("snapshots.kept=1", "at least 2"),
        ("snapshots.s3.bucket=b", "https://host:port"),
        ("snapshots.s3.bucket=b", "aws_access_key_id"),
        ("http.listen=here", "no address"),
        ("production=true", "development key"),
        ("production=true", "signed rules only"),
        ("production=true", "use `rules activate`"),
        ("rules.control_source=control", "no source has that name"),
        (
            "rules.signing_keys=[{ id = \"a\", public_key = \"00\", valid_from = \"2026-01-01T00:00:00Z\", valid_to = \"2027-01-01T00:00:00Z\" }]",
            "64 hexadecimal digits",
        ),
        (
            "rules.signing_keys=[{ id = \"a\", public_key = \"00\", valid_from = \"soon\", valid_to = \"later\" }]",
            "no RFC 3339 time",
        ),
        ("kafka.facts_retention=5 days", "no span"),
        ("kafka.facts_retention=1m", "shorter than an hour"),
        ("topics.shadow.name=duecourse.facts", "names two topics"),
        ("institution=", "is no name"),
        ("intake.versions=[]", "is empty"),
    ] {
        let message = refused_set(set);
        assert!(message.contains(word), "{set}: {message}");
    }
}

#[test]
fn intake_versions_follow_each_other_in_time() {
    let with = |versions: &str| Config::load(None, &[format!("intake.versions={versions}")]);
    let later = "{ number = 2, from = \"2027-01-01T00:00:00+08:00\" }";
    let config = with(&format!("[{{ number = 1 }}, {later}]")).unwrap();
    assert_eq!(config.intake_versions().unwrap()[1].from.0, 1_798_732_800_000);
    assert!(with(&format!("[{later}]")).is_err());
    assert!(with(&format!("[{{ number = 3 }}, {later}]")).is_err());
    assert!(with("[{ number = 1 }, { number = 2 }]").is_err());
    assert!(with("[{ number = 1 }, { number = 2, from = \"soon\" }]").is_err());
    assert!(with("[{ number = 1, mappings = { payments = \"x\" } }]").is_err());
}

#[test]
fn a_later_version_may_map_a_source_otherwise() {
    let file = file(
        "[intake]\nversions = [{ number = 1 }, { number = 3, from = \"2027-01-01T00:00:00Z\", mappings = { pay = \"new\" } }]\n\n[[sources]]\nname = \"pay\"\ntopic = \"bank.pay\"\nmapping = \"old\"\ngeneration = 1\n",
    );
    let config = Config::load(Some(file.path()), &[]).unwrap();
    let source = &config.sources[0];
    assert_eq!((config.mapping(source, 1), config.mapping(source, 3)), ("old", "new"));
}

#[test]
fn every_knob_is_explained() {
    let mut explained = false;
    for line in DEFAULT.lines() {
        if line.starts_with('#') {
            explained = true;
        } else if line.is_empty() || line.starts_with('[') {
            explained = explained && line.starts_with('[');
        } else {
            let told = explained
                || matches!(
                    line.split(' ').next(),
                    Some("name" | "jurisdiction" | "assessment" | "go_live_on_first_start")
                );
            assert!(told, "`{line}` has no explanation above it");
            explained = false;
        }
    }
}

/// Run with `UPDATE_SCHEMA=1` to write it anew.
#[test]
fn the_committed_schema_is_the_one_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/config.schema.json");
    let made = serde_json::to_string_pretty(&schemars::schema_for!(Config)).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == made, "the types changed: run UPDATE_SCHEMA=1 cargo test --lib config::");
}
