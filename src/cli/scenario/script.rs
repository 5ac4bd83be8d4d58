//! The text of a scenario: its lines, directives, and event lines as JSON events.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use serde_json::{Value, json};

use super::words::{self, data};
use crate::codec::event::{EventTime, EventType};
use crate::codec::output::rfc3339;
use crate::config::bundle;
use crate::config::nearest::nearest;
use crate::engine::base::{SpanMs, TimeMs};

/// The zone that a scenario is written in: Beijing's, unless its first directive says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    minutes: i32,
}

impl Zone {
    pub(super) const BEIJING: Zone = Zone { minutes: 480 };

    /// Reads a time such as `2026-03-02T09:00` or `2026-03-02T09:00:30`.
    pub(super) fn time(self, text: &str) -> anyhow::Result<TimeMs> {
        let seconds = if text.len() == 16 { ":00" } else { "" };
        let local = EventTime::parse(&format!("{text}{seconds}Z"));
        local
            .map(|local| local.0.minus(SpanMs(i64::from(self.minutes) * 60_000)))
            .map_err(|_| anyhow!("`{text}` is no time; write `2026-03-02T09:00`, `+10m` or a directive"))
    }

    /// A time as an event says it.
    pub(super) fn written(self, at: TimeMs) -> anyhow::Result<String> {
        rfc3339(at, self.minutes).ok_or_else(|| anyhow!("this time cannot be written"))
    }

    /// A time such as `2026-03-02T09:00`, as an event's field says it.
    pub(super) fn moment(self, text: &str) -> anyhow::Result<String> {
        self.written(self.time(text)?)
    }

    /// A time as a person is told it: to the minute, or to the second where it matters.
    pub(super) fn told(self, at: TimeMs) -> String {
        let full = rfc3339(at, self.minutes).unwrap_or_default();
        let seconds = full.get(16..19).filter(|seconds| *seconds != ":00").unwrap_or("");
        format!("{}{seconds}", full.get(..16).unwrap_or(""))
    }
}

pub(super) struct Script {
    pub directives: Vec<Directive>,
    pub lines: Vec<Line>,
    /// Time of the first event.
    pub first: TimeMs,
    pub zone: Zone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    RulesSince(TimeMs),
    /// Where the institution is, such as `+05:45`; the scenario's own times are of that zone, too.
    Zone(String),
    Enforce(String),
    Enable(String),
    /// A rule or limit switched off.
    Off(String),
    /// A rule's harm budget: person-hours in a day.
    Budget(String, u32),
    /// The risk that a rule states.
    Risk(String, String),
    /// What a rule asks for, and for how long.
    Measure(String, String, String),
    /// Sources with a broker's clock; partition time is that of the slowest (D9).
    Sources(Vec<String>),
    /// A rule's bounds: overturned and verified of a thousand, and measures at least.
    Quality(String, [u32; 3]),
    ShowNotices,
    /// The source holds devices as data of abnormal customers, and not as subjects of their own.
    AbnormalDevices,
    /// The rules are in force and nothing is live yet (D28): `went_live` is one of its events.
    BeforeGoLive,
}

/// A line that a person wrote.
pub(super) struct Line {
    pub number: usize,
    pub text: String,
    happening: Option<Happening>,
}

struct Happening {
    start: TimeMs,
    step: SpanMs,
    times: u32,
    kind: EventType,
    fields: Vec<(String, String)>,
    zone: Zone,
}

/// One event, ready but for the appeal reference and the id.
pub(super) struct Happened {
    pub at: TimeMs,
    pub kind: EventType,
    pub id: Option<String>,
    /// The source it comes by; the first without one.
    pub via: Option<String>,
    pub data: Value,
}

/// Reads a scenario; the program's own lines are left out.
pub(super) fn read(text: &str) -> anyhow::Result<Script> {
    let (directives, lines) = (Vec::new(), Vec::new());
    let mut script = Script { directives, lines, first: TimeMs::MIN, zone: Zone::BEIJING };
    let mut now = None;
    for (place, text) in text.lines().enumerate() {
        // What the program wrote begins with two spaces; so do its notices.
        if text.starts_with("  ") {
            continue;
        }
        let number = place + 1;
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut line = Line { number, text: text.to_owned(), happening: None };
        if let Some(first) = words.first().filter(|word| !word.starts_with('#')) {
            let zone = script.zone;
            if let Some(directive) = directive(&words, zone).with_context(|| format!("line {number}"))? {
                if let Directive::Zone(text) = &directive {
                    let is_first = script.directives.is_empty() && now.is_none();
                    let minutes = is_first.then(|| bundle::zone(text).ok()).flatten();
                    let minutes = minutes.ok_or_else(|| {
                        anyhow!("line {number}: a zone stands before all else; write `zone +05:45`")
                    })?;
                    script.zone = Zone { minutes };
                }
                script.directives.push(directive);
            } else {
                let (happening, end) =
                    happening(first, &words, now, zone).with_context(|| format!("line {number}"))?;
                if now.is_none() {
                    script.first = happening.start;
                }
                now = Some(end);
                line.happening = Some(happening);
            }
        }
        script.lines.push(line);
    }
    Ok(script)
}

fn directive(words: &[&str], zone: Zone) -> anyhow::Result<Option<Directive>> {
    Ok(match words {
        ["rules", "since", date] => Some(Directive::RulesSince(zone.time(&format!("{date}T00:00"))?)),
        ["zone", offset] => Some(Directive::Zone((*offset).to_owned())),
        ["enforce", rule] => Some(Directive::Enforce((*rule).to_owned())),
        ["enable", limit] => Some(Directive::Enable((*limit).to_owned())),
        ["off", id] => Some(Directive::Off((*id).to_owned())),
        ["budget", rule, hours] => {
            let hours = hours
                .parse()
                .map_err(|_| anyhow!("`{hours}` is no number of hours; write `budget RULE 48`"))?;
            Some(Directive::Budget((*rule).to_owned(), hours))
        }
        ["quality", rule, overturned, verified, least] => {
            let number = |text: &str| {
                text.parse().map_err(|_| anyhow!("`{text}` is no number; write `quality RULE 200 900 50`"))
            };
            let bounds = [number(overturned)?, number(verified)?, number(least)?];
            Some(Directive::Quality((*rule).to_owned(), bounds))
        }
        ["risk", rule, risk] => Some(Directive::Risk((*rule).to_owned(), (*risk).to_owned())),
        ["measure", rule, measure, span] => {
            Some(Directive::Measure((*rule).to_owned(), (*measure).to_owned(), (*span).to_owned()))
        }
        ["sources", names @ ..] if !names.is_empty() => {
            Some(Directive::Sources(names.iter().map(|name| (*name).to_owned()).collect()))
        }
        ["show", "notices"] => Some(Directive::ShowNotices),
        ["abnormal", "devices"] => Some(Directive::AbnormalDevices),
        ["before", "go-live"] => Some(Directive::BeforeGoLive),
        _ => None,
    })
}

fn happening(
    first: &str,
    words: &[&str],
    now: Option<TimeMs>,
    zone: Zone,
) -> anyhow::Result<(Happening, TimeMs)> {
    let (start, step) = match first.strip_prefix('+') {
        Some(span) => {
            let span = bundle::span(span).map_err(|why| anyhow!(why))?;
            let now = now.ok_or_else(|| anyhow!("the first event needs a time of its own"))?;
            (now.plus(span), span)
        }
        None => (zone.time(first)?, SpanMs(0)),
    };
    let mut rest = words.get(1..).unwrap_or(&[]);
    let mut times = 1;
    if let Some(count) = rest.first().and_then(|word| word.strip_prefix('x')).and_then(|n| n.parse().ok()) {
        times = count;
        rest = rest.get(1..).unwrap_or(&[]);
    }
    let (name, fields) = rest.split_first().ok_or_else(|| anyhow!("an event type is missing"))?;
    let kind = EventType::from_name(name).ok_or_else(|| {
        let near = nearest(name, EventType::ALL.iter().map(|kind| kind.name()));
        anyhow!(
            "unknown event type `{name}`{}",
            near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
        )
    })?;
    let fields = fields
        .iter()
        .map(|field| {
            let (key, value) = field
                .split_once('=')
                .or_else(|| words::is_flag(field).then_some((*field, "true")))
                .ok_or_else(|| anyhow!("`{field}` has no `=`"))?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect::<anyhow::Result<_>>()?;
    let end = start.plus(SpanMs(step.0.saturating_mul(i64::from(times).saturating_sub(1))));
    Ok((Happening { start, step, times, kind, fields, zone }, end))
}

/// The events of a line, in order.
pub(super) fn events(line: &Line) -> anyhow::Result<Vec<Happened>> {
    let Some(happening) = &line.happening else {
        return Ok(Vec::new());
    };
    (0..happening.times)
        .map(|round| {
            let at = happening.start.plus(SpanMs(happening.step.0 * i64::from(round)));
            let counted = |text: &str| text.replace("{n}", &(round + 1).to_string());
            let fields: BTreeMap<String, String> =
                happening.fields.iter().map(|(key, value)| (key.clone(), counted(value))).collect();
            let data = match happening.kind {
                EventType::EventCorrected => correction(&fields, happening.zone),
                kind => data(kind, &fields, happening.zone),
            };
            let data = data.with_context(|| format!("line {}", line.number))?;
            let field = |name: &str| fields.get(name).cloned();
            Ok(Happened { at, kind: happening.kind, id: field("id"), via: field("via"), data })
        })
        .collect()
}

/// A correction: the original's id and type, and its two forms by fields such as `before.amount`.
fn correction(fields: &BTreeMap<String, String>, zone: Zone) -> anyhow::Result<Value> {
    let plain = |name: &str| fields.get(name).ok_or_else(|| anyhow!("a correction needs `{name}`"));
    let (id, kind) = (plain("original_event_id")?, plain("original_type")?);
    let original = EventType::from_name(kind).ok_or_else(|| anyhow!("unknown event type `{kind}`"))?;
    let mut corrected = json!({ "original_event_id": id, "original_type": kind });
    for form in ["before", "after"] {
        let mut own: BTreeMap<String, String> = BTreeMap::new();
        for (key, value) in fields {
            if let Some(field) = key.strip_prefix(form).and_then(|rest| rest.strip_prefix('.')) {
                own.insert(field.to_owned(), value.clone());
            }
        }
        if own.is_empty() {
            continue;
        }
        let at = own.remove("time").ok_or_else(|| anyhow!("`{form}.time` is missing"))?;
        let at = zone.moment(&at).with_context(|| format!("`{form}.time`"))?;
        let state = json!({ "time": at, "data": data(original, &own, zone)? });
        corrected[form] = state;
    }
    Ok(corrected)
}
