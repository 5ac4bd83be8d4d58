//! Ordinary traffic: holdings, salaries, transfers, payments, card use, openings nobody minds.

use super::{DAY_MS, DAY_START, HISTORY_DAYS, MINUTE_MS, Own, Plan, Random, Size, account, at, customer};
use crate::codec::event::card_usage::CardUsageRecorded;
use crate::codec::event::field::{HolderKindName, ProductName};
use crate::codec::event::holding::HoldingStated;
use crate::codec::event::opening::{OpeningAbandoned, OpeningOpened, OpeningRequested};
use crate::codec::event::transfer::{CardPaymentPosted, TransferPosted};
use crate::codec::event::{Amount, Counterparty, Event, PartyKind};
use crate::engine::base::{Currency, TimeMs};
use crate::engine::fact::{HolderKind, Product};

/// Customers with a smaller number have parts in `scenes` and stay out of the ordinary.
pub const FIRST_ORDINARY: u32 = 100;
/// Enough that none of them is paid by unusually many.
const MERCHANTS: u32 = 2000;
const AGENTS: u64 = 25;
/// How busy each hour of the day is, per mille.
const HOURS: [u64; 24] =
    [8, 5, 3, 2, 3, 8, 22, 45, 62, 70, 72, 68, 66, 58, 58, 60, 62, 64, 66, 62, 54, 44, 26, 12];

/// Plans everything ordinary.
pub fn plan(plan: &mut Plan, random: &mut Random, size: Size) {
    let history_start = TimeMs(DAY_START.0 - HISTORY_DAYS * DAY_MS);
    for number in 0..size.customers {
        state(plan, history_start, &account(number), Product::BankAccountI, HolderKind::Person);
    }
    for number in 0..MERCHANTS {
        state(plan, history_start, &merchant(number), Product::BankAccountI, HolderKind::Unit);
    }
    for day in -HISTORY_DAYS..=0 {
        let start = TimeMs(DAY_START.0 + day * DAY_MS);
        for _ in 0..if day == 0 { size.day } else { size.history_daily } {
            // The first minutes belong to the holdings stated above.
            let time = time_of_day(random, start);
            movement(plan, random, size, time);
        }
    }
    for number in (FIRST_ORDINARY..size.customers).step_by(5) {
        salary(plan, random, number);
    }
    for number in 0..size.customers.saturating_sub(FIRST_ORDINARY) / 12 {
        opening(plan, random, FIRST_ORDINARY + number * 12 % (size.customers - FIRST_ORDINARY), number);
    }
}

/// A merchant's account. Merchants are units: no limit counts what they hold.
fn merchant(number: u32) -> Own {
    Own {
        holder: format!("SHOP-{number:04}"),
        reference: format!("MER-{number:04}"),
        kind: PartyKind::Account,
    }
}

pub fn state(plan: &mut Plan, at: TimeMs, own: &Own, product: Product, kind: HolderKind) {
    let event = Event::HoldingStated(HoldingStated {
        holding: plan.party(own),
        product: ProductName(product),
        holder_kind: HolderKindName(kind),
        co_holders: Vec::new(),
    });
    plan.event(at, &event);
}

pub fn transfer(plan: &mut Plan, at: TimeMs, payer: &Own, payee: &Own, yuan: i64, device: Option<String>) {
    let event = Event::TransferPosted(TransferPosted {
        payer: Some(plan.party(payer)),
        payee: Some(plan.party(payee)),
        device: device.map(Into::into),
        ..TransferPosted::of(Amount::new(yuan * 100, Currency::CNY))
    });
    plan.event(at, &event);
}

/// A transfer to an account at another institution.
pub fn transfer_out(plan: &mut Plan, at: TimeMs, payer: &Own, to: &str, yuan: i64) {
    let event = Event::TransferPosted(TransferPosted {
        payer: Some(plan.party(payer)),
        counterparty: Some(Counterparty { account: to.into() }),
        ..TransferPosted::of(Amount::new(yuan * 100, Currency::CNY))
    });
    plan.event(at, &event);
}

/// A transfer from an account at another institution.
pub fn transfer_in(plan: &mut Plan, at: TimeMs, from: &str, payee: &Own, yuan: i64, protected: bool) {
    let event = Event::TransferPosted(TransferPosted {
        payee: Some(plan.party(payee)),
        counterparty: Some(Counterparty { account: from.into() }),
        protected,
        ..TransferPosted::of(Amount::new(yuan * 100, Currency::CNY))
    });
    plan.event(at, &event);
}

/// A request to open, as it comes in.
pub struct Request {
    pub opening: Own,
    pub product: Product,
    pub agent: Option<String>,
    pub device: Option<String>,
    pub phone_number: Option<String>,
}

pub fn request(plan: &mut Plan, at: TimeMs, request: Request) {
    let event = Event::OpeningRequested(OpeningRequested {
        opening: plan.party(&request.opening),
        product: ProductName(request.product),
        holder_kind: HolderKindName(HolderKind::Person),
        co_holders: Vec::new(),
        agent: request.agent.map(Into::into),
        device: request.device.map(Into::into),
        phone_number: request.phone_number.map(Into::into),
        outlet: None,
        address: None,
        legal_representative: None,
        identity_channels: None,
    });
    plan.event(at, &event);
}

pub fn opened(plan: &mut Plan, at: TimeMs, opening: &Own, holding: &Own, product: Product) {
    let event = Event::OpeningOpened(OpeningOpened {
        opening: plan.party(opening),
        holding: plan.party(holding),
        product: ProductName(product),
        holder_kind: HolderKindName(HolderKind::Person),
        co_holders: Vec::new(),
    });
    plan.event(at, &event);
}

fn movement(plan: &mut Plan, random: &mut Random, size: Size, time: TimeMs) {
    let payer = ordinary(random, size);
    match random.below(10) {
        0..=3 => {
            // Everybody has a few people whom they pay, and seldom anybody else.
            let payee = FIRST_ORDINARY
                + (payer * 7 + random.below(4) as u32 * 131) % (size.customers - FIRST_ORDINARY);
            let device = random.one_in(1, 3).then(|| format!("DEV-{payer:05}"));
            if payee != payer {
                transfer(plan, time, &account(payer), &account(payee), small_sum(random), device);
            }
        }
        4..=6 => {
            let shop = merchant(random.below(u64::from(MERCHANTS)) as u32);
            transfer(plan, time, &account(payer), &shop, random.between(8, 60), None);
        }
        7 => {
            let outside = format!("OUT-{:04}", payer % 900);
            transfer_out(plan, time, &account(payer), &outside, small_sum(random));
        }
        8 => card_payment(plan, random, time, payer),
        _ => {
            let card =
                Own { reference: format!("SIM-{payer:05}"), kind: PartyKind::PhoneCard, ..account(payer) };
            let event = Event::CardUsageRecorded(CardUsageRecorded {
                card: plan.party(&card),
                device: Some(format!("PHONE-{payer:05}").into()),
                usage: None,
                peer: None,
                month_open_megabytes: None,
                region: None,
            });
            plan.event(time, &event);
        }
    }
}

fn card_payment(plan: &mut Plan, random: &mut Random, time: TimeMs, payer: u32) {
    let event = Event::CardPaymentPosted(CardPaymentPosted {
        card: plan.party(&account(payer)),
        amount: Amount::new(random.between(500, 30_000), Currency::CNY),
        terminal: Some(format!("POS-{:04}", random.below(400)).into()),
    });
    plan.event(time, &event);
}

fn salary(plan: &mut Plan, random: &mut Random, number: u32) {
    let time = TimeMs(at(9, 0).0 + random.between(0, 30 * MINUTE_MS));
    let employer = format!("EMPLOYER-{}", number % 11);
    transfer_in(plan, time, &employer, &account(number), random.between(4_000, 18_000), true);
}

/// Somebody asks for a phone card or another account, gets it, and uses the slot; a few think again.
fn opening(plan: &mut Plan, random: &mut Random, number: u32, serial: u32) {
    let product = if serial.is_multiple_of(3) { Product::BankAccountII } else { Product::PhoneCard };
    let kind = if product == Product::PhoneCard { PartyKind::PhoneCard } else { PartyKind::Account };
    let opening =
        Own { holder: customer(number), reference: format!("REQ-{serial:05}"), kind: PartyKind::Opening };
    let asked = TimeMs(at(8, 0).0 + random.between(0, 11 * 60 * MINUTE_MS));
    let agent = random.one_in(1, 3).then(|| format!("AGENT-{:03}", random.below(AGENTS)));
    let asking = Request {
        opening: opening.clone(),
        product,
        agent,
        device: Some(format!("DEV-{number:05}")),
        phone_number: Some(format!("CONTACT-{number:05}")),
    };
    request(plan, asked, asking);
    let later = TimeMs(asked.0 + random.between(4, 40) * MINUTE_MS);
    if random.one_in(9, 10) {
        let holding = Own { holder: customer(number), reference: format!("NEW-{serial:05}"), kind };
        opened(plan, later, &opening, &holding, product);
    } else {
        let event = Event::OpeningAbandoned(OpeningAbandoned {
            opening: plan.party(&opening),
            product: ProductName(product),
            holder_kind: HolderKindName(HolderKind::Person),
            co_holders: Vec::new(),
        });
        plan.event(later, &event);
    }
}

fn ordinary(random: &mut Random, size: Size) -> u32 {
    FIRST_ORDINARY + random.below(u64::from(size.customers.saturating_sub(FIRST_ORDINARY))) as u32
}

/// Yuan; many small sums, few larger ones.
fn small_sum(random: &mut Random) -> i64 {
    let scale = random.between(1, 30);
    random.between(5, 12 * scale)
}

fn time_of_day(random: &mut Random, start: TimeMs) -> TimeMs {
    let mut mark = random.below(HOURS.iter().sum());
    let mut hour = 0;
    for weight in HOURS {
        if mark < weight {
            break;
        }
        mark -= weight;
        hour += 1;
    }
    TimeMs(start.0 + hour * 60 * MINUTE_MS + random.between(1, 60 * MINUTE_MS - 1))
}
