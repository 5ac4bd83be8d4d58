//! Bugs that the simulator plants, to see that it finds them (ARCHITECTURE.md, "The simulator").
//!
//! Only this crate's own tests can plant one. In every other build `is_planted` is the constant `false`
//! and the compiler drops what hangs on it: a binary has no switch to throw.

/// What is left out or turned round where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planted {
    /// C1: facts at or below what is covered are applied again.
    CoveredCheck,
    /// C3: a range made under any configuration version is admitted.
    VersionCheck,
    /// S1: a report is applied although the one before it is missing.
    ReportPredecessor,
    /// S3: timers that worsen somebody's position fire on the newest time.
    TimerClock,
    /// I2, H1: what was not committed is dropped instead of sent again.
    KeptBatch,
    /// I3, H3: a batch does not wait for its reports.
    ReportsFirst,
    /// I4: a revoked partition is let go before its outputs are settled.
    SettleOnRevoke,
    /// I5: what was lost together with a revocation is still sent.
    LostTogether,
    /// D12: a snapshot beyond the committed offset is taken for usable.
    SnapshotBeyondCommit,
    /// D12: outputs of replayed records leave again.
    SuppressedRange,
    /// W2: after a snapshot that could not be stored, the next says only what changed since.
    BrokenChain,
    /// D7: intake begins at the highest covered offset instead of the lowest.
    LowestStart,
    /// D7: intake begins at the group's offset, which may be ahead of what some destination has covered.
    GroupStart,
    /// D8: a source that ends below what is covered is read on.
    RewoundSource,
    /// D11: committed offsets are read without waiting for open transactions.
    StableOffsets,
    /// K2: a producer in doubt is used on.
    NewProducer,
    /// D8: what retention took before it was covered is passed over without a record.
    SilentLoss,
    /// S6: a skip blinds no signal.
    SeeingSkip,
    /// S14: the deadlines of measures' lives are not taken over from a snapshot.
    LifeTimer,
    /// S17: the cases of appeals are not taken over from a snapshot.
    AppealCase,
    /// S15: orders and entries are not taken over from a snapshot.
    AuthorityState,
    /// S23: leads are not taken over from a snapshot.
    LeadState,
    /// S23: the deadlines of leads are not taken over from a snapshot.
    LeadTimer,
    /// S22: revocations are not taken over from a snapshot: an authorisation outlives a crash.
    Revocation,
    /// S25: special measures are not taken over from a snapshot.
    SpecialState,
    /// S20: orders to hold are not taken over from a snapshot.
    HoldState,
    /// D13: where a worker does not speak the rules that were released, it goes on by those before.
    SpokenCheck,
}

impl Planted {
    pub const ALL: [Planted; 27] = [
        Planted::CoveredCheck,
        Planted::VersionCheck,
        Planted::ReportPredecessor,
        Planted::TimerClock,
        Planted::KeptBatch,
        Planted::ReportsFirst,
        Planted::SettleOnRevoke,
        Planted::LostTogether,
        Planted::SnapshotBeyondCommit,
        Planted::SuppressedRange,
        Planted::BrokenChain,
        Planted::LowestStart,
        Planted::GroupStart,
        Planted::RewoundSource,
        Planted::StableOffsets,
        Planted::NewProducer,
        Planted::SilentLoss,
        Planted::SeeingSkip,
        Planted::LifeTimer,
        Planted::AppealCase,
        Planted::AuthorityState,
        Planted::LeadState,
        Planted::LeadTimer,
        Planted::Revocation,
        Planted::SpecialState,
        Planted::HoldState,
        Planted::SpokenCheck,
    ];
}

#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn is_planted(_: Planted) -> bool {
    false
}

#[cfg(test)]
pub(crate) use switch::{is_planted, plant};

#[cfg(test)]
mod switch {
    use std::cell::Cell;

    use super::Planted;

    thread_local! {
        static NOW: Cell<Option<Planted>> = const { Cell::new(None) };
    }

    /// For this thread, until the next call.
    pub(crate) fn plant(bug: Option<Planted>) {
        NOW.set(bug);
    }

    pub(crate) fn is_planted(bug: Planted) -> bool {
        NOW.get() == Some(bug)
    }
}
