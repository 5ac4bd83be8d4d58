//! What a run says when it is done: counts, where the files are, what to do next.

use std::fmt::Write;
use std::path::Path;

use super::{Decided, Report};
use crate::cli::score::{Scores, scores_text};
use crate::cli::screen::thousands;

/// The summary on standard output.
#[must_use]
pub fn text(report: &Report, scores: Option<&Scores>, decided: &Decided, out: &Path) -> String {
    let mut text = String::new();
    let lines = &report.input.lines;
    // Writing into a String does not fail.
    let _ = writeln!(
        text,
        "{} events: {} accepted, {} repeated, {} refused, in {:.1} s",
        thousands(lines.events),
        thousands(lines.accepted),
        thousands(lines.repeated),
        thousands(lines.refused.values().sum()),
        report.wall_s,
    );
    for (reason, count) in &lines.refused {
        let _ = writeln!(text, "  refused  {reason:<28} {:>12}", thousands(*count));
    }
    for (field, count) in &report.input.undeclared {
        let _ = writeln!(text, "  dropped  {field:<28} {:>12}", thousands(*count));
    }
    let _ = writeln!(
        text,
        "{} dispositions, {} notices, {} measures in force at the end, {} observed in shadow",
        thousands(decided.counts.dispositions),
        thousands(decided.counts.notices),
        thousands(decided.in_force),
        thousands(decided.counts.shadow),
    );
    for rule in &report.rules {
        let _ = writeln!(text, "  {:<9} {:<32} {:>8} alerts", rule.mode, rule.id, thousands(rule.alerts));
    }
    if let Some(scores) = scores {
        text.push_str(&scores_text(scores));
    }
    if decided.purpose_refused > 0 {
        let _ =
            writeln!(text, "{} outputs withheld: their purpose did not permit them", decided.purpose_refused);
    }
    let _ = writeln!(
        text,
        "\nin {}: dispositions, notices, measures, shadow, dead-letters (.ndjson), alerts.csv, report.json, facts/",
        out.display()
    );
    let _ = writeln!(text, "check it:  duecourse verify --out {}", out.display());
    text
}
