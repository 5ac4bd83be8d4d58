//! Facts: what intake hands to a partition. One event becomes one fact for each subject it concerns.
//!
//! A fact is self-contained: nothing in it has to be looked up elsewhere (D6).

use super::appeal::AppealStep;
mod kinds;

pub use kinds::{Channel, Essential, Product, UsageKind};

use super::base::{Fingerprint, Money, SpanMs, TimeMs, Token};
use super::disposition::{AppealRef, DispositionId};
use super::life::MeasureEvent;
use super::subject::{Party, Subject};
use super::verifying::{DeliveryChannel, VerificationMethod};

/// One thing that happened to one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Keyed fingerprint of the event's id. All facts of one event carry the same.
    pub event: Fingerprint,
    /// Event time.
    pub at: TimeMs,
    /// The subject whose partition this fact belongs to: the holder, or a device, agent, outlet,
    /// terminal or phone number. Broadcast facts carry the holder kind and token 0.
    pub route: Subject,
    pub body: FactBody,
}

/// Which side of a transfer this fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Payer,
    Payee,
}

/// What a transfer's event says beside its parties and amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransferDetails {
    pub channel: Channel,
    pub essential: Essential,
    /// The other side is the account bound to this one (law.md B4).
    pub to_bound_account: bool,
    /// The other side is the same customer's, at the same institution (law.md B11, B13).
    pub to_own_account: bool,
    pub cash: bool,
    /// Authenticated by certificate or electronic signature (law.md B13).
    pub strong_auth: bool,
    /// Balance of this fact's account after the transfer, in minor units.
    pub balance_after: Option<i64>,
    /// What the customer agreed as daily sum without a counter, in minor units (law.md B15).
    pub agreed_daily_sum: Option<i64>,
}

/// The other side of a transfer between two of our customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherParty {
    pub holder: Token,
    pub account: Party,
}

/// Person or unit: the statutory counts are for persons (law.md B1, T1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    Person,
    Unit,
}

/// A step in the life of an opening. Their order is by event time, not by arrival (D10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpeningStep {
    Requested,
    Opened,
    Abandoned,
    Closed,
    /// The product class of an open holding changed to the one in the fact.
    Changed,
    /// The holding existed before we were told of it (bootstrap).
    Stated,
}

impl OpeningStep {
    /// Whether the step is about the account or card itself, not only about the request.
    #[must_use]
    pub fn is_of_holding(self) -> bool {
        matches!(self, OpeningStep::Opened | OpeningStep::Closed | OpeningStep::Changed | OpeningStep::Stated)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppealOutcome {
    Upheld,
    Overturned,
}

/// The kinds of event that can feed a signal or trigger a rule, seen from one role.
/// The numbers are part of the packed form and of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Feed {
    /// A transfer, on the payer's account. `other` = the payee.
    TransferPayer = 1,
    /// A transfer, on the payee's account. `other` = the payer.
    TransferPayee = 2,
    /// A card payment, on the card's account. `other` = the terminal.
    CardPaymentCard = 3,
    /// A card payment, at the terminal. `other` = the holder.
    CardPaymentTerminal = 4,
    /// A request to open, on the holder. `other` = the opening.
    OpeningRequestedHolder = 5,
    /// A request to open, at the agent who brought it. `other` = the holder.
    OpeningRequestedAgent = 6,
    /// A request to open, from a device. `other` = the holder.
    OpeningRequestedDevice = 7,
    /// A request to open, giving a contact phone number. `other` = the holder.
    OpeningRequestedPhoneNumber = 8,
    /// A request to open, at an outlet. `other` = the holder.
    OpeningRequestedOutlet = 9,
    /// A transfer, from a device. `other` = the payer's holder.
    TransferDevice = 10,
    /// Use of a phone card, on the card. `other` = the device.
    CardUsageCard = 11,
    /// Use of a phone card, in a device. `other` = the holder.
    CardUsageDevice = 12,
    /// A call placed, on the card. `other` = the number called.
    CallPlacedCard = 13,
    /// A call received, on the card. `other` = the number that called.
    CallReceivedCard = 14,
    /// A message sent, on the card. `other` = the number it went to.
    MessageSentCard = 15,
    /// Salary or pension received, on the account. `other` = the payer. For protections only (D27).
    LivelihoodPayee = 16,
    /// A fraud was confirmed in which the account paid (or the card was used). `other` = the other side.
    FraudConfirmedPayer = 17,
    /// A fraud was confirmed in which the account was paid. `other` = the payer.
    FraudConfirmedPayee = 18,
    /// A card payment at the terminal was confirmed as fraud. `other` = the holder.
    FraudConfirmedTerminal = 19,
    /// A request to open, giving an address. `other` = the holder.
    OpeningRequestedAddress = 20,
}

impl Feed {
    pub const ALL: [Feed; 20] = [
        Feed::TransferPayer,
        Feed::TransferPayee,
        Feed::CardPaymentCard,
        Feed::CardPaymentTerminal,
        Feed::OpeningRequestedHolder,
        Feed::OpeningRequestedAgent,
        Feed::OpeningRequestedDevice,
        Feed::OpeningRequestedPhoneNumber,
        Feed::OpeningRequestedOutlet,
        Feed::TransferDevice,
        Feed::CardUsageCard,
        Feed::CardUsageDevice,
        Feed::CallPlacedCard,
        Feed::CallReceivedCard,
        Feed::MessageSentCard,
        Feed::LivelihoodPayee,
        Feed::FraudConfirmedPayer,
        Feed::FraudConfirmedPayee,
        Feed::FraudConfirmedTerminal,
        Feed::OpeningRequestedAddress,
    ];

    /// The name in signal and rule files: event type, a dot, the role.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Feed::TransferPayer => "transfer_posted.payer",
            Feed::TransferPayee => "transfer_posted.payee",
            Feed::CardPaymentCard => "card_payment_posted.card",
            Feed::CardPaymentTerminal => "card_payment_posted.terminal",
            Feed::OpeningRequestedHolder => "opening_requested.holder",
            Feed::OpeningRequestedAgent => "opening_requested.agent",
            Feed::OpeningRequestedDevice => "opening_requested.device",
            Feed::OpeningRequestedPhoneNumber => "opening_requested.phone_number",
            Feed::OpeningRequestedOutlet => "opening_requested.outlet",
            Feed::TransferDevice => "transfer_posted.device",
            Feed::CardUsageCard => "card_usage_recorded.card",
            Feed::CardUsageDevice => "card_usage_recorded.device",
            Feed::CallPlacedCard => "call_placed.card",
            Feed::CallReceivedCard => "call_received.card",
            Feed::MessageSentCard => "message_sent.card",
            Feed::LivelihoodPayee => "livelihood_received.payee",
            Feed::FraudConfirmedPayer => "fraud_confirmed.payer",
            Feed::FraudConfirmedPayee => "fraud_confirmed.payee",
            Feed::FraudConfirmedTerminal => "fraud_confirmed.terminal",
            Feed::OpeningRequestedAddress => "opening_requested.address",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Feed> {
        Feed::ALL.into_iter().find(|feed| feed.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Feed> {
        Feed::ALL.into_iter().find(|feed| *feed as u8 == code)
    }

    /// This feed's bit in a set of feeds.
    #[must_use]
    pub fn bit(self) -> u32 {
        1 << (self as u8)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactBody {
    /// One side of a transfer, on an account of the routing holder.
    Transfer {
        side: Side,
        account: Party,
        counterparty: Token,
        amount: Money,
        details: TransferDetails,
        /// The other side, when it is ours: whom a report about this account may concern.
        other_side: Option<Box<OtherParty>>,
    },
    /// A card payment, on the card's account of the routing holder.
    CardPayment { account: Party, terminal: Token, amount: Money },
    /// Use of a phone card of the routing holder. `open_mb`: open traffic this month, by the carrier (law.md T8).
    CardUsage { card: Party, device: Token, usage: UsageKind, peer: Option<Token>, open_mb: Option<u32> },
    /// A transfer or card payment on an account of the routing holder turned out to be part of a
    /// fraud; `feed` says from which side, `other` is the other side or the terminal.
    FraudConfirmed { feed: Feed, account: Party, other: Token, amount: Option<Money> },
    /// The routing subject (device, agent, outlet, terminal, phone number) was met by one of our
    /// holders. `target` is what of theirs a report about this subject may act on.
    Met { feed: Feed, holder: Token, target: Party, amount: Option<Money> },
    /// A step of an opening of the routing holder. `opening` names the request; `holding` is the
    /// account or card once it exists (for `Requested` and `Abandoned` it may be absent).
    Opening {
        step: OpeningStep,
        opening: Party,
        holding: Option<Party>,
        product: Product,
        holder_kind: HolderKind,
        /// A co-holder's fact counts towards limits only and is never answered (D2).
        co_holder: bool,
        /// Independent channels by which the identity was verified (law.md B9), if the event says.
        identity_channels: Option<u8>,
    },
    /// The lawful platform's answer: how many of this product the person holds elsewhere (Art. 16).
    HoldingsAnswered { opening: Token, product: Product, elsewhere_count: u32 },
    /// A reviewer or authority decided an appeal against a measure on this holder.
    AppealDecided {
        appeal: AppealRef,
        outcome: AppealOutcome,
        override_for: Option<SpanMs>,
        /// Who decided, by token.
        decider: Option<Token>,
        /// Why it was upheld: key into the answers of the rule set.
        reason: Option<std::sync::Arc<str>>,
    },
    /// An earlier event was wrong: `before` is taken out, `after` is put in its place. The two
    /// bodies are of the same routing subject; one of them may live in another partition.
    Corrected { original: Fingerprint, before: Option<Dated>, after: Option<Dated> },
    /// A rule set begins to decide here. The text is the canonical bundle; see `config::bundle`.
    RuleSetActivated { bundle: std::sync::Arc<str>, release: Release },
    /// From here on measures are enforced; before it everything only observes (D28).
    WentLive,
    /// A step of an appeal against a measure on this holder, or of a request for a human decision.
    Appeal { appeal: AppealRef, step: AppealStep },
    /// Something happened to a measure on this holder: its notice was delivered, they were verified (S14).
    MeasureHappened { measure: DispositionId, news: MeasureNews },
    /// Why several people use one phone number was explained and accepted (law.md B17).
    SharingExplained { number: Token },
    /// A payment of the routing holder was settled; what it says is compared with what was asked for
    /// (APL 19). `feed` says which side `account` is.
    SettlementRecorded {
        feed: Feed,
        account: Party,
        initiated_by: Fingerprint,
        other: Option<Token>,
        amount: Option<Money>,
    },
    /// An authority orders something about a party of the routing holder, or says more of its order (S15).
    Order(Box<super::order::OrderFact>),
    /// The routing holder is listed, or the entry is revoked (S16).
    Entry(Box<super::entry::EntryFact>),
}

/// What happened to a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasureNews {
    NoticeDelivered(DeliveryChannel),
    NoticeUndeliverable(DeliveryChannel),
    VerificationPassed(VerificationMethod),
    VerificationFailed(VerificationMethod),
    /// The payer took the transfer back.
    Cancelled,
}

impl MeasureNews {
    /// The word for it in tables of lives.
    #[must_use]
    pub fn event(self) -> MeasureEvent {
        match self {
            MeasureNews::NoticeDelivered(_) => MeasureEvent::NoticeDelivered,
            MeasureNews::NoticeUndeliverable(_) => MeasureEvent::NoticeUndeliverable,
            MeasureNews::VerificationPassed(_) => MeasureEvent::VerificationPassed,
            MeasureNews::VerificationFailed(_) => MeasureEvent::VerificationFailed,
            MeasureNews::Cancelled => MeasureEvent::Cancelled,
        }
    }
}

/// How a rule set came to be released: on record with the fact. Only `rollback` decides (S1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// Id of the registered key whose signature intake found good; none when it was not asked for one.
    pub signed_by: Option<std::sync::Arc<str>>,
    /// Number of the impact assessment (PIPL 55, 56).
    pub assessment: Option<std::sync::Arc<str>>,
    /// Why a version that is not above the active one may begin all the same.
    pub rollback: Option<std::sync::Arc<str>>,
}

/// A body with the event time it had or should have had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    pub at: TimeMs,
    pub body: Box<FactBody>,
}
