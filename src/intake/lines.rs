//! Lines of an input file, plain or gzip: one line is one record, and none is buffered past 1 MiB.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

/// A line longer than this is refused (CONTRACT, 'Order and refusals').
pub const LINE_BYTES_MAX: usize = 1 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An input that cannot be read: exit 4 (CONTRACT).
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {cause}", path = path.display())]
pub struct UnreadableInput {
    pub path: PathBuf,
    #[source]
    pub cause: std::io::Error,
}

/// What the next line is.
#[derive(Debug, PartialEq, Eq)]
pub enum NextLine {
    /// It is in `Lines::bytes`, without its line feed or a carriage return before it.
    Line,
    /// It was longer than `LINE_BYTES_MAX` and has been skipped.
    TooLong,
    End,
}

/// The lines of one file. Gzip is told by its first two bytes, not by the file's name.
pub struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    buffer: Vec<u8>,
    number: u64,
    consumed: Arc<AtomicU64>,
    size_bytes: u64,
}

impl Lines {
    /// Opens a file.
    ///
    /// # Errors
    /// `UnreadableInput` when it cannot be opened or its first bytes cannot be read.
    pub fn open(path: &Path) -> Result<Lines, UnreadableInput> {
        let unreadable = |cause| UnreadableInput { path: path.to_owned(), cause };
        let file = File::open(path).map_err(unreadable)?;
        let size_bytes = file.metadata().map_err(unreadable)?.len();
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: file, consumed: Arc::clone(&consumed) };
        let mut raw = BufReader::with_capacity(256 << 10, counted);
        let is_gzip = raw.fill_buf().map_err(unreadable)?.starts_with(&GZIP_MAGIC);
        let reader: Box<dyn BufRead + Send> = if is_gzip {
            Box::new(BufReader::with_capacity(256 << 10, MultiGzDecoder::new(raw)))
        } else {
            Box::new(raw)
        };
        Ok(Lines { path: path.to_owned(), reader, buffer: Vec::new(), number: 0, consumed, size_bytes })
    }

    /// Reads the next line.
    ///
    /// # Errors
    /// `UnreadableInput` when reading fails, a torn gzip stream included.
    pub fn advance(&mut self) -> Result<NextLine, UnreadableInput> {
        let read = read_line(&mut *self.reader, &mut self.buffer)
            .map_err(|cause| UnreadableInput { path: self.path.clone(), cause })?;
        if read != NextLine::End {
            self.number += 1;
        }
        if self.number == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.buffer.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(read)
    }

    /// The line just read.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Number of the line just read; the first line of a file is 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes taken from the file so far and its size, both before decompression: for progress.
    #[must_use]
    pub fn progress_bytes(&self) -> (u64, u64) {
        (self.consumed.load(Ordering::Relaxed), self.size_bytes)
    }
}

/// Reads up to a line feed into `buffer`, or skips the line when it grows past the bound.
fn read_line(reader: &mut dyn BufRead, buffer: &mut Vec<u8>) -> std::io::Result<NextLine> {
    buffer.clear();
    let (mut any, mut too_long) = (false, false);
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            break;
        }
        any = true;
        let line_feed = available.iter().position(|byte| *byte == b'\n');
        let part = available.get(..line_feed.unwrap_or(available.len())).unwrap_or(available);
        // One byte more than the bound is let in for a carriage return, which is not part of the line.
        if too_long || buffer.len() + part.len() > LINE_BYTES_MAX + 1 {
            too_long = true;
        } else {
            buffer.extend_from_slice(part);
        }
        let used = part.len() + usize::from(line_feed.is_some());
        reader.consume(used);
        if line_feed.is_some() {
            break;
        }
    }
    if buffer.last() == Some(&b'\r') {
        buffer.pop();
    }
    if too_long || buffer.len() > LINE_BYTES_MAX {
        buffer.clear();
        return Ok(NextLine::TooLong);
    }
    Ok(if any { NextLine::Line } else { NextLine::End })
}

struct Counted {
    inner: File,
    consumed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(out)?;
        self.consumed.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines_of(bytes: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut lines = Lines::open(file.path()).unwrap();
        let mut out = Vec::new();
        loop {
            match lines.advance().unwrap() {
                NextLine::End => return out,
                NextLine::Line => out.push((lines.number(), Some(lines.bytes().to_vec()))),
                NextLine::TooLong => out.push((lines.number(), None)),
            }
        }
    }

    fn text(number: u64, line: &str) -> (u64, Option<Vec<u8>>) {
        (number, Some(line.as_bytes().to_vec()))
    }

    #[test]
    fn lines_end_at_line_feeds_and_lose_carriage_returns() {
        assert_eq!(lines_of(b"a\r\n\n\"b\nc"), vec![text(1, "a"), text(2, ""), text(3, "\"b"), text(4, "c")]);
        assert_eq!(lines_of(b""), vec![]);
        assert_eq!(lines_of(b"\xef\xbb\xbfa\n"), vec![text(1, "a")]);
    }

    #[test]
    fn gzip_with_several_members_reads_like_plain() {
        let mut zipped = Vec::new();
        for part in ["one\ntw", "o\nthree\n"] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part.as_bytes()).unwrap();
            zipped.extend(encoder.finish().unwrap());
        }
        assert_eq!(lines_of(&zipped), lines_of(b"one\ntwo\nthree\n"));
    }

    #[test]
    fn a_torn_gzip_stream_is_an_error_and_not_an_end() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"one\ntwo\nthree\n").unwrap();
        let whole = encoder.finish().unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&whole[..whole.len() - 6]).unwrap();
        let mut lines = Lines::open(file.path()).unwrap();
        let failed = (0..5).any(|_| lines.advance().is_err());
        assert!(failed);
    }

    #[test]
    fn a_line_of_exactly_the_bound_passes_and_one_byte_more_is_skipped() {
        let mut bytes = vec![b'x'; LINE_BYTES_MAX];
        bytes.extend_from_slice(b"\r\n");
        bytes.extend(std::iter::repeat_n(b'y', LINE_BYTES_MAX + 1));
        bytes.extend_from_slice(b"\n");
        bytes.extend(std::iter::repeat_n(b'z', 10 * LINE_BYTES_MAX));
        bytes.extend_from_slice(b"\nafter");
        let lines = lines_of(&bytes);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0].1.as_ref().map(Vec::len), Some(LINE_BYTES_MAX));
        assert_eq!((lines[1].1.clone(), lines[2].1.clone()), (None, None));
        assert_eq!(lines[3], text(4, "after"));
    }
}
