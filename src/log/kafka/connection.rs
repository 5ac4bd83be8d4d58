//! How brokers are reached, what librdkafka says on the way, and how its errors are classed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::oauth::Tokens;
use crate::log::LogError;

/// How long a question to the brokers (metadata, offsets, watermarks) may take.
pub(super) const ASK_MAX: Duration = Duration::from_secs(15);

/// How long a topic that brokers do not know is asked for again.
const KNOWN_WITHIN_MAX: Duration = Duration::from_secs(5);

/// How to reach a Kafka cluster.
#[derive(Clone, Default)]
pub struct Connection {
    /// Comma-separated `host:port`.
    pub bootstrap_servers: String,
    /// Distinct for each process; names it in the brokers' logs.
    pub client_id: String,
    /// The group that readers outside any group name. One for the whole deployment, so that an ACL can allow it.
    pub reader_group: String,
    /// Further librdkafka properties (TLS, SASL). They may hold secrets and are never printed.
    pub properties: BTreeMap<String, String>,
    /// The file with the token of SASL OAUTHBEARER.
    pub oauth_token_file: Option<PathBuf>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("client_id", &self.client_id)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl Connection {
    /// What every client of ours sets. A property given by the user wins over these, not over what
    /// a client sets afterwards because its correctness depends on it.
    pub(super) fn config(&self, role: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", format!("{}-{role}", self.client_id))
            // A restarted broker is met again after 0.2 s, not 10: no transaction times out over it.
            .set("reconnect.backoff.max.ms", "200")
            .set("allow.auto.create.topics", "false");
        if self.oauth_token_file.is_some() {
            config.set("sasl.mechanism", "OAUTHBEARER");
        }
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
    }

    /// Where this connection's clients get their tokens.
    pub(super) fn tokens(&self) -> Tokens {
        Tokens(self.oauth_token_file.clone())
    }

    /// A context that only logs and gives tokens.
    pub(super) fn context(&self) -> LogContext {
        LogContext { tokens: self.tokens() }
    }

    /// A consumer outside any group, for questions and whole-topic reads.
    pub(super) fn plain_consumer(&self, isolation: &str) -> Result<BaseConsumer<LogContext>, LogError> {
        let consumer: BaseConsumer<LogContext> = self
            .config("reader")
            // Never joined, but without one the crate polls a queue on which no records arrive.
            .set("group.id", &self.reader_group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", isolation)
            .set("enable.partition.eof", "true")
            .set("fetch.queue.backoff.ms", "5")
            .create_with_context(self.context())
            .map_err(refused)?;
        self.tokens().begin(consumer.client().native_ptr())?;
        Ok(consumer)
    }
}

/// The number of partitions of a topic; `None` when it does not exist.
///
/// # Errors
/// `Refused` where it may not be described, which is not the same as not being there.
pub(super) fn partition_count<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Option<u32>, LogError> {
    let metadata = consumer.fetch_metadata(Some(topic), ASK_MAX).map_err(unreachable)?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
    match found.error().map(RDKafkaErrorCode::from) {
        Some(code @ RDKafkaErrorCode::TopicAuthorizationFailed) => {
            Err(LogError::Refused(format!("topic `{topic}`: {}", not_allowed(code))))
        }
        Some(_) => Ok(None),
        None => Ok(u32::try_from(found.partitions().len()).ok().filter(|count| *count > 0)),
    }
}

/// The same of a topic that is to be there. A broker that has just come back may not know its topics yet, so one that
/// is unknown is asked for again for a while before it is believed to be missing.
pub(super) fn partition_count_settled<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Option<u32>, LogError> {
    let deadline = Instant::now() + KNOWN_WITHIN_MAX;
    loop {
        match partition_count(consumer, topic)? {
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(200)),
            count => return Ok(count),
        }
    }
}

/// The same of a topic without which nothing goes on.
///
/// # Errors
/// `Refused` when it does not exist.
pub(super) fn partition_count_of<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<u32, LogError> {
    partition_count_settled(consumer, topic)?.ok_or_else(|| {
        LogError::Refused(format!("topic `{topic}` does not exist; `duecourse topics create` makes it"))
    })
}

/// Asks the brokers, and again for so long while they answer with what passes.
pub(super) fn ask_until_settled<T>(
    within: Duration,
    mut ask: impl FnMut() -> KafkaResult<T>,
) -> Result<T, LogError> {
    let deadline = Instant::now() + within;
    loop {
        match ask() {
            Err(error) if passes(&error) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(100));
            }
            answer => return answer.map_err(unreachable),
        }
    }
}

/// What passes by itself: a topic just made or moved has no leader for a moment, a broker just back may not know its
/// partitions yet, a group's coordinator moves when its broker goes, and the handle of one that is away may go while it
/// is asked. The crate gives all of it the name of a metadata fetch.
fn passes(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error,
        KafkaError::MetadataFetch(
            Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::UnknownTopicOrPartition
                | Code::UnknownPartition
                | Code::NotCoordinator
                | Code::CoordinatorNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::DestroyBroker,
        )
    )
}

/// The first offset of a partition and the one past its last, asked of the broker.
pub(super) fn watermarks<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
) -> Result<(i64, i64), LogError> {
    ask_until_settled(ASK_MAX, || consumer.fetch_watermarks(topic, partition, ASK_MAX))
}

/// Sends librdkafka's log lines to `tracing`. They name brokers and topics, never contents.
#[derive(Clone, Debug)]
pub(super) struct LogContext {
    tokens: Tokens,
}

impl ClientContext for LogContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.tokens.next()
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client event");
    }
}

impl ConsumerContext for LogContext {}

impl ProducerContext for LogContext {
    type DeliveryOpaque = ();
    // A failed delivery inside a transaction fails the transaction, which is where it is handled.
    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

pub(super) fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "{message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::warn!(facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(facility, "{message}"),
        RDKafkaLogLevel::Debug => tracing::debug!(facility, "{message}"),
    }
}

/// For calls that fail only when brokers do not answer.
pub(super) fn unreachable(error: KafkaError) -> LogError {
    LogError::Unreachable(error.to_string())
}

/// For calls that fail only when what was asked for is wrong.
pub(super) fn refused(error: KafkaError) -> LogError {
    LogError::Refused(error.to_string())
}

/// What an error met while consuming means. `None`: librdkafka goes on by itself (brokers away,
/// rebalances); it says so often and harmlessly.
pub(super) fn consuming(error: &KafkaError) -> Option<LogError> {
    use RDKafkaErrorCode as Code;
    match error {
        KafkaError::MessageConsumptionFatal(code) => Some(LogError::Refused(format!(
            "the consumer is shut out of its group: {code}; two live processes may share an instance id"
        ))),
        KafkaError::MessageConsumption(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
            Some(LogError::Damaged(
                "the offset to go on from is no longer in the topic: its retention overtook us or it was recreated; started again, intake says which, and what to do"
                    .to_owned(),
            ))
        }
        KafkaError::MessageConsumption(
            code @ (Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication),
        ) => Some(LogError::Refused(not_allowed(*code))),
        _ => None,
    }
}

/// Brokers do not say what they would have to allow; `doctor` does.
pub(super) fn not_allowed(code: RDKafkaErrorCode) -> String {
    format!("{code}; `duecourse doctor` tells what is not allowed to us and how to allow it")
}
