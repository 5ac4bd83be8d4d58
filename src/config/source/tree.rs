//! A mapped row, read as if it were our JSON: the event types' own readers do the rest.

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, Error};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::EventMapping;
use crate::codec::event::field::MinorUnits;
use crate::codec::event::{Event, EventTime, Fault};
use crate::engine::base::TimeMs;

/// The values of one row, by the place of their field in its table. An empty value is none.
pub trait Values<'r>: Copy {
    fn value(self, field: usize) -> Option<&'r str>;
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Field(usize),
    Constant(String),
    /// The record itself; only its time.
    Record,
}

/// How a value's text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// A decimal number of whole currency units, with at most so many decimals.
    Decimal(u32),
    Integer,
    Flag,
    EpochMs,
    Rfc3339,
}

/// One value of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub(super) origin: Origin,
    pub(super) form: Form,
    /// Put before an event's id.
    pub(super) prefix: String,
}

/// An event's data, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Object(Vec<(String, Node)>),
    Leaf(Leaf),
}

impl Leaf {
    /// Whether the row has a value for it.
    pub fn is_given<'r>(&'r self, values: impl Values<'r>) -> bool {
        self.text(values).is_some()
    }

    fn text<'r>(&'r self, values: impl Values<'r>) -> Option<&'r str> {
        match &self.origin {
            Origin::Field(field) => values.value(*field),
            Origin::Constant(text) => Some(text),
            Origin::Record => None,
        }
    }

    /// The event's id: prefix and text. `None` when the text is missing or empty.
    pub fn id<'r>(&'r self, values: impl Values<'r>) -> Option<(&'r str, &'r str)> {
        self.text(values).map(|text| (self.prefix.as_str(), text))
    }

    /// The event's time.
    ///
    /// # Errors
    /// `TimeUnreadable` when it is missing or not in the declared form.
    pub fn time<'r>(&'r self, values: impl Values<'r>, record_time: TimeMs) -> Result<TimeMs, Fault> {
        if self.origin == Origin::Record {
            return Ok(record_time);
        }
        let text = self.text(values).ok_or(Fault::TimeUnreadable)?;
        match self.form {
            Form::EpochMs => plain_integer(text).map(TimeMs).ok_or(Fault::TimeUnreadable),
            _ => EventTime::parse(text).map(|time| time.0),
        }
    }
}

/// Digits with an optional minus sign, and nothing else.
fn plain_integer(text: &str) -> Option<i64> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

impl Node {
    /// Whether the row has any value for this part; constants alone do not make one.
    fn is_present<'r>(&'r self, values: impl Values<'r>) -> bool {
        match self {
            Node::Leaf(Leaf { origin: Origin::Field(field), .. }) => values.value(*field).is_some(),
            Node::Leaf(_) => false,
            Node::Object(members) => members.iter().any(|(_, member)| member.is_present(values)),
        }
    }

    fn is_given<'r>(&'r self, values: impl Values<'r>) -> bool {
        matches!(self, Node::Leaf(Leaf { origin: Origin::Constant(_), .. })) || self.is_present(values)
    }
}

impl EventMapping {
    /// Whether this mapping is for the row.
    pub fn matches<'r>(&self, values: impl Values<'r>) -> bool {
        self.when.iter().all(|(field, wanted)| values.value(*field) == Some(wanted))
    }

    /// The row as an event.
    ///
    /// # Errors
    /// The fault that the event's own reader finds.
    pub fn event<'r>(&'r self, values: impl Values<'r>) -> Result<Event<'r>, Fault> {
        Event::deserialize(self.event_type, Reader { node: &self.data, values })
            .map_err(|error| Fault::of(&error))
    }
}

struct Reader<'r, V> {
    node: &'r Node,
    values: V,
}

impl<'r, V: Values<'r>> Reader<'r, V> {
    fn leaf<W: Visitor<'r>>(leaf: &'r Leaf, values: V, visitor: W) -> Result<W::Value, Error> {
        let text = leaf.text(values).ok_or_else(|| <Error as serde::de::Error>::custom("missing field"))?;
        let raise = <Error as serde::de::Error>::custom::<Fault>;
        match leaf.form {
            Form::Text | Form::EpochMs | Form::Rfc3339 => visitor.visit_borrowed_str(text),
            Form::Decimal(digits) => {
                visitor.visit_i64(MinorUnits::parse_decimal(text, digits).map_err(raise)?.0)
            }
            Form::Integer => match plain_integer(text) {
                Some(number) => visitor.visit_i64(number),
                None => Err(raise(Fault::FieldInvalid)),
            },
            Form::Flag => match text {
                "true" | "1" => visitor.visit_bool(true),
                "false" | "0" => visitor.visit_bool(false),
                _ => Err(raise(Fault::FieldInvalid)),
            },
        }
    }
}

impl<'r, V: Values<'r>> Deserializer<'r> for Reader<'r, V> {
    type Error = Error;

    fn deserialize_any<W: Visitor<'r>>(self, visitor: W) -> Result<W::Value, Error> {
        match self.node {
            Node::Object(members) => {
                visitor.visit_map(Members { rest: members.iter(), next: None, values: self.values })
            }
            Node::Leaf(leaf) => Reader::leaf(leaf, self.values, visitor),
        }
    }

    fn deserialize_option<W: Visitor<'r>>(self, visitor: W) -> Result<W::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<W: Visitor<'r>>(
        self,
        _name: &'static str,
        visitor: W,
    ) -> Result<W::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<W: Visitor<'r>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: W,
    ) -> Result<W::Value, Error> {
        let name: &'r str = <&str>::deserialize(self)?;
        visitor.visit_enum(BorrowedStrDeserializer::new(name))
    }

    forward_to_deserialize_any! {
        <W: Visitor<'r>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Members<'r, V> {
    rest: std::slice::Iter<'r, (String, Node)>,
    next: Option<&'r Node>,
    values: V,
}

impl<'r, V: Values<'r>> MapAccess<'r> for Members<'r, V> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'r>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let values = self.values;
        match self.rest.find(|(_, node)| node.is_given(values)) {
            Some((name, node)) => {
                self.next = Some(node);
                seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<K: DeserializeSeed<'r>>(&mut self, seed: K) -> Result<K::Value, Error> {
        match self.next.take() {
            Some(node) => seed.deserialize(Reader { node, values: self.values }),
            None => Err(serde::de::Error::custom("a value was asked for before its name")),
        }
    }
}
