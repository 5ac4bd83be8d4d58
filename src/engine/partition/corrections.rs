//! Corrections: what was wrong is taken out, what is right is put in its place (S11, DESIGN D10).

use super::facts::feeding;
use super::{EngineError, Out, Partition};
use crate::engine::base::Fingerprint;
use crate::engine::disposition::EndCause;
use crate::engine::fact::{Dated, Fact, FactBody, OpeningStep};
use crate::engine::holder::{Step, undo};

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
        if let Some(before) = before {
            self.take_out(fact, original, before, out)?;
        }
        if let Some(after) = after {
            self.apply_body(fact, &after.body, after.at, original, out)?;
        } else if before.is_some_and(|before| matches!(*before.body, FactBody::Opening { .. })) {
            self.answer_again(fact.route.token, fact.event, fact.at, out)?;
        }
        Ok(())
    }

    fn take_out(
        &mut self,
        fact: &Fact,
        original: Fingerprint,
        before: &Dated,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        if let Some(feeding) = feeding(fact.route, &before.body) {
            for subject in &feeding.subjects {
                if let Some(log) = self.logs.get_mut(subject) {
                    log.remove(original, feeding.feed);
                }
            }
        }
        match &*before.body {
            FactBody::Met { feed, .. } => {
                if let Some(meetings) = self.meetings.get_mut(&fact.route) {
                    meetings.retain(|meeting| !(meeting.event == original && meeting.feed == *feed));
                }
                self.tell_of_falls(fact.route, fact, out)
            }
            body @ FactBody::Opening { .. } => {
                self.undo_opening(fact, original, body, before.at, out);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn undo_opening(
        &mut self,
        fact: &Fact,
        original: Fingerprint,
        body: &FactBody,
        at: crate::engine::base::TimeMs,
        out: Out<'_>,
    ) {
        let FactBody::Opening { step, opening, holding, product, .. } = body else { return };
        let Some(state) = self.holders.get_mut(&fact.route.token) else { return };
        let known = Step { step: *step, at, product: *product };
        if let (Some(holding), true) = (holding, step.is_of_holding()) {
            state.undo_holding_step(holding.subject, known);
        }
        let token = opening.subject.token;
        let Some(slot) = state.opening_mut(token) else { return };
        match step {
            OpeningStep::Opened | OpeningStep::Abandoned => undo(&mut slot.steps, known),
            OpeningStep::Requested => {
                let gone = slot.request.take_if(|request| request.event == original);
                let adverse = gone.and_then(|request| request.answer.disposition());
                if let Some(id) = adverse {
                    self.end_if_standing(id, EndCause::Superseded, fact.event, fact.at, out);
                }
            }
            OpeningStep::Closed | OpeningStep::Changed | OpeningStep::Stated => {}
        }
    }
}
