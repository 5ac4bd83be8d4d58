//! Snapshots: a partition's image as bytes (DESIGN D12).
//!
//! ```text
//! magic "DCSN" | form version u8 | engine semantics varint | image, field after field
//! ```
//! Fields are written in the order in which they are declared, with the building blocks of the packed
//! facts. Whoever stores a snapshot adds the checksum; `decide::snapshot` does.

mod packed;
mod types;

use crate::codec::facts::DecodeError;
use crate::codec::facts::bytes::{Reader, Writer};
use crate::engine::partition::{EngineError, Identity, Image, Partition};
use crate::engine::{LoadRules, SEMANTICS};

use packed::Packed;

const MAGIC: [u8; 4] = *b"DCSN";
const FORM: u8 = 1;

/// Why bytes are not a usable snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("not a snapshot: it does not begin with the magic bytes")]
    NotSnapshot,
    #[error("snapshot form {0} is not known")]
    UnknownForm(u8),
    #[error("the snapshot was made by engine semantics {found}, this binary speaks {SEMANTICS}")]
    OtherSemantics { found: u64 },
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A partition's state as bytes.
#[must_use]
pub fn encode(partition: &Partition) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 16);
    out.extend_from_slice(&MAGIC);
    out.push(FORM);
    let mut writer = Writer::new(&mut out);
    writer.varint(u64::from(SEMANTICS));
    partition.image().write(&mut writer);
    out
}

/// A partition that goes on where the snapshot was taken.
///
/// # Errors
/// `SnapshotError` when the bytes are damaged, of another form or semantics, or their rules do not load.
pub fn decode(bytes: &[u8], identity: Identity, loader: &dyn LoadRules) -> Result<Partition, SnapshotError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(SnapshotError::NotSnapshot)?;
    let (form, rest) = rest.split_first().ok_or(SnapshotError::NotSnapshot)?;
    if *form != FORM {
        return Err(SnapshotError::UnknownForm(*form));
    }
    let mut reader = Reader::new(rest);
    let found = reader.varint("the engine semantics")?;
    if found != u64::from(SEMANTICS) {
        return Err(SnapshotError::OtherSemantics { found });
    }
    let image = Image::read(&mut reader)?;
    match reader.left() {
        0 => Ok(Partition::from_image(identity, image, loader)?),
        left => Err(DecodeError::TrailingBytes(left).into()),
    }
}
