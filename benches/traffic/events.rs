//! Generated transfers, as the JSON that a source would send.

use std::fmt::Write;

use duecourse::cli::generate::Random;

use super::INSTITUTION;
use super::rules::{BAND, BAND_FIRST, BANDS, LARGE_FIRST, LARGE_SPAN};

/// 2026-01-01T00:00:00+08:00, in milliseconds.
const START: i64 = 1_767_196_800_000;
/// Events in ten thousand whose amount lies in the bands that rules ask for, and beyond all of them.
const BANDED_PER_10_000: u64 = 100;
const LARGE_PER_10_000: u64 = 1;
/// Accounts elsewhere to which one customer pays again and again, and how many there are at all.
const CIRCLE: u64 = 20;
const OUTSIDE: u64 = 200_000;

/// Who pays, and how fast event time runs.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// Customers, drawn by Zipf's law with exponent 1.
    pub holders: usize,
    /// Devices, each as likely as any other.
    pub devices: u64,
    /// Event time between two events, in milliseconds.
    pub gap_ms: u64,
    /// One customer makes half of all payments.
    pub hot: bool,
}

/// Endless events in order of time. The time of event n is `START + n * gap_ms`, which nothing else has.
pub struct Events {
    population: Population,
    random: Random,
    /// Chances of the first ranks, added up.
    ranks: Vec<f64>,
    sent: u64,
}

impl Events {
    pub fn new(population: Population) -> Events {
        let mut sum = 0.0;
        let add = |rank: usize| {
            sum += 1.0 / (rank + 1) as f64;
            sum
        };
        Events {
            population,
            random: Random::new(311),
            ranks: (0..population.holders).map(add).collect(),
            sent: 0,
        }
    }

    fn holder(&mut self) -> usize {
        if self.population.hot && self.random.below(2) == 0 {
            return self.population.holders;
        }
        let total = self.ranks.last().copied().unwrap_or(0.0);
        let drawn = self.random.next_u64() as f64 / u64::MAX as f64 * total;
        self.ranks.partition_point(|upto| *upto < drawn)
    }

    /// Most are small; the adverse ones are among those in a band.
    fn amount(&mut self) -> u64 {
        let random = &mut self.random;
        let place = random.below(10_000);
        if place < BANDED_PER_10_000 {
            BAND_FIRST + random.below(BANDS * BAND)
        } else if place < BANDED_PER_10_000 + LARGE_PER_10_000 {
            LARGE_FIRST + random.below(LARGE_SPAN)
        } else {
            1_000 + random.below(199_000)
        }
    }
}

impl Iterator for Events {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let number = self.sent;
        self.sent += 1;
        let holder = self.holder();
        let amount = self.amount();
        let account = 1 + self.random.below(4) / 3;
        let payee = match self.random.below(5) {
            0 => self.random.below(OUTSIDE),
            _ => (holder as u64 * 7_919 + self.random.below(CIRCLE)) % OUTSIDE,
        };
        let device = self.random.below(self.population.devices);
        let time = time_of(number as usize, self.population.gap_ms);
        let mut line = String::with_capacity(420);
        write!(
            line,
            r#"{{"specversion":"1.0","id":"EV-{number:010}","source":"/core/payments","type":"transfer_posted","time":"{time}","data":{{"payer":{{"institution":"{INSTITUTION}","holder":"CUST-{holder:08}","ref":"ACC-{holder:08}-{account}","kind":"account"}},"counterparty":{{"account":"6222020200{payee:09}"}},"amount":{{"minor":{amount},"currency":"CNY"}},"channel":"mobile","payer_balance_after":{},"device":"DEV-{device:08}"}}}}"#,
            1_000_000 + number % 9_000_000,
        )
        .expect("text grows");
        Some(line)
    }
}

/// The time of an event, by its number.
pub fn time_of(number: usize, gap_ms: u64) -> String {
    let at = START + (number as u64 * gap_ms).cast_signed();
    let time = jiff::Timestamp::from_millisecond(at).expect("a time of this century");
    format!("{time:.3}")
}

/// The number of the event whose time stands right after `field`, such as `"time":"`.
#[allow(dead_code, reason = "what only writes events reads none")]
pub fn number_of(value: &[u8], field: &[u8], gap_ms: u64) -> Option<usize> {
    let place = value.windows(field.len()).position(|window| window == field)? + field.len();
    let end = place + value.get(place..)?.iter().position(|byte| *byte == b'"')?;
    number_at(std::str::from_utf8(value.get(place..end)?).ok()?, gap_ms)
}

/// The number of the event of a time.
#[allow(dead_code, reason = "what only writes events reads none")]
pub fn number_at(time: &str, gap_ms: u64) -> Option<usize> {
    let at: jiff::Timestamp = time.parse().ok()?;
    usize::try_from((at.as_millisecond() - START) / gap_ms.cast_signed()).ok()
}
