//! Facts: what intake hands to a partition. One event becomes one fact for each subject it concerns.
//!
//! A fact is self-contained: nothing in it has to be looked up elsewhere (D6).

use super::base::{Fingerprint, Money, SpanMs, TimeMs, Token};
use super::disposition::AppealRef;
use super::subject::{Party, Subject};

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

/// Classes of product that limits count (law.md B1, B3, B8, T1, T2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Product {
    BankAccountI = 1,
    BankAccountII = 2,
    BankAccountIII = 3,
    DebitCard = 4,
    PaymentAccountI = 5,
    PaymentAccountII = 6,
    PaymentAccountIII = 7,
    PhoneCard = 8,
    IotCard = 9,
}

impl Product {
    pub const ALL: [Product; 9] = [
        Product::BankAccountI,
        Product::BankAccountII,
        Product::BankAccountIII,
        Product::DebitCard,
        Product::PaymentAccountI,
        Product::PaymentAccountII,
        Product::PaymentAccountIII,
        Product::PhoneCard,
        Product::IotCard,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Product::BankAccountI => "bank_account_i",
            Product::BankAccountII => "bank_account_ii",
            Product::BankAccountIII => "bank_account_iii",
            Product::DebitCard => "debit_card",
            Product::PaymentAccountI => "payment_account_i",
            Product::PaymentAccountII => "payment_account_ii",
            Product::PaymentAccountIII => "payment_account_iii",
            Product::PhoneCard => "phone_card",
            Product::IotCard => "iot_card",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Product> {
        Product::ALL.into_iter().find(|product| product.name() == name)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Product> {
        Product::ALL.into_iter().find(|product| *product as u8 == code)
    }
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
}

impl Feed {
    pub const ALL: [Feed; 12] = [
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
        /// Salary, pension or another inflow that the law protects (A10, D27).
        protected: bool,
    },
    /// A card payment, on the card's account of the routing holder.
    CardPayment { account: Party, terminal: Token, amount: Money },
    /// Use of a phone card of the routing holder.
    CardUsage { card: Party, device: Token },
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
    },
    /// The lawful platform's answer: how many of this product the person holds elsewhere (Art. 16).
    HoldingsAnswered { opening: Token, product: Product, elsewhere_count: u32 },
    /// A reviewer or authority decided an appeal against a measure on this holder.
    AppealDecided { appeal: AppealRef, outcome: AppealOutcome, override_for: Option<SpanMs> },
    /// An earlier event was wrong: `before` is taken out, `after` is put in its place. The two
    /// bodies are of the same routing subject; one of them may live in another partition.
    Corrected { original: Fingerprint, before: Option<Dated>, after: Option<Dated> },
    /// A rule set begins to decide here. The text is the canonical bundle; see `config::bundle`.
    RuleSetActivated { bundle: std::sync::Arc<str> },
    /// From here on measures are enforced; before it everything only observes (D28).
    WentLive,
}

/// A body with the event time it had or should have had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    pub at: TimeMs,
    pub body: Box<FactBody>,
}
