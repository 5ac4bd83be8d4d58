//! The words of an authority order's life (APL 20).

use super::{Vocabulary, words};

words! {
    /// What happens to an order.
    OrderEvent {
        /// It was heard of, and its start lies ahead.
        Issued "issued",
        /// Its start was reached.
        Started "started",
        Extended "extended",
        Released "released",
        /// The institution did what it asks, or could not.
        Answered "answered",
        /// Its end was reached.
        Due "due",
    }
}

words! {
    /// What a step of an order may depend on.
    OrderGuard {
        /// It stops payments or freezes; the others ask for something.
        Restricts "restricts",
        /// It asks that linked internet accounts are looked into.
        Refers "refers",
    }
}

words! {
    /// What a step of an order does.
    OrderAct {
        Set "set",
        /// A lead about what is linked leaves, with the order's number.
        Refer "refer",
        Prolong "prolong",
        End "end",
        /// The authority is told what was done.
        Answer "answer",
    }
}

/// The vocabulary of authority orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfOrder;

impl Vocabulary for OfOrder {
    const KIND: &'static str = "order";
    const DUE: OrderEvent = OrderEvent::Due;
    const HAS_OWN_END: bool = true;
    type On = OrderEvent;
    type If = OrderGuard;
    type Do = OrderAct;
}
