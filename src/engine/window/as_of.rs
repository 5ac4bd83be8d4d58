//! As of when and for which event a log is asked, and which entries count for it (ARCHITECTURE S6).

use super::packed::Packed;
use crate::engine::base::{Fingerprint, TimeMs, saturate};
use crate::engine::calendar::Calendar;
use crate::engine::signal::{OtherSide, Question, Window};

/// As of when, for which event, and how far back a value is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AsOf {
    pub at: TimeMs,
    /// Entries at or before this are forgotten (S5).
    pub horizon: TimeMs,
    /// Entries at or before this are not seen: the lift of an override (S8).
    pub bound: Option<TimeMs>,
    pub event: AskedFor,
}

/// The event a value is asked for: what "resembling" and "without this event" compare with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedFor {
    /// The name of its entries; none counts as not to be told apart.
    pub entry: Option<Fingerprint>,
    pub amount: Option<i64>,
    pub other: Option<u64>,
    /// An entry to leave out: what the value would be without that event (S13).
    pub left_out: Option<Fingerprint>,
}

impl AsOf {
    /// The bounds of a question's window: the open lower end and the closed upper end.
    #[must_use]
    pub fn bounds(&self, question: &Question, calendar: &Calendar) -> (TimeMs, TimeMs) {
        let to = self.at.minus(question.delay);
        (self.after(question.window, to, calendar), to)
    }

    /// The open lower end of a window that ends at `to`.
    pub(super) fn after(&self, window: Window, to: TimeMs, calendar: &Calendar) -> TimeMs {
        window.begin(to, calendar).max(self.horizon).max(self.bound.unwrap_or(TimeMs::MIN))
    }

    /// Whether an entry is one of the event that is asked for, at the time that is asked about.
    pub(super) fn is_own(&self, entry: &Packed) -> bool {
        entry.at() == self.at && self.event.entry == Some(entry.event())
    }

    /// What an entry that feeds the question must be like to count for this event.
    pub(super) fn counted(&self, question: &Question) -> Counted {
        let alike = question.resembling.map(|wanted| {
            let Some(amount) = self.event.amount else { return Alike::nothing() };
            let other = match (wanted.other, self.event.other) {
                (OtherSide::Any, _) => Other::Any,
                (OtherSide::Same, Some(other)) => Other::Only(other),
                (OtherSide::Different, Some(other)) => Other::AllBut(other),
                (_, None) => return Alike::nothing(),
            };
            let bound = |per_mille: u32| i128::from(amount) * i128::from(per_mille);
            // Rounded inwards: `bound(low) <= minor * 1000 <= bound(high)` for whole minor units.
            let low = -(-bound(wanted.low_per_mille)).div_euclid(1_000);
            let high = bound(wanted.high_per_mille).div_euclid(1_000);
            Alike { low: saturate(low), high: saturate(high), other }
        });
        Counted { as_of: *self, without_event: question.without_event, alike }
    }
}

/// Which entries count for one event, of those that feed a question.
pub(super) struct Counted {
    as_of: AsOf,
    without_event: bool,
    pub(super) alike: Option<Alike>,
}

/// Entries that resemble an event: by amount, both bounds included, and by their other side.
pub(super) struct Alike {
    pub low: i64,
    pub high: i64,
    pub other: Other,
}

#[derive(Clone, Copy)]
pub(super) enum Other {
    Any,
    Only(u64),
    AllBut(u64),
}

impl Counted {
    pub(super) fn counts(&self, entry: &Packed) -> bool {
        !(self.without_event && self.as_of.is_own(entry))
            && self.as_of.event.left_out != Some(entry.event())
            && self.alike.as_ref().is_none_or(|alike| alike.is_met_by(entry))
    }
}

impl Alike {
    /// No entry resembles an event without an amount, or without the other side that is asked for.
    fn nothing() -> Alike {
        Alike { low: i64::MAX, high: i64::MIN, other: Other::Any }
    }

    pub(super) fn is_met_by(&self, entry: &Packed) -> bool {
        let other = match self.other {
            Other::Any => true,
            Other::Only(other) => other == entry.other(),
            Other::AllBut(other) => other != entry.other(),
        };
        self.low <= entry.minor() && entry.minor() <= self.high && other
    }
}
