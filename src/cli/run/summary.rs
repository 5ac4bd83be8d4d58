//! What a run says when it is done: counts, where the files are, what to do next.

use std::fmt::Write;
use std::path::Path;

use super::{Decided, Report};
use crate::cli::screen::thousands;

/// The summary on standard output.
#[must_use]
pub fn text(report: &Report, decided: &Decided, out: &Path) -> String {
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
    if report.labels_sha256.is_some() {
        scores(&mut text, report);
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

fn scores(text: &mut String, report: &Report) {
    let rows = [("accounts", &report.levels.account), ("events", &report.levels.event)];
    for (name, level) in rows {
        let _ = writeln!(
            text,
            "  {name:<9} {} of {} found (recall {:.3}), {} false of {} (rate {:.5})",
            level.hit, level.positives, level.recall, level.false_count, level.negatives, level.fpr,
        );
    }
    let (scheme, time) = (&report.levels.scheme, &report.time_to_detect_s);
    if scheme.total > 0 {
        let _ =
            writeln!(text, "  schemes   {} of {} touched, {} by half", scheme.any, scheme.total, scheme.half);
    }
    let _ = writeln!(
        text,
        "  detected  median {:.0} s, p90 {:.0} s after the start, n {}",
        time.median, time.p90, time.n
    );
}
