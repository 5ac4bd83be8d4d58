//! Corrections: what was wrong is taken out, what is right is put in its place (S11, S18, DESIGN D10).

use super::facts::feedings;
use super::grounds::Touched;
use super::{EngineError, Out, Partition};
use crate::engine::base::Fingerprint;
use crate::engine::disposition::EndCause;
use crate::engine::fact::{Dated, Fact, FactBody, Feed, Side};
use crate::engine::subject::Subject;
use crate::engine::window::Entry;

impl Partition {
    pub(super) fn correct(
        &mut self,
        fact: &Fact,
        original: Fingerprint,
        before: Option<&Dated>,
        after: Option<&Dated>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        // If the original has not arrived yet, it must not be applied when it does.
        self.remember(original);
        let mut touched = Vec::new();
        let taken = before.is_some_and(|before| self.take_out(fact, original, before, &mut touched, out));
        if let Some(before) = before {
            self.end_what_it_caused(fact, original, &before.body, out);
        }
        if let Some(after) = after {
            touched.extend(self.touched_by(fact.route, after));
            self.apply_body(fact, &after.body, after.at, original, out)?;
        }
        self.ask_again(fact, &touched, out);
        match before.map(|before| &*before.body) {
            Some(
                FactBody::Opening { .. } | FactBody::HoldingsAnswered { .. } | FactBody::RiskAssessed { .. },
            ) => self.answer_again(fact.route.token, fact.event, fact.at, out),
            Some(FactBody::Met { feed, .. } | FactBody::StockReported { feed, .. }) if taken => {
                self.tell_of_falls(fact.route, *feed, fact, out)
            }
            _ => Ok(()),
        }
    }

    /// Takes out what the original wrote. Gives whether an entry of the routing subject counted until now.
    fn take_out(
        &mut self,
        fact: &Fact,
        original: Fingerprint,
        before: &Dated,
        touched: &mut Vec<Touched>,
        out: Out<'_>,
    ) -> bool {
        let mut taken = false;
        let warns = !is_of_payee(&before.body);
        for feeding in feedings(fact.route, &before.body).iter().flatten() {
            for subject in feeding.subjects() {
                let counted = self.take_entries(subject, original, feeding.feed, touched);
                taken |= counted && subject == fact.route;
                if warns {
                    // Nobody pays again after a warning of what was not paid (S21).
                    self.take_entries(subject, original, Feed::VictimWarnedPayer, touched);
                }
            }
        }
        match &*before.body {
            FactBody::Met { feed, .. } => {
                if let Some(meetings) = self.meetings.get_mut(&fact.route) {
                    meetings.retain(|meeting| !(meeting.event == original && meeting.by.feed == *feed));
                }
            }
            FactBody::Opening { .. } | FactBody::HoldingsAnswered { .. } => {
                self.undo_steps(fact, original, out)
            }
            FactBody::CardProfiled { .. }
            | FactBody::RiskAssessed { .. }
            | FactBody::OwnersDeclared { .. } => {
                let state = self.holders.get_mut(&fact.route.token);
                if let Some(declared) = state.and_then(|state| state.declared.as_mut()) {
                    declared.undo(original);
                }
            }
            FactBody::AuthorisationGranted { .. } => {
                if let Some(state) = self.holders.get_mut(&fact.route.token) {
                    state.traces.iter_mut().for_each(|traces| traces.undo(original));
                    state.trim_traces();
                }
            }
            _ => {}
        }
        taken
    }

    /// Takes the original's entries of one feed out of a log. Gives whether there were some that counted.
    fn take_entries(
        &mut self,
        subject: Subject,
        original: Fingerprint,
        feed: Feed,
        touched: &mut Vec<Touched>,
    ) -> bool {
        // Each kind of log forgets by its own term (S20).
        let horizon = self.horizons.log(subject.kind);
        let Some(log) = self.logs.get_mut(&subject) else { return false };
        let counted = |entry: &Entry| entry.event == original && entry.feed == feed && entry.at > horizon;
        let before = touched.len();
        let of_log = log.entries(&self.store).filter(counted);
        touched.extend(of_log.map(|entry| Touched { subject, feed, at: entry.at }));
        log.remove(original, feed, &mut self.store);
        touched.len() > before
    }

    /// Takes the original's steps and answers out of the holder, and its request with its answer.
    fn undo_steps(&mut self, fact: &Fact, original: Fingerprint, out: Out<'_>) {
        let Some(state) = self.holders.get_mut(&fact.route.token) else { return };
        state.undo(original);
        let mut adverse = Vec::new();
        for opening in &mut state.openings {
            let gone = opening.request.take_if(|request| request.event == original);
            adverse.extend(gone.and_then(|request| Some((request.answer.disposition()?, request.at))));
        }
        for (id, asked) in adverse {
            self.end_if_standing(id, EndCause::Superseded, fact.event, fact.at.max(asked), out);
        }
    }
}

/// Warnings are of whoever pays: those of an event are no matter of its payee's side.
fn is_of_payee(body: &FactBody) -> bool {
    matches!(
        body,
        FactBody::Transfer { side: Side::Payee, .. }
            | FactBody::FraudConfirmed { feed: Feed::FraudConfirmedPayee, .. }
    )
}
