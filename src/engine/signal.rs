//! Signals: what is measured about a subject, declared as data (DESIGN D15, D16).

use super::base::{Bilingual, Currency, SpanMs};
use super::purpose::Purpose;
use super::subject::SubjectKind;

/// What a window adds up. All are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aggregate {
    /// Entries in the window.
    Count,
    /// Sum of their amounts in minor units.
    Sum,
    /// Largest amount; 0 when the window is empty.
    Max,
    /// Smallest amount; 0 when the window is empty.
    Min,
    /// Number of different `other`s.
    Distinct,
    /// Amount of the newest entry; 0 when the window is empty.
    Last,
}

impl Aggregate {
    pub const ALL: [(&'static str, Aggregate); 6] = [
        ("count", Aggregate::Count),
        ("sum", Aggregate::Sum),
        ("max", Aggregate::Max),
        ("min", Aggregate::Min),
        ("distinct", Aggregate::Distinct),
        ("last", Aggregate::Last),
    ];

    /// Aggregates over amounts need the entries of one currency.
    #[must_use]
    pub fn reads_amount(self) -> bool {
        !matches!(self, Aggregate::Count | Aggregate::Distinct)
    }
}

/// A declared signal. Its place in `RuleSet::signals` is its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    pub name: String,
    /// The kind of subject whose log this signal reads.
    pub subject: SubjectKind,
    /// The set of feeds it reads, one bit each (`Feed::bit`).
    pub feeds: u32,
    pub aggregate: Aggregate,
    /// Half-open `(t - window, t]`.
    pub window: SpanMs,
    /// Currency of the amounts it reads; entries in another do not count.
    pub currency: Currency,
    pub purpose: Purpose,
    /// Legal basis, such as `apl-18`.
    pub basis: String,
    /// Counts and distincts of a shared subject only: at this level and above the holders are told (D3).
    pub report_level: Option<u64>,
    pub title: Bilingual,
}
