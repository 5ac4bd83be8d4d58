//! Lives of measures: events, deadlines, steps, and what follows (S14).

use sha2::{Digest, Sha256};

use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Fingerprint, SpanMs, TimeMs, Token};
use crate::engine::disposition::{
    Disposition, DispositionId, EndCause, Head, HeldBack, MeasureMoved, ToldAgain,
};
use crate::engine::evidence::{Evidence, Softened};
use crate::engine::fact::MeasureNews;
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::{Life, MeasureAct, MeasureEvent, MeasureGuard, OfMeasure, State, Step};
use crate::engine::measure::{Lane, Measure};
use crate::engine::notice::{MissingText, Notice, NoticeOf, RuleName};
use crate::engine::protection::Softening;
use crate::engine::rule::RuleStatus;
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::{Party, Subject, SubjectKind};
use crate::engine::verifying::{DeliveryChannel, HowToVerify, Risk};

use super::appeals::Override;
use super::conditions::Sight;
use super::measures::{Asked, Held, Name};
use super::rules::Case;
use super::time::Timer;
use super::values::{Asker, Reading};
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

    /// What may be set after a measure: as asked, softened, or nothing, and why.
    fn may_follow(
        &self,
        rules: &RuleSet,
        held: &Held,
        measure: Measure,
        cause: Cause,
    ) -> Result<(Measure, Option<Softened>), HeldBack> {
        let head = held.set.head();
        let rule = rules.rules.iter().find(|rule| rule.id == head.rule.id);
        let acts = match rule {
            Some(rule) => {
                let is_measured = !matches!(rule.origin, crate::engine::rule::RuleOrigin::Measured(None));
                rule.status == RuleStatus::Enforced && is_measured
            }
            None => head.rule.id == "settlement-inconsistent",
        };
        if !acts {
            return Err(HeldBack::RuleSilent);
        }
        if held.proceeding.as_ref().is_some_and(|proceeding| proceeding.awaits_human) {
            return Err(HeldBack::AwaitsHuman);
        }
        let lifted = self.overrides.get(&(head.rule.id.clone(), head.party.subject));
        if lifted.is_some_and(|lifted| cause.at < lifted.until && head.at <= lifted.lift) {
            return Err(HeldBack::Override);
        }
        let allowed = match self.protection_of(rules, head, &measure, cause) {
            None => (measure, None),
            Some((by, softening)) => {
                let (Some(asked), Some(standing)) = (measure.kind(), held.set.measure().kind()) else {
                    return Err(HeldBack::Protected(by));
                };
                match softening {
                    Softening::AtMost(kind) if standing.is_milder_than(kind) => {
                        (Measure::from(kind), Some(Softened { by, asked }))
                    }
                    _ => return Err(HeldBack::Protected(by)),
                }
            }
        };
        if rule.is_some_and(|rule| self.is_braked(rule, cause.at)) {
            return Err(HeldBack::BudgetSpent);
        }
        Ok(allowed)
    }

    /// The first protection that holds for what would follow and would change it. A deadline is no
    /// payment, so nothing is said of one.
    fn protection_of(
        &self,
        rules: &RuleSet,
        head: &Head,
        measure: &Measure,
        cause: Cause,
    ) -> Option<(RuleName, Softening)> {
        let asked = measure.kind()?;
        let (party, holder, at) = (head.party.subject, head.holder, cause.at);
        let asker = Asker { source: cause.event, amount: None, other: None };
        let reading = Reading { party, holder, at, bound: TimeMs::MIN, asker, without: None };
        let said = Attributes::default().with(Field::Product, self.product_of(holder, party, at));
        let sight = Sight { plain: self, rules, reading, said };
        let one = rules.protections.iter().find(|protection| {
            let changes = match protection.softening {
                Softening::Waive => true,
                Softening::AtMost(kind) => kind.is_milder_than(asked),
            };
            protection.subject == party.kind
                && protection.measures.contains(&asked)
                && changes
                && sight.is_certain(&protection.condition)
        })?;
        Some((RuleName { id: one.id.clone(), version: one.version }, one.softening))
    }

    fn set_follow_up(
        &mut self,
        before: &Held,
        (measure, softened): (Measure, Option<Softened>),
        (reason, basis): (&str, &str),
        lasts: SpanMs,
        cause: Cause,
    ) -> Result<(), PlainError> {
        let head = before.set.head();
        let asked = Asked {
            name: Name { rule: head.rule.clone(), lane: head.lane, purpose: head.purpose },
            reason: reason.to_owned(),
            basis: basis.to_owned(),
            measure,
            lasts,
            is_of_rule: before.is_of_rule,
            risk: before.risk,
            root: Some(before.root),
        };
        let evidence = Evidence {
            follows: Some(head.id),
            softened,
            digest: Sha256::digest([]).into(),
            strength_millionths: 1_000_000,
            ..Evidence::default()
        };
        let party = head.party.clone();
        let case = Case::of_party(&party, head.holder, cause);
        let set = self.set_measure(&asked, case, evidence)?;
        if let Some(held) = self.measures.get_mut(&set) {
            held.ground = before.ground;
        }
        let rules = self.rules.clone();
        let rule = rules.iter().flat_map(|rules| &rules.rules).find(|rule| rule.id == head.rule.id);
        match rule {
            Some(rule) => self.count_measure(rule, lasts, cause.at),
            None => Ok(()),
        }
    }
}

impl<'a> Case<'a> {
    /// Of something that happened to a party and was no payment.
    pub(super) fn of_party(party: &'a Party, holder: Token, cause: Cause) -> Case<'a> {
        Case {
            event: cause.event,
            source: cause.event,
            at: cause.at,
            holder,
            party,
            other: None,
            amount: None,
            said: Attributes::default(),
        }
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
        verify: told_to_verify(rules, measure.name(), held.risk, until),
    })
}

/// What a notice says of verification.
pub(super) fn told_to_verify(
    rules: &RuleSet,
    measure: &str,
    risk: Risk,
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
        within: due.map(|due| due.after),
        until,
    }
}

/// When the first state of a measure has its deadline.
pub(super) fn first_due(rules: &RuleSet, measure: &str, term: (TimeMs, TimeMs)) -> Option<TimeMs> {
    let table = table(rules, measure)?;
    stay_in(state(table, table.first)?, term, Fingerprint(0)).0.due
}
