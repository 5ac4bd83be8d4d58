//! The packed binary form of facts records (DESIGN D7), version 1.
//!
//! Every facts record is a frame:
//!
//! ```text
//! byte 0       magic, 0xDC
//! byte 1       version of this form, 1
//! byte 2       kind: 1 facts, 2 reports, 3 version announced, 4 source skipped
//! bytes 3..    payload of that kind
//! last 4       CRC-32C (Castagnoli) of all bytes before it, little-endian
//! ```
//!
//! Building blocks:
//!
//! ```text
//! varint       LEB128: seven bits a byte, low first, the high bit says that more follow; at most
//!              ten bytes, no needless ones, at most 64 bits
//! zigzag       a signed number n as the varint (n << 1) ^ (n >> 63)
//! delta        zigzag of (this - that), wrapping, so that every pair of numbers can be written
//! token        16 bytes, little-endian          fingerprint  8 bytes, little-endian
//! text, blob   varint length, then the bytes    subject      kind (1 byte), token
//! party        subject, blob (sealed reference) option       0, or 1 and the value
//! money        varint minor units, then 0 for CNY or the three letters of another currency
//! names        varint count, then that many texts: names written once and cited by place
//! ```
//!
//! Payload of facts (`pack`):
//!
//! ```text
//! version of the intake configuration   varint
//! names of sources                      names
//! ranges                                varint count, then each:
//!     place of the name, generation, partition    varint each
//!     baseline                                    0 or 1
//!     previous                                    zigzag
//!     last                                        delta to previous
//!     lowest record timestamp                     zigzag
//!     highest, read through                       delta to lowest, each
//! facts                                 varint count, then each:
//!     place of the range                          varint
//!     offset      delta to the fact before it in the same range, at first to the range's previous
//!     ordinal     varint
//!     time        delta to the fact before it in the same range, at first to the lowest timestamp
//!     event       fingerprint
//!     at          delta to this fact's time
//!     route       subject
//!     body        1 byte kind, then as in `body`
//! ```
//!
//! Payload of reports (`report`): names of signals and rules; varint count, then each. Payload of an
//! announced version: its start (zigzag), its number (varint). Payload of a skip: name of the source (text), its
//! generation and partition (varint each), the first offset read again, blind until, ordered (zigzag each),
//! reason (text).
//!
//! A new form gets a new version number; a reader refuses a number it does not know and names it.
//! Reading never panics, and a count or length never reserves more than the bytes that are left
//! could hold.

mod appeal;
pub(in crate::codec) mod authority;
mod body;
pub(in crate::codec) mod bytes;
mod declared;
mod details;
mod opening;
mod pack;
mod report;
#[cfg(test)]
mod tests;
mod traces;

use crate::engine::base::TimeMs;
use crate::engine::cover::{ConfigVersion, Skip, SourceId};
use crate::engine::input::FactsRecord;

use bytes::{Reader, Writer};
pub(in crate::codec) use declared::{read_profile, write_profile};

/// The version of the packed form that `encode` writes.
pub const VERSION: u8 = 1;

const MAGIC: u8 = 0xDC;
const KIND_FACTS: u8 = 1;
const KIND_REPORTS: u8 = 2;
const KIND_VERSION_ANNOUNCED: u8 = 3;
const KIND_SOURCE_SKIPPED: u8 = 4;
const CHECKSUM_LEN: usize = 4;

/// Why bytes are not a facts record. Names places and codes, never content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("not a facts record: it does not begin with the magic byte")]
    NotFacts,
    #[error("facts form version {0} is not known; this binary reads version {VERSION}")]
    UnknownVersion(u8),
    #[error("the checksum does not match: the bytes were damaged")]
    Checksum,
    #[error("the record ends inside {0}")]
    Truncated(&'static str),
    #[error("{0} is not valid")]
    Malformed(&'static str),
    #[error("{0} bytes are left over")]
    TrailingBytes(usize),
}

/// Appends the packed form of a record to `out`.
///
/// A correction holds bodies that are no corrections; `decode` refuses one inside another, so that
/// its depth is bounded.
pub fn encode(record: &FactsRecord, out: &mut Vec<u8>) {
    let start = out.len();
    let mut writer = Writer::new(out);
    writer.byte(MAGIC);
    writer.byte(VERSION);
    match record {
        FactsRecord::Facts(facts) => {
            writer.byte(KIND_FACTS);
            pack::write(&mut writer, facts);
        }
        FactsRecord::Reports(reports) => {
            writer.byte(KIND_REPORTS);
            report::write(&mut writer, reports);
        }
        FactsRecord::VersionAnnounced(version) => {
            writer.byte(KIND_VERSION_ANNOUNCED);
            writer.zigzag(version.from.0);
            writer.varint(u64::from(version.number));
        }
        FactsRecord::SourceSkipped(skip) => {
            writer.byte(KIND_SOURCE_SKIPPED);
            write_skip(&mut writer, skip);
        }
    }
    let checksum = crc32c::crc32c(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// Reads the packed form of one record: all of `bytes`, and nothing but it.
///
/// # Errors
/// `DecodeError` when the bytes are damaged, cut short, too long, of another version or not valid.
pub fn decode(bytes: &[u8]) -> Result<FactsRecord, DecodeError> {
    match bytes {
        [MAGIC, VERSION, ..] => {}
        [MAGIC, version, ..] => return Err(DecodeError::UnknownVersion(*version)),
        [MAGIC] => return Err(DecodeError::Truncated("the header")),
        _ => return Err(DecodeError::NotFacts),
    }
    let Some((covered, checksum)) = bytes.split_last_chunk::<CHECKSUM_LEN>() else {
        return Err(DecodeError::Truncated("the checksum"));
    };
    if crc32c::crc32c(covered) != u32::from_le_bytes(*checksum) {
        return Err(DecodeError::Checksum);
    }
    let [_, _, kind, payload @ ..] = covered else {
        return Err(DecodeError::Truncated("the header"));
    };
    let mut reader = Reader::new(payload);
    let record = match *kind {
        KIND_FACTS => FactsRecord::Facts(pack::read(&mut reader)?),
        KIND_REPORTS => FactsRecord::Reports(report::read(&mut reader)?),
        KIND_VERSION_ANNOUNCED => FactsRecord::VersionAnnounced(ConfigVersion {
            from: TimeMs(reader.zigzag("the start of a version")?),
            number: reader.u32("the number of a version")?,
        }),
        KIND_SOURCE_SKIPPED => FactsRecord::SourceSkipped(read_skip(&mut reader)?),
        _ => return Err(DecodeError::Malformed("the kind of record")),
    };
    match reader.left() {
        0 => Ok(record),
        left => Err(DecodeError::TrailingBytes(left)),
    }
}

fn write_skip(writer: &mut Writer<'_>, skip: &Skip) {
    writer.blob(skip.source.name.as_bytes());
    writer.varint(u64::from(skip.source.generation));
    writer.varint(u64::from(skip.source.partition));
    writer.zigzag(skip.to);
    writer.zigzag(skip.blind_until.0);
    writer.zigzag(skip.ordered.0);
    writer.blob(skip.reason.as_bytes());
}

fn read_skip(reader: &mut Reader<'_>) -> Result<Skip, DecodeError> {
    Ok(Skip {
        source: SourceId {
            name: reader.text("the name of a skipped source")?.into(),
            generation: reader.u32("the generation of a skipped source")?,
            partition: reader.u32("the partition of a skipped source")?,
        },
        to: reader.zigzag("the first offset after a skip")?,
        blind_until: TimeMs(reader.zigzag("until when a skip blinds")?),
        ordered: TimeMs(reader.zigzag("when a skip was ordered")?),
        reason: reader.text("the reason of a skip")?.into(),
    })
}
