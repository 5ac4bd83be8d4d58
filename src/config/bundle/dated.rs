//! Every dated figure of a bundle as a lawyer needs it: since when it holds, on what basis, where it was read, how well
//! that is established; and which of them are nobody's but the institution's own.
//!
//! It is read off the canonical text, so a figure of a file of whatever kind is listed once it says what figures say.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// A figure with its date, basis and status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedFigure {
    /// Path below the rules folder.
    pub file: String,
    /// Dotted path inside the file.
    pub key: String,
    /// As written.
    pub value: String,
    pub since: String,
    pub basis: String,
    pub source: String,
    pub status: String,
}

impl DatedFigure {
    /// Whether the institution chose it itself, within what the law leaves open.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.status == "policy"
    }
}

/// What stands around a figure and is not the figure.
const AROUND: [&str; 8] =
    ["effective_from", "dated", "basis", "source", "status", "version", "title", "reason"];

/// The figures of a canonical bundle text, in the order of files and keys; of a text that is none, none.
#[must_use]
pub fn dated_figures(bundle: &str) -> Vec<DatedFigure> {
    let document: Value = serde_json::from_str(bundle).unwrap_or_default();
    let mut found = Vec::new();
    for (file, content) in document.get("files").and_then(Value::as_object).into_iter().flatten() {
        look(file, "", content, &mut found);
    }
    found
}

fn look(file: &str, key: &str, value: &Value, found: &mut Vec<DatedFigure>) {
    let below = |part: &str| if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") };
    match value {
        Value::Object(object) => {
            found.extend(figure(file, key, object));
            object.iter().for_each(|(part, value)| look(file, &below(part), value, found));
        }
        Value::Array(all) => {
            for (place, value) in (1..).zip(all) {
                look(file, &format!("{key}[{place}]"), value, found);
            }
        }
        _ => {}
    }
}

fn figure(file: &str, key: &str, object: &Map<String, Value>) -> Option<DatedFigure> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    // A notice of the calendar bears the date on which it was given, and rests on itself.
    let (since, basis) = match text("dated") {
        Some(dated) => (dated, "-".to_owned()),
        None => (text("effective_from")?, text("basis")?),
    };
    let status = text("status")?;
    let value = match object.get("value") {
        Some(value) => plain(value),
        None => {
            let figures = object.iter().filter(|(name, _)| !AROUND.contains(&name.as_str()));
            let said: Vec<String> =
                figures.map(|(name, value)| format!("{name} = {}", plain(value))).collect();
            // What is agreed with each customer is dated and has no figure here.
            if said.is_empty() { "-".to_owned() } else { said.join(", ") }
        }
    };
    let source = text("source").unwrap_or_default();
    Some(DatedFigure { file: file.to_owned(), key: key.to_owned(), value, since, basis, source, status })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Figures as a Markdown table.
#[must_use]
pub fn figures_table<'a>(figures: impl Iterator<Item = &'a DatedFigure>) -> String {
    let mut table = String::from(
        "| file | figure | value | since | basis | source | status |\n|---|---|---|---|---|---|---|\n",
    );
    for figure in figures {
        let DatedFigure { file, key, value, since, basis, source, status } = figure;
        let cells = [value, since, basis, source, status].map(|cell| cell.replace('|', "\\|"));
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| `{file}` | `{key}` | {} |", cells.join(" | "));
    }
    table
}
