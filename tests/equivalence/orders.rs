//! Random orders of authorities, and what must hold of them whatever the log says (S15).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use duecourse::config::bundle;
use duecourse::engine::appeal::AppealAnswer;
use duecourse::engine::base::{Fingerprint, SpanMs, TimeMs};
use duecourse::engine::disposition::{Disposition, DispositionId, EndCause};
use duecourse::engine::entry::{EntryFact, EntrySays, EntryTerms, ListingTest, Regime};
use duecourse::engine::fact::{Fact, FactBody};
use duecourse::engine::input::{Effect, FactsRecord};
use duecourse::engine::life::{EntryAct, EntryGuard, Life, Lives, OrderEvent};
use duecourse::engine::measure::{Lane, Measure};
use duecourse::engine::notice::Telling;
use duecourse::engine::order::{
    CaseKind, Level, OrderAnswer, OrderFact, OrderKind, OrderName, OrderSays, OrderTerms, Outcome,
};

use super::dice::Dice;
use super::events::{To, Town};
use super::log::{Delivery, random_case};
use super::seen::Seen;

/// The shipped tables, in most rule sets; in some one lacks a step, in some there are none.
pub fn lives(dice: &mut Dice) -> Lives {
    static SHIPPED: OnceLock<Lives> = OnceLock::new();
    let shipped = SHIPPED.get_or_init(|| {
        let text = bundle::embedded(bundle::Profile::Strict).unwrap();
        // List entries ship off; here they are on.
        let (before, after) = text.split_at(text.find("\"lives/entry.toml\"").unwrap());
        let after = after.replacen("\"enabled\":false", "\"enabled\":true", 1);
        bundle::compile(&format!("{before}{after}")).unwrap().lives
    });
    let basis = || "b".to_owned();
    let mut order = Life { basis: basis(), ..shipped.order.clone().unwrap() };
    let figures = [20_000, 60_000, 100_000].map(SpanMs).to_vec();
    let mut entry = Life { basis: basis(), figures, ..shipped.entry.clone().unwrap() };
    match dice.below(10) {
        0 => return Lives::default(),
        1 | 2 => {
            let place = dice.below(order.steps.len());
            // The loader admits no table in which an order's end goes by unnoticed.
            if order.steps[place].on != OrderEvent::Due {
                order.steps.remove(place);
            }
        }
        3 => drop(entry.steps.remove(dice.below(entry.steps.len()))),
        4 | 5 => {
            // Whatever a table says, an entry of the older regime never acts (B19).
            let legacy = entry.steps.iter_mut().filter(|step| step.only_if == [EntryGuard::Legacy]);
            legacy.for_each(|step| step.acts.push(EntryAct::Set));
        }
        _ => {}
    }
    Lives { order: Some(order), entry: Some(entry), ..Lives::default() }
}

fn near(dice: &mut Dice, at: TimeMs, spans: &[i64]) -> TimeMs {
    at.plus(SpanMs(*dice.pick(spans)))
}

impl Town {
    /// One of the last few things heard that `of` picks out; now and then none, as if it came later.
    fn heard<T>(&self, dice: &mut Dice, of: impl Fn(&Fact) -> Option<T>) -> Option<T> {
        let facts = self.history.iter().flat_map(|event| &event.facts);
        let mut known: Vec<T> = facts.filter_map(|(_, fact)| of(fact)).collect();
        if known.is_empty() || dice.chance(15) {
            return None;
        }
        let back = dice.below(known.len().min(4));
        Some(known.swap_remove(known.len() - 1 - back))
    }

    /// Something that is said of an order about an account.
    pub fn order(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let known = self.heard(dice, |fact| match &fact.body {
            FactBody::Order(said) => Some((fact.route.token, said.party.clone(), said.name.clone())),
            _ => None,
        });
        let says = match dice.below(10) {
            0..=4 => {
                let start = near(dice, at, &[-30_000, -1_000, 0, 0, 1_000, 5_000, 20_000]);
                let end = near(dice, start, &[1, 2_000, 10_000, 60_000, 60_000, 86_400_000]);
                let telling = match dice.below(6) {
                    0 | 1 => {
                        let until = near(dice, at, &[-1_000, 0, 3_000, 20_000, 90_000]);
                        Telling::Deferred { clause: Arc::from("c"), until }
                    }
                    2 => Telling::ByAuthority,
                    _ => Telling::Now,
                };
                let referred = dice.fork(0x1ead).chance(15);
                let kind = *dice.pick(&[
                    OrderKind::StopPayment,
                    OrderKind::Freeze,
                    OrderKind::Freeze,
                    OrderKind::Query,
                    OrderKind::ReturnOfFunds,
                ]);
                // Of internet accounts that are linked, now and then.
                let kind = if referred { OrderKind::LinkedAccounts } else { kind };
                let level = *dice.pick(&Level::ALL);
                let case = CaseKind::from_code((start.0 % 8) as u8);
                OrderSays::Issued(OrderTerms { kind, level, start, end, telling, case })
            }
            5 | 6 => {
                OrderSays::Extended { end: near(dice, at, &[-5_000, 2_000, 20_000, 120_000, 172_800_000]) }
            }
            7 | 8 => OrderSays::Released,
            _ => OrderSays::Answered(*dice.pick(&OrderAnswer::ALL)),
        };
        let is_new = matches!(says, OrderSays::Issued(_)) && dice.chance(85);
        let (holder, party, name) = known.filter(|_| !is_new).unwrap_or_else(|| {
            let (number, holder) = Town::holder(dice);
            let issuer = Arc::from(*dice.pick(&["p", "p", "q"]));
            let name = OrderName { issuer, number: Arc::from(*dice.pick(&["1", "2", "3", "4", "5"])) };
            (holder, Town::account(dice, number), name)
        });
        let body = FactBody::Order(Box::new(OrderFact { name, party, says }));
        vec![self.of_holder(holder, id, at, body)]
    }
}

impl Town {
    /// Something that an authority says.
    pub fn by_authority(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        if dice.chance(40) { self.entry(dice, id, at) } else { self.order(dice, id, at) }
    }

    /// A person is listed, or their entry is revoked.
    pub fn entry(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let known = self.heard(dice, |fact| match &fact.body {
            FactBody::Entry(said) => Some((fact.route.token, said.name.clone())),
            _ => None,
        });
        let says = if dice.chance(70) {
            let start = near(dice, at, &[-40_000, -1_000, 0, 0, 1_000, 5_000, 20_000]);
            let end = near(dice, start, &[1, 10_000, 30_000, 60_000, 90_000, 86_400_000]);
            let test = *dice.pick(&ListingTest::ALL);
            let regime = if dice.chance(8) { Regime::Legacy } else { Regime::Current };
            let approval = (test == ListingTest::BelowCount).then(|| Arc::from("P-1"));
            EntrySays::Listed(EntryTerms { test, level: Level::Prefecture, start, end, regime, approval })
        } else {
            EntrySays::Revoked
        };
        let is_new = matches!(says, EntrySays::Listed(_)) && dice.chance(90);
        let (holder, name) = known.filter(|_| !is_new).unwrap_or_else(|| {
            let (issuer, number) = (*dice.pick(&["p", "q"]), *dice.pick(&["1", "2", "3", "4"]));
            let name = OrderName { issuer: Arc::from(issuer), number: Arc::from(number) };
            (Town::holder(dice).1, name)
        });
        vec![self.of_holder(holder, id, at, FactBody::Entry(Box::new(EntryFact { name, says })))]
    }
}

/// A measure of an authority, as it was published so far.
struct Published {
    measure: Measure,
    start: TimeMs,
    telling: Telling,
    told: u32,
    ended: bool,
}

impl Published {
    /// Of an order, not of an entry, whose measures may end earlier than it says.
    fn is_ordered(&self) -> bool {
        matches!(self.measure, Measure::AuthorityStopPayment(_) | Measure::AuthorityFreeze(_))
    }

    fn term(&self) -> (TimeMs, TimeMs) {
        match &self.measure {
            Measure::ListedLimitOutflow(listing)
            | Measure::ListedStopPaymentAccount(listing)
            | Measure::ListedLimitCard(listing)
            | Measure::ListedRefuseOpening(listing) => listing.term(),
            Measure::AuthorityStopPayment(order) | Measure::AuthorityFreeze(order) => order.term(),
            other => panic!("{} in the lane of authorities", other.name()),
        }
    }
}

/// What was seen, so that a test that never sees it proves nothing.
#[derive(Debug, Default)]
struct Tally(BTreeMap<String, u32>);

impl Tally {
    fn count(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }
}

fn check(effects: &[Effect], measures: &mut BTreeMap<DispositionId, Published>, tally: &mut Tally) {
    for effect in effects {
        let Effect::Disposed(disposition) = effect else { continue };
        let head = disposition.head();
        if head.lane != Lane::Authority {
            continue;
        }
        match &**disposition {
            Disposition::MeasureSet(set) => {
                let (start, telling) = (set.head().at, set.telling().clone());
                let told = u32::from(telling == Telling::Now);
                let published =
                    Published { measure: set.measure().clone(), start, telling, told, ended: false };
                let (from, to) = published.term();
                assert!(from <= start && start < to, "acts within the order's term");
                if published.is_ordered() {
                    assert_eq!(set.notice().end, to, "ends when its order ends");
                }
                assert!(start < set.notice().end && set.notice().end <= to, "ends with what ordered it");
                assert_eq!(set.notice().remedies, super::rulesets::text("remedy"));
                let former = measures.insert(set.head().id, published);
                // What two corrections of a request end and set again is the same measure (S12).
                assert!(former.is_none_or(|former| former.ended), "each order sets its own measure");
                tally.count(format!("set, told {}", told));
                tally.count(set.measure().name());
            }
            Disposition::MeasureExtended(extended) => {
                let published = measures.get_mut(&extended.extended).expect("what is extended was set");
                assert!(!published.ended, "what ended is never extended");
                let before = published.term();
                published.measure = extended.measure.clone();
                assert!(
                    before.0 == published.term().0 && before.1 < published.term().1,
                    "only the end moves, and on"
                );
                let waits = matches!(published.telling, Telling::Deferred { .. }) && published.told == 0;
                let by_authority = published.telling == Telling::ByAuthority;
                assert_eq!(extended.is_told, !waits && !by_authority);
                tally.count("extended");
            }
            Disposition::NoticeReleased(released) => {
                let published = measures.get_mut(&released.head.id).expect("what is told of was set");
                assert!(matches!(published.telling, Telling::Deferred { .. }) && !published.ended);
                assert_eq!(released.notice.end, published.term().1, "it tells the end as it is now");
                published.told += 1;
                tally.count("told later");
            }
            Disposition::MeasureEnded(ended) => {
                let published = measures.get_mut(&ended.ended).expect("what ends was set");
                assert!(!published.ended, "it ends once");
                published.ended = true;
                let (_, to) = published.term();
                let is_ordered = published.is_ordered();
                let is_request = matches!(published.measure, Measure::ListedRefuseOpening(_));
                match ended.cause {
                    EndCause::Expired if !is_ordered => assert!(ended.head.at <= to, "not beyond its entry"),
                    EndCause::Expired => assert_eq!(ended.head.at, to, "released by itself at its end"),
                    EndCause::OpeningSettled | EndCause::Superseded if is_request => {}
                    EndCause::Released => assert!(ended.override_until.is_none()),
                    other => panic!("an order's measure ended as {}", other.name()),
                }
                let told = u32::from(published.telling != Telling::ByAuthority);
                assert_eq!(
                    (published.told, ended.is_told),
                    (told, told == 1),
                    "told once, or left to the authority"
                );
                assert!(published.start <= ended.head.at || ended.cause == EndCause::Released);
                tally.count(format!("ended {}", ended.cause.name()));
            }
            Disposition::OrderAnswered(answered) => {
                if answered.outcome == Outcome::Set && answered.kind.is_some() {
                    assert!(answered.measure.is_some_and(|id| measures.contains_key(&id)));
                }
                tally.count(answered.outcome.name());
            }
            Disposition::AppealAnswered(answered) => {
                let decides = matches!(answered.answer, AppealAnswer::Upheld | AppealAnswer::Confirmed);
                assert!(!decides, "nobody but the authority decides: {:?}", answered.answer);
                tally.count("appeal");
            }
            other => panic!("{other:?} in the lane of authorities"),
        }
    }
}

fn set_now(effects: &[Effect]) -> bool {
    let is_set = |effect: &Effect| matches!(effect, Effect::Disposed(set) if matches!(**set, Disposition::MeasureSet(_)));
    effects.iter().any(is_set)
}

#[test]
fn an_order_is_obeyed_within_its_term_and_answered() {
    let mut tally = Tally::default();
    for seed in 1..=super::setting("DUECOURSE_CASES", 2_000) / 2 {
        let case = random_case(seed, Delivery::Whole, &mut Seen::default());
        for (who, records) in &case.partitions {
            let (mut engine, mut measures) = (who.engine(), BTreeMap::new());
            for (offset, record) in records.iter().enumerate() {
                let (mut effects, before) = (Vec::new(), engine.newest_time());
                engine.apply(offset as u64, record, &case.shelf, &mut effects).unwrap();
                check(&effects, &mut measures, &mut tally);
                // What is set when its end is past already ends at the next move of time (S2).
                if !matches!(record, FactsRecord::Facts(_)) || set_now(&effects) {
                    continue;
                }
                let late =
                    measures.values().filter(|published| !published.ended && published.term().1 < before);
                assert_eq!(late.count(), 0, "DUECOURSE_SEED={seed}: nothing stands beyond its order's end");
            }
        }
    }
    eprintln!("{tally:?}");
    let wanted = ["set, told 0", "set, told 1", "extended", "told later", "ended expired", "ended released"];
    let outcomes = [
        "waits",
        "set",
        "handed_over",
        "extended",
        "released",
        "expired",
        "overdue",
        "done",
        "remembered",
        "known",
        "not_later",
        "over",
        "history_only",
        "listed_limit_outflow",
        "listed_stop_payment_account",
        "listed_limit_card",
        "listed_refuse_opening",
    ];
    // The institution's own answers come to few of the orders that random logs know.
    let rare = OrderAnswer::ALL.map(OrderAnswer::name);
    for what in wanted.into_iter().chain(outcomes).filter(|what| !rare.contains(what)) {
        assert!(tally.0.get(what).copied().unwrap_or(0) >= 1, "`{what}` was seen too seldom: {tally:?}");
    }
}
