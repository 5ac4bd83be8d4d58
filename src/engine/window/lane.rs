//! One window over a set of entries, and its running values (R2, R3 and R5 of `running`).

use super::View;
use super::distinct::Alike;
use super::kept::Kept;
use super::packed::Packed;
use super::plan::{Plan, Set as SetPlan};
use super::running::Set;
use super::total::Total;
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::signal::{Aggregate, Window};

/// One window over a set.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub cursor: u32,
    pub count: u32,
    /// Of them, those that are not paid.
    pub unpaid: u32,
    pub distinct: u32,
    pub due: TimeMs,
    pub sum: i128,
    /// What few questions ask for.
    pub kept: Option<Box<Kept>>,
}

/// When an entry leaves a window at the earliest, by `advance`'s clock.
pub(super) fn due(first: &Packed, window: Window, delay: SpanMs) -> TimeMs {
    match window {
        Window::Sliding(span) => first.at().plus(span).plus(delay),
        // Looked at now; after that, when the day changes.
        Window::Calendar(_) => TimeMs::MIN,
    }
}

/// Whether an entry counts in a set, and for those that read amounts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub is_in: bool,
    pub is_paid: bool,
}

impl Counted {
    pub fn of(entry: &Packed, planned: &SetPlan) -> Counted {
        let is_in = planned.planned.admits(entry);
        Counted { is_in, is_paid: is_in && planned.is_paid(entry) }
    }
}

impl Lane {
    /// Counts an entry that is inside the window.
    pub fn add(&mut self, entry: &Packed, counted: Counted, alike: Option<Alike>) {
        self.count += 1;
        if counted.is_paid {
            self.sum += i128::from(entry.minor());
        } else {
            self.unpaid += 1;
        }
        if let Some(kept) = &mut self.kept {
            kept.add(entry, counted.is_paid);
        }
        let is_another =
            |alike: Alike| !alike.is_superseded && alike.before.is_none_or(|before| before < self.cursor);
        self.distinct += u32::from(alike.is_some_and(is_another));
    }

    /// Lets go of the entries that have left the window.
    #[expect(clippy::too_many_arguments, reason = "one step of `advance`")]
    pub fn evict(
        &mut self,
        at: TimeMs,
        dropped: u32,
        set: &Set,
        planned: &SetPlan,
        window: Window,
        log: View<'_>,
        plan: &Plan,
    ) {
        let delay = planned.planned.question.delay;
        let until = at.minus(delay);
        let after = window.begin(until, plan.calendar());
        self.due = TimeMs(i64::MAX);
        while self.cursor < set.next {
            let place = (self.cursor - dropped) as usize;
            let Some(entry) = log.get(place) else { break };
            let counted = Counted::of(entry, planned);
            if counted.is_in {
                if entry.at() > after {
                    self.due = match window {
                        Window::Sliding(_) => due(entry, window, delay),
                        Window::Calendar(_) => plan.calendar().day_after(until).plus(delay),
                    };
                    break;
                }
                self.count -= 1;
                if counted.is_paid {
                    self.sum -= i128::from(entry.minor());
                } else {
                    self.unpaid -= 1;
                }
                if let Some(kept) = &mut self.kept {
                    kept.remove(entry, counted.is_paid);
                }
                if set.distinct.as_ref().is_some_and(|distinct| !distinct.is_superseded(place)) {
                    self.distinct -= 1;
                }
            }
            self.cursor += 1;
        }
    }

    /// Of the entries that an aggregate reads; of those that are not paid only their count.
    pub fn total_of(&self, aggregate: Aggregate) -> Total {
        let all = Total { count: self.count.into(), ..Total::default() };
        if aggregate.reads_amount() { self.total() } else { all }
    }

    pub fn total(&self) -> Total {
        let squares = self.kept.as_ref().and_then(|kept| kept.squares).unwrap_or(0);
        Total { count: (self.count - self.unpaid).into(), sum: self.sum, squares }
    }
}
