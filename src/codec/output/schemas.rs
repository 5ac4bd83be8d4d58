//! JSON Schemas of the outputs, generated from the structs that write them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::dead_letter::UnmatchedData;
use super::decided::DecidedData;
use super::disposition::{
    self, AcceptedData, AnsweredData, EndedData, ExtendedData, LapsedData, MovedData, SetData,
};
use super::envelope::CloudEvent;
use super::generation::GenerationData;
use super::lead::{self, MovedData as LeadMovedData, ObservedData as LeadObservedData, SentData};
use super::measure::{self, InForceData};
use super::notice::{self, AnsweredNoticeData, EndedNoticeData, SetNoticeData};
use super::observation::{self, ObservationData};
use super::order::{self, AnsweredData as OrderAnsweredData};
use super::quality::{self, ShadowedEvent};

/// Every output's name and JSON Schema (2020-12), in a fixed order. The name of a CloudEvent is its `type`.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        event::<AcceptedData<'_>>(disposition::OPENING_ACCEPTED),
        event::<SetData<'_>>(disposition::MEASURE_SET),
        event::<EndedData<'_>>(disposition::MEASURE_ENDED),
        event::<LapsedData<'_>>(disposition::RESERVATION_LAPSED),
        event::<MovedData<'_>>(disposition::MEASURE_MOVED),
        event::<SetNoticeData<'_>>(notice::OF_SET),
        event::<EndedNoticeData<'_>>(notice::OF_ENDED),
        event::<InForceData<'_>>(measure::IN_FORCE),
        event::<ObservationData<'_>>(observation::OBSERVED),
        event::<AnsweredData<'_>>(disposition::APPEAL_ANSWERED),
        event::<AnsweredNoticeData<'_>>(notice::OF_ANSWERED),
        enveloped::<ShadowedEvent<'_>>(quality::SHADOWED),
        event::<ExtendedData<'_>>(disposition::MEASURE_EXTENDED),
        event::<SetNoticeData<'_>>(notice::OF_EXTENDED),
        event::<OrderAnsweredData<'_>>(order::ANSWERED),
        event::<SentData<'_>>(lead::SENT),
        event::<LeadMovedData<'_>>(lead::MOVED),
        event::<LeadObservedData<'_>>(lead::OBSERVED),
        plain::<DecidedData>("duecourse.decided.v1"),
        plain::<GenerationData>("duecourse.decided.generation.v1"),
        plain::<UnmatchedData>("duecourse.dead_letter.unmatched.v1"),
    ]
}

fn event<T: JsonSchema>(event_type: &'static str) -> (&'static str, Value) {
    enveloped::<CloudEvent<T>>(event_type)
}

/// A CloudEvent with an envelope of its own.
fn enveloped<T: JsonSchema>(event_type: &'static str) -> (&'static str, Value) {
    let (name, mut schema) = plain::<T>(event_type);
    for (field, value) in
        [("specversion", "1.0"), ("type", event_type), ("datacontenttype", "application/json")]
    {
        if let Some(field) = schema.pointer_mut(&format!("/properties/{field}")) {
            *field = json!({ "const": value });
        }
    }
    (name, schema)
}

fn plain<T: JsonSchema>(name: &'static str) -> (&'static str, Value) {
    // Of what is written: a field that is always written is required.
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), json!(name));
    }
    (name, schema)
}
