//! What is worth telling of the day: one scene for each limit, rule and way out.

use super::traffic::{Request, opened, request, state, transfer, transfer_in, transfer_out};
use super::{MINUTE_MS, Own, Plan, Step, Timed, account, at, customer};
use crate::codec::event::field::{HolderKindName, ProductName};
use crate::codec::event::opening::OpeningClosed;
use crate::codec::event::{Event, PartyKind};
use crate::engine::base::TimeMs;
use crate::engine::fact::{AppealOutcome, HolderKind, Product};

/// Plans all scenes. Customers below `traffic::FIRST_ORDINARY` act in them and nowhere else.
pub fn plan(plan: &mut Plan) {
    sixth_phone_card_and_an_appeal(plan);
    closing_reported_late(plan);
    second_class_one_account(plan);
    shared_device(plan);
    agent_burst(plan);
    pass_through(plan);
    noodle_shop(plan);
    fan_in(plan);
    fan_out(plan);
    large_first_payment(plan);
    broken_and_repeated_lines(plan);
}

fn opening(number: u32, name: &str, serial: u32) -> Own {
    Own { holder: customer(number), reference: format!("REQ-{name}-{serial}"), kind: PartyKind::Opening }
}

fn phone_card(number: u32, name: &str, serial: u32) -> Own {
    Own { holder: customer(number), reference: format!("SIM-{name}-{serial}"), kind: PartyKind::PhoneCard }
}

fn ask(plan: &mut Plan, time: TimeMs, opening: &Own, product: Product) {
    let asking = Request { opening: opening.clone(), product, agent: None, device: None, phone_number: None };
    request(plan, time, asking);
}

fn after(time: TimeMs, minutes: i64) -> TimeMs {
    TimeMs(time.0 + minutes * MINUTE_MS)
}

/// Five cards are a person's own affair; the sixth is refused, by law. The appeal shows that one of
/// the five had been registered by somebody else.
fn sixth_phone_card_and_an_appeal(plan: &mut Plan) {
    let start = at(8, 20);
    plan.tell(start, "a customer buys phone cards, one after another; the law allows five with one carrier");
    for serial in 1..=6 {
        let time = after(start, i64::from(serial) * 8);
        let asked = opening(7, "H", serial);
        ask(plan, time, &asked, Product::PhoneCard);
        if serial <= 5 {
            opened(plan, after(time, 3), &asked, &phone_card(7, "H", serial), Product::PhoneCard);
        }
    }
    let decided = at(12, 40);
    plan.tell(
        TimeMs(decided.0 - 1),
        "the customer appealed: one of the five was never theirs. A reviewer decides for them",
    );
    plan.steps.push(Timed {
        at: decided,
        step: Step::AppealDecided { party: opening(7, "H", 6), outcome: AppealOutcome::Overturned },
    });
    opened(plan, after(decided, 6), &opening(7, "H", 6), &phone_card(7, "H", 6), Product::PhoneCard);
}

/// Nobody has to appeal when the institution was behind: a closing that is reported late answers the
/// refused request anew.
fn closing_reported_late(plan: &mut Plan) {
    let history = TimeMs(super::DAY_START.0 - 20 * super::DAY_MS);
    for serial in 1..=5 {
        state(plan, history, &phone_card(11, "C", serial), Product::PhoneCard, HolderKind::Person);
    }
    let start = at(13, 10);
    plan.tell(start, "a customer with five phone cards asks for another");
    ask(plan, after(start, 2), &opening(11, "C", 6), Product::PhoneCard);
    let heard = after(start, 25);
    plan.tell(heard, "a shop reports late that one of the five was closed before that request");
    let event = Event::OpeningClosed(OpeningClosed {
        opening: None,
        holding: plan.party(&phone_card(11, "C", 2)),
        product: ProductName(Product::PhoneCard),
        holder_kind: HolderKindName(HolderKind::Person),
        co_holders: Vec::new(),
    });
    plan.late_event(after(start, -8), heard, &event);
}

fn second_class_one_account(plan: &mut Plan) {
    let start = at(9, 35);
    plan.tell(start, "a customer who has a Class I account asks for a second one");
    ask(plan, after(start, 1), &opening(21, "B", 1), Product::BankAccountI);
}

/// The device tells nobody anything alone; its own partition tells the holders.
fn shared_device(plan: &mut Plan) {
    let start = at(10, 5);
    plan.tell(start, "four people ask for accounts from one and the same device");
    for serial in 0..4 {
        let asking = Request {
            opening: opening(30 + serial, "D", serial),
            product: Product::BankAccountII,
            agent: None,
            device: Some("DEV-SHARED".to_owned()),
            phone_number: Some(format!("CONTACT-D-{serial}")),
        };
        request(plan, after(start, 1 + i64::from(serial) * 7), asking);
    }
}

fn agent_burst(plan: &mut Plan) {
    let start = at(11, 15);
    plan.tell(start, "one agent brings twelve requests for phone cards within an hour");
    for serial in 0..12 {
        let asking = Request {
            opening: opening(40 + serial, "A", serial),
            product: Product::PhoneCard,
            agent: Some("AGENT-BURST".to_owned()),
            device: None,
            phone_number: None,
        };
        request(plan, after(start, 1 + i64::from(serial) * 5), asking);
    }
}

fn pass_through(plan: &mut Plan) {
    let start = at(14, 30);
    plan.tell(
        start,
        "an account receives 9,100 from seven strangers and passes nearly all of it on within the hour",
    );
    let mule = account(60);
    for serial in 0..7 {
        transfer_in(plan, after(start, 1 + serial * 5), &format!("OUT-V{serial}"), &mule, 1_300, false);
    }
    for serial in 0..3 {
        transfer_out(plan, after(start, 38 + serial * 4), &mule, &format!("OUT-N{serial}"), 2_900);
    }
}

fn fan_in(plan: &mut Plan) {
    let start = at(16, 10);
    plan.tell(start, "twenty people pay 180 each into one account");
    for serial in 0..20 {
        transfer(
            plan,
            after(start, 1 + i64::from(serial) * 2),
            &account(64 + serial),
            &account(61),
            180,
            None,
        );
    }
}

fn fan_out(plan: &mut Plan) {
    let start = at(17, 0);
    plan.tell(start, "one account pays fourteen others 240 each");
    for serial in 0..14 {
        transfer(
            plan,
            after(start, 1 + i64::from(serial) * 4),
            &account(62),
            &account(80 + serial),
            240,
            None,
        );
    }
}

/// Rules are wrong about people, too. The appeal lifts the measure, marks it overruled, and keeps the
/// rule from using anything from before: the evening is judged by itself.
fn noodle_shop(plan: &mut Plan) {
    let shop = account(63);
    let (noon, decided, evening) = (at(12, 0), at(15, 30), at(19, 0));
    plan.tell(noon, "a noodle shop has a good day: many customers, small sums");
    for serial in 0..40 {
        transfer(plan, after(noon, 1 + i64::from(serial) * 2), &account(100 + serial * 3), &shop, 95, None);
    }
    plan.tell(decided, "the shop appealed, with its licence. A reviewer decides for it");
    plan.steps.push(Timed {
        at: decided,
        step: Step::AppealDecided { party: shop.clone(), outcome: AppealOutcome::Overturned },
    });
    plan.tell(evening, "the noodle shop is busy again; the rule has learnt to leave the morning out of it");
    for serial in 0..25 {
        transfer(
            plan,
            after(evening, 1 + i64::from(serial) * 2),
            &account(101 + serial * 3),
            &shop,
            95,
            None,
        );
    }
}

/// Not a suspect: perhaps somebody on the telephone tells them what to do.
fn large_first_payment(plan: &mut Plan) {
    let start = at(18, 40);
    plan.tell(start, "a pensioner pays 80,000 to somebody never paid before");
    transfer_out(plan, after(start, 1), &account(95), "OUT-SAFE-ACCOUNT", 80_000);
}

/// Sources lie: what is broken is refused with its reason, and what comes twice counts once.
fn broken_and_repeated_lines(plan: &mut Plan) {
    let start = at(20, 0);
    plan.tell(start, "a source sends broken lines, and one line twice");
    let broken = [
        "{\"specversion\":\"1.0\",\"id\":\"EV-BROKEN",
        "{\"specversion\":\"1.0\",\"id\":\"EV-X1\",\"source\":\"/made-up\",\"type\":\"transfer_postponed\",\
         \"time\":\"2026-12-01T20:01:00+08:00\",\"data\":{}}",
        "{\"specversion\":\"1.0\",\"id\":\"EV-X2\",\"source\":\"/made-up\",\"type\":\"card_usage_recorded\",\
         \"time\":\"yesterday\",\"data\":{}}",
    ];
    for (serial, line) in (1..).zip(broken) {
        plan.line(after(start, serial), line);
    }
    transfer(plan, after(start, 5), &account(90), &account(91), 50, None);
    if let Some(twice) = plan.steps.last().cloned() {
        plan.steps.push(Timed { at: after(start, 6), ..twice });
    }
    // A phone number where an opaque reference belongs: refused, and never repeated in a message.
    let exposed = Own { reference: "13800138000".to_owned(), ..account(92) };
    transfer(plan, after(start, 7), &exposed, &account(93), 50, None);
}
