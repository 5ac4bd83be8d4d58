//! Ids, time and money: the words every other file of the engine is written in.

use std::fmt;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. Always an input, never read from a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeMs(pub i64);

impl TimeMs {
    /// The earliest event time that intake accepts: 2000-01-01T00:00:00Z.
    pub const EARLIEST: TimeMs = TimeMs(946_684_800_000);
    /// The first event time past what intake accepts: 2100-01-01T00:00:00Z.
    pub const LATEST: TimeMs = TimeMs(4_102_444_800_000);
    /// Before every event; what a partition's time is before its first fact.
    pub const MIN: TimeMs = TimeMs(i64::MIN);

    /// This time moved by a span, held at the ends of the range instead of wrapping.
    #[must_use]
    pub fn plus(self, span: SpanMs) -> TimeMs {
        TimeMs(self.0.saturating_add(span.0))
    }

    /// This time moved back by a span, held at the ends of the range instead of wrapping.
    #[must_use]
    pub fn minus(self, span: SpanMs) -> TimeMs {
        TimeMs(self.0.saturating_sub(span.0))
    }
}

/// A number held at the ends of the range instead of wrapping.
#[must_use]
pub fn saturate(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// A length of time in milliseconds, never negative in configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanMs(pub i64);

impl SpanMs {
    pub const HOUR: SpanMs = SpanMs(3_600_000);
    pub const DAY: SpanMs = SpanMs(86_400_000);

    /// `n` whole days.
    #[must_use]
    pub const fn days(n: i64) -> SpanMs {
        SpanMs(n * SpanMs::DAY.0)
    }

    /// `n` whole hours.
    #[must_use]
    pub const fn hours(n: i64) -> SpanMs {
        SpanMs(n * SpanMs::HOUR.0)
    }
}

/// A keyed pseudonym of an identifier (DESIGN D5). Tokens join, refs address.
/// It is the output of a keyed MAC, so its bits are already uniform and may be used as a hash.
/// Packed, so that what begins with a token, as most keys of state do, takes no room for alignment to 16 bytes.
#[repr(Rust, packed(8))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Token(pub u128);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0;
        write!(f, "{bits:032x}")
    }
}

impl Token {
    /// The facts partition of a subject with this token. Never changes under live state (D6).
    #[must_use]
    pub fn partition(self, partitions: u32) -> u32 {
        // The remainder of a u128 by a u32 always fits a u32.
        (self.0 % u128::from(partitions.max(1))) as u32
    }

    /// The 64 bits by which a counterparty is told apart inside one subject's windows.
    #[must_use]
    pub fn short(self) -> u64 {
        self.0 as u64
    }

    /// The token of an ordered pair, such as an account and one counterparty of it.
    #[must_use]
    pub fn pair(self, other: Token) -> Token {
        // Both halves are MAC outputs; the odd multiplier keeps (a, b) apart from (b, a).
        Token(self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) ^ other.0.rotate_left(61))
    }
}

/// A keyed 64-bit fingerprint of an event id. Recognises duplicates and names events in evidence (D10, D30).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fingerprint(pub u64);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// An ISO 4217 code, three upper-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    pub const CNY: Currency = Currency(*b"CNY");
    /// Of what is counted and is no money: ISO 4217's code for no currency.
    pub const NONE: Currency = Currency(*b"XXX");

    /// Reads three upper-case ASCII letters; anything else is `None`.
    #[must_use]
    pub fn parse(code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Currency(bytes))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        // The constructor admits ASCII letters only, so this is never the fallback.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    #[must_use]
    pub fn bytes(self) -> [u8; 3] {
        self.0
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in minor units (fen, cents). Never negative: a refund is an event of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    /// The amount in fen, if it is in yuan: what conditions may compare with the figures of rules.
    #[must_use]
    pub fn fen(self) -> Option<i64> {
        (self.currency == Currency::CNY).then_some(self.minor)
    }
}

/// A text in the two languages the product speaks. Chinese is the default for notices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bilingual {
    pub zh: String,
    pub en: String,
}
