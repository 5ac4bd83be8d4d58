//! Values out of somebody else's JSON by JSON Pointer (RFC 6901), in one pass, numbers as written.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::event::{Fault, Undeclared};

/// The pointers of a source, as one tree: whatever is not in it is passed over and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointerTree {
    children: Vec<(String, PointerTree)>,
    /// Places in the result of the pointers that end here.
    slots: Vec<usize>,
    /// Declared as known and unused.
    known: bool,
}

/// A pointer that is not one: it must be empty or begin with a slash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a JSON Pointer: it begins with a slash, as in `/payer/id`")]
pub struct PointerError(pub String);

impl PointerTree {
    /// Adds a pointer whose value goes to `slot`; without one its value is known and unused.
    ///
    /// # Errors
    /// `PointerError` when the text is not a pointer to a member.
    pub fn add(&mut self, pointer: &str, slot: Option<usize>) -> Result<(), PointerError> {
        let path = pointer.strip_prefix('/').ok_or_else(|| PointerError(pointer.to_owned()))?;
        let mut node = self;
        for part in path.split('/') {
            let name = part.replace("~1", "/").replace("~0", "~");
            let place = match node.children.iter().position(|(known, _)| *known == name) {
                Some(place) => place,
                None => {
                    node.children.push((name, PointerTree::default()));
                    node.children.len() - 1
                }
            };
            // The place was just found or made.
            node = &mut node.children[place].1;
        }
        match slot {
            Some(slot) => node.slots.push(slot),
            None => node.known = true,
        }
        Ok(())
    }

    /// Reads a document. `values[slot]` is the text of the value there: a string's own text, a
    /// number or truth value as written; nothing for null or where there is no value.
    ///
    /// # Errors
    /// `JsonMalformed`; `FieldInvalid` when a pointer ends at an object or array, or a member that
    /// is pointed to is given twice.
    pub fn read<'a>(
        &self,
        json: &'a str,
        slots: usize,
        undeclared: &mut Undeclared,
    ) -> Result<Vec<Option<Cow<'a, str>>>, Fault> {
        let mut values = vec![None; slots];
        let mut path = String::new();
        let mut reader = serde_json::Deserializer::from_str(json);
        let seed = Walk { node: self, values: &mut values, path: &mut path, undeclared };
        seed.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| Fault::of_json(&error))?;
        Ok(values)
    }
}

struct Walk<'t, 'v, 'a> {
    node: &'t PointerTree,
    values: &'v mut Vec<Option<Cow<'a, str>>>,
    path: &'v mut String,
    undeclared: &'v mut Undeclared,
}

impl<'a> Walk<'_, '_, 'a> {
    fn child<'s>(&'s mut self, name: &str) -> Option<Walk<'s, 's, 'a>> {
        let (_, node) = self.node.children.iter().find(|(known, _)| known == name)?;
        Some(Walk { node, values: self.values, path: self.path, undeclared: self.undeclared })
    }

    /// Walks into a member, or passes over it and counts it.
    fn step<E>(
        &mut self,
        name: &str,
        walk: impl FnOnce(Walk<'_, '_, 'a>) -> Result<(), E>,
        pass: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let result = match self.child(name) {
            Some(child) => walk(child),
            None => {
                self.undeclared.add(self.path);
                pass()
            }
        };
        self.path.truncate(length);
        result
    }

    fn keep<E: Error>(&mut self, raw: &'a RawValue) -> Result<(), E> {
        let text = raw.get();
        let value = match text.as_bytes().first() {
            Some(b'"') => Some(unquoted(text).map_err(E::custom)?),
            Some(b'{' | b'[') => return Err(E::custom("a value is expected where a pointer ends")),
            Some(b'n') => None,
            _ => Some(Cow::Borrowed(text)),
        };
        for slot in &self.node.slots {
            match self.values.get_mut(*slot) {
                Some(Some(_)) => return Err(E::custom("a member is given twice")),
                Some(place) => place.clone_from(&value),
                None => {}
            }
        }
        Ok(())
    }
}

/// A JSON string's text: borrowed unless it has escapes.
fn unquoted(raw: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match raw.get(1..raw.len() - 1) {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        _ => serde_json::from_str(raw).map(Cow::Owned),
    }
}

impl<'a> DeserializeSeed<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(mut self, deserializer: D) -> Result<(), D::Error> {
        if !self.node.slots.is_empty() {
            let raw = <&RawValue>::deserialize(deserializer)?;
            return self.keep(raw);
        }
        if self.node.known {
            return IgnoredAny::deserialize(deserializer).map(|_| ());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or array on the way to a pointer's end")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            let map = std::cell::RefCell::new(&mut map);
            self.step(
                &name,
                |child| map.borrow_mut().next_value_seed(child),
                || map.borrow_mut().next_value::<IgnoredAny>().map(|_| ()),
            )?;
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(mut self, mut seq: S) -> Result<(), S::Error> {
        for index in 0.. {
            let name = itoa::Buffer::new().format(index).to_owned();
            let length = self.path.len();
            let more = match self.child(&name) {
                Some(child) => seq.next_element_seed(child)?.is_some(),
                None => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            self.path.truncate(length);
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(Vec<Option<String>>, Vec<String>), Fault> {
        let mut tree = PointerTree::default();
        for (slot, pointer) in ["/id", "/txn/amount", "/parties/1/ref", "/a~1b"].iter().enumerate() {
            tree.add(pointer, Some(slot)).unwrap();
        }
        tree.add("/txn/channel", None).unwrap();
        let mut undeclared = Undeclared::default();
        let values = tree.read(json, 4, &mut undeclared)?;
        let names = undeclared.into_names().iter().map(|name| name.to_string()).collect();
        Ok((values.into_iter().map(|value| value.map(Cow::into_owned)).collect(), names))
    }

    #[test]
    fn values_are_taken_as_written_and_the_rest_is_counted() {
        let json = r#"{"id":"a\"b","txn":{"amount":1.10,"channel":{"x":1},"memo":"m"},"parties":[{"ref":"p"},{"ref":"q","name":"n"}],"a/b":true,"z":[1]}"#;
        let (values, names) = read(json).unwrap();
        assert_eq!(values.map_some(), ["a\"b", "1.10", "q", "true"]);
        assert_eq!(names, ["txn.memo", "parties.name", "z"]);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        assert_eq!(read(r#"{"id":{}}"#).unwrap_err(), Fault::FieldInvalid);
        assert_eq!(read(r#"{"id":"a","id":"b"}"#).unwrap_err(), Fault::FieldInvalid);
        assert_eq!(read(r#"{"txn":5}"#).unwrap_err(), Fault::FieldInvalid);
        assert_eq!(read(r#"{"id":"#).unwrap_err(), Fault::JsonMalformed);
        assert_eq!(read(r#"{} x"#).unwrap_err(), Fault::JsonMalformed);
        assert_eq!(read(r#"{"id":null,"txn":null}"#).unwrap().0, vec![None; 4]);
    }

    trait MapSome {
        fn map_some(self) -> Vec<String>;
    }

    impl MapSome for Vec<Option<String>> {
        fn map_some(self) -> Vec<String> {
            self.into_iter().flatten().collect()
        }
    }
}
