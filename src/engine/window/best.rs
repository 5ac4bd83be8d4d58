//! Monotone queues: the largest or smallest amount of every window over a set, from one queue.

use std::collections::VecDeque;

/// An entry that may be the best of a window, with its amount, so that the entry is not looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub number: u32,
    pub minor: i64,
}

/// Finds the best of windows one after the other.
pub(super) struct Best<'a> {
    candidates: &'a VecDeque<Candidate>,
    place: usize,
}

impl Best<'_> {
    pub fn of(candidates: &VecDeque<Candidate>) -> Best<'_> {
        Best { candidates, place: 0 }
    }

    /// The best amount from an entry on, 0 if there is none.
    pub fn from(&mut self, cursor: u32) -> i64 {
        let is_before = |place: usize| self.candidates.get(place).is_some_and(|best| best.number < cursor);
        // A calendar window can be longer now than one that is longer at other times.
        while self.place > 0 && !is_before(self.place - 1) {
            self.place -= 1;
        }
        while is_before(self.place) {
            self.place += 1;
        }
        self.candidates.get(self.place).map_or(0, |best| best.minor)
    }
}

/// Puts the newest entry among the candidates: it beats those that `is_beaten`; those before `oldest` are
/// in no window any more.
pub(super) fn push_best(
    candidates: &mut VecDeque<Candidate>,
    new: Candidate,
    oldest: u32,
    is_beaten: impl Fn(Candidate) -> bool,
) {
    while candidates.front().is_some_and(|first| first.number < oldest) {
        candidates.pop_front();
    }
    while candidates.back().is_some_and(|old| is_beaten(*old)) {
        candidates.pop_back();
    }
    candidates.push_back(new);
}

/// Puts an entry that came out of order among the candidates.
pub(super) fn insert_best(
    candidates: &mut VecDeque<Candidate>,
    new: Candidate,
    beats: impl Fn(Candidate, Candidate) -> bool,
) {
    let mut place = candidates.partition_point(|known| known.number < new.number);
    if candidates.get(place).is_some_and(|later| beats(*later, new)) {
        return;
    }
    candidates.insert(place, new);
    while let Some(before) = place.checked_sub(1)
        && candidates.get(before).is_some_and(|old| beats(new, *old))
    {
        candidates.remove(before);
        place = before;
    }
}
