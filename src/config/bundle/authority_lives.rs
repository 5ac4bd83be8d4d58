//! What authorities lay down can be told: each measure of an order or entry has its reason and its text.

use std::sync::Arc;

use super::load::{Bundle, Context};
use crate::engine::base::TimeMs;
use crate::engine::entry::{EntryTerms, ListingTest, Reach, Regime};
use crate::engine::life::Lives;
use crate::engine::measure::{Measure, Order};
use crate::engine::order::{Level, OrderKind, OrderName};

/// Notes what the tables of orders and entries could set and nobody could be told.
pub(super) fn worded(bundle: &mut Bundle, context: Context<'_>, lives: &Lives) {
    if lives.order.is_some() {
        // The name alone: what it is made with does not matter.
        let order = || Order::new("-".to_owned(), "-".to_owned(), TimeMs(0), TimeMs(1));
        for kind in OrderKind::ALL {
            told(bundle, context, kind.reason(), order().and_then(|order| kind.measure(order)));
        }
    }
    if lives.entry.is_some() {
        let name = OrderName { issuer: Arc::from("-"), number: Arc::from("-") };
        let (test, level, regime) = (ListingTest::Punished, Level::National, Regime::Current);
        let (start, end, approval) = (TimeMs(0), TimeMs(1), None);
        let terms = EntryTerms { test, level, start, end, regime, approval };
        for reach in Reach::ALL {
            told(bundle, context, reach.reason(), terms.measure(&name, reach));
        }
    }
}

fn told(bundle: &mut Bundle, context: Context<'_>, reason: &str, measure: Option<Measure>) {
    let (Some(texts), Some(measure)) = (context.notices, measure) else { return };
    if !texts.reasons.contains_key(reason) {
        let message = "an authority's measure has this reason and there is no text for it";
        bundle.problems.add("notices/reasons.toml", reason, message);
    }
    if !texts.measures.contains_key(measure.name()) {
        let message = "an authority sets this measure and there is no text for it";
        bundle.problems.add("notices/measures.toml", measure.name(), message);
    }
}
