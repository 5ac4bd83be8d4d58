//! What of a holder is forgotten when its term is over, and what an order to hold keeps of it (S20).
//!
//! A hold keeps and decides nothing: what is forgotten leaves the state that is decided by, whether it is
//! held or not (PIPL 47: all processing stops but storage).

use super::authorisation::Authorisation;
use super::base::TimeMs;
use super::declared::{Declared, forgotten};
use super::disposition::DispositionId;
use super::entry::EntryState;
use super::holder::{Holder, Holding, Opening, PlatformAnswer};
use super::order::OrderName;
use super::purpose::Use;
use super::report::Standing;
use super::retention::Horizons;
use super::state::MeasureState;
use super::subject::Subject;

/// What is to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldClass {
    /// All records of the holder.
    All,
    /// Records of anti-money-laundering review, and no others (law.md A5).
    Aml,
}

impl HoldClass {
    pub const ALL: [HoldClass; 2] = [HoldClass::All, HoldClass::Aml];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HoldClass::All => "all",
            HoldClass::Aml => "aml",
        }
    }
}

/// An order to hold what is kept of a holder. It ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The order, by which it is extended and released.
    pub name: OrderName,
    pub class: HoldClass,
    pub until: TimeMs,
}

/// What was forgotten of a holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    pub holdings: Vec<Holding>,
    pub openings: Vec<Opening>,
    pub answers: Vec<PlatformAnswer>,
    pub standings: Vec<Standing>,
    pub declared: Declared,
    pub measures: Vec<(DispositionId, MeasureState)>,
}

/// Orders to hold, and what was forgotten while they held. Nothing is decided by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// In order of application.
    pub holds: Vec<Hold>,
    pub records: Records,
}

impl Kept {
    /// Takes in what was forgotten, as far as an order wants it held.
    pub fn keep(&mut self, records: Records) {
        self.records.holdings.extend(records.holdings);
        self.records.openings.extend(records.openings);
        self.records.answers.extend(records.answers);
        self.records.standings.extend(records.standings);
        self.records.declared.add(records.declared);
        self.records.measures.extend(records.measures);
        self.shrink();
    }

    /// Begins a hold, or puts it in the place of one of its name, and gives that.
    pub fn order(&mut self, hold: Hold) -> Option<Hold> {
        let known = self.holds.iter_mut().find(|known| known.name == hold.name);
        let replaced = match known {
            Some(known) => Some(std::mem::replace(known, hold)),
            None => {
                self.holds.push(hold);
                None
            }
        };
        self.shrink();
        replaced
    }

    /// Ends a hold by its name, and gives it; nothing if there is none.
    pub fn release(&mut self, name: &OrderName) -> Option<Hold> {
        let place = self.holds.iter().position(|hold| hold.name == *name)?;
        let released = self.holds.remove(place);
        self.shrink();
        Some(released)
    }

    /// Ends the holds whose time is over.
    pub fn end(&mut self, at: TimeMs) {
        self.holds.retain(|hold| hold.until > at);
        self.shrink();
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        self.holds.is_empty()
    }

    /// Drops what no order wants held any more.
    fn shrink(&mut self) {
        if self.holds.iter().any(|hold| hold.class == HoldClass::All) {
            return;
        }
        let measures = std::mem::take(&mut self.records.measures);
        self.records = Records::default();
        if !self.holds.is_empty() {
            let of_aml =
                |(_, measure): &(DispositionId, MeasureState)| measure.purpose.permits(Use::AmlReview);
            self.records.measures = measures.into_iter().filter(of_aml).collect();
        }
    }
}

impl Holding {
    /// Closed, and its last step lies behind the horizon.
    fn is_forgotten(&self, horizon: TimeMs) -> bool {
        // The last step of all, whatever its time.
        let closed = self.is_closed_at(TimeMs(i64::MAX));
        closed && self.steps.iter().all(|step| step.at <= horizon)
    }
}

impl Opening {
    /// Waits for nothing, and all that was heard of it lies behind the horizon.
    fn is_forgotten(&self, answers: &[PlatformAnswer], horizon: TimeMs) -> bool {
        let request = self.request.as_ref();
        let times = request.into_iter().flat_map(|request| [Some(request.at), request.reserved_until]);
        let its_answers = answers.iter().filter(|answer| answer.opening == self.token);
        !self.is_pending()
            && times.flatten().all(|time| time <= horizon)
            && self.steps.iter().all(|step| step.at <= horizon)
            && its_answers.into_iter().all(|answer| answer.at <= horizon)
    }
}

impl Holder {
    /// The authorisations that were heard of.
    pub fn authorisations(&self) -> impl Iterator<Item = &Authorisation> {
        self.traces.iter().flat_map(|traces| &traces.authorisations)
    }

    fn knows(&self, answer: &PlatformAnswer) -> bool {
        self.openings.iter().any(|opening| opening.token == answer.opening)
    }

    fn is_answer_forgotten(&self, answer: &PlatformAnswer, horizon: TimeMs) -> bool {
        answer.at <= horizon && !self.knows(answer)
    }

    /// Whether `forget` would find something. What ends by itself long before that is looked for first.
    #[must_use]
    pub fn has_forgotten(&self, horizons: &Horizons) -> bool {
        self.standings.iter().any(|standing| standing.until <= horizons.telling)
            || self.openings.iter().any(|opening| opening.is_forgotten(&self.answers, horizons.openings))
            || self.holdings.iter().any(|holding| holding.is_forgotten(horizons.holdings))
            || self.answers.iter().any(|answer| self.is_answer_forgotten(answer, horizons.openings))
            || self.authorisations().any(|known| known.over_at() <= horizons.authorisations)
            || self.has_forgotten_words(horizons.orders)
            || self.declared.is_some()
                && self.forgotten_declarations(horizons.declarations).iter().flatten().any(|gone| *gone)
    }

    /// An order or entry is over for so long, or was never heard of itself.
    fn has_forgotten_words(&self, horizon: TimeMs) -> bool {
        self.authority.as_ref().is_some_and(|authority| {
            authority.orders.iter().any(|order| order.last_of() <= horizon)
                || authority.entries.iter().any(|entry| entry.last_of(&authority.entries) <= horizon)
        })
    }

    /// What was declared of things that are known no more, or declared anew since, list by list.
    fn forgotten_declarations(&self, horizon: TimeMs) -> [Vec<bool>; 4] {
        let Some(declared) = self.declared.as_deref() else { return Default::default() };
        let is_here = !self.holdings.is_empty() || !self.openings.is_empty();
        let is_held = |card: Subject| self.holdings.iter().any(|holding| holding.subject == card);
        [
            forgotten(
                &declared.profiles,
                horizon,
                |one| one.at,
                |one, later| one.card == later.card,
                |one| is_held(one.card),
            ),
            forgotten(
                &declared.assessments,
                horizon,
                |one| one.at,
                |one, later| one.opening == later.opening,
                |one| self.opening(one.opening).is_some(),
            ),
            forgotten(&declared.owners, horizon, |one| one.at, |_, _| true, |_| is_here),
            forgotten(&declared.explained, horizon, |one| one.at, |_, _| false, |_| is_here),
        ]
    }

    /// Orders, entries and the line that was kept for them.
    fn forget_words(&mut self, horizon: TimeMs) {
        if let Some(authority) = &mut self.authority {
            authority.orders.retain(|order| order.last_of() > horizon);
            let over = |entry: &EntryState| entry.last_of(&authority.entries) <= horizon;
            let mut marks = authority.entries.iter().map(over).collect::<Vec<_>>().into_iter();
            authority.entries.retain(|_| !marks.next().unwrap_or(false));
        }
        self.trim_authority();
    }

    /// Takes out what is forgotten, and gives it.
    pub fn forget(&mut self, horizons: &Horizons) -> Records {
        let answers = &self.answers;
        let openings = self
            .openings
            .extract_if(.., |opening| opening.is_forgotten(answers, horizons.openings))
            .collect();
        let (kept, gone) = std::mem::take(&mut self.answers)
            .into_iter()
            .partition(|answer| !self.is_answer_forgotten(answer, horizons.openings));
        self.answers = kept;
        if let Some(traces) = &mut self.traces {
            traces.authorisations.retain(|known| known.over_at() > horizons.authorisations);
        }
        self.trim_traces();
        self.forget_words(horizons.orders);
        let holdings =
            self.holdings.extract_if(.., |holding| holding.is_forgotten(horizons.holdings)).collect();
        // What was declared goes after what it was declared of.
        let marked = self.forgotten_declarations(horizons.declarations);
        let declared = self.declared.as_mut().map(|declared| declared.take(&marked)).unwrap_or_default();
        self.declared.take_if(|declared| declared.is_empty());
        Records {
            holdings,
            openings,
            answers: gone,
            declared,
            standings: self.standings.extract_if(.., |standing| standing.until <= horizons.telling).collect(),
            measures: Vec::new(),
        }
    }

    /// Nothing is known of the holder.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Holder::default()
    }
}
