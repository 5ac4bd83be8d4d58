//! The words of an appeal's life (APL 32, AML 39).

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
        /// The state's own deadline.
        Due "due",
    }
}

words! {
    /// What a step of an appeal may depend on.
    AppealGuard {
        /// The measure is about a service that one lives on (law.md A3).
        BasicService "basic_service",
        /// The appeal brings something that was not decided on before.
        NewEvidence "new_evidence",
    }
}

words! {
    /// What a step of an appeal does.
    AppealAct {
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
