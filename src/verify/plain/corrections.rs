//! Corrections: what an earlier event wrote is taken out, and what it should have written is put in (S11, S18).

use crate::engine::base::Fingerprint;
use crate::engine::fact::{Dated, FactBody, Feed, Side};

use super::grounds::Touched;
use super::occasions::changes_openings;
use super::retention::Class;
use super::signals::{Entry, entries_of};
use super::{Cause, Occasion, Plain, PlainError};

fn is_declaration(body: &FactBody) -> bool {
    matches!(
        body,
        FactBody::CardProfiled { .. } | FactBody::RiskAssessed { .. } | FactBody::OwnersDeclared { .. }
    )
}

impl Plain {
    pub(super) fn correct(
        &mut self,
        occasion: Occasion,
        body: &FactBody,
        before: Option<&Dated>,
        after: Option<&Dated>,
    ) -> Result<(), PlainError> {
        let FactBody::Corrected { original, .. } = body else { return Ok(()) };
        let cause = Cause { event: occasion.event, at: occasion.at };
        let (mut taken, mut touched) = (Vec::new(), Vec::new());
        if let Some(before) = before {
            taken = self.take_out(occasion, before, *original, &mut touched);
            self.undo_steps(occasion, &before.body, *original, cause);
            if is_declaration(&before.body) {
                self.undeclare(occasion.route.token, *original);
            }
            if matches!(&*before.body, FactBody::AuthorisationGranted { .. }) {
                self.ungrant(occasion.route.token, *original);
            }
            self.end_caused(occasion, before, *original, cause);
        }
        if let Some(after) = after {
            touched.extend(self.put_in(occasion, after));
            self.apply_body(Occasion { source: *original, at: after.at, ..occasion }, &after.body)?;
        }
        self.look_again(occasion, &touched, cause);
        if [before, after].into_iter().flatten().any(|dated| changes_openings(&dated.body)) {
            self.answer_again(occasion.route.token, cause)?;
        }
        if taken.is_empty() { Ok(()) } else { self.tell_falls(occasion.route, &taken, cause) }
    }

    /// Takes the entries of the original event out of the subjects of `before`. Gives the feeds of
    /// those that counted and stood in the log of the routing subject itself.
    fn take_out(
        &mut self,
        occasion: Occasion,
        before: &Dated,
        original: Fingerprint,
        touched: &mut Vec<Touched>,
    ) -> Vec<Feed> {
        let mut taken = Vec::new();
        for (subject, was) in entries_of(occasion, &before.body) {
            let horizon = self.horizon(Class::Log(subject.kind));
            let is_taken = |entry: &Entry| entry.event == original && entry.feed == was.feed;
            let Some(log) = self.logs.get_mut(&subject) else { continue };
            let counted = log.iter().filter(|entry| is_taken(entry) && entry.at > horizon);
            touched.extend(counted.map(|entry| Touched { subject, feed: entry.feed, at: entry.at }));
            if subject == occasion.route && log.iter().any(|entry| is_taken(entry) && entry.at > horizon) {
                taken.push(was.feed);
            }
            log.retain(|entry| !is_taken(entry));
        }
        if let FactBody::Transfer { side: Side::Payee, .. }
        | FactBody::FraudConfirmed { feed: Feed::FraudConfirmedPayee, .. } = &*before.body
        {
            return taken;
        }
        for (subject, _) in entries_of(occasion, &before.body) {
            touched.extend(self.unwarn(subject, original));
        }
        taken
    }

    /// Undoes what the original event wrote about the holder's openings.
    fn undo_steps(&mut self, occasion: Occasion, before: &FactBody, original: Fingerprint, cause: Cause) {
        if !changes_openings(before) || is_declaration(before) {
            return;
        }
        let openings = self.openings_mut(occasion.route.token);
        openings.steps.retain(|step| step.event != original);
        openings.answers.retain(|answer| answer.event != original);
        let undone: Vec<_> = openings.requests.extract_if(.., |request| request.event == original).collect();
        for request in undone {
            self.supersede(&request, cause.not_before(request.at));
        }
    }
}
