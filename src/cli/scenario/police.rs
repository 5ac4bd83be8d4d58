//! The authorities of scenarios, with keys that exist for scenarios alone: they sign what is said in their name.

use anyhow::anyhow;
use serde_json::{Map, Value, json};

use super::play::INSTITUTION;
use crate::codec::authority::{AuthorityKey, AuthoritySecret, Canonical};
use crate::codec::event::{Event, EventType, Undeclared};
use crate::config::orders::Codes;
use crate::engine::base::TimeMs;
use crate::engine::order::{Level, OrderKind};
use crate::intake::classify::{entry, hold, order, special};

/// An authority of scenarios: id of its key, its name, level, algorithm, and the byte its key is made of.
struct Authority {
    id: &'static str,
    name: &'static str,
    level: Level,
    algorithm: &'static str,
    seed: u8,
}

const AUTHORITIES: [Authority; 3] = [
    Authority {
        id: "city-police",
        name: "city-police",
        level: Level::Prefecture,
        algorithm: "sm2",
        seed: 11,
    },
    Authority {
        id: "province-police",
        name: "province-police",
        level: Level::Provincial,
        algorithm: "ed25519",
        seed: 12,
    },
    Authority {
        id: "county-police",
        name: "county-police",
        level: Level::County,
        algorithm: "ed25519",
        seed: 13,
    },
];

fn secret(of: &Authority) -> anyhow::Result<AuthoritySecret> {
    AuthoritySecret::from_bytes(of.algorithm, &[of.seed; 32]).ok_or_else(|| anyhow!("{} has no key", of.id))
}

/// The registry of scenarios: the county's key has ended, the others are valid throughout.
pub(super) fn keys() -> anyhow::Result<Vec<AuthorityKey>> {
    let key = |of: &Authority| {
        let to = if of.level == Level::County {
            TimeMs::EARLIEST.plus(crate::engine::base::SpanMs::DAY)
        } else {
            TimeMs::LATEST
        };
        let named = (of.id, of.name, of.level);
        Ok(AuthorityKey::new(named, of.algorithm, &secret(of)?.public(), (TimeMs::EARLIEST, to))?)
    };
    AUTHORITIES.iter().map(key).collect()
}

/// Signs what an authority says, unless the scenario brings a signature of its own.
pub(super) fn sign(kind: EventType, data: &mut Value) -> anyhow::Result<()> {
    let is_theirs = matches!(
        kind,
        EventType::OrderIssued
            | EventType::OrderExtended
            | EventType::OrderReleased
            | EventType::EntryListed
            | EventType::EntryRevoked
            | EventType::SpecialMeasureOrdered
            | EventType::SpecialMeasureReleased
            | EventType::HoldOrdered
            | EventType::HoldReleased
    );
    let Some(fields) = data.as_object_mut() else { return Ok(()) };
    if is_theirs || kind == EventType::OrderAnswered {
        fields.entry("issuer").or_insert(json!("city-police"));
    }
    if !is_theirs {
        return Ok(());
    }
    let issuer = fields.get("issuer").and_then(Value::as_str).unwrap_or_default().to_owned();
    let own = AUTHORITIES.iter().find(|of| of.name == issuer);
    let names_institution = matches!(
        kind,
        EventType::EntryListed
            | EventType::EntryRevoked
            | EventType::SpecialMeasureOrdered
            | EventType::SpecialMeasureReleased
    );
    if names_institution {
        fields.entry("institution").or_insert(json!(INSTITUTION));
    }
    if matches!(kind, EventType::OrderIssued | EventType::EntryListed | EventType::SpecialMeasureOrdered) {
        let level = own.map_or(Level::Prefecture, |of| of.level);
        fields.entry("level").or_insert(json!(level.name()));
    }
    if fields.contains_key("signature") {
        return spoil(fields, own);
    }
    let id = fields.entry("signing_key").or_insert(json!(issuer)).as_str().unwrap_or_default().to_owned();
    let signer = AUTHORITIES.iter().find(|of| of.id == id).or(AUTHORITIES.first());
    let text = data.to_string();
    let Ok(event) = Event::from_json(kind, &text, "", &mut Undeclared::default()) else {
        // Intake will say what is wrong with it.
        return Ok(());
    };
    let canonical = canonical(&event);
    if let (Some(signer), Some(canonical)) = (signer, canonical) {
        data["signature"] = json!(secret(signer)?.sign(&canonical));
    }
    Ok(())
}

/// A signature of the right form that fits nothing; `none` takes it away.
fn spoil(fields: &mut Map<String, Value>, own: Option<&Authority>) -> anyhow::Result<()> {
    let written = fields.get("signature").and_then(Value::as_str).unwrap_or_default().to_owned();
    fields.entry("signing_key").or_insert(json!(own.map_or("", |of| of.id)));
    match written.as_str() {
        "none" => {
            fields.remove("signature");
        }
        "bad" => {
            fields.insert("signature".to_owned(), json!("11".repeat(64)));
        }
        _ => {}
    }
    Ok(())
}

fn canonical(event: &Event<'_>) -> Option<Canonical> {
    Some(match event {
        Event::OrderIssued(issued) => {
            let coded =
                || Codes::shipped().order(issued.code.as_deref()?, issued.start.0).map(|(_, kind)| kind);
            let kind = issued.kind.map(|kind| kind.0).or_else(coded).unwrap_or(OrderKind::Query);
            order::issued(INSTITUTION, issued, kind)
        }
        Event::OrderExtended(extended) => order::extended(INSTITUTION, extended),
        Event::OrderReleased(released) => order::released(INSTITUTION, released),
        Event::EntryListed(listed) => entry::listed(listed),
        Event::EntryRevoked(revoked) => entry::revoked(revoked),
        Event::SpecialMeasureOrdered(ordered) => special::ordered(ordered),
        Event::SpecialMeasureReleased(released) => special::released(released),
        Event::HoldOrdered(ordered) => hold::ordered(INSTITUTION, ordered),
        Event::HoldReleased(released) => hold::released(INSTITUTION, released),
        _ => return None,
    })
}
