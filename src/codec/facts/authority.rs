//! What authorities say, in facts.
//!
//! ```text
//! 24 order   issuer (text), number (text), party, then what is said (1 byte):
//!            1 issued     kind (1 byte), level (1 byte), start (zigzag), end (zigzag), telling (1 byte:
//!                         0 now, 1 deferred, 2 by the authority); deferred: clause (text), until (zigzag)
//!            2 extended   end (zigzag)
//!            3 released   nothing
//!            4 answered   answer (1 byte)
//! 56 lead    number of the lead's reference (varint), place of the outcome in its list (1 byte)
//! 25 entry   issuer (text), number (text), then what is said (1 byte):
//!            1 listed     test (1 byte), level (1 byte), start (zigzag), end (zigzag), legacy (0 or 1),
//!                         option of approval (text)
//!            2 revoked    nothing
//! 57 special issuer (text), number (text), then what is said (1 byte):
//!            1 ordered    approval (text), measure (text), level (1 byte), start (zigzag), end (zigzag), count and
//!                         places (tokens), count and products (1 byte each)
//!            2 released   nothing
//! ```
//!
//! Kinds, levels and answers are numbered in `engine::order`, tests in `engine::entry`.

use std::sync::Arc;

use super::DecodeError;
use super::body::{place, read_word};
use super::bytes::{Reader, Writer};
use crate::engine::entry::{EntryFact, EntrySays, EntryTerms, ListingTest, Regime};
use crate::engine::fact::Product;
use crate::engine::lead::{LeadOutcome, LeadRef};
use crate::engine::notice::Telling;
use crate::engine::order::{
    CaseKind, Level, OrderAnswer, OrderFact, OrderKind, OrderName, OrderSays, OrderTerms,
};
use crate::engine::special::{SpecialFact, SpecialSays, SpecialTerms};

const ISSUED: u8 = 1;
const EXTENDED: u8 = 2;
const RELEASED: u8 = 3;
const ANSWERED: u8 = 4;

pub(super) fn write_order(writer: &mut Writer<'_>, said: &OrderFact) {
    write_name(writer, &said.name);
    writer.party(&said.party);
    match &said.says {
        OrderSays::Issued(terms) => {
            writer.byte(ISSUED);
            writer.byte(terms.kind as u8);
            writer.byte(terms.level as u8);
            writer.zigzag(terms.start.0);
            writer.zigzag(terms.end.0);
            write_telling(writer, &terms.telling);
            writer.byte(terms.case.map_or(0, |case| case as u8));
        }
        OrderSays::Extended { end } => {
            writer.byte(EXTENDED);
            writer.zigzag(end.0);
        }
        OrderSays::Released => writer.byte(RELEASED),
        OrderSays::Answered(answer) => {
            writer.byte(ANSWERED);
            writer.byte(*answer as u8);
        }
    }
}

pub(super) fn read_order(reader: &mut Reader<'_>) -> Result<OrderFact, DecodeError> {
    const WHAT: &str = "what is said of an order";
    let name = read_name(reader)?;
    let party = reader.party("the party of an order")?;
    let says = match reader.byte(WHAT)? {
        ISSUED => OrderSays::Issued(OrderTerms {
            kind: OrderKind::from_code(reader.byte("the kind of an order")?)
                .ok_or(DecodeError::Malformed("the kind of an order"))?,
            level: Level::from_code(reader.byte("the level of an order")?)
                .ok_or(DecodeError::Malformed("the level of an order"))?,
            start: reader.time("the start of an order")?,
            end: reader.time("the end of an order")?,
            telling: read_telling(reader)?,
            case: match reader.byte("the case of an order")? {
                0 => None,
                code => {
                    Some(CaseKind::from_code(code).ok_or(DecodeError::Malformed("the case of an order"))?)
                }
            },
        }),
        EXTENDED => OrderSays::Extended { end: reader.time("the end of an order")? },
        RELEASED => OrderSays::Released,
        ANSWERED => OrderSays::Answered(
            OrderAnswer::from_code(reader.byte("the answer to an order")?)
                .ok_or(DecodeError::Malformed("the answer to an order"))?,
        ),
        _ => return Err(DecodeError::Malformed(WHAT)),
    };
    Ok(OrderFact { name, party, says })
}

pub(super) fn write_lead(writer: &mut Writer<'_>, lead: LeadRef, outcome: LeadOutcome) {
    writer.varint(lead.number());
    writer.byte(place(outcome));
}

pub(super) fn read_lead(reader: &mut Reader<'_>) -> Result<(LeadRef, LeadOutcome), DecodeError> {
    const WHAT: &str = "the answer to a lead";
    let number = reader.varint(WHAT)?;
    let lead = LeadRef::from_bits(number);
    if lead.number() != number {
        return Err(DecodeError::Malformed(WHAT));
    }
    Ok((lead, read_word(reader, WHAT)?))
}

const ORDERED: u8 = 1;
const OVER: u8 = 2;

pub(super) fn write_special(writer: &mut Writer<'_>, said: &SpecialFact) {
    write_name(writer, &said.name);
    match &said.says {
        SpecialSays::Ordered(terms) => {
            writer.byte(ORDERED);
            writer.blob(terms.approval.as_bytes());
            writer.blob(terms.measure.as_bytes());
            writer.byte(terms.level as u8);
            writer.zigzag(terms.start.0);
            writer.zigzag(terms.end.0);
            writer.count(terms.places.len());
            terms.places.iter().for_each(|place| writer.token(*place));
            writer.count(terms.products.len());
            terms.products.iter().for_each(|product| writer.byte(*product as u8));
        }
        SpecialSays::Released => writer.byte(OVER),
    }
}

pub(super) fn read_special(reader: &mut Reader<'_>) -> Result<SpecialFact, DecodeError> {
    const WHAT: &str = "a special measure";
    let name = read_name(reader)?;
    let says = match reader.byte(WHAT)? {
        ORDERED => {
            let approval = Arc::from(reader.text(WHAT)?);
            let measure = Arc::from(reader.text(WHAT)?);
            let level = Level::from_code(reader.byte(WHAT)?).ok_or(DecodeError::Malformed(WHAT))?;
            let (start, end) = (reader.time(WHAT)?, reader.time(WHAT)?);
            let count = reader.count(WHAT, 1)?;
            let places = (0..count).map(|_| reader.token(WHAT)).collect::<Result<_, _>>()?;
            let count = reader.count(WHAT, 1)?;
            let product = |reader: &mut Reader<'_>| {
                Product::from_code(reader.byte(WHAT)?).ok_or(DecodeError::Malformed(WHAT))
            };
            let products = (0..count).map(|_| product(reader)).collect::<Result<_, _>>()?;
            SpecialSays::Ordered(SpecialTerms { approval, measure, level, start, end, places, products })
        }
        OVER => SpecialSays::Released,
        _ => return Err(DecodeError::Malformed(WHAT)),
    };
    Ok(SpecialFact { name, says })
}

const LISTED: u8 = 1;
const REVOKED: u8 = 2;

pub(super) fn write_entry(writer: &mut Writer<'_>, said: &EntryFact) {
    write_name(writer, &said.name);
    match &said.says {
        EntrySays::Listed(terms) => {
            writer.byte(LISTED);
            writer.byte(terms.test as u8);
            writer.byte(terms.level as u8);
            writer.zigzag(terms.start.0);
            writer.zigzag(terms.end.0);
            writer.flag(terms.regime == Regime::Legacy);
            writer.option(terms.approval.as_deref(), |writer, text| writer.blob(text.as_bytes()));
        }
        EntrySays::Revoked => writer.byte(REVOKED),
    }
}

pub(super) fn read_entry(reader: &mut Reader<'_>) -> Result<EntryFact, DecodeError> {
    const WHAT: &str = "what is said of an entry";
    let name = read_name(reader)?;
    let says = match reader.byte(WHAT)? {
        LISTED => EntrySays::Listed(EntryTerms {
            test: ListingTest::from_code(reader.byte("the test of an entry")?)
                .ok_or(DecodeError::Malformed("the test of an entry"))?,
            level: Level::from_code(reader.byte("the level of an entry")?)
                .ok_or(DecodeError::Malformed("the level of an entry"))?,
            start: reader.time("the start of an entry")?,
            end: reader.time("the end of an entry")?,
            regime: if reader.flag("the regime of an entry")? { Regime::Legacy } else { Regime::Current },
            approval: reader.option("the approval of an entry", |reader| {
                reader.text("the approval of an entry").map(Arc::from)
            })?,
        }),
        REVOKED => EntrySays::Revoked,
        _ => return Err(DecodeError::Malformed(WHAT)),
    };
    Ok(EntryFact { name, says })
}

pub(in crate::codec) fn write_name(writer: &mut Writer<'_>, name: &OrderName) {
    writer.blob(name.issuer.as_bytes());
    writer.blob(name.number.as_bytes());
}

pub(in crate::codec) fn read_name(reader: &mut Reader<'_>) -> Result<OrderName, DecodeError> {
    Ok(OrderName {
        issuer: Arc::from(reader.text("the issuer of an order")?),
        number: Arc::from(reader.text("the number of an order")?),
    })
}

pub(in crate::codec) fn write_telling(writer: &mut Writer<'_>, telling: &Telling) {
    match telling {
        Telling::Now => writer.byte(0),
        Telling::Deferred { clause, until } => {
            writer.byte(1);
            writer.blob(clause.as_bytes());
            writer.zigzag(until.0);
        }
        Telling::ByAuthority => writer.byte(2),
    }
}

pub(in crate::codec) fn read_telling(reader: &mut Reader<'_>) -> Result<Telling, DecodeError> {
    match reader.byte("when a notice leaves")? {
        0 => Ok(Telling::Now),
        1 => Ok(Telling::Deferred {
            clause: Arc::from(reader.text("the clause of a deferred notice")?),
            until: reader.time("the time of a deferred notice")?,
        }),
        2 => Ok(Telling::ByAuthority),
        _ => Err(DecodeError::Malformed("when a notice leaves")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::tests::{party, time};
    use super::*;

    fn text() -> impl Strategy<Value = Arc<str>> {
        ".{0,9}".prop_map(Arc::from)
    }

    fn telling() -> impl Strategy<Value = Telling> {
        let deferred = (text(), time()).prop_map(|(clause, until)| Telling::Deferred { clause, until });
        prop_oneof![Just(Telling::Now), Just(Telling::ByAuthority), deferred]
    }

    /// Whatever can be said of an order.
    pub fn any_order() -> impl Strategy<Value = OrderFact> {
        let kind = prop::sample::select(OrderKind::ALL.to_vec());
        let level = prop::sample::select(Level::ALL.to_vec());
        let case = proptest::option::of(prop::sample::select(CaseKind::ALL.to_vec()));
        let issued = (kind, level, time(), time(), telling(), case).prop_map(
            |(kind, level, start, end, telling, case)| {
                OrderSays::Issued(OrderTerms { kind, level, start, end, telling, case })
            },
        );
        let answer = prop::sample::select(OrderAnswer::ALL.to_vec()).prop_map(OrderSays::Answered);
        let extended = time().prop_map(|end| OrderSays::Extended { end });
        let says = prop_oneof![issued, answer, extended, Just(OrderSays::Released)];
        (text(), text(), party(), says).prop_map(|(issuer, number, party, says)| OrderFact {
            name: OrderName { issuer, number },
            party,
            says,
        })
    }
}
