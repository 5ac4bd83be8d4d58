//! How what authorities have laid down is written and read.

use super::packed::{Packed, packed_plain, packed_struct};
use crate::codec::facts::DecodeError;
use crate::codec::facts::authority::{read_name, read_telling, write_name, write_telling};
use crate::codec::facts::bytes::{Reader, Writer};
use crate::engine::base::Bilingual;
use crate::engine::holder::Authority;
use crate::engine::measure::MEASURE_NAMES;
use crate::engine::notice::{Channels, Notice, Telling};
use crate::engine::order::{IssuedOrder, Level, OrderKind, OrderMoment, OrderName, OrderState, OrderTerms};

packed_struct!(Bilingual { zh, en });
packed_struct!(Channels { offline, online });
packed_struct!(Notice {
    reason,
    basis,
    rule,
    measure,
    scope,
    start,
    end,
    still_works,
    channels,
    papers,
    answer_due,
    remedies,
    appeal,
    utc_offset_minutes,
});
packed_struct!(OrderTerms { kind, level, start, end, telling });
packed_struct!(IssuedOrder { terms, event, at, state, begun, measure, held });
packed_struct!(OrderState { heard, name, party, issued, extended_to, released });
packed_struct!(Authority { orders });

packed_plain!(OrderName, |w, v| write_name(w, v), |r| read_name(r));
packed_plain!(Telling, |w, v| write_telling(w, v), |r| read_telling(r));
packed_plain!(OrderKind, |w, v| w.byte(*v as u8), |r| {
    OrderKind::from_code(r.byte("a kind of order")?).ok_or(DecodeError::Malformed("a kind of order"))
});
packed_plain!(Level, |w, v| w.byte(*v as u8), |r| {
    Level::from_code(r.byte("a level")?).ok_or(DecodeError::Malformed("a level"))
});

const MOMENTS: [OrderMoment; 4] =
    [OrderMoment::Starts, OrderMoment::Ends, OrderMoment::Tells, OrderMoment::Forgotten];

packed_plain!(
    OrderMoment,
    |w, v| w.count(MOMENTS.iter().position(|moment| moment == v).unwrap_or(usize::MAX)),
    |r| {
        let place = usize::from(r.byte("a moment of an order")?);
        MOMENTS.get(place).copied().ok_or(DecodeError::Malformed("a moment of an order"))
    }
);

/// The name of a measure, out of the closed list of them.
impl Packed for &'static str {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.blob(self.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let name = reader.text("the name of a measure")?;
        let known = MEASURE_NAMES.into_iter().find(|known| *known == name);
        known.ok_or(DecodeError::Malformed("the name of a measure"))
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
