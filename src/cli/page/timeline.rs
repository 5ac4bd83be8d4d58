//! A case's events on a time line, one lane a signal: its words above, wrapped as any text, and its events drawn below.

use super::html::{escaped, minute};
use crate::cli::explain::evidence::{Event, Evidence};
use crate::cli::explain::told::{EventSaid, FactSaid, Teller};

/// Size of a lane's drawing, in its own units.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 20.0;
/// Radii of the smallest and the largest amount.
const RADII: (f64, f64) = (3.0, 8.0);

/// The lanes; empty when the evidence lists no events.
#[must_use]
pub fn draw(evidence: &Evidence, teller: Teller<'_>, at: &str) -> String {
    let lanes: Vec<FactSaid> = evidence
        .signals
        .iter()
        .filter(|signal| !signal.events.is_empty())
        .map(|signal| teller.fact(signal))
        .collect();
    let events = || evidence.signals.iter().flat_map(|signal| &signal.events);
    let Some(end) = written_ms(at) else { return String::new() };
    let Some(begin) = events().filter_map(|event| written_ms(&event.at)).min() else { return String::new() };
    let scale = Scale { begin, end: end.max(begin.saturating_add(1)) };
    let largest = events().map(|event: &Event| event.amount).max().unwrap_or(0).max(1);
    let drawn: String =
        lanes.iter().map(|lane| drawn_lane(lane, &scale, largest, &evidence.cleared_without)).collect();
    format!(
        "{drawn}<p class=\"lane ends\"><span>{}</span><span>{}</span></p>",
        minute(at_of(&lanes, begin).unwrap_or(at)),
        minute(at),
    )
}

/// A lane: what the signal says, and its events.
fn drawn_lane(lane: &FactSaid, scale: &Scale, largest: i64, cleared: &[String]) -> String {
    let axis = HEIGHT / 2.0;
    let row = |lang: &str, title: &str, colon: &str, value: &str| {
        let (title, value) = (escaped(title), escaped(value));
        format!("<span class=\"row\" lang=\"{lang}\">{title}{colon}<b>{value}</b></span>")
    };
    let said = row("zh-CN", &lane.title.zh, "：", &lane.value_text.zh)
        + &row("en", &lane.title.en, ": ", &lane.value_text.en);
    let mut dots = String::new();
    for event in &lane.events {
        let Some(at) = written_ms(&event.at) else { continue };
        let share = (event.amount.max(0) as f64 / largest as f64).sqrt();
        let radius = RADII.0 + (RADII.1 - RADII.0) * share;
        let class = if cleared.contains(&event.event) { "dot key" } else { "dot" };
        dots += &format!(
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{axis:.1}\" r=\"{radius:.1}\"><title>{}</title></circle>",
            scale.x(at),
            escaped(&tip(event))
        );
    }
    format!(
        "<div class=\"lane\">{said}<svg class=\"line\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{label}\"><path class=\"axis\" d=\"M0 {axis:.1}H{WIDTH}\"/>\
         <path class=\"now\" d=\"M{now:.1} 0V{HEIGHT}\"/>{dots}</svg></div>",
        label = escaped(&lane.title.en),
        now = scale.x(scale.end),
    )
}

fn tip(event: &EventSaid) -> String {
    format!("{} · {}", event.text.zh, event.text.en)
}

/// Times to places.
struct Scale {
    begin: i64,
    end: i64,
}

impl Scale {
    fn x(&self, at: i64) -> f64 {
        let share = (at - self.begin) as f64 / (self.end - self.begin) as f64;
        RADII.1 + share.clamp(0.0, 1.0) * (WIDTH - 2.0 * RADII.1)
    }
}

/// The time as it is written of the event at that moment.
fn at_of(lanes: &[FactSaid], at_ms: i64) -> Option<&str> {
    let events = lanes.iter().flat_map(|lane| &lane.events);
    events.map(|event| event.at.as_str()).find(|at| written_ms(at) == Some(at_ms))
}

fn written_ms(written: &str) -> Option<i64> {
    written.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_stand_in_order_between_the_first_and_the_decision() {
        let record = json!({"data": {"evidence": {
            "signals": [{"name": "in_<sum>", "subject": "account", "value": 5, "cold": false, "window": "1h",
                "events_count": 2, "events": [
                    {"event": "aa", "at": "2025-10-09T16:00:00.000+08:00", "amount": 100},
                    {"event": "bb", "at": "2025-10-09T16:30:00.000+08:00", "amount": 400}]}],
            "cleared_without": ["bb"]}}});
        let evidence = Evidence::of(&record);
        let teller = Teller { rules: None };
        let svg = draw(&evidence, teller, "2025-10-09T17:00:00.000+08:00");
        assert_eq!(svg.matches("<circle").count(), 2);
        let place = |event: usize| -> f64 {
            svg.split("cx=\"").nth(event).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        let (first, second) = (place(1), place(2));
        assert!(first < second && (second - WIDTH / 2.0).abs() < 0.2, "{first} {second}");
        assert_eq!(svg.matches("dot key").count(), 1);
        assert!(svg.contains("in_&lt;sum&gt;") && !svg.contains("<sum>"));
        assert_eq!(draw(&Evidence::default(), teller, "2025-10-09T17:00:00.000+08:00"), "");
    }
}
