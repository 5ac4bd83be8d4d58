//! Dead letters of deciding: an accepted event that refers to nothing its partition has.
//! A pointer, a reason and a version; never content.

use schemars::JsonSchema;
use serde::Serialize;

use crate::codec::hex::event_hex;
use crate::engine::base::Fingerprint;
use crate::engine::input::UnmatchedReason;

use super::{OutRecord, OutputContext, OutputError, Topic};

/// An event that could not be matched when it was decided.
#[derive(Serialize, JsonSchema)]
pub(super) struct UnmatchedData {
    /// Keyed fingerprint of the event.
    event: String,
    /// `appeal_unknown`, `appeal_settled` or `rules_not_newer`.
    reason: &'static str,
    /// Version of the rule set that was in force.
    rules_version: u32,
}

pub(super) fn record(
    event: Fingerprint,
    reason: UnmatchedReason,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let event = event_hex(event);
    let key = event.clone().into_bytes();
    let data = UnmatchedData { event, reason: reason.name(), rules_version: ctx.rules_version };
    Ok(OutRecord { topic: Topic::DeadLetters, key, value: Some(serde_json::to_vec(&data)?) })
}
