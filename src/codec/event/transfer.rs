//! Money that moves: transfers and card payments.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{Amount, Balance, ChannelName, EssentialName, MinorUnits, Text};
use super::object::{object, optional_object};
use super::party::{Counterparty, OwnParty};

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A transfer was posted. Exactly two of `payer`, `payee` and `counterparty` are given: payer and
/// payee when both are ours, the counterparty in the place of the one that is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TransferPosted<'a> {
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub payer: Option<OwnParty<'a>>,
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub payee: Option<OwnParty<'a>>,
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Counterparty<'static>>")]
    pub counterparty: Option<Counterparty<'a>>,
    #[serde(deserialize_with = "object")]
    pub amount: Amount,
    /// Money that nothing may stop: it feeds and triggers nothing, but that its receiver lives on
    /// salary or pension may protect them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub essential: Option<EssentialName>,
    /// The older way to say `essential = salary`; a kind that is given goes before it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub protected: bool,
    /// How the payer asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelName>,
    /// The payee's account is the one bound to the payer's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub to_bound_account: bool,
    /// Both accounts are the same customer's, at this institution. Where both sides are ours, their
    /// holders say it too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub to_own_account: bool,
    /// Cash was paid in or out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cash: bool,
    /// Authenticated by certificate or electronic signature.
    #[serde(default, skip_serializing_if = "is_false")]
    pub strong_auth: bool,
    /// The payer's device was seen under remote control while they paid. Serves their protection only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub remote_control: bool,
    /// The payer had just drawn a loan. Serves their protection only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub after_loan: bool,
    /// What the payer's account holds afterwards, in minor units of the amount's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_balance_after: Option<Balance>,
    /// What the payee's account holds afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payee_balance_after: Option<Balance>,
    /// What the payer agreed as daily sum without a counter, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_daily_sum: Option<MinorUnits>,
    /// The device the payer used. Dropped and counted unless the source records a basis for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub device: Option<Text<'a>>,
    /// Where the payer's device was, by the institution's own name of the place. Dropped and counted unless
    /// the source records that it holds locations of abnormal customers.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub region: Option<Text<'a>>,
}

impl TransferPosted<'_> {
    /// A transfer that says its amount and nothing else; parties are still to be put in.
    #[must_use]
    pub fn of(amount: Amount) -> TransferPosted<'static> {
        TransferPosted {
            payer: None,
            payee: None,
            counterparty: None,
            amount,
            essential: None,
            protected: false,
            channel: None,
            to_bound_account: false,
            to_own_account: false,
            cash: false,
            strong_auth: false,
            remote_control: false,
            after_loan: false,
            payer_balance_after: None,
            payee_balance_after: None,
            agreed_daily_sum: None,
            device: None,
            region: None,
        }
    }
}

/// A payment with a card was posted on the card's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CardPaymentPosted<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub card: OwnParty<'a>,
    #[serde(deserialize_with = "object")]
    pub amount: Amount,
    /// The terminal. Dropped and counted unless the source records a basis for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub terminal: Option<Text<'a>>,
}
