//! Authority orders, from what was said of each (S15).

use sha2::{Digest, Sha256};

use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::{
    Disposition, DispositionId, EndCause, Head, MeasureExtended, MeasureSet, NoticeReleased,
};
use crate::engine::evidence::Evidence;
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::{Life, OfOrder, OrderAct, OrderEvent, OrderGuard};
use crate::engine::measure::{Lane, Measure, Order as Witness};
use crate::engine::notice::{Notice, NoticeOf, RuleName, Telling};
use crate::engine::order::{OrderFact, OrderKind, OrderName, OrderSays, OrderTerms, Outcome};
use crate::engine::purpose::Purpose;
use crate::engine::subject::Party;
use crate::engine::verifying::HowToVerify;

use super::authority::Heard;
use super::proceedings::expected;
use super::retention::Class;
use super::time::Timer;
use super::{Cause, Occasion, Plain, PlainError};

/// Everything that was heard of one order.
pub(super) struct Order {
    holder: Token,
    name: OrderName,
    party: Party,
    /// The event that brought its text, and when.
    issued: Option<(Fingerprint, TimeMs)>,
    terms: Option<OrderTerms>,
    /// The times of all that was heard of it before its text.
    heard: Vec<TimeMs>,
    /// Ends of extensions that came too early.
    early_ends: Vec<TimeMs>,
    early_release: bool,
    /// The state it is in, by name.
    state: String,
    has_begun: bool,
    measure: Option<DispositionId>,
    /// The notice that waits, after it was deferred.
    waiting_notice: Option<Notice>,
    is_forgotten: bool,
}

/// What a step of the table is looked up by.
#[derive(Clone, Copy)]
struct Stimulus {
    on: OrderEvent,
    outcome: Outcome,
    new_end: Option<TimeMs>,
}

impl Plain {
    fn order_table(&self) -> Option<Life<OfOrder>> {
        self.rules.as_ref()?.lives.order.clone()
    }

    pub(super) fn hear_order(&mut self, occasion: Occasion, said: &OrderFact) -> Result<(), PlainError> {
        let holder = occasion.route.token;
        let cause = Cause { event: occasion.event, at: occasion.at };
        let same = |order: &Order| {
            (order.holder, &order.name, order.party.subject) == (holder, &said.name, said.party.subject)
        };
        let place = self.orders.iter().position(|order| same(order) && !order.is_forgotten);
        let may_end = matches!(said.says, OrderSays::Released) && place.is_some();
        if self.order_table().is_none() && !may_end {
            let reason = UnmatchedReason::OrdersNotConfigured;
            self.effects.push(Effect::Unmatched { event: occasion.event, reason });
            return Ok(());
        }
        let place = place.unwrap_or(self.orders.len());
        if place == self.orders.len() {
            self.orders.push(Order {
                holder,
                name: said.name.clone(),
                party: said.party.clone(),
                issued: None,
                terms: None,
                heard: Vec::new(),
                early_ends: Vec::new(),
                early_release: false,
                state: String::new(),
                has_begun: false,
                measure: None,
                waiting_notice: None,
                is_forgotten: false,
            });
        }
        let Some(order) = self.orders.get_mut(place) else { return Ok(()) };
        order.heard.push(occasion.at);
        let stimulus = |on, outcome| Stimulus { on, outcome, new_end: None };
        match (&said.says, order.terms.as_ref().map(|terms| terms.end)) {
            (OrderSays::Issued(_), Some(_)) => self.tell_authority(place, Outcome::Known, cause),
            (OrderSays::Issued(terms), None) => return self.take_up(place, terms, cause),
            (OrderSays::Released, Some(_)) => {
                return self.order_step(place, stimulus(OrderEvent::Released, Outcome::Released), cause);
            }
            (OrderSays::Extended { end }, Some(present)) if *end > present => {
                let moved = stimulus(OrderEvent::Extended, Outcome::Extended);
                return self.order_step(place, Stimulus { new_end: Some(*end), ..moved }, cause);
            }
            (OrderSays::Extended { .. }, Some(_)) => self.tell_authority(place, Outcome::NotLater, cause),
            (OrderSays::Answered(answer), Some(_)) => {
                let answered = stimulus(OrderEvent::Answered, Outcome::Answered(*answer));
                return self.order_step(place, answered, cause);
            }
            (early, None) => {
                order.early_release |= *early == OrderSays::Released;
                if let OrderSays::Extended { end } = early {
                    order.early_ends.push(*end);
                }
                self.tell_authority(place, Outcome::Remembered, cause);
            }
        }
        Ok(())
    }

    /// The order's own text came.
    fn take_up(&mut self, place: usize, terms: &OrderTerms, cause: Cause) -> Result<(), PlainError> {
        let Some(table) = self.order_table() else { return Ok(()) };
        let (newest, read) = (self.newest_time, self.partition_time);
        let Some(order) = self.orders.get_mut(place) else { return Ok(()) };
        let mut terms = terms.clone();
        terms.end = order.early_ends.iter().copied().fold(terms.end, TimeMs::max);
        let (start, end) = (terms.start, terms.end);
        order.issued = Some((cause.event, cause.at));
        order.terms = Some(terms);
        order.state = table.beginning().map(|state| state.name.to_string()).unwrap_or_default();
        let is_released = order.early_release;
        let step = |on, outcome| Stimulus { on, outcome, new_end: None };
        if is_released {
            return self.order_step(place, step(OrderEvent::Released, Outcome::Released), cause);
        }
        if end <= cause.at.max(newest) {
            return self.order_step(place, step(OrderEvent::Due, Outcome::Over), cause);
        }
        self.set_timer(end, Timer::OrderEnds(place));
        if start > cause.at.max(read) {
            self.set_timer(start, Timer::OrderStarts(place));
            return self.order_step(place, step(OrderEvent::Issued, Outcome::Waits), cause);
        }
        self.begin_order(place, Cause { at: cause.at.max(start), ..cause })
    }

    fn begin_order(&mut self, place: usize, cause: Cause) -> Result<(), PlainError> {
        self.order_step(
            place,
            Stimulus { on: OrderEvent::Started, outcome: Outcome::HandedOver, new_end: None },
            cause,
        )
    }

    pub(super) fn order_starts(&mut self, place: usize, due: TimeMs) -> Result<(), PlainError> {
        match self.orders.get(place).and_then(|order| order.issued) {
            Some((event, _)) => self.begin_order(place, Cause { event, at: due }),
            None => Ok(()),
        }
    }

    /// Its end, unless that has moved.
    pub(super) fn order_ends(&mut self, place: usize, due: TimeMs) -> Result<(), PlainError> {
        let Some(order) = self.orders.get(place) else { return Ok(()) };
        let (Some((event, _)), Some(terms)) = (order.issued, &order.terms) else { return Ok(()) };
        if terms.end != due {
            return Ok(());
        }
        let outcome = match (order.has_begun, order.measure) {
            (false, _) => Outcome::Over,
            (true, Some(_)) => Outcome::Expired,
            (true, None) if terms.kind == OrderKind::LinkedAccounts => Outcome::Expired,
            (true, None) => Outcome::Overdue,
        };
        let stimulus = Stimulus { on: OrderEvent::Due, outcome, new_end: None };
        self.order_step(place, stimulus, Cause { event, at: due })
    }

    /// Orders of a holder that ended long ago, or of which no text came.
    pub(super) fn forget_orders(&mut self, holder: Token) {
        let horizon = self.horizon(Class::Orders);
        for order in self.orders.iter_mut().filter(|order| order.holder == holder) {
            let end = order.terms.as_ref().map(|terms| terms.end);
            let last = end.or(order.heard.iter().max().copied());
            order.is_forgotten |= last.is_some_and(|last| last <= horizon);
        }
    }

    /// One step of the table, with its acts; without one, ends that no table may prevent, and an answer.
    fn order_step(&mut self, place: usize, stimulus: Stimulus, cause: Cause) -> Result<(), PlainError> {
        let Some(order) = self.orders.get_mut(place).filter(|order| !order.is_forgotten) else {
            return Ok(());
        };
        let restricts = order
            .terms
            .as_ref()
            .is_some_and(|terms| [OrderKind::StopPayment, OrderKind::Freeze].contains(&terms.kind));
        let asks_for_accounts =
            order.terms.as_ref().is_some_and(|terms| terms.kind == OrderKind::LinkedAccounts);
        let table = self.rules.as_ref().and_then(|rules| rules.lives.order.clone());
        let step = table.as_ref().and_then(|table| {
            let steps = table.steps.iter().filter(|step| step.on == stimulus.on);
            let mut from_here = steps
                .filter(|step| table.states.get(step.from).is_some_and(|from| *from.name == *order.state));
            from_here.find(|step| {
                step.only_if.iter().all(|guard| match guard {
                    OrderGuard::Restricts => restricts,
                    OrderGuard::Refers => asks_for_accounts,
                })
            })
        });
        let Some(step) = step else {
            let ends = matches!(stimulus.on, OrderEvent::Released | OrderEvent::Due);
            if ends && order.measure.is_some_and(|id| self.stands(id)) {
                self.end_ordered(place, stimulus.on, cause);
                self.tell_authority(place, stimulus.outcome, cause);
            } else if !matches!(stimulus.on, OrderEvent::Issued | OrderEvent::Started | OrderEvent::Due) {
                self.tell_authority(place, Outcome::Over, cause);
            }
            return Ok(());
        };
        let entered = table.as_ref().and_then(|table| table.states.get(step.to));
        order.state = entered.map(|state| state.name.to_string()).unwrap_or_default();
        order.has_begun |= stimulus.on == OrderEvent::Started;
        let mut is_referred = false;
        for act in step.acts.clone() {
            match act {
                OrderAct::Refer => is_referred |= asks_for_accounts && self.refer_ordered(place, cause),
                OrderAct::Set => self.set_ordered(place, cause)?,
                OrderAct::Prolong => self.move_end(place, stimulus.new_end, cause)?,
                OrderAct::End => self.end_ordered(place, stimulus.on, cause),
                OrderAct::Answer => {
                    let measure = self.orders.get(place).and_then(|order| order.measure);
                    let outcome = match (stimulus.on, measure) {
                        (OrderEvent::Started, Some(_)) => Outcome::Set,
                        _ if is_referred => Outcome::Referred,
                        _ => stimulus.outcome,
                    };
                    self.tell_authority(place, outcome, cause);
                }
            }
        }
        Ok(())
    }

    fn ordered_notice(
        &self,
        (name, rule): (&OrderName, &RuleName),
        terms: &OrderTerms,
        (start, id): (TimeMs, DispositionId),
    ) -> Result<Option<(Measure, Notice)>, PlainError> {
        let (Some(rules), Some(table)) = (&self.rules, self.order_table()) else { return Ok(None) };
        let (number, issuer) = (name.number.to_string(), name.issuer.to_string());
        let Some(witness) = Witness::new(number, issuer, terms.start, terms.end) else { return Ok(None) };
        let (measure, reason) = match terms.kind {
            OrderKind::StopPayment => (Measure::AuthorityStopPayment(witness), "order_stop_payment"),
            OrderKind::Freeze => (Measure::AuthorityFreeze(witness), "order_freeze"),
            OrderKind::Query | OrderKind::ReturnOfFunds | OrderKind::LinkedAccounts => return Ok(None),
        };
        let notice = rules.notices.compose(NoticeOf {
            reason,
            basis: &table.basis,
            rule: rule.clone(),
            measure: &measure,
            lane: Lane::Authority,
            start,
            end: terms.end,
            appeal: self.identity.id_key.appeal(id),
            verify: HowToVerify::NotAsked,
            recourse: expected(rules, &measure, Lane::Authority, false),
        })?;
        Ok(Some((measure, notice)))
    }

    fn set_ordered(&mut self, place: usize, cause: Cause) -> Result<(), PlainError> {
        let (Some(order), Some(table)) = (self.orders.get(place), self.order_table()) else { return Ok(()) };
        let (Some(terms), Some((event, _))) = (order.terms.clone(), order.issued) else { return Ok(()) };
        let at = cause.at;
        let rule = RuleName { id: table.id.clone(), version: table.version };
        let measure_name = match terms.kind {
            OrderKind::StopPayment => "authority_stop_payment",
            OrderKind::Freeze => "authority_freeze",
            OrderKind::Query | OrderKind::ReturnOfFunds | OrderKind::LinkedAccounts => return Ok(()),
        };
        let (party, holder) = (order.party.clone(), order.holder);
        let key = &self.identity.id_key;
        let id = key.disposition(IdKind::Set, &rule, party.subject, event, at, measure_name);
        let Some((measure, notice)) = self.ordered_notice((&order.name, &rule), &terms, (at, id))? else {
            return Ok(());
        };
        let (lane, purpose) = (Lane::Authority, Purpose::AUTHORITY);
        let head = Head { id, lane, rule, party, holder, event, at, purpose };
        let evidence = Evidence {
            digest: Sha256::digest([]).into(),
            strength_millionths: 1_000_000,
            ..Evidence::default()
        };
        let telling = match terms.telling {
            Telling::Deferred { until, .. } if until <= at => Telling::Now,
            other => other,
        };
        if let Telling::Deferred { until, .. } = &telling {
            self.set_timer(*until, Timer::NoticeDue(place));
        }
        let waiting = matches!(telling, Telling::Deferred { .. }).then(|| notice.clone());
        let set = MeasureSet::new(head, measure, notice, evidence).told(telling);
        self.effects.push(Effect::Disposed(Box::new(Disposition::MeasureSet(set.clone()))));
        let held = self.held_of_authority(set);
        self.measures.insert(id, held);
        if let Some(order) = self.orders.get_mut(place) {
            order.measure = Some(id);
            order.waiting_notice = waiting;
        }
        Ok(())
    }

    /// A lead about what is linked to the order's party.
    fn refer_ordered(&mut self, place: usize, cause: Cause) -> bool {
        let Some(order) = self.orders.get(place) else { return false };
        let Some((event, _)) = order.issued else { return false };
        let (name, party, holder) = (order.name.clone(), order.party.clone(), order.holder);
        let evidence = Evidence {
            digest: Sha256::digest([]).into(),
            strength_millionths: 1_000_000,
            ..Evidence::default()
        };
        self.refer_accounts(&name, &party, holder, Cause { event, at: cause.at }, evidence)
    }

    fn move_end(&mut self, place: usize, end: Option<TimeMs>, cause: Cause) -> Result<(), PlainError> {
        let Some(end) = end else { return Ok(()) };
        self.set_timer(end, Timer::OrderEnds(place));
        let Some(order) = self.orders.get_mut(place) else { return Ok(()) };
        let Some(terms) = &mut order.terms else { return Ok(()) };
        terms.end = end;
        let (terms, name) = (terms.clone(), order.name.clone());
        let (measure, waits) = (order.measure, order.waiting_notice.is_some());
        let Some(id) = measure.filter(|id| self.stands(*id)) else { return Ok(()) };
        let Some(held) = self.measures.get(&id) else { return Ok(()) };
        let head = held.set.head().clone();
        let (telling, evidence) = (held.set.telling().clone(), held.set.evidence().clone());
        let Some((measure, notice)) = self.ordered_notice((&name, &head.rule), &terms, (head.at, id))? else {
            return Ok(());
        };
        if let Some(held) = self.measures.get_mut(&id) {
            let set = MeasureSet::new(head.clone(), measure.clone(), notice.clone(), evidence);
            held.set = set.told(telling.clone());
        }
        if let Some(order) = self.orders.get_mut(place).filter(|_| waits) {
            order.waiting_notice = Some(notice.clone());
        }
        let key = &self.identity.id_key;
        let of = (&head.rule, head.party.subject);
        let (event, at) = (cause.event, cause.at);
        let extended_id = key.disposition(IdKind::Extended, of.0, of.1, event, at, measure.name());
        let is_told = !waits && terms.telling != Telling::ByAuthority;
        let head = Head { id: extended_id, event, at, ..head };
        let extended = MeasureExtended { head, extended: id, measure, notice, is_told };
        self.effects.push(Effect::Disposed(Box::new(Disposition::MeasureExtended(extended))));
        Ok(())
    }

    fn end_ordered(&mut self, place: usize, on: OrderEvent, cause: Cause) {
        let Some(id) = self.orders.get(place).and_then(|order| order.measure) else { return };
        if !self.stands(id) {
            return;
        }
        self.let_notice_go(place);
        let how = if on == OrderEvent::Released { EndCause::Released } else { EndCause::Expired };
        self.end_measure(id, how, cause, None);
        if let Some(window) = self.rules.as_ref().map(|rules| rules.settings.appeal_window) {
            self.set_timer(cause.at.plus(window), Timer::MeasureForgotten(id));
        }
    }

    /// A deferred notice that still waits leaves.
    pub(super) fn let_notice_go(&mut self, place: usize) {
        let Some(order) = self.orders.get_mut(place).filter(|order| !order.is_forgotten) else { return };
        let (Some(notice), Some(id)) = (order.waiting_notice.take(), order.measure) else { return };
        let Some(held) = self.measures.get(&id) else { return };
        let (head, measure) = (held.set.head().clone(), held.set.measure().clone());
        let released = NoticeReleased { head, measure, notice };
        self.effects.push(Effect::Disposed(Box::new(Disposition::NoticeReleased(released))));
    }

    /// What the authority is told.
    fn tell_authority(&mut self, place: usize, outcome: Outcome, cause: Cause) {
        let Some(order) = self.orders.get(place) else { return };
        let rule = match self.order_table() {
            Some(table) => RuleName { id: table.id, version: table.version },
            None => RuleName { id: "order".to_owned(), version: 0 },
        };
        let (party, holder, name) = (order.party.clone(), order.holder, order.name.clone());
        let set = (order.terms.as_ref().map(|terms| terms.kind), order.measure);
        let case = order.terms.as_ref().and_then(|terms| terms.case);
        self.let_hear(Heard { rule, party, holder, name, set, case }, outcome, cause);
    }

    /// Whether the person is told of a measure's end: not where its order leaves that to the authority.
    pub(super) fn tells_person(&self, id: DispositionId) -> bool {
        let order = self.orders.iter().find(|order| order.measure == Some(id));
        let telling = order.and_then(|order| Some(&order.terms.as_ref()?.telling));
        telling != Some(&Telling::ByAuthority)
    }
}
