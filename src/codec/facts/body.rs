//! Bodies of facts. Byte 0 is the kind; then, in this order:
//!
//! ```text
//! 1 transfer             flags (1 payee's side, 2 details follow), account (party), counterparty (token), money,
//!                        option of the other side (holder (token), account (party));
//!                        details: channel (1 byte), essential (1 byte), flags (1 bound, 2 own, 4 cash,
//!                        8 strong authentication, 16 remote control, 32 after a loan), option of balance (zigzag), option of agreed sum (zigzag)
//! 2 card payment         account (party), terminal (token), money
//! 3 card usage           card (party), device (token), kind (1 byte), option of peer (token)
//! 4 met                  feed (1 byte), holder (token), target (party), option of money
//! 5 opening              step (1 byte), opening (party), option of holding (party), product (1 byte),
//!                        flags (1 unit, 2 co-holder), option of identity channels (1 byte)
//! 6 holdings answered    opening (token), product (1 byte), count elsewhere (varint)
//! 7 appeal decided       number of the appeal reference (varint), outcome (0 upheld, 1 overturned),
//!                        option of override span (zigzag)
//! 8 corrected            original (fingerprint), option of before, option of after; each its event
//!                        time (zigzag) and a body that is no correction
//! 9 rule set activated   bundle (text)
//! 10 went live           nothing
//! 11 fraud confirmed     feed (1 byte), account (party), other (token), option of money
//! 32 appeal decided by   as 7, then option of decider (token), option of reason (text)
//! 33 appeal step         number of the appeal reference (varint), then as `appeal` says
//! 16 measure happened    measure (token), news (1 byte: 1 delivered, 2 undeliverable, 3 passed, 4 failed,
//!                        5 cancelled), place of its channel or method in its list (1 byte; none of 5)
//! 17 sharing explained   phone number (token)
//! 18 settlement          feed (1 byte), account (party), initiation (fingerprint), option of the other
//!                        side (token), option of money
//! 40 hold ordered        issuer (text), number (text), class (0 all, 1 AML records), until (zigzag)
//! 41 hold released       issuer (text), number (text)
//! 48 to 52               as in `declared`
//! 60 to 62               as in `traces`
//! 24 order, 25 entry     as in `authority`
//! 57 special measure      as in `authority`
//! 58 opening at an outlet  as 5, then outlet (token)
//! 56 lead answered       as in `authority`
//! ```
//!
//! Details that say nothing do not follow. Feeds, products, channels, essential and usage kinds are
//! numbered in `engine::fact`, 0 for what the event did not say.
//! Steps of an opening: 1 requested, 2 opened, 3 abandoned, 4 closed, 5 changed, 6 stated.

use std::sync::Arc;

use crate::engine::base::{SpanMs, Token};
use crate::engine::disposition::{AppealRef, DispositionId};
use crate::engine::fact::{
    AppealOutcome, Dated, FactBody, Feed, MeasureNews, OtherParty, Product, Release, Side, TransferDetails,
    UsageKind,
};
use crate::engine::kept::HoldClass;
use crate::engine::life::Word;

use super::DecodeError;
use super::bytes::{Reader, Writer};
use super::details::{read_details, write_details};
use super::{appeal, authority, declared, opening, traces};

const TRANSFER: u8 = 1;
const CARD_PAYMENT: u8 = 2;
const CARD_USAGE: u8 = 3;
const MET: u8 = 4;
const OPENING: u8 = 5;
const HOLDINGS_ANSWERED: u8 = 6;
const APPEAL_DECIDED: u8 = 7;
const CORRECTED: u8 = 8;
const RULE_SET_ACTIVATED: u8 = 9;
const WENT_LIVE: u8 = 10;
const FRAUD_CONFIRMED: u8 = 11;
/// A card usage with the open traffic of the month.
const CARD_USAGE_METERED: u8 = 12;
/// An appeal decided by somebody who is named, or with a reason.
const APPEAL_DECIDED_BY: u8 = 32;
const APPEAL_STEP: u8 = 33;
const MEASURE_HAPPENED: u8 = 16;
const SHARING_EXPLAINED: u8 = 17;
const SETTLEMENT_RECORDED: u8 = 18;
const ORDER: u8 = 24;
const ENTRY: u8 = 25;

const LEAD_ANSWERED: u8 = 56;
const SPECIAL: u8 = 57;
const OPENING_AT_OUTLET: u8 = 58;

const HOLD_ORDERED: u8 = 40;
const HOLD_RELEASED: u8 = 41;

pub(super) fn write(writer: &mut Writer<'_>, body: &FactBody) {
    match body {
        FactBody::Transfer { side, account, counterparty, amount, details, other_side } => {
            let detailed = *details != TransferDetails::default();
            writer.byte(TRANSFER);
            writer.byte(u8::from(*side == Side::Payee) | u8::from(detailed) << 1);
            writer.party(account);
            writer.token(*counterparty);
            writer.money(*amount);
            writer.option(other_side.as_deref(), |writer, other| {
                writer.token(other.holder);
                writer.party(&other.account);
            });
            if detailed {
                write_details(writer, details);
            }
        }
        FactBody::FraudConfirmed { feed, account, other, amount } => {
            writer.byte(FRAUD_CONFIRMED);
            writer.byte(*feed as u8);
            writer.party(account);
            writer.token(*other);
            writer.option(*amount, Writer::money);
        }
        FactBody::CardPayment { account, terminal, amount } => {
            writer.byte(CARD_PAYMENT);
            writer.party(account);
            writer.token(*terminal);
            writer.money(*amount);
        }
        FactBody::CardUsage { card, device, usage, peer, open_mb, region } => {
            writer.byte(match (region, open_mb) {
                (Some(_), _) => declared::CARD_USAGE_LOCATED,
                (None, Some(_)) => CARD_USAGE_METERED,
                (None, None) => CARD_USAGE,
            });
            writer.party(card);
            writer.token(*device);
            writer.byte(*usage as u8);
            writer.option(*peer, Writer::token);
            match (region, open_mb) {
                (Some(region), _) => declared::write_located(writer, *region, *open_mb),
                (None, Some(megabytes)) => writer.varint(u64::from(*megabytes)),
                (None, None) => {}
            }
        }
        FactBody::Met { feed, holder, target, amount } => {
            writer.byte(MET);
            writer.byte(*feed as u8);
            writer.token(*holder);
            writer.party(target);
            writer.option(*amount, Writer::money);
        }
        FactBody::Opening { outlet, .. } => {
            writer.byte(if outlet.is_some() { OPENING_AT_OUTLET } else { OPENING });
            opening::write(writer, body);
        }
        FactBody::HoldingsAnswered { opening, product, elsewhere_count } => {
            writer.byte(HOLDINGS_ANSWERED);
            writer.token(*opening);
            writer.byte(*product as u8);
            writer.varint(u64::from(*elsewhere_count));
        }
        FactBody::AppealDecided { appeal, outcome, override_for, decider, reason } => {
            let is_named = decider.is_some() || reason.is_some();
            writer.byte(if is_named { APPEAL_DECIDED_BY } else { APPEAL_DECIDED });
            writer.varint(appeal.number());
            writer.flag(*outcome == AppealOutcome::Overturned);
            writer.option(*override_for, |writer, span| writer.zigzag(span.0));
            if is_named {
                writer.option(*decider, Writer::token);
                writer.option(reason.as_deref(), |writer, text| writer.blob(text.as_bytes()));
            }
        }
        FactBody::Appeal { appeal, step } => {
            writer.byte(APPEAL_STEP);
            writer.varint(appeal.number());
            appeal::write(writer, step);
        }
        FactBody::Corrected { original, before, after } => {
            writer.byte(CORRECTED);
            writer.fingerprint(*original);
            writer.option(before.as_ref(), write_dated);
            writer.option(after.as_ref(), write_dated);
        }
        FactBody::RuleSetActivated { bundle, release } => {
            writer.byte(RULE_SET_ACTIVATED);
            writer.blob(bundle.as_bytes());
            for text in [&release.signed_by, &release.assessment, &release.rollback] {
                writer.option(text.as_deref(), |writer, text| writer.blob(text.as_bytes()));
            }
        }
        FactBody::WentLive => writer.byte(WENT_LIVE),
        FactBody::MeasureHappened { measure, news } => {
            writer.byte(MEASURE_HAPPENED);
            writer.token(Token(measure.0));
            let (kind, place) = match news {
                MeasureNews::NoticeDelivered(by) => (1, Some(place(*by))),
                MeasureNews::NoticeUndeliverable(by) => (2, Some(place(*by))),
                MeasureNews::VerificationPassed(method) => (3, Some(place(*method))),
                MeasureNews::VerificationFailed(method) => (4, Some(place(*method))),
                MeasureNews::Cancelled => (5, None),
            };
            writer.byte(kind);
            place.into_iter().for_each(|place| writer.byte(place));
        }
        FactBody::SharingExplained { number } => {
            writer.byte(SHARING_EXPLAINED);
            writer.token(*number);
        }
        FactBody::SettlementRecorded { feed, account, initiated_by, other, amount } => {
            writer.byte(SETTLEMENT_RECORDED);
            writer.byte(*feed as u8);
            writer.party(account);
            writer.fingerprint(*initiated_by);
            writer.option(*other, Writer::token);
            writer.option(*amount, Writer::money);
        }
        FactBody::HoldOrdered { name, class, until } => {
            writer.byte(HOLD_ORDERED);
            authority::write_name(writer, name);
            writer.flag(*class == HoldClass::Aml);
            writer.zigzag(until.0);
        }
        FactBody::HoldReleased { name } => {
            writer.byte(HOLD_RELEASED);
            authority::write_name(writer, name);
        }
        FactBody::CardProfiled { .. }
        | FactBody::RiskAssessed { .. }
        | FactBody::StockReported { .. }
        | FactBody::OwnersDeclared { .. } => declared::write(writer, body),
        FactBody::TracesSeen { .. }
        | FactBody::AuthorisationGranted { .. }
        | FactBody::AuthorisationRevoked { .. } => traces::write(writer, body),
        FactBody::Special(said) => {
            writer.byte(SPECIAL);
            authority::write_special(writer, said);
        }
        FactBody::LeadAnswered { lead, outcome } => {
            writer.byte(LEAD_ANSWERED);
            authority::write_lead(writer, *lead, *outcome);
        }
        FactBody::Order(said) => {
            writer.byte(ORDER);
            authority::write_order(writer, said);
        }
        FactBody::Entry(said) => {
            writer.byte(ENTRY);
            authority::write_entry(writer, said);
        }
    }
}

/// The place of a word in its list, from 1. No list is longer than a byte counts.
pub(super) fn place<W: Word>(word: W) -> u8 {
    W::ALL.iter().zip(1..).find(|(known, _)| **known == word).map_or(0, |(_, place)| place)
}

pub(super) fn read_word<W: Word>(reader: &mut Reader<'_>, what: &'static str) -> Result<W, DecodeError> {
    let place = usize::from(reader.byte(what)?);
    place.checked_sub(1).and_then(|place| W::ALL.get(place)).copied().ok_or(DecodeError::Malformed(what))
}

fn read_news(reader: &mut Reader<'_>) -> Result<MeasureNews, DecodeError> {
    const WHAT: &str = "the news of a measure";
    Ok(match reader.byte(WHAT)? {
        1 => MeasureNews::NoticeDelivered(read_word(reader, WHAT)?),
        2 => MeasureNews::NoticeUndeliverable(read_word(reader, WHAT)?),
        3 => MeasureNews::VerificationPassed(read_word(reader, WHAT)?),
        4 => MeasureNews::VerificationFailed(read_word(reader, WHAT)?),
        5 => MeasureNews::Cancelled,
        _ => return Err(DecodeError::Malformed(WHAT)),
    })
}

fn write_dated(writer: &mut Writer<'_>, dated: &Dated) {
    writer.zigzag(dated.at.0);
    write(writer, &dated.body);
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<FactBody, DecodeError> {
    match reader.byte("the kind of a body")? {
        CORRECTED => Ok(FactBody::Corrected {
            original: reader.fingerprint("the original of a correction")?,
            before: reader.option("the body before a correction", read_dated)?,
            after: reader.option("the body after a correction", read_dated)?,
        }),
        kind => read_plain(reader, kind),
    }
}

fn read_dated(reader: &mut Reader<'_>) -> Result<Dated, DecodeError> {
    let at = reader.time("the event time in a correction")?;
    let kind = reader.byte("the kind of a body in a correction")?;
    Ok(Dated { at, body: Box::new(read_plain(reader, kind)?) })
}

/// Every body but a correction: so one correction never holds another.
fn read_plain(reader: &mut Reader<'_>, kind: u8) -> Result<FactBody, DecodeError> {
    match kind {
        TRANSFER => {
            let (payee, detailed) = read_flags(reader, "the flags of a transfer")?;
            Ok(FactBody::Transfer {
                side: if payee { Side::Payee } else { Side::Payer },
                account: reader.party("the account of a transfer")?,
                counterparty: reader.token("the counterparty of a transfer")?,
                amount: reader.money("the amount of a transfer")?,
                other_side: reader.option("the other side of a transfer", |reader| {
                    let holder = reader.token("the holder of another side")?;
                    Ok(Box::new(OtherParty { holder, account: reader.party("the account of another side")? }))
                })?,
                details: if detailed { read_details(reader)? } else { TransferDetails::default() },
            })
        }
        CARD_PAYMENT => Ok(FactBody::CardPayment {
            account: reader.party("the account of a card payment")?,
            terminal: reader.token("the terminal of a card payment")?,
            amount: reader.money("the amount of a card payment")?,
        }),
        tag @ (CARD_USAGE | CARD_USAGE_METERED | declared::CARD_USAGE_LOCATED) => read_usage(reader, tag),
        FRAUD_CONFIRMED => Ok(FactBody::FraudConfirmed {
            feed: Feed::from_code(reader.byte("the feed of a confirmed fraud")?)
                .ok_or(DecodeError::Malformed("the feed of a confirmed fraud"))?,
            account: reader.party("the account of a confirmed fraud")?,
            other: reader.token("the other side of a confirmed fraud")?,
            amount: reader.option("the amount of a confirmed fraud", |reader| reader.money("an amount"))?,
        }),
        MET => Ok(FactBody::Met {
            feed: Feed::from_code(reader.byte("the feed of a meeting")?)
                .ok_or(DecodeError::Malformed("the feed of a meeting"))?,
            holder: reader.token("the holder of a meeting")?,
            target: reader.party("the target of a meeting")?,
            amount: reader.option("the amount of a meeting", |reader| reader.money("an amount"))?,
        }),
        OPENING => opening::read(reader, false),
        OPENING_AT_OUTLET => opening::read(reader, true),
        SPECIAL => Ok(FactBody::Special(Box::new(authority::read_special(reader)?))),
        HOLDINGS_ANSWERED => Ok(FactBody::HoldingsAnswered {
            opening: reader.token("the opening of an answer")?,
            product: read_product(reader)?,
            elsewhere_count: reader.u32("the count of an answer")?,
        }),
        tag @ (APPEAL_DECIDED | APPEAL_DECIDED_BY) => read_appeal(reader, tag == APPEAL_DECIDED_BY),
        APPEAL_STEP => {
            let appeal = read_reference(reader)?;
            Ok(FactBody::Appeal { appeal, step: appeal::read(reader)? })
        }
        RULE_SET_ACTIVATED => Ok(FactBody::RuleSetActivated {
            bundle: Arc::from(reader.text("a bundle")?),
            release: Release {
                signed_by: read_text(reader, "the key of a release")?,
                assessment: read_text(reader, "the assessment of a release")?,
                rollback: read_text(reader, "the reason of a rollback")?,
            },
        }),
        WENT_LIVE => Ok(FactBody::WentLive),
        MEASURE_HAPPENED => Ok(FactBody::MeasureHappened {
            measure: DispositionId(reader.token("the measure of an event")?.0),
            news: read_news(reader)?,
        }),
        SHARING_EXPLAINED => {
            Ok(FactBody::SharingExplained { number: reader.token("the number of an explanation")? })
        }
        SETTLEMENT_RECORDED => Ok(FactBody::SettlementRecorded {
            feed: Feed::from_code(reader.byte("the feed of a settlement")?)
                .ok_or(DecodeError::Malformed("the feed of a settlement"))?,
            account: reader.party("the account of a settlement")?,
            initiated_by: reader.fingerprint("the initiation of a settlement")?,
            other: reader.option("the other side of a settlement", |reader| reader.token("a token"))?,
            amount: reader.option("the amount of a settlement", |reader| reader.money("an amount"))?,
        }),
        HOLD_ORDERED => Ok(FactBody::HoldOrdered {
            name: authority::read_name(reader)?,
            class: if reader.flag("the class of a hold")? { HoldClass::Aml } else { HoldClass::All },
            until: reader.time("the end of a hold")?,
        }),
        HOLD_RELEASED => Ok(FactBody::HoldReleased { name: authority::read_name(reader)? }),
        kind if declared::is_known(kind) => declared::read(reader, kind),
        kind if traces::is_known(kind) => traces::read(reader, kind),
        LEAD_ANSWERED => {
            let (lead, outcome) = authority::read_lead(reader)?;
            Ok(FactBody::LeadAnswered { lead, outcome })
        }
        ENTRY => Ok(FactBody::Entry(Box::new(authority::read_entry(reader)?))),
        ORDER => Ok(FactBody::Order(Box::new(authority::read_order(reader)?))),
        _ => Err(DecodeError::Malformed("the kind of a body")),
    }
}

fn read_usage(reader: &mut Reader<'_>, tag: u8) -> Result<FactBody, DecodeError> {
    let card = reader.party("the card of a usage")?;
    let device = reader.token("the device of a usage")?;
    let usage = UsageKind::from_code(reader.byte("the kind of a usage")?)
        .ok_or(DecodeError::Malformed("the kind of a usage"))?;
    let peer = reader.option("the peer of a usage", |reader| reader.token("a peer"))?;
    let (region, open_mb) = match tag {
        declared::CARD_USAGE_LOCATED => declared::read_located(reader)?,
        CARD_USAGE_METERED => (None, Some(reader.u32("the open traffic of a card")?)),
        _ => (None, None),
    };
    Ok(FactBody::CardUsage { card, device, usage, peer, open_mb, region })
}

fn read_reference(reader: &mut Reader<'_>) -> Result<AppealRef, DecodeError> {
    let number = reader.varint("an appeal reference")?;
    let appeal = AppealRef::from_bits(number);
    if appeal.number() == number { Ok(appeal) } else { Err(DecodeError::Malformed("an appeal reference")) }
}

fn read_appeal(reader: &mut Reader<'_>, is_named: bool) -> Result<FactBody, DecodeError> {
    const WHAT: &str = "who decided an appeal, and why";
    let appeal = read_reference(reader)?;
    let overturned = reader.flag("the outcome of an appeal")?;
    let outcome = if overturned { AppealOutcome::Overturned } else { AppealOutcome::Upheld };
    let override_for = reader.option("the override of an appeal", |reader| reader.zigzag("a span"))?;
    let override_for = override_for.map(SpanMs);
    let (decider, reason) = match is_named {
        true => (reader.option(WHAT, |reader| reader.token(WHAT))?, read_text(reader, WHAT)?),
        false => (None, None),
    };
    // What names nobody and gives no reason has the older form: one fact has one form.
    if is_named && decider.is_none() && reason.is_none() {
        return Err(DecodeError::Malformed(WHAT));
    }
    Ok(FactBody::AppealDecided { appeal, outcome, override_for, decider, reason })
}

fn read_text(reader: &mut Reader<'_>, what: &'static str) -> Result<Option<Arc<str>>, DecodeError> {
    reader.option(what, |reader| reader.text(what).map(Arc::from))
}

pub(super) fn read_product(reader: &mut Reader<'_>) -> Result<Product, DecodeError> {
    Product::from_code(reader.byte("a product")?).ok_or(DecodeError::Malformed("a product"))
}

/// Two flags in one byte, low bit first.
pub(super) fn read_flags(reader: &mut Reader<'_>, what: &'static str) -> Result<(bool, bool), DecodeError> {
    match reader.byte(what)? {
        flags @ 0..=3 => Ok((flags & 1 != 0, flags & 2 != 0)),
        _ => Err(DecodeError::Malformed(what)),
    }
}
