//! What signals can be at most: each for itself, and one beside another that looks at the same entries.

use crate::engine::rule::{Interval, Term};
use crate::engine::signal::{Aggregate, Question, Reads, Signal, Window};

/// Shares are thousandths of a whole.
const WHOLE: i128 = 1_000;

/// What a signal can be at all.
pub(super) fn widest_of_signal(number: usize, signals: &[Signal]) -> Interval {
    let up_to = |high: Option<i128>| Interval { low: Some(0), high };
    let Some(signal) = signals.get(number) else {
        return Interval::UNKNOWN;
    };
    match signal.reads {
        Reads::Log(question) => up_to(match question.aggregate {
            Aggregate::SinceLast | Aggregate::SinceFirst => Some(i128::from(question.reach().0)),
            Aggregate::LargestShare => Some(WHOLE),
            _ => None,
        }),
        Reads::Ratio { of, to, scale } => up_to(is_within(of, to, signals).then(|| i128::from(scale))),
        Reads::Difference { of, to } => {
            let (own, its) = (widest_of_signal(of, signals), widest_of_signal(to, signals));
            let apart = own.minus(its);
            Interval {
                low: if is_within(to, of, signals) { Some(0) } else { apart.low },
                high: if is_within(of, to, signals) { Some(0) } else { apart.high },
            }
        }
        Reads::SinceOpened | Reads::MeasuresStanding => up_to(None),
    }
}

/// Whether the first is never above the second, both being signals. What is known by reports only is told
/// of each at a level of its own, so nothing follows there.
pub(super) fn at_most(low: &Term, high: &Term, signals: &[Signal]) -> bool {
    let (Term::Signal(low), Term::Signal(high)) = (low, high) else {
        return false;
    };
    signals.get(*low).is_some_and(|signal| signal.subject.lives_with_holder())
        && is_within(*low, *high, signals)
}

fn is_within(low: usize, high: usize, signals: &[Signal]) -> bool {
    let (Some(low), Some(high)) = (signals.get(low), signals.get(high)) else {
        return false;
    };
    let (Some(its), Some(other)) = (low.question(), high.question()) else {
        return false;
    };
    low.subject == high.subject && looks_at_the_same(its, other) && is_at_most(its, other)
}

/// Whether two questions differ at most in what they add up and how far back they look.
fn looks_at_the_same(a: &Question, b: &Question) -> bool {
    let Question { aggregate, window, delay, returned_by, .. } = *b;
    let answered_alike = a.returned_by == returned_by || returned_by == 0;
    answered_alike && Question { aggregate, window, delay, returned_by, ..*a } == *b
}

/// Whether the first is never above the second, both asked of the same entries.
fn is_at_most(a: &Question, b: &Question) -> bool {
    let same_window = a.window == b.window && a.delay == b.delay;
    let grows = |question: &Question| match question.aggregate {
        // From the end of the window backwards, so both windows end alike.
        Aggregate::SinceLast => a.delay == b.delay,
        aggregate => grows_with_the_window(aggregate),
    };
    is_below(a.aggregate, b.aggregate) && (same_window || is_inside(a, b) && (grows(a) || grows(b)))
}

/// Whether all that the first window holds lies in the second.
fn is_inside(a: &Question, b: &Question) -> bool {
    match (a.window, b.window) {
        (_, Window::Sliding(_)) => a.delay >= b.delay && a.reach() <= b.reach(),
        (own, Window::Calendar(_)) => own == b.window && a.delay == b.delay,
    }
}

/// Whether an aggregate is never smaller over more entries.
fn grows_with_the_window(aggregate: Aggregate) -> bool {
    match aggregate {
        Aggregate::Count
        | Aggregate::Sum
        | Aggregate::Max
        | Aggregate::Distinct
        | Aggregate::Returned
        | Aggregate::SinceFirst => true,
        Aggregate::Min
        | Aggregate::Last
        | Aggregate::Average
        | Aggregate::Deviation
        | Aggregate::LargestShare
        | Aggregate::SinceLast => false,
    }
}

/// Whether of the same entries the first aggregate is never above the second.
fn is_below(a: Aggregate, b: Aggregate) -> bool {
    const CHAINS: [&[Aggregate]; 3] = [
        &[Aggregate::Returned, Aggregate::Distinct, Aggregate::Count],
        &[Aggregate::Min, Aggregate::Average, Aggregate::Max, Aggregate::Sum],
        &[Aggregate::Last, Aggregate::Max],
    ];
    let in_order = |chain: &&[Aggregate]| {
        let place = |of| chain.iter().position(|known| *known == of);
        matches!((place(a), place(b)), (Some(low), Some(high)) if low < high)
    };
    a == b || CHAINS.iter().any(in_order)
}
