//! Bodies of facts about cards, resellers and units (kinds 48 to 52):
//!
//! ```text
//! 48 card usage, located  as 3, then region (token), option of open traffic (varint)
//! 49 card profiled        card (party), functions (bits 1 data, 2 voice, 4 sms), option of device (token),
//!                         option of region (token), traffic, scene, risk (1 byte each)
//! 50 risk assessed        opening (token), passed (0 or 1), assessor (token)
//! 51 stock reported       feed (1 byte), count (varint)
//! 52 owners declared      source (1 byte), varint count, then each: person (token), thousandths (varint)
//! ```
//!
//! Words are numbered in `engine::declared`.

use crate::engine::base::Token;
use crate::engine::declared::{
    CardFunctions, CardProfile, CardRisk, Owner, OwnersSource, Scene, TrafficClass,
};
use crate::engine::fact::{FactBody, Feed};

use super::DecodeError;
use super::bytes::{Reader, Writer};

pub(super) const CARD_USAGE_LOCATED: u8 = 48;
const CARD_PROFILED: u8 = 49;
const RISK_ASSESSED: u8 = 50;
const STOCK_REPORTED: u8 = 51;
const OWNERS_DECLARED: u8 = 52;

/// Whether a kind of body is one of this file's.
pub(super) fn is_known(kind: u8) -> bool {
    (CARD_PROFILED..=OWNERS_DECLARED).contains(&kind)
}

pub(super) fn write_located(writer: &mut Writer<'_>, region: Token, open_mb: Option<u32>) {
    writer.token(region);
    writer.option(open_mb, |writer, megabytes| writer.varint(u64::from(megabytes)));
}

pub(super) fn read_located(reader: &mut Reader<'_>) -> Result<(Option<Token>, Option<u32>), DecodeError> {
    let region = reader.token("the region of a usage")?;
    let open_mb =
        reader.option("the open traffic of a usage", |reader| reader.u32("the open traffic of a card"))?;
    Ok((Some(region), open_mb))
}

pub(super) fn write(writer: &mut Writer<'_>, body: &FactBody) {
    match body {
        FactBody::CardProfiled { card, profile } => {
            writer.byte(CARD_PROFILED);
            writer.party(card);
            write_profile(writer, profile);
        }
        FactBody::RiskAssessed { opening, passed, assessor } => {
            writer.byte(RISK_ASSESSED);
            writer.token(*opening);
            writer.flag(*passed);
            writer.token(*assessor);
        }
        FactBody::StockReported { feed, count } => {
            writer.byte(STOCK_REPORTED);
            writer.byte(*feed as u8);
            writer.varint(u64::from(*count));
        }
        FactBody::OwnersDeclared { owners, source } => {
            writer.byte(OWNERS_DECLARED);
            writer.byte(*source as u8);
            writer.count(owners.len());
            for owner in owners {
                writer.token(owner.person);
                writer.varint(u64::from(owner.per_mille));
            }
        }
        // Every other kind is written in `body`.
        _ => {}
    }
}

pub(in crate::codec) fn write_profile(writer: &mut Writer<'_>, profile: &CardProfile) {
    writer.byte(profile.functions.bits());
    writer.option(profile.device, Writer::token);
    writer.option(profile.region, Writer::token);
    writer.byte(profile.traffic as u8);
    writer.byte(profile.scene as u8);
    writer.byte(profile.risk as u8);
}

pub(in crate::codec) fn read_profile(reader: &mut Reader<'_>) -> Result<CardProfile, DecodeError> {
    const WHAT: &str = "the profile of a card";
    let known = DecodeError::Malformed(WHAT);
    Ok(CardProfile {
        functions: CardFunctions::from_bits(reader.byte(WHAT)?).ok_or(known.clone())?,
        device: reader.option(WHAT, |reader| reader.token("the device of a profile"))?,
        region: reader.option(WHAT, |reader| reader.token("the region of a profile"))?,
        traffic: TrafficClass::from_code(reader.byte(WHAT)?).ok_or(known.clone())?,
        scene: Scene::from_code(reader.byte(WHAT)?).ok_or(known.clone())?,
        risk: CardRisk::from_code(reader.byte(WHAT)?).ok_or(known)?,
    })
}

pub(super) fn read(reader: &mut Reader<'_>, kind: u8) -> Result<FactBody, DecodeError> {
    match kind {
        CARD_PROFILED => Ok(FactBody::CardProfiled {
            card: reader.party("the card of a profile")?,
            profile: Box::new(read_profile(reader)?),
        }),
        RISK_ASSESSED => Ok(FactBody::RiskAssessed {
            opening: reader.token("the opening of an assessment")?,
            passed: reader.flag("the outcome of an assessment")?,
            assessor: reader.token("the assessor of a request")?,
        }),
        STOCK_REPORTED => Ok(FactBody::StockReported {
            feed: Feed::from_code(reader.byte("the feed of a stock")?)
                .ok_or(DecodeError::Malformed("the feed of a stock"))?,
            count: reader.u32("the count of a stock")?,
        }),
        OWNERS_DECLARED => {
            let source = OwnersSource::from_code(reader.byte("the source of owners")?)
                .ok_or(DecodeError::Malformed("the source of owners"))?;
            let count = reader.count("the owners of a unit", 17)?;
            let owner = |reader: &mut Reader<'_>| {
                let person = reader.token("an owner")?;
                let per_mille = u16::try_from(reader.u32("the share of an owner")?)
                    .map_err(|_| DecodeError::Malformed("the share of an owner"))?;
                Ok(Owner { person, per_mille })
            };
            let owners = (0..count).map(|_| owner(reader)).collect::<Result<Vec<_>, DecodeError>>()?;
            Ok(FactBody::OwnersDeclared { owners, source })
        }
        _ => Err(DecodeError::Malformed("the kind of a body")),
    }
}
