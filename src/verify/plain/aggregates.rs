//! What the entries of a window add up to, and what is certain of it when history is missing (S6).

use crate::engine::base::TimeMs;
use crate::engine::rule::Interval;
use crate::engine::signal::{Aggregate, Question};

use super::signals::Entry;

/// The two ends between which a `since_last` or `since_first` is told.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// When it is asked.
    pub at: TimeMs,
    /// The open lower end that entries must lie beyond, held at horizon and bound.
    pub lower: TimeMs,
    /// The last moment that counts: `at` less the delay.
    pub upper: TimeMs,
}

/// What the entries of a question's window add up to.
pub(super) fn aggregate(question: &Question, entries: &[&Entry], span: Span) -> i128 {
    let amounts = || entries.iter().map(|entry| i128::from(entry.minor()));
    let count = entries.len() as i128;
    let sum: i128 = amounts().sum();
    let apart = |from: TimeMs, to: TimeMs| i128::from(to.0) - i128::from(from.0);
    match question.aggregate {
        Aggregate::Count => count,
        Aggregate::Sum => sum,
        Aggregate::Max => amounts().max().unwrap_or(0),
        Aggregate::Min => amounts().min().unwrap_or(0),
        Aggregate::Last => amounts().next_back().unwrap_or(0),
        Aggregate::Distinct => others(entries.iter().copied()).len() as i128,
        Aggregate::Average => sum.checked_div(count).unwrap_or(0),
        Aggregate::Deviation => {
            let squares: i128 = amounts().map(|amount| amount * amount).sum();
            (count * squares - sum * sum).isqrt().checked_div(count).unwrap_or(0)
        }
        Aggregate::LargestShare => {
            let sum_of = |other: u64| -> i128 {
                let of_other = entries.iter().filter(|entry| entry.other.short() == other);
                of_other.map(|entry| i128::from(entry.minor())).sum()
            };
            let largest = others(entries.iter().copied()).into_iter().map(sum_of).max().unwrap_or(0);
            if sum > 0 { largest * 1_000 / sum } else { 0 }
        }
        Aggregate::Returned => {
            let with = |feeds: u32| {
                others(entries.iter().copied().filter(move |entry| feeds & entry.feed.bit() != 0))
            };
            let answering = with(question.returned_by);
            with(question.feeds).iter().filter(|other| answering.contains(other)).count() as i128
        }
        Aggregate::SinceLast => {
            entries.last().map_or_else(|| apart(span.lower, span.upper), |newest| apart(newest.at, span.at))
        }
        Aggregate::SinceFirst => entries.first().map_or(0, |oldest| apart(oldest.at, span.at)),
    }
}

/// The different others of some entries, told apart by their short form.
fn others<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u64> {
    let mut others: Vec<u64> = entries.map(|entry| entry.other.short()).collect();
    others.sort_unstable();
    others.dedup();
    others
}

/// What is certain of the value of a cold question (D16).
pub(super) fn cold_interval(aggregate: Aggregate, value: i128, is_empty: bool) -> Interval {
    let at_least = Interval { low: Some(value), high: None };
    match aggregate {
        Aggregate::Count | Aggregate::Sum | Aggregate::Distinct | Aggregate::Returned => at_least,
        Aggregate::Max | Aggregate::SinceFirst if !is_empty => at_least,
        Aggregate::Min if !is_empty => Interval { low: None, high: Some(value) },
        Aggregate::SinceLast if !is_empty => Interval::point(value),
        _ => Interval::UNKNOWN,
    }
}
