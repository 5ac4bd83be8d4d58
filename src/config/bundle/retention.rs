//! `retention.toml`: how long each class of state is kept, with basis and status (ARCHITECTURE S20).
//!
//! What windows and deadlines bound already is not written twice: a log is kept as far as its signals reach,
//! and here stands only how far they may.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::files::Figure;
use super::load::{Bundle, Checked};
use super::settings::checked_figure;
use super::values::{span_within, written};
use crate::engine::base::SpanMs;
use crate::engine::retention::Retention;
use crate::engine::ruleset;
use crate::engine::signal::Signal;
use crate::engine::subject::SubjectKind;

const FILE: &str = "retention.toml";

/// `retention.toml`: how long each class of state is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionFile {
    pub version: u32,
    /// By kind of subject: how far back its signals may reach, the lateness of events included.
    pub logs: BTreeMap<String, Figure>,
    pub state: StateTerms,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateTerms {
    pub openings: Figure,
    pub holdings: Figure,
    pub firings: Figure,
    pub overrides: Figure,
    pub authorisations: Figure,
    pub declarations: Figure,
    pub orders: Figure,
    pub counts: Figure,
    pub persons_marked: Figure,
    pub persons_counted: Figure,
    /// The span in which all of the state is looked through once.
    pub sweep: Figure,
}

/// One class of state, its term, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Such as `log of device` or `openings`.
    pub class: String,
    /// What is kept.
    pub what: &'static str,
    /// From when the span counts.
    pub from: &'static str,
    /// `None` is for ever.
    pub kept: Option<SpanMs>,
    /// How long it may be at most, where the term follows from something else.
    pub at_most: Option<SpanMs>,
    pub basis: String,
    pub source: String,
    pub status: String,
}

/// The terms of a rule set; as before there were any where the bundle has no such file.
pub(super) fn retention(
    bundle: &mut Bundle,
    settings: Option<&ruleset::Settings>,
    signals: &[Signal],
    zone: i32,
) -> Retention {
    if !bundle.contains(FILE) {
        return Retention::WITHOUT_END;
    }
    let Some(file) = bundle.file::<RetentionFile>(FILE) else { return Retention::WITHOUT_END };
    if file.version == 0 {
        bundle.problems.add(FILE, "version", "versions count from 1");
    }
    let horizon = settings.map_or(SpanMs(0), |settings| settings.duplicate_horizon);
    let mut term = |key: &str, figure: &Figure, low: SpanMs, high: SpanMs| {
        checked_figure(bundle, FILE, key, figure, zone);
        let read = span_within(&figure.value, low, high);
        bundle.note(FILE, &format!("{key}.value"), read).unwrap_or(high)
    };
    let years_ten = SpanMs::days(3_660);
    let state = &file.state;
    // An event may come again, and be corrected, for as long as duplicates are recognised.
    let retention = Retention {
        logs_by_kind: true,
        openings: term("state.openings", &state.openings, horizon, years_ten),
        holdings: term("state.holdings", &state.holdings, horizon, years_ten),
        firings: term("state.firings", &state.firings, SpanMs::DAY, years_ten),
        overrides: term("state.overrides", &state.overrides, horizon, years_ten),
        authorisations: term("state.authorisations", &state.authorisations, horizon, years_ten),
        declarations: term("state.declarations", &state.declarations, horizon, years_ten),
        orders: term("state.orders", &state.orders, horizon, years_ten),
        counts: term("state.counts", &state.counts, horizon, years_ten),
        // A mark tells two years apart, so a year's is of no use once the year after it is over, too.
        persons_marked: term("state.persons_marked", &state.persons_marked, SpanMs::DAY, SpanMs::days(366)),
        persons_counted: term("state.persons_counted", &state.persons_counted, SpanMs::DAY, years_ten),
        sweep: term("state.sweep", &state.sweep, SpanMs::HOUR, SpanMs::days(31)),
    };
    logs(bundle, &file, signals, settings, zone);
    retention
}

/// Every kind of subject that signals measure has a term, and none of them reaches further.
fn logs(
    bundle: &mut Bundle,
    file: &RetentionFile,
    signals: &[Signal],
    settings: Option<&ruleset::Settings>,
    zone: i32,
) {
    let lateness = settings.map_or(SpanMs(0), |settings| settings.lateness);
    for (name, figure) in &file.logs {
        let key = format!("logs.{name}");
        checked_figure(bundle, FILE, &key, figure, zone);
        let most = bundle.note(
            FILE,
            &format!("{key}.value"),
            span_within(&figure.value, SpanMs::HOUR, SpanMs::days(3_660)),
        );
        let Some(kind) = SubjectKind::from_name(name).filter(|kind| kind.log_kind() == *kind) else {
            bundle.problems.add(FILE, &key, format!("`{name}` is no kind of subject with a log"));
            continue;
        };
        let Some(most) = most else { continue };
        for signal in signals.iter().filter(|signal| signal.subject.log_kind() == kind) {
            let reach = signal.question().map_or(0, |question| question.reach().0);
            if reach.saturating_add(lateness.0) > most.0 {
                let reach = written(SpanMs(reach));
                let message = format!(
                    "`{}` reaches back {reach}, and with the lateness of events that is longer",
                    signal.name
                );
                bundle.problems.add(FILE, &format!("{key}.value"), message);
            }
        }
    }
    let declared = |kind: SubjectKind| file.logs.contains_key(kind.name());
    for signal in signals.iter().filter(|signal| signal.question().is_some()) {
        let kind = signal.subject.log_kind();
        if !declared(kind) {
            let message =
                format!("`{}` measures a {}; say how far back that may go", signal.name, kind.name());
            bundle.problems.add(FILE, "logs", message);
        }
    }
}

/// Every class of state with its term, in the order in which a person reads them.
///
/// # Errors
/// When the bundle has no `retention.toml`: then nothing ends but what windows and deadlines end.
pub fn terms(checked: &Checked) -> Result<Vec<Term>, String> {
    let Some((file, settings)) = &checked.retention else {
        return Err(
            "the rule set declares no terms (retention.toml); nothing but logs and measures ends".to_owned()
        );
    };
    let set = &checked.rule_set;
    let mut terms = Vec::new();
    for kind in SubjectKind::ALL {
        let Some(figure) = file.logs.get(kind.name()) else { continue };
        terms.push(Term {
            at_most: super::values::span(&figure.value).ok(),
            ..term(
                format!("log of {}", kind.name()),
                "entries of signals: time, amount, short form of the other side, event",
                "the event's time",
                set.log_retention(kind),
                figure,
            )
        });
    }
    let figures = &set.settings;
    let classes = [
        (
            "fingerprints",
            "keyed fingerprints of event ids, to recognise repeats",
            "when it was applied",
            figures.duplicate_horizon,
            &settings.duplicate_horizon,
        ),
        (
            "standings",
            "what was told of shared subjects, and who was told",
            "the end of what was told",
            figures.lateness,
            &settings.lateness,
        ),
        (
            "measures",
            "measures, for appeals",
            "the measure's end",
            figures.appeal_window,
            &settings.appeal_window,
        ),
        (
            "leads",
            "what was referred about a card, account or shared subject",
            "the answer, or when it is given up",
            figures.appeal_window,
            &settings.appeal_window,
        ),
        (
            "firings",
            "when a rule last fired on a party",
            "the firing's end",
            set.retention.firings,
            &file.state.firings,
        ),
        (
            "overrides",
            "that a rule is held back after an appeal",
            "the override's end",
            set.retention.overrides,
            &file.state.overrides,
        ),
        (
            "authorisations",
            "what customers authorised about data of Art. 18(4), and took back",
            "the end or the revocation",
            set.retention.authorisations,
            &file.state.authorisations,
        ),
        (
            "declarations",
            "card profiles, risk assessments, beneficial owners, explained phone numbers",
            "its time, once what it is about is known no more or it was declared anew",
            set.retention.declarations,
            &file.state.declarations,
        ),
        (
            "orders and entries",
            "orders of authorities and list entries, the older regime's too, and what came before them",
            "the end, or what was heard of it without its text",
            set.retention.orders,
            &file.state.orders,
        ),
        (
            "counts of rules",
            "what rules did and what became of it, their harm by interval; no person is in it",
            "the first activation without the rule, and the interval's end",
            set.retention.counts,
            &file.state.counts,
        ),
        (
            "persons named",
            "that somebody was named at a destination in a year, under a keyed mark of the holder",
            "the end of the calendar year",
            set.retention.persons_marked,
            &file.state.persons_marked,
        ),
        (
            "counts of persons named",
            "how many distinct persons were named at each destination in a year; no person is in it",
            "the end of the calendar year",
            set.retention.persons_counted,
            &file.state.persons_counted,
        ),
        (
            "openings",
            "requests to open, their answers and the platform's",
            "the last that was heard of it, once it waits for nothing",
            set.retention.openings,
            &file.state.openings,
        ),
        (
            "holdings",
            "accounts and cards: steps and class",
            "the closing",
            set.retention.holdings,
            &file.state.holdings,
        ),
        (
            "sweep",
            "what is forgotten leaves memory and whole snapshots within this span",
            "the end of its term",
            set.retention.sweep,
            &file.state.sweep,
        ),
    ];
    terms.extend(
        classes
            .into_iter()
            .map(|(class, what, from, kept, figure)| term(class.to_owned(), what, from, kept, figure)),
    );
    Ok(terms)
}

fn term(class: String, what: &'static str, from: &'static str, kept: SpanMs, figure: &Figure) -> Term {
    let Figure { basis, source, status, .. } = figure.clone();
    Term { class, what, from, kept: Some(kept), at_most: None, basis, source, status }
}

/// The terms as a Markdown table.
#[must_use]
pub fn table(terms: &[Term]) -> String {
    let mut table = String::from(
        "| class | what | kept for | after | at most | basis | status |\n|---|---|---|---|---|---|---|\n",
    );
    for term in terms {
        let most = term.at_most.map_or_else(|| "-".to_owned(), written);
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {most} | {} ({}) | {} |",
            term.class,
            term.what,
            term.kept.map_or_else(|| "ever".to_owned(), written),
            term.from,
            term.basis,
            term.source,
            term.status,
        );
    }
    table
}
