//! Frame files: numbered, checksummed payloads, one after another. The format is in `super`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::log::LogError;

const MAGIC: &[u8; 16] = b"duecourse-log/1\n";
const MAGIC_LEN: u64 = 16;
const HEADER_LEN: usize = 24;
/// The largest payload: far above any batch, far below what a flipped length bit would ask to read.
pub const PAYLOAD_MAX: usize = 64 << 20;

/// A frame file open for appending.
#[derive(Debug)]
pub struct FrameWriter {
    file: File,
    /// Frames written, and the byte where the next one begins.
    frames: u64,
    position: u64,
    /// Frames known to be on disk.
    durable: u64,
    buffer: Vec<u8>,
}

impl FrameWriter {
    /// Opens or creates the file; cuts off a torn tail.
    ///
    /// # Errors
    /// `Damaged` when the file is of another kind or bad before its tail; `Io`.
    pub fn open(path: &Path) -> Result<FrameWriter, LogError> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let len = file.metadata()?.len();
        if len < MAGIC_LEN {
            let mut head = vec![0; usize::try_from(len).unwrap_or(0)];
            file.read_exact_at(&mut head, 0)?;
            if !MAGIC.starts_with(&head) {
                return Err(not_a_log(path));
            }
            file.set_len(0)?;
            file.write_all(MAGIC)?;
            return Ok(FrameWriter { file, frames: 0, position: MAGIC_LEN, durable: 0, buffer: Vec::new() });
        }
        let mut reader = FrameReader::open(path)?;
        while reader.next_payload()?.is_some() {}
        if reader.position < len {
            reader.tail_is_torn(path, len)?;
            file.set_len(reader.position)?;
        }
        let (frames, position) = (reader.number, reader.position);
        // Nothing is known to be durable before the first sync of this process.
        Ok(FrameWriter { file, frames, position, durable: 0, buffer: Vec::new() })
    }

    /// Appends one frame and returns its number. The bytes are with the operating system on return.
    ///
    /// # Errors
    /// `Refused` when the payload is too large; `Io`. After an `Io` the file ends as before the call,
    /// or is cut there by the next open.
    pub fn append(&mut self, payload: &[u8]) -> Result<u64, LogError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(LogError::Refused("a log frame is larger than 64 MiB".to_owned()));
        }
        self.buffer.clear();
        self.buffer.extend_from_slice(&header(self.frames, self.durable, payload));
        self.buffer.extend_from_slice(payload);
        // At a position, not at the end: a failed write leaves bytes that the next one covers.
        self.file.write_all_at(&self.buffer, self.position)?;
        self.position += self.buffer.len() as u64;
        self.frames += 1;
        Ok(self.frames - 1)
    }

    /// Forces everything appended so far to disk.
    ///
    /// # Errors
    /// `Io`. What was not synced must then be taken as lost: the caller stops.
    pub fn sync(&mut self) -> Result<(), LogError> {
        if self.durable < self.frames {
            self.file.sync_data()?;
            self.durable = self.frames;
        }
        Ok(())
    }

    /// Frames appended, those of earlier processes included.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }
}

/// A frame file open for reading in order. It may grow while it is read.
#[derive(Debug)]
pub struct FrameReader {
    file: File,
    position: u64,
    number: u64,
    payload: Vec<u8>,
}

impl FrameReader {
    /// Opens the file at its first frame.
    ///
    /// # Errors
    /// `Damaged` when it is no frame file; `Io`.
    pub fn open(path: &Path) -> Result<FrameReader, LogError> {
        let file = File::open(path)?;
        let mut magic = [0; MAGIC.len()];
        match file.read_exact_at(&mut magic, 0) {
            Ok(()) if &magic == MAGIC => {}
            Ok(()) => return Err(not_a_log(path)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(not_a_log(path)),
            Err(error) => return Err(error.into()),
        }
        Ok(FrameReader { file, position: MAGIC_LEN, number: 0, payload: Vec::new() })
    }

    /// Number of the frame that `next_payload` reads next.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next payload, or `None` where the whole frames end.
    ///
    /// # Errors
    /// `Io`. A frame that is cut short or does not match its checksum is the end, not an error:
    /// `tail_is_torn` tells the two apart.
    pub fn next_payload(&mut self) -> Result<Option<&[u8]>, LogError> {
        let mut head = [0; HEADER_LEN];
        if !self.read_whole(&mut head)? {
            return Ok(None);
        }
        let parsed = Header::parse(&head);
        if parsed.number != self.number || parsed.length > PAYLOAD_MAX {
            return Ok(None);
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(parsed.length, 0);
        let read = read_at(&self.file, &mut payload, self.position + HEADER_LEN as u64);
        self.payload = payload;
        if !read? || checksum(parsed.number, parsed.durable, &self.payload) != parsed.checksum {
            return Ok(None);
        }
        self.position += (HEADER_LEN + parsed.length) as u64;
        self.number += 1;
        Ok(Some(&self.payload))
    }

    fn read_whole(&self, into: &mut [u8]) -> Result<bool, LogError> {
        read_at(&self.file, into, self.position)
    }

    /// Ok when nothing behind the last whole frame was ever known to be durable (L2).
    fn tail_is_torn(&self, path: &Path, len: u64) -> Result<(), LogError> {
        let tail_len = usize::try_from(len - self.position).unwrap_or(usize::MAX);
        let mut tail = vec![0; tail_len];
        read_at(&self.file, &mut tail, self.position)?;
        // Every place is tried: a bad length must not hide the good frames behind it.
        for place in 1..tail_len.saturating_sub(HEADER_LEN - 1) {
            let Some(found) = whole_frame_at(&tail, place) else { continue };
            if found.number > self.number && found.durable > self.number {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                return Err(LogError::Damaged(format!(
                    "frame {} of {name} is bad, and later frames are whole; restore the folder or start a new one",
                    self.number
                )));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Header {
    length: usize,
    checksum: u32,
    number: u64,
    durable: u64,
}

impl Header {
    fn parse(bytes: &[u8; HEADER_LEN]) -> Header {
        let [a, b, c, d, e, f, g, h, rest @ ..] = *bytes;
        let [i, j, k, l, m, n, o, p, durable @ ..] = rest;
        Header {
            length: u32::from_le_bytes([a, b, c, d]) as usize,
            checksum: u32::from_le_bytes([e, f, g, h]),
            number: u64::from_le_bytes([i, j, k, l, m, n, o, p]),
            durable: u64::from_le_bytes(durable),
        }
    }
}

fn header(number: u64, durable: u64, payload: &[u8]) -> [u8; HEADER_LEN] {
    let mut bytes = [0; HEADER_LEN];
    // The payload is at most 64 MiB, so its length fits.
    let length = (payload.len() as u32).to_le_bytes();
    let parts = [&length[..], &checksum(number, durable, payload).to_le_bytes(), &number.to_le_bytes()];
    for (to, from) in bytes.iter_mut().zip(parts.into_iter().flatten().chain(&durable.to_le_bytes())) {
        *to = *from;
    }
    bytes
}

fn checksum(number: u64, durable: u64, payload: &[u8]) -> u32 {
    let length = (payload.len() as u32).to_le_bytes();
    let head = crc32c::crc32c_append(crc32c::crc32c(&length), &number.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(head, &durable.to_le_bytes()), payload)
}

fn whole_frame_at(bytes: &[u8], place: usize) -> Option<Header> {
    let head = Header::parse(bytes.get(place..place + HEADER_LEN)?.try_into().ok()?);
    let begin = place + HEADER_LEN;
    let payload = bytes.get(begin..begin.checked_add(head.length)?)?;
    // A cheap test first: a frame's number cannot exceed the bytes there are.
    (head.durable <= head.number && checksum(head.number, head.durable, payload) == head.checksum)
        .then_some(head)
}

/// Fills `into` from the file; false when the file ends first.
fn read_at(file: &File, into: &mut [u8], position: u64) -> Result<bool, LogError> {
    match file.read_exact_at(into, position) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn not_a_log(path: &Path) -> LogError {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    LogError::Damaged(format!("{name} is not a log file of this version"))
}
