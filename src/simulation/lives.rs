//! What happens to measures after they were set, and what authorities lay down, as events of the source topic:
//! so that timers, orders and appeals are in flight when trouble comes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dice::Dice;
use super::events::{INSTITUTION, own, time};
use crate::codec::authority::{AuthorityKey, AuthoritySecret, Canonical};
use crate::codec::event::{Event, EventType, Undeclared};
use crate::engine::base::TimeMs;
use crate::engine::order::{Level, OrderKind};
use crate::intake::classify::{entry, hold, order, special};

pub const ISSUER: &str = "city police";
const KEY: &str = "city";

/// The authority's key, as the deployment registers it.
pub fn authority_key() -> AuthorityKey {
    let term = (TimeMs::MIN, TimeMs(i64::MAX));
    AuthorityKey::new((KEY, ISSUER, Level::Prefecture), "ed25519", &secret().public(), term).unwrap()
}

fn secret() -> AuthoritySecret {
    AuthoritySecret::from_bytes("ed25519", &[5; 32]).unwrap()
}

/// A measure as it was published.
#[derive(Clone, Debug)]
pub struct Published {
    disposition: String,
    appeal: String,
    party: String,
}

impl Published {
    /// Of a value of the topic `measures`; `holder_of` knows whose opening a reference names.
    pub fn of(value: &[u8], holder_of: impl Fn(&str) -> Option<u64>) -> Option<Published> {
        let value: Value = serde_json::from_slice(value).ok()?;
        let text = |path: &str| value.pointer(path).and_then(Value::as_str);
        let reference = text("/data/party/ref")?;
        let holder = holder_of(reference)?;
        Some(Published {
            disposition: text("/data/disposition")?.to_owned(),
            appeal: text("/data/appeal_reference")?.to_owned(),
            party: own(holder, reference, text("/data/party/kind")?),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Ordered {
    number: u64,
    holder: u64,
    end_ms: i64,
}

/// What was said of measures, orders and entries so far.
#[derive(Debug, Default)]
pub struct Lives {
    orders: Vec<Ordered>,
    entries: Vec<(u64, u64)>,
    /// Measures that somebody appealed against, or asked a person to look at, and that were not decided.
    appealed: Vec<Published>,
    /// Measures whose holders were told to verify themselves.
    told: Vec<Published>,
    /// Of those two, what a crash found undecided.
    at_crash: BTreeSet<String>,
    /// How many of what a crash had found undecided were decided afterwards: appeals, verifications.
    pub decided_after: (u64, u64),
}

/// The type of an event, and its data.
pub type Said = (&'static str, String);

impl Lives {
    /// Notes what is undecided as a process dies: appeals, verifications.
    pub fn crash(&mut self) -> (bool, bool) {
        let open = |of: &[Published]| of.iter().map(|one| one.disposition.clone()).collect::<Vec<_>>();
        self.at_crash.extend(open(&self.appealed));
        self.at_crash.extend(open(&self.told));
        (!self.appealed.is_empty(), !self.told.is_empty())
    }

    /// An order is issued, extended or released.
    pub fn order(&mut self, number: u64, at_ms: i64, dice: &mut Dice) -> Said {
        let known = (!self.orders.is_empty() && dice.below(2) == 0).then(|| dice.pick(&self.orders));
        if let Some(Ordered { number, holder, end_ms }) = known {
            let named = named(number, &own(holder, &format!("a{holder}"), "account"));
            if dice.below(2) == 0 {
                let end = time(end_ms + dice.pick(&[-3_000, 5_000, 20_000]));
                return signed("order_extended", &format!(r#"{{{named},"end":"{end}",SIGNATURE}}"#));
            }
            return signed("order_released", &format!("{{{named},SIGNATURE}}"));
        }
        let holder = dice.below(6);
        let start_ms = at_ms + dice.pick(&[-5_000, 0, 0, 2_000, 8_000]);
        let end_ms = start_ms + dice.pick(&[4_000, 15_000, 40_000, 90_000]);
        self.orders.push(Ordered { number, holder, end_ms });
        let named = named(number, &own(holder, &format!("a{holder}"), "account"));
        let kind = dice.pick(&["freeze", "stop_payment", "query", "linked_accounts"]);
        let notice = match dice.below(4) {
            0 => r#","notice":"by_authority""#.to_owned(),
            1 => {
                let until = time(at_ms + dice.pick(&[3_000, 20_000]));
                format!(r#","notice":"deferred","notice_clause":"c","notice_until":"{until}""#)
            }
            _ => String::new(),
        };
        let (start, end) = (time(start_ms), time(end_ms));
        let data = format!(
            r#"{{{named},"level":"prefecture","kind":"{kind}","start":"{start}","end":"{end}"{notice},SIGNATURE}}"#
        );
        signed("order_issued", &data)
    }

    /// A holder is listed, or an entry revoked.
    pub fn entry(&mut self, number: u64, at_ms: i64, dice: &mut Dice) -> Said {
        let of = |number: u64, holder: u64| {
            format!(
                r#""number":"L{number}","issuer":"{ISSUER}","institution":"{INSTITUTION}","holder":"h{holder}""#
            )
        };
        if !self.entries.is_empty() && dice.below(2) == 0 {
            let (number, holder) = dice.pick(&self.entries);
            return signed("entry_revoked", &format!("{{{},SIGNATURE}}", of(number, holder)));
        }
        let holder = dice.below(6);
        self.entries.push((number, holder));
        let start_ms = at_ms + dice.pick(&[-5_000, 0, 2_000]);
        let (start, end) = (time(start_ms), time(start_ms + dice.pick(&[5_000, 30_000])));
        let data = format!(
            r#"{{{},"level":"prefecture","category":"b","test":"times","start":"{start}","end":"{end}",SIGNATURE}}"#,
            of(number, holder)
        );
        signed("entry_listed", &data)
    }

    /// A notice reached somebody or not, somebody verified themselves or not.
    pub fn news(&mut self, measure: Option<Published>, dice: &mut Dice) -> Option<Said> {
        let follows = !self.told.is_empty() && (measure.is_none() || dice.below(3) > 0);
        let (kind, more, measure) = if follows {
            let place = dice.below(self.told.len() as u64) as usize;
            let measure = self.told.swap_remove(place);
            self.decided_after.1 += u64::from(self.at_crash.contains(&measure.disposition));
            let kind = dice.pick(&["verification_passed", "verification_failed", "verification_failed"]);
            (kind, r#""method":"counter""#, measure)
        } else {
            let measure = measure?;
            match dice.below(5) {
                0 => ("notice_undeliverable", r#""channel":"app""#, measure),
                1 => ("settlement_cancelled", "", measure),
                _ => {
                    self.told.push(measure.clone());
                    ("notice_delivered", r#""channel":"app""#, measure)
                }
            }
        };
        let Published { disposition, party, .. } = measure;
        let more = if more.is_empty() { String::new() } else { format!(",{more}") };
        Some((kind, format!(r#"{{"party":{party},"disposition_id":"{disposition}"{more}}}"#)))
    }

    /// Somebody appeals, or an appeal goes its way.
    pub fn appeal(&mut self, measure: Option<Published>, dice: &mut Dice) -> Option<Said> {
        let follows = !self.appealed.is_empty() && (measure.is_none() || dice.below(3) > 0);
        let (kind, more, measure) = if follows {
            let place = dice.below(self.appealed.len() as u64) as usize;
            let said = dice.pick(&[
                ("appeal_accepted", ""),
                ("appeal_papers_asked", r#","papers":["income_proof"]"#),
                ("appeal_papers_given", r#","papers":["income_proof"]"#),
                ("human_decision_requested", ""),
                ("appeal_decided", r#","outcome":"overturned","decider":"s1""#),
                ("appeal_decided", r#","outcome":"upheld","decider":"s2""#),
                ("human_decision_made", r#","decision":"confirm","decider":"s3""#),
                ("human_decision_made", r#","decision":"lift","decider":"s3""#),
                (
                    "human_decision_made",
                    r#","decision":"milder","measure":"account_verify_transaction","decider":"s3""#,
                ),
            ]);
            let is_decision = said.1.contains("decider");
            let measure = match is_decision {
                true => self.appealed.swap_remove(place),
                false => self.appealed[place].clone(),
            };
            if is_decision {
                self.decided_after.0 += u64::from(self.at_crash.contains(&measure.disposition));
            }
            (said.0, said.1, measure)
        } else {
            let measure = measure?;
            self.appealed.push(measure.clone());
            match dice.below(3) {
                0 => ("human_decision_requested", "", measure),
                1 => ("appeal_filed", r#","reason":"other","evidence_id":"d1""#, measure),
                _ => ("appeal_filed", r#","reason":"other""#, measure),
            }
        };
        let Published { appeal, party, .. } = measure;
        Some((kind, format!(r#"{{"party":{party},"appeal_ref":"{appeal}"{more}}}"#)))
    }
}

fn named(number: u64, party: &str) -> String {
    format!(r#""number":"O{number}","issuer":"{ISSUER}","party":{party}"#)
}

/// Data with the authority's signature where it belongs.
pub fn signed(kind: &'static str, data: &str) -> Said {
    let with = |signature: &str| {
        data.replace("SIGNATURE", &format!(r#""signing_key":"{KEY}","signature":"{signature}""#))
    };
    let unsigned = with("");
    let kind_of = EventType::from_name(kind).unwrap();
    let event = Event::from_json(kind_of, &unsigned, "", &mut Undeclared::default()).unwrap();
    let canonical: Canonical = match &event {
        Event::OrderIssued(event) => {
            let kind = event.kind.map_or(OrderKind::Freeze, |kind| kind.0);
            order::issued(INSTITUTION, event, kind)
        }
        Event::OrderExtended(event) => order::extended(INSTITUTION, event),
        Event::OrderReleased(event) => order::released(INSTITUTION, event),
        Event::EntryListed(event) => entry::listed(event),
        Event::EntryRevoked(event) => entry::revoked(event),
        Event::HoldOrdered(event) => hold::ordered(INSTITUTION, event),
        Event::HoldReleased(event) => hold::released(INSTITUTION, event),
        Event::SpecialMeasureOrdered(event) => special::ordered(event),
        Event::SpecialMeasureReleased(event) => special::released(event),
        _ => unreachable!("nothing else is signed here"),
    };
    (kind, with(&secret().sign(&canonical).unwrap()))
}
