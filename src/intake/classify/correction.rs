//! Corrections to facts: what the event gave before, paired with what it gives now.

use super::Destination;
use super::facts::{Facts, Maker, is_correctable};
use super::row::in_range;
use crate::codec::event::correction::{EventCorrected, EventState};
use crate::codec::event::{Event, EventType};
use crate::engine::base::TimeMs;
use crate::engine::fact::{Dated, Fact, FactBody, Feed, Side};
use crate::engine::subject::Subject;
use crate::intake::refusal::RefusalCode;

/// What one subject in one role had, and has now.
struct Pair {
    role: i8,
    route: Subject,
    destination: Destination,
    before: Option<Dated>,
    after: Option<Dated>,
}

impl Maker<'_> {
    /// One fact for each subject and role of the event as it was or is; where only one of the two
    /// concerned it, the other side is empty.
    pub fn correction(
        &mut self,
        corrected: &EventCorrected<'_>,
        at: TimeMs,
        record_time: TimeMs,
    ) -> Result<Facts, RefusalCode> {
        let id = &*corrected.original_event_id;
        if id.is_empty() {
            return Err(RefusalCode::EventIdMissing);
        }
        let original = self.keys.fingerprint(self.bounded(id)?);
        let kind = EventType::from_name(&corrected.original_type).ok_or(RefusalCode::TypeUnknown)?;
        if !is_correctable(kind) {
            return Err(RefusalCode::CorrectionTypeUnsupported);
        }
        if !self.mapping.accepts(kind) {
            return Err(RefusalCode::TypeNotAccepted);
        }
        if corrected.before.is_none() && corrected.after.is_none() {
            return Err(RefusalCode::CorrectionEmpty);
        }
        if let Some(after) = &corrected.after {
            self.not_ahead(after.time.0, record_time)?;
        }
        let before = self.state(kind, &corrected.before, "before.data")?;
        let after = self.state(kind, &corrected.after, "after.data")?;
        Ok(paired(before, after)
            .into_iter()
            .map(|pair| {
                let body = FactBody::Corrected { original, before: pair.before, after: pair.after };
                (pair.destination, Fact { event: self.event, at, route: pair.route, body })
            })
            .collect())
    }

    fn state(
        &mut self,
        kind: EventType,
        state: &Option<EventState<'_>>,
        prefix: &str,
    ) -> Result<Facts, RefusalCode> {
        let Some(state) = state else {
            return Ok(Vec::new());
        };
        let at = in_range(state.time.0)?;
        let event = Event::from_json(kind, state.data.get(), prefix, self.undeclared)?;
        self.facts(&event, at)
    }
}

/// Pairs facts of the same subject in the same role, in the order of roles.
fn paired(before: Facts, after: Facts) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = before
        .into_iter()
        .map(|(destination, fact)| Pair {
            role: role(&fact.body),
            route: fact.route,
            destination,
            before: Some(Dated { at: fact.at, body: Box::new(fact.body) }),
            after: None,
        })
        .collect();
    for (destination, fact) in after {
        let (role, route) = (role(&fact.body), fact.route);
        let after = Some(Dated { at: fact.at, body: Box::new(fact.body) });
        let open = |pair: &&mut Pair| (pair.role, pair.route) == (role, route) && pair.after.is_none();
        match pairs.iter_mut().find(open) {
            Some(pair) => pair.after = after,
            None => pairs.push(Pair { role, route, destination, before: None, after }),
        }
    }
    // Stable: within a role what was there before comes first.
    pairs.sort_by_key(|pair| pair.role);
    pairs
}

/// The role in which a fact concerns its subject: payer, payee, then the others in mapping order.
fn role(body: &FactBody) -> i8 {
    match body {
        // Before what is evaluated on the event.
        FactBody::TracesSeen { .. } => -1,
        FactBody::Transfer { side: Side::Payee, .. }
        | FactBody::FraudConfirmed { feed: Feed::FraudConfirmedPayee, .. } => 1,
        FactBody::Opening { co_holder: true, .. } => 2,
        FactBody::Met { feed, .. } => match feed {
            Feed::OpeningRequestedAgent => 4,
            Feed::OpeningRequestedPhoneNumber => 5,
            Feed::OpeningRequestedOutlet => 6,
            Feed::CardPaymentTerminal | Feed::FraudConfirmedTerminal => 7,
            Feed::OpeningRequestedAddress => 8,
            Feed::OpeningRequestedLegalRepresentative => 9,
            _ => 3,
        },
        _ => 0,
    }
}
