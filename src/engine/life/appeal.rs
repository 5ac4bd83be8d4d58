//! The words of an appeal's life (APL 32, AML 39, PIPL 24).

use super::{Vocabulary, words};

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
