//! Lives of measures: what follows on an event or a deadline, and what a step does (S14).

use super::{Active, EngineError, Out, Partition};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::{
    Disposition, DispositionId, EndCause, Head, HeldBack, MeasureMoved, ToldAgain,
};
use crate::engine::fact::{Fact, MeasureNews};
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::{Due, Life, MeasureAct, MeasureEvent, MeasureGuard, OfMeasure};
use crate::engine::measure::{Lane, Measure, MeasureKind};
use crate::engine::notice::{Notice, NoticeOf};
use crate::engine::state::{Living, MeasureState, Override};
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::engine::timer::Timer;
use crate::engine::verifying::{HowToVerify, Risk};

/// Two measures that leave a phone card without calls.
const HARD_ON_LINES: [&str; 2] = ["phone_card_limit", "phone_card_suspend"];

/// What caused a step.
#[derive(Clone, Copy)]
pub(super) struct Cause {
    pub on: MeasureEvent,
    pub event: Fingerprint,
    pub at: TimeMs,
}

/// A step that is about to be taken.
struct Move<'a> {
    life: &'a Life<OfMeasure>,
    to: usize,
    acts: &'a [MeasureAct],
}

/// What a measure that follows another is set to.
pub(super) struct Next {
    pub act: MeasureAct,
    pub measure: Measure,
    pub softened: Option<crate::engine::evidence::Softened>,
}

impl Partition {
    /// Something happened to a measure of the routing holder.
    pub(super) fn measure_happened(
        &mut self,
        fact: &Fact,
        named: DispositionId,
        news: MeasureNews,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(id) = self.concerned(fact.route.token, named, news.event()) else {
            let known = self.measures.get(&named).is_some_and(|known| known.holder == fact.route.token);
            let reason =
                if known { UnmatchedReason::MeasureStepUnknown } else { UnmatchedReason::MeasureUnknown };
            out.push(Effect::Unmatched { event: fact.event, reason });
            return Ok(());
        };
        let Some(active) = self.rules.clone() else { return Ok(()) };
        if let Some(reason) = self.take_news(id, news, &active) {
            out.push(Effect::Unmatched { event: fact.event, reason });
            return Ok(());
        }
        let cause = Cause { on: news.event(), event: fact.event, at: fact.at };
        let rule = self.measures.get(&id).map(|measure| measure.rule.clone());
        if !self.live_on(id, cause, &active, out)? {
            let reason = UnmatchedReason::MeasureStepUnknown;
            out.push(Effect::Unmatched { event: fact.event, reason });
            return Ok(());
        }
        if let Some(rule) = rule {
            self.note_outcome(&rule, |count| match news {
                MeasureNews::VerificationPassed(_) => count.verified += 1,
                MeasureNews::VerificationFailed(_) => count.failed += 1,
                _ => {}
            });
        }
        Ok(())
    }

    /// The standing measure that news of a measure concerns: itself, or of a passed verification whatever
    /// stands of its chain.
    fn concerned(&self, holder: Token, named: DispositionId, on: MeasureEvent) -> Option<DispositionId> {
        let known = self.measures.get(&named).filter(|known| known.holder == holder)?;
        if !known.ended {
            return Some(named);
        }
        let of_chain = || self.standing_of(known.party.subject, known.root);
        if on == MeasureEvent::VerificationPassed { of_chain().next() } else { None }
    }

    /// The measures of a chain that stand, in the order of their ids; all are about one party.
    pub(super) fn standing_of(
        &self,
        party: Subject,
        root: DispositionId,
    ) -> impl Iterator<Item = DispositionId> + '_ {
        self.found_by.party(party).filter(move |id| {
            self.measures.get(id).is_some_and(|measure| measure.root == root && !measure.ended)
        })
    }

    /// Notes a way of delivery that failed; a reason when a verification is not enough.
    fn take_news(
        &mut self,
        id: DispositionId,
        news: MeasureNews,
        active: &Active,
    ) -> Option<UnmatchedReason> {
        let measure = self.measures.get_mut(&id)?;
        match news {
            MeasureNews::NoticeUndeliverable(by) => {
                let living = measure.living.as_mut()?;
                if !living.tried.contains(&by) {
                    living.tried.push(by);
                }
                None
            }
            MeasureNews::VerificationPassed(method) => {
                let serves = active.set.notices.verifying.serves(method, measure.risk);
                (measure.living.is_some() && !serves).then_some(UnmatchedReason::VerificationMethodWeak)
            }
            _ => None,
        }
    }

    /// The deadline of a state: void unless the measure stands and is still in it.
    pub(super) fn life_due(
        &mut self,
        id: DispositionId,
        entered: u32,
        due: TimeMs,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let standing = self.measures.get(&id).filter(|measure| !measure.ended);
        let living = standing.and_then(|measure| measure.living.as_ref());
        let (Some(living), Some(active)) =
            (living.filter(|living| living.entered == entered), self.rules.clone())
        else {
            return Ok(());
        };
        let cause = Cause { on: MeasureEvent::Due, event: living.entered_by, at: due };
        self.live_on(id, cause, &active, out)?;
        Ok(())
    }

    /// Takes the step that follows, if one does: the state is entered, the move is published, then its
    /// acts are done.
    fn live_on(
        &mut self,
        id: DispositionId,
        cause: Cause,
        active: &std::sync::Arc<Active>,
        out: Out<'_>,
    ) -> Result<bool, EngineError> {
        let Some(measure) = self.measures.get(&id).cloned() else { return Ok(false) };
        let (Some(living), Some(life)) =
            (&measure.living, active.set.lives.of_measure(measure.measure.name()))
        else {
            return Ok(false);
        };
        let at = cause.at.max(living.entered_at);
        if at >= measure.end {
            // It is over by then; that it is still to be published changes nothing.
            return Ok(false);
        }
        let cause = Cause { at, ..cause };
        let holds = |guard| self.guard_holds(guard, &measure, at, active);
        let Some(step) = life.next(&living.state, cause.on, holds) else { return Ok(false) };
        let step = Move { life, to: step.to, acts: &step.acts };
        let next = match self.next_measure(&measure, &step, cause, active) {
            Ok(next) => next,
            Err(held_back) => {
                // What stands goes on as it was, and can still be settled; a person looks at it.
                self.publish_move(id, &measure, &step, cause, Some(held_back), active, out);
                return Ok(true);
            }
        };
        self.enter(id, &step, cause);
        self.publish_move(id, &measure, &step, cause, None, active, out);
        for act in step.acts {
            match act {
                MeasureAct::EndVerified => self.end_verified(id, &measure, cause, active, out),
                MeasureAct::EndCancelled => {
                    self.end_measure(id, EndCause::Cancelled, cause.event, at, None, out);
                }
                _ => {}
            }
        }
        if let Some(next) = next {
            self.end_measure(id, EndCause::Followed, cause.event, at, None, out);
            self.set_following(id, &measure, next, life, cause, active, out)?;
        }
        Ok(true)
    }

    /// Enters another state; a step that stays where it is leaves time and deadline as they were.
    fn enter(&mut self, id: DispositionId, step: &Move<'_>, cause: Cause) {
        let Some(measure) = self.measures.get_mut(&id) else { return };
        let (end, Some(living), Some(state)) = (measure.end, &mut measure.living, step.life.state(step.to))
        else {
            return;
        };
        if living.state == state.name {
            return;
        }
        living.state = state.name.clone();
        living.entered += 1;
        living.entered_at = cause.at;
        living.entered_by = cause.event;
        living.due = due_at(state.due, cause.at, end);
        if let (Some(due), Some(declared)) = (living.due, state.due) {
            let entered = living.entered;
            self.timers.set(due, Timer::MeasureDue { measure: id, entered, worsens: declared.worsens });
        }
    }

    /// A measure begins its life, if it has one (S14).
    pub(super) fn begin_life(
        &mut self,
        id: DispositionId,
        name: &str,
        (start, end): (TimeMs, TimeMs),
        event: Fingerprint,
        active: &Active,
    ) -> Option<Living> {
        let first = active.set.lives.of_measure(name)?.beginning()?;
        let due = due_at(first.due, start, end);
        if let (Some(due), Some(declared)) = (due, first.due) {
            self.timers.set(due, Timer::MeasureDue { measure: id, entered: 1, worsens: declared.worsens });
        }
        let (state, tried) = (first.name.clone(), Vec::new());
        Some(Living { state, entered: 1, entered_at: start, entered_by: event, due, tried })
    }

    fn guard_holds(&self, guard: MeasureGuard, measure: &MeasureState, at: TimeMs, active: &Active) -> bool {
        match guard {
            MeasureGuard::RiskHigh => measure.risk == Risk::High,
            MeasureGuard::RiskLow => measure.risk == Risk::Low,
            MeasureGuard::OfRule => measure.lane != Lane::Limit,
            MeasureGuard::ChannelLeft => {
                let tried = measure.living.as_ref().map_or(&[] as &[_], |living| &living.tried);
                active.set.notices.verifying.next_channel(tried).is_some()
            }
            MeasureGuard::LastLine => active.set.settings.keep_one_line && self.is_last_line(measure, at),
        }
    }

    /// Whether the holder has no other phone card that works (law.md J6).
    fn is_last_line(&self, measure: &MeasureState, at: TimeMs) -> bool {
        let party = measure.party.subject;
        let works = |card: Subject| {
            let mut of_card = self.found_by.party(card).filter_map(|id| self.measures.get(&id));
            !of_card.any(|other| !other.ended && HARD_ON_LINES.contains(&other.measure.name()))
        };
        let others = self
            .holders
            .get(&measure.holder)
            .into_iter()
            .flat_map(|holder| holder.others_held(SubjectKind::PhoneCard, party, at));
        party.kind == SubjectKind::PhoneCard && !others.into_iter().any(works)
    }

    /// What the step sets, if it sets anything, or why it may not.
    fn next_measure(
        &mut self,
        measure: &MeasureState,
        step: &Move<'_>,
        cause: Cause,
        active: &Active,
    ) -> Result<Option<Next>, HeldBack> {
        let mut sets = step.acts.iter().copied().filter(|act| act.sets().is_some());
        let Some(act) = sets.next() else { return Ok(None) };
        match measure.measure.followed_by(act, cause.event, cause.at) {
            Some(next) => {
                self.allowed(measure, Next { act, measure: next, softened: None }, cause, active).map(Some)
            }
            None => Ok(None),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one record: of what, which step, why and when")]
    fn publish_move(
        &mut self,
        id: DispositionId,
        measure: &MeasureState,
        step: &Move<'_>,
        cause: Cause,
        held_back: Option<HeldBack>,
        active: &Active,
        out: Out<'_>,
    ) {
        let Some(living) = self.measures.get(&id).and_then(|now| now.living.as_ref()) else { return };
        let name = measure.measure.name();
        let key = &self.identity.id_key;
        let (party, rule) = (&measure.party, &measure.rule);
        let moved_id = key.disposition(IdKind::Moved, rule, party.subject, cause.event, cause.at, name);
        let wants = |act| step.acts.contains(&act);
        let texts = &active.set.notices;
        let told_again = if held_back.is_none() && wants(MeasureAct::TellAgain) {
            let by = texts.verifying.next_channel(&living.tried);
            let notice = notice_again(measure, living.due, active);
            by.zip(notice).map(|(by, notice)| ToldAgain { by, notice: Box::new(notice) })
        } else {
            None
        };
        // Who cannot be told, and what cannot be done, is for a person to look at.
        let asks_staff = wants(MeasureAct::AskStaff)
            || held_back.is_some()
            || wants(MeasureAct::TellAgain) && told_again.is_none();
        let head = Head {
            id: moved_id,
            lane: measure.lane,
            rule: rule.clone(),
            party: party.clone(),
            holder: measure.holder,
            event: cause.event,
            at: cause.at,
            purpose: measure.purpose,
        };
        let moved = MeasureMoved {
            head,
            moved: id,
            measure: measure.measure.clone(),
            appeal: measure.appeal,
            from: measure.living.as_ref().map_or_else(|| living.state.clone(), |was| was.state.clone()),
            to: living.state.clone(),
            due: living.due,
            asks_staff,
            held_back,
            told_again,
        };
        out.push(Effect::Disposed(Box::new(Disposition::MeasureMoved(Box::new(moved)))));
    }

    /// A passed verification: everything is as before, and the rule does not ask again about what it
    /// knew then.
    fn end_verified(
        &mut self,
        id: DispositionId,
        measure: &MeasureState,
        cause: Cause,
        active: &Active,
        out: Out<'_>,
    ) {
        let is_of_one_event = measure.measure.kind().is_some_and(MeasureKind::is_per_event);
        let until = cause.at.plus(active.set.settings.override_for);
        let until = (!is_of_one_event).then_some(until);
        self.end_measure(id, EndCause::Verified, cause.event, cause.at, until, out);
        if let Some(until) = until {
            self.set_aside(&measure.rule.id, &measure.party, Override { lift: cause.at, until });
        }
    }

    /// A rule sees only later events of a party, for a while; a later override takes the place of one.
    pub(super) fn set_aside(&mut self, rule: &str, party: &Party, set_aside: Override) {
        let of_party = self.overrides.get_or_default(party.subject);
        of_party.retain(|(name, _)| **name != *rule);
        of_party.push((std::sync::Arc::from(rule), set_aside));
    }
}

/// The notice of a measure once more, in the wording of now; none when that has no text for it.
fn notice_again(measure: &MeasureState, until: Option<TimeMs>, active: &Active) -> Option<Notice> {
    let name = measure.measure.name();
    let notice = active.set.notices.compose(NoticeOf {
        reason: &measure.reason,
        basis: &measure.basis,
        rule: measure.rule.clone(),
        measure: &measure.measure,
        lane: measure.lane,
        start: measure.start,
        end: measure.end,
        appeal: measure.appeal,
        verify: how_to_verify(name, measure.risk, (measure.start, measure.end), until, active),
        recourse: active.set.recourse(&measure.appealed(false)),
    });
    notice.ok()
}

/// When a state's own deadline comes; a measure does not outlive its end for one.
fn due_at(due: Option<Due>, entered_at: TimeMs, end: TimeMs) -> Option<TimeMs> {
    due.map(|due| entered_at.plus(due.after)).filter(|due| *due < end)
}

/// The deadline of the first state of a measure's life, if it has one.
pub(super) fn first_deadline(name: &str, (start, end): (TimeMs, TimeMs), active: &Active) -> Option<TimeMs> {
    let first = active.set.lives.of_measure(name)?.beginning()?;
    due_at(first.due, start, end)
}

/// What a notice says of verification: nothing, unless one settles the measure.
pub(super) fn how_to_verify(
    name: &str,
    risk: Risk,
    (start, end): (TimeMs, TimeMs),
    until: Option<TimeMs>,
    active: &Active,
) -> HowToVerify {
    let life = active.set.lives.of_measure(name);
    let Some(life) = life.filter(|life| life.awaits(MeasureEvent::VerificationPassed)) else {
        return HowToVerify::NotAsked;
    };
    let methods = active.set.notices.verifying.offered(risk).cloned().collect();
    let due = life.due_after(MeasureEvent::NoticeDelivered).filter(|due| due.worsens);
    // A time that the measure does not outlast runs for nobody.
    let within = due.map(|due| due.after).filter(|after| start.plus(*after) < end);
    HowToVerify::Asked { methods, within, until }
}
