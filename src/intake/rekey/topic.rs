//! A new generation in a topic: appended behind what an interrupted attempt left there, and read back.
//!
//! What is written depends on the old facts alone, so an attempt that is repeated finds what an earlier one wrote to
//! be the beginning of what it means to write, record by record, and goes on behind it. No transaction: its control
//! records would take offsets, and reports name offsets.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use siphasher::sip128::{Hasher128, SipHasher24};

use super::NextLog;
use crate::codec::facts;
use crate::codec::keys::Keys;
use crate::codec::output::{OutputContext, OutputError, Topic, encode_effect};
use crate::config::orders::case_code;
use crate::engine::input::{Effect, FactsRecord};
use crate::engine::partition::Partition;
use crate::log::LogError;
use crate::log::kafka::{AckedProducer, Connection, OutMessage, read_topic};

/// How long the brokers may take to acknowledge what is under way.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(120);

/// What is left when all is written.
#[derive(Clone, Debug)]
pub struct Written {
    /// How many records were there from an earlier attempt.
    pub found: u64,
    /// Values of the topic `measures`, by key: what is in force.
    pub in_force: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// The facts topic of a new generation.
pub struct NextTopic {
    connection: Connection,
    topic: String,
    producer: AckedProducer,
    /// What is there already, partition by partition.
    found: Vec<Vec<u128>>,
    /// What has to be there.
    meant: Vec<Vec<u128>>,
    buffer: Vec<u8>,
    keys: Arc<Keys>,
    institution: String,
    in_force: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl NextTopic {
    /// Reads what is there. `keys` are those of the new generation.
    ///
    /// # Errors
    /// When the topic does not exist or brokers do not answer.
    pub fn open(
        connection: &Connection,
        topic: &str,
        keys: &Arc<Keys>,
        institution: &str,
    ) -> Result<NextTopic, LogError> {
        let found = digests(connection, topic)?;
        Ok(NextTopic {
            connection: connection.clone(),
            topic: topic.to_owned(),
            // None is ever given up while brokers are away, so what arrived is a beginning of what was sent.
            producer: AckedProducer::connect_gapless(connection, "rekey", 5)?,
            meant: vec![Vec::new(); found.len()],
            found,
            buffer: Vec::new(),
            keys: Arc::clone(keys),
            institution: institution.to_owned(),
            in_force: BTreeMap::new(),
        })
    }

    /// Waits until all has arrived, and reads it back.
    ///
    /// # Errors
    /// When it did not arrive, or the topic holds anything else.
    pub fn finish(mut self) -> Result<Written, LogError> {
        self.producer.flush(ACKNOWLEDGED_WITHIN)?;
        if digests(&self.connection, &self.topic)? != self.meant {
            return Err(foreign(&self.topic));
        }
        let found = self.found.iter().map(|records| records.len() as u64).sum();
        Ok(Written { found, in_force: self.in_force })
    }
}

impl NextLog for NextTopic {
    fn append(&mut self, partition: u32, record: &FactsRecord) -> Result<(), LogError> {
        self.buffer.clear();
        facts::encode(record, &mut self.buffer);
        let digest = digest(&self.buffer);
        let place = partition as usize;
        let (Some(found), Some(meant)) = (self.found.get(place), self.meant.get_mut(place)) else {
            return Err(LogError::Refused(format!("topic `{}` has no partition {partition}", self.topic)));
        };
        match found.get(meant.len()) {
            Some(there) if *there != digest => return Err(foreign(&self.topic)),
            Some(_) => {}
            None => self.producer.send(OutMessage {
                topic: &self.topic,
                partition: Some(partition),
                value: Some(&self.buffer),
                ..OutMessage::default()
            })?,
        }
        meant.push(digest);
        Ok(())
    }

    fn decided(&mut self, partition: &Partition, effect: &Effect) -> Result<(), OutputError> {
        if !matches!(effect, Effect::Disposed(_)) {
            return Ok(());
        }
        let rules = partition.rules().map(AsRef::as_ref);
        let context = OutputContext::under(&self.keys, &self.institution, rules, case_code);
        let mut records = Vec::new();
        match encode_effect(effect, &context, &mut records) {
            // What a purpose keeps back stands nowhere (D19).
            Ok(()) | Err(OutputError::PurposeRefused { .. }) => {}
            Err(error) => return Err(error),
        }
        for record in records.into_iter().filter(|record| record.topic == Topic::Measures) {
            match record.value {
                Some(value) => self.in_force.insert(record.key, value),
                None => self.in_force.remove(&record.key),
            };
        }
        Ok(())
    }
}

fn foreign(topic: &str) -> LogError {
    LogError::Refused(format!(
        "topic `{topic}` holds records that are not the beginning of this generation: the old facts went on after an \
         earlier attempt, or somebody else wrote to it; delete the topic and give the command again"
    ))
}

/// A digest of every record that a facts topic holds, partition by partition.
fn digests(connection: &Connection, topic: &str) -> Result<Vec<Vec<u128>>, LogError> {
    let mut read: BTreeMap<u32, Vec<u128>> = BTreeMap::new();
    let spans = read_topic(connection, topic, &mut |record| {
        read.entry(record.partition).or_default().push(digest(record.value.unwrap_or_default()));
        ControlFlow::Continue(())
    })?;
    if spans.iter().any(|(first, _)| *first > 0) {
        return Err(foreign(topic));
    }
    Ok((0..).zip(&spans).map(|(partition, _)| read.remove(&partition).unwrap_or_default()).collect())
}

/// 128 bits, so that a difference is never hidden by a collision.
fn digest(bytes: &[u8]) -> u128 {
    let mut hasher = SipHasher24::new();
    hasher.write(bytes);
    hasher.finish128().as_u128()
}
