//! Data of abnormal customers, and who authorised another use of it (S22).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::authorisation::{AuthorisedUse, TraceClass, TraceClasses};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::fact::{FactBody, Feed};
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::measure::Lane;
use crate::engine::purpose::Purpose;
use crate::engine::signal::{Question, Signal};
use crate::engine::subject::Subject;

use super::measures::Held;
use super::retention::Class;
use super::signals::entries_of;
use super::values::Reading;
use super::{Occasion, Plain};

/// The anomaly that is open on a holder.
pub(super) struct Anomaly {
    since: TimeMs,
    /// Where traces were written because of it.
    logs: BTreeSet<Subject>,
}

/// What was said of an authorisation.
pub(super) struct Said {
    holder: Token,
    number: Arc<str>,
    what: What,
}

enum What {
    Granted { source: Fingerprint, at: TimeMs, opens: AuthorisedUse, data: TraceClasses, until: TimeMs },
    Revoked { at: TimeMs },
}

/// Whether a question reads traces at all.
pub(super) fn reads_traces(question: &Question) -> bool {
    let feeds = question.feeds | question.returned_by;
    feeds & (Feed::DeviceSeenCustomer.bit() | Feed::LocationSeenCustomer.bit()) != 0
}

fn is_grave(held: &Held) -> bool {
    let appealed = held.proceeding.as_ref().is_some_and(|proceeding| proceeding.is_open);
    held.set.head().lane == Lane::Anomaly && !held.is_forgotten && (held.ended.is_none() || appealed)
}

impl Plain {
    /// Once all is done that follows from a fact, a report or a timer: who is an abnormal customer now.
    pub(super) fn look_at_anomalies(&mut self) {
        for holder in std::mem::take(&mut self.concerned) {
            let measures = self.measures_of.get(&holder).into_iter().flatten();
            let grave = measures.filter_map(|id| self.measures.get(id)).filter(|held| is_grave(held));
            let earliest = grave.map(|held| held.set.notice().start).min();
            match (earliest, self.anomalies.contains_key(&holder)) {
                (Some(since), false) => {
                    self.anomalies.insert(holder, Anomaly { since, logs: BTreeSet::new() });
                }
                (None, true) => {
                    let over = self.anomalies.remove(&holder);
                    for subject in over.into_iter().flat_map(|anomaly| anomaly.logs) {
                        let log = self.logs.entry(subject).or_default();
                        log.retain(|entry| {
                            !matches!(entry.feed, Feed::DeviceSeenCustomer | Feed::LocationSeenCustomer)
                        });
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether traces of a time are taken down of a holder.
    pub(super) fn takes_traces(&self, holder: Token, at: TimeMs) -> bool {
        self.anomalies.get(&holder).is_some_and(|anomaly| anomaly.since <= at)
    }

    pub(super) fn take_traces(&mut self, occasion: Occasion, body: &FactBody) {
        let FactBody::TracesSeen { party, .. } = body else { return };
        let holder = occasion.route.token;
        let openings = self.holders.get(&holder);
        let is_closed = openings.is_some_and(|openings| openings.is_closed(party.subject, occasion.at));
        if is_closed || !self.takes_traces(holder, occasion.at) {
            return;
        }
        let entries = entries_of(occasion, body);
        if let Some(anomaly) = self.anomalies.get_mut(&holder) {
            anomaly.logs.extend(entries.iter().map(|(subject, _)| *subject));
        }
        self.insert_entries(entries);
    }

    /// Since when what a question reads has been taken down; nothing if it may not be read. Questions about
    /// anything else are read as they are.
    pub(super) fn readable_since(
        &self,
        signal: &Signal,
        question: &Question,
        reading: Reading,
    ) -> Option<TimeMs> {
        if !reads_traces(question) {
            return Some(TimeMs::MIN);
        }
        let since = self.anomalies.get(&reading.holder)?.since;
        match use_to_open(signal) {
            None => Some(since),
            Some(_) => self.authorised_by(signal, question, reading).map(|_| since),
        }
    }

    /// The number of the authorisation under which a signal is read.
    pub(super) fn authorisation(&self, signal: &Signal, reading: Reading) -> Option<Arc<str>> {
        let question = signal.question().filter(|question| reads_traces(question))?;
        self.readable_since(signal, question, reading)?;
        self.authorised_by(signal, question, reading)
    }

    fn authorised_by(&self, signal: &Signal, question: &Question, reading: Reading) -> Option<Arc<str>> {
        let wanted = use_to_open(signal)?;
        let feeds = question.feeds | question.returned_by;
        let mut first: Option<(TimeMs, &Arc<str>)> = None;
        for said in self.authorisations.iter().filter(|said| said.holder == reading.holder) {
            let What::Granted { at, opens, data, until, .. } = &said.what else { continue };
            let covers = (feeds & Feed::DeviceSeenCustomer.bit() == 0 || data.has(TraceClass::Device))
                && (feeds & Feed::LocationSeenCustomer.bit() == 0 || data.has(TraceClass::Location));
            let holds = *at <= reading.at && reading.at < *until && *opens == wanted && covers;
            let is_void = self.was_revoked(said.holder, &said.number)
                || self.over_at(said.holder, &said.number) <= self.horizon(Class::Authorisations);
            if holds && !is_void && first.is_none_or(|(earlier, _)| *at < earlier) {
                first = Some((*at, &said.number));
            }
        }
        first.map(|(_, number)| Arc::clone(number))
    }

    pub(super) fn grant(&mut self, occasion: Occasion, body: &FactBody) {
        let FactBody::AuthorisationGranted { number, opens, data, until } = body else { return };
        let holder = occasion.route.token;
        let same = |said: &&Said| said.holder == holder && said.number == *number;
        let granted = |said: &Said| matches!(said.what, What::Granted { .. });
        if self.authorisations.iter().filter(same).any(granted) {
            let reason = UnmatchedReason::AuthorisationKnown;
            self.effects.push(Effect::Unmatched { event: occasion.event, reason });
            return;
        }
        let (opens, data, until) = (*opens, *data, *until);
        let what = What::Granted { source: occasion.source, at: occasion.at, opens, data, until };
        self.authorisations.push(Said { holder, number: Arc::clone(number), what });
    }

    pub(super) fn revoke(&mut self, occasion: Occasion, number: &Arc<str>) {
        let holder = occasion.route.token;
        if self.was_revoked(holder, number) {
            let reason = UnmatchedReason::AuthorisationOver;
            self.effects.push(Effect::Unmatched { event: occasion.event, reason });
            return;
        }
        let what = What::Revoked { at: occasion.at };
        self.authorisations.push(Said { holder, number: Arc::clone(number), what });
    }

    /// A correction takes the grants of its original out.
    pub(super) fn ungrant(&mut self, holder: Token, event: Fingerprint) {
        self.authorisations.retain(|said| {
            let is_of_event = matches!(said.what, What::Granted { source, .. } if source == event);
            said.holder != holder || !is_of_event
        });
    }

    pub(super) fn forget_authorisations(&mut self, holder: Token) {
        let horizon = self.horizon(Class::Authorisations);
        let of_holder = self.authorisations.iter().filter(|said| said.holder == holder);
        let numbers: BTreeSet<Arc<str>> = of_holder.map(|said| Arc::clone(&said.number)).collect();
        for number in numbers {
            if self.over_at(holder, &number) <= horizon {
                self.authorisations.retain(|said| said.holder != holder || said.number != number);
            }
        }
    }

    fn was_revoked(&self, holder: Token, number: &Arc<str>) -> bool {
        let mut same =
            self.authorisations.iter().filter(|said| said.holder == holder && said.number == *number);
        same.any(|said| matches!(said.what, What::Revoked { .. }))
    }

    /// The last moment that matters of an authorisation.
    fn over_at(&self, holder: Token, number: &Arc<str>) -> TimeMs {
        let was_revoked = self.was_revoked(holder, number);
        let same = self.authorisations.iter().filter(|said| said.holder == holder && said.number == *number);
        let moment = |said: &Said| match said.what {
            What::Granted { at, .. } if was_revoked => at,
            What::Granted { until, .. } => until,
            What::Revoked { at } => at,
        };
        same.map(moment).max().unwrap_or(TimeMs::MIN)
    }
}

/// The use that must be opened by the customer; fraud prevention needs not.
fn use_to_open(signal: &Signal) -> Option<AuthorisedUse> {
    if signal.purpose == Purpose::VICTIM {
        return Some(AuthorisedUse::Victim);
    }
    (signal.purpose == Purpose::PROTECTION).then_some(AuthorisedUse::Protection)
}
