//! JSON as sources nearly always write it, read in one pass and without a copy.
//!
//! What is unusual (an escape in a text, a fraction, an array, `null`, a field that nobody declared, an
//! attribute after the data that needs it, anything wrong) is left to the full reader, which reads the
//! record anew and says what is the matter. So this one refuses nothing by itself; it reads what the full
//! reader reads, to the same event.

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::registry::{Event, EventType};

/// A structured event: its attributes and its data.
#[derive(Debug)]
pub struct Whole<'a> {
    pub spec_version: &'a str,
    pub id: &'a str,
    pub time: &'a str,
    /// Of most of a kilobyte, which every step that hands it on would copy.
    pub event: Box<Event<'a>>,
}

impl<'a> Whole<'a> {
    /// Reads a structured event. None when the full reader must look at it.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Whole<'a>> {
        let mut reader = Reader { text, at: 0 };
        let whole = reader.deserialize_map(WholeVisitor).ok()?;
        reader.skip_space();
        (reader.at == text.len()).then_some(whole)
    }
}

/// The full reader must look at it.
#[derive(Debug, thiserror::Error)]
#[error("left to the full reader")]
struct Unusual;

impl serde::de::Error for Unusual {
    fn custom<T: fmt::Display>(_: T) -> Unusual {
        Unusual
    }
}

struct WholeVisitor;

impl<'a> Visitor<'a> for WholeVisitor {
    type Value = Whole<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Whole<'a>, M::Error> {
        /// What CloudEvents knows and nothing here uses stands behind those that are read.
        const NAMES: [&str; 11] = [
            "specversion",
            "id",
            "time",
            "type",
            "source",
            "datacontenttype",
            "dataschema",
            "subject",
            "partitionkey",
            "traceparent",
            "tracestate",
        ];
        let unusual = || serde::de::Error::custom(Unusual);
        let mut values: [Option<&'a str>; NAMES.len()] = [None; NAMES.len()];
        let mut event = None;
        while let Some(name) = map.next_key::<&'a str>()? {
            if name == "data" && event.is_none() {
                let kind = values.get(3).copied().flatten().and_then(EventType::from_name);
                event = Some(map.next_value_seed(Data(kind.ok_or_else(unusual)?))?);
                continue;
            }
            let place = NAMES.iter().position(|known| *known == name);
            match place.and_then(|place| values.get_mut(place)) {
                Some(value @ None) => *value = Some(map.next_value()?),
                // A name that is not known, or one that came before.
                _ => return Err(unusual()),
            }
        }
        match (values, event) {
            ([Some(spec_version), Some(id), Some(time), Some(_), Some(_), ..], Some(event)) => {
                Ok(Whole { spec_version, id, time, event })
            }
            _ => Err(unusual()),
        }
    }
}

struct Data(EventType);

impl<'a> DeserializeSeed<'a> for Data {
    type Value = Box<Event<'a>>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Box<Event<'a>>, D::Error> {
        Event::deserialize(self.0, deserializer).map(Box::new)
    }
}

/// Reads from `at` on.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or(&[])
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Unusual> {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        if found { Ok(()) } else { Err(Unusual) }
    }

    fn string(&mut self) -> Result<&'a str, Unusual> {
        self.expect(b'"')?;
        let len = plain_len(self.rest());
        let text = self.text.get(self.at..self.at + len).ok_or(Unusual)?;
        self.at += len;
        self.expect(b'"')?;
        Ok(text)
    }

    fn word(&mut self, word: &str) -> Result<(), Unusual> {
        let found = self.rest().starts_with(word.as_bytes());
        self.at += word.len();
        if found { Ok(()) } else { Err(Unusual) }
    }

    /// A whole number of up to 18 digits, and whether it is below zero.
    fn integer(&mut self) -> Result<(u64, bool), Unusual> {
        const DIGITS_MAX: usize = 18;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let digits = self.rest();
        let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = digits.get(..len).unwrap_or(&[]);
        let number =
            digits.iter().take(DIGITS_MAX).fold(0, |sum: u64, digit| sum * 10 + u64::from(digit - b'0'));
        self.at += len;
        let is_plain = match digits {
            [] => false,
            // The full reader makes a float of minus zero.
            [b'0'] => !negative,
            [b'0', ..] => false,
            _ => len <= DIGITS_MAX,
        };
        if is_plain && !matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            Ok((number, negative))
        } else {
            Err(Unusual)
        }
    }
}

/// How many bytes stand before the next quote, escape or control character; all of them if there is none.
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    /// The bytes below a bound of at most 0x80, by their highest bits; the lowest of them is exact.
    fn below(word: u64, bound: u64) -> u64 {
        word.wrapping_sub(ONES * bound) & !word & (ONES * 0x80)
    }
    let mut len = 0;
    while let Some(word) = bytes.get(len..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*word);
        let ends = below(word, 0x20)
            | below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1);
        if ends != 0 {
            return len + (ends.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes.get(len..).and_then(|rest| rest.iter().position(ends)).map_or(bytes.len(), |more| len + more)
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.peek().ok_or(Unusual)? {
            b'"' => visitor.visit_borrowed_str(self.string()?),
            b'{' => {
                self.at += 1;
                let mut members = Members { reader: self, is_first: true, is_over: false };
                let value = visitor.visit_map(&mut members)?;
                if members.is_over { Ok(value) } else { Err(Unusual) }
            }
            b'-' | b'0'..=b'9' => match self.integer()? {
                (number, false) => visitor.visit_u64(number),
                (number, true) => visitor.visit_i64(0_i64.wrapping_sub_unsigned(number)),
            },
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            _ => Err(Unusual),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        if self.peek() == Some(b'n') { Err(Unusual) } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        visitor.visit_enum(self.string()?.into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unusual> {
        // A field that nobody declared: the full reader counts it.
        Err(Unusual)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier
    }
}

/// The members of an object.
struct Members<'r, 'a> {
    reader: &'r mut Reader<'a>,
    is_first: bool,
    is_over: bool,
}

impl<'a> MapAccess<'a> for &mut Members<'_, 'a> {
    type Error = Unusual;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Unusual> {
        self.reader.skip_space();
        if self.reader.peek() == Some(b'}') {
            self.reader.at += 1;
            self.is_over = true;
            return Ok(None);
        }
        if !self.is_first {
            self.reader.expect(b',')?;
            self.reader.skip_space();
        }
        self.is_first = false;
        seed.deserialize(BorrowedStrDeserializer::new(self.reader.string()?)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Unusual> {
        self.reader.skip_space();
        self.reader.expect(b':')?;
        self.reader.skip_space();
        seed.deserialize(&mut *self.reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::event::envelope::Envelope;
    use crate::codec::event::undeclared::Undeclared;
    use proptest::prelude::*;

    const EVENT: &str = r#"{"specversion":"1.0","id":"EV-1","source":"/core/账务","type":"transfer_posted",
 "time":"2026-01-01T00:00:00.000+08:00" , "subject":"x", "data":{"payer":{"institution":"demo-bank","holder":"C-1",
 "ref":"A-1","kind":"account"},"counterparty":{"account":"6222"},"amount":{"minor":123456,"currency":"CNY"},
 "channel":"mobile","cash":true,"strong_auth":false,"payer_balance_after":-20,"device":"D-1"}}"#;

    /// What the full reader makes of a record: attributes, data as shown for programmers, and the fields
    /// that nobody declared.
    fn full(text: &str) -> Option<(String, Vec<String>)> {
        let mut undeclared = Undeclared::default();
        let envelope = Envelope::open(text, &[], &mut undeclared).ok()?;
        let kind = EventType::from_name(&envelope.event_type)?;
        let event = Event::from_json(kind, envelope.data, "", &mut undeclared).ok()?;
        let Envelope { spec_version, id, time, .. } = envelope;
        let shown = serde_json::to_string(&event).ok()?;
        Some(([&*spec_version, &*id, &*time, &*shown].join("|"), undeclared.into_names()))
    }

    fn plain(text: &str) -> Option<(String, Vec<String>)> {
        let Whole { spec_version, id, time, event } = Whole::read(text)?;
        let shown = serde_json::to_string(&event).ok()?;
        Some(([spec_version, id, time, &*shown].join("|"), Vec::new()))
    }

    #[test]
    fn what_is_usual_is_read_to_the_same_event() {
        assert!(plain(EVENT).is_some());
        assert_eq!(plain(EVENT), full(EVENT));
    }

    #[test]
    fn what_is_unusual_is_left_to_the_full_reader() {
        for (from, to) in [
            ("\"id\":\"EV-1\"", "\"id\":\"EV\\u002d1\""),
            ("\"subject\"", "\"nickname\""),
            ("\"cash\"", "\"nickname\""),
            ("\"cash\":true", "\"cash\":null"),
            ("123456", "123456.0"),
            ("123456", "1e3"),
            ("123456", "012"),
            ("123456", "1234567890123456789"),
            ("-20", "-0"),
            ("\"cash\":true", "\"cash\":true,\"cash\":true"),
            ("\"subject\"", "\"id\""),
            ("\"device\":\"D-1\"}}", "\"device\":\"D-1\"}} x"),
            ("\"device\":\"D-1\"}}", "\"device\":\"D-1\",}}"),
            ("\"device\":\"D-1\"}}", "\"device\":\"D-1\"}"),
            ("\"source\":\"/core/账务\",", ""),
        ] {
            assert_ne!(EVENT.replacen(from, to, 1), EVENT, "{from}");
            assert_eq!(plain(&EVENT.replacen(from, to, 1)), None, "{to}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_read_at_all_is_what_the_full_reader_reads(
            changes in prop::collection::vec((0..EVENT.len(), 0_usize..6, "[ -~]|\\t|账|\\\\|\"|0|-"), 1..4),
        ) {
            let mut text = EVENT.to_owned();
            for (place, action, piece) in changes {
                let place = (0..=place.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                let next = (place + 1..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
                match action {
                    0 => text.insert_str(place, &piece),
                    1 => text.replace_range(place..next, ""),
                    _ => text.replace_range(place..next, &piece),
                }
            }
            if let Some(read) = plain(&text) {
                prop_assert_eq!(Some(read), full(&text), "{}", text);
            }
        }

        #[test]
        fn a_text_ends_where_it_ends(text in "[ -~\\x00-\\x1f账é]{0,40}") {
            let ends = |byte: u8| byte == b'"' || byte == b'\\' || byte < 0x20;
            let slow = text.bytes().position(ends).unwrap_or(text.len());
            prop_assert_eq!(plain_len(text.as_bytes()), slow);
        }
    }
}
