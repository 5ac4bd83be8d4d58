//! What happens in the simulated institution, as records of its source topic.

use sha2::{Digest, Sha256};

use super::dealings::{DEVICES, Dealings, OUTLETS};
use super::dice::Dice;
use super::host::START_MS;
use super::lives::{Lives, Published};
use crate::codec::hex::hex;
use crate::codec::keys::Keys;
use crate::codec::output::Topic;

pub const INSTITUTION: &str = "bank-a";

/// What was written, as far as later events refer to it.
#[derive(Debug, Default)]
pub struct Events {
    written: u64,
    requests: Vec<(u64, u64)>,
    /// The last transfers: number, time and data.
    transfers: Vec<(u64, i64, String)>,
    last: Option<String>,
    /// Some senders that were not answered send an event once more.
    has_doubles: bool,
    pub lives: Lives,
    pub dealings: Dealings,
}

impl Events {
    pub fn new(has_doubles: bool) -> Events {
        Events { has_doubles, ..Events::default() }
    }

    /// The next record's value. `published` picks one of what was published in a topic of measures or leads.
    pub fn next(
        &mut self,
        now_ms: i64,
        keys: &Keys,
        dice: &mut Dice,
        published: impl Fn(&mut Dice, Topic) -> Option<Vec<u8>>,
    ) -> Vec<u8> {
        self.written += 1;
        let number = self.written;
        let at = if dice.once_in(8) { now_ms - dice.below(60_000) as i64 } else { now_ms };
        let text = match dice.below(40) {
            0 => "6217000010001234567 is nobody's business".to_owned(),
            1 if self.has_doubles && self.last.is_some() => {
                return self.last.clone().unwrap_or_default().into_bytes();
            }
            2..=7 => self.requested(number, at, dice),
            8 if !self.requests.is_empty() => {
                let (request, holder) = dice.pick(&self.requests);
                let opening = own(holder, &format!("o{request}"), "opening");
                let data =
                    format!(r#"{{"opening":{opening},"product":"phone_card","holder_kind":"person"}}"#);
                event(number, "opening_abandoned", at, &data)
            }
            9 if !self.transfers.is_empty() => self.corrected(number, at, dice),
            10..=11 => said(number, at, Some(self.lives.order(number, at, dice))),
            12 => said(number, at, Some(self.lives.entry(number, at, dice))),
            13..=17 => {
                let measure = self.measure(published(dice, Topic::Measures));
                said(number, at, self.lives.news(measure, dice))
            }
            18..=22 => {
                let measure = self.measure(published(dice, Topic::Measures));
                said(number, at, self.lives.appeal(measure, dice))
            }
            23..=25 => {
                let lead = published(dice, Topic::Leads);
                said(number, at, self.dealings.answer(lead, keys, dice))
            }
            26..=27 => said(number, at, Some(self.dealings.authorise(number, at, dice))),
            28 => said(number, at, Some(self.dealings.special(number, at, dice))),
            29 => said(number, at, Some(self.dealings.hold(number, at, dice))),
            _ => self.transfer(number, at, dice),
        };
        let text = if text.is_empty() { self.transfer(number, at, dice) } else { text };
        self.last = Some(text.clone());
        text.into_bytes()
    }

    /// A rule set is released.
    pub fn release(&mut self, at: i64, bundle: &str) -> Vec<u8> {
        self.written += 1;
        let sha256 = hex(&Sha256::digest(bundle.as_bytes()));
        let data = format!(r#"{{"bundle":"{bundle}","sha256":"{sha256}"}}"#);
        event(self.written, "rule_set_activated", at, &data).into_bytes()
    }

    fn measure(&self, value: Option<Vec<u8>>) -> Option<Published> {
        Published::of(&value?, |reference| {
            let (kind, number) = reference.split_at_checked(1)?;
            let number: u64 = number.parse().ok()?;
            let asked = || self.requests.iter().find(|(request, _)| *request == number);
            if kind == "a" { Some(number) } else { asked().map(|(_, holder)| *holder) }
        })
    }

    fn requested(&mut self, number: u64, at: i64, dice: &mut Dice) -> String {
        let holder = dice.below(6);
        self.requests.push((number, holder));
        let opening = own(holder, &format!("o{number}"), "opening");
        let (device, outlet) = (dice.below(DEVICES), dice.below(OUTLETS));
        let data = format!(
            r#"{{"opening":{opening},"product":"phone_card","holder_kind":"person","device":"d{device}","outlet":"s{outlet}"}}"#
        );
        event(number, "opening_requested", at, &data)
    }

    fn transfer(&mut self, number: u64, at: i64, dice: &mut Dice) -> String {
        let (payer, payee) = (dice.below(6), dice.below(6));
        let account = |holder: u64| own(holder, &format!("a{holder}"), "account");
        let data = format!(
            r#"{{"payer":{},"payee":{},"amount":{{"minor":{},"currency":"CNY"}},"device":"d{}","region":"r{}"}}"#,
            account(payer),
            account((payee + u64::from(payee == payer)) % 6),
            100 + dice.below(900),
            dice.below(DEVICES),
            dice.below(3)
        );
        if self.transfers.len() == 8 {
            self.transfers.remove(0);
        }
        self.transfers.push((number, at, data.clone()));
        event(number, "transfer_posted", at, &data)
    }

    /// A transfer is withdrawn, or was of another amount.
    fn corrected(&mut self, number: u64, at: i64, dice: &mut Dice) -> String {
        let place = dice.below(self.transfers.len() as u64) as usize;
        let (original, was_at, was) = self.transfers.remove(place);
        let state = |data: &str| format!(r#"{{"time":"{}","data":{data}}}"#, time(was_at));
        let after = match dice.below(2) {
            0 => String::new(),
            _ => format!(r#","after":{}"#, state(&was.replace(r#""minor":"#, r#""minor":1"#))),
        };
        let before = state(&was);
        let data = format!(
            r#"{{"original_event_id":"e{original}","original_type":"transfer_posted","before":{before}{after}}}"#
        );
        event(number, "event_corrected", at, &data)
    }
}

pub fn own(holder: u64, reference: &str, kind: &str) -> String {
    format!(r#"{{"institution":"{INSTITUTION}","holder":"h{holder}","ref":"{reference}","kind":"{kind}"}}"#)
}

/// A time as events write it.
pub fn time(at_ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at_ms.max(START_MS - 100_000)).unwrap_or_default()
}

fn said(number: u64, at_ms: i64, said: Option<super::lives::Said>) -> String {
    said.map_or(String::new(), |(kind, data)| event(number, kind, at_ms, &data))
}

fn event(number: u64, kind: &str, at_ms: i64, data: &str) -> String {
    let at = time(at_ms);
    format!(
        r#"{{"specversion":"1.0","id":"e{number}","source":"core","type":"{kind}","time":"{at}","data":{data}}}"#
    )
}
