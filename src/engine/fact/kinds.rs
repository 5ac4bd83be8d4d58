//! Kinds of product, channel, essential payment and usage, with their numbers in the packed form.

use super::Feed;

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

    /// Names and numbers, for conditions.
    pub const WORDS: [(&'static str, i64); 9] = [
        ("bank_account_i", 1),
        ("bank_account_ii", 2),
        ("bank_account_iii", 3),
        ("debit_card", 4),
        ("payment_account_i", 5),
        ("payment_account_ii", 6),
        ("payment_account_iii", 7),
        ("phone_card", 8),
        ("iot_card", 9),
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

/// How a transfer was asked for. The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Channel {
    #[default]
    Unstated = 0,
    /// At a counter, in person.
    Counter = 1,
    Online = 2,
    Mobile = 3,
    /// A self-service machine (law.md B11).
    SelfServiceMachine = 4,
    PointOfSale = 5,
}

impl Channel {
    pub const WORDS: [(&'static str, i64); 5] =
        [("counter", 1), ("online", 2), ("mobile", 3), ("self_service_machine", 4), ("point_of_sale", 5)];
    pub const ALL: [Channel; 6] = [
        Channel::Unstated,
        Channel::Counter,
        Channel::Online,
        Channel::Mobile,
        Channel::SelfServiceMachine,
        Channel::PointOfSale,
    ];

    #[must_use]
    pub fn from_code(code: u8) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| *channel as u8 == code)
    }
}

/// Money that nothing may stop (DESIGN D27, law.md A2, A10, J5): it feeds and triggers nothing, but
/// that an inflow of this kind came may protect its receiver. The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Essential {
    #[default]
    No = 0,
    /// Salary.
    Salary = 1,
    /// Pension or another social benefit.
    Pension = 2,
    Tax = 3,
    SocialInsurance = 4,
    /// Water, power, gas, heating.
    Utility = 5,
    Medical = 6,
}

impl Essential {
    pub const ALL: [Essential; 7] = [
        Essential::No,
        Essential::Salary,
        Essential::Pension,
        Essential::Tax,
        Essential::SocialInsurance,
        Essential::Utility,
        Essential::Medical,
    ];

    #[must_use]
    pub fn from_code(code: u8) -> Option<Essential> {
        Essential::ALL.into_iter().find(|essential| *essential as u8 == code)
    }

    /// Whether its receiver lives on it.
    #[must_use]
    pub fn is_livelihood(self) -> bool {
        matches!(self, Essential::Salary | Essential::Pension)
    }
}

/// What a card was used for. The numbers are part of the packed form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum UsageKind {
    #[default]
    Unstated = 0,
    CallPlaced = 1,
    CallReceived = 2,
    MessageSent = 3,
    Data = 4,
    /// A call placed that showed another number than the line's own, as the network saw it (APL 14).
    CallPlacedAltered = 5,
}

impl UsageKind {
    pub const WORDS: [(&'static str, i64); 5] = [
        ("call_placed", 1),
        ("call_received", 2),
        ("message_sent", 3),
        ("data", 4),
        ("call_placed_altered", 5),
    ];
    pub const ALL: [UsageKind; 6] = [
        UsageKind::Unstated,
        UsageKind::CallPlaced,
        UsageKind::CallReceived,
        UsageKind::MessageSent,
        UsageKind::Data,
        UsageKind::CallPlacedAltered,
    ];

    #[must_use]
    pub fn from_code(code: u8) -> Option<UsageKind> {
        UsageKind::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// The feed of the usage at its other end, for kinds that have one.
    #[must_use]
    pub fn peer_feed(self) -> Option<Feed> {
        match self {
            UsageKind::CallPlaced | UsageKind::CallPlacedAltered => Some(Feed::CallPlacedCard),
            UsageKind::CallReceived => Some(Feed::CallReceivedCard),
            UsageKind::MessageSent => Some(Feed::MessageSentCard),
            UsageKind::Data | UsageKind::Unstated => None,
        }
    }
}
