//! Some cases of a run: the strongest that was right and that was wrong, the earliest, one with a near miss.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;

use super::html::{both, escaped, lines, minute, said, section};
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

/// Chooses the cases and fetches their records.
///
/// # Errors
/// `InputUnreadable`.
pub fn tell(out: &Path, rows: &Rows) -> Result<Told, Failure> {
    let mut wanted: BTreeMap<usize, Both> = BTreeMap::new();
    let choices = [
        (rows.strongest(Truth::True), "最强的真告警", "Strongest true alert"),
        (rows.strongest(Truth::False), "最强的误报", "Strongest false alert"),
        (rows.strongest(Truth::Unknown), "最强的未评告警", "Strongest alert that is not scored"),
        (rows.earliest(), "最早的告警", "Earliest alert"),
    ];
    for (place, zh, en) in choices {
        if let Some(place) = place {
            wanted.entry(place).or_insert_with(|| Both::new(zh, en));
        }
    }
    let mut chosen = Chosen { wanted, cases: Vec::new(), with_events: None };
    // Rows stand in the order of their records, those in shadow apart from the others.
    for (name, is_shadow) in [("dispositions.ndjson", false), ("shadow.ndjson", true)] {
        let places = rows
            .all
            .iter()
            .enumerate()
            .filter(|(_, row)| (row.mode == "shadow") == is_shadow)
            .map(|(n, _)| n);
        chosen.fetch(&out.join(name), places, rows).map_err(Failure::input)?;
    }
    let cases = chosen.finish();
    let version = cases.first().and_then(|case: &Case| case.record.pointer("/data/rules_version")?.as_u64());
    let rules = version.map(|version| rules_of_folder(out, version)).transpose()?.flatten();
    Ok(Told { cases, rules })
}

/// Cases while their records are looked for.
struct Chosen {
    /// By place among the rows: why it is shown.
    wanted: BTreeMap<usize, Both>,
    cases: Vec<Case>,
    /// The first with events behind it, for a run in which none of the others has any.
    with_events: Option<Case>,
}

impl Chosen {
    /// Takes the records of one file that are wanted. Its records stand in the order of `places`.
    fn fetch(
        &mut self,
        path: &Path,
        mut places: impl Iterator<Item = usize>,
        rows: &Rows,
    ) -> anyhow::Result<()> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in BufReader::new(file).lines() {
            let line = line.with_context(|| format!("cannot read {}", path.display()))?;
            if !line.contains("\"evidence\":{") {
                continue; // an end, an acceptance, a lapse
            }
            let Some(place) = places.next() else { break };
            let wanted = self.wanted.remove(&place);
            let is_near = wanted.is_none() && line.contains("\"near_misses\":[{") && !self.has_near();
            let is_first = self.with_events.is_none() && line.contains("\"events\":[{");
            if wanted.is_none() && !is_near && !is_first {
                continue;
            }
            let record: Value =
                serde_json::from_str(&line).with_context(|| format!("in {}", path.display()))?;
            let Some(row) = rows.all.get(place) else { continue };
            // A record withheld for its purpose has a row and no line: then the two are out of step.
            if record.pointer("/data/rule/id").and_then(Value::as_str) != Some(&row.rule) {
                continue;
            }
            let case = |why: Both| Case { why, row: row.clone(), record: record.clone() };
            if is_first {
                self.with_events = Some(case(Both::new("有明细的告警", "An alert with events behind it")));
            }
            let near = || Both::new("另有规则接近触发", "Another rule came near");
            self.cases.extend(wanted.or_else(|| is_near.then(near)).map(case));
        }
        Ok(())
    }

    fn has_near(&self) -> bool {
        self.cases.iter().any(|case| !Evidence::of(&case.record).near_misses.is_empty())
    }

    fn finish(mut self) -> Vec<Case> {
        let has_events =
            |case: &Case| Evidence::of(&case.record).signals.iter().any(|s| !s.events.is_empty());
        if !self.cases.iter().any(has_events) {
            self.cases.extend(self.with_events);
        }
        self.cases
    }
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
        .map(|one| threshold(one, "was"))
        .collect();
    let mut near = String::new();
    for miss in &evidence.near_misses {
        let missed = teller.thresholds(&miss.rule.id, &miss.missed);
        let missed: String = missed.iter().map(|one| threshold(one, "miss")).collect();
        near += &format!("<li>{}<ul>{missed}</ul></li>", said(&teller.rule(&miss.rule.id, 0).title));
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
        svg = timeline::draw(&evidence, teller, at, &measure),
    )
}

fn threshold(one: &ThresholdSaid, class: &str) -> String {
    format!("<li class=\"{class}\">{}</li>", lines(&one.words, &one.left))
}
