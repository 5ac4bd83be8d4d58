//! Values by a look at each entry: what the faster ways must agree with.

use super::packed::Packed;
use super::plan::Planned;
use super::total::{Total, largest_share, optional, returned};
use super::{AsOf, Entry, Store, SubjectLog};
use crate::engine::base::saturate;
use crate::engine::calendar::Calendar;
use crate::engine::signal::{Aggregate, Question};

impl SubjectLog {
    /// The entries behind a value, oldest first; those that `Returned` is answered by, too.
    pub fn behind<'a>(
        &'a self,
        question: &Question,
        store: &'a Store,
        calendar: &Calendar,
        as_of: AsOf,
    ) -> impl DoubleEndedIterator<Item = Entry> + use<'a> {
        self.inside(Planned::new(question), store, calendar, as_of).map(Packed::unpacked)
    }

    fn inside<'a>(
        &'a self,
        planned: Planned,
        store: &'a Store,
        calendar: &Calendar,
        as_of: AsOf,
    ) -> impl DoubleEndedIterator<Item = &'a Packed> + use<'a> {
        let (after, until) = as_of.bounds(&planned.question, calendar);
        let log = self.view(store);
        let to = log.place_after(until);
        let from = log.place_after(after).min(to);
        let counted = as_of.counted(&planned.question);
        log.range(from, to).filter(move |entry| planned.admits(entry) && counted.counts(entry))
    }

    /// The value by looking at each entry of the window.
    pub fn scan(&self, question: &Question, store: &Store, calendar: &Calendar, as_of: AsOf) -> (i64, bool) {
        self.scan_planned(&Planned::new(question), store, calendar, as_of)
    }

    pub(super) fn scan_planned(
        &self,
        planned: &Planned,
        store: &Store,
        calendar: &Calendar,
        as_of: AsOf,
    ) -> (i64, bool) {
        let question = &planned.question;
        let window = self.inside(*planned, store, calendar, as_of);
        let (after, until) = as_of.bounds(question, calendar);
        match question.aggregate {
            Aggregate::Count => {
                let count = window.count();
                (saturate(count as i128), count > 0)
            }
            Aggregate::Sum | Aggregate::Average | Aggregate::Deviation => {
                let total = Total::of(window);
                (total.value(question.aggregate), total.count > 0)
            }
            Aggregate::Max => optional(window.map(Packed::minor).max()),
            Aggregate::Min => optional(window.map(Packed::minor).min()),
            Aggregate::Last => optional(window.map(Packed::minor).next_back()),
            Aggregate::Distinct => {
                let mut others: Vec<u64> = window.map(|entry| entry.other()).collect();
                others.sort_unstable();
                others.dedup();
                (saturate(others.len() as i128), !others.is_empty())
            }
            Aggregate::LargestShare => largest_share(window),
            Aggregate::Returned => returned(window, question),
            Aggregate::SinceLast => match window.map(Packed::at).next_back() {
                Some(newest) => (saturate(i128::from(as_of.at.0) - i128::from(newest.0)), true),
                None => (saturate(i128::from(until.0) - i128::from(after.0)), false),
            },
            Aggregate::SinceFirst => {
                let mut window = window;
                let oldest =
                    window.next().map(|entry| saturate(i128::from(as_of.at.0) - i128::from(entry.at().0)));
                optional(oldest)
            }
        }
    }
}
