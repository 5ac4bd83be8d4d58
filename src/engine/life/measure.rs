//! The words of a measure's life (APL 11, 12, 18).

use super::{Vocabulary, words};

words! {
    /// What happens to a measure.
    MeasureEvent {
        /// The notice reached the person.
        NoticeDelivered "notice_delivered",
        NoticeUndeliverable "notice_undeliverable",
        VerificationPassed "verification_passed",
        VerificationFailed "verification_failed",
        /// The payer took the transfer back while it waited (law.md B11).
        Cancelled "cancelled",
        /// The state's own deadline.
        Due "due",
    }
}

words! {
    /// What a step of a measure may depend on.
    MeasureGuard {
        /// The rule that set it states a high risk.
        RiskHigh "risk_high",
        RiskLow "risk_low",
        /// No statutory limit set it, so a verification may settle it before its time.
        OfRule "of_rule",
        /// There is a way of delivery that was not tried.
        ChannelLeft "channel_left",
        /// It is the holder's only phone card that still works, and one is kept.
        LastLine "last_line",
    }
}

words! {
    /// What a step of a measure does.
    MeasureAct {
        /// The notice goes out again by the next way of delivery.
        TellAgain "tell_again",
        /// A person has to take over: nothing runs until then.
        AskStaff "ask_staff",
        EndVerified "end_verified",
        EndCancelled "end_cancelled",
        SetPhoneCardLimit "set_phone_card_limit",
        SetPhoneCardSuspend "set_phone_card_suspend",
        SetIotCardLimit "set_iot_card_limit",
        SetIotCardPause "set_iot_card_pause",
        SetReverifyIdentity "set_reverify_identity",
        SetDelaySettlement "set_delay_settlement",
        SetLimitNonCounter "set_limit_non_counter",
        SetStopNonCounter "set_stop_non_counter",
    }
}

impl MeasureAct {
    /// The measure that it sets, by name; none when it sets none.
    #[must_use]
    pub fn sets(self) -> Option<&'static str> {
        match self {
            MeasureAct::TellAgain
            | MeasureAct::AskStaff
            | MeasureAct::EndVerified
            | MeasureAct::EndCancelled => None,
            MeasureAct::SetPhoneCardLimit => Some("phone_card_limit"),
            MeasureAct::SetPhoneCardSuspend => Some("phone_card_suspend"),
            MeasureAct::SetIotCardLimit => Some("iot_card_limit"),
            MeasureAct::SetIotCardPause => Some("iot_card_pause"),
            MeasureAct::SetReverifyIdentity => Some("account_reverify_identity"),
            MeasureAct::SetDelaySettlement => Some("account_delay_settlement"),
            MeasureAct::SetLimitNonCounter => Some("account_limit_non_counter"),
            MeasureAct::SetStopNonCounter => Some("account_stop_non_counter"),
        }
    }

    /// Whether the measure that does it stands no more afterwards.
    #[must_use]
    pub fn ends(self) -> bool {
        matches!(self, MeasureAct::EndVerified | MeasureAct::EndCancelled) || self.sets().is_some()
    }
}

/// The vocabulary of measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfMeasure;

impl Vocabulary for OfMeasure {
    const KIND: &'static str = "measure";
    const DUE: MeasureEvent = MeasureEvent::Due;
    type On = MeasureEvent;
    type If = MeasureGuard;
    type Do = MeasureAct;
}
