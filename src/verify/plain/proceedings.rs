//! Appeals and requests for a human decision, step by step (S17).

use crate::engine::appeal::{AppealAnswer, AppealAnswered, AppealStep, HumanDecision, Papers};
use crate::engine::base::{Bilingual, Fingerprint, SpanMs, TimeMs, Token};
use crate::engine::disposition::{AppealRef, Disposition, DispositionId, EndCause, Head};
use crate::engine::evidence::Evidence;
use crate::engine::fact::AppealOutcome;
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::{AppealAct, AppealEvent, AppealGuard, Word};
use crate::engine::measure::{Lane, Measure, MeasureKind};
use crate::engine::notice::{Answering, Recourse};
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::SubjectKind;

use super::appeals::Decision;
use super::measures::{Asked, Held, Name};
use super::rules::Case;
use super::time::Timer;
use super::{Cause, Occasion, Plain, PlainError};

/// What is known of an appeal against a measure, or of a request for a human decision on it.
#[derive(Clone)]
pub(super) struct Proceeding {
    /// Name of the state it is in.
    pub state: String,
    pub filed: TimeMs,
    /// Counts the states it was in.
    pub number: u32,
    pub deadline: Option<TimeMs>,
    pub is_open: bool,
    pub brought: Vec<Fingerprint>,
    /// A person decides: nothing harder follows by itself.
    pub awaits_human: bool,
    /// The measure would have been forgotten, had this not been open.
    pub is_kept: bool,
}

/// What is told, beside which answer it is.
#[derive(Default)]
struct Told {
    reason: Option<Bilingual>,
    papers: Papers,
}

impl Plain {
    /// One step of a proceeding.
    pub(super) fn proceed(
        &mut self,
        occasion: Occasion,
        appeal: AppealRef,
        step: &AppealStep,
    ) -> Result<(), PlainError> {
        let cause = Cause { event: occasion.event, at: occasion.at };
        let Some(id) = self.named(occasion.route.token, appeal) else {
            self.unmatched(cause, UnmatchedReason::AppealUnknown);
            return Ok(());
        };
        let mut told = Told::default();
        let (on, brought) = match step {
            AppealStep::Filed { papers, evidence, .. } => {
                told.papers = *papers;
                (AppealEvent::Filed, *evidence)
            }
            AppealStep::Accepted => (AppealEvent::Accepted, None),
            AppealStep::PapersAsked(papers) => {
                told.papers = *papers;
                (AppealEvent::PapersAsked, None)
            }
            AppealStep::PapersGiven(papers) => {
                told.papers = *papers;
                (AppealEvent::PapersGiven, None)
            }
            AppealStep::HumanRequested => (AppealEvent::HumanRequested, None),
            AppealStep::HumanDecided { decision, decider, reason } => {
                return self.decide_humanly(id, *decision, *decider, reason.as_deref(), cause);
            }
        };
        let Some(acts) = self.advance(id, on, brought, cause) else {
            let reason = self.reason_for_nothing(id, on);
            self.unmatched(cause, reason);
            return Ok(());
        };
        for act in acts {
            self.tell_of(id, act, &told, cause);
        }
        let rule =
            self.measures.get(&id).filter(|held| held.is_of_rule).map(|held| held.set.head().rule.clone());
        match rule.filter(|_| on == AppealEvent::Filed) {
            Some(rule) => self.count_outcome(&rule, |count| count.appeals += 1),
            None => Ok(()),
        }
    }

    fn reason_for_nothing(&self, id: DispositionId, on: AppealEvent) -> UnmatchedReason {
        let has_table = self.rules.as_ref().is_some_and(|rules| rules.lives.appeal.is_some());
        let Some(held) = self.measures.get(&id).filter(|_| has_table && on == AppealEvent::Filed) else {
            return UnmatchedReason::AppealStepUnknown;
        };
        if held.was_overturned {
            UnmatchedReason::AppealSettled
        } else if held.proceeding.as_ref().is_some_and(|proceeding| proceeding.is_open) {
            UnmatchedReason::AppealOpen
        } else {
            UnmatchedReason::AppealNoNewEvidence
        }
    }

    /// An appeal is decided where there is a table of appeals.
    pub(super) fn decide_by_table(
        &mut self,
        id: DispositionId,
        decision: &Decision<'_>,
        cause: Cause,
    ) -> Result<(), PlainError> {
        let Some(held) = self.measures.get(&id) else { return Ok(()) };
        let is_lifted = decision.outcome == AppealOutcome::Overturned;
        let setter = held.decided_by;
        let reason = self.text_of_answer(decision.reason);
        let refused = if held.set.head().lane == Lane::Authority {
            Some(UnmatchedReason::AppealNotOurs)
        } else if setter.is_some() && (decision.decider.is_none() || decision.decider == setter) {
            Some(UnmatchedReason::AppealDeciderIsSetter)
        } else if is_lifted && held.was_overturned {
            Some(UnmatchedReason::AppealSettled)
        } else if reason.is_none() {
            Some(UnmatchedReason::AppealReasonUnknown)
        } else {
            None
        };
        if let Some(refused) = refused {
            self.unmatched(cause, refused);
            return Ok(());
        }
        let on = if is_lifted { AppealEvent::Overturned } else { AppealEvent::Upheld };
        let Some(acts) = self.advance(id, on, None, cause) else {
            self.unmatched(cause, UnmatchedReason::AppealSettled);
            return Ok(());
        };
        let told = Told { reason, ..Told::default() };
        for act in acts {
            match act {
                AppealAct::Lift => {
                    let how = if is_lifted { EndCause::Overturned } else { EndCause::LiftedByPerson };
                    self.lift(id, how, decision.override_for, cause)?;
                }
                act => self.tell_of(id, act, &told, cause),
            }
        }
        Ok(())
    }

    fn decide_humanly(
        &mut self,
        id: DispositionId,
        decision: HumanDecision,
        decider: Token,
        reason: Option<&str>,
        cause: Cause,
    ) -> Result<(), PlainError> {
        let Some(held) = self.measures.get(&id) else { return Ok(()) };
        let reason = self.text_of_answer(reason);
        let refused = if self.rules.as_ref().is_none_or(|rules| rules.lives.appeal.is_none()) {
            Some(UnmatchedReason::AppealStepUnknown)
        } else if held.set.head().lane == Lane::Authority {
            Some(UnmatchedReason::AppealNotOurs)
        } else if reason.is_none() {
            Some(UnmatchedReason::AppealReasonUnknown)
        } else {
            match decision {
                HumanDecision::Lift if held.was_overturned => Some(UnmatchedReason::AppealSettled),
                HumanDecision::Milder(kind) if !may_be_replaced(held, kind, cause.at) => {
                    Some(UnmatchedReason::HumanDecisionNotMilder)
                }
                _ => None,
            }
        };
        let on = match decision {
            HumanDecision::Confirm => AppealEvent::HumanConfirmed,
            HumanDecision::Lift => AppealEvent::HumanLifted,
            HumanDecision::Milder(_) => AppealEvent::HumanMilder,
        };
        if let Some(refused) = refused {
            self.unmatched(cause, refused);
            return Ok(());
        }
        let Some(acts) = self.advance(id, on, None, cause) else {
            self.unmatched(cause, UnmatchedReason::AppealStepUnknown);
            return Ok(());
        };
        let told = Told { reason, ..Told::default() };
        for act in acts {
            match (act, decision) {
                (AppealAct::Lift, _) => self.lift(id, EndCause::LiftedByPerson, None, cause)?,
                (AppealAct::SetMilder, HumanDecision::Milder(kind)) => {
                    self.replace(id, kind, decider, cause)?;
                }
                (act, _) => {
                    if let Some(held) = self.measures.get_mut(&id).filter(|_| act == AppealAct::Confirm) {
                        held.decided_by = Some(decider);
                    }
                    self.tell_of(id, act, &told, cause);
                }
            }
        }
        Ok(())
    }

    fn text_of_answer(&self, key: Option<&str>) -> Option<Bilingual> {
        let answers = &self.rules.as_ref()?.notices.answers;
        answers.get(key.unwrap_or("unstated")).cloned()
    }

    /// Finds the first step of the table that fits, takes it, and gives what is to be done.
    fn advance(
        &mut self,
        id: DispositionId,
        on: AppealEvent,
        brought: Option<Fingerprint>,
        cause: Cause,
    ) -> Option<Vec<AppealAct>> {
        let rules = self.rules.clone()?;
        let table = rules.lives.appeal.as_ref()?;
        let held = self.measures.get(&id)?;
        let first = table.states.get(table.first)?.name.to_string();
        let state = held.proceeding.as_ref().map_or(first, |proceeding| proceeding.state.clone());
        let is_known = |evidence: Fingerprint| {
            held.proceeding.as_ref().is_some_and(|proceeding| proceeding.brought.contains(&evidence))
        };
        let is_so = |guard: &AppealGuard| match guard {
            AppealGuard::BasicService => restricts(held.set.measure()),
            AppealGuard::OfAuthority => held.set.head().lane == Lane::Authority,
            AppealGuard::Automated => held.decided_by.is_none(),
            AppealGuard::NewEvidence => brought.is_some_and(|evidence| !is_known(evidence)),
        };
        let fits = table.steps.iter().filter(|step| {
            let from = table.states.get(step.from);
            from.is_some_and(|from| *from.name == *state) && step.on == on && step.only_if.iter().all(is_so)
        });
        let step = fits.into_iter().next()?;
        let to = table.states.get(step.to)?;

        let held = self.measures.get_mut(&id)?;
        self.concerned.insert(held.set.head().holder);
        let proceeding = held.proceeding.get_or_insert_with(|| Proceeding {
            state: state.clone(),
            filed: TimeMs::MIN,
            number: 0,
            deadline: None,
            is_open: false,
            awaits_human: false,
            brought: Vec::new(),
            is_kept: false,
        });
        let was_open = proceeding.is_open;
        if on == AppealEvent::Filed || (on == AppealEvent::HumanRequested && !was_open) {
            proceeding.filed = cause.at;
        }
        match on {
            AppealEvent::Filed | AppealEvent::HumanRequested => proceeding.is_open = true,
            AppealEvent::Upheld
            | AppealEvent::Overturned
            | AppealEvent::HumanConfirmed
            | AppealEvent::HumanLifted
            | AppealEvent::HumanMilder => {
                proceeding.is_open = false;
                proceeding.awaits_human = false;
            }
            _ => {}
        }
        proceeding.brought.extend(brought);
        proceeding.awaits_human |= step.acts.contains(&AppealAct::QueueHuman);
        let is_kept_on = proceeding.is_kept && !proceeding.is_open;
        if is_kept_on {
            proceeding.is_kept = false;
        }
        let mut due = None;
        if *to.name != *proceeding.state {
            proceeding.state = to.name.to_string();
            proceeding.number += 1;
            proceeding.deadline = to.due.map(|due| proceeding.filed.plus(due.after));
            due = proceeding.deadline.zip(to.due.map(|due| (proceeding.number, due.worsens)));
        }
        if is_kept_on {
            let forgotten = cause.at.plus(rules.settings.appeal_window);
            self.set_timer(forgotten, Timer::MeasureForgotten(id));
        }
        if let Some((at, (number, worsens))) = due {
            self.set_timer(at, Timer::AppealDue { measure: id, number, worsens });
        }
        Some(step.acts.clone())
    }

    /// A deadline of a proceeding came, unless it has gone on since.
    pub(super) fn proceeding_due(&mut self, id: DispositionId, number: u32, due: TimeMs) {
        let Some(held) = self.measures.get(&id) else { return };
        let cause = Cause { event: held.set.head().event, at: due };
        if held.proceeding.as_ref().map(|proceeding| proceeding.number) != Some(number) || held.is_forgotten {
            return;
        }
        for act in self.advance(id, AppealEvent::Due, None, cause).unwrap_or_default() {
            self.tell_of(id, act, &Told::default(), cause);
        }
    }

    fn tell_of(&mut self, id: DispositionId, act: AppealAct, told: &Told, cause: Cause) {
        let answer = match act {
            AppealAct::TellReceived => AppealAnswer::Received,
            AppealAct::TellAccepted => AppealAnswer::Accepted,
            AppealAct::TellPapers => AppealAnswer::PapersAsked,
            AppealAct::TellUpheld => AppealAnswer::Upheld,
            AppealAct::Forward => AppealAnswer::Forwarded,
            AppealAct::Overdue => AppealAnswer::Overdue,
            AppealAct::QueueHuman => AppealAnswer::HumanDecisionDue,
            AppealAct::Confirm => AppealAnswer::Confirmed,
            AppealAct::Lift | AppealAct::SetMilder => return,
        };
        let (Some(held), Some(rules)) = (self.measures.get(&id), &self.rules) else { return };
        let (head, notice) = (held.set.head(), held.set.notice());
        let own = self.identity.id_key.disposition(
            IdKind::Answered,
            &head.rule,
            head.party.subject,
            cause.event,
            cause.at,
            answer.name(),
        );
        let answered = AppealAnswered {
            head: Head { id: own, event: cause.event, at: cause.at, ..head.clone() },
            of: id,
            measure: held.set.measure().clone(),
            appeal: notice.appeal,
            answer,
            reason: told.reason.clone(),
            papers: told.papers,
            due: held.proceeding.as_ref().and_then(|proceeding| proceeding.deadline),
            remedies: rules.notices.remedies.get(head.lane.name()).cloned().unwrap_or_default(),
            utc_offset_minutes: notice.utc_offset_minutes,
        };
        self.effects.push(Effect::Disposed(Box::new(Disposition::AppealAnswered(answered))));
    }

    /// A milder measure takes the place of one, for the rest of its time.
    fn replace(
        &mut self,
        id: DispositionId,
        kind: MeasureKind,
        decider: Token,
        cause: Cause,
    ) -> Result<(), PlainError> {
        let Some(held) = self.measures.get(&id) else { return Ok(()) };
        let (head, end) = (held.set.head().clone(), held.set.notice().end);
        let (root, risk, ground) = (held.root, held.risk, held.ground);
        let Some(basis) =
            self.rules.as_ref().and_then(|rules| Some(rules.lives.appeal.as_ref()?.basis.clone()))
        else {
            return Ok(());
        };
        self.end_measure(id, EndCause::Replaced, cause, None);
        let asked = Asked {
            name: Name { rule: head.rule.clone(), lane: head.lane, purpose: head.purpose },
            reason: "human_decision_milder".to_owned(),
            basis,
            measure: kind.into(),
            lasts: SpanMs(end.0.saturating_sub(cause.at.0)),
            is_of_rule: self.measures.get(&id).is_some_and(|held| held.is_of_rule),
            root: Some(root),
            risk,
        };
        let case = Case::of_opening(&head.party, head.holder, cause);
        let set = self.set_measure(&asked, case, Evidence::default())?;
        if let Some(held) = self.measures.get_mut(&set) {
            held.decided_by = Some(decider);
            held.ground = ground;
        }
        Ok(())
    }
}

/// What a person who is told of a measure may expect of an appeal: what would be done if it were filed at once,
/// with nothing but the reference.
pub(super) fn expected(rules: &RuleSet, measure: &Measure, lane: Lane, is_by_person: bool) -> Recourse {
    let otherwise = Answering::Within(rules.notices.answer_within);
    let Some(table) = &rules.lives.appeal else {
        return Recourse { answering: otherwise, person_on_request: false };
    };
    let would_hold = |guard: &AppealGuard| match guard {
        AppealGuard::BasicService => restricts(measure),
        AppealGuard::OfAuthority => lane == Lane::Authority,
        AppealGuard::Automated => !is_by_person,
        AppealGuard::NewEvidence => false,
    };
    let first_on = |on: AppealEvent| {
        let mut steps = table.steps.iter().filter(|step| step.from == table.first && step.on == on);
        steps.find(|step| step.only_if.iter().all(would_hold))
    };
    let asked = first_on(AppealEvent::HumanRequested);
    let person_on_request = asked.is_some_and(|step| step.acts.contains(&AppealAct::QueueHuman));
    let answering = match first_on(AppealEvent::Filed) {
        Some(step) if step.acts.contains(&AppealAct::Forward) => Answering::PassedOn,
        Some(step) => match table.states.get(step.to).and_then(|state| state.due) {
            Some(due) => Answering::Within(due.after),
            None => otherwise,
        },
        None => otherwise,
    };
    Recourse { answering, person_on_request }
}

/// Whether somebody cannot use an account or a phone as before.
fn restricts(measure: &Measure) -> bool {
    [
        "account_delay_settlement",
        "account_limit_non_counter",
        "account_stop_non_counter",
        "phone_card_limit",
        "phone_card_suspend",
    ]
    .contains(&measure.name())
}

fn may_be_replaced(held: &Held, kind: MeasureKind, at: TimeMs) -> bool {
    let is_harder = |own: &MeasureKind| Measure::from(*own).name() == held.set.measure().name();
    let own = MeasureKind::ALL.iter().find(|own| is_harder(own));
    held.ended.is_none()
        && at < held.set.notice().end
        && held.set.head().party.subject.kind != SubjectKind::Opening
        && own.is_some_and(|own| kind.is_milder_than(*own))
}
