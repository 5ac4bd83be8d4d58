//! Authority orders: obeyed from their start to their end, released by themselves, answered at each step (S15).
//!
//! The table says what follows; that a measure ends with its order, and with its release, does not depend
//! on a table.

use std::sync::Arc;

use super::authority::Answer;
use super::happens::{Happens, measure_of, order_evidence};
use super::publish::{Draft, Of};
use super::{Active, EngineError, Out, Partition};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::{
    Disposition, DispositionId, EndCause, Head, MeasureExtended, NoticeReleased,
};
use crate::engine::fact::Fact;
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::{Life, OfOrder, OrderAct, OrderGuard};
use crate::engine::measure::Lane;
use crate::engine::notice::{NoticeOf, RuleName, Telling};
use crate::engine::order::{
    IssuedOrder, OrderFact, OrderKind, OrderMoment, OrderSays, OrderState, OrderTerms, Outcome,
};
use crate::engine::purpose::Purpose;
use crate::engine::timer::Timer;
use crate::engine::verifying::{HowToVerify, Risk};

/// The rule name of what is answered while no table is in force.
const ORDER: &str = "order";

/// Which order of which holder.
#[derive(Clone, Copy)]
struct Which {
    holder: Token,
    heard: Fingerprint,
}

/// An event and its time, or what was due and when.
type Cause = (Fingerprint, TimeMs);

impl Active {
    fn order_life(&self) -> Option<&Life<OfOrder>> {
        self.set.lives.order.as_ref()
    }
}

impl Partition {
    pub(super) fn apply_order(
        &mut self,
        fact: &Fact,
        said: &OrderFact,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let holder = fact.route.token;
        let known = self.holders.get(&holder).and_then(|h| h.order_named(&said.name, said.party.subject));
        let has_table = self.rules.as_ref().is_some_and(|active| active.order_life().is_some());
        if !has_table && (known.is_none() || said.says != OrderSays::Released) {
            let reason = UnmatchedReason::OrdersNotConfigured;
            out.push(Effect::Unmatched { event: fact.event, reason });
            return Ok(());
        }
        let heard = known.unwrap_or_else(|| self.hear_of_order(fact, said));
        let which = Which { holder, heard };
        let cause = (fact.event, fact.at);
        let Some(order) = self.order_mut(which) else { return Ok(()) };
        order.last_heard = order.last_heard.max(fact.at);
        match (&said.says, &order.issued) {
            (OrderSays::Issued(_), Some(_)) => self.answer_order(which, Outcome::Known, cause, out),
            (OrderSays::Issued(terms), None) => return self.issue(which, terms, cause, out),
            (OrderSays::Extended { end }, None) => {
                order.extended_to = order.extended_to.max(Some(*end));
                self.answer_order(which, Outcome::Remembered, cause, out);
            }
            (OrderSays::Extended { end }, Some(issued)) if *end <= issued.terms.end => {
                self.answer_order(which, Outcome::NotLater, cause, out);
            }
            (OrderSays::Extended { end }, Some(_)) => {
                return self.live_order(which, Happens::Extended(*end), cause, out);
            }
            (OrderSays::Released, None) => {
                order.released = true;
                self.answer_order(which, Outcome::Remembered, cause, out);
            }
            (OrderSays::Released, Some(_)) => return self.live_order(which, Happens::Released, cause, out),
            (OrderSays::Answered(_), None) => self.answer_order(which, Outcome::Remembered, cause, out),
            (OrderSays::Answered(answer), Some(_)) => {
                return self.live_order(which, Happens::Answered(*answer), cause, out);
            }
        }
        Ok(())
    }

    fn hear_of_order(&mut self, fact: &Fact, said: &OrderFact) -> Fingerprint {
        let order = OrderState {
            heard: fact.event,
            name: said.name.clone(),
            party: said.party.clone(),
            issued: None,
            last_heard: fact.at,
            extended_to: None,
            released: false,
        };
        let holder = self.holders.get_or_default(fact.route.token);
        holder.authority.get_or_insert_default().orders.push(order);
        fact.event
    }

    fn order_mut(&mut self, which: Which) -> Option<&mut OrderState> {
        self.holders.get_mut(&which.holder)?.order_mut(which.heard)
    }

    fn order(&self, which: Which) -> Option<&OrderState> {
        self.holders.get(&which.holder)?.order(which.heard)
    }

    fn issued_mut(&mut self, which: Which) -> Option<&mut IssuedOrder> {
        self.order_mut(which)?.issued.as_mut()
    }

    /// The text of an order is known now: it acts, waits, or never acts.
    fn issue(
        &mut self,
        which: Which,
        terms: &OrderTerms,
        cause: Cause,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let (event, at) = cause;
        let active = self.rules.as_ref();
        let first =
            active.and_then(|active| active.order_life()?.beginning().map(|first| first.name.clone()));
        let (newest, read) = (self.newest_time, self.partition_time);
        let (Some(order), Some(state)) = (self.order_mut(which), first) else { return Ok(()) };
        let end = order.extended_to.map_or(terms.end, |end| end.max(terms.end));
        let start = terms.start;
        let terms = OrderTerms { end, ..terms.clone() };
        let released = order.released;
        order.issued = Some(IssuedOrder { terms, event, at, state, begun: false, measure: None, held: None });
        if released {
            return self.live_order(which, Happens::Released, cause, out);
        }
        if end <= at || end <= newest {
            return self.live_order(which, Happens::Due, cause, out);
        }
        self.set_order_timer(end, which, OrderMoment::Ends);
        if at < start && read < start {
            self.set_order_timer(start, which, OrderMoment::Starts);
            return self.live_order(which, Happens::Issued, cause, out);
        }
        self.live_order(which, Happens::Started, (event, at.max(start)), out)
    }

    fn set_order_timer(&mut self, due: TimeMs, which: Which, moment: OrderMoment) {
        self.timers.set(due, Timer::Order { holder: which.holder, order: which.heard, moment });
    }

    /// Something is due in the life of an order.
    pub(super) fn order_due(
        &mut self,
        (holder, order, moment): (Token, Fingerprint, OrderMoment),
        due: TimeMs,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let which = Which { holder, heard: order };
        let Some(issued) = self.order(which).and_then(|order| order.issued.as_ref()) else { return Ok(()) };
        let cause = (issued.event, due);
        match moment {
            OrderMoment::Starts => self.live_order(which, Happens::Started, cause, out),
            // An order that was extended has another end.
            OrderMoment::Ends if issued.terms.end == due => self.live_order(which, Happens::Due, cause, out),
            OrderMoment::Ends => Ok(()),
            OrderMoment::Tells => {
                self.release_notice(which, out);
                Ok(())
            }
        }
    }

    /// Takes the step of the table, if there is one, and does what it says.
    fn live_order(
        &mut self,
        which: Which,
        happens: Happens,
        cause: Cause,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let active = self.rules.clone();
        let Some(issued) = self.order(which).and_then(|order| order.issued.as_ref()) else { return Ok(()) };
        let kind = issued.terms.kind;
        let life = active.as_ref().and_then(|active| active.order_life());
        let step = life.and_then(|life| {
            life.next(&issued.state, happens.event(), |guard| match guard {
                OrderGuard::Restricts => kind.restricts(),
                OrderGuard::Refers => kind == OrderKind::LinkedAccounts,
            })
        });
        let outcome = happens.outcome(issued);
        let begins = matches!(happens, Happens::Started);
        let entered = life.zip(step).and_then(|(life, step)| life.state(step.to));
        if let (Some(state), Some(issued)) = (entered, self.issued_mut(which)) {
            issued.state = Arc::clone(&state.name);
            issued.begun |= begins;
        }
        let (mut answered, mut referred) = (false, false);
        for act in step.iter().flat_map(|step| &step.acts) {
            match (act, &active, happens) {
                (OrderAct::Set, Some(active), _) => self.carry_out(which, cause, active, out)?,
                (OrderAct::Prolong, Some(active), Happens::Extended(end)) => {
                    self.prolong(which, end, cause, active, out)?;
                }
                (OrderAct::End, _, _) => self.end_order(which, happens, cause, out),
                (OrderAct::Answer, _, _) => {
                    let is_set = self.order(which).is_some_and(OrderState::has_measure);
                    let outcome = match (begins && is_set, referred) {
                        (true, _) => Outcome::Set,
                        (false, true) => Outcome::Referred,
                        (false, false) => outcome,
                    };
                    self.answer_order(which, outcome, cause, out);
                    answered = true;
                }
                (OrderAct::Refer, Some(active), _) => referred |= self.refer_order(which, cause, active, out),
                (OrderAct::Set | OrderAct::Prolong | OrderAct::Refer, _, _) => {}
            }
        }
        if step.is_none() && self.end_order_anyhow(which, happens, cause, out) {
            self.answer_order(which, outcome, cause, out);
            answered = true;
        }
        if step.is_none() && !answered && happens.was_said() {
            self.answer_order(which, Outcome::Over, cause, out);
        }
        Ok(())
    }

    /// Sets the measure that the order asks for.
    fn carry_out(
        &mut self,
        which: Which,
        (_, at): Cause,
        active: &Active,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(order) = self.order(which).cloned() else { return Ok(()) };
        let Some(issued) = &order.issued else { return Ok(()) };
        let terms = &issued.terms;
        let (Some(measure), Some(life)) = (measure_of(&order.name, terms), active.order_life()) else {
            return Ok(());
        };
        let draft = Draft {
            rule: RuleName { id: life.id.clone(), version: life.version },
            lane: Lane::Authority,
            measure,
            reason: terms.kind.reason(),
            basis: &life.basis,
            party: &order.party,
            holder: which.holder,
            event: issued.event,
            at,
            end: terms.end,
            purpose: Purpose::AUTHORITY,
            evidence: order_evidence(),
            ground: None,
            of: Of::First(Risk::default()),
        };
        // A deferral that is over is none.
        let telling = match &terms.telling {
            Telling::Deferred { until, .. } if *until <= at => Telling::Now,
            telling => telling.clone(),
        };
        let set = self.make_measure(draft, false, active)?.told(telling.clone());
        let id = set.head().id;
        let mut held = None;
        if let Telling::Deferred { until, .. } = telling {
            held = Some(set.notice().clone());
            self.set_order_timer(until, which, OrderMoment::Tells);
        }
        if let Some(issued) = self.issued_mut(which) {
            issued.measure = Some((id, at));
            issued.held = held;
        }
        out.push(Effect::Disposed(Box::new(Disposition::MeasureSet(set))));
        Ok(())
    }

    /// What the order asks to be looked into is referred, if it asks that and somebody is to be told.
    fn refer_order(&mut self, which: Which, (_, at): Cause, active: &Active, out: Out<'_>) -> bool {
        let Some(order) = self.order(which).cloned() else { return false };
        let Some(issued) = order.issued.filter(|issued| issued.terms.kind == OrderKind::LinkedAccounts)
        else {
            return false;
        };
        self.refer_linked(&order.name, &order.party, which.holder, (issued.event, at), active, out)
    }

    /// Moves the order's end; its measure goes on until then.
    fn prolong(
        &mut self,
        which: Which,
        end: TimeMs,
        (event, at): Cause,
        active: &Active,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        self.set_order_timer(end, which, OrderMoment::Ends);
        let Some(issued) = self.issued_mut(which) else { return Ok(()) };
        issued.terms.end = end;
        let Some(order) = self.order(which).cloned() else { return Ok(()) };
        let Some(issued) = order.issued else { return Ok(()) };
        let (Some((id, since)), Some(measure)) = (issued.measure, measure_of(&order.name, &issued.terms))
        else {
            return Ok(());
        };
        let Some(standing) = self.measures.get_mut(&id).filter(|standing| !standing.ended) else {
            return Ok(());
        };
        standing.end = end;
        standing.measure = measure.clone();
        let standing = standing.clone();
        let basis = active.order_life().map_or("", |life| life.basis.as_str());
        let notice = active.set.notices.compose(NoticeOf {
            reason: issued.terms.kind.reason(),
            basis,
            rule: standing.rule.clone(),
            measure: &measure,
            lane: standing.lane,
            start: since,
            end,
            appeal: standing.appeal,
            // An authority asks nobody to be verified.
            verify: HowToVerify::NotAsked,
            recourse: active.set.recourse(&standing.appealed(false)),
        })?;
        let is_told = issued.held.is_none() && issued.terms.telling != Telling::ByAuthority;
        if issued.held.is_some()
            && let Some(issued) = self.issued_mut(which)
        {
            issued.held = Some(notice.clone());
        }
        let key = &self.identity.id_key;
        let party = standing.party.subject;
        let head = Head {
            id: key.disposition(IdKind::Extended, &standing.rule, party, event, at, measure.name()),
            lane: standing.lane,
            rule: standing.rule,
            party: standing.party,
            holder: standing.holder,
            event,
            at,
            purpose: standing.purpose,
        };
        let extended = MeasureExtended { head, extended: id, measure, notice, is_told };
        out.push(Effect::Disposed(Box::new(Disposition::MeasureExtended(extended))));
        Ok(())
    }

    /// Ends the measure of an order that still stands; a notice that was deferred leaves first.
    fn end_order(&mut self, which: Which, happens: Happens, (event, at): Cause, out: Out<'_>) {
        let measure = self.order(which).and_then(|order| order.issued.as_ref()?.measure);
        let Some((id, _)) = measure.filter(|(id, _)| self.is_standing(*id)) else { return };
        self.release_notice(which, out);
        let cause = if matches!(happens, Happens::Released) { EndCause::Released } else { EndCause::Expired };
        self.end_measure(id, cause, event, at, None, out);
        if let Some(active) = &self.rules {
            let forgotten = at.plus(active.set.settings.appeal_window);
            self.timers.set(forgotten, Timer::MeasureForgotten(id));
        }
    }

    /// No table can keep a measure beyond its order.
    fn end_order_anyhow(&mut self, which: Which, happens: Happens, cause: Cause, out: Out<'_>) -> bool {
        let ends = matches!(happens, Happens::Released | Happens::Due);
        let measure = self.order(which).and_then(|order| order.issued.as_ref()?.measure);
        let stands = measure.is_some_and(|(id, _)| self.is_standing(id));
        if ends && stands {
            self.end_order(which, happens, cause, out);
        }
        ends && stands
    }

    fn is_standing(&self, id: DispositionId) -> bool {
        self.measures.get(&id).is_some_and(|measure| !measure.ended)
    }

    /// A deferred notice leaves, if it has not.
    fn release_notice(&mut self, which: Which, out: Out<'_>) {
        let Some(issued) = self.issued_mut(which) else { return };
        let (Some(notice), Some((id, since))) = (issued.held.take(), issued.measure) else { return };
        let Some(standing) = self.measures.get(&id) else { return };
        let head = Head {
            id,
            lane: standing.lane,
            rule: standing.rule.clone(),
            party: standing.party.clone(),
            holder: standing.holder,
            event: standing.event,
            at: since,
            purpose: standing.purpose,
        };
        let released = NoticeReleased { head, measure: standing.measure.clone(), notice };
        out.push(Effect::Disposed(Box::new(Disposition::NoticeReleased(released))));
    }

    /// Tells the authority what became of its order.
    fn answer_order(&self, which: Which, outcome: Outcome, cause: Cause, out: Out<'_>) {
        let Some(order) = self.order(which) else { return };
        let life = self.rules.as_ref().and_then(|active| active.order_life());
        let rule = match life {
            Some(life) => RuleName { id: life.id.clone(), version: life.version },
            None => RuleName { id: ORDER.to_owned(), version: 0 },
        };
        let issued = order.issued.as_ref();
        let (party, name) = (order.party.clone(), order.name.clone());
        let kind = issued.map(|issued| issued.terms.kind);
        let case = issued.and_then(|issued| issued.terms.case);
        let measure = issued.and_then(|issued| issued.measure).map(|(id, _)| id);
        let holder = which.holder;
        let answer = Answer { rule, party, holder, name, outcome, kind, case, measure };
        self.answer_authority(answer, cause, out);
    }

    /// Whether we tell the person of a measure: not when its authority does so itself.
    pub(super) fn tells_of(&self, holder: Token, id: DispositionId) -> bool {
        let authority = self.holders.get(&holder).and_then(|holder| holder.authority.as_ref());
        let mut issued =
            authority.iter().flat_map(|all| &all.orders).filter_map(|order| order.issued.as_ref());
        let of = issued.find(|issued| issued.measure.is_some_and(|(measure, _)| measure == id));
        of.is_none_or(|issued| issued.terms.telling != Telling::ByAuthority)
    }
}
