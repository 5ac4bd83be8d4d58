//! Digests by which inputs, outputs and reports are compared without keeping them.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

use crate::codec::facts;
use crate::engine::base::TimeMs;
use crate::engine::cover::{Range, SourceId};
use crate::engine::fact::Fact;
use crate::engine::input::{FactsPack, FactsRecord, PackedFact};
use crate::engine::report::Report;

/// A digest of bytes; collisions would hide a difference, so it is 128 bits wide.
pub(super) type Digest = u128;

pub(super) fn digest(bytes: &[u8]) -> Digest {
    let mut hasher = SipHasher24::new();
    hasher.write(bytes);
    hasher.finish128().as_u128()
}

/// A digest over facts in order: that of the ones before, then the next one's bytes.
pub(super) fn fold(before: Digest, fact: &Fact) -> Digest {
    // The packed form is one-to-one, so equal bytes mean equal facts.
    let source = SourceId { name: "".into(), generation: 0, partition: 0 };
    let range = Range {
        source,
        baseline: false,
        previous: 0,
        last: 0,
        timestamps: (TimeMs(0), TimeMs(0)),
        through: TimeMs(0),
    };
    let packed = PackedFact { range: 0, offset: 0, ordinal: 0, time: TimeMs(0), fact: fact.clone() };
    let pack = FactsPack { version: 0, ranges: vec![range], facts: vec![packed] };
    let mut bytes = before.to_le_bytes().to_vec();
    facts::encode(&FactsRecord::Facts(pack), &mut bytes);
    digest(&bytes)
}

pub(super) fn digest_report(report: &Report) -> Digest {
    let mut bytes = Vec::new();
    facts::encode(&FactsRecord::Reports(vec![report.clone()]), &mut bytes);
    digest(&bytes)
}
