//! Random special measures in areas, and rules that wait for one (S25). Their dice are their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use duecourse::engine::base::{SpanMs, TimeMs, Token};
use duecourse::engine::fact::{FactBody, Product};
use duecourse::engine::order::{Level, OrderName};
use duecourse::engine::rule::Rule;
use duecourse::engine::special::{SpecialFact, SpecialSays, SpecialTerms};
use duecourse::engine::subject::SubjectKind;

use super::dice::Dice;
use super::events::token;

const MEASURES: [&str; 2] = ["a", "b"];

/// Some of the rules wait for a special measure.
pub fn waiting(dice: &mut Dice, rules: &[Rule]) -> BTreeMap<String, String> {
    let waits = rules.iter().filter(|_| dice.chance(12)).map(|rule| rule.id.clone()).collect::<Vec<_>>();
    waits.into_iter().map(|id| (id, (*dice.pick(&MEASURES)).to_owned())).collect()
}

/// What is said of one of a few special measures.
pub fn said(dice: &mut Dice, at: TimeMs) -> FactBody {
    let number = ["1", "2", "3", "4", "5", "6"][dice.below(6)];
    let name = OrderName { issuer: Arc::from("i"), number: Arc::from(number) };
    if dice.chance(25) {
        return FactBody::Special(Box::new(SpecialFact { name, says: SpecialSays::Released }));
    }
    let start = at.plus(SpanMs(*dice.pick(&[-30_000, -1_000, 0, 5_000])));
    let end = start.plus(SpanMs(*dice.pick(&[1, 20_000, 90_000, 86_400_000])));
    let mut places: Vec<Token> = Vec::new();
    for kind in [SubjectKind::Terminal, SubjectKind::Address, SubjectKind::Outlet] {
        if dice.chance(40) {
            places.push(token(kind, dice.below(2) as u64));
        }
    }
    let products = if places.is_empty() || dice.chance(30) {
        vec![*dice.pick(&[Product::PhoneCard, Product::BankAccountI, Product::IotCard])]
    } else {
        Vec::new()
    };
    let measure = Arc::from(*dice.pick(&MEASURES));
    let (approval, level) = (Arc::from("g"), *dice.pick(&Level::ALL));
    let terms = SpecialTerms { approval, measure, level, start, end, places, products };
    FactBody::Special(Box::new(SpecialFact { name, says: SpecialSays::Ordered(terms) }))
}
