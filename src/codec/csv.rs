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
    /// `CsvFault::QuoteOpen` when the line has an odd number of quotes.
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

    fn split_quoted(&mut self, line: &str) -> Result<(), CsvFault> {
        if line.bytes().filter(|byte| *byte == b'"').count() % 2 != 0 {
            return Err(CsvFault::QuoteOpen);
        }
        // Unquoting only takes bytes away, so the line's own length is always enough.
        self.unquoted.resize(line.len(), 0);
        let mut reader = csv_core::Reader::new();
        let (mut rest, mut end, mut start) = (line.as_bytes(), 0, 0);
        loop {
            let room = self.unquoted.get_mut(end..).unwrap_or_default();
            let (result, read, written) = reader.read_field(rest, room);
            rest = rest.get(read..).unwrap_or_default();
            end += written;
            match result {
                csv_core::ReadFieldResult::Field { record_end } => {
                    self.spans.push((start, end));
                    start = end;
                    if record_end {
                        return Ok(());
                    }
                }
                // An empty input tells the reader that the line is over.
                csv_core::ReadFieldResult::InputEmpty => {}
                csv_core::ReadFieldResult::OutputFull | csv_core::ReadFieldResult::End => return Ok(()),
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
        assert_eq!(split("\"a,b"), Err(CsvFault::QuoteOpen));
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
