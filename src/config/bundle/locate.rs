//! Finds the lines of problems in the files that a bundle was gathered from.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::BundleError;

/// Adds to each problem the line of its key, or the line and column of its place in the text there, read
/// from the file that `read` gives.
pub(super) fn with_lines(mut error: BundleError, read: impl Fn(&str) -> Option<String>) -> BundleError {
    for problem in &mut error.problems {
        if problem.line.is_none() && !problem.key.is_empty() {
            let Some(text) = read(&problem.file) else { continue };
            let within = problem.within.and_then(|within| place_in(&text, &problem.key, within));
            if let Some((line, column)) = within {
                (problem.line, problem.column, problem.within) = (Some(line), Some(column), None);
            } else {
                problem.line = line_of(&text, &problem.key);
            }
        }
    }
    error
}

/// The line, from 1, of a dotted key; of the nearest part above it that exists; else `None`.
pub(crate) fn line_of(text: &str, key: &str) -> Option<usize> {
    let (key, _) = found(text, key)?;
    text.get(..key).map(|before| before.matches('\n').count() + 1)
}

/// Line and column in the file, from 1, of a line and column in the text that stands at a dotted key.
fn place_in(text: &str, key: &str, within: (usize, usize)) -> Option<(usize, usize)> {
    let (_, value) = found(text, key)?;
    let offset = value.start + offset_in(text.get(value)?, within);
    let before = text.get(..offset)?;
    let line = before.matches('\n').count() + 1;
    Some((line, before.rsplit('\n').next()?.chars().count() + 1))
}

/// Where a dotted key begins, or the nearest part above it that exists, and where its value stands.
fn found(text: &str, key: &str) -> Option<(usize, Range<usize>)> {
    let root = DeTable::parse(text).ok()?;
    let mut table = Some(root.get_ref());
    let mut array: Option<&[Spanned<DeValue<'_>>]> = None;
    let mut place = None;
    for part in key.split('.') {
        let (start, value) = if let Some((name, value)) =
            table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == part))
        {
            (name.span().start, value)
        } else if let Some(item) = array.and_then(|items| items.get(part.parse::<usize>().ok()?)) {
            (item.span().start, item)
        } else {
            break;
        };
        place = Some((start, value.span()));
        table = value.get_ref().as_table();
        array = value.get_ref().as_array().map(|items| &**items);
    }
    place
}

/// The byte offset, in a TOML string as it is written, of a line and column of the text that it means.
fn offset_in(written: &str, within: (usize, usize)) -> usize {
    let delimiter = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|known| written.starts_with(known));
    let delimiter = delimiter.unwrap_or("");
    let mut rest = written.strip_prefix(delimiter).unwrap_or(written);
    if delimiter.len() == 3 {
        // The line break right behind the opening is not part of the text.
        rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
    }
    let (mut line, mut column) = (1, 1);
    loop {
        if delimiter.starts_with('"') {
            rest = continued(rest);
        }
        if (line, column) == within || rest.is_empty() || rest == delimiter {
            return written.len() - rest.len();
        }
        let (letter, next) = letter(rest, delimiter.starts_with('"'));
        (line, column) = if letter == '\n' { (line + 1, 1) } else { (line, column + 1) };
        rest = next;
    }
}

/// What follows a backslash at the end of a line, which hides the white space up to there.
fn continued(rest: &str) -> &str {
    match rest.strip_prefix('\\') {
        Some(next) if next.trim_start_matches([' ', '\t', '\r']).starts_with('\n') => {
            continued(next.trim_start_matches([' ', '\t', '\r', '\n']))
        }
        _ => rest,
    }
}

/// The letter that a TOML string goes on with, as far as lines need it, and what follows it.
fn letter(rest: &str, escapes: bool) -> (char, &str) {
    let mut letters = rest.chars();
    let first = letters.next().unwrap_or(' ');
    if first != '\\' || !escapes {
        return (first, letters.as_str());
    }
    let (meant, digits) = match letters.next() {
        Some('n') => ('\n', 0),
        Some('x') => (' ', 2),
        Some('u') => (' ', 4),
        Some('U') => (' ', 8),
        _ => (' ', 0),
    };
    let after = letters.as_str();
    (meant, after.get(digits..).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_tables_and_arrays_of_tables() {
        let text = "a = 1\n\n[b]\nc = 2\n\n[[d]]\ne = 3\n\n[[d]]\ne = 4\n";
        assert_eq!(line_of(text, "a"), Some(1));
        assert_eq!(line_of(text, "b.c"), Some(4));
        assert_eq!(line_of(text, "d.1.e"), Some(10));
        assert_eq!(line_of(text, "b.missing"), Some(3));
        assert_eq!(line_of(text, "missing"), None);
    }

    #[test]
    fn a_place_in_a_text_is_found_in_the_file_however_the_text_is_written() {
        for text in [
            "a = 1\nb = \"in > 1 && out > 2\"\n",
            "a = 1\nb = 'in > 1 && out > 2'\n",
            "a = 1\nb = \"\"\"in > 1 && out > 2\"\"\"\n",
            "b = '''\n\nin > 1\n  && out > 2\n'''\n",
            "b = \"\"\"\r\nin == \\\"\\u91d1\\\" \\\r\n   && out > 2\"\"\"\n",
            "[c]\nb = \"in == \\\"x\\\"\\n && out > 2\" # out\n",
        ] {
            let key = if text.starts_with("[c]") { "c.b" } else { "b" };
            let table: toml::Table = toml::from_str(text).unwrap();
            let table = table.get("c").and_then(toml::Value::as_table).unwrap_or(&table);
            let meant = table.get("b").unwrap().as_str().unwrap();
            let before = &meant[..meant.find("out").unwrap()];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            let before = &text[..text.find("out").unwrap()];
            let expected =
                (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1);
            assert_eq!(place_in(text, key, (line, column)), Some(expected), "{text}");
        }
        // Where the text ends too early, its end.
        assert_eq!(place_in("b = \"in > \"\n", "b", (1, 6)), Some((1, 11)));
    }
}
