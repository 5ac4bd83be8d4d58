//! Data of abnormal customers: when an anomaly opens and closes, what is held between, and who authorised
//! another use of it (S22, APL 18(4), DESIGN D18).

use std::sync::Arc;

use super::facts::feedings;
use super::rules::{Scene, signals_of};
use super::{Active, Out, Partition};
use crate::engine::authorisation::{AskedUse, Grant, OpenAnomaly};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::DispositionId;
use crate::engine::fact::{Fact, FactBody, Feed};
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::measure::Lane;
use crate::engine::rule::Condition;
use crate::engine::signal::{Question, Signal};
use crate::engine::state::MeasureState;
use crate::engine::subject::{Subject, SubjectKind};

/// How a question about data of abnormal customers may be read.
pub(super) enum Access {
    /// Nothing is read: nothing may be held, or the customer did not open this use.
    Closed,
    /// As of an anomaly that is open since then; `by` is the number of the authorisation, where one is needed.
    Open { since: TimeMs, by: Option<Arc<str>> },
}

/// Whether a measure makes its holder an abnormal customer.
fn is_open(measure: &MeasureState) -> bool {
    let is_open = !measure.ended || measure.case.as_ref().is_some_and(|case| case.open);
    measure.lane == Lane::Anomaly && is_open
}

impl Partition {
    /// A measure was set, ended, forgotten or appealed against, or came with a snapshot.
    pub(super) fn note_anomaly(&mut self, holder: Token, id: DispositionId) {
        self.drop_anomaly(holder, id);
        if self.measures.get(&id).is_some_and(is_open) {
            self.anomalies.entry(holder).or_default().push(id);
        }
    }

    pub(super) fn drop_anomaly(&mut self, holder: Token, id: DispositionId) {
        if let Some(of_holder) = self.anomalies.get_mut(&holder) {
            of_holder.retain(|known| *known != id);
            if of_holder.is_empty() {
                self.anomalies.remove(&holder);
            }
        }
    }

    /// The same while something is applied: what follows from it is looked at when all of it is done.
    pub(super) fn touch_anomaly(&mut self, holder: Token, id: DispositionId) {
        self.note_anomaly(holder, id);
        if !self.touched_anomalies.contains(&holder) {
            self.touched_anomalies.push(holder);
        }
    }

    /// After a fact, report or timer was applied with all that follows from it: anomalies open and close.
    pub(super) fn settle_anomalies(&mut self) {
        while let Some(holder) = self.touched_anomalies.pop() {
            let of_holder = self.anomalies.get(&holder).into_iter().flatten();
            let mut open = of_holder.filter_map(|id| self.measures.get(id)).map(|measure| measure.start);
            let known = self.holders.get(&holder).and_then(|state| state.traces.as_ref());
            let was_open = known.is_some_and(|traces| traces.anomaly.is_some());
            if was_open {
                if open.next().is_none() {
                    self.wipe_traces(holder);
                }
            } else if let Some(since) = open.min() {
                let anomaly = OpenAnomaly { since, traced: Vec::new() };
                self.holders.get_or_default(holder).traces_mut().anomaly = Some(anomaly);
            }
        }
    }

    /// The anomaly is closed: what was held because of it is gone.
    fn wipe_traces(&mut self, holder: Token) {
        let Some(state) = self.holders.get_mut(&holder) else { return };
        let anomaly = state.traces.as_mut().and_then(|traces| traces.anomaly.take());
        state.trim_traces();
        if state.is_empty() {
            self.holders.remove(&holder);
        }
        let traced = anomaly.map(|anomaly| anomaly.traced).unwrap_or_default();
        // What stands in a party's log stands in its holder's too, and nothing else does: mostly nothing was
        // traced, and a busy holder's log is not looked through for it.
        let of_holder = (!traced.is_empty()).then_some(Subject::new(SubjectKind::Holder, holder));
        for subject in traced.into_iter().chain(of_holder) {
            let Some(log) = self.logs.get_mut(&subject) else { continue };
            log.remove_feeds(Feed::OF_ABNORMAL, &mut self.store);
            if log.is_empty() {
                self.logs.remove(&subject);
            }
        }
    }

    /// Whether traces at a time are held of a holder.
    pub(super) fn holds_traces(&self, holder: Token, at: TimeMs) -> bool {
        let traces = self.holders.get(&holder).and_then(|state| state.traces.as_ref());
        traces.and_then(|traces| traces.anomaly.as_ref()).is_some_and(|anomaly| anomaly.since <= at)
    }

    /// The device and location of an event, kept of an abnormal customer and of nobody else.
    pub(super) fn trace(&mut self, fact: &Fact, body: &FactBody, at: TimeMs, entry_event: Fingerprint) {
        let FactBody::TracesSeen { party, .. } = body else { return };
        let (holder, subject) = (fact.route.token, party.subject);
        let closed = self.holders.get(&holder).is_some_and(|state| state.is_closed_at(subject, at));
        let Some(active) = self.rules.clone() else { return };
        if closed || !self.holds_traces(holder, at) {
            return;
        }
        let anomaly = self.holders.get_or_default(holder).traces_mut().anomaly.as_mut();
        if let Some(anomaly) = anomaly
            && !anomaly.traced.contains(&subject)
        {
            anomaly.traced.push(subject);
        }
        for feeding in feedings(fact.route, body).iter().flatten() {
            self.feed(feeding, at, entry_event, &active);
        }
    }

    /// How a signal over data of abnormal customers may be read on a scene.
    pub(super) fn access(&self, signal: &Signal, question: &Question, scene: &Scene<'_>) -> Access {
        let traces = self.holders.get(&scene.holder).and_then(|state| state.traces.as_ref());
        let open = traces.and_then(|traces| Some((traces, traces.anomaly.as_ref()?)));
        let Some((traces, anomaly)) = open else { return Access::Closed };
        let since = anomaly.since;
        let Some(of) = signal.authorised_use() else { return Access::Open { since, by: None } };
        let feeds = question.feeds_read();
        let asked = AskedUse { of, feeds, at: scene.at, forgotten: self.horizons.authorisations };
        match traces.opened_by(asked) {
            Some(number) => Access::Open { since, by: Some(Arc::clone(number)) },
            None => Access::Closed,
        }
    }

    /// Whether nothing may be read of a question on a scene.
    pub(super) fn is_closed_to(&self, signal: &Signal, question: &Question, scene: &Scene<'_>) -> bool {
        question.is_of_abnormal() && matches!(self.access(signal, question, scene), Access::Closed)
    }

    /// The authorisations under which a condition is evaluated on a scene, each once.
    pub(super) fn authorisations_of(
        &self,
        condition: &Condition,
        scene: &Scene<'_>,
        active: &Active,
    ) -> Vec<Arc<str>> {
        let mut numbers: Vec<Arc<str>> = Vec::new();
        let signals = signals_of(condition, &active.set);
        for signal in signals.into_iter().filter_map(|number| active.set.signals.get(number)) {
            let number = self.authorisation_of(signal, scene);
            numbers.extend(number.filter(|number| !numbers.contains(number)));
        }
        numbers
    }

    /// The authorisation under which a signal is read on a scene.
    pub(super) fn authorisation_of(&self, signal: &Signal, scene: &Scene<'_>) -> Option<Arc<str>> {
        let question = signal.question().filter(|question| question.is_of_abnormal())?;
        scene.subject_of(signal)?;
        match self.access(signal, question, scene) {
            Access::Open { by, .. } => by,
            Access::Closed => None,
        }
    }

    /// A customer opens another use.
    pub(super) fn grant(
        &mut self,
        fact: &Fact,
        body: &FactBody,
        at: TimeMs,
        event: Fingerprint,
        out: Out<'_>,
    ) {
        let FactBody::AuthorisationGranted { number, opens, data, until } = body else { return };
        let known = self.holders.get_or_default(fact.route.token).traces_mut().numbered(number);
        if known.grant.is_some() {
            let reason = UnmatchedReason::AuthorisationKnown;
            out.push(Effect::Unmatched { event: fact.event, reason });
            return;
        }
        known.grant = Some(Grant { event, at, opens: *opens, data: *data, until: *until });
    }

    /// A customer takes an authorisation back: from here on nothing reads under it.
    pub(super) fn revoke(&mut self, fact: &Fact, number: &Arc<str>, out: Out<'_>) {
        let known = self.holders.get_or_default(fact.route.token).traces_mut().numbered(number);
        if known.revoked.is_some() {
            let reason = UnmatchedReason::AuthorisationOver;
            out.push(Effect::Unmatched { event: fact.event, reason });
            return;
        }
        known.revoked = Some(fact.at);
    }
}
