//! Entries on the list of joint sanctions: who is listed, by whom, for how long (APL 31, ARCHITECTURE S16).
//!
//! An entry names one holder and nobody else; it rests on its signature alone, which intake has tested.

use std::sync::Arc;

use super::base::{Fingerprint, SpanMs, TimeMs};
use super::disposition::DispositionId;
use super::fact::Product;
use super::measure::{Listing, Measure};
use super::order::{Level, OrderName};
use super::subject::Subject;

/// J1 and J2. The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Category {
    /// Criminally punished.
    A = 1,
    /// Recognised by the police.
    B = 2,
}

impl Category {
    pub const ALL: [Category; 2] = [Category::A, Category::B];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Category::A => "a",
            Category::B => "b",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|category| category.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Category> {
        Category::ALL.into_iter().find(|category| *category as u8 == code)
    }
}

/// Which test the deciding authority found met (law.md J1, J2). The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ListingTest {
    /// Category A.
    Punished = 1,
    /// Three cards or accounts, or more.
    CardsOrAccounts = 2,
    /// Three times, or more.
    Times = 3,
    /// Three recipients, or more.
    Recipients = 4,
    /// Help with real names, at the same counts.
    RealNameHelp = 5,
    FalseIdentity = 6,
    /// Below the counts: only with the number of a provincial approval.
    BelowCount = 7,
}

impl ListingTest {
    pub const ALL: [ListingTest; 7] = [
        ListingTest::Punished,
        ListingTest::CardsOrAccounts,
        ListingTest::Times,
        ListingTest::Recipients,
        ListingTest::RealNameHelp,
        ListingTest::FalseIdentity,
        ListingTest::BelowCount,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ListingTest::Punished => "punished",
            ListingTest::CardsOrAccounts => "cards_or_accounts",
            ListingTest::Times => "times",
            ListingTest::Recipients => "recipients",
            ListingTest::RealNameHelp => "real_name_help",
            ListingTest::FalseIdentity => "false_identity",
            ListingTest::BelowCount => "below_count",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<ListingTest> {
        ListingTest::ALL.into_iter().find(|test| test.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<ListingTest> {
        ListingTest::ALL.into_iter().find(|test| *test as u8 == code)
    }

    #[must_use]
    pub fn category(self) -> Category {
        if self == ListingTest::Punished { Category::A } else { Category::B }
    }
}

/// Under which rules an entry was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Regime {
    Current,
    /// The five-year rules before the joint sanctions (law.md B19): kept as history, and never acts.
    Legacy,
}

/// What is said of an entry about the routing holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFact {
    pub name: OrderName,
    pub says: EntrySays,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntrySays {
    Listed(EntryTerms),
    Revoked,
}

/// What an entry lays down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryTerms {
    pub test: ListingTest,
    pub level: Level,
    pub start: TimeMs,
    pub end: TimeMs,
    pub regime: Regime,
    /// Number of the provincial approval, below the counts.
    pub approval: Option<Arc<str>>,
}

impl EntryTerms {
    /// The measure on something of a product, with the entry as its witness.
    #[must_use]
    pub fn measure(&self, name: &OrderName, reach: Reach) -> Option<Measure> {
        let (number, issuer) = (name.number.to_string(), name.issuer.to_string());
        let listing = Listing::new(number, issuer, self.test.category(), (self.start, self.end))?;
        Some(match reach {
            Reach::Outflow => Measure::ListedLimitOutflow(listing),
            Reach::PaymentAccount => Measure::ListedStopPaymentAccount(listing),
            Reach::Card => Measure::ListedLimitCard(listing),
            Reach::Opening => Measure::ListedRefuseOpening(listing),
        })
    }
}

/// What an entry reaches (J4, J6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Non-counter outflow of a bank account; inflow and the counter stay open.
    Outflow,
    PaymentAccount,
    /// A phone or IoT card, but for one line that is kept.
    Card,
    /// A request to open a payment account or a card.
    Opening,
}

impl Reach {
    pub const ALL: [Reach; 4] = [Reach::Outflow, Reach::PaymentAccount, Reach::Card, Reach::Opening];

    #[must_use]
    pub fn of_holding(product: Product) -> Reach {
        match product {
            Product::BankAccountI | Product::BankAccountII | Product::BankAccountIII | Product::DebitCard => {
                Reach::Outflow
            }
            Product::PaymentAccountI | Product::PaymentAccountII | Product::PaymentAccountIII => {
                Reach::PaymentAccount
            }
            Product::PhoneCard | Product::IotCard => Reach::Card,
        }
    }

    /// Whether nothing new of a product is opened for a listed person: bank accounts are, limited.
    #[must_use]
    pub fn refuses(product: Product) -> bool {
        Reach::of_holding(product) != Reach::Outflow
    }

    /// The key of its reason in the table of disclosable wording.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Reach::Outflow => "listed_outflow",
            Reach::PaymentAccount => "listed_payment_account",
            Reach::Card => "listed_card",
            Reach::Opening => "listed_opening",
        }
    }
}

/// The interval of an entry that counts, by place.
pub type Interval = (TimeMs, TimeMs);

/// The ends that intervals may reach so that no continuous run of them, however it is put together, lasts
/// longer than `span` (J3): each run is cut at its own start plus the span.
#[must_use]
pub fn capped(intervals: &[Interval], span: SpanMs) -> Vec<TimeMs> {
    let mut order: Vec<usize> = (0..intervals.len()).collect();
    order.sort_by_key(|place| intervals.get(*place).map_or((TimeMs(0), TimeMs(0)), |interval| *interval));
    let mut ends: Vec<TimeMs> = intervals.iter().map(|(_, end)| *end).collect();
    let mut run: Option<Interval> = None;
    for place in order {
        let Some((start, end)) = intervals.get(place).copied() else { continue };
        let began = match run {
            Some((began, until)) if start <= until => began,
            _ => start,
        };
        let cut = end.min(began.plus(span));
        if let Some(own) = ends.get_mut(place) {
            *own = cut;
        }
        let until = run.filter(|(before, _)| *before == began).map_or(end, |(_, until)| until.max(end));
        run = Some((began, until));
    }
    ends
}

/// An entry as its holder's state knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryState {
    /// The event by which it was first heard of: its name in timers.
    pub heard: Fingerprint,
    pub name: OrderName,
    pub listed: Option<ListedEntry>,
    /// A revocation came before the entry.
    pub revoked: bool,
    /// The latest time that was heard of it before its text.
    pub last_heard: TimeMs,
}

impl EntryState {
    /// From when on it is kept for its term alone: its stop, or the last that was heard of it without its text.
    #[must_use]
    pub fn last_of(&self) -> TimeMs {
        self.listed.as_ref().map_or(self.last_heard, |listed| listed.until)
    }
}

/// An entry whose text is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEntry {
    pub terms: EntryTerms,
    pub event: Fingerprint,
    /// Event time of the entry.
    pub at: TimeMs,
    /// It acts until then at the latest: its own end, or earlier by J3, or when it was revoked.
    pub until: TimeMs,
    /// The state of its table that it is in.
    pub state: Arc<str>,
    /// Since when it acts.
    pub since: Option<TimeMs>,
    pub is_over: bool,
    /// What it set, in order, and on what.
    pub measures: Vec<(DispositionId, Subject)>,
}

impl ListedEntry {
    /// Whether it acts at a time.
    #[must_use]
    pub fn acts_at(&self, at: TimeMs) -> bool {
        !self.is_over && self.since.is_some_and(|since| since <= at) && at < self.until
    }
}

/// What becomes due in an entry's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryMoment {
    Starts,
    Ends,
    Forgotten,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(intervals: &[(i64, i64)]) -> Vec<i64> {
        let intervals: Vec<Interval> =
            intervals.iter().map(|(start, end)| (TimeMs(*start), TimeMs(*end))).collect();
        capped(&intervals, SpanMs(5)).into_iter().map(|end| end.0).collect()
    }

    #[test]
    fn no_run_of_entries_is_longer_than_the_law_allows() {
        assert_eq!(ends(&[]), Vec::<i64>::new());
        assert_eq!(ends(&[(0, 3)]), [3]);
        assert_eq!(ends(&[(0, 3), (3, 6)]), [3, 5], "adjacent");
        assert_eq!(ends(&[(3, 6), (0, 3)]), [5, 3], "in whatever order they come");
        assert_eq!(ends(&[(0, 3), (2, 4), (4, 7)]), [3, 4, 5]);
        assert_eq!(ends(&[(0, 3), (4, 7)]), [3, 7], "a break begins anew");
        assert_eq!(ends(&[(0, 3), (1, 2), (2, 6), (6, 8)]), [3, 2, 5, 5]);
    }
}
