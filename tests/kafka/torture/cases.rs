//! What goes on beside the payments: orders, verifications, appeals, leads and authorisations, so that some of each are
//! always in flight.
//!
//! A clerk reads what is in force as it is published and answers it through a source of its own, with dice. When a
//! fault strikes, `in_flight` tells what it leaves undone; `verify` then covers what became of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use duecourse::codec::authority::AuthoritySecret;
use duecourse::codec::event::{Event, EventType, Undeclared};
use duecourse::engine::order::OrderKind;
use duecourse::intake::classify::order;
use duecourse::log::kafka::{AckedProducer, OutMessage};
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use super::counts::InFlight;
use super::flow::consumer;
use crate::deployment::Deployment;
use crate::events::Dice;

const INSTITUTION: &str = "demo-bank";
const ISSUER: &str = "city police";
const KEY: &str = "city";
/// Between two things the clerk does.
const PACE: Duration = Duration::from_millis(150);
/// What a clerk remembers to come back to.
const KNOWN_MAX: usize = 200;
/// So many appeals and leads wait for a while, that some are undone whenever a fault strikes.
const WAITING_MIN: usize = 2;
const CLOSE_WITHIN_MAX: Duration = Duration::from_secs(60);

pub struct Cases {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
    desk: Arc<Mutex<Desk>>,
}

/// A measure as it was published.
#[derive(Clone)]
struct Published {
    disposition: String,
    appeal: String,
    party: Value,
}

#[derive(Clone)]
struct Ordered {
    number: u64,
    account: String,
    end_ms: i64,
}

/// A lead as it left for its authority.
#[derive(Clone)]
struct Referred {
    reference: String,
    party: Value,
}

#[derive(Clone)]
struct Granted {
    number: u64,
    account: String,
}

#[derive(Default)]
struct Desk {
    /// Event time of the newest measure, epoch milliseconds.
    now_ms: i64,
    written: u64,
    new: Vec<Published>,
    told: Vec<Published>,
    appealed: Vec<Published>,
    orders: Vec<Ordered>,
    orders_in_force: BTreeSet<Vec<u8>>,
    leads: Vec<Referred>,
    granted: Vec<Granted>,
}

/// The source and the authority's key, as the deployment's configuration has them.
pub fn configuration(prefix: &str) -> String {
    format!(
        "[orders]\nkeys = [{{ id = \"{KEY}\", issuer = \"{ISSUER}\", level = \"prefecture\", algorithm = \"ed25519\", \
         public_key = \"{}\", valid_from = \"2020-01-01T00:00:00+08:00\", valid_to = \"2090-01-01T00:00:00+08:00\" }}]\n\
         [[sources]]\nname = \"cases\"\ntopic = \"{prefix}.cases\"\nmapping = \"native\"\ngeneration = 1\n",
        secret().public()
    )
}

fn secret() -> AuthoritySecret {
    AuthoritySecret::from_bytes("ed25519", &[5; 32]).unwrap()
}

impl Cases {
    /// `hour` is what an hour of the events is in milliseconds: less where time is the broker's.
    pub fn start(deployment: &Deployment, partitions: u32, hour_ms: i64, seed: u64) -> Cases {
        let consumer = consumer(&deployment.connection);
        let mut list = TopicPartitionList::new();
        let leads = deployment.topic("leads");
        for topic in [&deployment.topic("measures"), &leads] {
            for partition in 0..i32::try_from(partitions).unwrap() {
                list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
            }
        }
        consumer.assign(&list).unwrap();
        // Nothing is given up while brokers are away, and nothing arrives twice.
        let mut producer = AckedProducer::connect_gapless(&deployment.connection, "cases", 5).unwrap();
        let (stop, desk) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Desk::default())));
        let (until, shared, topic) = (Arc::clone(&stop), Arc::clone(&desk), deployment.topic("cases"));
        let write = move |producer: &mut AckedProducer, said: Vec<(u32, String)>| {
            for (partition, value) in said {
                let partition = Some(partition % partitions);
                let (topic, value) = (topic.as_str(), Some(value.as_bytes()));
                producer.send(OutMessage { topic, partition, value, ..OutMessage::default() }).unwrap();
            }
        };
        let thread = std::thread::spawn(move || {
            let (mut dice, mut acted) = (Dice::new(seed ^ 0xCA5E), Instant::now());
            while !until.load(Ordering::SeqCst) {
                if let Some(Ok(message)) = consumer.poll(Duration::from_millis(20)) {
                    let mut desk = shared.lock().unwrap();
                    if message.topic() == leads {
                        desk.hear_of_lead(message.payload().unwrap_or_default());
                    } else {
                        desk.hear(message.key().unwrap_or_default(), message.payload());
                    }
                }
                if acted.elapsed() < PACE {
                    continue;
                }
                acted = Instant::now();
                let said = shared.lock().unwrap().act(&mut dice, hour_ms);
                write(&mut producer, said);
            }
            let last = shared.lock().unwrap().close(&mut dice);
            write(&mut producer, last);
            producer.flush(CLOSE_WITHIN_MAX).unwrap();
            shared.lock().unwrap().written
        });
        Cases { stop, thread: Some(thread), desk }
    }

    pub fn in_flight(&self) -> InFlight {
        let desk = self.desk.lock().unwrap();
        let count = |of: usize| of as u64;
        InFlight {
            orders: count(desk.orders_in_force.len()),
            appeals: count(desk.appealed.len()),
            verifications: count(desk.told.len()),
            leads: count(desk.leads.len()),
            authorisations: count(desk.granted.len()),
        }
    }

    /// Stops; gives how many events were written, all acknowledged.
    pub fn end(&mut self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().map_or(0, |thread| thread.join().unwrap())
    }
}

impl Drop for Cases {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

impl Desk {
    /// What is in force changed: a value, or none when it ended.
    fn hear(&mut self, key: &[u8], value: Option<&[u8]>) {
        let Some(told) = value.and_then(|value| serde_json::from_slice::<Value>(value).ok()) else {
            self.orders_in_force.remove(key);
            return;
        };
        let text = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if let Ok(at) = text("/time").parse::<jiff::Timestamp>() {
            self.now_ms = self.now_ms.max(at.as_millisecond());
        }
        if text("/data/lane") == "authority" {
            self.orders_in_force.insert(key.to_vec());
        }
        let reference = text("/data/party/ref");
        let published = Published {
            disposition: text("/data/disposition").to_owned(),
            appeal: text("/data/appeal_reference").to_owned(),
            party: party(reference, text("/data/party/kind")),
        };
        if self.new.len() == KNOWN_MAX {
            self.new.remove(0);
        }
        self.new.push(published);
    }

    /// A lead left for its authority; what became of it later is no news to who answered it.
    fn hear_of_lead(&mut self, value: &[u8]) {
        let told: Value = serde_json::from_slice(value).unwrap_or_default();
        let text = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if text("/type").contains("lead.sent") && self.leads.len() < KNOWN_MAX {
            let party = party(text("/data/party/ref"), text("/data/party/kind"));
            self.leads.push(Referred { reference: text("/data/reference").to_owned(), party });
        }
    }

    /// One or two things that somebody does now, each with the partition it goes to.
    fn act(&mut self, dice: &mut Dice, hour_ms: i64) -> Vec<(u32, String)> {
        if self.now_ms == 0 {
            return Vec::new();
        }
        let mut said = vec![match dice.below(6) {
            0 => Some(self.order(dice, hour_ms)),
            1 => self.tell(dice),
            2 => self.appeal(dice),
            3 => self.answer(dice),
            4 => self.answer_lead(dice),
            _ => Some(self.authorise(dice, hour_ms)),
        }];
        if self.appealed.len() > WAITING_MIN || dice.below(8) == 0 {
            said.push(self.decide(dice));
        }
        let partition = u32::try_from(dice.below(64)).unwrap();
        (partition..).zip(said.into_iter().flatten()).collect()
    }

    /// Everything that is still in flight comes to its end: what the last fault did to it would not be seen otherwise.
    fn close(&mut self, dice: &mut Dice) -> Vec<(u32, String)> {
        let mut said = Vec::new();
        while let Some(answer) = self.answer(dice) {
            said.push(answer);
        }
        while let Some(decision) = self.decide(dice) {
            said.push(decision);
        }
        while let Some(answer) = self.answer_one_lead(dice, false) {
            said.push(answer);
        }
        while let Some(ordered) = self.orders.pop() {
            let party = party(&ordered.account, "account");
            let data = json!({ "number": format!("O{}", ordered.number), "issuer": ISSUER, "party": party });
            said.push(self.signed("order_released", data));
        }
        (0..).zip(said).collect()
    }

    fn event(&mut self, kind: &str, data: &Value) -> String {
        self.written += 1;
        let (id, time) = (format!("case-{}", self.written), time(self.now_ms));
        json!({ "specversion": "1.0", "id": id, "source": "/cases", "type": kind, "time": time, "data": data })
            .to_string()
    }

    fn order(&mut self, dice: &mut Dice, hour_ms: i64) -> String {
        let known = usize::try_from(dice.below(2 * self.orders.len() as u64 + 1)).unwrap();
        if known < self.orders.len() {
            let mut ordered = self.orders.swap_remove(known);
            let mut data = json!({
                "number": format!("O{}", ordered.number), "issuer": ISSUER,
                "party": party(&ordered.account, "account"),
            });
            if dice.below(2) == 0 {
                return self.signed("order_released", data);
            }
            ordered.end_ms += hour_ms * 24;
            data["end"] = json!(time(ordered.end_ms));
            self.orders.push(ordered);
            return self.signed("order_extended", data);
        }
        let account = format!("G{:05}", dice.below(2_000));
        let start_ms = self.now_ms + hour_ms * i64::try_from(dice.below(8)).unwrap();
        let end_ms = start_ms + hour_ms * i64::try_from(1 + dice.below(72)).unwrap();
        let kind = ["freeze", "stop_payment", "linked_accounts"][usize::try_from(dice.below(3)).unwrap()];
        let data = json!({
            "number": format!("O{}", self.written), "issuer": ISSUER, "level": "prefecture", "kind": kind,
            "party": party(&account, "account"), "start": time(start_ms), "end": time(end_ms),
        });
        self.orders.push(Ordered { number: self.written, account, end_ms });
        self.signed("order_issued", data)
    }

    fn signed(&mut self, kind: &str, mut data: Value) -> String {
        data["signing_key"] = json!(KEY);
        data["signature"] = json!("");
        let text = data.to_string();
        let event_type = EventType::from_name(kind).unwrap();
        let event = Event::from_json(event_type, &text, "", &mut Undeclared::default()).unwrap();
        let canonical = match &event {
            Event::OrderIssued(event) => {
                order::issued(INSTITUTION, event, event.kind.map_or(OrderKind::Freeze, |kind| kind.0))
            }
            Event::OrderExtended(event) => order::extended(INSTITUTION, event),
            Event::OrderReleased(event) => order::released(INSTITUTION, event),
            _ => unreachable!("nothing else is signed here"),
        };
        data["signature"] = json!(secret().sign(&canonical).unwrap());
        self.event(kind, &data)
    }

    /// The notice of a measure reached its holder, or did not.
    fn tell(&mut self, dice: &mut Dice) -> Option<String> {
        let measure = take(&mut self.new, dice)?;
        let data = json!({ "party": measure.party, "disposition_id": measure.disposition, "channel": "app" });
        if dice.below(8) == 0 {
            return Some(self.event("notice_undeliverable", &data));
        }
        remember(&mut self.told, measure);
        Some(self.event("notice_delivered", &data))
    }

    /// Somebody who was told verifies themselves, or fails to.
    fn answer(&mut self, dice: &mut Dice) -> Option<String> {
        let measure = take(&mut self.told, dice)?;
        let kind = if dice.below(3) > 0 { "verification_passed" } else { "verification_failed" };
        let data =
            json!({ "party": measure.party, "disposition_id": measure.disposition, "method": "counter" });
        Some(self.event(kind, &data))
    }

    fn appeal(&mut self, dice: &mut Dice) -> Option<String> {
        let measure = take(&mut self.new, dice)?;
        let data = json!({ "party": measure.party, "appeal_ref": measure.appeal, "reason": "ordinary_use" });
        remember(&mut self.appealed, measure);
        Some(self.event("appeal_filed", &data))
    }

    /// An authority answers a lead: mostly one that waits, sometimes one that it answered already.
    fn answer_lead(&mut self, dice: &mut Dice) -> Option<String> {
        if self.leads.len() <= WAITING_MIN && dice.below(8) > 0 {
            return None;
        }
        let again = dice.below(8) == 0;
        self.answer_one_lead(dice, again)
    }

    fn answer_one_lead(&mut self, dice: &mut Dice, again: bool) -> Option<String> {
        let lead = take(&mut self.leads, dice)?;
        let outcome = ["confirmed", "not_confirmed", "no_action"][usize::try_from(dice.below(3)).unwrap()];
        let data = json!({
            "institution": INSTITUTION, "lead_ref": lead.reference, "outcome": outcome, "party": lead.party,
        });
        if again {
            self.leads.push(lead);
        }
        Some(self.event("lead_answered", &data))
    }

    /// Somebody opens a use of their data that serves themselves, or takes it back.
    fn authorise(&mut self, dice: &mut Dice, hour_ms: i64) -> String {
        let known = usize::try_from(dice.below(2 * self.granted.len() as u64 + 1)).unwrap();
        if known < self.granted.len() {
            let Granted { number, account } = self.granted.swap_remove(known);
            let data = json!({ "party": party(&account, "account"), "number": format!("A{number}") });
            return self.event("authorisation_revoked", &data);
        }
        let granted = Granted { number: self.written, account: format!("G{:05}", dice.below(2_000)) };
        let purpose = if dice.below(2) == 0 { "victim" } else { "protection" };
        let until = time(self.now_ms + hour_ms * i64::try_from(1 + dice.below(96)).unwrap());
        let data = json!({
            "party": party(&granted.account, "account"), "number": format!("A{}", granted.number),
            "purpose": purpose, "data": ["location"], "until": until,
        });
        self.granted.push(granted);
        self.event("authorisation_granted", &data)
    }

    fn decide(&mut self, dice: &mut Dice) -> Option<String> {
        let measure = take(&mut self.appealed, dice)?;
        let outcome = if dice.below(2) == 0 { "overturned" } else { "upheld" };
        let data = json!({ "party": measure.party, "appeal_ref": measure.appeal, "outcome": outcome });
        Some(self.event("appeal_decided", &data))
    }
}

fn take<T>(from: &mut Vec<T>, dice: &mut Dice) -> Option<T> {
    let count = from.len() as u64;
    (count > 0).then(|| from.swap_remove(usize::try_from(dice.below(count)).unwrap()))
}

fn remember(among: &mut Vec<Published>, measure: Published) {
    if among.len() < KNOWN_MAX {
        among.push(measure);
    }
}

fn party(reference: &str, kind: &str) -> Value {
    // In these sets an account's holder is the account.
    json!({ "institution": INSTITUTION, "holder": reference, "ref": reference, "kind": kind })
}

fn time(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap().to_string()
}
