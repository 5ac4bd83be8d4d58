//! Special temporary measures in an area (APL 35): what the national mechanism approved for a place or a class of
//! product, until its own end (ARCHITECTURE S25).
//!
//! A place here is where an event happened, as the order names it: an outlet, a terminal, a region of use. It is
//! never where somebody comes from, and it is evidence of nothing (DESIGN D20): while the measure stands, rules
//! that were written for it may ask for a verification, and for nothing harder.

use std::sync::Arc;

use super::base::{Fingerprint, TimeMs, Token};
use super::fact::Product;
use super::order::{Level, OrderName};
use super::retention::Horizons;

/// What is said of a special measure, to all partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialFact {
    pub name: OrderName,
    pub says: SpecialSays,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecialSays {
    Ordered(SpecialTerms),
    /// It is over at once, or never stands.
    Released,
}

/// What is ordered. There is none without an approval and an end, and none for everywhere and everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialTerms {
    /// Reference of the approval by the national mechanism.
    pub approval: Arc<str>,
    /// The name by which rules ask for it.
    pub measure: Arc<str>,
    pub level: Level,
    pub start: TimeMs,
    pub end: TimeMs,
    /// Where events have to have happened; anywhere if empty.
    pub places: Vec<Token>,
    /// The classes that it is about; all if empty.
    pub products: Vec<Product>,
}

impl SpecialTerms {
    /// Whether it says what it reaches at all.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.start < self.end && !(self.places.is_empty() && self.products.is_empty())
    }
}

/// What becomes due of a special measure, and is told then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SpecialMoment {
    Starts = 1,
    Ends = 2,
}

impl SpecialMoment {
    pub const ALL: [SpecialMoment; 2] = [SpecialMoment::Starts, SpecialMoment::Ends];
}

/// A special measure as a partition knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialState {
    /// The event that brought its text, or its release before that.
    pub heard: Fingerprint,
    pub name: OrderName,
    pub terms: Option<SpecialTerms>,
    /// Event time of its release.
    pub released_at: Option<TimeMs>,
}

impl SpecialState {
    /// Whether no event can come too late for it, or only its release was heard of, long ago.
    #[must_use]
    pub fn is_forgotten(&self, horizons: &Horizons) -> bool {
        match &self.terms {
            Some(terms) => terms.end <= horizons.telling,
            None => self.released_at.is_some_and(|released| released <= horizons.orders),
        }
    }

    /// Whether it stands at a time, and reaches an event at a place about a class of product.
    #[must_use]
    pub fn reaches(&self, measure: &str, at: TimeMs, place: Option<Token>, product: Option<i64>) -> bool {
        let Some(terms) = &self.terms else { return false };
        let is_there = terms.places.is_empty() || place.is_some_and(|place| terms.places.contains(&place));
        let is_meant = terms.products.is_empty()
            || product.is_some_and(|code| terms.products.iter().any(|known| *known as i64 == code));
        *terms.measure == *measure
            && terms.start <= at
            && at < terms.end
            && self.released_at.is_none_or(|released| at < released)
            && is_there
            && is_meant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reaches_what_it_names_from_its_start_to_its_end_or_release() {
        let terms = SpecialTerms {
            approval: Arc::from("G-1"),
            measure: Arc::from("m"),
            level: Level::National,
            start: TimeMs(10),
            end: TimeMs(20),
            places: vec![Token(7)],
            products: vec![Product::PhoneCard],
        };
        let name = OrderName { issuer: Arc::from("i"), number: Arc::from("n") };
        let stands =
            SpecialState { heard: Fingerprint(1), name, terms: Some(terms.clone()), released_at: None };
        let (place, product) = (Some(Token(7)), Some(Product::PhoneCard as i64));
        let reaches = |at| stands.reaches("m", TimeMs(at), place, product);
        assert_eq!([9, 10, 19, 20].map(reaches), [false, true, true, false]);
        assert!(!stands.reaches("other", TimeMs(15), place, product));
        assert!(!stands.reaches("m", TimeMs(15), Some(Token(8)), product), "elsewhere");
        assert!(!stands.reaches("m", TimeMs(15), None, product), "nobody says where it was");
        assert!(!stands.reaches("m", TimeMs(15), place, Some(Product::IotCard as i64)));
        let released = SpecialState { released_at: Some(TimeMs(15)), ..stands.clone() };
        assert!(released.reaches("m", TimeMs(14), place, product));
        assert!(!released.reaches("m", TimeMs(15), place, product));
        assert!(terms.is_bounded());
        assert!(!SpecialTerms { places: vec![], products: vec![], ..terms.clone() }.is_bounded());
        assert!(!SpecialTerms { end: TimeMs(10), ..terms }.is_bounded());
    }
}
