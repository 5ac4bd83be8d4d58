//! Going on without what a source has lost, on record and for a reason (DESIGN D8).
//!
//! Intake never passes over a gap by itself. Somebody says that offsets are gone, and why; that stands as a
//! record in every facts partition, which passes over what it has not covered (ARCHITECTURE S1, C2). Only what
//! the source does not hold any more can be skipped: what is still there is read.

use std::sync::Arc;

use crate::codec::facts;
use crate::codec::output::DecidedProgress;
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::cover::{Skip, SourceId};
use crate::engine::input::FactsRecord;

use super::classify::look_alike;
use super::covered::Decided;

/// Why nothing is skipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkipError {
    #[error(
        "offset {low} is still there: what a source holds is read, never skipped; `--to` is {low} at most"
    )]
    StillThere { low: i64 },
    #[error(
        "no facts partition has covered anything of this source: intake begins at what it still holds by itself"
    )]
    NotCovered,
    #[error(
        "every facts partition that knows the source has covered it up to offset {covered}: nothing is lost below {to}"
    )]
    NothingLost { covered: i64, to: i64 },
    #[error("a reason is {} characters at most, in one line, and says something", Reason::CHARS_MAX)]
    ReasonShape,
    #[error(
        "the reason holds what looks like an identity, card or phone number; it stays in the log, so write it without"
    )]
    ReasonPersonal,
}

/// Why a range is given up, in an operator's words: kept for as long as the facts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(Arc<str>);

impl Reason {
    pub const CHARS_MAX: usize = 300;

    /// # Errors
    /// When it says nothing, is too long, or holds what looks like a number of a person.
    pub fn parse(text: &str) -> Result<Reason, SkipError> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > Self::CHARS_MAX || text.chars().any(char::is_control) {
            return Err(SkipError::ReasonShape);
        }
        let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '+' | 'x' | 'X');
        match text.split(|c: char| !is_of_number(c)).any(|piece| look_alike::tested(piece.trim()).is_err()) {
            true => Err(SkipError::ReasonPersonal),
            false => Ok(Reason(Arc::from(text))),
        }
    }
}

/// What an operator orders.
#[derive(Clone, Debug)]
pub struct Order {
    pub source: SourceId,
    /// The first offset that is read again.
    pub to: i64,
    pub reason: Reason,
    /// When, by this machine's clock.
    pub ordered: TimeMs,
    /// How far events may be ahead of their records' timestamps (`intake.future_ms_max`).
    pub ahead_max: SpanMs,
}

/// A source partition as its brokers have it now.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The first offset that it still holds, or its end if it holds nothing.
    pub low: i64,
    /// The timestamp of the first record at or after the offset that is skipped to, if there is one.
    pub resumes: Option<TimeMs>,
}

/// What each facts partition is to be told, and what of the source it will pass over, as `(previous, last]`, as far
/// as `decided` knows: more may be on its way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipping {
    pub skip: Skip,
    pub lost: Vec<Option<(i64, i64)>>,
}

/// Works out what is to be recorded.
///
/// # Errors
/// When the source still holds it, or nothing would be skipped.
pub fn plan(order: Order, held: Held, decided: &Decided) -> Result<Skipping, SkipError> {
    let Order { source, to, reason, ordered, ahead_max } = order;
    if to > held.low {
        return Err(SkipError::StillThere { low: held.low });
    }
    let covered: Vec<Option<i64>> = decided
        .partitions()
        .iter()
        .map(|progress| progress.as_ref()?.coverage.sources.get(&source).map(|covered| covered.last))
        .collect();
    let lost: Vec<Option<(i64, i64)>> =
        covered.iter().map(|last| last.filter(|last| last + 1 < to).map(|last| (last, to - 1))).collect();
    if lost.iter().all(Option::is_none) {
        return Err(match covered.into_iter().flatten().min() {
            Some(covered) => SkipError::NothingLost { covered, to },
            None => SkipError::NotCovered,
        });
    }
    // What was lost was appended before what is left, and no event is further ahead of its record than this.
    let blind_until = held.resumes.unwrap_or(ordered).plus(ahead_max);
    Ok(Skipping { skip: Skip { source, to, blind_until, ordered, reason: reason.0 }, lost })
}

impl Skipping {
    /// The record that goes to every facts partition.
    #[must_use]
    pub fn record(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        facts::encode(&FactsRecord::SourceSkipped(self.skip.clone()), &mut bytes);
        bytes
    }

    /// Whether every facts partition has gone past what is lost.
    #[must_use]
    pub fn is_done(&self, decided: &Decided) -> bool {
        let last = |progress: &Option<DecidedProgress>| {
            progress.as_ref()?.coverage.sources.get(&self.skip.source).map(|covered| covered.last)
        };
        decided.partitions().iter().all(|progress| last(progress).is_none_or(|last| last + 1 >= self.skip.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::output::Deciding;
    use crate::engine::cover::{Coverage, Covered};
    use crate::engine::input::FactsRecord;

    fn source() -> SourceId {
        SourceId { name: "s".into(), generation: 1, partition: 0 }
    }

    /// `decided` as it says how far each facts partition has covered the source.
    fn decided(lasts: &[Option<i64>]) -> Decided {
        let value = |(partition, last): (u32, &Option<i64>)| {
            let mut coverage = Coverage::default();
            if let Some(last) = *last {
                coverage.sources.insert(source(), Covered::new(last, TimeMs(last)));
            }
            crate::codec::output::encode_decided(partition, 1, &coverage, TimeMs(0), &Deciding::default())
        };
        let values = (0..).zip(lasts).map(value).filter_map(|record| record.value);
        Decided::of(values, "decided", lasts.len() as u32).unwrap()
    }

    fn order(to: i64) -> Order {
        let reason = Reason::parse("its retention overtook intake").unwrap();
        Order { source: source(), to, reason, ordered: TimeMs(9_000), ahead_max: SpanMs(500) }
    }

    fn planned(lasts: &[Option<i64>], low: i64, to: i64) -> Result<Skipping, SkipError> {
        plan(order(to), Held { low, resumes: Some(TimeMs(7_000)) }, &decided(lasts))
    }

    #[test]
    fn each_partition_skips_what_it_has_not_covered() {
        let skipping = planned(&[Some(4), None, Some(9), Some(20)], 12, 12).unwrap();
        assert_eq!(skipping.lost, [Some((4, 11)), None, Some((9, 11)), None]);
        assert_eq!((skipping.skip.to, skipping.skip.blind_until), (12, TimeMs(7_500)));
        let FactsRecord::SourceSkipped(read) = facts::decode(&skipping.record()).unwrap() else { panic!() };
        assert_eq!(read, skipping.skip);
        assert!(!skipping.is_done(&decided(&[Some(11), None, Some(10), Some(20)])));
        assert!(skipping.is_done(&decided(&[Some(11), None, Some(11), Some(20)])));
        // With nothing left, what was lost may be as new as the order.
        let nothing_left = plan(order(12), Held { low: 12, resumes: None }, &decided(&[Some(4)])).unwrap();
        assert_eq!(nothing_left.skip.blind_until, TimeMs(9_500));
    }

    #[test]
    fn what_is_there_and_what_is_covered_cannot_be_skipped() {
        assert_eq!(planned(&[Some(4)], 12, 13), Err(SkipError::StillThere { low: 12 }));
        assert!(planned(&[Some(4)], 12, 10).is_ok(), "less than all that is lost");
        assert_eq!(planned(&[Some(4), Some(7)], 12, 5), Err(SkipError::NothingLost { covered: 4, to: 5 }));
        assert_eq!(planned(&[None, None], 12, 12), Err(SkipError::NotCovered));
        assert_eq!(planned(&[Some(11)], 12, 12), Err(SkipError::NothingLost { covered: 11, to: 12 }));
    }

    #[test]
    fn a_reason_says_something_and_names_nobody() {
        for shapeless in ["", " \t", "two\nlines", &"x".repeat(301)] {
            assert_eq!(Reason::parse(shapeless), Err(SkipError::ReasonShape));
        }
        for personal in [
            "card 4111111111111111 too",
            "4111 1111 1111 1111",
            "电话13912345678，请回",
            "id 11010519491231002X",
        ] {
            assert_eq!(Reason::parse(personal), Err(SkipError::ReasonPersonal), "{personal}");
        }
        for fine in
            ["retention 72 h, intake away 80 h (change 4711)", "磁盘满，保留期 3 天", &"x".repeat(300)]
        {
            assert!(Reason::parse(fine).is_ok(), "{fine}");
        }
    }
}
