//! Some cases of a run: a strong one that was right and one that was wrong, the earliest, one with a near miss.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;

use super::html::{both, escaped, found, minute, said, section};
use super::rows::{Row, Rows, Truth};
use super::timeline;
use crate::cli::Failure;
use crate::cli::explain::evidence::Evidence;
use crate::cli::explain::rules_of_folder;
use crate::cli::explain::told::{Teller, ThresholdSaid};
use crate::cli::explain::words::Both;
use crate::codec::output::measure_title;
use crate::engine::ruleset::RuleSet;

/// Offset of times when no rule set is known: China's, in minutes.
const UTC_OFFSET_MINUTES: i32 = 480;

/// One case, and why it is shown.
struct Case {
    why: Both,
    row: Row,
    record: Value,
}

/// The cases of a run, and the rules that decided them.
pub struct Told {
    cases: Vec<Case>,
    pub rules: Option<Arc<RuleSet>>,
}

impl Told {
    #[must_use]
    pub fn utc_offset_minutes(&self) -> i32 {
        self.rules.as_ref().map_or(UTC_OFFSET_MINUTES, |rules| rules.notices.utc_offset_minutes)
    }
}

/// Chooses the cases and fetches their records. What has events behind it can be drawn, so it is preferred.
///
/// # Errors
/// `InputUnreadable`.
pub fn tell(out: &Path, rows: &Rows) -> Result<Told, Failure> {
    let mut has_events = vec![false; rows.all.len()];
    each_record(out, rows, |place, line| {
        if let Some(known) = has_events.get_mut(place) {
            *known = line.contains("\"events\":[{");
        }
        Ok(())
    })?;
    let is_drawn = |place: usize| has_events.get(place).copied().unwrap_or(false);
    let strongest = |truth| rows.strongest(truth, is_drawn).or_else(|| rows.strongest(truth, |_| true));
    let choices = [
        (strongest(Truth::True), "较强的真告警", "A strong true alert"),
        (strongest(Truth::False), "较强的误报", "A strong false alert"),
        (strongest(Truth::Unknown), "较强的未评告警", "A strong alert that is not scored"),
        (rows.earliest(), "最早的告警", "Earliest alert"),
    ];
    let mut wanted: BTreeMap<usize, Both> = BTreeMap::new();
    for (place, zh, en) in choices {
        if let Some(place) = place {
            wanted.entry(place).or_insert_with(|| Both::new(zh, en));
        }
    }
    let mut cases: Vec<Case> = Vec::new();
    let mut has_near = false;
    each_record(out, rows, |place, line| {
        let chosen = wanted.remove(&place);
        let is_near = chosen.is_none() && !has_near && line.contains("\"near_misses\":[{");
        let near = || Both::new("另有规则接近触发", "Another rule came near");
        let (Some(why), Some(row)) = (chosen.or_else(|| is_near.then(near)), rows.all.get(place)) else {
            return Ok(());
        };
        let record: Value = serde_json::from_str(line)?;
        // A record withheld for its purpose has a row and no line: then the two are out of step.
        if record.pointer("/data/rule/id").and_then(Value::as_str) == Some(&row.rule) {
            has_near |= !Evidence::of(&record).near_misses.is_empty();
            cases.push(Case { why, row: row.clone(), record });
        }
        Ok(())
    })?;
    let version = cases.first().and_then(|case: &Case| case.record.pointer("/data/rules_version")?.as_u64());
    let rules = version.map(|version| rules_of_folder(out, version)).transpose()?.flatten();
    Ok(Told { cases, rules })
}

/// Gives each record with evidence and the place of its row: rows stand in the order of their records, those in shadow
/// apart from the others.
fn each_record(
    out: &Path,
    rows: &Rows,
    mut take: impl FnMut(usize, &str) -> anyhow::Result<()>,
) -> Result<(), Failure> {
    for (name, is_shadow) in [("dispositions.ndjson", false), ("shadow.ndjson", true)] {
        let path = out.join(name);
        let mut places = rows
            .all
            .iter()
            .enumerate()
            .filter(|(_, row)| (row.mode == "shadow") == is_shadow)
            .map(|(n, _)| n);
        let mut read = || -> anyhow::Result<()> {
            for line in BufReader::new(File::open(&path)?).lines() {
                let line = line?;
                if !line.contains("\"evidence\":{") {
                    continue; // an end, an acceptance, a lapse
                }
                let Some(place) = places.next() else { break };
                take(place, &line)?;
            }
            Ok(())
        };
        read().with_context(|| format!("cannot read {}", path.display())).map_err(Failure::input)?;
    }
    Ok(())
}

/// The cards of all cases.
#[must_use]
pub fn cards(told: &Told) -> String {
    if told.cases.is_empty() {
        return String::new();
    }
    let teller = Teller { rules: told.rules.as_deref() };
    let cards: String = told.cases.iter().map(|case| card(case, teller)).collect();
    let legend = both(
        "圆点大小表示金额；深色圆点：少了这一笔就不会触发；竖线：作出处理的时刻。",
        "The larger the dot, the larger the sum. A dark dot: without this one the rule would not have fired. \
         The upright line: the moment of the decision.",
    );
    section(
        &both("个案", "Cases"),
        &format!("<p class=\"note\">{legend}</p><div class=\"cards\">{cards}</div>"),
    )
}

fn card(case: &Case, teller: Teller<'_>) -> String {
    let evidence = Evidence::of(&case.record);
    let at = case.record.pointer("/data/at").and_then(Value::as_str).unwrap_or("");
    let measure =
        measure_title(&case.row.measure).as_ref().map_or_else(|| Both::same(&case.row.measure), Both::from);
    let rule = teller.rule(&case.row.rule, 0);
    let truth = match case.row.truth {
        Truth::True => format!("<em class=\"t\">{}</em>", both("真", "true")),
        Truth::False => format!("<em class=\"f\">{}</em>", both("误", "false")),
        Truth::Unknown => String::new(),
    };
    let thresholds: String = teller
        .thresholds(&case.row.rule, &evidence.comparisons)
        .iter()
        .map(|one| threshold(one, "was", &Both::default()))
        .collect();
    let mut near = String::new();
    for miss in teller.near_misses(&evidence) {
        let missed: String =
            miss.missed.iter().map(|one| threshold(&one.shown, "miss", &one.remark())).collect();
        near += &format!("<li>{}<ul>{missed}</ul></li>", said(&miss.rule.title));
    }
    if !near.is_empty() {
        near = format!("<h4>{}</h4><ul>{near}</ul>", both("接近触发的规则", "Rules that came near"));
    }
    format!(
        "<article><h3>{why}</h3><p><b>{rule}</b> {truth}</p>\
         <p class=\"note\">{measure} · {at} · <code>{subject}</code> · <code>{event}</code> · {strength} {value:.2}</p>\
         {svg}<ul>{thresholds}</ul>{near}</article>",
        why = said(&case.why),
        rule = said(&rule.title),
        measure = said(&measure),
        at = minute(at),
        subject = escaped(&case.row.subject_id),
        event = escaped(&case.row.event_id),
        strength = both("强度", "strength"),
        value = case.row.strength,
        svg = timeline::draw(&evidence, teller, at),
    )
}

fn threshold(one: &ThresholdSaid, class: &str, remark: &Both) -> String {
    format!("<li class=\"{class}\">{}</li>", found(&one.words, &one.left, remark))
}
