//! Observations: what a rule in shadow would have done (DESIGN D28). Another type on another topic,
//! without reference, notice or appeal, because nothing happens to anybody.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::codec::hex::{id_hex, token_hex};
use crate::engine::disposition::Observation;

use super::envelope::{Envelope, HeadData};
use super::evidence::{self, EvidenceData};
use super::measure::MeasureData;
use super::{OutRecord, OutputContext, OutputError, Topic};

pub(super) const OBSERVED: &str = "duecourse.observation.v1";

/// What would have been done.
#[derive(Serialize, JsonSchema)]
pub(super) struct ObservationData<'a> {
    #[serde(flatten)]
    head: HeadData<'a>,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    #[schemars(with = "EvidenceData<'a>")]
    evidence: Box<RawValue>,
}

pub(super) fn record(observed: &Observation, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let head = &observed.head;
    let data = ObservationData {
        head: HeadData::of(head, ctx)?,
        measure: MeasureData::of(&observed.measure, ctx)?,
        evidence: evidence::encoded(&observed.evidence, ctx)?,
    };
    let envelope = Envelope {
        topic: Topic::Shadow,
        event_type: OBSERVED,
        id: id_hex(head.id),
        key: token_hex(head.holder),
        at: head.at,
    };
    envelope.wrap(data, ctx)
}
