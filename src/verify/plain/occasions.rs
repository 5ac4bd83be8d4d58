//! What an event is to its party: as rules see it, and whether it comes too late.

use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Money, TimeMs, Token};
use crate::engine::fact::FactBody;
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
        let said = said.with(Field::Product, self.product_of(route.token, party.subject, at));
        Case { event, source, at, holder: route.token, party, other, place: None, amount, said }
    }

    /// The class of an account or card at a time, by number.
    pub(super) fn product_of(&self, holder: Token, party: Subject, at: TimeMs) -> Option<i64> {
        self.holders.get(&holder)?.product(party, at).map(|product| product as i64)
    }
}

pub(super) fn changes_openings(body: &FactBody) -> bool {
    matches!(
        body,
        FactBody::Opening { .. } | FactBody::HoldingsAnswered { .. } | FactBody::RiskAssessed { .. }
    )
}
