//! How many distinct persons were named to each destination in each calendar year (DESIGN D21; ARCHITECTURE S24).
//!
//! Exact, for a person lives in one partition: a bit for each destination and year stands with each holder, and
//! the sums over partitions are the institution's. It counts what leaves and decides nothing.

use std::collections::BTreeMap;

use super::base::{TimeMs, Token};
use super::calendar::{Calendar, civil};
use super::disposition::{Disposition, MeasureEnded};
use super::ident::IdKey;
use super::input::Effect;
use super::lead::LeadNews;
use super::life::{Word, words};
use super::notice::Telling;
use super::retention::Horizons;
use super::table::Table;

words! {
    /// Where something about a person may go: the topics that name persons.
    Destination {
        Dispositions "dispositions",
        Notices "notices",
        Measures "measures",
        Shadow "shadow",
        Authority "authority",
        Leads "leads",
    }
}

impl Destination {
    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// Where a holder was named, in the latest year and in the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub year: i64,
    pub bits: u8,
    pub bits_before: u8,
}

impl Marks {
    /// The bits that are new for a year, and notes them. A mark tells two years apart, this one and the one before,
    /// whatever term it is kept for: older news is not counted.
    fn mark(&mut self, year: i64, wanted: u8) -> u8 {
        if year > self.year {
            self.bits_before = if year == self.year + 1 { self.bits } else { 0 };
            (self.year, self.bits) = (year, 0);
        }
        let bits = match self.year - year {
            0 => &mut self.bits,
            1 => &mut self.bits_before,
            _ => return 0,
        };
        let new = wanted & !*bits;
        *bits |= wanted;
        new
    }
}

/// Persons by year and destination.
pub type Persons = BTreeMap<(i64, u8), u64>;

/// The marks of a partition's holders and their sums. A holder stands here by a keyed mark (`IdKey::mark`), so that
/// what is kept for a count names nobody whose own terms are over (S20).
#[derive(Debug, Default)]
pub struct Reached {
    pub marks: Table<Token, Marks>,
    pub persons: Persons,
}

impl Reached {
    /// Notes whom an effect names, and where; not in a year that is over for longer than marks are kept.
    pub fn note(&mut self, effect: &Effect, calendar: &Calendar, horizons: &Horizons, key: &IdKey) {
        let Some((holder, at, destinations)) = named_by(effect) else { return };
        let year = year_of(at, calendar);
        if year < year_of(horizons.persons_marked, calendar) {
            return;
        }
        let holder = key.mark(holder);
        let wanted = destinations.into_iter().flatten().fold(0, |bits, one| bits | one.bit());
        let known = self.marks.get(&holder).copied().unwrap_or_default();
        let mut marks = known;
        let new = marks.mark(year, wanted);
        if marks == known {
            return;
        }
        *self.marks.get_or_default(holder) = marks;
        for destination in Destination::ALL.iter().filter(|one| new & one.bit() != 0) {
            *self.persons.entry((year, *destination as u8)).or_default() += 1;
        }
    }

    /// Drops the marks of a share of the holders, and the sums, of years that are over for their terms.
    pub fn sweep(&mut self, shard: usize, calendar: &Calendar, horizons: &Horizons) {
        let marked = year_of(horizons.persons_marked, calendar);
        for holder in self.marks.keys_in(shard, |_, marks| marks.year < marked) {
            self.marks.remove(&holder);
        }
        let counted = year_of(horizons.persons_counted, calendar);
        self.persons.retain(|(year, _), _| *year >= counted);
    }

    /// Distinct persons by year and destination, of the years from one on.
    pub fn counts(&self, since: i64) -> impl Iterator<Item = (i64, Destination, u64)> + '_ {
        self.persons.iter().filter_map(move |((year, code), count)| {
            let destination = Destination::ALL.iter().find(|one| **one as u8 == *code)?;
            (*year >= since).then_some((*year, *destination, *count))
        })
    }
}

/// The calendar year of a time in the zone.
#[must_use]
pub fn year_of(at: TimeMs, calendar: &Calendar) -> i64 {
    civil(calendar.day_of(at)).0
}

type Places = [Option<Destination>; 3];

/// Whom an effect names, when, and where that leaves for. What concerns no person, or no holder (a shared subject,
/// a rule), names nobody.
#[must_use]
pub fn named_by(effect: &Effect) -> Option<(Token, TimeMs, Places)> {
    use Destination::{Authority, Dispositions, Leads, Measures, Notices, Shadow};
    match effect {
        Effect::Disposed(disposition) => {
            let head = disposition.head();
            let all = |is_told: bool| [Some(Dispositions), is_told.then_some(Notices), Some(Measures)];
            let places = match &**disposition {
                Disposition::OpeningAccepted(_) | Disposition::ReservationLapsed(_) => {
                    [Some(Dispositions), None, None]
                }
                Disposition::AppealAnswered(_) => [Some(Dispositions), Some(Notices), None],
                Disposition::MeasureMoved(moved) => {
                    [Some(Dispositions), moved.told_again.as_ref().map(|_| Notices), None]
                }
                Disposition::MeasureSet(set) => all(matches!(set.telling(), Telling::Now)),
                Disposition::MeasureExtended(extended) => all(extended.is_told),
                // What ended is taken out of what is in force, which names nobody.
                Disposition::MeasureEnded(MeasureEnded { is_told, .. }) => {
                    [Some(Dispositions), is_told.then_some(Notices), None]
                }
                Disposition::NoticeReleased(_) => [Some(Notices), None, None],
                // What is answered about an area names nobody.
                Disposition::OrderAnswered(_) if head.holder == Token::default() => return None,
                Disposition::OrderAnswered(_) => [Some(Authority), None, None],
            };
            Some((head.holder, head.at, places))
        }
        Effect::Observed(observed) => {
            Some((observed.head.holder, observed.head.at, [Some(Shadow), None, None]))
        }
        Effect::Lead(news) => {
            let place = match &**news {
                LeadNews::Sent(_) | LeadNews::Moved(_) => Leads,
                LeadNews::Observed(_) => Shadow,
            };
            let head = news.head();
            Some((head.holder?, head.at, [Some(place), None, None]))
        }
        Effect::Unmatched { .. } | Effect::RuleShadowed(_) | Effect::Reported(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::Fingerprint;
    use crate::engine::disposition::{DispositionId, Head, OpeningAccepted};
    use crate::engine::measure::Lane;
    use crate::engine::notice::RuleName;
    use crate::engine::purpose::Purpose;
    use crate::engine::subject::{Party, SealedRef, Subject, SubjectKind};
    use crate::engine::table::SHARDS;

    #[test]
    fn a_person_counts_once_for_each_year_and_late_news_in_its_own() {
        let mut marks = Marks::default();
        assert_eq!(marks.mark(2026, 0b11), 0b11);
        assert_eq!(marks.mark(2026, 0b01), 0);
        assert_eq!(marks.mark(2027, 0b01), 0b01, "a new year counts anew");
        assert_eq!(marks.mark(2026, 0b111), 0b100, "late news of last year, and only what is new of it");
        assert_eq!(marks.mark(2025, 0b111), 0, "two years back is not counted any more");
        assert_eq!(marks.mark(2029, 0b10), 0b10);
        assert_eq!(marks.mark(2028, 0b10), 0b10, "the year between was never marked");
    }

    /// 2026-12-31T16:00:00Z is midnight in Beijing.
    const NEW_YEAR: TimeMs = TimeMs(1_798_732_800_000);

    fn beijing() -> Calendar {
        Calendar { utc_offset_minutes: 480, ..Calendar::default() }
    }

    #[test]
    fn a_year_begins_at_midnight_in_the_zone() {
        let calendar = beijing();
        assert_eq!(year_of(TimeMs(NEW_YEAR.0 - 1), &calendar), 2026);
        assert_eq!(year_of(NEW_YEAR, &calendar), 2027);
    }

    /// That somebody asked to open, at a time.
    fn accepted(holder: Token, at: TimeMs) -> Effect {
        let subject = Subject::new(SubjectKind::Opening, Token(1));
        let head = Head {
            id: DispositionId(1),
            lane: Lane::Limit,
            rule: RuleName { id: "r".to_owned(), version: 1 },
            party: Party { subject, sealed: SealedRef::default() },
            holder,
            event: Fingerprint(9),
            at,
            purpose: Purpose::SHARED_COUNT,
        };
        Effect::Disposed(Box::new(Disposition::OpeningAccepted(OpeningAccepted { head, reserved_until: at })))
    }

    #[test]
    fn marks_and_numbers_of_a_year_go_when_its_end_lies_behind_their_terms() {
        let (calendar, key) = (beijing(), IdKey::new([7; 32]));
        let (last_of_2026, before) = (TimeMs(NEW_YEAR.0 - 1), TimeMs(NEW_YEAR.0 - 1));
        let at = |marked, counted| Horizons {
            persons_marked: marked,
            persons_counted: counted,
            ..Horizons::default()
        };
        let mut reached = Reached::default();
        reached.note(&accepted(Token(1), last_of_2026), &calendar, &at(before, before), &key);
        // One millisecond before the year's end lies behind its term it is still counted in, and at that moment not.
        reached.note(&accepted(Token(2), last_of_2026), &calendar, &at(before, before), &key);
        reached.note(&accepted(Token(3), last_of_2026), &calendar, &at(NEW_YEAR, before), &key);
        let counted =
            |reached: &Reached, since| reached.counts(since).map(|(_, _, count)| count).sum::<u64>();
        assert_eq!((counted(&reached, 2026), counted(&reached, 2027)), (2, 0));

        let sweep = |reached: &mut Reached, horizons| {
            (0..SHARDS).for_each(|shard| reached.sweep(shard, &calendar, &horizons));
            (0..SHARDS).map(|shard| reached.marks.keys_in(shard, |_, _| true).len()).sum::<usize>()
        };
        assert_eq!(sweep(&mut reached, at(before, before)), 2);
        assert_eq!(sweep(&mut reached, at(NEW_YEAR, before)), 0, "the numbers outlive the marks");
        assert_eq!(counted(&reached, 2026), 2);
        assert_eq!(sweep(&mut reached, at(NEW_YEAR, NEW_YEAR)), 0);
        assert!(reached.persons.is_empty());
    }
}
