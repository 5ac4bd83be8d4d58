//! One line of CSV to its fields and back. One line is one record; quotes never span lines.

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvFault {
    #[error("a quote is not closed on its line")]
    QuoteOpen,
}

/// The fields of one line. Its buffers are kept from line to line.
#[derive(Debug, Default)]
pub struct Fields {
    /// Where each field ends in the text, and where the next one begins.
    spans: Vec<(usize, usize)>,
    /// The text without quotes, when the line has any.
    unquoted: Vec<u8>,
    is_unquoted: bool,
}

impl Fields {
    /// Splits a line. A carriage return at its end is not part of the last field.
    ///
    /// # Errors
    /// `CsvFault::QuoteOpen` when a quoted field does not end on the line.
    pub fn split(&mut self, line: &str) -> Result<(), CsvFault> {
        self.spans.clear();
        let line = line.strip_suffix('\r').unwrap_or(line);
        self.is_unquoted = line.contains('"');
        if self.is_unquoted {
            return self.split_quoted(line);
        }
        let mut start = 0;
        for (at, byte) in line.bytes().enumerate() {
            if byte == b',' {
                self.spans.push((start, at));
                start = at + 1;
            }
        }
        self.spans.push((start, line.len()));
        Ok(())
    }

    /// A field that begins with a quote ends at the next single one; two stand for one. Anywhere
    /// else a quote is a character like any other.
    fn split_quoted(&mut self, line: &str) -> Result<(), CsvFault> {
        self.unquoted.clear();
        let mut rest = line.as_bytes();
        loop {
            let start = self.unquoted.len();
            if let Some(quoted) = rest.strip_prefix(b"\"") {
                rest = self.unquote(quoted)?;
            }
            let end = rest.iter().position(|byte| *byte == b',');
            let (plain, after) = rest.split_at(end.unwrap_or(rest.len()));
            self.unquoted.extend_from_slice(plain);
            self.spans.push((start, self.unquoted.len()));
            match after.strip_prefix(b",") {
                Some(next) => rest = next,
                None => return Ok(()),
            }
        }
    }

    /// Copies up to the closing quote and gives what comes after it.
    fn unquote<'l>(&mut self, mut rest: &'l [u8]) -> Result<&'l [u8], CsvFault> {
        loop {
            let close = rest.iter().position(|byte| *byte == b'"').ok_or(CsvFault::QuoteOpen)?;
            let (text, after) = rest.split_at(close);
            self.unquoted.extend_from_slice(text);
            match after.strip_prefix(b"\"\"") {
                Some(next) => {
                    self.unquoted.push(b'"');
                    rest = next;
                }
                None => return Ok(after.strip_prefix(b"\"").unwrap_or(after)),
            }
        }
    }

    /// How many fields the line has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.spans.len()
    }

    /// A field of the line that was split last; `line` is that line.
    #[must_use]
    pub fn get<'r>(&'r self, line: &'r str, place: usize) -> Option<&'r str> {
        let (start, end) = *self.spans.get(place)?;
        if self.is_unquoted {
            std::str::from_utf8(self.unquoted.get(start..end)?).ok()
        } else {
            line.get(start..end)
        }
    }
}

/// Writes a line, without its line feed. A field is quoted when it has a comma, a quote or a
/// carriage return; fields have no line feeds.
#[must_use]
pub fn line<'f>(fields: impl IntoIterator<Item = &'f str>) -> String {
    let mut line = String::new();
    for (place, field) in fields.into_iter().enumerate() {
        if place > 0 {
            line.push(',');
        }
        if field.contains([',', '"', '\r']) {
            line.push('"');
            line.push_str(&field.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(field);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Result<Vec<String>, CsvFault> {
        let mut fields = Fields::default();
        fields.split(text)?;
        Ok((0..fields.count()).map(|place| fields.get(text, place).unwrap().to_owned()).collect())
    }

    #[test]
    fn plain_and_quoted_lines_split_alike() {
        assert_eq!(split("a,,c").unwrap(), ["a", "", "c"]);
        assert_eq!(split("a,b,\r").unwrap(), ["a", "b", ""]);
        assert_eq!(split("").unwrap(), [""]);
        assert_eq!(split("\"a,b\",\"say \"\"so\"\"\",\"\",x").unwrap(), ["a,b", "say \"so\"", "", "x"]);
        assert_eq!(split("x,\"y\"\r").unwrap(), ["x", "y"]);
        assert_eq!(split("a\"b,\"c\"d").unwrap(), ["a\"b", "cd"]);
        for open in ["\"a,b", "a,\"", "\"a\"\"", "\"\"\""] {
            assert_eq!(split(open), Err(CsvFault::QuoteOpen), "{open}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(fields in proptest::collection::vec("[^\n\r]{0,8}", 1..6)) {
            prop_assert_eq!(split(&line(fields.iter().map(String::as_str))).unwrap(), fields);
        }

        #[test]
        fn any_line_splits_or_is_refused(text in "[\",a\r é]{0,30}") {
            if let Ok(fields) = split(&text) {
                prop_assert!(!fields.is_empty());
            }
        }
    }
}
