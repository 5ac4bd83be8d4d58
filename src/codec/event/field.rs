//! The fields that events are made of: texts, times, amounts; names out of closed lists are in `name`.
//!
//! Texts are borrowed from the record wherever its JSON has no escapes. Their `Debug` shows nothing:
//! any of them may be a personal identifier.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::fault::Fault;
pub use super::name::{
    AppealReasonName, AssessmentName, CardRiskName, CategoryName, ChannelName, CurrencyCode, DecisionKind,
    DeliveryName, EssentialName, HoldClassName, HolderKindName, HumanDecisionName, LeadOutcomeName,
    LeadSubjectName, LevelName, ListingTestName, MethodName, NoticeName, NoticeWhen, OrderAnswerName,
    OrderKindName, OutcomeName, OwnersSourceName, PaperName, ProductName, RegimeName, ResellerName,
    SceneName, TraceClassName, TrafficName, UsageName,
};
use crate::engine::base::{Currency, Money, TimeMs};

/// A text of the record.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}

impl std::ops::Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Text<'a> {
        Text(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Text(Cow::Owned(text))
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

impl JsonSchema for Text<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// A time: RFC 3339 with an offset in JSON, milliseconds inside. Finer digits are cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventTime(pub TimeMs);

impl EventTime {
    /// Reads RFC 3339: date, `T`, time with seconds, and `Z` or an offset `+hh:mm`.
    ///
    /// # Errors
    /// `Fault::TimeUnreadable`.
    pub fn parse(text: &str) -> Result<EventTime, Fault> {
        if let Some(time) = super::rfc3339::plain(text) {
            return Ok(EventTime(time));
        }
        let shape = text.as_bytes();
        let is = |place: usize, wanted: &[u8]| shape.get(place).is_some_and(|byte| wanted.contains(byte));
        let marks = is(4, b"-") && is(7, b"-") && is(10, b"Tt") && is(13, b":") && is(16, b":");
        let utc = matches!(shape.last(), Some(b'Z' | b'z'));
        let offset =
            shape.len().checked_sub(6).is_some_and(|at| at >= 19 && is(at, b"+-") && is(at + 3, b":"));
        if !(marks && (utc || offset)) {
            return Err(Fault::TimeUnreadable);
        }
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| Fault::TimeUnreadable)?;
        Ok(EventTime(TimeMs(timestamp.as_nanosecond().div_euclid(1_000_000) as i64)))
    }
}

impl Serialize for EventTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let timestamp = jiff::Timestamp::from_millisecond(self.0.0).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&timestamp)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = EventTime;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an RFC 3339 time")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<EventTime, E> {
        EventTime::parse(text).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimeVisitor)
    }
}

impl JsonSchema for EventTime {
    fn schema_name() -> Cow<'static, str> {
        "EventTime".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amount {
    /// Whole minor units (fen, cents), 0 to 2^53 - 1.
    pub minor: MinorUnits,
    /// ISO 4217, three upper-case letters.
    pub currency: CurrencyCode,
}

impl Amount {
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Amount {
        Amount { minor: MinorUnits(minor), currency: CurrencyCode(currency) }
    }

    #[must_use]
    pub fn money(self) -> Money {
        Money { minor: self.minor.0, currency: self.currency.0 }
    }
}

/// Minor units of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct MinorUnits(pub i64);

impl MinorUnits {
    /// The largest amount: what every JSON reader keeps exact.
    pub const MAX: i64 = (1 << 53) - 1;

    /// Reads a plain decimal with up to `digits` decimals as minor units.
    ///
    /// # Errors
    /// `AmountUnreadable`, `AmountNegative`, `AmountOverPrecise` or `AmountOverflow`.
    pub fn parse_decimal(text: &str, digits: u32) -> Result<MinorUnits, Fault> {
        let (negative, plain) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, decimals) = plain.split_once('.').unwrap_or((plain, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(decimals) {
            return Err(Fault::AmountUnreadable);
        }
        if negative {
            return Err(Fault::AmountNegative);
        }
        if plain.len() != whole.len() && decimals.len() > digits as usize {
            return Err(Fault::AmountOverPrecise);
        }
        let padded = decimals.bytes().chain(std::iter::repeat(b'0')).take(digits as usize);
        let minor = whole.bytes().chain(padded).try_fold(0i64, |sum, digit| {
            let next = sum * 10 + i64::from(digit - b'0');
            (next <= MinorUnits::MAX).then_some(next)
        });
        minor.map(MinorUnits).ok_or(Fault::AmountOverflow)
    }
}

struct MinorVisitor;

impl Visitor<'_> for MinorVisitor {
    type Value = MinorUnits;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of minor units")
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<MinorUnits, E> {
        let minor = i64::try_from(value).ok().filter(|minor| *minor <= MinorUnits::MAX);
        minor.map(MinorUnits).ok_or_else(|| E::custom(Fault::AmountOverflow))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<MinorUnits, E> {
        u64::try_from(value)
            .map_err(|_| E::custom(Fault::AmountNegative))
            .and_then(|value| self.visit_u64(value))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<MinorUnits, E> {
        // Only to name the fault: no amount is ever taken from a float.
        Err(E::custom(if value < 0.0 {
            Fault::AmountNegative
        } else if value > MinorUnits::MAX as f64 {
            Fault::AmountOverflow
        } else {
            Fault::AmountOverPrecise
        }))
    }
}

impl<'de> Deserialize<'de> for MinorUnits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(MinorVisitor)
    }
}

impl JsonSchema for MinorUnits {
    fn schema_name() -> Cow<'static, str> {
        "MinorUnits".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": MinorUnits::MAX })
    }
}

/// A balance in minor units of its event's currency, below zero when overdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Balance(pub i64);

struct BalanceVisitor;

impl Visitor<'_> for BalanceVisitor {
    type Value = Balance;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of minor units")
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Balance, E> {
        MinorVisitor.visit_u64(value).map(|MinorUnits(minor)| Balance(minor))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Balance, E> {
        MinorVisitor.visit_u64(value.unsigned_abs()).map(|MinorUnits(_)| Balance(value))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Balance, E> {
        MinorVisitor.visit_f64(value.abs()).map(|MinorUnits(minor)| Balance(minor))
    }
}

impl<'de> Deserialize<'de> for Balance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(BalanceVisitor)
    }
}

impl JsonSchema for Balance {
    fn schema_name() -> Cow<'static, str> {
        "Balance".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": -MinorUnits::MAX, "maximum": MinorUnits::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_minor_units_exactly() {
        let parse = |text| MinorUnits::parse_decimal(text, 2).map(|minor| minor.0);
        for (text, minor) in
            [("0", 0), ("0.00", 0), ("146.0", 14_600), ("57.16", 5_716), ("007.5", 750), ("12", 1_200)]
        {
            assert_eq!(parse(text), Ok(minor), "{text}");
        }
        assert_eq!(parse("90071992547409.91"), Ok(MinorUnits::MAX));
        assert_eq!(parse("90071992547409.92"), Err(Fault::AmountOverflow));
        let long = "9".repeat(400);
        assert_eq!(parse(&long), Err(Fault::AmountOverflow));
        assert_eq!(parse("-1.00"), Err(Fault::AmountNegative));
        assert_eq!(parse("1.234"), Err(Fault::AmountOverPrecise));
        for text in ["", "-", ".5", "5.", "1e3", "+1", "1,5", " 1", "1.-2", "٣", "NaN", "1.2.3"] {
            assert_eq!(parse(text), Err(Fault::AmountUnreadable), "{text}");
        }
        assert_eq!(MinorUnits::parse_decimal("5.0", 0), Err(Fault::AmountOverPrecise));
        assert_eq!(MinorUnits::parse_decimal("5", 0), Ok(MinorUnits(5)));
    }

    #[test]
    fn times_are_rfc_3339_with_an_offset() {
        let parse = |text| EventTime::parse(text).map(|time| time.0.0);
        assert_eq!(parse("2024-01-01T08:00:00+08:00"), Ok(1_704_067_200_000));
        assert_eq!(parse("2024-01-01T00:00:00.2059Z"), Ok(1_704_067_200_205));
        assert_eq!(parse("1969-12-31T23:59:59.9999Z"), Ok(-1));
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-02-30T00:00:00Z",
            "1704067200000",
            "2024-01-01T00:00:00+0800",
            "2024-01-01T00:00:00+08:00[Asia/Shanghai]",
            "2024-01-01T25:00:00Z",
            "2024-01-01T00:00:00 Z",
            "２０２４-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), Err(Fault::TimeUnreadable), "{text}");
        }
    }
}
