//! The words of an appeal's life (APL 32, AML 39, PIPL 24), and what the table says of an appeal: when it is
//! made, and before, to whoever may make one.

use super::{Life, State, Step, Vocabulary, words};
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::measure::{AccountStep, Lane, Measure};
use crate::engine::notice::Answering;

words! {
    /// What happens to an appeal.
    AppealEvent {
        Filed "filed",
        Accepted "accepted",
        PapersAsked "papers_asked",
        PapersGiven "papers_given",
        Upheld "upheld",
        Overturned "overturned",
        /// A human decision was asked for (PIPL 24).
        HumanRequested "human_requested",
        HumanConfirmed "human_confirmed",
        HumanLifted "human_lifted",
        HumanMilder "human_milder",
        /// The state's own deadline, counted from when the appeal was filed.
        Due "due",
    }
}

words! {
    /// What a step of an appeal may depend on.
    AppealGuard {
        /// The measure is about a service that one lives on (law.md A3).
        BasicService "basic_service",
        /// The measure is an authority's, and not ours to overturn.
        OfAuthority "of_authority",
        /// No person set or confirmed the measure.
        Automated "automated",
        /// The appeal brings something that was not decided on before.
        NewEvidence "new_evidence",
    }
}

words! {
    /// What a step of an appeal does.
    AppealAct {
        /// The person is told that it was received, and until when there is an answer.
        TellReceived "tell_received",
        TellAccepted "tell_accepted",
        /// The person is told which papers are still asked for.
        TellPapers "tell_papers",
        /// The authority has to decide; the person is told where to go.
        Forward "forward",
        /// A person has to decide: until then nothing harder follows by itself.
        QueueHuman "queue_human",
        /// The measure stands and is from here on that person's.
        Confirm "confirm",
        /// A milder measure takes its place.
        SetMilder "set_milder",
        /// The measure is lifted, marked overruled, and the rule sees only what comes after.
        Lift "lift",
        /// The person is told the reasons and the next remedies.
        TellUpheld "tell_upheld",
        /// The answer is late: an alarm, and the case goes to the front.
        Overdue "overdue",
    }
}

/// The vocabulary of appeals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfAppeal;

impl Vocabulary for OfAppeal {
    const KIND: &'static str = "appeal";
    const DUE: AppealEvent = AppealEvent::Due;
    type On = AppealEvent;
    type If = AppealGuard;
    type Do = AppealAct;
}

/// What the guards of a table ask of an appeal.
#[derive(Clone, Copy, Debug)]
pub struct Appealed<'a> {
    /// What it is against.
    pub measure: &'a Measure,
    pub lane: Lane,
    /// No person set or confirmed the measure.
    pub is_automated: bool,
    /// It brings something that was not decided on before.
    pub brings_new: bool,
}

impl Appealed<'_> {
    fn is(&self, guard: AppealGuard) -> bool {
        match guard {
            AppealGuard::BasicService => is_of_basic_service(self.measure),
            AppealGuard::OfAuthority => self.lane == Lane::Authority,
            AppealGuard::Automated => self.is_automated,
            AppealGuard::NewEvidence => self.brings_new,
        }
    }
}

/// Whether a measure keeps somebody from using an account or a phone (law.md A3).
fn is_of_basic_service(measure: &Measure) -> bool {
    match measure {
        Measure::Account(step) => *step >= AccountStep::DelaySettlement,
        Measure::PhoneCardLimit(_) | Measure::PhoneCardSuspend(_) => true,
        _ => false,
    }
}

/// When a state that an appeal enters is due. It counts from the filing, whatever came in between.
#[must_use]
pub fn due_of(state: &State, filed: TimeMs) -> Option<TimeMs> {
    state.due.map(|due| filed.plus(due.after))
}

impl Life<OfAppeal> {
    /// The step that an appeal takes from a state on an event.
    #[must_use]
    pub fn step_of(&self, state: &str, on: AppealEvent, of: &Appealed<'_>) -> Option<&Step<OfAppeal>> {
        self.next(state, on, |guard| of.is(guard))
    }

    /// What a notice promises of an appeal that is made at once: the very step that filing one then takes, and
    /// the deadline of the state that it enters. None where filing leads to no deadline and to nobody else.
    #[must_use]
    pub fn promise(&self, of: &Appealed<'_>) -> Option<Answering> {
        let step = self.step_of(&self.beginning()?.name, AppealEvent::Filed, of)?;
        if step.acts.contains(&AppealAct::Forward) {
            return Some(Answering::PassedOn);
        }
        let due = due_of(self.state(step.to)?, TimeMs(0))?;
        Some(Answering::Within(SpanMs(due.0)))
    }

    /// Whether a person decides when that is asked for at once (PIPL 24).
    #[must_use]
    pub fn person_on_request(&self, of: &Appealed<'_>) -> bool {
        let first = self.beginning();
        let step = first.and_then(|first| self.step_of(&first.name, AppealEvent::HumanRequested, of));
        step.is_some_and(|step| step.acts.contains(&AppealAct::QueueHuman))
    }
}
