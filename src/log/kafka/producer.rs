//! Acknowledged, idempotent writes outside any transaction: facts, reports, dead letters, feed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use super::RECORD_BYTES_MAX;
use super::connection::{Connection, log_line, refused};
use super::group::locked;
use super::oauth::Tokens;
use crate::log::LogError;

/// A record to write.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutMessage<'a> {
    pub topic: &'a str,
    /// `None`: by the key, as Java clients do it (murmur2).
    pub partition: Option<u32>,
    pub key: Option<&'a [u8]>,
    /// `None`: a tombstone.
    pub value: Option<&'a [u8]>,
    /// Epoch milliseconds; the broker's own with LogAppendTime.
    pub timestamp_ms: Option<i64>,
    pub headers: &'a [(&'a str, &'a [u8])],
}

const MESSAGE_TIMEOUT: &str = "message.timeout.ms";
/// A full queue that takes nothing for this long means that brokers are away.
const QUEUE_FULL_MAX: Duration = Duration::from_secs(60);

/// An idempotent producer that knows how many of its records were acknowledged and how many failed.
/// Records of one partition are acknowledged in the order they were sent.
pub struct AckedProducer {
    producer: ThreadedProducer<AckContext>,
    acks: Arc<Acks>,
    sent: u64,
}

#[derive(Debug, Default)]
struct Acks {
    delivered: AtomicU64,
    failed: AtomicU64,
    /// The newest append time that a broker told, and when we heard of it.
    appended: Mutex<Option<(i64, Instant)>>,
}

impl AckedProducer {
    /// A record is given up after 30 s, or after the `message.timeout.ms` of the connection's properties;
    /// later ones may still arrive, so receivers have to see gaps. `role` becomes part of the client id.
    /// `linger_ms` trades latency for larger requests.
    ///
    /// # Errors
    /// When the connection's properties are refused.
    pub fn connect(connection: &Connection, role: &str, linger_ms: u32) -> Result<AckedProducer, LogError> {
        let mut config = config(connection, role, linger_ms);
        if !connection.properties.contains_key(MESSAGE_TIMEOUT) {
            config.set(MESSAGE_TIMEOUT, "30000");
        }
        AckedProducer::create(&config, connection.tokens())
    }

    /// For what is fed: as `connect`, but no record arrives after one that did not: none is ever given up
    /// while brokers are away, and what fails otherwise ends the producer.
    ///
    /// # Errors
    /// When the connection's properties are refused.
    pub fn connect_gapless(
        connection: &Connection,
        role: &str,
        linger_ms: u32,
    ) -> Result<AckedProducer, LogError> {
        let mut config = config(connection, role, linger_ms);
        config
            .set(MESSAGE_TIMEOUT, "0")
            .set("enable.gapless.guarantee", "true")
            .set("message.max.bytes", RECORD_BYTES_MAX.to_string());
        AckedProducer::create(&config, connection.tokens())
    }

    fn create(config: &ClientConfig, tokens: Tokens) -> Result<AckedProducer, LogError> {
        let acks = Arc::new(Acks::default());
        let context = AckContext { acks: Arc::clone(&acks), tokens: tokens.clone() };
        let producer: ThreadedProducer<AckContext> = config.create_with_context(context).map_err(refused)?;
        tokens.begin(producer.client().native_ptr())?;
        Ok(AckedProducer { producer, acks, sent: 0 })
    }

    /// Hands a record over. Waits while the queue is full; returns before it is acknowledged.
    ///
    /// # Errors
    /// When the producer cannot take it: oversized, unknown topic or partition, or broken; or when its
    /// queue stays full for a minute.
    pub fn send(&mut self, message: OutMessage<'_>) -> Result<(), LogError> {
        let mut record = record(&message);
        let mut full_since = None;
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    if full_since.get_or_insert_with(Instant::now).elapsed() > QUEUE_FULL_MAX {
                        return Err(LogError::Unreachable(format!("no record left in {QUEUE_FULL_MAX:?}")));
                    }
                    record = back;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(LogError::Refused(error.to_string())),
            }
        }
        self.sent += 1;
        Ok(())
    }

    /// How many records were sent, acknowledged and failed since `connect`. Those neither
    /// acknowledged nor failed are under way.
    #[must_use]
    pub fn counts(&self) -> (u64, u64, u64) {
        let delivered = self.acks.delivered.load(Ordering::SeqCst);
        (self.sent, delivered, self.acks.failed.load(Ordering::SeqCst))
    }

    /// The broker's clock in epoch milliseconds, and never ahead of it: when it last appended a record of
    /// ours, and what has passed since we heard so. `None` before that, or where it tells no append times.
    #[must_use]
    pub fn broker_time_ms(&self) -> Option<i64> {
        let (appended, heard) = (*locked(&self.acks.appended))?;
        Some(appended.saturating_add(i64::try_from(heard.elapsed().as_millis()).unwrap_or(i64::MAX)))
    }

    /// Waits until every record sent so far is acknowledged.
    ///
    /// # Errors
    /// When one failed, ever, or is not acknowledged in time: which of them arrived is not known.
    /// Make a new producer and send again what may be missing; receivers skip what they have.
    pub fn flush(&mut self, wait_max: Duration) -> Result<(), LogError> {
        let deadline = Instant::now() + wait_max;
        loop {
            let (sent, delivered, failed) = self.counts();
            if failed > 0 {
                return Err(LogError::Unreachable(format!("{failed} records were not acknowledged")));
            }
            if delivered == sent {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(LogError::Unreachable(format!(
                    "{} records are not acknowledged after {wait_max:?}",
                    sent - delivered
                )));
            }
            native_flush(self.producer.client().native_ptr(), Duration::from_millis(10));
        }
    }
}

/// librdkafka's own flush: ends the linger of what is queued and returns as soon as nothing is
/// outstanding, where the crate's `flush` waits out polls of 100 ms. Delivery reports are served by
/// the producer's own thread, so `counts` may lag a moment behind.
pub(super) fn native_flush(client: *mut rdkafka::bindings::rd_kafka_t, wait_max: Duration) {
    let wait_ms = i32::try_from(wait_max.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the caller takes the pointer from a producer that it borrows for the whole call, and
    // librdkafka clients may be used from several threads.
    unsafe { rdkafka::bindings::rd_kafka_flush(client, wait_ms) };
}

fn config(connection: &Connection, role: &str, linger_ms: u32) -> ClientConfig {
    let mut config = connection.config(role);
    config
        .set("enable.idempotence", "true")
        .set("linger.ms", linger_ms.to_string())
        .set("partitioner", "murmur2_random")
        .set("queue.buffering.max.kbytes", "65536");
    config
}

fn record<'a>(message: &OutMessage<'a>) -> BaseRecord<'a, [u8], [u8]> {
    let headers = message
        .headers
        .iter()
        .fold(OwnedHeaders::new_with_capacity(message.headers.len()), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(*value) })
        });
    BaseRecord {
        topic: message.topic,
        partition: message.partition.and_then(|partition| i32::try_from(partition).ok()),
        payload: message.value,
        key: message.key,
        timestamp: message.timestamp_ms,
        headers: (!message.headers.is_empty()).then_some(headers),
        delivery_opaque: (),
    }
}

struct AckContext {
    acks: Arc<Acks>,
    tokens: Tokens,
}

impl ClientContext for AckContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.tokens.next()
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka producer event");
    }
}

impl ProducerContext for AckContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(message) => {
                if let Timestamp::LogAppendTime(ms) = message.timestamp() {
                    *locked(&self.acks.appended) = Some((ms, Instant::now()));
                }
                self.acks.delivered.fetch_add(1, Ordering::SeqCst)
            }
            Err((error, _)) => {
                tracing::warn!(%error, "a record was not acknowledged");
                self.acks.failed.fetch_add(1, Ordering::SeqCst)
            }
        };
    }
}
