//! Topics: create them as they must be, look at them, refuse what cannot serve (DESIGN D8, D9).

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::RDKafkaErrorCode;

use super::RECORD_BYTES_MAX;
use super::connection::{
    ASK_MAX, Connection, LogContext, partition_count, partition_count_settled, refused, unreachable,
};
use crate::engine::base::SpanMs;
use crate::log::LogError;

/// How long a replaced value may stay in a compacted topic.
pub const COMPACTED_WITHIN: SpanMs = SpanMs::DAY;

/// A topic to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: String,
    pub partitions: u32,
    /// `-1` leaves it to the broker's default.
    pub replication: i32,
    pub config: Vec<(String, String)>,
}

impl TopicSpec {
    /// Facts: kept for `retention_ms`, never compacted, timed by the broker.
    #[must_use]
    pub fn facts(name: &str, partitions: u32, replication: i32, retention_ms: i64) -> TopicSpec {
        TopicSpec::new(
            name,
            partitions,
            replication,
            &[
                ("cleanup.policy", "delete"),
                ("retention.ms", &retention_ms.to_string()),
                ("retention.bytes", "-1"),
                ("message.timestamp.type", "LogAppendTime"),
            ],
        )
    }

    /// Latest value per key, for ever: `measures`, `decided`. What a later value or an end replaced is gone within
    /// `COMPACTED_WITHIN`; by the broker's defaults it could stay until its segment fills up.
    #[must_use]
    pub fn compacted(name: &str, partitions: u32, replication: i32) -> TopicSpec {
        TopicSpec::new(
            name,
            partitions,
            replication,
            &[
                ("cleanup.policy", "compact"),
                ("max.compaction.lag.ms", &COMPACTED_WITHIN.0.to_string()),
                ("message.timestamp.type", "LogAppendTime"),
            ],
        )
    }

    /// A plain stream of outputs, kept for `retention_ms` (-1 for ever).
    #[must_use]
    pub fn stream(name: &str, partitions: u32, replication: i32, retention_ms: i64) -> TopicSpec {
        TopicSpec::new(
            name,
            partitions,
            replication,
            &[
                ("cleanup.policy", "delete"),
                ("retention.ms", &retention_ms.to_string()),
                ("message.timestamp.type", "LogAppendTime"),
            ],
        )
    }

    /// A source: as `stream`, for lines of up to 1 MiB with what Kafka adds to them.
    #[must_use]
    pub fn source(name: &str, partitions: u32, replication: i32, retention_ms: i64) -> TopicSpec {
        let mut spec = TopicSpec::stream(name, partitions, replication, retention_ms);
        spec.config.push(("max.message.bytes".to_owned(), RECORD_BYTES_MAX.to_string()));
        spec
    }

    fn new(name: &str, partitions: u32, replication: i32, config: &[(&str, &str)]) -> TopicSpec {
        TopicSpec {
            name: name.to_owned(),
            partitions,
            replication,
            config: config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        }
    }
}

/// What a topic is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    pub name: String,
    pub partitions: u32,
    pub compacted: bool,
    pub log_append_time: bool,
    /// -1: for ever.
    pub retention_ms: i64,
}

impl TopicDescription {
    /// Can this be a source, or the facts? Compaction loses events; with timestamps set by producers there is no
    /// broker time, which only `time = event` can do without.
    ///
    /// # Errors
    /// Why not, and what to change.
    pub fn check_source(&self, time_is_event: bool) -> Result<(), LogError> {
        if self.compacted {
            return Err(LogError::Refused(format!(
                "topic `{}` is compacted, so it forgets events; set cleanup.policy=delete",
                self.name
            )));
        }
        if !self.log_append_time && !time_is_event {
            return Err(LogError::Refused(format!(
                "topic `{}` carries its producers' timestamps; set message.timestamp.type=LogAppendTime, or `time = \"event\"` for a back-fill",
                self.name
            )));
        }
        Ok(())
    }
}

/// Administration of topics.
pub struct Admin {
    pub(super) client: AdminClient<LogContext>,
    pub(super) consumer: BaseConsumer<LogContext>,
    pub(super) runtime: tokio::runtime::Runtime,
}

impl Admin {
    /// # Errors
    /// When the connection's properties are refused.
    pub fn connect(connection: &Connection) -> Result<Admin, LogError> {
        let client: AdminClient<LogContext> =
            connection.config("admin").create_with_context(connection.context()).map_err(refused)?;
        connection.tokens().begin(client.inner().native_ptr())?;
        let consumer = connection.plain_consumer("read_committed")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Admin { client, consumer, runtime })
    }

    /// Creates the topics that do not exist. Returns the names of those it created. One that exists
    /// with another number of partitions is refused: that number never changes under live state (D6).
    ///
    /// # Errors
    /// When brokers do not answer or refuse.
    pub fn create_topics(&self, specs: &[TopicSpec]) -> Result<Vec<String>, LogError> {
        let mut missing = Vec::new();
        for spec in specs {
            match partition_count(&self.consumer, &spec.name)? {
                None => missing.push(spec),
                Some(count) if count == spec.partitions => {}
                Some(count) => {
                    return Err(LogError::Refused(format!(
                        "topic `{}` exists with {count} partitions, not {}",
                        spec.name, spec.partitions
                    )));
                }
            }
        }
        let news: Vec<NewTopic<'_>> = missing.iter().map(|spec| new_topic(spec)).collect();
        if news.is_empty() {
            return Ok(Vec::new());
        }
        let options = AdminOptions::new().operation_timeout(Some(ASK_MAX));
        let results =
            self.runtime.block_on(self.client.create_topics(&news, &options)).map_err(unreachable)?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(LogError::Refused(format!("topic `{name}`: {code}"))),
            }
        }
        self.wait_until_known(&missing)?;
        Ok(missing.iter().map(|spec| spec.name.clone()).collect())
    }

    /// A topic just created may still be told as one of no partitions.
    fn wait_until_known(&self, specs: &[&TopicSpec]) -> Result<(), LogError> {
        let deadline = std::time::Instant::now() + ASK_MAX;
        for spec in specs {
            while partition_count(&self.consumer, &spec.name)? != Some(spec.partitions) {
                if std::time::Instant::now() > deadline {
                    return Err(LogError::Unreachable(format!("topic `{}` does not appear", spec.name)));
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// Describes a topic; `None` when it does not exist.
    ///
    /// # Errors
    /// When brokers do not answer or refuse.
    pub fn describe(&self, topic: &str) -> Result<Option<TopicDescription>, LogError> {
        let Some(partitions) = partition_count_settled(&self.consumer, topic)? else { return Ok(None) };
        let settings = self.settings(&ResourceSpecifier::Topic(topic)).map_err(|error| match error {
            LogError::Refused(why) => LogError::Refused(format!("topic `{topic}`: {why}")),
            error => error,
        })?;
        let value = |name: &str| settings.get(name).map_or("", String::as_str);
        Ok(Some(TopicDescription {
            name: topic.to_owned(),
            partitions,
            compacted: value("cleanup.policy").contains("compact"),
            log_append_time: value("message.timestamp.type") == "LogAppendTime",
            retention_ms: value("retention.ms").parse().unwrap_or(-1),
        }))
    }

    /// Deletes topics. For tests and `rekey`, never under live state.
    ///
    /// # Errors
    /// When brokers do not answer or refuse.
    pub fn delete_topics(&self, topics: &[&str]) -> Result<(), LogError> {
        let options = AdminOptions::new().operation_timeout(Some(ASK_MAX));
        let results =
            self.runtime.block_on(self.client.delete_topics(topics, &options)).map_err(unreachable)?;
        for result in results {
            if let Err((name, code)) = result {
                return Err(LogError::Refused(format!("topic `{name}`: {code}")));
            }
        }
        Ok(())
    }
}

fn new_topic(spec: &TopicSpec) -> NewTopic<'_> {
    let partitions = i32::try_from(spec.partitions).unwrap_or(i32::MAX);
    let new = NewTopic::new(&spec.name, partitions, TopicReplication::Fixed(spec.replication));
    spec.config.iter().fold(new, |new, (key, value)| new.set(key, value))
}
