//! What must hold of the brokers themselves.

use std::collections::BTreeMap;

use super::checks::Judge;
use crate::config::Config;

pub(super) type Broker = Result<(BTreeMap<String, String>, usize), String>;

pub(super) fn check(judge: &mut Judge, config: &Config, broker: &Broker) {
    let (settings, count) = match broker {
        Ok(seen) => seen,
        Err(why) => {
            let found = format!("brokers' settings cannot be seen: {why}");
            let mend = "grant DescribeConfigs on the cluster to whoever runs doctor, or have an administrator run it";
            return judge.warning("broker", "cluster", found, mend.to_owned());
        }
    };
    let number = |name: &str| settings.get(name).and_then(|value| value.parse::<i64>().ok());
    bounds(judge, config, &number);
    internal_topics(judge, config, &number, *count);
    offsets(judge, config, &number);
}

/// Time-outs that brokers would refuse.
fn bounds(judge: &mut Judge, config: &Config, number: &dyn Fn(&str) -> Option<i64>) {
    let transaction_ms = i64::from(config.kafka.transaction_timeout_ms);
    match number("transaction.max.timeout.ms") {
        Some(max) if transaction_ms > max => {
            let found = format!("is {transaction_ms}, and brokers allow {max}: no transaction could begin");
            let mend = format!("set kafka.transaction_timeout_ms = {max} or less");
            judge.error("timeouts", "kafka.transaction_timeout_ms", found, mend);
        }
        _ => judge.well(),
    }
    let session_ms = i64::from(config.kafka.session_timeout_ms);
    let low = number("group.min.session.timeout.ms").unwrap_or(i64::MIN);
    let high = number("group.max.session.timeout.ms").unwrap_or(i64::MAX);
    if (low..=high).contains(&session_ms) {
        judge.well();
    } else {
        let found = format!("is {session_ms}, and brokers allow {low} to {high}: nobody could join");
        judge.error("timeouts", "kafka.session_timeout_ms", found, "set it within those bounds".to_owned());
    }
}

/// Offsets and transactions are no safer than the topics that brokers keep them in.
fn internal_topics(judge: &mut Judge, config: &Config, number: &dyn Fn(&str) -> Option<i64>, count: usize) {
    let must = |judge: &mut Judge, name: &str, least: i64, why: &str| match number(name) {
        Some(value) if value < least => {
            let found = format!("is {value}: {why}");
            let mend =
                format!("set {name}={least} on every broker and reassign the internal topic's partitions");
            let say = if config.production || count >= 3 { Judge::error } else { Judge::warning };
            say(judge, "internal_topics", name, found, mend);
        }
        _ => judge.well(),
    };
    must(judge, "offsets.topic.replication.factor", 3, "with its broker, where everybody stood is lost");
    must(judge, "transaction.state.log.replication.factor", 3, "with its broker, open transactions hang");
    must(judge, "transaction.state.log.min.isr", 2, "an outcome that one broker knew alone is lost with it");
}

/// Committed offsets must outlive an outage of everything that commits them (DESIGN D12).
fn offsets(judge: &mut Judge, config: &Config, number: &dyn Fn(&str) -> Option<i64>) {
    let Some(kept_minutes) = number("offsets.retention.minutes") else { return judge.well() };
    let facts_ms = config.facts_retention_ms().unwrap_or(-1);
    // A week is Kafka's default, and longer than an outage that anybody sits out.
    let wanted_minutes = if facts_ms < 0 { 10_080 } else { (facts_ms / 60_000).min(10_080) };
    if kept_minutes >= wanted_minutes {
        return judge.well();
    }
    let found = format!(
        "is {kept_minutes}: after so long without a member decide would find no offset and refuse to begin"
    );
    let mend = format!("set offsets.retention.minutes={wanted_minutes} or more on every broker");
    judge.error("offsets_retention", "offsets.retention.minutes", found, mend);
}
