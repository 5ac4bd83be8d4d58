//! Facts: what intake hands to a partition. One event becomes one fact for each subject it concerns.
//!
//! A fact is self-contained: nothing in it has to be looked up elsewhere (D6).

mod feed;
mod kinds;

pub use feed::Feed;
pub use kinds::{Channel, Essential, Product, UsageKind};

use super::appeal::AppealStep;
use super::authorisation::{AuthorisedUse, TraceClasses};
use super::base::{Fingerprint, Money, SpanMs, TimeMs, Token};
use super::declared::{CardProfile, Owner, OwnersSource};
use super::disposition::{AppealRef, DispositionId};
use super::kept::HoldClass;
use super::life::MeasureEvent;
use super::order::OrderName;
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
    /// The institution saw the payer's device under remote control (law.md L16). With the payer only.
    pub remote_control: bool,
    /// The payer had just drawn a loan. With the payer only.
    pub after_loan: bool,
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

impl HolderKind {
    /// Names and numbers, for conditions.
    pub const WORDS: [(&'static str, i64); 2] = [("person", 1), ("unit", 2)];

    /// Its number for conditions.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            HolderKind::Person => 1,
            HolderKind::Unit => 2,
        }
    }
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
    /// Use of a phone or IoT card of the routing holder. `open_mb`: open traffic this month, by the carrier
    /// (law.md T8); `region`: where an IoT card was used, of a phone card never.
    CardUsage {
        card: Party,
        device: Token,
        usage: UsageKind,
        peer: Option<Token>,
        open_mb: Option<u32>,
        region: Option<Token>,
    },
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
        /// Of a request: the outlet where it was made, if the event says.
        outlet: Option<Token>,
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
    /// What is kept of the routing holder is held until then, beyond its term (S20).
    HoldOrdered { name: OrderName, class: HoldClass, until: TimeMs },
    /// An order to hold ends before its time.
    HoldReleased { name: OrderName },
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
    /// What was agreed for an IoT card of the routing holder (APL 12).
    CardProfiled { card: Party, profile: Box<CardProfile> },
    /// A person assessed the risk of a request of the routing holder before the sale (APL 12).
    RiskAssessed { opening: Token, passed: bool, assessor: Token },
    /// The routing subject, a reseller, has so many devices with cards in stock (APL 12).
    StockReported { feed: Feed, count: u32 },
    /// The beneficial owners of the routing holder, a unit (APL 15).
    OwnersDeclared { owners: Vec<Owner>, source: OwnersSource },
    /// The device and the location of an event, on a party of the routing holder, where the source holds
    /// them as data of Art. 18(4). It stands before the other facts of its event.
    TracesSeen { party: Party, device: Option<Token>, location: Option<Token> },
    /// The routing holder opens another use of such data (S22).
    AuthorisationGranted {
        number: std::sync::Arc<str>,
        opens: AuthorisedUse,
        data: TraceClasses,
        until: TimeMs,
    },
    /// The routing holder takes an authorisation back.
    AuthorisationRevoked { number: std::sync::Arc<str> },
    /// An authority orders something about a party of the routing holder, or says more of its order (S15).
    Order(Box<super::order::OrderFact>),
    /// A special measure in an area is ordered or released; to all partitions (S25).
    Special(Box<super::special::SpecialFact>),
    /// An authority says what became of a lead about the routing subject (S23).
    LeadAnswered { lead: super::lead::LeadRef, outcome: super::lead::LeadOutcome },
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
