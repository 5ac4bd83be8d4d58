//! Steps of openings, as `body` says.

use super::DecodeError;
use super::body::{read_flags, read_product};
use super::bytes::{Reader, Writer};
use crate::engine::fact::{FactBody, HolderKind, OpeningStep};

const STEPS: [(u8, OpeningStep); 6] = [
    (1, OpeningStep::Requested),
    (2, OpeningStep::Opened),
    (3, OpeningStep::Abandoned),
    (4, OpeningStep::Closed),
    (5, OpeningStep::Changed),
    (6, OpeningStep::Stated),
];

/// After the kind.
pub(super) fn write(writer: &mut Writer<'_>, body: &FactBody) {
    let FactBody::Opening {
        step,
        opening,
        holding,
        product,
        holder_kind,
        co_holder,
        identity_channels,
        outlet,
    } = body
    else {
        return;
    };
    let code = STEPS.iter().find(|(_, known)| known == step).map_or(0, |(code, _)| *code);
    writer.byte(code);
    writer.party(opening);
    writer.option(holding.as_ref(), Writer::party);
    writer.byte(*product as u8);
    writer.byte(u8::from(*holder_kind == HolderKind::Unit) | u8::from(*co_holder) << 1);
    writer.option(*identity_channels, Writer::byte);
    outlet.iter().for_each(|outlet| writer.token(*outlet));
}

pub(super) fn read(reader: &mut Reader<'_>, at_outlet: bool) -> Result<FactBody, DecodeError> {
    let code = reader.byte("the step of an opening")?;
    let step = STEPS.iter().find(|(known, _)| *known == code).map(|(_, step)| *step);
    let step = step.ok_or(DecodeError::Malformed("the step of an opening"))?;
    let opening = reader.party("the reference of an opening")?;
    let holding = reader.option("the holding of an opening", |reader| reader.party("a holding"))?;
    let product = read_product(reader)?;
    let (unit, co_holder) = read_flags(reader, "the flags of an opening")?;
    let holder_kind = if unit { HolderKind::Unit } else { HolderKind::Person };
    let identity_channels =
        reader.option("the identity channels of an opening", |reader| reader.byte("a count"))?;
    let outlet = if at_outlet { Some(reader.token("the outlet of an opening")?) } else { None };
    Ok(FactBody::Opening {
        step,
        opening,
        holding,
        product,
        holder_kind,
        co_holder,
        identity_channels,
        outlet,
    })
}
