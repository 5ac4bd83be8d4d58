//! Lives of measures: events, deadlines and steps (S14).

use crate::engine::base::{Fingerprint, SpanMs, TimeMs, Token};
use crate::engine::disposition::{
    Disposition, DispositionId, EndCause, Head, HeldBack, MeasureMoved, ToldAgain,
};
use crate::engine::fact::MeasureNews;
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::{Life, MeasureAct, MeasureEvent, MeasureGuard, OfMeasure, State, Step};
use crate::engine::measure::{Lane, Measure};
use crate::engine::notice::{MissingText, Notice, NoticeOf};
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::{Subject, SubjectKind};
use crate::engine::verifying::{DeliveryChannel, HowToVerify, Risk};

use super::appeals::Override;
use super::measures::Held;
use super::proceedings::expected;
use super::time::Timer;
use super::{Cause, Occasion, Plain, PlainError};

/// One state of a life, as it was entered.
#[derive(Clone)]
pub(super) struct Stay {
    pub state: String,
    pub since: TimeMs,
    pub by: Fingerprint,
    pub due: Option<TimeMs>,
}

impl Plain {
    /// Something happened to a measure of a holder.
    pub(super) fn measure_happened(
        &mut self,
        occasion: Occasion,
        named: DispositionId,
        news: MeasureNews,
    ) -> Result<(), PlainError> {
        let holder = occasion.route.token;
        let reason = match self.concerns(holder, named, news, occasion)? {
            None => return Ok(()),
            Some(reason) => reason,
        };
        self.effects.push(Effect::Unmatched { event: occasion.event, reason });
        Ok(())
    }

    /// Gives why nothing came of it.
    fn concerns(
        &mut self,
        holder: Token,
        named: DispositionId,
        news: MeasureNews,
        occasion: Occasion,
    ) -> Result<Option<UnmatchedReason>, PlainError> {
        let known = |held: &&Held| held.set.head().holder == holder && !held.is_forgotten;
        let Some(root) = self.measures.get(&named).filter(known).map(|held| held.root) else {
            return Ok(Some(UnmatchedReason::MeasureUnknown));
        };
        let is_pass = matches!(news, MeasureNews::VerificationPassed(_));
        let standing = if self.stands(named) {
            Some(named)
        } else {
            self.chain(root).into_iter().find(|id| is_pass && self.stands(*id))
        };
        let (Some(id), Some(rules)) = (standing, self.rules.clone()) else {
            return Ok(Some(UnmatchedReason::MeasureStepUnknown));
        };
        let Some(held) = self.measures.get_mut(&id) else { return Ok(None) };
        match news {
            MeasureNews::NoticeUndeliverable(by) => held.undeliverable.push(by),
            MeasureNews::VerificationPassed(method) if !held.stays.is_empty() => {
                let serving = rules.notices.verifying.methods.iter().filter(|one| one.method == method);
                if !serving.into_iter().any(|one| one.risks.contains(&held.risk)) {
                    return Ok(Some(UnmatchedReason::VerificationMethodWeak));
                }
            }
            _ => {}
        }
        let cause = Cause { event: occasion.event, at: occasion.at };
        let rule = held.set.head().rule.clone();
        let was_taken = self.take_step(&rules, id, word_of(news), cause)?;
        let count = self.rule_counts.get_mut(&rule.id).filter(|count| count.version == rule.version);
        match (news, count) {
            (MeasureNews::VerificationPassed(_), Some(count)) if was_taken => count.verified += 1,
            (MeasureNews::VerificationFailed(_), Some(count)) if was_taken => count.failed += 1,
            _ => {}
        }
        Ok((!was_taken).then_some(UnmatchedReason::MeasureStepUnknown))
    }

    /// All measures of a chain, in the order of their ids.
    pub(super) fn chain(&self, root: DispositionId) -> Vec<DispositionId> {
        self.measures.iter().filter(|(_, held)| held.root == root).map(|(id, _)| *id).collect()
    }

    /// The deadline of a state, unless the measure ended or is in another.
    pub(super) fn state_is_due(
        &mut self,
        id: DispositionId,
        stay: usize,
        due: TimeMs,
    ) -> Result<(), PlainError> {
        let Some(held) = self.measures.get(&id).filter(|held| held.ended.is_none()) else { return Ok(()) };
        let (Some(present), Some(rules)) = (held.stays.last(), self.rules.clone()) else { return Ok(()) };
        if held.stays.len() == stay {
            let cause = Cause { event: present.by, at: due };
            self.take_step(&rules, id, MeasureEvent::Due, cause)?;
        }
        Ok(())
    }

    /// Takes the step that the table has for it; false if it has none.
    fn take_step(
        &mut self,
        rules: &RuleSet,
        id: DispositionId,
        on: MeasureEvent,
        cause: Cause,
    ) -> Result<bool, PlainError> {
        let Some(held) = self.measures.get(&id).cloned() else { return Ok(false) };
        let (Some(stay), Some(table)) = (held.stays.last(), table(rules, held.set.measure().name())) else {
            return Ok(false);
        };
        let cause = cause.not_before(stay.since);
        if cause.at >= held.set.notice().end {
            return Ok(false);
        }
        let fits = |step: &&Step<OfMeasure>| {
            step.on == on
                && state(table, step.from).is_some_and(|from| *from.name == *stay.state)
                && step.only_if.iter().all(|guard| self.is_so(rules, *guard, &held, cause.at))
        };
        let Some(step) = table.steps.iter().find(fits) else { return Ok(false) };
        let mut follow_up = None;
        for act in &step.acts {
            let standing = held.set.measure();
            if act.sets().is_some()
                && let Some(measure) = standing.followed_by(*act, cause.event, cause.at)
            {
                match self.may_follow(rules, &held, measure, cause) {
                    Ok(allowed) => follow_up = Some((*act, allowed)),
                    Err(why) => {
                        let stay = stay.clone();
                        self.publish_step(&held, &stay, &stay, cause, true, Some(why), None);
                        return Ok(true);
                    }
                }
            }
        }

        let from = stay.clone();
        let to = self.enter_state(table, &held, step, cause).unwrap_or_else(|| from.clone());
        let mut told_again = None;
        if step.acts.contains(&MeasureAct::TellAgain) {
            let left = channels_left(rules, &held);
            let notice = again(rules, &held, to.due).ok();
            told_again =
                left.first().zip(notice).map(|(by, notice)| ToldAgain { by: *by, notice: Box::new(notice) });
        }
        let cannot_tell = step.acts.contains(&MeasureAct::TellAgain) && told_again.is_none();
        let asks_staff = step.acts.contains(&MeasureAct::AskStaff) || cannot_tell;
        self.publish_step(&held, &from, &to, cause, asks_staff, None, told_again);

        if step.acts.contains(&MeasureAct::EndVerified) {
            self.end_as_verified(rules, &held, cause);
        }
        if step.acts.contains(&MeasureAct::EndCancelled) {
            self.end_measure(id, EndCause::Cancelled, cause, None);
        }
        if let Some((act, (measure, softened))) = follow_up {
            self.end_measure(id, EndCause::Followed, cause, None);
            let lasts = act.sets().and_then(|name| table.terms.get(name)).copied().unwrap_or(SpanMs::DAY);
            let key = match on {
                MeasureEvent::VerificationFailed => "verification_failed",
                _ => "verification_not_done",
            };
            self.set_follow_up(&held, (measure, softened), (key, &table.basis), lasts, cause)?;
        }
        Ok(true)
    }

    /// The state that a step leads to, entered unless it is the present one.
    fn enter_state(
        &mut self,
        table: &Life<OfMeasure>,
        held: &Held,
        step: &Step<OfMeasure>,
        cause: Cause,
    ) -> Option<Stay> {
        let to = state(table, step.to)?;
        if step.to == step.from {
            return None;
        }
        let (start, end) = (cause.at, held.set.notice().end);
        let (stay, timer) = stay_in(to, (start, end), cause.event);
        let id = held.set.head().id;
        let stays = &mut self.measures.get_mut(&id)?.stays;
        stays.push(stay.clone());
        let stay_number = stays.len();
        if let Some((due, worsens)) = timer {
            self.set_timer(due, Timer::StateDue { measure: id, stay: stay_number, worsens });
        }
        Some(stay)
    }

    /// The first state of a measure that is being set.
    pub(super) fn first_stay(
        &mut self,
        rules: &RuleSet,
        id: DispositionId,
        name: &str,
        term: (TimeMs, TimeMs),
        by: Fingerprint,
    ) -> Vec<Stay> {
        let Some(first) = table(rules, name).and_then(|table| state(table, table.first)) else {
            return Vec::new();
        };
        let (stay, timer) = stay_in(first, term, by);
        if let Some((due, worsens)) = timer {
            self.set_timer(due, Timer::StateDue { measure: id, stay: 1, worsens });
        }
        vec![stay]
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one record")]
    fn publish_step(
        &mut self,
        held: &Held,
        from: &Stay,
        to: &Stay,
        cause: Cause,
        asks_staff: bool,
        held_back: Option<HeldBack>,
        told_again: Option<ToldAgain>,
    ) {
        let (set, notice) = (held.set.head(), held.set.notice());
        let measure = held.set.measure().clone();
        let key = &self.identity.id_key;
        let party = set.party.subject;
        let id = key.disposition(IdKind::Moved, &set.rule, party, cause.event, cause.at, measure.name());
        let moved = MeasureMoved {
            head: Head { id, event: cause.event, at: cause.at, ..set.clone() },
            moved: set.id,
            measure,
            appeal: notice.appeal,
            from: from.state.as_str().into(),
            to: to.state.as_str().into(),
            due: to.due,
            asks_staff,
            held_back,
            told_again,
        };
        self.effects.push(Effect::Disposed(Box::new(Disposition::MeasureMoved(Box::new(moved)))));
    }

    fn end_as_verified(&mut self, rules: &RuleSet, held: &Held, cause: Cause) {
        let head = held.set.head();
        let is_of_event = held.set.measure().kind().is_some_and(|kind| kind.is_per_event());
        let until = cause.at.plus(rules.settings.override_for);
        self.end_measure(head.id, EndCause::Verified, cause, (!is_of_event).then_some(until));
        if !is_of_event {
            let key = (head.rule.id.clone(), head.party.subject);
            self.overrides.insert(key, Override { lift: cause.at, until });
        }
    }

    fn is_so(&self, rules: &RuleSet, guard: MeasureGuard, held: &Held, at: TimeMs) -> bool {
        match guard {
            MeasureGuard::RiskHigh => held.risk == Risk::High,
            MeasureGuard::RiskLow => held.risk == Risk::Low,
            MeasureGuard::OfRule => held.set.head().lane != Lane::Limit,
            MeasureGuard::ChannelLeft => !channels_left(rules, held).is_empty(),
            MeasureGuard::LastLine => {
                rules.settings.keep_one_line && self.leaves_no_line(held.set.head(), at)
            }
        }
    }

    /// Whether no other phone card of the holder is open and free of a limit or suspension.
    fn leaves_no_line(&self, head: &Head, at: TimeMs) -> bool {
        let card = head.party.subject;
        if card.kind != SubjectKind::PhoneCard {
            return false;
        }
        let open = self.holders.get(&head.holder).map(|openings| openings.open_at(at)).unwrap_or_default();
        let others = open.into_iter().filter(|other| other.kind == SubjectKind::PhoneCard && *other != card);
        let is_hit = |other: Subject| {
            self.measures.values().any(|held| {
                let hard =
                    matches!(held.set.measure(), Measure::PhoneCardLimit(_) | Measure::PhoneCardSuspend(_));
                hard && held.ended.is_none() && held.set.head().party.subject == other
            })
        };
        others.into_iter().all(is_hit)
    }
}

fn word_of(news: MeasureNews) -> MeasureEvent {
    match news {
        MeasureNews::NoticeDelivered(_) => MeasureEvent::NoticeDelivered,
        MeasureNews::NoticeUndeliverable(_) => MeasureEvent::NoticeUndeliverable,
        MeasureNews::VerificationPassed(_) => MeasureEvent::VerificationPassed,
        MeasureNews::VerificationFailed(_) => MeasureEvent::VerificationFailed,
        MeasureNews::Cancelled => MeasureEvent::Cancelled,
    }
}

/// The table that measures of a name live by.
fn table<'a>(rules: &'a RuleSet, measure: &str) -> Option<&'a Life<OfMeasure>> {
    let all = rules.lives.measures.iter();
    all.filter(|(of, _)| of.contains(&measure)).map(|(_, table)| table).next()
}

fn state(table: &Life<OfMeasure>, number: usize) -> Option<&State> {
    table.states.get(number)
}

/// A state as it is entered, and its timer: a deadline that lies before the measure's end.
fn stay_in(state: &State, (since, end): (TimeMs, TimeMs), by: Fingerprint) -> (Stay, Option<(TimeMs, bool)>) {
    let timer = state.due.map(|due| (since.plus(due.after), due.worsens)).filter(|(due, _)| *due < end);
    (Stay { state: state.name.to_string(), since, by, due: timer.map(|(due, _)| due) }, timer)
}

fn channels_left(rules: &RuleSet, held: &Held) -> Vec<DeliveryChannel> {
    let declared = rules.notices.verifying.channels.iter().copied();
    declared.filter(|channel| !held.undeliverable.contains(channel)).collect()
}

/// The notice of a measure in the words of now.
fn again(rules: &RuleSet, held: &Held, until: Option<TimeMs>) -> Result<Notice, MissingText> {
    let (head, notice, measure) = (held.set.head(), held.set.notice(), held.set.measure());
    rules.notices.compose(NoticeOf {
        reason: &held.reason,
        basis: &held.basis,
        rule: head.rule.clone(),
        measure,
        lane: head.lane,
        start: notice.start,
        end: notice.end,
        appeal: notice.appeal,
        verify: told_to_verify(rules, measure.name(), held.risk, (notice.start, notice.end), until),
        recourse: expected(rules, measure, head.lane, held.decided_by.is_some()),
    })
}

/// What a notice says of verification.
pub(super) fn told_to_verify(
    rules: &RuleSet,
    measure: &str,
    risk: Risk,
    (start, end): (TimeMs, TimeMs),
    until: Option<TimeMs>,
) -> HowToVerify {
    let Some(table) = table(rules, measure) else { return HowToVerify::NotAsked };
    if !table.steps.iter().any(|step| step.on == MeasureEvent::VerificationPassed) {
        return HowToVerify::NotAsked;
    }
    let offered = rules.notices.verifying.methods.iter().filter(|one| one.risks.contains(&risk));
    let delivered =
        table.steps.iter().find(|step| step.on == MeasureEvent::NoticeDelivered && step.from != step.to);
    let due = delivered.and_then(|step| state(table, step.to)?.due).filter(|due| due.worsens);
    HowToVerify::Asked {
        methods: offered.map(|one| one.text.clone()).collect(),
        within: due.map(|due| due.after).filter(|after| start.plus(*after) < end),
        until,
    }
}

/// When the first state of a measure has its deadline.
pub(super) fn first_due(rules: &RuleSet, measure: &str, term: (TimeMs, TimeMs)) -> Option<TimeMs> {
    let table = table(rules, measure)?;
    stay_in(state(table, table.first)?, term, Fingerprint(0)).0.due
}
