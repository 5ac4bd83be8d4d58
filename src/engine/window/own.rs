//! What an event itself adds to windows, to be taken off where a question leaves the event out.

use super::packed::Packed;
use super::plan::{Planned, Set};
use super::total::Total;
use super::{AsOf, View};
use crate::engine::base::SpanMs;
use crate::engine::signal::Aggregate;

/// What the event that is asked for adds to each window of a set. Its entries are among the newest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    all: Total,
    paid: Total,
}

/// The entries of the event that is asked for, of those that feed a question without delay.
pub(super) fn entries<'a>(
    planned: &Planned,
    log: View<'a>,
    as_of: AsOf,
) -> impl Iterator<Item = &'a Packed> + use<'a> {
    let planned = *planned;
    let now = log.range(0, log.len()).rev().take_while(move |entry| entry.at() == as_of.at);
    now.filter(move |entry| planned.admits(entry) && as_of.is_own(entry))
}

impl Own {
    pub fn of_event(planned: &Set, log: View<'_>, as_of: AsOf) -> Own {
        if planned.planned.question.delay > SpanMs(0) {
            return Own::default();
        }
        entries(&planned.planned, log, as_of).fold(Own::default(), |own, entry| own.plus(planned, entry))
    }

    /// With one more entry of the event, which counts in the set.
    pub fn plus(self, planned: &Set, entry: &Packed) -> Own {
        Own {
            all: self.all.plus(entry.minor()),
            paid: if planned.is_paid(entry) { self.paid.plus(entry.minor()) } else { self.paid },
        }
    }

    /// What of it an aggregate reads.
    pub fn of(&self, aggregate: Aggregate) -> Total {
        if aggregate.reads_amount() { self.paid } else { self.all }
    }
}
