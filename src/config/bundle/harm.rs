//! What a rule may cost in an interval, and how often it may be wrong before it moves itself to shadow (D28).

use serde::Deserialize;

use super::load::Bundle;
use super::values::span_within;
use crate::engine::base::SpanMs;
use crate::engine::rule::{HarmBudget, Quality};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HarmBudgetDecl {
    pub hours_max: u32,
    pub per: String,
}

/// Bounds of a rule's quality, of a thousand measures, and how many measures it takes to conclude.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QualityDecl {
    pub overturned_per_mille_max: u32,
    pub verified_per_mille_max: u32,
    pub measures_min: u32,
}

pub(super) fn harm_budget(
    bundle: &mut Bundle,
    path: &str,
    decl: Option<&HarmBudgetDecl>,
) -> Option<HarmBudget> {
    let decl = decl?;
    if decl.hours_max == 0 {
        bundle.problems.add(
            path,
            "harm_budget.hours_max",
            "is 0: person-hours count from 1; a rule that may cost none is `shadow`",
        );
    }
    let per = span_within(&decl.per, SpanMs::HOUR, SpanMs::days(31));
    let per = bundle.note(path, "harm_budget.per", per)?;
    Some(HarmBudget { hours_max: decl.hours_max, per })
}

pub(super) fn quality(bundle: &mut Bundle, path: &str, decl: &QualityDecl) -> Quality {
    let of_thousand = [
        ("quality.overturned_per_mille_max", decl.overturned_per_mille_max),
        ("quality.verified_per_mille_max", decl.verified_per_mille_max),
    ];
    for (key, per_mille) in of_thousand {
        if per_mille > 1_000 {
            bundle.problems.add(path, key, "is measures of a thousand: at most 1000");
        }
    }
    if decl.measures_min == 0 {
        bundle.problems.add(path, "quality.measures_min", "is 0: nothing can be concluded from no measures");
    }
    Quality {
        overturned_per_mille_max: decl.overturned_per_mille_max,
        verified_per_mille_max: decl.verified_per_mille_max,
        measures_min: decl.measures_min,
    }
}
