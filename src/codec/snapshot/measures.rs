//! Measures in snapshots.

use super::packed::Packed;
use crate::codec::facts::DecodeError;
use crate::codec::facts::bytes::{Reader, Writer};
use crate::engine::measure::{Listing, Measure, MeasureKind, Order, SceneLapse, VerificationLapse};

/// The measures of list entries, by their numbers in snapshots.
const LISTED: [fn(Listing) -> Measure; 4] = [
    Measure::ListedLimitOutflow,
    Measure::ListedStopPaymentAccount,
    Measure::ListedLimitCard,
    Measure::ListedRefuseOpening,
];

/// Harder measures are made again from their witness, by the same constructors as anywhere else.
impl Packed for Measure {
    fn write(&self, writer: &mut Writer<'_>) {
        let kind = MeasureKind::ALL.into_iter().find(|kind| Measure::from(*kind) == *self);
        kind.write(writer);
        match self {
            Measure::PhoneCardLimit(lapse) | Measure::PhoneCardSuspend(lapse) => {
                writer.flag(matches!(self, Measure::PhoneCardSuspend(_)));
                lapse.cause().write(writer);
            }
            Measure::AuthorityStopPayment(order) | Measure::AuthorityFreeze(order) => {
                let freeze = matches!(self, Measure::AuthorityFreeze(_));
                writer.byte(2 + u8::from(freeze));
                writer.blob(order.number().as_bytes());
                writer.blob(order.issuer().as_bytes());
                order.term().write(writer);
            }
            Measure::IotCardLimit(lapse) | Measure::IotCardPause(lapse) => {
                writer.byte(16 + u8::from(matches!(self, Measure::IotCardPause(_))));
                lapse.cause().write(writer);
            }
            Measure::ListedLimitOutflow(listing)
            | Measure::ListedStopPaymentAccount(listing)
            | Measure::ListedLimitCard(listing)
            | Measure::ListedRefuseOpening(listing) => {
                let place = LISTED.iter().position(|make| make(listing.clone()) == *self);
                writer.byte(24 + place.unwrap_or_default() as u8);
                listing.write(writer);
            }
            _ => {}
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if let Some(kind) = Option::<MeasureKind>::read(reader)? {
            return Ok(Measure::from(kind));
        }
        let hard = reader.byte("a measure")?;
        if hard < 2 {
            let (event, at) = Packed::read(reader)?;
            let lapse = VerificationLapse::of(&Measure::PhoneCardReverify, event, at);
            let measure = if hard == 1 { Measure::PhoneCardSuspend } else { Measure::PhoneCardLimit };
            return lapse.map(measure).ok_or(DecodeError::Malformed("a lapse"));
        }
        if let Some(make) = hard.checked_sub(24).and_then(|place| LISTED.get(usize::from(place))) {
            return Listing::read(reader).map(make);
        }
        if let 16 | 17 = hard {
            let (event, at) = Packed::read(reader)?;
            let lapse = SceneLapse::of(&Measure::IotCardReverify, event, at);
            let measure = if hard == 17 { Measure::IotCardPause } else { Measure::IotCardLimit };
            return lapse.map(measure).ok_or(DecodeError::Malformed("a lapse"));
        }
        if hard > 3 {
            return Err(DecodeError::Malformed("a measure"));
        }
        let (number, issuer): (String, String) = Packed::read(reader)?;
        let (start, end) = Packed::read(reader)?;
        let order = Order::new(number, issuer, start, end).ok_or(DecodeError::Malformed("an order"))?;
        Ok(if hard == 3 { Measure::AuthorityFreeze(order) } else { Measure::AuthorityStopPayment(order) })
    }
}
