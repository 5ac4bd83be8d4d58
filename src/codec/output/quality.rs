//! A rule that moved itself to shadow: told once, by the rule's own partition (DESIGN D28). Nothing in it is
//! about a person.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::state::RuleShadowed;

use super::envelope::{RuleText, source};
use super::{OutRecord, OutputContext, OutputError, Topic};

pub(super) const SHADOWED: &str = "duecourse.rule_shadowed.v1";

/// A structured CloudEvent without a time: what many partitions did has none.
#[derive(Serialize, JsonSchema)]
pub(super) struct ShadowedEvent<'a> {
    specversion: &'static str,
    /// `rule-shadowed-` rule `-` version: once for each version of a rule.
    id: String,
    #[serde(rename = "type")]
    event_type: &'static str,
    /// `/institutions/` name `/` topic.
    source: String,
    datacontenttype: &'static str,
    data: ShadowedData<'a>,
}

/// What the rule had done over all partitions when it passed its bound.
#[derive(Serialize, JsonSchema)]
struct ShadowedData<'a> {
    rule: RuleText<'a>,
    rules_version: u32,
    measures: u64,
    appeals: u64,
    overturned: u64,
    verifications_passed: u64,
    verifications_failed: u64,
    /// Whole hours for which its measures might stand, added up.
    restricted_hours: u64,
    /// The bounds, of a thousand measures.
    overturned_per_mille_max: u32,
    verified_per_mille_max: u32,
    measures_min: u32,
    /// What it was counted for.
    uses: [&'static str; 1],
}

pub(super) fn record(shadowed: &RuleShadowed, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let RuleShadowed { rule, count, quality } = shadowed;
    let event = ShadowedEvent {
        specversion: "1.0",
        id: format!("rule-shadowed-{}-{}", rule.id, rule.version),
        event_type: SHADOWED,
        source: source(ctx.institution, Topic::Shadow),
        datacontenttype: "application/json",
        data: ShadowedData {
            rule: rule.into(),
            rules_version: ctx.rules_version,
            measures: count.measures,
            appeals: count.appeals,
            overturned: count.overruled,
            verifications_passed: count.verified,
            verifications_failed: count.failed,
            restricted_hours: count.restricted_ms / 3_600_000,
            overturned_per_mille_max: quality.overturned_per_mille_max,
            verified_per_mille_max: quality.verified_per_mille_max,
            measures_min: quality.measures_min,
            uses: [crate::engine::purpose::Use::RuleQuality.name()],
        },
    };
    let value = serde_json::to_vec(&event)?;
    Ok(OutRecord { topic: Topic::Shadow, key: rule.id.clone().into_bytes(), value: Some(value) })
}
