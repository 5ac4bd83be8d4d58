//! What conditions may read of the triggering event and its party, besides signals.
//!
//! Every field is an integer: an amount in minor units, a count, 1 for true and 0 for false, or the
//! number of a word out of a closed list. An event that does not say leaves its field unknown.

use super::base::Money;
use super::declared::{CardRisk, Scene, TrafficClass};
use super::fact::{Channel, HolderKind, Product, TransferDetails, UsageKind};

/// A field that a condition may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Field {
    /// Fen; unknown in another currency, as are the other sums.
    Amount = 0,
    Channel = 1,
    /// The other side is the account bound to this one.
    Bound = 2,
    /// The other side is the same customer's, at the same institution.
    OwnAccount = 3,
    Cash = 4,
    /// Authenticated by certificate or electronic signature.
    StrongAuth = 5,
    /// The account's balance after the event, in minor units.
    BalanceAfter = 6,
    /// Class of the account or card, or of what is to be opened.
    Product = 7,
    Usage = 8,
    /// Independent channels by which the identity was verified (law.md B9).
    IdentityChannels = 9,
    /// What the customer agreed as daily sum without a counter, in minor units (law.md B15).
    AgreedDailySum = 10,
    /// Open traffic of the card this calendar month (law.md T8).
    MonthOpenMegabytes = 11,
    /// The payer's device was under remote control (law.md L16). Victim protection only, as the next.
    RemoteControl = 12,
    /// The payer had just drawn a loan.
    AfterLoan = 13,
    /// An IoT card was used for what it was not sold with (law.md T10), and so on down to its scene.
    OutsideFunctions = 14,
    /// In another device than the one it is bound to (law.md T9).
    OutsideDevice = 15,
    /// Outside of the region or access point that was agreed.
    OutsideRegion = 16,
    /// How risky its use was assessed to be.
    ProfileRisk = 17,
    ProfileTraffic = 18,
    ProfileScene = 19,
    /// Who asks to open: a person or a unit.
    HolderKind = 20,
    /// Beneficial owners declared for the unit that asks; 0 when none were (APL 15).
    OwnersDeclared = 21,
    /// Their shares together, in thousandths.
    OwnersShare = 22,
    /// Whether the use of an IoT card was agreed for this very card, so that the fields above can say more.
    CardProfiled = 23,
    /// Whether a person or a unit has the account or card, or asks for it (law.md B13, B14 are for persons).
    PartyHolderKind = 24,
}

/// What kind of value a field has; the type checker of conditions reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Money,
    Count,
    Flag,
    /// A word out of a closed list, by number.
    Word(&'static [(&'static str, i64)]),
}

impl Field {
    pub const ALL: [Field; 25] = [
        Field::Amount,
        Field::Channel,
        Field::Bound,
        Field::OwnAccount,
        Field::Cash,
        Field::StrongAuth,
        Field::BalanceAfter,
        Field::Product,
        Field::Usage,
        Field::IdentityChannels,
        Field::AgreedDailySum,
        Field::MonthOpenMegabytes,
        Field::RemoteControl,
        Field::AfterLoan,
        Field::OutsideFunctions,
        Field::OutsideDevice,
        Field::OutsideRegion,
        Field::ProfileRisk,
        Field::ProfileTraffic,
        Field::ProfileScene,
        Field::HolderKind,
        Field::OwnersDeclared,
        Field::OwnersShare,
        Field::CardProfiled,
        Field::PartyHolderKind,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Field::Amount => "event.amount",
            Field::Channel => "event.channel",
            Field::Bound => "event.to_bound_account",
            Field::OwnAccount => "event.to_own_account",
            Field::Cash => "event.cash",
            Field::StrongAuth => "event.strong_auth",
            Field::BalanceAfter => "event.balance_after",
            Field::Product => "party.product",
            Field::Usage => "event.usage",
            Field::IdentityChannels => "event.identity_channels",
            Field::AgreedDailySum => "event.agreed_daily_sum",
            Field::MonthOpenMegabytes => "event.month_open_megabytes",
            Field::RemoteControl => "event.remote_control",
            Field::AfterLoan => "event.after_loan",
            Field::OutsideFunctions => "event.outside_functions",
            Field::OutsideDevice => "event.outside_device",
            Field::OutsideRegion => "event.outside_region",
            Field::ProfileRisk => "event.profile_risk",
            Field::ProfileTraffic => "event.profile_traffic",
            Field::ProfileScene => "event.profile_scene",
            Field::HolderKind => "event.holder_kind",
            Field::OwnersDeclared => "event.owners_declared",
            Field::OwnersShare => "event.owners_share",
            Field::CardProfiled => "event.card_profiled",
            Field::PartyHolderKind => "party.holder_kind",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }

    #[must_use]
    pub fn value_type(self) -> FieldType {
        match self {
            Field::Amount | Field::BalanceAfter | Field::AgreedDailySum => FieldType::Money,
            Field::IdentityChannels
            | Field::MonthOpenMegabytes
            | Field::OwnersDeclared
            | Field::OwnersShare => FieldType::Count,
            Field::Bound
            | Field::OwnAccount
            | Field::Cash
            | Field::StrongAuth
            | Field::RemoteControl
            | Field::AfterLoan
            | Field::OutsideFunctions
            | Field::OutsideDevice
            | Field::OutsideRegion
            | Field::CardProfiled => FieldType::Flag,
            Field::Channel => FieldType::Word(&Channel::WORDS),
            Field::Product => FieldType::Word(&Product::WORDS),
            Field::Usage => FieldType::Word(&UsageKind::WORDS),
            Field::ProfileRisk => FieldType::Word(CardRisk::WORDS),
            Field::ProfileTraffic => FieldType::Word(TrafficClass::WORDS),
            Field::ProfileScene => FieldType::Word(Scene::WORDS),
            Field::HolderKind | Field::PartyHolderKind => FieldType::Word(&HolderKind::WORDS),
        }
    }

    /// Whether it was collected to protect a likely victim: then it serves nothing else (APL 34, D18).
    #[must_use]
    pub fn is_of_victim(self) -> bool {
        matches!(self, Field::RemoteControl | Field::AfterLoan)
    }
}

const COUNT: usize = Field::ALL.len();

/// What is known of one event and its party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// One bit for each field that is known; the value of one that is not is 0.
    known: u32,
    values: [i64; COUNT],
}

impl Attributes {
    #[must_use]
    pub fn get(&self, field: Field) -> Option<i64> {
        let known = self.known & (1 << field as u32) != 0;
        self.values.get(field as usize).copied().filter(|_| known)
    }

    #[must_use]
    pub fn with(mut self, field: Field, value: Option<i64>) -> Attributes {
        self.set(field, value);
        self
    }

    /// Notes what is known of a field, or that it is not.
    pub fn set(&mut self, field: Field, value: Option<i64>) {
        let bit = 1 << field as u32;
        self.known = if value.is_some() { self.known | bit } else { self.known & !bit };
        if let Some(slot) = self.values.get_mut(field as usize) {
            *slot = value.unwrap_or(0);
        }
    }

    /// Of a transfer or payment of an amount: unknown unless it is in yuan.
    #[must_use]
    pub fn of_amount(amount: Money) -> Attributes {
        Attributes::default().with(Field::Amount, amount.fen())
    }

    /// Of a payment by card: it goes to a merchant, never to the account bound to this one or another of the
    /// customer's.
    #[must_use]
    pub fn of_card_payment(amount: Money) -> Attributes {
        Attributes::of_amount(amount).with(Field::Bound, Some(0)).with(Field::OwnAccount, Some(0))
    }

    /// Of a transfer.
    #[must_use]
    pub fn of_transfer(amount: Money, details: &TransferDetails) -> Attributes {
        // Balance and agreement are in the currency of the transfer, too.
        let yuan = |minor: Option<i64>| minor.filter(|_| amount.fen().is_some());
        let flag = |flag: bool| Some(i64::from(flag));
        let mut known = Attributes::of_amount(amount);
        // In place: these are many numbers to move.
        known.set(Field::Channel, (details.channel != Channel::Unstated).then_some(details.channel as i64));
        known.set(Field::Bound, flag(details.to_bound_account));
        known.set(Field::OwnAccount, flag(details.to_own_account));
        known.set(Field::Cash, flag(details.cash));
        known.set(Field::StrongAuth, flag(details.strong_auth));
        known.set(Field::BalanceAfter, yuan(details.balance_after));
        known.set(Field::AgreedDailySum, yuan(details.agreed_daily_sum));
        known.set(Field::RemoteControl, details.remote_control.then_some(1));
        known.set(Field::AfterLoan, details.after_loan.then_some(1));
        known
    }
}
