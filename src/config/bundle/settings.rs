//! `settings.toml`: the few figures that decide and are neither a rule nor a limit, with their bounds.

use super::files::{Figure, SettingsFile};
use super::load::Bundle;
use super::values::{date, named, span_within, standing, zone};
use crate::engine::base::SpanMs;
use crate::engine::ruleset;
use crate::engine::{SEMANTICS, SEMANTICS_UNNAMED};

const FILE: &str = "settings.toml";

pub(super) struct Settings {
    pub version: u32,
    pub semantics: u32,
    pub figures: ruleset::Settings,
    pub answer_within: SpanMs,
    /// What the law allows for an answer at most (law.md A3).
    pub answer_within_max: SpanMs,
    /// The longest that a rule, a limit or a step of a life may set a measure for.
    pub measure_for_max: SpanMs,
    pub utc_offset_minutes: i32,
}

/// Where a rule set declares no longest term: what was released before there was one goes on to load.
pub(super) const UNBOUNDED: SpanMs = SpanMs::days(3_660);

/// Reads the settings; `None`, with problems noted, when one is missing or out of bounds.
pub(super) fn settings(bundle: &mut Bundle) -> Option<Settings> {
    let file: SettingsFile = bundle.file(FILE)?;
    if file.version == 0 {
        bundle.problems.add(FILE, "version", "versions count from 1");
    }
    if file.semantics > SEMANTICS {
        let why =
            format!("asks for engine semantics {}; this program speaks up to {SEMANTICS}", file.semantics);
        bundle.problems.add(FILE, "semantics", why);
    }
    if file.semantics < SEMANTICS_UNNAMED {
        let why = format!("engine semantics count from {SEMANTICS_UNNAMED} here");
        bundle.problems.add(FILE, "semantics", why);
    }
    let utc_offset_minutes = bundle.note(FILE, "zone.value", zone(&file.zone.value));
    checked(bundle, "zone", &file.zone, utc_offset_minutes.unwrap_or(0));
    let mut figure = |key: &str, figure: &Figure, low: SpanMs, high: SpanMs| {
        checked(bundle, key, figure, utc_offset_minutes.unwrap_or(0));
        bundle.note(FILE, &format!("{key}.value"), span_within(&figure.value, low, high))
    };
    // The bounds here only catch slips of the pen, such as `400h` for `400d`; what the law or we ourselves bound is a
    // figure of its own, with its basis.
    let (minute, hour, day) = (SpanMs(60_000), SpanMs::HOUR, SpanMs::DAY);
    let duplicate_horizon = figure("duplicate_horizon", &file.duplicate_horizon, day, SpanMs::days(800));
    let lateness = figure("lateness", &file.lateness, minute, SpanMs::days(7));
    let override_for = figure("override_for", &file.override_for, day, SpanMs::days(366));
    let reservation_for = figure("reservation_for", &file.reservation_for, hour, SpanMs::days(30));
    let answer_for = figure("answer_for", &file.answer_for, day, SpanMs::days(90));
    let appeal_window = figure("appeal_window", &file.appeal_window, SpanMs::days(30), SpanMs::days(1_100));
    let mut longest = |key: &str, given: &Option<Figure>, least: SpanMs| match given {
        Some(given) => figure(key, given, least, UNBOUNDED),
        None => Some(UNBOUNDED),
    };
    let answer_within_max = longest("answer_within_max", &file.answer_within_max, hour);
    let measure_for_max = longest("measure_for_max", &file.measure_for_max, minute);
    let answer_within =
        figure("answer_within", &file.answer_within, hour, answer_within_max.unwrap_or(UNBOUNDED));
    let settlement_check_for = match &file.settlement_check_for {
        Some(given) => Some(figure("settlement_check_for", given, hour, SpanMs::days(7))?),
        None => None,
    };
    let braked_for = match &file.braked_for {
        Some(given) => Some(figure("braked_for", given, minute, SpanMs::days(7))?),
        None => None,
    };
    let keep_one_line = match &file.keep_one_line {
        Some(given) => {
            checked(bundle, "keep_one_line", given, utc_offset_minutes.unwrap_or(0));
            let known = [("yes", true), ("no", false)];
            bundle.note(FILE, "keep_one_line.value", named("choice", &given.value, known))?
        }
        None => false,
    };
    Some(Settings {
        version: file.version,
        semantics: file.semantics,
        figures: ruleset::Settings {
            duplicate_horizon: duplicate_horizon?,
            lateness: lateness?,
            override_for: override_for?,
            reservation_for: reservation_for?,
            answer_for: answer_for?,
            appeal_window: appeal_window?,
            keep_one_line,
            braked_for,
            settlement_check_for,
        },
        answer_within: answer_within?,
        answer_within_max: answer_within_max?,
        measure_for_max: measure_for_max?,
        utc_offset_minutes: utc_offset_minutes?,
    })
}

/// Every figure says since when it holds, on what basis and how well that is established.
fn checked(bundle: &mut Bundle, key: &str, figure: &Figure, zone: i32) {
    checked_figure(bundle, FILE, key, figure, zone);
}

/// The same for a figure of any file.
pub(super) fn checked_figure(bundle: &mut Bundle, file: &str, key: &str, figure: &Figure, zone: i32) {
    bundle.note(file, &format!("{key}.effective_from"), date(&figure.effective_from, zone));
    bundle.note(file, &format!("{key}.status"), standing(&figure.status));
    for (name, text) in [("basis", &figure.basis), ("source", &figure.source)] {
        if text.trim().is_empty() {
            bundle.problems.add(file, &format!("{key}.{name}"), "is empty; say where the figure comes from");
        }
    }
}
