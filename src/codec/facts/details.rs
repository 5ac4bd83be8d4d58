//! What a transfer's event says beside its parties and amount; the form is in `body`.

use crate::engine::fact::{Channel, Essential, TransferDetails};

use super::DecodeError;
use super::bytes::{Reader, Writer};

pub(super) fn write_details(writer: &mut Writer<'_>, details: &TransferDetails) {
    writer.byte(details.channel as u8);
    writer.byte(details.essential as u8);
    writer.byte(
        u8::from(details.to_bound_account)
            | u8::from(details.to_own_account) << 1
            | u8::from(details.cash) << 2
            | u8::from(details.strong_auth) << 3
            | u8::from(details.remote_control) << 4
            | u8::from(details.after_loan) << 5,
    );
    writer.option(details.balance_after, Writer::zigzag);
    writer.option(details.agreed_daily_sum, Writer::zigzag);
}

pub(super) fn read_details(reader: &mut Reader<'_>) -> Result<TransferDetails, DecodeError> {
    const WHAT: &str = "the details of a transfer";
    let channel = Channel::from_code(reader.byte(WHAT)?).ok_or(DecodeError::Malformed(WHAT))?;
    let essential = Essential::from_code(reader.byte(WHAT)?).ok_or(DecodeError::Malformed(WHAT))?;
    let flags = reader.byte(WHAT)?;
    if flags > 0b11_1111 {
        return Err(DecodeError::Malformed(WHAT));
    }
    let details = TransferDetails {
        channel,
        essential,
        to_bound_account: flags & 1 != 0,
        to_own_account: flags & 2 != 0,
        cash: flags & 4 != 0,
        strong_auth: flags & 8 != 0,
        remote_control: flags & 16 != 0,
        after_loan: flags & 32 != 0,
        balance_after: reader.option(WHAT, |reader| reader.zigzag(WHAT))?,
        agreed_daily_sum: reader.option(WHAT, |reader| reader.zigzag(WHAT))?,
    };
    // Details that say nothing are not written: one fact has one form.
    if details == TransferDetails::default() { Err(DecodeError::Malformed(WHAT)) } else { Ok(details) }
}
