//! The fields of an event line as the data of an event: short words, amounts in yuan, parties.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow, bail};
use serde_json::{Map, Value, json};

use super::script::Zone;
use crate::codec::event::field::MinorUnits;
use crate::codec::event::{EventType, schema};
use crate::config::nearest::nearest;

/// Short words for fields with long names.
const SHORT: [(&str, &str); 11] = [
    ("bound", "to_bound_account"),
    ("own", "to_own_account"),
    ("payer_balance", "payer_balance_after"),
    ("payee_balance", "payee_balance_after"),
    ("agreed", "agreed_daily_sum"),
    ("channels", "identity_channels"),
    ("month_mb", "month_open_megabytes"),
    ("of", "event_id"),
    ("on", "disposition_id"),
    ("clause", "notice_clause"),
    ("key", "signing_key"),
];

/// Fields that are true when they are written without a value.
const FLAGS: [&str; 10] = [
    "protected",
    "to_bound_account",
    "to_own_account",
    "cash",
    "strong_auth",
    "remote_control",
    "after_loan",
    "data",
    "voice",
    "sms",
];

/// Whether a word without `=` says something.
pub(super) fn is_flag(word: &str) -> bool {
    let field = word.rsplit_once('.').map_or(word, |(_, field)| field);
    FLAGS.contains(&long(field))
}

fn long(word: &str) -> &str {
    SHORT.iter().find(|(short, _)| *short == word).map_or(word, |(_, long)| long)
}

/// The short words for fields that a type has.
fn short_of(known: &Map<String, Value>) -> impl Iterator<Item = &str> {
    SHORT.into_iter().filter(|(_, long)| known.contains_key(*long)).map(|(short, _)| short)
}

/// The data of an event.
///
/// # Errors
/// A field that this type of event does not have, with the nearest one that it has, or a value that
/// cannot be read.
pub(super) fn data(kind: EventType, fields: &BTreeMap<String, String>, zone: Zone) -> anyhow::Result<Value> {
    let known = known(kind);
    let product = fields.get("product").map_or("", String::as_str);
    let mut data = Map::new();
    for (word, text) in fields.iter().filter(|(word, _)| !matches!(word.as_str(), "id" | "via")) {
        let key = match word.as_str() {
            // Of the side that is ours; of two, the payer's.
            "balance" if fields.contains_key("payer") => "payer_balance_after",
            "balance" => "payee_balance_after",
            word => long(word),
        };
        if !known.contains_key(key) {
            let words = known.keys().map(String::as_str).chain(short_of(&known));
            let near = nearest(word, words).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            bail!("`{}` has no field `{word}`{near}", kind.name());
        }
        let value = value((kind, key), text, product, zone).with_context(|| format!("`{word}`"))?;
        data.insert(key.to_owned(), value);
    }
    if kind == EventType::FraudConfirmed {
        // Which event it was matters to nobody here: its parties and amount are repeated.
        data.entry("event_id").or_insert_with(|| json!("unnamed"));
    }
    if matches!(kind, EventType::DeviceStockReported | EventType::LeadAnswered) {
        data.entry("institution").or_insert_with(|| json!(super::play::INSTITUTION));
    }
    Ok(Value::Object(data))
}

/// The fields of a type, out of its schema.
fn known(kind: EventType) -> Map<String, Value> {
    let whole = schema::structured(kind).to_value();
    let data = whole.pointer("/properties/data/properties").and_then(Value::as_object);
    data.cloned().unwrap_or_default()
}

fn value((kind, key): (EventType, &str), text: &str, product: &str, zone: Zone) -> anyhow::Result<Value> {
    Ok(match key {
        "payer" | "payee" | "opening" | "holding" | "card" | "party" => {
            own(text, kind_of(kind, key, product))?
        }
        "counterparty" => json!({ "account": text }),
        "amount" => json!({ "minor": minor(text)?, "currency": "CNY" }),
        "agreed_daily_sum" => json!(minor(text)?),
        "payer_balance_after" | "payee_balance_after" => match text.strip_prefix('-') {
            Some(overdrawn) => json!(-minor(overdrawn)?),
            None => json!(minor(text)?),
        },
        _ if FLAGS.contains(&key) && kind != EventType::AuthorisationGranted => json!(text == "true"),
        "elsewhere_count" | "override_days" | "identity_channels" | "month_open_megabytes" | "in_stock" => {
            json!(text.parse::<u32>()?)
        }
        "until" | "start" | "end" | "notice_until" => json!(zone.moment(text)?),
        "data" if kind == EventType::AuthorisationGranted => json!(text.split(',').collect::<Vec<_>>()),
        "outlets" | "terminals" | "regions" | "products" | "papers" | "co_holders" => {
            json!(text.split(',').collect::<Vec<_>>())
        }
        "owners" => text.split(',').map(owner).collect::<anyhow::Result<Value>>()?,
        _ => json!(text),
    })
}

/// A beneficial owner and their thousandths: `person:250`.
fn owner(text: &str) -> anyhow::Result<Value> {
    let Some((person, share)) = text.split_once(':') else {
        bail!("`{text}` is no owner; write `person:thousandths`");
    };
    Ok(json!({ "person": person, "share_per_mille": share.parse::<u16>()? }))
}

fn minor(text: &str) -> anyhow::Result<i64> {
    MinorUnits::parse_decimal(text, 2).map(|minor| minor.0).map_err(|_| anyhow!("`{text}` is no amount"))
}

/// A party of ours: `holder/ref` or `holder/ref:kind`.
fn own(text: &str, usual: &str) -> anyhow::Result<Value> {
    let (address, kind) = match text.split_once(':') {
        Some((address, kind)) => (address, kind),
        None => (text, usual),
    };
    let Some((holder, reference)) = address.split_once('/') else {
        bail!("`{text}` is no party of ours; write `holder/ref`");
    };
    Ok(json!({ "institution": super::play::INSTITUTION, "holder": holder, "ref": reference, "kind": kind }))
}

fn kind_of(kind: EventType, key: &str, product: &str) -> &'static str {
    match (key, product) {
        ("opening", _) => "opening",
        ("holding", "phone_card") => "phone_card",
        ("holding", "iot_card") => "iot_card",
        ("card", _) if kind == EventType::CardUsageRecorded => "phone_card",
        ("card", _) if matches!(kind, EventType::IotCardProfiled | EventType::DeviceSaleReported) => {
            "iot_card"
        }
        _ => "account",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: EventType, fields: &[(&str, &str)]) -> anyhow::Result<Value> {
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        data(kind, &fields, Zone::BEIJING)
    }

    #[test]
    fn short_words_stand_for_fields() {
        let said = [
            ("payer", "anna/A1"),
            ("counterparty", "X"),
            ("amount", "12.50"),
            ("balance", "-3"),
            ("bound", "true"),
            ("channel", "mobile"),
        ];
        let transfer = read(EventType::TransferPosted, &said).unwrap();
        assert_eq!(transfer["amount"], json!({ "minor": 1250, "currency": "CNY" }));
        assert_eq!(transfer["payer_balance_after"], json!(-300));
        assert_eq!(transfer["to_bound_account"], json!(true));
        assert_eq!(transfer["channel"], json!("mobile"));
        let received = [("payee", "anna/A1"), ("counterparty", "X"), ("amount", "1"), ("balance", "7")];
        assert_eq!(read(EventType::TransferPosted, &received).unwrap()["payee_balance_after"], json!(700));
        let fraud = read(EventType::FraudConfirmed, &[("payer", "anna/A1"), ("terminal", "T1")]).unwrap();
        assert_eq!((&fraud["terminal"], &fraud["event_id"]), (&json!("T1"), &json!("unnamed")));
        assert!(is_flag("bound") && is_flag("after.cash") && is_flag("protected") && !is_flag("channel"));
    }

    #[test]
    fn a_field_that_the_type_does_not_have_is_an_error() {
        let error = |kind, fields: &[(&str, &str)]| format!("{:#}", read(kind, fields).unwrap_err());
        assert_eq!(
            error(EventType::TransferPosted, &[("chanel", "mobile")]),
            "`transfer_posted` has no field `chanel`; did you mean `channel`?"
        );
        assert_eq!(
            error(EventType::CardPaymentPosted, &[("bound", "true")]),
            "`card_payment_posted` has no field `bound`"
        );
        assert_eq!(error(EventType::TransferPosted, &[("balance", "x")]), "`balance`: `x` is no amount");
    }
}
