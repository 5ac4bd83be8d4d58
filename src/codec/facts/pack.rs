//! Packs of facts: covered ranges, then facts with deltas to the fact before them in their range.

use crate::engine::base::TimeMs;
use crate::engine::cover::{Range, SourceId};
use crate::engine::fact::Fact;
use crate::engine::input::{FactsPack, PackedFact};

use super::bytes::{Names, Reader, Writer};
use super::{DecodeError, body};

/// Name, generation, partition, baseline, previous, last, two timestamps, read through.
const RANGE_BYTES_MIN: usize = 9;
/// Range, offset, ordinal, time, event (8), at, route (17), kind of body.
const FACT_BYTES_MIN: usize = 31;

/// Where the facts of one range have come to; the next one is written relative to it.
#[derive(Clone, Copy)]
struct Cursor {
    offset: i64,
    time: i64,
}

impl Cursor {
    fn before(range: &Range) -> Cursor {
        Cursor { offset: range.previous, time: range.timestamps.0.0 }
    }
}

pub(super) fn write(writer: &mut Writer<'_>, pack: &FactsPack) {
    let names = Names::gather(pack.ranges.iter().map(|range| &range.source.name));
    writer.varint(u64::from(pack.version));
    writer.names(&names);
    writer.count(pack.ranges.len());
    for range in &pack.ranges {
        write_range(writer, &names, range);
    }
    let mut cursors: Vec<Cursor> = pack.ranges.iter().map(Cursor::before).collect();
    writer.count(pack.facts.len());
    for packed in &pack.facts {
        write_fact(writer, &mut cursors, packed);
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<FactsPack, DecodeError> {
    let version = reader.u32("the configuration version")?;
    let names = reader.names()?;
    let range_count = reader.count("the ranges", RANGE_BYTES_MIN)?;
    let mut ranges = Vec::with_capacity(range_count);
    for _ in 0..range_count {
        ranges.push(read_range(reader, &names)?);
    }
    let mut cursors: Vec<Cursor> = ranges.iter().map(Cursor::before).collect();
    let fact_count = reader.count("the facts", FACT_BYTES_MIN)?;
    let mut facts = Vec::with_capacity(fact_count);
    for _ in 0..fact_count {
        facts.push(read_fact(reader, &mut cursors)?);
    }
    Ok(FactsPack { version, ranges, facts })
}

fn write_range(writer: &mut Writer<'_>, names: &Names, range: &Range) {
    names.cite(writer, &range.source.name);
    writer.varint(u64::from(range.source.generation));
    writer.varint(u64::from(range.source.partition));
    writer.flag(range.baseline);
    writer.zigzag(range.previous);
    writer.delta(range.last, range.previous);
    writer.zigzag(range.timestamps.0.0);
    writer.delta(range.timestamps.1.0, range.timestamps.0.0);
    writer.delta(range.through.0, range.timestamps.0.0);
}

fn read_range(reader: &mut Reader<'_>, names: &Names) -> Result<Range, DecodeError> {
    let source = SourceId {
        name: names.cited(reader)?,
        generation: reader.u32("the generation of a source")?,
        partition: reader.u32("the partition of a source")?,
    };
    let baseline = reader.flag("the baseline of a range")?;
    let previous = reader.zigzag("the start of a range")?;
    let last = reader.delta("the end of a range", previous)?;
    let lowest = reader.time("the lowest timestamp of a range")?;
    let highest = TimeMs(reader.delta("the highest timestamp of a range", lowest.0)?);
    let through = TimeMs(reader.delta("the read-through time of a range", lowest.0)?);
    Ok(Range { source, baseline, previous, last, timestamps: (lowest, highest), through })
}

fn write_fact(writer: &mut Writer<'_>, cursors: &mut [Cursor], packed: &PackedFact) {
    writer.varint(u64::from(packed.range));
    // A fact of no range cannot be read back; packing never makes one.
    let mut nowhere = Cursor { offset: 0, time: 0 };
    let cursor = cursors.get_mut(usize::from(packed.range)).unwrap_or(&mut nowhere);
    writer.delta(packed.offset, cursor.offset);
    writer.varint(u64::from(packed.ordinal));
    writer.delta(packed.time.0, cursor.time);
    *cursor = Cursor { offset: packed.offset, time: packed.time.0 };
    writer.fingerprint(packed.fact.event);
    writer.delta(packed.fact.at.0, packed.time.0);
    writer.subject(packed.fact.route);
    body::write(writer, &packed.fact.body);
}

fn read_fact(reader: &mut Reader<'_>, cursors: &mut [Cursor]) -> Result<PackedFact, DecodeError> {
    let range = reader.u16("the range of a fact")?;
    let cursor = cursors.get_mut(usize::from(range)).ok_or(DecodeError::Malformed("the range of a fact"))?;
    let offset = reader.delta("the offset of a fact", cursor.offset)?;
    let ordinal = reader.u16("the ordinal of a fact")?;
    let time = reader.delta("the time of a fact", cursor.time)?;
    *cursor = Cursor { offset, time };
    let event = reader.fingerprint("the event of a fact")?;
    let at = TimeMs(reader.delta("the event time of a fact", time)?);
    let route = reader.subject("the route of a fact")?;
    let body = body::read(reader)?;
    Ok(PackedFact { range, offset, ordinal, time: TimeMs(time), fact: Fact { event, at, route, body } })
}
