//! A run as one self-contained page: scores, rules, time, and some cases with the events behind them.
//!
//! No script and nothing from elsewhere: the page forbids itself both. What it names by the input's own
//! ids is for the owner of the input, like `alerts.csv`, from which it is made.

mod cases;
mod charts;
mod html;
mod rows;
mod timeline;

use std::path::Path;

use super::Failure;
use super::run::{Report, write_by_rename};
use super::score::{Labels, Scores};
use html::{both, escaped};
use rows::Rows;

/// Scores and the labels they were made against.
pub type Judged<'a> = Option<(&'a Labels, &'a Scores)>;

/// Writes the page of a run whose other files are written.
///
/// # Errors
/// `InputUnreadable` when those files cannot be read, `Unreachable` when the page cannot be written.
pub fn write(out: &Path, report: &Report, judged: Judged<'_>, file: &Path) -> Result<(), Failure> {
    let rows = Rows::read(out, judged.map(|(labels, _)| labels)).map_err(Failure::input)?;
    let told = cases::tell(out, &rows)?;
    let mut main = String::new();
    main += &summary(report, &rows);
    if let Some((_, scores)) = judged {
        main += &charts::scores(report);
        main += &charts::time_to_detect(&report.time_to_detect_s, &scores.delays_ms);
    }
    main += &charts::rules(report, told.rules.as_deref(), judged.is_some());
    main += &charts::over_time(&rows, told.utc_offset_minutes());
    main += &cases::cards(&told);
    write_by_rename(file, html::document(&main).as_bytes())
}

fn summary(report: &Report, rows: &Rows) -> String {
    let lines = &report.input.lines;
    let cells = [
        (both("事件", "Events"), html::number(lines.events)),
        (both("受理", "Accepted"), html::number(lines.accepted)),
        (both("退回", "Refused"), html::number(lines.refused.values().sum())),
        (both("告警", "Alerts"), html::number(rows.all.len() as u64)),
        (both("档位", "Profile"), escaped(&report.profile)),
        (
            both("规则集", "Rules"),
            format!("<code>{}</code>", escaped(report.rules_sha256.get(..12).unwrap_or(""))),
        ),
    ];
    let cells: String =
        cells.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>")).collect();
    format!("<dl class=\"facts\">{cells}</dl>")
}
