//! Bodies of facts about data of abnormal customers (kinds 60 to 62):
//!
//! ```text
//! 60 traces seen             party (party), option of device (token), option of location (token)
//! 61 authorisation granted   number (text), place of the use in its list (1 byte), classes of data (bits
//!                            1 device, 2 location), until (zigzag)
//! 62 authorisation revoked   number (text)
//! ```
//!
//! Words are listed in `engine::authorisation`.

use std::sync::Arc;

use crate::engine::authorisation::TraceClasses;
use crate::engine::fact::FactBody;

use super::DecodeError;
use super::body::{place, read_word};
use super::bytes::{Reader, Writer};

const TRACES_SEEN: u8 = 60;
const GRANTED: u8 = 61;
const REVOKED: u8 = 62;

/// Whether a kind of body is one of this file's.
pub(super) fn is_known(kind: u8) -> bool {
    (TRACES_SEEN..=REVOKED).contains(&kind)
}

pub(super) fn write(writer: &mut Writer<'_>, body: &FactBody) {
    match body {
        FactBody::TracesSeen { party, device, location } => {
            writer.byte(TRACES_SEEN);
            writer.party(party);
            writer.option(*device, Writer::token);
            writer.option(*location, Writer::token);
        }
        FactBody::AuthorisationGranted { number, opens, data, until } => {
            writer.byte(GRANTED);
            writer.blob(number.as_bytes());
            writer.byte(place(*opens));
            writer.byte(data.bits());
            writer.zigzag(until.0);
        }
        FactBody::AuthorisationRevoked { number } => {
            writer.byte(REVOKED);
            writer.blob(number.as_bytes());
        }
        // Every other kind is written in `body`.
        _ => {}
    }
}

pub(super) fn read(reader: &mut Reader<'_>, kind: u8) -> Result<FactBody, DecodeError> {
    const WHAT: &str = "an authorisation";
    match kind {
        TRACES_SEEN => Ok(FactBody::TracesSeen {
            party: reader.party("the party of traces")?,
            device: reader.option("the device of traces", |reader| reader.token("a device"))?,
            location: reader.option("the location of traces", |reader| reader.token("a location"))?,
        }),
        GRANTED => Ok(FactBody::AuthorisationGranted {
            number: Arc::from(reader.text(WHAT)?),
            opens: read_word(reader, WHAT)?,
            data: TraceClasses::from_bits(reader.byte(WHAT)?).ok_or(DecodeError::Malformed(WHAT))?,
            until: reader.time(WHAT)?,
        }),
        REVOKED => Ok(FactBody::AuthorisationRevoked { number: Arc::from(reader.text(WHAT)?) }),
        _ => Err(DecodeError::Malformed("the kind of a body")),
    }
}
