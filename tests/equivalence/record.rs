//! Facts records of logs that are written out by hand.

use duecourse::engine::cover::{Range, SourceId};
use duecourse::engine::fact::Fact;
use duecourse::engine::input::{FactsPack, FactsRecord, PackedFact};

/// A record of one fact, whose source begins at the offset `first`.
pub fn alone(first: i64, offset: i64, fact: Fact) -> FactsRecord {
    let at = fact.at;
    let range = Range {
        source: SourceId { name: "s".into(), generation: 1, partition: 0 },
        baseline: offset == first,
        previous: offset - 1,
        last: offset,
        timestamps: (at, at),
        through: at,
    };
    let facts = vec![PackedFact { range: 0, offset, ordinal: 0, time: at, fact }];
    FactsRecord::Facts(FactsPack { version: 1, ranges: vec![range], facts })
}
