//! Finds the lines of problems in the files that a bundle was gathered from.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::BundleError;

/// Adds to each problem the line of its key, read from the file that `read` gives.
pub(super) fn with_lines(mut error: BundleError, read: impl Fn(&str) -> Option<String>) -> BundleError {
    for problem in &mut error.problems {
        if problem.line.is_none() && !problem.key.is_empty() {
            problem.line = read(&problem.file).and_then(|text| line_of(&text, &problem.key));
        }
    }
    error
}

/// The line, from 1, of a dotted key; of the nearest part above it that exists; else `None`.
pub(crate) fn line_of(text: &str, key: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut table = Some(root.get_ref());
    let mut array: Option<&[Spanned<DeValue<'_>>]> = None;
    let mut offset = None;
    for part in key.split('.') {
        let value = if let Some(found) =
            table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == part))
        {
            offset = Some(found.0.span().start);
            found.1
        } else if let Some(found) = array.and_then(|items| items.get(part.parse::<usize>().ok()?)) {
            offset = Some(found.span().start);
            found
        } else {
            break;
        };
        table = value.get_ref().as_table();
        array = value.get_ref().as_array().map(|items| &**items);
    }
    text.get(..offset?).map(|before| before.matches('\n').count() + 1)
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
}
