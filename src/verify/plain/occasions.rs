//! What an event is to its party: as rules see it, and whether it comes too late.

use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Money, TimeMs, Token};
use crate::engine::fact::{FactBody, HolderKind};
use crate::engine::subject::{Party, Subject};

use super::rules::Case;
use super::{Occasion, Plain};

impl Plain {
    /// Whether money or use comes to what was closed before, as far as is known now.
    pub(super) fn is_of_closed(&self, occasion: Occasion, body: &FactBody) -> bool {
        let subject = match body {
            FactBody::Transfer { account, .. } | FactBody::CardPayment { account, .. } => account.subject,
            FactBody::CardUsage { card, .. } => card.subject,
            _ => return false,
        };
        let openings = self.holders.get(&occasion.route.token);
        openings.is_some_and(|openings| openings.is_closed(subject, occasion.at))
    }

    /// An event on an account or card of the routing holder, as rules see it.
    pub(super) fn case<'a>(
        &self,
        occasion: Occasion,
        party: &'a Party,
        other: Option<Token>,
        amount: Option<Money>,
        said: Attributes,
    ) -> Case<'a> {
        let Occasion { event, source, at, route } = occasion;
        let said = self.with_party(said, route.token, party.subject, at);
        Case { event, source, at, holder: route.token, party, other, place: None, amount, said }
    }

    /// What is known of an account or card at a time: its class, and whether a person or a unit has it.
    pub(super) fn with_party(
        &self,
        said: Attributes,
        holder: Token,
        party: Subject,
        at: TimeMs,
    ) -> Attributes {
        let openings = self.holders.get(&holder);
        let product = openings.and_then(|openings| openings.product(party, at));
        let kind = openings.and_then(|openings| openings.holder_kind(party, at));
        said.with(Field::Product, product.map(|product| product as i64))
            .with(Field::PartyHolderKind, kind.map(kind_number))
    }
}

/// A person or a unit, as conditions name them.
pub(super) fn kind_number(kind: HolderKind) -> i64 {
    if kind == HolderKind::Person { 1 } else { 2 }
}

pub(super) fn changes_openings(body: &FactBody) -> bool {
    matches!(
        body,
        FactBody::Opening { .. } | FactBody::HoldingsAnswered { .. } | FactBody::RiskAssessed { .. }
    )
}

/// What a payment by card says. The merchant's account is neither bound to this one nor the customer's own.
pub(super) fn said_of_purchase(amount: Money) -> Attributes {
    Attributes::of_amount(amount).with(Field::Bound, Some(0)).with(Field::OwnAccount, Some(0))
}
