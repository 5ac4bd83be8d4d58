//! Snapshots: a partition's state as bytes (DESIGN D12).
//!
//! ```text
//! magic "DCSN" | form version u8 | engine semantics varint | extent u8 | core | sightings | tables
//! extent  0 all of the state, 1 what changed since the snapshot before
//! table   keys removed, as a list | for each row: 1, key, value | 0
//! ```
//! Fields are written in the order in which they are declared, with the building blocks of the packed
//! facts. Whoever stores a snapshot adds the checksum; `decide::snapshot` does.

mod authority;
mod measures;
mod packed;
mod timers;
mod types;

use crate::codec::facts::DecodeError;
use crate::codec::facts::bytes::{Reader, Writer};
use crate::engine::partition::{Core, EngineError, Frozen, Identity, Image, Partition};
use crate::engine::seen::SeenSince;
use crate::engine::window::Known;
use crate::engine::{LoadRules, SEMANTICS};

use packed::{Packed, read_logs, write_logs, write_table};

const MAGIC: [u8; 4] = *b"DCSN";
const FORM: u8 = 3;
/// The oldest form that is still read, and the oldest semantics whose state this engine goes on with (D13).
const FORM_OLDEST: u8 = 2;
pub const SEMANTICS_OLDEST: u32 = SEMANTICS - 1;

/// Of a snapshot, for each entry: one takes about 28 in a log, and stands in two logs or three.
const BYTES_PER_ENTRY: usize = 64;

/// How much of the state a snapshot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// What changed since the state was last frozen.
    Changes,
}

/// Why bytes are not a usable snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("not a snapshot: it does not begin with the magic bytes")]
    NotSnapshot,
    #[error("snapshot form {0} is not known")]
    UnknownForm(u8),
    #[error(
        "the snapshot was made by engine semantics {found}, this binary goes on with {SEMANTICS_OLDEST} to {SEMANTICS}"
    )]
    OtherSemantics { found: u64 },
    #[error("a snapshot of all of the state comes first, and after it only changes")]
    OutOfOrder,
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A partition's state, or its changes, as bytes.
#[must_use]
pub fn encode(frozen: &Frozen, extent: Extent) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 16);
    out.extend_from_slice(&MAGIC);
    out.push(FORM);
    let changed_only = extent == Extent::Changes;
    let mut writer = Writer::new(&mut out);
    writer.varint(u64::from(SEMANTICS));
    writer.flag(changed_only);
    frozen.core.write(&mut writer);
    frozen.seen.since(changed_only).write(&mut writer);
    write_logs(&frozen.logs, changed_only, &mut writer);
    write_table(&frozen.holders, changed_only, &mut writer);
    write_table(&frozen.meetings, changed_only, &mut writer);
    write_table(&frozen.told, changed_only, &mut writer);
    write_table(&frozen.measures, changed_only, &mut writer);
    write_table(&frozen.firings, changed_only, &mut writer);
    write_table(&frozen.overrides, changed_only, &mut writer);
    write_table(&frozen.kept, changed_only, &mut writer);
    write_table(&frozen.leads, changed_only, &mut writer);
    write_table(&frozen.marks, changed_only, &mut writer);
    out
}

/// A partition that goes on where the last of some snapshots was taken: one of all of the state, then
/// changes, each since the one before it.
///
/// # Errors
/// `SnapshotError` when bytes are damaged, of another form or semantics, or the rules do not load.
pub fn decode<'b>(
    snapshots: impl IntoIterator<Item = &'b [u8]>,
    identity: Identity,
    loader: &dyn LoadRules,
) -> Result<Partition, SnapshotError> {
    let (mut partition, mut known) = (Partition::new(identity), None);
    let mut expected = Extent::Whole;
    for bytes in snapshots {
        let (extent, reader) = begin(bytes)?;
        if extent != expected {
            return Err(SnapshotError::OutOfOrder);
        }
        let known = known.get_or_insert_with(|| Known::with_room(bytes.len() / BYTES_PER_ENTRY));
        restore(reader, &mut partition, known, loader)?;
        expected = Extent::Changes;
    }
    Ok(partition)
}

/// What a snapshot says of its form and extent, and the rest of it.
fn begin(bytes: &[u8]) -> Result<(Extent, Reader<'_>), SnapshotError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(SnapshotError::NotSnapshot)?;
    let (form, rest) = rest.split_first().ok_or(SnapshotError::NotSnapshot)?;
    if !(FORM_OLDEST..=FORM).contains(form) {
        return Err(SnapshotError::UnknownForm(*form));
    }
    let mut reader = Reader::of_form(rest, *form);
    let found = reader.varint("the engine semantics")?;
    if !(u64::from(SEMANTICS_OLDEST)..=u64::from(SEMANTICS)).contains(&found) {
        return Err(SnapshotError::OtherSemantics { found });
    }
    let extent = if reader.flag("the extent")? { Extent::Changes } else { Extent::Whole };
    Ok((extent, reader))
}

/// Takes one snapshot over as it is read: no second copy of it is ever in memory.
fn restore(
    mut reader: Reader<'_>,
    partition: &mut Partition,
    known: &mut Known,
    loader: &dyn LoadRules,
) -> Result<(), SnapshotError> {
    let (core, seen) = (Core::read(&mut reader)?, SeenSince::read(&mut reader)?);
    // Sightings are numbered on from there.
    if seen.from.checked_add(seen.sightings.len() as u64).is_none() {
        return Err(DecodeError::Malformed("the number of a sighting").into());
    }
    partition.restore_core(core, seen, loader)?;
    read_logs(&mut reader, |batch| partition.restore_logs(batch, known))?;
    let mut image = Image::read(&mut reader)?;
    if !reader.has(3) {
        // Measures of then followed none.
        for (id, measure) in &mut image.measures.rows {
            (measure.root, measure.root_event) = (*id, measure.event);
        }
    }
    match reader.left() {
        0 => partition.restore(image),
        left => return Err(DecodeError::TrailingBytes(left).into()),
    }
    Ok(())
}
