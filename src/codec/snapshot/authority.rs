//! How what authorities have laid down is written and read.

use super::packed::{Packed, packed_plain, packed_struct};
use crate::codec::facts::DecodeError;
use crate::codec::facts::authority::{read_name, read_telling, write_name, write_telling};
use crate::codec::facts::bytes::{Reader, Writer};
use crate::engine::base::{Bilingual, SpanMs};
use crate::engine::entry::{Category, EntryMoment, EntryState, EntryTerms, ListedEntry, ListingTest, Regime};
use crate::engine::holder::Authority;
use crate::engine::lead::{LeadKind, LeadRef, LeadState, Referral};
use crate::engine::life::Word;
use crate::engine::measure::{Listing, MEASURE_NAMES};
use crate::engine::notice::{Answering, Channels, Notice, Recourse, Telling};
use crate::engine::order::{
    CaseKind, IssuedOrder, Level, OrderKind, OrderMoment, OrderName, OrderState, OrderTerms,
};
use crate::engine::special::{SpecialState, SpecialTerms};
use crate::engine::subject::SealedRef;
use crate::engine::verifying::HowToVerify;

packed_struct!(Bilingual { zh, en });
packed_struct!(Recourse { answering, person_on_request });
packed_struct!(Channels { offline, online });
packed_struct!(OrderTerms { kind, level, start, end, telling, case });
packed_struct!(IssuedOrder { terms, event, at, state, begun, measure, held });
packed_struct!(OrderState { heard, name, party, issued, last_heard, extended_to, released });
packed_struct!(EntryTerms { test, level, start, end, regime, approval });
packed_struct!(ListedEntry { terms, event, at, until, state, since, is_over, measures });
packed_struct!(EntryState { heard, name, listed, revoked, last_heard });
packed_struct!(Authority { orders, entries, kept_line });
packed_struct!(SpecialTerms { approval, measure, level, start, end, places, products });
packed_struct!(SpecialState { heard, name, terms, released_at });
packed_struct!(LeadState {
    id,
    reference,
    referral,
    rule,
    party,
    holder,
    event,
    at,
    answer_due,
    purpose,
    authority,
    state,
    is_open,
});

packed_plain!(LeadRef, |w, v| w.varint(v.number()), |r| {
    r.varint("the reference of a lead").map(LeadRef::from_bits)
});

impl Packed for Referral {
    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Referral::LinkedAccounts(order) => {
                writer.byte(0);
                order.write(writer);
            }
            Referral::Seen(kind) => {
                let place = LeadKind::ALL.iter().position(|known| known == kind);
                writer.count(place.map_or(usize::MAX, |place| place + 1));
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const WHAT: &str = "what is referred";
        match usize::from(reader.byte(WHAT)?).checked_sub(1) {
            None => Packed::read(reader).map(Referral::LinkedAccounts),
            Some(place) => {
                let kind = LeadKind::ALL.get(place).copied();
                kind.map(Referral::Seen).ok_or(DecodeError::Malformed(WHAT))
            }
        }
    }
}

packed_plain!(SealedRef, |w, v| w.blob(&v.0), |r| r
    .blob("a sealed reference")
    .map(|blob| SealedRef(blob.into())));
packed_plain!(ListingTest, |w, v| w.byte(*v as u8), |r| {
    ListingTest::from_code(r.byte("a test")?).ok_or(DecodeError::Malformed("a test"))
});
packed_plain!(Regime, |w, v| w.flag(*v == Regime::Legacy), |r| {
    r.flag("a regime").map(|legacy| if legacy { Regime::Legacy } else { Regime::Current })
});

/// Made again by its constructor, as anywhere else.
impl Packed for Listing {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.blob(self.number().as_bytes());
        writer.blob(self.issuer().as_bytes());
        writer.byte(self.category() as u8);
        self.term().write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const WHAT: &str = "a listing";
        let (number, issuer): (String, String) = Packed::read(reader)?;
        let category = Category::from_code(reader.byte(WHAT)?).ok_or(DecodeError::Malformed(WHAT))?;
        let term = Packed::read(reader)?;
        Listing::new(number, issuer, category, term).ok_or(DecodeError::Malformed(WHAT))
    }
}

const ENTRY_MOMENTS: [EntryMoment; 2] = [EntryMoment::Starts, EntryMoment::Ends];

packed_plain!(
    EntryMoment,
    |w, v| w.count(ENTRY_MOMENTS.iter().position(|moment| moment == v).unwrap_or(usize::MAX)),
    |r| {
        let place = usize::from(r.byte("a moment of an entry")?);
        ENTRY_MOMENTS.get(place).copied().ok_or(DecodeError::Malformed("a moment of an entry"))
    }
);

packed_plain!(OrderName, |w, v| write_name(w, v), |r| read_name(r));
packed_plain!(Telling, |w, v| write_telling(w, v), |r| read_telling(r));
packed_plain!(OrderKind, |w, v| w.byte(*v as u8), |r| {
    OrderKind::from_code(r.byte("a kind of order")?).ok_or(DecodeError::Malformed("a kind of order"))
});
packed_plain!(CaseKind, |w, v| w.byte(*v as u8), |r| {
    CaseKind::from_code(r.byte("a kind of case")?).ok_or(DecodeError::Malformed("a kind of case"))
});
packed_plain!(Level, |w, v| w.byte(*v as u8), |r| {
    Level::from_code(r.byte("a level")?).ok_or(DecodeError::Malformed("a level"))
});

const MOMENTS: [OrderMoment; 3] = [OrderMoment::Starts, OrderMoment::Ends, OrderMoment::Tells];

packed_plain!(
    OrderMoment,
    |w, v| w.count(MOMENTS.iter().position(|moment| moment == v).unwrap_or(usize::MAX)),
    |r| {
        let place = usize::from(r.byte("a moment of an order")?);
        MOMENTS.get(place).copied().ok_or(DecodeError::Malformed("a moment of an order"))
    }
);

/// Within how many milliseconds we answer; nothing where it is passed on.
impl Packed for Answering {
    fn write(&self, writer: &mut Writer<'_>) {
        let within = match self {
            Answering::Within(span) => Some(span.0),
            Answering::PassedOn => None,
        };
        within.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let within = Option::<i64>::read(reader)?;
        Ok(within.map_or(Answering::PassedOn, |within| Answering::Within(SpanMs(within))))
    }
}

/// A notice that an authority has deferred: an authority asks nobody to be verified, so none says how.
impl Packed for Notice {
    fn write(&self, writer: &mut Writer<'_>) {
        self.reason.write(writer);
        self.basis.write(writer);
        self.rule.write(writer);
        self.measure.write(writer);
        self.scope.write(writer);
        (self.start, self.end, self.recourse).write(writer);
        self.still_works.write(writer);
        self.channels.write(writer);
        self.papers.write(writer);
        self.remedies.write(writer);
        (self.appeal, self.utc_offset_minutes).write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (reason, basis, rule) = Packed::read(reader)?;
        let (measure, scope) = Packed::read(reader)?;
        let (start, end, recourse) = Packed::read(reader)?;
        let (still_works, channels, papers) = Packed::read(reader)?;
        let (remedies, appeal, utc_offset_minutes) = Packed::read(reader)?;
        let verify = HowToVerify::NotAsked;
        Ok(Notice {
            reason,
            basis,
            rule,
            measure,
            scope,
            start,
            end,
            still_works,
            verify,
            channels,
            papers,
            recourse,
            remedies,
            appeal,
            utc_offset_minutes,
        })
    }
}

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
