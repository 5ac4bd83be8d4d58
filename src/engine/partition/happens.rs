//! What happens to an authority order, as its table and its authority call it (S15).

use sha2::{Digest, Sha256};

use crate::engine::base::TimeMs;
use crate::engine::evidence::Evidence;
use crate::engine::life::OrderEvent;
use crate::engine::measure::{Measure, Order};
use crate::engine::order::{IssuedOrder, OrderAnswer, OrderKind, OrderName, OrderTerms, Outcome};

/// What happens to an order.
#[derive(Clone, Copy)]
pub(super) enum Happens {
    Issued,
    Started,
    Extended(TimeMs),
    Released,
    Answered(OrderAnswer),
    Due,
}

impl Happens {
    pub fn event(self) -> OrderEvent {
        match self {
            Happens::Issued => OrderEvent::Issued,
            Happens::Started => OrderEvent::Started,
            Happens::Extended(_) => OrderEvent::Extended,
            Happens::Released => OrderEvent::Released,
            Happens::Answered(_) => OrderEvent::Answered,
            Happens::Due => OrderEvent::Due,
        }
    }

    /// What the authority is told of it, by what the order was before.
    pub fn outcome(self, before: &IssuedOrder) -> Outcome {
        match self {
            Happens::Issued => Outcome::Waits,
            // Unless a measure is set.
            Happens::Started => Outcome::HandedOver,
            Happens::Extended(_) => Outcome::Extended,
            Happens::Released => Outcome::Released,
            Happens::Answered(answer) => Outcome::Answered(answer),
            Happens::Due if !before.begun => Outcome::Over,
            Happens::Due if before.measure.is_some() => Outcome::Expired,
            // A lead has an answer of its own to wait for.
            Happens::Due if before.terms.kind == OrderKind::LinkedAccounts => Outcome::Expired,
            Happens::Due => Outcome::Overdue,
        }
    }

    /// Whether somebody said so and waits for an answer.
    pub fn was_said(self) -> bool {
        matches!(self, Happens::Extended(_) | Happens::Released | Happens::Answered(_))
    }
}

/// The measure that carries out an order, with the order as its witness.
pub(super) fn measure_of(name: &OrderName, terms: &OrderTerms) -> Option<Measure> {
    let order = Order::new(name.number.to_string(), name.issuer.to_string(), terms.start, terms.end)?;
    terms.kind.measure(order)
}

/// An order rests on nothing that was measured.
pub(super) fn order_evidence() -> Evidence {
    Evidence { digest: Sha256::digest([]).into(), strength_millionths: 1_000_000, ..Evidence::default() }
}
