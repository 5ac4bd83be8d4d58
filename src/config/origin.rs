//! Where each value comes from: the embedded default, a line of the user's file, or `--set`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::ConfigError;
use super::bundle::line_of;
use super::nearest::nearest;

/// Where a value was set last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: Option<usize> },
    Set,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Origin::File { path, line: None } => write!(f, "{}", path.display()),
            Origin::Set => f.write_str("--set"),
        }
    }
}

/// Values by dotted key, each with its origin. A list is one value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layers {
    pub values: BTreeMap<String, (Value, Origin)>,
}

/// The tables whose keys are the user's own: names of librdkafka's properties.
const FREE: [&str; 2] = ["kafka.properties", "kafka.property_files"];

impl Layers {
    pub(super) fn defaults(table: &Table) -> Layers {
        let values = flat(table).into_iter().map(|(key, value)| (key, (value, Origin::Default))).collect();
        Layers { values }
    }

    /// Lays a file over what is there.
    pub(super) fn file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let at = |line| Origin::File { path: path.to_owned(), line };
        let table: Table = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map(|before| before.matches('\n').count() + 1);
            ConfigError::one(&at(line).to_string(), error.message())
        })?;
        let mut problems = Vec::new();
        for (key, value) in flat(&table) {
            let origin = at(line_of(text, &key));
            if let Err(message) = self.lay(&key, value, origin.clone()) {
                problems.push(format!("{origin}: {message}"));
            }
        }
        ConfigError::of(problems)
    }

    /// Lays `key=value` over what is there.
    pub(super) fn set(&mut self, written: &str) -> Result<(), ConfigError> {
        let Some((key, text)) = written.split_once('=') else {
            return Err(ConfigError::one("--set", format!("`{written}` has no `=`; write --set key=value")));
        };
        let key = key.trim();
        let value = match self.values.get(key) {
            Some((Value::String(_), _)) => Value::String(unquoted(text)),
            None if is_free(key) => Value::String(unquoted(text)),
            None => return Err(ConfigError::one("--set", self.unknown(key))),
            Some(_) => read(text).ok_or_else(|| {
                ConfigError::one("--set", format!("the value of `{key}` is no number, list, true or false"))
            })?,
        };
        self.lay(key, value, Origin::Set).map_err(|message| ConfigError::one("--set", message))
    }

    fn lay(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), String> {
        match self.values.get(key) {
            Some((known, _)) if known.type_str() != value.type_str() => {
                return Err(format!("`{key}` takes {}, and this is {}", article(known), article(&value)));
            }
            None if !is_free(key) => return Err(self.unknown(key)),
            _ => {}
        }
        self.values.insert(key.to_owned(), (value, origin));
        Ok(())
    }

    fn unknown(&self, key: &str) -> String {
        let section = format!("{key}.");
        if self.values.keys().any(|known| known.starts_with(&section)) {
            return format!("`{key}` is a section; set a key in it");
        }
        match nearest(key, self.values.keys().map(String::as_str)) {
            Some(near) => format!("unknown key `{key}`; did you mean `{near}`?"),
            None => format!("unknown key `{key}`; config/default.toml names every key"),
        }
    }

    /// Everything as one nested table, the free tables included.
    pub(super) fn table(&self) -> Table {
        let mut root = Table::new();
        for (key, (value, _)) in &self.values {
            // The names of librdkafka's properties have dots of their own.
            let (sections, leaf) = free(key).unwrap_or_else(|| key.rsplit_once('.').unwrap_or(("", key)));
            if let Some(section) = section(&mut root, sections) {
                section.insert(leaf.to_owned(), value.clone());
            }
        }
        // The free tables are there even when nothing stands in them.
        for table in FREE {
            let _ = section(&mut root, table);
        }
        root
    }
}

fn is_free(key: &str) -> bool {
    free(key).is_some()
}

/// The free table and the property of a key in it.
fn free(key: &str) -> Option<(&'static str, &str)> {
    FREE.into_iter().find_map(|table| Some((table, key.strip_prefix(table)?.strip_prefix('.')?)))
}

fn section<'a>(root: &'a mut Table, path: &str) -> Option<&'a mut Table> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(root, |table, part| {
        table.entry(part).or_insert_with(|| Value::Table(Table::new())).as_table_mut()
    })
}

/// Dotted keys of all values that are no table.
fn flat(table: &Table) -> Vec<(String, Value)> {
    fn walk(prefix: &str, table: &Table, found: &mut Vec<(String, Value)>) {
        for (key, value) in table {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Table(inner) => walk(&path, inner, found),
                leaf => found.push((path, leaf.clone())),
            }
        }
    }
    let mut found = Vec::new();
    walk("", table, &mut found);
    found
}

fn read(text: &str) -> Option<Value> {
    toml::from_str::<Table>(&format!("value = {text}")).ok()?.remove("value")
}

fn unquoted(text: &str) -> String {
    match read(text) {
        Some(Value::String(inner)) => inner,
        _ => text.to_owned(),
    }
}

fn article(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}
