//! The building blocks of the packed form: varints, deltas, tokens, texts, parties, name tables.

use std::sync::Arc;

use crate::engine::base::{Currency, Fingerprint, Money, TimeMs, Token};
use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};

use super::DecodeError;

/// Appends building blocks to a buffer.
pub(in crate::codec) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(in crate::codec) fn new(out: &'a mut Vec<u8>) -> Writer<'a> {
        Writer { out }
    }

    pub(in crate::codec) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(in crate::codec) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(in crate::codec) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    pub(in crate::codec) fn count(&mut self, count: usize) {
        self.varint(count as u64);
    }

    pub(in crate::codec) fn zigzag(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(in crate::codec) fn delta(&mut self, value: i64, from: i64) {
        self.zigzag(value.wrapping_sub(from));
    }

    pub(in crate::codec) fn token(&mut self, token: Token) {
        self.out.extend_from_slice(&token.0.to_le_bytes());
    }

    pub(in crate::codec) fn fingerprint(&mut self, fingerprint: Fingerprint) {
        self.out.extend_from_slice(&fingerprint.0.to_le_bytes());
    }

    /// A number whose bits are all in use: eight bytes, little-endian.
    pub(in crate::codec) fn fixed(&mut self, value: u64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    pub(in crate::codec) fn blob(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    pub(in crate::codec) fn subject(&mut self, subject: Subject) {
        self.byte(subject.kind as u8);
        self.token(subject.token);
    }

    pub(in crate::codec) fn party(&mut self, party: &Party) {
        self.subject(party.subject);
        self.blob(&party.sealed.0);
    }

    pub(in crate::codec) fn money(&mut self, money: Money) {
        // A negative amount, which intake refuses, still survives: it takes ten bytes.
        self.varint(money.minor as u64);
        if money.currency == Currency::CNY {
            self.byte(0);
        } else {
            self.out.extend_from_slice(&money.currency.bytes());
        }
    }

    pub(in crate::codec) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(in crate::codec) fn names(&mut self, names: &Names) {
        self.count(names.0.len());
        for name in &names.0 {
            self.blob(name.as_bytes());
        }
    }
}

/// Names that are written once per record and cited by place.
#[derive(Default)]
pub(in crate::codec) struct Names(Vec<Arc<str>>);

impl Names {
    /// The names in order of first appearance.
    pub(in crate::codec) fn gather<'n>(names: impl Iterator<Item = &'n Arc<str>>) -> Names {
        let mut gathered = Names::default();
        for name in names {
            if gathered.place(name).is_none() {
                gathered.0.push(Arc::clone(name));
            }
        }
        gathered
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|known| **known == *name)
    }

    /// Writes the place of a name that was gathered.
    pub(in crate::codec) fn cite(&self, writer: &mut Writer<'_>, name: &str) {
        // A name that was not gathered gets a place that no table has, which a reader refuses.
        writer.count(self.place(name).unwrap_or(self.0.len()));
    }

    pub(in crate::codec) fn cited(&self, reader: &mut Reader<'_>) -> Result<Arc<str>, DecodeError> {
        let place = reader.varint("the place of a name")?;
        let name = usize::try_from(place).ok().and_then(|place| self.0.get(place));
        name.map(Arc::clone).ok_or(DecodeError::Malformed("the place of a name"))
    }
}

/// Takes building blocks from the front of some bytes.
pub(in crate::codec) struct Reader<'a> {
    bytes: &'a [u8],
    /// Form version of what is read, where it has one: earlier forms lack what was added since.
    form: u8,
}

impl<'a> Reader<'a> {
    pub(in crate::codec) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, form: u8::MAX }
    }

    pub(in crate::codec) fn of_form(bytes: &'a [u8], form: u8) -> Reader<'a> {
        Reader { bytes, form }
    }

    /// Whether what is read has what this form added.
    pub(in crate::codec) fn has(&self, form: u8) -> bool {
        self.form >= form
    }

    /// How many bytes have not been read.
    pub(in crate::codec) fn left(&self) -> usize {
        self.bytes.len()
    }

    pub(in crate::codec) fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        let (first, rest) = self.bytes.split_first().ok_or(DecodeError::Truncated(what))?;
        self.bytes = rest;
        Ok(*first)
    }

    pub(in crate::codec) fn flag(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        match self.byte(what)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Malformed(what)),
        }
    }

    #[inline]
    pub(in crate::codec) fn varint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        match self.bytes {
            [first, rest @ ..] if *first < 0x80 => {
                self.bytes = rest;
                Ok(u64::from(*first))
            }
            _ => self.varint_long(what),
        }
    }

    fn varint_long(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // The tenth byte has room for one bit; a last byte of zero says nothing.
                let fits = shift < 63 || byte == 1;
                let needed = byte != 0 || shift == 0;
                return if fits && needed { Ok(value) } else { Err(DecodeError::Malformed(what)) };
            }
        }
        Err(DecodeError::Malformed(what))
    }

    pub(in crate::codec) fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        u32::try_from(self.varint(what)?).map_err(|_| DecodeError::Malformed(what))
    }

    pub(in crate::codec) fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        u16::try_from(self.varint(what)?).map_err(|_| DecodeError::Malformed(what))
    }

    /// A count of things that take at least `bytes_min` bytes each: more than fit are refused
    /// before anything is reserved for them.
    pub(in crate::codec) fn count(
        &mut self,
        what: &'static str,
        bytes_min: usize,
    ) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.varint(what)?).map_err(|_| DecodeError::Malformed(what))?;
        let fits = count.checked_mul(bytes_min).is_some_and(|needed| needed <= self.left());
        if fits { Ok(count) } else { Err(DecodeError::Truncated(what)) }
    }

    pub(in crate::codec) fn zigzag(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        let raw = self.varint(what)?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    pub(in crate::codec) fn delta(&mut self, what: &'static str, from: i64) -> Result<i64, DecodeError> {
        Ok(from.wrapping_add(self.zigzag(what)?))
    }

    pub(in crate::codec) fn chunk<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let (chunk, rest) = self.bytes.split_first_chunk::<N>().ok_or(DecodeError::Truncated(what))?;
        self.bytes = rest;
        Ok(*chunk)
    }

    pub(in crate::codec) fn token(&mut self, what: &'static str) -> Result<Token, DecodeError> {
        self.chunk(what).map(|chunk| Token(u128::from_le_bytes(chunk)))
    }

    pub(in crate::codec) fn fingerprint(&mut self, what: &'static str) -> Result<Fingerprint, DecodeError> {
        self.chunk(what).map(|chunk| Fingerprint(u64::from_le_bytes(chunk)))
    }

    pub(in crate::codec) fn fixed(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.chunk(what).map(u64::from_le_bytes)
    }

    pub(in crate::codec) fn blob(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.count(what, 1)?;
        let (blob, rest) = self.bytes.split_at_checked(len).ok_or(DecodeError::Truncated(what))?;
        self.bytes = rest;
        Ok(blob)
    }

    pub(in crate::codec) fn text(&mut self, what: &'static str) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.blob(what)?).map_err(|_| DecodeError::Malformed(what))
    }

    pub(in crate::codec) fn subject(&mut self, what: &'static str) -> Result<Subject, DecodeError> {
        let kind = SubjectKind::from_code(self.byte(what)?).ok_or(DecodeError::Malformed(what))?;
        Ok(Subject { kind, token: self.token(what)? })
    }

    pub(in crate::codec) fn party(&mut self, what: &'static str) -> Result<Party, DecodeError> {
        let subject = self.subject(what)?;
        Ok(Party { subject, sealed: SealedRef(self.blob(what)?.into()) })
    }

    pub(in crate::codec) fn money(&mut self, what: &'static str) -> Result<Money, DecodeError> {
        let minor = self.varint(what)? as i64;
        let currency = match self.byte(what)? {
            0 => Currency::CNY,
            first => {
                let [second, third] = self.chunk(what)?;
                let letters = [first, second, third];
                let parsed = std::str::from_utf8(&letters).ok().and_then(Currency::parse);
                // CNY has its own short form and is written in no other way.
                parsed.filter(|code| *code != Currency::CNY).ok_or(DecodeError::Malformed(what))?
            }
        };
        Ok(Money { minor, currency })
    }

    pub(in crate::codec) fn time(&mut self, what: &'static str) -> Result<TimeMs, DecodeError> {
        self.zigzag(what).map(TimeMs)
    }

    pub(in crate::codec) fn option<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.flag(what)? { read(self).map(Some) } else { Ok(None) }
    }

    pub(in crate::codec) fn names(&mut self) -> Result<Names, DecodeError> {
        let count = self.count("the names", 1)?;
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            names.push(Arc::from(self.text("a name")?));
        }
        Ok(Names(names))
    }
}
