//! Why a record is refused: one code for every reason, documented in one table (`config/schemas/refusals.md`).

use crate::codec::event::Fault;
use crate::engine::base::TimeMs;

/// A record that was refused. It moved nothing; its dead letter carries the code and no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .code.name())]
pub struct Refusal {
    pub code: RefusalCode,
    /// The event's time, if it could be read and lies within what is accepted: runs that merge
    /// files need it to keep their place in the order.
    pub at: Option<TimeMs>,
}

impl From<RefusalCode> for Refusal {
    fn from(code: RefusalCode) -> Refusal {
        Refusal { code, at: None }
    }
}

/// Declares the codes with their documentation, so that table and enum cannot differ.
macro_rules! refusal_codes {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// The reason of a refusal. Names are stable; what each means is in its documentation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RefusalCode { $(#[doc = $doc] $variant,)* }

        impl RefusalCode {
            pub const ALL: &'static [RefusalCode] = &[$(RefusalCode::$variant,)*];

            /// The code in dead letters, metrics and reports.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(RefusalCode::$variant => $name,)* }
            }

            /// One sentence on what it means.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $(RefusalCode::$variant => $doc,)* }
            }
        }
    };
}

refusal_codes! {
    RecordEmpty "record_empty" "The record has no bytes (in Kafka: a null value too).",
    RecordTooLarge "record_too_large" "The record is longer than 1 MiB.",
    NotUtf8 "not_utf8" "The record is not valid UTF-8.",
    JsonMalformed "json_malformed" "The record is not one whole JSON document.",
    CsvHeaderInvalid "csv_header_invalid" "The CSV header lacks a required column, names one twice, or belongs to no table of the source.",
    CsvQuoteOpen "csv_quote_open" "A quote is opened and not closed on the line; quotes never span lines.",
    CsvColumnCount "csv_column_count" "The line does not have as many columns as the header.",
    EnvelopeAttributeMissing "envelope_attribute_missing" "A CloudEvents attribute (specversion, id, type, source, time) or `data` is missing.",
    EnvelopeVersionUnknown "envelope_version_unknown" "The CloudEvents `specversion` is not 1.0.",
    TypeUnknown "type_unknown" "The event type is none of ours, or no mapping of the source matches the row.",
    TypeNotAccepted "type_not_accepted" "The source does not list this event type among those it accepts.",
    EventIdMissing "event_id_missing" "The event has no id, or an empty one.",
    FieldMissing "field_missing" "A required field is missing.",
    FieldInvalid "field_invalid" "A field has the wrong type, is given twice, or has a value outside its list.",
    IdTooLong "id_too_long" "An identifier is longer than the source allows (64 bytes unless it says otherwise).",
    TimeUnreadable "time_unreadable" "A time is not RFC 3339 with an offset, or not whole epoch milliseconds where the source declares those.",
    TimeOutOfRange "time_out_of_range" "A time lies outside 2000-01-01 to 2100-01-01 UTC.",
    TimeAheadOfRecord "time_ahead_of_record" "The event's time lies past the record's own timestamp by more than the declared skew.",
    TimeJump "time_jump" "In `run` and `feed`: the event's time lies more than 400 days past the newest accepted row.",
    FeedbackUnmatched "feedback_unmatched" "In `run` and `feed`: a feedback line names an event that is not among the accepted rows.",
    AmountUnreadable "amount_unreadable" "The amount is not a plain decimal number.",
    AmountNegative "amount_negative" "The amount is negative; a refund is an event of its own.",
    AmountOverPrecise "amount_over_precise" "The amount has more decimals than its currency's minor unit.",
    AmountOverflow "amount_overflow" "The amount exceeds 2^53 - 1 minor units, the largest that every JSON reader keeps exact.",
    CurrencyUnknown "currency_unknown" "The currency is not three upper-case letters (ISO 4217).",
    InstitutionUnknown "institution_unknown" "A party of ours names an institution that is not the configured one.",
    HolderMissing "holder_missing" "A party of ours has no holder and the source does not declare `holder_from = account`.",
    HolderMismatch "holder_mismatch" "Two parties of one event that must have the same holder do not.",
    RefMissing "ref_missing" "A party of ours has no ref or account id, or an empty one.",
    RefLooksLikeIdentity "ref_looks_like_identity" "A ref looks like a resident identity number; refs are opaque and leave with notices.",
    RefLooksLikeCard "ref_looks_like_card" "A ref looks like a payment card number (13 to 19 digits with a valid check digit).",
    RefLooksLikePhone "ref_looks_like_phone" "A ref looks like a mobile phone number.",
    PartyKindMismatch "party_kind_mismatch" "A party's kind is not one that this event, or its product, can have.",
    PartiesIncomplete "parties_incomplete" "A transfer does not name exactly two of payer, payee and counterparty, or a confirmed fraud names all three.",
    OwnPartyMissing "own_party_missing" "None of the event's parties is ours.",
    AppealRefInvalid "appeal_ref_invalid" "The appeal reference is malformed or its check digit is wrong.",
    CorrectionEmpty "correction_empty" "A correction has neither `before` nor `after`.",
    CorrectionTypeUnsupported "correction_type_unsupported" "Events of the corrected type cannot be corrected.",
    RulesDigestMismatch "rules_digest_mismatch" "The rule bundle's SHA-256 is not the one that the event names.",
    RulesUnspoken "rules_unspoken" "The rule set asks for engine semantics that this program does not speak; intake stops before it instead of refusing it.",
    RulesDoNotCompile "rules_do_not_compile" "The rule bundle does not compile; the rules in force stay.",
    RulesUnsigned "rules_unsigned" "The rule bundle is not signed, and signing keys are registered or this is production.",
    RulesKeyUnknown "rules_key_unknown" "The rule bundle is signed by a key that `rules.signing_keys` does not have.",
    RulesKeyNotValid "rules_key_not_valid" "The key that signed the rule bundle is not valid yet, or not any more, at the record's time.",
    RulesSignatureInvalid "rules_signature_invalid" "The signature does not fit the rule bundle and its key.",
    RulesAssessmentMissing "rules_assessment_missing" "In production an activation names the id of its impact assessment (PIPL 55, 56), and this one does not.",
    GoLiveReasonMissing "go_live_reason_missing" "In production going live names its reason, and this event does not.",
    OrderUnsigned "order_unsigned" "An order, extension or release of an authority bears no key id or no signature.",
    OrderKeyUnknown "order_key_unknown" "An order is signed by a key that `orders.keys` does not have.",
    OrderKeyNotValid "order_key_not_valid" "The key that signed an order is not valid yet, or not any more, at the record's time.",
    OrderKeyOfAnother "order_key_of_another" "The key that signed an order may not sign for its issuer, or not at that level.",
    OrderSignatureInvalid "order_signature_invalid" "The signature does not fit the order and its key.",
    OrderWithoutEnd "order_without_end" "An order or extension has no end; no term is made up for it.",
    OrderTermInvalid "order_term_invalid" "An order does not end after it starts.",
    OrderCodeUnknown "order_code_unknown" "The message code is not listed, or means something else than the event says.",
    OrderNoticeInvalid "order_notice_invalid" "A deferred notice names no clause or no time, or one that is not deferred names them.",
    AuthorisationPurposeNotGrantable "authorisation_purpose_not_grantable" "An authorisation opens the use `victim` or `protection`; no authorisation opens another (APL 16, 18(4)), and credit scoring, marketing and the like are no purposes at all.",
    SpecialWithoutApproval "special_without_approval" "A special measure in an area names no approval by the national mechanism (APL 35).",
    SpecialUnbounded "special_unbounded" "A special measure names neither a place nor a class of product, or more than a thousand places.",
    EntryLevelTooLow "entry_level_too_low" "A list entry was decided below the level of a prefecture-level city (APL 31).",
    EntryTestMissing "entry_test_missing" "A list entry does not name the test that was met, names one of another category, or is below the counts without the number of a provincial approval.",
}

impl RefusalCode {
    #[must_use]
    pub fn from_name(name: &str) -> Option<RefusalCode> {
        RefusalCode::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// The table of all codes, as committed in `config/schemas/refusals.md`.
    #[must_use]
    pub fn table() -> String {
        let mut table = String::from(
            "# Why a record is refused\n\nGenerated from `src/intake/refusal.rs`; a test fails when it drifts \
             (`UPDATE_SCHEMAS=1` rewrites it).\nA dead letter carries the code, never content. A refused record \
             moves nothing, time included.\n\n| code | meaning |\n|---|---|\n",
        );
        for code in RefusalCode::ALL {
            table.push_str(&format!("| `{}` | {} |\n", code.name(), code.doc()));
        }
        table
    }
}

impl From<Fault> for RefusalCode {
    fn from(fault: Fault) -> RefusalCode {
        match fault {
            Fault::JsonMalformed => RefusalCode::JsonMalformed,
            Fault::EnvelopeAttributeMissing => RefusalCode::EnvelopeAttributeMissing,
            Fault::TypeUnknown => RefusalCode::TypeUnknown,
            Fault::FieldMissing => RefusalCode::FieldMissing,
            Fault::FieldInvalid => RefusalCode::FieldInvalid,
            Fault::TimeUnreadable => RefusalCode::TimeUnreadable,
            Fault::AmountUnreadable => RefusalCode::AmountUnreadable,
            Fault::AmountNegative => RefusalCode::AmountNegative,
            Fault::AmountOverPrecise => RefusalCode::AmountOverPrecise,
            Fault::AmountOverflow => RefusalCode::AmountOverflow,
            Fault::CurrencyUnknown => RefusalCode::CurrencyUnknown,
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        RefusalCode::from(fault).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_lower_snake_case_and_documented() {
        let mut names: Vec<&str> = RefusalCode::ALL.iter().map(|code| code.name()).collect();
        assert!(
            names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'8'))
        );
        assert!(RefusalCode::ALL.iter().all(|code| code.doc().ends_with('.')));
        for name in &names {
            assert_eq!(RefusalCode::from_name(name).map(RefusalCode::name), Some(*name));
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RefusalCode::ALL.len());
    }

    #[test]
    fn the_committed_table_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/schemas/refusals.md");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, RefusalCode::table()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), RefusalCode::table());
    }
}
