//! Generated transfers, as the JSON that a source would send.

use duecourse::cli::generate::Random;
use duecourse::codec::event::envelope::to_structured;
use duecourse::codec::event::transfer::TransferPosted;
use duecourse::codec::event::{Amount, Counterparty, Event, EventTime, OwnParty, PartyKind};
use duecourse::engine::base::{Currency, TimeMs};

use super::INSTITUTION;
use super::rules::{ADVERSE_BAND, ADVERSE_FIRST};

/// 2026-01-01T00:00:00+08:00.
const START: TimeMs = TimeMs(1_767_196_800_000);

/// One event in so many has an amount that one of the rules asks for.
const ADVERSE_ONE_IN: u64 = 100;

/// Who sends, and how fast event time runs.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    pub accounts: usize,
    pub devices: usize,
    /// Payees in all, and of one account.
    pub payees: usize,
    pub circle: usize,
    /// Event time between two events, in microseconds.
    pub gap_us: u64,
    /// One account sends half of all.
    pub hot: bool,
}

/// Endless events of a population, in order of time.
pub struct Events {
    population: Population,
    random: Random,
    senders: Zipf,
    devices: Zipf,
    payees: Zipf,
    circle: Zipf,
    sent: u64,
}

impl Events {
    pub fn new(population: Population) -> Events {
        Events {
            random: Random::new(311),
            senders: Zipf::new(population.accounts),
            devices: Zipf::new(population.devices),
            payees: Zipf::new(population.payees),
            circle: Zipf::new(population.circle),
            population,
            sent: 0,
        }
    }
}

impl Iterator for Events {
    type Item = (TimeMs, String);

    fn next(&mut self) -> Option<(TimeMs, String)> {
        let random = &mut self.random;
        let hot = self.population.hot && self.sent.is_multiple_of(2);
        let sender = if hot { self.population.accounts } else { self.senders.draw(random) };
        let device = self.devices.draw(random);
        // The same place in a sender's circle is always the same payee.
        let place = self.circle.draw(random) as u64;
        let payee = self.payees.draw(&mut Random::new((sender as u64) << 20 | place));
        let adverse = random.below(ADVERSE_ONE_IN) == 0;
        let amount = if adverse { ADVERSE_FIRST..ADVERSE_FIRST + 3 * ADVERSE_BAND } else { 100..2_000_000 };
        let amount = amount.start + random.below((amount.end - amount.start) as u64) as i64;
        let mut event = TransferPosted::of(Amount::new(amount, Currency::CNY));
        let (holder, account) = (format!("C-{sender:08}"), format!("A-{sender:08}-1"));
        event.payer = Some(OwnParty::new(INSTITUTION, holder, account, PartyKind::Account));
        event.counterparty = Some(Counterparty { account: format!("6222{payee:012}").into() });
        event.device = Some(format!("D-{device:08}").into());
        let at = TimeMs(START.0 + (self.sent * self.population.gap_us / 1_000) as i64);
        self.sent += 1;
        let id = format!("EV-{:010}", self.sent);
        Some((at, to_structured(&id, "/bench/core", EventTime(at), &Event::TransferPosted(event))))
    }
}

/// Ranks by Zipf's law with exponent 1.05: rank r is drawn in proportion to 1 / (r + 1)^1.05.
struct Zipf {
    cumulated: Vec<f64>,
}

impl Zipf {
    fn new(ranks: usize) -> Zipf {
        let mut sum = 0.0;
        let add = |rank: usize| {
            sum += ((rank + 1) as f64).powf(-1.05);
            sum
        };
        Zipf { cumulated: (0..ranks).map(add).collect() }
    }

    fn draw(&self, random: &mut Random) -> usize {
        let total = self.cumulated.last().copied().unwrap_or(0.0);
        let drawn = random.next_u64() as f64 / u64::MAX as f64 * total;
        self.cumulated.partition_point(|upto| *upto < drawn)
    }
}
