//! Measures: a closed, ordered ladder per kind of subject (DESIGN D22, D24).
//!
//! Two sets of types. `MeasureKind` is what a rule or limit may *ask for*: no step in it is more than
//! a signal may cause. `Measure` is what may be *set*: its harder steps demand a witness that only
//! the right event can give, so that, for example, suspending a phone card straight from a signal
//! does not compile (APL 11).

use super::base::{Fingerprint, TimeMs};
use super::entry::Category;
use super::life::MeasureAct;

/// The four lanes of D22. They never mix: each has its own remedies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Statutory limits on openings (APL 10, 16).
    Limit,
    /// Own measures on anomalies (APL 11, 12, 18).
    Anomaly,
    /// Authority orders and listed persons (APL 20, 31).
    Authority,
    /// Protection of likely victims (APL 34).
    Victim,
}

impl Lane {
    pub const ALL: [Lane; 4] = [Lane::Limit, Lane::Anomaly, Lane::Authority, Lane::Victim];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Lane::Limit => "limit",
            Lane::Anomaly => "anomaly",
            Lane::Authority => "authority",
            Lane::Victim => "victim",
        }
    }
}

/// Steps on a bank or payment account, mildest first (APL 18(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountStep {
    VerifyTransaction,
    ReverifyIdentity,
    DelaySettlement,
    LimitNonCounter,
    StopNonCounter,
}

/// Steps for a likely victim, mildest first (APL 34).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VictimStep {
    Warn,
    Call,
    CoolOff,
}

/// What a rule or limit may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MeasureKind {
    OpeningCheckFurther,
    /// Statutory limits only; the loader refuses it in a rule (D22).
    OpeningRefuse,
    /// The only thing a signal may cause on a phone card (APL 11).
    PhoneCardReverify,
    /// The use of an IoT card is confirmed with the person in charge of it (APL 12).
    IotCardReverify,
    Account(AccountStep),
    Victim(VictimStep),
}

impl MeasureKind {
    pub const ALL: [MeasureKind; 12] = [
        MeasureKind::OpeningCheckFurther,
        MeasureKind::OpeningRefuse,
        MeasureKind::PhoneCardReverify,
        MeasureKind::IotCardReverify,
        MeasureKind::Account(AccountStep::VerifyTransaction),
        MeasureKind::Account(AccountStep::ReverifyIdentity),
        MeasureKind::Account(AccountStep::DelaySettlement),
        MeasureKind::Account(AccountStep::LimitNonCounter),
        MeasureKind::Account(AccountStep::StopNonCounter),
        MeasureKind::Victim(VictimStep::Warn),
        MeasureKind::Victim(VictimStep::Call),
        MeasureKind::Victim(VictimStep::CoolOff),
    ];

    #[must_use]
    pub fn from_name(name: &str) -> Option<MeasureKind> {
        MeasureKind::ALL.into_iter().find(|kind| Measure::from(*kind).name() == name)
    }

    /// The lane a measure of this kind belongs to when a rule or limit sets it.
    #[must_use]
    pub fn lane(self) -> Lane {
        match self {
            MeasureKind::OpeningRefuse => Lane::Limit,
            MeasureKind::OpeningCheckFurther
            | MeasureKind::PhoneCardReverify
            | MeasureKind::IotCardReverify
            | MeasureKind::Account(_) => Lane::Anomaly,
            MeasureKind::Victim(_) => Lane::Victim,
        }
    }

    /// The verification that a measure falls back to when its rule's harm budget is spent (D28): the
    /// mildest step of its ladder.
    #[must_use]
    pub fn verification(self) -> MeasureKind {
        match self {
            MeasureKind::Account(_) => MeasureKind::Account(AccountStep::VerifyTransaction),
            MeasureKind::Victim(_) => MeasureKind::Victim(VictimStep::Warn),
            mildest => mildest,
        }
    }

    /// Whether it keeps business on an account from being done, rather than asking about it or delaying it:
    /// before that, what is carved out is carved out of a limit of the law as well (D27).
    #[must_use]
    pub fn denies(self) -> bool {
        matches!(self, MeasureKind::Account(AccountStep::LimitNonCounter | AccountStep::StopNonCounter))
    }

    /// Whether this is a milder step than `other` on the same ladder.
    #[must_use]
    pub fn is_milder_than(self, other: MeasureKind) -> bool {
        match (self, other) {
            (MeasureKind::Account(own), MeasureKind::Account(its)) => own < its,
            (MeasureKind::Victim(own), MeasureKind::Victim(its)) => own < its,
            (MeasureKind::OpeningCheckFurther, MeasureKind::OpeningRefuse) => true,
            _ => false,
        }
    }

    /// True when the measure is about one event (a transfer, a payment) and not about its party:
    /// it is set anew for each event and never suppressed because an older one stands.
    #[must_use]
    pub fn is_per_event(self) -> bool {
        matches!(
            self,
            MeasureKind::Account(AccountStep::VerifyTransaction | AccountStep::DelaySettlement)
                | MeasureKind::Victim(_)
        )
    }
}

/// A verification of a phone card's holder was failed, or its time ran out after the notice was
/// delivered. Only the life of a verification makes one; it is what limiting or suspending demands.
/// What follows on a limit rests on the same lapse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationLapse {
    event: Fingerprint,
    at: TimeMs,
}

impl VerificationLapse {
    /// From a re-verification that stood and the event (failed) or timer (expired) that ended it, or from
    /// a limit that stands for that already. `None` when what stood was neither.
    #[must_use]
    pub fn of(standing: &Measure, event: Fingerprint, at: TimeMs) -> Option<VerificationLapse> {
        match standing {
            Measure::PhoneCardReverify => Some(VerificationLapse { event, at }),
            Measure::PhoneCardLimit(lapse) => Some(lapse.clone()),
            _ => None,
        }
    }

    /// The event that ended the verification, and when.
    #[must_use]
    pub fn cause(&self) -> (Fingerprint, TimeMs) {
        (self.event, self.at)
    }
}

/// The use of an IoT card was not confirmed by the person in charge of it, or not in time (APL 12). Only
/// the life of such a confirmation makes one; it is what limiting or pausing the card demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneLapse {
    event: Fingerprint,
    at: TimeMs,
}

impl SceneLapse {
    /// From a confirmation of use that stood and what ended it, or from a limit that stands for that
    /// already. `None` when what stood was neither.
    #[must_use]
    pub fn of(standing: &Measure, event: Fingerprint, at: TimeMs) -> Option<SceneLapse> {
        match standing {
            Measure::IotCardReverify => Some(SceneLapse { event, at }),
            Measure::IotCardLimit(lapse) => Some(lapse.clone()),
            _ => None,
        }
    }

    /// The event that ended the confirmation, and when.
    #[must_use]
    pub fn cause(&self) -> (Fingerprint, TimeMs) {
        (self.event, self.at)
    }
}

/// A signed order of an authority: the only thing that can carry a measure of that lane (APL 20, 31).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    number: String,
    issuer: String,
    start: TimeMs,
    end: TimeMs,
}

impl Order {
    /// `None` when a part is empty or the order does not end after it starts.
    #[must_use]
    pub fn new(number: String, issuer: String, start: TimeMs, end: TimeMs) -> Option<Order> {
        (!number.is_empty() && !issuer.is_empty() && start < end).then_some(Order {
            number,
            issuer,
            start,
            end,
        })
    }

    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    #[must_use]
    pub fn term(&self) -> (TimeMs, TimeMs) {
        (self.start, self.end)
    }
}

/// A signed entry on the list of joint sanctions: the only thing that can carry its measures (APL 31).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    number: String,
    issuer: String,
    category: Category,
    start: TimeMs,
    end: TimeMs,
}

impl Listing {
    /// `None` when a part is empty or the entry does not end after it starts.
    #[must_use]
    pub fn new(
        number: String,
        issuer: String,
        category: Category,
        (start, end): (TimeMs, TimeMs),
    ) -> Option<Listing> {
        (!number.is_empty() && !issuer.is_empty() && start < end).then_some(Listing {
            number,
            issuer,
            category,
            start,
            end,
        })
    }

    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    #[must_use]
    pub fn category(&self) -> Category {
        self.category
    }

    #[must_use]
    pub fn term(&self) -> (TimeMs, TimeMs) {
        (self.start, self.end)
    }
}

/// What may be set. Harder steps carry their witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    OpeningCheckFurther,
    OpeningRefuse,
    PhoneCardReverify,
    IotCardReverify,
    PhoneCardLimit(VerificationLapse),
    PhoneCardSuspend(VerificationLapse),
    Account(AccountStep),
    Victim(VictimStep),
    AuthorityStopPayment(Order),
    AuthorityFreeze(Order),
    IotCardLimit(SceneLapse),
    IotCardPause(SceneLapse),
    /// Non-counter outflow of a listed person's bank account (law.md J4): inflow, the counter and the
    /// exceptions of J5 stay open.
    ListedLimitOutflow(Listing),
    /// A listed person's payment account stops, but for its balance to an own bank account (J4, J5).
    ListedStopPaymentAccount(Listing),
    /// A listed person's phone or IoT card (J6); one line is kept and has no measure.
    ListedLimitCard(Listing),
    /// No new payment account or card is opened for a listed person (J4, J6).
    ListedRefuseOpening(Listing),
}

/// The names of all measures, of those that need a witness too.
pub const MEASURE_NAMES: [&str; 22] = [
    "opening_check_further",
    "opening_refuse",
    "phone_card_reverify",
    "iot_card_reverify",
    "phone_card_limit",
    "phone_card_suspend",
    "account_verify_transaction",
    "account_reverify_identity",
    "account_delay_settlement",
    "account_limit_non_counter",
    "account_stop_non_counter",
    "victim_warn",
    "victim_call",
    "victim_cool_off",
    "authority_stop_payment",
    "authority_freeze",
    "iot_card_limit",
    "iot_card_pause",
    "listed_limit_outflow",
    "listed_stop_payment_account",
    "listed_limit_card",
    "listed_refuse_opening",
];

impl From<MeasureKind> for Measure {
    fn from(kind: MeasureKind) -> Measure {
        match kind {
            MeasureKind::OpeningCheckFurther => Measure::OpeningCheckFurther,
            MeasureKind::OpeningRefuse => Measure::OpeningRefuse,
            MeasureKind::PhoneCardReverify => Measure::PhoneCardReverify,
            MeasureKind::IotCardReverify => Measure::IotCardReverify,
            MeasureKind::Account(step) => Measure::Account(step),
            MeasureKind::Victim(step) => Measure::Victim(step),
        }
    }
}

impl Measure {
    /// The name in rule files, notices and outputs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Measure::OpeningCheckFurther => "opening_check_further",
            Measure::OpeningRefuse => "opening_refuse",
            Measure::PhoneCardReverify => "phone_card_reverify",
            Measure::IotCardReverify => "iot_card_reverify",
            Measure::PhoneCardLimit(_) => "phone_card_limit",
            Measure::PhoneCardSuspend(_) => "phone_card_suspend",
            Measure::Account(AccountStep::VerifyTransaction) => "account_verify_transaction",
            Measure::Account(AccountStep::ReverifyIdentity) => "account_reverify_identity",
            Measure::Account(AccountStep::DelaySettlement) => "account_delay_settlement",
            Measure::Account(AccountStep::LimitNonCounter) => "account_limit_non_counter",
            Measure::Account(AccountStep::StopNonCounter) => "account_stop_non_counter",
            Measure::Victim(VictimStep::Warn) => "victim_warn",
            Measure::Victim(VictimStep::Call) => "victim_call",
            Measure::Victim(VictimStep::CoolOff) => "victim_cool_off",
            Measure::AuthorityStopPayment(_) => "authority_stop_payment",
            Measure::AuthorityFreeze(_) => "authority_freeze",
            Measure::IotCardLimit(_) => "iot_card_limit",
            Measure::IotCardPause(_) => "iot_card_pause",
            Measure::ListedLimitOutflow(_) => "listed_limit_outflow",
            Measure::ListedStopPaymentAccount(_) => "listed_stop_payment_account",
            Measure::ListedLimitCard(_) => "listed_limit_card",
            Measure::ListedRefuseOpening(_) => "listed_refuse_opening",
        }
    }

    /// What a rule could ask for, if it could ask for this: harder steps have none.
    #[must_use]
    pub fn kind(&self) -> Option<MeasureKind> {
        MeasureKind::from_name(self.name())
    }

    /// What a step of this measure's life sets after it. `None` when that does not follow on this one,
    /// or lacks the witness that it demands (DESIGN D24).
    #[must_use]
    pub fn followed_by(&self, act: MeasureAct, event: Fingerprint, at: TimeMs) -> Option<Measure> {
        let step = |next: AccountStep| match self {
            Measure::Account(own) if *own < next => Some(Measure::Account(next)),
            _ => None,
        };
        match act {
            MeasureAct::SetPhoneCardLimit if matches!(self, Measure::PhoneCardReverify) => {
                VerificationLapse::of(self, event, at).map(Measure::PhoneCardLimit)
            }
            MeasureAct::SetPhoneCardSuspend => {
                VerificationLapse::of(self, event, at).map(Measure::PhoneCardSuspend)
            }
            MeasureAct::SetIotCardLimit if matches!(self, Measure::IotCardReverify) => {
                SceneLapse::of(self, event, at).map(Measure::IotCardLimit)
            }
            MeasureAct::SetIotCardPause => SceneLapse::of(self, event, at).map(Measure::IotCardPause),
            MeasureAct::SetReverifyIdentity => step(AccountStep::ReverifyIdentity),
            MeasureAct::SetDelaySettlement => step(AccountStep::DelaySettlement),
            MeasureAct::SetLimitNonCounter => step(AccountStep::LimitNonCounter),
            MeasureAct::SetStopNonCounter => step(AccountStep::StopNonCounter),
            MeasureAct::SetPhoneCardLimit
            | MeasureAct::SetIotCardLimit
            | MeasureAct::TellAgain
            | MeasureAct::AskStaff
            | MeasureAct::EndVerified
            | MeasureAct::EndCancelled => None,
        }
    }
}
