//! Accounts and cards that a holder has, by what was heard of them (ARCHITECTURE S10).

use crate::engine::base::{Fingerprint, TimeMs};
use crate::engine::fact::{HolderKind, OpeningStep, Product};
use crate::engine::subject::{Party, SealedRef, Subject};

/// One step heard of a holding or an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub event: Fingerprint,
    pub step: OpeningStep,
    pub at: TimeMs,
    pub product: Product,
    /// Who has it, if the rules under which the step was applied have that kept.
    pub holder_kind: Option<HolderKind>,
}

/// An account or card, known by the steps heard of it, in order of application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    pub subject: Subject,
    /// How the institution calls it: a list entry reaches what the person holds.
    pub sealed: SealedRef,
    pub steps: Vec<Step>,
}

impl Holding {
    /// Notes its reference if it has none, as after a snapshot of earlier semantics; gives whether that was so.
    pub(super) fn learn_reference(&mut self, party: &Party) -> bool {
        let is_news = !self.sealed.is_known() && party.sealed.is_known();
        if is_news {
            self.sealed = party.sealed.clone();
        }
        is_news
    }

    pub(super) fn times(&self, step: OpeningStep) -> impl Iterator<Item = TimeMs> + '_ {
        self.steps.iter().filter(move |known| known.step == step).map(|known| known.at)
    }

    /// The last step of some kinds at or before a time. `max_by_key` keeps the last of equals: the
    /// step applied later wins.
    fn last_of(&self, kinds: [OpeningStep; 3], at: TimeMs) -> Option<&Step> {
        self.steps
            .iter()
            .filter(|known| kinds.contains(&known.step) && known.at <= at)
            .max_by_key(|known| known.at)
    }

    /// When it was opened, if that was seen and it was not merely stated.
    #[must_use]
    pub fn opened_at(&self) -> Option<TimeMs> {
        if self.times(OpeningStep::Stated).next().is_some() {
            return None;
        }
        self.times(OpeningStep::Opened).min()
    }

    /// Whether it is held at a time; one that was never seen opening is held since ever.
    #[must_use]
    pub fn is_open_at(&self, at: TimeMs) -> bool {
        match self.last_of([OpeningStep::Opened, OpeningStep::Stated, OpeningStep::Closed], at) {
            Some(last) => last.step != OpeningStep::Closed,
            None => self.times(OpeningStep::Opened).next().is_none(),
        }
    }

    /// Whether it was closed, and not opened again, at or before a time. One that was never seen opening
    /// before is not closed: a payment may come before the news of the opening (D10).
    #[must_use]
    pub fn is_closed_at(&self, at: TimeMs) -> bool {
        let last = self.last_of([OpeningStep::Opened, OpeningStep::Stated, OpeningStep::Closed], at);
        last.is_some_and(|last| last.step == OpeningStep::Closed)
    }

    /// The step that says what it is at a time, and whose.
    #[must_use]
    pub fn told_at(&self, at: TimeMs) -> Option<&Step> {
        let last = self.last_of([OpeningStep::Opened, OpeningStep::Stated, OpeningStep::Changed], at);
        last.or_else(|| self.steps.first())
    }

    /// Its class at a time.
    #[must_use]
    pub fn product_at(&self, at: TimeMs) -> Option<Product> {
        self.told_at(at).map(|known| known.product)
    }
}
