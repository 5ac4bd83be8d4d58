//! What happens in the simulated institution, as records of its source topic.

use super::dice::Dice;
use super::host::START_MS;

pub const INSTITUTION: &str = "bank-a";

/// Requests that were made and may be answered by a later event.
#[derive(Debug, Default)]
pub struct Events {
    written: u64,
    requests: Vec<(u64, u64)>,
    last: Option<String>,
    /// Some senders that were not answered send an event once more.
    has_doubles: bool,
}

impl Events {
    pub fn new(has_doubles: bool) -> Events {
        Events { has_doubles, ..Events::default() }
    }

    /// The next record's value.
    pub fn next(&mut self, now_ms: i64, dice: &mut Dice) -> Vec<u8> {
        self.written += 1;
        let number = self.written;
        let at = if dice.once_in(8) { now_ms - dice.below(60_000) as i64 } else { now_ms };
        let text = match dice.below(20) {
            0 => "6217000010001234567 is nobody's business".to_owned(),
            1 if self.has_doubles && self.last.is_some() => {
                return self.last.clone().unwrap_or_default().into_bytes();
            }
            2..=8 => self.requested(number, at, dice),
            9..=10 if !self.requests.is_empty() => {
                let (request, holder) = dice.pick(&self.requests);
                let opening = own(holder, &format!("o{request}"), "opening");
                let data =
                    format!(r#"{{"opening":{opening},"product":"phone_card","holder_kind":"person"}}"#);
                event(number, "opening_abandoned", at, &data)
            }
            _ => transfer(number, at, dice),
        };
        self.last = Some(text.clone());
        text.into_bytes()
    }

    fn requested(&mut self, number: u64, at: i64, dice: &mut Dice) -> String {
        let holder = dice.below(6);
        self.requests.push((number, holder));
        let (opening, device) = (own(holder, &format!("o{number}"), "opening"), dice.below(3));
        let data = format!(
            r#"{{"opening":{opening},"product":"phone_card","holder_kind":"person","device":"d{device}"}}"#
        );
        event(number, "opening_requested", at, &data)
    }
}

fn transfer(number: u64, at: i64, dice: &mut Dice) -> String {
    let (payer, payee) = (dice.below(6), dice.below(6));
    let account = |holder: u64| own(holder, &format!("a{holder}"), "account");
    let data = format!(
        r#"{{"payer":{},"payee":{},"amount":{{"minor":{},"currency":"CNY"}},"device":"d{}"}}"#,
        account(payer),
        account((payee + u64::from(payee == payer)) % 6),
        100 + dice.below(900),
        dice.below(3)
    );
    event(number, "transfer_posted", at, &data)
}

fn own(holder: u64, reference: &str, kind: &str) -> String {
    format!(r#"{{"institution":"{INSTITUTION}","holder":"h{holder}","ref":"{reference}","kind":"{kind}"}}"#)
}

fn event(number: u64, kind: &str, at_ms: i64, data: &str) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms.max(START_MS - 100_000)).unwrap_or_default();
    format!(
        r#"{{"specversion":"1.0","id":"e{number}","source":"core","type":"{kind}","time":"{at}","data":{data}}}"#
    )
}
