//! The trait by which state is written and read, and its plain cases.

use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::codec::facts::DecodeError;
use crate::codec::facts::bytes::{Reader, Writer};
use crate::engine::base::{Fingerprint, Money, TimeMs, Token};
use crate::engine::partition::FrozenLogs;
use crate::engine::state::MetBy;
use crate::engine::subject::{Party, Subject};
use crate::engine::table::{Changes, Frozen, Key};
use crate::engine::window::{Entry, LogBatch};

/// Something a snapshot holds. What `write` wrote, `read` reads.
pub(super) trait Packed: Sized {
    fn write(&self, writer: &mut Writer<'_>);

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// Writes and reads a struct field after field, in the order named. Fields that came with a later form
/// of snapshots say what they are in an earlier one (D13).
macro_rules! packed_struct {
    ($name:ty { $($field:ident),* $(,)? } $(since $form:literal { $($added:ident: $otherwise:expr),* $(,)? })?) => {
        impl Packed for $name {
            fn write(&self, writer: &mut Writer<'_>) {
                $(self.$field.write(writer);)*
                $($(self.$added.write(writer);)*)?
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self {
                    $($field: Packed::read(reader)?,)*
                    $($($added: if reader.has($form) { Packed::read(reader)? } else { $otherwise },)*)?
                })
            }
        }
    };
}
pub(super) use packed_struct;

/// Writes and reads a type through one pair of building blocks.
macro_rules! packed_plain {
    ($name:ty, |$writer:ident, $value:ident| $write:expr, |$reader:ident| $read:expr) => {
        impl Packed for $name {
            fn write(&self, $writer: &mut Writer<'_>) {
                let $value = self;
                $write;
            }

            fn read($reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $read
            }
        }
    };
}
pub(super) use packed_plain;

packed_plain!(bool, |w, v| w.flag(*v), |r| r.flag("a flag"));
packed_plain!(u8, |w, v| w.byte(*v), |r| r.byte("a number"));
packed_plain!(u32, |w, v| w.varint(u64::from(*v)), |r| r.u32("a number"));
packed_plain!(u64, |w, v| w.varint(*v), |r| r.varint("a number"));
packed_plain!(i32, |w, v| w.zigzag(i64::from(*v)), |r| {
    i32::try_from(r.zigzag("a number")?).map_err(|_| DecodeError::Malformed("a number"))
});
packed_plain!(i64, |w, v| w.zigzag(*v), |r| r.zigzag("a number"));
packed_plain!(TimeMs, |w, v| w.zigzag(v.0), |r| r.time("a time"));
packed_plain!(Token, |w, v| w.token(*v), |r| r.token("a token"));
packed_plain!(Fingerprint, |w, v| w.fingerprint(*v), |r| r.fingerprint("a fingerprint"));
packed_plain!(Subject, |w, v| w.subject(*v), |r| r.subject("a subject"));
packed_plain!(Party, |w, v| w.party(v), |r| r.party("a party"));
packed_plain!(Money, |w, v| w.money(*v), |r| r.money("an amount"));
packed_plain!(String, |w, v| w.blob(v.as_bytes()), |r| r.text("a text").map(str::to_owned));
packed_plain!(Arc<str>, |w, v| w.blob(v.as_bytes()), |r| r.text("a text").map(Arc::from));

impl<T: Packed> Packed for Option<T> {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.option(self.as_ref(), |writer, value| value.write(writer));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.option("whether there is a value", T::read)
    }
}

impl<T: Packed> Packed for Box<T> {
    fn write(&self, writer: &mut Writer<'_>) {
        (**self).write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::read(reader).map(Box::new)
    }
}

/// What is shared is written wherever it stands.
impl Packed for Arc<MetBy> {
    fn write(&self, writer: &mut Writer<'_>) {
        (**self).write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        MetBy::read(reader).map(Arc::new)
    }
}

impl<T: Packed> Packed for Vec<T> {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.count(self.len());
        for value in self {
            value.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.count("a list", 1)?;
        (0..count).map(|_| T::read(reader)).collect()
    }
}

impl<T: Packed, const N: usize> Packed for [T; N] {
    fn write(&self, writer: &mut Writer<'_>) {
        for value in self {
            value.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let all: Vec<T> = (0..N).map(|_| T::read(reader)).collect::<Result<_, _>>()?;
        Self::try_from(all).map_err(|_| DecodeError::Malformed("a list"))
    }
}

impl<T: Packed> Packed for VecDeque<T> {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.count(self.len());
        for value in self {
            value.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Vec::read(reader).map(VecDeque::from)
    }
}

impl<K: Packed + Ord, V: Packed> Packed for BTreeMap<K, V> {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.count(self.len());
        for (key, value) in self {
            key.write(writer);
            value.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.count("a table", 2)?;
        (0..count).map(|_| Ok((K::read(reader)?, V::read(reader)?))).collect()
    }
}

impl<A: Packed, B: Packed> Packed for (A, B) {
    fn write(&self, writer: &mut Writer<'_>) {
        self.0.write(writer);
        self.1.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::read(reader)?, B::read(reader)?))
    }
}

impl<A: Packed, B: Packed, C: Packed> Packed for (A, B, C) {
    fn write(&self, writer: &mut Writer<'_>) {
        self.0.write(writer);
        self.1.write(writer);
        self.2.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::read(reader)?, B::read(reader)?, C::read(reader)?))
    }
}

/// A table, or what changed of it.
pub(super) fn write_table<K: Packed + Key, V: Packed>(
    table: &Frozen<K, V>,
    changed_only: bool,
    writer: &mut Writer<'_>,
) {
    let removed = if changed_only { table.removed() } else { &[] };
    write_rows::<_, V>(removed, table.rows(changed_only), writer);
}

/// The same for logs, whose entries stand elsewhere.
pub(super) fn write_logs(logs: &FrozenLogs, changed_only: bool, writer: &mut Writer<'_>) {
    let removed = if changed_only { logs.removed() } else { &[] };
    write_rows::<_, Vec<Entry>>(removed, logs.rows(changed_only), writer);
}

/// What `write_logs` wrote, some logs at a time: each log that went, without entries, then each that came or changed.
pub(super) fn read_logs(reader: &mut Reader<'_>, mut take: impl FnMut(&LogBatch)) -> Result<(), DecodeError> {
    let mut batch = LogBatch::default();
    for _ in 0..reader.count("a list", 1)? {
        batch.begin(Subject::read(reader)?);
    }
    while reader.flag("whether a row follows")? {
        if batch.is_full() {
            take(&batch);
            batch.clear();
        }
        batch.begin(Subject::read(reader)?);
        for _ in 0..reader.count("a list", 1)? {
            batch.add(&Entry::read(reader)?);
        }
    }
    take(&batch);
    Ok(())
}

/// Row after row, so that none of them has to be counted before.
fn write_rows<'r, K: Packed + 'r, V: Packed>(
    removed: &[K],
    rows: impl Iterator<Item = (&'r K, impl Borrow<V>)>,
    writer: &mut Writer<'_>,
) {
    writer.count(removed.len());
    for key in removed {
        key.write(writer);
    }
    for (key, value) in rows {
        writer.flag(true);
        key.write(writer);
        value.borrow().write(writer);
    }
    writer.flag(false);
}

/// What these two wrote.
impl<K: Packed, V: Packed> Packed for Changes<K, V> {
    fn write(&self, writer: &mut Writer<'_>) {
        write_rows::<_, V>(&self.removed, self.rows.iter().map(|(key, value)| (key, value)), writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let removed = Vec::read(reader)?;
        let mut rows = Vec::new();
        while reader.flag("whether a row follows")? {
            rows.push((K::read(reader)?, V::read(reader)?));
        }
        Ok(Changes { removed, rows })
    }
}
