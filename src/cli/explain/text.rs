//! An explanation as text: the notice as the person got it, then what the decision was made on.

use std::fmt::Write;

use serde_json::Value;

use super::Published;

/// The whole explanation.
#[must_use]
pub fn explanation(published: &Published) -> String {
    let mut out = String::new();
    if let Some((zh, en)) = published.notice_texts() {
        section(&mut out, "The notice / 通知", &format!("{zh}\n\n{en}"));
    }
    if let Some(disposition) = published.dispositions.first() {
        section(&mut out, "What was decided", &decided(disposition));
        section(&mut out, "On what evidence", &evidence(disposition));
        section(&mut out, "What would have cleared it", &counterfactual(disposition));
    }
    let story: String = published.dispositions.iter().map(step).collect();
    section(&mut out, "What happened since", &story);
    out
}

fn section(out: &mut String, title: &str, body: &str) {
    let rule = "-".repeat(title.chars().count());
    // Writing into a String does not fail.
    let _ = writeln!(out, "{title}\n{rule}\n{}\n", body.trim_end());
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn number(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map(Value::to_string).unwrap_or_default()
}

fn decided(disposition: &Value) -> String {
    let mut out = String::new();
    let rule = format!(
        "{} version {}",
        text(disposition, "/data/rule/id"),
        number(disposition, "/data/rule/version")
    );
    let rows = [
        ("measure", text(disposition, "/data/measure").to_owned()),
        ("lane", text(disposition, "/data/lane").to_owned()),
        ("rule", format!("{rule}, rule set {}", number(disposition, "/data/rules_version"))),
        ("legal basis", text(disposition, "/data/basis/en").to_owned()),
        ("reason", text(disposition, "/data/reason/en").to_owned()),
        ("from", text(disposition, "/data/start").to_owned()),
        ("until", text(disposition, "/data/end").to_owned()),
        ("permitted uses", list(disposition.pointer("/data/purpose/uses"))),
        ("disposition", text(disposition, "/id").to_owned()),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "{name:<15} {value}");
    }
    out
}

fn list(value: Option<&Value>) -> String {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn evidence(disposition: &Value) -> String {
    let mut out = String::new();
    let Some(evidence) = disposition.pointer("/data/evidence") else { return out };
    if let Some(count) = evidence.get("count").filter(|count| !count.is_null()) {
        let elsewhere = count.get("elsewhere").and_then(Value::as_u64);
        let elsewhere = elsewhere.map_or(String::new(), |count| format!(", {count} elsewhere"));
        let (held, most) = (number(count, "/held"), number(count, "/count_max"));
        let _ = writeln!(out, "held or reserved {held}{elsewhere}; the limit allows {most}");
    }
    for comparison in array(evidence, "/comparisons") {
        let (left, right) = (number(comparison, "/left"), number(comparison, "/right"));
        let _ = writeln!(
            out,
            "held: {}   ({left} {} {right})",
            text(comparison, "/text"),
            text(comparison, "/operator")
        );
    }
    for signal in array(evidence, "/signals") {
        let cold = signal.get("cold").and_then(Value::as_bool) == Some(true);
        let _ = writeln!(
            out,
            "{} of {} = {} over {} events{}",
            text(signal, "/name"),
            text(signal, "/subject"),
            number(signal, "/value"),
            number(signal, "/events_count"),
            if cold { " (history not yet complete: at least this)" } else { "" },
        );
        for event in array(signal, "/events") {
            let _ = writeln!(
                out,
                "    {}  {:>12}  {}",
                text(event, "/at"),
                number(event, "/amount"),
                text(event, "/event")
            );
        }
    }
    let _ = writeln!(out, "digest over all events  {}", text(evidence, "/digest"));
    out
}

fn array<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// Every comparison that held had to: one that fails would have been enough.
fn counterfactual(disposition: &Value) -> String {
    let mut out = String::new();
    if let Some(count) = disposition.pointer("/data/evidence/count").filter(|count| !count.is_null()) {
        let _ = writeln!(out, "one holding fewer than {} at the time of the request", number(count, "/held"));
    }
    for comparison in disposition.pointer("/data/evidence").into_iter().flat_map(|e| array(e, "/comparisons"))
    {
        let needed = match text(comparison, "/operator") {
            ">" => "at most",
            ">=" => "below",
            "<" => "at least",
            "<=" => "above",
            "==" => "anything but",
            _ => "exactly",
        };
        let (left, right) = (number(comparison, "/left"), number(comparison, "/right"));
        let _ = writeln!(out, "in `{}`: {needed} {right} instead of {left}", text(comparison, "/text"));
    }
    out
}

fn step(disposition: &Value) -> String {
    let kind = text(disposition, "/type");
    let at = text(disposition, "/time");
    match text(disposition, "/data/cause") {
        "" => format!("{at}  set      {kind}\n"),
        cause => {
            let overruled = disposition.pointer("/data/overruled").and_then(Value::as_bool) == Some(true);
            format!("{at}  ended    {cause}{}\n", if overruled { ", overruled on appeal" } else { "" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_explanation_names_notice_evidence_and_what_would_have_cleared_it() {
        let published = Published {
            dispositions: vec![
                json!({"id": "d1", "type": "set", "time": "T1", "data": {"measure": "m", "rule": {"id": "r", "version": 2},
                    "evidence": {"comparisons": [{"text": "a >= 5", "left": 7, "operator": ">=", "right": 5}],
                        "signals": [], "count": {"held": 5, "elsewhere": null, "count_max": 5}, "digest": "ab"}}}),
                json!({"type": "ended", "time": "T2", "data": {"cause": "overturned", "overruled": true}}),
            ],
            notices: vec![json!({"data": {"text": {"zh-CN": "通知正文", "en": "The notice"}}})],
        };
        let text = explanation(&published);
        for part in [
            "通知正文",
            "The notice",
            "r version 2",
            "held: a >= 5   (7 >= 5)",
            "below 5 instead of 7",
            "held or reserved 5; the limit allows 5",
            "overturned, overruled on appeal",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
