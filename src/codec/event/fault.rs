//! What can be wrong with the bytes of an event. Faults name codes, never values.

/// A fault found while reading an event. `intake::refusal` documents each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("json_malformed")]
    JsonMalformed,
    #[error("envelope_attribute_missing")]
    EnvelopeAttributeMissing,
    #[error("type_unknown")]
    TypeUnknown,
    #[error("field_missing")]
    FieldMissing,
    #[error("field_invalid")]
    FieldInvalid,
    #[error("time_unreadable")]
    TimeUnreadable,
    #[error("amount_unreadable")]
    AmountUnreadable,
    #[error("amount_negative")]
    AmountNegative,
    #[error("amount_over_precise")]
    AmountOverPrecise,
    #[error("amount_overflow")]
    AmountOverflow,
    #[error("currency_unknown")]
    CurrencyUnknown,
}

impl Fault {
    /// Those that a field's reader raises through serde, whose errors are texts.
    const RAISED: [Fault; 6] = [
        Fault::TimeUnreadable,
        Fault::AmountUnreadable,
        Fault::AmountNegative,
        Fault::AmountOverPrecise,
        Fault::AmountOverflow,
        Fault::CurrencyUnknown,
    ];

    /// The fault behind an error of serde: the one that a field raised, or what serde found itself.
    #[must_use]
    pub fn of(error: &dyn std::error::Error) -> Fault {
        let text = error.to_string();
        let word = text.split(' ').next().unwrap_or_default();
        if let Some(raised) = Fault::RAISED.into_iter().find(|fault| fault.to_string() == word) {
            return raised;
        }
        if text.starts_with("missing field") { Fault::FieldMissing } else { Fault::FieldInvalid }
    }

    /// The fault behind an error of the JSON reader.
    #[must_use]
    pub fn of_json(error: &serde_json::Error) -> Fault {
        match error.classify() {
            serde_json::error::Category::Data => Fault::of(error),
            _ => Fault::JsonMalformed,
        }
    }
}
