//! Scores as a person reads them.

use std::fmt::Write;

use super::levels::{Level, Levels, Scores};

/// Some lines: what was found and what was not, how fast, and which labels could not be met at all.
#[must_use]
pub fn scores_text(scores: &Scores) -> String {
    let Levels { account, event, .. } = &scores.levels;
    let mut text = level("accounts", account) + &level("events", event) + &schemes(scores);
    let time = &scores.time_to_detect;
    // Writing into a String does not fail.
    let _ = writeln!(
        text,
        "  detected  median {:.0} s, p90 {:.0} s after the start, n {}",
        time.median, time.p90, time.n
    );
    let unscored = &scores.unscored;
    if unscored.accounts + unscored.events > 0 {
        let _ = writeln!(
            text,
            "  labels    {} accounts have no accepted event, {} events are not among those scored",
            unscored.accounts, unscored.events
        );
    }
    for (kind, rows) in &unscored.others {
        let _ = writeln!(text, "  labels    {rows} of kind `{kind}`, which is not scored");
    }
    text
}

/// Accounts and schemes of one part of the time line, which is all that a part scores.
pub fn part_text(name: &str, scores: &Scores) -> String {
    format!("{name}\n{}{}", level("accounts", &scores.levels.account), schemes(scores))
}

fn level(name: &str, level: &Level) -> String {
    format!(
        "  {name:<9} {} of {} found (recall {:.3}), {} false of {} (rate {:.5})\n",
        level.hit, level.positives, level.recall, level.false_count, level.negatives, level.fpr,
    )
}

fn schemes(scores: &Scores) -> String {
    let scheme = &scores.levels.scheme;
    match scheme.total {
        0 => String::new(),
        total => format!("  schemes   {} of {total} touched, {} by half\n", scheme.any, scheme.half),
    }
}
