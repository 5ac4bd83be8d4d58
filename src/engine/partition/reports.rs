//! Reports: what partitions tell each other, and what becomes of it at the receiver (S9, DESIGN D3).

use std::sync::Arc;

use super::rules::Scene;
use super::{Active, EngineError, Out, Partition};
use crate::engine::attributes::{Attributes, Field};
use crate::engine::holder::{Answer, Holder};
use crate::engine::input::Effect;
use crate::engine::planted::{Planted, is_planted};
use crate::engine::report::{Report, ReportBody, ReportPos, Standing};
use crate::engine::rule::Trigger;
use crate::engine::signal::Tell;
use crate::engine::state::RuleCount;
use crate::engine::subject::{Subject, SubjectKind};

impl Partition {
    /// Sends a report: at once if it stays here, else with its position.
    pub(super) fn send(
        &mut self,
        destination: u32,
        body: ReportBody,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        if destination == self.identity.partition {
            return self.take_in(&body, Some(active), self.identity.partition, out);
        }
        let pos = ReportPos { offset: self.offset, ordinal: self.report_count };
        self.report_count += 1;
        let previous = self.ledger.sent.insert(destination, pos);
        let origin = self.identity.partition;
        out.push(Effect::Reported(Box::new(Report { origin, destination, pos, previous, body })));
        Ok(())
    }

    /// A report arrived in a facts record.
    pub(super) fn receive(&mut self, report: &Report, out: Out<'_>) -> Result<(), EngineError> {
        if report.destination != self.identity.partition {
            return Ok(());
        }
        let last = self.ledger.received.get(&report.origin).copied();
        if last.is_some_and(|last| report.pos <= last) {
            self.tally.reports_stale += 1;
            return Ok(());
        }
        if report.previous != last && !is_planted(Planted::ReportPredecessor) {
            self.tally.reports_gap += 1;
            return Ok(());
        }
        self.ledger.received.insert(report.origin, report.pos);
        self.tally.reports_applied += 1;
        let active = self.rules.clone();
        self.take_in(&report.body, active.as_ref(), report.origin, out)
    }

    fn take_in(
        &mut self,
        body: &ReportBody,
        active: Option<&Arc<Active>>,
        origin: u32,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        match body {
            ReportBody::Standing(standing) => self.stand(standing, active, out),
            ReportBody::Fallen { signal, about, holder, .. } => {
                if let Some(state) = self.holders.get_mut(holder) {
                    state.standings.retain(|known| !(known.signal == *signal && known.about == *about));
                }
                Ok(())
            }
            ReportBody::RuleCounted { rule, count } => {
                let counts = self.heard.entry(rule.to_string()).or_default();
                counts.insert(origin, *count);
                let count = RuleCount::total(counts.values());
                let Some(active) = active else { return Ok(()) };
                for destination in 0..self.identity.partitions {
                    let body = ReportBody::RuleTotalled { rule: Arc::clone(rule), count };
                    self.send(destination, body, active, out)?;
                }
                Ok(())
            }
            ReportBody::RuleTotalled { rule, count } => {
                self.totals.insert(rule.to_string(), *count);
                self.watch(rule, count, out);
                Ok(())
            }
        }
    }

    fn stand(
        &mut self,
        standing: &Standing,
        active: Option<&Arc<Active>>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        self.forget_of(Subject::new(SubjectKind::Holder, standing.holder));
        let forgotten = self.horizons.telling;
        self.holders.get_or_default(standing.holder).stand(standing.clone(), forgotten);
        let Some(active) = active else { return Ok(()) };
        let Some(number) = active.index.signal_number(&standing.signal) else { return Ok(()) };
        let told_payee = active.set.signals.get(number).and_then(|signal| signal.report);
        if told_payee.is_some_and(|report| report.tell == Tell::Payee) {
            self.feed_passed_on(standing, active);
        }
        let target = standing.target.subject;
        let state = self.holders.get(&standing.holder);
        let request = state.and_then(|state| state.opening(target.token)?.request.as_ref());
        let known = match request.filter(|_| target.kind == SubjectKind::Opening) {
            Some(request) => self.of_request(request, standing.holder),
            None => Holder::said_of(state, target, standing.at, Attributes::default()),
        };
        let scene = Scene {
            trigger: Trigger::Report(number),
            party: &standing.target,
            holder: standing.holder,
            other: (standing.about.kind == SubjectKind::Counterparty).then_some(standing.about.token),
            place: None,
            attributes: known.with(Field::Amount, standing.amount.and_then(crate::engine::base::Money::fen)),
            event: standing.event,
            entry: standing.event,
            at: standing.at,
            left_out: None,
        };
        if standing.target.subject.kind != SubjectKind::Opening {
            return self.run_rules(&scene, active, out);
        }
        let opening =
            self.holders.get(&standing.holder).and_then(|state| state.opening(standing.target.subject.token));
        let waits = opening.is_some_and(|opening| {
            opening.is_pending()
                && opening.request.as_ref().is_some_and(|request| request.answer == Answer::Accepted)
        });
        if waits {
            self.run_opening_rules(&scene, active, out)?;
        }
        Ok(())
    }
}
