//! What intake writes: packs, announcements and dead letters, acknowledged before offsets are committed.

use crate::codec::facts;
use crate::engine::input::FactsRecord;
use crate::log::LogError;
use crate::log::source::IntakeLog;

use super::dead_letter::DeadLetter;
use super::pack::Packed;

/// The topics that intake writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderTopics {
    pub facts: String,
    pub dead_letters: String,
}

/// Encodes what leaves.
#[derive(Debug, Default)]
pub struct Sender {
    buffer: Vec<u8>,
}

impl Sender {
    /// Hands packs over, in order.
    ///
    /// # Errors
    /// When the producer cannot take one; none may be counted as delivered.
    pub fn send_packs<L: IntakeLog>(&mut self, log: &mut L, packs: Vec<Packed>) -> Result<(), LogError> {
        for (partition, pack) in packs {
            self.send_facts_record(log, partition, &FactsRecord::Facts(pack))?;
        }
        Ok(())
    }

    /// Hands one facts record over.
    ///
    /// # Errors
    /// When the producer cannot take it.
    pub fn send_facts_record<L: IntakeLog>(
        &mut self,
        log: &mut L,
        partition: u32,
        record: &FactsRecord,
    ) -> Result<(), LogError> {
        self.buffer.clear();
        facts::encode(record, &mut self.buffer);
        log.send_facts(partition, &self.buffer)
    }
}

/// Hands a dead letter over.
///
/// # Errors
/// When the producer cannot take it.
pub fn send_dead_letter<L: IntakeLog>(log: &mut L, letter: &DeadLetter<'_>) -> Result<(), LogError> {
    log.send_dead_letter(letter.key().as_bytes(), letter.json().as_bytes())
}
