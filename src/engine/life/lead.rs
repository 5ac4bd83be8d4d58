//! The words of a lead's life (APL 26: authorities feed back).

use super::{Vocabulary, words};

words! {
    /// What happens to a lead.
    LeadEvent {
        Confirmed "lead_confirmed",
        NotConfirmed "lead_not_confirmed",
        NoAction "lead_no_action",
        /// The time by which an answer was due is reached.
        Due "due",
        /// So long after that the lead is given up.
        GivenUp "given_up",
    }
}

words! {
    /// What a step of a lead may depend on.
    LeadGuard {
        /// A rule saw it; the others rest on an order.
        Seen "seen_by_rule",
    }
}

words! {
    /// What a step of a lead does.
    LeadAct {
        /// It counts as overruled in its rule's quality.
        CountAgainst "count_against",
        /// People are told that the answer is late.
        Alarm "lead_alarm",
    }
}

/// The vocabulary of leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfLead;

impl OfLead {
    /// The place of the only figure: how long after its answer was due a lead is given up.
    pub const GIVEN_UP_AFTER: usize = 0;
}

impl Vocabulary for OfLead {
    const KIND: &'static str = "lead";
    const DUE: LeadEvent = LeadEvent::Due;
    const HAS_OWN_END: bool = true;
    const FIGURES: &'static [&'static str] = &["given_up_after"];
    type On = LeadEvent;
    type If = LeadGuard;
    type Do = LeadAct;
}
