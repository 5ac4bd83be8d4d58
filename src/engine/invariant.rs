//! What must never happen to a person, as predicates over what is published. Each holds by construction;
//! the same predicates are asked of random logs in the tests, and in production they are counters that must
//! stay zero, with an alarm on each.

use super::base::{Bilingual, SpanMs};
use super::disposition::{EndCause, MeasureEnded, MeasureSet};
use super::measure::{Lane, Measure};
use super::notice::{Answering, Notice};
use super::state::{MeasureState, Override};

/// A promise, by the name under which it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// No measure without a whole notice: reason, basis, scope, what works, papers, channels, remedies (D25).
    Notice,
    /// No measure without an end that comes after its beginning (D26).
    End,
    /// No measure beyond its end.
    BeyondEnd,
    /// Nothing ends that did not begin.
    Known,
    /// No card limited, paused or suspended that was not to be verified first (APL 11, 12).
    VerifiedFirst,
    /// What an authority orders, and only that, bears its lane (APL 20, 31).
    Authority,
    /// A lifted measure does not come back from the same evidence (D26).
    Lifted,
    /// What an authority laid down ends with its word or its time, and nothing else ends so (D26).
    Precedence,
    /// Nothing is set that a protection carves out (D27).
    CarvedOut,
    /// What stands is not set once more.
    Once,
}

impl Invariant {
    pub const ALL: [Invariant; 10] = [
        Invariant::Notice,
        Invariant::End,
        Invariant::BeyondEnd,
        Invariant::Known,
        Invariant::VerifiedFirst,
        Invariant::Authority,
        Invariant::Lifted,
        Invariant::Precedence,
        Invariant::CarvedOut,
        Invariant::Once,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Invariant::Notice => "notice",
            Invariant::End => "end",
            Invariant::BeyondEnd => "beyond_end",
            Invariant::Known => "known",
            Invariant::VerifiedFirst => "verified_first",
            Invariant::Authority => "authority",
            Invariant::Lifted => "lifted",
            Invariant::Precedence => "precedence",
            Invariant::CarvedOut => "carved_out",
            Invariant::Once => "once",
        }
    }
}

/// What is known when a measure is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before {
    /// The override of its rule and party, if there is one.
    pub lifted: Option<Override>,
    /// A protection names it and certainly holds, and nothing softened it.
    pub is_carved_out: bool,
    /// This very measure stands.
    pub stands: bool,
}

/// What a measure that is set breaks.
pub fn broken_by_set(set: &MeasureSet, before: Before) -> impl Iterator<Item = Invariant> {
    let Before { lifted, is_carved_out, stands } = before;
    let (head, notice, measure) = (set.head(), set.notice(), set.measure());
    let is_of_authority = head.lane == Lane::Authority;
    let returns = |lifted: Override| head.at < lifted.until && head.at <= lifted.lift;
    let broken = [
        (Invariant::Notice, !is_whole(notice, head.lane)),
        (Invariant::End, notice.end <= notice.start),
        (Invariant::VerifiedFirst, demands_verification(measure) && set.evidence().follows.is_none()),
        (Invariant::Authority, is_of_authority != is_authority(measure)),
        (Invariant::Lifted, !is_of_authority && lifted.is_some_and(returns)),
        (Invariant::CarvedOut, is_carved_out),
        (Invariant::Once, stands),
    ];
    broken.into_iter().filter(|(_, is_broken)| *is_broken).map(|(invariant, _)| invariant)
}

/// What the end of a measure breaks; `ended` is what was known of it.
pub fn broken_by_end(end: &MeasureEnded, ended: Option<&MeasureState>) -> impl Iterator<Item = Invariant> {
    let is_late = |ended: &MeasureState| end.cause == EndCause::Expired && end.head.at > ended.end;
    let broken = [
        (Invariant::Known, ended.is_none()),
        (Invariant::BeyondEnd, ended.is_some_and(is_late)),
        (Invariant::Precedence, !is_by_its_own_lane(end)),
    ];
    broken.into_iter().filter(|(_, is_broken)| *is_broken).map(|(invariant, _)| invariant)
}

/// An authority's measure ends by its word or its time alone, and only such a one is released; the answer to a
/// listed person's request also goes with the request.
fn is_by_its_own_lane(end: &MeasureEnded) -> bool {
    let of_request = matches!(end.measure, Measure::ListedRefuseOpening(_));
    match end.cause {
        EndCause::Released => end.head.lane == Lane::Authority,
        EndCause::Expired => true,
        EndCause::Superseded | EndCause::OpeningSettled if of_request => true,
        _ => end.head.lane != Lane::Authority,
    }
}

fn is_whole(notice: &Notice, lane: Lane) -> bool {
    let Notice { reason, basis, scope, still_works, papers, remedies, channels, .. } = notice;
    let texts = [reason, basis, scope, still_works, papers, remedies, &channels.offline, &channels.online];
    let is_said = |text: &&Bilingual| !text.zh.is_empty() && !text.en.is_empty();
    let is_answered = match notice.recourse.answering {
        Answering::Within(span) => span > SpanMs(0),
        // Ours are ours to answer (APL 32).
        Answering::PassedOn => lane == Lane::Authority,
    };
    texts.iter().all(is_said) && is_answered
}

fn demands_verification(measure: &Measure) -> bool {
    matches!(
        measure,
        Measure::PhoneCardLimit(_)
            | Measure::PhoneCardSuspend(_)
            | Measure::IotCardLimit(_)
            | Measure::IotCardPause(_)
    )
}

fn is_authority(measure: &Measure) -> bool {
    matches!(
        measure,
        Measure::AuthorityStopPayment(_)
            | Measure::AuthorityFreeze(_)
            | Measure::ListedLimitOutflow(_)
            | Measure::ListedStopPaymentAccount(_)
            | Measure::ListedLimitCard(_)
            | Measure::ListedRefuseOpening(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let mut names = Invariant::ALL.map(Invariant::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
