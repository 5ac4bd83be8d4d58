//! Time and timers (S2, S3).

use super::{EngineError, Out, Partition};
use crate::engine::base::{TimeMs, Token};
use crate::engine::disposition::EndCause;
use crate::engine::input::TimeMode;
use crate::engine::timer::Timer;

impl Partition {
    /// Moves partition time to what the sources allow, then fires what is due.
    pub(super) fn settle_time(&mut self, out: Out<'_>) -> Result<(), EngineError> {
        if self.identity.time == TimeMode::Broker {
            let counting = || self.coverage.sources.values().filter(|covered| !covered.is_over);
            let times = || counting().map(|covered| covered.time);
            self.partition_time = self.partition_time.max(times().min().unwrap_or(TimeMs::MIN));
            self.newest_time = self.newest_time.max(times().max().unwrap_or(TimeMs::MIN));
        }
        if self.horizons_of != self.newest_time {
            self.move_horizons();
        }
        while let Some((due, timer)) = self.timers.next_due(self.partition_time, self.newest_time) {
            self.tally.timers_fired += 1;
            self.fire(due, timer, out)?;
            self.settle_anomalies();
        }
        if self.sweep_due <= self.newest_time {
            self.sweep();
        }
        Ok(())
    }

    fn fire(&mut self, due: TimeMs, timer: Timer, out: Out<'_>) -> Result<(), EngineError> {
        match timer {
            Timer::MeasureExpires(id) => {
                let standing = self.measures.get(&id).filter(|measure| !measure.ended);
                let Some((event, holder, party)) = standing.map(|m| (m.event, m.holder, m.party.subject))
                else {
                    return Ok(());
                };
                self.end_measure(id, EndCause::Expired, event, due, None, out);
                // A request whose refusal or check ran out waits no longer.
                self.change_request(holder, party.token, |request| {
                    request.lapsed |= request.answer.disposition() == Some(id);
                });
                Ok(())
            }
            Timer::MeasureForgotten(id) => {
                self.forget_measure(id);
                Ok(())
            }
            Timer::HoldsEnd(holder) => {
                self.end_holds(holder, due);
                Ok(())
            }
            Timer::ReservationLapses { holder, opening } => {
                self.lapse(holder, opening, due, out);
                Ok(())
            }
            Timer::AppealDue { measure, entered, .. } => {
                self.appeal_due(measure, entered, due, out);
                Ok(())
            }
            Timer::MeasureDue { measure, entered, .. } => self.life_due(measure, entered, due, out),
            Timer::Lead { route, lead, moment } => self.lead_due((route, lead, moment), due, out),
            Timer::Entry { holder, entry, moment } => self.entry_due((holder, entry, moment), due, out),
            Timer::Special { heard, moment } => {
                self.special_due(heard, moment, due, out);
                Ok(())
            }
            Timer::Order { holder, order, moment } => self.order_due((holder, order, moment), due, out),
        }
    }

    fn lapse(&mut self, holder: Token, opening: Token, due: TimeMs, out: Out<'_>) {
        let Some(known) = self.holders.get_mut(&holder).and_then(|state| state.opening_mut(opening)) else {
            return;
        };
        let settled = known.is_settled();
        let Some(request) = known.request.as_mut() else { return };
        if settled || request.lapsed || request.reserved_until != Some(due) {
            return;
        }
        request.lapsed = true;
        let request = request.clone();
        if request.published {
            self.publish_lapse(&request, holder, due, out);
        }
        if let Some(id) = request.answer.disposition() {
            self.end_if_standing(id, EndCause::OpeningSettled, request.reserved_by, due, out);
        }
    }
}
