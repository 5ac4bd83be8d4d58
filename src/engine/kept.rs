//! What of a holder is forgotten when its term is over, and what an order to hold keeps of it (S20).
//!
//! A hold keeps and decides nothing: what is forgotten leaves the state that is decided by, whether it is
//! held or not (PIPL 47: all processing stops but storage).

use std::sync::Arc;

use super::authorisation::Authorisation;
use super::base::TimeMs;
use super::disposition::DispositionId;
use super::holder::{Holder, Holding, Opening, PlatformAnswer};
use super::purpose::Use;
use super::report::Standing;
use super::retention::Horizons;
use super::state::MeasureState;

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
    pub const NAMED: [(&'static str, HoldClass); 2] = [("all", HoldClass::All), ("aml", HoldClass::Aml)];
}

/// An order to hold what is kept of a holder. It ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The order's number, by which it is extended and released.
    pub number: Arc<str>,
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
        self.records.measures.extend(records.measures);
        self.shrink();
    }

    /// Begins a hold, or puts it in the place of one of its number, and gives that.
    pub fn order(&mut self, hold: Hold) -> Option<Hold> {
        let known = self.holds.iter_mut().find(|known| known.number == hold.number);
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

    /// Ends a hold by its number, and gives it; nothing if there is none.
    pub fn release(&mut self, number: &str) -> Option<Hold> {
        let place = self.holds.iter().position(|hold| &*hold.number == number)?;
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
        Records {
            holdings: self
                .holdings
                .extract_if(.., |holding| holding.is_forgotten(horizons.holdings))
                .collect(),
            openings,
            answers: gone,
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
