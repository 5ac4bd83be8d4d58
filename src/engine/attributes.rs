//! What conditions may read of the triggering event and its party, besides signals.
//!
//! Every field is an integer: an amount in minor units, a count, 1 for true and 0 for false, or the
//! number of a word out of a closed list. An event that does not say leaves its field unknown.

use super::base::Money;
use super::fact::{Channel, Product, TransferDetails, UsageKind};

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
    pub const ALL: [Field; 12] = [
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
            Field::IdentityChannels | Field::MonthOpenMegabytes => FieldType::Count,
            Field::Bound | Field::OwnAccount | Field::Cash | Field::StrongAuth => FieldType::Flag,
            Field::Channel => FieldType::Word(&Channel::WORDS),
            Field::Product => FieldType::Word(&Product::WORDS),
            Field::Usage => FieldType::Word(&UsageKind::WORDS),
        }
    }
}

/// What is known of one event and its party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes([Option<i64>; 12]);

impl Attributes {
    #[must_use]
    pub fn get(&self, field: Field) -> Option<i64> {
        self.0.get(field as usize).copied().flatten()
    }

    #[must_use]
    pub fn with(mut self, field: Field, value: Option<i64>) -> Attributes {
        if let Some(slot) = self.0.get_mut(field as usize) {
            *slot = value;
        }
        self
    }

    /// Of a transfer or payment of an amount: unknown unless it is in yuan.
    #[must_use]
    pub fn of_amount(amount: Money) -> Attributes {
        Attributes::default().with(Field::Amount, amount.fen())
    }

    /// Of a transfer.
    #[must_use]
    pub fn of_transfer(amount: Money, details: &TransferDetails) -> Attributes {
        // Balance and agreement are in the currency of the transfer, too.
        let yuan = |minor: Option<i64>| minor.filter(|_| amount.fen().is_some());
        let flag = |flag: bool| Some(i64::from(flag));
        Attributes::of_amount(amount)
            .with(Field::Channel, (details.channel != Channel::Unstated).then_some(details.channel as i64))
            .with(Field::Bound, flag(details.to_bound_account))
            .with(Field::OwnAccount, flag(details.to_own_account))
            .with(Field::Cash, flag(details.cash))
            .with(Field::StrongAuth, flag(details.strong_auth))
            .with(Field::BalanceAfter, yuan(details.balance_after))
            .with(Field::AgreedDailySum, yuan(details.agreed_daily_sum))
    }
}
